//! Confirming a `PaymentIntent`: with the customer there, or without.

use super::payment_methods;
use super::setup_settle::Choice;
use crate::billing::attempt::{self, Outcome, Presence};
use crate::billing::retries::By;
use crate::billing::{charges, collect, dunning, first_transaction, payment_outcome};
use crate::error::{ApiError, Result};
use crate::objects::{invoice, payment_intent, payment_method_types, payment_options};
use crate::params::call::Answer;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::Value;

/// Charges the payment method. The intent may already carry what the request changed; a refusal by the bank stays
/// recorded on it.
pub(crate) fn attempt(
    world: &mut World,
    intent: &Value,
    method: Option<Value>,
    params: &Value,
) -> Answer {
    let Some(method) = method else {
        let message =
            "You cannot confirm this PaymentIntent because it's missing a payment method.";
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_unexpected_state")
            .with("payment_intent", shown(intent)));
    };
    payment_method_types::check_way_back(intent, params)?;
    let kind = method.text("type").unwrap_or_default();
    if wallets::redirect(kind).is_some() && !method.has("customer") {
        return Err(ApiError::not_simulated(&format!(
            "confirming a PaymentIntent with a new {kind} payment method"
        )));
    }
    collect::check_currency(&method, intent)?;
    let presence = Presence::by(params.at("off_session"));
    if presence == Presence::Away {
        check_absence(intent, &method)?;
    }
    if intent.has("_invoice") {
        return pay_invoice(world, intent, &method, presence);
    }
    match attempt::outcome(world, &method, intent.at("customer"), presence) {
        Outcome::Paid => paid(world, intent, &method),
        Outcome::Declined(error) => {
            let charge = charges::failed(world, intent, &method, &error);
            refuse(world, intent, &method, Some(&charge), &error)
        }
        // Nothing was charged yet when the bank asks for the customer, so there is no charge to show.
        Outcome::NeedsAction(error)
            if presence == Presence::Away || params.flag("error_on_requires_action") =>
        {
            refuse(world, intent, &method, None, &error)
        }
        Outcome::NeedsAction(_) => {
            // Stripe.js asks in the page; a server alone can only send the customer to the bank.
            let back = params
                .text("return_url")
                .filter(|_| !params.flag("use_stripe_sdk"));
            Ok(payment_outcome::need_action(world, intent, &method, back))
        }
    }
}

/// What a charge without the customer takes for granted: a payment method that is saved, and nothing left to set up.
fn check_absence(intent: &Value, method: &Value) -> Result<()> {
    if !intent.has("_invoice") && payment_options::future_usage(intent, method).is_some() {
        let message = "You cannot confirm with `off_session=true` when `setup_future_usage` is also set on the PaymentIntent: \
                       the customer has to be there to set the payment method up.";
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_invalid_parameter")
            .with_param("off_session"));
    }
    if !method.has("customer") {
        let message = "The payment method must be attached to the customer of this PaymentIntent to be charged with `off_session=true`.";
        return Err(ApiError::invalid(message).with_param("payment_method"));
    }
    Ok(())
}

fn refuse(
    world: &mut World,
    intent: &Value,
    method: &Value,
    charge: Option<&Value>,
    error: &ApiError,
) -> Answer {
    let failed = payment_outcome::decline(world, intent, method, charge, error);
    let mut error = error
        .clone()
        .with("payment_intent", shown(&failed))
        .with("payment_method", shown(method));
    if let Some(charge) = charge {
        error = error.with("charge", charge.id());
    }
    Err(error.keeping_changes())
}

/// The bank agreed: the money moves or is held, and the payment method is kept if it should be.
fn paid(world: &mut World, intent: &Value, method: &Value) -> Answer {
    let done = if payment_intent::is_manual(intent, method) {
        payment_outcome::hold(world, intent, method)
    } else {
        payment_outcome::succeed(world, intent, method)
    };
    keep_method(world, &done, method)?;
    Ok(done)
}

/// A payment method that is to be used again becomes the customer's. One that nobody keeps is used up.
fn keep_method(world: &mut World, intent: &Value, method: &Value) -> Result<()> {
    if method.has("customer") {
        return Ok(());
    }
    if payment_options::future_usage(intent, method).is_none() {
        let mut used = world.get(Kind::PaymentMethod, method.id())?;
        used.set("_consumed", true);
        world.save(&used);
    } else if let Some(customer) = intent.text("customer") {
        payment_methods::attach_to(world, method.id(), customer, "payment_method")?;
    }
    Ok(())
}

fn pay_invoice(world: &mut World, intent: &Value, method: &Value, presence: Presence) -> Answer {
    let invoice = world.get(Kind::Invoice, intent.text("_invoice").unwrap_or_default())?;
    let charged = dunning::charge(world, &invoice, Some(method), presence, By::Request);
    if let Err(error) = charged {
        // A page is not told that this failed: it goes on to ask the customer.
        let asks = error.code.as_deref() == Some("authentication_required");
        return if asks && presence == Presence::Here {
            world.get(Kind::PaymentIntent, intent.id())
        } else {
            Err(error.keeping_changes())
        };
    }
    keep_for_subscription(world, &invoice, method)?;
    world.get(Kind::PaymentIntent, intent.id())
}

/// Saves what paid an invoice, and with `save_default_payment_method=on_subscription` lets it pay the later ones.
fn keep_for_subscription(world: &mut World, invoice: &Value, method: &Value) -> Result<()> {
    let customer = invoice.text("customer").unwrap_or_default();
    let method = payment_methods::attach_to(world, method.id(), customer, "payment_method")?;
    let Some(before) = invoice::subscription_of(world, invoice) else {
        return Ok(());
    };
    if before.is(
        "payment_settings.save_default_payment_method",
        "on_subscription",
    ) {
        let mut subscription = before.clone();
        subscription.set("default_payment_method", method.id());
        world.update(&before, &subscription, "customer.subscription.updated");
    }
    Ok(())
}

/// What the customer answers when the bank asks. Closing the bank's window leaves the question open.
pub(crate) fn answer_bank(world: &mut World, id: &str, choice: Choice) -> Answer {
    let intent = world.at_path(Kind::PaymentIntent, id)?;
    if !intent.is("status", "requires_action") {
        return Err(payment_intent::unexpected_state(&intent, "authenticate"));
    }
    let method = world.get(
        Kind::PaymentMethod,
        intent.text("payment_method").unwrap_or_default(),
    )?;
    match choice {
        Choice::Close => Ok(intent),
        Choice::Decline => {
            let message = "The provided PaymentMethod has failed authentication. Provide a new PaymentMethod to attempt to fulfill \
                           this PaymentIntent again.";
            let error =
                ApiError::invalid(message).with_code("payment_intent_authentication_failure");
            Ok(payment_outcome::decline(
                world, &intent, &method, None, &error,
            ))
        }
        Choice::Approve => {
            let method = first_transaction::authenticated(world, &method);
            let Some(invoice) = intent.text("_invoice") else {
                return paid(world, &intent, &method);
            };
            let invoice = world.get(Kind::Invoice, invoice)?;
            let done = payment_outcome::succeed(world, &intent, &method);
            collect::mark_paid(world, &invoice);
            keep_for_subscription(world, &invoice, &method)?;
            Ok(done)
        }
    }
}
