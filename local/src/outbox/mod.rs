//! What the shop is told: in place of the Pipe and the bus of the deployment.
//!
//! The pump brings the records here in order for each user, and again until they are taken. Each
//! becomes its event by the code that the deployment runs, is shown under `/dev/events`, and is
//! sent to the shop's own program if there is one.

mod post;
mod recent;
mod secret;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};

use perennial_types::Clock;
use serde_json::{Value, json};
use shop_events::MailLinks;
use url::Url;

pub(crate) use secret::EventsSecret;

use crate::invoker::{Invocation, Invoker};
use post::Post;
use recent::Recent;

/// The receiving end of the shop's events.
pub(crate) struct Outbox {
    recent: Recent,
    secret: EventsSecret,
    post: Option<Post>,
    links: MailLinks,
    /// Whether the last event was not taken, so that an outage is told of once.
    failing: AtomicBool,
}

impl Outbox {
    /// Sends events to `url`, if there is one.
    pub(crate) fn new(
        url: Option<Url>,
        secret: EventsSecret,
        links: MailLinks,
        clock: Clock,
    ) -> Result<Self, reqwest::Error> {
        let post = url.map(|url| Post::new(url, secret.clone(), clock));
        Ok(Self {
            recent: Recent::default(),
            secret,
            post: post.transpose()?,
            links,
            failing: AtomicBool::new(false),
        })
    }

    /// `GET /dev/events`.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "events": self.recent.list(),
            "url": self.post.as_ref().map(|post| post.url().as_str()),
            "secret": self.secret.text(),
        })
    }

    /// Takes the records one after the other. What is left when one is not taken comes again.
    async fn take(&self, batch: &Value) -> Value {
        let records = batch.get("Records").and_then(Value::as_array);
        for record in records.into_iter().flatten() {
            let event = match shop_events::event_of(record, &self.links) {
                Ok(event) => event,
                // The deployment puts it aside. Here there is nobody to look for it later.
                Err(error) => {
                    tracing::error!(%error, "an event for the shop is not readable");
                    continue;
                }
            };
            self.recent.add(&event);
            if !self.send(&event).await {
                let sequence = record.pointer("/dynamodb/SequenceNumber");
                return json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] });
            }
        }
        json!({ "batchItemFailures": [] })
    }

    async fn send(&self, event: &Value) -> bool {
        let Some(post) = &self.post else { return true };
        match post.send(event.to_string()).await {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::warn!(url = %post.url(), "events are taken again");
                }
                true
            }
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    let url = post.url();
                    tracing::warn!(%url, %error, "an event was not taken, and will be sent until it is");
                }
                false
            }
        }
    }
}

impl Invoker for Outbox {
    fn invoke<'a>(&'a self, _function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move { Ok(self.take(&event).await) })
    }
}

/// Links that nobody follows.
#[cfg(test)]
pub(crate) fn links_of_tests() -> MailLinks {
    use perennial_links::SignedLinks;
    let secret = "a secret of thirty-two characters".to_owned().into();
    #[allow(clippy::unwrap_used, reason = "this is for tests")]
    let base = "http://127.0.0.1/".parse().unwrap();
    MailLinks::new(SignedLinks::new(&secret), base)
}
