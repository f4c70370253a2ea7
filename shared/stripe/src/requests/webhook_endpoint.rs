//! <https://docs.stripe.com/api/webhook_endpoints/create>

use super::{freeze, path};
use crate::{API_VERSION, FrozenRequest, IdempotencyKey, form::Form};

/// An address that Stripe tells of events.
#[derive(Debug, Clone, Copy)]
pub struct CreateWebhookEndpoint<'a> {
    /// The address.
    pub url: &'a str,
    /// Which events.
    pub enabled_events: &'a [&'a str],
    /// What a person reads in the Dashboard.
    pub description: &'a str,
}

impl CreateWebhookEndpoint<'_> {
    /// The request as it will be sent.
    ///
    /// The version of an endpoint's events is fixed at its creation, so it is ours and not the
    /// account's default.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = Form::new()
            .with(&["url"], self.url)
            .with(&["api_version"], API_VERSION)
            .with(&["description"], self.description);
        for event in self.enabled_events {
            form = form.with(&["enabled_events", ""], event);
        }
        freeze(path::WEBHOOK_ENDPOINTS, form, key)
    }
}

/// What of a webhook endpoint may change (<https://docs.stripe.com/api/webhook_endpoints/update>).
/// Its secret and its version stay.
#[derive(Debug, Clone, Copy)]
pub struct UpdateWebhookEndpoint<'a> {
    /// The address.
    pub url: &'a str,
    /// Which events.
    pub enabled_events: &'a [&'a str],
}

impl UpdateWebhookEndpoint<'_> {
    pub(crate) fn form(&self) -> Form {
        let form = Form::new().with(&["url"], self.url);
        let events = self.enabled_events.iter();
        events.fold(form, |form, event| {
            form.with(&["enabled_events", ""], event)
        })
    }
}
