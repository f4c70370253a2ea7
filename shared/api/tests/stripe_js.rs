//! The options that a page gets. That Stripe.js takes them is for tests/contract to say.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use perennial_api::stripe_js::{
    ApplePay, ApplePayError, Capture, Deferred, Elements, ExpressCheckout, FreeCancellation,
    Reload, TimeZone,
};
use perennial_types::{Consent, Interval, Money, Plan, Timestamp, Wallet};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

/// 2026-11-25T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_795_564_800);
const DAY: i64 = 86_400;

fn plan(interval: Interval, interval_count: u16, trial_days: u32) -> Plan {
    Plan {
        price: "price_1".parse().unwrap(),
        group: "main".parse().unwrap(),
        label: "Stock photos".to_owned(),
        amount: 1500,
        currency: "usd".parse().unwrap(),
        interval,
        interval_count,
        wallets: Vec::new(),
        shopper_pause: None,
        tax: None,
        private: false,
        features: Vec::new(),
        quantity: None,
        addons: std::collections::BTreeMap::new(),
        former_prices: Vec::new(),
        cancel_refund: perennial_types::CancelRefund::None,
        refusal: None,
        trial_days,
        trial_without_payment_method: None,
    }
}

fn management() -> Url {
    "https://api.shop.example/manage?link=v1.a.b"
        .parse()
        .unwrap()
}

fn money() -> Money {
    Money {
        amount: 9900,
        currency: "eur".parse().unwrap(),
    }
}

fn shown(options: &impl Serialize) -> Value {
    serde_json::to_value(options).unwrap()
}

fn recurring(plan: &Plan) -> Value {
    let request = ApplePay::recurring(plan, None, &Consent::default(), &management(), NOW);
    shown(&request)["recurringPaymentRequest"].clone()
}

#[test]
fn a_subscription_with_a_trial_says_when_it_is_charged_first() {
    assert_eq!(
        recurring(&plan(Interval::Month, 1, 14)),
        json!({
            "paymentDescription": "Stock photos",
            "managementURL": "https://api.shop.example/manage?link=v1.a.b",
            "billingAgreement": "By continuing, you allow this shop to charge 15.00 USD every month after 14 free days with Apple Pay, until you cancel.",
            "regularBilling": {
                "amount": 1500,
                "label": "Stock photos",
                "recurringPaymentStartDate": "2026-12-09T00:00:00Z",
                "recurringPaymentIntervalUnit": "month",
                "recurringPaymentIntervalCount": 1,
            },
            "trialBilling": {
                "amount": 0,
                "label": "Free trial",
                "recurringPaymentEndDate": "2026-12-09T00:00:00Z",
            },
        })
    );
}

#[test]
fn a_subscription_without_a_trial_begins_today() {
    let request = recurring(&plan(Interval::Year, 1, 0));
    assert!(request.get("trialBilling").is_none());
    let start = request["regularBilling"].get("recurringPaymentStartDate");
    assert_eq!(start, None);
}

#[test]
fn a_week_is_seven_days() {
    for (interval, count, expected) in [
        (Interval::Day, 3, ("day", 3)),
        (Interval::Week, 1, ("day", 7)),
        (Interval::Week, 36, ("day", 252)),
        (Interval::Month, 6, ("month", 6)),
        (Interval::Year, 2, ("year", 2)),
    ] {
        let regular = &recurring(&plan(interval, count, 0))["regularBilling"];
        let said = (
            regular["recurringPaymentIntervalUnit"].as_str().unwrap(),
            regular["recurringPaymentIntervalCount"].as_i64().unwrap(),
        );
        assert_eq!(said, expected);
    }
}

