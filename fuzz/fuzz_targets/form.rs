//! `user|plan|wallet|address|number`: every request decodes to the pairs that were put into it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perennial_fuzz::{fields, text};
use perennial_stripe::{
    API_VERSION, CreateCustomer, CreatePrice, CreateProduct, CreateSetupIntent, CreateSubscription,
    CreateWebhookEndpoint, FrozenRequest, IdempotencyKey, PaidBy, ServerConfirm, SetUpFor,
};
use perennial_types::Wallet;

fuzz_target!(|data: &[u8]| {
    let [user, plan, wallet, address, number] = fields(data).map(text);
    let (user, plan, wallet, address) = (&*user, &*plan, &*wallet, &*address);
    let number = number.parse::<i64>().unwrap_or(0);
    let customer = "cus_1".parse().expect("an id");
    let key = || IdempotencyKey::new("key").expect("a key");

    check(
        &CreateCustomer { user }.freeze(key()),
        &[("metadata[perennial_user]", user)],
    );
    check(
        &CreateProduct {
            name: address,
            plan,
        }
        .freeze(key()),
        &[("name", address), ("metadata[perennial_plan]", plan)],
    );
    check(
        &CreatePrice {
            product: user,
            currency: wallet,
            unit_amount: number,
            interval: address,
            interval_count: 1,
            tax_behavior: None,
            lookup_key: plan,
            plan,
        }
        .freeze(key()),
        &[
            ("product", user),
            ("currency", wallet),
            ("unit_amount", &number.to_string()),
            ("recurring[interval]", address),
            ("recurring[interval_count]", "1"),
            ("lookup_key", plan),
            ("metadata[perennial_plan]", plan),
        ],
    );
    for chosen in Wallet::ALL {
        for (made_for, pair) in [
            (SetUpFor::Attempt(plan), "metadata[perennial_attempt]"),
            (
                SetUpFor::Subscription(plan),
                "metadata[perennial_subscription]",
            ),
        ] {
            let kind = chosen.row().method_type;
            check(
                &CreateSetupIntent {
                    customer: &customer,
                    made_for,
                    user,
                    wallet: chosen,
                    confirm: Some(ServerConfirm {
                        return_url: address,
                        accepted_at: number,
                        ip_address: wallet,
                        user_agent: user,
                    }),
                }
                .freeze(key()),
                &[
                    ("customer", "cus_1"),
                    ("usage", "off_session"),
                    ("allowed_payment_method_types[]", kind),
                    (pair, plan),
                    ("metadata[perennial_user]", user),
                    ("confirm", "true"),
                    ("return_url", address),
                    ("payment_method_data[type]", kind),
                    ("mandate_data[customer_acceptance][type]", "online"),
                    (
                        "mandate_data[customer_acceptance][accepted_at]",
                        &number.to_string(),
                    ),
                    (
                        "mandate_data[customer_acceptance][online][ip_address]",
                        wallet,
                    ),
                    (
                        "mandate_data[customer_acceptance][online][user_agent]",
                        user,
                    ),
                ],
            );
        }
    }
    let trial_days = u32::try_from(number).unwrap_or(0);
    let mut expected = vec![
        ("customer", "cus_1"),
        ("items[0][price]", "price_1"),
        ("default_payment_method", "pm_1"),
        ("off_session", "true"),
        ("payment_behavior", "error_if_incomplete"),
        ("billing_mode[type]", "flexible"),
    ];
    let days = trial_days.to_string();
    if trial_days > 0 {
        expected.push(("trial_period_days", &days));
        expected.push((
            "trial_settings[end_behavior][missing_payment_method]",
            "cancel",
        ));
    }
    expected.extend([
        ("metadata[perennial_attempt]", address),
        ("metadata[perennial_user]", user),
        ("metadata[perennial_plan]", plan),
        ("metadata[perennial_price]", "price_1"),
        ("metadata[perennial_wallet]", wallet),
        ("expand[]", "latest_invoice"),
        ("expand[]", "default_payment_method"),
    ]);
    check(
        &CreateSubscription {
            customer: &customer,
            price: &"price_1".parse().expect("an id"),
            quantity: 1,
            others: &[],
            promotion_code: None,
            automatic_tax: false,
            paid_by: PaidBy::Method(&"pm_1".parse().expect("an id")),
            trial_days,
            attempt: address,
            user,
            plan,
            wallet,
        }
        .freeze(key()),
        &expected,
    );
    check(
        &CreateWebhookEndpoint {
            url: address,
            enabled_events: &[user, plan, wallet],
            description: user,
        }
        .freeze(key()),
        &[
            ("url", address),
            ("api_version", API_VERSION),
            ("description", user),
            ("enabled_events[]", user),
            ("enabled_events[]", plan),
            ("enabled_events[]", wallet),
        ],
    );
});

fn check(request: &FrozenRequest, expected: &[(&str, &str)]) {
    let pairs: Vec<_> = url::form_urlencoded::parse(request.body.as_bytes()).collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(pairs, expected, "{}", request.path);

    // A proxy or a log may read the body as text.
    assert!(request.body.bytes().all(|byte| byte.is_ascii_graphic()));

    // The bytes are stored before they are sent, and sent again as they were.
    let stored = serde_json::to_string(request).expect("a request is JSON");
    let again: FrozenRequest = serde_json::from_str(&stored).expect("a request comes back");
    assert_eq!(again, *request);
}
