//! An event of API Gateway, or the body of one: bytes come out as they went in, and a caller can
//! cause no server error.

#![no_main]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use perennial_fuzz::text;
use perennial_http::{
    ApiError, Handler, Request, RequestError, Response, Routes, invoke, read_json,
};
use serde_json::{Map, Value, json};

fuzz_target!(|data: &[u8]| {
    let body = |event| Request::from_event(event, "r1").map(|request| request.body);

    let encoded = event(&STANDARD.encode(data), true);
    assert_eq!(body(encoded.clone()).expect("it is base64"), data);
    answers(encoded);

    let plain = event(&text(data), false);
    let read = body(plain.clone()).expect("any text is a body");
    assert_eq!(read, text(data).as_bytes());
    answers(plain);

    // The bytes may claim to be base64, and then they are or they are refused.
    let claimed = event(&text(data), true);
    match (body(claimed.clone()), STANDARD.decode(&*text(data))) {
        (Ok(read), Ok(expected)) => assert_eq!(read, expected),
        (Err(RequestError::Base64(_)), Err(_)) => {}
        (read, expected) => panic!("{read:?} instead of {expected:?}"),
    }
    answers(claimed);

    if let Ok(event) = serde_json::from_slice::<Value>(data) {
        answers(event);
    }
});

fn event(body: &str, is_base64_encoded: bool) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /echo",
        "rawPath": "/echo",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
            "http": {"method": "POST", "path": "/echo", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "timeEpoch": 1_793_000_000_000_i64,
        },
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

#[derive(Clone)]
struct Echo;

impl Handler for Echo {
    type Route = ();
    const ROUTES: Routes<()> = &[("POST /echo", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        request.user()?;
        let body: Map<String, Value> = read_json(request)?;
        let json = if request.wants_json() { "json" } else { "page" };
        Ok(Response::json(200, &body).with_header("x-wants", json))
    }
}

/// Asks the function, and holds its answer to what API Gateway takes.
fn answers(event: Value) {
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = pin!(invoke(&Echo, event, "r1")).poll(&mut context) else {
        panic!("an echo waits for nothing");
    };
    let status = answer["statusCode"].as_u64().expect("a status");
    assert!((200..500).contains(&status), "{answer}");
    let body = answer["body"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("a body of JSON");
    assert!(body.is_object(), "{answer}");
    if status >= 400 {
        assert!(body["error"]["code"].is_string(), "{answer}");
        assert_eq!(body["error"]["request_id"], "r1");
    }
    let headers = answer["headers"].as_object().expect("headers");
    assert!(headers.values().all(Value::is_string), "{answer}");
}
