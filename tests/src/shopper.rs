//! A shopper with a browser: what a page and a person do between two calls.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::Caller;
use crate::sandbox::StripeSandbox;

/// The plan that most journeys buy.
const PLAN: &str = "stock-photos-monthly";

/// A user at the shop's page.
#[derive(Debug, Clone)]
pub struct Shopper {
    /// The calls of the shop's page.
    pub calls: Caller,
    /// Stripe, as the page and the wallet see it.
    pub stripe: StripeSandbox,
}

impl Shopper {
    /// Presses Amazon Pay for the monthly plan; gives the answer's body.
    pub async fn click(&self) -> Value {
        self.click_for(PLAN).await
    }

    /// Presses Amazon Pay for a plan.
    pub async fn click_for(&self, plan: &str) -> Value {
        let answer = self.calls.click(plan).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        answer.json()
    }

    /// Presses Amazon Pay on a page whose server confirms.
    pub async fn click_with_server_confirm(&self) -> Value {
        let body = json!({"plan": PLAN, "wallet": "amazon_pay", "confirm": "server"});
        let answer = self.calls.client_secret(&body).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        answer.json()
    }

    /// The page confirms with Stripe.js, which sends the browser to the wallet's page.
    pub async fn go_to_wallet(&self, opened: &Value) {
        let [key, secret, back] = ["publishable_key", "client_secret", "return_url"]
            .map(|name| opened[name].as_str().expect("the page gets what it needs"));
        let went = self
            .stripe
            .confirm_amazon_pay_setup(key, secret, back)
            .await;
        went.unwrap_or_else(|error| panic!("Stripe.js: {error}"));
    }

    /// Goes to the wallet and answers it; gives the address that the browser is sent to.
    pub async fn answer_wallet(&self, opened: &Value, choice: &str) -> String {
        if opened["redirect_url"].is_null() {
            self.go_to_wallet(opened).await;
        }
        self.answer_open_wallet(opened, choice).await
    }

    /// Answers the wallet's page, which the browser shows already.
    pub async fn answer_open_wallet(&self, opened: &Value, choice: &str) -> String {
        let intent = opened["setup_intent"].as_str().expect("a SetupIntent");
        self.stripe.answer_wallet(intent, choice).await
    }

    /// Presses Apple Pay for a plan, with the SetupIntent first; gives the answer's body.
    pub async fn click_apple_pay(&self, plan: &str) -> Value {
        let body = json!({"plan": plan, "wallet": "apple_pay"});
        let answer = self.calls.client_secret(&body).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        answer.json()
    }

    /// Presses Apple Pay for a plan, with the subscription first; gives the answer's body.
    pub async fn begin_subscription(&self, plan: &str) -> Value {
        let answer = self.calls.begin_subscription(plan).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        answer.json()
    }

    /// Approves in Apple's sheet, and lets the page confirm what it was given; gives Stripe's answer.
    pub async fn approve_apple_pay(&self, opened: &Value) -> Value {
        self.use_apple_pay(opened, json!({})).await
    }

    /// The same with a card of which `asked` says more, such as `{"first": "decline"}`.
    pub async fn use_apple_pay(&self, opened: &Value, asked: Value) -> Value {
        let [key, secret] = ["publishable_key", "client_secret"]
            .map(|name| opened[name].as_str().expect("the page gets what it needs"));
        let token = self.stripe.apple_pay_token(asked).await;
        self.stripe.confirm_with_token(key, secret, &token).await
    }

    /// From the click to the return, as most shoppers do it; gives the checkout and the redirect.
    pub async fn buy(&self, plan: &str) -> (String, Answer) {
        let opened = self.click_for(plan).await;
        let back = self.answer_wallet(&opened, "approve").await;
        (checkout_of(&opened), self.calls.come_back(&back).await)
    }

    /// The same up to the wallet's agreement, after which the browser is closed.
    pub async fn approve_and_vanish(&self) -> String {
        let opened = self.click().await;
        self.answer_wallet(&opened, "approve").await;
        checkout_of(&opened)
    }
}

/// The id of the checkout in an answer to a click.
fn checkout_of(opened: &Value) -> String {
    opened["checkout"].as_str().expect("a checkout").to_owned()
}
