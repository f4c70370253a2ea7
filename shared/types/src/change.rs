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
mod tests {
    use super::*;
    use crate::{Pause, PauseReason, Payment, Timestamp};

    fn at(status: &str, end: i64) -> Subscription {
        Subscription {
            current_period_end: Some(Timestamp::from_unix(end)),
            ..Subscription::bare(status, "price_1")
        }
    }

    fn unconfirmed(status: &str) -> Subscription {
        let payment = Payment::new(PaymentState::ActionRequired, PaymentReason::FirstSetupOpen);
        Subscription {
            payment,
            ..at(status, 1)
        }
    }

    #[test]
    fn a_trial_begins_once_its_payment_method_is_confirmed() {
        for (before, after, expected) in [
            (None, unconfirmed("trialing"), None),
            (
                Some(unconfirmed("trialing")),
                at("trialing", 1),
                Some(Change::Trialing),
            ),
            (Some(unconfirmed("trialing")), at("canceled", 1), None),
            (Some(at("incomplete", 1)), at("canceled", 1), None),
            (
                Some(at("incomplete", 1)),
                at("active", 1),
                Some(Change::Activated),
            ),
        ] {
            let seen = Change::between(before.as_ref(), &after, false);
            assert_eq!(seen, Vec::from_iter(expected), "{before:?}");
        }
    }

    /// It lacks one from the start, and is told of as one that asks for it only if it had one.
    #[test]
    fn a_trial_without_a_payment_method_begins_as_any_other() {
        let lacks = |status| Subscription {
            payment: Payment::new(PaymentState::MethodRequired, PaymentReason::MethodMissing),
            ..at(status, 1)
        };
        for (before, after, expected) in [
            (None, lacks("trialing"), vec![Change::Trialing]),
            (Some(lacks("trialing")), lacks("trialing"), vec![]),
            (
                Some(at("trialing", 1)),
                lacks("trialing"),
                vec![Change::PaymentMethodRequired],
            ),
            (
                None,
                lacks("active"),
                vec![Change::Activated, Change::PaymentMethodRequired],
            ),
        ] {
            let seen = Change::between(before.as_ref(), &after, true);
            assert_eq!(seen, expected, "{before:?}");
        }
    }

    #[test]
    fn each_step_of_a_subscription_is_told_once() {
        for (before, after, expected) in [
            (None, at("active", 1), Some(Change::Activated)),
            (None, at("trialing", 1), Some(Change::Trialing)),
            (None, at("incomplete", 1), None),
            (
                Some(at("trialing", 1)),
                at("active", 2),
                Some(Change::Activated),
            ),
            (Some(at("active", 1)), at("active", 1), None),
            (
                Some(at("active", 1)),
                at("active", 2),
                Some(Change::Renewed),
            ),
            (
                Some(at("active", 2)),
                at("past_due", 2),
                Some(Change::PastDue),
            ),
            (Some(at("past_due", 2)), at("past_due", 2), None),
            (
                Some(at("past_due", 2)),
                at("active", 2),
                Some(Change::Activated),
            ),
            (
                Some(at("past_due", 2)),
                at("unpaid", 2),
                Some(Change::PaymentMethodRequired),
            ),
            (
                Some(at("trialing", 2)),
                at("paused", 2),
                Some(Change::PaymentMethodRequired),
            ),
            (
                Some(at("active", 2)),
                at("canceled", 2),
                Some(Change::Canceled),
            ),
            (Some(at("incomplete", 2)), at("incomplete_expired", 2), None),
        ] {
            let seen = Change::between(before.as_ref(), &after, false);
            assert_eq!(seen, Vec::from_iter(expected), "{after:?}");
        }
    }

