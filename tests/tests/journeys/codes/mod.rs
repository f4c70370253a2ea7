//! Promotion codes at the first checkout: checked before the click, kept by their id, redeemed once.

mod failing;
mod refused;

use perennial_config::Start as _;
use perennial_http::invoke;
use perennial_tests::{Answer, Shopper, TestApp};
use perennial_types::Clock;
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

/// A shopper, and a code that takes 20 percent off three months.
struct Buyer {
    app: TestApp,
    alice: Shopper,
}

type Form<'a> = &'a [(&'a str, &'a str)];

const ONCE: Form<'static> = &[("percent_off", "20"), ("duration", "once")];
const FOREVER: Form<'static> = &[("percent_off", "20"), ("duration", "forever")];
const THREE_MONTHS: Form<'static> = &[
    ("percent_off", "20"),
    ("duration", "repeating"),
    ("duration_in_months", "3"),
];
const FREE_ONCE: Form<'static> = &[("percent_off", "100"), ("duration", "once")];
const FREE: Form<'static> = &[("percent_off", "100"), ("duration", "forever")];

impl Buyer {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        Self { app, alice }
    }

    async fn api(&self, path: &str, form: Form<'_>) -> Value {
        let made = self.app.stripe.api("POST", path, form).await;
        assert!(made.get("error").is_none(), "{made}");
        made
    }

    /// Makes a code of a coupon of its own; gives both ids.
    async fn code(&self, words: &str, coupon: Form<'_>, more: Form<'_>) -> (String, String) {
        let coupon = self.api("/v1/coupons", coupon).await;
        let coupon = text(&coupon["id"]).to_owned();
        let promotion = [
            ("promotion[type]", "coupon"),
            ("promotion[coupon]", &coupon),
            ("code", words),
        ];
        let form = [&promotion[..], more].concat();
        let code = self.api("/v1/promotion_codes", &form).await;
        (text(&code["id"]).to_owned(), coupon)
    }

    async fn check(&self, plan: &str, words: &str) -> Answer {
        let body = json!({"plan": plan, "code": words});
        let request = self.alice.calls.request("POST", "/wallets").json(&body);
        self.alice.calls.send(request).await
    }

    /// The same by a function whose clock is so many seconds ahead.
    async fn check_later(&self, seconds: i64, words: &str) -> (Value, Value) {
        let now = Clock::system().now().plus_seconds(seconds);
        let env = self.app.env_of("wallets", &[]);
        let wallets = wallets::App::start(&env, Clock::manual(now)).await.unwrap();
        let body = json!({"plan": MONTHLY, "code": words}).to_string();
        let event = json!({
            "version": "2.0", "routeKey": "POST /wallets", "rawPath": "/wallets", "rawQueryString": "",
            "headers": {"content-type": "application/json"}, "body": body, "isBase64Encoded": false,
            "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
                "http": {"method": "POST", "path": "/wallets"}},
        });
        let answer = invoke(&wallets, event, "later").await;
        let body: Value = serde_json::from_str(text(&answer["body"])).unwrap();
        (answer["statusCode"].clone(), body["error"]["code"].clone())
    }

    /// What the code takes off, with the rest of the answer.
    async fn told(&self, plan: &str, words: &str) -> Value {
        self.check(plan, words).await.expect(200).json()
    }

    async fn click(&self, plan: &str, wallet: &str, told: &Value) -> Answer {
        let body = json!({"plan": plan, "wallet": wallet, "discount": agreed(told)});
        self.alice.calls.client_secret(&body).await
    }

    /// Agrees at Amazon, and comes back.
    async fn agree(&self, opened: &Value) -> Answer {
        let back = self.alice.answer_wallet(opened, "approve").await;
        self.alice.calls.come_back(&back).await.expect(303)
    }

    /// Checks a code and buys with it.
    async fn buy(&self, plan: &str, words: &str) -> Value {
        let told = self.told(plan, words).await;
        let opened = self.click(plan, "amazon_pay", &told).await;
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
        charges
            .iter()
            .map(|charge| charge["amount"].as_u64().unwrap())
            .collect()
    }

    /// How often a code was redeemed.
    async fn redeemed(&self, code: &str) -> u64 {
        let path = format!("/v1/promotion_codes/{code}");
        let read = self.app.stripe.api("GET", &path, &[]).await;
        read["times_redeemed"].as_u64().unwrap()
    }

    /// What is charged next, as the shopper's page has it.
    async fn next_charge(&self) -> (Value, Value) {
        let mine = self.alice.calls.subscriptions().await.expect(200).json();
        let id = text(&mine["subscriptions"][0]["id"]).to_owned();
        let calls = &self.alice.calls;
        let request = calls.request("GET", &format!("/subscriptions/{id}"));
        let details = calls.send(request).await.expect(200).json();
        let next = details["next_charge"]["amount"].clone();
        (details["discounted"].clone(), next)
    }
}

