//! Where in the shop a shopper lands after the wallet.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A path of the shop, with an optional query, that cannot lead anywhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReturnPath(String);

/// The text would, or could, leave the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "return_to must be a path of the shop, such as /account: one leading slash, no host, no backslash, no fragment, at most 512 characters"
)]
pub struct ReturnPathError;

impl ReturnPath {
    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ReturnPath {
    type Error = ReturnPathError;

    fn try_from(text: String) -> Result<Self, ReturnPathError> {
        // Browsers read a backslash as a slash and drop tabs and newlines, so that
        // "/\evil.example" and "/\t/evil.example" name another host.
        let plain = text
            .bytes()
            .all(|b| (0x21..0x7f).contains(&b) && b != b'\\' && b != b'#');
        let rooted = text.starts_with('/') && !text.starts_with("//");
        if plain && rooted && text.len() <= 512 {
            Ok(Self(text))
        } else {
            Err(ReturnPathError)
        }
    }
}

impl From<ReturnPath> for String {
    fn from(path: ReturnPath) -> String {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_shop() {
        for (text, stays) in [
            ("/", true),
            ("/account?tab=plans", true),
            ("/a//b", true),
            ("", false),
            ("account", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("/\t/evil.example", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
            ("/a#b", false),
            ("/\u{e9}", false),
        ] {
            assert_eq!(
                ReturnPath::try_from(text.to_owned()).is_ok(),
                stays,
                "{text:?}"
            );
        }
    }
}
