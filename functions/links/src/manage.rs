//! From Apple's list of subscriptions to the portal in which the shopper changes or ends them.

use perennial_api::failure;
use perennial_flows::FlowError;
use perennial_http::{ApiError, Response};
use perennial_store::CustomerItem;
use perennial_stripe::{IdempotencyKey, StripeError};
use perennial_types::{UserId, chance};
use url::Url;

use crate::{App, is_missing, unknown_link};

impl App {
    pub(crate) async fn manage(
        &self,
        user: &UserId,
        number: u64,
        saved: bool,
    ) -> Result<Response, ApiError> {
        let items = self
            .connections
            .table
            .load_user(user, self.clock.now())
            .await;
        let items = items.map_err(|error| failure(FlowError::Store(error)))?;
        if number != items.links {
            return Err(unknown_link());
        }
        // Apple's sheet wants the link before the first subscription, and keeps it after the last one.
        // In between there is nothing to manage.
        let lives = items.subscriptions().any(|it| !it.status.is_terminal());
        let customer = match items.customer {
            Some(CustomerItem::Known { customer }) if lives || saved => customer,
            _ => return Ok(Response::see_other(&self.shop.url)),
        };
        // Each visit has a session of its own: Stripe would repeat an old one, which has ended.
        let key = IdempotencyKey::new(&format!("portal:{}", chance::ulid(self.clock.now())))
            .map_err(|error| failure(FlowError::Key(error)))?;
        let opened = self
            .connections
            .stripe
            .create_portal_session(&customer, self.shop.url.as_str(), &key)
            .await;
        let session = match opened {
            Ok(reply) => reply.value,
            Err(error) if is_missing(&error) => return Err(unknown_link().because(error)),
            Err(error @ StripeError::Invalid { .. }) => return Err(not_configured(error)),
            Err(error) => return Err(failure(FlowError::Stripe(error))),
        };
        let address = Url::parse(&session.url).map_err(not_configured)?;
        Ok(Response::see_other(&address))
    }
}

/// Stripe refuses until somebody has saved the portal's settings.
fn not_configured(why: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::new(
        502,
        "portal_not_configured",
        "Stripe did not open its customer portal. Save the portal's settings once in Stripe's Dashboard, under Settings, Billing.",
    )
    .because(why)
}