/// What a click says of the code.
fn agreed(told: &Value) -> Value {
    let discount = &told["discount"];
    json!({"promotion_code": discount["promotion_code"], "amount": discount["amount"]})
}

fn apple(told: &Value) -> &Value {
    let all = told["wallets"].as_array().unwrap();
    all.iter().find(|it| it["wallet"] == "apple_pay").unwrap()
}

fn request_of(told: &Value) -> &Value {
    &apple(told)["express_checkout"]["applePay"]["recurringPaymentRequest"]
}

#[tokio::test]
async fn a_page_is_told_what_a_code_takes_off_and_until_when() {
    let it = Buyer::start().await;
    it.code("SPRING", THREE_MONTHS, &[]).await;
    it.code("LATER", ONCE, &[]).await;
    it.code("ALWAYS", FOREVER, &[]).await;
    for (words, lasts, payments) in [
        // In any case, and with what a paste brings along.
        (" spring ", "months", json!(3)),
        ("LATER", "once", json!(1)),
        ("ALWAYS", "forever", Value::Null),
    ] {
        let told = it.told(MONTHLY, words).await;
        let discount = &told["discount"];
        assert_eq!(discount["lasts"], lasts);
        assert_eq!(discount["payments"], payments);
        assert_eq!(discount["until"].is_null(), payments.is_null());
        for (name, amount) in [
            ("due_now", 1200),
            ("amount", 1200),
            ("regular_amount", 1500),
        ] {
            assert_eq!(discount[name], amount, "{words} {name}");
        }
        assert_eq!(discount["currency"], "usd");
        assert_eq!(apple(&told)["elements"]["subscription"]["amount"], 1200);
        let sheet = request_of(&told);
        if lasts == "forever" {
            assert_eq!(sheet["regularBilling"]["amount"], 1200);
            assert!(sheet.get("trialBilling").is_none(), "{sheet}");
        } else {
            assert_eq!(sheet["regularBilling"]["amount"], 1500);
            let before = &sheet["trialBilling"];
            assert_eq!(before["amount"], 1200);
            assert_eq!(before["recurringPaymentIntervalUnit"], "month");
            assert_eq!(before["recurringPaymentEndDate"], discount["until"]);
            let start = &sheet["regularBilling"]["recurringPaymentStartDate"];
            assert_eq!(*start, discount["until"]);
        }
        let text = told["consent"]["text"]["amazon_pay"].as_str().unwrap();
        assert!(text.contains("12.00 USD"), "{text}");
        assert_eq!(text.contains("15.00 USD"), lasts != "forever", "{text}");
        assert_eq!(
            sheet["billingAgreement"],
            told["consent"]["text"]["apple_pay"]
        );
    }
    // In a trial nothing is due, and the sheet tells the price without the discount that ends.
    let told = it.told(TRIAL, "LATER").await;
    assert_eq!(told["discount"]["due_now"], 0);
    assert_eq!(told["discount"]["amount"], 1200);
    assert_eq!(apple(&told)["elements"]["subscription"]["amount"], 0);
    assert_eq!(request_of(&told)["trialBilling"]["amount"], 0);
    assert_eq!(request_of(&told)["regularBilling"]["amount"], 1500);
    assert!(it.app.stripe.objects("customer").await.is_empty());
    assert!(it.app.stripe.objects("subscription").await.is_empty());
}

#[tokio::test]
async fn what_was_shown_is_what_is_charged_and_for_as_long() {
    for (coupon, expected, discounted) in [
        (ONCE, vec![1200, 1500, 1500, 1500, 1500], false),
        (THREE_MONTHS, vec![1200, 1200, 1200, 1500, 1500], true),
        (FOREVER, vec![1200; 5], true),
    ] {
        let it = Buyer::start().await;
        let (code, _) = it.code("SPRING", coupon, &[]).await;
        it.buy(MONTHLY, "spring").await;
        assert_eq!(it.paid().await, [1200]);
        assert_eq!(it.redeemed(&code).await, 1);
        let next = if discounted { 1200 } else { 1500 };
        assert_eq!(it.next_charge().await, (json!(discounted), json!(next)));
        for _ in 0..4 {
            it.app.pass_days(31).await;
        }
        assert_eq!(it.paid().await, expected);
    }
}

