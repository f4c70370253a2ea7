//! `POST /webhooks/stripe`: verify, store, answer.
//!
//! 200 means that the event is in the table. Nothing else is done here, so that Stripe gets its
//! answer within milliseconds and a failure behind the inbox never costs an event.

mod event;
mod signature;

pub use event::{Event, NotAnEvent};
pub use signature::{SignatureError, TOLERANCE_SECONDS, verify};

use perennial_config::{Dynamo, Env, Mode, Problems, StartError, stripe_mode, webhook_secrets};
use perennial_http::{ApiError, Handler, Request, Response};
use perennial_store::{InboxItem, InboxStatus, Received, Table};
use perennial_types::Clock;
use secrecy::SecretString;
use serde_json::json;

/// Stripe's events are a few kilobytes; a large invoice can be a few hundred.
const LARGEST_BODY: usize = 1024 * 1024;

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    table: Table,
    secrets: Vec<SecretString>,
    mode: Mode,
    clock: Clock,
}

impl App {
    /// Reads the environment and connects to the table.
    pub async fn start(env: &Env) -> Result<Self, StartError> {
        let mut problems = Problems::default();
        let dynamo = Dynamo::read(env, &mut problems);
        let mode = stripe_mode(env, &mut problems);
        let secrets = webhook_secrets(env, problems).await?;
        let endpoint = dynamo.endpoint.as_ref().map(url::Url::as_str);
        let table = Table::connect(&dynamo.table, endpoint).await;
        Ok(Self {
            table,
            secrets,
            mode,
            clock: Clock::system(),
        })
    }

    fn inbox_item(&self, event: Event) -> InboxItem {
        let reason = if event.livemode != self.mode.is_live() {
            Some("it is of the other mode")
        } else if event.is_thin {
            Some("it is a thin event; the endpoint has to send snapshots")
        } else {
            None
        };
        InboxItem {
            event: event.id,
            customer: event.customer,
            kind: event.kind,
            object: event.object,
            subscription: event.subscription,
            created: event.created,
            api_version: event.api_version,
            livemode: event.livemode,
            status: if reason.is_some() {
                InboxStatus::Ignored
            } else {
                InboxStatus::Received
            },
            attempts: 0,
            error: reason.map(ToOwned::to_owned),
            received_at: self.clock.now(),
        }
    }
}

impl Handler for App {
    async fn handle(&self, request: &Request) -> Result<Response, ApiError> {
        if request.body.len() > LARGEST_BODY {
            return Err(ApiError::new(
                413,
                "body_too_large",
                "The body must be at most 1 MiB.",
            ));
        }
        let header = request.header("stripe-signature").unwrap_or_default();
        verify(&request.body, header, &self.secrets, self.clock.now()).map_err(|error| {
            ApiError::new(400, "invalid_signature", format!("{error}.")).because(error)
        })?;
        let event = Event::read(&request.body).map_err(|error| {
            ApiError::new(
                400,
                "invalid_event",
                "The body is signed, but it is not an event of Stripe.",
            )
            .because(error)
        })?;
        let item = self.inbox_item(event);
        let received = self.table.receive(&item).await.map_err(|error| {
            ApiError::new(
                500,
                "table_unavailable",
                "The event could not be stored. Send it again.",
            )
            .because(error)
        })?;
        tracing::info!(
            request_id = request.request_id,
            event = item.event.as_str(),
            kind = item.kind,
            customer = item
                .customer
                .as_ref()
                .map(perennial_types::CustomerId::as_str),
            seen = received == Received::Seen,
            "stored"
        );
        Ok(Response::json(200, &json!({ "received": true })))
    }
}
