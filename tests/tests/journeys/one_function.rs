//! One function by itself against `cargo dev`, with the variables that `--env-file` writes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use perennial_api::SignedLinks;
use perennial_functions::Function;
use perennial_local::{EnvFile, Invoker as _};
use perennial_tests::{Lambda, TestApp, sign};
use serde_json::{Value, json};

type Variables = BTreeMap<String, String>;

fn written(app: &TestApp, name: &str, host: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join(name);
    let file = EnvFile {
        path: path.clone(),
        host: host.map(str::to_owned),
    };
    file.write(app.env()).unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// The names that the template has for a function, which are those that SAM passes on.
fn named_by_the_template(function: &str) -> Vec<String> {
    let template = include_str!("../../../template.yaml");
    let (globals, resources) = template.split_once("\nResources:\n").unwrap();
    let of_function = resources
        .split_once(&format!("CodeUri: functions/{function}\n"))
        .unwrap()
        .1
        .split("\n  Metadata:\n")
        .next()
        .unwrap();
    let end = of_function.find("\n      Events:").unwrap_or(0);
    let variables = |text: &str, indent: usize| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(&" ".repeat(indent)))
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
            .collect()
    };
    let mut names = variables(globals, 8);
    names.extend(variables(&of_function[..end], 10));
    names
}

fn event(name: &str) -> Value {
    let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What each function answers to a recorded event, on the table and the Stripe of this server.
async fn check_answers(app: &TestApp, variables: impl Fn(&str) -> Variables) {
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS");
    let mut delivery = event("webhook-setup-intent-succeeded");
    let body = delivery["body"].as_str().unwrap().to_owned();
    delivery["headers"]["stripe-signature"] = sign(secret, body.as_bytes(), 0).into();
    // What events/sign_link.py does.
    let links = SignedLinks::new(&app.variable("LINK_SECRET").into());
    let link = links.manage(&app.url().parse().unwrap(), &"alice".parse().unwrap(), 0);
    let (_, link) = link.query().unwrap().split_once('=').unwrap();
    let mut manage = event("links-manage");
    manage["rawQueryString"] = format!("link={link}").into();
    manage["queryStringParameters"]["link"] = link.into();
    for (function, event, expected) in [
        (
            "client-secret",
            event("client-secret-new"),
            json!({"statusCode": 201}),
        ),
        (
            "confirm",
            event("confirm-checkout-status"),
            json!({"statusCode": 404}),
        ),
        (
            "subscribe",
            event("subscribe-new"),
            json!({"statusCode": 404}),
        ),
        (
            "subscriptions",
            event("subscriptions-list"),
            json!({"statusCode": 200}),
        ),
        (
            "actions",
            event("actions-cancel"),
            json!({"statusCode": 404}),
        ),
        (
            "wallets",
            event("wallets-offer"),
            json!({"statusCode": 200}),
        ),
        ("links", manage, json!({"statusCode": 303})),
        (
            "payments",
            event("payments-no-key"),
            json!({"statusCode": 400}),
        ),
        ("webhook", delivery, json!({"statusCode": 200})),
        (
            "worker",
            event("worker-inbox-insert"),
            json!({"batchItemFailures": []}),
        ),
        ("reconcile", event("reconcile-open"), json!({})),
        (
            "partner-events",
            event("partner-events-invoice-paid"),
            json!({"stored": true}),
        ),
    ] {
        assert!(Function::named(function).is_some());
        let pairs: Vec<_> = variables(function).into_iter().collect();
        let answer = Lambda::with_env(&pairs).invoke(function, event).await;
        let answer = answer.unwrap_or_else(|error| panic!("{function}: {error}"));
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(answer[name], *value, "{function}: {answer}");
        }
    }
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn sam_local_invoke_runs_each_function_without_an_account() {
    let app = TestApp::start_on_lambda().await;
    // The containers of SAM know this machine by another name, which is checked beside the file.
    let file: Value = serde_json::from_str(&written(&app, "sam.json", Some("127.0.0.1"))).unwrap();
    let parameters: Variables = serde_json::from_value(file["Parameters"].clone()).unwrap();
    check_answers(&app, |function| {
        let named = named_by_the_template(function);
        let mut passed = parameters.clone();
        passed.retain(|name, _| named.contains(name));
        passed
    })
    .await;
    app.quiet().await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn cargo_lambda_runs_each_function_without_an_account() {
    let app = TestApp::start_on_lambda().await;
    let file = written(&app, "functions.env", None);
    let variables: Variables = file
        .lines()
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            let value = value
                .strip_prefix('\'')
                .unwrap()
                .strip_suffix('\'')
                .unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect();
    check_answers(&app, |_| variables.clone()).await;
    app.quiet().await;
}
