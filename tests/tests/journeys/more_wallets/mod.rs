//! Google Pay and Cash App Pay, which a plan has to name: bought, declined, closed, renewed, and not offered.

mod cash_app_pay;
mod google_pay;
mod offered;

use perennial_tests::{Setup, Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "monthly";
const TRIAL: &str = "trial";
const EUROPE: &str = "europe";
const GOOGLE: &str = "google_pay";
const CASH_APP: &str = "cash_app_pay";

/// A shop whose plans name all wallets.
async fn shop() -> TestApp {
    let all = json!(["amazon_pay", "apple_pay", GOOGLE, CASH_APP]);
    let plans = json!({
        MONTHLY: {"wallets": all},
        TRIAL: {"wallets": all, "trial_days": 14},
        EUROPE: {"wallets": all, "currency": "eur"},
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

/// Goes to Cash App and answers there; gives where the browser is sent.
async fn answer_cash_app(shopper: &Shopper, opened: &Value, choice: &str) -> String {
    let [key, secret, back] =
        ["publishable_key", "client_secret", "return_url"].map(|name| text(&opened[name]));
    let page = shopper
        .stripe
        .confirm_redirect_setup("cashapp", key, secret, back);
    let page = page.await.unwrap_or_else(|error| panic!("{error}"));
    assert!(page.contains("/sandbox/cash-app/"), "{page}");
    shopper.answer_open_wallet(opened, choice).await
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
    if wallet == GOOGLE {
        approve(&alice, &opened, json!({})).await;
        subscribed(&alice, &opened).await;
    } else {
        let back = answer_cash_app(&alice, &opened, "approve").await;
        alice.calls.come_back(&back).await.expect(303);
    }
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

async fn offers(app: &TestApp, plan: &str) -> Value {
    let caller = app.caller("alice");
    let request = caller.request("GET", &format!("/wallets?plan={plan}"));
    caller.send(request).await.expect(200).json()
}

fn offer<'a>(offers: &'a Value, name: &str) -> &'a Value {
    let mut all = offers["wallets"].as_array().unwrap().iter();
    all.find(|it| it["wallet"] == name).unwrap()
}

fn codes(offer: &Value) -> Vec<&str> {
    let reasons = offer["reasons"].as_array().unwrap().iter();
    reasons.map(|it| text(&it["code"])).collect()
}
