//! `POST /webhooks/stripe`: verify, store, answer.
//!
//! 200 means that the event is in the table. Nothing else is done here, so that Stripe gets its
//! answer within milliseconds and a failure behind the inbox never costs an event.

use perennial_config::{
    Dynamo, Env, Mode, Rolling, Start, StartError, all, stripe_mode, webhook_secrets,
};
use perennial_http::{ApiError, Handler, Request, Response, Routes, sentence};
use perennial_inbox::{Event, SignatureError, verify};
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
    secrets: Rolling<Vec<SecretString>>,
    mode: Mode,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let own = (Dynamo::read(env), stripe_mode(env), webhook_secrets(env));
        let (dynamo, mode, secrets) = all(own)?;
        let secrets = secrets.fetch().await?;
        let table = Table::given_or_new(env.given(), &dynamo.table, &dynamo.aws);
        Ok(Self {
            table,
            secrets,
            mode,
            clock,
        })
    }
}

impl App {
    /// Checks the signature, with the secrets read again if it is of none of those that are known:
    /// they may have been replaced since this copy of the function started.
    async fn verify(&self, request: &Request) -> Result<(), SignatureError> {
        let header = request.header("stripe-signature").unwrap_or_default();
        let now = self.clock.now();
        let known = self.secrets.current().await;
        let first = verify(&request.body, header, &known, now);
        if first != Err(SignatureError::Wrong) {
            return first;
        }
        match self.secrets.after_refusal(&known, now).await {
            Some(secrets) => verify(&request.body, header, &secrets, now),
            None => first,
        }
    }
}

/// A request without a signature is anyone's. One with a signature in Stripe's form is Stripe's as
/// a rule, and then the secret is not the endpoint's, or a clock is wrong.
fn refused(request_id: &str, error: SignatureError) {
    if matches!(error, SignatureError::Wrong | SignatureError::Stale) {
        tracing::warn!(
            request_id,
            reason = %error,
            alarm = "webhook_refused",
            "the signature of an event was refused"
        );
    }
}

impl Handler for App {
    type Route = ();
    const ROUTES: Routes<()> = &[("POST /webhooks/stripe", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        if request.body.len() > LARGEST_BODY {
            return Err(ApiError::new(
                413,
                "body_too_large",
                "The body must be at most 1 MiB.",
            ));
        }
        self.verify(request).await.map_err(|error| {
            refused(&request.request_id, error);
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
        if let Err(error) = event.check_endpoint(self.mode.is_live()) {
            tracing::error!(
                request_id = request.request_id,
                event = event.id.as_str(),
                kind = event.kind,
                reason = %error,
                alarm = "webhook_misconfigured",
                "an event shows that the webhook endpoint is set up wrongly"
            );
            // Not stored, so not 200: Stripe shows the developer a failing endpoint with this text.
            let message = sentence(&error);
            return Err(ApiError::new(400, "webhook_misconfigured", message).because(error));
        }
        let item = InboxItem::of(event, self.clock.now());
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
