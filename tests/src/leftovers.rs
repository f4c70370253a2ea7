//! What no test may leave behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use perennial_types::Timestamp;
use serde_json::Value;

use crate::client::USER_AGENT;
use crate::lambda::Lambda;
use crate::sandbox::StripeSandbox;
use crate::table::DynamoDb;
use crate::wait::wait_until;

/// What a test is about and may therefore leave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// Attempts in the middle of something, webhooks that were not delivered, events that were not
    /// applied.
    pub(crate) work: bool,
    /// How many live subscriptions a customer may have: one for each plan group.
    pub(crate) live: usize,
}

impl Default for Allowed {
    fn default() -> Self {
        Self {
            work: false,
            live: 1,
        }
    }
}

/// What has no place at rest or in a log: secrets of Stripe, a shopper's address and browser, mail.
const FORBIDDEN: [&str; 7] = [
    "_secret_",
    "whsec_",
    "sk_test_",
    "rk_test_",
    "127.0.0.1",
    USER_AGENT,
    "@",
];

/// Events and deliveries that are not yet done with.
pub(crate) async fn unapplied(stripe: &StripeSandbox, table: &DynamoDb) -> Vec<Value> {
    let mut left = stripe.deliveries().await;
    left.retain(|delivery| delivery["state"] == "pending");
    let inbox = table.items_of("EVENT#").await;
    left.extend(
        inbox
            .into_iter()
            .filter(|item| item["status"] == "received"),
    );
    left
}

/// Panics with whatever should not be there.
pub(crate) async fn check(
    stripe: StripeSandbox,
    table: (String, String),
    allowed: Allowed,
    lambda: Option<Arc<Lambda>>,
) {
    // A client of its own, since the connections of the test's are served by the test's own thread.
    let stripe = StripeSandbox::new(stripe.url(), stripe.secret_key());
    let table = DynamoDb::new(&table.0, &table.1);
    if !allowed.work {
        wait_until("nothing is left to do", async || {
            unapplied(&stripe, &table).await.is_empty().then_some(())
        })
        .await;
    }
    let items = table.items().await;
    if !allowed.work {
        check_work(&items);
    }
    check_index(&items);
    check_secrets(&items, allowed);
    check_logs(lambda.as_deref());
    check_stripe(&stripe.state().await, &items, allowed);
}

fn check_work(items: &[Value]) {
    for item in items {
        let unfinished = item["state"] == "subscribing"
            || item.get("setup_request").is_some()
            || item.get("lease").is_some() && item.get("subscription").is_none()
            || item["status"] == "failed";
        assert!(!unfinished, "work is left over: {item}");
    }
}

/// What has ended is looked at no more.
fn check_index(items: &[Value]) {
    for item in items {
        let state = item["state"].as_str().or(item["status"].as_str());
        let ended = [
            "subscribed",
            "failed",
            "canceled",
            "expired",
            "processed",
            "ignored",
        ];
        let is_action = item["due"] == "ACTION";
        let is_over = state.is_some_and(|it| ended.contains(&it))
            || (is_action && item.get("owner").is_none() && item.get("erasing").is_none());
        let swept_for_ever = item.get("due").is_some() && is_over;
        assert!(
            !swept_for_ever,
            "it has ended and is still to be swept: {item}"
        );
    }
}

fn check_secrets(items: &[Value], allowed: Allowed) {
    for item in items {
        let mut item = item.clone();
        // The frozen request holds the shopper's address until its SetupIntent exists.
        if let (true, Some(item)) = (allowed.work, item.as_object_mut()) {
            item.remove("setup_request");
        }
        let text = item.to_string();
        let found = FORBIDDEN.iter().find(|word| text.contains(**word));
        assert!(found.is_none(), "{found:?} is at rest in {text}");
    }
}

fn check_logs(lambda: Option<&Lambda>) {
    for line in lambda.map(Lambda::log).iter().flatten() {
        let found = FORBIDDEN.iter().find(|word| line.contains(**word));
        assert!(found.is_none(), "{found:?} is in the log: {line}");
        check_form(line);
    }
}

/// Lambda takes a line without a time in RFC 3339 or without a level for one of level INFO.
fn check_form(line: &str) {
    let line: Value =
        serde_json::from_str(line).unwrap_or_else(|_| panic!("a line is not JSON: {line}"));
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
    assert!(levels.contains(&text("level")), "no level: {line}");
    let time: Option<Timestamp> = serde_json::from_value(line["timestamp"].clone()).ok();
    assert!(time.is_some(), "no time in RFC 3339: {line}");
}

