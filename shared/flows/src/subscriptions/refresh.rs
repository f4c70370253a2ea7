//! Reading a subscription again, because something says that it has changed.

use perennial_store::{Fenced, Look, PaymentIssue, SubscriptionItem, Written};
use perennial_stripe::{
    CancellationReason, Expandable, Invoice, InvoicePayment, PaymentIntent, Reply,
    SetupIntentStatus, StripeError, metadata,
};
use perennial_types::{
    Attempt, AttemptId, CustomerId, InvoiceStatus, Plans, SoldAs, Subscription, SubscriptionId,
    SubscriptionStatus, Timestamp, UserId,
};

use super::{
    Subscriptions,
    one_of_group::may_be_second,
    read_model::{
        attempt_of, began_without_method, charged, contested, read_model, scheduled_try, sold_as,
    },
};
use crate::{
    FlowError,
    shop_events::{Reading, about_subscription, given_back},
};

/// What a reader knows of a subscription, which may already be outdated.
pub(crate) struct Refreshed {
    /// The read model.
    pub(crate) model: Subscription,
    /// The attempt that it came of; none when it was not made here.
    pub(crate) attempt: Option<AttemptId>,
    /// What Stripe has told; none if it was known to have ended, and so was not read.
    pub(crate) read: Option<perennial_stripe::Subscription>,
    /// When Stripe has told it, in Unix seconds by its clock, if it says.
    pub(crate) at: Option<i64>,
}

impl Refreshed {
    /// What is known of one that was not read, since it has ended.
    fn known(model: Subscription, attempt: Option<AttemptId>) -> Self {
        Self {
            model,
            attempt,
            read: None,
            at: None,
        }
    }

    /// The subscription, if it stands in the way of another one of its group.
    pub(crate) fn standing(&self) -> Option<&Subscription> {
        let is_ours = self.attempt.is_some();
        Some(&self.model).filter(|model| model.stands(is_ours))
    }
}

/// How often more a request reads that others overtake.
const READ_AGAIN: usize = 2;

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
        let mut not_sold = prices.iter().filter(|price| !plans.knows(price));
        sold.price.is_none() && not_sold.next().is_some() && plans.get(sold.plan.as_str()).is_some()
    })
}

/// Whether a pause that was known is over.
fn is_over(old: Option<&Subscription>, new: &Subscription) -> bool {
    new.pause.is_none() && old.is_some_and(|old| old.pause.is_some())
}

