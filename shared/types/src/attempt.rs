//! One shopper's attempt to subscribe.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AttemptId, Claim, CustomerId, FrozenRequest, PaymentIntentId, PlanGroup, PlanName, PriceId,
    ReturnPath, SetupIntentId, Subscription, SubscriptionId, Timestamp, UserId, Wallet,
};

/// Who confirms the SetupIntent; exactly one of the two does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmBy {
    /// The page, with Stripe.js, which tells Stripe the shopper's address and browser itself.
    Client,
    /// This server, with the address and browser that API Gateway saw.
    Server,
}

/// What comes first, and so what the shopper confirms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// A SetupIntent of our own; the subscription charges the method that it has set up.
    #[default]
    SetupIntent,
    /// The subscription; the shopper confirms its first payment, or its own SetupIntent if it
    /// begins with a trial.
    Subscription,
}

/// Where an attempt stands.
///
/// ```text
/// issued -> subscribing -> [confirming ->] subscribed
///    └──────────┴──────────────┴-> failed | canceled | expired
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Claimed; its SetupIntent exists or is being created.
    Issued,
    /// The request for the subscription is frozen and may have been sent.
    Subscribing,
    /// The subscription came first and exists; the shopper has yet to confirm it.
    Confirming,
    /// The subscription exists.
    Subscribed,
    /// It cannot succeed any more; `reason` says why.
    Failed,
    /// Its SetupIntent was canceled, or another checkout took its place.
    Canceled,
    /// Nobody came back in time.
    Expired,
}

impl AttemptState {
    /// Whether a finisher may still bring it to an end.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Issued | Self::Subscribing | Self::Confirming)
    }

    /// The name, as in the table and in JSON.
    pub fn as_str(self) -> &'static str {
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

/// Why a checkout did not become a subscription: stable codes that a page can match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The wallet or the shopper said no on the wallet's page.
    WalletDeclined,
    /// The shopper left the wallet's page, or took longer than it allows.
    WalletAbandoned,
    /// The wallet agreed, and the first payment was then refused.
    PaymentDeclined,
    /// The SetupIntent was canceled, or another checkout took this one's place.
    Canceled,
    /// Nobody came back in time.
    Expired,
    /// The user has a live subscription of this plan group from another checkout.
    AlreadySubscribed,
    /// Stripe does not accept the request: the shop's settings are wrong.
    Rejected,
    /// Stripe does not sell this plan to this customer: its price is archived, or the customer pays in
    /// another currency.
    PlanNotAvailable,
    /// The wallet or the bank has said no so often that this checkout has ended.
    TooManyDeclines,
    /// What was confirmed is not of the wallet that the checkout is for, such as a card that was typed in.
    WalletMismatch,
    /// The shopper agreed to a free trial which another checkout of theirs has had meanwhile.
    TrialUsed,
    /// There was a subscription, it was paid for, and it has ended since. It is no state of an attempt.
    EndedAfterPayment,
    /// The same, but it has ended within its free trial.
    EndedInTrial,
}

