//! One method for each endpoint, as one user would call it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::exchanges;

/// The browser of every shopper here; no trace of it may stay in the table.
pub const USER_AGENT: &str = "Shopper/7.0 (a browser of the tests)";

/// A client that follows no redirect and knows no proxy.
#[allow(
    clippy::disallowed_methods,
    reason = "a test's client has its own limits"
)]
pub fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        // Nothing here is asked over TLS, and each client would read all roots of the machine.
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
        .timeout(Duration::from_mins(1))
        .build()
        .expect("a client can be built")
}

/// A user with a token, or somebody without one.
#[derive(Debug, Clone)]
pub struct Caller {
    http: reqwest::Client,
    gateway: String,
    token: Option<String>,
}

impl Caller {
    pub(crate) fn new(http: reqwest::Client, gateway: &str, token: Option<String>) -> Self {
        Self {
            http,
            gateway: gateway.to_owned(),
            token,
        }
    }

    /// The same with another token, or none.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self {
            token: token.map(str::to_owned),
            ..self.clone()
        }
    }

    /// A request with the token, for what the methods below do not do.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.gateway));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let asked = exchanges::are_kept().then(|| request.try_clone()).flatten();
        let response = self.http.execute(request).await;
        let answer = Answer::read(response.expect("the gateway answers")).await;
        if let Some(asked) = asked {
            exchanges::keep(&asked, &answer);
        }
        answer
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path).json(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    /// `POST /client-secret` with this body.
    pub async fn client_secret(&self, body: &Value) -> Answer {
        self.post("/client-secret", body).await
    }

    /// `POST /client-secret` for a plan with Amazon Pay, to be confirmed by the page.
    pub async fn click(&self, plan: &str) -> Answer {
        self.client_secret(&json!({"plan": plan, "wallet": "amazon_pay"}))
            .await
    }

    /// `GET /confirm` at the address that the wallet sends the browser to.
    pub async fn come_back(&self, address: &str) -> Answer {
        self.send(self.http.get(address)).await
    }

    /// The same, asked for as JSON.
    pub async fn come_back_for_json(&self, address: &str) -> Answer {
        self.send(self.http.get(address).header("accept", "application/json"))
            .await
    }

    /// `GET /checkouts/{checkout}`.
    pub async fn checkout(&self, checkout: &str) -> Answer {
        self.get(&format!("/checkouts/{checkout}")).await
    }

    /// `POST /subscriptions` for a checkout.
    pub async fn subscribe(&self, checkout: &str) -> Answer {
        self.post("/subscriptions", &json!({ "checkout": checkout }))
            .await
    }

    /// `POST /subscriptions` for a plan with Apple Pay, whose subscription comes first.
    pub async fn begin_subscription(&self, plan: &str) -> Answer {
        let body = json!({"plan": plan, "wallet": "apple_pay", "first": "subscription"});
        self.post("/subscriptions", &body).await
    }

    /// `POST /subscriptions` with this body.
    pub async fn post_subscription(&self, body: &Value) -> Answer {
        self.post("/subscriptions", body).await
    }

    /// `GET /subscriptions`.
    pub async fn subscriptions(&self) -> Answer {
        self.get("/subscriptions").await
    }

    /// `POST /webhooks/stripe` with this body and signature.
    pub async fn webhook(&self, body: impl Into<reqwest::Body>, signature: Option<&str>) -> Answer {
        let request = self.http.post(format!("{}/webhooks/stripe", self.gateway));
        let mut request = request.header("content-type", "application/json; charset=utf-8");
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        self.send(request.body(body)).await
    }
}
