//! Words of Stripe's and of the configuration, as they are read and written.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use perennial_types::{Currency, PauseReason, Plans, ReturnPath, Trials, UserId, Wallet};

#[test]
fn each_reason_of_a_pause_is_the_word_that_stripe_has_for_it() {
    for (reason, word) in [
        (PauseReason::PauseRequested, "pause_requested"),
        (
            PauseReason::TrialEndWithoutPaymentMethod,
            "trial_end_without_payment_method",
        ),
        (PauseReason::FirstPaymentFailure, "first_payment_failure"),
        (PauseReason::FinalPaymentFailure, "final_payment_failure"),
        (PauseReason::System, "system"),
        (PauseReason::PauseCollection, "pause_collection"),
        (PauseReason::Other("newer".to_owned()), "newer"),
    ] {
        assert_eq!(PauseReason::from(word.to_owned()), reason);
        assert_eq!(reason.as_str(), word);
        assert_eq!(serde_json::to_value(&reason).unwrap(), word);
    }
}

#[test]
fn a_currency_a_path_and_a_user_are_written_as_they_are_read() {
    let currency: Currency = "usd".parse().unwrap();
    assert_eq!(currency.to_string(), "usd");
    assert_eq!(serde_json::to_value(currency).unwrap(), "usd");
    let path = ReturnPath::try_from("/account".to_owned()).unwrap();
    assert_eq!(serde_json::to_value(path).unwrap(), "/account");
    let user: UserId = "alice".parse().unwrap();
    assert_eq!(user.as_str(), "alice");
}

#[test]
fn free_trials_are_limited_by_one_of_these_words() {
    assert_eq!("once".parse(), Ok(Trials::Once));
    assert_eq!("always".parse(), Ok(Trials::Always));
    assert!("twice".parse::<Trials>().is_err());
}

#[test]
fn plans_are_written_by_name_and_know_their_version() {
    let text = r#"{"basic":{"price":"price_1","group":"main","label":"Basic","amount":1500,"currency":"usd","interval":"month"}}"#;
    let plans: Plans = serde_json::from_str(text).unwrap();
    assert_eq!(plans.version(), 0);
    let written = serde_json::to_value(&plans).unwrap();
    assert_eq!(written["basic"]["price"], "price_1");
    let by_name = BTreeMap::from(plans);
    let third = Plans::new(3, by_name, BTreeMap::new());
    assert_eq!(third.version(), 3);
    assert!(third.get("basic").is_some());
    assert_eq!(third.iter().count(), 1);
}

#[test]
fn a_type_of_payment_method_may_be_of_several_wallets() {
    for (kind, wallets) in [
        ("amazon_pay", &[Wallet::AmazonPay][..]),
        ("card", &[Wallet::ApplePay, Wallet::GooglePay]),
        ("cashapp", &[Wallet::CashAppPay]),
        ("link", &[]),
    ] {
        assert_eq!(Wallet::of_type(kind).collect::<Vec<_>>(), wallets, "{kind}");
    }
}

#[test]
fn a_wallet_is_for_the_accounts_of_some_countries() {
    for (wallet, country, expected) in [
        (Wallet::AmazonPay, "DE", true),
        (Wallet::AmazonPay, "JP", false),
        (Wallet::ApplePay, "JP", true),
        (Wallet::ApplePay, "IN", false),
        (Wallet::CashAppPay, "US", true),
        (Wallet::CashAppPay, "DE", false),
    ] {
        assert_eq!(wallet.is_for(country), expected, "{wallet} in {country}");
    }
}
