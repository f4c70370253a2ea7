//! Payments, their charges and the history of a method, as Stripe writes them.

use perennial_stripe::{
    Charge, ChargeStatus, PaymentIntent, PaymentIntentStatus, SetupRecord, StripeError,
};
use serde_json::{Value, json};

use crate::support::{client, create_customer, error, server};

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap()
}

#[test]
fn a_payment_that_is_held_says_whether_it_can_be_raised() {
    let payment = |status: &str| -> PaymentIntent {
        read(&json!({
            "id": "pi_1", "object": "payment_intent", "status": "requires_capture",
            "amount": 1999, "amount_capturable": 1999, "amount_received": 0, "currency": "usd",
            "customer": "cus_1", "capture_method": "manual", "setup_future_usage": "off_session",
            "client_secret": "pi_1_secret_Abc", "payment_method_types": ["card"],
            "payment_method": {"id": "pm_1", "type": "card", "card": {"wallet": {"type": "apple_pay"}}},
            "payment_method_options": {"card": {"setup_credential_usage": "recurring", "request_three_d_secure": "automatic"}},
            "latest_charge": {"id": "ch_1", "status": "succeeded", "amount": 1999, "amount_refunded": 0,
                "payment_method_details": {"type": "card", "card": {"incremental_authorization": {"status": status}}}},
            "metadata": {"perennial_request": "abc"}
        }))
    };
    let held = payment("available");
    assert_eq!(held.status, PaymentIntentStatus::RequiresCapture);
    assert_eq!(held.amount_capturable, 1999);
    assert!(held.charge().unwrap().can_be_incremented());
    let options = held.card_options().unwrap();
    assert_eq!(options.setup_credential_usage.as_deref(), Some("recurring"));
    assert!(
        !payment("unavailable")
            .charge()
            .unwrap()
            .can_be_incremented()
    );
    assert!(!format!("{held:?}").contains("Abc"));
}

#[test]
fn a_failed_payment_still_tells_its_method() {
    let failed: PaymentIntent = read(&json!({
        "id": "pi_1", "status": "requires_payment_method", "amount": 1, "currency": "usd",
        "payment_method": null, "latest_charge": "ch_1", "payment_method_options": null,
        "last_payment_error": {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
            "advice_code": "try_again_later", "payment_method": {"id": "pm_1", "type": "card", "card": {"last4": "4242"}}}
    }));
    assert!(failed.payment_method_id().is_none() && failed.charge().is_none());
    assert_eq!(failed.tried_method_id().unwrap().as_str(), "pm_1");
    let error = failed.last_payment_error.unwrap();
    assert_eq!(error.advice_code.as_deref(), Some("try_again_later"));
    assert!(!format!("{error:?}").contains("4242"));
}

#[test]
fn a_failed_setup_still_tells_its_method() {
    let by_attempt: SetupRecord = read(&json!({
        "id": "seti_1", "status": "requires_payment_method", "payment_method": null, "created": 5,
        "latest_attempt": {"id": "setatt_1", "status": "failed", "payment_method": "pm_1", "created": 7,
            "setup_error": {"code": "card_declined", "decline_code": "generic_decline"}}
    }));
    assert_eq!(by_attempt.payment_method_id().unwrap().as_str(), "pm_1");
    let by_error: SetupRecord = read(&json!({
        "id": "seti_1", "status": "requires_payment_method", "latest_attempt": "setatt_1",
        "last_setup_error": {"code": "card_declined", "payment_method": {"id": "pm_2"}}
    }));
    assert_eq!(by_error.payment_method_id().unwrap().as_str(), "pm_2");
}

#[test]
fn what_was_held_and_let_go_is_not_given_back() {
    for (captured, refunded, expected) in [
        (1000, 0, 0),
        (1000, 400, 400),
        (600, 400, 0),
        (600, 500, 100),
        (0, 1000, 0),
    ] {
        let charge: Charge = read(&json!({
            "id": "ch_1", "status": "succeeded", "amount": 1000, "amount_captured": captured,
            "amount_refunded": refunded
        }));
        assert_eq!(charge.given_back(), expected, "{captured} {refunded}");
    }
}

#[test]
fn a_refused_charge_tells_why() {
    let charge: Charge = read(&json!({
        "id": "ch_1", "status": "failed", "amount": 500, "currency": "usd", "created": 9, "payment_intent": "pi_1",
        "payment_method": "pm_1", "failure_code": "card_declined",
        "outcome": {"type": "issuer_declined", "reason": "do_not_honor", "advice_code": "do_not_try_again"}
    }));
    assert_eq!(charge.status, ChargeStatus::Failed);
    let outcome = charge.outcome.unwrap();
    assert_eq!(outcome.reason.as_deref(), Some("do_not_honor"));
    assert_eq!(outcome.advice_code.as_deref(), Some("do_not_try_again"));
}

#[tokio::test]
async fn a_decline_names_the_payment_that_exists_nevertheless_and_not_its_secret() {
    for (member, id, expected) in [
        ("payment_intent", "pi_1", Some("pi_1")),
        ("setup_intent", "seti_1", Some("seti_1")),
        ("payment_intent", "pi_1_secret_Abc", None),
        ("payment_intent", "../v1/refunds", None),
    ] {
        let answer = error(
            402,
            &json!({"type": "card_error", "code": "card_declined",
                member: {"id": id, "client_secret": "pi_1_secret_Abc"}}),
        );
        let server = server([answer]).await;
        let declined = client(&server.uri())
            .create_customer(&create_customer())
            .await
            .unwrap_err();
        let StripeError::Declined { intent, .. } = &declined else {
            panic!("{declined:?}")
        };
        assert_eq!(intent.as_deref(), expected);
        assert!(!format!("{declined:?}").contains("Abc"));
    }
}
