//! What the shop sells here: the file of `--plans`, or the demo's plans with prices that are created
//! for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use perennial_flows::{Clients, PublishError, Resolver, SweepBudget};
use perennial_store::Table;
use perennial_stripe::{
    CreateCoupon, CreatePrice, CreateProduct, CreatePromotionCode, IdempotencyKey, Stripe,
    StripeError,
};
use perennial_types::{
    Clock, DeclaredAddon, DeclaredPlan, DeclaredPlans, Interval, PlanName, PlansFileError,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The guide's example, the same with a free trial, for a team and for a year; and something else.
///
/// What sells the same thing is of one group: whoever has one of them cannot buy another beside it, and
/// changes to it, as in a real shop. The wallpapers can be had beside, for less by whom they are
/// offered to as a partner, and the video clips, which have taxes on top of their price.
const DEMO: &str = include_str!("plans.json");

/// What a newcomer can type in: less for some months, and a first period for nothing, which is for a first order.
const DEMO_CODES: [(CreateCoupon<'static>, CreatePromotionCode<'static>); 2] = [
    (
        CreateCoupon {
            id: "perennial-demo-20",
            name: "Welcome",
            percent_off: 20,
            months: Some(3),
        },
        CreatePromotionCode {
            coupon: "perennial-demo-20",
            code: "WELCOME20",
            first_time: false,
        },
    ),
    (
        CreateCoupon {
            id: "perennial-demo-free",
            name: "First one free",
            percent_off: 100,
            months: None,
        },
        CreatePromotionCode {
            coupon: "perennial-demo-free",
            code: "FIRSTFREE",
            first_time: true,
        },
    ),
];

/// How often the file is looked at. The functions then see a change within a minute, as on AWS.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long Stripe may take for all plans of a file.
const LONGEST: Duration = Duration::from_secs(90);

/// Why there is nothing to sell.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// The file cannot be read.
    #[error("{file} cannot be read")]
    Unreadable {
        /// Its path.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file has a mistake.
    #[error("{file}: {reason}")]
    Malformed {
        /// Its path.
        file: String,
        /// What is wrong.
        reason: PlansFileError,
    },
    /// A plan could not be resolved, or not be written down.
    #[error("{file}: {reason}")]
    Unpublished {
        /// Its path.
        file: String,
        /// What is wrong.
        reason: PublishError,
    },
    /// Stripe did not give or take a price of the demo.
    #[error("the price of the plan {plan} could not be set up at Stripe")]
    Stripe {
        /// The plan.
        plan: PlanName,
        /// What Stripe said.
        #[source]
        source: Box<StripeError>,
    },
    /// The demo's plan says too little for a price.
    #[error("the plan {0} of the demo does not say what its price is")]
    Demo(PlanName),
}

/// Publishes the plans of the file, or the demo's without one.
pub(crate) async fn publish(
    stripe: &Stripe,
    resolver: &Resolver,
    file: Option<&Path>,
) -> Result<(), PlansError> {
    let Some(file) = file else {
        let demo = parse("the demo's plans", DEMO.as_bytes())?;
        for (name, plan) in demo.iter() {
            create_price(stripe, name, plan).await?;
            for addon in plan.addons.values() {
                create_price(stripe, name, &priced_as(addon, plan)).await?;
            }
        }
        create_codes(stripe).await;
        return publish_declared("the demo's plans", resolver, &demo).await;
    };
    let bytes = read(file).await?;
    publish_bytes(file, resolver, &bytes).await
}

/// Gives the customer portal its configuration, as `reconcile` does on AWS. Without one it opens with the account's.
pub(crate) async fn keep_portal(stripe: &Stripe, table: Table) {
    let clients = Clients::new(stripe.clone(), table, Clock::system(), false);
    let context = clients.begin_without_plans();
    if let Err(error) = context.portal().keep().await {
        let reason = error.chain();
        tracing::warn!(
            reason,
            "the customer portal has no configuration of its own"
        );
    }
}

/// Publishes the file again whenever it has changed. A mistake in it is told in the log, and the plans
/// stay as they were.
pub(crate) fn keep_published(
    file: PathBuf,
    resolver: Resolver,
    mut stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut published = read(&file).await.unwrap_or_default();
        let mut told = None;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
            let result = match read(&file).await {
                Ok(bytes) if bytes == published => continue,
                Ok(bytes) => publish_bytes(&file, &resolver, &bytes)
                    .await
                    .map(|()| published = bytes),
                Err(error) => Err(error),
            };
            let problem = result.err().map(|error| error.to_string());
            if problem != told
                && let Some(problem) = &problem
            {
                tracing::error!(problem, "the plans stay as they were");
            }
            told = problem;
        }
    })
}

async fn read(file: &Path) -> Result<Vec<u8>, PlansError> {
    let path = file.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    let read = read.unwrap_or_else(|_| Err(std::io::ErrorKind::Interrupted.into()));
    read.map_err(|source| PlansError::Unreadable {
        file: file.display().to_string(),
        source,
    })
}

async fn publish_bytes(file: &Path, resolver: &Resolver, bytes: &[u8]) -> Result<(), PlansError> {
    let name = file.display().to_string();
    publish_declared(&name, resolver, &parse(&name, bytes)?).await
}

