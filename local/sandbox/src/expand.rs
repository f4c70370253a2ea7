//! `expand[]`: objects in place of their ids.

use crate::error::{ApiError, Result};
use crate::objects::{coupon, invoice, promotion_code, tax_location};
use crate::params::schema::is_expandable;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Stripe's limit on the names in the path of an expansion; the `data` of a list is one of them
/// (<https://docs.stripe.com/expand>).
const DEEPEST: usize = 4;

/// The fields that hold the id of another object, or that appear only when they are expanded.
const EXPANDABLE: &[(Kind, &str, Kind)] = &[
    (Kind::BalanceTransaction, "credit_note", Kind::CreditNote),
    (Kind::BalanceTransaction, "customer", Kind::Customer),
    (Kind::BalanceTransaction, "invoice", Kind::Invoice),
    (Kind::Charge, "customer", Kind::Customer),
    (Kind::Charge, "payment_intent", Kind::PaymentIntent),
    (
        Kind::Customer,
        "invoice_settings.default_payment_method",
        Kind::PaymentMethod,
    ),
    (Kind::Customer, "tax", Kind::Customer),
    (Kind::Customer, "test_clock", Kind::TestClock),
    (Kind::CreditNote, "customer", Kind::Customer),
    (
        Kind::CreditNote,
        "customer_balance_transaction",
        Kind::BalanceTransaction,
    ),
    (Kind::CreditNote, "invoice", Kind::Invoice),
    (Kind::CreditNote, "refunds.refund", Kind::Refund),
    (Kind::Customer, "discount", Kind::Discount),
    (Kind::Discount, "customer", Kind::Customer),
    (Kind::Discount, "promotion_code", Kind::PromotionCode),
    (Kind::Discount, "source.coupon", Kind::Coupon),
    (Kind::Dispute, "charge", Kind::Charge),
    (Kind::Dispute, "payment_intent", Kind::PaymentIntent),
    (Kind::FraudWarning, "charge", Kind::Charge),
    (Kind::FraudWarning, "payment_intent", Kind::PaymentIntent),
    (Kind::Invoice, "confirmation_secret", Kind::Account),
    (Kind::Invoice, "customer", Kind::Customer),
    (Kind::Invoice, "discounts", Kind::Discount),
    (Kind::Invoice, "lines.data.discounts", Kind::Discount),
    (
        Kind::Invoice,
        "total_discount_amounts.discount",
        Kind::Discount,
    ),
    (Kind::Invoice, "default_payment_method", Kind::PaymentMethod),
    (
        Kind::Invoice,
        "parent.subscription_details.subscription",
        Kind::Subscription,
    ),
    (Kind::Invoice, "payments", Kind::InvoicePayment),
    (Kind::Invoice, "test_clock", Kind::TestClock),
    (Kind::InvoiceItem, "customer", Kind::Customer),
    (Kind::InvoiceItem, "discounts", Kind::Discount),
    (Kind::InvoiceItem, "invoice", Kind::Invoice),
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
    (Kind::Coupon, "applies_to", Kind::Coupon),
    (Kind::Coupon, "currency_options", Kind::Coupon),
    (
        Kind::PortalConfiguration,
        "features.subscription_update.products",
        Kind::PortalConfiguration,
    ),
    (
        Kind::PortalSession,
        "configuration",
        Kind::PortalConfiguration,
    ),
    (Kind::Price, "product", Kind::Product),
    (Kind::Product, "default_price", Kind::Price),
    (Kind::PromotionCode, "customer", Kind::Customer),
    (Kind::PromotionCode, "promotion.coupon", Kind::Coupon),
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
    (Kind::Subscription, "discounts", Kind::Discount),
    (Kind::Subscription, "items.data.discounts", Kind::Discount),
    (Kind::Subscription, "latest_invoice", Kind::Invoice),
    (
        Kind::Subscription,
        "pending_setup_intent",
        Kind::SetupIntent,
    ),
    (Kind::Subscription, "schedule", Kind::SubscriptionSchedule),
    (Kind::Subscription, "test_clock", Kind::TestClock),
    (Kind::SubscriptionItem, "discounts", Kind::Discount),
    (Kind::SubscriptionItem, "price.product", Kind::Product),
    (Kind::SubscriptionSchedule, "customer", Kind::Customer),
    (
        Kind::SubscriptionSchedule,
        "subscription",
        Kind::Subscription,
    ),
    (Kind::TaxId, "customer", Kind::Customer),
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
        if path.split('.').count() > DEEPEST {
            let message = format!(
                "You cannot expand more than {DEEPEST} levels of a property. Property: {path}"
            );
            return Err(ApiError::validation(message)
                .with_code("property_expansion_max_depth")
                .with_param("expand"));
        }
        let inner = if is_list {
            path.strip_prefix("data.").ok_or_else(|| refusal(path))?
        } else {
            path
        };
        let steps = steps(kind, inner, path)?;
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

/// The first name of what is left of the path is where it ends, as in the refusals of a test account.
fn refusal(path: &str) -> ApiError {
    let first = path.split('.').next().unwrap_or(path);
    ApiError::validation(format!("This property cannot be expanded ({first})."))
        .with_param("expand")
}

/// The expandable fields that the path goes through. One that Stripe cannot expand is refused in its words; one that only
/// the sandbox cannot, as not simulated. `whole` is the path as it was sent.
fn steps(kind: Kind, path: &str, whole: &str) -> Result<Vec<Step>> {
    let matches = |field: &str| {
        path == field
            || path
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let known = EXPANDABLE
        .iter()
        .find(|(of, field, _)| *of == kind && matches(field));
    let Some((_, field, target)) = known else {
        return Err(if is_expandable(kind.name(), path) {
            ApiError::not_simulated(&format!("expand={whole}"))
        } else {
            refusal(path)
        });
    };
    let mut found = vec![(*field, *target)];
    let rest = path
        .strip_prefix(field)
        .and_then(|rest| rest.strip_prefix('.'));
    if let Some(mut rest) = rest {
        // The payments of an invoice are a list, whose objects sit under `data`.
        if *target == Kind::InvoicePayment {
            rest = match rest.strip_prefix("data.") {
                Some(inner) => inner,
                None => return Err(refusal(rest)),
            };
        }
        found.extend(steps(*target, rest, whole)?);
    }
    Ok(found)
}

fn walk(world: &World, object: &mut Value, steps: &[Step]) {
    let Some(((field, kind), rest)) = steps.split_first() else {
        return;
    };
    match *field {
        "payments" if !object.has(field) => {
            object.set(field, invoice::payments_list(world, object.id()));
        }
        // These two are shown of a coupon only when they are asked for.
        "applies_to" | "currency_options" => {
            let note = world
                .store
                .get(Kind::Coupon, object.id())
                .map(|coupon| coupon.at(&format!("_{field}")).clone());
            if let Some(note) = note.filter(|note| !note.is_null()) {
                object.set(field, note);
            }
        }
        // So are these of a configuration.
        "features.subscription_update.products" => {
            let kept = world.store.get(Kind::PortalConfiguration, object.id());
            let products = kept.map(|it| it.at("features.subscription_update._products").clone());
            object.set(field, products);
        }
        "tax" => {
            let customer = world.store.get(Kind::Customer, object.id());
            let tax = customer.map(|customer| tax_location::of_customer(world, customer));
            object.set(field, tax);
        }
        "confirmation_secret" => {
            object.set(field, invoice::confirmation_secret(world, object.id()));
        }
        _ => {}
    }
    for place in places(object, field) {
        if let Some(found) = place.as_str().and_then(|id| world.store.get(*kind, id)) {
            *place = match kind {
                Kind::Coupon => shown(&coupon::seen(world, found)),
                Kind::PromotionCode => shown(&promotion_code::seen(world, found)),
                _ => shown(found),
            };
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
        (None, Value::Array(items)) => items.iter_mut().collect(),
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

    // https://docs.stripe.com/expand, and the types of npm stripe 23.1.0
    #[test]
    fn only_what_stripe_expands_is_expandable() {
        for path in [
            "latest_invoice.payments",
            "latest_invoice.payments.data.invoice",
            "items.data.price.product",
            "latest_invoice.confirmation_secret",
        ] {
            assert!(steps(Kind::Subscription, path, path).is_ok(), "{path}");
        }
        let words = |path: &str| {
            let error = steps(Kind::Subscription, path, path).unwrap_err();
            (error.code, error.message)
        };
        for (path, name) in [
            ("latest_invoice.payment_intent", "payment_intent"),
            ("latest_invoice.payments.payment", "payment"),
            ("customer.email", "email"),
            ("invalid.deep.path", "invalid"),
            ("metadata", "metadata"),
            ("", ""),
        ] {
            let message = format!("This property cannot be expanded ({name}).");
            assert_eq!(words(path), (None, message), "{path}");
        }
        for path in [
            "default_source",
            "customer.default_source",
            "latest_invoice.issuer.account",
        ] {
            assert_eq!(
                words(path).0.as_deref(),
                Some("sandbox_not_simulated"),
                "{path}"
            );
        }
    }
}
