//! What the shopper, their bank and Amazon do.

use super::{answered, body};
use crate::error::ApiError;
use crate::http::shared::Shared;
use crate::operations::setup_settle::{Choice, settle};
use crate::operations::{payment_confirm, payment_method_domains, payment_methods};
use crate::state::render::shown;
use crate::state::world::Origin;
use crate::state::{Fields, Kind};
use crate::wallets;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup_intents/{id}/{choice}", post(choose))
        .route("/payment_intents/{id}/{choice}", post(answer_bank))
        .route("/mandates/{id}/revoke", post(revoke))
        .route("/payment_method_domains/{id}", post(judge_domain))
        .route("/payment_methods/{id}/behavior", post(behave))
}

/// What the shopper does on the page that stands for Amazon's.
async fn choose(
    State(shared): Sandbox,
    Path((id, choice)): Path<(String, String)>,
) -> Response<Body> {
    let choice = Choice::named(&choice).ok_or_else(|| {
        ApiError::invalid("The shopper can approve, decline or close.").with_status(404)
    });
    let result = choice
        .and_then(|choice| shared.change(Origin::default(), |world| settle(world, &id, choice)));
    answered(result.map(|url| json!({"redirect_url": url})))
}

/// What the shopper answers when the card's bank asks about a payment.
async fn answer_bank(
    State(shared): Sandbox,
    Path((id, choice)): Path<(String, String)>,
) -> Response<Body> {
    let choice = Choice::named(&choice).ok_or_else(|| {
        ApiError::invalid("The shopper can approve, decline or close.").with_status(404)
    });
    let result = choice.and_then(|choice| {
        shared.change(Origin::default(), |world| {
            payment_confirm::answer_bank(world, &id, choice)
        })
    });
    answered(result.map(|intent| shown(&intent)))
}

/// What the customer does in the wallet.
async fn revoke(State(shared): Sandbox, Path(id): Path<String>) -> Response<Body> {
    answered(
        shared
            .change(Origin::default(), |world| {
                payment_methods::revoke_mandate(world, &id)
            })
            .map(|mandate| shown(&mandate)),
    )
}

/// Whether a wallet takes a domain: `{"apple_pay": "inactive", "message": "..."}`.
async fn judge_domain(
    State(shared): Sandbox,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Response<Body> {
    let result = body::<BTreeMap<String, String>>(&bytes).and_then(|mut verdict| {
        let message = verdict.remove("message");
        let sheet = verdict
            .first_key_value()
            .filter(|_| verdict.len() == 1)
            .and_then(|(name, status)| Some((wallets::named(name)?, status.as_str())));
        let (wallet, refusal) = match sheet {
            Some((wallet, "active")) => (wallet, None),
            Some((wallet, "inactive")) => {
                let label = wallet.label;
                let usual = format!("This domain could not be registered with {label}.");
                (wallet, Some(message.unwrap_or(usual)))
            }
            _ => {
                let message = "Say of one wallet that it is active or inactive.";
                return Err(ApiError::validation(message));
            }
        };
        shared.change(Origin::default(), |world| {
            payment_method_domains::set_verdict(world, &id, wallet.name, refusal.as_deref())
        })
    });
    answered(result.map(|domain| shown(&domain)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Behavior {
    charge: Charge,
    /// The code of a card's decline, `generic_decline` by default.
    decline_code: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Charge {
    Succeed,
    Decline,
    AuthenticationRequired,
}

/// What later charges of a payment method meet.
async fn behave(State(shared): Sandbox, Path(id): Path<String>, bytes: Bytes) -> Response<Body> {
    let result = body::<Behavior>(&bytes).and_then(|wanted| {
        let charge = match wanted.charge {
            Charge::Succeed => "succeed",
            Charge::Decline => "decline",
            Charge::AuthenticationRequired => "authentication_required",
        };
        shared.change(Origin::default(), |world| {
            let mut method = world.at_path(Kind::PaymentMethod, &id)?;
            method.set("_charge", charge);
            method.set("_decline_code", wanted.decline_code);
            world.save(&method);
            Ok(json!({"id": id, "charge": charge}))
        })
    });
    answered(result)
}
