use std::collections::BTreeMap;

use perennial_stripe::PaymentMethodDomain;
use perennial_types::Interval;
use serde_json::{Value, json};

use super::*;

fn standing() -> Standing {
    Standing {
        country: Some("US".to_owned()),
        capabilities: capabilities("active", "active"),
        domains: Some(domains(
            &json!({"enabled": true, "apple_pay": {"status": "active"}}),
        )),
    }
}

fn capabilities(amazon_pay: &str, cards: &str) -> BTreeMap<String, String> {
    [
        ("amazon_pay_payments", amazon_pay),
        ("card_payments", cards),
    ]
    .map(|(name, status)| (name.to_owned(), status.to_owned()))
    .into()
}

fn domains(domain: &Value) -> Vec<PaymentMethodDomain> {
    vec![serde_json::from_value(domain.clone()).unwrap()]
}

fn plan(currency: &str, trial_days: u32) -> Plan {
    Plan {
        price: "price_1".parse().unwrap(),
        group: "main".parse().unwrap(),
        label: "Basic".to_owned(),
        amount: 1500,
        currency: currency.parse().unwrap(),
        interval: Interval::Month,
        interval_count: 1,
        wallets: Wallet::usual(),
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

/// The codes, with a question mark behind those that hide nothing.
fn codes(reasons: &[Reason]) -> Vec<String> {
    let code = |it: &Reason| format!("{}{}", it.code, if it.hides { "" } else { "?" });
    reasons.iter().map(code).collect()
}

fn against_amazon_pay(plan: &Plan, standing: &Standing) -> Vec<Reason> {
    against_wallet(
        Wallet::AmazonPay,
        plan,
        standing,
        &SHOP.parse().unwrap(),
        true,
    )
}

fn against_apple_pay(standing: &Standing, shop: &str, live: bool) -> Vec<Reason> {
    let shop = shop.parse().unwrap();
    against_wallet(Wallet::ApplePay, &plan("usd", 14), standing, &shop, live)
}

#[track_caller]
fn amazon_pay(country: Option<&str>, currency: &str, expected: &[&str]) {
    let standing = Standing {
        country: country.map(str::to_owned),
        ..standing()
    };
    let reasons = against_amazon_pay(&plan(currency, 0), &standing);
    assert_eq!(codes(&reasons), expected, "{country:?} {currency}");
}

#[track_caller]
fn apple_pay(standing: &Standing, shop: &str, live: bool, expected: &[&str]) {
    let reasons = against_apple_pay(standing, shop, live);
    assert_eq!(codes(&reasons), expected, "{shop} {reasons:?}");
}

const SHOP: &str = "https://shop.example/account";

#[test]
fn amazon_pay_takes_some_currencies_and_an_account_in_the_us_dollars_only() {
    amazon_pay(Some("US"), "usd", &[]);
    amazon_pay(Some("US"), "eur", &["currency_not_supported"]);
    amazon_pay(Some("DE"), "eur", &[]);
    amazon_pay(Some("DE"), "usd", &[]);
    amazon_pay(Some("DE"), "cad", &["currency_not_supported"]);
    amazon_pay(None, "eur", &[]);
}

#[test]
fn amazon_pay_is_for_accounts_in_some_countries() {
    for country in ["US", "DE", "GB", "CH", "CY"] {
        amazon_pay(Some(country), "usd", &[]);
    }
    amazon_pay(Some("CA"), "usd", &["country_not_supported"]);
    amazon_pay(
        Some("IN"),
        "inr",
        &["currency_not_supported", "country_not_supported"],
    );
}

#[test]
fn a_trial_is_no_reason_to_hide_amazon_pay_but_to_know_which_integration() {
    let reasons = against_amazon_pay(&plan("usd", 14), &standing());
    assert_eq!(codes(&reasons), ["zero_amount_trial?"]);
    assert!(reasons[0].message.contains("\"first\":\"setup_intent\""));
}

#[test]
fn a_wallet_that_the_account_does_not_take_is_not_offered() {
    let no_amazon = Standing {
        capabilities: capabilities("pending", "active"),
        ..standing()
    };
    let reasons = against_amazon_pay(&plan("usd", 0), &no_amazon);
    assert_eq!(codes(&reasons), ["wallet_not_enabled"]);
    assert!(
        reasons[0]
            .message
            .contains("amazon_pay_payments is pending")
    );
    apple_pay(&no_amazon, SHOP, true, &[]);
    let no_cards = Standing {
        capabilities: capabilities("active", "pending"),
        ..standing()
    };
    apple_pay(&no_cards, SHOP, true, &["wallet_not_enabled"]);
    assert!(against_amazon_pay(&plan("usd", 0), &no_cards).is_empty());
}

#[test]
fn apple_pay_is_not_for_accounts_in_india() {
    let india = Standing {
        country: Some("IN".to_owned()),
        ..standing()
    };
    apple_pay(&india, SHOP, true, &["country_not_supported"]);
    apple_pay(&standing(), SHOP, true, &[]);
}

#[test]
fn apple_pay_needs_the_shops_domain_with_stripes_words_if_it_is_refused() {
    let with = |domains| Standing {
        domains: Some(domains),
        ..standing()
    };
    let missing = with(Vec::new());
    apple_pay(&missing, SHOP, false, &["domain_not_registered"]);
    let details = json!({"error_message": "It cannot be reached."});
    let refused = with(domains(
        &json!({"enabled": true, "apple_pay": {"status": "inactive", "status_details": details}}),
    ));
    apple_pay(&refused, SHOP, true, &["domain_inactive"]);
    let reasons = against_apple_pay(&refused, SHOP, true);
    assert!(reasons[0].message.ends_with("It cannot be reached."));
    apple_pay(
        &with(domains(
            &json!({"enabled": true, "apple_pay": {"status": "inactive"}}),
        )),
        SHOP,
        true,
        &["domain_inactive"],
    );
}

#[test]
fn on_a_developers_machine_a_missing_domain_is_told_and_hides_nothing() {
    let missing = Standing {
        domains: Some(Vec::new()),
        ..standing()
    };
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let shop = format!("http://{host}:9000/");
        apple_pay(&missing, &shop, false, &["domain_not_registered?"]);
        apple_pay(&missing, &shop, true, &["domain_not_registered"]);
    }
}

#[test]
fn what_the_key_may_not_ask_is_told_and_hides_nothing() {
    let unknown = Standing {
        country: None,
        capabilities: BTreeMap::new(),
        domains: None,
    };
    let reasons = against_amazon_pay(&plan("usd", 0), &unknown);
    assert_eq!(codes(&reasons), ["not_checked?"]);
    apple_pay(&unknown, SHOP, true, &["not_checked?", "not_checked?"]);
}
