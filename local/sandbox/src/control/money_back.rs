//! What banks and wallets do with a charge after it was paid.

use super::{answered, body};
use crate::error::ApiError;
use crate::http::shared::Shared;
use crate::operations::{disputes, fraud_warnings, refunds};
use crate::state::render::shown;
use crate::state::world::Origin;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use axum::routing::post;
use serde::Deserialize;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/charges/{id}/dispute", post(dispute))
        .route("/charges/{id}/fraud_warning", post(warn))
        .route("/disputes/{id}/close", post(close))
        .route("/refunds/{id}/{outcome}", post(settle))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    #[serde(default)]
    reason: Reason,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    #[default]
    Fraudulent,
    ProductNotReceived,
    SubscriptionCanceled,
    General,
}

/// What the shopper asks of their bank or wallet.
async fn dispute(State(shared): Sandbox, Path(id): Path<String>, bytes: Bytes) -> Response<Body> {
    let result = body::<Claim>(&bytes).and_then(|claim| {
        let reason = match claim.reason {
            Reason::Fraudulent => "fraudulent",
            Reason::ProductNotReceived => "product_not_received",
            Reason::SubscriptionCanceled => "subscription_canceled",
            Reason::General => "general",
        };
        shared.change(Origin::default(), |world| {
            disputes::open(world, &id, reason)
        })
    });
    answered(result.map(|dispute| shown(&dispute)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Warning {
    #[serde(default)]
    fraud_type: FraudType,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FraudType {
    #[default]
    UnauthorizedUseOfCard,
    MadeWithStolenCard,
    Misc,
}

/// What the bank says before anybody claims anything back.
async fn warn(State(shared): Sandbox, Path(id): Path<String>, bytes: Bytes) -> Response<Body> {
    let result = body::<Warning>(&bytes).and_then(|warning| {
        let fraud_type = match warning.fraud_type {
            FraudType::UnauthorizedUseOfCard => "unauthorized_use_of_card",
            FraudType::MadeWithStolenCard => "made_with_stolen_card",
            FraudType::Misc => "misc",
        };
        shared.change(Origin::default(), |world| {
            fraud_warnings::warn(world, &id, fraud_type)
        })
    });
    answered(result.map(|warning| shown(&warning)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    status: Status,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Won,
    Lost,
}

/// What the bank or the wallet decides.
async fn close(State(shared): Sandbox, Path(id): Path<String>, bytes: Bytes) -> Response<Body> {
    let result = body::<Decision>(&bytes).and_then(|decision| {
        let verdict = match decision.status {
            Status::Won => disputes::Verdict::Won,
            Status::Lost => disputes::Verdict::Lost,
        };
        shared.change(Origin::default(), |world| {
            disputes::close(world, &id, verdict)
        })
    });
    answered(result.map(|dispute| shown(&dispute)))
}

/// Whether the money of a refund arrives.
async fn settle(
    State(shared): Sandbox,
    Path((id, outcome)): Path<(String, String)>,
) -> Response<Body> {
    let outcome = match outcome.as_str() {
        "succeed" => Ok(refunds::Outcome::Succeeded),
        "fail" => Ok(refunds::Outcome::Failed),
        _ => Err(ApiError::invalid("A refund can succeed or fail.").with_status(404)),
    };
    let result = outcome.and_then(|outcome| {
        shared.change(Origin::default(), |world| {
            refunds::settle(world, &id, outcome)
        })
    });
    answered(result.map(|refund| shown(&refund)))
}