    #[test]
    fn a_period_is_told_once_it_is_paid_for_and_however_often_it_is_read_before() {
        let active = |end: i64, invoice: &str| Subscription {
            latest_invoice_status: Some(invoice.to_owned().into()),
            current_period_start: Some(Timestamp::from_unix(end - 1)),
            ..at("active", end)
        };
        let after_trial = |invoice: &str| Subscription {
            trial_end: Some(Timestamp::from_unix(1)),
            ..active(2, invoice)
        };
        let trial = Subscription {
            latest_invoice_status: Some(InvoiceStatus::Paid),
            ..at("trialing", 1)
        };
        for (before, after, expected) in [
            (&active(1, "paid"), &active(2, "draft"), None),
            (&active(2, "draft"), &active(2, "open"), None),
            (
                &active(2, "draft"),
                &active(2, "paid"),
                Some(Change::Renewed),
            ),
            (
                &active(1, "paid"),
                &active(2, "paid"),
                Some(Change::Renewed),
            ),
            (&active(2, "paid"), &active(2, "paid"), None),
            (
                &active(2, "draft"),
                &at("past_due", 2),
                Some(Change::PastDue),
            ),
            (&trial, &after_trial("draft"), None),
            (
                &after_trial("draft"),
                &after_trial("paid"),
                Some(Change::Activated),
            ),
            (&trial, &after_trial("paid"), Some(Change::Activated)),
        ] {
            let seen = Change::between(Some(before), after, false);
            assert_eq!(seen, Vec::from_iter(expected), "{after:?}");
        }
    }

    #[test]
    fn a_payment_method_that_is_gone_is_told_once_while_the_status_stays() {
        let well = at("active", 1);
        let lost = Payment::new(PaymentState::MethodRequired, PaymentReason::MethodDetached);
        let ill = Subscription {
            payment: lost,
            ..at("active", 1)
        };
        let told = [Change::PaymentMethodRequired];
        assert_eq!(Change::between(Some(&well), &ill, false), told);
        assert_eq!(Change::between(Some(&ill), &ill, false), []);
        assert_eq!(Change::between(Some(&ill), &well, false), []);
    }

    #[test]
    fn another_payment_method_is_told_where_both_are_known() {
        let paid_by = |status: &str, method: Option<&str>| Subscription {
            payment_method: method.map(|method| method.parse().unwrap()),
            ..at(status, 1)
        };
        let changed = [Change::PaymentMethodChanged];
        for (before, after, told) in [
            (Some("pm_1"), Some("pm_2"), &changed[..]),
            (Some("pm_1"), Some("pm_1"), &[]),
            // An older version has noted none.
            (None, Some("pm_1"), &[]),
            (Some("pm_1"), None, &[]),
            (None, None, &[]),
        ] {
            let before = paid_by("active", before);
            let after = paid_by("active", after);
            assert_eq!(Change::between(Some(&before), &after, false), told);
        }
        let one = paid_by("active", Some("pm_1"));
        let begun = Change::between(None, &one, false);
        assert_eq!(begun, [Change::Activated], "the first one is no other one");
        let confirmed = Change::between(Some(&paid_by("incomplete", Some("pm_2"))), &one, false);
        assert_eq!(confirmed, [Change::Activated]);
        let ended = Change::between(Some(&one), &paid_by("canceled", Some("pm_2")), false);
        assert_eq!(ended, [Change::Canceled]);
        let paid = Change::between(Some(&paid_by("past_due", Some("pm_2"))), &one, false);
        assert_eq!(paid, [Change::Activated, Change::PaymentMethodChanged]);
    }

    #[test]
    fn a_payment_that_is_not_tried_again_asks_for_a_method_at_once() {
        let last = Payment::new(
            PaymentState::MethodRequired,
            PaymentReason::RetriesExhausted,
        );
        let failed = Subscription {
            payment: last,
            ..at("past_due", 2)
        };
        let told = [Change::PastDue, Change::PaymentMethodRequired];
        assert_eq!(
            Change::between(Some(&at("active", 2)), &failed, false),
            told
        );
        let given_up = Subscription {
            payment: last,
            ..at("unpaid", 2)
        };
        let told = [Change::PaymentMethodRequired];
        assert_eq!(Change::between(Some(&failed), &given_up, false), told);
        assert_eq!(
            Change::between(Some(&at("past_due", 2)), &given_up, false),
            told,
            "once, and not twice"
        );
    }

