//! What the functions log, as Lambda reads it. That each line has its time and its level at its
//! top is checked at the end of every test that runs the real binaries.

use std::process::Command;
use std::sync::Arc;

use perennial_config::{EventHandler as _, Start as _};
use perennial_functions::FUNCTIONS;
use perennial_local::Invoker as _;
use perennial_tests::{Lambda, Log, TestApp, binary, sign, wait_until};
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

fn parsed(lines: &[String]) -> Vec<Value> {
    let parsed = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    parsed.collect()
}

/// The lines with this message.
fn with_message(lines: &[Value], message: &str) -> Vec<Value> {
    let with = lines
        .iter()
        .filter(|line| line["fields"]["message"] == message);
    with.cloned().collect()
}

#[tokio::test]
async fn a_panic_is_a_line_of_level_error_that_shows_no_value() {
    let app = TestApp::start_on_lambda().await;
    let lambda = Arc::clone(app.lambda.as_ref().unwrap());
    let recorded = include_str!("../../../events/wallets-offer.json");
    let mut request: Value = serde_json::from_str(recorded).unwrap();
    let panicked = lambda.invoke("examples/panics", request.clone()).await;
    assert!(panicked.is_err());
    request["headers"]["value"] = "a client secret".into();
    let panicked = lambda.invoke("examples/panics", request).await;
    assert!(panicked.is_err());
    // A line is read a little later than it is written.
    let panics = wait_until("both panics are logged", async || {
        let panics = with_message(&parsed(&lambda.log()), "the function panicked");
        (panics.len() == 2).then_some(panics)
    })
    .await;
    let reasons: Vec<&Value> = panics
        .iter()
        .map(|line| &line["fields"]["reason"])
        .collect();
    assert_eq!(
        reasons,
        [
            "a reason that was known when this was written",
            "not shown, since it may hold a value"
        ]
    );
    for line in &panics {
        assert_eq!(line["level"], "ERROR");
        let at = line["fields"]["at"].as_str().unwrap();
        assert!(at.contains("examples/panics.rs:"), "{at}");
        assert!(line["span"]["requestId"].is_string(), "{line}");
        assert!(line["spans"].is_null(), "the span is written once: {line}");
    }
    assert!(!lambda.log().join("").contains("a client secret"));
}

