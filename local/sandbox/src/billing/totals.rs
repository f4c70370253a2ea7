//! The totals of an invoice, made of its lines.

use super::{discounts, minimum, taxes};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Writes the totals of a draft, of its lines and of what the customer's balance is now. Each line is discounted and
/// taxed first; what a line has of both is replaced.
///
/// `amount_due` is 0 where the balance pays for all, and where less would be charged than Stripe charges: then the
/// amount is left for the balance (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>, types of
/// npm stripe 23.1.0, `amount_due`).
pub(crate) fn set(world: &World, invoice: &mut Value) {
    let mut lines = invoice.list("lines.data").to_vec();
    discounts::apply(world, invoice.list("discounts"), &mut lines);
    taxes::apply(world, invoice, &mut lines);
    let amounts: i64 = sum(lines.iter(), "amount");
    // What discounts of the lines themselves take off is not part of the subtotal.
    let subtotal = amounts - lines.iter().map(own_discounts).sum::<i64>();
    let discounts = gathered(&lines, "discount_amounts", &["discount"]);
    let taxes = gathered(
        &lines,
        "taxes",
        &[
            "tax_behavior",
            "tax_rate_details",
            "taxability_reason",
            "type",
        ],
    );
    let inclusive = sum(
        taxes
            .iter()
            .filter(|tax| tax.is("tax_behavior", "inclusive")),
        "amount",
    );
    let exclusive = sum(taxes.iter(), "amount") - inclusive;
    let discounted = amounts - sum(discounts.iter(), "amount");
    let total = discounted + exclusive;
    invoice.set("lines.data", lines);
    invoice.set("subtotal", subtotal);
    invoice.set("subtotal_excluding_tax", subtotal - inclusive);
    invoice.set("total", total);
    invoice.set("total_discount_amounts", discounts);
    invoice.set("total_excluding_tax", discounted - inclusive);
    invoice.set("total_taxes", taxes);
    let balance = balance_of(world, invoice);
    let wanted = total.saturating_add(balance).max(0);
    let due = if minimum::is_charged(wanted, invoice.text("currency").unwrap_or_default()) {
        wanted
    } else {
        0
    };
    invoice.set("starting_balance", balance);
    invoice.set("amount_due", due);
    invoice.set("amount_remaining", due);
}

/// What the customer's balance will be once the invoice is final: what it does not charge stays there.
pub(crate) fn ending_balance(invoice: &Value) -> i64 {
    let amount = |name: &str| invoice.int(name).unwrap_or(0);
    amount("starting_balance") + amount("total") - amount("amount_due")
}

/// What the lines have in these lists, with the amounts of what agrees in all of `same` added up.
fn gathered(lines: &[Value], list: &str, same: &[&str]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for part in lines.iter().flat_map(|line| line.list(list)) {
        let known = all
            .iter_mut()
            .find(|known| same.iter().all(|name| known.at(name) == part.at(name)));
        match known {
            Some(known) => {
                for name in ["amount", "taxable_amount"] {
                    if let (Some(one), Some(other)) = (known.int(name), part.int(name)) {
                        known.set(name, one + other);
                    }
                }
            }
            None => all.push(part.clone()),
        }
    }
    all
}

/// What the discounts of the line itself take off it.
fn own_discounts(line: &Value) -> i64 {
    let own = line.list("discounts");
    let amounts = line.list("discount_amounts").iter();
    sum(
        amounts.filter(|it| own.contains(it.at("discount"))),
        "amount",
    )
}

fn sum<'a>(of: impl Iterator<Item = &'a Value>, name: &str) -> i64 {
    of.filter_map(|it| it.int(name)).sum()
}

fn balance_of(world: &World, invoice: &Value) -> i64 {
    invoice
        .text("customer")
        .and_then(|id| world.store.get(Kind::Customer, id))
        .and_then(|customer| customer.int("balance"))
        .unwrap_or(0)
}
