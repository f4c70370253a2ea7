//! What a shopper, or a server of the shop, does to a subscription that has begun.
//!
//! One request at a time changes a subscription: it holds the claim of that subscription in the table, looks
//! at Stripe how the subscription stands, changes it there, and writes down what Stripe has answered. What a
//! server asks for under an idempotency key is remembered with what came of it.

mod abandoned;
mod addons;
mod address;
mod adoption;
mod cancel;
mod change_plan;
mod claim;
mod details;
mod discount;
mod email;
mod end_now;
mod frozen_change;
mod grants;
mod invoices;
mod later_period;
mod linked;
mod offers;
mod pause_preview;
mod pausing;
mod payment_method;
mod preview;
mod preview_again;
mod preview_cancel;
mod preview_code;
mod refund;
mod refusal;
mod resuming;
mod tax_ids;
mod trial_time;
mod unused_time;

pub(crate) use abandoned::Ended;
pub use adoption::Adoption;
pub use cancel::{Cancel, Canceled};
pub use details::{ChargedItem, Details, KnownDiscount, KnownMethod};
pub use discount::Discounting;
pub use frozen_change::{Basis, ChangeWhen, FrozenChange, WantedAddon};
pub use grants::AskedGrant;
pub use invoices::{Invoices, ListInvoices};
pub use linked::{Due, Known};
pub use pause_preview::{PausePreview, PreviewedPause};
pub use pausing::Pause;
pub use payment_method::{MethodChanged, MethodProgress, OpenMethod, OpenedMethod, Paid};
pub use perennial_stripe::SetupIntentStatus;
pub use perennial_stripe::{Bill, CancellationDetails, Feedback};
pub use preview::{AskPlan, NextCharge, PlanPreview, PreviewedLine, PreviewedTax};
pub use preview_again::AgainPreview;
pub use preview_cancel::{AskEnd, EndPreview};
pub use preview_code::{AskedCode, ShownCode};
pub use refund::{InvoiceRefund, Refund};
pub use refusal::{ActionErrorCode, ActionRefusal};
pub use resuming::{EndedPause, Resume};
pub use tax_ids::TaxIdsSet;
pub use trial_time::TrialEnd;

use perennial_store::{Offers, StoreError};
use perennial_stripe::StripeError;
use perennial_types::{
    Actions, By, CustomerId, Plan, PlanName, Subscription, SubscriptionId, UserId,
};
use thiserror::Error;

use crate::{Context, FlowError};

/// What is done to subscriptions that have begun.
#[derive(Debug)]
pub struct SubscriptionActions<'a> {
    cx: &'a Context,
}

impl<'a> SubscriptionActions<'a> {
    /// Those of one request.
    pub fn of(cx: &'a Context) -> Self {
        Self { cx }
    }
}

/// Which request this is, and of what.
#[derive(Debug, Clone)]
pub struct AskedAction {
    /// Whose subscription.
    pub user: UserId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// Who asks.
    pub by: By,
    /// By what a repeat is known; none for a shopper, whose requests may be repeated as they are.
    pub key: Option<ActionKey>,
}

/// By what a repeat is known: hashes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionKey {
    /// Of the caller and the idempotency key.
    pub id: String,
    /// Of the route and the body.
    pub fingerprint: String,
}

/// A subscription that is the user's.
struct Target<'a> {
    user: &'a UserId,
    customer: CustomerId,
    id: &'a SubscriptionId,
    by: By,
    offers: Offers,
}

impl Target<'_> {
    /// Whether whoever asks may know of a plan: a server of every one.
    fn may_know(&self, name: &PlanName, plan: &Plan) -> bool {
        self.by == By::Server || self.offers.allow(name, plan)
    }
}

/// Why a request was not carried out.
#[derive(Debug, Error)]
pub enum ActionError {
    /// It could not be, for now.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// It is not, as the subscription stands.
    #[error("{0}")]
    Refused(Box<ActionRefusal>),
}

impl ActionError {
    fn refused(why: ActionErrorCode, subscription: &Subscription) -> Self {
        Self::Refused(Box::new(ActionRefusal {
            why,
            subscription: Some(subscription.clone()),
        }))
    }
}

impl From<ActionErrorCode> for ActionError {
    fn from(why: ActionErrorCode) -> Self {
        Self::Refused(Box::new(ActionRefusal {
            why,
            subscription: None,
        }))
    }
}

impl From<StoreError> for ActionError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<StripeError> for ActionError {
    fn from(error: StripeError) -> Self {
        Self::Flow(error.into())
    }
}

impl SubscriptionActions<'_> {
    /// What may be done to a subscription now.
    fn may(&self, by: By, model: &Subscription) -> Actions {
        model.actions(by, self.cx.clock.now(), &self.cx.plans)
    }

    /// The subscription that is asked about, if it is the user's: what the table has not under the user is as
    /// if it were not there.
    async fn target<'t>(&self, asked: &'t AskedAction) -> Result<Target<'t>, ActionError> {
        let (user, id) = (&asked.user, &asked.subscription);
        let known = self.cx.table.subscription(user, id).await?;
        let (customer, offers) = self.cx.table.customer_and_offers(user).await?;
        match (known.and_then(|item| item.subscription), customer) {
            (Some(_), Some(customer)) => Ok(Target {
                user,
                customer,
                id,
                by: asked.by,
                offers,
            }),
            _ => Err(ActionErrorCode::UnknownSubscription.into()),
        }
    }
}
