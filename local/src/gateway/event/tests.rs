use super::*;
use crate::gateway::authorizer::{Authorizer, Claims};
use crate::template::{Authorization, Route};
use crate::tokens::Issuer;

const NOW: Timestamp = Timestamp::from_unix(1_795_550_421);

struct Sent<'a> {
    method: &'a str,
    uri: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
    path: &'a str,
    parameters: &'a [(&'a str, &'a str)],
}

const POST: Sent<'static> = Sent {
    method: "POST",
    uri: "/client-secret",
    headers: &[
        ("Host", "127.0.0.1:9000"),
        ("User-Agent", "test"),
        ("Content-Type", "application/json"),
    ],
    body: b"{}",
    path: "/client-secret",
    parameters: &[],
};

fn event(sent: &Sent<'_>, claims: Option<&Claims>) -> Value {
    let mut headers = HeaderMap::new();
    for (name, value) in sent.headers {
        headers.append(
            http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    let uri = sent.uri.parse().unwrap();
    let request = Incoming {
        method: sent.method,
        uri: &uri,
        headers: &headers,
        peer: "127.0.0.1".parse().unwrap(),
        request_id: "01J0000000000000000000000",
        now: NOW,
    };
    let met = Met {
        route: Route {
            method: sent.method.into(),
            path: sent.path.into(),
            function: "f".into(),
            authorization: Authorization::Jwt,
            timeout: std::time::Duration::from_secs(1),
        },
        parameters: sent
            .parameters
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
    };
    let authorizer = claims.map(Claims::as_authorizer);
    build(&request, &met, authorizer, sent.body)
}

fn claims() -> Claims {
    let issuer = Issuer::load(None).unwrap();
    let (token, _) = issuer.issue(&"alice".parse().unwrap(), NOW).unwrap();
    Authorizer::new(&issuer).verify(Some(&token), NOW).unwrap()
}

/// Every member of an event, except the headers, which depend on the client.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (name, inner) in object {
        let path = format!("{at}/{name}");
        if !["headers", "claims", "queryStringParameters"].contains(&name.as_str()) {
            members(inner, &path, found);
        }
        found.push(path);
    }
}

#[track_caller]
fn check_shape(ours: &Value, recorded: &str) {
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    members(ours, "", &mut left);
    members(&recorded, "", &mut right);
    left.sort();
    right.sort();
    assert_eq!(left, right);
}

#[test]
fn an_event_has_the_members_of_the_recorded_one() {
    check_shape(
        &event(&POST, Some(&claims())),
        include_str!("../../../../events/client-secret-new.json"),
    );
    let get = Sent {
        method: "GET",
        body: b"",
        ..POST
    };
    check_shape(
        &event(
            &Sent {
                uri: "/confirm?a=b",
                path: "/confirm",
                ..get
            },
            None,
        ),
        include_str!("../../../../events/confirm-return.json"),
    );
    let poll = Sent {
        method: "GET",
        uri: "/checkouts/chk_1",
        path: "/checkouts/{checkout}",
        body: b"",
        parameters: &[("checkout", "chk_1")],
        ..POST
    };
    let event = event(&poll, Some(&claims()));
    check_shape(
        &event,
        include_str!("../../../../events/confirm-checkout-status.json"),
    );
    assert_eq!(event["pathParameters"]["checkout"], "chk_1");
    assert_eq!(event["routeKey"], "GET /checkouts/{checkout}");
}

#[test]
fn the_user_is_in_the_claims_and_the_address_is_the_peer() {
    let event = event(&POST, Some(&claims()));
    let context = &event["requestContext"];
    assert_eq!(context["authorizer"]["jwt"]["claims"]["sub"], "alice");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "test");
    assert_eq!(context["domainName"], "127.0.0.1");
    assert_eq!(context["time"], "24/Nov/2026:20:00:21 +0000");
    assert_eq!(context["timeEpoch"], 1_795_550_421_000_i64);
}

#[test]
fn headers_are_lower_case_and_joined_and_cookies_stand_apart() {
    let event = event(
        &Sent {
            headers: &[
                ("Host", "x"),
                ("X-Two", "1"),
                ("x-two", "2"),
                ("Cookie", "a=1; b=2"),
                ("X-Forwarded-For", "6.6.6.6"),
            ],
            ..POST
        },
        None,
    );
    assert_eq!(event["headers"]["x-two"], "1,2");
    assert_eq!(event["headers"]["cookie"], Value::Null);
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-forwarded-for"], "6.6.6.6, 127.0.0.1");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
}

#[test]
fn a_query_is_kept_raw_and_decoded_with_repeats_joined() {
    let event = event(
        &Sent {
            uri: "/c?a=1&a=2&b=x%20y%2B",
            ..POST
        },
        None,
    );
    assert_eq!(event["rawQueryString"], "a=1&a=2&b=x%20y%2B");
    assert_eq!(
        event["queryStringParameters"],
        json!({"a": "1,2", "b": "x y+"})
    );
}

#[test]
fn a_body_is_text_or_base64_by_its_type_and_its_bytes() {
    let sent = |kind: &str, body: &[u8]| {
        let headers = [("content-type", kind)];
        let event = event(
            &Sent {
                headers: &headers,
                body,
                ..POST
            },
            None,
        );
        (
            event["body"].as_str().unwrap().to_owned(),
            event["isBase64Encoded"] == true,
        )
    };
    assert_eq!(
        sent("application/json; charset=utf-8", "\u{e9}".as_bytes()),
        ("\u{e9}".into(), false)
    );
    assert_eq!(
        sent("application/problem+json", b"{}"),
        ("{}".into(), false)
    );
    assert_eq!(
        sent("application/x-www-form-urlencoded", b"a=b"),
        ("YT1i".into(), true)
    );
    assert_eq!(sent("application/json", &[0xff]), ("/w==".into(), true));
}
