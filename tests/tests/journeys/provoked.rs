//! A shopper cannot wake the shop: whatever they bring about is answered with 4xx and logs no error.

use perennial_tests::TestApp;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";

/// Fails if a function has logged an error, or has answered with 5xx, since the last look.
struct Watch {
    seen: usize,
}

impl Watch {
    async fn look(&mut self, app: &TestApp, what: &str) {
        let lambda = app.lambda.as_ref().unwrap();
        let new = lambda.log_of_an_answer(self.seen).await;
        self.seen += new.len();
        for line in &new {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            assert_ne!(line["level"], "ERROR", "{what}: {line}");
            if line.pointer("/fields/message") == Some(&json!("answered")) {
                let status = line.pointer("/fields/status").and_then(Value::as_u64);
                assert!(status.is_some_and(|it| it < 500), "{what}: {line}");
            }
        }
    }
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn nothing_that_a_shopper_does_is_an_error_of_the_shops() {
    let app = TestApp::start_on_lambda().await;
    let mut watch = Watch { seen: 0 };
    let alice = app.shopper("alice");

    // Many clicks of one user at once, at a Stripe that is slow.
    app.stripe.set_account(json!({"latency_ms": 300})).await;
    let mut clicks = JoinSet::new();
    for number in 0..40 {
        let caller = app.caller("impatient");
        clicks.spawn(async move {
            match number % 3 {
                0 => caller.click(MONTHLY).await,
                1 => caller.click("stock-photos-trial").await,
                _ => caller.begin_subscription(MONTHLY).await,
            }
        });
    }
    for answer in clicks.join_all().await {
        assert!(answer.status < 500, "{}", answer.text);
        if answer.status == 429 {
            assert!(answer.retry_after().is_some(), "{}", answer.text);
        }
    }
    app.stripe.set_account(json!({"latency_ms": 0})).await;
    watch.look(&app, "many clicks at once").await;

    // Stripe's locks and limits, which the same brings about.
    for (number, (what, fault)) in [
        (
            "a lock",
            json!({"fault": "status", "status": 429, "code": "lock_timeout"}),
        ),
        ("a limit", json!({"fault": "status", "status": 429})),
        (
            "a key in use",
            json!({"fault": "status", "status": 409, "code": "idempotency_key_in_use", "times": 3}),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("hasty-{number}");
        app.shopper(&user).click().await;
        watch.look(&app, what).await;
        let mut fault = fault.clone();
        fault["method"] = "GET".into();
        fault["path"] = "/v1/setup_intents/{id}".into();
        if what == "a key in use" {
            fault["method"] = "POST".into();
            fault["path"] = "/v1/setup_intents".into();
        }
        app.stripe.fault(fault).await;
        let plan = if what == "a key in use" {
            "stock-photos-trial"
        } else {
            MONTHLY
        };
        let answer = app.caller(&user).click(plan).await;
        assert_eq!(answer.status, 429, "{what}: {}", answer.text);
        assert!(answer.retry_after().is_some(), "{what}");
        app.stripe.no_faults().await;
        watch.look(&app, what).await;
        let again = app.caller(&user).click(plan).await;
        assert!(matches!(again.status, 200 | 201), "{what}: {}", again.text);
    }

    // A typed-in card, declines, an abandoned wallet, a method that is taken away.
    let typed = app.shopper("typist").click_apple_pay(MONTHLY).await;
    let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&typed[name]));
    app.stripe.confirm_with_token(key, secret, "tok_visa").await;
    app.quiet().await;
    watch.look(&app, "a typed-in card").await;
    let tester = app.shopper("tester");
    let opened = tester.click_apple_pay(MONTHLY).await;
    for _ in 0..7 {
        tester
            .use_apple_pay(&opened, json!({"first": "decline"}))
            .await;
        tester.calls.checkout(text(&opened["checkout"])).await;
    }
    app.quiet().await;
    watch.look(&app, "declines").await;
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "close").await;
    alice.calls.come_back(&back).await.expect(303);
    watch.look(&app, "the wallet's page was closed").await;

    // Addresses, links, tokens and bodies that were never handed out.
    let long = "a".repeat(9000);
    for path in [
        "/confirm",
        "/confirm?checkout=chk_1&setup_intent=seti_1&setup_intent_client_secret=seti_1_secret_2",
        "/confirm?checkout=chk_1&payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_2",
        "/confirm?checkout=%ff&setup_intent=%00&setup_intent_client_secret=%00_secret_",
        &format!("/confirm?checkout=chk_{long}"),
        "/manage",
        "/manage?link=v1.e30.AAAA",
        "/authorize?link=%ff",
        &format!("/manage?link={long}"),
        "/checkouts/chk_1",
        "/checkouts/%00",
        &format!("/checkouts/chk_{long}"),
        "/wallets",
        "/wallets?plan=%ff",
        "/subscriptions",
    ] {
        for caller in [app.caller("alice"), app.anybody()] {
            for accept in ["text/html", "application/json"] {
                let request = caller.request("GET", path).header("accept", accept);
                let answer = caller.send(request).await;
                assert!(answer.status < 500, "{path}: {}", answer.text);
            }
        }
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"plan\":7}",
        "{\"plan\":\"stock-photos-monthly\",\"wallet\":\"amazon_pay\",\"trial_days\":-1}",
        "{\"plan\":\"stock-photos-monthly\",\"wallet\":\"amazon_pay\",\"trial_days\":99999999999}",
        "{\"checkout\":\"chk_1\"}",
        &format!("{{\"plan\":\"{}\"}}", "x".repeat(70_000)),
    ] {
        for path in ["/client-secret", "/subscriptions"] {
            let request = alice.calls.request("POST", path).body(body.to_owned());
            let request = request.header("content-type", "application/json");
            let answer = alice.calls.send(request).await;
            assert!(
                (400..500).contains(&answer.status),
                "{body}: {}",
                answer.text
            );
        }
    }
    let server = json!({"plan": MONTHLY, "wallet": "amazon_pay", "confirm": "server"});
    for agent in [long.as_str(), "\u{e9}"] {
        let request = alice.calls.request("POST", "/client-secret").json(&server);
        let answer = alice.calls.send(request.header("user-agent", agent)).await;
        assert!(answer.status < 500, "{}", answer.text);
    }
    watch.look(&app, "garbage").await;
    app.quiet().await;
}
