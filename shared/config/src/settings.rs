//! What the functions read from the environment, in groups.

use std::{fmt, pin::Pin, sync::Arc};

use perennial_types::{Clock, Consent, Grace, ReturnPath, Trials};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Env, Problems, Rolling, StartError, secrets};

/// The table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dynamo {
    /// `TABLE_NAME`.
    pub table: String,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, set on a developer's machine and in tests.
    pub endpoint: Option<Url>,
}

impl Dynamo {
    /// Reads `TABLE_NAME` and `AWS_ENDPOINT_URL_DYNAMODB`.
    pub fn read(env: &Env, problems: &mut Problems) -> Self {
        Self {
            table: env.required("TABLE_NAME", problems),
            endpoint: env.optional("AWS_ENDPOINT_URL_DYNAMODB", problems),
        }
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

    fn infix(self) -> &'static str {
        match self {
            Self::Test => "_test_",
            Self::Live => "_live_",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// Reads `STRIPE_MODE`, which must be said: a stage that takes real money does so on purpose.
pub fn stripe_mode(env: &Env, problems: &mut Problems) -> Mode {
    match env.get("STRIPE_MODE") {
        Some("test") => Mode::Test,
        Some("live") => Mode::Live,
        Some(_) => {
            problems.add("STRIPE_MODE is malformed: it must be test or live");
            Mode::Test
        }
        None => {
            problems.add("STRIPE_MODE is not set: it must be test or live");
            Mode::Test
        }
    }
}

/// Stripe's keys and address.
#[derive(Clone)]
pub struct Stripe {
    /// `STRIPE_SECRET_KEY`, or the value of the secret that `STRIPE_SECRET_KEY_ARN` names.
    pub secret_key: SecretString,
    /// Gives another key for one that Stripe refuses, if there is one by now.
    pub new_key: NewKey,
    /// `STRIPE_API_BASE`, or Stripe itself.
    pub base: Url,
    /// `STRIPE_MODE`.
    pub mode: Mode,
}

/// Finds another key for the one that was refused.
pub type NewKey = Arc<
    dyn Fn(SecretString) -> Pin<Box<dyn Future<Output = Option<SecretString>> + Send>>
        + Send
        + Sync,
>;

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("base", &self.base.as_str())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

const STRIPE: &str = "https://api.stripe.com";

impl Stripe {
    /// Reads `STRIPE_SECRET_KEY` or `STRIPE_SECRET_KEY_ARN`, `STRIPE_API_BASE` and `STRIPE_MODE`.
    pub async fn read(env: &Env, mut problems: Problems) -> Result<Self, StartError> {
        let mode = stripe_mode(env, &mut problems);
        let base = env
            .optional("STRIPE_API_BASE", &mut problems)
            .or_else(|| STRIPE.parse().ok());
        let source = secrets::source(env, "STRIPE_SECRET_KEY", &mut problems);
        if let Some(secrets::Source::Value(key)) = &source {
            check_key(key, "STRIPE_SECRET_KEY", mode, &mut problems);
        }
        if base.is_none() {
            problems.add("STRIPE_API_BASE is not set");
        }
        problems.into_result()?;
        let Some(base) = base else {
            return Err(Problems::default().into());
        };
        let keys = Rolling::start(source, move |key: &SecretString| {
            let mut problems = Problems::default();
            let name = "the secret of STRIPE_SECRET_KEY_ARN";
            check_key(key, name, mode, &mut problems);
            problems.into_result()?;
            Ok(key.clone())
        })
        .await?;
        Ok(Self {
            secret_key: keys.current().await.as_ref().clone(),
            new_key: new_key(keys),
            base,
            mode,
        })
    }
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

fn check_key(key: &SecretString, name: &str, mode: Mode, problems: &mut Problems) {
    let key = key.expose_secret();
    let kinds = ["sk", "rk"];
    if kinds.iter().any(|kind| has_prefix(key, kind, mode)) {
        return;
    }
    let other = if mode.is_live() {
        Mode::Test
    } else {
        Mode::Live
    };
    if kinds.iter().any(|kind| has_prefix(key, kind, other)) {
        problems.add(format!(
            "{name} is a {} key, but STRIPE_MODE is {}",
            other.name(),
            mode.name()
        ));
    } else {
        problems.add(format!(
            "{name} is not a secret or restricted key of Stripe (sk{0}... or rk{0}...)",
            mode.infix()
        ));
    }
}

fn has_prefix(key: &str, kind: &str, mode: Mode) -> bool {
    key.strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(mode.infix()))
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
    pub fn read(env: &Env, problems: &mut Problems) -> Option<Self> {
        let text = env.required("SHOP_URL", problems);
        if text.is_empty() {
            return None;
        }
        match web_address(&text) {
            Ok(url) => Some(Self { url }),
            Err(why) => {
                problems.add(format!("SHOP_URL is malformed: {why}"));
                None
            }
        }
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
    /// Reads `API_BASE_URL` and `STRIPE_PUBLISHABLE_KEY`.
    pub fn read(env: &Env, mode: Mode, problems: &mut Problems) -> Self {
        let base = env
            .get("API_BASE_URL")
            .and_then(|text| match web_address(text) {
                Ok(url) => Some(url),
                Err(why) => {
                    problems.add(format!("API_BASE_URL is malformed: {why}"));
                    None
                }
            });
        let publishable_key = env.required("STRIPE_PUBLISHABLE_KEY", problems);
        if !publishable_key.is_empty() && !has_prefix(&publishable_key, "pk", mode) {
            problems.add(format!(
                "STRIPE_PUBLISHABLE_KEY is not a publishable key of the {} mode (pk{}...)",
                mode.name(),
                mode.infix()
            ));
        }
        Self {
            base,
            publishable_key,
        }
    }
}

/// Reads `TRIALS`: `once`, the default, or `always`.
pub fn trials(env: &Env, problems: &mut Problems) -> Trials {
    env.optional("TRIALS", problems).unwrap_or_default()
}

/// Reads `GRACE_DAYS`, or takes three days.
pub fn grace(env: &Env, problems: &mut Problems) -> Grace {
    env.optional("GRACE_DAYS", problems).unwrap_or_default()
}

/// Reads `CONSENT`, or takes a plain text in its place.
pub fn consent(env: &Env, problems: &mut Problems) -> Consent {
    let Some(text) = env.get("CONSENT") else {
        return Consent::default();
    };
    serde_json::from_str(text).unwrap_or_else(|error| {
        problems.add(format!("CONSENT is malformed: {error}"));
        Consent::default()
    })
}

/// Guessing a link must be as hard as guessing a key.
const SHORTEST_LINK_SECRET: usize = 32;

/// Notes whether `LINK_SECRET` and `LINK_SECRET_ARN` are missing, so that a function that reads the
/// secret last can still tell all of its problems at once.
pub fn check_link_secret(env: &Env, problems: &mut Problems) {
    let _ = secrets::source(env, "LINK_SECRET", problems);
}

/// Reads `LINK_SECRET` or `LINK_SECRET_ARN`: what the links are signed with that lead a shopper to
/// their subscription without signing in. Several secrets are separated by commas, so that one can
/// be replaced.
pub async fn link_secret(env: &Env, problems: Problems) -> Result<SecretString, StartError> {
    let secret = rolling_link_secret(env, problems).await?;
    Ok(secret.current().await.as_ref().clone())
}

/// The same for a function that reads links, and so meets one that is signed with a newer secret.
pub async fn rolling_link_secret(
    env: &Env,
    mut problems: Problems,
) -> Result<Rolling<SecretString>, StartError> {
    let source = secrets::source(env, "LINK_SECRET", &mut problems);
    problems.into_result()?;
    Rolling::start(source, check_link_lengths).await
}

fn check_link_lengths(secret: &SecretString) -> Result<SecretString, Problems> {
    let mut problems = Problems::default();
    let mut secrets = secret.expose_secret().split(',').map(str::trim);
    if secrets.any(|secret| secret.len() < SHORTEST_LINK_SECRET) {
        problems.add(format!(
            "LINK_SECRET is too short: it has at least {SHORTEST_LINK_SECRET} characters"
        ));
    }
    problems.into_result()?;
    Ok(secret.clone())
}

/// Reads `STRIPE_WEBHOOK_SECRETS` or `STRIPE_WEBHOOK_SECRETS_ARN`: one or more signing secrets,
/// separated by commas, all of which are accepted, so that one can be rolled.
pub async fn webhook_secrets(
    env: &Env,
    mut problems: Problems,
) -> Result<Rolling<Vec<SecretString>>, StartError> {
    let source = secrets::source(env, "STRIPE_WEBHOOK_SECRETS", &mut problems);
    problems.into_result()?;
    Rolling::start(source, signing_secrets).await
}

fn signing_secrets(text: &SecretString) -> Result<Vec<SecretString>, Problems> {
    let secrets: Vec<_> = text
        .expose_secret()
        .split(',')
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .collect();
    let mut problems = Problems::default();
    if secrets.is_empty() {
        problems.add("STRIPE_WEBHOOK_SECRETS names no secret");
    }
    if secrets
        .iter()
        .any(|secret| !secret.starts_with("whsec_") || secret.len() < 16)
    {
        problems.add("STRIPE_WEBHOOK_SECRETS is malformed: each secret begins with whsec_");
    }
    problems.into_result()?;
    Ok(secrets.into_iter().map(SecretString::from).collect())
}
