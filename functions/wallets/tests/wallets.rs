//! The function before a Stripe that counts its calls.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use perennial_config::{Env, Start as _};
use perennial_http::invoke;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};
use wallets::App;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path, query_param},
};

const NOW: Timestamp = Timestamp::from_unix(1_795_564_800);

fn env(stripe: &str, table: &str) -> Env {
    Env::from_pairs([
        ("TABLE_NAME", "perennial"),
        ("AWS_ENDPOINT_URL_DYNAMODB", table),
        ("STRIPE_MODE", "test"),
        ("STRIPE_API_BASE", stripe),
        ("STRIPE_SECRET_KEY", "sk_test_1"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_1"),
        ("SHOP_URL", "https://shop.example/account"),
        ("API_BASE_URL", "https://api.shop.example"),
        ("LINK_SECRET", "a secret of at least thirty-two characters"),
    ])
}

/// The catalog as DynamoDB gives it.
fn catalog() -> Value {
    let plans = json!({"monthly": {
        "declared": {"group": "main", "label": "Basic", "price": "price_1", "trial_days": 14},
        "price": {
            "id": "price_1", "product": "prod_1", "active": true, "product_active": true, "livemode": false,
            "kind": {"terms": {"amount": 1500, "currency": "usd", "interval": "month", "interval_count": 1}},
        },
    }});
    json!({"Item": {
        "pk": {"S": "CATALOG"}, "sk": {"S": "PLANS"}, "version": {"N": "1"}, "plans": {"S": plans.to_string()},
    }})
}

struct Running {
    app: App,
    stripe: MockServer,
    /// A table in which the user has nothing.
    _table: MockServer,
    clock: Clock,
}

async fn start() -> Running {
    let stripe = MockServer::start().await;
    let table = MockServer::start().await;
    let nothing = json!({"Items": [], "Count": 0, "ScannedCount": 0});
    for (operation, answer) in [("GetItem", catalog()), ("Query", nothing)] {
        let target = format!("DynamoDB_20120810.{operation}");
        Mock::given(header("x-amz-target", target.as_str()))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&table)
            .await;
    }
    let clock = Clock::manual(NOW);
    let app = App::start(&env(&stripe.uri(), &table.uri()), clock.clone())
        .await
        .unwrap();
    Running {
        app,
        stripe,
        _table: table,
        clock,
    }
}

fn account() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "acct_1",
        "country": "US",
        "capabilities": {"card_payments": "active", "amazon_pay_payments": "active"}
    }))
}

fn domains() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"has_more": false, "data": [
        {"id": "pmd_1", "domain_name": "shop.example", "enabled": true, "apple_pay": {"status": "active"}}
    ]}))
}

fn forbidden() -> ResponseTemplate {
    ResponseTemplate::new(403).set_body_json(
        json!({"error": {"type": "invalid_request_error", "code": "more_permissions_required"}}),
    )
}

impl Running {
    /// What Stripe answers from now on.
    async fn stripe_says(&self, account: ResponseTemplate, domains: ResponseTemplate) {
        self.stripe.reset().await;
        Mock::given(method("GET"))
            .and(path("/v1/account"))
            .respond_with(account)
            .mount(&self.stripe)
            .await;
        Mock::given(method("GET"))
            .and(path("/v1/payment_method_domains"))
            .and(query_param("domain_name", "shop.example"))
            .respond_with(domains)
            .mount(&self.stripe)
            .await;
    }

    async fn calls(&self) -> usize {
        self.stripe.received_requests().await.unwrap().len()
    }

    async fn ask(&self, query: &str, user: bool) -> (i64, Value) {
        let authorizer = if user {
            json!({"jwt": {"claims": {"sub": "alice"}, "scopes": null}})
        } else {
            Value::Null
        };
        let event = json!({
            "version": "2.0",
            "routeKey": "GET /wallets",
            "rawPath": "/wallets",
            "rawQueryString": query,
            "headers": {},
            "requestContext": {
                "authorizer": authorizer,
                "http": {"method": "GET", "path": "/wallets"}
            },
            "isBase64Encoded": false
        });
        let answer = invoke(&self.app, event, "r1").await;
        let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer["statusCode"].as_i64().unwrap(), body)
    }
}

