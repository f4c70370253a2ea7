//! A line of an invoice.

use super::subscription_item;
use crate::params::currencies::written;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// What a line is for, in seconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Period {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// A part of an amount for a part of a period: `amount * part / whole`, rounded to the nearest minor unit, halves away
/// from zero.
///
/// <https://docs.stripe.com/billing/subscriptions/prorations> says that prorations are calculated to the second. That
/// halves go away from zero is inferred.
pub(crate) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    let rounded = (product.abs() * 2 + whole) / (whole * 2);
    i64::try_from(rounded * product.signum()).unwrap_or(0)
}

/// What a line charges for a period of a subscription's item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Charged {
    /// Nothing, since it is a free trial.
    Trial,
    /// The price.
    Whole,
    /// This amount, which is the price for a part of the period.
    Part(i64),
}

/// A line for the current period of a subscription's item.
pub(crate) fn of_item(
    world: &World,
    subscription: &Value,
    item: &Value,
    charged: Charged,
) -> Value {
    let price = item.at("price");
    let quantity = item.int("quantity").unwrap_or(1);
    let trial = charged == Charged::Trial;
    let unit = if trial {
        0
    } else {
        price.int("unit_amount").unwrap_or(0)
    };
    let (amount, part) = match charged {
        Charged::Trial => (0, false),
        Charged::Whole => (subscription_item::amount(item), false),
        Charged::Part(amount) => (amount, true),
    };
    let name = product_name(world, price);
    let description = if trial {
        format!("Trial period for {name}")
    } else {
        let cost = written(unit, price.text("currency").unwrap_or_default());
        format!(
            "{quantity} × {name} (at {cost} / {})",
            price.text("recurring.interval").unwrap_or_default()
        )
    };
    json!({
        "id": ids::id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price.at("currency"),
        "description": description,
        "discount_amounts": [],
        "discountable": true,
        "discounts": item.at("discounts"),
        "invoice": null,
        "livemode": false,
        "metadata": subscription.at("metadata"),
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": part,
                "proration_details": {"credited_items": null},
                "subscription": subscription.id(),
                "subscription_item": item.id(),
            },
            "type": "subscription_item_details",
        },
        "period": {"end": item.at("current_period_end"), "start": item.at("current_period_start")},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price.id(), "product": price.at("product")},
            "type": "price_details",
            "unit_amount_decimal": unit.to_string(),
        },
        "quantity": quantity,
        "quantity_decimal": quantity.to_string(),
        "subscription": subscription.id(),
        "subtotal": amount,
        "taxes": [],
        "_tax_rates": item.at("tax_rates"),
    })
}

/// A line for an invoice item that waited.
pub(crate) fn of_pending(item: &Value) -> Value {
    let of = item.at("parent.subscription_details");
    let from_subscription_item = of.has("subscription_item");
    let mut details = json!({
        "invoice_item": item.id(),
        "proration": item.flag("proration"),
        "proration_details": {"credited_items": credited(item)},
        "subscription": of.at("subscription"),
    });
    let parent = if from_subscription_item {
        details.set("subscription_item", of.at("subscription_item").clone());
        json!({"invoice_item_details": null, "subscription_item_details": details, "type": "subscription_item_details"})
    } else {
        json!({"invoice_item_details": details, "subscription_item_details": null, "type": "invoice_item_details"})
    };
    json!({
        "id": ids::id("il"),
        "object": "line_item",
        "amount": item.at("amount"),
        "currency": item.at("currency"),
        "description": item.at("description"),
        "discount_amounts": [],
        "discountable": item.at("discountable"),
        "discounts": item.at("discounts"),
        "invoice": null,
        "livemode": false,
        "metadata": item.at("metadata"),
        "parent": parent,
        "period": item.at("period"),
        "pretax_credit_amounts": [],
        "pricing": item.at("pricing"),
        "quantity": item.at("quantity"),
        "quantity_decimal": item.at("quantity_decimal"),
        "subscription": of.at("subscription"),
        "subtotal": item.at("amount"),
        "taxes": [],
        "_tax_rates": item.at("tax_rates"),
    })
}

/// What a line says of the debit that it credits: only debits that are on an invoice can be named.
fn credited(item: &Value) -> Value {
    item.at("proration_details.credited_items.invoice_line_item_details")
        .clone()
}

/// The name of what a price sells.
pub(crate) fn product_name<'a>(world: &'a World, price: &Value) -> &'a str {
    world
        .store
        .get(Kind::Product, price.text("product").unwrap_or_default())
        .and_then(|product| product.text("name"))
        .unwrap_or("Product")
}

#[cfg(test)]
mod tests {
    use super::share;

    /// The first three are the preview on <https://docs.stripe.com/billing/subscriptions/prorations>: the period is
    /// 1596749288 to 1599427688 (2,678,400 s) and the change at 1598982148 (445,540 s are left).
    #[test]
    fn a_share_is_rounded_to_the_nearest_cent_and_halves_away_from_zero() {
        let cases = [
            (1000, 445_540, 2_678_400, 166),
            (-1000, 445_540, 2_678_400, -166),
            (3252, 445_540, 2_678_400, 541),
            // 1487030400 to 1489449600, at 1488568488: 1000 * 881112 / 2419200 = 364.2...
            (-1000, 881_112, 2_419_200, -364),
            (1, 1, 2, 1),
            (-1, 1, 2, -1),
            (1, 49, 100, 0),
            (3, 1, 2, 2),
            (1000, 0, 100, 0),
            (1000, 1, 0, 0),
            (99_999_999, 94_608_000, 94_608_000, 99_999_999),
        ];
        for (amount, part, whole, expected) in cases {
            assert_eq!(
                share(amount, part, whole),
                expected,
                "{amount} {part}/{whole}"
            );
        }
    }
}
