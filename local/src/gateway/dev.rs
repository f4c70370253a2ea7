//! What only a developer's machine has, for who has its key: tokens, sweeps and events; and where the
//! demo shop finds Stripe.js.

use axum::response::Response;
use http::StatusCode;
use perennial_types::{Clock, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::response::json_text;
use crate::outbox::Outbox;
use crate::schedule::Scheduler;
use crate::tokens::Issuer;

/// What the demo shop's page asks first.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ShopInfo {
    /// Where the page loads Stripe.js from, or its stand-in.
    pub(crate) stripe_js: String,
    /// `sandbox`, or `test` when Stripe itself answers.
    pub(crate) mode: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    user: String,
}

/// `POST /dev/token {"user":"alice"}`.
pub(super) fn token(issuer: &Issuer, clock: &Clock, body: &[u8], request_id: &str) -> Response {
    let user = serde_json::from_slice::<TokenRequest>(body).ok();
    let Some(user) = user.and_then(|request| request.user.parse::<UserId>().ok()) else {
        let sentence = "Send {\"user\":\"alice\"}, with a name of 1 to 255 ASCII characters.";
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_user",
            sentence,
            request_id,
        );
    };
    match issuer.issue(&user, clock.now()) {
        Ok((token, expires_at)) => json_text(
            StatusCode::OK,
            json!({ "token": token, "expires_at": expires_at }).to_string(),
        ),
        Err(failure) => {
            tracing::error!(request_id, error = %failure, "no token could be signed");
            let sentence = "The token could not be signed.";
            error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                sentence,
                request_id,
            )
        }
    }
}

/// `POST /dev/sweep {"sweep":"open"}`: what a schedule does, now.
pub(super) async fn sweep(scheduler: &Scheduler, body: &[u8], request_id: &str) -> Response {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    match scheduler.run(&input).await {
        Some(Ok(answer)) => json_text(StatusCode::OK, answer.to_string()),
        Some(Err(failure)) => error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "sweep_failed",
            &format!("{failure}."),
            request_id,
        ),
        None => {
            let known: Vec<String> = scheduler.inputs().map(Value::to_string).collect();
            let sentence = format!("Send one of {}.", known.join(", "));
            error(
                StatusCode::BAD_REQUEST,
                "unknown_sweep",
                &sentence,
                request_id,
            )
        }
    }
}

/// `GET /dev/events`: what the shop was told, the newest first, and how it is signed.
pub(super) fn events(outbox: &Outbox) -> Response {
    json_text(StatusCode::OK, outbox.shown().to_string())
}

/// `GET /dev/shop.json`.
pub(super) fn shop(info: &ShopInfo) -> Response {
    json_text(StatusCode::OK, json!(info).to_string())
}

/// Another account of this machine reaches the port, but has not the key.
pub(super) fn without_key(request_id: &str) -> Response {
    let sentence = "Send the header `authorization: Bearer <key>`, with the key at the end of the address that `cargo dev` \
                    prints; dev.env in the data folder has it, too.";
    error(
        StatusCode::UNAUTHORIZED,
        "key_required",
        sentence,
        request_id,
    )
}

pub(super) fn error(status: StatusCode, code: &str, message: &str, request_id: &str) -> Response {
    let body = json!({ "error": { "code": code, "message": message, "request_id": request_id } });
    json_text(status, body.to_string())
}
