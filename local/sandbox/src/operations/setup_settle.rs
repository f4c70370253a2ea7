//! What the shopper does on the page that stands for a wallet's or answers the card's bank, or does not do in time.

use super::{setup_confirm, subscriptions};
use crate::billing::first_transaction;
use crate::error::{ApiError, Result};
use crate::objects::{mandate, setup_intent};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::Value;

/// What the shopper chose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Choice {
    /// Agreed to be charged.
    Approve,
    /// Refused.
    Decline,
    /// Went back without an answer.
    Close,
}

impl Choice {
    /// The choice by the name that stands in a path or form.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "approve" => Some(Self::Approve),
            "decline" => Some(Self::Decline),
            "close" => Some(Self::Close),
            _ => None,
        }
    }
}

/// Does what the shopper chose and says where the browser goes next, if it had been sent away.
pub(crate) fn settle(world: &mut World, id: &str, choice: Choice) -> Result<Option<String>> {
    let intent = world.at_path(Kind::SetupIntent, id)?;
    if !intent.is("status", "requires_action") {
        let message = format!(
            "This SetupIntent waits for nobody: its status is {}.",
            intent.text("status").unwrap_or_default()
        );
        return Err(ApiError::invalid(message).with_code("setup_intent_unexpected_state"));
    }
    let status = match choice {
        Choice::Approve => {
            succeed(world, &intent)?;
            "succeeded"
        }
        Choice::Decline => {
            let message = "The latest attempt to set up the payment method has failed because authentication failed.";
            refuse(
                world,
                &intent,
                ApiError::invalid(message).with_code("setup_intent_authentication_failure"),
            )?;
            "failed"
        }
        Choice::Close => "pending",
    };
    Ok(setup_intent::redirect_url(&intent, status))
}

/// Ends an attempt that nobody answered.
pub(crate) fn expire(world: &mut World, id: &str) -> Result<()> {
    let intent = world.get(Kind::SetupIntent, id)?;
    if !intent.is("status", "requires_action") {
        return Ok(());
    }
    let message = "The latest attempt to set up the payment method has expired because the customer did not act in time.";
    refuse(
        world,
        &intent,
        ApiError::invalid(message).with_code("setup_intent_setup_attempt_expired"),
    )
}

fn refuse(world: &mut World, intent: &Value, error: ApiError) -> Result<()> {
    let attempt = world.get(
        Kind::SetupAttempt,
        intent.text("latest_attempt").unwrap_or_default(),
    )?;
    setup_confirm::fail(world, intent, &attempt, error);
    Ok(())
}

fn succeed(world: &mut World, intent: &Value) -> Result<()> {
    let mut attempt = world.get(
        Kind::SetupAttempt,
        intent.text("latest_attempt").unwrap_or_default(),
    )?;
    attempt.set("status", "succeeded");
    world.save(&attempt);
    let mut method = world.get(
        Kind::PaymentMethod,
        intent.text("payment_method").unwrap_or_default(),
    )?;
    let mut done = intent.clone();
    let kind = method.owned("type").unwrap_or_default();
    if let Some((_, wallet)) = wallets::redirect(&kind) {
        method.set(&kind, (wallet.details)(true));
    }
    if intent.has("_acceptance") {
        let mandate = mandate::new(&method, intent.at("_acceptance"));
        world.save(&mandate);
        done.set("mandate", mandate.id());
        method.set("_mandate", mandate.id());
    }
    if first_transaction::of_wallet(&method) {
        method = first_transaction::authenticated(world, &method);
    }
    if intent.has("customer") && !method.has("customer") {
        method.set("customer", intent.at("customer").clone());
        world.save(&method);
        world.emit("payment_method.attached", &method);
    } else {
        world.save(&method);
    }
    done.set("next_action", Value::Null);
    done.set("status", "succeeded");
    world.unschedule(Due::RedirectExpires, done.id());
    world.save(&done);
    world.emit("setup_intent.succeeded", &done);
    subscriptions::setup_done(world, &done);
    Ok(())
}
