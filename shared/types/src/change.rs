//! What a shop wants to hear about a subscription.

use serde::Serialize;

use crate::{
    ExtraItem, InvoiceStatus, PaymentReason, PaymentState, PendingChange, PriceId, Subscription,
    SubscriptionStatus, subscription::same_items,
};

/// A change, by the type of the event that tells the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Change {
    /// It is paid for, for the first time or again after it was not.
    #[serde(rename = "subscription.activated")]
    Activated,
    /// Its free trial has begun.
    #[serde(rename = "subscription.trialing")]
    Trialing,
    /// Its free trial ends soon, and the first period is charged then.
    #[serde(rename = "subscription.trial_ending")]
    TrialEnding,
    /// Another period is charged soon.
    #[serde(rename = "subscription.renewal_upcoming")]
    RenewalUpcoming,
    /// Another period is paid for.
    #[serde(rename = "subscription.renewed")]
    Renewed,
    /// A payment has failed.
    #[serde(rename = "subscription.past_due")]
    PastDue,
    /// Nothing will be charged until the shopper gives a payment method.
    #[serde(rename = "subscription.payment_method_required")]
    PaymentMethodRequired,
    /// Renewals are charged to another payment method.
    #[serde(rename = "subscription.payment_method_changed")]
    PaymentMethodChanged,
    /// Other prices are charged.
    #[serde(rename = "subscription.plan_changed")]
    PlanChanged,
    /// The same prices are charged, in another quantity.
    #[serde(rename = "subscription.quantity_changed")]
    QuantityChanged,
    /// The same plan is charged, with other add-ons.
    #[serde(rename = "subscription.addons_changed")]
    AddonsChanged,
    /// Other prices, another quantity, or other add-ons are going to be charged.
    #[serde(rename = "subscription.change_scheduled")]
    ChangeScheduled,
    /// They were going to be charged and are not any more.
    #[serde(rename = "subscription.change_withdrawn")]
    ChangeWithdrawn,
    /// It is going to end, or at another time than was told before.
    #[serde(rename = "subscription.cancellation_scheduled")]
    CancellationScheduled,
    /// It was going to end and is not any more.
    #[serde(rename = "subscription.cancellation_withdrawn")]
    CancellationWithdrawn,
    /// It is paused, and not for lack of a payment.
    #[serde(rename = "subscription.paused")]
    Paused,
    /// Such a pause is over.
    #[serde(rename = "subscription.resumed")]
    Resumed,
    /// It has ended.
    #[serde(rename = "subscription.canceled")]
    Canceled,
}

