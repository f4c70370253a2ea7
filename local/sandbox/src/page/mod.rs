//! What a browser sees: the pages that stand for a wallet's, a card's bank, Stripe's portal and Stripe's invoices, and the script that stands for Stripe.js.

mod papers;
mod portal;
mod stripe_js;

use crate::http::shared::Shared;
use crate::objects::setup_intent::{goes_away, redirect_url, way_back};
use crate::operations::payment_confirm::answer_bank;
use crate::operations::setup_settle::{Choice, settle};
use crate::state::world::Origin;
use crate::state::{Fields, Kind};
use crate::wallets;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::routing::get;
use serde_json::Value;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .merge(papers::routes())
        .merge(portal::routes())
        .route("/stripe.js", get(script))
        .route("/sandbox/{page}/{id}", get(show).post(choose))
}

async fn script() -> Response<Body> {
    answer(
        StatusCode::OK,
        "text/javascript; charset=utf-8",
        stripe_js::SCRIPT.to_owned(),
    )
}

async fn show(State(shared): Sandbox, Path((_, id)): Path<(String, String)>) -> Response<Body> {
    match intent(&shared, &id) {
        None => html(
            StatusCode::NOT_FOUND,
            &notice("There is no such request.", None),
        ),
        Some(intent) if intent.is("status", "requires_action") && goes_away(&intent) => {
            html(StatusCode::OK, &form(&intent))
        }
        Some(intent) => html(
            StatusCode::OK,
            &notice(
                "This page was already answered.",
                way_back(&intent).as_deref(),
            ),
        ),
    }
}

async fn choose(
    State(shared): Sandbox,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Response<Body> {
    let choice = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "choice")
        .and_then(|(_, choice)| Choice::named(&choice));
    let Some(choice) = choice else {
        return html(
            StatusCode::BAD_REQUEST,
            &notice("Choose one of the buttons.", None),
        );
    };
    let settled = shared.change(Origin::default(), |world| {
        if world.store.get(Kind::PaymentIntent, &id).is_some() {
            let intent = answer_bank(world, &id, choice)?;
            return Ok(if choice == Choice::Close {
                redirect_url(&intent, "pending")
            } else {
                way_back(&intent)
            });
        }
        settle(world, &id, choice)
    });
    match settled {
        Ok(None) => html(
            StatusCode::OK,
            &notice("There is no way back from here.", None),
        ),
        Ok(Some(url)) => redirect(&url),
        Err(error) => {
            let intent = intent(&shared, &id);
            html(
                StatusCode::CONFLICT,
                &notice(
                    &error.message,
                    intent.as_ref().and_then(way_back).as_deref(),
                ),
            )
        }
    }
}

/// The setup or payment that a page asks about.
fn intent(shared: &Shared, id: &str) -> Option<Value> {
    let world = shared.world();
    let kinds = [Kind::SetupIntent, Kind::PaymentIntent];
    kinds
        .iter()
        .find_map(|kind| world.store.get(*kind, id).cloned())
}

fn form(intent: &Value) -> String {
    let plan = intent
        .text("metadata.plan")
        .or(intent.text("description"))
        .unwrap_or("A payment method for later charges");
    let details: String = [
        ("Merchant", "Perennial sandbox shop"),
        ("For", plan),
        ("Request", intent.id()),
    ]
    .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value)))
    .concat();
    let (who, question) = match intent.text("_page").and_then(wallets::of_page) {
        Some((wallet, redirect)) => (wallet.label, redirect.question),
        None if intent.is("object", "payment_intent") => {
            ("the card's bank", "Is it you who pays with this card?")
        }
        None => ("the card's bank", "Is it you who saves this card?"),
    };
    include_str!("question.html")
        .replace("{{who}}", &escaped(who))
        .replace("{{question}}", &escaped(question))
        .replace("{{details}}", &details)
}

fn notice(text: &str, back: Option<&str>) -> String {
    let link = back
        .map(|url| format!(r#"<p><a href="{}">Back to the shop</a></p>"#, escaped(url)))
        .unwrap_or_default();
    include_str!("notice.html")
        .replace("{{text}}", &escaped(text))
        .replace("{{link}}", &link)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Sends the browser on, to be loaded with GET.
fn redirect(url: &str) -> Response<Body> {
    let mut response = answer(
        StatusCode::SEE_OTHER,
        "text/plain; charset=utf-8",
        String::new(),
    );
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert("location", url);
    }
    response
}

fn html(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = answer(status, "text/html; charset=utf-8", body.to_owned());
    let policy = HeaderValue::from_static(
        "default-src 'none'; style-src 'unsafe-inline'; form-action *; base-uri 'none'; frame-ancestors 'none'",
    );
    response
        .headers_mut()
        .insert("content-security-policy", policy);
    response
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert("cache-control", HeaderValue::from_static("no-store"));
    response
}
