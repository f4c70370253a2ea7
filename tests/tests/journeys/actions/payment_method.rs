//! A subscriber whose payment has failed gives another payment method, and what is open is paid with it.

use serde_json::{Value, json};

use super::Subscriber;
use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";

pub(super) async fn open(it: &Subscriber, wallet: &str) -> Value {
    let body = json!({"wallet": wallet});
    it.asks("payment-method", &body).await.expect(201).json()
}

async fn finish(it: &Subscriber, opened: &Value) -> Value {
    let body = json!({"setup_intent": opened["setup_intent"]});
    it.asks("payment-method/finish", &body)
        .await
        .expect(200)
        .json()
}

/// The renewal is declined, which Amazon Pay never tries again.
pub(super) async fn past_due() -> Subscriber {
    let it = Subscriber::of(MONTHLY).await;
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    it.app.pass_days(32).await;
    let mine = it.mine().await;
    assert_eq!(mine["status"], "past_due", "{mine}");
    assert_eq!(mine["payment"]["state"], "method_required");
    assert_eq!(mine["actions"]["replace_payment_method"]["open"], true);
    it
}

fn paid(charges: &[Value]) -> usize {
    charges
        .iter()
        .filter(|charge| charge["status"] == "succeeded")
        .count()
}

#[tokio::test]
async fn another_amazon_pay_pays_what_is_open_at_once() {
    let it = past_due().await;
    let before = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    let opened = open(&it, "amazon_pay").await;
    assert!(text(&opened["return_url"]).contains(&it.id), "{opened}");
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let done = finish(&it, &opened).await;
    assert_eq!(done["status"], "replaced", "{done}");
    assert_eq!(done["invoices"]["status"], "paid");
    assert_eq!(done["subscription"]["status"], "active");
    assert_eq!(done["subscription"]["payment"]["state"], "ok");
    let after = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    assert_ne!(before, after);
    let old = it
        .app
        .stripe
        .api("GET", &format!("/v1/payment_methods/{before}"), &[])
        .await;
    assert_eq!(old["customer"], Value::Null, "nothing uses it any more");
    assert_eq!(paid(&it.app.stripe.objects("charge").await), 2);
    it.app.quiet().await;
    let again = finish(&it, &opened).await;
    assert_eq!(again["status"], "replaced");
    assert_eq!(paid(&it.app.stripe.objects("charge").await), 2, "once");
    it.app.pass_days(31).await;
    assert_eq!(
        paid(&it.app.stripe.objects("charge").await),
        3,
        "the next renewal"
    );
    let told = it.told().await;
    for kind in [
        "subscription.activated",
        "subscription.payment_method_changed",
    ] {
        let times = told.iter().filter(|it| *it == kind).count();
        assert_eq!(times, 1, "{kind}: {told:?}");
    }
}

#[tokio::test]
async fn the_worker_finishes_what_the_page_does_not_come_back_for() {
    let it = past_due().await;
    let opened = open(&it, "amazon_pay").await;
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    it.app.quiet().await;
    let mine = it.mine().await;
    assert_eq!(mine["status"], "active", "{mine}");
    assert_eq!(paid(&it.app.stripe.objects("charge").await), 2);
}

#[tokio::test]
async fn apple_pay_takes_the_place_of_amazon_pay() {
    let it = past_due().await;
    let opened = open(&it, "apple_pay").await;
    it.alice.approve_apple_pay(&opened).await;
    let done = finish(&it, &opened).await;
    assert_eq!(done["invoices"]["status"], "paid", "{done}");
    assert_eq!(done["subscription"]["wallet"], "apple_pay");
    it.app.pass_days(31).await;
    assert_eq!(it.mine().await["status"], "active");
}

