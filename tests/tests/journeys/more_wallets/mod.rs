//! Google Pay, which a plan has to name: bought, declined, closed, renewed, and not offered.

mod google_pay;

use perennial_tests::{Setup, Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "monthly";
const TRIAL: &str = "trial";
const GOOGLE: &str = "google_pay";

/// A shop whose plans name all wallets.
async fn shop() -> TestApp {
    let all = json!(["amazon_pay", "apple_pay", GOOGLE]);
    let plans = json!({
        MONTHLY: {"wallets": all},
        TRIAL: {"wallets": all, "trial_days": 14},
    });
    TestApp::selling(&plans, Setup::default()).await
}

/// Presses the button of a wallet, with the SetupIntent or the subscription first.
async fn press(shopper: &Shopper, wallet: &str, plan: &str, first: &str) -> Value {
    let answer = if first == "subscription" {
        let body = json!({"plan": plan, "wallet": wallet, "first": first});
        shopper.calls.post_subscription(&body).await
    } else {
        let body = json!({"plan": plan, "wallet": wallet});
        shopper.calls.client_secret(&body).await
    };
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    answer.json()
}

/// Approves in Google's sheet, with a card of which `asked` says more; gives Stripe's answer.
async fn approve(shopper: &Shopper, opened: &Value, asked: Value) -> Value {
    let token = shopper.stripe.sheet_token(GOOGLE, asked).await;
    let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&opened[name]));
    shopper.stripe.confirm_with_token(key, secret, &token).await
}

/// What the page asks for once it has confirmed; the webhook may have been quicker.
async fn subscribed(shopper: &Shopper, opened: &Value) -> Value {
    let answer = shopper.calls.subscribe(text(&opened["checkout"])).await;
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    answer.json()["subscription"].clone()
}

/// A subscriber with everything applied, and what pays.
async fn subscriber(wallet: &str) -> (TestApp, Shopper, String) {
    let app = shop().await;
    let alice = app.shopper("alice");
    let opened = press(&alice, wallet, MONTHLY, "setup_intent").await;
    approve(&alice, &opened, json!({})).await;
    subscribed(&alice, &opened).await;
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let method = text(&subscription["default_payment_method"]).to_owned();
    (app, alice, method)
}

async fn mine(shopper: &Shopper) -> Value {
    let mine = shopper.calls.subscriptions().await.expect(200).json();
    mine["subscriptions"][0].clone()
}

/// The types of what the shop was told, in order.
async fn told(app: &TestApp) -> Vec<String> {
    let told = app.table.items_of("OUT#").await;
    told.iter().map(|it| text(&it["type"]).to_owned()).collect()
}
