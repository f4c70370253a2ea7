//! Reading a subscription again, because something says that it has changed.

use perennial_store::{SubscriptionItem, Written};
use perennial_stripe::{CancellationReason, IdempotencyKey, StripeError};
use perennial_types::{CustomerId, Subscription, SubscriptionId, UserId};

use crate::{
    FlowError, Flows,
    outgoing::about_subscription,
    read_model::{attempt_of, payment_of_ended, read_model},
};

impl Flows {
    /// Reads the subscription under a fence and writes what was read, unless it has ended, in
    /// which case it cannot change any more, or a later reader has taken over.
    ///
    /// The item that is returned holds what this reader knows, which may already be outdated.
    pub(crate) async fn refresh_subscription(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
    ) -> Result<SubscriptionItem, FlowError> {
        let (item, _) = self.read_under_fence(user, customer, id).await?;
        Ok(item)
    }

    /// The same, with what Stripe has told; nothing if the subscription was known to have ended,
    /// and so was not read.
    pub(crate) async fn read_under_fence(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
    ) -> Result<(SubscriptionItem, Option<perennial_stripe::Subscription>), FlowError> {
        let mut item = self.table.fence_subscription(user, id).await?;
        if let Some(ended) = item
            .subscription
            .take_if(|model| model.status.is_terminal())
        {
            return Ok((self.keep_ended(user, item, ended).await?, None));
        }
        let read = self.stripe.retrieve_subscription(id).await?.value;
        if read.customer_id() != customer || read.livemode != self.livemode {
            return Err(FlowError::Mismatch {
                what: "subscription",
            });
        }
        let model: Subscription = read_model(&self.plans, &read, Some(&item));
        let attempt = attempt_of(&read);
        if item.subscription.as_ref() != Some(&model) || item.attempt != attempt {
            let old = item.subscription.as_ref();
            let told = about_subscription(user, old, &model, self.clock.now());
            let written = self
                .table
                .write_subscription(user, &model, attempt.as_ref(), item.fence, told.as_ref())
                .await?;
            if written == Written::Overtaken {
                tracing::info!(subscription = %id, "a later reader has taken over");
            }
        }
        item.attempt = attempt;
        if model.status.is_terminal() {
            self.drop_pending_setup(&read).await?;
        }
        item.subscription = Some(model);
        Ok((item, Some(read)))
    }

    /// What has ended is not read again, but a payment of it can still be claimed or given back.
    async fn keep_ended(
        &self,
        user: &UserId,
        mut item: SubscriptionItem,
        ended: Subscription,
    ) -> Result<SubscriptionItem, FlowError> {
        let payment = payment_of_ended(Some(&item));
        let model = Subscription { payment, ..ended };
        if payment != ended.payment {
            let attempt = item.attempt.as_ref();
            self.table
                .write_subscription(user, &model, attempt, item.fence, None)
                .await?;
        }
        item.subscription = Some(model);
        Ok(item)
    }

    /// Stripe leaves the SetupIntent of a trial open when the subscription ends.
    async fn drop_pending_setup(
        &self,
        ended: &perennial_stripe::Subscription,
    ) -> Result<(), FlowError> {
        let Some(id) = ended.pending_setup_intent_id() else {
            return Ok(());
        };
        let key = IdempotencyKey::new(&format!("cancel:{id}"))?;
        let why = CancellationReason::Abandoned;
        match self.stripe.cancel_setup_intent(id, why, &key).await {
            // It has succeeded, or is canceled already.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
