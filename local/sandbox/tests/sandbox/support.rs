//! A running sandbox, a client for it and an endpoint for its webhooks.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use perennial_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// The body of a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }

    /// The status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, Option<&str>) {
        assert!(self.json["error"]["message"].is_string(), "{}", self.json);
        (self.status, self.json["error"]["code"].as_str())
    }

    /// A header, empty if absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// A sandbox with the shop's secret key in hand.
pub(crate) struct Stripe {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: reqwest::Client,
}

/// A customer whose Amazon Pay was approved, and a price to sell.
pub(crate) struct Shopper {
    pub(crate) customer: String,
    pub(crate) method: String,
    pub(crate) mandate: String,
    pub(crate) price: String,
}

pub(crate) type Pairs<'a> = &'a [(&'a str, &'a str)];

/// How a page or a shop confirms: with the evidence of the shopper's consent.
pub(crate) const CONFIRM: Pairs<'static> = &[
    ("payment_method_data[type]", "amazon_pay"),
    ("return_url", "https://shop.example/return?checkout=chk_1"),
    ("mandate_data[customer_acceptance][type]", "online"),
    (
        "mandate_data[customer_acceptance][online][ip_address]",
        "203.0.113.7",
    ),
    (
        "mandate_data[customer_acceptance][online][user_agent]",
        "Browser/1.0",
    ),
];

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

