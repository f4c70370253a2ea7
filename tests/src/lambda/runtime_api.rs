//! The Runtime API of one process.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// How long an invocation may take, as the process is told.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Serves until it is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::Sender<(String, Value)>,
    answers: mpsc::Receiver<Outcome>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    function: String,
    events: Mutex<mpsc::Receiver<(String, Value)>>,
    answers: mpsc::Sender<Outcome>,
}

/// The id of the invocation, and its answer or its error.
type Outcome = (String, Result<Value, String>);

impl RuntimeApi {
    pub(super) async fn start(function: &str) -> Self {
        let (events, to_process) = mpsc::channel(1);
        let (from_process, answers) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            function: function.to_owned(),
            events: Mutex::new(to_process),
            answers: from_process,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the Runtime API serves");
        });
        Self {
            address,
            events,
            answers,
            task,
        }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Gives the process one event and waits for what it makes of it.
    pub(super) async fn invoke(&mut self, event: Value) -> Result<Value, String> {
        let id = ulid::Ulid::new().to_string();
        let sent = self.events.send((id.clone(), event)).await;
        sent.map_err(|_| "the Runtime API has stopped".to_owned())?;
        let answer = self.answers.recv().await;
        let (answered, result) = answer.ok_or("the Runtime API has stopped")?;
        assert!(
            answered == id || answered.is_empty(),
            "an answer to another invocation"
        );
        result
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a deadline is a time of the machine"
)]
async fn next(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let Some((id, event)) = shared.events.lock().await.recv().await else {
        return status(StatusCode::GONE);
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let arn = format!(
        "arn:aws:lambda:local:000000000000:function:{}",
        shared.function
    );
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", id)
        .header(
            "lambda-runtime-deadline-ms",
            (now + TIMEOUT).as_millis().to_string(),
        )
        .header("lambda-runtime-invoked-function-arn", arn)
        .header(
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000;Sampled=0",
        );
    response
        .body(Body::from(event.to_string()))
        .expect("these are headers")
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let answer = serde_json::from_slice(&body).map_err(|error| format!("not JSON: {error}"));
    shared.settle(id, answer).await
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    shared
        .settle(id, Err(String::from_utf8_lossy(&body).into_owned()))
        .await
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> Response<Body> {
    shared
        .settle(
            String::new(),
            Err(String::from_utf8_lossy(&body).into_owned()),
        )
        .await
}

impl Shared {
    async fn settle(&self, id: String, result: Result<Value, String>) -> Response<Body> {
        // Whoever asked may have gone.
        let _ = self.answers.send((id, result)).await;
        status(StatusCode::ACCEPTED)
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
