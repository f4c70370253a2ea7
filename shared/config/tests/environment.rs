//! What a developer reads when a variable is missing or wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use perennial_config::{Api, Dynamo, Env, Problems, Shop, StartError, Stripe, webhook_secrets};
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

async fn read(changes: &[(&'static str, &'static str)]) -> Result<(), String> {
    let mut pairs = complete();
    pairs.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    pairs.extend(changes);
    let env = Env::from_pairs(pairs);
    let mut problems = Problems::default();
    Dynamo::read(&env, &mut problems);
    Shop::read(&env, &mut problems);
    let mode = perennial_config::stripe_mode(&env, &mut Problems::default());
    Api::read(&env, mode, &mut problems);
    Stripe::read(&env, problems)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_complete_environment_is_read() {
    assert_eq!(read(&[]).await, Ok(()));
}

#[tokio::test]
async fn each_wrong_variable_is_named() {
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
        let error = read(&[(name, value)]).await.unwrap_err();
        assert!(error.contains(expected), "{name}={value}: {error}");
        assert!(!error.contains("not_a_real_key"), "a key leaks: {error}");
    }
}

#[tokio::test]
async fn one_message_lists_all_of_them() {
    let error = read(&[("TABLE_NAME", ""), ("SHOP_URL", ""), ("STRIPE_MODE", "")])
        .await
        .unwrap_err();
    for name in ["TABLE_NAME", "SHOP_URL", "STRIPE_MODE"] {
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn webhook_secrets_may_be_several_and_never_none() {
    let secrets = async |value: &'static str| {
        let env = Env::from_pairs([("STRIPE_WEBHOOK_SECRETS", value)]);
        match webhook_secrets(&env, Problems::default()).await {
            Ok(secrets) => Ok(secrets.current().await.len()),
            Err(error) => Err(error),
        }
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
        assert!(
            matches!(secrets(value).await, Err(StartError::Environment(_))),
            "{value:?}"
        );
    }
}

#[test]
fn a_return_path_stays_on_the_origin_of_the_shop() {
    let env = Env::from_pairs([("SHOP_URL", "https://shop.example/account?x=1")]);
    let shop = Shop::read(&env, &mut Problems::default()).unwrap();
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
        let mut problems = Problems::default();
        let env = Env::from_pairs([("GRACE_DAYS", value)]);
        let grace = perennial_config::grace(&env, &mut problems);
        (grace, problems.into_result().is_ok())
    };
    assert_eq!(grace(""), (Grace::default(), true));
    assert_eq!(grace("3"), (Grace::default(), true));
    assert_eq!(grace("14"), ("14".parse().unwrap(), true));
    for value in ["0", "61", "-3", "three"] {
        assert!(!grace(value).1, "{value}");
    }
}
