//! Payments that the shop's servers ask for.

mod asked_again;
mod bad_input;
mod costs;
mod diagnosis;
mod faults;
mod held;
mod in_the_page;
mod killed;
mod migration;
mod off_session;
mod refunds;

use perennial_tests::{Answer, TestApp};
use serde_json::{Value, json};

/// One of the shop's servers, whose requests API Gateway has verified.
pub(super) struct ShopServer<'a> {
    app: &'a TestApp,
}

impl<'a> ShopServer<'a> {
    pub(super) fn of(app: &'a TestApp) -> Self {
        Self { app }
    }

    pub(super) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        let event = event("POST", path, Some(key), Some(body));
        read(&self.app.invoke("payments", event).await)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        read(
            &self
                .app
                .invoke("payments", event("GET", path, None, None))
                .await,
        )
    }

    pub(super) async fn pay(&self, key: &str, body: &Value) -> Answer {
        self.post("/payments", key, body).await
    }

    pub(super) async fn payment(&self, id: &str) -> Value {
        self.get(&format!("/payments/{id}"))
            .await
            .expect(200)
            .json()
    }

    pub(super) async fn diagnosis(&self, method: &str, user: &str) -> Value {
        let path = format!("/payment-methods/{method}/diagnosis?user={user}");
        self.get(&path).await.expect(200).json()
    }

    /// A method that Apple Pay has saved by a payment of 5 USD.
    pub(super) async fn saved_method(&self, user: &str) -> String {
        let body = json!({"user": user, "amount": 500, "currency": "usd", "wallet": "apple_pay", "save": true});
        let key = format!("save-{user}");
        let started = self.pay(&key, &body).await.expect(201).json();
        let paid = confirm(self.app, &started, json!({})).await;
        assert_eq!(paid["status"], "succeeded", "{paid}");
        text(&paid["payment_method"]).to_owned()
    }
}

/// The shopper agrees in Apple's sheet; gives what Stripe tells the page.
pub(super) async fn confirm(app: &TestApp, started: &Value, token: Value) -> Value {
    let token = app.stripe.apple_pay_token(token).await;
    let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&started[name]));
    app.stripe.confirm_with_token(key, secret, &token).await
}

/// A charge of a saved method while the shopper is away.
pub(super) fn charge(user: &str, method: &str, amount: u64) -> Value {
    json!({"user": user, "payment_method": method, "amount": amount, "currency": "usd", "off_session": true})
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// What API Gateway hands over for a request that AWS Signature Version 4 signs.
pub(super) fn event(method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut headers = json!({"content-type": "application/json"});
    if let Some(key) = key {
        headers["idempotency-key"] = key.into();
    }
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"iam": {"accountId": "123456789012", "userArn": "arn:aws:iam::123456789012:role/shop"}},
            "domainName": "api.example",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "shop/1"},
            "requestId": "r1", "routeKey": format!("{method} {path}"), "stage": "$default",
            "time": "25/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_000_000_000_i64
        },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false
    })
}

pub(super) fn read(answer: &Value) -> Answer {
    let headers = answer["headers"].as_object().into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| {
        let name = name.parse::<reqwest::header::HeaderName>().ok()?;
        Some((name, value.as_str()?.parse().ok()?))
    });
    let status = answer["statusCode"].as_u64().expect("a status");
    Answer {
        status: u16::try_from(status).expect("a status"),
        headers: headers.collect(),
        text: answer["body"].as_str().unwrap_or_default().to_owned(),
    }
}