/// One customer for each user, and one live subscription for each customer and plan group.
fn check_stripe(state: &Value, items: &[Value], allowed: Allowed) {
    let of = |kind: &str| {
        state[kind]
            .as_array()
            .cloned()
            .expect("the sandbox shows this kind")
    };
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for customer in of("customer")
        .iter()
        .filter(|it| it["metadata"] != serde_json::json!({}) && it["deleted"] != true)
    {
        *users.entry(customer["metadata"].to_string()).or_default() += 1;
    }
    let twice = users.iter().find(|(_, count)| **count > 1);
    assert!(twice.is_none(), "a user has several customers: {twice:?}");

    let mut live: BTreeMap<String, usize> = BTreeMap::new();
    for subscription in of("subscription") {
        if matches!(
            subscription["status"].as_str(),
            Some("canceled" | "incomplete_expired")
        ) {
            continue;
        }
        *live
            .entry(subscription["customer"].to_string())
            .or_default() += 1;
        let known = items
            .iter()
            .any(|item| item["model"]["id"] == subscription["id"]);
        assert!(
            known || items.is_empty(),
            "the table does not know {}",
            subscription["id"]
        );
    }
    let twice = live.iter().find(|(_, count)| **count > allowed.live);
    assert!(
        twice.is_none(),
        "a customer has several subscriptions: {twice:?}"
    );
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use serde_json::json;

    use super::*;

    fn is_found(check: impl FnOnce() + std::panic::UnwindSafe) -> bool {
        catch_unwind(check).is_err()
    }

    #[test]
    fn what_has_ended_and_is_still_to_be_swept_is_found() {
        let due = |name: &str, value: &str| json!({name: value, "due": "CHECKOUT"});
        for (item, found) in [
            (due("state", "subscribed"), true),
            (due("state", "expired"), true),
            (due("status", "processed"), true),
            (due("state", "confirming"), false),
            (due("status", "received"), false),
            (json!({"state": "subscribed"}), false),
            (json!({"due": "ACTION"}), true),
            (json!({"due": "ACTION", "owner": "1"}), false),
            (
                json!({"due": "ACTION", "erasing": "2026-11-28T10:00:00Z"}),
                false,
            ),
        ] {
            assert_eq!(
                is_found(|| check_index(std::slice::from_ref(&item))),
                found,
                "{item}"
            );
        }
    }

    #[test]
    fn work_in_the_middle_is_found() {
        for (item, found) in [
            (json!({"state": "subscribing"}), true),
            (json!({"state": "issued", "setup_request": "{}"}), true),
            (json!({"lease": "2026-01-01T00:00:00Z"}), true),
            (json!({"sk": "EVENT#evt_1", "status": "failed"}), true),
            (
                json!({"lease": "2026-01-01T00:00:00Z", "subscription": "sub_1"}),
                false,
            ),
            (json!({"state": "issued"}), false),
            (json!({"state": "subscribed"}), false),
        ] {
            let items = [item];
            assert_eq!(is_found(|| check_work(&items)), found, "{items:?}");
        }
    }

    #[test]
    fn secrets_and_shoppers_are_found() {
        let in_request = json!({"setup_request": "ip=127.0.0.1"});
        for (item, work, found) in [
            (json!({"a": {"b": ["seti_1_secret_2"]}}), false, true),
            (json!({"a": "whsec_1"}), false, true),
            (json!({"a": "alice@example.com"}), false, true),
            (json!({"a": USER_AGENT}), false, true),
            (in_request.clone(), false, true),
            (in_request, true, false),
            (json!({"a": "seti_1"}), false, false),
        ] {
            let items = [item];
            let found_now = is_found(|| check_secrets(&items, Allowed { work, live: 1 }));
            assert_eq!(found_now, found, "{items:?}");
        }
    }

    #[test]
    fn lines_that_lambda_would_misread_are_found() {
        for (line, found) in [
            (
                r#"{"timestamp":"2026-11-28T10:00:00.123456Z","level":"INFO","fields":{}}"#,
                false,
            ),
            (r#"{"level":"ERROR","fields":{}}"#, true),
            (r#"{"timestamp":"today","level":"ERROR"}"#, true),
            (
                r#"{"timestamp":"2026-11-28T10:00:00Z","fields":{"level":"ERROR"}}"#,
                true,
            ),
            ("thread 'main' panicked at src/lib.rs:1", true),
        ] {
            assert_eq!(is_found(|| check_form(line)), found, "{line}");
        }
    }

    #[test]
    fn two_of_what_a_user_has_one_of_are_found() {
        let customer = json!({"metadata": {"user": "alice"}});
        let subscription =
            |id: &str, status: &str| json!({"id": id, "customer": "cus_1", "status": status});
        let items = [
            json!({"model": {"id": "sub_1"}}),
            json!({"model": {"id": "sub_2"}}),
        ];
        for (customers, subscriptions, found) in [
            (
                vec![customer.clone()],
                vec![subscription("sub_1", "active")],
                false,
            ),
            (vec![customer.clone(), customer.clone()], vec![], true),
            (
                vec![],
                vec![
                    subscription("sub_1", "active"),
                    subscription("sub_2", "trialing"),
                ],
                true,
            ),
            (
                vec![],
                vec![
                    subscription("sub_1", "active"),
                    subscription("sub_2", "canceled"),
                ],
                false,
            ),
            (vec![], vec![subscription("sub_3", "active")], true),
        ] {
            let state = json!({"customer": customers, "subscription": subscriptions});
            let found_now = is_found(|| check_stripe(&state, &items, Allowed::default()));
            assert_eq!(found_now, found, "{state}");
            let of_two_groups = Allowed {
                work: false,
                live: 2,
            };
            let live = subscriptions.iter().filter(|it| it["status"] != "canceled");
            if live.count() == 2 {
                assert!(!is_found(|| check_stripe(&state, &items, of_two_groups)));
            }
        }
    }
}
