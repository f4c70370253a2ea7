//! `expand[]`: objects in place of their ids.

use crate::error::{ApiError, Result};
use crate::objects::invoice;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Stripe's limit on the depth of an expansion.
const DEEPEST: usize = 4;

/// The fields that hold the id of another object, or that appear only when they are expanded.
const EXPANDABLE: &[(Kind, &str, Kind)] = &[
    (Kind::Charge, "customer", Kind::Customer),
    (Kind::Charge, "payment_intent", Kind::PaymentIntent),
    (
        Kind::Customer,
        "invoice_settings.default_payment_method",
        Kind::PaymentMethod,
    ),
    (Kind::Customer, "test_clock", Kind::TestClock),
    (Kind::Dispute, "charge", Kind::Charge),
    (Kind::Dispute, "payment_intent", Kind::PaymentIntent),
    (Kind::Invoice, "confirmation_secret", Kind::Account),
    (Kind::Invoice, "customer", Kind::Customer),
    (Kind::Invoice, "default_payment_method", Kind::PaymentMethod),
    (
        Kind::Invoice,
        "parent.subscription_details.subscription",
        Kind::Subscription,
    ),
    (Kind::Invoice, "payments", Kind::InvoicePayment),
    (Kind::Invoice, "test_clock", Kind::TestClock),
    (Kind::InvoicePayment, "invoice", Kind::Invoice),
    (
        Kind::InvoicePayment,
        "payment.payment_intent",
        Kind::PaymentIntent,
    ),
    (Kind::Mandate, "payment_method", Kind::PaymentMethod),
    (Kind::PaymentIntent, "customer", Kind::Customer),
    (Kind::PaymentIntent, "latest_charge", Kind::Charge),
    (Kind::PaymentIntent, "payment_method", Kind::PaymentMethod),
    (Kind::PaymentMethod, "customer", Kind::Customer),
    (Kind::Price, "product", Kind::Product),
    (Kind::Product, "default_price", Kind::Price),
    (Kind::Refund, "charge", Kind::Charge),
    (Kind::Refund, "customer", Kind::Customer),
    (Kind::Refund, "payment_intent", Kind::PaymentIntent),
    (Kind::Refund, "payment_method", Kind::PaymentMethod),
    (Kind::SetupAttempt, "customer", Kind::Customer),
    (Kind::SetupAttempt, "payment_method", Kind::PaymentMethod),
    (Kind::SetupAttempt, "setup_intent", Kind::SetupIntent),
    (Kind::SetupIntent, "customer", Kind::Customer),
    (Kind::SetupIntent, "latest_attempt", Kind::SetupAttempt),
    (Kind::SetupIntent, "mandate", Kind::Mandate),
    (Kind::SetupIntent, "payment_method", Kind::PaymentMethod),
    (Kind::Subscription, "customer", Kind::Customer),
    (
        Kind::Subscription,
        "default_payment_method",
        Kind::PaymentMethod,
    ),
    (
        Kind::Subscription,
        "items.data.price.product",
        Kind::Product,
    ),
    (Kind::Subscription, "latest_invoice", Kind::Invoice),
    (
        Kind::Subscription,
        "pending_setup_intent",
        Kind::SetupIntent,
    ),
    (Kind::Subscription, "test_clock", Kind::TestClock),
];

/// One expansion, taken apart: the plain path from an object to its field, and the kind of what is found there.
type Step = (&'static str, Kind);

/// The answer with everything expanded that `params` asks for.
pub(crate) fn expand(
    world: &World,
    kind: Kind,
    mut answer: Value,
    params: &Value,
) -> Result<Value> {
    let is_list = answer.is("object", "list");
    for path in params.list("expand").iter().filter_map(Value::as_str) {
        let inner = if is_list {
            path.strip_prefix("data.").ok_or_else(|| refusal(path))?
        } else {
            path
        };
        let steps = steps(kind, inner).ok_or_else(|| refusal(path))?;
        if steps.len() > DEEPEST {
            let message = format!(
                "You cannot expand more than {DEEPEST} levels of a property. Property: {path}"
            );
            return Err(ApiError::validation(message).with_param("expand"));
        }
        let targets: Vec<&mut Value> = if is_list {
            items(&mut answer)
        } else {
            vec![&mut answer]
        };
        for object in targets {
            walk(world, object, &steps);
        }
    }
    Ok(answer)
}

fn refusal(path: &str) -> ApiError {
    let last = path.rsplit('.').next().unwrap_or(path);
    ApiError::validation(format!("This property cannot be expanded ({last}).")).with_param("expand")
}

/// The expandable fields that the path goes through, or nothing when one of them is not expandable.
fn steps(kind: Kind, path: &str) -> Option<Vec<Step>> {
    let matches = |field: &str| {
        path == field
            || path
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let (_, field, target) = EXPANDABLE
        .iter()
        .find(|(of, field, _)| *of == kind && matches(field))?;
    let mut found = vec![(*field, *target)];
    if let Some(rest) = path
        .strip_prefix(field)
        .and_then(|rest| rest.strip_prefix('.'))
    {
        // The payments of an invoice are a list, whose objects sit under `data`.
        let rest = if *target == Kind::InvoicePayment {
            rest.strip_prefix("data.")?
        } else {
            rest
        };
        found.extend(steps(*target, rest)?);
    }
    Some(found)
}

fn walk(world: &World, object: &mut Value, steps: &[Step]) {
    let Some(((field, kind), rest)) = steps.split_first() else {
        return;
    };
    match *field {
        "payments" if !object.has(field) => {
            object.set(field, invoice::payments_list(world, object.id()));
        }
        "confirmation_secret" => {
            object.set(field, invoice::confirmation_secret(world, object.id()));
        }
        _ => {}
    }
    for place in places(object, field) {
        if let Some(found) = place.as_str().and_then(|id| world.store.get(*kind, id)) {
            *place = shown(found);
        }
        if place.is("object", "list") {
            for item in items(place) {
                walk(world, item, rest);
            }
        } else if place.is_object() {
            walk(world, place, rest);
        }
    }
}

/// The values at a path that may lead through arrays.
fn places<'a>(object: &'a mut Value, path: &str) -> Vec<&'a mut Value> {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(found) = object.get_mut(name) else {
        return Vec::new();
    };
    match (rest, found) {
        (None, found) => vec![found],
        (Some(rest), Value::Array(items)) => items
            .iter_mut()
            .flat_map(|item| places(item, rest))
            .collect(),
        (Some(rest), found) => places(found, rest),
    }
}

fn items(list: &mut Value) -> Vec<&mut Value> {
    list.get_mut("data")
        .and_then(Value::as_array_mut)
        .map(|items| items.iter_mut().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::steps;
    use crate::state::Kind;

    #[test]
    fn only_what_stripe_expands_is_expandable() {
        for path in [
            "latest_invoice.payments",
            "latest_invoice.payments.data.payment.payment_intent",
            "items.data.price.product",
            "latest_invoice.confirmation_secret",
        ] {
            assert!(steps(Kind::Subscription, path).is_some(), "{path}");
        }
        for path in [
            "latest_invoice.payment_intent",
            "items",
            "latest_invoice.payments.payment",
            "customer.email",
            "",
        ] {
            assert!(steps(Kind::Subscription, path).is_none(), "{path}");
        }
    }
}
