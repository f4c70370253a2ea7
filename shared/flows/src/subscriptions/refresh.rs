//! Reading a subscription again, because something says that it has changed.

use perennial_store::{SubscriptionItem, Written};
use perennial_stripe::{CancellationReason, Invoice, SetupIntentStatus, StripeError, metadata};
use perennial_types::{
    Attempt, AttemptId, CustomerId, InvoiceStatus, Plans, SoldAs, Subscription, SubscriptionId,
    UserId,
};

use super::{
    Subscriptions,
    one_of_group::may_be_second,
    read_model::{attempt_of, charged, contested, read_model, sold_as},
};
use crate::{
    FlowError,
    shop_events::{Reading, about_subscription},
};

/// What a reader knows of a subscription, which may already be outdated.
pub(crate) struct Refreshed {
    /// The read model.
    pub(crate) model: Subscription,
    /// The attempt that it came of; none when it was not made here.
    pub(crate) attempt: Option<AttemptId>,
    /// What Stripe has told; none if it was known to have ended, and so was not read.
    pub(crate) read: Option<perennial_stripe::Subscription>,
}

impl Refreshed {
    /// The subscription, if it stands in the way of another one of its group.
    pub(crate) fn standing(&self) -> Option<&Subscription> {
        let is_ours = self.attempt.is_some();
        Some(&self.model).filter(|model| model.stands(is_ours))
    }
}

/// Whether the subscription was made for this user. The customer is the user's by the table; a
/// subscription that was made here names its user itself, and the two have to agree.
pub(crate) fn is_of(subscription: &perennial_stripe::Subscription, user: &UserId) -> bool {
    let named = subscription.metadata.get(metadata::USER);
    named.is_none_or(|named| named == user.as_str())
}

/// Whether the price that a subscription was made with is only on its first invoice, and decides.
pub(crate) fn first_invoice_tells(
    plans: &Plans,
    read: &perennial_stripe::Subscription,
    sold: Option<&SoldAs>,
) -> bool {
    sold.is_some_and(|sold| {
        let prices = charged(read);
        let mut not_sold = prices
            .iter()
            .filter(|price| plans.charging(price, None, None).is_none());
        sold.price.is_none() && not_sold.next().is_some() && plans.get(sold.plan.as_str()).is_some()
    })
}

