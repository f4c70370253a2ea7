//! The sandbox's books: what Stripe has of one case, and what people do there.

use perennial_sandbox::{PUBLISHABLE_KEY, SECRET_KEY, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::broken::Broken;

/// A Stripe for the cases of one lane.
pub struct Stripe {
    sandbox: Sandbox,
    http: reqwest::Client,
}

/// What Stripe has of one user.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// The user's customers.
    pub customers: Vec<Value>,
    /// Their setup intents.
    pub setup_intents: Vec<Value>,
    /// Their subscriptions, whatever their status.
    pub subscriptions: Vec<Value>,
    /// Their payment intents.
    pub payment_intents: Vec<Value>,
    /// Their invoices.
    pub invoices: Vec<Value>,
}

impl Books {
    /// The SetupIntent that the subscription has waited for, or waits for.
    pub fn pending_setup(&self, subscription: &Value) -> Option<&Value> {
        let pending = &subscription["pending_setup_intent"];
        let id = pending.as_str().or(pending["id"].as_str())?;
        self.setup_intents.iter().find(|it| it["id"] == id)
    }

    /// Whether its shopper has agreed to the subscription: its first payment was made, and its
    /// SetupIntent, if it has one, has succeeded.
    pub fn is_confirmed(&self, subscription: &Value) -> bool {
        let first = self.invoices.iter().find(|invoice| {
            let of = &invoice["parent"]["subscription_details"]["subscription"];
            invoice["billing_reason"] == "subscription_create" && *of == subscription["id"]
        });
        let waits = !subscription["pending_setup_intent"].is_null();
        let setup = self.pending_setup(subscription);
        first.is_some_and(|invoice| invoice["status"] == "paid")
            && (!waits || setup.is_some_and(|setup| setup["status"] == "succeeded"))
    }

    /// Whether a subscription of this group is past due, and so entitles for a while only.
    pub fn is_overdue(&self, group: &str) -> bool {
        self.subscriptions.iter().any(|subscription| {
            let plan = subscription["metadata"]["perennial_plan"].as_str();
            subscription["status"] == "past_due" && group_of(plan.unwrap_or_default()) == group
        })
    }

    /// Whether there is a subscription that gives its user what plans of this group give.
    pub fn gives(&self, group: &str) -> bool {
        self.subscriptions.iter().any(|subscription| {
            let status = subscription["status"].as_str();
            let plan = subscription["metadata"]["perennial_plan"].as_str();
            matches!(status, Some("active" | "trialing" | "past_due"))
                && group_of(plan.unwrap_or_default()) == group
                && self.is_confirmed(subscription)
        })
    }
}

/// A plan of the trial's shop.
struct Sold {
    name: &'static str,
    group: &'static str,
    trial_days: u32,
}

const SOLD: [Sold; 3] = [
    Sold {
        name: "photos",
        group: "photos",
        trial_days: 0,
    },
    Sold {
        name: "photos-trial",
        group: "photos",
        trial_days: 14,
    },
    Sold {
        name: "prints",
        group: "prints",
        trial_days: 0,
    },
];

/// The group of a plan.
pub fn group_of(plan: &str) -> &'static str {
    SOLD.iter()
        .find(|sold| sold.name == plan)
        .map_or("", |sold| sold.group)
}

