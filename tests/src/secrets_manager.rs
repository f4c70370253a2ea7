//! A Secrets Manager of a test's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::runtime::beside;

/// It holds secrets by their ARNs, and counts how often it is asked. It stops when it is dropped.
#[derive(Debug)]
pub struct SecretsManager {
    url: String,
    state: Arc<Mutex<Held>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Held {
    secrets: BTreeMap<String, String>,
    asked: usize,
    is_down: bool,
}

impl SecretsManager {
    /// Starts one that holds nothing.
    pub async fn start() -> Self {
        beside(async {
            let listener = TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port is free");
            let address = listener.local_addr().expect("a listener has an address");
            let state = Arc::new(Mutex::new(Held::default()));
            let router = Router::new()
                .fallback(answer)
                .with_state(Arc::clone(&state));
            let task = tokio::spawn(async move {
                axum::serve(listener, router)
                    .await
                    .expect("the Secrets Manager serves");
            });
            Self {
                url: format!("http://{address}"),
                state,
                task,
            }
        })
        .await
    }

    /// Its address, for `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts a secret, or its next value, and gives its ARN.
    pub fn put(&self, name: &str, value: &str) -> String {
        let arn = format!("arn:aws:secretsmanager:local:000000000000:secret:{name}-abcdef");
        let mut state = self.lock();
        state.secrets.insert(arn.clone(), value.to_owned());
        arn
    }

    /// From now on it refuses every request, or again none.
    pub fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// How often it was asked for a secret.
    pub fn asked(&self) -> usize {
        self.lock().asked
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.state.lock().expect("no one panics with the lock")
    }
}

impl Drop for SecretsManager {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Held>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = headers.get("x-amz-target").map(HeaderValue::as_bytes);
    assert_eq!(target, Some(b"secretsmanager.GetSecretValue".as_slice()));
    let mut state = state.lock().expect("no one panics with the lock");
    state.asked += 1;
    if state.is_down {
        let refusal = json!({"__type": "AccessDeniedException", "Message": "as told"});
        return response(StatusCode::BAD_REQUEST, &refusal);
    }
    let asked: Value = serde_json::from_slice(&body).expect("the SDK sends JSON");
    let arn = asked["SecretId"].as_str().unwrap_or_default();
    match state.secrets.get(arn) {
        Some(value) => response(StatusCode::OK, &json!({"ARN": arn, "SecretString": value})),
        None => response(
            StatusCode::BAD_REQUEST,
            &json!({"__type": "ResourceNotFoundException", "Message": "there is none"}),
        ),
    }
}

fn response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = "application/x-amz-json-1.1".parse().expect("a header");
    response.headers_mut().insert("content-type", kind);
    response
}
