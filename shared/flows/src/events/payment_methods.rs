//! Events about what pays: methods, mandates, disputes, refunds, and the customer itself.
//!
//! They lead to one state with one reason on each subscription that is concerned.

use perennial_store::PaymentIssue;
use perennial_stripe::{DisputeStatus, MandateStatus};
use perennial_types::{CustomerId, PaymentIntentId, SubscriptionId, Timestamp, UserId};

use super::{Events, apply::Applied};
use crate::{
    FlowError,
    shop_events::{Claimed, FraudSuspected, MoneyEvent, RefundFailed, RefundMade, about_money},
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
        let paid = Subscriptions::of(self.cx)
            .paid_by(dispute.payment_intent.as_deref())
            .await?;
        match paid {
            Paid::For(paid) => {
                let is_open = finding == PaymentIssue::DisputeOpen;
                let answer_by = dispute.answer_by().filter(|_| is_open);
                let claimed = Claimed {
                    id,
                    invoice: &paid.invoice,
                    amount: dispute.amount,
                    currency: dispute.currency.parse().ok(),
                    reason: dispute.reason.as_deref(),
                    status: dispute.status.as_str(),
                    answer_by: answer_by.map(Timestamp::from_unix),
                };
                let (about, event) = if is_open {
                    (id.to_owned(), MoneyEvent::DisputeOpened(claimed))
                } else {
                    // Once for each outcome.
                    let about = format!("{id}:{}", claimed.status);
                    (about, MoneyEvent::DisputeClosed(claimed))
                };
                self.contest(&paid, id, &finding, Some((&about, event)))
                    .await
            }
            Paid::Ignored(why) => Ok(Applied::Ignored(why)),
        }
    }

    /// The bank takes a payment for fraud. The shop is told once, and nothing else follows: what
    /// becomes of the payment brings events of its own.
    pub(super) async fn apply_to_fraud_warning(&self, id: &str) -> Result<Applied, FlowError> {
        let warning = self.cx.stripe.retrieve_fraud_warning(id).await?.value;
        let Some(charge) = warning.charge() else {
            return Ok(Applied::Ignored("it is about no charge"));
        };
        let payment_intent = charge.payment_intent.as_ref();
        let paid = Subscriptions::of(self.cx)
            .paid_by(payment_intent.map(PaymentIntentId::as_str))
            .await?;
        let paid = match paid {
            Paid::For(paid) => paid,
            Paid::Ignored(why) => return Ok(Applied::Ignored(why)),
        };
        let suspected = MoneyEvent::FraudSuspected(FraudSuspected {
            id,
            invoice: &paid.invoice,
            charge: &charge.id,
            amount: charge.amount_captured,
            refunded: charge.given_back(),
            currency: charge.currency.parse().ok(),
            fraud_type: &warning.fraud_type,
            actionable: warning.actionable,
        });
        let Some(user) = self.cx.table.user_of_customer(&paid.customer).await? else {
            return Ok(Applied::Ignored(NOT_OURS));
        };
        self.tell_of_money(&user, &paid, id, &suspected).await?;
        Ok(Applied::Done)
    }

    /// The shop gives a payment back, or a part of it.
    pub(super) async fn apply_to_refund(&self, id: &str) -> Result<Applied, FlowError> {
        let read = Subscriptions::of(self.cx).read_refund(id).await?;
        let paid = match &read.paid {
            Paid::For(paid) => paid,
            Paid::Ignored(why) => return Ok(Applied::Ignored(why)),
        };
        let of = &read.of;
        let told = if !read.stands {
            tracing::error!(subscription = %paid.subscription, refund = id,
                "a refund has failed, and the shopper has yet to get the money");
            Some(MoneyEvent::RefundFailed(RefundFailed {
                invoice: Some(&of.invoice),
                refund: Some(id),
                amount: of.amount,
                currency: of.currency,
                reason: None,
            }))
        } else if read.is_done {
            Some(MoneyEvent::Refunded(RefundMade {
                invoice: &of.invoice,
                refund: id,
                amount: of.amount,
                currency: of.currency,
            }))
        } else {
            None
        };
        let told = told.map(|event| (id, event));
        self.contest(paid, id, &read.finding(), told).await
    }

    async fn tell_of_money(
        &self,
        user: &UserId,
        paid: &PaidInvoice,
        about: &str,
        event: &MoneyEvent<'_>,
    ) -> Result<(), FlowError> {
        let now = self.cx.clock.now();
        let event = about_money(user, &paid.subscription, about, event, now);
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

    /// Notes how an object stands, tells of it, and reads the subscription again. What is noted counts at
    /// once, so whoever hears of it and asks gets an answer with it. Whoever dies in between does all of it
    /// again when the event comes again.
    async fn contest(
        &self,
        paid: &PaidInvoice,
        object: &str,
        finding: &PaymentIssue,
        told: Option<(&str, MoneyEvent<'_>)>,
    ) -> Result<Applied, FlowError> {
        let (customer, id) = (&paid.customer, &paid.subscription);
        let Some(user) = self.cx.table.user_of_customer(customer).await? else {
            return Ok(Applied::Ignored(NOT_OURS));
        };
        self.cx.table.note_issue(&user, id, object, finding).await?;
        if let Some((about, event)) = told {
            self.tell_of_money(&user, paid, about, &event).await?;
        }
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
