//! What the table holds: the read model, the inbox and the slots.

use serde_json::Value;

use super::{Seen, attempt_of, attempts::is_of_before, group, is_live, items};
use crate::table::FORGOTTEN;
use crate::table::UNREADABLE;

fn seconds(value: &Value) -> Option<i64> {
    // Both sides write UTC to the second, so the texts can be compared by their time.
    serde_json::from_value::<perennial_types::Timestamp>(value.clone())
        .ok()
        .map(perennial_types::Timestamp::unix)
}

const ARCHIVE: &str = "ARCHIVE#";

/// The rows of subscriptions, by their ids, those in the archive included.
fn subscriptions(seen: &Seen) -> impl Iterator<Item = (&str, &Value)> {
    let rows = items(seen, "SUB#sub_").chain(items(seen, ARCHIVE));
    rows.filter_map(|row| Some((row["sk"].as_str()?.split_once('#')?.1, row)))
}

pub(super) fn read_model(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let Some(item) = subscriptions(seen).find(|(of, _)| *of == id).map(|it| it.1) else {
            broken.push(format!("the table does not know {id}"));
            continue;
        };
        let model = &item["model"];
        let first = &subscription["items"]["data"][0];
        let invoice = &subscription["latest_invoice"];
        let invoice = invoice
            .as_str()
            .or(invoice["id"].as_str())
            .unwrap_or_default();
        let invoice = seen.books.invoices.iter().find(|it| it["id"] == invoice);
        let mut differ = |what: &str, here: String, there: String| {
            if here != there {
                broken.push(format!(
                    "the table says that {what} of {id} is {here}, Stripe says {there}"
                ));
            }
        };
        differ(
            "the status",
            model["status"].to_string(),
            subscription["status"].to_string(),
        );
        differ(
            "the price",
            model["price"].to_string(),
            first["price"]["id"].to_string(),
        );
        differ(
            "the quantity",
            model["quantity"].to_string(),
            first["quantity"].to_string(),
        );
        differ(
            "the end of the period",
            format!("{:?}", seconds(&model["current_period_end"])),
            format!("{:?}", first["current_period_end"].as_i64()),
        );
        differ(
            "the end of the trial",
            format!("{:?}", seconds(&model["trial_end"])),
            format!("{:?}", subscription["trial_end"].as_i64()),
        );
        differ(
            "cancel_at_period_end",
            model["cancel_at_period_end"].to_string(),
            subscription["cancel_at_period_end"].to_string(),
        );
        let ended = subscription["ended_at"].as_i64();
        differ(
            "the end that is planned",
            format!("{:?}", seconds(&model["ends_at"])),
            format!("{:?}", ended.or(subscription["cancel_at"].as_i64())),
        );
        differ(
            "the dispute",
            disputed_here(&model["payment"]),
            disputed_there(seen, &subscription["id"]),
        );
        if is_live(subscription)
            && let Some(invoice) = invoice
        {
            let here = model["latest_invoice_status"].to_string();
            differ("the newest invoice", here, invoice["status"].to_string());
        }
        if item["attempt"].as_str() != attempt_of(subscription) {
            broken.push(format!("{id} is noted as of {}", item["attempt"]));
        }
    }
    for (id, item) in subscriptions(seen) {
        let is_archived = item["sk"]
            .as_str()
            .is_some_and(|it| it.starts_with(ARCHIVE));
        if is_archived && subscriptions(seen).filter(|(of, _)| *of == id).count() > 1 {
            broken.push(format!("{id} is in the archive and beside it"));
        }
        if !seen.books.subscriptions.iter().any(|it| it["id"] == id) {
            broken.push(format!("the table knows {id}, which Stripe does not have"));
        }
    }
}

fn disputed_here(payment: &Value) -> String {
    let reason = payment["reason"].as_str();
    let is_dispute = |reason: &&str| matches!(*reason, "disputed" | "dispute_lost");
    reason.filter(is_dispute).unwrap_or("none").to_owned()
}

/// How the payments of a subscription stand that were claimed back.
fn disputed_there(seen: &Seen, subscription: &Value) -> String {
    let (invoices, links) = (&seen.books.invoices, &seen.books.invoice_payments);
    let is_of = |dispute: &&Value| {
        let mut links = links
            .iter()
            .filter(|it| it["payment"]["payment_intent"] == dispute["payment_intent"]);
        links.any(|link| {
            let mut invoices = invoices.iter().filter(|it| it["id"] == link["invoice"]);
            invoices.any(|it| it["parent"]["subscription_details"]["subscription"] == *subscription)
        })
    };
    let stand = seen.books.disputes.iter().filter(is_of);
    let stand: Vec<&str> = stand.filter_map(|it| it["status"].as_str()).collect();
    let is_over = |status: &&str| matches!(*status, "won" | "warning_closed" | "prevented");
    if stand.iter().all(is_over) {
        "none"
    } else if stand.iter().all(|it| is_over(it) || *it == "lost") {
        "dispute_lost"
    } else {
        "disputed"
    }
    .to_owned()
}

pub(super) fn inbox(seen: &Seen, broken: &mut Vec<String>) {
    for item in items(seen, "EVENT#") {
        let status = item["status"].as_str().unwrap_or_default();
        if item["event"] == UNREADABLE {
            continue;
        }
        if !matches!(status, "processed" | "ignored") {
            broken.push(format!(
                "{} ({}) is left {status}: {}",
                item["event"], item["type"], item["error"]
            ));
        }
    }
}

/// The slot points to the live subscription, and to nobody who is gone.
pub(super) fn slots(seen: &Seen, broken: &mut Vec<String>) {
    let live = seen.books.subscriptions.iter().filter(|it| is_live(it));
    // Of one that was there before, a click is told by the table's row.
    for subscription in live.filter(|it| !is_of_before(seen, it)) {
        let key = format!("SLOT#{}", group(seen, subscription));
        let slot = items(seen, "SLOT#").find(|item| item["sk"] == key);
        if slot.is_none_or(|slot| slot["subscription"] != subscription["id"]) {
            broken.push(format!("the slot does not point to {}", subscription["id"]));
        }
    }
    for slot in items(seen, "SLOT#") {
        // One that was there from the beginning stays until somebody wants it.
        if slot["subscription"].is_null() && slot["attempt"] != FORGOTTEN {
            broken.push(format!("{} is held by nobody who is alive", slot["sk"]));
        }
    }
}
