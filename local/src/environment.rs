//! The environment of the functions, as the template would set it.

use perennial_config::Env;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::options::StartError;
use crate::stripe_account::Account;

/// The table's name on this machine.
pub(crate) const TABLE_NAME: &str = "perennial";

/// What signs links on this machine. It is no secret: links of this server open nothing elsewhere.
const LINK_SECRET: &str = "link_test_of_one_machine_and_no_secret_at_all";

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) gateway: String,
    pub(crate) dynamodb: String,
    pub(crate) stripe: String,
}

/// The variables of every function; each reads those that it needs.
pub(crate) fn of_functions(
    addresses: &Addresses,
    account: &Account,
    webhook_secrets: &SecretString,
    of_the_developer: &Env,
) -> Vec<(String, String)> {
    let shop = shop_url(addresses, of_the_developer);
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
        ("LINK_SECRET", LINK_SECRET),
        ("SHOP_URL", &shop),
        ("API_BASE_URL", &addresses.gateway),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Where shoppers land after the wallet: the demo shop, unless the developer has a page of their own.
pub(crate) fn shop_url(addresses: &Addresses, of_the_developer: &Env) -> String {
    let shop = of_the_developer.get("SHOP_URL");
    shop.map_or_else(|| format!("{}/", addresses.gateway), str::to_owned)
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
