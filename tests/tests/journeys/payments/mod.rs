//! Payments that the shop's servers ask for.

mod asked_again;
mod at_once;
mod bad_input;
mod callers;
mod costs;
mod diagnosis;
mod faults;
pub(super) mod held;
mod in_the_page;
mod killed;
mod migration;
mod off_session;
mod others;
mod refunds;
pub(super) mod replaced;

use std::task::Poll;

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
        self.ask(path, event("POST", path, Some(key), Some(body)))
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(path, event("GET", path, None, None)).await
    }

    async fn ask(&self, path: &str, event: Value) -> Answer {
        let function = match path.split('?').next() {
            Some("/shop/subscriptions" | "/shop/users") => "subscriptions",
            Some(path) if path == "/shop/customers" || path.starts_with("/shop/users/") => "users",
            Some(path) if path.starts_with("/shop/") => "actions",
            _ => "payments",
        };
        read(&self.app.invoke(function, event).await)
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
        self.saved_method_under(user, &format!("save-{user}")).await
    }

    /// The same, by a payment of this key.
    pub(super) async fn saved_method_under(&self, user: &str, key: &str) -> String {
        let body = json!({"user": user, "amount": 500, "currency": "usd", "wallet": "apple_pay", "save": true});
        let started = self.pay(key, &body).await.expect(201).json();
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

/// Runs them all at once, and gives what came of each.
pub(super) async fn all<F: Future>(asked: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = asked.into_iter().map(|one| Box::pin(one)).collect();
    let mut done: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (one, result) in waiting.iter_mut().zip(&mut done) {
            if result.is_none()
                && let Poll::Ready(output) = one.as_mut().poll(context)
            {
                *result = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
    done.into_iter().flatten().collect()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Who signs the requests of the shop's servers.
pub(super) const SHOP: &str = "arn:aws:sts::123456789012:assumed-role/shop/i-0123456789abcdef0";

/// What API Gateway hands over for a request that AWS Signature Version 4 signs.
pub(super) fn event(method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut signed = "content-type;host;x-amz-date";
    let mut headers = json!({"content-type": "application/json"});
    if let Some(key) = key {
        headers["idempotency-key"] = key.into();
        signed = "content-type;host;idempotency-key;x-amz-date";
    }
    headers["authorization"] = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261125/us-east-1/execute-api/aws4_request, SignedHeaders={signed}, Signature=00"
    )
    .into();
    let (route, parameters) = route(path);
    let route = format!("{method} {route}");
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"iam": {"accountId": "123456789012", "userArn": SHOP}},
            "domainName": "api.example",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "shop/1"},
            "requestId": "r1", "routeKey": route, "stage": "$default",
            "time": "25/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_000_000_000_i64
        },
        "body": body.map(Value::to_string),
        "isBase64Encoded": false
    })
}

/// The route's path and its parameters, as API Gateway names them.
fn route(path: &str) -> (String, Value) {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["", "payments", id] => ("/payments/{payment}".to_owned(), json!({"payment": id})),
        ["", "payments", id, action] => (
            format!("/payments/{{payment}}/{action}"),
            json!({"payment": id}),
        ),
        ["", "payment-methods", id, "diagnosis"] => (
            "/payment-methods/{payment_method}/diagnosis".to_owned(),
            json!({"payment_method": id}),
        ),
        ["", "shop", "subscriptions", id] => (
            "/shop/subscriptions/{subscription}".to_owned(),
            json!({"subscription": id}),
        ),
        ["", "shop", "subscriptions", id, action] => (
            format!("/shop/subscriptions/{{subscription}}/{action}"),
            json!({"subscription": id}),
        ),
        _ => (path.to_owned(), json!({})),
    }
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
