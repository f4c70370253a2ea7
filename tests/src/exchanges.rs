//! What was asked and answered, a line of JSON each, for `tests/openapi` to hold against
//! `docs/openapi.json`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, OnceLock};

use perennial_config::Env;
use reqwest::Request;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// Names the folder into which exchanges are written. Without it there are none.
const FOLDER: &str = "PERENNIAL_EXCHANGES";

/// One file for each process that runs tests.
fn file() -> Option<&'static Mutex<File>> {
    static KEPT: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let open = || {
        let env = Env::process();
        let folder = env.get(FOLDER).filter(|folder| !folder.is_empty())?;
        let path = format!("{folder}/{}.jsonl", std::process::id());
        let file = OpenOptions::new().create(true).append(true).open(&path);
        Some(Mutex::new(
            file.unwrap_or_else(|error| panic!("{FOLDER}: {path}: {error}")),
        ))
    };
    KEPT.get_or_init(open).as_ref()
}

/// Whether anybody wants to know.
pub(crate) fn are_kept() -> bool {
    file().is_some()
}

/// Keeps an exchange over HTTP.
pub(crate) fn keep(request: &Request, answer: &Answer) {
    let body = request.body().and_then(reqwest::Body::as_bytes);
    write(&json!({
        "method": request.method().as_str(),
        "path": request.url().path(),
        "query": request.url().query().unwrap_or_default(),
        "headers": texts(request.headers()),
        "body": String::from_utf8_lossy(body.unwrap_or_default()),
        "answer": {"status": answer.status, "headers": texts(&answer.headers), "body": answer.text},
    }));
}

/// Keeps an event that was handed to a function past the gateway, if it is of a route.
pub(crate) fn keep_event(event: &Value, answer: &Value) {
    let Some(method) = event.pointer("/requestContext/http/method") else {
        return;
    };
    write(&json!({
        "method": method,
        "path": event["rawPath"],
        "query": event["rawQueryString"],
        "headers": event["headers"],
        "body": event["body"].as_str().unwrap_or_default(),
        "answer": {"status": answer["statusCode"], "headers": answer["headers"], "body": answer["body"]},
    }));
}

fn texts(headers: &HeaderMap) -> Map<String, Value> {
    let text = |value: &reqwest::header::HeaderValue| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    };
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value).into()))
        .collect()
}

fn write(exchange: &Value) {
    if let Some(file) = file() {
        let mut file = file.lock().expect("nobody panics with the lock");
        // In one piece, since a test may be killed at any time.
        file.write_all(format!("{exchange}\n").as_bytes())
            .expect("an exchange can be written");
    }
}
