//! The function dies after Stripe has carried a step out; the same key goes on from there.

use perennial_tests::{Answer, TestApp, wait_until};
use serde_json::{Value, json};

use super::{ShopServer, charge, event, migration::MIGRATE, read, text};

/// Kills the function once Stripe has carried this call out, and sends the request again until the
/// dead one's lease has run out.
pub(super) async fn killed_and_repeated(
    app: &TestApp,
    path: &str,
    ask: &'static str,
    body: &Value,
) -> Answer {
    let lambda = app.lambda.as_ref().unwrap();
    let fault =
        json!({"method": "POST", "path": path, "fault": "timeout_after", "delay_ms": 60_000});
    app.stripe.fault(fault).await;
    let first = app.invoke("payments", event("POST", ask, Some("key-1"), Some(body)));
    let kill = async {
        wait_until("Stripe has carried the call out", async || {
            let requests = app.stripe.requests().await;
            requests
                .iter()
                .any(|it| it["path"] == path && it["fault"] == "timeout_after")
                .then_some(())
        })
        .await;
        assert_eq!(lambda.kill("payments"), 1, "it died in the middle");
    };
    tokio::select! {
        _ = first => {}
        () = kill => {}
    }
    wait_until("the dead one's lease has run out", async || {
        let answer = read(
            &app.invoke("payments", event("POST", ask, Some("key-1"), Some(body)))
                .await,
        );
        (answer.status < 500 && answer.status != 429).then_some(answer)
    })
    .await
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_the_charge_leaves_one_charge() {
    let app = TestApp::start_on_lambda().await;
    let method = ShopServer::of(&app).saved_method("alice").await;
    let body = charge("alice", &method, 700);
    let paid = killed_and_repeated(&app, "/v1/payment_intents", "/payments", &body).await;
    assert_eq!(paid.expect(201).json()["status"], "succeeded");
    assert_eq!(app.stripe.objects("charge").await.len(), 2);
    app.quiet().await;
}

/// A token is migrated by a function that dies at this step.
async fn check_migration(path: &str) {
    let app = TestApp::start_on_lambda().await;
    let token = app.stripe.apple_pay_token(json!({})).await;
    let body = json!({"user": "alice", "token": token});
    let saved = killed_and_repeated(&app, path, MIGRATE, &body).await;
    let saved = saved.expect(201).json();
    assert_eq!(saved["status"], "saved");
    for kind in ["customer", "payment_method", "setup_intent"] {
        assert_eq!(app.stripe.objects(kind).await.len(), 1, "{kind}");
    }
    let server = ShopServer::of(&app);
    let body = charge("alice", text(&saved["payment_method"]), 700);
    server.pay("order-1", &body).await.expect(201);
    let kept = app.table.items().await;
    assert!(
        kept.iter().all(|item| !item.to_string().contains("tok_")),
        "{kept:?}"
    );
    app.quiet().await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_making_the_method_of_a_token_loses_no_token() {
    check_migration("/v1/payment_methods").await;
}

#[tokio::test]
#[ignore = "slow: the binaries behind the Runtime API"]
async fn a_function_that_dies_after_the_first_transaction_of_a_token_makes_no_other() {
    check_migration("/v1/setup_intents").await;
}