    fn paused(status: &str, reason: PauseReason) -> Subscription {
        Subscription {
            pause: Some(Pause {
                reason,
                since: None,
                resumes_at: None,
            }),
            ..at(status, 2)
        }
    }

    #[test]
    fn a_pause_on_purpose_is_told_apart_from_one_for_lack_of_a_payment() {
        use PauseReason as Reason;
        let active = at("active", 2);
        for (reason, told) in [
            (Reason::PauseRequested, Change::Paused),
            (Reason::System, Change::Paused),
            (Reason::Other("later".to_owned()), Change::Paused),
            (
                Reason::TrialEndWithoutPaymentMethod,
                Change::PaymentMethodRequired,
            ),
            (Reason::FirstPaymentFailure, Change::PaymentMethodRequired),
            (Reason::FinalPaymentFailure, Change::PaymentMethodRequired),
        ] {
            let back = if reason.lacks_payment() {
                Change::Activated
            } else {
                Change::Resumed
            };
            let paused = paused("paused", reason);
            assert_eq!(
                Change::between(Some(&active), &paused, false),
                [told],
                "{paused:?}"
            );
            assert_eq!(
                Change::between(Some(&paused), &paused, false),
                [],
                "{paused:?}"
            );
            assert_eq!(
                Change::between(Some(&paused), &active, false),
                [back],
                "{paused:?}"
            );
        }
        let collection = paused("active", Reason::PauseCollection);
        let told = [Change::Paused];
        assert_eq!(Change::between(Some(&active), &collection, false), told);
        assert_eq!(Change::between(Some(&collection), &collection, false), []);
        let told = [Change::Resumed];
        assert_eq!(Change::between(Some(&collection), &active, false), told);
        let told = [Change::Paused];
        let whole = paused("paused", Reason::PauseRequested);
        assert_eq!(Change::between(Some(&collection), &whole, false), told);
        let told = [Change::Canceled];
        assert_eq!(
            Change::between(Some(&collection), &at("canceled", 2), false),
            told
        );
    }

    #[test]
    fn an_end_is_told_when_it_is_set_moved_or_taken_back() {
        let ending = |end: i64| Subscription {
            ends_at: Some(Timestamp::from_unix(end)),
            ..at("active", 2)
        };
        let by_an_older_version = Subscription {
            cancel_at_period_end: true,
            ..at("active", 2)
        };
        let active = at("active", 2);
        let (scheduled, withdrawn) = (Change::CancellationScheduled, Change::CancellationWithdrawn);
        for (before, after, expected) in [
            (&active, &ending(2), &[scheduled][..]),
            (&ending(2), &ending(2), &[]),
            (&ending(2), &ending(1), &[scheduled]),
            (&ending(2), &active, &[withdrawn]),
            (&by_an_older_version, &ending(2), &[]),
            (&by_an_older_version, &active, &[withdrawn]),
            (&ending(2), &at("canceled", 2), &[Change::Canceled]),
        ] {
            assert_eq!(
                Change::between(Some(before), after, false),
                expected,
                "{after:?}"
            );
        }
        let told = [Change::Activated, scheduled];
        assert_eq!(Change::between(None, &ending(2), false), told);
    }

