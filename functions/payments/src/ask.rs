//! The bodies, and what they may not say. They are serialised again for the fingerprint alone.

use perennial_flows::payments::{
    Capture, ChargeMethod, CredentialUsage, Earlier, MigrateToken, PaymentErrorCode, RefundReason,
    StartPayment,
};
use perennial_http::{ApiError, sentence};
use perennial_types::{Currency, Money, Shown, UserId, Wallet};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::answer::{refuse, unknown_method, unknown_payment};

/// Longer texts are not shown to anybody.
const LONGEST_DESCRIPTION: usize = 500;

/// `POST /payments`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayAsk {
    pub(crate) user: UserId,
    amount: u64,
    currency: String,
    wallet: Option<String>,
    payment_method: Option<String>,
    off_session: Option<bool>,
    pub(crate) save: Option<bool>,
    usage: Option<CredentialUsage>,
    #[serde(default)]
    pub(crate) capture: Capture,
    pub(crate) kind: Option<Kind>,
    description: Option<String>,
    pub(crate) apple_pay: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    separate: Option<bool>,
}

/// What Apple's sheet is told of payments to come.
#[derive(Deserialize, Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Nothing: the payment stands alone.
    Once,
    /// One payment later.
    Deferred,
    /// Payments whenever a balance runs low.
    Reload,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncrementAsk {
    pub(crate) amount: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaptureAsk {
    pub(crate) amount: Option<u64>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelAsk {}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundAsk {
    pub(crate) amount: Option<u64>,
    pub(crate) reason: Option<RefundReason>,
}

/// `POST /payment-methods/migrate`. It holds a token, so it is never printed.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MigrateAsk {
    user: UserId,
    token: String,
    usage: Option<CredentialUsage>,
}

impl PayAsk {
    pub(crate) fn saved_method(&self) -> Option<&str> {
        self.payment_method.as_deref()
    }

    /// The wallet that it is made with in the page, if it names one.
    pub(crate) fn wallet(&self) -> Option<Wallet> {
        self.wallet.as_deref()?.parse().ok()
    }

    pub(crate) fn saves(&self) -> bool {
        self.save.unwrap_or_default()
    }

    /// The amount, if it can be charged.
    pub(crate) fn money(&self) -> Result<Money, ApiError> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|error| ApiError::new(400, "invalid_currency", sentence(&error)))?;
        if !currency.is_taken_by_cards() {
            let message = format!("Stripe cannot charge in {}.", self.currency);
            return Err(ApiError::new(400, "invalid_currency", message));
        }
        let money = Money {
            amount: self.amount,
            currency,
        };
        money
            .check_chargeable()
            .map_err(|error| ApiError::new(400, error.code(), sentence(&error)))?;
        Ok(money)
    }

    /// A charge of a saved method.
    pub(crate) fn charge(&self) -> Result<ChargeMethod, ApiError> {
        for (name, is_there) in [
            ("wallet", self.wallet.is_some()),
            ("save", self.save.is_some()),
            ("kind", self.kind.is_some()),
            ("apple_pay", self.apple_pay.is_some()),
        ] {
            if is_there {
                return Err(conflict("payment_method", name));
            }
        }
        let method = self.saved_method().unwrap_or_default();
        Ok(ChargeMethod {
            money: self.money()?,
            method: method.parse().map_err(|_| unknown_method())?,
            user: self.user.clone(),
            off_session: self.off_session.unwrap_or_default(),
            usage: self.usage,
            capture: self.capture,
            description: self.description()?,
            earlier: self.earlier()?,
        })
    }

    /// A payment that the shopper agrees to in the page.
    pub(crate) fn start(&self, can_be_shown: bool) -> Result<StartPayment, ApiError> {
        if self.off_session == Some(true) {
            return Err(missing(
                "payment_method",
                "A charge off-session is one of a saved method",
            ));
        }
        let Some(wallet) = &self.wallet else {
            return Err(missing(
                "wallet",
                "A payment in the page is made with a wallet",
            ));
        };
        let wallet: Wallet = wallet
            .parse()
            .map_err(|error| ApiError::new(400, "unknown_wallet", sentence(&error)))?;
        if wallet.row().shown == Shown::Redirect {
            return Err(ApiError::new(
                400,
                "wallet_not_supported",
                format!(
                    "Payments in the page are made with a wallet that opens a sheet over it. A method that {} has saved can be charged off-session.",
                    wallet.label()
                ),
            ));
        }
        if self.usage.is_some() && !self.saves() {
            return Err(ApiError::new(
                400,
                "usage_without_save",
                "A usage says what the method is saved for: send \"save\":true with it.",
            ));
        }
        Ok(StartPayment {
            money: self.money()?,
            user: self.user.clone(),
            wallet,
            save: self.saves(),
            usage: self.usage,
            capture: self.capture,
            description: self.description()?,
            earlier: self.earlier()?,
            can_be_shown,
        })
    }

    fn earlier(&self) -> Result<Earlier, ApiError> {
        match (&self.replaces, self.separate) {
            (Some(_), Some(true)) => Err(conflict("replaces", "separate")),
            (Some(id), _) => match id.parse() {
                Ok(id) => Ok(Earlier::Replaces(id)),
                Err(_) => Err(unknown_payment()),
            },
            (None, Some(true)) => Ok(Earlier::Separate),
            (None, _) => Ok(Earlier::Unsaid),
        }
    }

    fn description(&self) -> Result<Option<String>, ApiError> {
        let text = self.description.as_deref().map(str::trim);
        match text.filter(|text| !text.is_empty()) {
            Some(text) if text.chars().count() > LONGEST_DESCRIPTION => Err(ApiError::new(
                400,
                "invalid_field",
                format!("The description has at most {LONGEST_DESCRIPTION} characters."),
            )),
            text => Ok(text.map(str::to_owned)),
        }
    }
}

impl MigrateAsk {
    pub(crate) fn parse(self, return_url: Url) -> Result<MigrateToken, ApiError> {
        let token = self.token;
        let plain = token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !token.starts_with("tok_") || token.len() > 255 || !plain {
            return Err(refuse(&PaymentErrorCode::TokenNotUsable.into()));
        }
        Ok(MigrateToken {
            user: self.user,
            token: SecretString::from(token),
            usage: self.usage,
            return_url,
        })
    }
}

pub(crate) fn conflict(with: &str, name: &str) -> ApiError {
    ApiError::new(
        400,
        "conflicting_fields",
        format!("\"{name}\" does not go with \"{with}\": leave one of them out."),
    )
}

pub(crate) fn missing(name: &str, why: &str) -> ApiError {
    ApiError::new(400, "missing_field", format!("{why}: send \"{name}\"."))
}
