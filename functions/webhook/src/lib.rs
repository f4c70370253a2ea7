//! `POST /webhooks/stripe`: verify, store, answer.
//!
//! 200 means that the event is in the table. Nothing else is done here, so that Stripe gets its
//! answer within milliseconds and a failure behind the inbox never costs an event.

use perennial_config::{Dynamo, Env, Mode, Problems, StartError, stripe_mode, webhook_secrets};
use perennial_http::{ApiError, Handler, Request, Response, sentence};
use perennial_inbox::{Event, verify};
use perennial_store::{InboxItem, Received, Table};
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
        Self::start_at(env, Clock::system()).await
    }

    /// The same, by a clock that a test may move.
    pub async fn start_at(env: &Env, clock: Clock) -> Result<Self, StartError> {
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
            clock,
        })
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
            ApiError::new(400, "invalid_signature", sentence(&error)).because(error)
        })?;
        let event = Event::read(&request.body).map_err(|error| {
            ApiError::new(
                400,
                "invalid_event",
                "The body is signed, but it is not an event of Stripe.",
            )
            .because(error)
        })?;
        let item = InboxItem::of(event, self.mode.is_live(), self.clock.now());
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
