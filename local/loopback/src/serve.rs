//! Serves a router within limits, so that whoever opens connections and says nothing holds nothing up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Extension, Router};
use http::header;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::door::{Door, Refusal};

/// How much of a port one caller may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For how long the head of a request may take to arrive. A connection on which nothing is asked
    /// ends after as long.
    pub head: Duration,
    /// For how long the body may take after it.
    pub body: Duration,
    /// How many connections are served at once; more wait until one ends.
    pub connections: usize,
    /// How many bytes a body may have.
    pub largest_body: usize,
}

impl Limits {
    /// Those of a port that takes bodies of so many bytes.
    pub fn with_body_of(largest_body: usize) -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            connections: 512,
            largest_body,
        }
    }
}

/// What a port says when it does not answer.
pub type Refuse = fn(&Refusal) -> Response;

/// How long the system gets to free a file descriptor when there is none for a new connection.
const BREATHER: Duration = Duration::from_millis(200);

/// How long an answer gets to leave the machine when the port stops.
const FLUSH: Duration = Duration::from_millis(300);

struct Port {
    door: Door,
    refuse: Refuse,
    limits: Limits,
    /// Requests that have arrived whole and are not answered yet.
    under_way: AtomicUsize,
}

/// Answers on the port, to those whom the door admits, until told to stop; then finishes what is under
/// way. A sender that is gone means to stop, too.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    door: Door,
    refuse: Refuse,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let port = Arc::new(Port {
        door,
        refuse,
        limits,
        under_way: AtomicUsize::new(0),
    });
    let router = router.layer(middleware::from_fn_with_state(Arc::clone(&port), pass));
    let mut served = JoinSet::new();
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            next = next => next,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                let stop = stop.clone();
                served.spawn(async move {
                    connection(stream, router, limits, stop).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BREATHER).await;
            }
        }
        while served.try_join_next().is_some() {}
    }
    drop(listener);
    // Whoever has sent half a request, or asks nothing, is not waited for.
    let mut idle_since = Instant::now();
    while !served.is_empty() && idle_since.elapsed() < FLUSH {
        let _ = tokio::time::timeout(FLUSH / 10, served.join_next()).await;
        if port.under_way.load(Ordering::Relaxed) > 0 {
            idle_since = Instant::now();
        }
    }
}

/// Counts a request for as long as it lives, however it ends.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn begin(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // That a caller breaks off or is too slow concerns nobody else.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn pass(State(port): State<Arc<Port>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refusal) = port.door.admit(&head) {
        return (port.refuse)(&refusal);
    }
    match read(body, &port.limits).await {
        Ok(body) => {
            let _under_way = UnderWay::begin(&port.under_way);
            next.run(Request::from_parts(head, Body::from(body))).await
        }
        Err(refusal) => {
            let mut response = (port.refuse)(&refusal);
            // The page was admitted, so it may read why.
            if let Some(origin) = head.headers.get(header::ORIGIN) {
                let name = header::ACCESS_CONTROL_ALLOW_ORIGIN;
                response.headers_mut().insert(name, origin.clone());
            }
            response
        }
    }
}

async fn read(body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(limits.body, axum::body::to_bytes(body, limits.largest_body)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Refusal::TooLarge),
        Err(_) => Err(Refusal::TooSlow),
    }
}
