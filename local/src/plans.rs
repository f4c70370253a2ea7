//! What the demo shop sells, and that Stripe has prices for it.

use perennial_stripe::{CreatePrice, CreateProduct, IdempotencyKey, Stripe, StripeError};
use perennial_types::Plans;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::gateway::PlanInfo;

/// The guide's example and the same with a free trial.
///
/// Both are of one group, since they sell the same thing: whoever has the one cannot buy the other
/// beside it, as in a real shop. The demo's second user can.
const DEMO: &str = include_str!("plans.json");

/// Why there is nothing to sell.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// `PLANS`, or the demo's plans, cannot be read.
    #[error("PLANS is malformed")]
    Malformed(#[source] serde_json::Error),
    /// Stripe did not give or take a price.
    #[error("the price of the plan {plan} could not be set up at Stripe")]
    Stripe {
        /// The plan.
        plan: String,
        /// What Stripe said.
        #[source]
        source: Box<StripeError>,
    },
    /// The plan's name makes no idempotency key.
    #[error("the plan {0} cannot be named at Stripe")]
    Name(String),
}

/// A plan that does not know its price yet.
#[derive(Deserialize)]
struct Draft {
    label: String,
    amount: i64,
    currency: String,
    interval: String,
    interval_count: u32,
}

impl Draft {
    /// The name under which the price is found again.
    ///
    /// It says what the price is, because a price cannot change: another amount is another price.
    fn lookup_key(&self, plan: &str) -> String {
        let Self {
            amount,
            currency,
            interval,
            interval_count,
            ..
        } = self;
        format!("perennial-demo:{plan}:{amount}-{currency}:{interval_count}-{interval}")
    }
}

/// The demo's plans as `PLANS` wants them, with prices that exist at Stripe.
///
/// Two starts find the same price; two at the same time create one, as they send the same key.
pub(crate) async fn set_up(stripe: &Stripe) -> Result<String, PlansError> {
    let mut plans: Map<String, Value> =
        serde_json::from_str(DEMO).map_err(PlansError::Malformed)?;
    for (name, plan) in &mut plans {
        let draft: Draft = serde_json::from_value(plan.clone()).map_err(PlansError::Malformed)?;
        let price = price(stripe, name, &draft).await?;
        if let Some(plan) = plan.as_object_mut() {
            plan.insert("price".to_owned(), Value::String(price));
        }
    }
    Ok(Value::Object(plans).to_string())
}

async fn price(stripe: &Stripe, plan: &str, draft: &Draft) -> Result<String, PlansError> {
    let failed = |source| PlansError::Stripe {
        plan: plan.to_owned(),
        source: Box::new(source),
    };
    let lookup_key = draft.lookup_key(plan);
    let known = stripe
        .list_prices_by_lookup_key(&lookup_key)
        .await
        .map_err(failed)?;
    if let Some(price) = known.value.data.into_iter().find(|price| price.active) {
        return Ok(price.id.to_string());
    }
    let key = |what: &str| {
        IdempotencyKey::new(&format!("{what}:{lookup_key}"))
            .map_err(|_| PlansError::Name(plan.to_owned()))
    };
    let product = CreateProduct {
        name: &draft.label,
        plan,
    }
    .freeze(key("product")?);
    let product = stripe.create_product(&product).await.map_err(failed)?;
    let price = CreatePrice {
        product: &product.value.id,
        currency: &draft.currency,
        unit_amount: draft.amount,
        interval: &draft.interval,
        interval_count: draft.interval_count,
        lookup_key: &lookup_key,
        plan,
    };
    let price = stripe
        .create_price(&price.freeze(key("price")?))
        .await
        .map_err(failed)?;
    Ok(price.value.id.to_string())
}

/// The plans as the demo shop's page shows them; whatever `PLANS` says is checked here as well.
pub(crate) fn for_the_page(plans: &str) -> Result<Vec<PlanInfo>, PlansError> {
    let plans: Plans = serde_json::from_str(plans).map_err(PlansError::Malformed)?;
    let json = serde_json::to_value(&plans).map_err(PlansError::Malformed)?;
    let json = json.as_object().cloned().unwrap_or_default();
    json.into_iter()
        .map(|(name, plan)| {
            let mut plan = plan;
            if let Some(plan) = plan.as_object_mut() {
                plan.insert("name".to_owned(), Value::String(name));
            }
            serde_json::from_value(plan).map_err(PlansError::Malformed)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_sells_the_guides_example_and_one_with_a_trial() {
        let with_prices = DEMO.replace("\"label\"", "\"price\": \"price_1\", \"label\"");
        let plans = for_the_page(&with_prices).unwrap();
        let seen: Vec<_> = plans
            .iter()
            .map(|p| (p.name.as_str(), p.amount, p.currency.as_str(), p.trial_days))
            .collect();
        assert_eq!(
            seen,
            [
                ("stock-photos-monthly", 1500, "usd", 0),
                ("stock-photos-trial", 1500, "usd", 14)
            ]
        );
        assert_eq!(plans[0].group, plans[1].group);
    }

    #[test]
    fn another_amount_is_another_price() {
        let draft = |amount| Draft {
            label: "x".into(),
            amount,
            currency: "usd".into(),
            interval: "month".into(),
            interval_count: 1,
        };
        assert_ne!(draft(1500).lookup_key("a"), draft(1600).lookup_key("a"));
    }
}
