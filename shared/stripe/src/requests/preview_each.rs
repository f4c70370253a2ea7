//! <https://docs.stripe.com/api/invoices/create_preview#create_create_preview-preview_mode>

use perennial_types::SubscriptionId;

use super::ChangePlan;
use crate::form::Form;

/// What each whole period of a subscription costs.
#[derive(Debug, Clone, Copy)]
pub struct PreviewEachPeriod<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
    /// What of it is another then; none if it stays as it is.
    pub change: Option<&'a ChangePlan<'a>>,
    /// The discounts that count, `di_...`; all that there are by now where nothing is said.
    pub discounts: Option<&'a [String]>,
}

impl PreviewEachPeriod<'_> {
    pub(crate) fn form(&self) -> Form {
        let mut form = match self.change {
            Some(change) => change.preview(),
            None => Form::new().with(&["subscription"], self.subscription.as_str()),
        };
        for (index, discount) in self.discounts.into_iter().flatten().enumerate() {
            form = form.with(&["discounts", &index.to_string(), "discount"], discount);
        }
        if self.discounts.is_some_and(<[String]>::is_empty) {
            form = form.with(&["discounts"], "");
        }
        form.with(&["preview_mode"], "recurring")
    }
}
