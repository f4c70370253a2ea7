//! What is not done, and why: stable codes that the shop's servers can match on.

use std::fmt;

use perennial_stripe::{PaymentIntent, StripeError};
use perennial_types::{AmountError, PaymentIntentId};
use serde::{Deserialize, Serialize};

use super::FirstTransaction;

/// A request that is not carried out, however often it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Why.
    pub why: PaymentErrorCode,
    /// Stripe's code, if Stripe was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The bank's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<String>,
    /// The first transaction of the method, if that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_transaction: Option<FirstTransaction>,
    /// The payment whose state does not allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentState>,
    /// The payment that has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<PaymentIntentId>,
}

/// A payment, and how it stood when a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentState {
    /// Stripe's id.
    pub id: PaymentIntentId,
    /// Stripe's status.
    pub status: String,
}

impl From<&PaymentIntent> for PaymentState {
    fn from(payment: &PaymentIntent) -> Self {
        Self {
            id: payment.id.clone(),
            status: payment.status.as_str().to_owned(),
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $status:literal, $code:literal, $message:literal;)+) => {
        /// Why a request is not carried out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum PaymentErrorCode { $($(#[$doc])* $variant,)+ }

        impl PaymentErrorCode {
            /// A stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// A sentence for the shop's developer.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)+ }
            }

            /// The kind of mistake, in the numbers of HTTP: 400 for a request that can never be
            /// right, 402 for a bank's no, 404 for what is not there, 409 for what its object's
            /// state does not allow, 502 for what Stripe does not accept of the shop's account.
            pub fn kind(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }
    };
}

reasons! {
    /// The key was used for something else.
    KeyReused => 409, "idempotency_key_reused",
        "This Idempotency-Key was used for another request. Send the same request, or another key.";
    /// There is no such payment.
    UnknownPayment => 404, "unknown_payment", "There is no such payment.";
    /// There is no such method, or it belongs to another customer.
    UnknownPaymentMethod => 404, "unknown_payment_method",
        "This user has no such payment method.";
    /// Apple lets a saved method be charged off-session only.
    SavedWalletOnSession => 409, "saved_wallet_on_session",
        "Apple's terms do not let a saved Apple Pay method be used while the shopper is there. Show Apple Pay's button, so that they authorize this payment anew: send \"wallet\":\"apple_pay\" in place of \"payment_method\".";
    /// A saved method that is no Apple Pay.
    OffSessionRequired => 400, "off_session_required",
        "A saved method is charged here only while the shopper is away: send \"off_session\":true.";
    /// Only cards know it.
    UsageNotSupported => 400, "usage_not_supported",
        "Only a card takes \"usage\", and this payment method is not a card. Leave \"usage\" out.";
    /// Neither a card nor of a wallet.
    MethodNotSupported => 400, "payment_method_not_supported",
        "Only cards, including those of wallets, and the wallets of plans can be charged off-session.";
    /// The wallet's rule.
    CurrencyNotSupported => 400, "currency_not_supported",
        "This wallet cannot be charged in this currency.";
    /// Its first customer-initiated transaction (CIT) failed.
    FirstTransactionFailed => 409, "first_transaction_failed",
        "The customer-initiated transaction that saved this payment method failed. Issuers link later charges to it and would decline them too. Ask the shopper to authorize again.";
    /// It has no customer-initiated transaction (CIT).
    FirstTransactionMissing => 409, "first_transaction_missing",
        "This payment method was saved without a customer-initiated transaction, so its issuer knows of no agreement to charge it. Ask the shopper to authorize it, with a SetupIntent or a payment that saves it.";
    /// Its first customer-initiated transaction (CIT) is pending.
    FirstTransactionPending => 409, "first_transaction_pending",
        "The customer-initiated transaction that saves this payment method is still pending. Wait for it, or ask the shopper to complete it.";
    /// Apple could not show it.
    AppleRequestImpossible => 400, "invalid_apple_pay",
        "Apple Pay's sheet cannot show what \"apple_pay\" says.";
    /// Below the minimum.
    AmountTooSmall => 400, "amount_too_small", "The amount is below the minimum charge of its currency.";
    /// Above the maximum.
    AmountTooLarge => 400, "amount_too_large", "The amount has more than eight digits.";
    /// A fraction that the currency does not have.
    AmountNotChargeable => 400, "amount_not_chargeable",
        "The amount is a fraction that cannot be charged in its currency.";
    /// Stripe does not know the currency.
    InvalidCurrency => 400, "invalid_currency", "Stripe cannot charge in this currency.";
    /// It could double another payment.
    PaymentOpen => 409, "payment_open",
        "An earlier payment of this user with the same amount was declined, and they can still make it by its link. If this one is for the same purpose, send the other's id in \"replaces\", and it is canceled first. If it is for another purpose, send \"separate\":true.";
    /// It would double another payment.
    PaymentAlreadyMade => 409, "payment_already_made",
        "The earlier payment is made, or is on its way, so nothing was charged again. If this one is for another purpose, send \"separate\":true and no \"replaces\".";
    /// Another payment is in its place.
    PaymentReplaced => 409, "payment_replaced",
        "Another request has replaced this payment already. Send that request again under its own Idempotency-Key, or replace its payment, which is \"replaced_by\" once it is known.";
    /// There is no authorization.
    NotAuthorized => 409, "not_authorized",
        "This payment has no authorization to capture or increment: it was not authorized, or it is captured automatically.";
    /// It is captured.
    AlreadyCaptured => 409, "already_captured",
        "This payment is already captured. An authorization can only be changed before capture.";
    /// It is canceled.
    AlreadyCanceled => 409, "already_canceled", "This payment is already canceled.";
    /// The total has to grow.
    IncrementNotLarger => 409, "increment_not_larger",
        "The amount is the new total, and must be larger than the authorized amount. To take less, capture less.";
    /// The network or the bank does not do it.
    IncrementNotAvailable => 409, "increment_not_available",
        "Incremental authorization is not available for this payment: it depends on the card network, the type of business and the issuer. Capture the authorized amount, and charge the rest off-session.";
    /// The network's limit.
    IncrementsExhausted => 409, "increments_exhausted",
        "An authorization can be incremented ten times, including declined attempts, and this payment has reached that limit.";
    /// The network's rule.
    IncrementOfSubscription => 409, "increment_of_subscription",
        "Card network rules forbid incremental authorization for amounts that are known up front, such as those of a subscription. Change the subscription, or charge the difference off-session.";
    /// Its invoice decides.
    PaymentOfSubscription => 409, "payment_of_subscription",
        "This payment belongs to the invoice of a subscription and ends with it. Cancel the subscription instead.";
    /// More than is authorized.
    CaptureTooLarge => 409, "capture_too_large",
        "The amount is larger than the authorized amount. Increment the authorization first.";
    /// It is paid.
    NotCancelable => 409, "not_cancelable",
        "This payment has succeeded and can no longer be canceled. Refund it instead.";
    /// There is nothing to refund.
    NotPaid => 409, "not_paid",
        "This payment was not captured, so there is nothing to refund. Cancel it instead.";
    /// Another request was quicker, and its state has changed again.
    PaymentChanged => 409, "payment_changed",
        "Another request was changing this payment at the same time, so nothing was done. Read the payment, and send this with another Idempotency-Key if it is still needed.";
    /// It is fully refunded.
    AlreadyRefunded => 409, "already_refunded", "This payment is fully refunded.";
    /// More than there is.
    RefundTooLarge => 409, "refund_too_large",
        "The amount is larger than what is left to refund.";
    /// The issuer declined the increment.
    IncrementDeclined => 402, "increment_declined",
        "The issuer declined the increment. The amount that was authorized before can still be captured.";
    /// The issuer declined the capture.
    CaptureDeclined => 402, "capture_declined",
        "The issuer declined the capture: the authorization may have expired. Cancel this payment before you charge again.";
    /// The refund was declined.
    RefundDeclined => 402, "refund_declined",
        "The refund was declined. The amount that was not refunded can still be refunded.";
    /// The issuer declined, and Stripe keeps no payment of it.
    Declined => 402, "payment_declined", "The issuer declined this payment.";
    /// Used, too old, or not there.
    TokenNotUsable => 409, "token_not_usable",
        "Stripe did not accept this token: it was used, has expired, or belongs to another account. Ask the shopper to authorize again.";
    /// The account does not take it.
    WalletNotEnabled => 502, "wallet_not_enabled",
        "The shop's Stripe account does not accept this wallet yet. Enable it in Stripe's Dashboard, under Settings, Payment methods.";
    /// The customer was deleted at Stripe.
    CustomerDeleted => 409, "customer_deleted",
        "This user's customer was deleted at Stripe, and nothing was done. Another one is created when you send this with another Idempotency-Key.";
    /// Stripe keeps to its rules.
    StripeRefused => 502, "stripe_refused",
        "Stripe did not accept this request, so nothing was done. The reason is in the log.";
}

