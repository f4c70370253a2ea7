//! Events for the shop.

use perennial_store::ShopEvent;
use perennial_types::{
    Attempt, Change, FailureReason, InvoiceStatus, Pause, Payment, PlanName, PriceId, Refunded,
    SoldAs, Subscription, SubscriptionId, SubscriptionStatus, Timestamp, UserId, Wallet, chance,
};
use serde::Serialize;
use serde_json::{Value, json};

/// More than one change ever is, so that the numbers of two do not meet.
const EVENTS_OF_A_CHANGE: u64 = 16;

#[derive(Serialize)]
#[serde(remote = "Subscription")]
struct SubscriptionFields {
    id: SubscriptionId,
    status: SubscriptionStatus,
    plan: Option<PlanName>,
    price: Option<PriceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prices: Option<Vec<PriceId>>,
    sold_as: Option<SoldAs>,
    wallet: Option<Wallet>,
    current_period_start: Option<Timestamp>,
    current_period_end: Option<Timestamp>,
    paid_until: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    cancel_at_period_end: bool,
    pause: Option<Pause>,
    latest_invoice_status: Option<InvoiceStatus>,
    latest_paid_invoice: Option<String>,
    payment_attempts: u64,
    next_payment_attempt: Option<Timestamp>,
    refunds: Vec<Refunded>,
    payment: Payment,
}

/// A subscription, as the schemas in `docs/events` describe it.
#[derive(Serialize)]
struct SubscriptionData<'a>(
    #[serde(serialize_with = "SubscriptionFields::serialize")] &'a Subscription,
);

/// A reading of a subscription, and what was known before.
pub(crate) struct Reading<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) old: Option<&'a Subscription>,
    pub(crate) new: &'a Subscription,
    /// Of one that has ended, whether it had begun.
    pub(crate) began: bool,
    /// The number of the reader, under which the reading is written.
    pub(crate) fence: u64,
}

/// What there is to tell about a subscription. What is written under a later fence was read later, so
/// the fence gives the order, and no clock does.
pub(crate) fn about_subscription(reading: &Reading<'_>, now: Timestamp) -> Vec<ShopEvent> {
    let Reading { user, old, new, .. } = *reading;
    let data = json!({ "subscription": SubscriptionData(new) });
    let first = reading.fence.saturating_mul(EVENTS_OF_A_CHANGE);
    let changes = Change::between(old, new, reading.began).into_iter();
    (first..)
        .zip(changes)
        .map(|(number, change)| outgoing(change.as_str(), user, Some(number), now, &data))
        .collect()
}

/// That a checkout has come to an end without a subscription.
pub(crate) fn checkout_failed(
    attempt: &Attempt,
    reason: FailureReason,
    now: Timestamp,
) -> ShopEvent {
    let data = json!({
        "checkout": attempt.id,
        "plan": attempt.plan,
        "wallet": attempt.wallet,
        "reason": reason,
    });
    outgoing("checkout.failed", &attempt.user, None, now, &data)
}

fn outgoing(
    kind: &'static str,
    user: &UserId,
    sequence: Option<u64>,
    now: Timestamp,
    data: &Value,
) -> ShopEvent {
    let id = format!("pev_{}", chance::ulid(now).to_ascii_lowercase());
    // Counted beside what leaves the table: an alarm goes off when nothing does.
    tracing::info!(event = id, kind, "an event for the shop");
    ShopEvent {
        id,
        kind,
        user: user.clone(),
        sequence,
        occurred_at: now,
        data: data.to_string(),
    }
}