#[tokio::test]
async fn a_new_method_that_is_declined_too_says_so() {
    let it = past_due().await;
    let opened = open(&it, "amazon_pay").await;
    it.app.stripe.hold_webhooks().await;
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let setup = format!("/v1/setup_intents/{}", text(&opened["setup_intent"]));
    let method = text(&it.app.stripe.api("GET", &setup, &[]).await["payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    let done = finish(&it, &opened).await;
    assert_eq!(done["status"], "replaced", "{done}");
    assert_eq!(done["invoices"]["status"], "declined");
    assert_eq!(done["subscription"]["status"], "past_due");
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    assert_eq!(paid(&it.app.stripe.objects("charge").await), 1);
}

#[tokio::test]
async fn who_has_not_confirmed_has_changed_nothing() {
    let it = Subscriber::of(MONTHLY).await;
    let before = it.at_stripe().await["default_payment_method"].clone();
    let opened = open(&it, "amazon_pay").await;
    assert_eq!(finish(&it, &opened).await["status"], "not_confirmed");
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "decline").await;
    assert_eq!(finish(&it, &opened).await["status"], "not_confirmed");
    assert_eq!(it.at_stripe().await["default_payment_method"], before);
}

#[tokio::test]
async fn a_subscriber_who_owes_nothing_may_change_the_method() {
    let it = Subscriber::of(MONTHLY).await;
    let opened = open(&it, "amazon_pay").await;
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let done = finish(&it, &opened).await;
    assert_eq!(done["invoices"]["status"], "nothing_due", "{done}");
    it.app.quiet().await;
    let again = finish(&it, &opened).await;
    assert_eq!(again["invoices"], done["invoices"], "as at first");
    assert_eq!(paid(&it.app.stripe.objects("charge").await), 1);
}

/// The shop has sold another subscription by other means, which is charged to the same method or to the
/// customer's default, as one is whose shopper has chosen a default in Stripe's portal.
#[tokio::test]
async fn a_method_that_another_subscription_is_charged_to_is_kept() {
    for by_default in [false, true] {
        let mut it = Subscriber::of(MONTHLY).await;
        it.app.sells_groups(2);
        let stripe = &it.app.stripe;
        let mine = it.at_stripe().await;
        let method = text(&mine["default_payment_method"]).to_owned();
        let customer = text(&mine["customer"]);
        let price = text(&mine["items"]["data"][0]["price"]["id"]);
        let mut form = vec![("customer", customer), ("items[0][price]", price)];
        if by_default {
            let path = format!("/v1/customers/{customer}");
            let default = [("invoice_settings[default_payment_method]", &*method)];
            stripe.api("POST", &path, &default).await;
        } else {
            form.push(("default_payment_method", &method));
        }
        let other = stripe.api("POST", "/v1/subscriptions", &form).await;
        assert_eq!(other["status"], "active", "{other}");
        it.app.quiet().await;
        let opened = open(&it, "amazon_pay").await;
        it.alice.go_to_wallet(&opened).await;
        it.alice.answer_open_wallet(&opened, "approve").await;
        assert_eq!(finish(&it, &opened).await["status"], "replaced");
        assert_ne!(it.at_stripe().await["default_payment_method"], *method);
        let path = format!("/v1/payment_methods/{method}");
        let kept = stripe.api("GET", &path, &[]).await;
        assert_eq!(kept["customer"], customer, "{by_default}");
    }
}

#[tokio::test]
async fn a_server_confirms_amazon_pay_alone() {
    let it = Subscriber::of(MONTHLY).await;
    let body = json!({"wallet": "amazon_pay", "confirm": "server", "return_to": "/account"});
    let opened = it.asks("payment-method", &body).await.expect(201).json();
    assert!(
        text(&opened["redirect_url"]).starts_with("http"),
        "{opened}"
    );
    it.alice.answer_open_wallet(&opened, "approve").await;
    assert_eq!(finish(&it, &opened).await["status"], "replaced");
    let body = json!({"wallet": "apple_pay", "confirm": "server"});
    let refused = it.asks("payment-method", &body).await;
    assert_eq!(refused.expect_error(400), "confirm_not_supported");
}

#[tokio::test]
async fn what_may_not_be_asked_is_refused() {
    let it = Subscriber::of(MONTHLY).await;
    for (body, status, code) in [
        (json!({"wallet": "gold"}), 400, "unknown_wallet"),
        (json!({"wallet": "google_pay"}), 409, "wallet_not_offered"),
        (
            json!({"wallet": "amazon_pay", "return_to": "//evil"}),
            400,
            "invalid_return_to",
        ),
        (json!({}), 400, "missing_field"),
    ] {
        let answer = it.asks("payment-method", &body).await;
        assert_eq!(answer.expect_error(status), code, "{body}");
    }
    for id in ["seti_unknown", "pi_1", ""] {
        let answer = it
            .asks("payment-method/finish", &json!({"setup_intent": id}))
            .await;
        assert_eq!(answer.expect_error(404), "unknown_setup_intent", "{id}");
    }
    // Of the user's own checkout, and so for no subscription.
    let click = it
        .alice
        .calls
        .client_secret(&json!({"plan": "stock-photos-trial", "wallet": "amazon_pay"}))
        .await;
    click.expect(409);
    let setups = it.app.stripe.objects("setup_intent").await;
    let body = json!({"setup_intent": setups[0]["id"]});
    let answer = it.asks("payment-method/finish", &body).await;
    assert_eq!(answer.expect_error(404), "unknown_setup_intent");
}

#[tokio::test]
async fn tries_are_limited() {
    let it = Subscriber::of(MONTHLY).await;
    for _ in 0..10 {
        open(&it, "amazon_pay").await;
    }
    let answer = it
        .asks("payment-method", &json!({"wallet": "amazon_pay"}))
        .await;
    assert_eq!(answer.expect_error(429), "too_many_tries");
}

#[tokio::test]
async fn stripe_fails_at_each_step_and_what_is_open_is_paid_once() {
    for (path, fault) in [
        ("/v1/subscriptions/*", "severed"),
        ("/v1/invoices/*/pay", "severed"),
        ("/v1/invoices/*/pay", "timeout_before"),
        ("/v1/payment_methods/*/detach", "severed"),
    ] {
        let it = past_due().await;
        let opened = open(&it, "amazon_pay").await;
        it.app.stripe.hold_webhooks().await;
        it.alice.go_to_wallet(&opened).await;
        it.alice.answer_open_wallet(&opened, "approve").await;
        let fault =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let body = json!({"setup_intent": opened["setup_intent"]});
        let lost = it.asks("payment-method/finish", &body).await;
        assert!(lost.status == 503 || lost.status == 200, "{lost:?}");
        it.app.stripe.no_faults().await;
        let done = finish(&it, &opened).await;
        assert_eq!(done["subscription"]["status"], "active", "{path} {done}");
        it.app.stripe.release_webhooks("fifo", 0, 1).await;
        it.app.quiet().await;
        assert_eq!(paid(&it.app.stripe.objects("charge").await), 2, "{path}");
    }
}

#[tokio::test]
async fn five_declines_end_a_setup_intent() {
    let it = Subscriber::of(MONTHLY).await;
    let opened = open(&it, "apple_pay").await;
    for _ in 0..5 {
        let token = it
            .app
            .stripe
            .apple_pay_token(json!({"first": "decline"}))
            .await;
        let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&opened[name]));
        it.app.stripe.confirm_with_token(key, secret, &token).await;
    }
    it.app.quiet().await;
    let setup = format!("/v1/setup_intents/{}", text(&opened["setup_intent"]));
    let setup = it.app.stripe.api("GET", &setup, &[]).await;
    assert_eq!(setup["status"], "canceled", "{setup}");
    let body = json!({"setup_intent": opened["setup_intent"]});
    let answer = it.asks("payment-method/finish", &body).await;
    assert_eq!(answer.expect_error(404), "unknown_setup_intent");
}

