//! Pauses: nothing is charged in them, each ends when it should, and the shop hears of both.

use serde_json::Value;

use super::{Seen, is_live, items};

/// A sweep comes every five minutes, and again after one that has failed.
const AT_MOST_LATE: i64 = 15 * 60;

/// A time in which a subscription was paused on purpose.
struct Paused<'a> {
    subscription: &'a str,
    from: i64,
    /// None while it still is.
    to: Option<i64>,
}

/// Nothing is charged while a subscription is paused, none goes on before its time, and the shop is told of each.
pub(super) fn all(seen: &Seen, broken: &mut Vec<String>) {
    let paused = all_of(seen);
    for charge in &seen.books.charges {
        if charge["status"] != "succeeded" {
            continue;
        }
        let at = charge["created"].as_i64().unwrap_or_default();
        let of = charged(seen, charge);
        for pause in paused.iter().filter(|it| Some(it.subscription) == of) {
            if at > pause.from && pause.to.is_none_or(|to| at < to) {
                broken.push(format!(
                    "{} was charged while {} was paused",
                    charge["id"], pause.subscription
                ));
            }
        }
    }
    for pause in &paused {
        let Some(to) = pause.to else { continue };
        let mut asked = seen.pauses.iter();
        let its_time = asked.any(|it| {
            it.subscription == pause.subscription && it.until.is_some_and(|until| until <= to)
        });
        if !its_time && seen.agreed.is_empty() {
            broken.push(format!(
                "{} goes on, and nobody has asked for it",
                pause.subscription
            ));
        }
    }
}

/// In the end no pause lasts longer than it was to, and the shop has heard of each that began and ended.
pub(super) fn are_over(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let last = seen.pauses.iter().rev().find(|it| it.subscription == id);
        let late = last.and_then(|it| it.until);
        let late = late.is_some_and(|until| seen.now > until + AT_MOST_LATE);
        let waits = is_unpaid(seen, subscription);
        if late && subscription["status"] == "paused" && !waits {
            broken.push(format!("the pause of {id} does not end"));
        }
        let row = format!("SUB#{id}");
        let row = items(seen, "SUB#").find(|it| it["sk"] == row.as_str());
        if row.is_some_and(|row| row["due"] == "PAUSE" && subscription["status"] != "paused") {
            broken.push(format!(
                "{id} is not paused, and its pause is still to be ended"
            ));
        }
    }
    let mut here: Vec<(String, String)> = Vec::new();
    for event in &seen.outbox {
        let kind = event["type"].as_str().unwrap_or_default();
        if !matches!(kind, "subscription.paused" | "subscription.resumed") {
            continue;
        }
        let data = event["data"].as_str().unwrap_or_default();
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let id = data["subscription"]["id"].as_str().unwrap_or_default();
        here.push((id.to_owned(), kind.to_owned()));
    }
    let mut there: Vec<(String, String)> = Vec::new();
    for pause in all_of(seen) {
        let id = pause.subscription.to_owned();
        there.push((id.clone(), "subscription.paused".to_owned()));
        if pause.to.is_some() {
            there.push((id, "subscription.resumed".to_owned()));
        }
    }
    here.sort();
    there.sort();
    if here != there {
        broken.push(format!(
            "the shop was told {here:?}, and at Stripe were {there:?}"
        ));
    }
}

/// Whether the invoice is that of a pause which a sweep has tried to end in vain. It waits for another payment method, and
/// Stripe leaves it open when the subscription has ended instead.
pub(super) fn waits_at_its_end(seen: &Seen, invoice: &Value) -> bool {
    let id = &invoice["parent"]["subscription_details"]["subscription"];
    let created = invoice["created"].as_i64().unwrap_or_default();
    let mut subscriptions = seen.books.subscriptions.iter();
    let runs = subscriptions.any(|it| it["id"] == *id && is_live(it) && it["status"] != "paused");
    let mut asked = seen.pauses.iter();
    !runs
        && invoice["billing_reason"] == "subscription_update"
        && asked.any(|it| *id == *it.subscription && it.until.is_some_and(|until| created >= until))
}

/// Whether the end of its pause was tried in vain.
pub(super) fn is_unpaid(seen: &Seen, subscription: &Value) -> bool {
    let mut invoices = seen.books.invoices.iter();
    invoices.any(|it| {
        it["parent"]["subscription_details"]["subscription"] == subscription["id"]
            && it["status"] == "open"
            && waits_at_its_end(seen, it)
    })
}

/// All pauses, as Stripe's events tell of them.
fn all_of(seen: &Seen) -> Vec<Paused<'_>> {
    let mut all: Vec<Paused<'_>> = Vec::new();
    for event in &seen.events {
        let subscription = &event["data"]["object"];
        let id = subscription["id"].as_str().unwrap_or_default();
        let at = event["created"].as_i64().unwrap_or_default();
        let reason = subscription.pointer("/status_details/paused/subscription/type");
        match event["type"].as_str() {
            Some("customer.subscription.paused")
                if reason.is_some_and(|it| it == "pause_requested") =>
            {
                all.push(Paused {
                    subscription: id,
                    from: at,
                    to: None,
                });
            }
            Some("customer.subscription.resumed") => {
                let mut open = all.iter_mut().rev();
                let last = open.find(|it| it.subscription == id && it.to.is_none());
                if let Some(last) = last {
                    last.to = Some(at);
                }
            }
            _ => {}
        }
    }
    all
}

/// The subscription that a charge is for.
fn charged<'a>(seen: &'a Seen, charge: &Value) -> Option<&'a str> {
    let intent = &charge["payment_intent"];
    let mut links = seen.books.invoice_payments.iter();
    let link = links.find(|it| it["payment"]["payment_intent"] == *intent)?;
    let mut invoices = seen.books.invoices.iter();
    let invoice = invoices.find(|it| it["id"] == link["invoice"])?;
    invoice["parent"]["subscription_details"]["subscription"].as_str()
}
