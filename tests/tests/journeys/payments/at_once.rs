//! Many requests about one payment at once, each under a key of its own: one is carried out, and the
//! others are told the state that it has made.

use perennial_tests::{Answer, TestApp, wait_until};
use serde_json::{Value, json};

use super::{ShopServer, all, held::stay, text};

/// Sends them all at once, under the keys `0`, `1` and so on.
async fn at_once(server: &ShopServer<'_>, asked: &[(String, Value)]) -> Vec<Answer> {
    let sent = asked
        .iter()
        .enumerate()
        .map(|(number, (path, body))| async move {
            server.post(path, &format!("at-once-{number}"), body).await
        });
    all(sent).await
}

#[tokio::test]
async fn of_twenty_captures_one_takes_the_money() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let asked = vec![(format!("{stay}/capture"), json!({"amount": 15_000})); 20];
    for round in 0..2 {
        let answers = at_once(&server, &asked).await;
        let taken = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(taken.count(), 1, "round {round}");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(answer.expect_error(409), "already_captured");
            assert_eq!(answer.json()["payment"]["status"], "succeeded");
        }
    }
    let payment = server.get(&stay).await.expect(200).json();
    assert_eq!(payment["amount_received"], 15_000);
    let charges = app.stripe.objects("charge").await;
    assert_eq!(
        (charges.len(), &charges[0]["amount_captured"]),
        (1, &json!(15_000))
    );
    app.quiet().await;
}

#[tokio::test]
async fn captures_cancellations_and_increments_at_once_end_in_one_state() {
    for round in 0..5 {
        let app = TestApp::start().await;
        let server = ShopServer::of(&app);
        let stay = stay(&app, "stay-1").await;
        let asked: Vec<_> = (0..12_u64)
            .map(|number| match (number + round) % 3 {
                0 => (format!("{stay}/capture"), json!({})),
                1 => (format!("{stay}/cancel"), json!({})),
                _ => (
                    format!("{stay}/increment"),
                    json!({"amount": 20_000 + number * 100}),
                ),
            })
            .collect();
        let answers = at_once(&server, &asked).await;
        let again = at_once(&server, &asked).await;
        let payment = server.get(&stay).await.expect(200).json();
        let state = text(&payment["status"]);
        let ends = asked.iter().zip(&answers).zip(&again);
        let mut ended = 0;
        for (((path, _), answer), again) in ends {
            assert!(
                answer.status == 200 || answer.status == 409,
                "{path} {}",
                answer.text
            );
            assert_eq!(answer.status, again.status, "{path} {}", again.text);
            if answer.status == 409 {
                let code = answer.json()["error"]["code"].clone();
                // A total that was too small before the end is so no longer.
                if code != "increment_not_larger" {
                    assert_eq!(again.json()["error"]["code"], code, "{path}");
                }
                assert!(
                    answer.json()["payment"]["status"].is_string(),
                    "{}",
                    answer.text
                );
            } else if !path.ends_with("increment") {
                ended += 1;
            }
        }
        assert_eq!(ended, 1, "{state}");
        let received = payment["amount_received"].as_u64().unwrap();
        assert_eq!(received > 0, state == "succeeded", "{payment}");
        app.quiet().await;
    }
}

/// Another request ends the payment while this one is on its way to Stripe.
async fn overtaken(action: &str, body: Value, by: &str, code: &str, state: &str) {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let id = stay.trim_start_matches("/payments/").to_owned();
    let step = match action {
        "increment" => "increment_authorization",
        other => other,
    };
    let path = format!("/v1/payment_intents/{id}/{step}");
    let fault =
        json!({"method": "POST", "path": path, "fault": "timeout_before", "delay_ms": 60_000});
    app.stripe.fault(fault).await;
    let other = async {
        wait_until("the request is on its way", async || {
            let requests = app.stripe.requests().await;
            requests
                .iter()
                .any(|it| it["path"] == path.as_str())
                .then_some(())
        })
        .await;
        app.stripe
            .api("POST", &format!("/v1/payment_intents/{id}/{by}"), &[])
            .await
    };
    let asked = format!("{stay}/{action}");
    let (answer, _) = tokio::join!(server.post(&asked, "late", &body), other);
    assert_eq!(answer.expect_error(409), code, "{action} by {by}");
    assert_eq!(answer.json()["payment"], json!({"id": id, "status": state}));
    app.forget_calls().await;
    let again = server.post(&asked, "late", &body).await;
    assert_eq!(again.expect_error(409), code, "{action} by {by}");
    assert_eq!(again.json()["payment"], json!({"id": id, "status": state}));
    assert!(app.stripe.requests().await.is_empty(), "it is stored");
}