#[tokio::test]
async fn a_method_that_was_given_earlier_does_not_replace_a_newer_one() {
    let it = past_due().await;
    it.app.stripe.hold_webhooks().await;
    let first = open(&it, "amazon_pay").await;
    it.alice.go_to_wallet(&first).await;
    it.alice.answer_open_wallet(&first, "approve").await;
    it.app.stripe.advance(10).await;
    let second = open(&it, "amazon_pay").await;
    it.alice.go_to_wallet(&second).await;
    it.alice.answer_open_wallet(&second, "approve").await;
    finish(&it, &second).await;
    let chosen = it.at_stripe().await["default_payment_method"].clone();
    // The page of the first one never came back; its event comes now.
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    assert_eq!(it.at_stripe().await["default_payment_method"], chosen);
    let path = format!("/v1/payment_methods/{}", text(&chosen));
    let kept = it.app.stripe.api("GET", &path, &[]).await;
    assert_ne!(kept["customer"], Value::Null, "{kept}");
    assert_eq!(paid(&it.app.stripe.objects("charge").await), 2, "once");
}

#[tokio::test]
async fn a_method_that_was_taken_away_before_it_was_given_is_refused() {
    let it = past_due().await;
    it.app.stripe.hold_webhooks().await;
    let opened = open(&it, "amazon_pay").await;
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let setup = format!("/v1/setup_intents/{}", text(&opened["setup_intent"]));
    let method = text(&it.app.stripe.api("GET", &setup, &[]).await["payment_method"]).to_owned();
    let path = format!("/v1/payment_methods/{method}/detach");
    it.app.stripe.api("POST", &path, &[]).await;
    let body = json!({"setup_intent": opened["setup_intent"]});
    let refused = it.asks("payment-method/finish", &body).await;
    assert_eq!(refused.expect_error(404), "unknown_setup_intent");
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    let items = it.app.table.items_of("ACTIONS#").await;
    assert!(
        items.iter().all(|item| item.get("due").is_none()),
        "{items:?}"
    );
}
