//! From the file to the table and to a page.

use std::collections::BTreeMap;

use perennial_config::Start as _;
use perennial_types::Clock;
use serde_json::{Map, Value, json};

use super::{click, names, offered, plan, price, standing, version};
use perennial_tests::{TestApp, demo_plans};

/// As long as a label may be, in a script of three bytes a character.
fn label(number: usize) -> String {
    format!("{number:03} {}", "写真素材の定期購入".repeat(12))
        .chars()
        .take(100)
        .collect()
}

#[tokio::test]
async fn five_hundred_plans_with_long_japanese_labels_fit_and_are_told() {
    let app = TestApp::start().await;
    let product = app
        .stripe
        .api("POST", "/v1/products", &[("name", "Photos")])
        .await;
    let product = product["id"].as_str().unwrap();
    let mut file = Map::new();
    for number in 0..500 {
        let key = format!("plan {number}");
        let amount = (1000 + number).to_string();
        let mut form = vec![("product", product), ("unit_amount", amount.as_str())];
        let by_key = number % 2 == 0;
        if by_key {
            form.push(("lookup_key", &key));
        }
        let id = price(&app, &form).await;
        let mut plan = json!({
            "group": format!("group-{}", number % 7), "label": label(number),
            "amount": 1000 + number, "currency": "usd", "interval": "month",
        });
        let (field, value) = if by_key {
            ("lookup_key", &key)
        } else {
            ("price", &id)
        };
        plan[field] = json!(value);
        file.insert(format!("plan-{number}"), plan);
    }
    // The events of the prices are applied, so that what follows is asked by the resolver alone.
    app.quiet().await;
    app.forget_calls().await;
    let published = app.publish(&Value::Object(file).to_string()).await.unwrap();
    assert_eq!((published.plans, published.faults), (500 + demo_plans(), 0));
    let calls = app.calls().await.stripe;
    let expected = [("GET /v1/prices", 25), ("GET /v1/prices/{id}", 250)];
    let expected: BTreeMap<_, _> = expected.map(|(name, n)| (name.to_owned(), n)).into();
    assert_eq!(calls, expected, "ten lookup keys, or one id, a call");

    let told = offered(&app).await;
    assert_eq!(told["plans"].as_array().unwrap().len(), 500);
    let last = told["plans"].as_array().unwrap();
    let last = last.iter().find(|it| it["name"] == "plan-499").unwrap();
    assert_eq!(last["label"], label(499));
    assert_eq!(last["amount"], 1499);
    let (status, body) = click(&app, "alice", "plan-499").await;
    assert_eq!(status, 201, "{body}");
}

#[tokio::test]
async fn a_page_is_told_what_is_offered_without_a_token() {
    let app = TestApp::start().await;
    let id = price(
        &app,
        &[
            ("recurring[interval]", "month"),
            ("recurring[interval_count]", "3"),
            ("currency", "jpy"),
        ],
    )
    .await;
    let more = r#","trial_days":1,"wallets":["apple_pay"]"#;
    app.publish(&plan("quarterly", &id, more)).await.unwrap();
    let function = subscriptions::App::start(&app.env_of("subscriptions", &[]), Clock::system())
        .await
        .unwrap();
    let (status, body, headers) = super::ask(&function, "GET /plans", "", None, None).await;
    assert_eq!(status, 200);
    assert_eq!(headers["cache-control"], "public, max-age=60");
    let version = body["version"].clone();
    let expected = json!({
        "version": version,
        "plans": [{
            "name": "quarterly", "group": "main", "label": "Basic", "amount": 3000, "currency": "jpy",
            "interval": "month", "interval_count": 3, "trial_days": 1, "wallets": ["apple_pay"],
            "cancel_refund": "none",
        }],
    });
    assert_eq!(body, expected, "and nothing of the plans that are gone");
    assert!(version.as_u64().unwrap() > 1);
    // A custom domain leaves its path in front of the route's.
    let through_the_gateway = app.anybody();
    let request = through_the_gateway.request("GET", "/plans");
    let answer = through_the_gateway.send(request).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
}