#[tokio::test]
async fn a_request_that_another_one_overtakes_is_told_the_state_and_not_that_stripe_refused() {
    let more = json!({"amount": 21_000});
    for (action, body, by, code, state) in [
        (
            "capture",
            json!({}),
            "capture",
            "already_captured",
            "succeeded",
        ),
        (
            "capture",
            json!({}),
            "cancel",
            "already_canceled",
            "canceled",
        ),
        (
            "cancel",
            json!({}),
            "capture",
            "not_cancelable",
            "succeeded",
        ),
        (
            "cancel",
            json!({}),
            "cancel",
            "already_canceled",
            "canceled",
        ),
        (
            "increment",
            more.clone(),
            "capture",
            "already_captured",
            "succeeded",
        ),
        ("increment", more, "cancel", "already_canceled", "canceled"),
    ] {
        overtaken(action, body, by, code, state).await;
    }
}

#[tokio::test]
async fn an_object_that_another_request_has_locked_is_asked_for_once_more() {
    for (status, code) in [(429, "lock_timeout"), (409, "idempotency_key_in_use")] {
        let app = TestApp::start().await;
        let server = ShopServer::of(&app);
        let stay = stay(&app, "stay-1").await;
        let path = "/v1/payment_intents/{id}/capture";
        let fault = json!({"method": "POST", "path": path, "fault": "status", "status": status, "code": code});
        app.stripe.fault(fault).await;
        let path = format!("{stay}/capture");
        server.post(&path, "take", &json!({})).await.expect(200);
        let late = server.post(&path, "take-2", &json!({})).await;
        assert_eq!(late.expect_error(409), "already_captured", "{code}");
        app.quiet().await;
    }
}

#[tokio::test]
async fn twenty_refunds_give_back_no_more_than_was_taken() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let path = format!("{stay}/capture");
    server.post(&path, "take", &json!({})).await.expect(200);
    let asked = vec![(format!("{stay}/refunds"), json!({"amount": 4000})); 20];
    let answers = at_once(&server, &asked).await;
    let done = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(done, 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let code = answer.json()["error"]["code"].clone();
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(
            code == "already_refunded" || code == "refund_too_large",
            "{code}"
        );
    }
    let again = at_once(&server, &asked).await;
    let repeated = again.iter().filter(|answer| answer.status == 200);
    assert_eq!(repeated.count(), 5);
    assert_eq!(server.get(&stay).await.json()["refunded"], 20_000);
    app.quiet().await;
}

#[tokio::test]
async fn of_twenty_increments_ten_reach_the_network() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let asked: Vec<_> = (1..=20_u64)
        .map(|number| {
            let body = json!({"amount": 20_000 + number * 100});
            (format!("{stay}/increment"), body)
        })
        .collect();
    let answers = at_once(&server, &asked).await;
    let sent = app
        .stripe
        .requests_to("POST /v1/payment_intents/{id}/increment_authorization")
        .await;
    assert!(sent.len() <= 10, "{} reached Stripe", sent.len());
    let kept = app.table.items_of("INCREMENTS").await;
    assert_eq!(kept[0]["requests"].as_array().unwrap().len(), 10);
    let (mut told, mut done) = (0, 0);
    for answer in &answers {
        if answer.status == 200 {
            done += 1;
        } else {
            let code = answer.json()["error"]["code"].clone();
            assert_eq!(answer.status, 409, "{}", answer.text);
            told += usize::from(code == "increments_exhausted");
        }
    }
    assert!(done >= 1);
    assert_eq!(told, 10);
    app.quiet().await;
}

#[tokio::test]
async fn an_eleventh_increment_is_refused_here_whatever_stripe_would_say() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let stay = stay(&app, "stay-1").await;
    let id = stay.trim_start_matches("/payments/");
    let full = |requests: usize| {
        let requests: Vec<String> = (0..requests)
            .map(|number| format!("hash-{number}"))
            .collect();
        json!({"pk": {"S": format!("PI#{id}")}, "sk": {"S": "INCREMENTS"}, "requests": {"SS": requests}})
    };
    app.table.put(&full(9)).await;
    let path = format!("{stay}/increment");
    let tenth = server
        .post(&path, "tenth", &json!({"amount": 21_000}))
        .await;
    assert_eq!(
        tenth.expect(200).json()["increment"],
        json!({"available": false, "remaining": 0})
    );
    app.forget_calls().await;
    let more = json!({"amount": 22_000});
    for _ in 0..2 {
        let eleventh = server.post(&path, "eleventh", &more).await;
        assert_eq!(eleventh.expect_error(409), "increments_exhausted");
    }
    let sent = app.stripe.requests().await;
    assert!(sent.iter().all(|it| it["method"] == "GET"), "{sent:?}");
    let requests = app.table.items_of("PAYMENT").await;
    assert_eq!(requests.len(), 2, "the refused one has claimed nothing");
    // What was counted stays what can be repeated.
    let again = server
        .post(&path, "tenth", &json!({"amount": 21_000}))
        .await;
    again.expect(200);
    app.quiet().await;
}
