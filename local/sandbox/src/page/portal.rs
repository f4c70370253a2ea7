//! The page that stands for Stripe's customer portal.

use super::{answer, escaped, html, redirect};
use crate::error::Result;
use crate::http::shared::Shared;
use crate::objects::portal_session;
use crate::operations::billing_portal;
use crate::state::world::Origin;
use crate::state::{Fields, Kind, World};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use serde_json::Value;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/p/session/{secret}", get(show).post(change))
}

async fn show(State(shared): Sandbox, Path(secret): Path<String>) -> Response<Body> {
    let world = shared.world();
    match portal_session::open(&world, &secret) {
        Some(session) => html(StatusCode::OK, &page(&world, &session)),
        None => gone(),
    }
}

fn gone() -> Response<Body> {
    answer(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        "This session has expired. Go back to the shop and ask for a new one.\n".to_owned(),
    )
}

async fn change(State(shared): Sandbox, Path(secret): Path<String>, body: Bytes) -> Response<Body> {
    let field = |wanted: &str| {
        url::form_urlencoded::parse(&body)
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let session = portal_session::open(&shared.world(), &secret);
    let Some(session) = session else {
        return gone();
    };
    let ends = match field("action").as_deref() {
        Some("cancel") => true,
        Some("keep") => false,
        _ => return plain(StatusCode::BAD_REQUEST, "Choose one of the buttons."),
    };
    let id = field("subscription").unwrap_or_default();
    let changed: Result<Value> = shared.change(Origin::default(), |world| {
        billing_portal::set_end(world, &session, &id, ends)
    });
    match changed {
        Ok(_) => redirect(&format!("/p/session/{secret}")),
        Err(error) => plain(StatusCode::CONFLICT, &error.message),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn page(world: &World, session: &Value) -> String {
    let cards: String = portal_session::subscriptions(world, session)
        .iter()
        .map(|subscription| card(world, subscription))
        .collect();
    let cards = if cards.is_empty() {
        "<p>You have no subscriptions.</p>".to_owned()
    } else {
        cards
    };
    let back = session
        .text("return_url")
        .map(|url| {
            format!(
                r#"<p><a id="return" href="{}">Return to the shop</a></p>"#,
                escaped(url)
            )
        })
        .unwrap_or_default();
    include_str!("portal.html")
        .replace("{{subscriptions}}", &cards)
        .replace("{{back}}", &back)
}

fn card(world: &World, subscription: &Value) -> String {
    let price = subscription.at("items.data.0.price");
    let name = price
        .text("product")
        .and_then(|product| world.store.get(Kind::Product, product))
        .and_then(|product| product.text("name"))
        .unwrap_or("Subscription");
    let ends = subscription.has("cancel_at");
    let at = subscription
        .int("cancel_at")
        .or(subscription.int("items.data.0.current_period_end"))
        .unwrap_or(0);
    let (next, action, label) = if ends {
        ("Ends on", "keep", "Don’t cancel")
    } else {
        ("Renews on", "cancel", "Cancel subscription")
    };
    let id = escaped(subscription.id());
    format!(
        r#"<section id="{id}"><h2>{}</h2><p>{} · {}</p><p>{next} {}</p><form method="post"><input type="hidden" name="subscription" value="{id}"><button class="{action}" name="action" value="{action}">{label}</button></form></section>"#,
        escaped(name),
        escaped(&cost(price)),
        escaped(subscription.text("status").unwrap_or_default()),
        day(at),
    )
}

/// The price in minor units, which needs no table of currencies.
fn cost(price: &Value) -> String {
    format!(
        "{} {} in minor units, each {}",
        price.int("unit_amount").unwrap_or(0),
        price.text("currency").unwrap_or_default().to_uppercase(),
        price.text("recurring.interval").unwrap_or("month"),
    )
}

fn day(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map(|at| at.date().to_string())
        .unwrap_or_default()
}
