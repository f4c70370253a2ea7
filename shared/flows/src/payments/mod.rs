//! What the shop's own servers ask for: payments now and later, money that is held, taken and given
//! back, and tokens of old that become saved methods.
//!
//! Each request has a key of the shop's choice. It is claimed in the table under that key, with the
//! bytes that are sent to Stripe, so that a repeat sends the same bytes and is answered with what
//! came of them. What is refused before anything was sent does not use the key up.

mod carry_out;
mod change;
mod claim;
mod create;
mod diagnosis;
mod first_transaction;
mod history;
mod migrate;
mod next_step;
mod ours;
mod payment_step;
mod refund;
mod refusal;
mod replace;
mod report;

pub use carry_out::{PaymentAnswer, PaymentOperation};
pub use create::{ChargeMethod, StartPayment};
pub use diagnosis::{Diagnosis, FailedCharge, SetUp, SetUpBy};
pub use first_transaction::{FirstStatus, FirstTransaction, TransactionBy};
pub use migrate::{MigrateToken, Migrated, MigratedStatus};
pub use next_step::{NextStep, Refused, ShopAction};
pub use perennial_stripe::{Capture, CredentialUsage, PaymentIntentStatus, RefundReason};
pub use refund::RefundReport;
pub use refusal::{PaymentErrorCode, PaymentState, Refusal};
pub use replace::Earlier;
pub use report::{FailureReport, IncrementReport, PaymentReport};

use perennial_store::StoreError;
use perennial_stripe::StripeError;
use thiserror::Error;

use crate::{Context, FlowError};

/// What the shop's servers ask for.
#[derive(Debug)]
pub struct Payments<'a> {
    cx: &'a Context,
}

impl<'a> Payments<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

/// Which request of the shop's servers this is. Key and fingerprint are hashes, in hexadecimal: the
/// shop's key may say something about its shoppers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Of the caller and the idempotency key.
    pub key: String,
    /// Of the route and the body.
    pub fingerprint: String,
    /// The ARN of the AWS identity that asks, without the name of a role's session.
    pub caller: String,
}

/// Why a request of the shop's servers was not carried out.
#[derive(Debug, Error)]
pub enum PaymentError {
    /// It could not be, for now.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// It will not be.
    #[error("{0}")]
    Refused(Box<Refusal>),
}

impl From<Refusal> for PaymentError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<PaymentErrorCode> for PaymentError {
    fn from(why: PaymentErrorCode) -> Self {
        Refusal::from(why).into()
    }
}

impl From<StoreError> for PaymentError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<StripeError> for PaymentError {
    fn from(error: StripeError) -> Self {
        Self::Flow(error.into())
    }
}
