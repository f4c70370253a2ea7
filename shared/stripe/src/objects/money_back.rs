//! What can go back: <https://docs.stripe.com/api/disputes/object>,
//! <https://docs.stripe.com/api/radar/early_fraud_warnings/object>,
//! <https://docs.stripe.com/api/refunds/object>, <https://docs.stripe.com/api/mandates/object> and
//! <https://docs.stripe.com/api/invoice-payment/object>.

use perennial_types::{CustomerId, SubscriptionId, open_enum};
use serde::Deserialize;

use super::{
    Charge, Customer, Expandable, Identified, Metadata, PaymentIntent, PaymentMethod, lenient,
};

open_enum! {
    /// How a mandate stands.
    MandateStatus {
        /// It can be used.
        Active => "active",
        /// It was revoked, or has been used.
        Inactive => "inactive",
        /// It is not active yet.
        Pending => "pending",
    }
}

open_enum! {
    /// How a dispute or an inquiry stands.
    DisputeStatus {
        /// The shop has to answer an inquiry.
        WarningNeedsResponse => "warning_needs_response",
        /// The bank looks at the answer to an inquiry.
        WarningUnderReview => "warning_under_review",
        /// An inquiry that became no dispute.
        WarningClosed => "warning_closed",
        /// The shop has to answer.
        NeedsResponse => "needs_response",
        /// The bank looks at the answer.
        UnderReview => "under_review",
        /// The money is with the shop.
        Won => "won",
        /// The money is with the shopper.
        Lost => "lost",
        /// It was settled before it became a dispute.
        Prevented => "prevented",
    }
}

open_enum! {
    /// How a refund stands.
    RefundStatus {
        /// Under way.
        Pending => "pending",
        /// The shopper has to do something.
        RequiresAction => "requires_action",
        /// The money is with the shopper.
        Succeeded => "succeeded",
        /// It came back.
        Failed => "failed",
        /// It was canceled.
        Canceled => "canceled",
    }
}

/// The shopper's standing permission to charge a method.
#[derive(Debug, Clone, Deserialize)]
pub struct Mandate {
    /// How it stands.
    pub status: MandateStatus,
    /// What it is a permission for.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_method: Option<Expandable<PaymentMethod>>,
}

/// A payment that the shopper's bank or wallet claims back.
#[derive(Debug, Clone, Deserialize)]
pub struct Dispute {
    /// How it stands.
    pub status: DisputeStatus,
    /// How much is claimed, in the currency's smallest unit.
    #[serde(default)]
    pub amount: u64,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: String,
    /// Why, in a word of the network's.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub reason: Option<String>,
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    evidence_details: EvidenceDetails,
    /// Which payment.
    #[serde(default)]
    pub payment_intent: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct EvidenceDetails {
    #[serde(default)]
    due_by: Option<i64>,
}

impl Dispute {
    /// Until when the shop may answer, in Unix seconds; none when it may not any more.
    pub fn answer_by(&self) -> Option<i64> {
        self.evidence_details.due_by
    }
}

/// A payment that the bank takes for fraud, before anybody claims it back.
#[derive(Debug, Clone, Deserialize)]
pub struct FraudWarning {
    /// Whether a refund may still prevent a dispute: it was neither disputed nor refunded in full.
    #[serde(default)]
    pub actionable: bool,
    /// What kind of fraud, in a word of Stripe's.
    #[serde(default)]
    pub fraud_type: String,
    /// Which payment.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    charge: Option<Expandable<Charge>>,
}

impl FraudWarning {
    /// The charge, if it was expanded.
    pub fn charge(&self) -> Option<&Charge> {
        self.charge.as_ref()?.object()
    }
}

/// A payment that the shop gives back.
#[derive(Debug, Clone, Deserialize)]
pub struct Refund {
    /// `re_...`
    pub id: String,
    /// How much, in the currency's smallest unit.
    #[serde(default)]
    pub amount: u64,
    /// The currency's code, in lower case.
    #[serde(default)]
    pub currency: String,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// How it stands; none with some payment methods.
    #[serde(default)]
    pub status: Option<RefundStatus>,
    /// Which payment.
    #[serde(default)]
    pub payment_intent: Option<String>,
}

/// A payment of an invoice.
#[derive(Debug, Clone, Deserialize)]
pub struct InvoicePayment {
    /// The invoice, if it was expanded.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub invoice: Option<PaidInvoice>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    payment: Option<PaymentOfInvoice>,
}

#[derive(Debug, Clone, Deserialize)]
struct PaymentOfInvoice {
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    payment_intent: Option<Expandable<PaymentIntent>>,
}

impl InvoicePayment {
    /// The payment itself, if it was expanded.
    pub fn payment_intent(&self) -> Option<&PaymentIntent> {
        self.payment.as_ref()?.payment_intent.as_ref()?.object()
    }
}

/// Whose invoice was paid, and for which subscription.
#[derive(Debug, Clone, Deserialize)]
pub struct PaidInvoice {
    /// `in_...`
    #[serde(default)]
    pub id: String,
    /// What was paid of it, in the currency's smallest unit.
    #[serde(default)]
    pub amount_paid: u64,
    /// Whose.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    #[serde(default)]
    parent: Option<Parent>,
}

#[derive(Debug, Clone, Deserialize)]
struct Parent {
    #[serde(default)]
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Debug, Clone, Deserialize)]
struct SubscriptionDetails {
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    subscription: Option<SubscriptionId>,
}

impl PaidInvoice {
    /// The customer's id.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        self.customer.as_ref().map(Expandable::id)
    }

    /// The subscription that it is for, if it is for one.
    pub fn subscription_id(&self) -> Option<&SubscriptionId> {
        self.parent
            .as_ref()?
            .subscription_details
            .as_ref()?
            .subscription
            .as_ref()
    }
}

impl Mandate {
    /// The customer of the payment method.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        self.payment_method.as_ref()?.object()?.customer_id()
    }

    /// The id of the payment method.
    pub fn payment_method_id(&self) -> Option<&<PaymentMethod as Identified>::Id> {
        self.payment_method.as_ref().map(Expandable::id)
    }
}

impl Identified for Refund {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}
