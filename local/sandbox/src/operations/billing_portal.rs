//! What a session of the portal is made for: ending a subscription, or taking that back.

use super::subscription_update;
use crate::error::{ApiError, Result};
use crate::objects::{customer, portal_session};
use crate::params::call::{Answer, Call, Client};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `POST /v1/billing_portal/sessions`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let customer = params
        .text("customer")
        .ok_or_else(|| ApiError::missing("customer"))?;
    let customer = customer::named(world, customer, "customer")?;
    if let Some(url) = params.text("return_url")
        && !url::Url::parse(url).is_ok_and(|url| url.has_host())
    {
        return Err(ApiError::validation("Not a valid URL")
            .with_code("url_invalid")
            .with_param("return_url"));
    }
    let session = portal_session::new(world, &customer, params);
    world.create(&session, "billing_portal.session.created");
    Ok(session)
}

/// Lets a subscription of the session's customer end with its period, or takes that back.
pub(crate) fn set_end(world: &mut World, session: &Value, id: &str, ends: bool) -> Result<Value> {
    let portal = portal_session::subscriptions(world, session);
    let Some(before) = portal.iter().find(|subscription| subscription.id() == id) else {
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
        client: Client::default(),
    };
    subscription_update::update(world, &call)
}
