//! The probe against a sandbox in Stripe's place: one that is the same, and ones in which a difference is planted.

use crate::planting::{self, Change, Plant};
use crate::support::{Stripe, eventually, id};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::process::Command;

/// What a run of the program left.
struct Ran {
    code: i32,
    out: String,
    err: String,
    /// The file of `--json`, if one was written.
    report: Value,
}

fn report_file() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!(
        "perennial-probe-{}-{number}.json",
        std::process::id()
    ))
}

fn command(key: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stripe-sandbox"));
    command
        .arg("probe")
        .args(arguments)
        .env_remove("STRIPE_TEST_KEY")
        .stdin(Stdio::null());
    if let Some(key) = key {
        command.env("STRIPE_TEST_KEY", key);
    }
    command.kill_on_drop(true);
    command
}

async fn ran(key: Option<&str>, arguments: &[&str]) -> Ran {
    let file = report_file();
    let output = command(key, arguments)
        .arg("--json")
        .arg(&file)
        .output()
        .await
        .unwrap();
    let report = std::fs::read(&file)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let _ = std::fs::remove_file(&file);
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        report: report.unwrap_or_default(),
    }
}

/// Runs scenarios at full speed against an address.
async fn probe(url: &str, only: &[&str]) -> Ran {
    let mut arguments = vec!["--stripe", url, "--rate", "2000"];
    for pattern in only {
        arguments.extend(["--only", pattern]);
    }
    ran(Some(perennial_sandbox::SECRET_KEY), &arguments).await
}

impl Ran {
    /// Each difference: scenario, step and path.
    fn differences(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let scenarios = self.report["scenarios"]
            .as_array()
            .unwrap_or_else(|| panic!("{}", self.err));
        let mut all = Vec::new();
        for scenario in scenarios {
            for it in scenario["differences"].as_array().unwrap() {
                all.push((
                    text(&scenario["scenario"]),
                    text(&it["step"]),
                    text(&it["path"]),
                ));
            }
        }
        all
    }

    fn outcome(&self, scenario: &str) -> (&str, &str) {
        let scenarios = self.report["scenarios"].as_array().unwrap();
        let found = scenarios
            .iter()
            .find(|it| it["scenario"] == scenario)
            .unwrap();
        (
            found["outcome"].as_str().unwrap(),
            found["because"].as_str().unwrap_or_default(),
        )
    }
}

/// What of the probe's is still there: customers, clocks, and prices and products that are for sale.
async fn left(stripe: &Stripe) -> usize {
    let mut left = 0;
    for (path, params) in [
        ("/v1/customers", &[][..]),
        ("/v1/test_helpers/test_clocks", &[]),
        ("/v1/prices", &[("active", "true")]),
        ("/v1/products", &[("active", "true")]),
    ] {
        let mut params = params.to_vec();
        params.push(("limit", "100"));
        left += stripe.get(path, &params).await.ok()["data"]
            .as_array()
            .unwrap()
            .len();
    }
    left
}

#[tokio::test]
async fn a_sandbox_does_not_differ_from_a_sandbox() {
    let stripe = Stripe::start().await;
    let ran = probe(stripe.sandbox.url(), &[]).await;
    assert_eq!(ran.differences(), [], "{}", ran.out);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let scenarios = ran.report["scenarios"].as_array().unwrap();
    assert!(scenarios.len() > 100, "{}", scenarios.len());
    let agree = scenarios
        .iter()
        .filter(|it| it["outcome"] == "agrees")
        .count();
    assert!(agree > 60, "{agree}: {}", ran.out);
    assert_eq!(ran.report["left"], json!([]));
    assert_eq!(left(&stripe).await, 0);
}

/// Runs a scenario with a difference planted, which has to be found there and nowhere else.
async fn finds(plant: Plant, scenario: &str, step: &str, path: &str) {
    let stripe = Stripe::start().await;
    let url = planting::start(stripe.sandbox.url(), vec![plant.clone()]).await;
    let ran = probe(&url, &[scenario]).await;
    let found = ran.differences();
    assert!(!found.is_empty(), "{plant:?}: {} {}", ran.out, ran.err);
    for (in_scenario, in_step, in_path) in &found {
        assert_eq!(in_scenario, scenario, "{plant:?}");
        assert!(in_step.contains(step), "{plant:?}: {in_step}");
        assert_eq!(in_path, path, "{plant:?}");
    }
    assert_eq!(ran.code, 1, "{plant:?}");
    assert!(
        ran.out.contains(&format!("DIFFERS        {scenario}")),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(path), "{}", ran.out);
    assert_eq!(left(&stripe).await, 0, "{plant:?}");
}

