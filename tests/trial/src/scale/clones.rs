//! A shop with many subscribers, all of them copies of one who has subscribed in the trial: rows of the
//! table and objects of Stripe are made when they are asked for.

use serde_json::{Value, json};

use crate::books::text;
use crate::broken::Broken;
use crate::journeys::Journey;
use crate::lane::{Kept, Lane, Through};
use crate::rng::Rng;
use crate::stage::{Life, Setting, Stage};
use crate::table::{BEGINNING, Item};

/// The first subscriber, and what copies have in their place.
const USER: &str = "user-1";
/// A month, as far as periods here are concerned.
pub(super) const MONTH: i64 = 30 * 24 * 3600;
/// They have come over this time, one after the other.
const CAME_WITHIN: i64 = 365 * 24 * 3600;

/// The subscriber that all others are copies of.
#[derive(Clone)]
pub(super) struct Clones {
    rows: Vec<String>,
    /// As Stripe's list has it, in JSON.
    subscription: String,
    /// The catalog and the mode.
    pub(super) shared: Vec<Item>,
    customer: String,
    id: String,
    /// How many there are.
    pub(super) many: usize,
}

impl Clones {
    /// Lets one subscribe, and makes it `many`.
    pub(super) async fn of_one(many: usize, seed: u64) -> Result<Self, Broken> {
        let kept = Kept::new(Through::Memory, None);
        let (lane, table) = Box::pin(Lane::start(&kept, seed, "scale")).await?;
        let setting = Setting {
            life: Life::Shopper,
            trouble: None,
            bug: None,
        };
        let rng = Rng::named(seed, "scale");
        let stage = Stage::set(&lane, table, USER.to_owned(), setting, rng).await?;
        Box::pin(Journey::ClientReturn.play(&stage)).await?;
        stage.deliver_and_pump().await?;
        let expand = [
            ("expand[]", "data.latest_invoice"),
            ("expand[]", "data.default_payment_method"),
        ];
        let key = perennial_sandbox::SECRET_KEY;
        let list = lane.stripe.call(key, "GET", "/v1/subscriptions", &expand);
        let (_, list) = list.await?;
        let subscription = &list["data"][0];
        let customer = text(subscription, "/customer")?;
        let id = text(subscription, "/id")?;
        let items = stage.table.database().items();
        let is_shared = |item: &&Item| {
            let pk = item["pk"]["S"].as_str().unwrap_or_default();
            matches!(pk, "CATALOG" | "MODE")
        };
        let is_row = |item: &&Item| {
            let pk = item["pk"]["S"].as_str().unwrap_or_default();
            pk.starts_with("USER#") || pk.starts_with("CUST#")
        };
        Ok(Self {
            rows: items
                .iter()
                .filter(is_row)
                .map(|item| json!(item).to_string())
                .collect(),
            subscription: subscription.to_string(),
            shared: items.iter().filter(is_shared).cloned().collect(),
            customer,
            id,
            many,
        })
    }

    fn named(&self, text: &str, number: usize) -> String {
        text.replace(USER, &format!("u{number}"))
            .replace(&self.customer, &customer(number))
            .replace(&self.id, &subscription(number))
    }

    /// The row of that key, if a copy has one.
    pub(super) fn row(&self, pk: &str, sk: &str) -> Option<Item> {
        let number = pk
            .strip_prefix("USER#u")
            .or_else(|| pk.strip_prefix("CUST#cus_s"))?;
        let number: usize = number.parse().ok().filter(|number| *number < self.many)?;
        let rows = self.rows.iter().map(|row| self.named(row, number));
        let keys = [
            format!(r#""pk":{{"S":"{pk}"}}"#),
            format!(r#""sk":{{"S":"{sk}"}}"#),
        ];
        let mut rows = rows.filter(|row| keys.iter().all(|key| row.contains(key)));
        serde_json::from_str(&rows.next()?).ok()
    }

    /// Stripe's object, renewed or not.
    pub(super) fn subscription(&self, number: usize, is_renewed: bool) -> Value {
        let object = self.named(&self.subscription, number);
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

/// A copy's customer.
pub(super) fn customer(number: usize) -> String {
    format!("cus_s{number}")
}

/// A copy's subscription.
pub(super) fn subscription(number: usize) -> String {
    format!("sub_s{number}")
}
