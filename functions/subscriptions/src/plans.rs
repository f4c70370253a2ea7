//! What is offered, for signed-out visitors too.

use perennial_http::Response;
use perennial_types::{
    Addon, AddonName, CancelRefund, FeatureName, Interval, Plan, PlanGroup, PlanName, PlanQuantity,
    PlanTax, Plans, TrialWithoutMethod, Wallet,
};
use serde::Serialize;

/// How long a page's price may be behind, beside the minute that a function is.
const CACHED_SECONDS: u32 = 60;

#[derive(Serialize)]
struct Offered<'a> {
    version: u64,
    plans: Vec<PlanOnPage<'a>>,
}

#[derive(Serialize)]
struct PlanOnPage<'a> {
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

#[derive(Serialize)]
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

/// The plans that are offered, and the version of the catalog.
pub(crate) fn answer(plans: &Plans) -> Response {
    let offered = Offered {
        version: plans.version(),
        plans: plans.offered().map(PlanOnPage::of).collect(),
    };
    Response::json(200, &offered).cached_for(CACHED_SECONDS)
}

impl<'a> PlanOnPage<'a> {
    fn of((name, plan): (&'a PlanName, &'a Plan)) -> Self {
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