#[test]
fn elements_say_what_the_intent_will_say() {
    let check = |elements: Elements, expected: Value| assert_eq!(shown(&elements), expected);
    let card = json!(["card"]);
    check(
        Elements::setup(&plan(Interval::Month, 1, 0)),
        json!({"mode": "setup", "currency": "usd", "setupFutureUsage": "off_session", "allowedPaymentMethodTypes": card}),
    );
    for (trial_days, amount) in [(0, 1500), (14, 0)] {
        check(
            Elements::subscription(&plan(Interval::Month, 1, trial_days), None),
            json!({"mode": "subscription", "amount": amount, "currency": "usd", "setupFutureUsage": "off_session", "allowedPaymentMethodTypes": card}),
        );
    }
    check(
        Elements::payment(money(), false, Capture::Automatic),
        json!({"mode": "payment", "amount": 9900, "currency": "eur", "allowedPaymentMethodTypes": card}),
    );
    check(
        Elements::payment(money(), true, Capture::Manual),
        json!({"mode": "payment", "amount": 9900, "currency": "eur", "setupFutureUsage": "off_session", "captureMethod": "manual", "allowedPaymentMethodTypes": card}),
    );
}

fn stay(from_now: i64, free: Option<i64>) -> Deferred {
    Deferred {
        label: "Two nights".to_owned(),
        date: NOW.plus_seconds(from_now),
        free_cancellation: free.map(|seconds| FreeCancellation {
            until: NOW.plus_seconds(seconds),
            time_zone: TimeZone::try_from("Europe/Dublin".to_owned()).unwrap(),
        }),
        agreement: None,
    }
}

#[test]
fn a_deferred_payment_says_when_and_until_when_it_can_be_canceled() {
    let request =
        ApplePay::deferred(money(), stay(30 * DAY, Some(DAY)), &management(), NOW).unwrap();
    assert_eq!(
        shown(&request),
        json!({"deferredPaymentRequest": {
            "paymentDescription": "Two nights",
            "managementURL": "https://api.shop.example/manage?link=v1.a.b",
            "deferredBilling": {"amount": 9900, "label": "Two nights", "deferredPaymentDate": "2026-12-25T00:00:00Z"},
            "freeCancellationDate": "2026-11-26T00:00:00Z",
            "freeCancellationDateTimeZone": "Europe/Dublin",
        }})
    );
}

#[test]
fn a_deferred_payment_that_cannot_be_is_refused() {
    for (date, free, expected) in [
        (0, None, ApplePayError::Date),
        (-DAY, None, ApplePayError::Date),
        (DAY, Some(0), ApplePayError::FreeCancellation),
        (DAY, Some(DAY + 1), ApplePayError::FreeCancellation),
    ] {
        let refused = ApplePay::deferred(money(), stay(date, free), &management(), NOW);
        assert_eq!(refused, Err(expected), "{date} {free:?}");
    }
}

#[test]
fn a_reload_says_below_which_balance() {
    let reload = Reload {
        label: "Metro card".to_owned(),
        threshold: 500,
        agreement: Some("We fill it up.".to_owned()),
    };
    let request = shown(&ApplePay::reload(money(), reload, &management()));
    assert_eq!(
        request["automaticReloadPaymentRequest"]["automaticReloadBilling"],
        json!({"amount": 9900, "label": "Metro card", "automaticReloadPaymentThresholdAmount": 500})
    );
}

#[test]
fn an_agreement_that_apple_would_cut_off_is_left_to_the_page() {
    for (length, shown_there) in [(500, true), (501, false)] {
        let reload = Reload {
            label: "Metro card".to_owned(),
            threshold: 500,
            agreement: Some("\u{e9}".repeat(length)),
        };
        let request = shown(&ApplePay::reload(money(), reload, &management()));
        let agreement = request["automaticReloadPaymentRequest"].get("billingAgreement");
        assert_eq!(agreement.is_some(), shown_there, "{length}");
    }
}

#[test]
fn the_element_shows_apple_pay_alone() {
    let element = shown(&ExpressCheckout::new(Wallet::ApplePay, None));
    assert_eq!(
        element,
        json!({"paymentMethods": {
            "applePay": "always", "amazonPay": "never", "googlePay": "never",
            "link": "never", "paypal": "never", "klarna": "never",
        }})
    );
}

#[test]
fn a_time_zone_has_the_form_of_a_name() {
    let taken = |name: &str| TimeZone::try_from(name.to_owned()).is_ok();
    assert!(taken("America/Argentina/Buenos_Aires") && taken("UTC") && taken("Etc/GMT+5"));
    for name in [
        "",
        "/",
        "Europe/",
        "+01:00",
        "Europe/Du blin",
        "Europe/D\u{fc}",
    ] {
        assert!(!taken(name), "{name:?}");
    }
}
