//! The port of the embedded DynamoDB: its HTTP API, for whoever has the key.
//!
//! The server that the database brings along answers every website and any credentials, so it is not
//! used. The access key is the secret here, and is all that is looked at: a signature would prove no
//! more to a port on loopback, and the tests' proxies stand in between.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use dynoxide::{Database, DynoxideError};
use http::{HeaderValue, StatusCode, header};
use perennial_loopback::{Door, Limits, Refusal, Way, is_same};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Writes;

/// DynamoDB takes bodies of 16 MB.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The operations that change nothing.
const READS: [&str; 7] = [
    "BatchGetItem",
    "DescribeTable",
    "GetItem",
    "ListTables",
    "Query",
    "Scan",
    "TransactGetItems",
];

struct Port {
    database: Database,
    writes: Writes,
    access_key: String,
}

/// Answers on the port until told to stop, to those who have the access key and ask by a name of this
/// machine.
pub(crate) fn serve(
    listener: TcpListener,
    database: Database,
    writes: Writes,
    access_key: String,
    hosts: Vec<String>,
    stop: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let port = Port {
        database,
        writes,
        access_key,
    };
    let router = Router::new().fallback(answer).with_state(Arc::new(port));
    let door = Door {
        hosts,
        // A page has no business here.
        origins: Vec::new(),
        way: |_, _| Way::Call,
    };
    let limits = Limits::with_body_of(LARGEST_BODY);
    tokio::spawn(perennial_loopback::serve(
        listener, router, door, refuse, limits, stop,
    ))
}

fn refuse(refusal: &Refusal) -> Response {
    let (status, _) = refusal.kind();
    error(status, "AccessDeniedException", &refusal.to_string())
}

async fn answer(State(port): State<Arc<Port>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let text = |name: &str| {
        let value = head.headers.get(name);
        value.and_then(|value| value.to_str().ok())
    };
    let given = text("authorization")
        .and_then(access_key)
        .unwrap_or_default();
    if !is_same(given, &port.access_key) {
        let sentence = "The access key is not that of this table: `cargo dev --env-file FILE` writes its address with it.";
        return error(
            StatusCode::BAD_REQUEST,
            "UnrecognizedClientException",
            sentence,
        );
    }
    let operation = text("x-amz-target")
        .and_then(|target| target.strip_prefix("DynamoDB_20120810."))
        .unwrap_or_default();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return refuse(&Refusal::TooLarge);
    };
    let done = carry_out(&port.database, operation, &body);
    // Also of one that failed, which may have written before it did.
    if !READS.contains(&operation) {
        port.writes.note();
    }
    match done {
        Ok(body) => answered(StatusCode::OK, body),
        Err(failure) => {
            let status = StatusCode::from_u16(failure.status_code());
            answered(status.unwrap_or(StatusCode::BAD_REQUEST), failure.to_json())
        }
    }
}

/// `AWS4-HMAC-SHA256 Credential=<access key>/<day>/<region>/dynamodb/aws4_request, ...`
fn access_key(authorization: &str) -> Option<&str> {
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next()
}

fn carry_out(database: &Database, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
    macro_rules! call {
        ($method:ident) => {
            written(&database.$method(read(body)?)?)
        };
    }
    match operation {
        "BatchGetItem" => call!(batch_get_item),
        "BatchWriteItem" => call!(batch_write_item),
        "DeleteItem" => call!(delete_item),
        "DescribeTable" => call!(describe_table),
        "GetItem" => call!(get_item),
        "ListTables" => call!(list_tables),
        "PutItem" => call!(put_item),
        "Query" => call!(query),
        "Scan" => call!(scan),
        "TransactGetItems" => call!(transact_get_items),
        "TransactWriteItems" => call!(transact_write_items),
        "UpdateItem" => call!(update_item),
        other => Err(DynoxideError::ValidationException(format!(
            "This table does not serve the operation {other:?}."
        ))),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body)
        .map_err(|error| DynoxideError::ValidationException(error.to_string()))
}

fn written(answer: &impl Serialize) -> Result<String, DynoxideError> {
    serde_json::to_string(answer)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn error(status: StatusCode, name: &str, message: &str) -> Response {
    let body = json!({
        "__type": format!("com.amazon.coral.service#{name}"),
        "message": message,
    });
    answered(status, body.to_string())
}

fn answered(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    response
}
