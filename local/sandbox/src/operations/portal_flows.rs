//! What customers do in the portal: end a subscription or take that back, change its plan, its payment method, and what
//! is known of themselves.

use super::{customers, payment_methods, subscription_update, subscriptions};
use crate::error::{ApiError, Result};
use crate::objects::{portal_configuration, portal_session, subscription};
use crate::params::call::{Answer, Call, Client};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// What the portal offers to do with a subscription.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    pub(crate) end: Option<End>,
    /// The prices that it may change to.
    pub(crate) prices: Vec<String>,
    pub(crate) quantity: bool,
    /// Paying it with another payment method from now on.
    pub(crate) method: bool,
}

/// What may be done about a subscription's end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Cancel,
    /// Taking a cancellation back.
    Keep,
}

/// What the configuration lets a customer do with this subscription. One that a schedule manages is neither canceled nor
/// changed, and one of several items, or that is not charged by itself, is not changed
/// (<https://docs.stripe.com/customer-management/configure-portal>).
pub(crate) fn offers(world: &World, configuration: &Value, of: &Value) -> Offers {
    let features = configuration.at("features");
    let is_managed = of.has("schedule");
    let ends = of.has("cancel_at") || of.flag("cancel_at_period_end");
    let may_cancel = features.flag("subscription_cancel.enabled") && !is_managed;
    let update = features.at("subscription_update");
    let may_update = update.flag("enabled")
        && !is_managed
        && !ends
        && of.list("items.data").len() == 1
        && of.is("collection_method", "charge_automatically")
        && matches!(of.text("status"), Some("active" | "trialing"));
    let allows = |what: &str| {
        update
            .list("default_allowed_updates")
            .contains(&json!(what))
    };
    let current = of.at("items.data.0.price");
    let sold = portal_configuration::prices(configuration);
    // Only what is sold in the portal is changed there.
    let may_update = may_update && sold.contains(&current.id());
    let is_other = |id: &&str| {
        let price = world.store.get(Kind::Price, id);
        *id != current.id()
            && price.is_some_and(|price| {
                price.flag("active") && price.at("currency") == current.at("currency")
            })
    };
    let prices = if may_update && allows("price") {
        let others = sold.iter().copied().filter(is_other);
        others.map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    Offers {
        end: may_cancel.then_some(if ends { End::Keep } else { End::Cancel }),
        prices,
        quantity: may_update && allows("quantity") && adjusts(configuration, current),
        method: features.flag("payment_method_update.enabled"),
    }
}

/// Whether the quantity of a product may be changed.
fn adjusts(configuration: &Value, price: &Value) -> bool {
    let products = configuration.list("features.subscription_update._products");
    products.iter().any(|product| {
        product.at("product") == price.at("product") && product.flag("adjustable_quantity.enabled")
    })
}

/// The subscription of the session's customer that has this id, and what may be done with it.
fn owned(world: &World, session: &Value, id: &str) -> Result<(Value, Offers)> {
    let portal = portal_session::subscriptions(world, session);
    let found = portal.into_iter().find(|it| it.id() == id);
    let found = found.ok_or_else(|| Kind::Subscription.no_such(id, "id").with_status(404))?;
    let configuration = portal_session::configuration(world, session);
    let offers = offers(world, &configuration, &found);
    Ok((found, offers))
}

fn not_offered() -> ApiError {
    ApiError::invalid("The portal does not offer that for this subscription.")
}

fn call(id: &str, params: Value) -> Call {
    Call {
        id: id.to_owned(),
        params,
        from_page: false,
        client: Client::default(),
    }
}

/// Ends a subscription, with its period or at once, as the configuration says.
pub(crate) fn cancel(world: &mut World, session: &Value, id: &str, reason: Option<&str>) -> Answer {
    let (before, offers) = owned(world, session, id)?;
    if offers.end != Some(End::Cancel) {
        return Err(not_offered());
    }
    let configuration = portal_session::configuration(world, session);
    let cancels = configuration.at("features.subscription_cancel");
    let offered = cancels.list("cancellation_reason.options");
    let reason = reason
        .filter(|it| cancels.flag("cancellation_reason.enabled") && offered.contains(&json!(it)));
    let details = reason.map_or(Value::Null, |reason| json!({"feedback": reason}));
    let mut params = json!({});
    if !details.is_null() {
        params.set("cancellation_details", details);
    }
    if cancels.is("mode", "immediately") {
        let prorates = cancels.is("proration_behavior", "create_prorations");
        params.set("invoice_now", prorates);
        params.set("prorate", prorates);
        return subscriptions::cancel(world, &call(id, params));
    }
    // In flexible billing mode Stripe's portal names a time, and leaves the flag alone:
    // https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    if subscription::is_flexible(&before) {
        params.set("cancel_at", "max_period_end");
    } else {
        params.set("cancel_at_period_end", true);
    }
    subscription_update::update(world, &call(id, params))
}

