//! A plan in an answer.

use perennial_types::{
    Addon, AddonName, CancelRefund, FeatureName, Interval, Plan, PlanGroup, PlanName, PlanQuantity,
    PlanTax, TrialWithoutMethod, Wallet,
};
use serde::Serialize;

/// A plan as a page shows it, which `docs/HTTP.md` describes at `GET /plans`.
#[derive(Debug, Serialize)]
pub struct PlanBody<'a> {
    name: &'a PlanName,
    group: &'a PlanGroup,
    label: &'a str,
    amount: u64,
    currency: &'a str,
    interval: Interval,
    interval_count: u16,
    trial_days: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_without_payment_method: Option<TrialWithoutMethod>,
    wallets: Vec<Wallet>,
    cancel_refund: CancelRefund,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<PlanQuantity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addons: Vec<AddonOnPage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<PlanTax>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    features: &'a [FeatureName],
}

#[derive(Debug, Serialize)]
struct AddonOnPage<'a> {
    name: &'a AddonName,
    label: &'a str,
    amount: u64,
    maximum: u64,
    shopper_may_change: bool,
}

impl<'a> AddonOnPage<'a> {
    fn of((name, addon): (&'a AddonName, &'a Addon)) -> Self {
        Self {
            name,
            label: &addon.label,
            amount: addon.amount,
            maximum: addon.maximum,
            shopper_may_change: addon.shopper_may_change,
        }
    }
}

impl<'a> PlanBody<'a> {
    /// What a page is told of it.
    pub fn of((name, plan): (&'a PlanName, &'a Plan)) -> Self {
        Self {
            name,
            group: &plan.group,
            label: &plan.label,
            amount: plan.amount,
            currency: plan.currency.as_str(),
            interval: plan.interval,
            interval_count: plan.interval_count,
            trial_days: plan.trial_days,
            trial_without_payment_method: plan.trial_without_payment_method,
            wallets: plan.payable_with(),
            cancel_refund: plan.cancel_refund,
            quantity: plan.quantity,
            addons: plan.offered_addons().map(AddonOnPage::of).collect(),
            tax: plan.tax,
            features: &plan.features,
        }
    }
}
