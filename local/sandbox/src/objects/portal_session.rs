//! A session of the portal in which customers look after their subscriptions.

use super::subscription;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// How long a session's address leads into the portal. Stripe only says that it is not for long.
const SESSION_SECONDS: i64 = 3600;

/// A session for this customer. Whoever has its address is let in, so that is a secret apart from the id.
pub(crate) fn new(
    world: &World,
    customer: &Value,
    configuration: &Value,
    flow: &Value,
    params: &Value,
) -> Value {
    let return_url = if params.has("return_url") {
        params.at("return_url")
    } else {
        configuration.at("default_return_url")
    };
    let secret = format!("test_{}", ids::random(40));
    json!({
        "id": ids::id("bps"),
        "object": "billing_portal.session",
        "after_expiration": null,
        "configuration": configuration.id(),
        "created": world.now(),
        "customer": customer.id(),
        "customer_account": null,
        "flow": flow,
        "livemode": false,
        "locale": params.at("locale"),
        "on_behalf_of": null,
        "return_url": return_url,
        "url": format!("{}/p/session/{secret}", world.base_url),
        "_secret": secret,
        "_until": world.now() + SESSION_SECONDS,
    })
}

/// The session that an address leads to, while it lasts.
pub(crate) fn open(world: &World, secret: &str) -> Option<Value> {
    let now = world.now();
    world
        .store
        .having(Kind::PortalSession, "_secret", secret)
        .next()
        .filter(|session| session.int("_until").is_some_and(|until| now < until))
        .cloned()
}

/// What the session's customer finds in the portal: the configuration as it is now, or nothing once it is gone.
pub(crate) fn configuration(world: &World, session: &Value) -> Value {
    let id = session.text("configuration").unwrap_or_default();
    let found = world.store.get(Kind::PortalConfiguration, id);
    found.cloned().unwrap_or_default()
}

/// The customer's subscriptions that the portal shows: those that began and have not ended.
pub(crate) fn subscriptions(world: &World, session: &Value) -> Vec<Value> {
    world
        .store
        .having(
            Kind::Subscription,
            "customer",
            session.text("customer").unwrap_or_default(),
        )
        .rev()
        .filter(|subscription| {
            !subscription::is_over(subscription) && !subscription.is("status", "incomplete")
        })
        .cloned()
        .collect()
}