    #[test]
    fn other_add_ons_are_told_and_what_is_none_is_another_plan() {
        let of = |items: &[(&str, Option<&str>, u64)]| {
            let extra = items.iter().map(|(price, name, quantity)| ExtraItem {
                name: name.map(|name| name.parse().unwrap()),
                price: price.parse().unwrap(),
                quantity: Some(*quantity),
            });
            let addons: Vec<_> = extra.collect();
            let all = addons.iter().map(|it| it.price.clone());
            Subscription {
                prices: Some(all.chain(["price_1".parse().unwrap()]).collect()),
                addons,
                quantity: Some(1),
                ..at("active", 1)
            }
        };
        let (named, unnamed) = (Some("storage"), None);
        for (before, after, expected) in [
            (
                &[][..],
                &[("price_s", named, 1)][..],
                &[Change::AddonsChanged][..],
            ),
            (
                &[("price_s", named, 1)],
                &[("price_s", named, 2)],
                &[Change::AddonsChanged],
            ),
            (&[("price_s", named, 1)], &[], &[Change::AddonsChanged]),
            (
                &[("price_s", named, 1)],
                &[("price_t", named, 1)],
                &[Change::AddonsChanged],
            ),
            (&[("price_s", named, 1)], &[("price_s", named, 1)], &[]),
            // The configuration has come to know it, or has forgotten it.
            (&[("price_s", unnamed, 1)], &[("price_s", named, 1)], &[]),
            (&[("price_s", named, 1)], &[("price_s", unnamed, 1)], &[]),
            (&[], &[("price_s", unnamed, 1)], &[Change::PlanChanged]),
            (&[("price_s", unnamed, 1)], &[("price_s", unnamed, 2)], &[]),
        ] {
            let seen = Change::between(Some(&of(before)), &of(after), false);
            assert_eq!(seen, expected, "{before:?} {after:?}");
        }
        let more = Subscription {
            quantity: Some(2),
            ..of(&[("price_s", named, 1)])
        };
        let both = [Change::QuantityChanged, Change::AddonsChanged];
        assert_eq!(Change::between(Some(&of(&[])), &more, false), both);
        // An older version has noted the prices and no items.
        let older = Subscription {
            addons: Vec::new(),
            ..of(&[("price_s", named, 1)])
        };
        let now = of(&[("price_s", named, 1)]);
        assert_eq!(
            Change::between(Some(&older), &now, false),
            [Change::AddonsChanged]
        );
    }

    #[test]
    fn another_quantity_is_told_by_itself_and_with_another_price_once() {
        let of = |price: &str, quantity: Option<u64>| Subscription {
            prices: Some(vec![price.parse().unwrap()]),
            quantity,
            ..at("active", 2)
        };
        let two = of("price_1", Some(2));
        for (before, after, expected) in [
            (of("price_1", Some(5)), &two, Some(Change::QuantityChanged)),
            (of("price_1", Some(2)), &two, None),
            // As an older version has noted it.
            (of("price_1", None), &two, None),
            (of("price_2", Some(5)), &two, Some(Change::PlanChanged)),
        ] {
            let seen = Change::between(Some(&before), after, false);
            assert_eq!(seen, Vec::from_iter(expected), "{before:?}");
        }
        let going_to = |quantity: Option<u64>| Subscription {
            pending_change: Some(PendingChange {
                plan: None,
                price: "price_1".parse().unwrap(),
                quantity,
                addons: None,
                at: Timestamp::from_unix(2),
            }),
            ..of("price_1", Some(5))
        };
        let five = of("price_1", Some(5));
        for (before, after, expected) in [
            (&five, &going_to(Some(2)), Some(Change::ChangeScheduled)),
            (&going_to(None), &going_to(Some(2)), None),
            (
                &going_to(Some(3)),
                &going_to(Some(2)),
                Some(Change::ChangeScheduled),
            ),
            (&going_to(Some(2)), &two, Some(Change::QuantityChanged)),
            (&going_to(Some(2)), &five, Some(Change::ChangeWithdrawn)),
        ] {
            let seen = Change::between(Some(before), after, false);
            assert_eq!(seen, Vec::from_iter(expected), "{after:?}");
        }
    }

    #[test]
    fn another_price_is_told_and_another_name_is_not() {
        let charged = |prices: &[&str]| Subscription {
            prices: Some(prices.iter().map(|price| price.parse().unwrap()).collect()),
            ..at("active", 2)
        };
        let told = [Change::PlanChanged];
        let one = charged(&["price_1"]);
        assert_eq!(Change::between(Some(&at("active", 2)), &one, false), []);
        assert_eq!(
            Change::between(Some(&one), &charged(&["price_2"]), false),
            told
        );
        let both = charged(&["price_1", "price_2"]);
        assert_eq!(Change::between(Some(&one), &both, false), told);
        let renamed = Subscription {
            plan: Some("starter".parse().unwrap()),
            ..one.clone()
        };
        assert_eq!(Change::between(Some(&one), &renamed, false), []);
    }
}
