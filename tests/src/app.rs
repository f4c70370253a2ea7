//! A whole Perennial of a test's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use perennial_config::Env;
use perennial_flows::{Published, Resolver};
use perennial_functions::FUNCTIONS;
use perennial_local::{Functions, Invoker, Options, Server};
use perennial_store::Table;
use serde_json::{Value, json};

use crate::calls::Calls;
use crate::catalog::{publish_with, resolver, table_at};
use crate::client::{Caller, http};
use crate::exchanges;
use crate::functions::{Doors, InProcess};
use crate::lambda::{Lambda, binary};
use crate::leftovers::{self, Allowed};
use crate::proxy::Proxy;
use crate::roles::Roles;
use crate::runtime::{beside, beside_blocking};
use crate::sandbox::StripeSandbox;
use crate::shopper::Shopper;
use crate::table::DynamoDb;
use crate::wait::wait_until;

/// How an app is started. The default keeps nothing and runs the functions in this process.
#[derive(Debug, Default, Clone)]
pub struct Setup {
    /// Runs the real binaries behind a Runtime API.
    pub on_lambda: bool,
    /// Where state lives.
    pub data: Option<PathBuf>,
    /// Decides what AWS leaves open about deliveries of the table's stream.
    pub stream_seed: u64,
    /// What is sold in place of the demo's plans, as `plans.json` says it.
    pub plans: Option<String>,
    /// Prices that those plans have, as forms of `POST /v1/prices`.
    pub prices: Vec<Vec<(&'static str, String)>>,
    /// `TRIALS` in place of the default.
    pub trials: Option<String>,
    /// `EMAIL_CLAIM`.
    pub email_claim: Option<&'static str>,
}

/// A gateway, functions, a table and a Stripe. Dropping it checks what it leaves behind.
pub struct TestApp {
    /// The Stripe sandbox.
    pub stripe: StripeSandbox,
    /// The table.
    pub table: DynamoDb,
    /// Between the functions and the table.
    pub to_dynamodb: Proxy,
    /// The binaries, when the functions run as Lambda runs them.
    pub lambda: Option<Arc<Lambda>>,
    http: reqwest::Client,
    invoker: Arc<dyn Invoker>,
    in_process: Arc<InProcess>,
    roles: Arc<Roles>,
    env: Vec<(String, String)>,
    server: Option<Server>,
    allowed: Allowed,
}

/// The add-ons of a plan, each on a price of its own: what `plans.json` says, and the prices that are to be there.
fn sell_addons(
    plan: &str,
    interval: &str,
    addons: &serde_json::Map<String, Value>,
    prices: &mut Vec<Vec<(&'static str, String)>>,
) -> Value {
    let mut sold = json!({});
    for (name, members) in addons {
        let mut addon = members.clone();
        let key = format!("{plan}-{name}");
        let currency = addon["currency"].as_str().unwrap_or("usd").to_owned();
        let interval = addon["interval"].as_str().unwrap_or(interval).to_owned();
        let mut price = vec![
            ("lookup_key", key.clone()),
            ("product_data[name]", name.clone()),
            ("unit_amount", addon["amount"].to_string()),
            ("currency", currency),
            ("recurring[interval]", interval),
        ];
        if let Some(behavior) = addon["tax_behavior"].as_str() {
            price.push(("tax_behavior", behavior.to_owned()));
        }
        prices.push(price);
        if let Some(members) = addon.as_object_mut() {
            for of_price in ["currency", "interval", "tax_behavior"] {
                members.remove(of_price);
            }
            members.insert("lookup_key".to_owned(), key.into());
            members
                .entry("label")
                .or_insert_with(|| name.clone().into());
        }
        sold[name] = addon;
    }
    sold
}

impl TestApp {
    /// Starts one with the functions in this process.
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// Starts one with the real binaries.
    pub async fn start_on_lambda() -> Self {
        Self::with(Setup {
            on_lambda: true,
            ..Setup::default()
        })
        .await
    }

    /// Starts one on a folder, in which state lives on after it.
    pub async fn start_on(data: &Path) -> Self {
        Self::with(Setup {
            data: Some(data.to_owned()),
            ..Setup::default()
        })
        .await
    }

    /// Starts one.
    pub async fn with(setup: Setup) -> Self {
        beside(Box::pin(Self::start_here(setup))).await
    }

    /// Starts one that sells these plans in place of the demo's: each as its members say, over a group,
    /// a label and a price of 15.00 USD a month, on a price of its own.
    pub async fn selling(plans: &Value, setup: Setup) -> Self {
        let mut sold = serde_json::Map::new();
        let mut prices = Vec::new();
        for (name, members) in plans.as_object().expect("plans by their names") {
            let member = |member: &str, default: Value| {
                let given = members.get(member).cloned();
                given.unwrap_or(default)
            };
            let told = |member_of: &str, default: &str| {
                let value = member(member_of, default.into());
                value.as_str().unwrap_or_default().to_owned()
            };
            let mut price = vec![
                ("lookup_key", name.clone()),
                ("product_data[name]", name.clone()),
                ("unit_amount", member("amount", 1500.into()).to_string()),
                ("currency", told("currency", "usd")),
                ("recurring[interval]", told("interval", "month")),
            ];
            if members.get("tax_behavior").is_some() {
                price.push(("tax_behavior", told("tax_behavior", "")));
            }
            prices.push(price);
            let mut plan = json!({
                "lookup_key": name,
                "group": member("group", "stock-photos".into()),
                "label": member("label", "Stock photos".into()),
                "trial_days": member("trial_days", 0.into()),
            });
            if let Some(Value::Object(addons)) = members.get("addons") {
                let interval = told("interval", "month");
                plan["addons"] = sell_addons(name, &interval, addons, &mut prices);
            }
            for told in [
                "wallets",
                "trial_without_payment_method",
                "cancel_refund",
                "quantity",
                "tax",
                "private",
                "features",
            ] {
                if let Some(value) = members.get(told) {
                    plan[told] = value.clone();
                }
            }
            sold.insert(name.clone(), plan);
        }
        Self::with(Setup {
            plans: Some(Value::Object(sold).to_string()),
            prices,
            ..setup
        })
        .await
    }

    async fn start_here(setup: Setup) -> Self {
        let in_process = Arc::new(InProcess::default());
        let lambda = setup.on_lambda.then(|| Arc::new(Lambda::default()));
        if setup.on_lambda {
            // Before the first invocation, whose time is limited.
            let built = tokio::task::spawn_blocking(|| FUNCTIONS.map(|it| binary(it.name))).await;
            built.expect("the binaries are built");
        }
        let invoker: Arc<dyn Invoker> = match &lambda {
            Some(lambda) => Arc::clone(lambda) as _,
            None => Arc::clone(&in_process) as _,
        };
        let trials = setup.trials.map(|trials| ("TRIALS".to_owned(), trials));
        let claim = setup.email_claim;
        let claim = claim.map(|claim| ("EMAIL_CLAIM".to_owned(), claim.to_owned()));
        let options = Options {
            data: setup.data,
            environment: Env::from_pairs(trials.into_iter().chain(claim)),
            functions: Functions::Elsewhere(Arc::clone(&invoker)),
            stream_seed: Some(setup.stream_seed),
            ..Options::default()
        };
        let server = Server::start(options)
            .await
            .unwrap_or_else(|error| panic!("{error:?}"));
        let roles = Arc::new(Roles::of_template());
        let to_dynamodb = Proxy::start_judging(server.dynamodb_url(), Arc::clone(&roles)).await;
        let stripe = StripeSandbox::new(
            server.stripe_url(),
            &server.sandbox_key().expect("a sandbox stands for Stripe"),
        );
        for price in setup.prices {
            let form: Vec<_> = price.iter().map(|(key, it)| (*key, it.as_str())).collect();
            let created = stripe.api("POST", "/v1/prices", &form).await;
            assert!(created["id"].is_string(), "{created}");
        }
        if let Some(plans) = setup.plans {
            // Before the functions start, which keep what they read for a minute.
            let resolver = resolver(&stripe, server.dynamodb_url());
            publish_with(&resolver, &plans)
                .await
                .unwrap_or_else(|error| panic!("{error}"));
        }
        let env = Doors {
            env: server.env(),
            to_dynamodb: &to_dynamodb,
        };
        match &lambda {
            Some(lambda) => lambda.set_up(|name| env.of(name)),
            None => in_process.set_up(&env, server.clock()).await,
        }
        let env = env.env;
        let app = Self {
            stripe,
            table: DynamoDb::new(server.dynamodb_url(), value_of(&env, "TABLE_NAME")),
            to_dynamodb,
            lambda,
            http: http(),
            invoker,
            in_process,
            roles,
            env,
            server: Some(server),
            allowed: Allowed::default(),
        };
        app.forget_calls().await;
        app
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs until the end")
    }

    /// A shopper with a token of this name.
    pub fn shopper(&self, user: &str) -> Shopper {
        Shopper {
            calls: self.caller(user),
            stripe: self.stripe.clone(),
        }
    }

    /// The calls of a user with a token.
    pub fn caller(&self, user: &str) -> Caller {
        self.anybody().with_token(Some(&self.token(user)))
    }

    /// The calls of somebody without a token.
    pub fn anybody(&self) -> Caller {
        Caller::new(self.http.clone(), self.server().gateway_url(), None)
    }

    /// A token of the demo shop's issuer.
    pub fn token(&self, user: &str) -> String {
        self.server()
            .token(user)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// What lets a developer in at the gateway.
    pub fn key(&self) -> String {
        self.server().key()
    }

    /// Where the gateway is.
    pub fn url(&self) -> &str {
        self.server().gateway_url()
    }

    /// Hands an event to a function, past the gateway.
    pub async fn invoke(&self, function: &'static str, event: Value) -> Value {
        let invoker = Arc::clone(&self.invoker);
        let asked = exchanges::are_kept().then(|| event.clone());
        let answer = beside(async move { invoker.invoke(function, event).await }).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}"));
        if let Some(asked) = asked {
            exchanges::keep_event(&asked, &answer);
        }
        answer
    }

    /// A variable of the functions' environment.
    pub fn variable(&self, name: &str) -> &str {
        value_of(&self.env, name)
    }

    /// The table as the functions reach it, through the calls that are counted.
    pub fn table_client(&self) -> Table {
        table_at(self.variable("AWS_ENDPOINT_URL_DYNAMODB"))
    }

    /// The functions' environment.
    pub fn env(&self) -> &[(String, String)] {
        &self.env
    }

    /// A function's environment, with some of its variables replaced.
    pub fn env_of(&self, function: &str, changes: &[(&str, &str)]) -> Env {
        let doors = Doors {
            env: self.env.clone(),
            to_dynamodb: &self.to_dynamodb,
        };
        let new = changes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Env::from_pairs(doors.of(function).into_iter().chain(new))
    }

    /// From now on the worker is away, so that stored events wait for the sweep. For functions in
    /// this process.
    pub fn stop_worker(&self) {
        self.in_process.stop_worker();
    }

    /// What the functions may do, and have done.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// What keeps the catalog in step with Stripe, past the proxies that count.
    pub async fn resolver(&self) -> Resolver {
        let (stripe, table) = (self.stripe.clone(), self.table.at().0);
        beside(async move { resolver(&stripe, &table) }).await
    }

    /// Makes these the plans; functions that have started see them within a minute. The error is what
    /// is told to the person who edits `plans.json`.
    pub async fn publish(&self, plans: &str) -> Result<Published, String> {
        publish_with(&self.resolver().await, plans).await
    }

    /// The calls that the functions have made since the last time that they were forgotten.
    pub async fn calls(&self) -> Calls {
        Calls::new(&self.stripe.requests().await, self.to_dynamodb.counts())
    }

    /// A proxy before Stripe, for a function of a test's own.
    pub async fn proxy_to_stripe(&self) -> Proxy {
        let url = self.server().stripe_url().to_owned();
        beside(async move { Proxy::start(&url).await }).await
    }

    /// Begins to count anew.
    pub async fn forget_calls(&self) {
        self.stripe.forget_requests().await;
        self.to_dynamodb.forget();
    }

    /// Waits until every webhook was delivered and every event applied, and none is applied once more
    /// because the stream has brought it again.
    pub async fn quiet(&self) {
        wait_until(
            "all webhooks are delivered and all events are applied",
            async || {
                let unapplied = leftovers::unapplied(&self.stripe, &self.table).await;
                // A worker that the test has stopped is never done.
                let done =
                    self.server().is_done_with_the_stream() || self.in_process.worker_is_stopped();
                (unapplied.is_empty() && done).then_some(())
            },
        )
        .await;
    }

    /// Lets days pass at Stripe, and then the hours in which an invoice is a draft.
    pub async fn pass_days(&self, days: u32) {
        for seconds in [days * 24 * 3600, 2 * 3600] {
            self.stripe.advance(seconds).await;
            self.quiet().await;
        }
    }

    /// What the table knows of events, by their type.
    pub async fn inbox(&self) -> Vec<Value> {
        self.table.items_of("EVENT#").await
    }

    /// From now on attempts may be left open in the middle of something, and webhooks undelivered:
    /// for tests that are about just that.
    pub fn may_leave_work(&mut self) {
        self.allowed.work = true;
    }

    /// The shop sells plans of so many groups, and a user may subscribe in each.
    pub fn sells_groups(&mut self, groups: usize) {
        self.allowed.live = groups;
    }

    /// Stops everything in good order, with what it left checked, so that its folder can be used
    /// again.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            let check = self.check();
            beside(async move {
                check.await;
                server.shutdown().await;
            })
            .await;
        }
    }

    fn check(&self) -> impl Future<Output = ()> + Send + use<> {
        let (stripe, table) = (self.stripe.clone(), self.table.at());
        let (lambda, roles, allowed) = (self.lambda.clone(), Arc::clone(&self.roles), self.allowed);
        async move {
            // First, because what is refused is what leaves work over.
            roles.check();
            leftovers::check(stripe, table, allowed, lambda).await;
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else {
            return;
        };
        let check = self.check();
        let failed = std::thread::panicking();
        let found = beside_blocking(async move {
            // A test that has failed has left its work in the middle.
            let found = if failed {
                Ok(())
            } else {
                tokio::spawn(check).await
            };
            drop(server);
            found
        });
        if let Err(error) = found {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

fn value_of<'a>(env: &'a [(String, String)], name: &str) -> &'a str {
    let found = env.iter().find(|(known, _)| known == name);
    &found
        .unwrap_or_else(|| panic!("the functions have no {name}"))
        .1
}
