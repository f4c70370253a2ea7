//! The page that stands for Stripe's customer portal.

use crate::support::{Shopper, Stripe, encoded, id};
use serde_json::{Value, json};

const SHOP: &str = "https://shop.example/account?tab=subscriptions";

async fn session(stripe: &Stripe, shopper: &Shopper) -> Value {
    let params = [("customer", &*shopper.customer), ("return_url", SHOP)];
    stripe
        .post("/v1/billing_portal/sessions", &params)
        .await
        .ok()
}

async fn html(stripe: &Stripe, session: &Value) -> (u16, String) {
    let page = stripe
        .http
        .get(session["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

async fn press(stripe: &Stripe, session: &Value, action: &str, subscription: &str) -> u16 {
    let body = encoded(&[("action", action), ("subscription", subscription)]);
    let url = session["url"].as_str().unwrap();
    stripe
        .http
        .post(url)
        .body(body)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_customer_cancels_at_the_end_of_the_period_and_takes_it_back() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let subscription = stripe.subscribe(&shopper, &[]).await.ok();
    let session = session(&stripe, &shopper).await;
    assert!(id(&session).starts_with("bps_"));
    let (status, page) = html(&stripe, &session).await;
    assert_eq!(status, 200);
    for part in [
        "Stock photos",
        "Renews on",
        "Cancel subscription",
        "https://shop.example/account?tab=subscriptions",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let path = format!("/v1/subscriptions/{}", id(&subscription));
    assert_eq!(
        press(&stripe, &session, "cancel", &id(&subscription)).await,
        303
    );
    let now = stripe.get(&path, &[]).await.ok();
    // In flexible billing mode, the portal names a time.
    assert_eq!(
        (&now["status"], &now["cancel_at_period_end"]),
        (&json!("active"), &json!(false))
    );
    let end = &now["items"]["data"][0]["current_period_end"];
    assert_eq!(&now["cancel_at"], end);
    let (_, page) = html(&stripe, &session).await;
    assert!(page.contains("Ends on") && page.contains("Don’t cancel"));
    assert_eq!(
        press(&stripe, &session, "keep", &id(&subscription)).await,
        303
    );
    assert_eq!(stripe.get(&path, &[]).await.ok()["cancel_at"], Value::Null);
    assert_eq!(
        press(&stripe, &session, "shrug", &id(&subscription)).await,
        400
    );
    stripe.delete(&path).await.ok();
    let (_, page) = html(&stripe, &session).await;
    assert!(page.contains("You have no subscriptions."));
    let updates = stripe.events().await;
    assert!(
        updates
            .iter()
            .filter(|event| *event == "customer.subscription.updated")
            .count()
            >= 2
    );
}

#[tokio::test]
async fn the_portal_sets_the_flag_in_classic_billing_mode() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let classic = [("billing_mode[type]", "classic")];
    let subscription = id(&stripe.subscribe(&shopper, &classic).await.ok());
    let session = session(&stripe, &shopper).await;
    let path = format!("/v1/subscriptions/{subscription}");
    for (action, ends) in [("cancel", true), ("keep", false)] {
        assert_eq!(press(&stripe, &session, action, &subscription).await, 303);
        let now = stripe.get(&path, &[]).await.ok();
        assert_eq!(now["cancel_at_period_end"], ends);
        assert_eq!(now["cancel_at"].is_null(), !ends);
    }
}

#[tokio::test]
async fn a_session_shows_and_changes_only_what_is_its_customers() {
    let stripe = Stripe::start().await;
    let (one, other) = (stripe.shopper().await, stripe.shopper().await);
    let foreign = stripe.subscribe(&other, &[]).await.ok();
    let session = session(&stripe, &one).await;
    assert!(!html(&stripe, &session).await.1.contains(&id(&foreign)));
    assert_eq!(press(&stripe, &session, "cancel", &id(&foreign)).await, 409);
    let path = format!("/v1/subscriptions/{}", id(&foreign));
    assert_eq!(
        stripe.get(&path, &[]).await.ok()["cancel_at_period_end"],
        false
    );
}

#[tokio::test]
async fn a_session_does_not_last() {
    let stripe = Stripe::start().await;
    let shopper = stripe.shopper().await;
    let session = session(&stripe, &shopper).await;
    stripe.control("/clock", json!({"advance": 3601})).await;
    assert_eq!(html(&stripe, &session).await.0, 404);
    let guessed = json!({"url": stripe.url("/p/session/test_guessed")});
    assert_eq!(html(&stripe, &guessed).await.0, 404);
}

#[tokio::test]
async fn a_session_needs_a_customer_and_an_address_to_return_to() {
    let stripe = Stripe::start().await;
    let path = "/v1/billing_portal/sessions";
    assert_eq!(
        stripe.post(path, &[]).await.refusal(),
        (400, Some("parameter_missing"))
    );
    let nobody = stripe.post(path, &[("customer", "cus_none")]).await;
    assert_eq!(nobody.refusal(), (400, Some("resource_missing")));
    let customer = stripe.id("/v1/customers", &[]).await;
    let params = [("customer", &*customer), ("return_url", "account")];
    assert_eq!(
        stripe.post(path, &params).await.refusal(),
        (400, Some("url_invalid"))
    );
    let params = [("customer", &*customer), ("configuration", "bpc_1")];
    assert_eq!(
        stripe.post(path, &params).await.refusal(),
        (400, Some("resource_missing"))
    );
}
