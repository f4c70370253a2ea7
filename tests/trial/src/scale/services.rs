//! Stripe and the table as a run has them: with latencies, counted, and refusing when they are told to.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use perennial_stripe::{Delivered, Delivery, Transport};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::clones::Clones;
use super::meter::BySecond;
use super::template::{customer, number_of, subscription};
use crate::table::{BEGINNING, Database};

/// How long calls take. Those of the table are what AWS calls single-digit milliseconds; those of Stripe
/// are assumed.
pub(super) const READ: Duration = Duration::from_millis(5);
const WRITE: Duration = Duration::from_millis(8);
const TRANSACTION: Duration = Duration::from_millis(15);
pub(super) const OBJECT: Duration = Duration::from_millis(200);
pub(super) const PAGE: Duration = Duration::from_millis(1500);
const PREVIEW: Duration = Duration::from_millis(500);
const REFUSAL: Duration = Duration::from_millis(50);

/// The most objects of a page.
const PAGE_SIZE: usize = 100;

/// Both services.
pub(super) struct Services {
    pub(super) table: Database,
    pub(super) clones: Clones,
    /// Calls of Stripe that were answered, and all of them.
    pub(super) answered: BySecond,
    pub(super) asked: BySecond,
    /// Writes of the index by its one key for events.
    pub(super) indexed: BySecond,
    /// Whether what is read has been renewed since the table was written.
    pub(super) is_renewed: bool,
    /// How many events of the last hour Stripe lists, the newest first.
    pub(super) events: usize,
    /// How many calls Stripe answers in a second, and those beyond them with 429.
    pub(super) limit: u64,
    /// When Stripe answers all calls with 429.
    pub(super) refuses: Option<Range<Duration>>,
    pub(super) began: Instant,
    /// Whose customer was deleted.
    pub(super) deleted: Mutex<BTreeSet<usize>>,
}

impl Services {
    fn is_refusing(&self) -> bool {
        let at = self.began.elapsed();
        self.refuses.as_ref().is_some_and(|span| span.contains(&at))
    }

    async fn ask_stripe(&self, method: &str, url: &url::Url) -> (u16, Value) {
        self.asked.add(1);
        if self.is_refusing() || self.answered.now() >= self.limit {
            tokio::time::sleep(REFUSAL).await;
            let error = json!({"error": {"type": "invalid_request_error", "code": "rate_limit"}});
            return (429, error);
        }
        self.answered.add(1);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let of = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let (latency, answer) = match (method, url.path(), of("customer")) {
            ("GET", "/v1/subscriptions", None) => (PAGE, self.subscriptions(&of)),
            ("GET", "/v1/events", _) => (PAGE, self.list_events(&pairs, &of)),
            ("POST", "/v1/invoices/create_preview", _) => (PREVIEW, preview()),
            ("DELETE", path, _) => (OBJECT, self.delete(path)),
            (_, path, customer) => (OBJECT, self.object(path, customer)),
        };
        tokio::time::sleep(latency).await;
        (200, answer)
    }

    /// What there is of a copy, or a list without anything.
    fn object(&self, path: &str, customer: Option<&str>) -> Value {
        let number = path.rsplit('/').next().and_then(number_of);
        let is_of = |folder: &str| path.starts_with(folder);
        match number {
            Some(number) if is_of("/v1/subscriptions/") => {
                self.clones.subscription(number, self.is_renewed)
            }
            Some(number) if is_of("/v1/customers/") && self.is_deleted(number) => deleted(number),
            _ => {
                let known = self.clones.answer(path, customer);
                known.unwrap_or_else(|| json!({"object": "list", "data": [], "has_more": false}))
            }
        }
    }

    fn delete(&self, path: &str) -> Value {
        let number = path.rsplit('/').next().and_then(number_of);
        let number = number.unwrap_or(usize::MAX);
        let mut deleted_ones = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        deleted_ones.insert(number);
        deleted(number)
    }

    fn is_deleted(&self, number: usize) -> bool {
        let deleted = self.deleted.lock().unwrap_or_else(PoisonError::into_inner);
        deleted.contains(&number)
    }

