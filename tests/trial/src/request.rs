//! The events that API Gateway hands to the functions.

use serde_json::{Value, json};

/// The address and the browser of every shopper here; no trace of either may stay anywhere.
pub const ADDRESS: &str = "203.0.113.77";
/// See [`ADDRESS`].
pub const BROWSER: &str = "Trialist/9.0 (a browser of the trial)";

/// What a browser asks of the page of a link: to see it, or by its button.
pub(crate) fn page_event(link: &str, form: Option<&[(&str, &str)]>) -> Value {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("link", link);
    let Some(form) = form else {
        return event(None, "GET", "/cancel", &pairs.finish(), None);
    };
    let body = pairs.extend_pairs(form).finish();
    let mut event = event(None, "POST", "/cancel", "", None);
    event["headers"]["content-type"] = "application/x-www-form-urlencoded".into();
    event["body"] = body.into();
    event
}

/// What a server of the shop asks, which IAM has let in.
pub(crate) fn server_event(path: &str, body: &Value) -> Value {
    let mut event = event(None, "POST", path, "", Some(body));
    event["headers"]["authorization"] =
        "AWS4-HMAC-SHA256 SignedHeaders=content-type;host;idempotency-key".into();
    event["requestContext"]["authorizer"] =
        json!({"iam": {"userArn": "arn:aws:iam::123456789012:user/shop"}});
    event
}

/// An event of an HTTP API with payload format 2.0.
pub fn event(
    user: Option<&str>,
    method: &str,
    path: &str,
    query: &str,
    body: Option<&Value>,
) -> Value {
    let checkout = path.strip_prefix("/checkouts/");
    let (shop, of_subscription) = match path.strip_prefix("/shop") {
        Some(rest) => ("/shop", rest.strip_prefix("/subscriptions/")),
        None => ("", path.strip_prefix("/subscriptions/")),
    };
    let acted = of_subscription.and_then(|rest| rest.split_once('/'));
    let route = match (checkout, acted) {
        (Some(_), _) => format!("{method} /checkouts/{{checkout}}"),
        (None, Some((_, action))) => {
            format!("{method} {shop}/subscriptions/{{subscription}}/{action}")
        }
        (None, None) => format!("{method} {path}"),
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"user-agent": BROWSER, "host": "api.shop.example", "content-type": "application/json"},
        "requestContext": {
            "accountId": "0", "apiId": "trial", "domainName": "api.shop.example",
            "domainPrefix": "api", "requestId": "trial", "routeKey": "", "stage": "$default",
            "time": "24/Nov/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": ADDRESS, "userAgent": BROWSER},
        },
        "isBase64Encoded": false,
    });
    if let Some(checkout) = checkout {
        event["pathParameters"] = json!({"checkout": checkout});
    }
    if let Some((subscription, _)) = acted {
        event["pathParameters"] = json!({"subscription": subscription});
    }
    if let Some(user) = user {
        event["requestContext"]["authorizer"] =
            json!({"jwt": {"claims": {"sub": user}, "scopes": null}});
    }
    if let Some(body) = body {
        event["body"] = body.to_string().into();
    }
    event
}
