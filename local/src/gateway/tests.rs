use std::time::Duration;

use super::*;
use crate::invoker::{Invocation, InvokeError};
use crate::outbox::EventsSecret;
use crate::ports;
use crate::template::Template;
use perennial_loopback::own_origins;
use serde_json::{Value, json};

/// Answers with the event itself, or as the query tells it.
struct Echo;

impl Invoker for Echo {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            match event["queryStringParameters"]["do"].as_str() {
                Some("panic") => panic!("as told"),
                Some("hang") => std::future::pending().await,
                Some("fail") => Err(InvokeError::Unknown(function.to_owned())),
                _ => Ok(json!({
                    "statusCode": 200,
                    "headers": {"x-function": function},
                    "body": event.to_string(),
                })),
            }
        })
    }
}

struct Running {
    url: String,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn start() -> Running {
    start_at(Clock::system()).await
}

async fn start_at(clock: Clock) -> Running {
    let (listener, url) = ports::listen(0, "--port").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let template = Template::embedded().unwrap();
    let issuer = Arc::new(Issuer::load(None).unwrap());
    let mut routes = template.routes;
    for route in &mut routes {
        route.timeout = Duration::from_millis(200);
    }
    let invoker: Arc<dyn Invoker> = Arc::new(Echo);
    let scheduler = Scheduler::new(template.schedules, Arc::clone(&invoker), Clock::system());
    let gateway = Gateway {
        routes,
        cors: template.cors,
        authorizer: Authorizer::new(&issuer),
        issuer,
        invoker,
        shop: ShopInfo {
            stripe_js: "http://127.0.0.1:9002/stripe.js".into(),
            mode: "sandbox",
        },
        key: "local".into(),
        scheduler,
        outbox: Arc::new(
            Outbox::new(
                None,
                EventsSecret::load(None).unwrap(),
                crate::outbox::links_of_tests(),
                Clock::system(),
            )
            .unwrap(),
        ),
        clock,
    };
    let mut origins = own_origins(port).to_vec();
    origins.push("http://localhost:5173".into());
    let (stop, stopped) = watch::channel(false);
    Running {
        url,
        stop,
        task: serve(listener, gateway, origins, stopped),
    }
}

/// Built without the process's proxy settings, and with a time limit.
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}

impl Running {
    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        client().get(format!("{}{path}", self.url))
    }

    fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        client()
            .post(format!("{}{path}", self.url))
            .header("content-type", "application/json")
            .body(body)
    }

    async fn token(&self) -> String {
        let answer = self
            .post("/dev/token", r#"{"user":"alice"}"#)
            .bearer_auth("local")
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_token_for_the_asking_opens_the_routes_of_its_user() {
    let running = start().await;
    let token = running.token().await;
    let answer = running
        .get("/checkouts/chk_1")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-function"], "confirm");
    assert!(answer.headers().contains_key("apigw-requestid"));
    let event: Value = answer.json().await.unwrap();
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"],
        "alice"
    );
    assert_eq!(event["pathParameters"]["checkout"], "chk_1");
}

/// A request that curl signed at 2026-11-25T01:54:18Z, when the gateway was on another port.
fn signed(running: &Running) -> reqwest::RequestBuilder {
    let scope = "local/20261125/us-east-1/execute-api/aws4_request";
    let signature = "9fdb824892a644a15fd461c744714d872457caf506c662fa4faa02d69bb02cbb";
    running
        .get("/payment-methods/pm_1/diagnosis?user=alice")
        .header("host", "127.0.0.1:9377")
        .header("x-amz-date", "20261125T015418Z")
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature={signature}"),
        )
}

#[tokio::test]
async fn a_signature_opens_the_routes_of_the_shops_servers() {
    let clock = Clock::manual(perennial_types::Timestamp::from_unix(1_795_571_658));
    let running = start_at(clock.clone()).await;
    let answer = signed(&running).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-function"], "payments");
    let event: Value = answer.json().await.unwrap();
    let caller = &event["requestContext"]["authorizer"]["iam"];
    assert_eq!(caller["accessKey"], "local");
    assert_eq!(caller["userArn"], "arn:aws:iam::000000000000:user/local");
    assert_eq!(event["pathParameters"]["payment_method"], "pm_1");

    clock.advance(301);
    let answer = signed(&running).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["message"], "Forbidden");
    assert_eq!(body["error"]["code"], "forbidden");
    assert!(body["error"]["request_id"].is_string());
}

