//! Idempotency keys, version 1 of Stripe's rules.
//!
//! <https://docs.stripe.com/api/idempotent_requests>: the first answer is kept once the request began to execute, a
//! success, a refusal or a 500 alike; not after a failed validation, a conflict, a 401 or a 429.

use super::reply::{Reply, key_in_use};
use super::shared::{Shared, lock};
use crate::error::{ApiError, ErrorType, Result};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// A key is a new one after this long.
const KEPT_SECONDS: i64 = 86_400;

/// Stripe's limit.
const LONGEST_KEY: usize = 255;

/// What has to be the same for a key to mean the same request.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) params: Vec<(String, String)>,
}

impl Fingerprint {
    fn shown(&self) -> Value {
        let mut params = self.params.clone();
        // The order of parameters is no part of a request's meaning.
        params.sort();
        json!([self.method, self.path, params])
    }
}

/// The right to work on a key, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'a> {
    shared: &'a Shared,
    key: String,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        lock(&self.shared.in_flight).remove(&self.key);
    }
}

/// A key that is too long or empty is no key.
pub(crate) fn check(key: &str) -> Result<()> {
    if key.is_empty() || key.chars().count() > LONGEST_KEY {
        let message = format!("Idempotency keys must have between 1 and {LONGEST_KEY} characters.");
        return Err(ApiError::validation(message).with_kind(ErrorType::Idempotency));
    }
    Ok(())
}

/// Takes the key, unless another request is at work on it.
pub(crate) fn take<'a>(shared: &'a Shared, key: &str) -> Result<InFlight<'a>> {
    if lock(&shared.in_flight).insert(key.to_owned()) {
        Ok(InFlight {
            shared,
            key: key.to_owned(),
        })
    } else {
        Err(key_in_use())
    }
}

/// The answer that is stored under the key, if it is for this very request.
pub(crate) fn stored(world: &World, key: &str, request: &Fingerprint) -> Result<Option<Reply>> {
    let Some(record) = world
        .store
        .get(Kind::Answer, key)
        .filter(|record| record.int("until").is_some_and(|until| until > world.now()))
    else {
        return Ok(None);
    };
    if *record.at("request") != request.shown() {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than \
             '{key}' if you meant to execute a different request."
        );
        return Err(ApiError::validation(message).with_kind(ErrorType::Idempotency));
    }
    let mut reply: Reply = serde_json::from_value(record.at("reply").clone()).map_err(|_| {
        ApiError::invalid("The stored answer cannot be read.")
            .with_status(500)
            .with_kind(ErrorType::Api)
    })?;
    reply.header("idempotent-replayed", "true");
    reply.header(
        "original-request",
        record.text("request_id").unwrap_or_default(),
    );
    Ok(Some(reply))
}

/// Keeps the answer under the key, in the transaction that made it.
pub(crate) fn store(
    world: &mut World,
    key: &str,
    request: &Fingerprint,
    request_id: &str,
    reply: &Reply,
) {
    let record = json!({
        "request": request.shown(),
        "request_id": request_id,
        "reply": reply,
        "until": world.now() + KEPT_SECONDS,
    });
    world.store.put(Kind::Answer, key, record);
}

/// Whether this error is kept: only what the execution itself answered is.
pub(crate) fn keeps(error: &ApiError) -> bool {
    !error.before_execution && !matches!(error.status, 401 | 409 | 429)
}
