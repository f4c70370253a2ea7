//! What a developer reads when a variable is missing or wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use perennial_config::{Api, Dynamo, Env, Shop, Stripe, all, webhook_secrets};
use perennial_types::{Grace, ReturnPath};

fn complete() -> Vec<(&'static str, &'static str)> {
    vec![
        ("TABLE_NAME", "perennial"),
        ("STRIPE_MODE", "test"),
        ("STRIPE_SECRET_KEY", "sk_test_not_a_real_key"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_not_a_real_key"),
        ("SHOP_URL", "https://shop.example/account"),
    ]
}

fn read(changes: &[(&'static str, &'static str)]) -> Result<(), String> {
    let mut pairs = complete();
    pairs.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    pairs.extend(changes);
    let env = Env::from_pairs(pairs);
    let api = Api::read(&env);
    let all = all((
        Dynamo::read(&env),
        Shop::read(&env),
        api,
        Stripe::read(&env),
    ));
    all.map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_complete_environment_is_read() {
    assert_eq!(read(&[]), Ok(()));
}

#[test]
fn each_wrong_variable_is_named() {
    for (name, value, expected) in [
        ("TABLE_NAME", "", "TABLE_NAME is not set"),
        ("TABLE_NAME", "   ", "TABLE_NAME is not set"),
        ("STRIPE_MODE", "", "STRIPE_MODE is not set"),
        ("STRIPE_MODE", "prod", "STRIPE_MODE is malformed"),
        (
            "STRIPE_SECRET_KEY",
            "",
            "STRIPE_SECRET_KEY is not set, nor is STRIPE_SECRET_KEY_ARN",
        ),
        (
            "STRIPE_SECRET_KEY",
            "sk_live_not_a_real_key",
            "STRIPE_SECRET_KEY is a live key, but STRIPE_MODE is test",
        ),
        (
            "STRIPE_MODE",
            "live",
            "STRIPE_SECRET_KEY is a test key, but STRIPE_MODE is live",
        ),
        (
            "STRIPE_SECRET_KEY",
            "hello",
            "STRIPE_SECRET_KEY is not a secret or restricted key",
        ),
        ("STRIPE_SECRET_KEY_ARN", "arn:aws:x", "are both set"),
        (
            "STRIPE_PUBLISHABLE_KEY",
            "pk_live_not_a_real_key",
            "STRIPE_PUBLISHABLE_KEY is not a publishable key",
        ),
        (
            "STRIPE_PUBLISHABLE_KEY",
            "",
            "STRIPE_PUBLISHABLE_KEY is not set",
        ),
        (
            "STRIPE_API_BASE",
            "not a url",
            "STRIPE_API_BASE is malformed",
        ),
        (
            "AWS_ENDPOINT_URL_DYNAMODB",
            "::",
            "AWS_ENDPOINT_URL_DYNAMODB is malformed",
        ),
        (
            "SHOP_URL",
            "http://shop.example",
            "SHOP_URL is malformed: it must begin with https://",
        ),
        (
            "API_BASE_URL",
            "ftp://api.example",
            "API_BASE_URL is malformed",
        ),
    ] {
        let error = read(&[(name, value)]).unwrap_err();
        assert!(error.contains(expected), "{name}={value}: {error}");
        assert!(!error.contains("not_a_real_key"), "a key leaks: {error}");
    }
}

#[test]
fn one_message_lists_all_of_them() {
    let error = read(&[("TABLE_NAME", ""), ("SHOP_URL", ""), ("STRIPE_MODE", "")]).unwrap_err();
    for name in ["TABLE_NAME", "SHOP_URL", "STRIPE_MODE"] {
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn webhook_secrets_may_be_several_and_never_none() {
    let secrets = async |value: &'static str| {
        let env = Env::from_pairs([("STRIPE_WEBHOOK_SECRETS", value)]);
        let secrets = webhook_secrets(&env).map_err(|error| error.to_string())?;
        let secrets = secrets.fetch().await.map_err(|error| error.to_string())?;
        Ok::<_, String>(secrets.current().await.len())
    };
    assert_eq!(secrets("whsec_test_aaaaaaaa").await.unwrap(), 1);
    assert_eq!(
        secrets("whsec_test_aaaaaaaa, whsec_test_bbbbbbbb")
            .await
            .unwrap(),
        2
    );
    for value in [
        "",
        "  ",
        ",",
        "whsec_",
        "secret_aaaaaaaaaaaa",
        "whsec_test_aaaaaaaa,x",
    ] {
        let error = secrets(value).await.unwrap_err();
        assert!(
            error.starts_with("the environment is not complete: STRIPE_WEBHOOK_SECRETS"),
            "{value:?}: {error}"
        );
    }
}

#[test]
fn a_return_path_stays_on_the_origin_of_the_shop() {
    let env = Env::from_pairs([("SHOP_URL", "https://shop.example/account?x=1")]);
    let shop = Shop::read(&env).unwrap();
    assert_eq!(shop.page(None).as_str(), "https://shop.example/account?x=1");
    let path = ReturnPath::try_from("/thanks?y=2".to_owned()).unwrap();
    assert_eq!(
        shop.page(Some(&path)).as_str(),
        "https://shop.example/thanks?y=2"
    );
}

#[test]
fn no_value_shows_in_debug_output() {
    let env = Env::from_pairs([("STRIPE_SECRET_KEY", "sk_test_not_a_real_key")]);
    assert_eq!(format!("{env:?}"), r#"Env(["STRIPE_SECRET_KEY"])"#);
}

#[test]
fn a_grace_is_three_days_or_from_1_to_60() {
    let grace = |value: &str| {
        let env = Env::from_pairs([("GRACE_DAYS", value)]);
        perennial_config::grace(&env)
    };
    assert_eq!(grace(""), Ok(Grace::default()));
    assert_eq!(grace("3"), Ok(Grace::default()));
    assert_eq!(grace("14"), Ok("14".parse().unwrap()));
    for value in ["0", "61", "-3", "three"] {
        assert!(grace(value).is_err(), "{value}");
    }
}
