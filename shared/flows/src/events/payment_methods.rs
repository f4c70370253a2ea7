//! Events about what pays: methods, mandates, disputes, refunds, and the customer itself.
//!
//! They lead to one state with one reason on each subscription that is concerned.

use perennial_store::PaymentIssue;
use perennial_stripe::{DisputeStatus, MandateStatus};
use perennial_types::{CustomerId, Refunded, SubscriptionId, UserId};

use super::{Events, apply::Applied};
use crate::{
    FlowError,
    shop_events::{RefundFailed, refund_failed},
    subscriptions::{Paid, PaidInvoice, Subscriptions},
};

const NOT_OURS: &str = "the customer is not one of ours";

impl Events<'_> {
    /// A method was taken off the customer, or replaced by its network: every live subscription
    /// is read again.
    pub(super) async fn apply_to_methods(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Applied, FlowError> {
        for id in self.live(user).await? {
            Subscriptions::of(self.cx)
                .refresh(user, customer, &id)
                .await?;
        }
        Ok(Applied::Done)
    }

    /// The shopper has revoked an authorization, or it was given again.
    pub(super) async fn apply_to_mandate(&self, id: &str) -> Result<Applied, FlowError> {
        let mandate = self.cx.stripe.retrieve_mandate(id).await?.value;
        let (Some(customer), Some(method)) = (mandate.customer_id(), mandate.payment_method_id())
        else {
            // It went with its payment method, of which an event of its own tells.
            return Ok(Applied::Ignored("its payment method is of no customer"));
        };
        let Some(user) = self.cx.table.user_of_customer(customer).await? else {
            return Ok(Applied::Ignored(NOT_OURS));
        };
        let finding = PaymentIssue::Mandate {
            revoked: mandate.status == MandateStatus::Inactive,
        };
        for id in self.live(&user).await? {
            self.cx
                .table
                .note_issue(&user, &id, method.as_str(), &finding)
                .await?;
            Subscriptions::of(self.cx)
                .refresh(&user, customer, &id)
                .await?;
        }
        Ok(Applied::Done)
    }

    /// The shopper's bank or wallet claims a payment back. What was lost can be won after all.
    pub(super) async fn apply_to_dispute(&self, id: &str) -> Result<Applied, FlowError> {
        let dispute = self.cx.stripe.retrieve_dispute(id).await?.value;
        let finding = match dispute.status {
            DisputeStatus::Won | DisputeStatus::WarningClosed | DisputeStatus::Prevented => {
                PaymentIssue::DisputeOver
            }
            DisputeStatus::Lost => PaymentIssue::DisputeLost,
            _ => PaymentIssue::DisputeOpen,
        };
        match Subscriptions::of(self.cx)
            .paid_by(dispute.payment_intent.as_deref())
            .await?
        {
            Paid::For(paid) => self.contest(&paid, id, &finding).await,
            Paid::Ignored(why) => Ok(Applied::Ignored(why)),
        }
    }

    /// The shop gives a payment back, or a part of it.
    pub(super) async fn apply_to_refund(&self, id: &str) -> Result<Applied, FlowError> {
        match Subscriptions::of(self.cx).read_refund(id).await? {
            (Paid::For(paid), finding) => {
                if let PaymentIssue::Refund { stands: false, of } = &finding {
                    self.tell_refund_failed(&paid, id, of).await?;
                }
                self.contest(&paid, id, &finding).await
            }
            (Paid::Ignored(why), _) => Ok(Applied::Ignored(why)),
        }
    }

    /// A refund that a wallet makes later may fail, after the shopper was told of it.
    async fn tell_refund_failed(
        &self,
        paid: &PaidInvoice,
        refund: &str,
        of: &Refunded,
    ) -> Result<(), FlowError> {
        let Some(user) = self.cx.table.user_of_customer(&paid.customer).await? else {
            return Ok(());
        };
        let failed = RefundFailed {
            invoice: Some(&of.invoice),
            refund: Some(refund),
            amount: of.amount,
            currency: of.currency,
            reason: None,
        };
        let now = self.cx.clock.now();
        let event = refund_failed(&user, &paid.subscription, refund, &failed, now);
        tracing::error!(subscription = %paid.subscription, refund,
            "a refund has failed, and the shopper has yet to get the money");
        self.cx.table.tell(&event).await?;
        Ok(())
    }

    /// The customer was deleted, and its subscriptions with it. The next click creates another.
    pub(super) async fn apply_to_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Applied, FlowError> {
        if !self
            .cx
            .stripe
            .retrieve_customer(customer)
            .await?
            .value
            .deleted
        {
            return Ok(Applied::Ignored("the customer exists"));
        }
        self.apply_to_methods(user, customer).await?;
        self.cx.table.forget_customer(user, customer).await?;
        Ok(Applied::Done)
    }

    async fn contest(
        &self,
        paid: &PaidInvoice,
        object: &str,
        finding: &PaymentIssue,
    ) -> Result<Applied, FlowError> {
        let (customer, id) = (&paid.customer, &paid.subscription);
        let Some(user) = self.cx.table.user_of_customer(customer).await? else {
            return Ok(Applied::Ignored(NOT_OURS));
        };
        self.cx.table.note_issue(&user, id, object, finding).await?;
        Subscriptions::of(self.cx)
            .refresh(&user, customer, id)
            .await?;
        Ok(Applied::Done)
    }

    async fn live(&self, user: &UserId) -> Result<Vec<SubscriptionId>, FlowError> {
        let items = self.cx.table.load_subscription_items(user).await?;
        let subscriptions = items.into_iter().filter_map(|item| item.subscription);
        Ok(subscriptions
            .filter(|subscription| !subscription.status.is_terminal())
            .map(|subscription| subscription.id)
            .collect())
    }
}
