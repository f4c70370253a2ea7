//! P4: pay now, save for later.

use perennial_tests::TestApp;
use serde_json::{Value, json};

use super::{ShopServer, confirm, text};

/// The options of Stripe.js, without what differs each time.
fn options(started: &Value) -> String {
    let mut shown =
        json!({"elements": started["elements"], "express_checkout": started["express_checkout"]});
    if let Some(request) = shown
        .pointer_mut("/express_checkout/applePay")
        .and_then(Value::as_object_mut)
        .and_then(|apple_pay| apple_pay.values_mut().next())
    {
        let link = text(&request["managementURL"]).to_owned();
        assert!(link.contains("/manage?link="), "{link}");
        request["managementURL"] = "[link]".into();
    }
    serde_json::to_string_pretty(&shown).unwrap()
}

#[tokio::test]
async fn a_shopper_pays_in_the_page_and_the_method_is_saved_for_later() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 1999, "currency": "usd", "wallet": "apple_pay", "save": true,
        "usage": "unscheduled", "description": "Order 7"});
    let started = server.pay("order-7", &body).await.expect(201).json();
    assert_eq!(started["status"], "requires_payment_method");
    assert_eq!(started["wallet"], "apple_pay");
    assert_eq!(started["usage"], "unscheduled");
    assert_eq!(started["capture"], "automatic");
    assert_eq!(started["increment"], json!({"available": false}));
    let at_stripe = app.stripe.objects("payment_intent").await;
    assert_eq!(at_stripe[0]["description"], "Order 7");
    assert!(text(&started["client_secret"]).starts_with(text(&started["id"])));
    insta::assert_snapshot!(options(&started), @r#"
    {
      "elements": {
        "allowedPaymentMethodTypes": [
          "card"
        ],
        "amount": 1999,
        "currency": "usd",
        "mode": "payment",
        "setupFutureUsage": "off_session"
      },
      "express_checkout": {
        "paymentMethods": {
          "amazonPay": "never",
          "applePay": "always",
          "googlePay": "never",
          "klarna": "never",
          "link": "never",
          "paypal": "never"
        }
      }
    }
    "#);

    let paid = confirm(&app, &started, json!({})).await;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let known = server.payment(text(&started["id"])).await;
    assert_eq!(known["status"], "succeeded");
    assert_eq!(known["amount_received"], 1999);
    assert_eq!(known["failure"], Value::Null);
    assert!(known.get("client_secret").is_none(), "{known}");
    let again = server.pay("order-7", &body).await.expect(200).json();
    assert_eq!(again["status"], "succeeded");
    assert!(again.get("client_secret").is_none(), "{again}");

    let method = text(&known["payment_method"]);
    let later = server
        .pay("order-8", &super::charge("alice", method, 700))
        .await;
    assert_eq!(later.expect(201).json()["status"], "succeeded");
    app.quiet().await;
}

#[tokio::test]
async fn a_payment_that_saves_nothing_leaves_nothing_to_charge() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 1999, "currency": "usd", "wallet": "apple_pay"});
    let started = server.pay("order-7", &body).await.expect(201).json();
    assert!(started["elements"].get("setupFutureUsage").is_none());
    let paid = confirm(&app, &started, json!({})).await;
    assert_eq!(paid["status"], "succeeded");
    let method = text(&paid["payment_method"]);
    let refused = server
        .pay("order-8", &super::charge("alice", method, 700))
        .await;
    assert_eq!(refused.expect_error(404), "unknown_payment_method");
    app.quiet().await;
}

#[tokio::test]
async fn apples_sheet_is_told_of_a_deferred_payment() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 24_000, "currency": "eur", "wallet": "apple_pay", "capture": "manual",
        "kind": "deferred", "apple_pay": {"label": "Two nights", "date": "2999-06-01T12:00:00Z",
            "free_cancellation": {"until": "2999-05-25T12:00:00Z", "time_zone": "Europe/Dublin"},
            "agreement": "You pay on arrival."}});
    let started = server.pay("stay-1", &body).await.expect(201).json();
    insta::assert_snapshot!(options(&started), @r#"
    {
      "elements": {
        "allowedPaymentMethodTypes": [
          "card"
        ],
        "amount": 24000,
        "captureMethod": "manual",
        "currency": "eur",
        "mode": "payment"
      },
      "express_checkout": {
        "applePay": {
          "deferredPaymentRequest": {
            "billingAgreement": "You pay on arrival.",
            "deferredBilling": {
              "amount": 24000,
              "deferredPaymentDate": "2999-06-01T12:00:00Z",
              "label": "Two nights"
            },
            "freeCancellationDate": "2999-05-25T12:00:00Z",
            "freeCancellationDateTimeZone": "Europe/Dublin",
            "managementURL": "[link]",
            "paymentDescription": "Two nights"
          }
        },
        "paymentMethods": {
          "amazonPay": "never",
          "applePay": "always",
          "googlePay": "never",
          "klarna": "never",
          "link": "never",
          "paypal": "never"
        }
      }
    }
    "#);
}