#[tokio::test]
async fn a_shoppers_token_does_not_open_the_routes_of_the_shops_servers() {
    let running = start().await;
    let token = running.token().await;
    for request in [
        running.post("/payments", "{}").bearer_auth(token),
        running.post("/payments", "{}"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert!(!answer.headers().contains_key("x-function"));
    }
}

#[tokio::test]
async fn without_a_good_token_a_guarded_route_is_closed_and_an_open_one_is_not() {
    let running = start().await;
    for header in [None, Some("Bearer nonsense")] {
        let mut request = running.get("/subscriptions");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let challenge = answer.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(challenge.starts_with("Bearer"), "{challenge}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["message"], "Unauthorized");
        assert_eq!(body["error"]["code"], "unauthorized");
        assert!(body["error"]["request_id"].is_string());
    }
    assert_eq!(running.get("/confirm").send().await.unwrap().status(), 200);
    assert_eq!(
        running
            .post("/webhooks/stripe", "{}")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_function_that_fails_panics_or_hangs_is_an_internal_error() {
    let running = start().await;
    for what in ["fail", "panic", "hang"] {
        let answer = running
            .get(&format!("/confirm?do={what}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 500, "{what}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body, json!({"message": "Internal Server Error"}), "{what}");
    }
}

#[tokio::test]
async fn an_unknown_route_and_a_huge_body_are_answered_as_api_gateway_does() {
    let running = start().await;
    let answer = running.post("/nothing", "{}").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"message": "Not Found"})
    );
    let fits = vec![b'x'; LARGEST_BODY];
    let answer = running.post("/webhooks/stripe", fits).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let more = vec![b'x'; LARGEST_BODY + 1];
    let answer = running.post("/webhooks/stripe", more).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"message": "Request Entity Too Large"}));
}

