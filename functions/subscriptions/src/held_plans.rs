//! The plans of what a user has, whoever else they are offered to.

use std::{collections::BTreeSet, sync::Arc};

use perennial_http::PlanBody;
use perennial_types::{PlanName, Plans, PriceId, Subscription};
use serde::{Serialize, Serializer};

/// The plans that subscriptions which have not ended have, or are going to have.
pub(crate) struct HeldPlans {
    catalog: Arc<Plans>,
    names: BTreeSet<PlanName>,
}

impl HeldPlans {
    /// Those of subscriptions that are named by these plans.
    pub(crate) fn of(subscriptions: &[Subscription], catalog: &Arc<Plans>) -> Self {
        let live = subscriptions.iter().filter(|it| !it.status.is_terminal());
        let held = live.flat_map(|it| {
            let now = it.plan.as_ref().map(|plan| (plan, it.charged()));
            let to_come = it.pending_change.as_ref();
            let then = to_come.and_then(|then| {
                let price = std::slice::from_ref(&then.price);
                then.plan.as_ref().map(|plan| (plan, price))
            });
            now.into_iter().chain(then)
        });
        let may_know = |name: &PlanName, prices: &[PriceId]| {
            let found = catalog.get(name.as_str());
            // What a private plan costs today is for those alone who pay it, or to whom it is offered.
            found.is_some_and(|(_, plan)| !plan.private || prices.contains(&plan.price))
        };
        let known = held.filter(|(name, prices)| may_know(name, prices));
        Self {
            names: known.map(|(name, _)| name.clone()).collect(),
            catalog: Arc::clone(catalog),
        }
    }
}

impl Serialize for HeldPlans {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plans = self.names.iter().map(PlanName::as_str);
        let found = plans.filter_map(|name| self.catalog.get(name));
        serializer.collect_seq(found.map(PlanBody::of))
    }
}
