use super::*;
use perennial_types::Interval;

fn standing() -> Standing {
    Standing {
        country: Some("US".to_owned()),
        amazon_pay: Capability::Active,
        cards: Capability::Active,
        domain: Domain::Active,
    }
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
        wallets: Wallet::all(),
        former_prices: Vec::new(),
        refusal: None,
        trial_days,
    }
}

/// The codes, with a question mark behind those that hide nothing.
fn codes(reasons: &[Reason]) -> Vec<String> {
    let code = |it: &Reason| format!("{}{}", it.code, if it.hides { "" } else { "?" });
    reasons.iter().map(code).collect()
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
    let reasons = against_apple_pay(standing, &shop.parse().unwrap(), live);
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
    for country in AMAZON_PAY_COUNTRIES {
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
    let pending = || Capability::NotActive("pending".to_owned());
    let no_amazon = Standing {
        amazon_pay: pending(),
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
        cards: pending(),
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
    let with = |domain| Standing {
        domain,
        ..standing()
    };
    let missing = with(Domain::NotRegistered);
    apple_pay(&missing, SHOP, false, &["domain_not_registered"]);
    let refused = with(Domain::Inactive(Some("It cannot be reached.".to_owned())));
    apple_pay(&refused, SHOP, true, &["domain_inactive"]);
    let reasons = against_apple_pay(&refused, &SHOP.parse().unwrap(), true);
    assert!(reasons[0].message.ends_with("It cannot be reached."));
    apple_pay(
        &with(Domain::Inactive(None)),
        SHOP,
        true,
        &["domain_inactive"],
    );
}

#[test]
fn on_a_developers_machine_a_missing_domain_is_told_and_hides_nothing() {
    let missing = Standing {
        domain: Domain::NotRegistered,
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
        amazon_pay: Capability::Unknown,
        cards: Capability::Unknown,
        domain: Domain::Unknown,
    };
    let reasons = against_amazon_pay(&plan("usd", 0), &unknown);
    assert_eq!(codes(&reasons), ["not_checked?"]);
    apple_pay(&unknown, SHOP, true, &["not_checked?", "not_checked?"]);
}
