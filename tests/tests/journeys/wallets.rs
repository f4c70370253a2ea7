//! What a page is told before the shopper's click.

use perennial_config::Start as _;
use perennial_http::invoke;
use perennial_tests::{Answer, TestApp, http};
use perennial_types::Clock;
use serde_json::{Value, json};

on_both!(
    a_page_is_told_everything_before_the_click,
    many_page_views_cost_two_calls_and_a_query_each,
    a_wallet_that_the_account_does_not_take_is_not_offered,
    a_domain_that_apple_refuses_is_told_with_stripes_words,
    a_bad_question_is_answered_and_costs_nothing,
);

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

async fn wallets(app: &TestApp, user: &str, plan: &str) -> Answer {
    let caller = app.caller(user);
    let path = format!("/wallets?plan={plan}");
    caller.send(caller.request("GET", &path)).await
}

fn wallet<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let all = answer["wallets"].as_array().unwrap();
    all.iter().find(|it| it["wallet"] == name).unwrap()
}

fn codes(wallet: &Value) -> Vec<&str> {
    let reasons = wallet["reasons"].as_array().unwrap().iter();
    reasons.map(|it| it["code"].as_str().unwrap()).collect()
}

/// What is told is what the other routes then take: each wallet with all that may come first.
async fn a_page_is_told_everything_before_the_click(app: TestApp) {
    for (plan, today, confirm) in [(MONTHLY, 1500, "payment"), (TRIAL, 0, "setup")] {
        let told = wallets(&app, "alice", plan).await.expect(200).json();
        assert_eq!(told["plan"], plan);
        let apple = wallet(&told, "apple_pay");
        assert_eq!((&apple["offer"], codes(apple)), (&json!(true), vec![]));
        assert_eq!(apple["first"], json!(["setup_intent", "subscription"]));
        assert_eq!(apple["elements"]["subscription"]["amount"], today);
        let request = &apple["express_checkout"]["applePay"]["recurringPaymentRequest"];
        assert_eq!(request["regularBilling"]["amount"], 1500);
        assert_eq!(request.get("trialBilling").is_some(), plan == TRIAL);
        assert_eq!(
            request["billingAgreement"],
            told["consent"]["text"]["apple_pay"]
        );
        assert_eq!(wallet(&told, "amazon_pay")["offer"], true);

        let consent = &told["consent"]["version"];
        let buyer = app.caller(&format!("buyer of {plan}"));
        let begun = buyer
            .post_subscription(
                &json!({"plan": plan, "wallet": "apple_pay", "first": "subscription", "consent": consent}),
            )
            .await
            .expect(201)
            .json();
        assert_eq!(begun["confirm"], confirm);
        assert_eq!(begun["publishable_key"], told["publishable_key"]);
        for (user, wallet) in [("carol", "amazon_pay"), ("dave", "apple_pay")] {
            let click = json!({"plan": plan, "wallet": wallet, "consent": consent});
            let shopper = app.caller(&format!("{user} {plan}"));
            shopper.client_secret(&click).await.expect(201);
        }
    }
    let trial = wallets(&app, "alice", TRIAL).await.json();
    assert_eq!(codes(wallet(&trial, "amazon_pay")), ["zero_amount_trial"]);
    app.quiet().await;
}

async fn many_page_views_cost_two_calls_and_a_query_each(app: TestApp) {
    let expected = json!({"GET /v1/account": 1, "GET /v1/payment_method_domains": 1});
    wallets(&app, "alice", MONTHLY).await.expect(200);
    for user in ["alice", "bob", "carol"] {
        for plan in [MONTHLY, TRIAL] {
            wallets(&app, user, plan).await.expect(200);
        }
    }
    let calls = app.calls().await;
    assert_eq!(json!(calls.stripe), expected);
    // What a user may be offered depends on what they have had; and a copy that has just started reads
    // of which mode the table is, and the plans.
    let mut looks = calls.dynamodb.clone();
    assert!(looks.remove("GetItem").unwrap_or(0) <= 2, "{calls}");
    assert_eq!(json!(looks), json!({"Query": 7}));
}

