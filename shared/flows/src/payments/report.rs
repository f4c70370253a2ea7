//! A payment as the shop's servers see it.

use perennial_stripe::{
    Charge, Expandable, PaymentIntent, PaymentIntentStatus, PaymentMethod, metadata,
};
use perennial_types::{
    Currency, Money, PaymentIntentId, PaymentMethodId, Timestamp, UserId, Wallet,
};
use secrecy::SecretString;
use serde::Serialize;

use super::{Capture, NextStep, Refused};

/// A payment. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Serialize)]
pub struct PaymentReport {
    /// Stripe's id.
    pub id: PaymentIntentId,
    /// Stripe's status.
    pub status: PaymentIntentStatus,
    /// What is to be paid.
    pub amount: u64,
    /// What is held and can be taken.
    pub amount_capturable: u64,
    /// What was taken.
    pub amount_received: u64,
    /// The currency's code, in lower case.
    pub currency: String,
    /// When the money is taken.
    pub capture: Capture,
    /// What pays, or was tried last.
    pub payment_method: Option<PaymentMethodId>,
    /// The wallet that it came from.
    pub wallet: Option<String>,
    /// What the method is saved for, or as what it was charged.
    pub usage: Option<String>,
    /// Whether more can be held.
    pub increment: IncrementReport,
    /// What went back.
    pub refunded: u64,
    /// Why the last try failed, and what can be done.
    pub failure: Option<FailureReport>,
    /// What lets a page confirm it. It goes to the caller that started the payment, and nowhere else.
    #[serde(skip)]
    pub client_secret: Option<SecretString>,
    /// Whose payment it is, if it was started here.
    #[serde(skip)]
    pub user: Option<UserId>,
    /// When it was created.
    #[serde(skip)]
    pub created: Timestamp,
    /// Whether it can be paid with a card here at all.
    #[serde(skip)]
    pub offers_cards: bool,
}

/// Whether more can be held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct IncrementReport {
    /// Whether the network, the bank and the payment's state allow it.
    pub available: bool,
    /// How often still, as far as it was asked for here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<usize>,
}

/// Why the last try failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureReport {
    /// Stripe's code, such as `card_declined`.
    pub code: Option<String>,
    /// The bank's reason, such as `insufficient_funds`.
    pub decline_code: Option<String>,
    /// What can be done.
    pub next: NextStep,
}

impl PaymentReport {
    pub(super) fn of(payment: PaymentIntent) -> Self {
        let charge = payment.charge();
        let method = payment.payment_method.as_ref().and_then(Expandable::object);
        let wallet = method
            .and_then(wallet_of)
            .map(str::to_owned)
            .or_else(|| payment.metadata.get(metadata::WALLET).cloned());
        let options = payment.card_options();
        let usage = options.and_then(|options| {
            let usage = options.setup_credential_usage.as_ref();
            usage.or(options.stored_credential_usage.as_ref()).cloned()
        });
        let held = payment.status == PaymentIntentStatus::RequiresCapture;
        let increment = IncrementReport {
            available: held && charge.is_some_and(Charge::can_be_incremented),
            remaining: None,
        };
        Self {
            status: payment.status.clone(),
            amount: payment.amount,
            amount_capturable: payment.amount_capturable,
            amount_received: payment.amount_received,
            capture: match payment.capture_method.as_deref() {
                Some("manual") => Capture::Manual,
                _ => Capture::Automatic,
            },
            payment_method: payment.tried_method_id().cloned(),
            wallet,
            usage,
            increment,
            refunded: charge.map_or(0, Charge::given_back),
            failure: failure(&payment),
            user: payment
                .metadata
                .get(metadata::USER)
                .and_then(|user| user.parse().ok()),
            offers_cards: payment
                .payment_method_types
                .iter()
                .any(|kind| kind == "card"),
            created: Timestamp::from_unix(payment.created),
            id: payment.id,
            currency: payment.currency,
            client_secret: payment.client_secret,
        }
    }

    /// Its amount with its currency, if Stripe's code is one.
    pub fn money(&self) -> Option<Money> {
        let currency: Currency = self.currency.parse().ok()?;
        Some(Money {
            amount: self.amount,
            currency,
        })
    }

    /// Whether the money was taken, is held, or is on its way.
    pub fn has_succeeded(&self) -> bool {
        self.status.is_made()
    }
}

/// The name of the wallet that a method came from.
pub(super) fn wallet_of(method: &PaymentMethod) -> Option<&str> {
    let known = method.wallet().map(Wallet::as_str);
    known.or_else(|| method.card_wallet())
}

/// A payment that was tried and not paid since.
fn failure(payment: &PaymentIntent) -> Option<FailureReport> {
    let error = payment.last_payment_error.as_ref()?;
    (!payment.status.is_made()).then(|| FailureReport {
        code: error.code.clone(),
        decline_code: error.decline_code.clone(),
        next: NextStep::after(
            Refused::Charge(Some(payment.id.clone())),
            error.code.as_deref(),
            error.decline_code.as_deref(),
            error.advice_code.as_deref(),
        ),
    })
}
