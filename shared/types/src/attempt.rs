//! One shopper's attempt to subscribe.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AgreedDiscount, AgreedTax, AttemptId, BoughtAddon, Claim, CustomerId, First, FrozenRequest,
    PaymentIntentId, PlanGroup, PlanName, PriceId, ReturnPath, SetupIntentId, Subscription,
    SubscriptionId, Timestamp, UserId, Wallet,
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

/// Where an attempt stands, with what there is at that point.
///
/// ```text
/// SetupIntent first:   Creating -> AwaitingSetup ┐
///                                                ├-> Subscribing -> [Confirming ->] Subscribed
/// subscription first:  Opened ───────────────────┘
/// any of them but the last -> Ended
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The request for its SetupIntent is frozen and may have been sent.
    Creating(Claim),
    /// Its SetupIntent exists, and the shopper has yet to confirm it.
    AwaitingSetup(SetupIntentId),
    /// The subscription comes first, and nothing was sent for it yet.
    Opened,
    /// The request for the subscription is frozen and may have been sent.
    Subscribing {
        /// What was confirmed before; none if the subscription comes first.
        setup_intent: Option<SetupIntentId>,
        /// The request.
        request: FrozenRequest,
        /// When it was frozen; Stripe remembers its key for 24 hours.
        frozen_at: Timestamp,
    },
    /// The subscription came first and exists; the shopper has yet to confirm it.
    Confirming(Confirming),
    /// The subscription exists, and nothing is left to be done.
    Subscribed {
        /// The subscription.
        subscription: SubscriptionId,
        /// What was confirmed, if it was a SetupIntent.
        setup_intent: Option<SetupIntentId>,
    },
    /// No subscription has come of it, or none that was confirmed.
    Ended {
        /// In which way.
        ending: Ending,
        /// Why.
        reason: FailureReason,
        /// Its SetupIntent, if it had one.
        setup_intent: Option<SetupIntentId>,
        /// Whether Stripe was asked for the subscription before.
        subscription_was_sent: bool,
    },
}

/// A subscription that came first, and what its shopper has to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirming {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// What the shopper confirms.
    pub awaited: Awaited,
}

/// What the shopper confirms of a subscription that came first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Awaited {
    /// The SetupIntent of its trial.
    Setup(SetupIntentId),
    /// Its first payment.
    Payment(PaymentIntentId),
}

/// How an attempt ended without a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It cannot succeed any more.
    Failed,
    /// Its SetupIntent was canceled, or another checkout took its place.
    Canceled,
    /// Nobody came back in time.
    Expired,
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
    /// The promotion code could no longer be redeemed for what the shopper was shown.
    CodeRefused,
    /// With its taxes the plan no longer costs what the shopper was shown.
    TaxChanged,
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
            Self::CodeRefused => "code_refused",
            Self::TaxChanged => "tax_changed",
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
            Self::CodeRefused => {
                "The promotion code cannot be used any more, or no longer takes off what was shown. Nothing was charged; you can start again, without the code or with another."
            }
            Self::TaxChanged => {
                "The taxes are no longer those that were shown. Nothing was charged; you can start again."
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

/// One shopper's attempt to subscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Whose it is.
    pub user: UserId,
    /// What the shopper asked for.
    pub plan: PlanName,
    /// The plan's group when the attempt began.
    pub group: PlanGroup,
    /// The plan's price when the attempt began: what the shopper agreed to.
    pub price: PriceId,
    /// How many of it the shopper agreed to.
    pub quantity: u64,
    /// What is bought beside it.
    pub addons: Vec<BoughtAddon>,
    /// The plan's free days when the attempt began; 0 for none.
    pub trial_days: u32,
    /// The promotion code that is redeemed with it, and what the shopper was shown of that.
    pub discount: Option<AgreedDiscount>,
    /// What the shopper was shown of the taxes; none for a plan without.
    pub tax: Option<AgreedTax>,
    /// How the shopper pays; none of a free trial that begins without a payment method.
    pub wallet: Option<Wallet>,
    /// Who confirms.
    pub confirm: ConfirmBy,
    /// What comes first.
    pub first: First,
    /// The version of the text that the shopper agreed to.
    pub consent: Option<String>,
    /// Where the shopper lands afterwards; the shop's default when none.
    pub return_to: Option<ReturnPath>,
    /// The user's customer at Stripe.
    pub customer: CustomerId,
    /// When it began.
    pub created: Timestamp,
    /// Until when the shopper may come back to it.
    pub open_until: Timestamp,
    /// Why the last try at the wallet failed; or why the attempt is being ended, which is noted
    /// before Stripe is asked.
    pub reason: Option<FailureReason>,
    /// The newest decline that was counted, by the id of the try or the charge at Stripe.
    pub counted: Option<String>,
    /// Where it stands.
    pub phase: Phase,
}

impl Attempt {
    /// Whether it can still become a subscription that its shopper has confirmed.
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Subscribed { .. } | Phase::Ended { .. })
    }

    /// Whether Stripe has not been asked for its subscription.
    pub fn is_issued(&self) -> bool {
        matches!(
            self.phase,
            Phase::Creating(_) | Phase::AwaitingSetup(_) | Phase::Opened
        )
    }

    /// Its SetupIntent, once Stripe has answered; that of the trial if the subscription came first.
    pub fn setup_intent(&self) -> Option<&SetupIntentId> {
        match &self.phase {
            Phase::AwaitingSetup(id)
            | Phase::Confirming(Confirming {
                awaited: Awaited::Setup(id),
                ..
            }) => Some(id),
            Phase::Subscribing { setup_intent, .. }
            | Phase::Subscribed { setup_intent, .. }
            | Phase::Ended { setup_intent, .. } => setup_intent.as_ref(),
            Phase::Creating(_) | Phase::Opened | Phase::Confirming(_) => None,
        }
    }

    /// Its subscription, once it is written down; none of one that has ended.
    pub fn subscription(&self) -> Option<&SubscriptionId> {
        match &self.phase {
            Phase::Confirming(Confirming { subscription, .. })
            | Phase::Subscribed { subscription, .. } => Some(subscription),
            _ => None,
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
            (FailureReason::CodeRefused, "code_refused", true),
            (FailureReason::TaxChanged, "tax_changed", true),
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
}
