//! Plans with taxes: shown with those of the shopper's address, and charged for what was shown or not at all.

mod changing;
mod failing;
mod ids;
mod refused;
mod whole_order;

use perennial_tests::{Answer, Setup, Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

const DE: (&str, Option<&str>) = ("DE", None);
const CALIFORNIA: (&str, Option<&str>) = ("US", Some("94103"));
const OREGON: (&str, Option<&str>) = ("US", Some("97201"));
const AUSTRIA: (&str, Option<&str>) = ("AT", Some("1010"));

type Place = (&'static str, Option<&'static str>);

/// A shopper of a shop whose plans cost 15.00 USD a month, with taxes on top of it, in it, or without.
struct Buyer {
    app: TestApp,
    alice: Shopper,
}

fn address((country, code): Place) -> Value {
    match code {
        Some(code) => json!({"country": country, "postal_code": code}),
        None => json!({ "country": country }),
    }
}

impl Buyer {
    async fn start() -> Self {
        let taxed = |behavior: &str| json!({"tax": "automatic", "tax_behavior": behavior});
        let mut trial = taxed("exclusive");
        trial["trial_days"] = 14.into();
        let mut dear = taxed("exclusive");
        dear["amount"] = 2900.into();
        let mut yearly = taxed("exclusive");
        yearly["amount"] = 15000.into();
        yearly["interval"] = "year".into();
        let mut team = taxed("exclusive");
        team["quantity"] = json!({"minimum": 1, "maximum": 50});
        let plans = json!({
            "exclusive": taxed("exclusive"), "inclusive": taxed("inclusive"), "trial": trial,
            "dear": dear, "yearly": yearly, "team": team, "plain": {},
        });
        let app = TestApp::selling(&plans, Setup::default()).await;
        let alice = app.shopper("alice");
        Self { app, alice }
    }

    async fn ask(&self, body: &Value) -> Answer {
        let request = self.alice.calls.request("POST", "/wallets").json(body);
        self.alice.calls.send(request).await
    }

    /// What a plan costs at a place, with the rest of the answer.
    async fn told(&self, plan: &str, place: Place) -> Value {
        let body = json!({"plan": plan, "billing_address": address(place)});
        self.ask(&body).await.expect(200).json()
    }

    /// The same with a promotion code.
    async fn told_with(&self, plan: &str, place: Place, code: &str) -> Value {
        let body = json!({"plan": plan, "billing_address": address(place), "code": code});
        self.ask(&body).await.expect(200).json()
    }

    async fn click(&self, told: &Value, wallet: &str, place: Place) -> Answer {
        self.alice
            .calls
            .client_secret(&asked(told, wallet, place))
            .await
    }

    /// Agrees at Amazon, and comes back.
    async fn agree(&self, opened: &Value) -> Answer {
        let back = self.alice.answer_wallet(opened, "approve").await;
        self.alice.calls.come_back(&back).await.expect(303)
    }

    /// Is shown a plan and buys it with Amazon Pay.
    async fn buy(&self, plan: &str, place: Place) -> Value {
        let told = self.told(plan, place).await;
        let opened = self.click(&told, "amazon_pay", place).await;
        assert!(matches!(opened.status, 200 | 201), "{}", opened.text);
        let landed = self.agree(&opened.json()).await;
        assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
        self.app.quiet().await;
        told
    }

    /// What was paid, in the order of time.
    async fn paid(&self) -> Vec<u64> {
        let mut charges = self.app.stripe.objects("charge").await;
        charges.retain(|charge| charge["paid"] == true);
        charges.sort_by_key(|charge| charge["created"].as_i64());
        let amounts = charges.iter().map(|charge| charge["amount"].as_u64());
        amounts.map(Option::unwrap).collect()
    }

    async fn mine(&self) -> Value {
        let mine = self.alice.calls.subscriptions().await.expect(200).json();
        let id = text(&mine["subscriptions"][0]["id"]).to_owned();
        let calls = &self.alice.calls;
        let request = calls.request("GET", &format!("/subscriptions/{id}"));
        calls.send(request).await.expect(200).json()
    }

    /// Where Stripe knows the shopper to be.
    async fn place(&self) -> (Value, Value) {
        let customers = self.app.stripe.objects("customer").await;
        let address = &customers[0]["address"];
        (address["country"].clone(), address["postal_code"].clone())
    }
}

/// What a click says of what was shown.
fn asked(told: &Value, wallet: &str, place: Place) -> Value {
    let mut body = json!({
        "plan": told["plan"], "wallet": wallet, "tax": {"amount": told["tax"]["amount"]},
        "billing_address": address(place),
    });
    if told["discount"].is_object() {
        let discount = &told["discount"];
        body["discount"] =
            json!({"promotion_code": discount["promotion_code"], "amount": discount["amount"]});
    }
    if told["quantity"].is_u64() {
        body["quantity"] = told["quantity"].clone();
    }
    body
}

fn apple(told: &Value) -> &Value {
    let all = told["wallets"].as_array().unwrap();
    all.iter().find(|it| it["wallet"] == "apple_pay").unwrap()
}

fn request_of(told: &Value) -> &Value {
    &apple(told)["express_checkout"]["applePay"]["recurringPaymentRequest"]
}

/// 19% on top of 1500 are 285, and in 1500 they are 239.50; 7.25% on top are 108.75. Oregon collects nothing.
#[tokio::test]
async fn a_page_is_told_what_a_plan_costs_where_the_shopper_is() {
    let it = Buyer::start().await;
    for (plan, place, amount, tax, behavior) in [
        ("exclusive", DE, 1785, 285, json!("exclusive")),
        ("exclusive", CALIFORNIA, 1609, 109, json!("exclusive")),
        ("exclusive", OREGON, 1500, 0, Value::Null),
        ("inclusive", DE, 1500, 239, json!("inclusive")),
        ("trial", DE, 1785, 285, json!("exclusive")),
    ] {
        let told = it.told(plan, place).await;
        let due = if plan == "trial" { 0 } else { amount };
        assert_eq!(
            told["tax"],
            json!({"due_now": due, "amount": amount, "tax_amount": tax, "behavior": behavior, "currency": "usd"}),
            "{plan} {place:?}"
        );
        assert_eq!(apple(&told)["elements"]["subscription"]["amount"], due);
        assert_eq!(request_of(&told)["regularBilling"]["amount"], amount);
        let shown = format!("{}.{:02} USD every month", amount / 100, amount % 100);
        for wallet in ["amazon_pay", "apple_pay"] {
            let text = told["consent"]["text"][wallet].as_str().unwrap();
            assert!(text.contains(&shown), "{text}");
        }
        for wallet in told["wallets"].as_array().unwrap() {
            assert_eq!(wallet["offer"], true, "{wallet}");
        }
    }
    // Nobody is made a customer, and nothing is kept, by a look.
    assert!(it.app.stripe.objects("customer").await.is_empty());
    let plans = it.app.anybody();
    let plans = plans.send(plans.request("GET", "/plans")).await.json();
    for plan in plans["plans"].as_array().unwrap() {
        let expected = if plan["name"] == "plain" {
            Value::Null
        } else {
            json!("automatic")
        };
        assert_eq!(plan["tax"], expected, "{plan}");
    }
}

#[tokio::test]
async fn several_are_taxed_together() {
    let it = Buyer::start().await;
    let body = json!({"plan": "team", "quantity": 3, "billing_address": address(DE)});
    let told = it.ask(&body).await.expect(200).json();
    assert_eq!(told["tax"]["amount"], 5355);
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    it.agree(&opened).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [5355]);
}

