//! The lines that bill a subscription's items for their current periods.

use crate::objects::invoice_line::{self, Charged, share};
use crate::objects::subscription_item;
use crate::state::{Fields, World};
use serde_json::Value;

/// A line for the current period of each of these items.
///
/// A first period that begins inside the billing cycle, and a last one that is cut short, are prorated
/// (<https://docs.stripe.com/billing/subscriptions/billing-cycle>). A trial costs nothing.
pub(crate) fn of_items<'a>(
    world: &World,
    subscription: &Value,
    items: impl Iterator<Item = &'a Value>,
) -> Vec<Value> {
    let trial = subscription.is("status", "trialing");
    items
        .map(|item| {
            let (period, whole) = (
                subscription_item::period(item),
                subscription_item::whole_period(item),
            );
            let charged = if trial {
                Charged::Trial
            } else if period == whole {
                Charged::Whole
            } else {
                Charged::Part(share(
                    subscription_item::amount(item),
                    period.end - period.start,
                    whole.end - whole.start,
                ))
            };
            invoice_line::of_item(world, subscription, item, charged)
        })
        .collect()
}
