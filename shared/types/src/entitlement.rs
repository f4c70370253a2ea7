//! What a user is entitled to, over all of their subscriptions and what they were given for free.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use serde::Serialize;
use thiserror::Error;

use crate::{
    Disputes, EntitledAddon, FeatureName, GivenPlan, Grants, PauseReason, PaymentReason, PlanGroup,
    Plans, Subscription, SubscriptionStatus as Status, Timestamp,
};

/// How long an entitlement outlives what is known to be paid for.
///
/// A renewal is charged about an hour after its period has begun, its event may be late, and who
/// cannot be charged is not cut off at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    seconds: i64,
}

/// Why a grace is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the grace is from 1 to 60 whole days")]
pub struct GraceError;

const DAY_SECONDS: i64 = 24 * 3600;

impl Default for Grace {
    /// Three days: as long as Stripe sends a webhook again
    /// (<https://docs.stripe.com/webhooks#automatic-retries>).
    fn default() -> Self {
        Self {
            seconds: 3 * DAY_SECONDS,
        }
    }
}

impl FromStr for Grace {
    type Err = GraceError;

    /// From whole days. Less than one would take away what every renewal gives back an hour later.
    fn from_str(text: &str) -> Result<Self, GraceError> {
        let days = text.parse().ok().filter(|days| (1..=60).contains(days));
        days.map(|days: i64| Self {
            seconds: days * DAY_SECONDS,
        })
        .ok_or(GraceError)
    }
}

/// What a disputed payment does to what the subscription entitles to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DisputedAccess {
    /// Nothing.
    #[default]
    Keep,
    /// It entitles to nothing once a dispute is lost.
    SuspendWhenLost,
    /// It entitles to nothing while a dispute is open, and once one is lost.
    Suspend,
}

impl FromStr for DisputedAccess {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(Self::Keep),
            "suspend_when_lost" => Ok(Self::SuspendWhenLost),
            "suspend" => Ok(Self::Suspend),
            _ => Err("it must be keep, suspend_when_lost or suspend"),
        }
    }
}

impl DisputedAccess {
    /// Why a subscription with these disputes entitles to nothing, if it does not.
    fn suspended(self, disputes: Disputes) -> Option<PaymentReason> {
        match self {
            Self::Keep => None,
            Self::SuspendWhenLost => disputes.lost.then_some(PaymentReason::DisputeLost),
            Self::Suspend => disputes.reason(),
        }
    }
}

/// What the shop has decided about entitlements.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessRules {
    /// How long one outlives what is paid for.
    pub grace: Grace,
    /// What a dispute does to it.
    pub disputed: DisputedAccess,
}

/// The answer for one plan group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entitlement {
    /// Whether the user has it.
    pub active: bool,
    /// When it ends unless something is paid by then; never in the past while it is active. None while it is active if
    /// no end is known, such as of what was given without one.
    pub until: Option<Timestamp>,
    /// The status of the subscription that decided it; `none` without any, `incomplete` also for a
    /// trial whose payment method the shopper has yet to confirm, and `lapsed` for one whose time
    /// is over although Stripe has told nothing of its end; `disputed` or `dispute_lost` for one that
    /// would entitle if nothing were claimed back; `granted` if no subscription entitles, and a plan of the group was
    /// given for free.
    pub because: String,
    /// How many of the plan are paid for, or were given; only of one that is sold in quantities, while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u64>,
    /// The add-ons of the plan that are paid for, while it is active.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addons: Vec<EntitledAddon>,
    /// What the plan lets its subscribers do, in the order of the names, while it is active.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<FeatureName>,
}

/// One answer for each configured plan group, by the prices that are charged and the plans that
/// have them today. A subscription that entitles beats any that does not, and a later end beats an
/// earlier one, so that an old subscription that dies cannot take away what a newer one gives. What was
/// given for free is added to that, and nothing becomes less by it.
pub fn entitlements(
    plans: &Plans,
    subscriptions: &[Subscription],
    grants: &Grants,
    now: Timestamp,
    rules: AccessRules,
) -> BTreeMap<PlanGroup, Entitlement> {
    let given = grants.running(plans, now);
    plans
        .groups()
        .into_iter()
        .map(|group| {
            let best = subscriptions
                .iter()
                .filter(|subscription| subscription.is_of_group(plans, group))
                .map(|subscription| (answer(subscription, now, rules), subscription))
                .max_by_key(|(answer, subscription)| {
                    (answer.active, answer.until, subscription.current_period_end)
                });
            let best = best.map(|(answer, subscription)| {
                if answer.active {
                    answer.of(plans, group, subscription)
                } else {
                    answer
                }
            });
            let given = given.iter().filter(|it| it.group == *group);
            let all = given.fold(best.unwrap_or_else(none), Entitlement::with);
            (group.clone(), all)
        })
        .collect()
}

impl Entitlement {
    /// With what a subscription has of this group.
    fn of(self, plans: &Plans, group: &PlanGroup, subscription: &Subscription) -> Self {
        let plan = subscription.paid_plan(plans, group);
        Self {
            quantity: subscription.quantity_of(plans, group),
            addons: subscription.addons_of(plans, group),
            features: plan
                .into_iter()
                .flat_map(|it| it.features.clone())
                .collect(),
            ..self
        }
    }