/// With both wallets and in each order, and at each renewal.
#[tokio::test]
async fn what_was_shown_is_what_is_charged() {
    for (plan, place, expected) in [
        ("exclusive", DE, 1785),
        ("exclusive", CALIFORNIA, 1609),
        ("exclusive", OREGON, 1500),
        ("inclusive", DE, 1500),
    ] {
        for (wallet, first) in [
            ("amazon_pay", "setup_intent"),
            ("apple_pay", "setup_intent"),
            ("apple_pay", "subscription"),
        ] {
            let it = Buyer::start().await;
            let told = it.told(plan, place).await;
            let mut body = asked(&told, wallet, place);
            if first == "subscription" {
                body["first"] = first.into();
                let opened = it
                    .alice
                    .calls
                    .post_subscription(&body)
                    .await
                    .expect(201)
                    .json();
                it.alice.approve_apple_pay(&opened).await;
            } else {
                let opened = it.alice.calls.client_secret(&body).await.expect(201).json();
                if wallet == "apple_pay" {
                    it.alice.approve_apple_pay(&opened).await;
                } else {
                    it.agree(&opened).await;
                }
            }
            it.app.quiet().await;
            let what = format!("{plan} {place:?} {wallet} {first}");
            assert_eq!(it.paid().await, [expected], "{what}");
            assert_eq!(it.mine().await["next_charge"]["amount"], expected, "{what}");
            it.app.pass_days(31).await;
            it.app.pass_days(31).await;
            assert_eq!(it.paid().await, [expected; 3], "{what}");
            let (country, code) = it.place().await;
            assert_eq!((country, code), (json!(place.0), json!(place.1)), "{what}");
            let subscriptions = it.app.stripe.objects("subscription").await;
            assert_eq!(subscriptions[0]["automatic_tax"]["enabled"], true, "{what}");
        }
    }
}

