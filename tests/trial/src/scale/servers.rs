//! What a server of the shop does with many users, one after another: customers that are adopted, users who are erased.

use std::collections::BTreeMap;
use std::time::Duration;

use perennial_functions::Running;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::clones::Clones;
use super::reminders::SWEPT_EVERY;
use super::shop::{Figures, Shop};
use super::template::{customer, user};
use crate::broken::Broken;
use crate::journeys::Journey;
use crate::request::server_event;
use crate::table::Item;

/// So often a server asks: `adopt` does, unless it is told otherwise.
const A_SECOND: u32 = 5;
/// How many requests there are between two looks at what the run needs no more.
const TIDIED_EVERY: usize = 500;
/// No run lasts longer after the last request.
const LONGEST: Duration = Duration::from_hours(240);

/// What was answered, by statuses and codes.
type Answers = BTreeMap<String, u64>;

/// Customers that an account has already are adopted, each with a subscription.
pub async fn adoption(customers: usize, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of_one(customers, seed)).await?;
    let shop = Shop::open(&clones, |_| {});
    let users = shop.start("users").await?;
    let body = |number| json!({"user": user(number), "customer": customer(number)});
    let tidy = |number| {
        if number % TIDIED_EVERY == 0 {
            shop.services.table.drop_each(is_told);
        }
    };
    let answers = ask_each(&shop, customers, &users, "/shop/customers", body, tidy).await;
    let name = format!("{customers} customers adopted");
    let asked = u64::try_from(customers).unwrap_or(u64::MAX);
    let outcome = json!({"answers": answers, "failed": asked - done(&answers)});
    Ok(shop.figures(name, &[("users", asked)], Vec::new(), outcome))
}

/// Users whose subscriptions have ended are erased, and what is left of them is by the sweep.
pub async fn erasure(many: usize, seed: u64) -> Result<Figures, Broken> {
    let clones = Box::pin(Clones::of(Journey::GivenBack, many, seed)).await?;
    let shop = Shop::open(&clones, |_| {});
    let shared = shop.services.table.items().len();
    let users = shop.start("users").await?;
    let reconcile = shop.start("reconcile").await?;
    let sweeps = tokio::spawn(sweep(reconcile));
    let body = |number| json!({"user": user(number)});
    let lay = |number| {
        for item in clones.rows(number) {
            shop.services.table.lay(item);
        }
    };
    let answers = ask_each(&shop, many, &users, "/shop/users/erase", body, lay).await;
    let mut left = usize::MAX;
    let asked_for = Instant::now();
    while left > 0 && asked_for.elapsed() < LONGEST {
        tokio::time::sleep(Duration::from_mins(1)).await;
        left = shop.services.table.items().len().saturating_sub(shared);
    }
    sweeps.abort();
    let asked = u64::try_from(many).unwrap_or(u64::MAX);
    let outcome = json!({
        "answers": answers, "failed": asked - done(&answers), "left": left,
        "after_the_last_s": asked_for.elapsed().as_secs(),
    });
    let name = format!("{many} users erased");
    let invocations = shop.began.elapsed().as_secs() / SWEPT_EVERY.as_secs() + 1;
    let invocations = [("users", asked), ("reconcile", invocations)];
    Ok(shop.figures(name, &invocations, Vec::new(), outcome))
}

/// The schedule of the template, as long as the run lasts. A sweep that fails is in the log, and in the figures by that.
async fn sweep(reconcile: Running) {
    let mut next = Instant::now();
    loop {
        sleep_until(next).await;
        next += SWEPT_EVERY;
        if let Err(error) = reconcile.handle(json!({"sweep": "open"})).await {
            tracing::error!(error, "a sweep failed");
        }
    }
}

/// Asks once for each copy, at the pace of a server, and counts what is answered.
async fn ask_each(
    shop: &Shop,
    many: usize,
    users: &Running,
    path: &str,
    body: impl Fn(usize) -> Value,
    prepare: impl Fn(usize),
) -> Answers {
    let mut answers = Answers::new();
    let mut note = |answer: Result<Value, String>| {
        let what = match answer {
            Ok(answer) => format!("{} {}", answer["statusCode"], code_of(&answer)),
            Err(error) => error,
        };
        *answers.entry(what.trim().to_owned()).or_default() += 1;
    };
    let mut asked = JoinSet::new();
    let mut next = Instant::now();
    for number in 0..many {
        sleep_until(next).await;
        next += Duration::from_secs(1) / A_SECOND;
        prepare(number);
        let (users, event) = (users.clone(), server_event(path, &body(number)));
        asked.spawn(async move { users.handle(event).await });
        while let Some(Ok(answer)) = asked.try_join_next() {
            note(answer);
        }
        // Nobody reads the stream here.
        shop.services.table.records().clear();
    }
    while let Some(Ok(answer)) = asked.join_next().await {
        note(answer);
    }
    answers
}

fn is_told(item: &Item) -> bool {
    let sk = item["sk"]["S"].as_str();
    sk.is_some_and(|sk| sk.starts_with("OUT#"))
}

fn code_of(answer: &Value) -> String {
    let body = answer["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body["error"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn done(answers: &Answers) -> u64 {
    answers.get("200").copied().unwrap_or_default()
}
