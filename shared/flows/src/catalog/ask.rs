//! Asking Stripe for the prices of many plans: each price id once, ten lookup keys at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use perennial_stripe::{Price, StripeError};
use perennial_types::{
    Answer, CatalogPlan, DeclaredAddon, DeclaredPlan, Interval, PlanCatalog, PriceId, PriceKind,
    RefusalCode, StripePrice, Terms,
};
use tokio::{task::JoinSet, time::Instant};

use super::Resolver;

/// Stripe lists the prices of at most ten lookup keys
/// (<https://docs.stripe.com/api/prices/list#list_prices-lookup_keys>).
const KEYS_AT_ONCE: usize = 10;

/// How a price is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    Id(PriceId),
    Key(String),
}

impl Reference {
    /// How the price of a plan is found.
    pub(super) fn of(plan: &DeclaredPlan) -> Option<Self> {
        let by_key = || plan.lookup_key.clone().map(Self::Key);
        plan.price.clone().map(Self::Id).or_else(by_key)
    }

    /// How the price of an add-on is found.
    pub(super) fn of_addon(addon: &DeclaredAddon) -> Option<Self> {
        let by_key = || addon.lookup_key.clone().map(Self::Key);
        addon.price.clone().map(Self::Id).or_else(by_key)
    }

    /// How the prices of a plan and its add-ons are found, of those that are in the file.
    fn all_of(plan: &CatalogPlan) -> impl Iterator<Item = Self> {
        let addons = plan.addons.values().filter(|addon| !addon.removed);
        let addons = addons.filter_map(|addon| Self::of_addon(&addon.declared));
        Self::of(&plan.declared).into_iter().chain(addons)
    }
}

/// What Stripe answered to each reference, or why it did not. One that is not there was not asked for,
/// because the time was up.
pub(super) type Answers = BTreeMap<Reference, Result<Answer, String>>;

/// One call.
enum Question {
    Id(PriceId),
    Keys(Vec<String>),
}

impl Resolver {
    /// Asks for the price of each plan that is in the file, one call begun every `pace`, until the
    /// time is up.
    pub(super) async fn ask_for_all(
        &self,
        catalog: &PlanCatalog,
        until: Instant,
        pace: Duration,
    ) -> Answers {
        let plans = catalog.plans.values().filter(|plan| !plan.removed);
        let references = plans.flat_map(Reference::all_of);
        self.ask(references.collect(), until, pace).await
    }

    /// Asks for these, with several calls under way at once.
    pub(super) async fn ask(
        &self,
        references: BTreeSet<Reference>,
        until: Instant,
        pace: Duration,
    ) -> Answers {
        let mut calls = JoinSet::new();
        let mut next = Instant::now();
        for question in questions(references) {
            tokio::time::sleep_until(next).await;
            next += pace;
            if Instant::now() >= until {
                break;
            }
            let resolver = Self {
                stripe: self.stripe.with_deadline(until),
                ..self.clone()
            };
            calls.spawn(async move { resolver.answer(question).await });
        }
        let mut answers = Answers::new();
        while let Some(answered) = calls.join_next().await {
            answers.extend(answered.unwrap_or_default());
        }
        answers
    }

    async fn answer(&self, question: Question) -> Answers {
        match question {
            Question::Id(id) => {
                let answer = self.price(&id).await.map(|(answer, _)| answer);
                let answer = answer.map_err(|error| error.to_string());
                Answers::from([(Reference::Id(id), answer)])
            }
            Question::Keys(keys) => self.listed(keys).await,
        }
    }

    /// The price of this id and its lookup key.
    pub(super) async fn price(
        &self,
        id: &PriceId,
    ) -> Result<(Answer, Option<String>), StripeError> {
        match self.stripe.retrieve_price(id).await {
            Ok(reply) => {
                let key = reply.value.lookup_key.clone();
                Ok((Answer::Price(read(&reply.value)), key))
            }
            Err(error) if is_missing(&error) => Ok((Answer::Missing, None)),
            Err(error) => Err(error),
        }
    }

    async fn listed(&self, keys: Vec<String>) -> Answers {
        let asked: Vec<&str> = keys.iter().map(String::as_str).collect();
        let listed = self.stripe.list_prices_by_lookup_keys(&asked).await;
        let listed = listed
            .map(|reply| reply.value.data)
            .map_err(|error| error.to_string());
        let answer_to = |key: &str| {
            let mut prices = listed.as_ref().map_err(Clone::clone)?.iter();
            let price = prices.find(|price| price.lookup_key.as_deref() == Some(key));
            Ok(price.map_or(Answer::Missing, |price| Answer::Price(read(price))))
        };
        let answers = keys.iter().map(|key| answer_to(key)).collect::<Vec<_>>();
        keys.into_iter().map(Reference::Key).zip(answers).collect()
    }
}

fn questions(references: BTreeSet<Reference>) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut keys = Vec::new();
    for reference in references {
        match reference {
            Reference::Id(id) => questions.push(Question::Id(id)),
            Reference::Key(key) => keys.push(key),
        }
    }
    questions.extend(
        keys.chunks(KEYS_AT_ONCE)
            .map(|keys| Question::Keys(keys.to_vec())),
    );
    questions
}

