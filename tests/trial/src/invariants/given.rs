//! What a user was given for free, was offered and brought along: what servers asked for, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Seen, attempt_of, items};
use crate::asked::AskedGrant;
use crate::shop::{PARTNER, SOLD};

/// Whether a plan of this group is given to the user for free now: for certain, and possibly.
pub(super) fn grants_of(seen: &Seen, group: &str) -> (bool, bool) {
    let plans = SOLD.iter().filter(|sold| sold.group == group);
    let grants = &seen.wishes.grants;
    let mut sure = false;
    let mut may = false;
    for plan in plans {
        let about = grants.about(|it| it.plan == plan.name);
        let runs = |it: Option<&AskedGrant>| it.is_some_and(|it| it.runs(seen.now));
        let states = about.last();
        sure |= states.iter().all(|it| runs(*it));
        may |= states.iter().any(|it| runs(*it));
    }
    (sure, may)
}

/// The list of what was given is what servers asked for.
pub(super) fn grants(seen: &Seen, broken: &mut Vec<String>) {
    let list = seen.grants.as_array().into_iter().flatten();
    let listed: BTreeSet<&str> = list.filter_map(|it| it["plan"].as_str()).collect();
    for sold in &SOLD {
        let about = seen.wishes.grants.about(|it| it.plan == sold.name);
        let is_listed = listed.contains(sold.name);
        let states = about.last();
        let mut states = states
            .iter()
            .map(|it| it.is_some_and(|it| it.runs(seen.now)));
        if !states.any(|it| it == is_listed) {
            let not = if is_listed { "" } else { "not " };
            broken.push(format!(
                "{} is {not}given to the user, and asked for was {:?}",
                sold.name,
                about.last()
            ));
        }
    }
}

/// A private plan is bought, and changed to, while it is offered.
pub(super) fn offers(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        if seen.books.plan_by_price(subscription) != Some(PARTNER) {
            continue;
        }
        // One that was begun without an answer is found by the next click.
        let begun = attempt_of(subscription).is_some_and(|it| seen.wishes.begun.contains(it));
        if !begun && !seen.wishes.changed_to.contains(PARTNER) {
            broken.push(format!(
                "{} is of a private plan that was not offered then",
                subscription["id"]
            ));
        }
    }
}

/// The customer has the tax ids of the last request, none twice; one that was not answered may leave some too many.
pub(super) fn tax_ids(seen: &Seen, broken: &mut Vec<String>) {
    let states = seen.wishes.tax_ids.last();
    let all = seen.books.tax_ids.iter();
    let held: Vec<String> = all
        .filter_map(|it| {
            Some(format!(
                "{} {}",
                it["type"].as_str()?,
                it["value"].as_str()?
            ))
        })
        .collect();
    let nothing = BTreeSet::new();
    let states: Vec<&BTreeSet<String>> = states.iter().map(|it| it.unwrap_or(&nothing)).collect();
    let is_any = states
        .iter()
        .any(|it| it.len() == held.len() && held.iter().all(|id| it.contains(id)));
    let known: BTreeSet<&String> = states.iter().copied().flatten().collect();
    // Whoever has died between had added some, and taken none away before.
    let is_between = seen.is_half_told
        && states
            .iter()
            .any(|it| it.iter().all(|id| held.contains(id)))
        && held.iter().all(|id| known.contains(id));
    if !is_any && !is_between {
        broken.push(format!(
            "the customer has the tax ids {held:?}, and asked for was {states:?}"
        ));
    }
}

/// A customer of before is the user's if that was answered, and the user has one customer.
pub(super) fn adoptions(seen: &Seen, broken: &mut Vec<String>) {
    let known = items(seen, "CUSTOMER").find_map(|item| item["customer"].as_str());
    let sure: BTreeSet<&String> = seen
        .wishes
        .adoptions
        .all()
        .filter(|(_, came)| *came == crate::history::Came::Done)
        .map(|(customer, _)| customer)
        .collect();
    for customer in &sure {
        if known != Some(customer.as_str()) {
            broken.push(format!(
                "{customer} was answered to be the user's, who has {known:?}"
            ));
        }
    }
}

/// Of whom the customer is, in the table.
pub(super) fn owner_of(all: &[Value], customer: &str) -> Option<String> {
    let key = format!("CUST#{customer}");
    let mut named = all.iter().filter(|item| item["pk"] == key.as_str());
    named.find_map(|item| item["user"].as_str().map(str::to_owned))
}

/// What the user may have, as a group's subscriptions and what was given say it.
pub(super) fn may_have(seen: &Seen, group: &str) -> (bool, bool) {
    let gives = seen.books.gives(group);
    let (sure, may) = grants_of(seen, group);
    (gives || sure, gives || may)
}
