//! Stands before DynamoDB or Stripe, counts what passes, and can hold an answer back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::client::http;
use crate::roles::Roles;
use crate::table::parted;

/// What stands before the name of a function in the path of its own door.
const DOOR: &str = "/as/";

/// A running proxy. It stops when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    /// The access key that the target wants, which passes through.
    access_key: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    target: String,
    /// Whether the roles of the template allow what a function asks the table for.
    roles: Option<Arc<Roles>>,
    state: Mutex<Passing>,
    held: Notify,
}

#[derive(Debug, Default)]
struct Passing {
    counts: BTreeMap<String, usize>,
    read_units: f64,
    hold: Option<Hold>,
    is_down: bool,
    breaks: Option<Breaks>,
    /// Of how many more batches half of the keys stay unread.
    leaves_out: usize,
}

/// How many requests with this part of a name still pass.
#[derive(Debug)]
struct Breaks {
    part_of_name: String,
    passing: usize,
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
        Self::start_with(target, None).await
    }

    /// Begins to pass on to a table what the roles allow. A function comes by its own door.
    pub(crate) async fn start_judging(target: &str, roles: Arc<Roles>) -> Self {
        Self::start_with(target, Some(roles)).await
    }

    async fn start_with(target: &str, roles: Option<Arc<Roles>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let (access_key, target) = parted(target);
        let access_key = access_key.to_owned();
        let shared = Arc::new(Shared {
            http: http(),
            target,
            roles,
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
            access_key,
            shared,
            task,
        }
    }

    /// Its own address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The endpoint at which it knows that this function asks.
    pub fn door(&self, function: &str) -> String {
        let address = self.url.trim_start_matches("http://");
        format!("http://{}@{address}{DOOR}{function}", self.access_key)
    }

    /// What has passed, by name: the operation of DynamoDB, or method and path.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.shared.lock().counts.clone()
    }

    /// What DynamoDB charges for the reads that have passed.
    pub fn read_units(&self) -> f64 {
        self.shared.lock().read_units
    }

    /// Begins to count anew.
    pub fn forget(&self) {
        let mut state = self.shared.lock();
        state.counts.clear();
        state.read_units = 0.0;
    }

    /// From now on every request meets a server that is out of order, or again one that is not.
    pub fn set_down(&self, is_down: bool) {
        let mut state = self.shared.lock();
        state.is_down = is_down;
        state.breaks = None;
    }

    /// From now on this many requests whose name has this part pass, and those after them meet a
    /// server that is out of order; until [`set_down`](Self::set_down) is called.
    pub fn break_after(&self, part_of_name: &str, passing: usize) {
        self.shared.lock().breaks = Some(Breaks {
            part_of_name: part_of_name.to_owned(),
            passing,
        });
    }

    /// From now on this many answers to `BatchGetItem` leave half of the keys out, as those of a table that
    /// has no capacity.
    pub fn leave_out_of(&self, answers: usize) {
        self.shared.lock().leaves_out = answers;
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

impl Passing {
    fn passes(&mut self, name: &str) -> bool {
        let matching = self.breaks.as_mut();
        let Some(breaks) = matching.filter(|breaks| name.contains(&breaks.part_of_name)) else {
            return true;
        };
        let passes = breaks.passing > 0;
        breaks.passing = breaks.passing.saturating_sub(1);
        passes
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
        if state.is_down || !state.passes(&name) {
            return broken();
        }
        state.hold.take_if(|hold| name.contains(&hold.part_of_name))
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let (function, path) = match path.strip_prefix(DOOR) {
        Some(function) => (Some(function.trim_end_matches('/')), "/"),
        None => (None, path),
    };
    if let (Some(roles), Some(function)) = (&shared.roles, function) {
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Err(reason) = roles.judge(function, &name, &body) {
            return refused(&reason);
        }
    }
    // The signature covers the host that was meant; the embedded table looks at the access key alone.
    headers.remove("host");
    headers.remove("content-length");
    let is_read = matches!(name.as_str(), "Query" | "GetItem" | "BatchGetItem");
    let mut body = if is_read { asking_units(&body) } else { body };
    let mut left_out = None;
    if name == "BatchGetItem" {
        let leaves_out = {
            let mut state = shared.lock();
            let left = state.leaves_out;
            state.leaves_out = left.saturating_sub(1);
            left > 0
        };
        if leaves_out {
            (body, left_out) = halved(&body);
        }
    }
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
    // Those of the body are no longer right if something was left out.
    let changed = ["transfer-encoding", "content-length", "x-amz-crc32"];
    for (name, value) in answer
        .headers()
        .iter()
        .filter(|(name, _)| !changed.contains(&name.as_str()))
    {
        response = response.header(name, value);
    }
    let Ok(mut body) = answer.bytes().await else {
        return broken();
    };
    if let Some(left_out) = left_out {
        let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        answer["UnprocessedKeys"] = left_out;
        body = answer.to_string().into();
    }
    if is_read {
        shared.lock().read_units += units(&body);
    }
    if let Some(hold) = hold {
        shared.held.notify_one();
        // A release that was dropped lets the answer go, too.
        let _ = hold.release.await;
    }
    response.body(Body::from(body)).unwrap_or_else(|_| broken())
}

/// A read that asks what it costs. The embedded table checks the access key, and no signature.
fn asking_units(body: &Bytes) -> Bytes {
    let mut asked: Value = serde_json::from_slice(body).expect("DynamoDB is asked in JSON");
    asked["ReturnConsumedCapacity"] = "TOTAL".into();
    asked.to_string().into()
}

/// A batch without the second half of its keys, and that half as the answer names it.
fn halved(body: &Bytes) -> (Bytes, Option<Value>) {
    let mut asked: Value = serde_json::from_slice(body).expect("DynamoDB is asked in JSON");
    let mut left_out = asked["RequestItems"].clone();
    let tables = left_out.as_object_mut().expect("a batch names its table");
    for (table, keys) in tables {
        let all = keys["Keys"].as_array().cloned().unwrap_or_default();
        let (read, rest) = all.split_at(all.len() / 2);
        keys["Keys"] = rest.into();
        asked["RequestItems"][table]["Keys"] = read.into();
    }
    (asked.to_string().into(), Some(left_out))
}

fn units(body: &Bytes) -> f64 {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    // A batch tells it table by table.
    let told = answer.get("ConsumedCapacity").into_iter();
    let tables = told.flat_map(|it| {
        it.as_array()
            .map_or(std::slice::from_ref(it), Vec::as_slice)
    });
    let units = tables.filter_map(|it| it["CapacityUnits"].as_f64());
    units.sum()
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

/// As DynamoDB says it.
fn refused(reason: &str) -> Response<Body> {
    let body = serde_json::json!({
        "__type": "com.amazon.coral.service#AccessDeniedException",
        "Message": reason,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = axum::http::StatusCode::BAD_REQUEST;
    response
}

fn broken() -> Response<Body> {
    let mut response = Response::new(Body::from("{}"));
    *response.status_mut() = axum::http::StatusCode::SERVICE_UNAVAILABLE;
    response
}
