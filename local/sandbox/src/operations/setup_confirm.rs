//! Confirming a SetupIntent: a wallet may send the shopper away, a card is checked at once.

use super::{payment_methods, subscriptions};
use crate::billing::first_transaction::{self, First};
use crate::error::{ApiError, Result};
use crate::objects::{payment_method_types, setup_attempt, setup_intent, test_cards};
use crate::params::call::{Answer, Call};
use crate::state::render::shown;
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use crate::wallets::{self, Redirect};
use serde_json::{Value, json};

/// How long the shopper has on the wallet's page, after which it counts as a decline.
///
/// <https://docs.stripe.com/payments/amazon-pay/accept-a-payment> says so for payments; that setups are the same is
/// an inference from the error code `setup_intent_setup_attempt_expired`.
const REDIRECT_SECONDS: i64 = 600;

/// Makes an attempt to set the payment method up. The intent may already carry what the request changed.
///
/// An intent that waits for the shopper may be confirmed again: the attempt under way is abandoned and a new one
/// begins. Stripe's documents do not say whether it allows that for Amazon Pay.
pub(crate) fn confirm_intent(world: &mut World, intent: &Value, call: &Call) -> Answer {
    if matches!(
        intent.text("status"),
        Some("succeeded" | "canceled" | "processing")
    ) {
        return Err(setup_intent::unexpected_state(intent, "confirm"));
    }
    let Some(method) = payment_methods::to_confirm(world, &call.params, intent)? else {
        let message = "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with \
                       a payment method or send one with the confirmation.";
        return Err(ApiError::invalid(message)
            .with_code("setup_intent_unexpected_state")
            .with("setup_intent", shown(intent)));
    };
    payment_method_types::check_way_back(intent, &call.params)?;
    match method.text("type").and_then(wallets::redirect) {
        Some((_, wallet)) => redirect(world, intent, &method, wallet, call),
        None => check_card(world, intent, &method, call),
    }
}

fn redirect(
    world: &mut World,
    intent: &Value,
    method: &Value,
    wallet: &Redirect,
    call: &Call,
) -> Answer {
    let return_url = return_url(&call.params)?;
    let acceptance = acceptance(world, intent, call)?;
    abandon_attempt(world, intent);
    let attempt = new_attempt(world, intent, method, "requires_action");
    let mut waiting = intent.clone();
    waiting.set("latest_attempt", attempt.id());
    waiting.set("payment_method", method.id());
    waiting.set("last_setup_error", Value::Null);
    waiting.set("status", "requires_action");
    waiting.set("_acceptance", acceptance);
    waiting.set("_page", wallet.page);
    waiting.set("_return_url", return_url);
    let deadline = world.now() + REDIRECT_SECONDS;
    waiting.set("_page_until", deadline);
    lead_to_page(world, &mut waiting);
    world.save(&waiting);
    world.schedule(Due::RedirectExpires, &waiting, deadline);
    world.emit("setup_intent.requires_action", &waiting);
    Ok(waiting)
}

/// Sends the shopper to the page of the wallet or of the card's bank.
fn lead_to_page(world: &World, intent: &mut Value) {
    // An older sandbox noted no page for the one wallet that it had.
    let name = intent.text("_page").unwrap_or("amazon-pay");
    let page = format!("{}/sandbox/{name}/{}", world.base_url, intent.id());
    let return_url = intent.text("_return_url").unwrap_or_default();
    let action = match wallets::of_page(name) {
        Some((_, wallet)) => {
            let until = intent.int("_page_until").unwrap_or_else(|| world.now());
            (wallet.next_action)(&page, return_url, until)
        }
        None => wallets::redirect_to(&page, return_url),
    };
    intent.set("next_action", action);
}

/// A sandbox that was started on another port takes its pages along.
pub(crate) fn move_pages(world: &mut World) {
    let waiting: Vec<Value> = world
        .store
        .having(Kind::SetupIntent, "status", "requires_action")
        .filter(|intent| setup_intent::goes_away(intent))
        .cloned()
        .collect();
    let payments = world
        .store
        .having(Kind::PaymentIntent, "status", "requires_action");
    let payments: Vec<Value> = payments
        .filter(|intent| setup_intent::goes_away(intent))
        .cloned()
        .collect();
    for intent in waiting.into_iter().chain(payments) {
        let mut moved = intent.clone();
        lead_to_page(world, &mut moved);
        if moved != intent {
            world.save(&moved);
        }
    }
}

fn return_url(params: &Value) -> Result<String> {
    let Some(given) = params.text("return_url") else {
        let message = "You must provide a `return_url` when confirming with a payment method that redirects the customer.";
        return Err(ApiError::missing("return_url").with_message(message));
    };
    match url::Url::parse(given) {
        Ok(url) if url.has_host() => Ok(given.to_owned()),
        _ => Err(ApiError::validation("Not a valid URL")
            .with_code("url_invalid")
            .with_param("return_url")),
    }
}

