//! Sends what is due, and keeps trying.

use super::queue::{self, Attempt};
use super::{sign, version};
use crate::http::shared::Shared;
use crate::objects::webhook_endpoint;
use crate::state::{Fields, Kind, clock};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long an endpoint may take to answer. Stripe does not publish its own limit.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the worker sleeps at most when nothing is known to come.
const IDLE: Duration = Duration::from_mins(1);

/// How long an endpoint that cannot be reached is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// The client that the events are sent with.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .build()
}

/// Delivers for as long as the sandbox runs: the events of one endpoint after one another, endpoints side by side, so
/// that a slow one holds up only itself.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut busy = BTreeSet::new();
    let mut tasks = JoinSet::new();
    loop {
        let (due, next) = queue::due(&shared.world(), clock::machine_millis(), &busy);
        for (endpoint, deliveries) in due {
            busy.insert(endpoint.clone());
            tasks.spawn(deliver_all(Arc::clone(&shared), endpoint, deliveries));
        }
        let wait = next.map_or(IDLE, |at| {
            Duration::from_millis(u64::try_from(at - clock::machine_millis()).unwrap_or(0))
        });
        tokio::select! {
            Some(Ok(endpoint)) = tasks.join_next(), if !tasks.is_empty() => {
                busy.remove(&endpoint);
            }
            () = shared.deliveries.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn deliver_all(shared: Arc<Shared>, endpoint: String, deliveries: Vec<String>) -> String {
    for delivery in deliveries {
        // Webhooks may have been held back while the ones before were on their way.
        if shared.world().account().flag("hold") {
            break;
        }
        let attempt = attempt(&shared, &delivery).await;
        if attempt.is_some_and(|attempt| attempt.status.is_none()) {
            // Where nobody listens, the other events need not find that out one by one.
            tokio::time::sleep(PAUSE).await;
            break;
        }
    }
    endpoint
}

/// Makes one attempt and records it.
pub(crate) async fn attempt(shared: &Shared, id: &str) -> Option<Attempt> {
    let Some(request) = prepare(shared, id) else {
        shared.note(|world| queue::drop_delivery(world, id));
        return None;
    };
    let attempt = match request.send().await {
        Ok(answer) => Attempt {
            status: Some(answer.status().as_u16()),
            error: None,
        },
        Err(error) => Attempt {
            status: None,
            error: Some(if error.is_timeout() {
                "timed out".to_owned()
            } else {
                error.without_url().to_string()
            }),
        },
    };
    if !attempt.succeeded() {
        tracing::warn!(
            delivery = id,
            status = attempt.status,
            error = attempt.error,
            "a webhook was not taken"
        );
    }
    shared.note(|world| queue::record(world, id, &attempt));
    Some(attempt)
}

/// The signed request, unless the endpoint is gone.
fn prepare(shared: &Shared, id: &str) -> Option<reqwest::RequestBuilder> {
    let world = shared.world();
    let delivery = world.store.get(Kind::Delivery, id)?;
    let endpoint = world
        .store
        .get(Kind::WebhookEndpoint, delivery.text("endpoint")?)
        .filter(|endpoint| endpoint.is("status", "enabled"))?;
    let event = world.store.get(Kind::Event, delivery.text("event")?)?;
    let body = serde_json::to_vec(&version::for_endpoint(&world, event, endpoint)).ok()?;
    let signature = sign::header(
        &webhook_endpoint::secrets(endpoint, world.now()),
        clock::machine_seconds(),
        &body,
    );
    Some(
        shared
            .http
            .as_ref()?
            .post(endpoint.text("url")?)
            .header("content-type", "application/json; charset=utf-8")
            .header("stripe-signature", signature)
            .body(body),
    )
}
