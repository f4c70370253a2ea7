//! A new `plans.json`: all of it, or nothing.

use perennial_store::{CatalogWrite, LARGEST_CATALOG, StoreError};
use perennial_types::{Answer, CatalogPlan, DeclaredPlans, PlanCatalog, PlanName};
use thiserror::Error;
use tokio::time::Instant;

use super::{
    Known, Resolver, TRIES,
    ask::{Answers, Reference},
    tell_faults,
};
use crate::SweepBudget;

/// What was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The version of the catalog.
    pub version: u64,
    /// Whether it is a new one.
    pub changed: bool,
    /// How many plans there are, those that are no longer in the file included.
    pub plans: usize,
    /// How many the shop means to sell and cannot.
    pub faults: u32,
}

/// Why nothing was published. The older version stays.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A plan's price does not exist.
    #[error("plan {plan}, field {field}: {sentence}")]
    NoSuchPrice {
        /// The plan.
        plan: PlanName,
        /// `price` or `lookup_key`, or `addons`.
        field: &'static str,
        /// What is missing.
        sentence: String,
    },
    /// Stripe did not say what a price is.
    #[error("plan {plan}: Stripe did not answer for its price ({reason}). Try again.")]
    Unanswered {
        /// The plan.
        plan: PlanName,
        /// What happened.
        reason: String,
    },
    /// The plans are more than an item of the table holds.
    #[error(
        "the plans take {size} bytes in the table, of which there are {LARGEST_CATALOG}: use shorter labels, or fewer plans"
    )]
    TooLarge {
        /// In bytes.
        size: usize,
    },
    /// Other writers were quicker each time.
    #[error("the catalog was changed by others at the same time. Try again.")]
    Busy,
    /// The table did not answer.
    #[error("the table did not answer. Try again.")]
    Store(#[from] StoreError),
}

impl Resolver {
    /// Resolves the plans of a file and makes them the catalog. Publishing the same again changes
    /// nothing. A plan whose price exists and does not agree is published as not offered; one whose
    /// price does not exist, or is not answered for, keeps everything as it was. The first catalog also
    /// says of which of Stripe's modes the table is.
    pub async fn publish(
        &self,
        declared: &DeclaredPlans,
        slice: SweepBudget,
    ) -> Result<Published, PublishError> {
        self.table.claim_mode(self.livemode).await?;
        for _ in 0..TRIES {
            let older = self.table.read_catalog().await?.unwrap_or_default();
            let next = self.resolve(declared, &older, slice).await?;
            let plans = next.plans.len();
            if older.version > 0 && next.says_the_same(&older) {
                return Ok(Published {
                    version: older.version,
                    changed: false,
                    plans,
                    faults: tell_faults(&next, &older, Known::Passed),
                });
            }
            match self.table.write_catalog(&next, self.livemode).await? {
                CatalogWrite::Written(version) => {
                    tracing::info!(version, plans, "the catalog was published");
                    return Ok(Published {
                        version,
                        changed: true,
                        plans,
                        faults: tell_faults(&next, &older, Known::Passed),
                    });
                }
                CatalogWrite::TooLarge { size } => return Err(PublishError::TooLarge { size }),
                CatalogWrite::Overtaken => {
                    if Instant::now() >= slice.until {
                        break;
                    }
                }
            }
        }
        Err(PublishError::Busy)
    }

    async fn resolve(
        &self,
        declared: &DeclaredPlans,
        older: &PlanCatalog,
        slice: SweepBudget,
    ) -> Result<PlanCatalog, PublishError> {
        let mut next = older.declare(declared);
        let answers = self.ask_for_all(&next, slice.until, slice.pace).await;
        for (name, plan) in &mut next.plans {
            let answer = Reference::of(&plan.declared).and_then(|it| answers.get(&it));
            let answer = match answer {
                Some(Ok(answer)) => answer.clone(),
                Some(Err(reason)) => {
                    return Err(PublishError::Unanswered {
                        plan: name.clone(),
                        reason: reason.clone(),
                    });
                }
                None => {
                    return Err(PublishError::Unanswered {
                        plan: name.clone(),
                        reason: "no time was left".to_owned(),
                    });
                }
            };
            let is_there = matches!(answer, Answer::Price(_));
            plan.learn(answer, self.livemode);
            if !is_there {
                let by_id = plan.declared.price.is_some();
                return Err(PublishError::NoSuchPrice {
                    plan: name.clone(),
                    field: if by_id { "price" } else { "lookup_key" },
                    sentence: plan.why_missing(),
                });
            }
            resolve_addons(name, plan, &answers)?;
        }
        next.keep_removed(older);
        next.judge_addons(self.livemode);
        Ok(next)
    }
}

/// Takes what Stripe answered for the add-ons of a plan.
fn resolve_addons(
    name: &PlanName,
    plan: &mut CatalogPlan,
    answers: &Answers,
) -> Result<(), PublishError> {
    for addon in plan.addons.values_mut().filter(|addon| !addon.removed) {
        let answer = Reference::of_addon(&addon.declared).and_then(|it| answers.get(&it));
        let unanswered = |reason: &str| PublishError::Unanswered {
            plan: name.clone(),
            reason: reason.to_owned(),
        };
        let answer = match answer {
            Some(Ok(answer)) => answer.clone(),
            Some(Err(reason)) => return Err(unanswered(reason)),
            None => return Err(unanswered("no time was left")),
        };
        if answer == Answer::Missing {
            return Err(PublishError::NoSuchPrice {
                plan: name.clone(),
                field: "addons",
                sentence: addon.why_missing(),
            });
        }
        addon.learn(answer);
    }
    Ok(())
}