pub(crate) fn encoded(pairs: Pairs<'_>) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

impl Stripe {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    pub(crate) async fn start_with(data: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(Options {
            data,
            ..Options::new(listener)
        })
        .await
        .unwrap();
        Self {
            sandbox,
            http: client(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer {
            status,
            headers,
            json: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        params: Pairs<'_>,
    ) -> reqwest::RequestBuilder {
        self.request_by(perennial_sandbox::SECRET_KEY, method, path, params)
    }

    pub(crate) fn request_by(
        &self,
        key: &str,
        method: &str,
        path: &str,
        params: Pairs<'_>,
    ) -> reqwest::RequestBuilder {
        let (path, body) = if method == "GET" {
            (format!("{path}?{}", encoded(params)), None)
        } else {
            (path.to_owned(), Some(encoded(params)))
        };
        let request = self
            .http
            .request(method.parse().unwrap(), self.url(&path))
            .bearer_auth(key);
        match body {
            Some(body) => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body),
            None => request,
        }
    }

    pub(crate) async fn post(&self, path: &str, params: Pairs<'_>) -> Answer {
        self.send(self.request("POST", path, params)).await
    }

    /// A POST of a page, with its publishable key.
    pub(crate) async fn page_post(&self, path: &str, params: Pairs<'_>) -> Answer {
        let key = perennial_sandbox::PUBLISHABLE_KEY;
        self.send(self.request_by(key, "POST", path, params)).await
    }

    /// What Apple's sheet hands over becomes a payment method, as Stripe.js does it.
    pub(crate) async fn hand_over(&self, sheet: Value) -> String {
        let token = self.control("/tokens", sheet).await;
        let params = [
            ("type", "card"),
            ("card[token]", token["id"].as_str().unwrap()),
        ];
        id(&self.page_post("/v1/payment_methods", &params).await.ok())
    }

    pub(crate) async fn get(&self, path: &str, params: Pairs<'_>) -> Answer {
        self.send(self.request("GET", path, params)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request("DELETE", path, &[])).await
    }

    /// A POST with an idempotency key.
    pub(crate) async fn post_keyed(&self, key: &str, path: &str, params: Pairs<'_>) -> Answer {
        self.send(
            self.request("POST", path, params)
                .header("idempotency-key", key),
        )
        .await
    }

    /// A call of the control API.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        self.send(
            self.http
                .post(self.url(&format!("/_sandbox{path}")))
                .bearer_auth(perennial_sandbox::SECRET_KEY)
                .body(body.to_string()),
        )
        .await
        .ok()
    }

    /// Lets webhook endpoints be on this machine, as Stripe does not.
    pub(crate) async fn local_endpoints(&self) {
        self.control("/account", json!({"local_endpoints": true}))
            .await;
    }

    /// What the control API shows.
    pub(crate) async fn observe(&self, path: &str) -> Value {
        let request = self.http.get(self.url(&format!("/_sandbox{path}")));
        self.send(request.bearer_auth(perennial_sandbox::SECRET_KEY))
            .await
            .ok()
    }

    pub(crate) async fn id(&self, path: &str, params: Pairs<'_>) -> String {
        id(&self.post(path, params).await.ok())
    }

    /// A monthly price of 15 USD.
    pub(crate) async fn price(&self) -> String {
        let params = [
            ("currency", "usd"),
            ("unit_amount", "1500"),
            ("recurring[interval]", "month"),
            ("product_data[name]", "Stock photos"),
        ];
        self.id("/v1/prices", &params).await
    }

    /// A SetupIntent for Amazon Pay that waits for the shopper.
    pub(crate) async fn waiting_intent(&self, customer: &str) -> Value {
        let mut params = vec![
            ("customer", customer),
            ("confirm", "true"),
            ("allowed_payment_method_types[]", "amazon_pay"),
        ];
        params.extend_from_slice(CONFIRM);
        self.post("/v1/setup_intents", &params).await.ok()
    }

    pub(crate) async fn shopper(&self) -> Shopper {
        self.shopper_on(None).await
    }

    /// A shopper on a test clock, if there is one.
    pub(crate) async fn shopper_on(&self, clock: Option<&str>) -> Shopper {
        let clock: Vec<(&str, &str)> = clock
            .map(|clock| ("test_clock", clock))
            .into_iter()
            .collect();
        let customer = self.id("/v1/customers", &clock).await;
        let intent = self.waiting_intent(&customer).await;
        self.control(
            &format!("/setup_intents/{}/approve", id(&intent)),
            json!({}),
        )
        .await;
        let intent = self
            .get(&format!("/v1/setup_intents/{}", id(&intent)), &[])
            .await
            .ok();
        let text = |name: &str| intent[name].as_str().unwrap().to_owned();
        Shopper {
            customer,
            method: text("payment_method"),
            mandate: text("mandate"),
            price: self.price().await,
        }
    }

    /// Subscribes the shopper, with further parameters.
    pub(crate) async fn subscribe(&self, shopper: &Shopper, more: Pairs<'_>) -> Answer {
        let mut params = vec![
            ("customer", shopper.customer.as_str()),
            ("items[0][price]", &shopper.price),
            ("default_payment_method", &shopper.method),
            ("off_session", "true"),
        ];
        params.extend_from_slice(more);
        self.post("/v1/subscriptions", &params).await
    }

    /// The types of all events so far, the oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let list = self.get("/v1/events", &[("limit", "100")]).await.ok();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What later charges of the shopper meet.
    pub(crate) async fn charges_meet(&self, shopper: &Shopper, charge: &str) {
        self.control(
            &format!("/payment_methods/{}/behavior", shopper.method),
            json!({"charge": charge}),
        )
        .await;
    }
}

pub(crate) fn id(object: &Value) -> String {
    object["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{object} has no id"))
        .to_owned()
}

/// A delivery as the endpoint got it.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Delivered {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A webhook endpoint that answers what it is told.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Delivered>>>,
    failures: Arc<Mutex<u32>>,
}

impl Endpoint {
    /// An endpoint that fails this many times before it takes events.
    pub(crate) async fn start(failures: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            got: Arc::default(),
            failures: Arc::new(Mutex::new(failures)),
        };
        let taker = endpoint.clone();
        let router = axum::Router::new().route(
            "/hook",
            axum::routing::post(move |headers: HeaderMap, body: Bytes| {
                let status = taker.take(&headers, &body);
                async move { status }
            }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        endpoint
    }

    fn take(&self, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
        self.got.lock().unwrap().push(Delivered {
            signature,
            body: body.to_vec(),
        });
        let mut failures = self.failures.lock().unwrap();
        if *failures == 0 {
            return StatusCode::OK;
        }
        *failures -= 1;
        StatusCode::INTERNAL_SERVER_ERROR
    }

    pub(crate) fn got(&self) -> Vec<Delivered> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until this many deliveries came.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Delivered> {
        eventually("the deliveries come", || async {
            (self.got().len() >= count).then(|| self.got())
        })
        .await
    }
}

/// Asks again until there is an answer, for at most 20 seconds.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            tokio::time::Instant::now() < until,
            "waited in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
