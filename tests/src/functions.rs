//! The functions in this process, with an environment that is known only after the server has
//! started.

use std::sync::atomic::{AtomicBool, Ordering};

use perennial_config::{Env, EventHandler as _, Start as _};
use perennial_http::invoke;
use perennial_local::{Invocation, InvokeError, Invoker};
use perennial_types::Clock;
use serde_json::Value;
use tokio::sync::SetOnce;

use crate::app::Doors;

/// Calls the functions in this process. Calls that come before it is set up wait.
#[derive(Debug, Default)]
pub(crate) struct InProcess {
    apps: SetOnce<Apps>,
    /// Calls of the worker fail, as if it could not be started.
    worker_is_away: AtomicBool,
}

#[derive(Debug)]
struct Apps {
    client_secret: client_secret::App,
    confirm: confirm::App,
    subscribe: subscribe::App,
    subscriptions: subscriptions::App,
    wallets: wallets::App,
    links: links::App,
    payments: payments::App,
    webhook: webhook::App,
    worker: worker::App,
}

impl InProcess {
    pub(crate) fn stop_worker(&self) {
        self.worker_is_away.store(true, Ordering::Relaxed);
    }

    pub(crate) fn worker_is_stopped(&self) -> bool {
        self.worker_is_away.load(Ordering::Relaxed)
    }

    pub(crate) async fn set_up(&self, doors: &Doors<'_>, clock: Clock) {
        let env = |function: &str| Env::from_pairs(doors.of(function));
        let apps = Apps {
            client_secret: client_secret::App::start(&env("client-secret"), Clock::system())
                .await
                .expect("client-secret starts"),
            confirm: confirm::App::start(&env("confirm"), Clock::system())
                .await
                .expect("confirm starts"),
            subscribe: subscribe::App::start(&env("subscribe"), Clock::system())
                .await
                .expect("subscribe starts"),
            subscriptions: subscriptions::App::start(&env("subscriptions"), clock)
                .await
                .expect("subscriptions starts"),
            wallets: wallets::App::start(&env("wallets"), Clock::system())
                .await
                .expect("wallets starts"),
            links: links::App::start(&env("links"), Clock::system())
                .await
                .expect("links starts"),
            payments: payments::App::start(&env("payments"), Clock::system())
                .await
                .expect("payments starts"),
            webhook: webhook::App::start(&env("webhook"), Clock::system())
                .await
                .expect("webhook starts"),
            worker: worker::App::start(&env("worker"), Clock::system())
                .await
                .expect("worker starts"),
        };
        assert!(self.apps.set(apps).is_ok(), "the functions are set up once");
    }
}

impl Invoker for InProcess {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            let id = event
                .pointer("/requestContext/requestId")
                .and_then(Value::as_str);
            let id = id.unwrap_or_default().to_owned();
            let apps = self.apps.wait().await;
            Ok(match function {
                "client-secret" => invoke(&apps.client_secret, event, &id).await,
                "confirm" => invoke(&apps.confirm, event, &id).await,
                "subscribe" => invoke(&apps.subscribe, event, &id).await,
                "subscriptions" => invoke(&apps.subscriptions, event, &id).await,
                "wallets" => invoke(&apps.wallets, event, &id).await,
                "links" => invoke(&apps.links, event, &id).await,
                "payments" => invoke(&apps.payments, event, &id).await,
                "webhook" => invoke(&apps.webhook, event, &id).await,
                "worker" if self.worker_is_away.load(Ordering::Relaxed) => {
                    return Err(InvokeError::Failed {
                        function: function.to_owned(),
                        reason: "the test has stopped it".to_owned(),
                    });
                }
                "worker" => apps.worker.handle(event).await.unwrap_or_default(),
                other => return Err(InvokeError::Unknown(other.to_owned())),
            })
        })
    }
}
