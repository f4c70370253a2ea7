//! What was paid of a subscription's invoices, and what went back of that.

use perennial_store::{PaymentIssue, SubscriptionItem};
use perennial_stripe::RefundStatus;
use perennial_types::{CustomerId, Refunded, SubscriptionId, UserId};

use super::Subscriptions;
use crate::FlowError;

/// What a PaymentIntent has paid.
pub(crate) enum Paid {
    For(PaidInvoice),
    /// Nothing of ours, and why.
    Ignored(&'static str),
}

/// An invoice of a subscription.
pub(crate) struct PaidInvoice {
    pub(crate) invoice: String,
    /// What was paid of it, in the currency's smallest unit.
    pub(crate) amount: u64,
    pub(crate) customer: CustomerId,
    pub(crate) subscription: SubscriptionId,
}

/// A refund, as it was read.
pub(crate) struct ReadRefund {
    pub(crate) paid: Paid,
    /// It did not fail.
    pub(crate) stands: bool,
    /// The money is with the shopper.
    pub(crate) is_done: bool,
    /// What it gives back.
    pub(crate) of: Refunded,
}

impl ReadRefund {
    /// What it means for the subscription.
    pub(crate) fn finding(&self) -> PaymentIssue {
        PaymentIssue::Refund {
            stands: self.stands,
            of: self.of.clone(),
        }
    }
}

impl Subscriptions<'_> {
    /// A refund, and the subscription whose payment it gives back.
    pub(crate) async fn read_refund(&self, id: &str) -> Result<ReadRefund, FlowError> {
        let refund = self.cx.stripe.retrieve_refund(id).await?.value;
        let paid = self.paid_by(refund.payment_intent.as_deref()).await?;
        let (invoice, of) = match &paid {
            Paid::For(paid) => (paid.invoice.clone(), paid.amount),
            Paid::Ignored(_) => (String::new(), 0),
        };
        Ok(ReadRefund {
            paid,
            stands: !matches!(
                refund.status,
                Some(RefundStatus::Failed | RefundStatus::Canceled)
            ),
            is_done: refund.status == Some(RefundStatus::Succeeded),
            of: Refunded {
                invoice,
                amount: refund.amount,
                paid: of,
                currency: refund.currency.parse().ok(),
            },
        })
    }

    /// An older version has noted refunds by their ids alone: which invoice each is about is
    /// looked up once.
    pub(super) async fn look_up_bare_refunds(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        item: &mut SubscriptionItem,
    ) -> Result<(), FlowError> {
        let bare: Vec<String> = item.issues.bare_refunds().map(str::to_owned).collect();
        for refund in &bare {
            let read = self.read_refund(refund).await?;
            if matches!(read.paid, Paid::For(_)) {
                let finding = read.finding();
                self.cx.table.note_issue(user, id, refund, &finding).await?;
            }
        }
        self.cx.table.forget_bare_refunds(user, id, bare).await?;
        if let Some(now) = self.cx.table.subscription(user, id).await? {
            item.issues = now.issues;
        }
        Ok(())
    }

    /// The subscription, and the invoice of it, that a PaymentIntent has paid.
    pub(crate) async fn paid_by(&self, payment_intent: Option<&str>) -> Result<Paid, FlowError> {
        let Some(payment_intent) = payment_intent else {
            return Ok(Paid::Ignored("it is about no PaymentIntent"));
        };
        let paid = self
            .cx
            .stripe
            .list_invoices_paid_by(payment_intent)
            .await?
            .value;
        let invoice = paid.data.iter().find_map(|paid| paid.invoice.as_ref());
        let of_subscription = invoice.and_then(|invoice| {
            Some(PaidInvoice {
                invoice: invoice.id.clone(),
                amount: invoice.amount_paid,
                customer: invoice.customer_id()?.clone(),
                subscription: invoice.subscription_id()?.clone(),
            })
        });
        Ok(of_subscription.map_or(
            Paid::Ignored("the payment was for no subscription"),
            Paid::For,
        ))
    }
}
