//! What a change in the middle of a period credits and debits.
//!
//! Each is an invoice item of its own, which the subscription's next invoice takes:
//! <https://docs.stripe.com/billing/subscriptions/prorations>.

use super::discounts;
use crate::objects::invoice_item::{self, Item};
use crate::objects::invoice_line::{Period, product_name, share};
use crate::objects::{subscription, subscription_item};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// What a whole period of the item costs after its discounts, in minor units.
pub(crate) fn whole_amount(world: &World, subscription: &Value, item: &Value) -> i64 {
    discounts::net_of_item(world, subscription, item)
}

/// Credits what was debited for `period` of the item, and returns how many credits that took.
///
/// In flexible billing mode that is what was really debited, a credit for each debit; in classic it is the item's price
/// (<https://docs.stripe.com/billing/subscriptions/billing-mode/compare>).
pub(crate) fn credit(
    world: &mut World,
    subscription: &Value,
    item: &Value,
    period: Period,
) -> usize {
    if period.end <= period.start {
        return 0;
    }
    let credits = if subscription::is_flexible(subscription) && item.has("_debits") {
        of_debits(world, item, period)
    } else {
        let whole = subscription_item::whole_period(item);
        let part = share(
            whole_amount(world, subscription, item),
            period.end - period.start,
            whole.end - whole.start,
        );
        vec![(part, period, Value::Null)]
    };
    for (amount, period, credited_items) in &credits {
        let what = format!("Unused time on {}", named(world, item));
        let description = format!("{what} after {}", date(period.start));
        add(
            world,
            subscription,
            item,
            (-amount, *period, description, credited_items.clone()),
        );
    }
    credits.len()
}

/// What is left of each debit in this period, with Stripe's `credited_items`.
fn of_debits(world: &World, item: &Value, period: Period) -> Vec<(i64, Period, Value)> {
    let mut parts = Vec::new();
    for debit in item.list("_debits") {
        let number = |name: &str| debit.int(name).unwrap_or(0);
        let left = Period {
            start: period.start.max(number("start")),
            end: period.end.min(number("until")),
        };
        let Some((amount, credited)) = debited(world, debit) else {
            continue;
        };
        if left.start < left.end {
            let part = share(
                amount,
                left.end - left.start,
                number("end") - number("start"),
            );
            parts.push((part, left, credited));
        }
    }
    parts
}

/// What a debit came to after its discounts, and how a credit refers to it.
fn debited(world: &World, debit: &Value) -> Option<(i64, Value)> {
    if let Some(id) = debit.text("invoice_item") {
        let item = world.store.get(Kind::InvoiceItem, id)?;
        let line = item
            .text("invoice")
            .and_then(|invoice| world.store.get(Kind::Invoice, invoice))
            .and_then(|invoice| line_of(invoice, |line| is_of(line, id)));
        let credited = match line {
            Some(line) => by_line(line.at("invoice"), line.id()),
            None => json!({"invoice_item": id, "type": "invoice_item"}),
        };
        return Some((item.int("amount")?, credited));
    }
    let id = debit.text("line")?;
    let invoice = world.store.get(Kind::Invoice, debit.text("invoice")?)?;
    let line = line_of(invoice, |line| line.id() == id)?;
    let discounts = line.list("discount_amounts").iter();
    let discounted: i64 = discounts.filter_map(|it| it.int("amount")).sum();
    Some((
        line.int("amount")? - discounted,
        by_line(debit.at("invoice"), id),
    ))
}

fn line_of(invoice: &Value, wanted: impl Fn(&Value) -> bool) -> Option<&Value> {
    invoice.list("lines.data").iter().find(|line| wanted(line))
}

fn is_of(line: &Value, item: &str) -> bool {
    line.is("parent.subscription_item_details.invoice_item", item)
}

fn by_line(invoice: &Value, line: &str) -> Value {
    json!({
        "invoice_line_item_details": {"invoice": invoice, "invoice_line_items": [line]},
        "type": "invoice_line_items",
    })
}