#[tokio::test]
async fn a_trial_and_a_code_charge_nothing_now_and_less_later() {
    let it = Buyer::start().await;
    it.code("SPRING", ONCE, &[]).await;
    it.buy(TRIAL, "SPRING").await;
    assert!(it.paid().await.is_empty());
    assert_eq!(it.next_charge().await, (json!(true), json!(1200)));
    it.app.pass_days(15).await;
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1200, 1500]);
}

/// All amounts are of as many as are bought.
#[tokio::test]
async fn a_code_takes_off_what_so_many_of_a_plan_cost() {
    let it = Buyer::start().await;
    let (code, _) = it.code("SPRING", FOREVER, &[]).await;
    let team = "stock-photos-team";
    let check = json!({"plan": team, "code": "SPRING", "quantity": 3});
    let request = it.alice.calls.request("POST", "/wallets").json(&check);
    let told = it.alice.calls.send(request).await.expect(200).json();
    assert_eq!(told["discount"]["amount"], 6960);
    assert_eq!(told["discount"]["regular_amount"], 8700);
    assert_eq!(apple(&told)["elements"]["subscription"]["amount"], 6960);
    let mut click = json!({"plan": team, "wallet": "amazon_pay", "discount": agreed(&told)});
    // Of one it is another amount.
    let one = it.alice.calls.client_secret(&click).await;
    assert_eq!(one.expect_error(409), "code_amount_outdated");
    click["quantity"] = 3.into();
    let opened = it.alice.calls.client_secret(&click).await.expect(201);
    it.agree(&opened.json()).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [6960]);
    assert_eq!(it.redeemed(&code).await, 1);
}

/// There is no payment to confirm, and the mandate is there all the same.
#[tokio::test]
async fn a_first_invoice_of_nothing_is_paid_and_the_method_is_saved() {
    for (coupon, then) in [(FREE_ONCE, vec![1500]), (FREE, vec![])] {
        let it = Buyer::start().await;
        it.code("GIFT", coupon, &[]).await;
        let told = it.buy(MONTHLY, "GIFT").await;
        assert_eq!(told["discount"]["due_now"], 0);
        assert_eq!(apple(&told)["first"], json!(["setup_intent"]));
        let mine = it.alice.calls.subscriptions().await.expect(200).json();
        let mine = &mine["subscriptions"][0];
        assert_eq!(mine["status"], "active");
        assert_eq!(mine["payment"]["state"], "ok");
        assert!(mine["payment_method"].is_string());
        assert!(it.paid().await.is_empty());
        it.app.pass_days(32).await;
        assert_eq!(it.paid().await, then);
    }
}

#[tokio::test]
async fn apple_pay_redeems_a_code_with_the_subscription_first() {
    let it = Buyer::start().await;
    let (code, _) = it.code("SPRING", THREE_MONTHS, &[]).await;
    let told = it.told(MONTHLY, "SPRING").await;
    let body = json!({"plan": MONTHLY, "wallet": "apple_pay", "first": "subscription", "discount": agreed(&told)});
    let opened = it.alice.calls.post_subscription(&body).await.expect(201);
    let opened = opened.json();
    assert_eq!(opened["confirm"], "payment");
    let again = it.alice.calls.post_subscription(&body).await.expect(200);
    assert_eq!(again.json()["subscription"], opened["subscription"]);
    let paid = it.alice.approve_apple_pay(&opened).await;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1200]);
    assert_eq!(it.redeemed(&code).await, 1);
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1200, 1200]);
}

/// A subscription that comes first redeems the code at once, so a shopper who goes away would have used it up.
#[tokio::test]
async fn a_code_that_counts_is_not_used_up_by_who_goes_away() {
    const FIRST_ORDER: Form<'static> = &[("restrictions[first_time_transaction]", "true")];
    const ONE: Form<'static> = &[("max_redemptions", "1")];
    for (coupon, limit) in [
        (THREE_MONTHS, FIRST_ORDER),
        (THREE_MONTHS, ONE),
        (FREE_ONCE, &[]),
    ] {
        let it = Buyer::start().await;
        let (code, _) = it.code("SPRING", coupon, limit).await;
        let told = it.told(MONTHLY, "SPRING").await;
        assert_eq!(apple(&told)["first"], json!(["setup_intent"]));
        let first = json!({"plan": MONTHLY, "wallet": "apple_pay", "first": "subscription", "discount": agreed(&told)});
        let refused = it.alice.calls.post_subscription(&first).await;
        assert_eq!(refused.expect_error(400), "first_not_supported");
        // Three who look at the wallet and go away, and one who buys.
        it.click(MONTHLY, "apple_pay", &told).await.expect(201);
        let opened = it.click(MONTHLY, "amazon_pay", &told).await.expect(201);
        it.alice.answer_wallet(&opened.json(), "decline").await;
        assert_eq!(it.redeemed(&code).await, 0);
        let expected = told["discount"]["due_now"].as_u64().unwrap();
        it.buy(MONTHLY, "SPRING").await;
        assert_eq!(it.redeemed(&code).await, 1);
        assert_eq!(it.paid().await.iter().sum::<u64>(), expected);
    }
}

