//! What the functions read from the environment, in groups.

use std::{num::NonZeroU32, pin::Pin, sync::Arc};

use perennial_aws::SdkConfig;
use perennial_https::Trust;
use perennial_types::{Clock, Consent, DisputedAccess, Grace, RenewalReminder, ReturnPath, Trials};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    Env, Problems, Rolling, Secret, StartError, all,
    outside::{aws, trust},
};

/// The table.
#[derive(Debug, Clone)]
pub struct Dynamo {
    /// `TABLE_NAME`.
    pub table: String,
    /// Where it is, and who asks.
    pub aws: SdkConfig,
}

impl Dynamo {
    /// Reads `TABLE_NAME`, `AWS_ENDPOINT_URL_DYNAMODB`, which is set on a developer's machine and in tests, and
    /// what all clients of AWS share.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        let aws = aws(env, "AWS_ENDPOINT_URL_DYNAMODB");
        let (table, aws) = all((env.required("TABLE_NAME"), aws))?;
        Ok(Self {
            table: table.to_owned(),
            aws,
        })
    }

    /// The table of this name at an endpoint on this machine.
    pub fn local(table: &str, endpoint: &str) -> Result<Self, Problems> {
        let endpoint = ("AWS_ENDPOINT_URL_DYNAMODB", endpoint);
        Self::read(&Env::from_pairs([("TABLE_NAME", table), endpoint]))
    }
}

/// Whether money is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Stripe's test mode, and the sandbox.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// What Stripe's objects say in `livemode`.
    pub fn is_live(self) -> bool {
        self == Self::Live
    }

    fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// Reads `STRIPE_MODE`, which must be said: a stage that takes real money does so on purpose.
pub fn stripe_mode(env: &Env) -> Result<Mode, Problems> {
    let problem = match env.get("STRIPE_MODE") {
        Some("test") => return Ok(Mode::Test),
        Some("live") => return Ok(Mode::Live),
        Some(_) => "STRIPE_MODE is malformed: it must be test or live",
        None => "STRIPE_MODE is not set: it must be test or live",
    };
    Err(Problems::new(problem))
}

/// Stripe's keys and address.
#[derive(Debug)]
pub struct Stripe {
    /// `STRIPE_SECRET_KEY`, or the secret that `STRIPE_SECRET_KEY_ARN` names.
    key: Secret<SecretString>,
    /// `STRIPE_API_BASE`, or Stripe itself.
    pub base: Url,
    /// `STRIPE_MODE`.
    pub mode: Mode,
    /// Public certificates, and those of `CA_BUNDLE`.
    pub trust: Trust,
}

/// Finds another key for the one that was refused.
pub type NewKey = Arc<
    dyn Fn(SecretString) -> Pin<Box<dyn Future<Output = Option<SecretString>> + Send>>
        + Send
        + Sync,
>;

const STRIPE: &str = "https://api.stripe.com";

impl Stripe {
    /// Reads `STRIPE_SECRET_KEY` or `STRIPE_SECRET_KEY_ARN`, `STRIPE_API_BASE`, `STRIPE_MODE` and `CA_BUNDLE`.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        let mode = stripe_mode(env);
        let base = env.optional("STRIPE_API_BASE", Url::parse);
        let base = base.and_then(|base| match base {
            Some(base) => Ok(base),
            None => Url::parse(STRIPE).map_err(|error| Problems::new(error.to_string())),
        });
        let key = secret_key(env, mode.clone().ok());
        let (mode, base, key, trust) = all((mode, base, key, trust(env)))?;
        Ok(Self {
            key,
            base,
            mode,
            trust,
        })
    }

    /// Brings the key, and gives with it what finds another key for one that Stripe refuses.
    pub async fn key(self) -> Result<(SecretString, NewKey), StartError> {
        let keys = self.key.fetch().await?;
        let current = keys.current().await;
        Ok((SecretString::clone(&current), new_key(keys)))
    }
}

