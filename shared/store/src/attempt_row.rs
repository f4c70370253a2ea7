//! An attempt as it lies in the table: flat, with a word for where it stands.

use perennial_types::{
    AgreedDiscount, AgreedTax, Attempt, AttemptId, Awaited, BoughtAddon, Claim, ConfirmBy,
    Confirming, CustomerId, Ending, FailureReason, First, FrozenRequest, Lease, PaymentIntentId,
    Phase, PlanGroup, PlanName, PriceId, ReturnPath, SetupIntentId, SubscriptionId, Timestamp,
    UserId, Wallet,
};
use serde::{Deserialize, Serialize};

/// The word in `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Its SetupIntent exists or is being created, or nothing was sent yet.
    Issued,
    Subscribing,
    Confirming,
    Subscribed,
    Failed,
    Canceled,
    Expired,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Subscribing => "subscribing",
            Self::Confirming => "confirming",
            Self::Subscribed => "subscribed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}

impl From<Ending> for State {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Failed => Self::Failed,
            Ending::Canceled => Self::Canceled,
            Ending::Expired => Self::Expired,
        }
    }
}

/// The item. What came later than the first release has a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AttemptRow {
    id: AttemptId,
    user: UserId,
    state: State,
    plan: PlanName,
    group: PlanGroup,
    price: PriceId,
    /// Left out if it is one, as by an older version.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    quantity: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addons: Vec<BoughtAddon>,
    trial_days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount: Option<AgreedDiscount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax: Option<AgreedTax>,
    /// Left out of a free trial that begins without a payment method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wallet: Option<Wallet>,
    confirm: ConfirmBy,
    #[serde(default)]
    first: First,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    return_to: Option<ReturnPath>,
    customer: CustomerId,
    created: Timestamp,
    open_until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setup_intent: Option<SetupIntentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment_intent: Option<PaymentIntentId>,
    /// Gone once the SetupIntent exists, since it may hold the shopper's address and browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setup_request: Option<FrozenRequest>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    setup_owner: String,
    setup_lease: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscription_request: Option<FrozenRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subscription: Option<SubscriptionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<FailureReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<String>,
}

