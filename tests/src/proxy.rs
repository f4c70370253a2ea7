//! Stands before DynamoDB or Stripe, counts what passes, and can hold an answer back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::client::http;

/// A running proxy. It stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    target: String,
    state: Mutex<Passing>,
    held: Notify,
}

#[derive(Debug, Default)]
struct Passing {
    counts: BTreeMap<String, usize>,
    hold: Option<Hold>,
    is_down: bool,
}

#[derive(Debug)]
struct Hold {
    part_of_name: String,
    release: oneshot::Receiver<()>,
}

/// An answer that is held back until this is used or dropped.
#[derive(Debug)]
pub struct Held {
    shared: Arc<Shared>,
    release: oneshot::Sender<()>,
}

impl Proxy {
    /// Begins to pass requests on to `target`. It has to be called where servers run.
    pub(crate) async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            http: http(),
            target: target.to_owned(),
            state: Mutex::default(),
            held: Notify::new(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the proxy serves");
        });
        Self {
            url: format!("http://{address}"),
            shared,
            task,
        }
    }

    /// Its own address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What has passed, by name: the operation of DynamoDB, or method and path.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.shared.lock().counts.clone()
    }

    /// Begins to count anew.
    pub fn forget(&self) {
        self.shared.lock().counts.clear();
    }

    /// From now on every request meets a server that is out of order, or again one that is not.
    pub fn set_down(&self, is_down: bool) {
        self.shared.lock().is_down = is_down;
    }

    /// Holds back the answer of the next request whose name has this part.
    pub fn hold_next(&self, part_of_name: &str) -> Held {
        let (release, wait) = oneshot::channel();
        self.shared.lock().hold = Some(Hold {
            part_of_name: part_of_name.to_owned(),
            release: wait,
        });
        Held {
            shared: Arc::clone(&self.shared),
            release,
        }
    }
}

impl Held {
    /// Waits until there is an answer to hold.
    pub async fn arrives(&self) {
        self.shared.held.notified().await;
    }

    /// Lets the answer go.
    pub fn release(self) {
        // Whoever asked may have given up.
        let _ = self.release.send(());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Passing> {
        self.state.lock().expect("nobody panics with the lock")
    }
}

async fn pass(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let name = name_of(&method, &uri, &headers);
    let hold = {
        let mut state = shared.lock();
        *state.counts.entry(name.clone()).or_default() += 1;
        if state.is_down {
            return broken();
        }
        state.hold.take_if(|hold| name.contains(&hold.part_of_name))
    };
    // The signature covers the host that was meant; the embedded table does not check it.
    headers.remove("host");
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", shared.target);
    let answer = shared
        .http
        .request(method, url)
        .headers(headers)
        .body(body)
        .send()
        .await;
    let Ok(answer) = answer else { return broken() };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer
        .headers()
        .iter()
        .filter(|(name, _)| *name != "transfer-encoding")
    {
        response = response.header(name, value);
    }
    let Ok(body) = answer.bytes().await else {
        return broken();
    };
    if let Some(hold) = hold {
        shared.held.notify_one();
        // A release that was dropped lets the answer go, too.
        let _ = hold.release.await;
    }
    response.body(Body::from(body)).unwrap_or_else(|_| broken())
}

fn name_of(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    match target.and_then(|target| target.split_once('.')) {
        Some((_, operation)) => operation.to_owned(),
        None => format!("{method} {}", uri.path()),
    }
}

fn broken() -> Response<Body> {
    let mut response = Response::new(Body::from("{}"));
    *response.status_mut() = axum::http::StatusCode::SERVICE_UNAVAILABLE;
    response
}