/// Takes a cancellation back.
pub(crate) fn keep(world: &mut World, session: &Value, id: &str) -> Answer {
    let (before, offers) = owned(world, session, id)?;
    if offers.end != Some(End::Keep) {
        return Err(not_offered());
    }
    let params = if before.flag("cancel_at_period_end") {
        json!({"cancel_at_period_end": false})
    } else {
        json!({"cancel_at": null})
    };
    subscription_update::update(world, &call(id, params))
}

/// Changes the price or the quantity of a subscription's item. What cannot be paid for is not changed.
pub(crate) fn change(
    world: &mut World,
    session: &Value,
    id: &str,
    price: Option<&str>,
    quantity: Option<i64>,
) -> Answer {
    let (before, offers) = owned(world, session, id)?;
    let is_offered = |price: &str| offers.prices.iter().any(|offered| offered == price);
    let configuration = portal_session::configuration(world, session);
    let update = configuration.at("features.subscription_update");
    let mut item = json!({"id": before.at("items.data.0.id")});
    if let Some(price) = price.filter(|price| !before.is("items.data.0.price.id", price)) {
        if !is_offered(price) {
            return Err(not_offered());
        }
        item.set("price", price);
        item.set("quantity", before.at("items.data.0.quantity").clone());
    }
    if let Some(quantity) = quantity.filter(|it| before.int("items.data.0.quantity") != Some(*it)) {
        if !offers.quantity || quantity < 1 {
            return Err(not_offered());
        }
        item.set("quantity", quantity);
    }
    let mut params = json!({
        "items": [item],
        "payment_behavior": "error_if_incomplete",
        "proration_behavior": update.at("proration_behavior"),
    });
    if update.is("billing_cycle_anchor", "now") {
        params.set("billing_cycle_anchor", json!({"type": "now"}));
    }
    if before.is("status", "trialing") && update.is("trial_update_behavior", "end_trial") {
        params.set("trial_end", "now");
    }
    subscription_update::update(world, &call(id, params))
}

/// Keeps a new payment method. It pays what names no other one, or with `id` that subscription alone.
pub(crate) fn replace_method(
    world: &mut World,
    session: &Value,
    id: Option<&str>,
    card: &str,
) -> Answer {
    let configuration = portal_session::configuration(world, session);
    if !configuration.flag("features.payment_method_update.enabled") {
        return Err(not_offered());
    }
    let customer = session.text("customer").unwrap_or_default();
    if let Some(id) = id {
        owned(world, session, id)?;
    }
    let method = payment_methods::attach_to(world, card, customer, "payment_method")?;
    if let Some(id) = id {
        let params = json!({"default_payment_method": method.id()});
        return subscription_update::update(world, &call(id, params));
    }
    let params = json!({"invoice_settings": {"default_payment_method": method.id()}});
    customers::update(world, &call(customer, params))
}

/// Changes what is known of the customer; `given` has names of fields with their values.
pub(crate) fn change_customer(
    world: &mut World,
    session: &Value,
    given: &[(&str, String)],
) -> Answer {
    let configuration = portal_session::configuration(world, session);
    let update = configuration.at("features.customer_update");
    let mut params = json!({});
    for (name, value) in given {
        if !update.flag("enabled") || !update.list("allowed_updates").contains(&json!(name)) {
            return Err(not_offered());
        }
        params.set(name, Some(value.as_str()).filter(|value| !value.is_empty()));
    }
    let customer = session.text("customer").unwrap_or_default();
    customers::update(world, &call(customer, params))
}
