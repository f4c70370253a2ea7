//! Objects are read as they are, as they were, and as they may become.

use perennial_stripe::{
    Customer, Invoice, List, Period, SetupIntent, SetupIntentStatus, Subscription, WebhookEndpoint,
};
use perennial_types::{InvoiceStatus, SubscriptionStatus, Wallet};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_slice(value.to_string().as_bytes()).unwrap()
}

fn subscription(changes: &Value) -> Value {
    let mut subscription = json!({
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "customer": "cus_1",
        "created": 1_700_000_000,
        "livemode": false,
        "metadata": {"perennial_attempt": "chk_1"},
        "items": {"object": "list", "has_more": false, "data": [{
            "id": "si_1",
            "quantity": 1,
            "price": {"id": "price_1", "currency": "usd", "unit_amount": 1500,
                      "recurring": {"interval": "month", "interval_count": 1}},
            "current_period_start": 1_700_000_000,
            "current_period_end": 1_702_592_000
        }]},
        "default_payment_method": "pm_1",
        "latest_invoice": "in_1",
        "pending_setup_intent": null,
        "trial_end": null
    });
    let fields = subscription.as_object_mut().unwrap();
    fields.extend(changes.as_object().unwrap().clone());
    subscription
}

#[test]
fn a_setup_intent_with_its_method_is_read() {
    let seti: SetupIntent = read(&json!({
        "id": "seti_1",
        "object": "setup_intent",
        "status": "succeeded",
        "customer": "cus_1",
        "client_secret": "seti_1_secret_Abc",
        "payment_method": {"id": "pm_1", "type": "card", "customer": {"id": "cus_1", "email": "a@b.example"},
                           "card": {"last4": "4242", "wallet": {"type": "apple_pay", "apple_pay": {}}}},
        "payment_method_types": ["card"],
        "metadata": {"perennial_user": "alice"},
        "latest_attempt": {"id": "setatt_1"},
        "mandate": "mandate_1",
        "created": 1,
        "livemode": true
    }));
    assert_eq!(seti.status, SetupIntentStatus::Succeeded);
    assert_eq!(seti.customer_id().unwrap().as_str(), "cus_1");
    assert_eq!(seti.payment_method_id().unwrap().as_str(), "pm_1");
    let method = seti.payment_method.as_ref().unwrap().object().unwrap();
    assert_eq!(
        (method.kind.as_str(), method.card_wallet()),
        ("card", Some("apple_pay"))
    );
    assert_eq!(method.customer_id().unwrap().as_str(), "cus_1");
    assert_eq!(seti.latest_attempt.as_deref(), Some("setatt_1"));
    assert_eq!(seti.mandate.as_deref(), Some("mandate_1"));
    assert_eq!(
        seti.client_secret.as_ref().unwrap().expose_secret(),
        "seti_1_secret_Abc"
    );
    let shown = format!("{seti:?}");
    assert!(
        !shown.contains("Abc") && !shown.contains("4242") && !shown.contains("a@b"),
        "{shown}"
    );
}

#[test]
fn a_shopper_who_is_away_and_one_who_was_refused_are_read() {
    let away: SetupIntent = read(&json!({
        "id": "seti_1",
        "status": "requires_action",
        "client_secret": null,
        "payment_method": "pm_1",
        "payment_method_types": ["amazon_pay"],
        "next_action": {"type": "redirect_to_url", "redirect_to_url":
            {"url": "https://pay.example/?client_secret=src_secret_1", "return_url": "https://shop.example/"}}
    }));
    assert_eq!(
        away.redirect_url(),
        Some("https://pay.example/?client_secret=src_secret_1")
    );
    assert!(!format!("{away:?}").contains("src_secret_1"));

    let refused: SetupIntent = read(&json!({
        "id": "seti_1",
        "status": "requires_payment_method",
        "last_setup_error": {"type": "invalid_request_error", "code": "setup_attempt_failed",
                             "decline_code": null, "message": "No: seti_1_secret_Abc"}
    }));
    let error = refused.last_setup_error.unwrap();
    assert_eq!(error.code.as_deref(), Some("setup_attempt_failed"));
    assert_eq!(error.message.as_deref(), Some("No: [redacted]"));
}

#[test]
fn a_wallet_that_the_account_lacks_is_missing_from_the_answer() {
    let seti: SetupIntent = read(&json!({
        "id": "seti_1", "status": "requires_payment_method", "payment_method_types": ["card"]
    }));
    assert!(seti.offers(Wallet::ApplePay));
    assert!(!seti.offers(Wallet::AmazonPay));
}

