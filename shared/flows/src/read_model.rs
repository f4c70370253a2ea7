//! From Stripe's subscription to the shop's.

use perennial_store::SubscriptionItem;
use perennial_stripe::{SetupIntentStatus, SubscriptionStatus, metadata};
use perennial_types::{
    AttemptId, Payment, PaymentReason, PaymentState, Plans, Subscription, Timestamp, Wallet,
};

/// The attempt that a subscription came of.
pub(crate) fn attempt_of(subscription: &perennial_stripe::Subscription) -> Option<AttemptId> {
    subscription.metadata.get(metadata::ATTEMPT)?.parse().ok()
}

/// What the shop sees of Stripe's subscription. The plan is the one it was made for, or else the
/// one with its price.
pub(crate) fn read_model(
    plans: &Plans,
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
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
        wallet: wallet(subscription),
        current_period_start: period.map(|period| Timestamp::from_unix(period.start)),
        current_period_end: period.map(|period| Timestamp::from_unix(period.end)),
        trial_end: subscription.trial_end.map(Timestamp::from_unix),
        cancel_at_period_end: subscription.cancel_at_period_end,
        latest_invoice_status: subscription
            .latest_invoice_status()
            .map(|status| status.as_str().to_owned()),
        payment: payment(subscription, known),
    }
}

/// The wallet that pays, as the payment method tells it; while there is none, the one that the
/// subscription was made for.
fn wallet(subscription: &perennial_stripe::Subscription) -> Option<Wallet> {
    match subscription.payment_method() {
        Some(method) => method.wallet(),
        None => subscription.metadata.get(metadata::WALLET)?.parse().ok(),
    }
}

/// Whether the shopper has yet to confirm the payment method of a trial.
fn awaits_setup(subscription: &perennial_stripe::Subscription) -> bool {
    let succeeded = subscription
        .pending_setup()
        .is_some_and(|setup| setup.status == SetupIntentStatus::Succeeded);
    subscription.pending_setup_intent_id().is_some() && !succeeded
}

/// What is left to say of payments once nothing more is charged.
pub(crate) fn payment_of_ended(known: Option<&SubscriptionItem>) -> Payment {
    let contested = known.and_then(|known| known.marks.contested());
    contested
        .map(|reason| Payment::new(PaymentState::Contested, reason))
        .unwrap_or_default()
}

/// What stands against the next charge, the most urgent of it. `known` holds what Stripe's
/// subscription does not tell: a revoked mandate, a payment that was claimed back.
fn payment(
    subscription: &perennial_stripe::Subscription,
    known: Option<&SubscriptionItem>,
) -> Payment {
    use SubscriptionStatus as Status;
    let ended = matches!(
        subscription.status,
        Status::Canceled | Status::IncompleteExpired
    );
    let contested = payment_of_ended(known);
    if ended {
        return contested;
    }
    let method = subscription.payment_method_id();
    if subscription.status == Status::Incomplete {
        return Payment::new(
            PaymentState::ActionRequired,
            PaymentReason::FirstPaymentOpen,
        );
    }
    if method.is_none() && awaits_setup(subscription) && attempt_of(subscription).is_some() {
        return Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
    }
    let revoked = method
        .zip(known)
        .is_some_and(|(method, known)| known.marks.is_revoked(method));
    let detached = subscription
        .payment_method()
        .is_some_and(|method| method.customer_id().is_none());
    let lacking = if method.is_none() && attempt_of(subscription).is_some() {
        Some(PaymentReason::MethodMissing)
    } else if detached {
        Some(PaymentReason::MethodDetached)
    } else if revoked {
        Some(PaymentReason::MandateRevoked)
    } else {
        None
    };
    if let Some(reason) = lacking {
        return Payment::new(PaymentState::MethodRequired, reason);
    }
    let tries_again = subscription
        .newest_invoice()
        .is_some_and(|invoice| invoice.next_payment_attempt.is_some());
    let (state, reason) = match subscription.status {
        Status::PastDue if tries_again => (PaymentState::Retrying, PaymentReason::PaymentFailed),
        Status::PastDue | Status::Unpaid => (
            PaymentState::MethodRequired,
            PaymentReason::RetriesExhausted,
        ),
        _ => return contested,
    };
    Payment::new(state, reason)
}
