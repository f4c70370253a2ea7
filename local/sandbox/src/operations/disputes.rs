//! Disputes: opened and decided.

use crate::error::{ApiError, Result};
use crate::objects::dispute;
use crate::operations::fraud_warnings;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// How a dispute ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// For the shop.
    Won,
    /// For the shopper.
    Lost,
}

/// Opens a dispute about the whole charge, with the money withdrawn from the shop.
pub(crate) fn open(world: &mut World, charge: &str, reason: &str) -> Result<Value> {
    let before = world.at_path(Kind::Charge, charge)?;
    if !before.is("status", "succeeded") || before.flag("disputed") {
        let message = "Only a successful charge can be disputed, and only once.";
        return Err(ApiError::invalid(message));
    }
    let mut disputed = before.clone();
    disputed.set("disputed", true);
    world.save(&disputed);
    let dispute = dispute::new(world, &before, reason);
    world.create(&dispute, "charge.dispute.created");
    world.emit("charge.dispute.funds_withdrawn", &dispute);
    fraud_warnings::follow(world, &disputed);
    Ok(dispute)
}

/// Decides a dispute that is open, or one that was lost and is won after all.
pub(crate) fn close(world: &mut World, id: &str, verdict: Verdict) -> Result<Value> {
    let before = world.at_path(Kind::Dispute, id)?;
    let appealed = before.is("status", "lost") && verdict == Verdict::Won;
    if matches!(before.text("status"), Some("won" | "lost")) && !appealed {
        return Err(ApiError::invalid("This dispute is closed already."));
    }
    let mut dispute = before.clone();
    let status = match verdict {
        Verdict::Won => "won",
        Verdict::Lost => "lost",
    };
    dispute.set("status", status);
    dispute.set("evidence_details.due_by", Value::Null);
    world.save(&dispute);
    if verdict == Verdict::Won {
        let mut charge = world.get(Kind::Charge, before.text("charge").unwrap_or_default())?;
        charge.set("_won", true);
        world.save(&charge);
        world.emit("charge.dispute.funds_reinstated", &dispute);
    }
    world.emit("charge.dispute.closed", &dispute);
    Ok(dispute)
}
