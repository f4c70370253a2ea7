//! The functions in this process, with an environment that is known only after the server has
//! started.

use perennial_config::Env;
use perennial_http::invoke;
use perennial_local::{Invocation, InvokeError, Invoker};
use serde_json::Value;
use tokio::sync::SetOnce;

/// Calls the functions in this process. Calls that come before it is set up wait.
#[derive(Debug, Default)]
pub(crate) struct InProcess(SetOnce<Apps>);

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
    pub(crate) async fn set_up(&self, pairs: &[(String, String)]) {
        let env = &Env::from_pairs(pairs.iter().cloned());
        let apps = Apps {
            client_secret: client_secret::App::start(env)
                .await
                .expect("client-secret starts"),
            confirm: confirm::App::start(env).await.expect("confirm starts"),
            subscribe: subscribe::App::start(env).await.expect("subscribe starts"),
            subscriptions: subscriptions::App::start(env)
                .await
                .expect("subscriptions starts"),
            wallets: wallets::App::start(env).await.expect("wallets starts"),
            links: links::App::start(env).await.expect("links starts"),
            payments: payments::App::start(env).await.expect("payments starts"),
            webhook: webhook::App::start(env).await.expect("webhook starts"),
            worker: worker::App::start(env).await.expect("worker starts"),
        };
        assert!(self.0.set(apps).is_ok(), "the functions are set up once");
    }
}

impl Invoker for InProcess {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            let id = event
                .pointer("/requestContext/requestId")
                .and_then(Value::as_str);
            let id = id.unwrap_or_default().to_owned();
            let apps = self.0.wait().await;
            Ok(match function {
                "client-secret" => invoke(&apps.client_secret, event, &id).await,
                "confirm" => invoke(&apps.confirm, event, &id).await,
                "subscribe" => invoke(&apps.subscribe, event, &id).await,
                "subscriptions" => invoke(&apps.subscriptions, event, &id).await,
                "wallets" => invoke(&apps.wallets, event, &id).await,
                "links" => invoke(&apps.links, event, &id).await,
                "payments" => invoke(&apps.payments, event, &id).await,
                "webhook" => invoke(&apps.webhook, event, &id).await,
                "worker" => apps.worker.handle(event).await,
                other => return Err(InvokeError::Unknown(other.to_owned())),
            })
        })
    }
}
