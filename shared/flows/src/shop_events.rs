//! Events for the shop.

use perennial_store::{ActionLog, ActionOutcome, ShopEvent};
use perennial_types::{
    AgreedEnd, Attempt, Change, Currency, ExtraItem, FailureReason, GivenBack, InvoiceStatus,
    Pause, Payment, PaymentMethodId, PendingChange, PlanName, PriceId, Refunded, SoldAs,
    Subscription, SubscriptionId, SubscriptionStatus, Timestamp, UserId, Wallet, chance,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

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
    payment_method: Option<PaymentMethodId>,
    current_period_start: Option<Timestamp>,
    current_period_end: Option<Timestamp>,
    paid_until: Option<Timestamp>,
    trial_end: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    cancel_at_period_end: bool,
    canceled_at: Option<Timestamp>,
    quantity: Option<u64>,
    addons: Vec<ExtraItem>,
    pending_change: Option<PendingChange>,
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
    /// What goes back with its end.
    pub(crate) given_back: Option<GivenBack>,
    /// What is charged next, if that is to be told and known.
    pub(crate) next_charge: Option<ChargeToCome>,
}

/// What was charged for before another plan or quantity, or before other add-ons.
#[derive(Serialize)]
struct Previous<'a> {
    plan: Option<&'a PlanName>,
    price: Option<&'a PriceId>,
    /// None if that was not known.
    quantity: Option<u64>,
    addons: &'a [ExtraItem],
}

impl<'a> Previous<'a> {
    fn of(old: &'a Subscription) -> Self {
        Self {
            plan: old.plan.as_ref(),
            price: old.price.as_ref(),
            quantity: old.quantity,
            addons: &old.addons,
        }
    }
}

/// What is going to be charged at the end of a trial or a period.
#[derive(Serialize)]
pub(crate) struct ChargeToCome {
    /// In the currency's smallest unit.
    pub(crate) amount: i64,
    /// The currency's code, in lower case.
    pub(crate) currency: String,
    pub(crate) at: Timestamp,
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
        .map(|(number, change)| {
            let kind = change.as_str();
            let id = format!("pev_{}", chance::ulid(now).to_ascii_lowercase());
            if change == Change::Canceled {
                let given_back = reading.given_back;
                let data = json!({
                    "subscription": SubscriptionData(new),
                    "given_back": given_back,
                });
                return outgoing(id, kind, user, Some(number), now, &data);
            }
            if matches!(
                change,
                Change::PlanChanged | Change::QuantityChanged | Change::AddonsChanged
            ) {
                let data = json!({
                    "subscription": SubscriptionData(new),
                    "previous": old.map(Previous::of),
                });
                return outgoing(id, kind, user, Some(number), now, &data);
            }
            if matches!(change, Change::TrialEnding | Change::RenewalUpcoming) {
                let data = json!({
                    "subscription": SubscriptionData(new),
                    "next_charge": reading.next_charge,
                });
                return outgoing(id, kind, user, Some(number), now, &data);
            }
            outgoing(id, kind, user, Some(number), now, &data)
        })
        .collect()
}

/// What goes back, or went back, with the end of a subscription.
pub(crate) fn given_back(log: &ActionLog) -> Option<GivenBack> {
    let owed = log.active.as_ref().and_then(|it| it.owed.as_deref());
    let done = || {
        log.ended.iter().rev().find_map(|it| match &it.outcome {
            ActionOutcome::Done { note: Some(note) } => serde_json::from_str(note).ok(),
            _ => None,
        })
    };
    owed.map(AgreedEnd::given_back).or_else(done)
}

/// Money that was to go back and does not.
#[derive(Serialize)]
pub(crate) struct RefundFailed<'a> {
    /// Of which invoice; none if that is not known.
    pub(crate) invoice: Option<&'a str>,
    /// Which refund, `re_...`; none if Stripe has made none.
    pub(crate) refund: Option<&'a str>,
    /// How much, in the currency's smallest unit.
    pub(crate) amount: u64,
    /// The currency.
    pub(crate) currency: Option<Currency>,
    /// Stripe's code for why, if it says.
    pub(crate) reason: Option<&'a str>,
}