fn parse(file: &str, bytes: &[u8]) -> Result<DeclaredPlans, PlansError> {
    DeclaredPlans::parse(bytes).map_err(|reason| PlansError::Malformed {
        file: file.to_owned(),
        reason,
    })
}

async fn publish_declared(
    file: &str,
    resolver: &Resolver,
    plans: &DeclaredPlans,
) -> Result<(), PlansError> {
    let published = resolver.publish(plans, SweepBudget::of(LONGEST)).await;
    published
        .map(drop)
        .map_err(|reason| PlansError::Unpublished {
            file: file.to_owned(),
            reason,
        })
}

/// An add-on, with what it has of its plan.
fn priced_as(addon: &DeclaredAddon, plan: &DeclaredPlan) -> DeclaredPlan {
    DeclaredPlan {
        label: addon.label.clone(),
        price: addon.price.clone(),
        lookup_key: addon.lookup_key.clone(),
        amount: addon.amount,
        ..plan.clone()
    }
}

/// Creates the price of a demo plan, unless there is one.
///
/// Two starts find the same price; two at the same time create one, as they send the same key. The
/// lookup key says what the price is, because a price cannot change: another amount is another price.
async fn create_price(
    stripe: &Stripe,
    name: &PlanName,
    plan: &DeclaredPlan,
) -> Result<(), PlansError> {
    let failed = |source| PlansError::Stripe {
        plan: name.clone(),
        source: Box::new(source),
    };
    let unclear = || PlansError::Demo(name.clone());
    let lookup_key = plan.lookup_key.as_deref().ok_or_else(unclear)?;
    let known = stripe
        .list_prices_by_lookup_keys(&[lookup_key])
        .await
        .map_err(failed)?;
    if known.value.data.iter().any(|price| price.active) {
        return Ok(());
    }
    let key = |what: &str| {
        IdempotencyKey::new(&format!("{what}:{lookup_key}"))
            .map_err(|_| PlansError::Demo(name.clone()))
    };
    let product = CreateProduct {
        name: &plan.label,
        plan: name.as_str(),
    }
    .freeze(key("product")?);
    let product = stripe.create_product(&product).await.map_err(failed)?;
    let currency = plan.currency.ok_or_else(unclear)?;
    let price = CreatePrice {
        product: &product.value.id,
        currency: currency.as_str(),
        unit_amount: plan
            .amount
            .and_then(|amount| i64::try_from(amount).ok())
            .ok_or_else(unclear)?,
        interval: match plan.interval.ok_or_else(unclear)? {
            Interval::Day => "day",
            Interval::Week => "week",
            Interval::Month => "month",
            Interval::Year => "year",
        },
        interval_count: plan.interval_count.unwrap_or(1).into(),
        tax_behavior: plan.tax.map(|_| "exclusive"),
        lookup_key,
        plan: name.as_str(),
    };
    stripe
        .create_price(&price.freeze(key("price")?))
        .await
        .map_err(failed)?;
    Ok(())
}

/// Creates the promotion codes of the demo, unless there are some. The shop sells without them, too, so a key that may
/// not create any is told of in the log.
async fn create_codes(stripe: &Stripe) {
    for (coupon, code) in DEMO_CODES {
        // A code that somebody has ended since is not made again.
        let known = stripe.list_promotion_codes(code.code).await;
        if known.is_ok_and(|known| !known.value.data.is_empty()) {
            continue;
        }
        let made = match stripe.create_coupon(&coupon).await {
            Ok(_) => stripe.create_promotion_code(&code).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = made
            && !exists_already(&error)
        {
            let coupon = coupon.id;
            tracing::warn!(coupon, error = %error, "a promotion code of the demo could not be set up");
        }
    }
}

/// A coupon's id and a code's words are taken once.
fn exists_already(error: &StripeError) -> bool {
    error.code() == Some("resource_already_exists")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_sells_the_guides_example_with_what_to_change_to_and_something_beside() {
        let plans = parse("demo", DEMO.as_bytes()).unwrap();
        let seen: Vec<_> = plans
            .iter()
            .map(|(name, plan)| {
                (
                    name.as_str(),
                    plan.group.as_str(),
                    plan.amount,
                    plan.trial_days,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("stock-photos-monthly", "stock-photos", Some(1500), 0),
                ("stock-photos-team", "stock-photos", Some(2900), 0),
                ("stock-photos-trial", "stock-photos", Some(1500), 14),
                ("stock-photos-yearly", "stock-photos", Some(15_000), 0),
                ("video-clips-monthly", "video-clips", Some(900), 0),
                ("wallpapers-monthly", "wallpapers", Some(400), 0),
                ("wallpapers-partner", "wallpapers", Some(300), 0),
            ]
        );
    }

    #[test]
    fn another_amount_is_another_price() {
        for (name, plan) in parse("demo", DEMO.as_bytes()).unwrap().iter() {
            let (amount, count) = (plan.amount.unwrap(), plan.interval_count.unwrap());
            let interval = plan.interval.unwrap().as_str();
            let key = format!("perennial-demo:{name}:{amount}-usd:{count}-{interval}");
            assert_eq!(plan.lookup_key, Some(key));
            for (addon, declared) in &plan.addons {
                let amount = declared.amount.unwrap();
                let key = format!("perennial-demo:{name}-{addon}:{amount}-usd:{count}-{interval}");
                assert_eq!(declared.lookup_key, Some(key));
            }
        }
    }
}
