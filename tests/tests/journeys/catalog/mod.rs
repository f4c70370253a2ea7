//! The catalog of plans: published from `plans.json`, kept in step with Stripe, read by functions.

mod at_stripe;
mod deployment;
mod kept;
mod published;
mod selling;
mod writers;

use perennial_config::{Env, EventHandler as _, Start as _};
use perennial_http::{Handler, invoke};
use perennial_tests::TestApp;
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

const MONTHLY: &str = "stock-photos-monthly";
const NOW: Timestamp = Timestamp::from_unix(1_795_564_800);

/// A price at Stripe; gives its id.
async fn price(app: &TestApp, form: &[(&str, &str)]) -> String {
    let usual = [
        ("product_data[name]", "Photos"),
        ("currency", "usd"),
        ("unit_amount", "3000"),
        ("recurring[interval]", "month"),
    ];
    let said = |name: &str| form.iter().any(|(known, _)| *known == name);
    let mut all: Vec<_> = usual.into_iter().filter(|(name, _)| !said(name)).collect();
    if said("product") {
        all.retain(|(name, _)| *name != "product_data[name]");
    }
    if said("once") {
        all.retain(|(name, _)| *name != "recurring[interval]");
    }
    all.extend(form.iter().filter(|(name, _)| *name != "once"));
    let price = app.stripe.api("POST", "/v1/prices", &all).await;
    price["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{price}"))
        .to_owned()
}

/// One plan of a file.
fn plan(name: &str, price: &str, more: &str) -> String {
    format!(r#"{{"{name}":{{"group":"main","label":"Basic","price":"{price}"{more}}}}}"#)
}

/// Why the catalog does not offer a plan; `offered` if it does.
async fn standing(app: &TestApp, plan: &str) -> String {
    let catalog = app.table.catalog().await;
    let entry = &catalog["plans"][plan];
    assert!(entry.is_object(), "{plan} is not in {catalog}");
    let code = entry["refusal"]["code"].as_str();
    code.unwrap_or("offered").to_owned()
}

async fn version(app: &TestApp) -> String {
    app.table.catalog().await["version"].to_string()
}

/// A sweep over the plans; gives what was done.
async fn sweep_with(env: &Env) -> Value {
    let sweeper = reconcile::App::start(env, Clock::system()).await.unwrap();
    let done = sweeper.handle(json!({"sweep": "plans"})).await.unwrap();
    done["plans"].clone()
}

async fn sweep(app: &TestApp) -> Value {
    sweep_with(&app.env_of("reconcile", &[])).await
}

/// Asks a function; gives status, body and headers.
pub(crate) async fn ask(
    app: &impl Handler,
    route: &str,
    query: &str,
    user: Option<&str>,
    body: Option<Value>,
) -> (i64, Value, Value) {
    let (method, path) = route.split_once(' ').unwrap();
    let authorizer = user.map(|user| json!({"jwt": {"claims": {"sub": user}, "scopes": null}}));
    let event = json!({
        "version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": query,
        "headers": {"content-type": "application/json", "user-agent": "a browser"},
        "requestContext": {
            "authorizer": authorizer, "domainName": "api.shop.example",
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9", "userAgent": "a browser"},
        },
        "body": body.map(|body| body.to_string()), "isBase64Encoded": false,
    });
    let answer = invoke(app, event, "r1").await;
    let body = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    let status = answer["statusCode"].as_i64().unwrap();
    (status, body, answer["headers"].clone())
}

/// A click on Amazon Pay, by a copy of the function that has just started.
async fn click(app: &TestApp, user: &str, plan: &str) -> (i64, Value) {
    let function = client_secret::App::start(&app.env_of("client-secret", &[]), Clock::system())
        .await
        .unwrap();
    let body = json!({"plan": plan, "wallet": "amazon_pay"});
    let (status, body, _) = ask(&function, "POST /client-secret", "", Some(user), Some(body)).await;
    (status, body)
}

/// `GET /plans`, by a copy of the function that has just started.
async fn offered(app: &TestApp) -> Value {
    let function = subscriptions::App::start(&app.env_of("subscriptions", &[]), Clock::system())
        .await
        .unwrap();
    let (status, body, _) = ask(&function, "GET /plans", "", None, None).await;
    assert_eq!(status, 200, "{body}");
    body
}

fn names(offered: &Value) -> Vec<&str> {
    let plans = offered["plans"].as_array().unwrap().iter();
    plans.map(|plan| plan["name"].as_str().unwrap()).collect()
}