impl Change {
    /// The event's type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "subscription.activated",
            Self::Trialing => "subscription.trialing",
            Self::TrialEnding => "subscription.trial_ending",
            Self::RenewalUpcoming => "subscription.renewal_upcoming",
            Self::Renewed => "subscription.renewed",
            Self::PastDue => "subscription.past_due",
            Self::PaymentMethodRequired => "subscription.payment_method_required",
            Self::PaymentMethodChanged => "subscription.payment_method_changed",
            Self::PlanChanged => "subscription.plan_changed",
            Self::QuantityChanged => "subscription.quantity_changed",
            Self::AddonsChanged => "subscription.addons_changed",
            Self::ChangeScheduled => "subscription.change_scheduled",
            Self::ChangeWithdrawn => "subscription.change_withdrawn",
            Self::CancellationScheduled => "subscription.cancellation_scheduled",
            Self::CancellationWithdrawn => "subscription.cancellation_withdrawn",
            Self::Paused => "subscription.paused",
            Self::Resumed => "subscription.resumed",
            Self::Canceled => "subscription.canceled",
        }
    }

    /// What has happened between two readings, as far as a shop may have to act on it, in the order in
    /// which it happened.
    ///
    /// `began` says of a subscription that has ended whether it was ever confirmed and, unless it began
    /// with a free trial, paid. Who first reads it after its end cannot tell that from the two alone.
    pub fn between(old: Option<&Subscription>, new: &Subscription, began: bool) -> Vec<Self> {
        let old = old.filter(|old| !old.awaits_shopper());
        let ended = new.status.is_terminal();
        // One that never began has not ended either.
        if new.awaits_shopper() || (ended && old.is_none() && !began) {
            return Vec::new();
        }
        let of_status = Self::of_status(old, new);
        let unheard = Self::unheard_beginning(old, new);
        if ended {
            return unheard.into_iter().chain(of_status).collect();
        }
        let lacks_method = |it: &Subscription| it.payment.state == PaymentState::MethodRequired;
        // A trial may begin without one.
        let may_lack = old.is_none()
            && new.status == SubscriptionStatus::Trialing
            && new.payment.reason == Some(PaymentReason::MethodMissing);
        let asks_for_method = lacks_method(new)
            && !may_lack
            && !old.is_some_and(lacks_method)
            && of_status != Some(Self::PaymentMethodRequired);
        let changed_method = old.is_some_and(|old| has_another_method(old, new));
        let changed_items = old.map(|old| Self::of_items(old, new));
        unheard
            .into_iter()
            .chain(of_status)
            .chain(asks_for_method.then_some(Self::PaymentMethodRequired))
            .chain(changed_method.then_some(Self::PaymentMethodChanged))
            .chain(changed_items.into_iter().flatten())
            .chain(Self::of_pending_change(old, new))
            .chain(Self::of_pause_collection(old, new))
            .chain(Self::of_planned_end(old, new))
            .chain(Self::of_next_charge(old, new))
            .collect()
    }

    /// That a subscription has begun which was never seen between its beginning and what became of it
    /// later: it is paid for, or its trial has begun, and then it fell behind, was paused, or ended.
    fn unheard_beginning(old: Option<&Subscription>, new: &Subscription) -> Vec<Self> {
        use SubscriptionStatus as Status;
        let is_later = matches!(
            new.status,
            Status::PastDue | Status::Unpaid | Status::Paused | Status::Canceled
        );
        if old.is_some() || !is_later {
            return Vec::new();
        }
        if new.trial_end.is_none() {
            return vec![Self::Activated];
        }
        let ended_later = new.status.is_terminal() && !new.ended_in_trial();
        let paid = ended_later && is_paid(new);
        let activated = paid.then_some(Self::Activated);
        [Self::Trialing].into_iter().chain(activated).collect()
    }

    fn of_status(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        use SubscriptionStatus as Status;
        let before = old.map(|old| &old.status);
        let same = before == Some(&new.status);
        let was_paused = before == Some(&Status::Paused) && old.is_some_and(is_paused_on_purpose);
        match &new.status {
            // Stripe begins a period before it charges for it: an hour later, as a rule.
            Status::Active if same && is_paid(new) => {
                let ended = |it: &Subscription| it.current_period_end;
                let old = old.filter(|old| is_paid(old));
                (old.and_then(ended) < ended(new)).then_some(if is_first_after_trial(new) {
                    Self::Activated
                } else {
                    Self::Renewed
                })
            }
            _ if same => None,
            Status::Active | Status::Trialing if was_paused => Some(Self::Resumed),
            Status::Active if before == Some(&Status::Trialing) && !is_paid(new) => None,
            Status::Active => Some(Self::Activated),
            Status::Trialing => Some(Self::Trialing),
            Status::PastDue => Some(Self::PastDue),
            Status::Paused if is_paused_on_purpose(new) => Some(Self::Paused),
            Status::Unpaid | Status::Paused => Some(Self::PaymentMethodRequired),
            Status::Canceled => Some(Self::Canceled),
            Status::IncompleteExpired | Status::Incomplete | Status::Other(_) => None,
        }
    }

    /// Another plan is told with its quantity and its add-ons, and not twice. An older version has noted neither.
    fn of_items(old: &Subscription, new: &Subscription) -> Vec<Self> {
        let is_addon = |price: &PriceId| {
            let mut both = old.addons.iter().chain(&new.addons);
            both.any(|item| item.name.is_some() && item.price == *price)
        };
        let plans = |it: &Subscription| -> Vec<PriceId> {
            let charged = it.charged().iter();
            charged.filter(|price| !is_addon(price)).cloned().collect()
        };
        if plans(old) != plans(new) {
            return vec![Self::PlanChanged];
        }
        let quantities = old.quantity.zip(new.quantity);
        let other_quantity = quantities.is_some_and(|(old, new)| old != new);
        let addons = |it: &Subscription| -> Vec<ExtraItem> {
            let items = it.addons.iter();
            items
                .filter(|item| is_addon(&item.price))
                .cloned()
                .collect()
        };
        let other_addons = !same_items(&addons(old), &addons(new));
        let quantity = other_quantity.then_some(Self::QuantityChanged);
        let addons = other_addons.then_some(Self::AddonsChanged);
        quantity.into_iter().chain(addons).collect()
    }

    /// One that has taken effect is told as what has changed alone.
    fn of_pending_change(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        let before = old.and_then(|old| old.pending_change.as_ref());
        match (before, &new.pending_change) {
            (Some(before), Some(now)) if before.is(now) => None,
            (_, Some(_)) => Some(Self::ChangeScheduled),
            (Some(before), None) if !is_made(before, new) => Some(Self::ChangeWithdrawn),
            _ => None,
        }
    }

    /// A pause of the collection alone leaves the status as it is.
    fn of_pause_collection(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        let is_paused =
            |it: &Subscription| it.status != SubscriptionStatus::Paused && is_paused_on_purpose(it);
        match (old.is_some_and(is_paused), is_paused(new)) {
            (false, true) => Some(Self::Paused),
            (true, false) if new.status != SubscriptionStatus::Paused => Some(Self::Resumed),
            _ => None,
        }
    }

    fn of_planned_end(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        let before = old.and_then(Subscription::planned_end);
        match (before, new.planned_end()) {
            (before, Some(end)) if before != Some(end) => Some(Self::CancellationScheduled),
            (Some(_), None) => Some(Self::CancellationWithdrawn),
            _ => None,
        }
    }

    /// What was noted with the reading that told of it is not told again.
    fn of_next_charge(old: Option<&Subscription>, new: &Subscription) -> Option<Self> {
        let before = old.and_then(|old| old.reminded);
        let is_new = new.reminded.is_some() && new.reminded != before;
        let change = match new.status {
            SubscriptionStatus::Trialing => Self::TrialEnding,
            _ => Self::RenewalUpcoming,
        };
        is_new.then_some(change)
    }
}

