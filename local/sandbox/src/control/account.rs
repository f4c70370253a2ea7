//! The account's settings, the sandbox's time and all of its objects at once.

use super::{answered, body};
use crate::error::{ApiError, Result};
use crate::http::shared::Shared;
use crate::operations::{payment_method_domains, portal_configurations};
use crate::state::render::shown;
use crate::state::world::Origin;
use crate::state::{Fields, Kind};
use crate::{tick, wallets};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/state", get(state))
        .route("/account", get(account).post(set_account))
        .route("/clock", post(advance))
}

/// Every object, by its kind.
async fn state(State(shared): Sandbox) -> Response<Body> {
    let world = shared.world();
    let kinds = Kind::OBJECTS.iter().map(|(kind, name)| {
        (
            (*name).to_owned(),
            world
                .store
                .oldest_first(*kind)
                .map(shown)
                .collect::<Value>(),
        )
    });
    let mut all: Map<String, Value> = kinds.collect();
    all.insert("account".into(), world.account());
    all.insert("now".into(), json!(world.now()));
    answered(Ok(Value::Object(all)))
}

async fn account(State(shared): Sandbox) -> Response<Body> {
    let account = shared.world().account();
    answered(Ok(account))
}

/// What may be set of the account; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Where the account's business is, by ISO 3166-1.
    country: Option<String>,
    /// Whether cards are.
    card: Option<bool>,
    /// How long each request takes before it is carried out, which lets requests with one key meet.
    latency_ms: Option<u32>,
    /// What becomes of a subscription whose renewal could not be collected at first.
    after_first_failure: Option<AfterFirstFailure>,
    /// What becomes of a subscription whose retries are used up.
    after_retries: Option<AfterRetries>,
    /// Whether the payment of its invoice resumes a subscription that was paused for want of it.
    after_pause: Option<AfterPause>,
    /// Whether a refund arrives at once.
    refunds: Option<Refunds>,
    /// Whether webhook endpoints may be on this machine.
    local_endpoints: Option<bool>,
    /// Whether somebody has saved the portal's default configuration in the Dashboard.
    portal_default: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Refunds {
    Succeed,
    Pending,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterFirstFailure {
    PastDue,
    Pause,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterRetries {
    Cancel,
    Unpaid,
    PastDue,
    Pause,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AfterPause {
    Resume,
    StayPaused,
}

async fn set_account(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    let result = body::<Map<String, Value>>(&bytes).and_then(|mut given| {
        // A wallet is activated or not by its name; the rest has names of its own.
        let mut switched = Vec::new();
        for wallet in &wallets::ALL {
            if let Some(on) = given.get(wallet.name).and_then(Value::as_bool) {
                given.remove(wallet.name);
                switched.push((wallet.name, on));
            }
        }
        let settings: Settings = body(Value::Object(given).to_string().as_bytes())?;
        switched.extend(settings.card.map(|on| ("card", on)));
        shared.change(Origin::default(), |world| {
            for (name, on) in switched {
                world.set_account(name, on);
            }
            payment_method_domains::judge_all(world);
            if let Some(country) = settings.country {
                world.set_account("country", checked_country(&country)?);
            }
            if let Some(latency) = settings.latency_ms {
                world.set_account("latency_ms", latency);
            }
            if let Some(after) = settings.after_retries {
                let name = match after {
                    AfterRetries::Cancel => "cancel",
                    AfterRetries::Unpaid => "unpaid",
                    AfterRetries::PastDue => "past_due",
                    AfterRetries::Pause => "pause",
                };
                world.set_account("after_retries", name);
            }
            if let Some(is_there) = settings.portal_default {
                world.set_account("portal_default", is_there);
                portal_configurations::set_default(world, is_there);
            }
            if let Some(local) = settings.local_endpoints {
                world.set_account("local_endpoints", local);
            }
            if let Some(after) = settings.after_first_failure {
                let name = match after {
                    AfterFirstFailure::PastDue => "past_due",
                    AfterFirstFailure::Pause => "pause",
                };
                world.set_account("after_first_failure", name);
            }
            if let Some(after) = settings.after_pause {
                let name = match after {
                    AfterPause::Resume => "resume",
                    AfterPause::StayPaused => "stay_paused",
                };
                world.set_account("after_pause", name);
            }
            if let Some(refunds) = settings.refunds {
                let name = match refunds {
                    Refunds::Succeed => "succeed",
                    Refunds::Pending => "pending",
                };
                world.set_account("refunds", name);
            }
            Ok(world.account())
        })
    });
    answered(result)
}

fn checked_country(given: &str) -> Result<String> {
    if given.len() == 2 && given.chars().all(|letter| letter.is_ascii_alphabetic()) {
        Ok(given.to_uppercase())
    } else {
        let message = "A country is two letters, such as US.";
        Err(ApiError::validation(message).with_param("country"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// Seconds that pass.
    advance: u32,
}

/// Lets the sandbox's own time run ahead, and does what then comes due before it answers.
async fn advance(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    let result = body::<Advance>(&bytes).and_then(|wanted| {
        let ahead = shared.change(Origin::default(), |world| {
            let ahead = world
                .account()
                .int("ahead")
                .unwrap_or(0)
                .checked_add(i64::from(wanted.advance));
            let ahead = ahead.ok_or_else(|| ApiError::validation("That is too far ahead."))?;
            world.set_account("ahead", ahead);
            Ok(ahead)
        })?;
        shared.ahead.store(ahead, Ordering::SeqCst);
        tick::run_due(&shared);
        Ok(json!({"now": shared.world().now()}))
    });
    answered(result)
}
