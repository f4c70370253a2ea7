//! Add-ons, discounts and refunds: what the table says is what Stripe has, each redemption counts once, nothing is
//! charged that was not shown, and no more goes back than was paid.

use serde_json::Value;

use super::{Seen, is_live, items};

/// The first payment is what was shown, and each renewal is one of what a period may cost.
pub(super) fn as_shown(seen: &Seen, broken: &mut Vec<String>) {
    let wishes = &seen.wishes;
    for invoice in &seen.books.invoices {
        let total = invoice["total"].as_i64().unwrap_or_default();
        let (wanted, is_it) = match invoice["billing_reason"].as_str() {
            Some("subscription_create") => {
                let first = wishes.first;
                (format!("{first:?}"), first.is_none_or(|it| it == total))
            }
            Some("subscription_cycle") => {
                let all = &wishes.periods;
                (format!("{all:?}"), all.is_empty() || all.contains(&total))
            }
            _ => continue,
        };
        if !is_it {
            broken.push(format!(
                "{} ({}) is over {total}, and {wanted} were shown",
                invoice["id"], invoice["billing_reason"]
            ));
        }
    }
}

/// Of each invoice and of each payment goes back at most what was paid.
pub(super) fn never_more_back(seen: &Seen, broken: &mut Vec<String>) {
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    for charge in &seen.books.charges {
        let of = seen.books.refunds.iter();
        let of = of.filter(|it| it["charge"] == charge["id"] && it["status"] != "failed");
        let back: i64 = of.map(|it| number(&it["amount"])).sum();
        if back > number(&charge["amount"]) {
            broken.push(format!(
                "of {}, which is over {}, {back} were refunded",
                charge["id"], charge["amount"]
            ));
        }
    }
    for invoice in &seen.books.invoices {
        let notes = seen.books.credit_notes.iter();
        let notes = notes.filter(|it| it["invoice"] == invoice["id"] && it["status"] == "issued");
        let back: i64 = notes.map(|it| number(&it["amount"])).sum();
        if back > number(&invoice["total"]).max(0) {
            broken.push(format!(
                "of {}, which is over {}, {back} went back",
                invoice["id"], invoice["total"]
            ));
        }
    }
}

/// Each coupon was redeemed as often as was asked for it, and a subscription has it once.
pub(super) fn redemptions(seen: &Seen, broken: &mut Vec<String>) {
    let wishes = &seen.wishes;
    for coupon in &seen.books.coupons {
        let id = &coupon["id"];
        let asked = wishes.discounts.about(|it| {
            let named = it.coupon.as_deref();
            named.is_some_and(|named| *id == *named)
        });
        if asked.place_of(|_| true).is_none() {
            continue;
        }
        let others = wishes.redeemed_by_others.iter().filter(|it| *id == **it);
        let others = others.count();
        let (sure, may) = asked.counts();
        let redeemed = coupon["times_redeemed"].as_u64();
        let redeemed = redeemed.and_then(|count| usize::try_from(count).ok());
        let is_right = redeemed.is_some_and(|it| (sure + others..=may + others).contains(&it));
        if !is_right {
            broken.push(format!(
                "{id} was redeemed {redeemed:?} times, of which {others} by others; {sure} to {may} were asked for"
            ));
        }
    }
    if wishes.discounts.place_of(|_| true).is_none() {
        return;
    }
    let states = wishes.discounts.last();
    for subscription in seen.books.subscriptions.iter().filter(|it| is_live(it)) {
        let has = subscription["discounts"].as_array().map_or(0, Vec::len);
        let counts = |it: Option<&crate::asked::AskedDiscount>| {
            usize::from(it.is_some_and(|it| it.coupon.is_some()))
        };
        if !states.iter().any(|it| counts(*it) == has) {
            broken.push(format!(
                "{} has {has} discounts, and asked for was {states:?}",
                subscription["id"]
            ));
        }
    }
}

/// What the table says of add-ons is what Stripe charges, and what the user is entitled to follows from it.
pub(super) fn addons(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let key = format!("SUB#{id}");
        let Some(row) = items(seen, "SUB#").find(|item| item["sk"] == key.as_str()) else {
            continue;
        };
        let charged = subscription["items"]["data"].as_array();
        let charged = charged.into_iter().flatten().skip(1);
        let mut there: Vec<(String, i64)> = charged
            .map(|it| (it["price"]["id"].to_string(), count(it)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let known = row["model"]["addons"].as_array().into_iter().flatten();
        let mut here: Vec<(String, i64)> = known
            .map(|it| (it["price"].to_string(), count(it)))
            .filter(|(_, count)| *count > 0)
            .collect();
        there.sort();
        here.sort();
        if here != there {
            broken.push(format!(
                "the table says that the add-ons of {id} are {here:?}, Stripe says {there:?}"
            ));
        }
        let group = super::group(seen, subscription);
        let entitlement = &seen.entitlements[group];
        let because = entitlement["because"].as_str();
        if matches!(because, Some("active")) && subscription["status"] == "active" {
            let paid = entitlement["addons"].as_array().into_iter().flatten();
            let mut paid: Vec<i64> = paid.map(count).collect();
            let mut wanted: Vec<i64> = there.iter().map(|(_, count)| *count).collect();
            paid.sort_unstable();
            wanted.sort_unstable();
            if paid != wanted {
                broken.push(format!(
                    "the user is entitled to {} of {id}, and {there:?} are paid for",
                    entitlement["addons"]
                ));
            }
        }
    }
}

fn count(item: &Value) -> i64 {
    item["quantity"].as_i64().unwrap_or_default()
}
