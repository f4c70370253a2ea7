//! `SetupIntents` whose creation was never answered.

use perennial_tests::{Shopper, TestApp};
use serde_json::{Value, json};

use crate::{
    payments::text,
    sweeps::{sweep, sweeper},
};

const HOUR: i64 = 3600;

/// Stripe creates the SetupIntent of a click, and nobody hears of it.
async fn unanswered(app: &TestApp, alice: &Shopper, body: &Value) {
    let fault =
        json!({"method": "POST", "path": "/v1/setup_intents", "fault": "severed", "times": 100});
    app.stripe.fault(fault).await;
    alice.calls.client_secret(body).await.expect(503);
    app.stripe.no_faults().await;
}

async fn statuses(app: &TestApp) -> Vec<String> {
    let intents = app.stripe.objects("setup_intent").await;
    let statuses = intents.iter().map(|it| text(&it["status"]).to_owned());
    statuses.collect()
}

#[tokio::test]
async fn a_setup_intent_that_nobody_has_heard_of_is_canceled_a_day_later() {
    for confirm in ["client", "server"] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        let mut body = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay"});
        if confirm == "server" {
            body["confirm"] = json!("server");
        }
        unanswered(&app, &alice, &body).await;
        assert_eq!(statuses(&app).await.len(), 1);
        app.quiet().await;
        let early = sweep(&sweeper(&app, 20 * HOUR).await, "events").await;
        assert_eq!(early["setups"]["canceled"], 0, "{early}");
        let late = sweeper(&app, 27 * HOUR).await;
        sweep(&late, "open").await;
        let attempts = app.table.items_of("CHECKOUT#").await;
        assert_eq!(attempts[0]["state"], "expired");
        let swept = sweep(&late, "events").await;
        assert_eq!(swept["setups"]["complete"], true, "{swept}");
        assert_eq!(swept["setups"]["canceled"], 1, "{swept}");
        assert_eq!(statuses(&app).await, ["canceled"], "{confirm}");
        // Another sweep asks for what is new, once.
        app.quiet().await;
        app.forget_calls().await;
        let again = sweep(&sweeper(&app, 28 * HOUR).await, "events").await;
        assert_eq!(again["setups"]["canceled"], 0, "{again}");
        let listings = app.stripe.requests_to("GET /v1/setup_intents").await;
        assert_eq!(listings.len(), 1);
        app.quiet().await;
    }
}

/// Of another application or stack on the same account, of a checkout that is open, and of one that has
/// succeeded.
#[tokio::test]
async fn a_setup_intent_that_is_somebodys_stays() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let hers = app.stripe.objects("setup_intent").await.remove(0);
    let [user, attempt] = ["perennial_user", "perennial_attempt"]
        .map(|name| text(&hers["metadata"][name]).to_owned());
    // Another stack has the same users, and customers of its own.
    let other = app.stripe.api("POST", "/v1/customers", &[]).await;
    let form = [
        ("customer", text(&other["id"])),
        ("usage", "off_session"),
        ("metadata[perennial_user]", user.as_str()),
        ("metadata[perennial_attempt]", attempt.as_str()),
    ];
    app.stripe.api("POST", "/v1/setup_intents", &form).await;
    let form = [
        ("customer", text(&hers["customer"])),
        ("usage", "off_session"),
    ];
    app.stripe.api("POST", "/v1/setup_intents", &form).await;
    app.quiet().await;
    let swept = sweep(&sweeper(&app, 27 * HOUR).await, "events").await;
    assert_eq!(swept["setups"]["listed"], 3, "{swept}");
    assert_eq!(swept["setups"]["canceled"], 0, "{swept}");
    // It can still be used.
    let back = alice.answer_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}

/// One that fails is passed over, and found again.
#[tokio::test]
async fn a_setup_intent_that_could_not_be_canceled_is_canceled_the_next_time() {
    let app = TestApp::start().await;
    let body = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay"});
    for user in ["alice", "bob"] {
        unanswered(&app, &app.shopper(user), &body).await;
    }
    app.quiet().await;
    sweep(&sweeper(&app, 27 * HOUR).await, "open").await;
    let first = app.stripe.objects("setup_intent").await.remove(0);
    let path = format!("/v1/setup_intents/{}/cancel", text(&first["id"]));
    let fault =
        json!({"method": "POST", "path": path, "fault": "status", "status": 500, "times": 100});
    app.stripe.fault(fault).await;
    let swept = sweep(&sweeper(&app, 27 * HOUR).await, "events").await;
    assert_eq!(swept["setups"]["failed"], 1, "{swept}");
    assert_eq!(swept["setups"]["canceled"], 1, "{swept}");
    app.stripe.no_faults().await;
    let again = sweep(&sweeper(&app, 28 * HOUR).await, "events").await;
    assert_eq!(again["setups"]["canceled"], 1, "{again}");
    assert_eq!(statuses(&app).await, ["canceled", "canceled"]);
    app.quiet().await;
}
