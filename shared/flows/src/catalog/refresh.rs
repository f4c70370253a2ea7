//! The sweep: every plan is asked for again.

use perennial_store::CatalogWrite;
use perennial_types::Answer;
use serde::Serialize;

use super::{Known, Resolver, TRIES, ask::Reference, tell_faults};
use crate::{FlowError, SweepBudget};

/// What a sweep over the plans has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RefreshedPlans {
    /// Plans and add-ons that Stripe has answered for.
    pub asked: u32,
    /// Plans and add-ons that stay as they were, because Stripe did not answer for them or the time was up.
    pub unanswered: u32,
    /// Plans and add-ons that the shop means to sell and cannot.
    pub not_offered: u32,
    /// The version of the catalog; 0 if there is none.
    pub version: u64,
    /// Whether Stripe has answered for all.
    pub complete: bool,
}

impl Resolver {
    /// Asks Stripe for each plan again and writes down what has changed. A plan that Stripe does not
    /// answer for stays as it was.
    ///
    /// Each plan that the shop means to sell and cannot is told each time, so that an alarm that looks
    /// for it stays on for as long as that is so.
    pub async fn refresh(&self, slice: SweepBudget) -> Result<RefreshedPlans, FlowError> {
        for _ in 0..TRIES {
            let Some(older) = self.table.read_catalog().await? else {
                tracing::warn!("there is no catalog of plans to refresh");
                return Ok(RefreshedPlans::default());
            };
            let answers = self.ask_for_all(&older, slice.until, slice.pace).await;
            let mut next = older.clone();
            let mut refreshed = RefreshedPlans {
                version: older.version,
                ..RefreshedPlans::default()
            };
            let mut first_unanswered = None;
            for (name, plan) in next.plans.iter_mut().filter(|(_, plan)| !plan.removed) {
                let mut unanswered = |answer: Option<&Result<Answer, String>>| {
                    refreshed.unanswered += 1;
                    let reason = answer.and_then(|answer| answer.as_ref().err().cloned());
                    first_unanswered.get_or_insert((name.clone(), reason));
                };
                let found = |of: Option<Reference>| of.and_then(|it| answers.get(&it));
                let answer = found(Reference::of(&plan.declared));
                if let Some(Ok(answer)) = answer {
                    refreshed.asked += 1;
                    plan.learn(answer.clone(), self.livemode);
                } else {
                    unanswered(answer);
                }
                for addon in plan.addons.values_mut().filter(|addon| !addon.removed) {
                    let answer = found(Reference::of_addon(&addon.declared));
                    if let Some(Ok(answer)) = answer {
                        refreshed.asked += 1;
                        addon.learn(answer.clone());
                    } else {
                        unanswered(answer);
                    }
                }
            }
            next.judge_addons(self.livemode);
            refreshed.complete = refreshed.unanswered == 0;
            if let Some((plan, reason)) = first_unanswered {
                tracing::warn!(
                    unanswered = refreshed.unanswered,
                    plan = plan.as_str(),
                    reason,
                    "Stripe did not answer for plans, which stay as they were"
                );
            }
            if !next.says_the_same(&older) {
                match self.table.write_catalog(&next, self.livemode).await? {
                    CatalogWrite::Written(version) => {
                        tracing::info!(version, "the catalog was refreshed");
                        refreshed.version = version;
                    }
                    CatalogWrite::Overtaken => continue,
                    CatalogWrite::TooLarge { size } => {
                        return Err(FlowError::CatalogTooLarge(size));
                    }
                }
            }
            refreshed.not_offered = tell_faults(&next, &older, Known::Repeated);
            return Ok(refreshed);
        }
        Err(FlowError::Busy)
    }
}
