//! What went back with an end at once, and what those paid who came again: what was shown, or nothing.

use serde_json::Value;

use super::{Seen, attempt_item, attempt_of, came_first, is_live};

/// An end gives back what was shown, once; one that was not agreed to gives nothing back.
pub(super) fn all_that_went_back(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        let id = &subscription["id"];
        let of_it = |it: &&Value| it["parent"]["subscription_details"]["subscription"] == *id;
        let invoices: Vec<&Value> = seen.books.invoices.iter().filter(of_it).collect();
        let notes: Vec<&Value> = seen
            .books
            .credit_notes
            .iter()
            .filter(|note| note["status"] == "issued")
            .filter(|note| invoices.iter().any(|it| it["id"] == note["invoice"]))
            .collect();
        if seen.refunds.iter().any(|it| *id == *it.subscription) {
            by_server(seen, subscription, &notes, broken);
            continue;
        }
        for invoice in &invoices {
            let count = notes.iter().filter(|it| it["invoice"] == invoice["id"]);
            if count.count() > 1 {
                broken.push(format!("{} was given back twice", invoice["id"]));
            }
        }
        let (mut refund, mut credit) = (0, 0);
        for note in &notes {
            let parts = note["refunds"].as_array().into_iter().flatten();
            let refunded: i64 = parts.filter_map(|it| it["amount_refunded"].as_i64()).sum();
            refund += refunded;
            credit += note["amount"].as_i64().unwrap_or_default() - refunded;
        }
        let mut shown = seen.backs.iter().filter(|it| *id == *it.subscription);
        let is_shown = shown
            .clone()
            .any(|it| (it.refund, it.credit) == (refund, credit));
        let ended = subscription["ended_at"].as_i64();
        let period = subscription["items"]["data"][0]["current_period_end"].as_i64();
        let at_once = !is_live(subscription) && ended < period;
        let wanted = if shown.next().is_some() && at_once {
            is_shown
        } else {
            (refund, credit) == (0, 0)
        };
        if !wanted {
            broken.push(format!(
                "{id} is {}, {refund} were paid back and {credit} credited, and shown were {:?}",
                subscription["status"], seen.backs
            ));
        }
    }
}

/// A server gives back what it asked for, each part once, and all that it was told.
fn by_server(seen: &Seen, subscription: &Value, notes: &[&Value], broken: &mut Vec<String>) {
    let id = &subscription["id"];
    let amounts = notes.iter().filter_map(|note| note["amount"].as_i64());
    let mut made: Vec<i64> = amounts.collect();
    for asked in seen.refunds.iter().filter(|it| *id == *it.subscription) {
        match made.iter().position(|amount| *amount == asked.amount) {
            Some(place) => drop(made.remove(place)),
            None if asked.is_sure => broken.push(format!(
                "{} of {id} were answered to be given back, and are not",
                asked.amount
            )),
            None => {}
        }
    }
    // Beside that, an end gives back what was shown.
    let rest: i64 = made.iter().sum();
    let mut ends = seen.backs.iter().filter(|it| *id == *it.subscription);
    let of_end = !is_live(subscription) && ends.any(|it| it.refund + it.credit == rest);
    if rest != 0 && !of_end {
        broken.push(format!(
            "{made:?} of {id} were given back beside what was asked for"
        ));
    }
}

/// The shop hears once of each refund of an invoice.
pub(super) fn is_told(seen: &Seen, broken: &mut Vec<String>) {
    let told = seen.outbox.iter();
    let told = told.filter(|event| event["type"] == "subscription.refunded");
    let notes = seen.books.credit_notes.iter();
    let refunds = notes.filter_map(|note| note["refunds"].as_array());
    let (told, made) = (told.count(), refunds.flatten().count());
    // What was paid with the wrong method goes back without a credit note.
    if told < made {
        broken.push(format!("of {made} refunds the shop was told {told}"));
    }
}

/// Who comes again pays what was shown.
pub(super) fn first_payments(seen: &Seen, broken: &mut Vec<String>) {
    if seen.firsts.is_empty() {
        return;
    }
    for subscription in &seen.books.subscriptions {
        let attempt = attempt_of(subscription).and_then(|it| attempt_item(seen, it));
        if !attempt.is_some_and(|it| came_first(it) && it["wallet"] == "amazon_pay") {
            continue;
        }
        let first = seen.books.invoices.iter().find(|it| {
            it["billing_reason"] == "subscription_create"
                && it["parent"]["subscription_details"]["subscription"] == subscription["id"]
        });
        let paid = first.and_then(|it| it["amount_due"].as_i64());
        if !paid.is_some_and(|paid| seen.firsts.contains(&paid)) {
            broken.push(format!(
                "{} has begun with {paid:?}, and shown were {:?}",
                subscription["id"], seen.firsts
            ));
        }
    }
}
