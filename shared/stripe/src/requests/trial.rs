//! <https://docs.stripe.com/api/subscriptions/update#update_subscription-trial_end>

use perennial_types::SubscriptionId;

use super::{below, freeze, metadata, path, whole};
use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// Another end of a free trial that runs.
#[derive(Debug, Clone, Copy)]
pub struct ChangeTrial<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
    /// When the trial ends, in Unix seconds; none for now, with a first paid period that begins and is paid
    /// in the call.
    pub ends_at: Option<i64>,
    /// The request, by which it is found again.
    pub request: &'a str,
}

impl ChangeTrial<'_> {
    /// The request as it will be sent. What cannot be paid at once leaves the trial as it is.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new().with(&["proration_behavior"], "none");
        let form = match self.ends_at {
            Some(at) => form.with_number(&[Self::ENDS], at),
            None => form
                .with(&[Self::ENDS], "now")
                .with(&["payment_behavior"], "error_if_incomplete")
                // The shopper is not there to be asked again.
                .with(&["off_session"], "true"),
        };
        let form = form.with(&["metadata", metadata::ACTION], self.request);
        let path = below(path::SUBSCRIPTIONS, self.subscription.as_str());
        freeze(&path, whole(form), key)
    }

    /// When a request that was frozen here ends the trial; none for now.
    pub fn ends_at(request: &FrozenRequest) -> Option<i64> {
        let mut pairs = request.body.split('&').filter_map(|it| it.split_once('='));
        let (_, at) = pairs.find(|(name, _)| *name == Self::ENDS)?;
        at.parse().ok()
    }

    const ENDS: &'static str = "trial_end";
}
