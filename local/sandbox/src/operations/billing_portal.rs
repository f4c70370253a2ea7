//! Sessions of the customer portal, and what each leads to.

use crate::error::{ApiError, Result};
use crate::objects::{
    customer, portal_configuration, portal_session, refuse_unsimulated, subscription,
};
use crate::operations::portal_flows;
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `POST /v1/billing_portal/sessions`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let customer = params
        .text("customer")
        .ok_or_else(|| ApiError::missing("customer"))?;
    let customer = customer::named(world, customer, "customer")?;
    if let Some(url) = params.text("return_url") {
        check_url(url, "return_url")?;
    }
    let configuration = configuration(world, params)?;
    let flow = flow(world, &configuration, customer.id(), params.at("flow_data"))?;
    let session = portal_session::new(world, &customer, &configuration, &flow, params);
    world.create(&session, "billing_portal.session.created");
    Ok(session)
}

fn check_url(url: &str, param: &str) -> Result<()> {
    if url::Url::parse(url).is_ok_and(|url| url.has_host()) {
        return Ok(());
    }
    Err(ApiError::validation("Not a valid URL")
        .with_code("url_invalid")
        .with_param(param))
}

fn configuration(world: &World, params: &Value) -> Result<Value> {
    let kind = Kind::PortalConfiguration;
    let Some(id) = params.text("configuration") else {
        let default = world.store.get(kind, portal_configuration::DEFAULT);
        return default.cloned().ok_or_else(|| {
            ApiError::invalid(
                "No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.",
            )
        });
    };
    let named = world.at_param(kind, id, "configuration")?;
    if !named.flag("active") {
        let message =
            format!("The configuration `{id}` is not active. Activate it, or provide another one.");
        return Err(ApiError::invalid(message).with_param("configuration"));
    }
    Ok(named)
}

/// The one thing that the session is for, if `flow_data` names one.
fn flow(world: &World, configuration: &Value, customer: &str, data: &Value) -> Answer {
    let Some(kind) = data.text("type") else {
        return Ok(Value::Null);
    };
    let mut flow = json!({
        "after_completion": completion(data.at("after_completion"))?,
        "customer_update": null,
        "subscription_cancel": null,
        "subscription_pause": null,
        "subscription_update": null,
        "subscription_update_confirm": null,
        "type": kind,
    });
    let feature = match kind {
        "payment_method_update" => "payment_method_update",
        "subscription_cancel" => "subscription_cancel",
        "subscription_update" | "subscription_update_confirm" => "subscription_update",
        other => return Err(ApiError::not_simulated(&format!("flow_data[type]={other}"))),
    };
    let is_enabled = configuration.at("features").at(feature).flag("enabled");
    if kind == "payment_method_update" {
        if !is_enabled {
            let message = "The payment method cannot be updated because the payment method update feature in the portal configuration is disabled.";
            return Err(ApiError::invalid(message).with_param("flow_data[type]"));
        }
        return Ok(flow);
    }
    let details = data.at(kind);
    let inside = format!("flow_data[{kind}]");
    if details.is_null() {
        return Err(ApiError::missing(&inside));
    }
    let simulated: &[&str] = match kind {
        "subscription_update_confirm" => &["items", "subscription"],
        _ => &["subscription"],
    };
    refuse_unsimulated(details, &inside, simulated)?;
    let param = format!("{inside}[subscription]");
    let id = details.text("subscription").unwrap_or_default();
    let of = world.at_param(Kind::Subscription, id, &param)?;
    if !of.is("customer", customer) {
        return Err(Kind::Subscription.no_such(id, &param));
    }
    let offers = portal_flows::offers(world, configuration, &of);
    if let Some(why) = not_offered(kind, is_enabled, &of, &offers) {
        return Err(ApiError::invalid(why).with_param(param));
    }
    let mut kept = json!({"subscription": of.id()});
    match kind {
        "subscription_cancel" => kept.set("retention", Value::Null),
        "subscription_update_confirm" => {
            kept.set("discounts", Value::Null);
            kept.set("items", confirmed(details, &of, &offers, &inside)?);
        }
        _ => {}
    }
    flow.set(kind, kept);
    Ok(flow)
}

/// What follows the flow.
fn completion(after: &Value) -> Answer {
    let mut completion = json!({
        "hosted_confirmation": null,
        "redirect": null,
        "type": after.text("type").unwrap_or("portal_homepage"),
    });
    match after.text("type") {
        Some("redirect") => {
            let url = after
                .text("redirect.return_url")
                .ok_or_else(|| ApiError::missing("flow_data[after_completion][redirect]"))?;
            completion.set("redirect", json!({"return_url": url}));
        }
        Some("hosted_confirmation") => {
            let message = after.at("hosted_confirmation.custom_message");
            completion.set("hosted_confirmation", json!({"custom_message": message}));
        }
        _ => {}
    }
    Ok(completion)
}

/// Why the flow cannot be had for this subscription, if it cannot.
fn not_offered(
    kind: &str,
    is_enabled: bool,
    of: &Value,
    offers: &portal_flows::Offers,
) -> Option<String> {
    let (done, feature, is_offered) = match kind {
        "subscription_cancel" => (
            "canceled",
            "subscription cancel",
            offers.end == Some(portal_flows::End::Cancel),
        ),
        _ => (
            "updated",
            "subscription update",
            !offers.prices.is_empty() || offers.quantity,
        ),
    };
    let why = if !is_enabled {
        format!("the {feature} feature in the portal configuration is disabled")
    } else if subscription::is_over(of) {
        "it has already ended".to_owned()
    } else if !is_offered {
        "the portal offers that for no subscription in its state".to_owned()
    } else {
        return None;
    };
    Some(format!("This subscription cannot be {done} because {why}."))
}

/// The one item of an update that the customer has only to confirm.
fn confirmed(
    details: &Value,
    of: &Value,
    offers: &portal_flows::Offers,
    inside: &str,
) -> Result<Value> {
    let [item] = details.list("items") else {
        let message = "Exactly one item can be updated.";
        return Err(ApiError::invalid(message).with_param(format!("{inside}[items]")));
    };
    let id = item.text("id").unwrap_or_default();
    if !of.list("items.data").iter().any(|own| own.id() == id) {
        return Err(Kind::SubscriptionItem.no_such(id, &format!("{inside}[items][0][id]")));
    }
    let price = item
        .text("price")
        .or(of.text("items.data.0.price.id"))
        .unwrap_or_default();
    let is_kept = of.is("items.data.0.price.id", price);
    if !is_kept && !offers.prices.iter().any(|offered| offered == price) {
        let message = format!(
            "The item cannot be updated to price `{price}` because the configuration does not include the price in its `features[subscription_update][products]`."
        );
        return Err(ApiError::invalid(message).with_param(format!("{inside}[items][0][price]")));
    }
    let quantity = item
        .int("quantity")
        .or(of.int("items.data.0.quantity"))
        .unwrap_or(1);
    if !of.at("items.data.0").at("quantity").eq(&json!(quantity)) && !offers.quantity {
        let message = "The portal configuration does not let this quantity be changed.";
        return Err(ApiError::invalid(message).with_param(format!("{inside}[items][0][quantity]")));
    }
    Ok(json!([{"id": id, "price": price, "quantity": quantity}]))
}
