//! A sandbox without a listener, for a trial that stays in one process.

use crate::http::shared::Shared;
use crate::operations::portal_configurations;
use crate::server;
use crate::state::render::shown;
use crate::state::store::Store;
use crate::state::world::Origin;
use crate::state::{Kind, World, ids};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use bytes::Bytes;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tower_service::Service as _;

/// More than any answer of the sandbox holds.
const LARGEST_ANSWER: usize = 64 << 20;

/// A sandbox whose time stands still until `POST /_sandbox/clock` moves it, and which does nothing of
/// its own accord: it sends no webhooks, and what comes due is done when its time is moved.
#[derive(Clone, Debug)]
pub struct InProcess {
    shared: Arc<Shared>,
    router: Router,
}

impl InProcess {
    /// An empty one in memory, at this time in seconds since 1970. Links to its pages begin with
    /// `base_url`, where nobody listens.
    pub fn new(now: i64, base_url: &str) -> Self {
        let mut world = World {
            store: Store::default(),
            base_url: base_url.to_owned(),
            origin: Origin::default(),
            frozen: Some(now),
            due_at: None,
            pretended: None,
        };
        portal_configurations::set_default(&mut world, true);
        let shared = Arc::new(Shared::new(world, None, None));
        Self {
            router: server::router(Arc::clone(&shared)),
            shared,
        }
    }

    /// All objects whose `object` field is this, whoever they belong to, in the order of their
    /// creation and without the first `after` of them.
    pub fn objects(&self, object: &str, after: usize) -> Vec<Value> {
        let world = self.shared.world();
        let Some(kind) = Kind::of_object(object) else {
            return Vec::new();
        };
        let all = world.store.oldest_first(kind);
        all.skip(after).map(shown).collect()
    }

    /// From here on, the ids that any sandbox makes on this thread come of the seed, and so repeat
    /// themselves.
    pub fn seed(seed: u64) {
        ids::seed(seed);
    }

    /// Answers a request as the listener of [`Sandbox`](crate::Sandbox) would, with the whole body.
    pub async fn ask(&self, request: Request<Bytes>) -> Response<Bytes> {
        let mut request = request.map(Body::from);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        request.extensions_mut().insert(ConnectInfo(peer));
        let Ok(answer) = self.router.clone().call(request).await;
        let (head, body) = answer.into_parts();
        // A body that breaks off on purpose is as much of it as there is.
        let body = to_bytes(body, LARGEST_ANSWER).await.unwrap_or_default();
        Response::from_parts(head, body)
    }
}
