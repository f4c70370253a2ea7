//! Stripe fails, in each way in which it can, at each call: the answer says so without Stripe's
//! words, and trying again leads to exactly one of everything.

use perennial_tests::{Answer, TestApp, wait_until};
use serde_json::{Value, json};

/// The client sends a request three times at most.
const ALL_ATTEMPTS: u32 = 3;

/// Ways to fail so that a shopper notices.
fn noticed() -> Vec<(&'static str, Value)> {
    let times = ALL_ATTEMPTS;
    vec![
        (
            "no answer, nothing done",
            json!({"fault": "timeout_before", "delay_ms": 20, "times": times}),
        ),
        (
            "no answer, but it is done",
            json!({"fault": "timeout_after", "delay_ms": 20, "times": times}),
        ),
        (
            "half an answer",
            json!({"fault": "severed", "times": times}),
        ),
        (
            "500, nothing done",
            json!({"fault": "status", "status": 500, "times": times}),
        ),
        (
            "503",
            json!({"fault": "status", "status": 503, "times": times}),
        ),
        (
            "key in use",
            json!({"fault": "status", "status": 409, "times": times}),
        ),
        (
            "rate limit",
            json!({"fault": "status", "status": 429, "times": 1}),
        ),
        (
            "lock",
            json!({"fault": "status", "status": 429, "code": "lock_timeout", "times": 1}),
        ),
    ]
}

/// Ways to fail that a repeat within the same request makes good.
fn unnoticed() -> Vec<(&'static str, Value)> {
    vec![
        (
            "no answer once",
            json!({"fault": "timeout_after", "delay_ms": 20}),
        ),
        ("half an answer once", json!({"fault": "severed"})),
        (
            "500 once, but it is done",
            json!({"fault": "status", "status": 500, "after": true}),
        ),
        ("500 once", json!({"fault": "status", "status": 500})),
        (
            "rate limit that Stripe wants repeated",
            json!({"fault": "status", "status": 429, "headers": {"Stripe-Should-Retry": "true"}}),
        ),
    ]
}

fn at(mut fault: Value, method: &str, path: &str) -> Value {
    fault["method"] = method.into();
    fault["path"] = path.into();
    fault
}

/// Says that it did not work, when to come again, and nothing of what Stripe said.
#[track_caller]
fn check_refusal(answer: &Answer, case: &str) {
    assert!(
        matches!(answer.status, 202 | 429 | 502 | 503),
        "{case}: {} {}",
        answer.status,
        answer.text
    );
    if answer.status != 502 {
        assert!(answer.retry_after().is_some(), "{case}: no Retry-After");
    }
    if answer.status != 202 {
        answer.expect_error(answer.status);
    }
    let text = answer.text.to_lowercase();
    for word in [
        "unknown error",
        "on demand",
        "idempot",
        "rate limit",
        "_secret_",
        "sk_test",
        "req_",
    ] {
        assert!(!text.contains(word), "{case}: {word} in {text}");
    }
}

async fn again<F: Future<Output = Answer>>(case: &str, mut ask: impl FnMut() -> F) -> Answer {
    wait_until(case, || {
        let asked = ask();
        async {
            let answer = asked.await;
            (!matches!(answer.status, 202 | 429 | 502 | 503)).then_some(answer)
        }
    })
    .await
}

/// Each way at this call of a click, each time with another user.
async fn check_clicks(path: &str) {
    let app = TestApp::start().await;
    for (number, (case, fault)) in noticed().into_iter().enumerate() {
        let alice = app.shopper(&format!("user-{number}"));
        app.stripe.fault(at(fault, "POST", path)).await;
        check_refusal(&alice.calls.click("stock-photos-monthly").await, case);
        app.stripe.no_faults().await;
        // Whoever has failed lets the next one try at once.
        let opened = alice.calls.click("stock-photos-monthly").await;
        assert!(
            matches!(opened.status, 200 | 201),
            "{case}: {}",
            opened.text
        );
        let back = alice.answer_wallet(&opened.json(), "approve").await;
        let landed = alice.calls.come_back(&back).await.expect(303);
        assert_eq!(
            landed.landed_with("status").as_deref(),
            Some("subscribed"),
            "{case}"
        );
    }
    for (number, (case, fault)) in unnoticed().into_iter().enumerate() {
        let alice = app.shopper(&format!("lucky-{number}"));
        app.stripe.fault(at(fault, "POST", path)).await;
        let (_, landed) = alice.buy("stock-photos-monthly").await;
        assert_eq!(
            landed.landed_with("status").as_deref(),
            Some("subscribed"),
            "{case}"
        );
    }
    app.quiet().await;
    let users = noticed().len() + unnoticed().len();
    for kind in ["customer", "setup_intent", "subscription", "charge"] {
        assert_eq!(app.stripe.objects(kind).await.len(), users, "{kind}");
    }
}

#[tokio::test]
async fn a_customer_that_stripe_does_not_create_at_once_is_created_once() {
    check_clicks("/v1/customers").await;
}

#[tokio::test]
async fn a_setup_intent_that_stripe_does_not_create_at_once_is_created_once() {
    check_clicks("/v1/setup_intents").await;
}