#[tokio::test]
async fn apples_sheet_is_told_of_a_balance_that_fills_itself_up() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let body = json!({"user": "alice", "amount": 2000, "currency": "usd", "wallet": "apple_pay", "save": true,
        "usage": "unscheduled", "kind": "reload", "apple_pay": {"label": "Transit card", "threshold": 500}});
    let started = server.pay("card-1", &body).await.expect(201).json();
    insta::assert_snapshot!(options(&started), @r#"
    {
      "elements": {
        "allowedPaymentMethodTypes": [
          "card"
        ],
        "amount": 2000,
        "currency": "usd",
        "mode": "payment",
        "setupFutureUsage": "off_session"
      },
      "express_checkout": {
        "applePay": {
          "automaticReloadPaymentRequest": {
            "automaticReloadBilling": {
              "amount": 2000,
              "automaticReloadPaymentThresholdAmount": 500,
              "label": "Transit card"
            },
            "managementURL": "[link]",
            "paymentDescription": "Transit card"
          }
        },
        "paymentMethods": {
          "amazonPay": "never",
          "applePay": "always",
          "googlePay": "never",
          "klarna": "never",
          "link": "never",
          "paypal": "never"
        }
      }
    }
    "#);
}

#[tokio::test]
async fn what_apples_sheet_cannot_show_is_refused_before_there_is_a_payment() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    let payment =
        json!({"user": "alice", "amount": 2000, "currency": "usd", "wallet": "apple_pay"});
    for (changes, code, says) in [
        (
            json!({"kind": "deferred", "save": true}),
            "missing_field",
            "apple_pay",
        ),
        (
            json!({"kind": "reload", "save": true}),
            "missing_field",
            "apple_pay",
        ),
        (
            json!({"kind": "deferred", "save": true, "apple_pay": {"label": "Stay", "date": "2020-01-01T00:00:00Z"}}),
            "invalid_apple_pay",
            "future",
        ),
        (
            json!({"kind": "deferred", "save": true, "apple_pay": {"label": "Stay", "date": "9999-12-31T23:59:59-23:59"}}),
            "invalid_field",
            "9999",
        ),
        (
            json!({"kind": "deferred", "save": true, "apple_pay": {"label": "Stay", "date": "2999-01-01T00:00:00Z", "color": 1}}),
            "unknown_field",
            "color",
        ),
        (
            json!({"kind": "deferred", "apple_pay": {"label": "Stay", "date": "2999-01-01T00:00:00Z"}}),
            "save_required",
            "manual",
        ),
        (
            json!({"kind": "reload", "apple_pay": {"label": "Card", "threshold": 1}}),
            "save_required",
            "save",
        ),
        (
            json!({"apple_pay": {"label": "Card", "threshold": 1}}),
            "conflicting_fields",
            "kind",
        ),
    ] {
        let mut body = payment.clone();
        let fields = body.as_object_mut().unwrap();
        fields.extend(changes.as_object().unwrap().clone());
        let refused = server.pay("order-1", &body).await;
        assert_eq!(refused.expect_error(400), code, "{changes}");
        assert!(refused.text.contains(says), "{}", refused.text);
    }
    assert!(app.stripe.objects("payment_intent").await.is_empty());
}

#[tokio::test]
async fn an_account_without_cards_cannot_be_paid_with_apple_pay() {
    let app = TestApp::start().await;
    let server = ShopServer::of(&app);
    app.stripe.set_account(json!({"card": false})).await;
    let body = json!({"user": "alice", "amount": 2000, "currency": "usd", "wallet": "apple_pay"});
    let refused = server.pay("order-1", &body).await;
    assert_eq!(refused.expect_error(502), "wallet_not_enabled");
}
