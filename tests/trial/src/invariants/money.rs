//! Who has what at Stripe, and who was charged.

use std::collections::{BTreeMap, BTreeSet};

use super::{Seen, group, is_live, items, pauses};
use crate::stage::Pause;

/// What a pause credits goes down with each second that passes after its preview: so many cents while whoever has died is
/// followed by another one.
const LATER: i64 = 20;

pub(super) fn one_customer(seen: &Seen, broken: &mut Vec<String>) {
    if seen.books.customers.len() > 1 {
        broken.push(format!(
            "the user has {} customers at Stripe",
            seen.books.customers.len()
        ));
    }
}

pub(super) fn one_live_subscription(seen: &Seen, broken: &mut Vec<String>) {
    let mut live: BTreeMap<&str, usize> = BTreeMap::new();
    for subscription in seen.books.subscriptions.iter().filter(|it| is_live(it)) {
        *live.entry(group(seen, subscription)).or_default() += 1;
    }
    for (group, count) in live.into_iter().filter(|(_, count)| *count > 1) {
        broken.push(format!(
            "the user has {count} live subscriptions of the group {group}"
        ));
    }
}

/// The same at every moment, as Stripe's events tell it. A subscription that nobody has confirmed
/// counts, since its shopper could be about to.
pub(super) fn never_two_live(seen: &Seen, broken: &mut Vec<String>) {
    let mut live: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in &seen.events {
        let subscription = &event["data"]["object"];
        let id = subscription["id"].as_str().unwrap_or_default();
        let group = group(seen, subscription);
        let of_group = live.entry(group).or_default();
        let changed = if is_live(subscription) {
            of_group.insert(id)
        } else {
            of_group.remove(id)
        };
        if changed && of_group.len() > 1 {
            broken.push(format!(
                "for a while, {of_group:?} of the group {group} were live at once"
            ));
        }
    }
}

/// No charge without a subscription that both sides know of.
pub(super) fn charges(seen: &Seen, broken: &mut Vec<String>) {
    let rows = items(seen, "SUB#").chain(items(seen, "ARCHIVE#"));
    let known: BTreeSet<&str> = rows
        .filter_map(|item| item["model"]["id"].as_str())
        .collect();
    let paid = seen
        .books
        .payment_intents
        .iter()
        .filter(|it| it["status"] == "succeeded")
        .count();
    let mut invoices = 0;
    for invoice in &seen.books.invoices {
        let amount = invoice["amount_paid"].as_i64().unwrap_or(0);
        if invoice["status"] != "paid" || amount == 0 {
            continue;
        }
        invoices += 1;
        let subscription = invoice["parent"]["subscription_details"]["subscription"]
            .as_str()
            .unwrap_or_default();
        let exists = seen
            .books
            .subscriptions
            .iter()
            .any(|it| it["id"] == subscription);
        if !exists || !known.contains(subscription) {
            broken.push(format!(
                "{} was charged, and nobody knows its subscription",
                invoice["id"]
            ));
        }
    }
    if paid != invoices {
        broken.push(format!(
            "{paid} payments succeeded, and {invoices} invoices were paid by one"
        ));
    }
}

/// A change of plan, and the end of a pause, cost what the shopper agreed to, once, or nothing. Each pause credits once.
pub(super) fn changes(seen: &Seen, broken: &mut Vec<String>) {
    let mut agreed = seen.agreed.clone();
    let mut pauses: Vec<&Pause> = seen.pauses.iter().filter(|it| it.until.is_some()).collect();
    let mut credits: Vec<&Pause> = seen.pauses.iter().collect();
    let paid = seen.books.invoices.iter().filter(|invoice| {
        invoice["billing_reason"] == "subscription_update" && invoice["status"] == "paid"
    });
    for invoice in paid {
        let of = &invoice["parent"]["subscription_details"]["subscription"];
        let of_credit = credits.iter().position(|pause| *of == *pause.subscription);
        if let Some(index) = of_credit.filter(|_| invoice["total"].as_i64() < Some(0)) {
            credits.swap_remove(index);
            continue;
        }
        let amount = invoice["amount_paid"].as_i64().unwrap_or_default();
        let as_shown = agreed.iter().position(|due| *due == amount);
        let of_pause = pauses.iter().position(|pause| {
            *of == *pause.subscription
                && pause.until <= invoice["created"].as_i64()
                && (amount - pause.ends_for).abs() <= LATER
        });
        match (of_pause, as_shown) {
            (Some(index), _) => _ = pauses.swap_remove(index),
            (None, Some(index)) => _ = agreed.swap_remove(index),
            (None, None) => broken.push(format!(
                "{} has charged {amount} for a change, and the shopper agreed to {:?}",
                invoice["id"], seen.agreed
            )),
        }
    }
    let open = seen.books.invoices.iter().filter(|invoice| {
        invoice["billing_reason"] == "subscription_update"
            && matches!(invoice["status"].as_str(), Some("open" | "draft"))
            && !pauses::waits_at_its_end(seen, invoice)
    });
    for invoice in open {
        broken.push(format!(
            "{} of a change can still be charged",
            invoice["id"]
        ));
    }
}
