//! The signatures are those that curl 7.88 made for these requests, with `--user local:local` where
//! nothing else is said.

use super::*;

/// 2026-11-25T01:54:18Z
const NOW: Timestamp = Timestamp::from_unix(1_795_571_658);
const DATE: &str = "20261125T015418Z";
const BODY: &[u8] = br#"{"user":"alice"}"#;

#[derive(Clone)]
struct Sent {
    method: &'static str,
    uri: &'static str,
    scope: &'static str,
    headers: &'static str,
    signature: &'static str,
    body: &'static [u8],
}

/// Signed without its content type, which curl adds afterwards.
const POST: Sent = Sent {
    method: "POST",
    uri: "/payments",
    scope: "local/20261125/us-east-1/execute-api",
    headers: "host;x-amz-date",
    signature: "b8b9a75793b70cf28173eae8f32e1f2e5da007d04e0beba571727a7ece8f1ba1",
    body: BODY,
};

const POST_WITH_HEADERS: Sent = Sent {
    headers: "content-type;host;idempotency-key;x-amz-date",
    signature: "099c731d011b58bf5cf86c9d08dbf9cb547fc47303c4d18da93723eb80ad7b2b",
    ..POST
};

const GET: Sent = Sent {
    method: "GET",
    uri: "/payment-methods/pm_1/diagnosis?user=alice",
    signature: "9fdb824892a644a15fd461c744714d872457caf506c662fa4faa02d69bb02cbb",
    body: b"",
    ..POST
};

impl Sent {
    fn head(&self) -> Parts {
        let authorization = format!(
            "{ALGORITHM} Credential={}/aws4_request, SignedHeaders={}, Signature={}",
            self.scope, self.headers, self.signature
        );
        let request = http::Request::builder()
            .method(self.method)
            .uri(self.uri)
            .header("host", "127.0.0.1:9377")
            .header("user-agent", "curl/7.88.1")
            .header("x-amz-date", DATE)
            .header("content-type", "application/json")
            .header("idempotency-key", "k-1")
            .header("authorization", authorization);
        request.body(()).unwrap().into_parts().0
    }
}

#[track_caller]
fn check(sent: &Sent, expected: Result<(), Refusal>) {
    assert_eq!(verify(&sent.head(), sent.body, NOW, "local"), expected);
}

#[test]
fn what_curl_signs_is_let_through() {
    for sent in [POST, POST_WITH_HEADERS, GET] {
        check(&sent, Ok(()));
    }
}

#[test]
fn a_request_that_was_changed_on_the_way_is_refused() {
    let wrong = Err(Refusal::Signature);
    let body = br#"{"user":"mallory"}"#;
    check(&Sent { body, ..POST }, wrong);
    let uri = "/payment-methods/pm_1/diagnosis?user=mallory";
    check(&Sent { uri, ..GET }, wrong);
    let uri = "/payment-methods/pm_2/diagnosis?user=alice";
    check(&Sent { uri, ..GET }, wrong);
    let method = "POST";
    check(&Sent { method, ..GET }, wrong);

    let mut head = POST_WITH_HEADERS.head();
    head.headers
        .insert("idempotency-key", "k-2".parse().unwrap());
    assert_eq!(verify(&head, BODY, NOW, "local"), wrong);
    let mut head = POST.head();
    head.headers.insert("host", "evil.example".parse().unwrap());
    assert_eq!(verify(&head, BODY, NOW, "local"), wrong);
}

#[test]
fn a_header_that_was_not_signed_may_change() {
    let mut head = POST.head();
    head.headers
        .insert("idempotency-key", "k-2".parse().unwrap());
    assert_eq!(verify(&head, BODY, NOW, "local"), Ok(()));
}

#[test]
fn a_signature_is_good_for_five_minutes() {
    for (seconds, expected) in [
        (300, Ok(())),
        (301, Err(Refusal::Expired)),
        (-300, Ok(())),
        (-301, Err(Refusal::Expired)),
    ] {
        let now = NOW.plus_seconds(seconds);
        assert_eq!(
            verify(&GET.head(), b"", now, "local"),
            expected,
            "{seconds}"
        );
    }
}

#[test]
fn another_caller_secret_or_service_is_refused() {
    let get = Sent {
        uri: "/payments/pi_1",
        ..GET
    };
    check(
        &Sent {
            scope: "other/20261125/eu-west-1/execute-api",
            signature: "9ab08a692c438b5ab955ffe10383e578f2d5f735f0bdb8bbc1337e00c8ab66ea",
            ..get
        },
        Err(Refusal::AccessKey),
    );
    check(
        &Sent {
            scope: "local/20261125/eu-west-1/execute-api",
            signature: "e42f9c9e8fe681a0c0d9059a4582d1b686bfad11d5e7ffff539bc69f4993fc40",
            ..get
        },
        Err(Refusal::Signature),
    );
    check(
        &Sent {
            scope: "local/20261125/eu-west-1/lambda",
            signature: "aaeb586f2d18a1f3587c5c48b729f7b14b7b34d116186de4f5826e9a142dbdac",
            ..get
        },
        Err(Refusal::Scope),
    );
    check(
        &Sent {
            scope: "local/20261124/us-east-1/execute-api",
            ..GET
        },
        Err(Refusal::Scope),
    );
}

#[test]
fn a_signature_that_leaves_the_host_or_the_date_out_is_refused() {
    for headers in ["host", "x-amz-date", "", "host;x-amz-date;not-there"] {
        check(&Sent { headers, ..GET }, Err(Refusal::Malformed));
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    for (header, expected) in [
        ("", Refusal::Missing),
        ("Bearer abc", Refusal::Missing),
        ("AWS4-HMAC-SHA256", Refusal::Malformed),
        ("AWS4-HMAC-SHA512 Credential=a/b/c/d/e", Refusal::Malformed),
        (
            "AWS4-HMAC-SHA256 Credential=local/20261125/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
            Refusal::Malformed,
        ),
    ] {
        let mut head = GET.head();
        head.headers.insert(AUTHORIZATION, header.parse().unwrap());
        assert_eq!(verify(&head, b"", NOW, "local"), Err(expected), "{header}");
    }
    let mut head = GET.head();
    head.headers.remove(AUTHORIZATION);
    assert_eq!(verify(&head, b"", NOW, "local"), Err(Refusal::Missing));
    for date in ["yesterday", "2026-11-25", ""] {
        let mut head = GET.head();
        head.headers.insert("x-amz-date", date.parse().unwrap());
        assert_eq!(
            verify(&head, b"", NOW, "local"),
            Err(Refusal::Malformed),
            "{date}"
        );
    }
}
