//! An e-mail address, on its way to Stripe.

use std::fmt;

use thiserror::Error;

/// Stripe takes no longer one (<https://docs.stripe.com/api/customers/object#customer_object-email>).
const LONGEST: usize = 512;

/// A shopper's e-mail address. It is handed on and kept nowhere, so it is not serialized, and its `Debug` does not show
/// it.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// It has not the form of an e-mail address. The text is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "an e-mail address has one @ with something on both sides, no blanks, and at most 512 characters"
)]
pub struct EmailError;

impl EmailAddress {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let (name, domain) = text.split_once('@').ok_or(EmailError)?;
        let is_whole = !name.is_empty() && !domain.is_empty() && !domain.contains('@');
        let is_plain = !text.chars().any(|it| it.is_control() || it.is_whitespace());
        if is_whole && is_plain && text.chars().count() <= LONGEST {
            return Ok(Self(text.to_owned()));
        }
        Err(EmailError)
    }

    /// The address, for Stripe alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides_and_no_blanks() {
        let long = format!("{}@example.com", "a".repeat(LONGEST - 12));
        let longer = format!("a{long}");
        for (text, is_one) in [
            ("alice@example.com", true),
            ("a@b", true),
            ("älice+1@exämple.com", true),
            (long.as_str(), true),
            (longer.as_str(), false),
            ("", false),
            ("alice", false),
            ("@example.com", false),
            ("alice@", false),
            ("alice@bob@example.com", false),
            ("alice @example.com", false),
            (" alice@example.com", false),
            ("alice@example.com\n", false),
            ("alice@exam\u{0}ple.com", false),
        ] {
            assert_eq!(EmailAddress::parse(text).is_ok(), is_one, "{text:?}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        let address = EmailAddress::parse("alice@example.com").unwrap();
        assert_eq!(format!("{address:?}"), "EmailAddress(..)");
        assert_eq!(address.expose(), "alice@example.com");
    }
}
