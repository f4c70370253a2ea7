//! `GET /shop/users`: all that is known of a user, for the shop's own people.

use perennial_http::{ApiError, Request};
use perennial_store::{History, InboxItem, InboxStatus, ToldEvent};
use perennial_types::{
    Attempt, AttemptId, Awaited, Confirming, Ending, EventId, FailureReason, PaymentIntentId,
    Phase, PlanName, SetupIntentId, SubscriptionId, Timestamp, Wallet,
};
use serde::Serialize;

/// How much of each kind is read unless the request says otherwise, and at most.
const USUAL: usize = 100;
const MOST: usize = 500;

/// One thing that has happened.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Happening {
    /// A shopper began to subscribe.
    Checkout {
        at: Timestamp,
        checkout: AttemptId,
        state: &'static str,
        plan: PlanName,
        wallet: Option<Wallet>,
        reason: Option<FailureReason>,
        setup_intent: Option<SetupIntentId>,
        payment_intent: Option<PaymentIntentId>,
        subscription: Option<SubscriptionId>,
    },
    /// Stripe told of something.
    StripeEvent {
        at: Timestamp,
        event: EventId,
        #[serde(rename = "type")]
        event_type: String,
        object: Option<String>,
        subscription: Option<SubscriptionId>,
        status: InboxStatus,
        error: Option<String>,
        received_at: Timestamp,
    },
    /// The shop was told of something.
    ShopEvent {
        at: Timestamp,
        event: String,
        #[serde(rename = "type")]
        event_type: String,
        sequence: Option<u64>,
    },
}

impl Happening {
    fn at(&self) -> Timestamp {
        match self {
            Self::Checkout { at, .. }
            | Self::StripeEvent { at, .. }
            | Self::ShopEvent { at, .. } => *at,
        }
    }
}

impl From<Attempt> for Happening {
    fn from(attempt: Attempt) -> Self {
        let setup_intent = attempt.setup_intent().cloned();
        let subscription = attempt.subscription().cloned();
        let payment_intent = match &attempt.phase {
            Phase::Confirming(Confirming {
                awaited: Awaited::Payment(id),
                ..
            }) => Some(id.clone()),
            _ => None,
        };
        let (state, reason) = match attempt.phase {
            Phase::Creating(_) | Phase::AwaitingSetup(_) | Phase::Opened => {
                ("issued", attempt.reason)
            }
            Phase::Subscribing { .. } => ("subscribing", attempt.reason),
            Phase::Confirming(_) => ("confirming", attempt.reason),
            Phase::Subscribed { .. } => ("subscribed", None),
            Phase::Ended { ending, reason, .. } => (
                match ending {
                    Ending::Failed => "failed",
                    Ending::Canceled => "canceled",
                    Ending::Expired => "expired",
                },
                Some(reason),
            ),
        };
        Self::Checkout {
            at: attempt.created,
            checkout: attempt.id,
            state,
            plan: attempt.plan,
            wallet: attempt.wallet,
            reason,
            setup_intent,
            payment_intent,
            subscription,
        }
    }
}

impl From<InboxItem> for Happening {
    fn from(item: InboxItem) -> Self {
        Self::StripeEvent {
            at: item.created,
            event: item.event,
            event_type: item.kind,
            object: item.object,
            subscription: item.subscription,
            status: item.status,
            error: item.error,
            received_at: item.received_at,
        }
    }
}

impl From<ToldEvent> for Happening {
    fn from(event: ToldEvent) -> Self {
        Self::ShopEvent {
            at: event.occurred_at,
            event: event.id,
            event_type: event.kind,
            sequence: event.sequence,
        }
    }
}

/// How many of each kind are wanted.
pub(crate) fn most(request: &Request) -> Result<usize, ApiError> {
    let Some(limit) = request.query.get("limit") else {
        return Ok(USUAL);
    };
    let limit = limit.parse().ok();
    limit
        .filter(|limit| (1..=MOST).contains(limit))
        .ok_or_else(|| {
            ApiError::new(
                400,
                "invalid_field",
                format!("\"limit\" is a number from 1 to {MOST}."),
            )
        })
}

/// What has happened, newest first, no more than `most`, and whether it is all that is kept.
pub(crate) fn timeline(history: History, most: usize) -> (Vec<Happening>, bool) {
    let attempts = history.attempts.into_iter().map(Happening::from);
    let told = history.told.into_iter().map(Happening::from);
    let events = history.events.into_iter().map(Happening::from);
    let mut all: Vec<Happening> = told.chain(events).chain(attempts).collect();
    // A stable sort: of one second, what the shop was told comes before what it was told of.
    all.sort_by_key(|happening| std::cmp::Reverse(happening.at()));
    let complete = history.complete && all.len() <= most;
    all.truncate(most);
    (all, complete)
}