const fn at(method: &'static str, path: &'static str, body: &'static str, change: Change) -> Plant {
    Plant {
        method,
        path,
        body,
        change,
    }
}

#[tokio::test]
async fn another_code_is_found() {
    let change = Change::Set("/error/decline_code", json!("do_not_honor"));
    let plant = at(
        "POST",
        "/v1/payment_intents",
        "pm_card_chargeDeclined&",
        change,
    );
    finds(
        plant,
        "card-declines",
        "payment_method=pm_card_chargeDeclined",
        "error.decline_code",
    )
    .await;
}

#[tokio::test]
async fn a_changed_amount_is_found() {
    let plant = at(
        "POST",
        "/v1/subscriptions",
        "",
        Change::Set("/latest_invoice/amount_paid", json!(1501)),
    );
    finds(
        plant,
        "change-free",
        "sub = POST /v1/subscriptions",
        "latest_invoice.amount_paid",
    )
    .await;
}

#[tokio::test]
async fn a_missing_field_is_found() {
    let plant = at(
        "POST",
        "/v1/subscriptions",
        "",
        Change::Remove("/items/data/0", "quantity"),
    );
    finds(
        plant,
        "canceled-now",
        "sub = POST /v1/subscriptions",
        "items.data[0].quantity",
    )
    .await;
}

#[tokio::test]
async fn a_later_time_is_found_by_a_second_of_a_clock_and_by_an_hour_of_the_machines() {
    let second = Change::Add("/items/data/0/current_period_end", 1);
    let plant = at("POST", "/v1/subscriptions", "", second);
    finds(
        plant,
        "trial-canceled",
        "sub = POST /v1/subscriptions",
        "items.data[0].current_period_end",
    )
    .await;
    let plant = at(
        "POST",
        "/v1/setup_intents",
        "",
        Change::Add("/created", 3600),
    );
    finds(
        plant,
        "setup-canceled",
        "open = POST /v1/setup_intents",
        "created",
    )
    .await;
}

#[tokio::test]
async fn an_additional_event_is_found() {
    let plant = at(
        "GET",
        "/v1/events",
        "",
        Change::Event("customer.subscription.paused"),
    );
    finds(
        plant,
        "setup-canceled",
        "events",
        "events.customer.subscription.paused",
    )
    .await;
}

/// Plants a fault in the sandbox that stands for Stripe.
async fn with_fault(fault: Value) -> Stripe {
    let stripe = Stripe::start().await;
    stripe.control("/faults", fault).await;
    stripe
}

#[tokio::test]
async fn an_error_that_stays_is_found_and_one_that_passes_is_not() {
    let always = json!({"method": "POST", "path": "/v1/setup_intents", "fault": "status", "status": 500, "times": 1000});
    let ran = probe(with_fault(always).await.sandbox.url(), &["setup-canceled"]).await;
    let (scenario, step, path) = &ran.differences()[0];
    assert_eq!(
        (scenario.as_str(), path.as_str()),
        ("setup-canceled", "status")
    );
    assert!(step.starts_with("open = POST /v1/setup_intents"), "{step}");
    assert_eq!(ran.code, 1);

    let once =
        json!({"method": "POST", "path": "/v1/setup_intents", "fault": "status", "status": 500});
    let stripe = with_fault(once).await;
    let ran = probe(stripe.sandbox.url(), &["setup-canceled"]).await;
    assert_eq!((ran.differences(), ran.code), (Vec::new(), 0));
    assert_eq!(left(&stripe).await, 0);
}

#[tokio::test]
async fn a_429_slows_the_probe_down_and_one_that_stays_is_named() {
    let some = json!({"method": "POST", "path": "/v1/setup_intents", "fault": "status", "status": 429, "code": "rate_limit", "times": 2});
    let ran = probe(with_fault(some).await.sandbox.url(), &["setup-canceled"]).await;
    assert_eq!(
        (ran.differences(), ran.code),
        (Vec::new(), 0),
        "{}",
        ran.out
    );
    assert_eq!(ran.report["slowed"], 2);

    let always = json!({"method": "POST", "path": "/v1/setup_intents", "fault": "status", "status": 429, "code": "rate_limit", "times": 1000});
    let stripe = with_fault(always).await;
    let ran = probe(stripe.sandbox.url(), &["setup-canceled"]).await;
    let (outcome, because) = ran.outcome("setup-canceled");
    assert_eq!((outcome, ran.code), ("unanswered", 2));
    assert!(
        because.starts_with("status 429 after 6 tries, at open = POST /v1/setup_intents"),
        "{because}"
    );
    assert_eq!(left(&stripe).await, 0);
}

