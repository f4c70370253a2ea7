//! Events about what pays: methods, mandates, disputes, refunds, and the customer itself.
//!
//! They lead to one state with one reason on each subscription that is concerned.

use perennial_store::{Finding, SubscriptionItem};
use perennial_types::{CustomerId, Refunded, SubscriptionId, UserId};

use crate::{FlowError, Flows, apply_event::Applied};

/// What a PaymentIntent has paid.
enum Paid {
    For(PaidInvoice),
    /// Nothing of ours, and why.
    Ignored(&'static str),
}

/// An invoice of a subscription.
struct PaidInvoice {
    invoice: String,
    /// What was paid of it, in the currency's smallest unit.
    amount: u64,
    customer: CustomerId,
    subscription: SubscriptionId,
}

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
                .mark(&user, &id, method.as_str(), &finding)
                .await?;
            self.refresh_subscription(&user, customer, &id).await?;
        }
        Ok(Applied::Done)
    }

    /// The shopper's bank or wallet claims a payment back. What was lost can be won after all.
    pub(crate) async fn apply_to_dispute(&self, id: &str) -> Result<Applied, FlowError> {
        let dispute = self.stripe.retrieve_dispute(id).await?.value;
        let finding = match dispute.status.as_str() {
            "won" | "warning_closed" | "prevented" => Finding::DisputeOver,
            "lost" => Finding::DisputeLost,
            _ => Finding::DisputeOpen,
        };
        match self.paid_by(dispute.payment_intent.as_deref()).await? {
            Paid::For(paid) => self.contest(&paid, id, &finding).await,
            Paid::Ignored(why) => Ok(Applied::Ignored(why)),
        }
    }

    /// The shop gives a payment back, or a part of it.
    pub(crate) async fn apply_to_refund(&self, id: &str) -> Result<Applied, FlowError> {
        match self.read_refund(id).await? {
            (Paid::For(paid), finding) => self.contest(&paid, id, &finding).await,
            (Paid::Ignored(why), _) => Ok(Applied::Ignored(why)),
        }
    }

    async fn read_refund(&self, id: &str) -> Result<(Paid, Finding), FlowError> {
        let refund = self.stripe.retrieve_refund(id).await?.value;
        let paid = self.paid_by(refund.payment_intent.as_deref()).await?;
        let (invoice, of) = match &paid {
            Paid::For(paid) => (paid.invoice.clone(), paid.amount),
            Paid::Ignored(_) => (String::new(), 0),
        };
        let finding = Finding::Refund {
            stands: !matches!(refund.status.as_deref(), Some("failed" | "canceled")),
            of: Refunded {
                invoice,
                amount: refund.amount,
                paid: of,
                currency: refund.currency.parse().ok(),
            },
        };
        Ok((paid, finding))
    }

    /// An older version has noted refunds by their ids alone: which invoice each is about is
    /// looked up once.
    pub(crate) async fn look_up_bare_refunds(
        &self,
        user: &UserId,
        id: &SubscriptionId,
        item: &mut SubscriptionItem,
    ) -> Result<(), FlowError> {
        let bare: Vec<String> = item.marks.bare_refunds().map(str::to_owned).collect();
        for refund in &bare {
            let (paid, finding) = self.read_refund(refund).await?;
            if matches!(paid, Paid::For(_)) {
                self.table.mark(user, id, refund, &finding).await?;
            }
        }
        self.table.forget_bare_refunds(user, id, bare).await?;
        if let Some(now) = self.table.subscription(user, id).await? {
            item.marks = now.marks;
        }
        Ok(())
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

    /// The subscription, and the invoice of it, that a PaymentIntent has paid.
    async fn paid_by(&self, payment_intent: Option<&str>) -> Result<Paid, FlowError> {
        let Some(payment_intent) = payment_intent else {
            return Ok(Paid::Ignored("it is about no PaymentIntent"));
        };
        let paid = self
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

    async fn contest(
        &self,
        paid: &PaidInvoice,
        object: &str,
        finding: &Finding,
    ) -> Result<Applied, FlowError> {
        let (customer, id) = (&paid.customer, &paid.subscription);
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
