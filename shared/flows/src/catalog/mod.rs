//! The catalog of plans, kept in step with Stripe: published from `plans.json`, refreshed by events
//! and sweeps.
//!
//! Every writer reads the catalog, asks Stripe, and writes on the condition that the catalog is still
//! the one that it has read; if it is not, it begins again. So the writer that has asked Stripe last
//! is the one whose answer stays.

mod ask;
mod events;
mod publish;
mod refresh;

use perennial_store::Table;
use perennial_stripe::Stripe;
use perennial_types::{PlanCatalog, Refusal};

pub(crate) use events::Followed;
pub use publish::{PublishError, Published};
pub use refresh::RefreshedPlans;

/// Resolves plans against Stripe, and writes the result into the table.
#[derive(Debug, Clone)]
pub struct Resolver {
    stripe: Stripe,
    table: Table,
    livemode: bool,
}

/// How often a writer begins again after another one was first.
const TRIES: u32 = 4;

impl Resolver {
    /// Puts one together.
    pub fn new(stripe: Stripe, table: Table, livemode: bool) -> Self {
        Self {
            stripe,
            table,
            livemode,
        }
    }
}

/// Whether what was known before is said once more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// By a sweep, so that an alarm stays on for as long as there is something to be done.
    Repeated,
    /// By a caller that has just changed something else.
    Passed,
}

/// Says which plans and add-ons are not offered though the shop means to sell them, and why: as an error when it
/// begins, and as a warning each time that it is found again. An alarm looks for the field `alarm`.
fn tell_faults(catalog: &PlanCatalog, older: &PlanCatalog, known: Known) -> u32 {
    let mut faults = 0;
    let mut tell = |(plan, addon): (&str, Option<&str>), refusal: &Refusal, is_new: bool| {
        faults += 1;
        let (code, reason) = (refusal.code.as_str(), &refusal.sentence);
        let alarm = "plan_not_offered";
        if is_new {
            tracing::error!(alarm, plan, addon, code, reason, "a plan is not offered");
        } else if known == Known::Repeated {
            tracing::warn!(alarm, plan, addon, code, reason, "a plan is not offered");
        }
    };
    for (name, plan) in &catalog.plans {
        let before = older.plans.get(name);
        if let Some(refusal) = plan.refusal.as_ref().filter(|it| it.code.is_a_fault()) {
            let is_new = before.is_none_or(|before| before.refusal.as_ref() != Some(refusal));
            tell((name.as_str(), None), refusal, is_new);
        }
        // Nobody buys an add-on of a plan that is not sold.
        let addons = plan.addons.iter().filter(|_| plan.refusal.is_none());
        for (addon_name, addon) in addons {
            let Some(refusal) = addon.refusal.as_ref().filter(|it| it.code.is_a_fault()) else {
                continue;
            };
            let before = before.and_then(|before| before.addons.get(addon_name));
            let is_new = before.is_none_or(|before| before.refusal.as_ref() != Some(refusal));
            let of = (name.as_str(), Some(addon_name.as_str()));
            tell(of, refusal, is_new);
        }
    }
    faults
}
