//! What the shop and the shopper were told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Seen, attempt_item, attempt_of, came_first, was_ended};

/// The shop hears of each subscription once that it began, and of each change in its order.
pub(super) fn outbox(seen: &Seen, broken: &mut Vec<String>) {
    let mut by_subscription: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut failed: BTreeMap<String, usize> = BTreeMap::new();
    for event in &seen.outbox {
        if !ids.insert(event["id"].to_string()) {
            broken.push(format!("{} was told twice", event["id"]));
        }
        let mut data: Value = event["data"]
            .as_str()
            .and_then(|data| serde_json::from_str(data).ok())
            .unwrap_or_default();
        data["sequence"] = event["sequence"].clone();
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        if kind == "checkout.failed" {
            *failed.entry(data["checkout"].to_string()).or_default() += 1;
        } else if let Some(id) = data["subscription"]["id"].as_str() {
            by_subscription
                .entry(id.to_owned())
                .or_default()
                .push((kind, data));
        }
    }
    for (checkout, count) in failed.into_iter().filter(|(_, count)| *count > 1) {
        broken.push(format!(
            "the shop was told {count} times that {checkout} has failed"
        ));
    }
    for told in by_subscription.values_mut() {
        // Two events of one change may leave the table in any order.
        told.sort_by_key(|(_, data)| data["sequence"].as_u64());
    }
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let told = by_subscription.get(id).map_or(&[][..], Vec::as_slice);
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        let begins = if subscription["trial_end"].is_null() {
            "subscription.activated"
        } else {
            "subscription.trialing"
        };
        let confirmed = seen.books.is_confirmed(subscription);
        if confirmed && kinds.first() != Some(&begins) {
            broken.push(format!(
                "the shop was told {kinds:?} of {id}, not {begins} first"
            ));
        }
        if !confirmed && !kinds.is_empty() {
            broken.push(format!(
                "the shop was told {kinds:?} of {id}, which nobody has confirmed"
            ));
        }
        if kinds
            .iter()
            .filter(|kind| **kind == "subscription.trialing")
            .count()
            > 1
        {
            broken.push(format!(
                "the shop was told twice that the trial of {id} began"
            ));
        }
        let repeated = told.windows(2).any(|pair| match pair {
            [(first, then), (second, now)] if first == second => is_same(first, then, now),
            _ => false,
        });
        if repeated {
            broken.push(format!(
                "the shop was told the same of {id} twice: {kinds:?}"
            ));
        }
        if let Some((_, last)) = told.last()
            && last["subscription"]["status"] != subscription["status"]
        {
            broken.push(format!(
                "the last that the shop heard of {id} is {}, and it is {}",
                last["subscription"]["status"], subscription["status"]
            ));
        }
    }
}

/// Nobody was told what turned out to be wrong.
pub(super) fn what_was_told(seen: &Seen, broken: &mut Vec<String>) {
    for told in &seen.told {
        let made = seen
            .books
            .subscriptions
            .iter()
            .find(|it| attempt_of(it) == Some(told.checkout.as_str()))
            .filter(|made| seen.books.is_confirmed(made));
        let again = attempt_item(seen, &told.checkout).is_some_and(came_first);
        match (told.status.as_str(), told.reason.as_deref(), made) {
            ("subscribed", _, None) => {
                broken.push(format!(
                    "the shopper was told that {} is subscribed",
                    told.checkout
                ));
            }
            ("subscribed", _, Some(made))
                if told
                    .subscription
                    .as_ref()
                    .is_some_and(|id| made["id"] != *id) =>
            {
                broken.push(format!(
                    "{} was answered with two subscriptions",
                    told.checkout
                ));
            }
            // After these the shopper may go on with the same checkout.
            ("failed", Some("wallet_declined" | "wallet_abandoned"), _) => {}
            ("failed", Some("payment_declined"), _) if again => {}
            // Who asks after its end is told what has become of it.
            ("failed", Some("ended_after_payment" | "ended_in_trial"), Some(made))
                if was_ended(seen, made) => {}
            ("failed", reason, Some(made)) => broken.push(format!(
                "the shopper was told that {} has failed ({reason:?}), and there is {}",
                told.checkout, made["id"]
            )),
            _ => {}
        }
    }
}

/// Whether two events of a type, one after the other, tell of the same thing: a period is renewed again and again,
/// and another plan or payment method may come after another one.
fn is_same(kind: &str, then: &Value, now: &Value) -> bool {
    let differs = |pointer: &str| then.pointer(pointer) != now.pointer(pointer);
    match kind {
        "subscription.renewed" => false,
        "subscription.plan_changed" => {
            let items = [
                "/subscription/plan",
                "/subscription/quantity",
                "/subscription/addons",
            ];
            !items.into_iter().any(differs)
        }
        "subscription.quantity_changed" => !differs("/subscription/quantity"),
        "subscription.addons_changed" => !differs("/subscription/addons"),
        "subscription.change_scheduled" => !differs("/subscription/pending_change"),
        "subscription.renewal_upcoming" | "subscription.trial_ending" => {
            !differs("/subscription/current_period_end")
        }
        "subscription.payment_method_changed" => !differs("/subscription/payment_method"),
        _ => true,
    }
}
