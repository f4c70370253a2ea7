//! A server of the shop puts a discount on a subscription that runs, and takes it off.

mod failing;
mod typed;

use serde_json::{Value, json};

use super::{Subscriber, at_once, at_period_end};
use crate::payments::{ShopServer, text};

pub(super) const MONTHLY: &str = "stock-photos-monthly";
pub(super) type Form<'a> = &'a [(&'a str, &'a str)];

pub(super) const FOREVER: Form<'static> = &[("percent_off", "20"), ("duration", "forever")];
pub(super) const ONCE: Form<'static> = &[("percent_off", "50"), ("duration", "once")];
const THREE_MONTHS: Form<'static> = &[
    ("amount_off", "300"),
    ("currency", "usd"),
    ("duration", "repeating"),
    ("duration_in_months", "3"),
];

pub(super) fn removed() -> Value {
    json!({"remove": true})
}

impl Subscriber {
    pub(super) async fn coupon(&self, form: Form<'_>) -> String {
        let made = self.app.stripe.api("POST", "/v1/coupons", form).await;
        text(&made["id"]).to_owned()
    }

    /// Makes a code of a coupon of its own; gives the code's id.
    pub(super) async fn code(&self, words: &str, coupon: Form<'_>, more: Form<'_>) -> String {
        let coupon = self.coupon(coupon).await;
        let promotion = [
            ("promotion[type]", "coupon"),
            ("promotion[coupon]", &coupon),
            ("code", words),
        ];
        let form = [&promotion[..], more].concat();
        let made = self
            .app
            .stripe
            .api("POST", "/v1/promotion_codes", &form)
            .await;
        assert!(made.get("error").is_none(), "{made}");
        text(&made["id"]).to_owned()
    }

    pub(super) async fn discount(&self, key: &str, body: &Value) -> Value {
        let answer = self.server_asks("discount", key, body).await;
        answer.expect(200).json()
    }

    /// How many discounts Stripe has of it.
    pub(super) async fn discounts(&self) -> usize {
        self.at_stripe().await["discounts"]
            .as_array()
            .unwrap()
            .len()
    }