/// Debits `period` of the item, a part of its whole period.
pub(crate) fn debit(
    world: &mut World,
    subscription: &Value,
    item: &mut Value,
    period: Period,
) -> usize {
    if period.end <= period.start {
        return 0;
    }
    let whole = subscription_item::whole_period(item);
    let amount = share(
        whole_amount(world, subscription, item),
        period.end - period.start,
        whole.end - whole.start,
    );
    let what = format!("Remaining time on {}", named(world, item));
    let description = format!("{what} after {}", date(period.start));
    let id = add(
        world,
        subscription,
        item,
        (amount, period, description, Value::Null),
    );
    let debit = json!({
        "invoice_item": id, "start": period.start, "end": period.end, "until": period.end,
    });
    let mut debits = item.list("_debits").to_vec();
    debits.push(debit);
    item.set("_debits", debits);
    1
}

/// Remembers which lines of an invoice debited the subscription's items for their periods.
pub(crate) fn note_debits(subscription: &mut Value, invoice: &Value) {
    let mut items = subscription.list("items.data").to_vec();
    for item in &mut items {
        let debited = |line: &&Value| {
            let of = line.at("parent.subscription_item_details");
            of.is("subscription_item", item.id()) && !of.has("invoice_item")
        };
        let lines = invoice.list("lines.data").iter().filter(debited);
        let debits: Vec<Value> = lines
            .map(|line| {
                json!({
                    "invoice": invoice.id(), "line": line.id(), "start": line.at("period.start"),
                    "end": line.at("period.end"), "until": line.at("period.end"),
                })
            })
            .collect();
        if !debits.is_empty() {
            item.set("_debits", debits);
        }
    }
    subscription.set("items.data", items);
}

/// Notes that what was debited for the time after `at` has been credited.
pub(crate) fn trim_debits(item: &mut Value, at: i64) {
    let mut debits = item.list("_debits").to_vec();
    debits.retain(|debit| debit.int("start").is_some_and(|start| start < at));
    for debit in &mut debits {
        if debit.int("until").is_some_and(|until| until > at) {
            debit.set("until", at);
        }
    }
    item.set("_debits", debits);
}

/// Until when the item has been debited, if that is known.
pub(crate) fn debited_until(item: &Value) -> Option<i64> {
    item.list("_debits")
        .iter()
        .filter_map(|debit| debit.int("until"))
        .max()
}

fn add(
    world: &mut World,
    subscription: &Value,
    item: &Value,
    (amount, period, description, credited_items): (i64, Period, String, Value),
) -> String {
    let customer = world
        .store
        .get(
            Kind::Customer,
            subscription.text("customer").unwrap_or_default(),
        )
        .cloned()
        .unwrap_or_default();
    let made = invoice_item::new(
        world,
        &customer,
        &Item {
            amount,
            currency: subscription.text("currency").unwrap_or_default(),
            description,
            discountable: false,
            period,
            price: item.at("price"),
            quantity: item.int("quantity").unwrap_or(1),
            proration: true,
            credited_items,
            subscription: Some(subscription.id()),
            source: Some(item.id()),
        },
    );
    world.create(&made, "invoiceitem.created");
    made.id().to_owned()
}

/// The item's product, with the quantity before it if there are several.
fn named(world: &World, item: &Value) -> String {
    let name = product_name(world, item.at("price"));
    match item.int("quantity") {
        Some(1) | None => name.to_owned(),
        Some(quantity) => format!("{quantity} × {name}"),
    }
}

/// A day as in `26 Nov 2026`.
fn date(at: i64) -> String {
    let Ok(day) = OffsetDateTime::from_unix_timestamp(at) else {
        return at.to_string();
    };
    let month = day.month().to_string();
    format!(
        "{:02} {} {}",
        day.day(),
        month.get(..3).unwrap_or(&month),
        day.year()
    )
}