/// Whether what was going to be charged is charged.
fn is_made(change: &PendingChange, new: &Subscription) -> bool {
    let quantities = change.quantity.zip(new.quantity);
    let addons = change.addons.as_ref();
    new.charged().contains(&change.price)
        && quantities.is_none_or(|(then, now)| then == now)
        && addons.is_none_or(|then| same_items(then, &new.addons))
}

/// Whether another method pays, as far as both readings know one: an older version has noted none, and a method
/// that is gone is told as one that is required.
fn has_another_method(old: &Subscription, new: &Subscription) -> bool {
    let methods = old.payment_method.as_ref().zip(new.payment_method.as_ref());
    methods.is_some_and(|(old, new)| old != new)
}

/// Whether it is paused, and does not only wait for the shopper to pay.
fn is_paused_on_purpose(it: &Subscription) -> bool {
    let pause = it.pause.as_ref();
    pause.is_some_and(|pause| !pause.reason.lacks_payment())
}

/// Whether its newest bill is paid, as far as is known.
fn is_paid(it: &Subscription) -> bool {
    let status = it.latest_invoice_status.as_ref();
    status.is_none_or(|status| *status == InvoiceStatus::Paid)
}

fn is_first_after_trial(it: &Subscription) -> bool {
    it.trial_end.is_some() && it.trial_end == it.current_period_start
}

#[cfg(test)]
mod tests;
