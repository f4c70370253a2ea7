//! Nothing that is asked of a subscription is left half done.

use serde_json::Value;

use super::{Seen, is_live, items, pauses};

/// No claim waits for anybody, and what is to come is to come on both sides.
pub(super) fn nothing(seen: &Seen, broken: &mut Vec<String>) {
    for item in items(seen, "ACTIONS#") {
        if item.get("due").is_some() || item.get("request").is_some() {
            broken.push(format!("{} is left half done", item["sk"]));
        }
    }
    for schedule in &seen.books.schedules {
        let phases = schedule["phases"].as_array().map_or(0, Vec::len);
        if schedule["status"] == "active" && phases < 2 {
            broken.push(format!(
                "{} holds {} fast and changes nothing",
                schedule["id"], schedule["subscription"]
            ));
        }
    }
    for subscription in seen.books.subscriptions.iter().filter(|it| is_live(it)) {
        let id = &subscription["id"];
        if !subscription["pending_update"].is_null() && !pauses::is_unpaid(seen, subscription) {
            broken.push(format!("a change of {id} waits for a payment"));
        }
        let there = to_come(seen, subscription);
        let key = format!("SUB#{}", id.as_str().unwrap_or_default());
        let row = items(seen, "SUB#").find(|item| item["sk"] == key.as_str());
        let here = row.is_some_and(|row| !row["model"]["pending_change"].is_null());
        if here != there {
            broken.push(format!(
                "the table says {here} of a plan to come of {id}, and Stripe {there}"
            ));
        }
        let of_it = |it: &&Value| it["parent"]["subscription_details"]["subscription"] == *id;
        let owes = seen.books.invoices.iter().filter(of_it);
        let owes = owes.filter(|it| it["status"] == "open").count();
        if subscription["status"] == "active" && owes > 0 {
            broken.push(format!("{id} is active and has {owes} open invoices"));
        }
    }
}

/// Whether Stripe has another plan to come for the subscription.
fn to_come(seen: &Seen, subscription: &Value) -> bool {
    let mut schedules = seen.books.schedules.iter();
    schedules.any(|schedule| {
        let phases = schedule["phases"].as_array();
        let last = phases.and_then(|phases| phases.last());
        schedule["subscription"] == subscription["id"]
            && schedule["status"] == "active"
            && last
                .is_some_and(|last| last["start_date"] != schedule["current_phase"]["start_date"])
    })
}