#[tokio::test]
async fn a_dropped_connection_does_nothing_twice_and_one_that_stays_is_named() {
    let done =
        json!({"method": "POST", "path": "/v1/customers", "fault": "timeout_after", "delay_ms": 0});
    let stripe = with_fault(done).await;
    let ran = probe(stripe.sandbox.url(), &["setup-canceled"]).await;
    // The first answer to come is the one that the key has kept, and the only one that differs.
    let replays = ran
        .differences()
        .into_iter()
        .filter(|(_, step, path)| !(step.contains("/v1/customers") && path == "replayed"));
    assert_eq!(replays.collect::<Vec<_>>(), [], "{}", ran.out);
    let made = stripe
        .get("/v1/events", &[("type", "customer.created")])
        .await
        .ok();
    assert_eq!(made["data"].as_array().unwrap().len(), 1);
    assert_eq!(left(&stripe).await, 0);

    let always = json!({"method": "POST", "path": "/v1/customers", "fault": "timeout_after", "delay_ms": 0, "times": 1000});
    let stripe = with_fault(always).await;
    let ran = probe(stripe.sandbox.url(), &["setup-canceled"]).await;
    let (outcome, because) = ran.outcome("setup-canceled");
    assert_eq!((outcome, ran.code), ("unanswered", 2));
    assert!(
        because.contains("no answer after 4 tries") && because.contains("/v1/customers"),
        "{because}"
    );
    // It was made although no answer came, and is found by its mark.
    assert_eq!(left(&stripe).await, 0);
}

#[tokio::test]
async fn three_scenarios_without_an_answer_end_the_run() {
    let always = json!({"method": "GET", "path": "/v1/events", "fault": "timeout_before", "delay_ms": 0, "times": 1000});
    let stripe = with_fault(always).await;
    let ran = probe(stripe.sandbox.url(), &["card", "setup"]).await;
    assert_eq!(ran.report["ended"], "Stripe does not answer");
    assert_eq!(ran.code, 2);
    assert_eq!(left(&stripe).await, 0);
}

