//! A pending invoice item: an amount that waits for the customer's next invoice.

use super::invoice_line::Period;
use super::subscription;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// What an invoice item is for.
#[derive(Clone, Debug)]
pub(crate) struct Item<'a> {
    /// In minor units, negative for a credit.
    pub(crate) amount: i64,
    pub(crate) currency: &'a str,
    pub(crate) description: String,
    /// Whether the discounts of the invoice apply to it.
    pub(crate) discountable: bool,
    pub(crate) period: Period,
    /// The price that it is made of, or null.
    pub(crate) price: &'a Value,
    pub(crate) quantity: i64,
    /// Whether a change of a subscription made it.
    pub(crate) proration: bool,
    /// Stripe's `credited_items`, or null.
    pub(crate) credited_items: Value,
    /// The subscription whose invoice it waits for; without one, the customer's next invoice takes it.
    pub(crate) subscription: Option<&'a str>,
    /// The item of that subscription.
    pub(crate) source: Option<&'a str>,
}

/// An invoice item of the customer, on no invoice yet. Its shape is that of `InvoiceItem` in the types of npm stripe
/// 23.1.0.
pub(crate) fn new(world: &World, customer: &Value, item: &Item<'_>) -> Value {
    let parent = item.subscription.map(|subscription| {
        json!({
            "subscription_details": {"subscription": subscription, "subscription_item": item.source},
            "type": "subscription_details",
        })
    });
    let pricing = item.price.text("id").map(|price| {
        json!({
            "price_details": {"price": price, "product": item.price.at("product")},
            "type": "price_details",
            "unit_amount_decimal": item.price.at("unit_amount_decimal"),
        })
    });
    let mut made = json!({
        "id": ids::id("ii"),
        "object": "invoiceitem",
        "amount": item.amount,
        "currency": item.currency,
        "customer": customer.id(),
        "customer_account": null,
        "date": world.now_for(customer),
        "description": item.description,
        "discountable": item.discountable,
        "discounts": [],
        "frozen_fields": [],
        "invoice": null,
        "invoicing_rules": [],
        "livemode": false,
        "metadata": {},
        "parent": parent,
        "period": {"end": item.period.end, "start": item.period.start},
        "pricing": pricing,
        "proration": item.proration,
        "quantity": item.quantity,
        "quantity_decimal": item.quantity.to_string(),
        "tax_rates": [],
        "test_clock": customer.at("test_clock"),
        "_clock": customer.at("_clock"),
    });
    if item.proration {
        made.set("net_amount", item.amount);
        made.set(
            "proration_details.credited_items",
            item.credited_items.clone(),
        );
        made.set("proration_details.discount_amounts", json!([]));
    }
    made
}

/// The customer's items that no invoice has yet, the oldest first. Of items that belong to a subscription which goes on,
/// only those of this one.
pub(crate) fn pending(world: &World, customer: &str, subscription: Option<&str>) -> Vec<Value> {
    let waits = |item: &&Value| {
        let of = item.text("parent.subscription_details.subscription");
        !item.has("invoice") && of.is_none_or(|of| subscription == Some(of) || is_over(world, of))
    };
    world
        .store
        .having(Kind::InvoiceItem, "customer", customer)
        .filter(waits)
        .cloned()
        .collect()
}

fn is_over(world: &World, subscription: &str) -> bool {
    let found = world.store.get(Kind::Subscription, subscription);
    found.is_none_or(subscription::is_over)
}
