//! What a developer reads when a variable is missing or wrong.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use aws_credential_types::provider::ProvideCredentials as _;
use perennial_config::{Api, Dynamo, Env, Shop, Stripe, all, webhook_secrets};
use perennial_types::{DisputedAccess, Grace, RenewalReminder, ReturnPath};

fn complete() -> Vec<(&'static str, &'static str)> {
    vec![
        ("TABLE_NAME", "perennial"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
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
        ("AWS_ENDPOINT_URL", "::", "AWS_ENDPOINT_URL is malformed"),
        ("AWS_REGION", "", "AWS_REGION is not set"),
        ("AWS_ACCESS_KEY_ID", "", "AWS_ACCESS_KEY_ID is not set"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "",
            "AWS_SECRET_ACCESS_KEY is not set",
        ),
        (
            "CA_BUNDLE",
            "/nowhere/ca.pem",
            "CA_BUNDLE: /nowhere/ca.pem cannot be read: No such file",
        ),
        (
            "CA_BUNDLE",
            "Cargo.toml",
            "CA_BUNDLE: Cargo.toml holds no certificate in PEM",
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

#[test]
fn a_dispute_does_nothing_to_an_entitlement_unless_that_is_set() {
    let access = |value: &str| {
        let env = Env::from_pairs([("DISPUTED_ACCESS", value)]);
        perennial_config::disputed_access(&env)
    };
    assert_eq!(access(""), Ok(DisputedAccess::Keep));
    assert_eq!(access("keep"), Ok(DisputedAccess::Keep));
    assert_eq!(access("suspend"), Ok(DisputedAccess::Suspend));
    let when_lost = access("suspend_when_lost");
    assert_eq!(when_lost, Ok(DisputedAccess::SuspendWhenLost));
    for value in ["Keep", "end", "true"] {
        assert!(access(value).is_err(), "{value}");
    }
}

#[test]
fn a_renewal_is_told_of_seven_days_before_or_from_0_to_27() {
    let days = |value: &str| {
        let env = Env::from_pairs([("RENEWAL_REMINDER_DAYS", value)]);
        perennial_config::renewal_reminder(&env)
    };
    assert_eq!(days(""), Ok(RenewalReminder::default()));
    assert_eq!(days("7"), Ok(RenewalReminder::default()));
    assert_eq!(days("0"), Ok("0".parse().unwrap()));
    for value in ["-1", "28", "a week"] {
        let problems = days(value).unwrap_err().to_string();
        assert!(problems.contains("RENEWAL_REMINDER_DAYS"), "{problems}");
    }
}

/// Where the table is, with the access key that it is asked with, and in which region.
async fn table(changes: &[(&'static str, &'static str)]) -> (Option<String>, String, String) {
    let env = Env::from_pairs(complete().into_iter().chain(changes.iter().copied()));
    let aws = Dynamo::read(&env).unwrap().aws;
    let credentials = aws.credentials_provider().unwrap();
    let credentials = credentials.provide_credentials().await.unwrap();
    let key = [
        credentials.access_key_id(),
        credentials.session_token().unwrap_or_default(),
    ];
    (
        aws.endpoint_url().map(ToOwned::to_owned),
        key.join(" "),
        aws.region().unwrap().to_string(),
    )
}

#[tokio::test]
async fn the_table_is_where_the_environment_says() {
    let of_all = ("AWS_ENDPOINT_URL", "https://vpce.example");
    let token = ("AWS_SESSION_TOKEN", "token");
    let at = |endpoint: Option<&str>, key: &str, region: &str| {
        (
            endpoint.map(ToOwned::to_owned),
            key.to_owned(),
            region.to_owned(),
        )
    };
    let of_lambda = "ASIAEXAMPLE token";
    assert_eq!(table(&[token]).await, at(None, of_lambda, "eu-west-1"));
    for empty in ["", " "] {
        let own = ("AWS_ENDPOINT_URL_DYNAMODB", empty);
        assert_eq!(table(&[token, own]).await, at(None, of_lambda, "eu-west-1"));
        assert_eq!(
            table(&[token, own, of_all]).await,
            at(Some("https://vpce.example"), of_lambda, "eu-west-1"),
            "a variable that is empty is not set"
        );
    }
    let own = ("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.example");
    assert_eq!(
        table(&[own, of_all]).await,
        at(
            Some("https://dynamodb.example"),
            "ASIAEXAMPLE ",
            "eu-west-1"
        )
    );
    let local = ("AWS_ENDPOINT_URL_DYNAMODB", "http://k3y@127.0.0.1:9001/");
    assert_eq!(
        table(&[local, of_all, token]).await,
        at(Some("http://127.0.0.1:9001"), "k3y ", "local")
    );
}

#[test]
fn what_is_shared_is_made_once() {
    let env = Env::from_pairs::<&str, &str>([]);
    let one = env.shared(|_| Ok(String::from("one")));
    assert_eq!(one.as_deref(), Ok("one"));
    let again = env.clone().shared(|_| Ok(String::from("two")));
    assert_eq!(again.as_deref(), Ok("one"));
    let other: Result<u8, _> = env.shared(|env| env.required("NOTHING").map(|_| 1));
    assert!(other.is_err());
    assert_eq!(env.shared(|_| Ok(2_u8)), Ok(2), "a failure is not kept");
}
