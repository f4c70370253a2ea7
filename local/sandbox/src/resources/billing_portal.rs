//! Sessions of the portal in which customers look after their subscriptions.

use super::{Answer, Call, subscription_update};
use crate::billing::cancel;
use crate::error::{ApiError, Result};
use crate::resources::customers;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// How long a session's address leads into the portal. Stripe only says that it is not for long.
const SESSION_SECONDS: i64 = 3600;

/// `POST /v1/billing_portal/sessions`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let customer = params
        .text("customer")
        .ok_or_else(|| ApiError::missing("customer"))?;
    let customer = customers::named(world, customer, "customer")?;
    if let Some(url) = params.text("return_url")
        && !url::Url::parse(url).is_ok_and(|url| url.has_host())
    {
        return Err(ApiError::validation("Not a valid URL")
            .with_code("url_invalid")
            .with_param("return_url"));
    }
    // Whoever has the address is let in, so it is a secret apart from the id.
    let secret = format!("test_{}", ids::random(40));
    let session = json!({
        "id": ids::id("bps"),
        "object": "billing_portal.session",
        "after_expiration": null,
        "configuration": "bpc_1PerennialSandboxDefault0",
        "created": world.now(),
        "customer": customer.id(),
        "customer_account": null,
        "flow": null,
        "livemode": false,
        "locale": params.at("locale"),
        "on_behalf_of": null,
        "return_url": params.at("return_url"),
        "url": format!("{}/p/session/{secret}", world.base_url),
        "_secret": secret,
        "_until": world.now() + SESSION_SECONDS,
    });
    world.create(&session, "billing_portal.session.created");
    Ok(session)
}

/// The session that an address leads to, while it lasts.
pub(crate) fn open(world: &World, secret: &str) -> Option<Value> {
    let now = world.now();
    world
        .store
        .newest_first(Kind::PortalSession)
        .find(|session| session.is("_secret", secret))
        .filter(|session| session.int("_until").is_some_and(|until| now < until))
        .cloned()
}

/// The customer's subscriptions that the portal shows: those that began and have not ended.
pub(crate) fn subscriptions(world: &World, session: &Value) -> Vec<Value> {
    world
        .store
        .newest_first(Kind::Subscription)
        .filter(|subscription| subscription.at("customer") == session.at("customer"))
        .filter(|subscription| {
            !cancel::is_over(subscription) && !subscription.is("status", "incomplete")
        })
        .cloned()
        .collect()
}

/// Lets a subscription of the session's customer end with its period, or takes that back.
pub(crate) fn set_end(world: &mut World, session: &Value, id: &str, ends: bool) -> Result<Value> {
    let shown = subscriptions(world, session);
    let Some(before) = shown.iter().find(|subscription| subscription.id() == id) else {
        return Err(Kind::Subscription.no_such(id, "id").with_status(404));
    };
    // In flexible billing mode Stripe's portal names a time, and leaves the flag alone:
    // https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    let flexible = before.is("billing_mode.type", "flexible");
    let params = match (ends, flexible) {
        (true, true) => json!({"cancel_at": "max_period_end"}),
        (true, false) => json!({"cancel_at_period_end": true}),
        (false, _) if before.flag("cancel_at_period_end") => json!({"cancel_at_period_end": false}),
        (false, _) => json!({"cancel_at": null}),
    };
    let call = Call {
        id: id.to_owned(),
        params,
        from_page: false,
        client: super::Client::default(),
    };
    subscription_update::update(world, &call)
}
