//! From Apple's list of subscriptions to the portal in which the shopper changes or ends them.

use perennial_api::{failure, unknown_link};
use perennial_flows::FlowError;
use perennial_http::{ApiError, Response};
use perennial_store::{CustomerItem, PortalItem};
use perennial_stripe::{IdempotencyKey, PortalSession, Reply, StripeError};
use perennial_types::{CustomerId, UserId, chance};
use url::Url;

use crate::{App, is_missing};

impl App {
    pub(crate) async fn manage(
        &self,
        user: &UserId,
        number: u64,
        saved: bool,
    ) -> Result<Response, ApiError> {
        let table = &self.connections.table;
        let items = table.load_user(user, self.clock.now()).await;
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
        let own = match table.portal_item().await {
            Ok(Some(PortalItem::Known { configuration })) => Some(configuration),
            Ok(_) => None,
            Err(error) => return Err(failure(FlowError::Store(error))),
        };
        let mut opened = self.open_portal(&customer, own.as_deref()).await?;
        if let Err(error @ StripeError::Invalid { param, .. }) = &opened
            && own.is_some()
            && param.as_deref() != Some("customer")
        {
            // Somebody has put it out of use a moment ago, which the next sweep mends.
            let alarm = "portal_not_configured";
            tracing::warn!(alarm, %error, "the portal opens with the account's default configuration");
            opened = self.open_portal(&customer, None).await?;
        }
        let session = match opened {
            Ok(reply) => reply.value,
            Err(error) if is_missing(&error) => return Err(unknown_link().because(error)),
            Err(error @ StripeError::Invalid { .. }) => return Err(not_configured(error)),
            Err(error) => return Err(failure(FlowError::Stripe(error))),
        };
        let address = Url::parse(&session.url).map_err(not_configured)?;
        Ok(Response::see_other(&address))
    }

    async fn open_portal(
        &self,
        customer: &CustomerId,
        configuration: Option<&str>,
    ) -> Result<Result<Reply<PortalSession>, StripeError>, ApiError> {
        // Each visit has a session of its own: Stripe would repeat an old one, which has ended.
        let key = IdempotencyKey::new(&format!("portal:{}", chance::ulid(self.clock.now())))
            .map_err(|error| failure(FlowError::Key(error)))?;
        let stripe = &self.connections.stripe;
        let back = self.shop.url.as_str();
        Ok(stripe
            .create_portal_session(customer, configuration, back, &key)
            .await)
    }
}

/// Stripe refuses until somebody has saved the portal's settings.
fn not_configured(why: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::new(
        502,
        "portal_not_configured",
        "Stripe did not open its customer portal. The log of reconcile says why it has no configuration of its own; until it has, save the portal's settings once in Stripe's Dashboard, under Settings, Billing.",
    )
    .because(why)
}
