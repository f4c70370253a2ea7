//! What becomes of checkouts.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shop::group_of;

use super::{Seen, attempt_item, attempt_of, came_first, group, is_live, is_open, items};

/// One subscription for each approved attempt that was allowed one, and none otherwise.
pub(super) fn approved_attempts(seen: &Seen, broken: &mut Vec<String>) {
    let mut made: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for subscription in &seen.books.subscriptions {
        match attempt_of(subscription) {
            Some(attempt) => made.entry(attempt).or_default().push(subscription),
            None if is_of_before(seen, subscription) => {}
            None => broken.push(format!("{} is of no checkout", subscription["id"])),
        }
    }
    for (attempt, subscriptions) in &made {
        if subscriptions.len() > 1 {
            broken.push(format!(
                "{attempt} has {} subscriptions",
                subscriptions.len()
            ));
        }
        if attempt_item(seen, attempt).is_some_and(came_first) {
            continue;
        }
        let mut intents = seen.books.setup_intents.iter();
        if !intents.any(|it| attempt_of(it) == Some(attempt) && it["status"] == "succeeded") {
            broken.push(format!(
                "{attempt} has a subscription that no wallet agreed to"
            ));
        }
    }
    // What gives a subscription another payment method is of no checkout.
    let of_checkout = |it: &&Value| it["metadata"]["perennial_subscription"].is_null();
    for intent in seen
        .books
        .setup_intents
        .iter()
        .filter(|it| it["status"] == "succeeded")
        .filter(of_checkout)
    {
        let known = items(seen, "CHECKOUT#").find(|it| it["setup_intent"] == intent["id"]);
        let known = known.and_then(|it| it["id"].as_str());
        let attempt = attempt_of(intent).or(known).unwrap_or_default();
        if made.contains_key(attempt) {
            continue;
        }
        let item = attempt_item(seen, attempt);
        let reason = item
            .and_then(|item| item["reason"].as_str())
            .unwrap_or_default();
        let state = item
            .and_then(|item| item["state"].as_str())
            .unwrap_or_default();
        let plan = item
            .and_then(|item| item["plan"].as_str())
            .unwrap_or_default();
        let excused = match reason {
            "already_subscribed" => seen
                .books
                .subscriptions
                .iter()
                .any(|other| is_live(other) && group(seen, other) == group_of(plan)),
            "payment_declined" => true,
            "tax_changed" => seen.wishes.moved,
            "code_refused" => seen.code.as_ref().is_some_and(|code| code.is_ended),
            _ => false,
        };
        if state != "failed" || !excused {
            broken.push(format!(
                "the wallet agreed to {attempt}, and there is no subscription ({state} {reason})"
            ));
        }
    }
}

/// Whether it is of a customer who was there before.
pub(super) fn is_of_before(seen: &Seen, subscription: &Value) -> bool {
    let customer = subscription["customer"].as_str();
    customer.is_some_and(|it| seen.wishes.others.contains(it))
}

pub(super) fn attempts_are_over(seen: &Seen, broken: &mut Vec<String>) {
    for item in items(seen, "CHECKOUT#") {
        let state = item["state"].as_str().unwrap_or_default();
        if is_open(item) {
            broken.push(format!("{} is still {state} after a day", item["id"]));
        }
        if item.get("setup_request").is_some() || item.get("due").is_some() {
            broken.push(format!("{} is over and keeps its work", item["id"]));
        }
        let intent = seen
            .books
            .setup_intents
            .iter()
            .find(|it| it["id"] == item["setup_intent"]);
        if let Some(intent) = intent
            && !matches!(intent["status"].as_str(), Some("succeeded" | "canceled"))
            && !matches!(state, "failed")
        {
            broken.push(format!(
                "{} is over, and {} can still be confirmed",
                item["id"], intent["id"]
            ));
        }
    }
}
