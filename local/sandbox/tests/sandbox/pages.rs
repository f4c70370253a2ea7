use crate::support::{Stripe, client, id};
use perennial_sandbox::{Options, Sandbox};
use serde_json::json;

#[tokio::test]
async fn the_page_works_without_a_script_and_leads_back_to_the_shop() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let intent = stripe.waiting_intent(&customer).await;
    let page = intent["next_action"]["redirect_to_url"]["url"]
        .as_str()
        .unwrap();
    let html = stripe
        .http
        .get(page)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for part in [
        "Stands for Amazon Pay (sandbox)",
        r#"id="approve""#,
        r#"id="decline""#,
        r#"id="close""#,
        "Perennial sandbox shop",
        &id(&intent),
    ] {
        assert!(html.contains(part), "{part}");
    }
    let press = async |choice: &'static str| {
        stripe
            .http
            .post(page)
            .body(format!("choice={choice}"))
            .send()
            .await
            .unwrap()
    };
    assert_eq!(press("shrug").await.status(), 400);
    let approved = press("approve").await;
    assert_eq!(approved.status(), 303);
    let back = approved.headers()["location"].to_str().unwrap();
    assert!(
        back.starts_with("https://shop.example/return?checkout=chk_1&setup_intent=seti_"),
        "{back}"
    );
    // Used once, the page says so and still leads back.
    assert_eq!(press("decline").await.status(), 409);
    let used = stripe
        .http
        .get(page)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(used.contains("already answered") && used.contains("Back to the shop"));
    assert_eq!(
        stripe
            .http
            .get(stripe.url("/sandbox/amazon-pay/seti_none"))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn what_the_shop_wrote_is_shown_as_text() {
    let stripe = Stripe::start().await;
    let mut params = crate::support::CONFIRM.to_vec();
    params.extend([
        ("confirm", "true"),
        ("description", "<script>alert(1)</script>"),
    ]);
    let intent = stripe.post("/v1/setup_intents", &params).await.ok();
    let html = stripe
        .http
        .get(stripe.url(&format!("/sandbox/amazon-pay/{}", id(&intent))))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script"));
}

#[tokio::test]
async fn pages_that_are_named_may_load_the_script_and_call_and_no_others() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        origins: vec!["http://localhost:5173".into()],
        ..Options::new(listener)
    };
    let stripe = Stripe {
        sandbox: Sandbox::start(options).await.unwrap(),
        http: client(),
    };
    let own = stripe.url("");
    for (origin, allowed) in [
        ("http://localhost:5173", true),
        (own.as_str(), true),
        ("https://evil.example", false),
        ("http://127.0.0.1:5173", false),
        ("null", false),
    ] {
        let (status, named) = if allowed {
            (200, Some(origin))
        } else {
            (403, None)
        };
        let loaded = stripe
            .http
            .get(stripe.url("/stripe.js"))
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-dest", "script")
            .header("referer", format!("{origin}/account"));
        let loaded = loaded.send().await.unwrap();
        assert_eq!(loaded.status(), status, "{origin}");
        let preflight = stripe
            .http
            .request(
                reqwest::Method::OPTIONS,
                stripe.url("/v1/setup_intents/seti_1/confirm"),
            )
            .header("origin", origin);
        let preflight = preflight.send().await.unwrap();
        let answered = preflight.headers().get("access-control-allow-origin");
        assert_eq!(answered.map(|it| it.to_str().unwrap()), named, "{origin}");
        assert_eq!(preflight.status() == 204, allowed, "{origin}");
    }
}

#[tokio::test]
async fn a_form_of_another_page_answers_nothing_in_the_shoppers_place() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let intent = stripe.waiting_intent(&customer).await;
    let page = intent["next_action"]["redirect_to_url"]["url"]
        .as_str()
        .unwrap();
    let sent_from = async |origin: &str| {
        let form = stripe.http.post(page).body("choice=approve");
        form.header("origin", origin).send().await.unwrap().status()
    };
    for origin in ["https://evil.example", "http://127.0.0.1:1", "null"] {
        assert_eq!(sent_from(origin).await, 403, "{origin}");
    }
    assert_eq!(sent_from(&stripe.url("")).await, 303);
}

#[tokio::test]
async fn the_control_calls_want_the_secret_key() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options {
        secret_key: Some("sk_test_right".into()),
        ..Options::new(listener)
    };
    let stripe = Stripe {
        sandbox: Sandbox::start(options).await.unwrap(),
        http: client(),
    };
    let status = async |method: &str, path: &str, key: Option<&str>| {
        let method = method.parse().unwrap();
        let request = stripe
            .http
            .request(method, stripe.url(&format!("/_sandbox{path}")));
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        request.send().await.unwrap().status().as_u16()
    };
    for (method, path, of_page) in [
        ("GET", "/state", 403),
        ("GET", "/requests", 403),
        ("DELETE", "/faults", 403),
        ("POST", "/webhooks/hold", 403),
        ("POST", "/account", 403),
        ("GET", "/nothing", 403),
        ("GET", "/account", 200),
        ("POST", "/tokens", 200),
    ] {
        for key in [None, Some("sk_test_wrong"), Some("right")] {
            assert_eq!(status(method, path, key).await, 401, "{path} {key:?}");
        }
        let page = Some(perennial_sandbox::PUBLISHABLE_KEY);
        assert_eq!(status(method, path, page).await, of_page, "{path}");
        let right = status(method, path, Some("sk_test_right")).await;
        assert!(right == 200 || path == "/nothing", "{path} {right}");
    }
    let answer = stripe.get("/v1/account", &[]).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn the_whole_state_can_be_seen() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let state = stripe.observe("/state").await;
    assert_eq!(state["customer"][0]["id"], shopper.customer.as_str());
    assert_eq!(state["mandate"][0]["id"], shopper.mandate.as_str());
    assert_eq!(state["account"]["amazon_pay"], json!(true));
}
