//! <https://docs.stripe.com/api/setup_intents/object>

use std::fmt;

use perennial_types::{CustomerId, PaymentMethodId, SetupIntentId, Wallet, open_enum};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{Customer, Expandable, Identified, Metadata, PaymentMethod, lenient};
use crate::redact;

open_enum! {
    /// How far a SetupIntent has come.
    SetupIntentStatus {
        /// The shopper has not chosen yet, or was refused.
        RequiresPaymentMethod => "requires_payment_method",
        /// It waits for a confirmation.
        RequiresConfirmation => "requires_confirmation",
        /// The shopper is away, at the wallet.
        RequiresAction => "requires_action",
        /// The wallet is thinking.
        Processing => "processing",
        /// It is over.
        Canceled => "canceled",
        /// The method may be charged from now on.
        Succeeded => "succeeded",
    }
}

/// The permission of a shopper to charge a method later.
#[derive(Debug, Clone, Deserialize)]
pub struct SetupIntent {
    /// `seti_...`
    pub id: SetupIntentId,
    /// How far it has come.
    pub status: SetupIntentStatus,
    /// Whose it is.
    #[serde(default)]
    pub customer: Option<Expandable<Customer>>,
    /// What lets a browser confirm it. Never log it, never store it.
    #[serde(default, deserialize_with = "lenient::secret")]
    pub client_secret: Option<SecretString>,
    /// The method that was set up.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_method: Option<Expandable<PaymentMethod>>,
    /// Why the last try failed.
    #[serde(default)]
    pub last_setup_error: Option<SetupError>,
    /// What the shopper has to do.
    #[serde(default)]
    pub next_action: Option<NextAction>,
    /// The kinds of method that can be used, after Stripe has filtered them.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub payment_method_types: Vec<String>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// The last try, `setatt_...`.
    #[serde(default, deserialize_with = "id_of_expandable")]
    pub latest_attempt: Option<String>,
    /// The shopper's standing permission, `mandate_...`.
    #[serde(default, deserialize_with = "id_of_expandable")]
    pub mandate: Option<String>,
    /// Why it was cancelled.
    #[serde(default)]
    pub cancellation_reason: Option<String>,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created: i64,
    /// Whether it is real rather than a test.
    #[serde(default)]
    pub livemode: bool,
}

/// Why a setup failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetupError {
    /// Such as `setup_attempt_failed` or `payment_method_customer_decline`.
    #[serde(default)]
    pub code: Option<String>,
    /// The bank's reason.
    #[serde(default)]
    pub decline_code: Option<String>,
    /// What the bank advises: `try_again_later`, `do_not_try_again` or `confirm_card_data`.
    #[serde(default)]
    pub advice_code: Option<String>,
    /// The charge that failed, `ch_...`; none if it did not come to one.
    #[serde(default)]
    pub charge: Option<String>,
    /// With which method it failed.
    #[serde(default, deserialize_with = "id_of_method")]
    pub payment_method: Option<PaymentMethodId>,
    /// Stripe's sentence, for logs only, without anything that looks like a secret.
    #[serde(default, deserialize_with = "redacted")]
    pub message: Option<String>,
    /// `card_error`, `invalid_request_error` and so on.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// What the shopper has to do.
#[derive(Debug, Clone, Deserialize)]
pub struct NextAction {
    /// `redirect_to_url`, `use_stripe_sdk` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// Set if the shopper has to go somewhere.
    #[serde(default)]
    pub redirect_to_url: Option<RedirectToUrl>,
}

/// Where the shopper has to go, and where they come back to.
#[derive(Clone, Deserialize)]
pub struct RedirectToUrl {
    /// The wallet's page. It may hold a secret, so it is not printed.
    #[serde(default)]
    pub url: Option<String>,
    /// The page of ours that they return to.
    #[serde(default)]
    pub return_url: Option<String>,
}

impl SetupIntent {
    /// The customer's id.
    pub fn customer_id(&self) -> Option<&CustomerId> {
        self.customer.as_ref().map(Expandable::id)
    }

    /// The id of the method that was set up.
    pub fn payment_method_id(&self) -> Option<&PaymentMethodId> {
        self.payment_method.as_ref().map(Expandable::id)
    }

    /// Where the shopper has to go now.
    pub fn redirect_url(&self) -> Option<&str> {
        self.next_action
            .as_ref()?
            .redirect_to_url
            .as_ref()?
            .url
            .as_deref()
    }

    /// Whether the wallet can be used with it.
    ///
    /// `allowed_payment_method_types` does not fail for a method that the account lacks: Stripe
    /// leaves it out of the answer.
    pub fn offers(&self, wallet: Wallet) -> bool {
        let kind = wallet.row().method_type;
        self.payment_method_types
            .iter()
            .any(|offered| offered == kind)
    }
}

impl Identified for SetupIntent {
    type Id = SetupIntentId;

    fn id(&self) -> &SetupIntentId {
        &self.id
    }
}

impl fmt::Debug for RedirectToUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectToUrl").finish_non_exhaustive()
    }
}

fn redacted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let message = Option::<String>::deserialize(deserializer)?;
    Ok(message.map(|message| redact::redact(&message)))
}

fn id_of_expandable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let id = value.get("id").unwrap_or(&value);
    Ok(id.as_str().map(str::to_owned))
}

fn id_of_method<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PaymentMethodId>, D::Error> {
    let id = id_of_expandable(deserializer)?;
    Ok(id.and_then(|id| id.parse().ok()))
}
