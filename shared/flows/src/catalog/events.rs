//! What Stripe tells of prices and products. The catalog follows at once; the hourly sweep would find
//! the same.

use std::{collections::BTreeSet, time::Duration};

use perennial_store::CatalogWrite;
use perennial_types::{CatalogAddon, CatalogPlan, PlanCatalog, PriceId};
use tokio::time::Instant;

use super::{
    Known, Resolver, TRIES,
    ask::{Reference, is_missing},
    tell_faults,
};
use crate::FlowError;

/// A batch of events has a minute, of which this may take a part.
const LONGEST_LOOK: Duration = Duration::from_secs(8);

/// Whether an event concerned the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// It did, and the catalog says what Stripe says.
    Done,
    /// No plan depends on it.
    NoPlan,
}

impl Resolver {
    /// A price was created, changed or deleted.
    pub(crate) async fn follow_price(&self, id: &PriceId) -> Result<Followed, FlowError> {
        for _ in 0..TRIES {
            let Some(older) = self.table.read_catalog().await? else {
                return Ok(Followed::NoPlan);
            };
            let may_concern = |plan: &CatalogPlan| {
                let by_key = plan.declared.lookup_key.is_some();
                !plan.removed && (by_key || plan.declared.price.as_ref() == Some(id))
            };
            let addon_may = |addon: &CatalogAddon| {
                let by_key = addon.declared.lookup_key.is_some();
                !addon.removed && (by_key || addon.declared.price.as_ref() == Some(id))
            };
            let any = |plan: &CatalogPlan| {
                may_concern(plan) || !plan.removed && plan.addons.values().any(addon_may)
            };
            if !older.plans.values().any(any) {
                return Ok(Followed::NoPlan);
            }
            let (answer, key) = self.price(id).await?;
            let mut next = older.clone();
            let mut moved = BTreeSet::new();
            for plan in next.plans.values_mut().filter(|plan| any(plan)) {
                let wanted = plan.declared.lookup_key.clone();
                let is_its = wanted.is_none() || wanted == key;
                let had_it = plan.price.as_ref().is_some_and(|price| price.id == *id);
                if may_concern(plan) && is_its {
                    plan.learn(answer.clone(), self.livemode);
                } else if may_concern(plan) && had_it {
                    // The lookup key is no longer this price's.
                    moved.extend(wanted.map(Reference::Key));
                }
                for addon in plan.addons.values_mut().filter(|addon| addon_may(addon)) {
                    let wanted = addon.declared.lookup_key.clone();
                    let had_it = addon.price.as_ref().is_some_and(|price| price.id == *id);
                    if wanted.is_none() || wanted == key {
                        addon.learn(answer.clone());
                    } else if had_it {
                        moved.extend(wanted.map(Reference::Key));
                    }
                }
            }
            self.follow_keys(&mut next, moved).await?;
            if let Some(followed) = self.write(&older, next).await? {
                return Ok(followed);
            }
        }
        Err(FlowError::Busy)
    }

    async fn follow_keys(
        &self,
        next: &mut PlanCatalog,
        moved: BTreeSet<Reference>,
    ) -> Result<(), FlowError> {
        if moved.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + LONGEST_LOOK;
        let answers = self.ask(moved, until, Duration::ZERO).await;
        let found = |of: Option<Reference>| match of.and_then(|it| answers.get(&it)) {
            Some(Ok(answer)) => Ok(Some(answer.clone())),
            Some(Err(_)) => Err(FlowError::Busy),
            None => Ok(None),
        };
        for plan in next.plans.values_mut().filter(|plan| !plan.removed) {
            if let Some(answer) = found(Reference::of(&plan.declared))? {
                plan.learn(answer, self.livemode);
            }
            for addon in plan.addons.values_mut().filter(|addon| !addon.removed) {
                if let Some(answer) = found(Reference::of_addon(&addon.declared))? {
                    addon.learn(answer);
                }
            }
        }
        Ok(())
    }

    /// A product was changed or deleted, of which any number of plans may have prices.
    pub(crate) async fn follow_product(&self, id: &str) -> Result<Followed, FlowError> {
        for _ in 0..TRIES {
            let Some(older) = self.table.read_catalog().await? else {
                return Ok(Followed::NoPlan);
            };
            let concerns = |plan: &CatalogPlan| {
                !plan.removed && plan.price.as_ref().is_some_and(|it| it.product == id)
            };
            let addon_concerns = |addon: &CatalogAddon| {
                !addon.removed && addon.price.as_ref().is_some_and(|it| it.product == id)
            };
            let any = |plan: &CatalogPlan| {
                concerns(plan) || !plan.removed && plan.addons.values().any(addon_concerns)
            };
            if !older.plans.values().any(any) {
                return Ok(Followed::NoPlan);
            }
            let active = match self.stripe.retrieve_product(id).await {
                Ok(reply) => reply.value.active,
                Err(error) if is_missing(&error) => false,
                Err(error) => return Err(error.into()),
            };
            let mut next = older.clone();
            for plan in next.plans.values_mut().filter(|plan| any(plan)) {
                if concerns(plan) {
                    plan.learn_product(active, self.livemode);
                }
                let addons = plan.addons.values_mut();
                for addon in addons.filter(|addon| addon_concerns(addon)) {
                    addon.learn_product(active);
                }
            }
            if let Some(followed) = self.write(&older, next).await? {
                return Ok(followed);
            }
        }
        Err(FlowError::Busy)
    }

    /// Writes what has changed; nothing if another writer was first.
    async fn write(
        &self,
        older: &PlanCatalog,
        mut next: PlanCatalog,
    ) -> Result<Option<Followed>, FlowError> {
        next.judge_addons(self.livemode);
        if next.says_the_same(older) {
            return Ok(Some(Followed::Done));
        }
        match self.table.write_catalog(&next, self.livemode).await? {
            CatalogWrite::Written(version) => {
                tracing::info!(version, "the catalog follows Stripe");
                tell_faults(&next, older, Known::Passed);
                Ok(Some(Followed::Done))
            }
            CatalogWrite::Overtaken => Ok(None),
            CatalogWrite::TooLarge { size } => Err(FlowError::CatalogTooLarge(size)),
        }
    }
}