#[tokio::test]
async fn tokens_are_for_this_machine_only() {
    let running = start().await;
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let request = running
            .post("/dev/token", r#"{"user":"alice"}"#)
            .bearer_auth("local")
            .header(name, value);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{name}");
        assert!(!answer.text().await.unwrap().contains("token\":"));
        let request = running.get("/dev/shop.json").header(name, value);
        assert_eq!(request.send().await.unwrap().status(), 403, "{name}");
    }
    for body in [
        "",
        "{}",
        r#"{"user":""}"#,
        r#"{"user":"a","admin":true}"#,
        "[]",
    ] {
        let request = running.post("/dev/token", body).bearer_auth("local");
        assert_eq!(request.send().await.unwrap().status(), 400, "{body}");
    }
    let request = running.get("/dev/token").bearer_auth("local");
    assert_eq!(request.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn without_the_key_another_account_of_the_machine_gets_nothing() {
    let running = start().await;
    for key in [None, Some(""), Some("loca"), Some("local1"), Some("Local")] {
        for request in [
            running.post("/dev/token", r#"{"user":"alice"}"#),
            running.post("/dev/sweep", r#"{"sweep":"open"}"#),
            running.get("/dev/events"),
            running.get("/dev/user?user=alice"),
            running.get("/dev/nothing"),
        ] {
            let request = match key {
                Some(key) => request.bearer_auth(key),
                None => request,
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{key:?}");
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["error"]["code"], "key_required");
        }
    }
    let events = running.get("/dev/events").bearer_auth("local");
    assert_eq!(events.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_operator_page_reads_what_the_shops_servers_read() {
    let running = start().await;
    let ask = || running.get("/dev/user?user=alice%2Bb&limit=5");
    let answer = ask().bearer_auth("local").send().await.unwrap();
    assert_eq!(answer.headers()["x-function"], "subscriptions");
    let event: Value = answer.json().await.unwrap();
    assert_eq!(event["routeKey"], "GET /shop/users");
    assert_eq!(event["rawPath"], "/shop/users");
    let asked = json!({"user": "alice+b", "limit": "5"});
    assert_eq!(event["queryStringParameters"], asked);
    let caller = &event["requestContext"]["authorizer"]["iam"];
    assert_eq!(caller["accessKey"], "local");
    assert!(event["headers"].get("authorization").is_none(), "{event}");
    // Neither another site nor a request that changes something.
    let foreign = ask().bearer_auth("local");
    let foreign = foreign.header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let foreign = ask().bearer_auth("local").header("host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let post = running
        .post("/dev/user?user=alice", "")
        .bearer_auth("local");
    assert_eq!(post.send().await.unwrap().status(), 404);
    let page = running.get("/operator").send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
}

/// It is the demo's, and nothing that is deployed answers for it.
#[test]
fn nothing_of_the_operator_page_is_in_the_template() {
    let template = Template::embedded().unwrap();
    for route in &template.routes {
        let key = route.key();
        assert!(!key.contains("operator") && !key.contains("/dev/"), "{key}");
    }
}

#[tokio::test]
async fn a_name_that_somebody_points_here_opens_nothing_but_what_a_tunnel_brings() {
    let running = start().await;
    let token = running.token().await;
    let as_evil = |request: reqwest::RequestBuilder| {
        let request = request.header("host", "evil.example:9000");
        async { request.send().await.unwrap() }
    };
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/perennial.js"),
        ("GET", "/plans"),
        ("GET", "/subscriptions"),
        ("POST", "/client-secret"),
        ("POST", "/payments"),
        ("GET", "/manage"),
        ("POST", "/dev/token"),
        ("GET", "/nothing"),
    ] {
        let request = match method {
            "GET" => running.get(path),
            _ => running.post(path, "{}"),
        };
        let answer = as_evil(request.bearer_auth(&token)).await;
        assert_eq!(answer.status(), 403, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "unknown_host", "{path}");
    }
    assert_eq!(as_evil(running.get("/confirm")).await.status(), 200);
    let event = running.post("/webhooks/stripe", "{}");
    assert_eq!(as_evil(event).await.status(), 200);
}

#[tokio::test]
async fn a_head_that_api_gateway_would_not_take_is_refused() {
    let running = start().await;
    let of_size = |size: usize| {
        let request = running.get("/subscriptions").bearer_auth("x".repeat(size));
        async { request.send().await.unwrap().status() }
    };
    assert_eq!(of_size(9_000).await, 401);
    assert_eq!(of_size(LARGEST_HEAD).await, 431);
}

#[tokio::test]
async fn a_sweep_runs_when_it_is_asked_for_by_this_machine() {
    let running = start().await;
    let ask = |body: &'static str| running.post("/dev/sweep", body).bearer_auth("local");
    let answer = ask(r#"{"sweep":"open"}"#).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["headers"]["x-function"], "reconcile");
    for body in ["", "{}", r#"{"sweep":"floor"}"#] {
        let answer = ask(body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        let answer: Value = answer.json().await.unwrap();
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(r#"{"sweep":"open"}"#), "{message}");
    }
    let foreign = ask(r#"{"sweep":"open"}"#).header("host", "evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_page_that_is_named_as_the_shops_may_call_and_no_other_may() {
    let running = start().await;
    let ask = |origin: &'static str| {
        client()
            .request(
                reqwest::Method::OPTIONS,
                format!("{}/client-secret", running.url),
            )
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .send()
    };
    let answer = ask("http://localhost:5173").await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        "http://localhost:5173"
    );
    let allowed = answer.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    assert!(allowed.contains("authorization"), "{allowed}");
    for foreign in ["https://evil.example", "http://localhost:3000", "null"] {
        let answer = ask(foreign).await.unwrap();
        assert_eq!(answer.status(), 403, "{foreign}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn the_shop_is_at_the_root() {
    let running = start().await;
    let answer = running.get("/").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert!(answer.headers().contains_key("content-security-policy"));
    let shop: Value = running
        .get("/dev/shop.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(shop["mode"], "sandbox");
}

#[tokio::test]
async fn it_stops_when_told_to() {
    let running = start().await;
    running.get("/").send().await.unwrap();
    running.stop.send(true).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), running.task).await;
    ended.expect("the gateway ends").unwrap();
}
