//! Apple's sheet, and what Stripe.js and the page do around it.

use perennial_sandbox::PUBLISHABLE_KEY;
use serde_json::{Value, json};

use crate::books::{Books, Stripe, expect_success, text};
use crate::broken::Broken;
use crate::request::event;
use crate::shop::group_of;
use crate::shopper::{Ask, Click};
use crate::stage::Stage;
use crate::wire::Door;

/// What the card's bank says to what comes out of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// Yes.
    Approve,
    /// No.
    Decline,
}

impl Stripe {
    /// What Stripe.js does once the sheet has closed: makes a payment method of the token and
    /// confirms with it what the client secret belongs to. Gives the intent, or Stripe's refusal.
    pub async fn confirm_in_sheet(
        &self,
        client_secret: &str,
        sheet: Sheet,
    ) -> Result<Value, Broken> {
        let first = match sheet {
            Sheet::Approve => "succeed",
            Sheet::Decline => "decline",
        };
        let token = json!({"wallet": "apple_pay", "first": first});
        let token = self.control("POST", "/tokens", token).await?;
        let path = "/v1/payment_methods";
        let token = text(&token, "/id")?;
        let form = [("type", "card"), ("card[token]", token.as_str())];
        let (status, method) = self.call(PUBLISHABLE_KEY, "POST", path, &form).await?;
        let method = text(&expect_success(path, status, method)?, "/id")?;
        let (intent, kind) = intent_of(client_secret);
        let form = [
            ("client_secret", client_secret),
            ("payment_method", method.as_str()),
            // As the page says it; no sheet leads there.
            ("return_url", "https://shop.example/return"),
            ("use_stripe_sdk", "true"),
        ];
        let path = format!("/v1/{kind}/{intent}/confirm");
        let (_, answer) = self.call(PUBLISHABLE_KEY, "POST", &path, &form).await?;
        Ok(answer)
    }
}

impl Stage<'_> {
    /// Presses Apple Pay's button where the subscription comes first.
    pub async fn begin(&self, door: Door, plan: &str) -> Result<Click, Broken> {
        let click = self.press(door, plan, &Ask::Begin { plan }).await?;
        self.check_entitled(plan).await?;
        Ok(click)
    }

    /// Answers in the sheet; gives whether it is confirmed.
    pub async fn answer_sheet(&self, opened: &Value, sheet: Sheet) -> Result<bool, Broken> {
        let secret = text(opened, "/client_secret")?;
        let answer = self.lane.stripe.confirm_in_sheet(&secret, sheet).await?;
        let (status, code) = (&answer["status"], &answer["error"]["code"]);
        self.tell(format!("the sheet: {sheet:?}, Stripe: {status} {code}"));
        Ok(*status == "succeeded")
    }

    /// What `GET /subscriptions` says that the user may have.
    pub async fn entitlements(&self) -> Result<Value, Broken> {
        Ok(self.mine().await?["entitlements"].take())
    }

    /// What `GET /subscriptions` answers.
    pub async fn mine(&self) -> Result<Value, Broken> {
        let request = event(Some(&self.user), "GET", "/subscriptions", "", None);
        let answer = self.lane.functions.subscriptions.handle(request).await;
        let answer = answer.unwrap_or_default();
        let body = answer["body"].as_str().unwrap_or_default();
        Ok(serde_json::from_str(body)?)
    }

    /// Nobody may have what nobody has confirmed, at any time.
    pub async fn check_entitled(&self, plan: &str) -> Result<(), Broken> {
        let group = group_of(plan);
        let entitlement = &self.entitlements().await?[group];
        // What was given for free is looked at beside what servers have asked for.
        let by_payment = entitlement["active"] == true && entitlement["because"] != "granted";
        if by_payment && !self.books().gives(group) {
            self.broke(format!(
                "the user is entitled to {group}, which nobody has confirmed"
            ));
        }
        Ok(())
    }

    /// Whoever is told that there is a subscription has one.
    pub fn check_already_subscribed(&self, plan: &str) {
        if !self.books().gives(group_of(plan)) {
            self.broke(format!(
                "a click for {plan} was told of a subscription that nobody has confirmed"
            ));
        }
    }

    fn books(&self) -> Books {
        self.lane.stripe.books()
    }
}

/// Where Stripe sends a browser that had to leave the page to confirm.
pub fn return_of(opened: &Value) -> Result<String, Broken> {
    let (back, secret) = (
        text(opened, "/return_url")?,
        text(opened, "/client_secret")?,
    );
    let (intent, kind) = intent_of(&secret);
    let kind = kind.trim_end_matches('s');
    Ok(format!(
        "{back}&{kind}={intent}&{kind}_client_secret={secret}&redirect_status=succeeded"
    ))
}

/// The intent that a client secret belongs to, and where its kind is found.
fn intent_of(client_secret: &str) -> (&str, &'static str) {
    let (intent, _) = client_secret.split_once("_secret_").unwrap_or_default();
    if intent.starts_with("seti_") {
        (intent, "setup_intents")
    } else {
        (intent, "payment_intents")
    }
}
