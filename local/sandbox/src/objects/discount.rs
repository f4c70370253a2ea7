//! A discount: a coupon that was redeemed for something.

use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// What a discount is on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place<'a> {
    /// The customer who has it.
    pub(crate) customer: &'a str,
    pub(crate) subscription: Option<&'a str>,
    pub(crate) subscription_item: Option<&'a str>,
    pub(crate) invoice: Option<&'a str>,
    pub(crate) invoice_item: Option<&'a str>,
}

impl Place<'_> {
    /// Whether Stripe tells of it: events are about discounts of customers and of their subscriptions.
    pub(crate) fn is_told(&self) -> bool {
        self.invoice.is_none() && self.invoice_item.is_none()
    }
}

/// A discount by this coupon, from `start` until `end`, in seconds since 1970.
pub(crate) fn new(
    customer: &Value,
    coupon: &Value,
    code: Option<&str>,
    place: &Place<'_>,
    start: i64,
    end: Option<i64>,
) -> Value {
    json!({
        "id": ids::id("di"),
        "object": "discount",
        "checkout_session": null,
        "customer": place.customer,
        "customer_account": null,
        "end": end,
        "invoice": place.invoice,
        "invoice_item": place.invoice_item,
        "promotion_code": code,
        "source": {"coupon": coupon.id(), "type": "coupon"},
        "start": start,
        "subscription": place.subscription,
        "subscription_item": place.subscription_item,
        "_clock": customer.at("_clock"),
        // A coupon that is deleted later goes on being worth what it was.
        "_coupon": coupon,
    })
}

/// A discount that is over, as it is shown from then on.
pub(crate) fn deleted(discount: &Value) -> Value {
    let mut gone = discount.clone();
    if let Value::Object(fields) = &mut gone {
        fields.remove("end");
    }
    gone.set("deleted", true);
    gone
}

/// The discount of this id, also if it is over.
pub(crate) fn known<'a>(world: &'a World, id: &Value) -> Option<&'a Value> {
    world.store.get(crate::state::Kind::Discount, id.as_str()?)
}

/// Whether the discount takes something off at this time.
pub(crate) fn is_on(discount: &Value, now: i64) -> bool {
    !discount.flag("deleted") && discount.int("end").is_none_or(|end| now < end)
}