#[tokio::test]
async fn a_trial_is_free_and_then_costs_what_was_shown() {
    let it = Buyer::start().await;
    it.buy("trial", CALIFORNIA).await;
    assert!(it.paid().await.is_empty());
    it.app.pass_days(15).await;
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1609, 1609]);
}

/// Taxes are on what is left after the discount: 1200 and 228, then 1500 and 285.
#[tokio::test]
async fn a_code_and_taxes_are_both_in_what_is_shown_and_charged() {
    let it = Buyer::start().await;
    let coupon = [("percent_off", "20"), ("duration", "once")];
    let coupon = it.app.stripe.api("POST", "/v1/coupons", &coupon).await;
    let code = [
        ("promotion[type]", "coupon"),
        ("promotion[coupon]", text(&coupon["id"])),
        ("code", "SPRING"),
    ];
    it.app
        .stripe
        .api("POST", "/v1/promotion_codes", &code)
        .await;
    let told = it.told_with("exclusive", DE, "SPRING").await;
    assert_eq!(told["tax"]["due_now"], 1428);
    assert_eq!(told["tax"]["amount"], 1785);
    assert_eq!(told["discount"]["due_now"], 1428);
    assert_eq!(told["discount"]["amount"], 1428);
    assert_eq!(told["discount"]["regular_amount"], 1785);
    assert_eq!(apple(&told)["elements"]["subscription"]["amount"], 1428);
    assert_eq!(request_of(&told)["trialBilling"]["amount"], 1428);
    assert_eq!(request_of(&told)["regularBilling"]["amount"], 1785);
    let consent = text(&told["consent"]["text"]["amazon_pay"]);
    assert!(
        consent.contains("14.28 USD") && consent.contains("17.85 USD"),
        "{consent}"
    );
    let without = it
        .ask(&json!({"plan": "exclusive", "code": "SPRING"}))
        .await;
    assert_eq!(without.expect_error(400), "address_needed");
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    it.agree(&opened).await;
    it.app.quiet().await;
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1428, 1785]);
}

/// The address goes to Stripe, and is kept there alone.
#[tokio::test]
async fn the_address_is_in_no_table_and_no_log() {
    let log = perennial_tests::Log::default();
    let _guard = log.listen_to_all();
    let it = Buyer::start().await;
    it.buy("exclusive", ("US", Some("94117-3456"))).await;
    for place in [("US", Some("00117")), ("ZZ", Some("94117"))] {
        let body = json!({"plan": "exclusive", "billing_address": address(place)});
        it.ask(&body).await.expect(400);
    }
    let items = it.app.table.items().await;
    let kept = serde_json::to_string(&items).unwrap();
    assert!(kept.contains("1609"), "the checkout keeps the amount");
    assert!(!kept.contains("94117"), "{kept}");
    let logged = serde_json::to_string(&log.take()).unwrap();
    let customer = it.app.stripe.objects("customer").await.remove(0);
    assert!(logged.contains(text(&customer["id"])), "it is listened to");
    assert!(!logged.contains("94117"), "{logged}");
    let mut attempts = items.iter().filter(|item| item["tax"].is_object());
    let attempt = attempts.next().unwrap();
    assert_eq!(attempt["tax"], json!({"amount": 1609}));
    let request = text(&attempt["subscription_request"]);
    assert!(request.contains("automatic_tax[enabled]=true"), "{request}");
}

