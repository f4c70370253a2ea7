//! What a page needs to show a wallet's sheet for a payment.

use perennial_api::stripe_js::{
    ApplePay, ApplePayError, Capture as CaptureOption, Deferred, Elements, ExpressCheckout, Reload,
};
use perennial_flows::payments::{Capture, PaymentErrorCode, PaymentIntentStatus, PaymentReport};
use perennial_http::{ApiError, read_value, sentence};
use perennial_types::{Shown, Timestamp, Wallet};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;

use crate::ask::{Kind, PayAsk, conflict, missing};

/// The options of Stripe.js for one payment.
pub(crate) struct Page {
    wallet: Wallet,
    elements: Elements,
    /// What Apple's sheet cannot show any more is an error for a new payment, and left out of an
    /// answer about one that was started in time.
    apple_pay: Result<Option<ApplePay>, ApplePayError>,
}

impl Page {
    pub(crate) fn new(ask: &PayAsk, management: &Url, now: Timestamp) -> Result<Self, ApiError> {
        let money = ask.money()?;
        let wallet = ask.wallet().unwrap_or(Wallet::ApplePay);
        // Google's sheet is told of no payments to come.
        if wallet != Wallet::ApplePay && wallet.row().shown != Shown::Redirect {
            let is_told = ask.kind.is_some_and(|kind| kind != Kind::Once);
            for (name, is_there) in [("kind", is_told), ("apple_pay", ask.apple_pay.is_some())] {
                if is_there {
                    return Err(conflict("wallet", name));
                }
            }
        }
        let described = |why| {
            let value = ask.apple_pay.clone();
            value.ok_or_else(|| missing("apple_pay", why))
        };
        let apple_pay = match ask.kind.unwrap_or(Kind::Once) {
            Kind::Once if ask.apple_pay.is_some() => return Err(conflict("kind", "apple_pay")),
            Kind::Once => Ok(None),
            Kind::Deferred if !ask.saves() && ask.capture == Capture::Automatic => {
                return Err(ApiError::new(
                    400,
                    "save_required",
                    "A deferred payment is held now, with \"capture\":\"manual\", or charged later, with \"save\":true.",
                ));
            }
            Kind::Deferred => {
                let value = described("Apple's sheet tells the shopper what is charged when")?;
                let deferred: Deferred = read_value(value)?;
                ApplePay::deferred(money, deferred, management, now).map(Some)
            }
            Kind::Reload if !ask.saves() => {
                return Err(ApiError::new(
                    400,
                    "save_required",
                    "A balance is filled up while the shopper is away: send \"save\":true.",
                ));
            }
            Kind::Reload => {
                let value = described("Apple's sheet tells the shopper when more is charged")?;
                let reload: Reload = read_value(value)?;
                Ok(Some(ApplePay::reload(money, reload, management)))
            }
        };
        let capture = match ask.capture {
            Capture::Automatic => CaptureOption::Automatic,
            Capture::Manual => CaptureOption::Manual,
        };
        Ok(Self {
            wallet,
            elements: Elements::payment(money, ask.saves(), capture),
            apple_pay,
        })
    }

    pub(crate) fn can_be_shown(&self) -> bool {
        self.apple_pay.is_ok()
    }

    /// Says what Apple's sheet cannot show, if that is why.
    pub(crate) fn explain(&self, mut error: ApiError) -> ApiError {
        if let (Err(why), true) = (
            &self.apple_pay,
            error.code == PaymentErrorCode::AppleRequestImpossible.code(),
        ) {
            error.message = sentence(why).into();
        }
        error
    }

    /// Adds what the page needs while the payment waits for the shopper.
    pub(crate) fn add_to(
        self,
        mut body: Map<String, Value>,
        payment: &PaymentReport,
        publishable_key: &str,
    ) -> Map<String, Value> {
        let waits = matches!(
            payment.status,
            PaymentIntentStatus::RequiresPaymentMethod
                | PaymentIntentStatus::RequiresConfirmation
                | PaymentIntentStatus::RequiresAction
        );
        let (true, Some(secret), Ok(apple_pay)) = (waits, &payment.client_secret, self.apple_pay)
        else {
            return body;
        };
        body.extend([
            ("client_secret".to_owned(), json!(secret.expose_secret())),
            ("publishable_key".to_owned(), json!(publishable_key)),
            ("elements".to_owned(), json!(self.elements)),
            (
                "express_checkout".to_owned(),
                json!(ExpressCheckout::new(self.wallet, apple_pay)),
            ),
        ]);
        body
    }
}
