//! What cannot be asked for, and why.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::MONTHLY;

#[tokio::test]
async fn what_a_wallet_cannot_do_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let cases: [(&str, Value, u16, &str, &str); 9] = [
        (
            "/client-secret",
            json!({"plan": MONTHLY, "wallet": "apple_pay", "confirm": "server"}),
            400,
            "confirm_not_supported",
            "cryptogram",
        ),
        (
            "/subscriptions",
            json!({"plan": MONTHLY, "wallet": "amazon_pay", "first": "subscription"}),
            400,
            "first_not_supported",
            "POST /client-secret",
        ),
        (
            "/subscriptions",
            json!({"plan": MONTHLY, "wallet": "apple_pay"}),
            400,
            "missing_field",
            "`first`",
        ),
        (
            "/subscriptions",
            json!({"wallet": "apple_pay", "first": "subscription"}),
            400,
            "missing_field",
            "`plan`",
        ),
        (
            "/subscriptions",
            json!({"plan": MONTHLY, "first": "subscription"}),
            400,
            "missing_field",
            "`wallet`",
        ),
        (
            "/subscriptions",
            json!({}),
            400,
            "missing_field",
            "`checkout`",
        ),
        (
            "/subscriptions",
            json!({"checkout": "chk_1", "plan": MONTHLY}),
            400,
            "invalid_field",
            "nothing else",
        ),
        (
            "/subscriptions",
            json!({"plan": MONTHLY, "wallet": "apple_pay", "first": "payment"}),
            400,
            "invalid_field",
            "subscription",
        ),
        (
            "/subscriptions",
            json!({"plan": "gold", "wallet": "apple_pay", "first": "subscription"}),
            400,
            "unknown_plan",
            "GET /plans",
        ),
    ];
    for (path, body, status, code, words) in cases {
        let request = alice.calls.request("POST", path).json(&body);
        let answer = alice.calls.send(request).await.expect(status).json();
        assert_eq!(answer["error"]["code"], code, "{body}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(app.table.items().await.len(), 0, "nothing has changed");
    assert_eq!(app.stripe.requests().await.len(), 0, "Stripe was not asked");
}
