//! Functions that are started with a wrong environment say everything that is wrong with it.

use std::process::Command;

use perennial_functions::FUNCTIONS;
use perennial_tests::binary;

const KEY: &str = "sk_test_51Perennial";

fn needed(function: &str) -> &'static [&'static str] {
    match function {
        "client-secret" | "subscribe" => &[
            "TABLE_NAME",
            "STRIPE_MODE",
            "STRIPE_SECRET_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "LINK_SECRET",
        ],
        "confirm" => &["TABLE_NAME", "STRIPE_MODE", "STRIPE_SECRET_KEY", "SHOP_URL"],
        "users" | "worker" | "reconcile" => &["TABLE_NAME", "STRIPE_MODE", "STRIPE_SECRET_KEY"],
        "wallets" | "links" | "payments" | "actions" => &[
            "TABLE_NAME",
            "STRIPE_MODE",
            "STRIPE_SECRET_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "SHOP_URL",
            "LINK_SECRET",
        ],
        "subscriptions" | "partner-events" => &["TABLE_NAME", "STRIPE_MODE"],
        "webhook" => &["TABLE_NAME", "STRIPE_MODE", "STRIPE_WEBHOOK_SECRETS"],
        "shop-events" => &["API_BASE_URL", "LINK_SECRET"],
        other => panic!("what does {other} need?"),
    }
}

/// Starts a function with these variables alone; gives whether it went well and all that it wrote.
fn start(function: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(binary(function));
    command.env_clear().envs(variables.iter().copied());
    // Nobody listens there, so whoever gets this far ends, too.
    command
        .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
        .env("AWS_LAMBDA_FUNCTION_NAME", function);
    command
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_function_without_an_environment_names_every_variable_that_it_needs() {
    for function in FUNCTIONS.map(|it| it.name) {
        let (is_well, text) = start(function, &[]);
        assert!(!is_well, "{function}");
        for name in needed(function) {
            assert!(
                text.contains(&format!("{name} is not set")),
                "{function}: {name} in {text}"
            );
        }
        let lines = text
            .lines()
            .filter(|line| line.contains("is not set"))
            .count();
        let expected = usize::from(!needed(function).is_empty());
        assert_eq!(lines, expected, "{function} says it in one message: {text}");
    }
}

#[test]
fn a_key_of_the_wrong_mode_is_refused_and_not_shown() {
    let rest = [("TABLE_NAME", "t"), ("SHOP_URL", "https://shop.example/")];
    for (mode, secret, publishable, named) in [
        ("live", KEY, "pk_live_1", "STRIPE_SECRET_KEY"),
        (
            "test",
            "sk_live_51Perennial",
            "pk_test_1",
            "STRIPE_SECRET_KEY",
        ),
        ("test", KEY, "pk_live_51Perennial", "STRIPE_PUBLISHABLE_KEY"),
        (
            "test",
            "pk_test_51Perennial",
            "pk_test_1",
            "STRIPE_SECRET_KEY",
        ),
        ("sandbox", KEY, "pk_test_1", "STRIPE_MODE"),
    ] {
        let stripe = [
            ("STRIPE_MODE", mode),
            ("STRIPE_SECRET_KEY", secret),
            ("STRIPE_PUBLISHABLE_KEY", publishable),
        ];
        let variables: Vec<_> = rest.into_iter().chain(stripe).collect();
        let (is_well, text) = start("client-secret", &variables);
        assert!(!is_well, "{mode} {secret}");
        assert!(text.contains(named), "{named} in {text}");
        assert!(!text.contains("51Perennial"), "a key is shown: {text}");
    }
}

#[test]
fn every_malformed_variable_is_named_at_once() {
    let variables = [
        ("TABLE_NAME", "t"),
        ("STRIPE_MODE", "test"),
        ("STRIPE_SECRET_KEY", "secret"),
        ("STRIPE_API_BASE", "not an address"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "nor this"),
        ("SHOP_URL", "http://shop.example/"),
    ];
    let (is_well, text) = start("confirm", &variables);
    assert!(!is_well);
    for name in [
        "STRIPE_SECRET_KEY",
        "STRIPE_API_BASE",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "SHOP_URL",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

/// What every function that reads a link or a consent needs besides.
const ALL_ELSE: [(&str, &str); 5] = [
    ("TABLE_NAME", "t"),
    ("STRIPE_MODE", "test"),
    ("STRIPE_SECRET_KEY", KEY),
    ("STRIPE_PUBLISHABLE_KEY", "pk_test_1"),
    ("SHOP_URL", "https://shop.example/"),
];

#[test]
fn links_are_not_signed_with_what_can_be_guessed() {
    for function in ["wallets", "links", "payments"] {
        let mut variables = ALL_ELSE.to_vec();
        variables.push(("LINK_SECRET", "short_and_sweet"));
        let (is_well, text) = start(function, &variables);
        assert!(!is_well, "{function}");
        assert!(
            text.contains("LINK_SECRET is too short"),
            "{function}: {text}"
        );
        assert!(!text.contains("short_and_sweet"), "{text}");
    }
}

#[test]
fn a_text_of_consent_without_the_terms_is_refused() {
    for function in ["client-secret", "subscribe", "wallets"] {
        let mut variables = ALL_ELSE.to_vec();
        variables.extend([
            ("LINK_SECRET", "a secret of at least thirty-two characters"),
            (
                "CONSENT",
                r#"{"version":"2","text":"You agree to everything there is."}"#,
            ),
        ]);
        let (is_well, text) = start(function, &variables);
        assert!(!is_well, "{function}");
        assert!(text.contains("CONSENT is malformed"), "{function}: {text}");
    }
}

#[test]
fn a_webhook_without_a_usable_secret_does_not_start() {
    for secrets in ["", ",", "secret", "whsec_good_enough_for_this,oops"] {
        let variables = [
            ("TABLE_NAME", "t"),
            ("STRIPE_MODE", "test"),
            ("STRIPE_WEBHOOK_SECRETS", secrets),
        ];
        let (is_well, text) = start("webhook", &variables);
        assert!(
            !is_well && text.contains("STRIPE_WEBHOOK_SECRETS"),
            "{secrets}: {text}"
        );
        assert!(!text.contains("good_enough"), "{text}");
    }
}
