//! Subscriptions that came first, and what their shoppers made of them.

use serde_json::Value;

use super::{Seen, attempt_item, attempt_of, came_first, given, is_live, items, pauses, was_ended};

/// What is confirmed is kept, known and done with; what is not has ended.
pub(super) fn subscriptions_that_came_first(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        let id = &subscription["id"];
        let Some(attempt) = attempt_of(subscription).and_then(|it| attempt_item(seen, it)) else {
            continue;
        };
        if !came_first(attempt) {
            continue;
        }
        let (live, state) = (is_live(subscription), &attempt["state"]);
        if !seen.books.is_confirmed(subscription) {
            if live {
                broken.push(format!(
                    "nobody has confirmed {id}, and it is still {}",
                    subscription["status"]
                ));
            }
            if state == "subscribed" {
                broken.push(format!("nobody has confirmed {id}, and it is subscribed"));
            }
        } else if (!live && !was_ended(seen, subscription) && !ended_unpaid(subscription))
            || state != "subscribed"
            || attempt["subscription"] != *id
        {
            broken.push(format!(
                "{id} was confirmed and is lost: it is {}, and its checkout {state} with {}",
                subscription["status"], attempt["subscription"]
            ));
        }
    }
}

/// Nobody can confirm what was given up.
pub(super) fn out_of_reach(seen: &Seen, broken: &mut Vec<String>) {
    let all = || items(seen, "CHECKOUT#").filter(|it| came_first(it));
    for attempt in all().filter(|it| it["state"] != "subscribed") {
        let (setups, payments) = (&seen.books.setup_intents, &seen.books.payment_intents);
        for (kind, intents) in [("setup_intent", setups), ("payment_intent", payments)] {
            let intent = intents.iter().find(|it| it["id"] == attempt[kind]);
            if let Some(intent) = intent.filter(|it| it["status"] != "canceled") {
                broken.push(format!(
                    "{} is {}, and its {} is {}",
                    attempt["id"], attempt["state"], intent["id"], intent["status"]
                ));
            }
        }
    }
    if all().next().is_none() {
        return;
    }
    // The same for what no attempt knows: a trial's SetupIntent, a first invoice.
    for subscription in seen.books.subscriptions.iter().filter(|it| !is_live(it)) {
        let id = &subscription["id"];
        let setup = seen.books.pending_setup(subscription);
        if setup.is_some_and(|it| it["status"] != "canceled") {
            broken.push(format!("{id} has ended, and its SetupIntent is open"));
        }
        let invoices = &seen.books.invoices;
        // Stripe leaves a renewal open whose subscription has ended because nobody paid it, and asks no more.
        let open = |it: &&Value| {
            it["status"] == "open"
                && it["billing_reason"] != "subscription_cycle"
                && of_subscription(it, id)
                && !pauses::waits_at_its_end(seen, it)
        };
        if let Some(invoice) = invoices.iter().find(open) {
            broken.push(format!("{id} has ended, and {} can be paid", invoice["id"]));
        }
    }
}

/// A user may have what a subscription gives that somebody has confirmed, and only that.
pub(super) fn entitled(seen: &Seen, broken: &mut Vec<String>) {
    for (name, entitlement) in seen.entitlements.as_object().into_iter().flatten() {
        let (must, may) = given::may_have(seen, name);
        let active = entitlement["active"] == true;
        let lapsed = !active && seen.books.is_overdue(name);
        if (active && !may || !active && must) && !lapsed {
            let not = if active { "" } else { "not " };
            broken.push(format!(
                "the user is {not}entitled to {name}, and Stripe says otherwise"
            ));
        }
    }
}

fn of_subscription(invoice: &Value, id: &Value) -> bool {
    invoice["parent"]["subscription_details"]["subscription"] == *id
}

/// Whether Stripe has ended it by itself, because nobody paid for a renewal.
fn ended_unpaid(subscription: &Value) -> bool {
    subscription["cancellation_details"]["reason"] == "payment_failed"
}
