//! Which Stripe answers: the sandbox of this machine, or Stripe itself in test mode.

use perennial_config::Env;
use secrecy::SecretString;
use url::Url;

/// Stripe.js of the release that belongs to the API version of `perennial_stripe`.
const STRIPE_JS: &str = "https://js.stripe.com/endive/stripe.js";
const STRIPE: &str = "https://api.stripe.com";

/// The keys and the address that the functions use.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) secret_key: SecretString,
    pub(crate) publishable_key: String,
    pub(crate) place: Place,
}

/// Where Stripe is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The sandbox that this process runs.
    Sandbox,
    /// Stripe's test mode, or whatever `STRIPE_API_BASE` names.
    Elsewhere(Url),
}

/// Why the environment names no usable account.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccountError {
    /// Real money has no place on a developer's machine.
    #[error("{0} is a live key: `cargo dev` takes test keys only (sk_test_..., pk_test_...)")]
    Live(&'static str),
    /// Not a key of that kind.
    #[error("{name} is not a test key of Stripe: it must begin with {expected}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// How it begins.
        expected: &'static str,
    },
    /// One of the two is missing.
    #[error(
        "{set} is set and {missing} is not: set both to use Stripe, or none to use the sandbox"
    )]
    Incomplete {
        /// The variable that is there.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// Not an address.
    #[error("STRIPE_API_BASE is not an address")]
    Base,
}

impl Account {
    /// Reads `STRIPE_SECRET_KEY`, `STRIPE_PUBLISHABLE_KEY` and `STRIPE_API_BASE`.
    pub(crate) fn read(env: &Env) -> Result<Self, AccountError> {
        let secret = ("STRIPE_SECRET_KEY", env.get("STRIPE_SECRET_KEY"));
        let publishable = ("STRIPE_PUBLISHABLE_KEY", env.get("STRIPE_PUBLISHABLE_KEY"));
        let base = ("STRIPE_API_BASE", env.get("STRIPE_API_BASE"));
        let incomplete = |set: &'static str, missing| AccountError::Incomplete { set, missing };
        let (secret_key, publishable_key) = match (secret.1, publishable.1) {
            (Some(secret_key), Some(publishable_key)) => (secret_key, publishable_key),
            (Some(_), None) => return Err(incomplete(secret.0, publishable.0)),
            (None, Some(_)) => return Err(incomplete(publishable.0, secret.0)),
            (None, None) if base.1.is_some() => return Err(incomplete(base.0, secret.0)),
            (None, None) => return Ok(Self::sandbox()),
        };
        check(secret.0, secret_key, &["sk", "rk"], "sk_test_ or rk_test_")?;
        check(publishable.0, publishable_key, &["pk"], "pk_test_")?;
        let base = base
            .1
            .unwrap_or(STRIPE)
            .parse()
            .map_err(|_| AccountError::Base)?;
        Ok(Self {
            secret_key: secret_key.into(),
            publishable_key: publishable_key.to_owned(),
            place: Place::Elsewhere(base),
        })
    }

    /// The same; but the sandbox takes this secret key, and no other.
    pub(crate) fn or_sandbox_with(self, secret_key: String) -> Self {
        match self.place {
            Place::Sandbox => Self {
                secret_key: secret_key.into(),
                ..self
            },
            Place::Elsewhere(_) => self,
        }
    }

    fn sandbox() -> Self {
        Self {
            secret_key: perennial_sandbox::SECRET_KEY.into(),
            publishable_key: perennial_sandbox::PUBLISHABLE_KEY.into(),
            place: Place::Sandbox,
        }
    }
}

/// Where a page loads Stripe.js from: a sandbox brings its own stand-in.
pub(crate) fn stripe_js(base: &Url) -> String {
    if base.scheme() == "https" {
        return STRIPE_JS.to_owned();
    }
    base.join("/stripe.js")
        .map_or_else(|_| STRIPE_JS.to_owned(), String::from)
}

fn check(
    name: &'static str,
    key: &str,
    kinds: &[&str],
    expected: &'static str,
) -> Result<(), AccountError> {
    let of_mode = |mode: &str| {
        kinds
            .iter()
            .any(|kind| key.starts_with(&format!("{kind}_{mode}_")))
    };
    if of_mode("live") {
        return Err(AccountError::Live(name));
    }
    if of_mode("test") {
        Ok(())
    } else {
        Err(AccountError::Malformed { name, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: (&str, &str) = ("STRIPE_SECRET_KEY", "sk_test_1");
    const PUBLISHABLE: (&str, &str) = ("STRIPE_PUBLISHABLE_KEY", "pk_test_1");

    fn read(pairs: &[(&str, &str)]) -> Result<Place, AccountError> {
        Account::read(&Env::from_pairs(pairs.iter().copied())).map(|account| account.place)
    }

    #[test]
    fn without_keys_the_sandbox_answers() {
        assert_eq!(read(&[]), Ok(Place::Sandbox));
        assert_eq!(read(&[("STRIPE_SECRET_KEY", " ")]), Ok(Place::Sandbox));
    }

    #[test]
    fn with_test_keys_stripe_answers_or_what_the_base_names() {
        let elsewhere = |url: &str| Ok(Place::Elsewhere(url.parse().unwrap()));
        assert_eq!(
            read(&[SECRET, PUBLISHABLE]),
            elsewhere("https://api.stripe.com")
        );
        let base = ("STRIPE_API_BASE", "http://127.0.0.1:1");
        assert_eq!(
            read(&[SECRET, PUBLISHABLE, base]),
            elsewhere("http://127.0.0.1:1")
        );
    }

    #[test]
    fn a_live_key_is_refused() {
        for live in ["sk_live_1", "rk_live_1"] {
            let error = read(&[("STRIPE_SECRET_KEY", live), PUBLISHABLE]).unwrap_err();
            assert_eq!(error, AccountError::Live("STRIPE_SECRET_KEY"));
            assert!(!error.to_string().contains(live));
        }
        let error = read(&[SECRET, ("STRIPE_PUBLISHABLE_KEY", "pk_live_1")]).unwrap_err();
        assert_eq!(error, AccountError::Live("STRIPE_PUBLISHABLE_KEY"));
    }

    #[test]
    fn a_half_account_or_another_kind_of_key_is_refused() {
        assert!(
            read(&[SECRET])
                .unwrap_err()
                .to_string()
                .contains("STRIPE_PUBLISHABLE_KEY")
        );
        assert!(
            read(&[PUBLISHABLE])
                .unwrap_err()
                .to_string()
                .contains("STRIPE_SECRET_KEY")
        );
        assert!(read(&[("STRIPE_API_BASE", "http://127.0.0.1:1")]).is_err());
        let swapped = [
            ("STRIPE_SECRET_KEY", "pk_test_1"),
            ("STRIPE_PUBLISHABLE_KEY", "sk_test_1"),
        ];
        assert!(matches!(
            read(&swapped),
            Err(AccountError::Malformed { .. })
        ));
        let base = ("STRIPE_API_BASE", "nowhere");
        assert_eq!(read(&[SECRET, PUBLISHABLE, base]), Err(AccountError::Base));
    }

    #[test]
    fn the_page_loads_the_stand_in_from_a_sandbox_only() {
        let sandbox = "http://127.0.0.1:9002".parse().unwrap();
        assert_eq!(stripe_js(&sandbox), "http://127.0.0.1:9002/stripe.js");
        assert!(stripe_js(&STRIPE.parse().unwrap()).starts_with("https://js.stripe.com/"));
    }
}