    /// With a plan of the group that was given for free.
    fn with(self, given: &GivenPlan) -> Self {
        if !self.active {
            return Self {
                active: true,
                until: given.until,
                because: "granted".to_owned(),
                quantity: given.quantity,
                addons: Vec::new(),
                features: given.features.iter().cloned().collect(),
            };
        }
        let mut features = self.features;
        features.extend(given.features.iter().cloned());
        Self {
            features,
            // No end is later than any.
            until: self.until.zip(given.until).map(|(own, it)| own.max(it)),
            quantity: self.quantity.max(given.quantity),
            ..self
        }
    }
}

fn none() -> Entitlement {
    Entitlement {
        active: false,
        until: None,
        because: "none".to_owned(),
        quantity: None,
        addons: Vec::new(),
        features: BTreeSet::new(),
    }
}

fn answer(subscription: &Subscription, now: Timestamp, rules: AccessRules) -> Entitlement {
    // Whatever the clock says, the current period has begun.
    let now = subscription
        .current_period_start
        .map_or(now, |start| start.max(now));
    let span = span(subscription, rules.grace);
    let runs = span.is_some_and(|span| span.last.is_none_or(|last| now < last));
    let suspended = rules.disputed.suspended(subscription.disputes);
    let suspended = suspended.filter(|_| runs);
    let active = runs && suspended.is_none();
    let because = match &subscription.status {
        _ if suspended == Some(PaymentReason::Disputed) => "disputed",
        _ if suspended.is_some() => "dispute_lost",
        _ if subscription.awaits_shopper() => Status::Incomplete.as_str(),
        _ if !active && paused_here(subscription).is_some() => Status::Paused.as_str(),
        Status::Active | Status::Trialing if !active => "lapsed",
        status => status.as_str(),
    };
    Entitlement {
        active,
        until: span
            .filter(|_| active)
            .and_then(|span| span.firm.filter(|firm| now < *firm).or(span.last)),
        because: because.to_owned(),
        quantity: None,
        addons: Vec::new(),
        features: BTreeSet::new(),
    }
}

/// How long a subscription entitles; without an end if none is known.
#[derive(Clone, Copy)]
struct Span {
    /// When the next payment falls due.
    firm: Option<Timestamp>,
    /// When the grace after that is over.
    last: Option<Timestamp>,
}

impl Span {
    fn with_grace(firm: Option<Timestamp>, grace: Grace) -> Self {
        let last = firm.map(|firm| firm.plus_seconds(grace.seconds));
        Self { firm, last }
    }

    /// What is not paid for entitles by its grace alone.
    fn grace_alone(paid: Timestamp, grace: Grace) -> Self {
        let last = Some(paid.plus_seconds(grace.seconds));
        Self { firm: last, last }
    }

    /// Nothing is charged any more once it has ended, so there is no grace after that.
    fn up_to(self, end: Option<Timestamp>) -> Self {
        let earliest = |it: Option<Timestamp>| it.into_iter().chain(end).min();
        Self {
            firm: earliest(self.firm),
            last: earliest(self.last),
        }
    }
}

/// Since when invoices are not collected because its user or the shop has paused it here. A pause of the collection
/// that was made elsewhere gives the time away.
fn paused_here(it: &Subscription) -> Option<Timestamp> {
    let pause = it.pause.as_ref()?;
    let collection = pause.reason == PauseReason::PauseCollection && it.status == Status::Active;
    pause.since.filter(|_| collection)
}

fn span(it: &Subscription, grace: Grace) -> Option<Span> {
    if it.awaits_shopper() {
        return None;
    }
    let paid = it.paid_until.or(it.current_period_end);
    if let Some(since) = paused_here(it) {
        // The period in which it was paused is paid for, and none after it is.
        let runs = it.current_period_start.is_none_or(|start| start <= since);
        return runs.then(|| {
            Span {
                firm: paid,
                last: paid,
            }
            .up_to(it.planned_end())
        });
    }
    let span = match it.status {
        Status::Trialing => Span::with_grace(it.trial_end.or(it.current_period_end), grace),
        Status::Active => match paid.filter(|_| paid < it.current_period_end) {
            Some(paid) => Span::grace_alone(paid, grace),
            None => Span::with_grace(paid, grace),
        },
        // An account may leave what is never paid past due, and each new period is tried in turn:
        // only the first of them counts.
        Status::PastDue if it.next_payment_attempt.is_some() && paid >= it.current_period_start => {
            Span::with_grace(it.next_payment_attempt, grace)
        }
        Status::PastDue if paid < it.current_period_start => Span::grace_alone(paid?, grace),
        // Stripe never tries again with this method. After several tries, time enough has passed.
        Status::PastDue if it.payment_attempts <= 1 => Span::grace_alone(paid?, grace),
        _ => return None,
    };
    Some(span.up_to(it.planned_end()))
}

#[cfg(test)]
mod tests;