impl Subscriptions<'_> {
    /// Reads the subscription under a fence and writes what was read, unless it has ended, in
    /// which case it cannot change any more, or a later reader has taken over. That one writes
    /// soon; whoever answers somebody reads once more instead, since their next request has to find
    /// what this one is told.
    pub(crate) async fn refresh(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
    ) -> Result<Refreshed, FlowError> {
        let read = self.cx.stripe.retrieve_subscription(id);
        self.refresh_by(user, customer, id, read).await
    }

    /// The same, with what Stripe answers to a change in place of a reading: it is as new.
    pub(crate) async fn refresh_by(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
        read: impl Future<Output = Result<Reply<perennial_stripe::Subscription>, StripeError>>,
    ) -> Result<Refreshed, FlowError> {
        // Boxed, because each caller would have to hold all of it.
        let first = Box::pin(self.read_once(user, customer, id, read));
        let (mut seen, mut written) = first.await?;
        let mut more = if self.cx.answers { READ_AGAIN } else { 0 };
        while written == Written::Overtaken && more > 0 {
            more -= 1;
            let read = self.cx.stripe.retrieve_subscription(id);
            // Boxed, because hardly any reading needs it.
            match Box::pin(self.read_once(user, customer, id, read)).await {
                Ok(again) => (seen, written) = again,
                Err(error) => {
                    // What was read is true all the same, and the later reader writes it.
                    let error = error.chain();
                    tracing::warn!(subscription = %id, error, "it was not read once more");
                    break;
                }
            }
        }
        Ok(seen)
    }

    async fn read_once(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
        read: impl Future<Output = Result<Reply<perennial_stripe::Subscription>, StripeError>>,
    ) -> Result<(Refreshed, Written), FlowError> {
        let fenced = Box::pin(self.cx.table.fence_subscription(user, id));
        let mut item = match fenced.await? {
            Fenced::Current(item) => item,
            Fenced::Archived(item) => {
                let model = item.subscription;
                let model = model.ok_or(FlowError::ItemLacks("its model"))?;
                return Ok((Refreshed::known(model, item.attempt), Written::Done));
            }
        };
        if item.issues.bare_refunds().next().is_some() {
            Box::pin(self.look_up_bare_refunds(user, id, &mut item)).await?;
        }
        if let Some(ended) = item
            .subscription
            .take_if(|model| model.status.is_terminal())
        {
            let model = Box::pin(self.keep_ended(user, &item, ended)).await?;
            Box::pin(self.archive(user, id, item.attempt.as_ref(), item.fence)).await;
            return Ok((Refreshed::known(model, item.attempt), Written::Done));
        }
        let Reply {
            value: read, at, ..
        } = read.await?;
        if read.customer_id() != customer || read.livemode != self.cx.livemode {
            return Err(FlowError::ForeignObject("subscription"));
        }
        if !is_of(&read, user) {
            return Err(FlowError::ForeignObject("user of the subscription"));
        }
        if scheduled_try(&read).is_some() {
            Box::pin(self.note_refused_for_good(user, &read, &mut item)).await?;
        }
        let noted = item.pause;
        self.drop_stale_pause(&mut item, at);
        let sold_as = self.sold_as(&read, Some(&item)).await?;
        let plans = self.plans_for(&read).await;
        let mut model: Subscription = read_model(&plans, &read, Some(&item), sold_as);
        let now = at.map_or_else(|| self.cx.clock.now(), Timestamp::from_unix);
        let reminder = Box::pin(self.reminder(&read, &mut model, now)).await?;
        let attempt = attempt_of(&read);
        let unheard_of = |old: &Subscription| old.awaits_shopper();
        let began = model.status.is_terminal()
            && item.subscription.as_ref().is_none_or(unheard_of)
            && Box::pin(self.had_begun(user, &read, &mut model)).await?;
        if model.status.is_terminal() {
            // Once its end is written down, nobody reads it again.
            self.drop_pending_setup(&read).await?;
        }
        let mut written = Written::Done;
        let has_changed = item.subscription.as_ref() != Some(&model) || item.attempt != attempt;
        // An older version has noted no time for it, and a sweep has put it off.
        let lacks_look = reminder.at.is_some() && item.lacks_look();
        if has_changed || lacks_look || self.reminds {
            let old = item.subscription.as_ref();
            // What is owed was written down before the subscription ended.
            let given_back = if model.status == SubscriptionStatus::Canceled {
                let log = self.cx.table.actions(user, id).await?;
                given_back(&log)
            } else {
                None
            };
            let reading = Reading {
                given_back,
                next_charge: reminder.told,
                user,
                old,
                new: &model,
                began,
                fence: item.fence,
            };
            let told = about_subscription(&reading, self.cx.clock.now());
            let look = Look {
                paused: noted,
                is_over: is_over(old, &model),
                remind_at: reminder.at,
            };
            let fence = item.fence;
            let table = &self.cx.table;
            let write =
                table.write_subscription(user, &model, attempt.as_ref(), fence, look, &told);
            written = Box::pin(write).await?;
            if written == Written::Overtaken {
                tracing::info!(subscription = %id, "a later reader has taken over");
            } else if may_be_second(old, &model, attempt.is_some()) {
                let items = Box::pin(self.cx.table.load_subscription_items(user)).await?;
                self.report_second(&model, &items);
            }
        }
        if model.status.is_terminal() {
            Box::pin(self.archive(user, id, attempt.as_ref(), item.fence)).await;
        } else {
            self.release_spent_schedule(&read, &model).await?;
        }
        let seen = Refreshed {
            model,
            attempt,
            read: Some(read),
            at,
        };
        Ok((seen, written))
    }

    /// Of a pause that was asked for, and that nobody has carried out in all this time, nothing comes any more.
    fn drop_stale_pause(&self, item: &mut SubscriptionItem, at: Option<i64>) {
        let now = at.map_or_else(|| self.cx.clock.now(), Timestamp::from_unix);
        let was_paused = |model: &Subscription| model.pause.is_some();
        if !item.subscription.as_ref().is_some_and(was_paused) {
            item.pause.take_if(|asked| !asked.may_have_begun(now));
        }
    }

    /// Stripe tells a time for the next try also after a decline that lets it make none: only the payment
    /// tells. It is noted, since a list of subscriptions does not tell either.
    async fn note_refused_for_good(
        &self,
        user: &UserId,
        read: &perennial_stripe::Subscription,
        item: &mut SubscriptionItem,
    ) -> Result<(), FlowError> {
        let Some(invoice) = read.newest_invoice() else {
            return Ok(());
        };
        let payments = self.cx.stripe.list_payments_of_invoice(&invoice.id);
        let payments = payments.await?.value.data;
        let refused = payments
            .iter()
            .filter_map(InvoicePayment::payment_intent)
            .find_map(PaymentIntent::refused_for_good);
        let Some(method) = refused.filter(|it| !item.issues.is_refused(&invoice.id, it)) else {
            return Ok(());
        };
        let finding = PaymentIssue::Refused {
            invoice: invoice.id.clone(),
        };
        self.cx
            .table
            .note_issue(user, &read.id, method.as_str(), &finding)
            .await?;
        item.issues.add_refused(&invoice.id, method);
        Ok(())
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
                .write_subscription(user, &model, attempt, item.fence, Look::default(), &[])
                .await?;
        }
        Ok(model)
    }

    /// Moves a subscription that has ended to where no click reads it, once its checkout is over: until
    /// then others write to it. One that stays is moved when it is read the next time, at the latest by
    /// the nightly comparison, so what fails here is only noted.
    async fn archive(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        attempt: Option<&AttemptId>,
        fence: u64,
    ) {
        let table = &self.cx.table;
        let moved = async {
            if let Some(attempt) = attempt
                && let Some(attempt) = table.attempt(user, attempt).await?
                && attempt.is_open()
            {
                return Ok(false);
            }
            table.archive_subscription(user, id, fence).await
        };
        if let Err(error) = moved.await {
            let error = FlowError::from(error).chain();
            tracing::warn!(subscription = %id, error, "it has ended, and is moved later");
        }
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
        if began_without_method(read) {
            return Ok(true);
        }
        let attempt = self.cx.table.attempt(user, &attempt).await?;
        let Some(setup) = attempt.as_ref().and_then(Attempt::setup_intent) else {
            return Ok(read.payment_method_id().is_some());
        };
        let setup = self.cx.stripe.retrieve_setup_intent(setup).await?.value;
        Ok(setup.status == SetupIntentStatus::Succeeded)
    }

    /// The schedule of a change that has taken effect would hold the subscription fast for another period.
    async fn release_spent_schedule(
        &self,
        read: &perennial_stripe::Subscription,
        model: &Subscription,
    ) -> Result<(), FlowError> {
        let schedule = read.schedule.as_ref().and_then(Expandable::object);
        let spent = schedule.filter(|schedule| {
            model.pending_change.is_none() && schedule.metadata.contains_key(metadata::ACTION)
        });
        let Some(schedule) = spent else {
            return Ok(());
        };
        match self.cx.stripe.release_schedule(&schedule.id).await {
            // It has been released already.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
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
