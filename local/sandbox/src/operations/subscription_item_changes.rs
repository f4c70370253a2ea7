//! The items of a subscription one at a time: the changes that `items` of the subscription itself makes.

use super::subscription_update;
use crate::error::{ApiError, Result};
use crate::list::page_of_lines;
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// What a request says of the item itself; the rest is about how the change is billed and paid.
const OF_THE_ITEM: [&str; 5] = ["discounts", "metadata", "price", "quantity", "tax_rates"];

/// `POST /v1/subscription_items`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let id = call.params.text("subscription").unwrap_or_default();
    let before = world.at_param(Kind::Subscription, id, "subscription")?;
    if !call.params.has("price") {
        return Err(ApiError::missing("price"));
    }
    let after = change(world, call, id, json!({}))?;
    let old = before.list("items.data");
    let is_new = |item: &&Value| old.iter().all(|old| old.id() != item.id());
    let new = after.list("items.data").iter().find(is_new).cloned();
    // It waits for its payment, and Stripe does not say what it shows of it meanwhile.
    new.ok_or_else(|| ApiError::not_simulated("payment_behavior"))
}

/// `GET /v1/subscription_items`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let id = call.params.text("subscription").unwrap_or_default();
    let subscription = world.at_param(Kind::Subscription, id, "subscription")?;
    page_of_lines(
        subscription.list("items.data"),
        "/v1/subscription_items",
        &call.params,
    )
}

/// `GET /v1/subscription_items/{id}`
pub(crate) fn retrieve(world: &World, call: &Call) -> Answer {
    of(world, &call.id).map(|(_, item)| item)
}

/// `POST /v1/subscription_items/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let (subscription, item) = of(world, &call.id)?;
    let after = change(world, call, &subscription, json!({"id": item.id()}))?;
    let mut items = after.list("items.data").iter();
    let now = items.find(|now| now.id() == item.id());
    Ok(now.cloned().unwrap_or(item))
}

/// `DELETE /v1/subscription_items/{id}`: the subscription itself goes on.
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let (subscription, item) = of(world, &call.id)?;
    let gone = json!({"id": item.id(), "deleted": true});
    change(world, call, &subscription, gone)?;
    Ok(json!({"id": item.id(), "object": "subscription_item", "deleted": true}))
}

/// The item with this id, after the id of its subscription.
fn of(world: &World, id: &str) -> Result<(String, Value)> {
    let mut subscriptions = world.store.oldest_first(Kind::Subscription);
    let found = subscriptions.find_map(|subscription| {
        let items = subscription.list("items.data");
        let item = items.iter().find(|item| item.id() == id)?;
        Some((subscription.id().to_owned(), item.clone()))
    });
    found.ok_or_else(|| {
        let kind = Kind::SubscriptionItem;
        kind.no_such(id, kind.in_path()).with_status(404)
    })
}

/// Changes the subscription as its own update would.
fn change(world: &mut World, call: &Call, subscription: &str, mut item: Value) -> Answer {
    let mut params = json!({});
    for (name, value) in call.params.as_object().into_iter().flatten() {
        match name.as_str() {
            "subscription" | "expand" => {}
            name if OF_THE_ITEM.contains(&name) => item.set(name, value.clone()),
            name => params.set(name, value.clone()),
        }
    }
    params.set("items", vec![item]);
    let call = Call {
        id: subscription.to_owned(),
        params,
        from_page: false,
        client: call.client.clone(),
    };
    subscription_update::update(world, &call).map_err(of_its_own_parameter)
}

/// A refusal names the parameter as this request has it.
fn of_its_own_parameter(mut error: ApiError) -> ApiError {
    let outer = |param: &str| {
        let inner = param.strip_prefix("items[0][")?;
        let (name, rest) = inner.split_once(']')?;
        Some(format!("{name}{rest}"))
    };
    if let Some(param) = error.param.as_deref().and_then(outer) {
        error.message = error.message.replace(&format!("items[0][{param}]"), &param);
        error.param = Some(param);
    }
    error
}