impl Refusal {
    /// A refusal in Stripe's or the bank's words.
    pub(crate) fn of(why: PaymentErrorCode, error: &StripeError) -> Self {
        let decline_code = match error {
            StripeError::Declined { decline_code, .. } => decline_code.clone(),
            _ => None,
        };
        Self {
            why,
            code: error.code().map(str::to_owned),
            decline_code,
            ..why.into()
        }
    }

    /// A refusal by the state of a payment.
    pub(crate) fn at(why: PaymentErrorCode, payment: &PaymentIntent) -> Self {
        Self {
            payment: Some(payment.into()),
            ..why.into()
        }
    }
}

impl From<PaymentErrorCode> for Refusal {
    fn from(why: PaymentErrorCode) -> Self {
        Self {
            why,
            code: None,
            decline_code: None,
            first_transaction: None,
            payment: None,
            replaced_by: None,
        }
    }
}

impl From<AmountError> for PaymentErrorCode {
    fn from(error: AmountError) -> Self {
        match error {
            AmountError::TooSmall { .. } => Self::AmountTooSmall,
            AmountError::TooLarge => Self::AmountTooLarge,
            AmountError::Fraction { .. } => Self::AmountNotChargeable,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why.code())?;
        for word in [&self.code, &self.decline_code].into_iter().flatten() {
            write!(f, ", {word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_of_its_own_and_a_sentence() {
        let mut codes: Vec<_> = PaymentErrorCode::ALL.iter().map(|why| why.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), PaymentErrorCode::ALL.len());
        for why in PaymentErrorCode::ALL {
            assert!(why.message().ends_with('.'), "{why:?}");
            assert!(matches!(why.kind(), 400 | 402 | 404 | 409 | 502), "{why:?}");
        }
    }

    #[test]
    fn a_refusal_is_kept_as_it_was() {
        let refusal = Refusal {
            code: Some("card_declined".to_owned()),
            ..PaymentErrorCode::IncrementDeclined.into()
        };
        let kept = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&kept).unwrap(), refusal);
    }
}
