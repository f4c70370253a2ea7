//! The answers of a route that are errors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{object, routes::Code, schema};

/// Replaces the schema of each error by what is known of the route's; examples and sentences stay.
pub(super) fn renew(route: &str, codes: &[Code], responses: &mut Map<String, Value>) {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (status, code) in codes {
        by_status.entry(*status).or_default().push(code);
    }
    // What API Gateway gives by itself.
    let mut gateway = vec![429, 500, 503];
    gateway.extend(route.starts_with("POST").then_some(413));
    gateway.extend(route.contains('{').then_some(404));
    for status in gateway {
        by_status.entry(status).or_default();
    }
    responses.retain(|status, _| {
        let status: u16 = status.parse().expect("a status");
        status < 400 || by_status.contains_key(&status)
    });
    for (status, mut codes) in by_status {
        codes.sort_unstable();
        codes.dedup();
        let response = responses
            .entry(status.to_string())
            .or_insert_with(|| json!({ "description": sentence(status) }));
        response["headers"] = headers(status, !codes.is_empty());
        response["content"]["application/json"]["schema"] = body(route, status, &codes);
        // A page tells its reader, unless it is asked for JSON.
        if route.ends_with(" /cancel") && !codes.is_empty() {
            response["content"]["text/html"]["schema"] = json!({ "type": "string" });
        }
    }
}

fn headers(status: u16, ours: bool) -> Value {
    let mut headers = Map::new();
    if ours && !matches!(status, 401 | 403) {
        headers.insert("Cache-Control".to_owned(), header("NotCached"));
    }
    if ours && matches!(status, 429 | 503) {
        headers.insert("Retry-After".to_owned(), header("RetryAfter"));
    }
    Value::Object(headers)
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn body(route: &str, status: u16, codes: &[&str]) -> Value {
    let gateway = schema("GatewayMessage");
    if codes.is_empty() {
        return gateway;
    }
    let error = json!({ "allOf": [
        schema("Error"),
        { "properties": { "code": { "enum": codes } } },
    ] });
    let mut members = beside(route, status, codes);
    members.insert("error".to_owned(), error);
    if matches!(status, 401 | 403) {
        // API Gateway has no more than the message; `cargo dev` tells the error beside it.
        members.insert("message".to_owned(), json!({ "type": "string" }));
        let mut both = object(&members, &[]);
        both["anyOf"] = json!([{ "required": ["error"] }, { "required": ["message"] }]);
        return both;
    }
    let ours = object(&members, &["error"]);
    if matches!(status, 404 | 413 | 429 | 500 | 503) {
        return json!({ "anyOf": [ours, gateway] });
    }
    ours
}

/// What may stand beside `error`.
fn beside(route: &str, status: u16, codes: &[&str]) -> Map<String, Value> {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    let has = |code: &str| codes.contains(&code);
    match (status, route) {
        (402, "POST /payments") => {
            add("payment", schema("Payment"));
            add("failure", schema("PaymentFailure"));
        }
        (402, "POST /payment-methods/migrate") => {
            add("migration", schema("Migration"));
            add("failure", schema("PaymentFailure"));
        }
        (402, _) if route.starts_with("POST /payments/") => {
            add("failure", schema("PaymentFailure"));
            add("payment", schema("PaymentState"));
        }
        (409, "GET /authorize") => {
            add("payment", schema("PaymentIntentId"));
            add("status", schema("PaymentStatus"));
        }
        (409, "POST /payments") => {
            add("payment", schema("PaymentState"));
            add("replaced_by", schema("PaymentIntentId"));
            add("first_transaction", schema("FirstTransaction"));
            add("next", schema("NextStep"));
        }
        (400 | 409, _) if route.starts_with("POST /payments/") => {
            add("payment", schema("PaymentState"));
        }
        (409, "POST /shop/users/erase") => {
            add("subscriptions", array("SubscriptionId"));
            add("payments", array("PaymentIntentId"));
        }
        // How the subscription stands, once it is known to be the caller's.
        (400 | 402 | 404 | 409 | 429 | 502, _)
            if route.contains("/subscriptions/{subscription}/") =>
        {
            add("subscription", schema("ManagedSubscription"));
        }
        _ => {}
    }
    if has("already_subscribed") {
        add("subscription", schema("Subscription"));
        add("manage", json!({ "type": "string", "format": "uri" }));
    }
    if has("preview_outdated") && route.ends_with("/change") {
        add("new_preview", schema("PlanPreview"));
    }
    if has("preview_outdated") && route.ends_with("/cancel") {
        add("new_preview", schema("EndPreview"));
    }
    if has("preview_outdated") && route.ends_with("/resume") {
        add("new_preview", schema("PausePreview"));
    }
    let of_checkout = !route.contains("{subscription}") && !route.starts_with("POST /shop/");
    if of_checkout && (has("plan_not_available") || has("wallet_declined")) {
        add("may_retry", json!({ "type": "boolean" }));
    }
    members
}

fn array(of: &str) -> Value {
    json!({ "type": "array", "items": schema(of) })
}

fn sentence(status: u16) -> &'static str {
    match status {
        400 => "The request is wrong, and the message says where.",
        401 => "There is no token, or it is not taken.",
        402 => "The wallet or the bank has said no.",
        403 => "The request is not signed by a caller whom IAM lets in.",
        404 => "There is nothing of that name for this caller.",
        409 => "It is not possible as things stand.",
        413 => "The body is too large.",
        415 => "The body is not JSON by its Content-Type.",
        429 => "Too much at once.",
        500 => "The function has failed.",
        502 => "Stripe does not accept what the shop asks.",
        _ => "The table or Stripe does not answer now.",
    }
}
