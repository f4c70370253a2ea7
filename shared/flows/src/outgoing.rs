//! Events for the shop.

use perennial_store::Outgoing;
use perennial_types::{
    Attempt, AttemptState, Change, FailureReason, Subscription, Timestamp, UserId,
};
use serde_json::{Value, json};

use crate::{FlowError, Flows};

/// What there is to tell about a subscription, given what was known before; `began` says of one that
/// has ended whether it had begun.
pub(crate) fn about_subscription(
    user: &UserId,
    old: Option<&Subscription>,
    new: &Subscription,
    began: bool,
    now: Timestamp,
) -> Vec<Outgoing> {
    let data = json!({ "subscription": new });
    let changes = Change::between(old, new, began).into_iter();
    changes
        .map(|change| outgoing(change.as_str(), user, now, &data))
        .collect()
}

/// That a checkout has come to an end without a subscription.
pub(crate) fn checkout_failed(
    attempt: &Attempt,
    reason: FailureReason,
    now: Timestamp,
) -> Outgoing {
    let data = json!({
        "checkout": attempt.id,
        "plan": attempt.plan,
        "wallet": attempt.wallet,
        "reason": reason,
    });
    outgoing("checkout.failed", &attempt.user, now, &data)
}

fn outgoing(kind: &'static str, user: &UserId, now: Timestamp, data: &Value) -> Outgoing {
    let id = format!("pev_{}", ulid::Ulid::new().to_string().to_ascii_lowercase());
    // Counted beside what leaves the table: an alarm goes off when nothing does.
    tracing::info!(event = id, kind, "an event for the shop");
    Outgoing {
        id,
        kind,
        user: user.clone(),
        occurred_at: now,
        data: data.to_string(),
    }
}

impl Flows {
    /// Ends an attempt that holds no slot. The shop is told, unless it was canceled, which is what
    /// happens to an attempt that makes room for another.
    pub(crate) async fn close(
        &self,
        attempt: &Attempt,
        state: AttemptState,
        reason: FailureReason,
    ) -> Result<bool, FlowError> {
        let told = match state {
            AttemptState::Failed | AttemptState::Expired => {
                Some(checkout_failed(attempt, reason, self.clock.now()))
            }
            _ => None,
        };
        let now = self.clock.now();
        Ok(self
            .table
            .close_attempt(attempt, state, reason, told.as_ref(), now)
            .await?)
    }
}
