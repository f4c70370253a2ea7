//! The sandbox's books: what Stripe has of one case, and what people do there.

use std::cell::RefCell;
use std::collections::BTreeSet;

use perennial_sandbox::{InProcess, PUBLISHABLE_KEY, SECRET_KEY};
use serde_json::{Value, json};

use crate::broken::Broken;
use crate::shop::{SOLD, group_of};
use crate::table::BEGINNING;

/// The Stripe of a case.
pub struct Stripe {
    sandbox: InProcess,
    /// How many events there were before, and those that were read since.
    events: RefCell<(usize, Vec<Value>)>,
    /// The plan of each price.
    prices: RefCell<Vec<(String, &'static str)>>,
}

/// Where the sandbox's pages would be, if anybody opened one.
const PAGES: &str = "http://localhost";

/// What Stripe has.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// Customers.
    pub customers: Vec<Value>,
    /// Each `SetupIntent`.
    pub setup_intents: Vec<Value>,
    /// Subscriptions, whatever their status.
    pub subscriptions: Vec<Value>,
    /// Each `PaymentIntent`.
    pub payment_intents: Vec<Value>,
    /// Invoices.
    pub invoices: Vec<Value>,
    /// Which PaymentIntent pays which invoice.
    pub invoice_payments: Vec<Value>,
    /// What was paid back.
    pub refunds: Vec<Value>,
    /// What was credited of invoices.
    pub credit_notes: Vec<Value>,
    /// Charges.
    pub charges: Vec<Value>,
    /// What was claimed back.
    pub disputes: Vec<Value>,
    /// Promotion codes.
    pub promotion_codes: Vec<Value>,
    /// Plans to come.
    pub schedules: Vec<Value>,
    /// Coupons.
    pub coupons: Vec<Value>,
    /// The tax ids of customers.
    pub tax_ids: Vec<Value>,
    /// The plan of each price.
    prices: Vec<(String, &'static str)>,
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
        // Nobody is asked to confirm a trial that begins without a payment method.
        let asks_nobody = subscription["metadata"]["perennial_wallet"] == "none";
        let waits = !asks_nobody && !subscription["pending_setup_intent"].is_null();
        let setup = self.pending_setup(subscription);
        first.is_some_and(|invoice| invoice["status"] == "paid")
            && (!waits || setup.is_some_and(|setup| setup["status"] == "succeeded"))
    }

    /// The plan that a subscription is sold as, or whose price it has.
    pub fn plan_of<'a>(&'a self, subscription: &'a Value) -> &'a str {
        let sold = subscription["metadata"]["perennial_plan"].as_str();
        let plan = sold.or_else(|| self.plan_by_price(subscription));
        plan.unwrap_or_default()
    }

    /// The plan whose price a subscription has.
    pub fn plan_by_price(&self, subscription: &Value) -> Option<&'static str> {
        let price = &subscription["items"]["data"][0]["price"]["id"];
        let known = self.prices.iter().find(|(id, _)| *price == **id);
        known.map(|(_, plan)| *plan)
    }

    /// Whether a subscription of this group is past due, and so entitles for a while only.
    pub fn is_overdue(&self, group: &str) -> bool {
        self.subscriptions.iter().any(|subscription| {
            subscription["status"] == "past_due" && group_of(self.plan_of(subscription)) == group
        })
    }

    /// Whether there is a subscription that gives its user what plans of this group give.
    pub fn gives(&self, group: &str) -> bool {
        self.subscriptions.iter().any(|subscription| {
            let status = subscription["status"].as_str();
            matches!(status, Some("active" | "trialing" | "past_due"))
                && group_of(self.plan_of(subscription)) == group
                && self.is_confirmed(subscription)
        })
    }

    /// What is left without these customers and all that is theirs.
    #[must_use]
    pub fn without(mut self, customers: &BTreeSet<String>) -> Self {
        let theirs = |customer: &Value| {
            let id = customer.as_str();
            id.is_some_and(|id| customers.contains(id))
        };
        let of = |invoice: &Value, invoices: &[Value]| {
            invoices
                .iter()
                .any(|it| it["id"] == *invoice && theirs(&it["customer"]))
        };
        self.invoice_payments
            .retain(|it| !of(&it["invoice"], &self.invoices));
        self.customers.retain(|it| !theirs(&it["id"]));
        for all in [
            &mut self.setup_intents,
            &mut self.subscriptions,
            &mut self.payment_intents,
            &mut self.invoices,
            &mut self.credit_notes,
            &mut self.charges,
            &mut self.schedules,
            &mut self.tax_ids,
        ] {
            all.retain(|it| !theirs(&it["customer"]));
        }
        self
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self::new()
    }
}

impl Stripe {
    /// An empty one. It sends no webhooks itself: the trial does, in the order it wants.
    pub fn new() -> Self {
        Self {
            sandbox: InProcess::new(BEGINNING, PAGES),
            events: RefCell::default(),
            prices: RefCell::default(),
        }
    }

    /// What the wire asks.
    pub fn sandbox(&self) -> &InProcess {
        &self.sandbox
    }

    async fn price(
        &self,
        product: &str,
        (amount, interval, tax): (u32, &str, Option<&str>),
    ) -> Result<String, Broken> {
        let amount = amount.to_string();
        let mut form = vec![
            ("product", product),
            ("currency", "usd"),
            ("unit_amount", amount.as_str()),
            ("recurring[interval]", interval),
        ];
        form.extend(tax.map(|behavior| ("tax_behavior", behavior)));
        text(&self.post("/v1/prices", &form).await?, "/id")
    }

