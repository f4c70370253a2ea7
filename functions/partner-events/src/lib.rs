//! A second door for Stripe's events: EventBridge instead of the webhook.
//!
//! There is no signature. That an event is Stripe's is known from its bus, to which nobody else can
//! send under the partner's source. It is stored under the same key as by the webhook, so an event
//! that comes through both doors counts once.

mod partner_event;

pub use partner_event::{Refusal, unwrap};

use perennial_config::{Dynamo, Env, EventHandler, Mode, Start, StartError, all, stripe_mode};
use perennial_store::{InboxItem, Received, Table};
use perennial_types::Clock;
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone)]
pub struct App {
    table: Table,
    mode: Mode,
    clock: Clock,
}

impl Start for App {
    async fn start(env: &Env, clock: Clock) -> Result<Self, StartError> {
        let (dynamo, mode) = all((Dynamo::read(env), stripe_mode(env)))?;
        Ok(Self {
            table: Table::new(&dynamo.table, &dynamo.aws),
            mode,
            clock,
        })
    }
}

impl EventHandler for App {
    /// Stores the event of Stripe in an event of EventBridge.
    ///
    /// The error says that the table refused, and makes Lambda bring the event again. What is not
    /// an event of Stripe would not become one by that: it is logged and dropped, and the answer
    /// says why.
    async fn handle(&self, event: Value) -> Result<Value, String> {
        let event = match unwrap(event) {
            Ok(event) => event,
            Err(refusal) => {
                tracing::error!(reason = %refusal, "an event of EventBridge is dropped");
                return Ok(json!({ "stored": false, "reason": refusal.to_string() }));
            }
        };
        if let Err(error) = event.check_endpoint(self.mode.is_live()) {
            tracing::error!(
                event = event.id.as_str(),
                kind = event.kind,
                reason = %error,
                alarm = "webhook_misconfigured",
                "an event shows that the event destination is set up wrongly"
            );
            return Ok(json!({ "stored": false, "reason": error.to_string() }));
        }
        let item = InboxItem::of(event, self.clock.now());
        let (event, kind) = (item.event.as_str(), item.kind.as_str());
        match self.table.receive(&item).await {
            Ok(received) => {
                let seen = received == Received::Seen;
                tracing::info!(event, kind, seen, "stored");
                Ok(json!({ "stored": true, "seen": seen }))
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(event, kind, error = %error, source, "the table refused an event");
                Err(format!("{event} could not be stored: {error}"))
            }
        }
    }
}
