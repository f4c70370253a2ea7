//! What a subscription costs after its checkout, in calls.

use std::collections::BTreeMap;

use perennial_trial::plan::Size;
use perennial_trial::run::Run;
use perennial_trial::wire::Door;

/// Of a year of twelve renewals, each of whose events come together: what the webhook and the worker call.
/// The first month's events are among them.
#[test]
fn a_year_of_renewals_costs_one_call_of_stripe_each() {
    let case = "time:success:webhook:0:7";
    #[allow(clippy::expect_used, reason = "a test may panic")]
    let case = case.parse().expect("the id is right");
    let verdict = Run::new(Size::Tiny, 7).replay(&case);
    assert_eq!(verdict.broken, [""; 0]);
    let mut calls = BTreeMap::new();
    for call in verdict.passed {
        if matches!(call.door, Door::Inbox | Door::Hooks) {
            *calls.entry((call.door.name(), call.name)).or_insert(0) += 1;
        }
    }
    let calls: Vec<(&str, &str, u32)> = calls
        .iter()
        .map(|((door, name), number)| (*door, name.as_str(), *number))
        .collect();
    assert_eq!(
        calls,
        [
            ("hooks", "GET /v1/subscriptions/{id}", 13),
            ("hooks", "GetItem CHECKOUT", 15),
            ("hooks", "GetItem PLANS", 12),
            ("hooks", "GetItem SUB", 1),
            ("hooks", "GetItem USER", 13),
            ("hooks", "TransactWriteItems SUB+OUT", 12),
            ("hooks", "UpdateItem EVENT", 55),
            ("hooks", "UpdateItem SUB", 13),
            ("inbox", "PutItem EVENT", 55),
        ]
    );
}
