//! The one list of the functions, for what starts them in this process: the local server, the journeys and
//! the trial. The tests hold it against `functions/` and `template.yaml`.

use std::{collections::HashMap, pin::Pin, sync::Arc};

use perennial_http::{Handler, invoke};
use perennial_process::{Env, EventHandler, Start, StartError};
use perennial_types::Clock;
use serde_json::Value;

/// Every function that is deployed.
pub const FUNCTIONS: [Function; 14] = [
    http::<client_secret::App>("client-secret"),
    http::<confirm::App>("confirm"),
    http::<subscribe::App>("subscribe"),
    http::<subscriptions::App>("subscriptions"),
    http::<actions::App>("actions"),
    http::<users::App>("users"),
    http::<wallets::App>("wallets"),
    http::<links::App>("links"),
    http::<payments::App>("payments"),
    http::<webhook::App>("webhook"),
    events::<worker::App>("worker"),
    events::<reconcile::App>("reconcile"),
    events::<partner_events::App>("partner-events"),
    events::<shop_events::App>("shop-events"),
];

/// A function that can be started.
#[derive(Clone, Copy)]
pub struct Function {
    /// The name of its crate and of its folder.
    pub name: &'static str,
    routes: fn() -> Vec<&'static str>,
    start: for<'a> fn(&'a Env, Clock) -> Later<'a, Result<Running, StartError>>,
}

/// A function that was started.
#[derive(Clone)]
pub struct Running(Arc<dyn Fn(Value) -> Later<'static, Result<Value, String>> + Send + Sync>);

/// Boxed, because each function has futures of its own.
type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

const fn http<A: Start + Handler>(name: &'static str) -> Function {
    Function {
        name,
        routes: || A::ROUTES.iter().map(|(key, _)| *key).collect(),
        start: |env, clock| {
            Box::pin(async {
                let app = Arc::new(A::start(env, clock).await?);
                Ok(Running::new(move |event| {
                    let app = Arc::clone(&app);
                    let id = event.pointer("/requestContext/requestId");
                    let id = id.and_then(Value::as_str).unwrap_or_default().to_owned();
                    Box::pin(async move { Ok(invoke(&*app, event, &id).await) })
                }))
            })
        },
    }
}

const fn events<A: EventHandler>(name: &'static str) -> Function {
    Function {
        name,
        routes: Vec::new,
        start: |env, clock| {
            Box::pin(async {
                let app = Arc::new(A::start(env, clock).await?);
                Ok(Running::new(move |event| {
                    let app = Arc::clone(&app);
                    Box::pin(async move { app.handle(event).await })
                }))
            })
        },
    }
}

impl Function {
    /// The function of this name.
    pub fn named(name: &str) -> Option<Self> {
        FUNCTIONS.into_iter().find(|function| function.name == name)
    }

    /// The keys of its routes; none, if no HTTP leads to it.
    pub fn routes(&self) -> Vec<&'static str> {
        (self.routes)()
    }

    /// Starts it, as its process would.
    pub async fn start(&self, env: &Env, clock: Clock) -> Result<Running, StartError> {
        (self.start)(env, clock).await
    }
}

impl Running {
    fn new(
        answer: impl Fn(Value) -> Later<'static, Result<Value, String>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    /// Answers an event. The error says why it did not, which Lambda counts as a failed invocation.
    pub async fn handle(&self, event: Value) -> Result<Value, String> {
        (self.0)(event).await
    }
}

/// Functions that were started, by their names.
pub struct Started(HashMap<&'static str, Running>);

impl Started {
    /// Starts functions, each with its environment and its clock.
    pub async fn start(
        functions: impl IntoIterator<Item = Function>,
        env_of: impl Fn(&str) -> Env,
        clock_of: impl Fn(&str) -> Clock,
    ) -> Result<Self, StartError> {
        let mut started = HashMap::new();
        for function in functions {
            let (env, clock) = (env_of(function.name), clock_of(function.name));
            let running = function.start(&env, clock).await?;
            started.insert(function.name, running);
        }
        Ok(Self(started))
    }

    /// The function of this name, if it was started.
    pub fn get(&self, name: &str) -> Option<&Running> {
        self.0.get(name)
    }
}
