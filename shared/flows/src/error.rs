//! Why a journey could not go on.

use perennial_store::{CatalogError, StoreError};
use perennial_stripe::{Cause, StripeError};
use perennial_types::{CodeRefusal, TaxRefusal};
use thiserror::Error;

/// Why a journey could not go on for now, or at all. It knows nothing of HTTP.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The table did not answer.
    #[error("the table failed")]
    Store(#[from] StoreError),
    /// There are no plans, not even older ones.
    #[error("there is no catalog of plans")]
    Catalog(#[from] CatalogError),
    /// The catalog is larger, in bytes, than an item of the table may be.
    #[error("the catalog of plans would take {0} bytes")]
    CatalogTooLarge(usize),
    /// The plan is known and not offered, or Stripe has refused to sell it to this user lately.
    #[error("the plan is not offered to this user")]
    PlanNotAvailable,
    /// The user may not know of a plan of that name.
    #[error("there is no plan of that name for this user")]
    UnknownPlan,
    /// Stripe did not answer, or refused what it should not refuse.
    #[error("Stripe failed")]
    Stripe(#[from] StripeError),
    /// Another request has been doing the same for longer than this one can wait.
    #[error("another request is doing the same")]
    Busy,
    /// The user is being erased.
    #[error("the user is being erased")]
    Erasing,
    /// There is no such checkout of this user.
    #[error("there is no such checkout")]
    UnknownCheckout,
    /// An object at Stripe is of another customer, user or mode than what names it here. The field is
    /// its type.
    #[error("the {0} at Stripe is not that of the checkout")]
    ForeignObject(&'static str),
    /// Stripe's answer lacks what it should have.
    #[error("Stripe's answer lacks {0}")]
    AnswerLacks(&'static str),
    /// An item of the table lacks what one of its kind has.
    #[error("an item of the table lacks {0}")]
    ItemLacks(&'static str),
    /// The Stripe account cannot take this wallet.
    #[error("the Stripe account does not have the wallet enabled")]
    WalletNotEnabled,
    /// The user has opened too many checkouts lately.
    #[error("too many checkouts in an hour")]
    TooManyCheckouts,
    /// The user pays another subscription in another currency.
    #[error("the customer pays in another currency")]
    CurrencyConflict,
    /// The free trial that the page has told of is not the one that the user would get.
    #[error("the free trial that was shown is not the one that there is")]
    TrialOutdated,
    /// The plan's free trial does not begin without a payment method.
    #[error("the free trial needs a payment method")]
    TrialNeedsMethod,
    /// Stripe would charge a payment method of the customer's at the end of a trial that was to begin without one.
    #[error("the customer has a payment method")]
    MethodOnFile,
    /// There is no such subscription of this user.
    #[error("there is no such subscription")]
    UnknownSubscription,
    /// The payment method of an ended subscription may not be charged for another one.
    #[error("no payment method is saved")]
    NothingSaved,
    /// What the page has told of the first payment is not what it comes to.
    #[error("the amount that was shown is not the one that there is")]
    AmountOutdated,
    /// A promotion code is not taken.
    #[error("the promotion code is refused: {}", .0.as_str())]
    Code(CodeRefusal),
    /// With this promotion code the SetupIntent comes first.
    #[error("the promotion code asks for the SetupIntent first")]
    SetupFirst,
    /// A plan with taxes is not sold to this address, or not for this amount.
    #[error("the taxes are refused: {}", .0.as_str())]
    Tax(TaxRefusal),
    /// The answer that is kept for a request of the shop's servers cannot be read back.
    #[error("a kept answer is not readable")]
    KeptAnswer(#[source] serde_json::Error),
    /// A key could not be made.
    #[error("an idempotency key could not be made")]
    Key(#[from] perennial_stripe::IdempotencyKeyError),
}

impl FlowError {
    /// Whether the user's own requests are in each other's way.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy | Self::Store(StoreError::Conflict { .. }))
    }

    /// Whether Stripe has refused a call for the number of calls.
    pub fn is_rate_limit(&self) -> bool {
        // An object that is locked is refused in the same way.
        matches!(self, Self::Stripe(StripeError::RateLimited { code, .. }) if code.as_deref() != Some("lock_timeout"))
    }

    /// Whether it says nothing of the object that it was about: Stripe or the table could not be asked, or
    /// not yet, whatever for.
    pub fn is_of_no_object(&self) -> bool {
        match self {
            Self::Stripe(StripeError::Unavailable { cause, .. }) => {
                matches!(cause, Cause::Connect | Cause::OutOfTime)
            }
            Self::Stripe(StripeError::Unauthenticated { .. }) => true,
            Self::Store(error) => !error.is_unreadable() && !self.is_busy(),
            _ => self.is_rate_limit(),
        }
    }

    /// Whether an item of the table is not of a form that this version knows.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_unreadable())
    }

    /// The error and its causes, in one line for the log.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}