#[test]
fn a_function_that_does_not_start_says_so_in_one_line_whatever_the_least_level() {
    for level in ["INFO", "ERROR", "FATAL"] {
        for function in FUNCTIONS.map(|it| it.name) {
            let output = Command::new(binary(function))
                .env_clear()
                .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
                .env("AWS_LAMBDA_FUNCTION_NAME", function)
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
                .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
                .env("AWS_LAMBDA_LOG_LEVEL", level)
                .output()
                .unwrap();
            assert!(!output.status.success(), "{function}");
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let lines: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
                .collect();
            let [line] = lines.as_slice() else {
                panic!("{function} says it in one line: {text}");
            };
            assert_eq!(line["level"], "ERROR", "{function}");
            assert_eq!(line["fields"]["message"], "the function does not run");
            let time: Timestamp = serde_json::from_value(line["timestamp"].clone()).unwrap();
            assert!(time.unix().abs_diff(Clock::system().now().unix()) < 60);
            let error = line["fields"]["error"].as_str().unwrap();
            let named = error.matches("STRIPE_MODE is not set").count();
            // The one function that asks neither Stripe nor the table.
            let expected = usize::from(function != "shop-events");
            assert_eq!(
                named, expected,
                "{function} says each problem once: {error}"
            );
        }
    }
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_refused_signature_and_a_wrong_endpoint_name_their_alarm() {
    let app = TestApp::start_on_lambda().await;
    let lambda = Arc::clone(app.lambda.as_ref().unwrap());
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let event = |change: (&str, Value)| {
        let mut event = json!({"id": "evt_1", "object": "event", "type": "invoice.paid",
            "created": 1_790_000_000, "livemode": false,
            "data": {"object": {"object": "invoice", "id": "in_1", "customer": "cus_1"}}});
        event[change.0] = change.1;
        event.to_string()
    };
    let good = event(("type", json!("invoice.paid")));
    let alarm_of = async |body: String, signature: Option<String>| {
        let before = lambda.log().len();
        let answer = app.anybody().webhook(body, signature.as_deref()).await;
        assert_eq!(answer.status, 400);
        let lines = parsed(&lambda.log_of_an_answer(before).await);
        let lines = lines
            .iter()
            .filter(|line| line["fields"]["alarm"].is_string());
        let alarms = lines.map(|line| format!("{} {}", line["level"], line["fields"]["alarm"]));
        alarms.collect::<Vec<_>>().join(", ").replace('"', "")
    };
    let signed = |body: &str| Some(sign(&secret, body.as_bytes(), 0));
    for (body, signature, expected) in [
        (good.clone(), None, ""),
        (good.clone(), Some("t=1".to_owned()), ""),
        (
            good.clone(),
            Some(sign("whsec_another_one", good.as_bytes(), 0)),
            "WARN webhook_refused",
        ),
        (
            good.clone(),
            Some(sign(&secret, good.as_bytes(), -1000)),
            "WARN webhook_refused",
        ),
        ("{}".to_owned(), signed("{}"), ""),
    ] {
        assert_eq!(alarm_of(body, signature).await, expected);
    }
    for change in [
        ("object", json!("v2.core.event")),
        ("livemode", json!(true)),
        ("account", json!("acct_1")),
    ] {
        let body = event(change);
        let signature = signed(&body);
        assert_eq!(
            alarm_of(body, signature).await,
            "ERROR webhook_misconfigured"
        );
    }
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn the_most_detailed_level_shows_nothing_that_is_never_logged() {
    let app = TestApp::start_on_lambda().await;
    let mut env = app.env().to_vec();
    env.push(("AWS_LAMBDA_LOG_LEVEL".to_owned(), "TRACE".to_owned()));
    let lambda = Lambda::with_env(&env);
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS");
    let recorded = include_str!("../../../events/client-secret-server-confirm.json");
    let mut click: Value = serde_json::from_str(recorded).unwrap();
    click["headers"]["authorization"] = "Bearer the.token.of-alice".into();
    let answer = lambda.invoke("client-secret", click).await.unwrap();
    assert_eq!(answer["statusCode"], 201, "{answer}");
    let click_told = lambda.log_of_an_answer(0).await.len();
    let recorded = include_str!("../../../events/webhook-setup-intent-succeeded.json");
    let mut delivery: Value = serde_json::from_str(recorded).unwrap();
    let body = delivery["body"].as_str().unwrap().to_owned();
    let signature = sign(secret, body.as_bytes(), 0);
    delivery["headers"]["stripe-signature"] = signature.as_str().into();
    let answer = lambda.invoke("webhook", delivery).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    lambda.log_of_an_answer(click_told).await;
    let lines = lambda.log();
    assert!(!with_message(&parsed(&lines), "stripe answered").is_empty());
    let text = lines.join("\n");
    for hidden in [
        "the.token.of-alice",
        "Bearer",
        "sk_test_",
        "whsec_",
        "_secret_",
        "AWS4-HMAC",
        "ip_address",
        &signature,
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[tokio::test]
async fn a_missed_event_names_its_alarm_once_there_was_a_sweep() {
    let mut app = TestApp::start().await;
    let alice = app.shopper("alice");
    let log = Log::default();
    let _listens = log.listen();
    let clock = Clock::manual(Timestamp::from_unix(Clock::system().now().unix() + 61));
    let sweeper = reconcile::App::start(&app.env_of("reconcile", &[]), clock.clone())
        .await
        .unwrap();
    let sweep = async || sweeper.handle(json!({"sweep": "events"})).await.unwrap();
    // The prices are older than the endpoint, and no one has failed to tell of them.
    let first = sweep().await;
    assert!(first["events"]["missed"].as_u64().unwrap() > 0, "{first}");
    let alarms = |lines: &[Value]| {
        let with = lines
            .iter()
            .filter(|line| line["fields"]["alarm"].is_string());
        with.cloned().collect::<Vec<_>>()
    };
    assert!(alarms(&log.take()).is_empty());
    app.stripe.hold_webhooks().await;
    alice.approve_and_vanish().await;
    clock.advance(200);
    sweep().await;
    let missed = alarms(&log.take());
    assert!(!missed.is_empty());
    for line in missed {
        assert_eq!(line["fields"]["alarm"], "event_missed");
        assert_eq!(line["level"], "WARN");
    }
    app.may_leave_work();
}
