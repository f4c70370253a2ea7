//! <https://docs.stripe.com/api/payment_intents/object>

use perennial_types::{CustomerId, PaymentIntentId, PaymentMethodId, open_enum};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    Charge, Customer, Expandable, Identified, Metadata, PaymentMethod, SetupError, lenient,
};

open_enum! {
    /// How far a payment has come.
    PaymentIntentStatus {
        /// Nobody has chosen how to pay, or the last try was refused.
        RequiresPaymentMethod => "requires_payment_method",
        /// It waits for a confirmation.
        RequiresConfirmation => "requires_confirmation",
        /// The shopper has to act.
        RequiresAction => "requires_action",
        /// It is being decided.
        Processing => "processing",
        /// The money is held, and not taken yet.
        RequiresCapture => "requires_capture",
        /// It is over.
        Canceled => "canceled",
        /// The money was taken.
        Succeeded => "succeeded",
    }
}

impl PaymentIntentStatus {
    /// Whether the money was captured, is authorized, or is on its way.
    pub fn is_made(&self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::RequiresCapture | Self::Processing
        )
    }
}

/// What a payment asks of a card, beyond the amount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct CardOptions {
    /// What the card is set up for: `recurring`, `unscheduled` or `installment`.
    #[serde(default)]
    pub setup_credential_usage: Option<String>,
    /// As what kind of payment a saved card is charged: one of the same three.
    #[serde(default)]
    pub stored_credential_usage: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct MethodOptions {
    #[serde(default)]
    card: Option<CardOptions>,
}

/// A payment, from its first idea to the money.
#[derive(Debug, Clone, Deserialize)]
pub struct PaymentIntent {
    /// `pi_...`
    pub id: PaymentIntentId,
    /// How far it has come.
    pub status: PaymentIntentStatus,
    /// What is to be paid, in the currency's smallest unit.
    pub amount: u64,
    /// What is held and can be taken.
    #[serde(default)]
    pub amount_capturable: u64,
    /// What was taken.
    #[serde(default)]
    pub amount_received: u64,
    /// The currency's code, in lower case.
    pub currency: String,
    /// Whose it is.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// What lets a browser confirm it. Never log it, never store it.
    #[serde(default, deserialize_with = "lenient::secret")]
    pub client_secret: Option<SecretString>,
    /// What pays.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_method: Option<Expandable<PaymentMethod>>,
    /// Why the last try failed.
    #[serde(default)]
    pub last_payment_error: Option<SetupError>,
    /// The newest try to move the money.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub latest_charge: Option<Expandable<Charge>>,
    /// `automatic`, `automatic_async` or `manual`.
    #[serde(default)]
    pub capture_method: Option<String>,
    /// `off_session` if paying saves the method for later.
    #[serde(default)]
    pub setup_future_usage: Option<String>,
    /// The kinds of method that can be used, after Stripe has filtered them.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub payment_method_types: Vec<String>,
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    payment_method_options: Option<MethodOptions>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
}

/// The decline codes after which Stripe charges a renewal only to another method
/// (<https://docs.stripe.com/billing/revenue-recovery/smart-retries>, read in April 2026).
const HARD_DECLINES: [&str; 9] = [
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "stolen_card",
    "revocation_of_authorization",
    "revocation_of_all_authorizations",
    "authentication_required",
    "highest_risk_level",
    "transaction_not_allowed",
];

impl PaymentIntent {
    /// The customer's id.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        self.customer.as_ref().map(Expandable::id)
    }

    /// The id of what pays.
    pub fn payment_method_id(&self) -> Option<&PaymentMethodId> {
        self.payment_method.as_ref().map(Expandable::id)
    }

    /// The method that it is about, also when the newest try has failed and Stripe has taken the
    /// method off the payment.
    pub fn tried_method_id(&self) -> Option<&PaymentMethodId> {
        let failed = self.last_payment_error.as_ref();
        self.payment_method_id()
            .or_else(|| failed?.payment_method.as_ref())
    }

    /// The method with which Stripe does not try this payment again by itself, although it may go on to
    /// tell times for that: the bank has refused it for good, or waits for the shopper.
    pub fn refused_for_good(&self) -> Option<&PaymentMethodId> {
        match self.status {
            PaymentIntentStatus::RequiresAction => self.payment_method_id(),
            PaymentIntentStatus::RequiresPaymentMethod => {
                let error = self.last_payment_error.as_ref()?;
                let code = error.decline_code.as_deref()?;
                HARD_DECLINES
                    .contains(&code)
                    .then_some(error.payment_method.as_ref())?
            }
            _ => None,
        }
    }

    /// The newest try to move the money, if it was expanded.
    pub fn charge(&self) -> Option<&Charge> {
        self.latest_charge.as_ref()?.object()
    }

    /// What it asks of a card.
    pub fn card_options(&self) -> Option<&CardOptions> {
        self.payment_method_options.as_ref()?.card.as_ref()
    }
}

impl Identified for PaymentIntent {
    type Id = PaymentIntentId;

    fn id(&self) -> &PaymentIntentId {
        &self.id
    }
}
