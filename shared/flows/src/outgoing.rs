//! Events for the shop.

use perennial_store::Outgoing;
use perennial_types::{
    Attempt, AttemptState, Change, FailureReason, Subscription, Timestamp, UserId,
};
use serde_json::{Value, json};

use crate::{FlowError, Flows};

/// What there is to tell about a subscription, given what was known before.
pub(crate) fn about_subscription(
    user: &UserId,
    old: Option<&Subscription>,
    new: &Subscription,
    now: Timestamp,
) -> Option<Outgoing> {
    let change = Change::between(old, new)?;
    Some(outgoing(
        change.as_str(),
        user,
        now,
        &json!({ "subscription": new }),
    ))
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
    Outgoing {
        id: format!("pev_{}", ulid::Ulid::new().to_string().to_ascii_lowercase()),
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
        Ok(self
            .table
            .close_attempt(attempt, state, reason, told.as_ref())
            .await?)
    }
}
