//! A change of a subscription is carried out, and paid for if something is due at once.

use super::attempt::Presence;
use super::change::Prepared;
use super::retries::By;
use super::{collect, cycle, discounts, dunning, invoicing, pending_update};
use crate::error::Result;
use crate::objects::invoice;
use crate::state::{Fields, World};
use serde_json::Value;

/// What a change does that cannot be paid for:
/// <https://docs.stripe.com/api/subscriptions/update#update_subscription-payment_behavior>
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unpaid {
    /// It is there, and the subscription is past due.
    PastDue,
    /// Nobody is charged yet: the customer will confirm the payment.
    Confirmed,
    /// It is refused as a whole.
    Refused,
    /// It waits for the payment.
    Waits,
}

impl Unpaid {
    /// What `payment_behavior` says.
    pub(crate) fn by(params: &Value) -> Self {
        match params.text("payment_behavior") {
            Some("default_incomplete") => Self::Confirmed,
            Some("error_if_incomplete") => Self::Refused,
            Some("pending_if_incomplete") => Self::Waits,
            _ => Self::PastDue,
        }
    }
}

/// Carries out what was prepared.
pub(crate) fn carry_out(
    world: &mut World,
    before: &Value,
    prepared: Prepared,
    unpaid: Unpaid,
    presence: Presence,
) -> Result<()> {
    let Prepared { after, draft } = prepared;
    let Some(draft) = draft else {
        keep(world, before, &after);
        return Ok(());
    };
    if unpaid == Unpaid::Waits {
        return pay_first(world, before, &after, &draft, presence);
    }
    keep(world, before, &after);
    if after.is("status", "unpaid") {
        // Its invoices stay drafts.
        return Ok(());
    }
    let invoice = invoicing::finalize(world, &draft);
    if !invoice.is("status", "open") {
        return Ok(());
    }
    if unpaid == Unpaid::Confirmed {
        dunning::owes(world, &after);
        return Ok(());
    }
    let method = invoice::method_for(world, &invoice);
    let charged = dunning::charge(world, &invoice, method.as_ref(), presence, By::Request);
    match charged {
        Err(error) if unpaid == Unpaid::Refused => Err(dunning::for_subscription(error)),
        // Without any payment method Stripe refuses the change, as it refuses to create such a subscription.
        Err(error) if method.is_none() => Err(error),
        // A refusal leaves the subscription past due; it is for the caller to see.
        _ => Ok(()),
    }
}

/// The change is made once its invoice is paid.
fn pay_first(
    world: &mut World,
    before: &Value,
    after: &Value,
    draft: &Value,
    presence: Presence,
) -> Result<()> {
    let mut invoice = invoicing::finalize(world, draft);
    if invoice.is("status", "open") {
        // Nobody tries again by itself.
        invoice.set("_never_retried", true);
        world.save(&invoice);
        let method = invoice::method_for(world, &invoice);
        let charged = collect::charge(world, &invoice, method.as_ref(), presence, By::Request);
        match charged {
            Err(error) if method.is_none() => return Err(error),
            Err(_) => {
                pending_update::keep(world, before, after, &invoice);
                return Ok(());
            }
            Ok(_) => {}
        }
    }
    let mut after = after.clone();
    discounts::drop_ended(world, &mut after);
    keep(world, before, &after);
    Ok(())
}

fn keep(world: &mut World, before: &Value, after: &Value) {
    world.update(before, after, "customer.subscription.updated");
    cycle::reschedule(world, after);
    if before.at("trial_end") != after.at("trial_end") {
        cycle::announce_trial(world, after);
    }
}
