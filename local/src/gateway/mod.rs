//! The HTTP API of the template, as API Gateway would serve it, and the demo shop beside it.

mod authorizer;
mod cors;
mod dev;
mod event;
mod iam;
mod response;
mod shop;
mod table;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, header};
use perennial_loopback::{Door, Limits, Refusal, Way, is_same};
use perennial_types::Clock;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use authorizer::Authorizer;
pub(crate) use dev::ShopInfo;
pub(crate) use shop::policy;

use crate::invoker::{self, Invoker};
use crate::outbox::Outbox;
use crate::schedule::Scheduler;
use crate::template::{Authorization, Cors, Route};
use crate::tokens::Issuer;
use table::Met;

/// API Gateway takes no larger body.
const LARGEST_BODY: usize = 10 * 1024 * 1024;
/// API Gateway takes no more bytes in the first line and the headers of a request
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const LARGEST_HEAD: usize = 10_240;
/// API Gateway waits no longer for a function.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that answers a request.
pub(crate) struct Gateway {
    pub(crate) routes: Vec<Route>,
    pub(crate) cors: Cors,
    pub(crate) authorizer: Authorizer,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) invoker: Arc<dyn Invoker>,
    pub(crate) shop: ShopInfo,
    /// Lets a developer in.
    pub(crate) key: String,
    pub(crate) scheduler: Scheduler,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clock: Clock,
}

/// Answers on the port until told to stop, and then finishes what is under way.
pub(crate) fn serve(
    listener: TcpListener,
    gateway: Gateway,
    origins: Vec<String>,
    stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let router = Router::new().fallback(answer).with_state(Arc::new(gateway));
    let door = Door {
        hosts: Vec::new(),
        origins,
        way,
    };
    let limits = Limits::with_body_of(LARGEST_BODY);
    tokio::spawn(perennial_loopback::serve(
        listener, router, door, refuse, limits, stop,
    ))
}

/// Stripe's events and the returns from a wallet may come through a tunnel: the former are signed, and
/// the latter bring a client secret.
fn way(method: &Method, path: &str) -> Way {
    match (method.as_str(), path) {
        ("POST", "/webhooks/stripe") | ("GET", "/confirm") => Way::AnyName,
        _ if path.starts_with("/dev/") => Way::Call,
        _ => Way::Link,
    }
}

fn refuse(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::TooLarge => response::too_large(),
        other => {
            let (status, code) = other.kind();
            let sentence = format!("{}.", response::capitalised(&other.to_string()));
            let id = ulid::Ulid::new().to_string();
            dev::error(status, code, &sentence, &id)
        }
    }
}

fn is_head_too_large(head: &Parts) -> bool {
    let line = head.method.as_str().len() + head.uri.to_string().len();
    let headers = head.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    line + headers > LARGEST_HEAD
}

async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let request_id = ulid::Ulid::new().to_string();
    let (head, body) = request.into_parts();
    let mut response = match cors::preflight(&gateway.cors, &head.method, &head.headers) {
        Some(response) => response,
        None if is_head_too_large(&head) => response::head_too_large(),
        None => match axum::body::to_bytes(body, LARGEST_BODY).await {
            Ok(body) => gateway.answer(&head, peer, &body, &request_id).await,
            Err(_) => response::too_large(),
        },
    };
    cors::allow(&gateway.cors, &head.headers, &mut response);
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("apigw-requestid"), id);
    }
    response
}

impl Gateway {
    async fn answer(
        &self,
        head: &Parts,
        peer: SocketAddr,
        body: &[u8],
        request_id: &str,
    ) -> Response {
        match table::find(&self.routes, head.method.as_str(), head.uri.path()) {
            Some(met) => self.call(&met, head, peer, body, request_id).await,
            None => self.answer_here(head, peer, body, request_id).await,
        }
    }

    async fn call(
        &self,
        met: &Met,
        head: &Parts,
        peer: SocketAddr,
        body: &[u8],
        request_id: &str,
    ) -> Response {
        let now = self.clock.now();
        let authorizer = match met.route.authorization {
            Authorization::None => None,
            Authorization::Jwt => {
                let header = head.headers.get(http::header::AUTHORIZATION);
                let header = header.map(|value| value.to_str().unwrap_or_default());
                match self.authorizer.verify(header, now) {
                    Ok(claims) => Some(claims.as_authorizer()),
                    Err(refusal) => return response::unauthorized(refusal, request_id),
                }
            }
            Authorization::Iam => match iam::verify(head, body, now, &self.key) {
                Ok(()) => Some(iam::caller()),
                Err(refusal) => return response::forbidden(refusal, request_id),
            },
        };
        self.invoke(met, head, authorizer, peer, body, request_id)
            .await
    }

    async fn invoke(
        &self,
        met: &Met,
        head: &Parts,
        authorizer: Option<Value>,
        peer: SocketAddr,
        body: &[u8],
        request_id: &str,
    ) -> Response {
        let incoming = event::Incoming {
            method: head.method.as_str(),
            uri: &head.uri,
            headers: &head.headers,
            peer: peer.ip(),
            request_id,
            now: self.clock.now(),
        };
        let event = event::build(&incoming, met, authorizer, body);
        let call = invoker::call(&self.invoker, &met.route.function, event, met.route.timeout);
        let answer = tokio::time::timeout(PATIENCE, call).await;
        match answer {
            Ok(answer) => response::of_function(answer, request_id),
            Err(_) => response::unavailable(),
        }
    }

    /// What is not in the template: the shop, and the addresses of a developer's machine.
    async fn answer_here(
        &self,
        head: &Parts,
        peer: SocketAddr,
        body: &[u8],
        request_id: &str,
    ) -> Response {
        let path = head.uri.path();
        // What the demo shop's page asks before anybody has opened it by its key.
        let is_open = !path.starts_with("/dev/") || path == "/dev/shop.json";
        if !is_open && !self.has_key(head) {
            return dev::without_key(request_id);
        }
        match (&head.method, path) {
            (&Method::POST, "/dev/token") => {
                dev::token(&self.issuer, &self.clock, body, request_id)
            }
            (&Method::POST, "/dev/sweep") => dev::sweep(&self.scheduler, body, request_id).await,
            (&Method::GET, "/dev/events") => dev::events(&self.outbox),
            (&Method::GET, "/dev/user") => self.user(head, peer, request_id).await,
            (&Method::GET, "/dev/shop.json") => dev::shop(&self.shop),
            (&Method::GET | &Method::HEAD, _) => {
                shop::file(path, &self.shop.stripe_js).unwrap_or_else(response::not_found)
            }
            _ => response::not_found(),
        }
    }

    /// `GET /dev/user?user=alice`: `GET /shop/users` for the demo's operator page, which cannot sign for IAM. Who has
    /// the key could sign: it is the secret of the one caller.
    async fn user(&self, head: &Parts, peer: SocketAddr, request_id: &str) -> Response {
        let query = head.uri.query().unwrap_or_default();
        let path = format!("/shop/users?{query}");
        let met = table::find(&self.routes, "GET", "/shop/users");
        let (Some(met), Ok(uri)) = (met, path.parse()) else {
            return response::not_found();
        };
        let mut head = head.clone();
        head.uri = uri;
        // The function needs no key.
        head.headers.remove(header::AUTHORIZATION);
        let caller = Some(iam::caller());
        self.invoke(&met, &head, caller, peer, &[], request_id)
            .await
    }

    fn has_key(&self, head: &Parts) -> bool {
        let given = head.headers.get(header::AUTHORIZATION);
        let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        given.is_some_and(|given| is_same(given.trim(), &self.key))
    }
}
