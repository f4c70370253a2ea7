//! What a wallet's sheet or a native SDK hands over.

use super::{answered, body};
use crate::error::{ApiError, Result};
use crate::http::shared::Shared;
use crate::objects::test_cards;
use crate::objects::token::{self, Wanted};
use crate::state::Fields;
use crate::state::render::shown;
use crate::state::world::Origin;
use crate::wallets::{self, Kind, Wallet};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use axum::routing::post;
use serde::Deserialize;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

/// How long a cryptogram is good for unless the call says otherwise. Neither Apple nor Stripe names a time.
const CRYPTOGRAM_SECONDS: u32 = 300;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/tokens", post(hand_over))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sheet {
    /// The wallet by its name, or null for a card that was typed in.
    wallet: Option<String>,
    /// One of Stripe's test tokens, for the card.
    card: String,
    /// What the first transaction will meet.
    first: First,
    cryptogram_seconds: u32,
}

impl Default for Sheet {
    fn default() -> Self {
        Self {
            wallet: Some("apple_pay".to_owned()),
            card: "tok_visa".to_owned(),
            first: First::Succeed,
            cryptogram_seconds: CRYPTOGRAM_SECONDS,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum First {
    Succeed,
    Decline,
    AuthenticationRequired,
}

async fn hand_over(State(shared): Sandbox, bytes: Bytes) -> Response<Body> {
    let result = body::<Sheet>(&bytes).and_then(|sheet| {
        let card = test_cards::by_token(&sheet.card).ok_or_else(|| {
            let message = format!("There is no test card '{}'.", sheet.card);
            ApiError::validation(message).with_param("card")
        })?;
        let wallet = sheet.wallet.as_deref().map(of_sheet).transpose()?;
        let wanted = Wanted {
            card,
            wallet: wallet.map(|(_, name)| (name, i64::from(sheet.cryptogram_seconds))),
            first: match sheet.first {
                First::Succeed => "succeed",
                First::Decline => "decline",
                First::AuthenticationRequired => "authentication_required",
            },
        };
        shared.change(Origin::default(), |world| match wallet {
            Some((wallet, _)) if !world.account().flag(wallet.name) => {
                let message = format!("{} is turned off in this account.", wallet.label);
                Err(ApiError::invalid(message))
            }
            _ => {
                let token = token::new(world, &wanted);
                world.save(&token);
                Ok(token)
            }
        })
    });
    answered(result.map(|token| shown(&token)))
}

/// The wallet of that name, which has a sheet, and its `tokenization_method`.
fn of_sheet(name: &str) -> Result<(&'static Wallet, &'static str)> {
    let wallet = wallets::named(name);
    wallet
        .and_then(|wallet| match wallet.kind {
            Kind::Card(tokenization) => Some((wallet, tokenization)),
            Kind::Redirect(_) => None,
        })
        .ok_or_else(|| {
            let message = format!("There is no wallet '{name}' that hands tokens over.");
            ApiError::validation(message).with_param("wallet")
        })
}