    /// Creates the prices, and gives `plans.json`.
    pub async fn plans(&self) -> Result<String, Broken> {
        let product = self.post("/v1/products", &[("name", "Photos")]).await?;
        let product = text(&product, "/id")?;
        let mut plans = serde_json::Map::new();
        for sold in &SOLD {
            let tax = sold.is_taxed.then_some("exclusive");
            let price = self
                .price(&product, (sold.amount, sold.interval, tax))
                .await?;
            self.prices.borrow_mut().push((price.clone(), sold.name));
            let mut plan = json!({
                "price": price, "group": sold.group, "label": sold.name, "amount": sold.amount,
                "currency": "usd", "interval": sold.interval, "interval_count": 1,
                "trial_days": sold.trial_days, "shopper_pause": 90, "cancel_refund": "prorated",
                "quantity": {"minimum": 1, "maximum": 9, "shopper_may_change": true},
            });
            if sold.trial_days > 0 {
                plan["trial_without_payment_method"] = "cancel".into();
            }
            if sold.is_taxed {
                plan["tax"] = "automatic".into();
            }
            if sold.is_private {
                plan["private"] = true.into();
            }
            for (name, amount) in sold.addons {
                let price = self.price(&product, (*amount, sold.interval, None)).await?;
                plan["addons"][*name] = json!({
                    "label": name, "price": price, "amount": amount, "maximum": 5,
                    "shopper_may_change": true,
                });
            }
            plans.insert(sold.name.to_owned(), plan);
        }
        Ok(Value::Object(plans).to_string())
    }

    /// The price of a plan.
    pub fn price_id(&self, plan: &str) -> String {
        let prices = self.prices.borrow();
        let known = prices.iter().find(|(_, name)| *name == plan);
        known.map(|(id, _)| id.clone()).unwrap_or_default()
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
        let (path, body) = match method {
            "GET" => (format!("{path}?{pairs}"), String::new()),
            _ => (path.to_owned(), pairs),
        };
        let kind = "application/x-www-form-urlencoded";
        self.ask(Some(key), method, &path, kind, body).await
    }

    async fn ask(
        &self,
        key: Option<&str>,
        method: &str,
        path: &str,
        kind: &str,
        body: String,
    ) -> Result<(u16, Value), Broken> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request
            .body(body.into())
            .map_err(|error| Broken::new(format!("{method} {path} cannot be asked: {error}")))?;
        let answer = self.sandbox.ask(request).await;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(answer.body())?))
    }

    /// A POST with the secret key that has to succeed.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, Broken> {
        let (status, answer) = self.call(SECRET_KEY, "POST", path, form).await?;
        expect_success(path, status, answer)
    }

    /// A POST with the secret key, whatever comes of it.
    pub async fn post_anyhow(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<(u16, Value), Broken> {
        self.call(SECRET_KEY, "POST", path, form).await
    }

    /// A GET with the secret key that has to succeed.
    pub async fn get(&self, path: &str) -> Result<Value, Broken> {
        let (status, answer) = self.call(SECRET_KEY, "GET", path, &[]).await?;
        expect_success(path, status, answer)
    }

    /// A DELETE with the secret key that has to succeed.
    pub async fn delete(&self, path: &str) -> Result<Value, Broken> {
        let (status, answer) = self.call(SECRET_KEY, "DELETE", path, &[]).await?;
        expect_success(path, status, answer)
    }

    pub(crate) async fn control(
        &self,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, Broken> {
        let path = format!("/_sandbox{path}");
        let (status, answer) = self
            .ask(
                Some(SECRET_KEY),
                method,
                &path,
                "application/json",
                body.to_string(),
            )
            .await?;
        expect_success(&path, status, answer)
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
        let path = format!("/payment_methods/{method}/behavior");
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

    /// All that Stripe has. Each case has a Stripe of its own, so nothing here is anybody else's, and
    /// what no attempt and no customer names is found too.
    pub fn books(&self) -> Books {
        let all = |object| self.sandbox.objects(object, 0);
        Books {
            customers: all("customer"),
            setup_intents: all("setup_intent"),
            subscriptions: all("subscription"),
            payment_intents: all("payment_intent"),
            invoices: all("invoice"),
            invoice_payments: all("invoice_payment"),
            refunds: all("refund"),
            credit_notes: all("credit_note"),
            charges: all("charge"),
            disputes: all("dispute"),
            promotion_codes: all("promotion_code"),
            schedules: all("subscription_schedule"),
            coupons: all("coupon"),
            tax_ids: all("tax_id"),
            prices: self.prices.borrow().clone(),
        }
    }

    /// The events since the beginning of the case for which this holds, oldest first.
    pub fn events(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut known = self.events.borrow_mut();
        let new = self.sandbox.objects("event", known.0 + known.1.len());
        known.1.extend(new);
        known.1.iter().filter(|it| wanted(it)).cloned().collect()
    }

    /// What has happened so far belongs to no case.
    pub fn begin(&self) {
        let before = self.sandbox.objects("event", 0).len();
        *self.events.borrow_mut() = (before, Vec::new());
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