    /// A page, the newest first.
    fn subscriptions<'a>(&self, of: &impl Fn(&str) -> Option<&'a str>) -> Value {
        let number = |name: &str| of(name).and_then(|text| text.parse::<i64>().ok());
        let (from, to) = (number("created[gte]"), number("created[lte]"));
        let after = of("starting_after").and_then(|id| id.strip_prefix("sub_s"));
        let below = after.and_then(|id| id.parse().ok());
        let many = if of("status") == Some("ended") {
            0
        } else {
            self.clones.many
        };
        let newest = (0..below.unwrap_or(many).min(many)).rev();
        let mut fitting = newest
            .skip_while(|it| to.is_some_and(|to| self.clones.created(*it) > to))
            .take_while(|it| from.is_none_or(|from| self.clones.created(*it) >= from));
        let page = fitting.by_ref().take(PAGE_SIZE);
        let data: Vec<Value> = page
            .map(|it| self.clones.subscription(it, self.is_renewed))
            .collect();
        json!({"object": "list", "data": data, "has_more": fitting.next().is_some()})
    }

    /// Those that every endpoint has answered; one type has them all.
    fn list_events<'a>(
        &self,
        pairs: &[(String, String)],
        of: &impl Fn(&str) -> Option<&'a str>,
    ) -> Value {
        let is_asked = pairs
            .iter()
            .any(|(name, value)| name == "types[]" && value == "invoice.paid");
        let many = match (of("delivery_success"), is_asked) {
            (None, true) => self.events,
            _ => 0,
        };
        let number = |name: &str| of(name).and_then(|text| text.parse::<i64>().ok());
        let (from, to) = (number("created[gte]"), number("created[lte]"));
        let after = of("starting_after").and_then(|id| id.strip_prefix("evt_s"));
        let after = after.and_then(|id| id.parse::<usize>().ok());
        let mut fitting = (0..after.unwrap_or(many).min(many))
            .rev()
            .skip_while(|it| to.is_some_and(|to| self.event_created(*it) > to))
            .take_while(|it| from.is_none_or(|from| self.event_created(*it) >= from));
        let page = fitting.by_ref().take(PAGE_SIZE);
        let data: Vec<Value> = page.map(|it| self.event(it)).collect();
        json!({"object": "list", "data": data, "has_more": fitting.next().is_some()})
    }

    /// They come evenly over the hour, and the last a minute before its end.
    fn event_created(&self, number: usize) -> i64 {
        let after = (number * 3500).checked_div(self.events).unwrap_or(0);
        BEGINNING + i64::try_from(after).unwrap_or(0)
    }

    fn event(&self, number: usize) -> Value {
        let of = number % self.clones.many;
        json!({
            "id": format!("evt_s{number}"), "object": "event", "type": "invoice.paid",
            "created": self.event_created(number), "livemode": false,
            "api_version": perennial_stripe::API_VERSION,
            "data": {"object": {
                "id": format!("in_{number}"), "object": "invoice",
                "customer": customer(of),
                "parent": {"type": "subscription_details", "subscription_details": {
                    "subscription": subscription(of),
                }},
            }},
        })
    }

    async fn ask_table(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let latency = match operation {
            "GetItem" | "Query" | "BatchGetItem" => READ,
            "TransactWriteItems" => TRANSACTION,
            _ => WRITE,
        };
        tokio::time::sleep(latency).await;
        let events_only = |part: &[u8]| body.windows(part.len()).any(|it| it == part);
        let is_indexed = matches!(operation, "PutItem" | "UpdateItem") && events_only(b"EVENT#");
        self.indexed.add(u64::from(is_indexed));
        self.table.answer(operation, body)
    }
}

fn deleted(number: usize) -> Value {
    json!({"id": customer(number), "object": "customer", "deleted": true})
}

/// What is charged next, whoever asks.
fn preview() -> Value {
    json!({
        "object": "invoice", "currency": "usd", "amount_due": 1500, "total": 1500, "subtotal": 1500,
        "starting_balance": 0, "ending_balance": 0, "lines": {"object": "list", "data": [], "has_more": false},
    })
}

/// A client of both.
#[derive(Clone)]
pub(super) struct Client(pub(super) Arc<Services>);

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Transport for Client {
    fn carry(&self, request: reqwest::Request, _: Duration) -> Delivery<'_> {
        Box::pin(async move {
            let method = request.method().as_str();
            let (status, body) = self.0.ask_stripe(method, request.url()).await;
            Ok(Delivered {
                status,
                headers: reqwest::header::HeaderMap::new(),
                body: body.to_string().into_bytes(),
            })
        })
    }
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let services = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            let body = request.body().bytes().unwrap_or_default().to_vec();
            let (status, body) = services.ask_table(&operation, &body).await;
            let status = status
                .try_into()
                .map_err(|_| ConnectorError::user("there is no such status".into()))?;
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}
