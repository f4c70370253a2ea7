//! The page that stands for Stripe's customer portal.

mod cards;

use super::{answer, escaped, html, redirect};
use crate::error::{ApiError, Result};
use crate::http::shared::Shared;
use crate::objects::portal_session;
use crate::operations::portal_flows;
use crate::state::world::Origin;
use crate::state::{Fields, World};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use serde_json::Value;
use std::sync::Arc;

type Sandbox = State<Arc<Shared>>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/p/session/{secret}", get(show).post(change))
        .route("/p/session/{secret}/done", get(done))
}

async fn show(State(shared): Sandbox, Path(secret): Path<String>) -> Response<Body> {
    let world = shared.world();
    match portal_session::open(&world, &secret) {
        Some(session) => html(StatusCode::OK, &page(&world, &session)),
        None => gone(),
    }
}

/// What follows a flow that ends with a confirmation.
async fn done(State(shared): Sandbox, Path(secret): Path<String>) -> Response<Body> {
    let world = shared.world();
    let Some(session) = portal_session::open(&world, &secret) else {
        return gone();
    };
    let message = session
        .text("flow.after_completion.hosted_confirmation.custom_message")
        .unwrap_or("It is done.");
    let body = format!("<p>{}</p>", escaped(message));
    html(StatusCode::OK, &around(&session, &body))
}

fn gone() -> Response<Body> {
    answer(
        StatusCode::NOT_FOUND,
        "text/plain; charset=utf-8",
        "This session has expired. Go back to the shop and ask for a new one.\n".to_owned(),
    )
}

/// What a form of the page sends.
struct Sent(Vec<(String, String)>);

impl Sent {
    fn text(&self, wanted: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    }
}

async fn change(State(shared): Sandbox, Path(secret): Path<String>, body: Bytes) -> Response<Body> {
    let session = portal_session::open(&shared.world(), &secret);
    let Some(session) = session else {
        return gone();
    };
    let sent = Sent(url::form_urlencoded::parse(&body).into_owned().collect());
    let changed: Result<Option<Value>> = shared.change(Origin::default(), |world| {
        carry_out(world, &session, &sent).transpose()
    });
    match changed {
        Ok(None) => plain(StatusCode::BAD_REQUEST, "Choose one of the buttons."),
        Ok(Some(_)) => redirect(&after(&session, &secret)),
        Err(error) => plain(StatusCode::CONFLICT, &error.message),
    }
}

/// Does what a button says; nothing where it says none.
fn carry_out(world: &mut World, session: &Value, sent: &Sent) -> Option<Result<Value>> {
    let subscription = sent.text("subscription").unwrap_or_default();
    let action = sent.text("action")?;
    if let Some(flow) = session.text("flow.type") {
        // The session is for that alone.
        let own = match flow {
            "subscription_cancel" => "cancel",
            "payment_method_update" => "method",
            _ => "change",
        };
        let of = session.at("flow").at(flow).text("subscription");
        if action != own || of.is_some_and(|of| of != subscription) {
            return Some(Err(ApiError::invalid(
                "This session is for something else.",
            )));
        }
    }
    Some(match action {
        "cancel" => portal_flows::cancel(world, session, subscription, sent.text("reason")),
        "keep" => portal_flows::keep(world, session, subscription),
        "change" => {
            let quantity = sent.text("quantity").and_then(|it| it.parse().ok());
            portal_flows::change(world, session, subscription, sent.text("price"), quantity)
        }
        "method" => {
            let of = Some(subscription).filter(|id| !id.is_empty());
            let card = sent.text("card").unwrap_or_default();
            portal_flows::replace_method(world, session, of, card)
        }
        "details" => {
            let names = ["email", "name", "phone"].into_iter();
            let given: Vec<(&str, String)> = names
                .filter_map(|name| Some((name, sent.text(name)?.to_owned())))
                .collect();
            portal_flows::change_customer(world, session, &given)
        }
        _ => return None,
    })
}

/// Where a customer goes who has done what the session is for.
fn after(session: &Value, secret: &str) -> String {
    let completion = session.at("flow.after_completion");
    match completion.text("type") {
        Some("redirect") => completion.owned("redirect.return_url").unwrap_or_default(),
        Some("hosted_confirmation") => format!("/p/session/{secret}/done"),
        _ => format!("/p/session/{secret}"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn page(world: &World, session: &Value) -> String {
    let configuration = portal_session::configuration(world, session);
    around(session, &cards::of(world, session, &configuration))
}

fn around(session: &Value, body: &str) -> String {
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
        .replace("{{subscriptions}}", body)
        .replace("{{back}}", &back)
}
