//! Every way in which a request can be wrong before a function looks at it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use perennial_http::{ApiError, Handler, Request, Response, Routes, invoke, read_json};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone)]
struct Echo;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    name: String,
}

impl Handler for Echo {
    type Route = ();
    const ROUTES: Routes<()> = &[("POST /echo", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        let user = request.user()?;
        let body: Body = read_json(request)?;
        Ok(Response::json(
            200,
            &json!({ "user": user, "name": body.name }),
        ))
    }
}

fn event() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "POST /echo",
        "rawPath": "/echo",
        "rawQueryString": "",
        "headers": {"content-type": "application/json; charset=utf-8"},
        "requestContext": {
            "authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
            "domainName": "api.example",
            "http": {"method": "POST", "path": "/echo", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
            "requestId": "r1", "routeKey": "POST /echo", "stage": "$default",
            "time": "24/Nov/2026:00:00:00 +0000", "timeEpoch": 1_793_000_000_000_i64
        },
        "body": "{\"name\":\"x\"}",
        "isBase64Encoded": false
    })
}

async fn ask(change: impl FnOnce(&mut Value)) -> (u64, Value) {
    let mut event = event();
    change(&mut event);
    let answer = invoke(&Echo, event, "r1").await;
    let body = answer["body"].as_str().unwrap();
    (
        answer["statusCode"].as_u64().unwrap(),
        serde_json::from_str(body).unwrap(),
    )
}

#[tokio::test]
async fn a_right_request_is_answered() {
    let (status, body) = ask(|_| ()).await;
    assert_eq!((status, body), (200, json!({"user": "alice", "name": "x"})));
}

#[tokio::test]
async fn a_base64_body_is_the_same_body() {
    let (status, body) = ask(|event| {
        event["body"] = json!("eyJuYW1lIjoiw6kifQ==");
        event["isBase64Encoded"] = json!(true);
    })
    .await;
    assert_eq!((status, &body["name"]), (200, &json!("\u{e9}")));
}

#[tokio::test]
async fn each_mistake_has_a_code_and_a_sentence() {
    type Change = fn(&mut Value);
    let cases: [(Change, u64, &str); 10] = [
        (|e| e["body"] = json!("{"), 400, "malformed_json"),
        (|e| e["body"] = json!("[]"), 400, "malformed_json"),
        (|e| e["body"] = Value::Null, 400, "malformed_json"),
        (
            |e| e["body"] = json!("{\"name\":\"x\",\"extra\":1}"),
            400,
            "unknown_field",
        ),
        (|e| e["body"] = json!("{}"), 400, "missing_field"),
        (|e| e["body"] = json!("{\"name\":7}"), 400, "invalid_field"),
        (
            |e| e["headers"] = json!({}),
            415,
            "unsupported_content_type",
        ),
        (
            |e| e["body"] = json!(" ".repeat(65 * 1024)),
            413,
            "body_too_large",
        ),
        (|e| e["isBase64Encoded"] = json!(true), 400, "invalid_body"),
        (
            |e| e["requestContext"]["authorizer"] = Value::Null,
            401,
            "unauthorized",
        ),
    ];
    for (change, status, code) in cases {
        let (got, body) = ask(change).await;
        assert_eq!(
            (got, &body["error"]["code"]),
            (status, &json!(code)),
            "{body}"
        );
        assert!(
            body["error"]["message"].as_str().unwrap().ends_with('.'),
            "{body}"
        );
        assert_eq!(body["error"]["request_id"], "r1");
    }
}

#[tokio::test]
async fn an_event_of_another_kind_is_refused_and_nothing_panics() {
    for event in [json!({}), json!(null), json!({"Records": []}), json!([1])] {
        let answer = invoke(&Echo, event.clone(), "r1").await;
        let status = answer["statusCode"].as_u64().unwrap();
        assert!((400..500).contains(&status), "{event}: {answer}");
    }
}

#[tokio::test]
async fn only_a_server_that_api_gateway_has_verified_passes_for_one() {
    for (authorizer, passes) in [
        (
            json!({"iam": {"userArn": "arn:aws:iam::123456789012:role/shop"}}),
            true,
        ),
        (json!({"iam": {"userArn": ""}}), false),
        (json!({"iam": {}}), false),
        (json!({"jwt": {"claims": {"sub": "alice"}}}), false),
        (Value::Null, false),
    ] {
        let mut event = event();
        event["requestContext"]["authorizer"] = authorizer.clone();
        let request = Request::from_event(event, "r1").unwrap();
        let refused = request
            .check_server()
            .err()
            .map(|error| (error.status, error.code));
        let expected = (!passes).then_some((403, "forbidden"));
        assert_eq!(refused, expected, "{authorizer}");
    }
}
