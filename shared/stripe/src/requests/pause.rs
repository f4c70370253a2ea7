//! <https://docs.stripe.com/api/subscriptions/pause> and <https://docs.stripe.com/api/subscriptions/resume>

use perennial_types::SubscriptionId;

use super::{below, freeze, path, whole};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// A pause of a subscription in flexible billing mode: its period ends, and what is left of it is invoiced as a credit,
/// which goes to the customer's balance. As a pending item it would be lost with the next invoice if that is voided.
#[derive(Debug, Clone, Copy)]
pub struct PauseSubscription<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
}

/// The end of such a pause, with a new period that is paid in the call or not begun.
#[derive(Debug, Clone, Copy)]
pub struct ResumeSubscription<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
}

impl PauseSubscription<'_> {
    /// Where such a request is sent ends so.
    pub const PATH_END: &'static str = "/pause";

    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new()
            .with(&["type"], "subscription")
            .with(&["bill_for", "unused_time_from", "type"], "now")
            .with(&["invoicing_behavior"], "invoice");
        let path = below(path::SUBSCRIPTIONS, self.subscription.as_str()) + Self::PATH_END;
        freeze(&path, whole(form), key)
    }

    /// The invoice of what would be credited.
    pub(crate) fn preview(self) -> Form {
        let form = Form::new().with(&["subscription"], self.subscription.as_str());
        let within = ["subscription_details", "pause"];
        let unused = [&within[..], &["bill_for", "unused_time_from", "type"]].concat();
        let form = form.with(&unused, "now");
        form.with(&[&within[..], &["invoicing_behavior"]].concat(), "invoice")
    }
}

impl ResumeSubscription<'_> {
    /// Where such a request is sent ends so.
    pub const PATH_END: &'static str = "/resume";

    /// The request as it will be sent.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let path = below(path::SUBSCRIPTIONS, self.subscription.as_str()) + Self::PATH_END;
        freeze(&path, whole(Self::body()), key)
    }

    pub(crate) fn body() -> Form {
        Form::new()
            .with(&["billing_cycle_anchor", "type"], "now")
            .with(&["payment_behavior"], "resume_on_payment_success")
    }

    /// The invoice with which it would go on.
    pub(crate) fn preview(self) -> Form {
        Form::new()
            .with(&["subscription"], self.subscription.as_str())
            .with(&["subscription_details", "resume_at"], "now")
            .with(
                &["subscription_details", "billing_cycle_anchor", "type"],
                "now",
            )
    }
}