    pub(super) async fn redeemed(&self, code: &str) -> u64 {
        let path = format!("/v1/promotion_codes/{code}");
        let read = self.app.stripe.api("GET", &path, &[]).await;
        read["times_redeemed"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn a_discount_counts_from_the_next_invoice_and_is_told() {
    for (coupon, charged, told) in [
        (
            FOREVER,
            [1200, 1200],
            json!({"promotion_code": null, "percent_off": 20, "amount_off": null, "lasts": "forever", "until": null}),
        ),
        (
            ONCE,
            [750, 1500],
            json!({"promotion_code": null, "percent_off": 50, "amount_off": null, "lasts": "once", "until": null}),
        ),
        (
            THREE_MONTHS,
            [1200, 1200],
            json!({"promotion_code": null, "percent_off": null, "amount_off": {"amount": 300, "currency": "usd"}, "lasts": "months"}),
        ),
    ] {
        let it = Subscriber::of(MONTHLY).await;
        let coupon = it.coupon(coupon).await;
        let before = it.mine().await;
        let answer = it.discount("k1", &json!({"coupon": coupon})).await;
        assert_eq!(answer["next_charge"]["amount"], charged[0]);
        assert_eq!(answer["discounted"], true);
        let mut seen = answer["discounts"][0].clone();
        if told["lasts"] == "months" {
            let until = seen.as_object_mut().unwrap().remove("until").unwrap();
            let days = (super::pausing::seconds(&until) - it.now().await) / (24 * 3600);
            assert!((88..93).contains(&days), "{until}");
        }
        assert_eq!(seen, told);
        assert_eq!(it.charged().await, 1500, "nothing is prorated");
        it.app.quiet().await;
        // Of a discount the application hears by the charge that it makes.
        assert_eq!(it.mine().await, before);
        assert_eq!(it.told().await, Vec::<String>::new());
        it.app.pass_days(31).await;
        assert_eq!(it.charged().await, 1500 + charged[0]);
        it.app.pass_days(31).await;
        assert_eq!(it.charged().await, 1500 + charged[0] + charged[1]);
    }
}

#[tokio::test]
async fn discounts_add_up_in_their_order_and_are_taken_off_together() {
    let it = Subscriber::of(MONTHLY).await;
    let three = it.coupon(THREE_MONTHS).await;
    let code = it.code("PARTNER", FOREVER, &[]).await;
    it.discount("k1", &json!({"coupon": three})).await;
    let both = it.discount("k2", &json!({"promotion_code": code})).await;
    assert_eq!(both["next_charge"]["amount"], 960);
    assert_eq!(both["discounts"][1]["promotion_code"], code.as_str());
    assert_eq!((it.discounts().await, it.redeemed(&code).await), (2, 1));
    // The same request is the same answer, and no second discount.
    let changes = it.changes().await;
    let again = it.discount("k2", &json!({"promotion_code": code})).await;
    assert_eq!(again["next_charge"], both["next_charge"]);
    assert_eq!((it.changes().await, it.discounts().await), (changes, 2));
    let reused = it.server_asks("discount", "k2", &removed()).await;
    assert_eq!(reused.expect_error(409), "idempotency_key_reused");
    let none = it.discount("k3", &removed()).await;
    assert_eq!(none["next_charge"]["amount"], 1500);
    assert_eq!(
        (&none["discounted"], &none["discounts"]),
        (&json!(false), &json!([]))
    );
    let nothing = it.server_asks("discount", "k4", &removed()).await;
    assert_eq!(nothing.expect_error(409), "no_discount");
    it.app.pass_days(31).await;
    assert_eq!(it.charged().await, 3000);
}

#[tokio::test]
async fn what_is_not_redeemed_says_why_and_changes_nothing() {
    let it = Subscriber::of(MONTHLY).await;
    let past = (it.now().await + 60).to_string();
    let euros: Form<'_> = &[
        ("amount_off", "300"),
        ("currency", "eur"),
        ("duration", "once"),
    ];
    let late: Form<'_> = &[
        ("percent_off", "20"),
        ("duration", "once"),
        ("redeem_by", &past),
    ];
    let other = it
        .app
        .stripe
        .api("POST", "/v1/products", &[("name", "Mugs")])
        .await;
    let mugs: Form<'_> = &[
        ("percent_off", "20"),
        ("duration", "once"),
        ("applies_to[products][0]", text(&other["id"])),
    ];
    let coupons = [
        it.coupon(euros).await,
        it.coupon(late).await,
        it.coupon(mugs).await,
    ];
    let bob = it.app.stripe.api("POST", "/v1/customers", &[]).await;
    let minimum: Form<'_> = &[
        ("restrictions[minimum_amount]", "100"),
        ("restrictions[minimum_amount_currency]", "usd"),
    ];
    let first: Form<'_> = &[("restrictions[first_time_transaction]", "true")];
    let of_bob: Form<'_> = &[("customer", text(&bob["id"]))];
    let ended = it.code("ENDED", ONCE, &[]).await;
    let path = format!("/v1/promotion_codes/{ended}");
    it.app
        .stripe
        .api("POST", &path, &[("active", "false")])
        .await;
    let codes = [
        (
            it.code("LEAST", ONCE, minimum).await,
            409,
            "code_for_new_only",
        ),
        (
            it.code("FIRST", ONCE, first).await,
            409,
            "code_first_order_only",
        ),
        (
            it.code("BOBS", ONCE, of_bob).await,
            409,
            "code_of_another_customer",
        ),
        (ended, 409, "code_ended"),
        ("promo_nobodys".to_owned(), 404, "unknown_code"),
    ];
    it.pass(120).await;
    let [euros, late, mugs] = coupons;
    for (index, (body, status, code)) in [
        (json!({"coupon": euros}), 409, "code_other_currency"),
        (json!({"coupon": late}), 409, "code_expired"),
        (json!({"coupon": mugs}), 409, "code_not_for_plan"),
        (json!({"coupon": "NOBODYS"}), 404, "unknown_code"),
        (json!({"coupon": "../../v1/charges"}), 404, "unknown_code"),
    ]
    .into_iter()
    .chain(codes.map(|(id, status, code)| (json!({"promotion_code": id}), status, code)))
    .enumerate()
    {
        let key = format!("k{index}");
        for _ in 0..2 {
            let refused = it.server_asks("discount", &key, &body).await;
            assert_eq!(refused.expect_error(status), code, "{body}");
        }
    }
    let once = it.coupon(ONCE).await;
    it.discount("once", &json!({"coupon": once})).await;
    let twice = it
        .server_asks("discount", "twice", &json!({"coupon": once}))
        .await;
    assert_eq!(twice.expect_error(409), "code_not_taken");
    assert_eq!((it.changes().await, it.discounts().await), (1, 1));
}