/// A look asks once, a click three times more: for the amount, for the customer's address and to write it. The end
/// asks for the amount again.
#[tokio::test]
async fn taxes_cost_five_calls_more() {
    let it = Buyer::start().await;
    let told = it.told("exclusive", DE).await;
    it.app.stripe.hold_webhooks().await;
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    it.agree(&opened).await;
    let count = async |name: &str| it.app.stripe.requests_to(name).await.len();
    assert_eq!(count("POST /v1/invoices/create_preview").await, 3);
    assert_eq!(count("GET /v1/customers/{id}").await, 1);
    assert_eq!(count("POST /v1/customers/{id}").await, 1);
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    // Whoever is there already does not move.
    let told = it.told("exclusive", DE).await;
    assert_eq!(told["tax"]["amount"], 1785);
}

/// A plan without taxes needs no address, and an address that a page sends all the same goes nowhere.
#[tokio::test]
async fn without_taxes_an_address_is_not_used() {
    let it = Buyer::start().await;
    let told = it.told("plain", DE).await;
    assert!(told.get("tax").is_none(), "{told}");
    let body = json!({"plan": "plain", "wallet": "amazon_pay", "billing_address": address(DE)});
    let opened = it.alice.calls.client_secret(&body).await.expect(201).json();
    it.agree(&opened).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1500]);
    assert_eq!(it.place().await, (Value::Null, Value::Null));
    let previews = it
        .app
        .stripe
        .requests_to("POST /v1/invoices/create_preview");
    assert!(previews.await.is_empty());
}

/// Who comes again is where Stripe knows them to be, and charged what they were shown there.
#[tokio::test]
async fn a_shopper_comes_again_to_a_plan_with_taxes() {
    let it = Buyer::start().await;
    it.buy("exclusive", CALIFORNIA).await;
    let id = text(&it.mine().await["subscription"]["id"]).to_owned();
    let calls = &it.alice.calls;
    let cancel = calls.request("POST", &format!("/subscriptions/{id}/cancel"));
    calls
        .send(cancel.json(&json!({"when": "period_end"})))
        .await
        .expect(200);
    it.app.pass_days(32).await;
    let preview = async |plan: &str| {
        let request = calls.request("POST", &format!("/subscriptions/{id}/preview"));
        calls.send(request.json(&json!({ "again": plan }))).await
    };
    let shown = preview("exclusive").await.expect(200).json();
    assert_eq!(shown["due_now"]["amount"], 1609);
    assert_eq!(shown["price"]["amount"], 1609);
    assert_eq!(
        shown["tax"],
        json!({"amount": 1609, "tax_amount": 109, "behavior": "exclusive", "currency": "usd"})
    );
    assert!(
        preview("plain")
            .await
            .expect(200)
            .json()
            .get("tax")
            .is_none()
    );
    let mut body = json!({"again": id, "plan": "exclusive", "due_now": 1609});
    let answer = calls.post_subscription(&body).await;
    assert_eq!(answer.expect_error(409), "tax_outdated");
    body["tax"] = json!({"amount": 1609});
    let mut other = body.clone();
    other["tax"]["amount"] = 1500.into();
    let answer = calls.post_subscription(&other).await;
    assert_eq!(answer.expect_error(409), "tax_outdated");
    let mut trial = body.clone();
    trial["billing_address"] = address(DE);
    let answer = calls.post_subscription(&trial).await;
    assert_eq!(answer.expect_error(400), "conflicting_fields");
    calls.post_subscription(&body).await.expect(201);
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1609, 1609]);
    assert_eq!(it.mine().await["next_charge"]["amount"], 1609);
}

/// Without an address at Stripe nobody can say what it costs.
#[tokio::test]
async fn who_comes_again_without_an_address_is_asked_for_one() {
    let it = Buyer::start().await;
    it.alice.buy("plain").await.1.expect(303);
    it.app.quiet().await;
    let id = text(&it.mine().await["subscription"]["id"]).to_owned();
    let calls = &it.alice.calls;
    let cancel = calls.request("POST", &format!("/subscriptions/{id}/cancel"));
    calls
        .send(cancel.json(&json!({"when": "period_end"})))
        .await
        .expect(200);
    it.app.pass_days(32).await;
    let request = calls.request("POST", &format!("/subscriptions/{id}/preview"));
    let shown = calls
        .send(request.json(&json!({"again": "exclusive"})))
        .await;
    assert_eq!(shown.expect_error(409), "address_needed");
    let body = json!({"again": id, "plan": "exclusive", "due_now": 1785, "tax": {"amount": 1785}});
    let answer = calls.post_subscription(&body).await;
    assert_eq!(answer.expect_error(400), "address_needed");
    assert_eq!(it.paid().await, [1500]);
}
