//! The functions, in this process: the very code that Lambda runs.

use perennial_config::{Env, EventHandler as _, Start as _, StartError};
use perennial_http::invoke;
use perennial_types::Clock;
use serde_json::Value;

use crate::invoker::{Invocation, InvokeError, Invoker};

/// Every function of the template, started.
pub(crate) struct InProcess {
    client_secret: client_secret::App,
    confirm: confirm::App,
    subscribe: subscribe::App,
    subscriptions: subscriptions::App,
    wallets: wallets::App,
    links: links::App,
    payments: payments::App,
    webhook: webhook::App,
    worker: worker::App,
    reconcile: reconcile::App,
    partner_events: partner_events::App,
}

impl InProcess {
    /// Starts them all, as Lambda would start each. Entitlements are judged by `clock`.
    pub(crate) async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        Ok(Self {
            client_secret: client_secret::App::start(env, Clock::system()).await?,
            confirm: confirm::App::start(env, Clock::system()).await?,
            subscribe: subscribe::App::start(env, Clock::system()).await?,
            subscriptions: subscriptions::App::start(env, clock).await?,
            wallets: wallets::App::start(env, Clock::system()).await?,
            links: links::App::start(env, Clock::system()).await?,
            payments: payments::App::start(env, Clock::system()).await?,
            webhook: webhook::App::start(env, Clock::system()).await?,
            worker: worker::App::start(env, Clock::system()).await?,
            reconcile: reconcile::App::start(env, Clock::system()).await?,
            partner_events: partner_events::App::start(env, Clock::system()).await?,
        })
    }
}

impl Invoker for InProcess {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            let request_id = event
                .pointer("/requestContext/requestId")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            match function {
                "client-secret" => Ok(invoke(&self.client_secret, event, &request_id).await),
                "confirm" => Ok(invoke(&self.confirm, event, &request_id).await),
                "subscribe" => Ok(invoke(&self.subscribe, event, &request_id).await),
                "subscriptions" => Ok(invoke(&self.subscriptions, event, &request_id).await),
                "wallets" => Ok(invoke(&self.wallets, event, &request_id).await),
                "links" => Ok(invoke(&self.links, event, &request_id).await),
                "payments" => Ok(invoke(&self.payments, event, &request_id).await),
                "webhook" => Ok(invoke(&self.webhook, event, &request_id).await),
                "worker" => failed(function, self.worker.handle(event).await),
                "reconcile" => failed(function, self.reconcile.handle(event).await),
                "partner-events" => failed(function, self.partner_events.handle(event).await),
                "shop-events" => failed(function, shop_events::handle(&event)),
                other => Err(InvokeError::Unknown(other.to_owned())),
            }
        })
    }
}

/// An error that a function returned, which Lambda counts as a failed invocation.
fn failed(function: &str, answer: Result<Value, String>) -> Result<Value, InvokeError> {
    answer.map_err(|reason| InvokeError::Failed {
        function: function.to_owned(),
        reason,
    })
}
