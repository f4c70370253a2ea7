//! The exact bytes of each request that creates something.
//!
//! A change here changes what stored requests look like to Stripe, and so what their keys mean.

use perennial_stripe::{
    ChangeAtPeriodEnd, ChangeDiscounts, ChangePlan, ChangeTrial, CreateCustomer, CreatePrice,
    CreateProduct, CreateSetupIntent, CreateSubscription, CreateWebhookEndpoint, FrozenRequest,
    ItemChange, ManyOf, PaidBy, PauseSubscription, Phase, Prorate, Redeemed, ResumeSubscription,
    ServerConfirm, SetUpFor,
};
use perennial_types::Wallet;

use crate::support::key;

fn shown(request: &FrozenRequest) -> String {
    format!("POST {}\n{}", request.path, request.body.replace('&', "\n"))
}

fn setup_intent(wallet: Wallet, confirm: Option<ServerConfirm<'_>>) -> FrozenRequest {
    CreateSetupIntent {
        customer: &"cus_1".parse().unwrap(),
        made_for: SetUpFor::Attempt("chk_1"),
        user: "auth0|alice",
        wallet,
        confirm,
    }
    .freeze(key("seti:chk_1"))
}

fn subscription(trial_days: u32) -> FrozenRequest {
    let method = "pm_1".parse().unwrap();
    subscription_paid_by(PaidBy::Method(&method), trial_days, "amazon_pay")
}

fn subscription_paid_by(paid_by: PaidBy<'_>, trial_days: u32, wallet: &str) -> FrozenRequest {
    CreateSubscription {
        customer: &"cus_1".parse().unwrap(),
        price: &"price_1".parse().unwrap(),
        quantity: 1,
        others: &[],
        promotion_code: None,
        automatic_tax: false,
        paid_by,
        trial_days,
        attempt: "chk_1",
        user: "auth0|alice",
        plan: "stock-photos-monthly",
        wallet,
    }
    .freeze(key("sub:chk_1"))
}