/// Money that has gone back.
#[derive(Serialize)]
pub(crate) struct RefundMade<'a> {
    /// Of which invoice.
    pub(crate) invoice: &'a str,
    /// Which refund, `re_...`.
    pub(crate) refund: &'a str,
    /// How much, in the currency's smallest unit.
    pub(crate) amount: u64,
    /// The currency.
    pub(crate) currency: Option<Currency>,
}

/// A payment that the shopper's bank or wallet claims back.
#[derive(Serialize)]
pub(crate) struct Claimed<'a> {
    /// Stripe's id, `du_...` or `dp_...`.
    pub(crate) id: &'a str,
    /// What was paid with it.
    pub(crate) invoice: &'a str,
    /// How much is claimed, in the currency's smallest unit.
    pub(crate) amount: u64,
    /// The currency.
    pub(crate) currency: Option<Currency>,
    /// Why, in a word of the network's.
    pub(crate) reason: Option<&'a str>,
    /// Stripe's status.
    pub(crate) status: &'a str,
    /// Until when the shop may answer.
    pub(crate) answer_by: Option<Timestamp>,
}

/// A payment that the bank takes for fraud.
#[derive(Serialize)]
pub(crate) struct FraudSuspected<'a> {
    /// Stripe's id, `issfr_...`.
    pub(crate) id: &'a str,
    /// What was paid with it.
    pub(crate) invoice: &'a str,
    /// The payment, `ch_...` or `py_...`.
    pub(crate) charge: &'a str,
    /// How much was paid, in the currency's smallest unit.
    pub(crate) amount: u64,
    /// How much of it went back already, in the same unit.
    pub(crate) refunded: u64,
    /// The currency.
    pub(crate) currency: Option<Currency>,
    /// What kind of fraud, in a word of Stripe's.
    pub(crate) fraud_type: &'a str,
    /// Whether a refund may still prevent a dispute.
    pub(crate) actionable: bool,
}

/// What has become of money that was paid. It stands outside the order of a subscription's other events.
pub(crate) enum MoneyEvent<'a> {
    /// It has gone back.
    Refunded(RefundMade<'a>),
    /// It was to go back, and does not.
    RefundFailed(RefundFailed<'a>),
    /// The bank takes it for fraud.
    FraudSuspected(FraudSuspected<'a>),
    /// It is claimed back.
    DisputeOpened(Claimed<'a>),
    /// What was claimed back is the shop's again, or is lost.
    DisputeClosed(Claimed<'a>),
}

/// Tells of money. `about` is what makes it one event, however often it is found out.
pub(crate) fn about_money(
    user: &UserId,
    subscription: &SubscriptionId,
    about: &str,
    event: &MoneyEvent<'_>,
    now: Timestamp,
) -> ShopEvent {
    let of = |name: &str, what: Value| json!({ "subscription": subscription, name: what });
    let (kind, prefix, data) = match event {
        MoneyEvent::Refunded(made) => {
            let data = of("refund", json!(made));
            ("subscription.refunded", "refunded", data)
        }
        MoneyEvent::RefundFailed(failed) => {
            let data = of("refund", json!(failed));
            ("subscription.refund_failed", "refund_failed", data)
        }
        MoneyEvent::FraudSuspected(suspected) => {
            let data = of("warning", json!(suspected));
            ("subscription.fraud_warning", "fraud_warning", data)
        }
        MoneyEvent::DisputeOpened(claimed) => {
            let data = of("dispute", json!(claimed));
            ("subscription.dispute_opened", "dispute_opened", data)
        }
        MoneyEvent::DisputeClosed(claimed) => {
            let data = of("dispute", json!(claimed));
            ("subscription.dispute_closed", "dispute_closed", data)
        }
    };
    let digest = Sha256::digest(format!("{prefix}:{subscription}:{about}"));
    // Of the form of the others, and behind them.
    let digits = digest.iter().map(|byte| format!("{byte:02x}"));
    let digits: String = digits.collect::<String>().chars().take(25).collect();
    let id = format!("pev_z{digits}");
    outgoing(id, kind, user, None, now, &data)
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
    let id = format!("pev_{}", chance::ulid(now).to_ascii_lowercase());
    outgoing(id, "checkout.failed", &attempt.user, None, now, &data)
}

fn outgoing(
    id: String,
    kind: &'static str,
    user: &UserId,
    sequence: Option<u64>,
    now: Timestamp,
    data: &Value,
) -> ShopEvent {
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