/// How the customer accepted the mandate. Saving such a wallet for charges without the customer needs one.
fn acceptance(world: &World, intent: &Value, call: &Call) -> Result<Value> {
    let given = call.params.at("mandate_data.customer_acceptance");
    if given.is_null() {
        if intent.is("usage", "off_session") {
            return Err(ApiError::missing("mandate_data"));
        }
        return Ok(Value::Null);
    }
    let accepted_at = given.int("accepted_at").unwrap_or_else(|| world.now());
    if given.is("type", "offline") {
        return Ok(json!({"accepted_at": accepted_at, "offline": {}, "type": "offline"}));
    }
    let online = given.at("online");
    let (ip, agent) = if online.flag("infer_from_client") {
        (call.client.ip.clone(), call.client.user_agent.clone())
    } else {
        let param = |name: &str| format!("mandate_data[customer_acceptance][online][{name}]");
        let field = |name: &str| {
            online
                .owned(name)
                .ok_or_else(|| ApiError::missing(&param(name)))
        };
        let ip = field("ip_address")?;
        if ip.parse::<std::net::IpAddr>().is_err() {
            return Err(ApiError::validation(format!("Invalid IP address: {ip}"))
                .with_param(param("ip_address")));
        }
        (ip, field("user_agent")?)
    };
    Ok(
        json!({"accepted_at": accepted_at, "online": {"ip_address": ip, "user_agent": agent}, "type": "online"}),
    )
}

fn check_card(world: &mut World, intent: &Value, method: &Value, call: &Call) -> Answer {
    abandon_attempt(world, intent);
    let mut after = intent.clone();
    after.set("next_action", Value::Null);
    let first = match test_cards::setup_refusal(method) {
        Some(error) => First::Declined(error),
        None => first_transaction::make(world, method),
    };
    if let First::Declined(error) = first {
        let attempt = new_attempt(world, intent, method, "failed");
        let failed = fail(world, &after, &attempt, error.clone());
        return Err(error.with("setup_intent", shown(&failed)).keeping_changes());
    }
    let waits = matches!(first, First::Authenticate(_));
    let status = if waits {
        "requires_action"
    } else {
        "succeeded"
    };
    let attempt = new_attempt(world, intent, method, status);
    after.set("latest_attempt", attempt.id());
    after.set("payment_method", method.id());
    after.set("last_setup_error", Value::Null);
    after.set("status", status);
    if waits {
        ask_bank(world, &mut after, &call.params)?;
        world.save(&after);
        world.emit("setup_intent.requires_action", &after);
        return Ok(after);
    }
    if let Some(customer) = intent
        .text("customer")
        .filter(|customer| !method.is("customer", customer))
    {
        payment_methods::attach_to(world, method.id(), customer, "payment_method")?;
    }
    world.save(&after);
    world.emit("setup_intent.succeeded", &after);
    subscriptions::setup_done(world, &after);
    Ok(after)
}

/// The bank asks the customer in the page, where Stripe.js is there to show it, and otherwise on a page of its own.
fn ask_bank(world: &World, intent: &mut Value, params: &Value) -> Result<()> {
    if params.flag("use_stripe_sdk") || !params.has("return_url") {
        let by_script = json!({"type": "use_stripe_sdk", "use_stripe_sdk": {}});
        intent.set("next_action", by_script);
        return Ok(());
    }
    let return_url = return_url(params)?;
    intent.set("_page", "bank");
    intent.set("_return_url", return_url);
    lead_to_page(world, intent);
    Ok(())
}

/// Records that the attempt failed: the intent needs another payment method, and says why.
pub(crate) fn fail(world: &mut World, intent: &Value, attempt: &Value, error: ApiError) -> Value {
    let method = attempt
        .text("payment_method")
        .and_then(|method| world.store.get(Kind::PaymentMethod, method))
        .map(shown);
    let error = error.with("payment_method", method).hash();
    let mut attempt = attempt.clone();
    attempt.set("status", "failed");
    attempt.set("setup_error", error.clone());
    world.save(&attempt);
    let mut failed = intent.clone();
    failed.set("latest_attempt", attempt.id());
    failed.set("last_setup_error", error);
    failed.set("next_action", Value::Null);
    failed.set("payment_method", Value::Null);
    failed.set("status", "requires_payment_method");
    world.unschedule(Due::RedirectExpires, intent.id());
    world.save(&failed);
    world.emit("setup_intent.setup_failed", &failed);
    failed
}

/// Ends the attempt that still waits for the shopper, if there is one.
pub(crate) fn abandon_attempt(world: &mut World, intent: &Value) {
    let attempt = intent
        .text("latest_attempt")
        .and_then(|attempt| world.store.get(Kind::SetupAttempt, attempt))
        .cloned();
    if let Some(mut attempt) = attempt.filter(|attempt| attempt.is("status", "requires_action")) {
        attempt.set("status", "abandoned");
        world.save(&attempt);
    }
}

fn new_attempt(world: &mut World, intent: &Value, method: &Value, status: &str) -> Value {
    let attempt = setup_attempt::new(world, intent, method, status);
    world.save(&attempt);
    attempt
}