impl FailureReason {
    /// The code, as in the table and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WalletDeclined => "wallet_declined",
            Self::WalletAbandoned => "wallet_abandoned",
            Self::PaymentDeclined => "payment_declined",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::AlreadySubscribed => "already_subscribed",
            Self::Rejected => "rejected",
            Self::PlanNotAvailable => "plan_not_available",
            Self::TooManyDeclines => "too_many_declines",
            Self::WalletMismatch => "wallet_mismatch",
            Self::TrialUsed => "trial_used",
            Self::EndedAfterPayment => "ended_after_payment",
            Self::EndedInTrial => "ended_in_trial",
        }
    }

    /// A sentence for the shopper.
    pub fn message(self) -> &'static str {
        match self {
            Self::WalletDeclined => {
                "The wallet declined the payment. Nothing was charged; you can try again or use another wallet."
            }
            Self::WalletAbandoned => {
                "The wallet's page was left before it was done. Nothing was charged; you can try again."
            }
            Self::PaymentDeclined => {
                "The first payment was refused, so there is no subscription. You can try again, with another payment method if need be."
            }
            Self::Canceled => {
                "This checkout was canceled. Nothing was charged; you can start again."
            }
            Self::Expired => {
                "This checkout was open for too long. Nothing was charged; you can start again."
            }
            Self::AlreadySubscribed => {
                "There already is a subscription of this kind, so this checkout was not charged."
            }
            Self::Rejected => {
                "The shop could not create the subscription. Nothing was charged; the shop has been notified."
            }
            Self::PlanNotAvailable => {
                "This plan is not available at the moment. Nothing was charged; the shop has been notified."
            }
            Self::TooManyDeclines => {
                "The payment was declined too often, so this checkout has ended. Nothing was charged."
            }
            Self::WalletMismatch => {
                "This was not paid with the wallet that was chosen, so there is no subscription. Any charge is refunded; you can start again."
            }
            Self::EndedAfterPayment => {
                "This was paid for, and the subscription has ended since. Ask the shop before you pay again."
            }
            Self::EndedInTrial => {
                "The free trial had begun, and the subscription has ended since. Nothing was charged."
            }
            Self::TrialUsed => {
                "The free trial has been used already. Nothing was charged; you can start again, without the trial."
            }
        }
    }

    /// What has become of a checkout whose subscription has ended; none for one that has not.
    pub fn of_ended(subscription: &Subscription) -> Option<Self> {
        if !subscription.status.is_terminal() {
            return None;
        }
        Some(if subscription.ended_in_trial() {
            Self::EndedInTrial
        } else {
            Self::EndedAfterPayment
        })
    }

    /// Whether a new click can lead to a subscription, and asks for no money that was taken before.
    pub fn may_retry(self) -> bool {
        !matches!(
            self,
            Self::AlreadySubscribed
                | Self::Rejected
                | Self::PlanNotAvailable
                | Self::EndedAfterPayment
        )
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the table knows of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub state: AttemptState,
    /// What the shopper asked for.
    pub plan: PlanName,
    /// The plan's group when the attempt began.
    pub group: PlanGroup,
    /// The plan's price when the attempt began: what the shopper agreed to.
    pub price: PriceId,
    /// The plan's free days when the attempt began; 0 for none.
    pub trial_days: u32,
    /// How the shopper pays.
    pub wallet: Wallet,
    /// Who confirms.
    pub confirm: ConfirmBy,
    /// What comes first.
    #[serde(default)]
    pub first: First,
    /// The version of the text that the shopper agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// Where the shopper lands afterwards; the shop's default when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<ReturnPath>,
    /// The user's customer at Stripe.
    pub customer: CustomerId,
    /// When it began.
    pub created: Timestamp,
    /// Until when the shopper may come back to it.
    pub open_until: Timestamp,
    /// The SetupIntent, once Stripe has answered; that of the trial if the subscription came first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_intent: Option<SetupIntentId>,
    /// The first payment, if the subscription came first and has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<PaymentIntentId>,
    /// The frozen request for the SetupIntent; gone once it exists, since it may hold the
    /// shopper's address and browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_request: Option<FrozenRequest>,
    /// Who creates the SetupIntent: the owner of the lease.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub setup_owner: String,
    /// Until when that owner is taken to be alive.
    pub setup_lease: Timestamp,
    /// The frozen request for the subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_request: Option<FrozenRequest>,
    /// When that request was frozen; Stripe remembers its key for 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<Timestamp>,
    /// The subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
    /// Why it failed, or why the last try at the wallet did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// The newest decline that was counted, by the id of the try or the charge at Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<String>,
}

impl Attempt {
    /// The right to create its SetupIntent.
    pub fn setup_claim(&self) -> Claim {
        Claim {
            owner: self.setup_owner.clone(),
            lease: self.setup_lease,
            frozen_at: self.created,
            request: self.setup_request.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Stripe refuses in any case is not offered again.
    #[test]
    fn a_new_click_is_offered_where_it_can_help() {
        for (reason, code, again) in [
            (FailureReason::WalletDeclined, "wallet_declined", true),
            (FailureReason::WalletAbandoned, "wallet_abandoned", true),
            (FailureReason::PaymentDeclined, "payment_declined", true),
            (FailureReason::Canceled, "canceled", true),
            (FailureReason::Expired, "expired", true),
            (
                FailureReason::AlreadySubscribed,
                "already_subscribed",
                false,
            ),
            (FailureReason::Rejected, "rejected", false),
            (FailureReason::PlanNotAvailable, "plan_not_available", false),
            (FailureReason::TooManyDeclines, "too_many_declines", true),
            (FailureReason::WalletMismatch, "wallet_mismatch", true),
            (FailureReason::TrialUsed, "trial_used", true),
            (
                FailureReason::EndedAfterPayment,
                "ended_after_payment",
                false,
            ),
            (FailureReason::EndedInTrial, "ended_in_trial", true),
        ] {
            assert_eq!(reason.may_retry(), again, "{code}");
            assert_eq!(reason.to_string(), code);
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("{code:?}"));
            assert!(reason.message().ends_with('.'));
        }
    }

    #[test]
    fn only_what_a_finisher_may_still_end_is_open() {
        use AttemptState as State;
        for (state, name, open) in [
            (State::Issued, "issued", true),
            (State::Subscribing, "subscribing", true),
            (State::Confirming, "confirming", true),
            (State::Subscribed, "subscribed", false),
            (State::Failed, "failed", false),
            (State::Canceled, "canceled", false),
            (State::Expired, "expired", false),
        ] {
            assert_eq!((state.as_str(), state.is_open()), (name, open));
            assert_eq!(serde_json::to_value(state).unwrap(), name);
        }
    }
}
