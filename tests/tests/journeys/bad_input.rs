//! Every bad input: its status, its stable code, a sentence that helps, and nothing has changed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use perennial_tests::{Answer, Caller, Setup, TestApp, sign};
use serde_json::{Value, json};
use url::form_urlencoded;

/// All that is at Stripe and in the table, but for the time.
async fn everything(app: &TestApp) -> (Value, Vec<Value>) {
    let mut stripe = app.stripe.state().await;
    stripe.as_object_mut().unwrap().remove("now");
    (stripe, app.table.items().await)
}

/// An app with a checkout of alice's that waits for the wallet, and one of bob's.
async fn two_shoppers() -> (TestApp, Value, Value) {
    let app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice").click().await;
    let bob = app.shopper("bob").click().await;
    (app, alice, bob)
}

async fn post(caller: &Caller, path: &str, kind: Option<&str>, body: &str) -> Answer {
    let request = caller.request("POST", path).body(body.to_owned());
    let request = match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    };
    caller.send(request).await
}

#[tokio::test]
async fn a_body_that_is_wrong_is_refused_with_a_code_of_its_own() {
    let (app, alice, _) = two_shoppers().await;
    let before = everything(&app).await;
    app.forget_calls().await;
    let caller = app.caller("carol");
    let json = Some("application/json");
    let good = r#""plan":"stock-photos-monthly","wallet":"amazon_pay""#;
    let too_large = format!(r#"{{{good},"return_to":"/{}"}}"#, "x".repeat(64 * 1024));
    for (path, kind, body, status, code) in [
        ("/client-secret", json, r#"{"plan":"gold","wallet":"amazon_pay"}"#, 400, "unknown_plan"),
        ("/client-secret", json, r#"{"plan":"","wallet":"amazon_pay"}"#, 400, "unknown_plan"),
        ("/client-secret", json, r#"{"plan":"stock-photos-monthly","wallet":"paypal"}"#, 400, "unknown_wallet"),
        ("/client-secret", json, r#"{"plan":"stock-photos-monthly","wallet":"Amazon_Pay"}"#, 400, "unknown_wallet"),
        ("/client-secret", json, &format!(r#"{{{good},"amount":1}}"#), 400, "unknown_field"),
        ("/client-secret", json, &format!(r#"{{{good},"customer":"cus_1"}}"#), 400, "unknown_field"),
        ("/client-secret", json, r#"{"wallet":"amazon_pay"}"#, 400, "missing_field"),
        ("/client-secret", json, r#"{"plan":"stock-photos-monthly"}"#, 400, "missing_field"),
        ("/client-secret", json, r#"{"plan":7,"wallet":"amazon_pay"}"#, 400, "invalid_field"),
        ("/client-secret", json, &format!(r#"{{{good},"confirm":"nobody"}}"#), 400, "invalid_field"),
        ("/client-secret", json, &format!("{{{good}"), 400, "malformed_json"),
        ("/client-secret", json, "[]", 400, "malformed_json"),
        ("/client-secret", json, "", 400, "malformed_json"),
        ("/client-secret", json, "\u{0}", 400, "malformed_json"),
        ("/client-secret", Some("text/plain"), &format!("{{{good}}}"), 415, "unsupported_content_type"),
        ("/client-secret", Some("application/x-www-form-urlencoded"), "plan=a", 415, "unsupported_content_type"),
        ("/client-secret", None, &format!("{{{good}}}"), 415, "unsupported_content_type"),
        ("/client-secret", json, &too_large, 413, "body_too_large"),
        ("/subscriptions", json, "{}", 400, "missing_field"),
        ("/subscriptions", json, r#"{"checkout":"chk_1","plan":"gold"}"#, 400, "unknown_field"),
        ("/subscriptions", json, r#"{"checkout":null}"#, 400, "invalid_field"),
        ("/subscriptions", json, "{", 400, "malformed_json"),
        ("/subscriptions", Some("text/html"), "{}", 415, "unsupported_content_type"),
        ("/subscriptions", json, &too_large, 413, "body_too_large"),
        ("/subscriptions", json, r#"{"checkout":"chk_nobody"}"#, 404, "unknown_checkout"),
    ] {
        let answer = post(&caller, path, kind, body).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answer.expect_error(status), code, "{path} {shown}");
    }
    assert!(app.stripe.requests().await.is_empty(), "Stripe is not asked about nonsense");
    let fine = format!("{{{good}}}");
    let alice_again = post(&app.caller("alice"), "/client-secret", Some("Application/JSON; charset=utf-8"), &fine).await;
    assert_eq!(alice_again.expect(200).json()["checkout"], alice["checkout"]);
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_return_to_that_leaves_the_shop_is_refused() {
    let app = TestApp::start().await;
    let caller = app.caller("alice");
    let before = everything(&app).await;
    for path in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "account",
        "",
        " /account",
        "/account#there",
        "@evil.example",
        ".evil.example/",
        ":8080@evil.example",
        &format!("/{}", "x".repeat(600)),
    ] {
        let ask = json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "return_to": path});
        let answer = caller.client_secret(&ask).await;
        assert_eq!(answer.expect_error(400), "invalid_return_to", "{path}");
    }
    assert_eq!(everything(&app).await, before);
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let (app, alice, _) = two_shoppers().await;
    let before = everything(&app).await;
    app.forget_calls().await;
    let good = app.token("alice");
    let [head, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut other: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    other["sub"] = "bob".into();
    let other = URL_SAFE_NO_PAD.encode(other.to_string());
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let of_another_shop = TestApp::start().await.token("alice");
    let checkout = alice["checkout"].as_str().unwrap();
    for token in [
        None,
        Some("nonsense"),
        Some(&format!("{head}.{other}.{signature}")),
        Some(&format!("{unsigned}.{claims}.")),
        Some(&format!("{head}.{claims}.")),
        Some(&of_another_shop),
    ] {
        let nobody = app.anybody().with_token(token);
        for answer in [
            nobody.click("stock-photos-monthly").await,
            nobody.checkout(checkout).await,
            nobody.subscribe(checkout).await,
            nobody.subscriptions().await,
        ] {
            assert_eq!(answer.expect_error(401), "unauthorized", "{token:?}");
        }
    }
    assert!(app.stripe.requests().await.is_empty());
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_checkout_of_another_user_is_told_from_none_by_nothing() {
    let (app, alice, _) = two_shoppers().await;
    let before = everything(&app).await;
    app.forget_calls().await;
    let bob = app.caller("bob");
    let theirs = alice["checkout"].as_str().unwrap();
    let nobodys = "chk_01h00000000000000000000000";
    let mut texts = Vec::new();
    for checkout in [theirs, nobodys, "chk_", "nonsense", "seti_1"] {
        for answer in [bob.checkout(checkout).await, bob.subscribe(checkout).await] {
            assert_eq!(answer.expect_error(404), "unknown_checkout", "{checkout}");
            let mut body = answer.json();
            body["error"]["request_id"] = Value::Null;
            texts.push(body.to_string());
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(app.stripe.requests().await.is_empty());
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_return_without_the_right_secret_is_refused_and_changes_nothing() {
    let (app, alice, bob) = two_shoppers().await;
    let shopper = app.shopper("alice");
    shopper.answer_wallet(&alice, "approve").await;
    let before = everything(&app).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let [chk, seti, secret] = ["checkout", "setup_intent", "client_secret"].map(|name| text(&alice[name]));
    let [other_chk, other_seti, other_secret] =
        ["checkout", "setup_intent", "client_secret"].map(|name| text(&bob[name]));
    let wrong = format!("{seti}_secret_0000000000000000000000000");
    let shorter = secret[..secret.len() - 1].to_owned();
    let anybody = app.anybody();
    for (query, status, code) in [
        (vec![], 400, "missing_parameter"),
        (vec![("checkout", &chk)], 400, "missing_parameter"),
        (vec![("checkout", &chk), ("setup_intent", &seti)], 400, "missing_parameter"),
        (vec![("setup_intent", &seti), ("setup_intent_client_secret", &secret)], 400, "missing_parameter"),
        (vec![("checkout", &chk), ("setup_intent_client_secret", &secret)], 400, "missing_parameter"),
        (vec![("checkout", &chk), ("setup_intent", &seti), ("setup_intent_client_secret", &wrong)], 404, "unknown_checkout"),
        (vec![("checkout", &chk), ("setup_intent", &seti), ("setup_intent_client_secret", &shorter)], 404, "unknown_checkout"),
        (vec![("checkout", &chk), ("setup_intent", &seti), ("setup_intent_client_secret", &other_secret)], 404, "unknown_checkout"),
        (vec![("checkout", &chk), ("setup_intent", &other_seti), ("setup_intent_client_secret", &other_secret)], 404, "unknown_checkout"),
        (vec![("checkout", &other_chk), ("setup_intent", &seti), ("setup_intent_client_secret", &secret)], 404, "unknown_checkout"),
        (vec![("checkout", &other_seti), ("setup_intent", &seti), ("setup_intent_client_secret", &secret)], 404, "unknown_checkout"),
    ] {
        let mut query: Vec<(&str, &String)> = query;
        let status_of_stripe = "succeeded".to_owned();
        query.push(("redirect_status", &status_of_stripe));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        for accept in ["text/html", "application/json"] {
            let request = anybody.request("GET", &format!("/confirm?{query}"));
            let answer = anybody.send(request.header("accept", accept)).await;
            assert_eq!(answer.expect_error(status), code, "{query}");
        }
    }
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn what_the_address_says_of_the_outcome_counts_for_nothing() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "decline").await;
    assert!(back.contains("redirect_status=failed"));
    let forged = back.replace("redirect_status=failed", "redirect_status=succeeded");
    let landed = alice.calls.come_back(&forged).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert!(app.stripe.objects("subscription").await.is_empty());
}

#[tokio::test]
async fn a_setup_intent_of_another_customer_is_never_charged() {
    let (app, alice, bob) = two_shoppers().await;
    app.shopper("bob").answer_wallet(&bob, "approve").await;
    // Somebody has bent the table: alice's attempt names bob's SetupIntent.
    let (chk, seti) = (alice["checkout"].as_str().unwrap(), bob["setup_intent"].as_str().unwrap());
    let items = app.table.raw_items().await;
    let item = |part: &str| items.iter().find(|item| item["sk"]["S"].as_str().unwrap().contains(part));
    let mut attempt = item(chk).unwrap().clone();
    let original = attempt.clone();
    attempt["setup_intent"]["S"] = seti.into();
    app.table.put(&attempt).await;
    let caller = app.caller("alice");
    let answers = [
        caller.subscribe(chk).await,
        caller.checkout(chk).await,
        caller.click("stock-photos-monthly").await,
    ];
    for answer in answers {
        answer.expect_error(502);
        assert!(!answer.text.contains("_secret_"), "{}", answer.text);
    }
    assert!(app.stripe.objects("subscription").await.is_empty());
    app.table.put(&original).await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn a_currency_that_amazon_pay_does_not_take_is_refused() {
    let plans = r#"{"brazil":{"price":"price_1","group":"photos","label":"Photos","amount":900,"currency":"brl","interval":"month"}}"#;
    let app = TestApp::with(Setup { plans: Some(plans.to_owned()), ..Setup::default() }).await;
    app.forget_calls().await;
    let refused = app.caller("alice").click("brazil").await;
    assert_eq!(refused.expect_error(400), "currency_not_supported");
    assert!(app.stripe.requests().await.is_empty());
    assert!(app.table.items().await.is_empty());
}

#[tokio::test]
async fn an_event_with_an_invalid_base64_body_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for (function, method, path) in [
        ("client-secret", "POST", "/client-secret"),
        ("subscribe", "POST", "/subscriptions"),
        ("webhook", "POST", "/webhooks/stripe"),
    ] {
        let event = json!({
            "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": "",
            "headers": {"content-type": "application/json", "stripe-signature": "t=1,v1=00"},
            "requestContext": {
                "accountId": "0", "apiId": "a", "domainName": "a.example", "domainPrefix": "a", "requestId": "r1",
                "routeKey": format!("{method} {path}"), "stage": "$default", "time": "24/Nov/2026:00:00:00 +0000",
                "timeEpoch": 0,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "x"},
                "authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
            },
            "body": "###not base64###", "isBase64Encoded": true,
        });
        let answer = app.invoke(function, event).await;
        assert_eq!(answer["statusCode"], 400, "{function}");
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["error"]["code"], "invalid_body", "{function}");
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn a_webhook_that_stripe_did_not_sign_is_refused() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let body = json!({"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1_790_000_000, "livemode": false,
        "data": {"object": {"object": "invoice", "id": "in_1", "customer": "cus_1"}}})
    .to_string();
    let good = sign(&secret, body.as_bytes(), 0);
    let anybody = app.anybody();
    for (what, body, signature) in [
        ("none", body.clone(), None),
        ("nonsense", body.clone(), Some("nonsense".to_owned())),
        ("another secret", body.clone(), Some(sign("whsec_another_one", body.as_bytes(), 0))),
        ("too old", body.clone(), Some(sign(&secret, body.as_bytes(), -302))),
        ("from the future", body.clone(), Some(sign(&secret, body.as_bytes(), 310))),
        ("v0 alone", body.clone(), Some(good.replace("v1=", "v0="))),
        ("another body", body.replace("cus_1", "cus_2"), Some(good.clone())),
        ("a space more", format!("{body} "), Some(good.clone())),
    ] {
        let answer = anybody.webhook(body, signature.as_deref()).await;
        assert_eq!(answer.expect_error(400), "invalid_signature", "{what}");
    }
    for body in ["{}", "nonsense", "", "[1]", r#"{"id":"cus_1","type":"a","created":1,"livemode":false}"#] {
        let signature = sign(&secret, body.as_bytes(), 0);
        let answer = anybody.webhook(body, Some(&signature)).await;
        assert_eq!(answer.expect_error(400), "invalid_event", "{body}");
    }
    let huge = "x".repeat(1024 * 1024 + 1);
    let signature = sign(&secret, huge.as_bytes(), 0);
    let answer = anybody.webhook(huge, Some(&signature)).await;
    assert_eq!(answer.expect_error(413), "body_too_large");
    assert_eq!(everything(&app).await, before);
    assert!(app.inbox().await.is_empty());
}

#[tokio::test]
async fn an_event_that_is_of_no_concern_is_kept_and_acknowledged_and_nothing_more() {
    let app = TestApp::start().await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let event = |id: &str, kind: &str, livemode: bool, customer: &str| {
        json!({"id": id, "object": "event", "type": kind, "created": 1_790_000_000, "livemode": livemode,
            "data": {"object": {"object": "subscription", "id": "sub_1", "customer": customer}}})
        .to_string()
    };
    app.forget_calls().await;
    for body in [
        event("evt_1", "customer.subscription.updated", true, "cus_1"),
        event("evt_2", "something.new", false, "cus_1"),
        event("evt_3", "customer.subscription.updated", false, "cus_of_another_product"),
        event("evt_3", "customer.subscription.updated", false, "cus_of_another_product"),
        // Text that is not ASCII arrives as it was signed.
        event("evt_4", "something.new", false, "cus_1").replace("something", "j\u{f6}rg").replace("j\u{f6}rg", "som\u{65}thing"),
    ] {
        let signature = sign(&secret, body.as_bytes(), 0);
        let answer = app.anybody().webhook(body, Some(&signature)).await.expect(200);
        assert_eq!(answer.json(), json!({"received": true}));
    }
    app.quiet().await;
    let inbox = app.inbox().await;
    assert_eq!(inbox.len(), 4);
    for item in &inbox {
        assert_eq!(item["status"], "ignored", "{item}");
        assert!(item["error"].is_string(), "it says why: {item}");
    }
    assert!(app.stripe.requests().await.is_empty());
}

#[tokio::test]
async fn a_webhook_in_any_language_is_verified_byte_for_byte() {
    let app = TestApp::start().await;
    let secret = app.variable("STRIPE_WEBHOOK_SECRETS").to_owned();
    let body = "{\"id\":\"evt_1\", \"object\":\"event\",\n\"type\":\"product.updated\",\"created\":1790000000,\"livemode\":false,\"data\":{\"object\":{\"object\":\"product\",\"id\":\"prod_1\",\"name\":\"J\u{f6}rg \u{2603} \\u00e9\"}}}";
    let signature = sign(&secret, body.as_bytes(), -290);
    // While a secret is rolled, Stripe signs with both.
    let rolled = signature.replace(",v1=", &format!(",v1={},v1=", "00".repeat(32)));
    app.anybody().webhook(body, Some(&rolled)).await.expect(200);
    app.quiet().await;
    let inbox = app.inbox().await;
    assert_eq!(inbox.len(), 1);
    assert!(!inbox[0].to_string().contains('\u{2603}'), "no body is kept");
}

#[tokio::test]
async fn a_user_who_opens_checkouts_without_end_is_slowed_down() {
    let app = TestApp::start().await;
    let caller = app.caller("alice");
    let ask = |by: &str| json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay", "confirm": by});
    let mut answers = Vec::new();
    for turn in 0..30 {
        answers.push(caller.client_secret(&ask(if turn % 2 == 0 { "client" } else { "server" })).await);
    }
    let last = answers.last().unwrap();
    assert_eq!(last.expect_error(429), "too_many_checkouts");
    assert!(last.retry_after().is_some());
    app.caller("bob").click("stock-photos-monthly").await.expect(201);
}
