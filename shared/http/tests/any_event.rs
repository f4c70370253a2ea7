//! Of any event of API Gateway: the body comes out as it went in, and nothing that a caller can send
//! is answered with a server error.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use perennial_http::{
    ApiError, Handler, Request, RequestError, Response, Routes, invoke, read_json,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

#[derive(Clone)]
struct Echo;

impl Handler for Echo {
    type Route = ();
    const ROUTES: Routes<()> = &[("POST /echo", ())];

    async fn handle(&self, (): (), request: &Request) -> Result<Response, ApiError> {
        request.user()?;
        Ok(Response::json(
            200,
            &read_json::<Map<String, Value>>(request)?,
        ))
    }
}

fn event() -> Value {
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
    })
}

fn with_body(body: &str, is_base64_encoded: bool) -> Value {
    let mut event = event();
    event["body"] = json!(body);
    event["isBase64Encoded"] = json!(is_base64_encoded);
    event
}

fn body_of(event: Value) -> Result<Vec<u8>, RequestError> {
    Request::from_event(event, "r1").map(|request| request.body)
}

/// The status and the body of an answer that has the form that API Gateway takes.
fn ask(event: Value) -> Result<(u64, Value), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    let answer = runtime.block_on(invoke(&Echo, event, "r1"));
    let status = answer["statusCode"].as_u64().unwrap();
    prop_assert!((200..500).contains(&status), "{}", answer);
    prop_assert!(
        answer["headers"]
            .as_object()
            .unwrap()
            .values()
            .all(Value::is_string)
    );
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    if status >= 400 {
        prop_assert!(body["error"]["code"].is_string(), "{}", body);
        prop_assert_eq!(&body["error"]["request_id"], "r1");
    }
    Ok((status, body))
}

/// Some JSON without fractions, which are not compared exactly.
fn json_values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// Every place of an event that this code or the event's types read.
const PLACES: [&str; 16] = [
    "/version",
    "/routeKey",
    "/rawPath",
    "/rawQueryString",
    "/headers",
    "/headers/content-type",
    "/requestContext",
    "/requestContext/authorizer",
    "/requestContext/authorizer/jwt",
    "/requestContext/authorizer/jwt/claims",
    "/requestContext/authorizer/jwt/claims/sub",
    "/requestContext/http",
    "/requestContext/http/method",
    "/requestContext/timeEpoch",
    "/body",
    "/isBase64Encoded",
];

proptest! {
    #[test]
    fn bytes_come_out_as_they_went_in(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let encoded = with_body(&STANDARD.encode(&bytes), true);
        prop_assert_eq!(body_of(encoded).unwrap(), bytes);
    }

    #[test]
    fn text_comes_out_as_it_went_in(text in any::<String>()) {
        prop_assert_eq!(body_of(with_body(&text, false)).unwrap(), text.as_bytes());
    }

    #[test]
    fn a_body_that_claims_to_be_base64_is_or_is_refused(text in "[A-Za-z0-9+/=_ -]{0,24}") {
        match (body_of(with_body(&text, true)), STANDARD.decode(&text)) {
            (Ok(bytes), Ok(expected)) => prop_assert_eq!(bytes, expected),
            (Err(RequestError::Base64(_)), Err(_)) => {
                prop_assert_eq!(ask(with_body(&text, true))?.0, 400);
            }
            (bytes, expected) => prop_assert!(false, "{:?} instead of {:?}", bytes, expected),
        }
    }

    #[test]
    fn an_object_is_read_and_answered_whole(
        fields in prop::collection::btree_map(any::<String>(), json_values(), 0..5),
        is_base64_encoded in any::<bool>(),
    ) {
        let object: Value = fields.into_iter().collect();
        let text = object.to_string();
        let body = if is_base64_encoded { STANDARD.encode(&text) } else { text };
        prop_assert_eq!(ask(with_body(&body, is_base64_encoded))?, (200, object));
    }

    #[test]
    fn no_event_is_answered_with_a_server_error(event in json_values()) {
        prop_assert!(ask(event)?.0 >= 400);
    }

    #[test]
    fn no_part_of_an_event_causes_a_server_error(
        place in prop::sample::select(&PLACES[..]),
        part in json_values(),
    ) {
        let mut event = with_body("{}", false);
        prop_assert_eq!(ask(event.clone())?.0, 200);
        *event.pointer_mut(place).unwrap() = part;
        ask(event)?;
    }

    #[test]
    fn no_body_causes_a_server_error(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..100),
            "[\\[\\]{}\",:0-9a-z ]{0,60}".prop_map(String::into_bytes),
        ],
    ) {
        ask(with_body(&STANDARD.encode(&bytes), true))?;
    }
}
