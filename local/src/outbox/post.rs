//! Sends events to a shop's own program, as a bus would bring them to it.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use perennial_types::Clock;
use url::Url;

use super::EventsSecret;

/// A stop waits for what is under way, and a program that hangs must not hold it up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where events are sent, and how.
pub(super) struct Post {
    url: Url,
    client: reqwest::Client,
    secret: EventsSecret,
    clock: Clock,
}

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    /// There was no answer.
    #[error("no answer came")]
    NoAnswer(#[source] reqwest::Error),
    /// The answer was not 2xx.
    #[error("the answer was {0}")]
    Refused(reqwest::StatusCode),
}

impl Post {
    pub(super) fn new(
        url: Url,
        secret: EventsSecret,
        clock: Clock,
    ) -> Result<Self, reqwest::Error> {
        // A redirect is an answer like any other: the event was not taken.
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            url,
            client,
            secret,
            clock,
        })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends the event. Any 2xx means that the receiver has it.
    pub(super) async fn send(&self, body: String) -> Result<(), PostError> {
        let signature = self.secret.header(body.as_bytes(), self.clock.now());
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("perennial-signature", signature)
            .body(body);
        let answer = request.send().await.map_err(PostError::NoAnswer)?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(PostError::Refused(answer.status()))
        }
    }
}