async fn a_wallet_that_the_account_does_not_take_is_not_offered(app: TestApp) {
    app.stripe
        .set_account(json!({"amazon_pay": false, "country": "IN"}))
        .await;
    let told = wallets(&app, "alice", MONTHLY).await.expect(200).json();
    let (amazon, apple) = (wallet(&told, "amazon_pay"), wallet(&told, "apple_pay"));
    assert_eq!(
        (&amazon["offer"], &apple["offer"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        codes(amazon),
        ["country_not_supported", "wallet_not_enabled"]
    );
    assert_eq!(codes(apple), ["country_not_supported"]);
}

/// Whether Apple takes the domain of this name.
async fn refuse_domain(app: &TestApp, name: &str, message: &str) {
    let path = format!("/v1/payment_method_domains?domain_name={name}");
    let list = app.stripe.api("GET", &path, &[]).await;
    let id = list["data"][0]["id"].as_str().unwrap();
    let url = format!("{}/_sandbox/payment_method_domains/{id}", app.stripe.url());
    let verdict = json!({"apple_pay": "inactive", "message": message});
    let request = http().post(url).bearer_auth(app.stripe.secret_key());
    let answer = request.json(&verdict).send().await.unwrap();
    assert!(answer.status().is_success());
}

/// On a developer's machine it hides nothing, since no such domain can be registered with Stripe.
async fn a_domain_that_apple_refuses_is_told_with_stripes_words(app: TestApp) {
    refuse_domain(&app, "127.0.0.1", "Nobody is at home.").await;
    let told = wallets(&app, "alice", MONTHLY).await.expect(200).json();
    let apple = wallet(&told, "apple_pay");
    assert_eq!(
        (&apple["offer"], codes(apple)),
        (&json!(true), vec!["domain_inactive"])
    );
    let message = apple["reasons"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("Nobody is at home."), "{message}");
}

#[tokio::test]
async fn a_shop_whose_domain_is_not_registered_hides_apple_pay_until_it_is() {
    let app = TestApp::start().await;
    let clock = Clock::manual(Clock::system().now());
    let env = app.env_of("wallets", &[("SHOP_URL", "https://shop.example/account")]);
    let function = wallets::App::start(&env, clock.clone()).await.unwrap();
    let ask = async || {
        let event = json!({
            "version": "2.0", "routeKey": "GET /wallets", "rawPath": "/wallets",
            "rawQueryString": format!("plan={MONTHLY}"), "headers": {},
            "requestContext": {"authorizer": {"jwt": {"claims": {"sub": "alice"}, "scopes": null}},
                "http": {"method": "GET", "path": "/wallets"}},
            "isBase64Encoded": false
        });
        let answer = invoke(&function, event, "r1").await;
        let told: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        wallet(&told, "apple_pay").clone()
    };
    let apple = ask().await;
    assert_eq!(
        (&apple["offer"], codes(&apple)),
        (&json!(false), vec!["domain_not_registered"])
    );
    let form = [("domain_name", "shop.example")];
    app.stripe
        .api("POST", "/v1/payment_method_domains", &form)
        .await;
    clock.advance(300);
    assert_eq!(ask().await["offer"], true);
    refuse_domain(&app, "shop.example", "The certificate has expired.").await;
    clock.advance(300);
    let apple = ask().await;
    assert_eq!(
        (&apple["offer"], codes(&apple)),
        (&json!(false), vec!["domain_inactive"])
    );
}

async fn a_bad_question_is_answered_and_costs_nothing(app: TestApp) {
    for (query, status, code) in [
        ("", 400, "missing_parameter"),
        ("?plan=", 400, "missing_parameter"),
        ("?plan=nothing", 400, "unknown_plan"),
        ("?plan=%00", 400, "unknown_plan"),
    ] {
        let alice = app.caller("alice");
        let answer = alice
            .send(alice.request("GET", &format!("/wallets{query}")))
            .await;
        assert_eq!(answer.expect_error(status), code, "{query}");
    }
    let anybody = app.anybody();
    let answer = anybody
        .send(anybody.request("GET", "/wallets?plan=x"))
        .await;
    assert_eq!(answer.expect_error(401), "unauthorized");
    let calls = app.calls().await;
    assert!(calls.stripe.is_empty(), "{calls}");
}
