//! The Stripe sandbox's control API, and the little of Stripe's own that a page or a test uses.

use serde_json::{Value, json};

use crate::client::http;

/// The sandbox of one app.
#[derive(Debug, Clone)]
pub struct StripeSandbox {
    http: reqwest::Client,
    url: String,
    secret_key: String,
}

impl StripeSandbox {
    pub(crate) fn new(url: &str, secret_key: &str) -> Self {
        Self {
            http: http(),
            url: url.to_owned(),
            secret_key: secret_key.to_owned(),
        }
    }

    /// The secret key that it takes.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}/_sandbox{path}", self.url))
            .bearer_auth(&self.secret_key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the sandbox answers");
        let status = answer.status();
        let answer: Value = answer.json().await.expect("the sandbox answers with JSON");
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    /// A call of Stripe's API with the secret key.
    pub async fn api(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        self.call(&self.secret_key, method, path, form).await
    }

    async fn call(&self, key: &str, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let method: reqwest::Method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.url))
            .bearer_auth(key);
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
            request = request.body(body);
        }
        let answer = request.send().await.expect("the sandbox answers");
        answer.json().await.expect("the sandbox answers with JSON")
    }

    /// What Stripe.js does in `confirmAmazonPaySetup`: gives the wallet's page, or Stripe's error.
    pub async fn confirm_amazon_pay_setup(
        &self,
        publishable_key: &str,
        client_secret: &str,
        return_url: &str,
    ) -> Result<String, Value> {
        self.confirm_redirect_setup("amazon_pay", publishable_key, client_secret, return_url)
            .await
    }

    /// The same for any wallet that leads away, by the type of its payment methods.
    pub async fn confirm_redirect_setup(
        &self,
        method_type: &str,
        publishable_key: &str,
        client_secret: &str,
        return_url: &str,
    ) -> Result<String, Value> {
        let (intent, _) = client_secret
            .split_once("_secret_")
            .expect("a client secret");
        let path = format!("/v1/setup_intents/{intent}/confirm");
        let form = [
            ("client_secret", client_secret),
            ("return_url", return_url),
            ("payment_method_data[type]", method_type),
            ("mandate_data[customer_acceptance][type]", "online"),
            (
                "mandate_data[customer_acceptance][online][infer_from_client]",
                "true",
            ),
            ("use_stripe_sdk", "true"),
        ];
        let answer = self.call(publishable_key, "POST", &path, &form).await;
        let url = [
            "/next_action/redirect_to_url/url",
            "/next_action/cashapp_handle_redirect_or_display_qr_code/mobile_auth_url",
        ]
        .iter()
        .find_map(|place| answer.pointer(place)?.as_str());
        url.map(str::to_owned).ok_or(answer)
    }

    /// What Apple's sheet hands to the page: a token, of which `asked` says more
    /// (`{"first": "decline"}` for one whose first transaction is refused).
    pub async fn apple_pay_token(&self, asked: Value) -> String {
        self.sheet_token("apple_pay", asked).await
    }

    /// The same of any wallet with a sheet.
    pub async fn sheet_token(&self, wallet: &str, mut asked: Value) -> String {
        asked["wallet"] = wallet.into();
        let token = self.control("POST", "/tokens", Some(asked)).await;
        token["id"].as_str().expect("a token").to_owned()
    }

    /// What Stripe.js does once the sheet has closed: makes the token a payment method and confirms
    /// the SetupIntent or PaymentIntent of this client secret with it; gives Stripe's answer.
    pub async fn confirm_with_token(
        &self,
        publishable_key: &str,
        client_secret: &str,
        token: &str,
    ) -> Value {
        let form = [("type", "card"), ("card[token]", token)];
        let method = self
            .call(publishable_key, "POST", "/v1/payment_methods", &form)
            .await;
        let method = method["id"].as_str().unwrap_or_else(|| panic!("{method}"));
        let (intent, _) = client_secret
            .split_once("_secret_")
            .expect("a client secret");
        let kind = if intent.starts_with("seti_") {
            "setup_intents"
        } else {
            "payment_intents"
        };
        let form = [
            ("client_secret", client_secret),
            ("payment_method", method),
            // As the page says it; no sheet leads there.
            ("return_url", "https://shop.example/return"),
            ("use_stripe_sdk", "true"),
        ];
        let path = format!("/v1/{kind}/{intent}/confirm");
        self.call(publishable_key, "POST", &path, &form).await
    }

    /// What the shopper does on the wallet's page (`approve`, `decline` or `close`); gives where
    /// the browser goes next.
    pub async fn answer_wallet(&self, intent: &str, choice: &str) -> String {
        let path = format!("/setup_intents/{intent}/{choice}");
        let answer = self.control("POST", &path, None).await;
        answer["redirect_url"]
            .as_str()
            .expect("a way back")
            .to_owned()
    }

    /// Calls of the API since the last [`forget_requests`](Self::forget_requests).
    pub async fn requests(&self) -> Vec<Value> {
        let answer = self.control("GET", "/requests", None).await;
        answer["requests"].as_array().cloned().unwrap_or_default()
    }

    /// The calls of this method and path, `{id}` standing for any id.
    pub async fn requests_to(&self, name: &str) -> Vec<Value> {
        let mut requests = self.requests().await;
        requests.retain(|request| name_of(request) == name);
        requests
    }

    /// Begins the log anew.
    pub async fn forget_requests(&self) {
        self.control("DELETE", "/requests", None).await;
    }

    /// Breaks what matches, as the sandbox's README says.
    pub async fn fault(&self, fault: Value) {
        self.control("POST", "/faults", Some(fault)).await;
    }

    /// Takes every fault back.
    pub async fn no_faults(&self) {
        self.control("DELETE", "/faults", None).await;
    }

    /// Sends no webhook from now on.
    pub async fn hold_webhooks(&self) {
        self.control("POST", "/webhooks/hold", None).await;
    }

    /// Sends what was held, in this order and number.
    pub async fn release_webhooks(&self, order: &str, seed: u64, copies: u32) -> Vec<Value> {
        let body = json!({"order": order, "seed": seed, "copies": copies});
        let answer = self.control("POST", "/webhooks/release", Some(body)).await;
        answer["deliveries"].as_array().cloned().unwrap_or_default()
    }

    /// All deliveries of webhooks.
    pub async fn deliveries(&self) -> Vec<Value> {
        let answer = self.control("GET", "/webhooks", None).await;
        answer["deliveries"].as_array().cloned().unwrap_or_default()
    }

    /// Every object.
    pub async fn state(&self) -> Value {
        self.control("GET", "/state", None).await
    }

    /// The objects of one kind, such as `customer`.
    pub async fn objects(&self, kind: &str) -> Vec<Value> {
        let state = self.state().await;
        let objects = state.get(kind).and_then(Value::as_array);
        objects
            .unwrap_or_else(|| panic!("the sandbox shows no {kind}"))
            .clone()
    }

    /// Sets something of the account, such as `{"amazon_pay": false}`.
    pub async fn set_account(&self, settings: Value) {
        self.control("POST", "/account", Some(settings)).await;
    }

    /// Sets what is collected in taxes at a place such as `DE` or `US-CA`, in percent.
    pub async fn set_tax(&self, place: &str, percentage: &str) {
        let tax = json!({"place": place, "percentage": percentage});
        self.control("POST", "/taxes", Some(tax)).await;
    }

    /// Lets the sandbox's time run ahead.
    pub async fn advance(&self, seconds: u32) {
        self.control("POST", "/clock", Some(json!({ "advance": seconds })))
            .await;
    }

    /// What charges of a payment method meet from now on: `succeed` or `decline`.
    pub async fn charges_of(&self, payment_method: &str, what: &str) {
        let path = format!("/payment_methods/{payment_method}/behavior");
        self.control("POST", &path, Some(json!({ "charge": what })))
            .await;
    }

    /// The bank declines the charges of a payment method from now on, and says why.
    pub async fn declines_with(&self, payment_method: &str, decline_code: &str) {
        let path = format!("/payment_methods/{payment_method}/behavior");
        let what = json!({"charge": "decline", "decline_code": decline_code});
        self.control("POST", &path, Some(what)).await;
    }
}

/// A call by its method and path, with `{id}` for ids.
pub(crate) fn name_of(request: &Value) -> String {
    let (method, path) = (&request["method"], &request["path"]);
    let path = path.as_str().unwrap_or_default().split('/');
    let is_id = |part: &str| {
        part.split_once('_').is_some_and(|(kind, id)| {
            matches!(
                kind,
                "cus"
                    | "seti"
                    | "sub"
                    | "pm"
                    | "in"
                    | "pi"
                    | "re"
                    | "mandate"
                    | "price"
                    | "prod"
                    | "txi"
            ) && !id.is_empty()
        })
    };
    let path: Vec<&str> = path
        .map(|part| if is_id(part) { "{id}" } else { part })
        .collect();
    format!("{} {}", method.as_str().unwrap_or_default(), path.join("/"))
}
