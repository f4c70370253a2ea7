//! From Stripe's subscription to the shop's.

use perennial_stripe::metadata;
use perennial_types::{AttemptId, Plans, Subscription, Timestamp};

/// The attempt that a subscription came of.
pub(crate) fn attempt_of(subscription: &perennial_stripe::Subscription) -> Option<AttemptId> {
    subscription.metadata.get(metadata::ATTEMPT)?.parse().ok()
}

/// What the shop sees of Stripe's subscription. The plan is the one it was made for, or else the
/// one with its price.
pub(crate) fn read_model(
    plans: &Plans,
    subscription: &perennial_stripe::Subscription,
) -> Subscription {
    let price = subscription.price_id();
    let named = subscription
        .metadata
        .get(metadata::PLAN)
        .and_then(|name| plans.get(name));
    let plan = named
        .or_else(|| plans.by_price(price?))
        .map(|(name, _)| name.clone());
    let period = subscription.current_period();
    Subscription {
        id: subscription.id.clone(),
        status: subscription.status.as_str().to_owned().into(),
        plan,
        price: price.cloned(),
        wallet: subscription
            .metadata
            .get(metadata::WALLET)
            .and_then(|name| name.parse().ok()),
        current_period_start: period.map(|period| Timestamp::from_unix(period.start)),
        current_period_end: period.map(|period| Timestamp::from_unix(period.end)),
        trial_end: subscription.trial_end.map(Timestamp::from_unix),
        cancel_at_period_end: subscription.cancel_at_period_end,
        latest_invoice_status: subscription
            .latest_invoice_status()
            .map(|status| status.as_str().to_owned()),
    }
}
