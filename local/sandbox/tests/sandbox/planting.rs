//! A proxy before a sandbox that answers a little differently on purpose.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

/// What is changed of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// The value at a pointer.
    Set(&'static str, Value),
    /// A number at a pointer gets so much more.
    Add(&'static str, i64),
    /// The field at a pointer is gone.
    Remove(&'static str, &'static str),
    /// An event of this type more, about the same object as the newest one.
    Event(&'static str),
}

/// Which answers are changed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Plant {
    pub(crate) method: &'static str,
    /// What the path and the body hold, as they are sent.
    pub(crate) path: &'static str,
    pub(crate) body: &'static str,
    pub(crate) change: Change,
}

/// Passes everything on to `target`, and changes what is planted. Answers its address.
pub(crate) async fn start(target: &str, plants: Vec<Plant>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (target, plants) = (target.to_owned(), Arc::new(plants));
    let http = crate::support::client();
    let router = axum::Router::new().fallback(
        move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            pass(
                http.clone(),
                target.clone(),
                Arc::clone(&plants),
                method,
                uri,
                headers,
                body,
            )
        },
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn pass(
    http: reqwest::Client,
    target: String,
    plants: Arc<Vec<Plant>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let sent = String::from_utf8_lossy(&body).into_owned();
    let mut request = http
        .request(method.clone(), format!("{target}{uri}"))
        .body(body);
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "stripe-version",
    ] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else {
        // What was dropped there is not there here either.
        return Response::builder()
            .status(StatusCode::BAD_GATEWAY)
            .body(Body::empty())
            .unwrap();
    };
    let mut response = Response::builder().status(answer.status());
    for name in ["date", "idempotent-replayed"] {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    let mut json: Value =
        serde_json::from_slice(&answer.bytes().await.unwrap_or_default()).unwrap_or_default();
    for plant in plants.iter() {
        if plant.method == method.as_str() && uri.path() == plant.path && sent.contains(plant.body)
        {
            apply(&plant.change, &mut json);
        }
    }
    response.body(Body::from(json.to_string())).unwrap()
}

fn apply(change: &Change, json: &mut Value) {
    match change {
        Change::Set(pointer, value) => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(parent) = json.pointer_mut(parent) {
                parent[name] = value.clone();
            }
        }
        Change::Add(pointer, more) => {
            if let Some(number) = json.pointer_mut(pointer) {
                *number = json!(number.as_i64().unwrap() + more);
            }
        }
        Change::Remove(parent, name) => {
            if let Some(Value::Object(fields)) = json.pointer_mut(parent) {
                fields.remove(*name);
            }
        }
        Change::Event(kind) => {
            let events = json["data"].as_array_mut().unwrap();
            // On the first page alone, as a list has each event once.
            if let Some(mut event) = events.first().cloned() {
                event["type"] = json!(kind);
                event["id"] = json!("evt_1PlantedPlantedPlanted00");
                events.insert(0, event);
            }
        }
    }
}