#[tokio::test]
async fn what_a_body_may_not_say_changes_nothing() {
    let it = Subscriber::of(MONTHLY).await;
    let coupon = it.coupon(ONCE).await;
    for (body, code) in [
        (json!({}), "missing_field"),
        (json!({"remove": false}), "missing_field"),
        (json!({"coupon": ""}), "invalid_field"),
        (json!({"coupon": "with space"}), "invalid_field"),
        (json!({"promotion_code": "WELCOME20"}), "invalid_field"),
        (
            json!({"coupon": coupon, "remove": true}),
            "conflicting_fields",
        ),
        (
            json!({"coupon": coupon, "promotion_code": "promo_1"}),
            "conflicting_fields",
        ),
        (
            json!({"coupon": coupon, "percent_off": 99}),
            "unknown_field",
        ),
    ] {
        let refused = it.server_asks("discount", "k1", &body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    let path = format!("/shop/subscriptions/{}/discount", it.id);
    let body = json!({"user": "bob", "coupon": coupon});
    let other = ShopServer::of(&it.app).post(&path, "k1", &body).await;
    assert_eq!(other.expect_error(404), "unknown_subscription");
    let keyless = ShopServer::of(&it.app).post(&path, "", &body).await;
    assert_eq!(keyless.expect_error(400), "invalid_idempotency_key");
    assert_eq!((it.changes().await, it.discounts().await), (0, 0));
}

#[tokio::test]
async fn what_a_schedule_or_an_end_decides_is_left_to_it() {
    let it = Subscriber::of("stock-photos-team").await;
    let coupon = json!({"coupon": it.coupon(FOREVER).await});
    let ask = json!({"plan": MONTHLY, "when": "period_end"});
    let shown = it.asks("preview", &ask).await.expect(200).json();
    it.asks("change", &json!({"preview": shown["preview"]}))
        .await
        .expect(200);
    let refused = it.server_asks("discount", "k1", &coupon).await;
    assert_eq!(refused.expect_error(409), "change_scheduled");
    it.asks("withdraw-change", &json!({})).await.expect(200);
    // It counts if the cancellation is taken back, and not for what never comes.
    it.asks("cancel", &at_period_end()).await.expect(200);
    let kept = it.discount("k2", &coupon).await;
    assert_eq!(kept["next_charge"], Value::Null);
    it.asks("withdraw-cancellation", &json!({}))
        .await
        .expect(200);
    it.app.pass_days(31).await;
    assert_eq!(it.charged().await, 2900 + 2320);
    let form = [("from_subscription", it.id.as_str())];
    let path = "/v1/subscription_schedules";
    let schedule = it.app.stripe.api("POST", path, &form).await;
    it.app.quiet().await;
    let refused = it.server_asks("discount", "k3", &removed()).await;
    assert_eq!(refused.expect_error(409), "managed_by_schedule");
    let path = format!("{path}/{}/release", text(&schedule["id"]));
    it.app.stripe.api("POST", &path, &[]).await;
    it.app.quiet().await;
    it.server_asks("cancel", "k4", &at_once()).await.expect(200);
    let ended = it.server_asks("discount", "k5", &removed()).await;
    assert_eq!(ended.expect_error(409), "subscription_ended");
}

/// A schedule takes what it does not repeat from the subscription.
#[tokio::test]
async fn a_discount_goes_on_with_a_plan_that_comes_later() {
    for (coupon, amounts) in [(FOREVER, [1200, 1200]), (ONCE, [750, 1500])] {
        let it = Subscriber::of("stock-photos-team").await;
        let first = it.coupon(coupon).await;
        it.discount("k1", &json!({"coupon": first})).await;
        let ask = json!({"plan": MONTHLY, "when": "period_end"});
        let shown = it.asks("preview", &ask).await.expect(200).json();
        assert_eq!(shown["next_charge"]["amount"], amounts[0]);
        it.asks("change", &json!({"preview": shown["preview"]}))
            .await
            .expect(200);
        it.app.quiet().await;
        assert_eq!(it.discounts().await, 1);
        it.app.pass_days(31).await;
        assert_eq!(it.mine().await["plan"], MONTHLY);
        assert_eq!(it.charged().await, 2900 + amounts[0]);
        it.app.pass_days(31).await;
        assert_eq!(it.charged().await, 2900 + amounts[0] + amounts[1]);
    }
}

/// A discount that was put on in the Dashboard stays, and is taken off by the server that says so.
#[tokio::test]
async fn a_discount_of_the_dashboard_is_kept_and_told() {
    let it = Subscriber::of(MONTHLY).await;
    let (first, second) = (it.coupon(FOREVER).await, it.coupon(THREE_MONTHS).await);
    it.post(&[("discounts[0][coupon]", &first)]).await;
    let both = it.discount("k1", &json!({"coupon": second})).await;
    assert_eq!(both["discounts"].as_array().unwrap().len(), 2);
    assert_eq!(both["discounts"][0]["percent_off"], 20);
    assert_eq!(both["next_charge"]["amount"], 900);
    it.discount("k2", &removed()).await;
    assert_eq!(it.discounts().await, 0);
}

/// Of a coupon that has amounts in several currencies, the one that is taken off is told.
#[tokio::test]
async fn an_amount_off_is_told_in_the_currency_of_the_subscription() {
    let plan = json!({"group": "photos", "label": "Photos", "amount": 1500, "currency": "eur", "interval": "month"});
    let plans = json!({"basic": plan});
    let app = perennial_tests::TestApp::selling(&plans, perennial_tests::Setup::default()).await;
    let it = Subscriber::in_app(app, "basic").await;
    let in_both = [
        THREE_MONTHS,
        &[("currency_options[eur][amount_off]", "250")],
    ]
    .concat();
    let coupon = it.coupon(&in_both).await;
    let seen = it.discount("k1", &json!({"coupon": coupon})).await;
    let told = json!({"amount": 250, "currency": "eur"});
    assert_eq!(seen["discounts"][0]["amount_off"], told, "{seen}");
    assert_eq!(seen["next_charge"]["amount"], 1250);
}
