//! The environment of the functions, as the template would set it.

use perennial_config::Env;
use perennial_links::SignedLinks;
use perennial_loopback::own_origins;
use secrecy::{ExposeSecret as _, SecretString};
use shop_events::MailLinks;
use url::Url;

use crate::options::StartError;
use crate::stripe_account::Account;

/// The table's name on this machine.
pub(crate) const TABLE_NAME: &str = "perennial";

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) gateway: String,
    /// With the access key, as `http://<key>@127.0.0.1:9001`.
    pub(crate) dynamodb: String,
    pub(crate) stripe: String,
}

/// The variables of every function; each reads those that it needs.
pub(crate) fn of_functions(
    addresses: &Addresses,
    account: &Account,
    shop: &str,
    link_secret: &str,
    webhook_secrets: &SecretString,
    of_the_developer: &Env,
) -> Vec<(String, String)> {
    [
        ("TABLE_NAME", TABLE_NAME),
        ("AWS_ENDPOINT_URL_DYNAMODB", &addresses.dynamodb),
        ("STRIPE_MODE", "test"),
        ("STRIPE_API_BASE", &addresses.stripe),
        ("STRIPE_SECRET_KEY", account.secret_key.expose_secret()),
        ("STRIPE_PUBLISHABLE_KEY", &account.publishable_key),
        ("STRIPE_WEBHOOK_SECRETS", webhook_secrets.expose_secret()),
        // A variable that is empty is one that is not set.
        (
            "CONSENT",
            of_the_developer.get("CONSENT").unwrap_or_default(),
        ),
        ("TRIALS", of_the_developer.get("TRIALS").unwrap_or_default()),
        (
            "RENEWAL_REMINDER_DAYS",
            of_the_developer
                .get("RENEWAL_REMINDER_DAYS")
                .unwrap_or_default(),
        ),
        (
            "DISPUTED_ACCESS",
            of_the_developer.get("DISPUTED_ACCESS").unwrap_or_default(),
        ),
        (
            "EMAIL_CLAIM",
            of_the_developer.get("EMAIL_CLAIM").unwrap_or_default(),
        ),
        // Nothing limits the copies here.
        ("WORKER_CONCURRENCY", ""),
        ("LINK_SECRET", link_secret),
        ("SHOP_URL", shop),
        ("API_BASE_URL", &addresses.gateway),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// What the deployment's function signs the links of events with.
pub(crate) fn mail_links(
    link_secret: &str,
    addresses: &Addresses,
) -> Result<MailLinks, url::ParseError> {
    let signer = SignedLinks::new(&SecretString::from(link_secret));
    Ok(MailLinks::new(signer, Url::parse(&addresses.gateway)?))
}

/// Where shoppers land after the wallet: the demo shop, unless the developer has a page of their own.
pub(crate) fn shop_url(gateway: &str, named: Option<&Url>, of_the_developer: &Env) -> String {
    let named = named.map(Url::as_str);
    let shop = named.or_else(|| of_the_developer.get("SHOP_URL"));
    shop.map_or_else(|| format!("{gateway}/"), str::to_owned)
}

/// The origins whose pages may call: this server's own, and the shop's.
pub(crate) fn origins(gateway: &str, shop: &str) -> Vec<String> {
    let port = Url::parse(gateway).ok().and_then(|url| url.port());
    let own = port.map(own_origins).into_iter().flatten();
    let shop = Url::parse(shop).map(|shop| shop.origin().ascii_serialization());
    let mut origins: Vec<String> = own.chain(shop).collect();
    // A page without an origin of its own would let in every other one of its kind.
    origins.retain(|origin| origin != "null");
    origins.dedup();
    origins
}

/// The secrets of Stripe's own webhooks, and whether there are none.
///
/// Without any, a random one stands in, so that no signature in the world is accepted.
pub(crate) fn webhook_secrets(env: &Env) -> Result<(SecretString, bool), StartError> {
    if let Some(secrets) = env.get("STRIPE_WEBHOOK_SECRETS") {
        return Ok((secrets.into(), false));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|_| StartError::Random)?;
    Ok((format!("whsec_{}", hex::encode(random)).into(), true))
}

/// The address as it is joined with a path that begins with a slash.
pub(crate) fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_this_server_and_of_the_shop_may_call() {
        let own = ["http://127.0.0.1:9000", "http://localhost:9000"];
        let of = |shop: &str| origins("http://127.0.0.1:9000", shop);
        assert_eq!(of("http://127.0.0.1:9000/")[..2], own);
        for (shop, origin) in [
            ("http://localhost:5173/account", "http://localhost:5173"),
            ("https://shop.example:443/", "https://shop.example"),
        ] {
            assert_eq!(of(shop), [own[0], own[1], origin]);
        }
        for nothing in ["file:///shop.html", "nowhere", "data:text/html,x"] {
            assert_eq!(of(nothing), own, "{nothing}");
        }
    }
}
