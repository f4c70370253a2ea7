use crate::support::{Stripe, id};
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
async fn pages_of_any_origin_may_load_the_script_and_call() {
    let stripe = Stripe::start().await;
    let script = stripe
        .http
        .get(stripe.url("/stripe.js"))
        .send()
        .await
        .unwrap();
    assert!(
        script.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/javascript")
    );
    assert!(
        script
            .text()
            .await
            .unwrap()
            .contains("confirmAmazonPaySetup")
    );
    let preflight = stripe
        .http
        .request(
            reqwest::Method::OPTIONS,
            stripe.url("/v1/setup_intents/seti_1/confirm"),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            preflight.status().as_u16(),
            preflight.headers()["access-control-allow-origin"]
                .to_str()
                .unwrap()
        ),
        (204, "*")
    );
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