impl Stripe {
    /// Starts one in memory. It sends no webhooks itself: the trial does, in the order it wants.
    pub async fn start(http: reqwest::Client) -> Result<Self, Broken> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let options = perennial_sandbox::Options::new(listener);
        let sandbox = Sandbox::start(options)
            .await
            .map_err(|error| Broken::new(format!("the sandbox does not start: {error}")))?;
        Ok(Self { sandbox, http })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        self.sandbox.url()
    }

    /// Creates the prices, and gives `plans.json`.
    pub async fn plans(&self) -> Result<String, Broken> {
        let product = self.post("/v1/products", &[("name", "Photos")]).await?;
        let product = text(&product, "/id")?;
        let mut plans = serde_json::Map::new();
        for sold in &SOLD {
            let price = self
                .post(
                    "/v1/prices",
                    &[
                        ("product", product.as_str()),
                        ("currency", "usd"),
                        ("unit_amount", "1500"),
                        ("recurring[interval]", "month"),
                    ],
                )
                .await?;
            let plan = json!({
                "price": price["id"], "group": sold.group, "label": sold.name, "amount": 1500,
                "currency": "usd", "interval": "month", "interval_count": 1,
                "trial_days": sold.trial_days,
            });
            plans.insert(sold.name.to_owned(), plan);
        }
        Ok(Value::Object(plans).to_string())
    }

    pub(crate) async fn call(
        &self,
        key: &str,
        method: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<(u16, Value), Broken> {
        let pairs = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = if method == "GET" {
            self.http.get(format!("{}{path}?{pairs}", self.url()))
        } else {
            let method = method.parse().unwrap_or(reqwest::Method::POST);
            self.http
                .request(method, format!("{}{path}", self.url()))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(pairs)
        };
        let answer = request.bearer_auth(key).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// A POST with the secret key that has to succeed.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, Broken> {
        let (status, answer) = self.call(SECRET_KEY, "POST", path, form).await?;
        expect_success(path, status, answer)
    }

    /// A DELETE with the secret key that has to succeed.
    pub async fn delete(&self, path: &str) -> Result<Value, Broken> {
        let (status, answer) = self.call(SECRET_KEY, "DELETE", path, &[]).await?;
        expect_success(path, status, answer)
    }

    /// All pages of a list.
    async fn list(&self, path: &str, form: &[(&str, &str)]) -> Result<Vec<Value>, Broken> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let mut form = form.to_vec();
            form.push(("limit", "100"));
            let last = all
                .last()
                .and_then(|last| last["id"].as_str())
                .map(str::to_owned);
            if let Some(last) = &last {
                form.push(("starting_after", last));
            }
            let (status, page) = self.call(SECRET_KEY, "GET", path, &form).await?;
            let page = expect_success(path, status, page)?;
            all.extend(page["data"].as_array().cloned().unwrap_or_default());
            if page["has_more"] != true {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn control(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, Broken> {
        let method = method.parse().unwrap_or(reqwest::Method::POST);
        let url = format!("{}/_sandbox{path}", self.url());
        let request = self.http.request(method, url).bearer_auth(SECRET_KEY);
        let answer = request.json(&body).send().await?;
        let status = answer.status().as_u16();
        expect_success(path, status, answer.json().await?)
    }

    /// The sandbox's present time.
    pub async fn now(&self) -> Result<i64, Broken> {
        self.advance(0).await
    }

    /// Lets time pass, and gives the time after.
    pub async fn advance(&self, seconds: i64) -> Result<i64, Broken> {
        let answer = self
            .control("POST", "/clock", json!({ "advance": seconds }))
            .await?;
        answer["now"]
            .as_i64()
            .ok_or_else(|| Broken::new("the sandbox has no time"))
    }

    /// What the shopper does on the wallet's page; gives where the browser goes next.
    pub async fn answer_wallet(&self, intent: &str, choice: &str) -> Result<String, Broken> {
        let path = format!("/setup_intents/{intent}/{choice}");
        text(
            &self.control("POST", &path, json!({})).await?,
            "/redirect_url",
        )
    }

    /// What later charges of a payment method meet.
    pub async fn charges_of(&self, method: &str, what: &str) -> Result<(), Broken> {
        let path = format!("/payment_methods/{method}/behaviour");
        self.control("POST", &path, json!({ "charge": what }))
            .await
            .map(drop)
    }

    /// The customer takes the permission back.
    pub async fn revoke(&self, mandate: &str) -> Result<(), Broken> {
        self.control("POST", &format!("/mandates/{mandate}/revoke"), json!({}))
            .await
            .map(drop)
    }

    /// What Stripe.js does on the page; false when Stripe does not allow it any more.
    pub async fn confirm_on_page(
        &self,
        client_secret: &str,
        return_url: &str,
    ) -> Result<bool, Broken> {
        let (intent, _) = client_secret.split_once("_secret_").unwrap_or_default();
        let form = [
            ("client_secret", client_secret),
            ("return_url", return_url),
            ("payment_method_data[type]", "amazon_pay"),
            ("mandate_data[customer_acceptance][type]", "online"),
            (
                "mandate_data[customer_acceptance][online][infer_from_client]",
                "true",
            ),
            ("use_stripe_sdk", "true"),
        ];
        let path = format!("/v1/setup_intents/{intent}/confirm");
        let (status, _) = self.call(PUBLISHABLE_KEY, "POST", &path, &form).await?;
        Ok(status == 200)
    }

    /// The SetupIntent.
    pub async fn setup_intent(&self, id: &str) -> Result<Value, Broken> {
        let path = format!("/v1/setup_intents/{id}");
        let (status, answer) = self.call(SECRET_KEY, "GET", &path, &[]).await?;
        expect_success(&path, status, answer)
    }

    /// All that Stripe has of a user.
    pub async fn books(&self, user: &str, since: i64) -> Result<Books, Broken> {
        let since = since.to_string();
        let mut books = Books {
            customers: self
                .list("/v1/customers", &[("created[gte]", since.as_str())])
                .await?,
            ..Books::default()
        };
        books
            .customers
            .retain(|customer| customer["metadata"]["perennial_user"] == user);
        for customer in &books.customers {
            let id = customer["id"].as_str().unwrap_or_default();
            let of = [("customer", id)];
            books
                .setup_intents
                .extend(self.list("/v1/setup_intents", &of).await?);
            let all = [("customer", id), ("status", "all")];
            books
                .subscriptions
                .extend(self.list("/v1/subscriptions", &all).await?);
            books
                .payment_intents
                .extend(self.list("/v1/payment_intents", &of).await?);
            books.invoices.extend(self.list("/v1/invoices", &of).await?);
        }
        Ok(books)
    }

    /// The events about these customers since then, oldest first.
    pub async fn events(&self, customers: &[String], since: i64) -> Result<Vec<Value>, Broken> {
        let since = since.to_string();
        let mut events = self
            .list("/v1/events", &[("created[gte]", since.as_str())])
            .await?;
        events.retain(|event| {
            let object = &event["data"]["object"];
            let customer = object["customer"].as_str().or(object["id"].as_str());
            customer.is_some_and(|customer| customers.iter().any(|known| known == customer))
        });
        events.reverse();
        Ok(events)
    }

    /// The customers of a user, by their ids.
    pub async fn customers(&self, user: &str, since: i64) -> Result<Vec<String>, Broken> {
        let since = since.to_string();
        let mut found = self
            .list("/v1/customers", &[("created[gte]", since.as_str())])
            .await?;
        found.retain(|customer| customer["metadata"]["perennial_user"] == user);
        Ok(found
            .iter()
            .filter_map(|it| it["id"].as_str())
            .map(str::to_owned)
            .collect())
    }
}

pub(crate) fn expect_success(path: &str, status: u16, answer: Value) -> Result<Value, Broken> {
    if (200..300).contains(&status) {
        return Ok(answer);
    }
    Err(Broken::new(format!(
        "the sandbox answered {status} to the trial's own {path}: {answer}"
    )))
}

/// A text of an answer.
pub fn text(value: &Value, pointer: &str) -> Result<String, Broken> {
    let found = value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned);
    found.ok_or_else(|| Broken::new(format!("there is no {pointer} in {value}")))
}
