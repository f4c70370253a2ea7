//! Prints options of Stripe.js as Perennial makes them, a claim a line, for `tests/contract` to hold
//! against the types that Stripe publishes: `{"what", "type", "value"}`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test reads it")]

use perennial_api::stripe_js::{
    ApplePay, Capture, Deferred, Elements, ExpressCheckout, FreeCancellation, Reload,
};
use perennial_types::{Consent, Interval, Money, Plan, Timestamp, Wallet};
use serde::Serialize;
use serde_json::json;
use url::Url;

const NOW: Timestamp = Timestamp::from_unix(1_795_564_800);
const DAY: i64 = 86_400;

/// The currencies with two, with no and with three decimals.
const CURRENCIES: [&str; 3] = ["usd", "jpy", "kwd"];

fn main() {
    let management: Url = "https://api.shop.example/manage?link=v1.a.b"
        .parse()
        .unwrap();
    for interval in [
        Interval::Day,
        Interval::Week,
        Interval::Month,
        Interval::Year,
    ] {
        for interval_count in [1, 7, 36] {
            for trial_days in [0, 1, 730] {
                for currency in CURRENCIES {
                    of_plan(
                        &plan(interval, interval_count, trial_days, currency),
                        &management,
                    );
                }
            }
        }
    }
    for amount in [1, 9900, 99_999_999] {
        for currency in CURRENCIES {
            of_payment(money(amount, currency), &management);
        }
    }
}

fn of_plan(plan: &Plan, management: &Url) {
    let what = format!(
        "every {} {:?} after {} days in {}",
        plan.interval_count, plan.interval, plan.trial_days, plan.currency
    );
    elements(&format!("setup, {what}"), &Elements::setup(plan));
    elements(
        &format!("subscription, {what}"),
        &Elements::subscription(plan, None),
    );
    let request = ApplePay::recurring(plan, None, &Consent::default(), management, NOW);
    express_checkout(&what, Some(request));
}

fn of_payment(money: Money, management: &Url) {
    let what = money.to_string();
    for saves in [false, true] {
        for capture in [Capture::Automatic, Capture::Manual] {
            let options = Elements::payment(money, saves, capture);
            elements(&format!("{capture:?}, saved: {saves}, {what}"), &options);
        }
    }
    let time_zone = "America/Argentina/Buenos_Aires".to_owned();
    for free_cancellation in [
        None,
        Some(FreeCancellation {
            until: NOW.plus_seconds(DAY),
            time_zone: time_zone.try_into().unwrap(),
        }),
    ] {
        let deferred = Deferred {
            label: "Two nights".to_owned(),
            date: NOW.plus_seconds(30 * DAY),
            free_cancellation,
            agreement: Some("You pay when you arrive.".to_owned()),
        };
        let request = ApplePay::deferred(money, deferred, management, NOW).unwrap();
        express_checkout(&format!("deferred {what}"), Some(request));
    }
    let reload = Reload {
        label: "Metro card".to_owned(),
        threshold: 0,
        agreement: None,
    };
    let request = ApplePay::reload(money, reload, management);
    express_checkout(&format!("reload {what}"), Some(request));
    express_checkout(&format!("once {what}"), None);
    let options = ExpressCheckout::new(Wallet::GooglePay, None);
    claim(
        &format!("once with Google Pay {what}"),
        "InJson<StripeJs.StripeExpressCheckoutElementOptions>",
        &options,
    );
}

fn elements(what: &str, options: &Elements) {
    claim(what, "InJson<StripeJs.StripeElementsOptionsMode>", options);
}

fn express_checkout(what: &str, apple_pay: Option<ApplePay>) {
    let options = ExpressCheckout::new(Wallet::ApplePay, apple_pay);
    claim(
        what,
        "InJson<StripeJs.StripeExpressCheckoutElementOptions>",
        &options,
    );
}

fn claim(what: &str, kind: &str, value: &impl Serialize) {
    println!("{}", json!({ "what": what, "type": kind, "value": value }));
}

fn money(amount: u64, currency: &str) -> Money {
    Money {
        amount,
        currency: currency.parse().unwrap(),
    }
}

fn plan(interval: Interval, interval_count: u16, trial_days: u32, currency: &str) -> Plan {
    Plan {
        price: "price_1".parse().unwrap(),
        group: "main".parse().unwrap(),
        label: "Stock photos".to_owned(),
        amount: 1500,
        currency: currency.parse().unwrap(),
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