#[test]
fn a_subscription_with_its_invoice_is_read() {
    let sub: Subscription = read(&subscription(&json!({
        "latest_invoice": {"id": "in_1", "status": "paid", "amount_due": 1500, "amount_paid": 1500,
                           "currency": "usd", "billing_reason": "subscription_create"},
        "pending_setup_intent": "seti_2",
        "cancel_at_period_end": true
    })));
    assert_eq!(sub.status, SubscriptionStatus::Active);
    assert_eq!(sub.customer_id().as_str(), "cus_1");
    let item = sub.items.data.first().unwrap();
    assert_eq!(item.price_id().unwrap().as_str(), "price_1");
    assert_eq!(sub.payment_method_id().unwrap().as_str(), "pm_1");
    assert_eq!(sub.pending_setup_intent_id().unwrap().as_str(), "seti_2");
    assert_eq!(sub.latest_invoice_status(), Some(&InvoiceStatus::Paid));
    assert_eq!(
        sub.period_of(Some(item)),
        Some(Period {
            start: 1_700_000_000,
            end: 1_702_592_000
        })
    );
    assert!(sub.cancel_at_period_end);
    assert_eq!(sub.metadata["perennial_attempt"], "chk_1");
}

#[test]
fn the_period_of_the_old_shape_is_found() {
    let sub: Subscription = read(&subscription(&json!({
        "current_period_start": 5,
        "current_period_end": 6,
        "items": {"data": [{"id": "si_1", "price": {"id": "price_1"}}]}
    })));
    let period = sub.period_of(sub.items.data.first());
    assert_eq!(period, Some(Period { start: 5, end: 6 }));
}

#[test]
fn an_end_is_found_in_either_field_and_the_earlier_one_counts() {
    // The item's period ends at 1702592000.
    for (fields, expected) in [
        (json!({}), None),
        (json!({"cancel_at_period_end": true}), Some(1_702_592_000)),
        // As the customer portal does in flexible billing mode.
        (json!({"cancel_at": 1_702_592_000}), Some(1_702_592_000)),
        (json!({"cancel_at": 1_701_000_000}), Some(1_701_000_000)),
        (json!({"cancel_at": 1_710_000_000}), Some(1_710_000_000)),
        (
            json!({"cancel_at": 1_701_000_000, "cancel_at_period_end": true}),
            Some(1_701_000_000),
        ),
        (
            json!({"ended_at": 1_700_500_000, "cancel_at": 1_702_592_000, "status": "canceled"}),
            Some(1_700_500_000),
        ),
    ] {
        let sub: Subscription = read(&subscription(&fields));
        assert_eq!(sub.ends_at(), expected, "{fields}");
    }
}

#[test]
fn an_item_of_quantity_0_is_not_charged() {
    for (quantity, charged) in [(json!(0), false), (json!(2), true), (json!(null), true)] {
        let sub: Subscription = read(&subscription(&json!({
            "items": {"data": [{"id": "si_1", "price": {"id": "price_1"}, "quantity": quantity}]}
        })));
        let item = sub.items.data.first().unwrap();
        assert_eq!(item.is_charged(), charged, "{quantity}");
    }
}

#[test]
fn what_paused_a_subscription_is_read() {
    let paused = json!({"type": "subscription", "transitioned_at": 5,
                        "subscription": {"type": "first_payment_failure"}});
    let sub: Subscription = read(&subscription(&json!({
        "status": "paused", "status_details": {"paused": paused}
    })));
    assert_eq!(sub.paused_by(), Some("first_payment_failure"));
    // Before 2026-09-30.endive there were no details, and later ones may have another shape.
    for details in [json!(null), json!({"paused": 5})] {
        let sub: Subscription = read(&subscription(&json!({
            "status": "paused", "status_details": details
        })));
        assert_eq!(sub.paused_by(), None);
        assert_eq!(sub.paused_at(), None);
    }
}

#[test]
fn an_invoice_that_has_to_be_paid_before_a_pause_ends_is_found() {
    let paused = json!({"type": "subscription", "transitioned_at": 50,
                        "subscription": {"type": "pause_requested"}});
    let of = |status: &str, invoice: &str, created: i64| {
        let sub: Subscription = read(&subscription(&json!({
            "status": status, "status_details": {"paused": paused},
            "latest_invoice": {"id": "in_1", "status": invoice, "created": created},
        })));
        sub.resumption_invoice().map(|it| it.id.clone())
    };
    assert_eq!(of("paused", "open", 50).as_deref(), Some("in_1"));
    // That of a renewal before it is another debt.
    assert_eq!(of("paused", "open", 49), None);
    assert_eq!(of("paused", "void", 60), None);
    assert_eq!(of("active", "open", 60), None);
}

