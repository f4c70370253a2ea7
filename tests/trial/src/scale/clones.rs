//! A shop with many subscribers, all of them copies of one who has subscribed in the trial: rows of the
//! table and objects of Stripe are made when they are asked for.

use serde_json::{Value, json};

use super::template::{One, Template, number_of};
use crate::books::{Stripe, text};
use crate::broken::Broken;
use crate::journeys::Journey;
use crate::lane::{Kept, Lane, Through};
use crate::rng::Rng;
use crate::stage::{Life, Setting, Stage};
use crate::table::{BEGINNING, Item};

const USER: &str = "user-1";
/// A month, as far as periods here are concerned.
pub(super) const MONTH: i64 = 30 * 24 * 3600;
/// They have come over this time, one after the other.
const CAME_WITHIN: i64 = 365 * 24 * 3600;

#[derive(Clone)]
struct Row {
    pk: Template,
    sk: Template,
    item: Template,
}

impl Row {
    fn of(&self, number: usize) -> Option<Item> {
        serde_json::from_str(&self.item.of(number)).ok()
    }
}

/// What Stripe answers a request: its path with the customer, if it lists what a customer has.
#[derive(Clone)]
struct Answer {
    path: Template,
    body: Template,
}

/// The subscriber that all others are copies of.
#[derive(Clone)]
pub(super) struct Clones {
    rows: Vec<Row>,
    /// As Stripe's list has it, in JSON.
    subscription: Template,
    answers: Vec<Answer>,
    /// The catalog and the mode.
    pub(super) shared: Vec<Item>,
    /// How many there are.
    pub(super) many: usize,
}

impl Clones {
    /// Lets one subscribe, and makes it `many`.
    pub(super) async fn of_one(many: usize, seed: u64) -> Result<Self, Broken> {
        Self::of(Journey::ClientReturn, many, seed).await
    }

    /// Lets one have that journey, and makes it `many`.
    pub(super) async fn of(journey: Journey, many: usize, seed: u64) -> Result<Self, Broken> {
        let kept = Kept::new(Through::Memory, None);
        let (lane, table) = Box::pin(Lane::start(&kept, seed, "scale")).await?;
        let setting = Setting {
            life: Life::Shopper,
            trouble: None,
            bug: None,
        };
        let rng = Rng::named(seed, "scale");
        let stage = Stage::set(&lane, table, USER.to_owned(), setting, rng).await?;
        Box::pin(journey.play(&stage)).await?;
        stage.deliver_and_pump().await?;
        let expand = [
            ("expand[]", "data.latest_invoice"),
            ("expand[]", "data.default_payment_method"),
            ("status", "all"),
        ];
        let subscriptions = get(&lane.stripe, "/v1/subscriptions", &expand).await?;
        let subscription = &subscriptions["data"][0];
        let one = One {
            user: USER,
            customer: text(subscription, "/customer")?,
            subscription: text(subscription, "/id")?,
        };
        let items = stage.table.database().items();
        let key = |item: &Item, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        let is_shared = |item: &&Item| matches!(key(item, "pk").as_str(), "CATALOG" | "MODE");
        let rows = items.iter().map(|item| Row {
            pk: Template::new(&key(item, "pk"), &one),
            sk: Template::new(&key(item, "sk"), &one),
            item: Template::new(&json!(item).to_string(), &one),
        });
        Ok(Self {
            rows: rows.filter(|row| row.pk.is_own()).collect(),
            subscription: Template::new(&subscription.to_string(), &one),
            answers: answers(&lane.stripe, &one).await?,
            shared: items.iter().filter(is_shared).cloned().collect(),
            many,
        })
    }

    /// The row of that key, if a copy has one.
    pub(super) fn row(&self, pk: &str, sk: &str) -> Option<Item> {
        let (_, id) = pk.split_once('#')?;
        let number = number_of(id).filter(|number| *number < self.many)?;
        let mut rows = self.rows.iter();
        rows.find(|row| row.pk.of(number) == pk && row.sk.of(number) == sk)?
            .of(number)
    }

    /// All rows of a copy.
    pub(super) fn rows(&self, number: usize) -> impl Iterator<Item = Item> {
        self.rows.iter().filter_map(move |row| row.of(number))
    }

    /// What Stripe answers about a copy's customer or subscription, of which the query names a customer.
    pub(super) fn answer(&self, path: &str, customer: Option<&str>) -> Option<Value> {
        let named = customer.or_else(|| path.rsplit('/').next())?;
        let number = number_of(named).filter(|number| *number < self.many)?;
        let asked = format!("{path}?{}", customer.unwrap_or_default());
        let mut answers = self.answers.iter();
        let answer = answers.find(|answer| answer.path.of(number) == asked)?;
        serde_json::from_str(&answer.body.of(number)).ok()
    }

    /// Stripe's object, renewed or not.
    pub(super) fn subscription(&self, number: usize, is_renewed: bool) -> Value {
        let object = self.subscription.of(number);
        let mut object: Value = serde_json::from_str(&object).unwrap_or_default();
        object["created"] = self.created(number).into();
        if is_renewed {
            let item = &mut object["items"]["data"][0];
            for edge in ["current_period_start", "current_period_end"] {
                item[edge] = (item[edge].as_i64().unwrap_or_default() + MONTH).into();
            }
            object["latest_invoice"]["id"] = format!("in_renewal{number}").into();
        }
        object
    }

    /// When a copy came. Those with larger numbers are newer.
    pub(super) fn created(&self, number: usize) -> i64 {
        let many = i64::try_from(self.many).unwrap_or(i64::MAX);
        BEGINNING - CAME_WITHIN + i64::try_from(number).unwrap_or_default() * CAME_WITHIN / many
    }
}

/// What Stripe has of the one, as the functions ask for it.
async fn answers(stripe: &Stripe, one: &One) -> Result<Vec<Answer>, Broken> {
    let customer = format!("/v1/customers/{}", one.customer);
    let lists = [
        ("/v1/subscriptions", ("status", "all")),
        ("/v1/payment_intents", ("expand[]", "data.latest_charge")),
        ("/v1/setup_intents", ("expand[]", "data.latest_attempt")),
    ];
    let answer = |path: &str, body: &Value| Answer {
        path: Template::new(path, one),
        body: Template::new(&body.to_string(), one),
    };
    let mut answers = vec![answer(
        &format!("{customer}?"),
        &get(stripe, &customer, &[]).await?,
    )];
    for (path, option) in lists {
        let pairs = [("customer", one.customer.as_str()), option];
        let body = get(stripe, path, &pairs).await?;
        answers.push(answer(&format!("{path}?{}", one.customer), &body));
    }
    Ok(answers)
}

async fn get(stripe: &Stripe, path: &str, pairs: &[(&str, &str)]) -> Result<Value, Broken> {
    let key = perennial_sandbox::SECRET_KEY;
    let (status, body) = stripe.call(key, "GET", path, pairs).await?;
    if status != 200 {
        return Err(Broken::new(format!("GET {path} was answered {status}")));
    }
    Ok(body)
}
