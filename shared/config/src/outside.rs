//! What all clients of a function share: which certificates they trust, and their account of AWS.

use std::path::Path;

use perennial_aws::{Account, Credentials, SdkClient, SdkConfig};
use perennial_https::Trust;
use perennial_process::chain;
use url::Url;

use crate::{Env, Problems, all};

/// Reads `CA_BUNDLE`: certificates that are trusted beside the public ones.
pub fn trust(env: &Env) -> Result<Trust, Problems> {
    env.shared(|env| {
        let Some(path) = env.get("CA_BUNDLE") else {
            return Ok(Trust::default());
        };
        Trust::with_bundle(Path::new(path))
            .map_err(|error| Problems::new(format!("CA_BUNDLE: {}", chain(&error))))
    })
}

/// What a client of AWS is made from, whose endpoint may stand in the variable `endpoint`.
pub(crate) fn aws(env: &Env, endpoint: &str) -> Result<SdkConfig, Problems> {
    let own = env.optional(endpoint, Url::parse)?;
    let account = match own.as_ref().and_then(Account::made_up) {
        Some(account) => Ok(account),
        None => account(env),
    };
    let (account, of_all, http) = all((
        account,
        env.optional("AWS_ENDPOINT_URL", Url::parse),
        sdk_client(env),
    ))?;
    Ok(account.config(http, own.or(of_all).as_ref()))
}

/// What Lambda sets, of the region and of the function's role. Nothing else is asked, so that no start waits
/// for a profile or for a service of the network.
fn account(env: &Env) -> Result<Account, Problems> {
    let (region, key, secret) = all((
        env.required("AWS_REGION"),
        env.required("AWS_ACCESS_KEY_ID"),
        env.required("AWS_SECRET_ACCESS_KEY"),
    ))?;
    let token = env.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
    Ok(Account {
        region: region.to_owned(),
        credentials: Credentials::new(key, secret, token, None, "environment"),
    })
}

fn sdk_client(env: &Env) -> Result<SdkClient, Problems> {
    env.shared(|env| SdkClient::new(&trust(env)?).map_err(|error| Problems::new(chain(&error))))
}