#[tokio::test]
async fn a_click_with_another_code_or_none_opens_another_checkout() {
    let it = Buyer::start().await;
    it.code("SPRING", THREE_MONTHS, &[]).await;
    it.code(
        "ALWAYS",
        &[("percent_off", "50"), ("duration", "forever")],
        &[],
    )
    .await;
    let (spring, always) = (
        it.told(MONTHLY, "SPRING").await,
        it.told(MONTHLY, "ALWAYS").await,
    );
    let first = it.click(MONTHLY, "amazon_pay", &spring).await.expect(201);
    it.app.stripe.forget_requests().await;
    let same = it.click(MONTHLY, "amazon_pay", &spring).await.expect(200);
    assert_eq!(same.json()["checkout"], first.json()["checkout"]);
    let asked = it.app.stripe.requests().await;
    assert_eq!(asked.len(), 1, "the code is not looked up again: {asked:?}");
    let other = it.click(MONTHLY, "amazon_pay", &always).await.expect(201);
    assert_ne!(other.json()["checkout"], first.json()["checkout"]);
    let plain = it.alice.calls.click(MONTHLY).await.expect(201).json();
    assert_ne!(plain["checkout"], other.json()["checkout"]);
    it.agree(&plain).await;
    it.app.quiet().await;
    assert_eq!(it.paid().await, [1500]);
}

/// A check lists the code and asks for the amounts; a click reads it by its id and asks again; and before the
/// subscription the amounts are asked for once more.
#[tokio::test]
async fn a_code_costs_five_calls_more() {
    let it = Buyer::start().await;
    it.code("SPRING", THREE_MONTHS, &[]).await;
    let told = it.told(MONTHLY, "SPRING").await;
    // Of several who finish a checkout, each asks before it tries to be the one.
    it.app.stripe.hold_webhooks().await;
    let opened = it.click(MONTHLY, "amazon_pay", &told).await.expect(201);
    it.agree(&opened.json()).await;
    let list = it.app.stripe.requests_to("GET /v1/promotion_codes").await;
    let previews = it
        .app
        .stripe
        .requests_to("POST /v1/invoices/create_preview");
    let all = it.app.stripe.requests().await;
    let read = all.iter().filter(|it| {
        let path = it["path"].as_str().unwrap();
        path.starts_with("/v1/promotion_codes/")
    });
    assert_eq!((list.len(), read.count(), previews.await.len()), (1, 1, 3));
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
}

/// The code's words are in no table and in no log; what is kept is its id.
#[tokio::test]
async fn the_words_of_a_code_are_kept_nowhere() {
    let log = perennial_tests::Log::default();
    let _guard = log.listen_to_all();
    let it = Buyer::start().await;
    let (code, _) = it.code("SECRETWORDS", THREE_MONTHS, &[]).await;
    it.buy(MONTHLY, "SecretWords").await;
    it.check(MONTHLY, "SecretWordsOfNobody").await.expect(404);
    let items = it.app.table.items().await;
    let kept = serde_json::to_string(&items).unwrap();
    assert!(kept.contains(&code), "the checkout keeps its id");
    assert!(!kept.to_lowercase().contains("secretwords"), "{kept}");
    let logged = serde_json::to_string(&log.take()).unwrap();
    let customer = it.app.stripe.objects("customer").await.remove(0);
    assert!(logged.contains(text(&customer["id"])), "it is listened to");
    assert!(!logged.to_lowercase().contains("secretwords"), "{logged}");
    let mut attempts = items.iter().filter(|item| item["discount"].is_object());
    let attempt = attempts.next().unwrap();
    assert_eq!(
        attempt["discount"],
        json!({"promotion_code": code, "amount": 1200})
    );
    let request = text(&attempt["subscription_request"]);
    let named = format!("discounts[0][promotion_code]={code}");
    assert!(request.contains(&named), "{request}");
}
