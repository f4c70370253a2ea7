//! The catalog of plans, published past the functions.

use std::time::Duration;

use perennial_config::Dynamo;
use perennial_flows::{Published, Resolver, SweepBudget};
use perennial_store::Table;
use perennial_stripe::{Settings, Stripe};
use perennial_types::DeclaredPlans;
use tokio::time::Instant;

use crate::sandbox::StripeSandbox;

/// A resolver of its own.
pub(crate) fn resolver(stripe: &StripeSandbox, table: &str) -> Resolver {
    let base = stripe.url().parse().expect("the sandbox has an address");
    let settings = Settings::new(stripe.secret_key().into(), base);
    let stripe = Stripe::new(settings).expect("a client of Stripe");
    Resolver::new(stripe, table_at(table), false)
}

/// The table at an endpoint, as the functions reach it.
pub(crate) fn table_at(endpoint: &str) -> Table {
    let dynamo = Dynamo::local("perennial", endpoint).expect("the endpoint is on this machine");
    Table::new(&dynamo.table, &dynamo.aws)
}

/// Publishes what `plans.json` says.
pub(crate) async fn publish_with(resolver: &Resolver, plans: &str) -> Result<Published, String> {
    let declared = DeclaredPlans::parse(plans.as_bytes()).map_err(|error| error.to_string())?;
    let published = resolver.publish(&declared, without_pace()).await;
    published.map_err(|error| format!("{error} ({error:?})"))
}

/// How many plans the demo shop sells, which are those of an app unless it is given others.
pub fn demo_plans() -> usize {
    let plans = include_str!("../../local/src/plans.json");
    let plans: serde_json::Value = serde_json::from_str(plans).expect("the plans of the demo");
    plans.as_object().map_or(0, serde_json::Map::len)
}

/// How many of them are offered to everybody.
pub fn demo_plans_for_all() -> usize {
    let plans = include_str!("../../local/src/plans.json");
    let plans: serde_json::Value = serde_json::from_str(plans).expect("the plans of the demo");
    let plans = plans.as_object().into_iter().flatten();
    plans.filter(|(_, plan)| plan["private"] != true).count()
}

/// How many prices Stripe is asked for, with those of the add-ons.
pub fn demo_prices() -> usize {
    let plans = include_str!("../../local/src/plans.json");
    let plans: serde_json::Value = serde_json::from_str(plans).expect("the plans of the demo");
    let plans = plans.as_object().into_iter().flatten();
    let addons = plans.map(|(_, plan)| plan["addons"].as_object().map_or(0, serde_json::Map::len));
    demo_plans() + addons.sum::<usize>()
}

/// A slice that asks Stripe as quickly as it can.
pub fn without_pace() -> SweepBudget {
    SweepBudget {
        until: Instant::now() + Duration::from_mins(1),
        pace: Duration::ZERO,
    }
}