impl Subscriptions<'_> {
    /// Reads the subscription under a fence and writes what was read, unless it has ended, in
    /// which case it cannot change any more, or a later reader has taken over.
    pub(crate) async fn refresh(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
    ) -> Result<Refreshed, FlowError> {
        let mut item = self.cx.table.fence_subscription(user, id).await?;
        if item.issues.bare_refunds().next().is_some() {
            Box::pin(self.look_up_bare_refunds(user, id, &mut item)).await?;
        }
        if let Some(ended) = item
            .subscription
            .take_if(|model| model.status.is_terminal())
        {
            return Ok(Refreshed {
                model: self.keep_ended(user, &item, ended).await?,
                attempt: item.attempt,
                read: None,
            });
        }
        let read = self.cx.stripe.retrieve_subscription(id).await?.value;
        if read.customer_id() != customer || read.livemode != self.cx.livemode {
            return Err(FlowError::ForeignObject("subscription"));
        }
        if !is_of(&read, user) {
            return Err(FlowError::ForeignObject("user of the subscription"));
        }
        let sold_as = self.sold_as(&read, Some(&item)).await?;
        let plans = self.plans_for(&read).await;
        let mut model: Subscription = read_model(&plans, &read, Some(&item), sold_as);
        let attempt = attempt_of(&read);
        let unheard_of = |old: &Subscription| old.awaits_shopper();
        let began = model.status.is_terminal()
            && item.subscription.as_ref().is_none_or(unheard_of)
            && Box::pin(self.had_begun(user, &read, &mut model)).await?;
        if item.subscription.as_ref() != Some(&model) || item.attempt != attempt {
            let old = item.subscription.as_ref();
            let reading = Reading {
                user,
                old,
                new: &model,
                began,
                fence: item.fence,
            };
            let told = about_subscription(&reading, self.cx.clock.now());
            let written = self
                .cx
                .table
                .write_subscription(user, &model, attempt.as_ref(), item.fence, &told)
                .await?;
            if written == Written::Overtaken {
                tracing::info!(subscription = %id, "a later reader has taken over");
            } else if may_be_second(old, &model, attempt.is_some()) {
                let items = Box::pin(self.cx.table.load_subscription_items(user)).await?;
                self.report_second(&model, &items);
            }
        }
        if model.status.is_terminal() {
            self.drop_pending_setup(&read).await?;
        }
        Ok(Refreshed {
            model,
            attempt,
            read: Some(read),
        })
    }

    /// What has ended is not read again, but a payment of it can still be claimed or given back.
    async fn keep_ended(
        &self,
        user: &UserId,
        item: &SubscriptionItem,
        ended: Subscription,
    ) -> Result<Subscription, FlowError> {
        let model = Subscription {
            payment: contested(Some(item), ended.latest_paid_invoice.as_deref()),
            refunds: item.issues.refunds(),
            ..ended.clone()
        };
        if model != ended {
            let attempt = item.attempt.as_ref();
            self.cx
                .table
                .write_subscription(user, &model, attempt, item.fence, &[])
                .await?;
        }
        Ok(model)
    }

    /// What the checkout sold. Which price that was decides only for one that no plan has today,
    /// and is written on the subscription, but for those of an older version: of these the first
    /// invoice tells, once, since the answer is kept in the read model.
    pub(crate) async fn sold_as(
        &self,
        read: &perennial_stripe::Subscription,
        known: Option<&SubscriptionItem>,
    ) -> Result<Option<SoldAs>, FlowError> {
        let sold = sold_as(&self.cx.plans, read, known);
        if !first_invoice_tells(&self.cx.plans, read, sold.as_ref()) {
            return Ok(sold);
        }
        // Boxed, because hardly any reading needs it, and each would have to hold it.
        let first = Box::pin(self.first_invoice(read)).await?;
        let price = first.and_then(|invoice| invoice.first_price().cloned());
        Ok(sold.map(|sold| SoldAs { price, ..sold }))
    }

    /// The invoice that was created with a subscription.
    async fn first_invoice(
        &self,
        read: &perennial_stripe::Subscription,
    ) -> Result<Option<Invoice>, FlowError> {
        if let Some(newest) = read.newest_invoice().filter(|newest| newest.is_first()) {
            return Ok(Some(newest.clone()));
        }
        let listed = self.cx.stripe.list_first_invoices(&read.id, read.created);
        let listed = listed.await?.value.data;
        Ok(listed.into_iter().find(Invoice::is_first))
    }

    /// Whether a subscription that has ended had begun, of which nobody has heard before its end: its
    /// first invoice was paid, or the shopper has confirmed the payment method of its free trial.
    async fn had_begun(
        &self,
        user: &UserId,
        read: &perennial_stripe::Subscription,
        model: &mut Subscription,
    ) -> Result<bool, FlowError> {
        if read.trial_end.is_some() {
            return self.trial_was_confirmed(user, read).await;
        }
        let first = self.first_invoice(read).await?;
        let paid = first.filter(|first| first.status == Some(InvoiceStatus::Paid));
        let Some(paid) = paid else {
            return Ok(false);
        };
        model.latest_paid_invoice.get_or_insert(paid.id);
        Ok(true)
    }

    /// The subscription itself does not tell, since Stripe leaves its SetupIntent as it was.
    async fn trial_was_confirmed(
        &self,
        user: &UserId,
        read: &perennial_stripe::Subscription,
    ) -> Result<bool, FlowError> {
        let Some(attempt) = attempt_of(read) else {
            // It was made at Stripe, and does not have to be confirmed here.
            return Ok(true);
        };
        let attempt = self.cx.table.attempt(user, &attempt).await?;
        let Some(setup) = attempt.as_ref().and_then(Attempt::setup_intent) else {
            return Ok(read.payment_method_id().is_some());
        };
        let setup = self.cx.stripe.retrieve_setup_intent(setup).await?.value;
        Ok(setup.status == SetupIntentStatus::Succeeded)
    }

    /// Stripe leaves the SetupIntent of a trial open when the subscription ends.
    async fn drop_pending_setup(
        &self,
        ended: &perennial_stripe::Subscription,
    ) -> Result<(), FlowError> {
        let Some(id) = ended.pending_setup_intent_id() else {
            return Ok(());
        };
        let why = CancellationReason::Abandoned;
        match self.cx.stripe.cancel_setup_intent(id, why).await {
            // It has succeeded, or is canceled already.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
