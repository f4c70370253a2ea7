//! Answers that are lost, a table that fails and a process that dies while a user is erased.

use super::*;

/// More calls of the table than an erasure makes.
const CALLS: usize = 24;

/// Each has a gateway, a Stripe and a table of its own, so not all of them at once.
async fn some_at_a_time<F: Future<Output = ()>>(of: impl Fn(usize) -> F) {
    for first in (0..CALLS).step_by(4) {
        all((first..CALLS.min(first + 4)).map(&of)).await;
    }
}

/// A user with a subscription that has ended, and a checkout that is open.
async fn ended(app: &TestApp) -> String {
    let alice = app.shopper("alice");
    alice.buy(TRIAL).await.1.expect(303);
    app.quiet().await;
    ends_all(app, "alice").await;
    alice.click().await;
    app.quiet().await;
    customer_of(app, "alice").await
}

async fn is_erased(app: &TestApp, customer: &str, what: &str) {
    assert_eq!(naming(app, "alice").await, [""; 0], "{what}");
    assert_eq!(naming(app, customer).await, [""; 0], "{what}");
    let path = format!("/v1/customers/{customer}");
    let gone = app.stripe.api("GET", &path, &[]).await;
    assert_eq!(gone["deleted"], true, "{what}");
}

#[tokio::test]
async fn the_table_fails_after_any_call_of_an_erasure() {
    some_at_a_time(|passing| async move {
        let app = TestApp::start().await;
        let customer = ended(&app).await;
        app.to_dynamodb.break_after("", passing);
        let first = erase(&app, "alice").await;
        app.to_dynamodb.break_after("", usize::MAX);
        if first.status != 200 {
            assert_eq!(first.expect_error(503), "table_unavailable", "{passing}");
        }
        app.quiet().await;
        erase(&app, "alice").await.expect(200);
        last_pass(&app).await;
        is_erased(&app, &customer, &passing.to_string()).await;
    })
    .await;
}