#[tokio::test]
async fn an_answer_of_live_mode_ends_everything() {
    let stripe = Stripe::start().await;
    let balance = at(
        "GET",
        "/v1/balance",
        "",
        Change::Set("/livemode", json!(true)),
    );
    let url = planting::start(stripe.sandbox.url(), vec![balance]).await;
    let ran = probe(&url, &["card"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("live mode"), "{}", ran.err);
    let requests = stripe.observe("/requests").await;
    assert!(!requests.to_string().contains("\"POST\""), "{requests}");

    let customer = at(
        "POST",
        "/v1/customers",
        "",
        Change::Set("/livemode", json!(true)),
    );
    let url = planting::start(stripe.sandbox.url(), vec![customer]).await;
    let ran = probe(&url, &["setup-canceled"]).await;
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.report["ended"],
        "an answer is of live mode, so nothing more is asked"
    );
    let requests = stripe.observe("/requests").await;
    let requests = requests["requests"]
        .as_array()
        .or(requests.as_array())
        .unwrap();
    assert_eq!(requests.last().unwrap()["path"], "/v1/customers");
    assert!(!ran.report["left"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_is_none_of_a_test_mode_is_refused_before_any_call() {
    let stripe = Stripe::start().await;
    let arguments = ["--stripe", stripe.sandbox.url(), "--only", "card"];
    for (key, why) in [
        (Some("sk_live_51Nabcdefgh"), "live mode"),
        (Some("rk_live_51Nabcdefgh"), "live mode"),
        (Some("pk_test_51Nabcdefgh"), "no test key"),
        (Some("hello"), "no test key"),
        (None, "there is no key"),
    ] {
        let ran = ran(key, &arguments).await;
        assert_eq!(ran.code, 2, "{key:?}");
        assert!(ran.err.contains(why), "{key:?}: {}", ran.err);
        assert!(key.is_none_or(|key| !ran.err.contains(key)), "{}", ran.err);
    }
    let requests = stripe.observe("/requests").await;
    assert!(!requests.to_string().contains("/v1/"), "{requests}");
}

#[tokio::test]
async fn a_key_can_stand_in_a_file() {
    let stripe = Stripe::start().await;
    let file = report_file();
    std::fs::write(&file, format!("{}\n", perennial_sandbox::SECRET_KEY)).unwrap();
    let name = file.to_str().unwrap();
    let ran = ran(
        None,
        &[
            "--stripe",
            stripe.sandbox.url(),
            "--rate",
            "2000",
            "--only",
            "amount-too-small",
            "--key-file",
            name,
        ],
    )
    .await;
    let _ = std::fs::remove_file(&file);
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    assert!(
        !ran.report
            .to_string()
            .contains(perennial_sandbox::SECRET_KEY)
    );
}

#[tokio::test]
async fn a_dry_run_and_the_lists_call_nobody_and_need_no_key() {
    let dry = ran(None, &["--dry-run", "--stripe", "http://127.0.0.1:1"]).await;
    assert_eq!(dry.code, 0, "{}", dry.err);
    for line in [
        "POST /v1/test_helpers/test_clocks frozen_time={t0} name=perennial_probe=RUN",
        "POST /v1/customers email={run}@example.com metadata[perennial_probe]=RUN",
        "DELETE /v1/subscriptions/{sub} prorate=true",
    ] {
        assert!(dry.out.contains(line), "{line}: {}", dry.out);
    }
    let listed = ran(None, &["--list", "--only", "two-currencies"]).await;
    assert!(
        listed.out.starts_with("two-currencies: Can a customer"),
        "{}",
        listed.out
    );
    let none = ran(None, &["--list", "--only", "no such scenario"]).await;
    assert_eq!(none.code, 2);
}

#[tokio::test]
async fn what_a_run_kept_is_taken_away_later_and_nothing_else() {
    let stripe = Stripe::start().await;
    let clock = |name: &str| {
        [
            ("frozen_time".to_owned(), "1796083200".to_owned()),
            ("name".to_owned(), name.to_owned()),
        ]
    };
    let foreign_clock = clock("perennial_probe=pretended");
    let foreign_clock: Vec<(&str, &str)> = foreign_clock
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let foreign_clock = stripe
        .id("/v1/test_helpers/test_clocks", &foreign_clock)
        .await;
    let on_it = stripe
        .id("/v1/customers", &[("test_clock", &foreign_clock)])
        .await;
    let foreign = stripe
        .id("/v1/customers", &[("metadata[perennial]", "probe")])
        .await;
    let price = stripe.price().await;

    let url = stripe.sandbox.url();
    let key = Some(perennial_sandbox::SECRET_KEY);
    let kept = ran(
        key,
        &[
            "--stripe",
            url,
            "--rate",
            "2000",
            "--only",
            "renewal",
            "--only",
            "card-attached",
            "--keep",
        ],
    )
    .await;
    assert!(
        kept.report["left"].as_array().unwrap().len() > 5,
        "{}",
        kept.out
    );
    assert!(left(&stripe).await > 8);

    let of_another = ran(
        key,
        &["--stripe", url, "--rate", "2000", "--clean", "another-run"],
    )
    .await;
    assert_eq!((of_another.code, of_another.out.as_str()), (0, ""));
    let run = kept.report["run"].as_str().unwrap();
    let cleaned = ran(key, &["--stripe", url, "--rate", "2000", "--clean", run]).await;
    assert_eq!(cleaned.code, 0, "{} {}", cleaned.out, cleaned.err);
    assert!(
        cleaned.out.contains("takes away /v1/products/"),
        "{}",
        cleaned.out
    );
    // The foreign clock, the customer without it, the price and its product.
    assert_eq!(left(&stripe).await, 4);
    for customer in [on_it, foreign] {
        assert!(
            stripe
                .get(&format!("/v1/customers/{customer}"), &[])
                .await
                .ok()["deleted"]
                .is_null()
        );
    }
    assert_eq!(
        id(&stripe.get(&format!("/v1/prices/{price}"), &[]).await.ok()),
        price
    );
    let again = ran(key, &["--stripe", url, "--rate", "2000", "--clean"]).await;
    assert_eq!((again.code, again.out.as_str()), (0, ""));
}

#[tokio::test]
async fn ctrl_c_ends_the_run_and_takes_away_what_was_made() {
    let stripe = Stripe::start().await;
    let file = report_file();
    // Slow enough that there is a customer for a second.
    let arguments = ["--stripe", stripe.sandbox.url(), "--rate", "5"];
    let mut child = command(Some(perennial_sandbox::SECRET_KEY), &arguments)
        .args(["--only", "card-attached", "--only", "setup", "--json"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for path in ["/v1/products", "/v1/customers"] {
        eventually("something is there", || async {
            let there = stripe.get(path, &[]).await.ok();
            (!there["data"].as_array().unwrap().is_empty()).then_some(())
        })
        .await;
    }
    let pid = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .await
            .unwrap()
            .success()
    );
    let code = child.wait().await.unwrap().code();
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let _ = std::fs::remove_file(&file);
    assert_eq!(report["ended"], "it was stopped");
    assert_eq!(code, Some(2), "{report}");
    assert_eq!(report["left"], json!([]));
    assert_eq!(left(&stripe).await, 0);
}
