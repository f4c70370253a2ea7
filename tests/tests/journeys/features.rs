//! What a plan lets its subscribers do, as the shop's application asks for it.

use perennial_tests::{Setup, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

async fn features(app: &TestApp) -> Value {
    let alice = app.shopper("alice");
    let mine = alice.calls.subscriptions().await.expect(200).json();
    mine["entitlements"]["stock-photos"]["features"].clone()
}

#[tokio::test]
async fn the_features_follow_the_plan_that_is_paid_for() {
    let plans = json!({
        "basic": {"features": ["hd"]},
        "pro": {"amount": 2900, "features": ["hd", "api"]},
        "bare": {},
    });
    let app = TestApp::selling(&plans, Setup::default()).await;
    let alice = app.shopper("alice");
    let offered = alice.calls.request("GET", "/plans");
    let offered = alice.calls.send(offered).await.expect(200).json();
    let of = |name: &str| {
        let mut all = offered["plans"].as_array().unwrap().iter();
        all.find(|it| it["name"] == name).unwrap()["features"].clone()
    };
    assert_eq!(
        (of("basic"), of("pro"), of("bare")),
        (json!(["hd"]), json!(["hd", "api"]), Value::Null)
    );
    assert_eq!(features(&app).await, Value::Null);
    alice.buy("basic").await.1.expect(303);
    app.quiet().await;
    assert_eq!(features(&app).await, json!(["hd"]));
    let mine = alice.calls.subscriptions().await.expect(200).json();
    let id = text(&mine["subscriptions"][0]["id"]);
    let calls = &alice.calls;
    let preview = calls.request("POST", &format!("/subscriptions/{id}/preview"));
    let shown = calls.send(preview.json(&json!({"plan": "pro"}))).await;
    let agreed = json!({"preview": shown.expect(200).json()["preview"]});
    let change = calls.request("POST", &format!("/subscriptions/{id}/change"));
    calls.send(change.json(&agreed)).await.expect(200);
    assert_eq!(features(&app).await, json!(["api", "hd"]));
}