const fn one() -> u64 {
    1
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_one(quantity: &u64) -> bool {
    *quantity == 1
}

/// A row that lacks what its state needs.
#[derive(Debug, thiserror::Error)]
#[error("an attempt that is {} lacks {lacking}", state.as_str())]
pub(crate) struct RowError {
    state: State,
    lacking: &'static str,
}

/// An attempt that is read from its row.
#[derive(Debug, Deserialize)]
#[serde(try_from = "AttemptRow")]
pub(crate) struct StoredAttempt(pub(crate) Attempt);

impl AttemptRow {
    /// The row of an attempt that begins.
    pub(crate) fn of_new(attempt: &Attempt, claim: Option<&Claim>) -> Self {
        Self {
            id: attempt.id.clone(),
            user: attempt.user.clone(),
            state: State::Issued,
            plan: attempt.plan.clone(),
            group: attempt.group.clone(),
            price: attempt.price.clone(),
            quantity: attempt.quantity,
            addons: attempt.addons.clone(),
            trial_days: attempt.trial_days,
            discount: attempt.discount.clone(),
            tax: attempt.tax,
            wallet: attempt.wallet,
            confirm: attempt.confirm,
            first: attempt.first,
            consent: attempt.consent.clone(),
            return_to: attempt.return_to.clone(),
            customer: attempt.customer.clone(),
            created: attempt.created,
            open_until: attempt.open_until,
            setup_intent: None,
            payment_intent: None,
            setup_request: claim.map(|claim| claim.request.clone()),
            setup_owner: claim.map_or_else(String::new, |claim| claim.lease.owner.clone()),
            setup_lease: claim.map_or(attempt.created, |claim| claim.lease.until),
            subscription_request: None,
            frozen_at: None,
            subscription: None,
            reason: None,
            counted: None,
        }
    }

    fn phase(&mut self) -> Result<Phase, RowError> {
        let state = self.state;
        let lacks = |lacking| RowError { state, lacking };
        let ending = match state {
            State::Issued => {
                return Ok(match (self.setup_intent.take(), self.first) {
                    (Some(id), _) => Phase::AwaitingSetup(id),
                    (None, First::Subscription) => Phase::Opened,
                    (None, First::SetupIntent) => Phase::Creating(Claim {
                        lease: Lease {
                            owner: std::mem::take(&mut self.setup_owner),
                            until: self.setup_lease,
                        },
                        frozen_at: self.created,
                        request: self.setup_request.take().ok_or(lacks("setup_request"))?,
                    }),
                });
            }
            State::Subscribing => {
                let request = self.subscription_request.take();
                return Ok(Phase::Subscribing {
                    setup_intent: self.setup_intent.take(),
                    request: request.ok_or(lacks("subscription_request"))?,
                    frozen_at: self.frozen_at.ok_or(lacks("frozen_at"))?,
                });
            }
            State::Confirming => {
                let awaited = match (self.setup_intent.take(), self.payment_intent.take()) {
                    (Some(id), _) => Awaited::Setup(id),
                    (None, Some(id)) => Awaited::Payment(id),
                    (None, None) => return Err(lacks("setup_intent and payment_intent")),
                };
                return Ok(Phase::Confirming(Confirming {
                    subscription: self.subscription.take().ok_or(lacks("subscription"))?,
                    awaited,
                }));
            }
            State::Subscribed => {
                return Ok(Phase::Subscribed {
                    subscription: self.subscription.take().ok_or(lacks("subscription"))?,
                    setup_intent: self.setup_intent.take(),
                });
            }
            State::Failed => Ending::Failed,
            State::Canceled => Ending::Canceled,
            State::Expired => Ending::Expired,
        };
        Ok(Phase::Ended {
            ending,
            reason: self.reason.take().unwrap_or(FailureReason::Canceled),
            setup_intent: self.setup_intent.take(),
            subscription_was_sent: self.frozen_at.is_some(),
        })
    }
}

impl TryFrom<AttemptRow> for StoredAttempt {
    type Error = RowError;

    fn try_from(mut row: AttemptRow) -> Result<Self, RowError> {
        let phase = row.phase()?;
        Ok(Self(Attempt {
            id: row.id,
            user: row.user,
            plan: row.plan,
            group: row.group,
            price: row.price,
            quantity: row.quantity,
            addons: row.addons,
            trial_days: row.trial_days,
            discount: row.discount,
            tax: row.tax,
            wallet: row.wallet,
            confirm: row.confirm,
            first: row.first,
            consent: row.consent,
            return_to: row.return_to,
            customer: row.customer,
            created: row.created,
            open_until: row.open_until,
            reason: row.reason,
            counted: row.counted,
            phase,
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FROZEN: &str = r#"{"path":"/v1/x","body":"","idempotency_key":"k"}"#;

    fn read(changes: &Value) -> Result<Phase, String> {
        let mut row = json!({
            "id": "chk_1", "user": "u", "state": "issued", "plan": "basic", "group": "one",
            "price": "price_1", "trial_days": 0, "wallet": "amazon_pay", "confirm": "client",
            "customer": "cus_1", "created": "2026-01-01T00:00:00Z",
            "open_until": "2026-01-02T00:00:00Z", "setup_lease": "2026-01-01T00:00:12Z",
        });
        let fields = row.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        serde_json::from_value::<StoredAttempt>(row)
            .map(|stored| stored.0.phase)
            .map_err(|error| error.to_string())
    }

    /// What the state needs is there, or the row is not readable: no later step can meet its lack.
    #[test]
    fn a_row_has_what_its_state_needs() {
        for (row, lacking) in [
            (json!({}), "setup_request"),
            (json!({"state": "subscribing"}), "subscription_request"),
            (
                json!({"state": "subscribing", "subscription_request": FROZEN}),
                "frozen_at",
            ),
            (json!({"state": "confirming"}), "setup_intent"),
            (
                json!({"state": "confirming", "payment_intent": "pi_1"}),
                "subscription",
            ),
            (json!({"state": "subscribed"}), "subscription"),
            (json!({"state": "somewhere"}), "somewhere"),
        ] {
            let error = read(&row).unwrap_err();
            assert!(error.contains(lacking), "{row}: {error}");
        }
    }

    #[test]
    fn an_issued_row_says_what_comes_next() {
        assert!(matches!(
            read(&json!({"setup_request": FROZEN, "setup_owner": "o"})),
            Ok(Phase::Creating(claim)) if claim.lease.owner == "o"
        ));
        assert!(matches!(
            read(&json!({"setup_intent": "seti_1"})),
            Ok(Phase::AwaitingSetup(_))
        ));
        assert_eq!(read(&json!({"first": "subscription"})), Ok(Phase::Opened));
    }

    #[test]
    fn a_row_without_a_quantity_is_of_one() {
        let row = |quantity: &Value| {
            let mut row = json!({
                "id": "chk_1", "user": "u", "state": "issued", "plan": "basic", "group": "one",
                "price": "price_1", "trial_days": 0, "wallet": "amazon_pay", "confirm": "client",
                "customer": "cus_1", "created": "2026-01-01T00:00:00Z", "setup_intent": "seti_1",
                "open_until": "2026-01-02T00:00:00Z", "setup_lease": "2026-01-01T00:00:12Z",
            });
            if !quantity.is_null() {
                row["quantity"] = quantity.clone();
            }
            serde_json::from_value::<StoredAttempt>(row).unwrap().0
        };
        let (one, five) = (row(&Value::Null), row(&json!(5)));
        assert_eq!((one.quantity, five.quantity), (1, 5));
        let written = |it: &Attempt| serde_json::to_value(AttemptRow::of_new(it, None)).unwrap();
        assert_eq!(written(&one).get("quantity"), None);
        assert_eq!(written(&five)["quantity"], 5);
    }

    #[test]
    fn a_row_that_has_ended_says_how() {
        for (state, reason, ending, expected) in [
            (
                "failed",
                "rejected",
                Ending::Failed,
                FailureReason::Rejected,
            ),
            (
                "expired",
                "expired",
                Ending::Expired,
                FailureReason::Expired,
            ),
            (
                "canceled",
                "canceled",
                Ending::Canceled,
                FailureReason::Canceled,
            ),
        ] {
            let row =
                json!({"state": state, "reason": reason, "frozen_at": "2026-01-01T00:00:00Z"});
            assert_eq!(
                read(&row),
                Ok(Phase::Ended {
                    ending,
                    reason: expected,
                    setup_intent: None,
                    subscription_was_sent: true,
                })
            );
            assert_eq!(State::from(ending).as_str(), state);
        }
    }
}