/// Finds the secret key. Without a mode, which is a problem of its own, any key will do.
fn secret_key(env: &Env, mode: Option<Mode>) -> Result<Secret<SecretString>, Problems> {
    let name = match env.get("STRIPE_SECRET_KEY") {
        Some(_) => "STRIPE_SECRET_KEY",
        None => "the secret of STRIPE_SECRET_KEY_ARN",
    };
    Secret::find(env, "STRIPE_SECRET_KEY", move |key| {
        if let Some(mode) = mode {
            check_key(key, name, mode)?;
        }
        Ok(key.clone())
    })
}

fn new_key(keys: Rolling<SecretString>) -> NewKey {
    Arc::new(move |refused| {
        let keys = keys.clone();
        Box::pin(async move {
            let current = keys.current().await;
            if current.expose_secret() != refused.expose_secret() {
                return Some(current.as_ref().clone());
            }
            let newer = keys.after_refusal(&current, Clock::system().now()).await;
            newer.map(|key| key.as_ref().clone())
        })
    })
}

fn check_key(key: &SecretString, name: &str, mode: Mode) -> Result<(), Problems> {
    let key = key.expose_secret();
    let is_of = |mode| ["sk", "rk"].iter().any(|kind| has_prefix(key, kind, mode));
    if is_of(mode) {
        return Ok(());
    }
    let other = if mode.is_live() {
        Mode::Test
    } else {
        Mode::Live
    };
    Err(Problems::new(if is_of(other) {
        format!(
            "{name} is a {} key, but STRIPE_MODE is {}",
            other.name(),
            mode.name()
        )
    } else {
        format!(
            "{name} is not a secret or restricted key of Stripe (sk_{0}_... or rk_{0}_...)",
            mode.name()
        )
    }))
}

fn has_prefix(key: &str, kind: &str, mode: Mode) -> bool {
    key.strip_prefix(&format!("{kind}_{}_", mode.name()))
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()))
}

/// The addresses that a shopper's browser is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// `SHOP_URL`: where shoppers land after the wallet.
    pub url: Url,
}

impl Shop {
    /// Reads `SHOP_URL`.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        env.required("SHOP_URL").and_then(|text| {
            let url = web_address(text);
            let url = url.map_err(|why| Problems::new(format!("SHOP_URL is malformed: {why}")))?;
            Ok(Self { url })
        })
    }

    /// The page of the shop that a path names, on the shop's own origin; the default page without one.
    pub fn page(&self, path: Option<&ReturnPath>) -> Url {
        let page = path.and_then(|path| self.url.join(path.as_str()).ok());
        page.filter(|page| page.origin() == self.url.origin())
            .unwrap_or_else(|| self.url.clone())
    }
}

fn web_address(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err("it must begin with https://".to_owned()),
    }
}

/// What the functions that begin and end a checkout share.
#[derive(Debug, Clone)]
pub struct Api {
    /// `API_BASE_URL`; without it, the domain that API Gateway was asked under.
    pub base: Option<Url>,
    /// `STRIPE_PUBLISHABLE_KEY`.
    pub publishable_key: String,
}

impl Api {
    /// Reads `API_BASE_URL` and `STRIPE_PUBLISHABLE_KEY`, which has to be of the mode.
    pub fn read(env: &Env) -> Result<Self, Problems> {
        let base = env.optional("API_BASE_URL", web_address);
        let key = env.required("STRIPE_PUBLISHABLE_KEY");
        let key = all((stripe_mode(env), key)).and_then(|(mode, key)| {
            if has_prefix(key, "pk", mode) {
                return Ok(key.to_owned());
            }
            Err(Problems::new(format!(
                "STRIPE_PUBLISHABLE_KEY is not a publishable key of the {0} mode (pk_{0}_...)",
                mode.name()
            )))
        });
        let (base, publishable_key) = all((base, key))?;
        Ok(Self {
            base,
            publishable_key,
        })
    }
}

/// Reads `API_BASE_URL` for a function that no request tells it.
pub fn api_base(env: &Env) -> Result<Url, Problems> {
    let base = env.optional("API_BASE_URL", web_address)?;
    base.ok_or_else(|| Problems::new("API_BASE_URL is not set"))
}

