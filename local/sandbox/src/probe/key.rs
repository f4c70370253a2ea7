//! The key that the probe asks Stripe with, which has to be one of a test mode.

use std::path::Path;

/// The variable that holds the key where no file is named.
pub(crate) const VARIABLE: &str = "STRIPE_TEST_KEY";

/// A key of a test mode.
pub(crate) struct TestKey(String);

impl TestKey {
    /// The key of a file, or of the variable.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, String> {
        let text = match file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| format!("the key's file {} cannot be read: {error}", file.display()))?,
            None => from_environment().ok_or_else(|| {
                format!("there is no key: set {VARIABLE} to a test key, or name a file that holds one with --key-file")
            })?,
        };
        Self::parse(text.trim())
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.contains("_live_") {
            return Err(
                "this is a key of live mode: the probe takes keys of a test mode alone".to_owned(),
            );
        }
        let secret = ["sk_test_", "rk_test_"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
        let fits = |rest: &str| {
            rest.len() >= 8 && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if secret.is_some_and(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err("this is no test key: one begins with sk_test_ or rk_test_".to_owned())
        }
    }

    /// The key of a sandbox that takes any.
    pub(crate) fn of_sandbox() -> Self {
        Self(crate::SECRET_KEY.to_owned())
    }

    /// The key itself, for the header that carries it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this program is no function and has no other setting"
)]
fn from_environment() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::TestKey;

    #[test]
    fn only_keys_of_a_test_mode_are_taken() {
        for key in ["sk_test_perennial_sandbox", "rk_test_51Nabcdef"] {
            assert_eq!(TestKey::parse(key).map(|key| key.0).as_deref(), Ok(key));
        }
        for key in ["sk_live_51Nabcdef", "rk_live_51Nabcdef"] {
            assert!(
                TestKey::parse(key).is_err_and(|error| error.contains("live mode")),
                "{key}"
            );
        }
        for key in [
            "",
            "pk_test_51Nabcdef",
            "sk_test_",
            "sk_test_51N abcdef",
            "sk_org_51Nabcdef",
            "hello",
        ] {
            assert!(
                TestKey::parse(key).is_err_and(|error| error.contains("no test key")),
                "{key}"
            );
        }
    }
}
