//! What a SetupIntent tells as the history of a method: <https://docs.stripe.com/api/setup_intents/object> with
//! their newest <https://docs.stripe.com/api/setup_attempts/object>.

use perennial_types::{PaymentMethodId, SetupIntentId, open_enum};
use serde::Deserialize;

use super::{
    Expandable, Identified, Metadata, PaymentMethod, SetupError, SetupIntentStatus, lenient,
};

/// A SetupIntent with its newest try, as a list gives it.
#[derive(Debug, Clone, Deserialize)]
pub struct SetupRecord {
    /// `seti_...`
    pub id: SetupIntentId,
    /// How far it has come.
    pub status: SetupIntentStatus,
    /// The method that was set up; nothing once a try has failed.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_method: Option<Expandable<PaymentMethod>>,
    /// The newest try.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub latest_attempt: Option<SetupAttempt>,
    /// Why the newest try failed.
    #[serde(default)]
    pub last_setup_error: Option<SetupError>,
    /// Our pairs.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub metadata: Metadata,
    /// When it was created, in Unix seconds.
    #[serde(default)]
    pub created: i64,
}

open_enum! {
    /// How a try to set a method up stands.
    SetupAttemptStatus {
        /// It is to be confirmed.
        RequiresConfirmation => "requires_confirmation",
        /// The shopper is at the wallet or the bank.
        RequiresAction => "requires_action",
        /// Under way.
        Processing => "processing",
        /// The method is set up.
        Succeeded => "succeeded",
        /// It was declined.
        Failed => "failed",
        /// The shopper went away.
        Abandoned => "abandoned",
    }
}

/// One try to set a method up.
#[derive(Debug, Clone, Deserialize)]
pub struct SetupAttempt {
    /// `setatt_...`
    pub id: String,
    /// How it stands.
    pub status: SetupAttemptStatus,
    /// With which method.
    #[serde(default, deserialize_with = "lenient::or_nothing")]
    pub payment_method: Option<Expandable<PaymentMethod>>,
    /// Why it failed.
    #[serde(default)]
    pub setup_error: Option<SetupError>,
    /// When it was made, in Unix seconds.
    #[serde(default)]
    pub created: i64,
}

impl SetupRecord {
    /// The method that it is about, also when the newest try has failed.
    pub fn payment_method_id(&self) -> Option<&PaymentMethodId> {
        let attempt = self.latest_attempt.as_ref();
        self.payment_method
            .as_ref()
            .or_else(|| attempt?.payment_method.as_ref())
            .map(Expandable::id)
            .or_else(|| self.last_setup_error.as_ref()?.payment_method.as_ref())
    }
}

impl Identified for SetupRecord {
    type Id = SetupIntentId;

    fn id(&self) -> &SetupIntentId {
        &self.id
    }
}
