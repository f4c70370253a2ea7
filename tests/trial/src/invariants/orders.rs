//! What was bought with a code, where Stripe writes to, and what is left of a user who is erased.

use serde_json::Value;

use super::{Seen, is_live, items, secrets, unnamed};
use crate::asked::Erasing;

/// The first payment is what was shown, and the code is redeemed once for each subscription that has it.
pub(super) fn codes(seen: &Seen, broken: &mut Vec<String>) {
    let Some(code) = &seen.code else { return };
    let subscriptions = &seen.books.subscriptions;
    if code.is_ended && !subscriptions.is_empty() {
        broken.push("a subscription was made with a code that had ended".to_owned());
    }
    for invoice in &seen.books.invoices {
        let is_first = invoice["billing_reason"] == "subscription_create";
        if is_first && invoice["total"] != code.first {
            broken.push(format!(
                "{} is over {}, and {} were shown",
                invoice["id"], invoice["total"], code.first
            ));
        }
    }
    let known = seen.books.promotion_codes.iter();
    let redeemed: Option<i64> = known
        .filter(|it| it["id"] == *code.id)
        .find_map(|it| it["times_redeemed"].as_i64());
    let made = i64::try_from(subscriptions.len()).unwrap_or(i64::MAX);
    if redeemed != Some(made) {
        broken.push(format!(
            "the code was redeemed {redeemed:?} times, for {made} subscriptions"
        ));
    }
}

/// Stripe has the address of the last request that was answered, or of one after it that was not.
pub(super) fn emails(seen: &Seen, broken: &mut Vec<String>) {
    let sure = seen.emails.iter().rposition(|it| it.is_sure);
    let possible = seen.emails.iter().skip(sure.unwrap_or_default());
    let possible: Vec<&Value> = possible.map(|it| &it.address).collect();
    for customer in &seen.books.customers {
        let email = &customer["email"];
        let none_yet = sure.is_none() && email.is_null();
        if !none_yet && !possible.contains(&email) {
            broken.push(format!(
                "Stripe writes to {email}, and {:?} was asked for",
                seen.emails
            ));
        }
    }
}

/// Whether the user is erased. One who was asked to be is so in the end, or nothing has come of it.
pub(super) fn is_erased(seen: &Seen) -> bool {
    let left = || seen.items.iter().any(|item| names(item, &seen.user));
    match seen.erasing {
        None => false,
        Some(Erasing::Sure) => true,
        Some(Erasing::Asked) => !left(),
    }
}

/// Nothing is left of the user here, and nothing at Stripe can be charged.
pub(super) fn erased(seen: &Seen, log: &str, broken: &mut Vec<String>) {
    for item in seen.items.iter().filter(|item| names(item, &seen.user)) {
        broken.push(format!(
            "the user is erased, and is in {} {}",
            item["pk"], item["sk"]
        ));
    }
    for item in items(seen, "CHECKOUT#").chain(items(seen, "SUB#")) {
        broken.push(format!("{} {} is left", item["pk"], item["sk"]));
    }
    for customer in &seen.books.customers {
        if customer["deleted"] != true {
            broken.push(format!("{} is not deleted at Stripe", customer["id"]));
        }
    }
    for subscription in seen.books.subscriptions.iter().filter(|it| is_live(it)) {
        broken.push(format!("{} of nobody runs on", subscription["id"]));
    }
    unnamed::intents(seen, broken);
    secrets::secrets(&seen.items, log, broken);
}

/// Whether an item names the user, in its key or in what it holds.
fn names(item: &Value, user: &str) -> bool {
    item.to_string().contains(user)
}
