//! A webhook endpoint.

use super::merge_metadata;
use crate::error::{ApiError, Result};
use crate::state::{Fields, World};
use serde_json::{Value, json};

/// An endpoint that is enabled and signs with this secret.
pub(crate) fn new(world: &World, id: &str, params: &Value, secret: &str) -> Value {
    let mut endpoint = json!({
        "id": id,
        "object": "webhook_endpoint",
        "api_version": params.at("api_version"),
        "application": null,
        "created": world.now(),
        "description": params.at("description"),
        "enabled_events": params.at("enabled_events"),
        "livemode": false,
        "metadata": {},
        "status": "enabled",
        "url": params.at("url"),
        "_secrets": [{"secret": secret, "until": null}],
    });
    merge_metadata(&mut endpoint, params);
    endpoint
}

/// An address that events can be sent to. Stripe, which cannot reach this machine, takes no address of it; the account's
/// setting `local_endpoints` takes them here.
///
/// That `localhost` and `127.0.0.1` are refused and `0.0.0.0` is not: <https://github.com/dj-stripe/dj-stripe/pull/1891>.
pub(crate) fn checked_url(world: &World, url: &str) -> Result<String> {
    let refusal = |message: &str| {
        Err(ApiError::validation(message)
            .with_code("url_invalid")
            .with_param("url"))
    };
    match url::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            if is_of_this_network(&parsed) && !world.account().flag("local_endpoints") {
                return refusal(
                    "Invalid URL: URL must be publicly accessible. Consider using a tool like the Stripe CLI to test webhooks locally. \
                     (In this sandbox: `POST /_sandbox/webhooks/listen`, or `{\"local_endpoints\": true}` to `/_sandbox/account`.)",
                );
            }
            Ok(url.to_owned())
        }
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            refusal("Invalid URL: An explicit scheme (such as https) must be provided.")
        }
        _ => refusal("Invalid URL: webhook endpoints need an http or https address."),
    }
}

fn is_of_this_network(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => {
            // A parsed name is in small letters.
            matches!(name.rsplit('.').next(), Some("localhost" | "local"))
        }
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        None => false,
    }
}

/// The secrets that sign now, the newest first.
pub(crate) fn secrets(endpoint: &Value, now: i64) -> Vec<String> {
    endpoint
        .list("_secrets")
        .iter()
        .filter(|secret| secret.int("until").is_none_or(|until| until > now))
        .filter_map(|secret| secret.owned("secret"))
        .collect()
}