/// Reads `TRIALS`: `once`, the default, or `always`.
pub fn trials(env: &Env) -> Result<Trials, Problems> {
    Ok(env.optional("TRIALS", str::parse)?.unwrap_or_default())
}

/// Reads `RENEWAL_REMINDER_DAYS`, or takes seven days.
pub fn renewal_reminder(env: &Env) -> Result<RenewalReminder, Problems> {
    let days = env.optional("RENEWAL_REMINDER_DAYS", str::parse)?;
    Ok(days.unwrap_or_default())
}

/// Reads `WORKER_CONCURRENCY`: how many copies of the worker run at once at the most; none, as for 0, where
/// nothing limits them.
pub fn worker_concurrency(env: &Env) -> Result<Option<NonZeroU32>, Problems> {
    let copies = env.optional("WORKER_CONCURRENCY", str::parse)?;
    Ok(NonZeroU32::new(copies.unwrap_or_default()))
}

/// Reads `GRACE_DAYS`, or takes three days.
pub fn grace(env: &Env) -> Result<Grace, Problems> {
    Ok(env.optional("GRACE_DAYS", str::parse)?.unwrap_or_default())
}

/// Reads `DISPUTED_ACCESS`: what a disputed payment does to entitlements, or nothing unless set.
pub fn disputed_access(env: &Env) -> Result<DisputedAccess, Problems> {
    let access = env.optional("DISPUTED_ACCESS", str::parse)?;
    Ok(access.unwrap_or_default())
}

/// Reads `EMAIL_CLAIM`: which claim of a token is the e-mail address that Stripe is given, if any is.
pub fn email_claim(env: &Env) -> Result<Option<String>, Problems> {
    Ok(env.get("EMAIL_CLAIM").map(str::to_owned))
}

/// Reads `CONSENT`, or takes a plain text in its place.
pub fn consent(env: &Env) -> Result<Consent, Problems> {
    let consent = env.optional("CONSENT", |text| serde_json::from_str(text))?;
    Ok(consent.unwrap_or_default())
}

/// Guessing a link must be as hard as guessing a key.
const SHORTEST_LINK_SECRET: usize = 32;

/// Finds `LINK_SECRET` or `LINK_SECRET_ARN`: what the links are signed with that lead a shopper to
/// their subscription without signing in. Several secrets are separated by commas, so that one can
/// be replaced.
pub fn link_secret(env: &Env) -> Result<Secret<SecretString>, Problems> {
    Secret::find(env, "LINK_SECRET", |secret| {
        let mut secrets = secret.expose_secret().split(',').map(str::trim);
        if secrets.any(|secret| secret.len() < SHORTEST_LINK_SECRET) {
            return Err(Problems::new(format!(
                "LINK_SECRET is too short: it has at least {SHORTEST_LINK_SECRET} characters"
            )));
        }
        Ok(secret.clone())
    })
}

/// Finds `STRIPE_WEBHOOK_SECRETS` or `STRIPE_WEBHOOK_SECRETS_ARN`: one or more signing secrets,
/// separated by commas, all of which are accepted, so that one can be rolled.
pub fn webhook_secrets(env: &Env) -> Result<Secret<Vec<SecretString>>, Problems> {
    Secret::find(env, "STRIPE_WEBHOOK_SECRETS", signing_secrets)
}

fn signing_secrets(text: &SecretString) -> Result<Vec<SecretString>, Problems> {
    let secrets: Vec<_> = text
        .expose_secret()
        .split(',')
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .collect();
    if secrets.is_empty() {
        return Err(Problems::new("STRIPE_WEBHOOK_SECRETS names no secret"));
    }
    if secrets
        .iter()
        .any(|secret| !secret.starts_with("whsec_") || secret.len() < 16)
    {
        return Err(Problems::new(
            "STRIPE_WEBHOOK_SECRETS is malformed: each secret begins with whsec_",
        ));
    }
    Ok(secrets.into_iter().map(SecretString::from).collect())
}