#[tokio::test]
async fn a_broken_file_keeps_the_old_version() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    app.publish(&plan("basic", &id, "")).await.unwrap();
    let before = app.table.catalog().await;
    let good = plan("basic", &id, "");
    let many: Map<String, Value> = (0..1000)
        .map(|number| {
            let label: String = "\u{1f5bc}".repeat(100);
            let plan = json!({"group": "main", "label": label, "price": id});
            (format!("plan-{number}"), plan)
        })
        .collect();
    for (file, words) in [
        (String::new(), "has no plan"),
        ("{".to_owned(), "not a JSON object"),
        ("{}".to_owned(), "has no plan"),
        (good.replace("basic", "Basic!"), "plan \"Basic!\""),
        (
            plan("basic", &id, r#","color":1"#),
            "plan basic, field color",
        ),
        (
            plan("basic", &id, r#","price":"price_2""#),
            "plan basic, field price: it is there twice",
        ),
        (
            plan("basic", &id, r#","trial_days":900"#),
            "plan basic, field trial_days",
        ),
        (
            plan("basic", "price_REPLACE", ""),
            "plan basic, field price: Stripe has no price price_REPLACE.",
        ),
        (
            good.replace(&format!(r#""price":"{id}""#), r#""lookup_key":"none""#),
            "plan basic, field lookup_key: Stripe has no price with the lookup key none.",
        ),
        (Value::Object(many).to_string(), "bytes in the table"),
    ] {
        let error = app.publish(&file).await.unwrap_err();
        assert!(error.contains(words), "{error} has no {words}");
        assert_eq!(app.table.catalog().await, before, "{words}");
    }
}

#[tokio::test]
async fn the_same_file_again_is_no_new_version() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    let first = app.publish(&plan("basic", &id, "")).await.unwrap();
    assert!(first.changed);
    let again = app.publish(&plan("basic", &id, "")).await.unwrap();
    assert_eq!((again.version, again.changed), (first.version, false));
    let other = app
        .publish(&plan("basic", &id, r#","trial_days":7"#))
        .await
        .unwrap();
    assert_eq!(other.version, first.version + 1);
}

/// A plan of 10.00 a year on the price of 30.00 a month: the shopper would agree to one and be charged
/// the other.
#[tokio::test]
async fn a_plan_that_disagrees_with_its_price_is_not_sold() {
    let app = TestApp::start().await;
    let id = price(&app, &[]).await;
    for (more, code) in [
        (r#","amount":1000,"interval":"year""#, "amount_differs"),
        (r#","currency":"eur""#, "currency_differs"),
        (r#","interval":"year""#, "interval_differs"),
        (r#","interval_count":2"#, "interval_differs"),
    ] {
        let published = app.publish(&plan("basic", &id, more)).await.unwrap();
        assert_eq!(published.faults, 1, "{more}");
        assert_eq!(standing(&app, "basic").await, code);
        assert_eq!(names(&offered(&app).await), Vec::<&str>::new());
        // The events of the price are applied, so that what follows is asked by the click alone.
        app.quiet().await;
        app.stripe.forget_requests().await;
        let (status, body) = click(&app, "alice", "basic").await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (409, &json!("plan_not_available"))
        );
        assert_eq!(body["may_retry"], false);
        assert!(
            app.stripe.requests().await.is_empty(),
            "no wallet and no Stripe was asked"
        );
    }
    let right = r#","amount":3000,"currency":"usd","interval":"month","interval_count":1"#;
    app.publish(&plan("basic", &id, right)).await.unwrap();
    assert_eq!(names(&offered(&app).await), ["basic"]);
    assert_eq!(click(&app, "alice", "basic").await.0, 201);
}

#[tokio::test]
async fn a_price_that_no_plan_can_have_is_not_offered_and_the_others_are() {
    let app = TestApp::start().await;
    let once = price(&app, &[("once", "")]).await;
    let free = price(&app, &[("unit_amount", "0")]).await;
    let good = price(&app, &[]).await;
    let file = format!(
        r#"{{"once":{{"group":"a","label":"A","price":"{once}"}},"free":{{"group":"a","label":"A","price":"{free}"}},"good":{{"group":"b","label":"B","price":"{good}"}},"kept":{{"group":"c","label":"C","price":"{good}","sold":false}}}}"#
    );
    let published = app.publish(&file).await.unwrap();
    assert_eq!(published.faults, 2);
    assert_eq!(standing(&app, "once").await, "price_not_recurring");
    assert_eq!(standing(&app, "free").await, "price_without_amount");
    assert_eq!(standing(&app, "kept").await, "not_sold");
    assert_eq!(names(&offered(&app).await), ["good"]);
    for (name, status, code) in [
        ("once", 409, "plan_not_available"),
        ("kept", 409, "plan_not_available"),
        ("none", 400, "unknown_plan"),
    ] {
        let (got, body) = click(&app, "alice", name).await;
        assert_eq!(
            (got, body["error"]["code"].as_str().unwrap()),
            (status, code)
        );
    }
    assert_ne!(version(&app).await, "null");
}