/// Whether Stripe says that there is no such object.
pub(super) fn is_missing(error: &StripeError) -> bool {
    error.code() == Some("resource_missing")
        || matches!(error, StripeError::Invalid { status: 404, .. })
}

/// What counts of a price.
fn read(price: &Price) -> StripePrice {
    let product = price.product.as_ref();
    StripePrice {
        id: price.id.clone(),
        product: product.map_or_else(String::new, |product| product.id().clone()),
        active: price.active,
        product_active: product
            .and_then(|product| product.object())
            .is_some_and(|product| product.active),
        livemode: price.livemode,
        kind: terms(price).map_or_else(PriceKind::Unfit, PriceKind::Terms),
    }
}

fn terms(price: &Price) -> Result<Terms, RefusalCode> {
    let recurring = price.recurring.as_ref();
    let recurring = recurring.ok_or(RefusalCode::PriceNotRecurring)?;
    if recurring.usage_type.as_deref() == Some("metered") {
        return Err(RefusalCode::PriceMetered);
    }
    let scheme = price.billing_scheme.as_deref().unwrap_or("per_unit");
    if scheme != "per_unit" || price.transform_quantity.is_some() {
        return Err(RefusalCode::PriceNotPerUnit);
    }
    let amount = price
        .unit_amount
        .and_then(|amount| u64::try_from(amount).ok());
    Ok(Terms {
        amount: amount
            .filter(|amount| *amount > 0)
            .ok_or(RefusalCode::PriceWithoutAmount)?,
        currency: price
            .currency
            .parse()
            .map_err(|_| RefusalCode::PriceWithoutAmount)?,
        interval: match recurring.interval.as_str() {
            "day" => Interval::Day,
            "week" => Interval::Week,
            "month" => Interval::Month,
            "year" => Interval::Year,
            _ => return Err(RefusalCode::PriceNotRecurring),
        },
        interval_count: u16::try_from(recurring.interval_count)
            .map_err(|_| RefusalCode::PriceNotRecurring)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn price(changes: &Value) -> StripePrice {
        let mut price = json!({
            "id": "price_1", "object": "price", "active": true, "billing_scheme": "per_unit", "currency": "usd",
            "livemode": false, "lookup_key": null, "transform_quantity": null, "unit_amount": 1500,
            "product": {"id": "prod_1", "object": "product", "active": true, "livemode": false, "name": "Photos"},
            "recurring": {"interval": "month", "interval_count": 3, "usage_type": "licensed", "meter": null},
        });
        let fields = price.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        read(&serde_json::from_value(price).unwrap())
    }

    #[test]
    fn a_price_by_the_interval_has_terms() {
        let read = price(&json!({}));
        let terms = Terms {
            amount: 1500,
            currency: "usd".parse().unwrap(),
            interval: Interval::Month,
            interval_count: 3,
        };
        assert_eq!(read.kind, PriceKind::Terms(terms));
        assert!(read.active && read.product_active && !read.livemode);
        assert_eq!(read.product, "prod_1");
    }

    #[test]
    fn each_interval_of_stripe_is_known() {
        for (name, interval) in [
            ("day", Interval::Day),
            ("week", Interval::Week),
            ("month", Interval::Month),
            ("year", Interval::Year),
        ] {
            let recurring = json!({"interval": name, "interval_count": 1});
            let PriceKind::Terms(terms) = price(&json!({ "recurring": recurring })).kind else {
                panic!("{name} is not known")
            };
            assert_eq!((terms.interval, terms.interval_count), (interval, 1));
        }
    }

    #[test]
    fn any_other_price_is_unfit_and_says_why() {
        let metered = json!({"interval": "month", "interval_count": 1, "usage_type": "metered"});
        for (changes, code) in [
            (json!({"recurring": null}), RefusalCode::PriceNotRecurring),
            (json!({"recurring": metered}), RefusalCode::PriceMetered),
            (
                json!({"billing_scheme": "tiered", "unit_amount": null}),
                RefusalCode::PriceNotPerUnit,
            ),
            (
                json!({"transform_quantity": {"divide_by": 10, "round": "up"}}),
                RefusalCode::PriceNotPerUnit,
            ),
            // A fraction of a cent.
            (
                json!({"unit_amount": null}),
                RefusalCode::PriceWithoutAmount,
            ),
            (json!({"unit_amount": 0}), RefusalCode::PriceWithoutAmount),
        ] {
            assert_eq!(price(&changes).kind, PriceKind::Unfit(code), "{changes}");
        }
    }

    #[test]
    fn a_product_that_is_deleted_or_not_told_is_not_active() {
        for product in [json!({"id": "prod_1", "deleted": true}), json!("prod_1")] {
            let read = price(&json!({ "product": product }));
            assert!(!read.product_active);
            assert_eq!(read.product, "prod_1");
        }
    }

    #[test]
    fn ten_lookup_keys_are_one_question() {
        let keys = (0..25).map(|number| Reference::Key(format!("key {number:02}")));
        let ids = (0..3).map(|number| Reference::Id(format!("price_{number}").parse().unwrap()));
        let asked = questions(keys.chain(ids).collect());
        let sizes: Vec<usize> = asked
            .iter()
            .map(|question| match question {
                Question::Id(_) => 1,
                Question::Keys(keys) => keys.len(),
            })
            .collect();
        assert_eq!(sizes, [1, 1, 1, 10, 10, 5]);
    }
}