#[test]
fn what_does_not_say_its_billing_mode_is_taken_for_the_older_one() {
    for (mode, classic) in [
        (json!({"type": "flexible", "flexible": {}}), false),
        (json!({"type": "classic"}), true),
        (json!(null), true),
    ] {
        let sub: Subscription = read(&subscription(&json!({ "billing_mode": mode })));
        assert_eq!(sub.is_classic(), classic, "{mode}");
    }
}

#[test]
fn an_invoice_is_outstanding_while_stripe_collects_it() {
    for (fields, expected) in [
        (json!({"status": "open"}), true),
        (json!({"status": "draft", "auto_advance": true}), true),
        (json!({"status": "draft", "auto_advance": false}), false),
        (json!({"status": "open", "billing_reason": "manual"}), false),
        (json!({"status": "paid"}), false),
        (json!({"status": "void"}), false),
        (json!({"status": "uncollectible"}), false),
    ] {
        let mut invoice = json!({"id": "in_1", "billing_reason": "subscription_cycle"});
        for (name, value) in fields.as_object().unwrap() {
            invoice[name] = value.clone();
        }
        let invoice: Invoice = read(&invoice);
        assert_eq!(invoice.is_outstanding(), expected, "{fields}");
    }
}

#[test]
fn the_price_of_an_invoice_is_that_of_its_first_line() {
    let line = |price: &str| json!({"pricing": {"price_details": {"price": price, "product": "prod_1"}, "type": "price_details"}});
    let invoice: Invoice = read(&json!({
        "id": "in_1", "lines": {"data": [line("price_1"), line("price_2")]}
    }));
    assert_eq!(invoice.first_price().unwrap().as_str(), "price_1");
    for lines in [
        json!(null),
        json!({"data": []}),
        json!({"data": [{"pricing": null}]}),
        json!({"data": [line("gold")]}),
    ] {
        let invoice: Invoice = read(&json!({"id": "in_1", "lines": lines}));
        assert!(invoice.first_price().is_none());
    }
}

#[test]
fn what_perennial_never_creates_does_not_hide_a_subscription() {
    let sub: Subscription = read(&subscription(&json!({
        "status": "frozen_by_a_later_version",
        "default_payment_method": "card_1",
        "items": {"data": [{"id": "si_1", "price": {"id": "gold-plan"}}]},
        "metadata": null,
        "new_field": {"deep": [1]}
    })));
    assert_eq!(sub.status.as_str(), "frozen_by_a_later_version");
    assert!(sub.payment_method_id().is_none());
    let item = sub.items.data.first();
    assert!(item.unwrap().price_id().is_none());
    assert!(sub.period_of(item).is_none());
}

#[test]
fn an_object_of_another_kind_is_not_taken_for_ours() {
    let other = subscription(&json!({"id": "si_1"})).to_string();
    assert!(serde_json::from_str::<Subscription>(&other).is_err());
    assert!(serde_json::from_str::<SetupIntent>(r#"{"id":"pi_1","status":"succeeded"}"#).is_err());
}

#[test]
fn a_deleted_customer_is_only_an_id() {
    let customer: Customer = read(&json!({"id": "cus_1", "object": "customer", "deleted": true}));
    assert!(customer.deleted);
    let customers: List<Customer> = read(&json!({
        "object": "list", "has_more": true,
        "data": [{"id": "cus_2", "email": "a@b.example", "created": 9, "metadata": {"perennial_user": "bob"}}]
    }));
    assert!(customers.has_more);
    assert_eq!(customers.data[0].metadata["perennial_user"], "bob");
    assert!(!format!("{customers:?}").contains("a@b"));
}

#[test]
fn the_secret_of_a_webhook_endpoint_is_not_shown() {
    let endpoint: WebhookEndpoint = read(&json!({
        "id": "we_1", "url": "https://api.example/", "enabled_events": ["*"], "secret": "whsec_Abc",
        "api_version": null
    }));
    assert!(!format!("{endpoint:?}").contains("Abc"));
    assert_eq!(endpoint.secret.unwrap().expose_secret(), "whsec_Abc");
}