#[test]
fn a_customer() {
    let request = CreateCustomer {
        user: "auth0|alice",
    }
    .freeze(key("cus:alice"));
    insta::assert_snapshot!(shown(&request), @r"
    POST /v1/customers
    metadata[perennial_user]=auth0%7Calice
    ");
}

#[test]
fn a_setup_intent_that_the_page_confirms() {
    insta::assert_snapshot!(shown(&setup_intent(Wallet::AmazonPay, None)), @r"
    POST /v1/setup_intents
    customer=cus_1
    usage=off_session
    allowed_payment_method_types[]=amazon_pay
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    ");
}

#[test]
fn a_setup_intent_for_apple_pay_is_one_for_cards() {
    insta::assert_snapshot!(shown(&setup_intent(Wallet::ApplePay, None)), @r"
    POST /v1/setup_intents
    customer=cus_1
    usage=off_session
    allowed_payment_method_types[]=card
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    ");
}

#[test]
fn a_setup_intent_that_the_server_confirms() {
    let confirm = ServerConfirm {
        return_url: "https://api.example/confirm?checkout=chk_1",
        accepted_at: 1_795_000_000,
        ip_address: "2001:db8::7",
        user_agent: "Mozilla/5.0 (X11; Linux)",
    };
    insta::assert_snapshot!(shown(&setup_intent(Wallet::AmazonPay, Some(confirm))), @r"
    POST /v1/setup_intents
    customer=cus_1
    usage=off_session
    allowed_payment_method_types[]=amazon_pay
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    confirm=true
    return_url=https%3A%2F%2Fapi.example%2Fconfirm%3Fcheckout%3Dchk_1
    payment_method_data[type]=amazon_pay
    mandate_data[customer_acceptance][type]=online
    mandate_data[customer_acceptance][accepted_at]=1795000000
    mandate_data[customer_acceptance][online][ip_address]=2001%3Adb8%3A%3A7
    mandate_data[customer_acceptance][online][user_agent]=Mozilla%2F5.0%20%28X11%3B%20Linux%29
    ");
    assert!(!format!("{confirm:?}").contains("2001"));
}

#[test]
fn a_subscription() {
    insta::assert_snapshot!(shown(&subscription(0)), @r"
    POST /v1/subscriptions
    customer=cus_1
    items[0][price]=price_1
    default_payment_method=pm_1
    off_session=true
    payment_behavior=error_if_incomplete
    billing_mode[type]=flexible
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_plan]=stock-photos-monthly
    metadata[perennial_price]=price_1
    metadata[perennial_wallet]=amazon_pay
    expand[]=latest_invoice
    expand[]=default_payment_method
    ");
}

#[test]
fn a_subscription_of_several_with_a_code_and_taxes() {
    let several = CreateSubscription {
        customer: &"cus_1".parse().unwrap(),
        price: &"price_1".parse().unwrap(),
        quantity: 5,
        others: &[],
        promotion_code: Some(&"promo_1".parse().unwrap()),
        automatic_tax: true,
        paid_by: PaidBy::Shopper(Wallet::ApplePay),
        trial_days: 0,
        attempt: "chk_1",
        user: "auth0|alice",
        plan: "stock-photos-team",
        wallet: "apple_pay",
    };
    let body = several.freeze(key("sub:chk_1")).body;
    assert!(
        body.starts_with(
            "customer=cus_1&items[0][price]=price_1&items[0][quantity]=5&discounts[0][promotion_code]=promo_1&automatic_tax[enabled]=true&"
        ),
        "{body}"
    );
}

#[test]
fn another_quantity_keeps_the_price_that_there_is() {
    let change = |price| {
        ChangePlan {
            subscription: &"sub_1".parse().unwrap(),
            item: "si_1",
            price,
            quantity: 5,
            code: None,
            others: &[],
            prorate: Prorate::AtOnce(1_795_564_800),
            new_period: false,
            begins_tax: false,
            request: "number",
        }
        .freeze(key("act:number:change"))
        .body
    };
    let other = "price_2".parse().unwrap();
    let begins = |body: &str| body.split("&proration").next().unwrap().to_owned();
    assert_eq!(
        [begins(&change(None)), begins(&change(Some(&other)))],
        [
            "items[0][id]=si_1&items[0][quantity]=5",
            "items[0][id]=si_1&items[0][price]=price_2&items[0][quantity]=5",
        ]
    );
}

#[test]
fn further_items_follow_that_of_the_plan() {
    let (plan, other) = ("price_1".parse().unwrap(), "price_2".parse().unwrap());
    let many = ManyOf {
        price: &other,
        quantity: 3,
    };
    let bought = CreateSubscription {
        customer: &"cus_1".parse().unwrap(),
        price: &plan,
        quantity: 1,
        others: &[
            many,
            ManyOf {
                price: &plan,
                quantity: 1,
            },
        ],
        automatic_tax: false,
        promotion_code: None,
        paid_by: PaidBy::Shopper(Wallet::ApplePay),
        trial_days: 0,
        attempt: "chk_1",
        user: "auth0|alice",
        plan: "stock-photos-team",
        wallet: "apple_pay",
    };
    let body = bought.freeze(key("sub:chk_1")).body;
    assert!(
        body.starts_with(
            "customer=cus_1&items[0][price]=price_1&items[1][price]=price_2&items[1][quantity]=3&items[2][price]=price_1&payment"
        ),
        "{body}"
    );

    let phase: Phase = serde_json::from_value(serde_json::json!({
        "start_date": 1, "end_date": 2,
        "items": [{"price": "price_1", "quantity": 1}, {"price": "price_2", "quantity": 4}],
    }))
    .unwrap();
    let later = ChangeAtPeriodEnd {
        schedule: "sub_sched_1",
        now: &phase,
        price: &plan,
        quantity: 1,
        others: &[many],
        interval: (perennial_types::Interval::Month, 1),
        request: "number",
    };
    let body = later.freeze(key("act:number:phases")).body;
    for part in [
        "phases[0][items][1][price]=price_2&phases[0][items][1][quantity]=4",
        "phases[1][items][0][price]=price_1&phases[1][items][0][quantity]=1&phases[1][items][1][price]=price_2&phases[1][items][1][quantity]=3&phases[1][duration]",
    ] {
        assert!(body.contains(part), "{body}");
    }
}

/// Stripe takes no item away in a change that waits for its payment.
#[test]
fn a_change_that_takes_an_item_away_is_paid_at_once_or_not_made() {
    let other = "price_2".parse().unwrap();
    let change = |others: &[ItemChange]| {
        ChangePlan {
            subscription: &"sub_1".parse().unwrap(),
            item: "si_1",
            price: None,
            quantity: 1,
            code: None,
            others,
            prorate: Prorate::AtOnce(1_795_564_800),
            new_period: false,
            begins_tax: false,
            request: "number",
        }
        .freeze(key("act:number:change"))
        .body
    };
    let item =
        |item: Option<&str>, price: Option<&perennial_types::PriceId>, quantity| ItemChange {
            item: item.map(ToOwned::to_owned),
            price: price.cloned(),
            quantity,
        };
    let more = [item(None, Some(&other), 2), item(Some("si_3"), None, 5)];
    let body = change(&more);
    assert!(
        body.starts_with(
            "items[0][id]=si_1&items[0][quantity]=1&items[1][price]=price_2&items[1][quantity]=2&items[2][id]=si_3&items[2][quantity]=5&proration_behavior"
        ),
        "{body}"
    );
    assert!(body.contains("payment_behavior=pending_if_incomplete"));
    let body = change(&[item(Some("si_2"), None, 0)]);
    assert!(
        body.starts_with(
            "items[0][id]=si_1&items[0][quantity]=1&items[1][id]=si_2&items[1][deleted]=true&proration_behavior"
        ),
        "{body}"
    );
    assert!(body.contains("payment_behavior=error_if_incomplete"));
}

#[test]
fn a_subscription_with_a_trial() {
    insta::assert_snapshot!(shown(&subscription(14)), @r"
    POST /v1/subscriptions
    customer=cus_1
    items[0][price]=price_1
    default_payment_method=pm_1
    off_session=true
    payment_behavior=error_if_incomplete
    billing_mode[type]=flexible
    trial_period_days=14
    trial_settings[end_behavior][missing_payment_method]=cancel
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_plan]=stock-photos-monthly
    metadata[perennial_price]=price_1
    metadata[perennial_wallet]=amazon_pay
    expand[]=latest_invoice
    expand[]=default_payment_method
    ");
}

#[test]
fn a_subscription_that_its_shopper_confirms() {
    let paid_by = PaidBy::Shopper(Wallet::ApplePay);
    insta::assert_snapshot!(shown(&subscription_paid_by(paid_by, 0, "apple_pay")), @r"
    POST /v1/subscriptions
    customer=cus_1
    items[0][price]=price_1
    payment_behavior=default_incomplete
    payment_settings[save_default_payment_method]=on_subscription
    payment_settings[payment_method_types][]=card
    billing_mode[type]=flexible
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_plan]=stock-photos-monthly
    metadata[perennial_price]=price_1
    metadata[perennial_wallet]=apple_pay
    expand[]=latest_invoice.confirmation_secret
    expand[]=pending_setup_intent
    ");
}

#[test]
fn a_trial_that_its_shopper_confirms() {
    let paid_by = PaidBy::Shopper(Wallet::ApplePay);
    insta::assert_snapshot!(shown(&subscription_paid_by(paid_by, 14, "apple_pay")), @r"
    POST /v1/subscriptions
    customer=cus_1
    items[0][price]=price_1
    payment_behavior=default_incomplete
    payment_settings[save_default_payment_method]=on_subscription
    payment_settings[payment_method_types][]=card
    billing_mode[type]=flexible
    trial_period_days=14
    trial_settings[end_behavior][missing_payment_method]=cancel
    metadata[perennial_attempt]=chk_1
    metadata[perennial_user]=auth0%7Calice
    metadata[perennial_plan]=stock-photos-monthly
    metadata[perennial_price]=price_1
    metadata[perennial_wallet]=apple_pay
    expand[]=latest_invoice.confirmation_secret
    expand[]=pending_setup_intent
    ");
}

#[test]
fn a_product_and_its_price() {
    let product = CreateProduct {
        name: "Stock photos",
        plan: "stock-photos-monthly",
    };
    insta::assert_snapshot!(shown(&product.freeze(key("prod"))), @r"
    POST /v1/products
    name=Stock%20photos
    metadata[perennial_plan]=stock-photos-monthly
    ");
    let price = CreatePrice {
        product: "prod_1",
        currency: "usd",
        unit_amount: 1500,
        interval: "month",
        interval_count: 1,
        tax_behavior: None,
        lookup_key: "perennial-stock-photos-monthly",
        plan: "stock-photos-monthly",
    };
    insta::assert_snapshot!(shown(&price.freeze(key("price"))), @r"
    POST /v1/prices
    product=prod_1
    currency=usd
    unit_amount=1500
    recurring[interval]=month
    recurring[interval_count]=1
    lookup_key=perennial-stock-photos-monthly
    metadata[perennial_plan]=stock-photos-monthly
    ");
}

#[test]
fn a_webhook_endpoint_is_pinned_to_our_version() {
    let endpoint = CreateWebhookEndpoint {
        url: "https://api.example/webhooks/stripe",
        enabled_events: &["setup_intent.succeeded", "invoice.paid"],
        description: "Perennial",
    };
    insta::assert_snapshot!(shown(&endpoint.freeze(key("we"))), @r"
    POST /v1/webhook_endpoints
    url=https%3A%2F%2Fapi.example%2Fwebhooks%2Fstripe
    api_version=2026-10-28.endive
    description=Perennial
    enabled_events[]=setup_intent.succeeded
    enabled_events[]=invoice.paid
    ");
}

/// Frozen before a deployment, they are sent after it.
#[test]
fn pauses_and_resumptions_are_these_bytes() {
    let subscription = "sub_1".parse().unwrap();
    let whole = "expand[]=latest_invoice.confirmation_secret&expand[]=default_payment_method&expand[]=pending_setup_intent&expand[]=schedule";
    let pause = PauseSubscription {
        subscription: &subscription,
    };
    let pause = pause.freeze(key("act:1:pause"));
    assert_eq!(pause.path, "/v1/subscriptions/sub_1/pause");
    assert_eq!(
        pause.body,
        format!(
            "type=subscription&bill_for[unused_time_from][type]=now&invoicing_behavior=invoice&{whole}"
        )
    );
    let resume = ResumeSubscription {
        subscription: &subscription,
    };
    let resume = resume.freeze(key("act:1:resume"));
    assert_eq!(resume.path, "/v1/subscriptions/sub_1/resume");
    assert_eq!(
        resume.body,
        format!(
            "billing_cycle_anchor[type]=now&payment_behavior=resume_on_payment_success&{whole}"
        )
    );
}

/// The same holds of the end of a trial, which is read out of them again.
#[test]
fn ends_of_trials_are_these_bytes() {
    let subscription = "sub_1".parse().unwrap();
    let whole = "expand[]=latest_invoice.confirmation_secret&expand[]=default_payment_method&expand[]=pending_setup_intent&expand[]=schedule";
    let ends_at = |ends_at| ChangeTrial {
        subscription: &subscription,
        ends_at,
        request: "1",
    };
    let later = ends_at(Some(1_798_070_400)).freeze(key("act:1:trial"));
    assert_eq!(later.path, "/v1/subscriptions/sub_1");
    assert_eq!(
        later.body,
        format!(
            "proration_behavior=none&trial_end=1798070400&metadata[perennial_action]=1&{whole}"
        )
    );
    assert_eq!(ChangeTrial::ends_at(&later), Some(1_798_070_400));
    let now = ends_at(None).freeze(key("act:1:trial"));
    assert_eq!(
        now.body,
        format!(
            "proration_behavior=none&trial_end=now&payment_behavior=error_if_incomplete&off_session=true&metadata[perennial_action]=1&{whole}"
        )
    );
    assert_eq!(ChangeTrial::ends_at(&now), None);
}

/// And of a list of discounts, of which those are read out of them again that stay.
#[test]
fn lists_of_discounts_are_these_bytes() {
    let subscription = "sub_1".parse().unwrap();
    let code = "promo_1".parse().unwrap();
    let kept = ["di_1".to_owned(), "di_2".to_owned()];
    let list = |kept, added| {
        let change = ChangeDiscounts {
            subscription: &subscription,
            kept,
            added,
            request: "1",
        };
        change.freeze(key("act:1:discount"))
    };
    let both = "discounts[0][discount]=di_1&discounts[1][discount]=di_2&";
    for (kept, added, expected, read) in [
        (
            &kept[..],
            Some(Redeemed::Code(&code)),
            format!("{both}discounts[2][promotion_code]=promo_1&"),
            Some(vec!["di_1", "di_2"]),
        ),
        (
            &[],
            Some(Redeemed::Coupon("SORRY 20")),
            "discounts[0][coupon]=SORRY%2020&".to_owned(),
            Some(Vec::new()),
        ),
        (&[], None, "discounts=&".to_owned(), None),
    ] {
        let frozen = list(kept, added);
        assert_eq!(frozen.path, "/v1/subscriptions/sub_1");
        let rest = "proration_behavior=none&metadata[perennial_action]=1&";
        let begins = format!("{expected}{rest}");
        assert!(frozen.body.starts_with(&begins), "{}", frozen.body);
        assert_eq!(ChangeDiscounts::kept(&frozen), read);
    }
}