#[tokio::test]
async fn a_page_gets_everything_before_the_click() {
    let running = start().await;
    running.stripe_says(account(), domains()).await;
    let (status, body) = running.ask("plan=monthly", true).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["plan"], "monthly");
    assert_eq!(body["publishable_key"], "pk_test_1");
    assert_eq!(body["consent"]["version"], "default-1");
    let [amazon, apple] = body["wallets"].as_array().unwrap().as_slice() else {
        panic!("{body}");
    };
    assert_eq!(
        (&amazon["wallet"], &amazon["offer"]),
        (&json!("amazon_pay"), &json!(true))
    );
    assert_eq!(amazon["first"], json!(["setup_intent"]));
    assert_eq!(apple["first"], json!(["setup_intent", "subscription"]));
    assert_eq!(apple["reasons"], json!([]));
    assert_eq!(apple["elements"]["setup_intent"]["mode"], "setup");
    assert_eq!(apple["elements"]["subscription"]["amount"], 0);
    let request = &apple["express_checkout"]["applePay"]["recurringPaymentRequest"];
    assert_eq!(
        request["billingAgreement"],
        body["consent"]["text"]["apple_pay"]
    );
    assert_eq!(
        request["regularBilling"]["recurringPaymentStartDate"],
        "2026-12-09T00:00:00Z"
    );
    let management = request["managementURL"].as_str().unwrap();
    assert!(management.starts_with("https://api.shop.example/manage?link=v1."));
}

#[tokio::test]
async fn five_minutes_of_page_views_cost_two_calls() {
    let running = start().await;
    running.stripe_says(account(), domains()).await;
    for _ in 0..20 {
        let both = tokio::join!(
            running.ask("plan=monthly", true),
            running.ask("plan=monthly", true)
        );
        assert_eq!((both.0.0, both.1.0), (200, 200));
        running.clock.advance(14);
    }
    assert_eq!(running.calls().await, 2, "280 seconds have passed");
    running.clock.advance(20);
    running.ask("plan=monthly", true).await;
    assert_eq!(running.calls().await, 4, "300 seconds have passed");
}

#[tokio::test]
async fn a_change_at_stripe_is_seen_after_five_minutes() {
    let running = start().await;
    running.stripe_says(account(), domains()).await;
    running.ask("plan=monthly", true).await;
    let none = ResponseTemplate::new(200).set_body_json(json!({"has_more": false, "data": []}));
    running.stripe_says(account(), none).await;
    let offered = |body: &Value| body["wallets"][1]["offer"].clone();
    assert_eq!(offered(&running.ask("plan=monthly", true).await.1), true);
    running.clock.advance(300);
    let (_, body) = running.ask("plan=monthly", true).await;
    assert_eq!(offered(&body), false);
    assert_eq!(
        body["wallets"][1]["reasons"][0]["code"],
        "domain_not_registered"
    );
    assert!(body["wallets"][1]["reasons"][0].get("hides").is_none());
}

#[tokio::test]
async fn while_stripe_is_away_the_last_answer_stands() {
    let running = start().await;
    let away = || ResponseTemplate::new(400).set_body_json(json!({"error": {}}));
    running.stripe_says(away(), domains()).await;
    let (status, body) = running.ask("plan=monthly", true).await;
    assert!(status >= 500, "nothing is known yet: {body}");
    running.stripe_says(account(), domains()).await;
    assert_eq!(running.ask("plan=monthly", true).await.0, 200);
    running.stripe_says(account(), away()).await;
    running.clock.advance(3600);
    assert_eq!(running.ask("plan=monthly", true).await.0, 200);
    let calls = running.calls().await;
    assert_eq!(running.ask("plan=monthly", true).await.0, 200);
    assert_eq!(
        running.calls().await,
        calls,
        "Stripe is left alone for a while"
    );
    running.stripe_says(account(), domains()).await;
    running.clock.advance(30);
    running.ask("plan=monthly", true).await;
    assert_eq!(running.calls().await, 2);
}

#[tokio::test]
async fn a_restricted_key_that_may_not_look_hides_no_wallet() {
    let running = start().await;
    running.stripe_says(forbidden(), forbidden()).await;
    let (_, body) = running.ask("plan=monthly", true).await;
    for wallet in body["wallets"].as_array().unwrap() {
        assert_eq!(wallet["offer"], true, "{wallet}");
        let codes = wallet["reasons"].as_array().unwrap().iter();
        assert!(
            codes
                .map(|it| &it["code"])
                .any(|code| code == "not_checked")
        );
    }
}

#[tokio::test]
async fn a_bad_question_costs_no_call() {
    let running = start().await;
    for (query, user, expected) in [
        ("", true, (400, "missing_parameter")),
        ("plan=", true, (400, "missing_parameter")),
        ("plan=Monthly", true, (400, "unknown_plan")),
        ("plan=monthly", false, (401, "unauthorized")),
    ] {
        let (status, body) = running.ask(query, user).await;
        let code = body["error"]["code"].as_str().unwrap();
        assert_eq!((status, code), expected, "{query}");
    }
    assert_eq!(running.calls().await, 0);
}
