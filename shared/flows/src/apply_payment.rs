//! Events about what pays: methods, mandates, disputes, refunds, and the customer itself.
//!
//! They lead to one state with one reason on each subscription that is concerned.

use perennial_store::Finding;
use perennial_types::{CustomerId, SubscriptionId, UserId};

use crate::{FlowError, Flows, apply_event::Applied};

const NOT_OURS: &str = "the customer is not one of ours";

impl Flows {
    /// A method was taken off the customer, or replaced by its network: every live subscription
    /// is read again.
    pub(crate) async fn apply_to_methods(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Applied, FlowError> {
        for id in self.live(user).await? {
            self.refresh_subscription(user, customer, &id).await?;
        }
        Ok(Applied::Done)
    }

    /// The shopper has revoked an authorization, or it was given again.
    pub(crate) async fn apply_to_mandate(&self, id: &str) -> Result<Applied, FlowError> {
        let mandate = self.stripe.retrieve_mandate(id).await?.value;
        let (Some(customer), Some(method)) = (mandate.customer_id(), mandate.payment_method_id())
        else {
            // It went with its payment method, of which an event of its own tells.
            return Ok(Applied::Ignored("its payment method is of no customer"));
        };
        let Some(user) = self.table.user_of_customer(customer).await? else {
            return Ok(Applied::Ignored(NOT_OURS));
        };
        let finding = Finding::Mandate {
            revoked: mandate.status == "inactive",
        };
        for id in self.live(&user).await? {
            self.table
                .mark(&user, &id, method.as_str(), finding)
                .await?;
            self.refresh_subscription(&user, customer, &id).await?;
        }
        Ok(Applied::Done)
    }

    /// The shopper's bank or wallet claims a payment back.
    pub(crate) async fn apply_to_dispute(&self, id: &str) -> Result<Applied, FlowError> {
        let dispute = self.stripe.retrieve_dispute(id).await?.value;
        let finding = match dispute.status.as_str() {
            "won" | "warning_closed" | "prevented" => Finding::DisputeOver,
            "lost" => Finding::DisputeLost,
            _ => Finding::DisputeOpen,
        };
        self.contest(dispute.payment_intent.as_deref(), id, finding)
            .await
    }

    /// The shop gives a payment back.
    pub(crate) async fn apply_to_refund(&self, id: &str) -> Result<Applied, FlowError> {
        let refund = self.stripe.retrieve_refund(id).await?.value;
        let finding = Finding::Refund {
            stands: !matches!(refund.status.as_deref(), Some("failed" | "canceled")),
        };
        self.contest(refund.payment_intent.as_deref(), id, finding)
            .await
    }

    /// The customer was deleted, and its subscriptions with it. The next click creates another.
    pub(crate) async fn apply_to_customer(
        &self,
        user: &UserId,
        customer: &CustomerId,
    ) -> Result<Applied, FlowError> {
        if !self.stripe.retrieve_customer(customer).await?.value.deleted {
            return Ok(Applied::Ignored("the customer exists"));
        }
        self.apply_to_methods(user, customer).await?;
        self.table.forget_customer(user, customer).await?;
        Ok(Applied::Done)
    }

    async fn contest(
        &self,
        payment_intent: Option<&str>,
        object: &str,
        finding: Finding,
    ) -> Result<Applied, FlowError> {
        let Some(payment_intent) = payment_intent else {
            return Ok(Applied::Ignored("it is about no PaymentIntent"));
        };
        let paid = self
            .stripe
            .list_invoices_paid_by(payment_intent)
            .await?
            .value;
        let invoice = paid
            .data
            .iter()
            .find_map(|payment| payment.invoice.as_ref());
        let (Some(customer), Some(id)) = (
            invoice.and_then(|invoice| invoice.customer_id()),
            invoice.and_then(|invoice| invoice.subscription_id()),
        ) else {
            return Ok(Applied::Ignored("the payment was for no subscription"));
        };
        let Some(user) = self.table.user_of_customer(customer).await? else {
            return Ok(Applied::Ignored(NOT_OURS));
        };
        self.table.mark(&user, id, object, finding).await?;
        self.refresh_subscription(&user, customer, id).await?;
        Ok(Applied::Done)
    }

    async fn live(&self, user: &UserId) -> Result<Vec<SubscriptionId>, FlowError> {
        let subscriptions = self.table.load_subscriptions(user).await?;
        Ok(subscriptions
            .into_iter()
            .filter(|subscription| !subscription.status.is_terminal())
            .map(|subscription| subscription.id)
            .collect())
    }
}