#[tokio::test]
async fn a_subscription_that_stripe_does_not_create_at_once_is_created_once() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    for (number, (case, fault)) in noticed().into_iter().enumerate() {
        let alice = app.shopper(&format!("user-{number}"));
        let checkout = alice.approve_and_vanish().await;
        app.stripe
            .fault(at(fault, "POST", "/v1/subscriptions"))
            .await;
        check_refusal(&alice.calls.subscribe(&checkout).await, case);
        app.stripe.no_faults().await;
        let known = again(case, || alice.calls.subscribe(&checkout)).await;
        assert!(matches!(known.status, 200 | 201), "{case}: {}", known.text);
    }
    for (number, (case, fault)) in unnoticed().into_iter().enumerate() {
        let alice = app.shopper(&format!("lucky-{number}"));
        let checkout = alice.approve_and_vanish().await;
        app.stripe
            .fault(at(fault, "POST", "/v1/subscriptions"))
            .await;
        let known = alice.calls.subscribe(&checkout).await;
        assert_eq!(known.status, 201, "{case}: {}", known.text);
    }
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let users = noticed().len() + unnoticed().len();
    for kind in ["customer", "subscription", "charge"] {
        assert_eq!(app.stripe.objects(kind).await.len(), users, "{kind}");
    }
}

#[tokio::test]
async fn a_return_that_stripe_does_not_answer_lands_at_the_shop_and_is_finished_later() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    for (number, (case, fault)) in noticed().into_iter().enumerate() {
        let alice = app.shopper(&format!("user-{number}"));
        let opened = alice.click().await;
        let back = alice.answer_wallet(&opened, "approve").await;
        for (method, path) in [
            ("GET", "/v1/setup_intents/{id}"),
            ("POST", "/v1/subscriptions"),
        ] {
            app.stripe.fault(at(fault.clone(), method, path)).await;
        }
        let landed = alice.calls.come_back(&back).await.expect(303);
        assert_eq!(
            landed.landed_with("status").as_deref(),
            Some("pending"),
            "{case}"
        );
        assert_eq!(
            landed.landed_with("checkout").as_deref(),
            opened["checkout"].as_str(),
            "{case}"
        );
        app.stripe.no_faults().await;
    }
    app.stripe.release_webhooks("shuffle", 7, 1).await;
    app.quiet().await;
    let users = noticed().len();
    for kind in ["customer", "setup_intent", "subscription", "charge"] {
        assert_eq!(app.stripe.objects(kind).await.len(), users, "{kind}");
    }
}

#[tokio::test]
async fn a_shopper_is_not_locked_out_by_a_failure_that_stripe_has_stored() {
    let app = TestApp::start().await;
    for (number, path) in ["/v1/customers", "/v1/setup_intents"]
        .into_iter()
        .enumerate()
    {
        for is_done in [false, true] {
            let case = format!("{path}, done: {is_done}");
            let alice = app.shopper(&format!("user-{number}-{is_done}"));
            let fault = json!({"fault": "status", "status": 500, "stored": true, "after": is_done});
            app.stripe.fault(at(fault, "POST", path)).await;
            let first = alice.calls.click("stock-photos-monthly").await;
            if first.status != 201 {
                check_refusal(&first, &case);
            }
            let opened = alice.calls.click("stock-photos-monthly").await;
            assert!(
                matches!(opened.status, 200 | 201),
                "{case}: {}",
                opened.text
            );
            let back = alice.answer_wallet(&opened.json(), "approve").await;
            let landed = alice.calls.come_back(&back).await.expect(303);
            assert_eq!(
                landed.landed_with("status").as_deref(),
                Some("subscribed"),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn a_subscription_behind_a_failure_that_stripe_has_stored_is_found() {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let checkout = alice.approve_and_vanish().await;
    let fault = json!({"fault": "status", "status": 500, "stored": true, "after": true});
    app.stripe
        .fault(at(fault, "POST", "/v1/subscriptions"))
        .await;
    let known = alice.calls.subscribe(&checkout).await;
    assert!(matches!(known.status, 201 | 202), "{}", known.text);
    let known = again("the subscription is found", || {
        alice.calls.subscribe(&checkout)
    })
    .await;
    let created = app.stripe.objects("subscription").await;
    assert_eq!(created.len(), 1);
    assert_eq!(
        known.text_at("/subscription/id"),
        created[0]["id"].as_str().unwrap()
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_stored_failure_to_subscribe_never_leads_to_a_second_subscription() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let checkout = alice.approve_and_vanish().await;
    let fault = json!({"fault": "status", "status": 500, "stored": true});
    app.stripe
        .fault(at(fault, "POST", "/v1/subscriptions"))
        .await;
    for _ in 0..2 {
        let answer = alice.calls.subscribe(&checkout).await.expect(202);
        assert_eq!(answer.json()["status"], "pending");
        assert!(
            answer.retry_after().is_some_and(|seconds| seconds >= 30),
            "soon is too soon"
        );
    }
    assert!(app.stripe.objects("subscription").await.is_empty());
    assert!(app.stripe.objects("charge").await.is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_shops_request_is_the_shops_problem_and_not_told_in_stripes_words() {
    let app = TestApp::start().await;
    for (path, status) in [
        ("/v1/customers", 400),
        ("/v1/setup_intents", 400),
        ("/v1/setup_intents", 403),
    ] {
        let caller = app.caller(&format!("user-{}-{status}", path.len()));
        app.stripe
            .fault(at(
                json!({"fault": "status", "status": status}),
                "POST",
                path,
            ))
            .await;
        check_refusal(&caller.click("stock-photos-monthly").await, path);
        let opened = again(path, || caller.click("stock-photos-monthly")).await;
        assert!(matches!(opened.status, 200 | 201), "{}", opened.text);
    }
}

#[tokio::test]
async fn an_account_without_amazon_pay_is_told_so_and_nothing_stays_open() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.set_account(json!({"amazon_pay": false})).await;
    for _ in 0..2 {
        let refused = alice.calls.click("stock-photos-monthly").await;
        refused.expect_error(502);
        assert!(!refused.text.contains("_secret_"));
    }
    app.stripe.set_account(json!({"amazon_pay": true})).await;
    let (_, landed) = alice.buy("stock-photos-monthly").await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}