/// Nobody asks again, so the sweep alone brings it to its end.
#[tokio::test]
async fn a_process_that_dies_after_any_write_is_followed_by_the_sweep() {
    some_at_a_time(|passing| async move {
        let app = TestApp::start().await;
        let customer = ended(&app).await;
        app.to_dynamodb.break_after("", passing);
        erase(&app, "alice").await;
        app.to_dynamodb.break_after("", usize::MAX);
        app.quiet().await;
        if app.table.items_of("CUSTOMER").await[0]
            .get("erasing")
            .is_none()
        {
            // It has not begun, and the user is as before.
            let path = format!("/v1/customers/{customer}");
            let there = app.stripe.api("GET", &path, &[]).await;
            assert_ne!(there["deleted"], true, "{passing}");
            return;
        }
        // The second pass is the last one wherever the first has stopped.
        last_pass(&app).await;
        sweep(&sweeper(&app, 2 * LATER).await, "open").await;
        app.quiet().await;
        is_erased(&app, &customer, &passing.to_string()).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_stripe_that_is_lost_is_asked_for_again() {
    for (method, path) in [
        ("GET", "/v1/customers/*"),
        ("GET", "/v1/subscriptions"),
        ("GET", "/v1/payment_intents"),
        ("GET", "/v1/setup_intents"),
        ("DELETE", "/v1/customers/*"),
    ] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let app = TestApp::start().await;
            let customer = ended(&app).await;
            let fault =
                json!({"method": method, "path": path, "fault": fault, "times": 9, "delay_ms": 1});
            app.stripe.fault(fault.clone()).await;
            let first = erase(&app, "alice").await;
            let what = format!("{fault}");
            assert_eq!(first.expect_error(503), "stripe_unavailable", "{what}");
            app.stripe.no_faults().await;
            // Nobody begins anything meanwhile.
            let click = json!({"plan": MONTHLY, "wallet": "apple_pay"});
            let refused = app.shopper("alice").calls.client_secret(&click).await;
            assert_eq!(refused.expect_error(409), "user_being_erased", "{what}");
            last_pass(&app).await;
            sweep(&sweeper(&app, 2 * LATER).await, "open").await;
            app.quiet().await;
            is_erased(&app, &customer, &what).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_may_not_delete_is_told_and_asked_again() {
    let app = TestApp::start().await;
    let customer = ended(&app).await;
    let refusal = json!({"method": "DELETE", "path": "/v1/customers/*", "fault": "status", "status": 403, "times": 2});
    app.stripe.fault(refusal).await;
    let refused = erase(&app, "alice").await;
    assert_eq!(refused.expect_error(502), "stripe_not_configured");
    let swept = last_pass(&app).await;
    assert_eq!(swept["failed"], 1, "{swept}");
    app.stripe.no_faults().await;
    erase(&app, "alice").await.expect(200);
    sweep(&sweeper(&app, 2 * LATER).await, "open").await;
    app.quiet().await;
    is_erased(&app, &customer, "with the permission").await;
}

/// It died after the mark, and somebody has subscribed the customer at Stripe before the sweep came.
#[tokio::test]
async fn an_erasure_that_is_refused_by_then_is_taken_back() {
    for decided in [false, true] {
        let app = TestApp::start().await;
        let customer = ended(&app).await;
        let path = if decided {
            ("DELETE", "/v1/customers/*")
        } else {
            ("GET", "/v1/customers/*")
        };
        let fault = json!({"method": path.0, "path": path.1, "fault": "timeout_before", "times": 9, "delay_ms": 1});
        app.stripe.fault(fault).await;
        erase(&app, "alice").await.expect(503);
        app.stripe.no_faults().await;
        let has_owner = app
            .table
            .items_of("USER")
            .await
            .iter()
            .any(|it| it["user"] == "alice");
        assert_eq!(has_owner, !decided);
        let prices = app.stripe.objects("price").await;
        let price =
            text(&prices.iter().find(|it| it["unit_amount"] == 1500).unwrap()["id"]).to_owned();
        let form = [
            ("customer", customer.as_str()),
            ("items[0][price]", &price),
            ("trial_period_days", "30"),
        ];
        app.stripe.api("POST", "/v1/subscriptions", &form).await;
        app.quiet().await;
        let swept = last_pass(&app).await;
        assert_eq!(swept["ended"], 1, "{swept}");
        assert_eq!(customer_of(&app, "alice").await, customer, "{decided}");
        let owners = app.table.items_of("USER").await;
        assert!(owners.iter().any(|it| it["user"] == "alice"), "{decided}");
        sweep(&sweeper(&app, 24 * 3600).await, "subscriptions").await;
        app.quiet().await;
        let refused = erase(&app, "alice").await;
        assert_eq!(refused.expect_error(409), "user_is_subscribed", "{decided}");
    }
}

#[tokio::test]
async fn two_at_once_erase_once() {
    let app = TestApp::start().await;
    let customer = ended(&app).await;
    for answer in all([0; 3].map(|_| erase(&app, "alice"))).await {
        assert!(matches!(answer.status, 200 | 429), "{}", answer.text);
    }
    last_pass(&app).await;
    is_erased(&app, &customer, "at once").await;
}

/// A request that was to create the customer has died, and Stripe may have it.
#[tokio::test]
async fn a_customer_that_is_being_created_is_erased_too() {
    let app = TestApp::start().await;
    let fault = json!({"method": "POST", "path": "/v1/customers", "fault": "timeout_after", "times": 9, "delay_ms": 1});
    app.stripe.fault(fault).await;
    let click = json!({"plan": MONTHLY, "wallet": "amazon_pay"});
    app.shopper("alice")
        .calls
        .client_secret(&click)
        .await
        .expect(503);
    app.stripe.no_faults().await;
    let erased = wait_until("its turn", async || {
        let answer = erase(&app, "alice").await;
        (answer.status != 429).then_some(answer)
    })
    .await;
    let customers = app.stripe.objects("customer").await;
    assert_eq!(customers.len(), 1);
    let customer = text(&customers[0]["id"]).to_owned();
    assert_eq!(erased.expect(200).json()["customers"], json!([customer]));
    last_pass(&app).await;
    is_erased(&app, &customer, "half created").await;
}
