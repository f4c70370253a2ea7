//! What is said about a cancellation.

use crate::form::Form;

/// What a shopper says about their cancellation
/// (<https://docs.stripe.com/api/subscriptions/cancel>). It is sent and kept nowhere, so it is never printed.
#[derive(Clone, Default)]
pub struct CancellationDetails {
    /// One of Stripe's words.
    pub feedback: Option<Feedback>,
    /// Their own words.
    pub comment: Option<String>,
}

impl CancellationDetails {
    pub(crate) fn add_to(&self, mut form: Form) -> Form {
        if let Some(feedback) = self.feedback {
            form = form.with(&["cancellation_details", "feedback"], feedback.as_str());
        }
        if let Some(comment) = &self.comment {
            form = form.with(&["cancellation_details", "comment"], comment);
        }
        form
    }
}

macro_rules! feedback {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// Why somebody cancels, in Stripe's words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Feedback { $($(#[$doc])* $variant,)+ }

        impl Feedback {
            /// Every reason that there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as Stripe writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

feedback! {
    /// The service to customers.
    CustomerService => "customer_service",
    /// The quality.
    LowQuality => "low_quality",
    /// Something is missing.
    MissingFeatures => "missing_features",
    /// Another reason.
    Other => "other",
    /// Somebody else offers it.
    SwitchedService => "switched_service",
    /// It is too difficult.
    TooComplex => "too_complex",
    /// The price.
    TooExpensive => "too_expensive",
    /// It is not used.
    Unused => "unused",
}
