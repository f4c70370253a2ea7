//! A number by which a tax office knows a business, on its way to Stripe.

use std::fmt;

use serde::Deserialize;

/// Far longer than any that Stripe takes.
const LONGEST: usize = 50;

/// How many a customer may have.
pub const MOST_TAX_IDS: usize = 5;

/// A tax id. It is handed to Stripe and kept nowhere, so it is not serialized, and its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct TaxId {
    kind: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl TryFrom<Unchecked> for TaxId {
    type Error = &'static str;

    /// What is wrong is said without what was sent.
    fn try_from(sent: Unchecked) -> Result<Self, Self::Error> {
        let is_of_type = |it: u8| it.is_ascii_lowercase() || it == b'_';
        if !(3..=20).contains(&sent.kind.len()) || !sent.kind.bytes().all(is_of_type) {
            return Err("`type` of a tax id is one of Stripe's, such as \"eu_vat\"");
        }
        let value = sent.value.trim();
        let is_plain = value.chars().all(|it| !it.is_control());
        if !is_plain || !value.chars().any(char::is_alphanumeric) || value.chars().count() > LONGEST
        {
            return Err("`value` of a tax id has 1 to 50 characters");
        }
        Ok(Self {
            kind: sent.kind,
            value: value.to_owned(),
        })
    }
}

impl TaxId {
    /// The type as Stripe names it (<https://docs.stripe.com/api/tax_ids/object#tax_id_object-type>).
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The number, for Stripe alone.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether this type and number are the same id, however it is spaced and punctuated.
    pub fn is(&self, kind: &str, value: &str) -> bool {
        self.kind == kind && significant(&self.value).eq(significant(value))
    }
}

fn significant(value: &str) -> impl Iterator<Item = char> {
    let letters = value.chars().filter(|it| it.is_alphanumeric());
    letters.flat_map(char::to_uppercase)
}

impl fmt::Debug for TaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaxId")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, value: &str) -> Result<TaxId, String> {
        let json = serde_json::json!({"type": kind, "value": value});
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn it_has_a_type_of_stripe_and_a_number() {
        let longest = "1".repeat(LONGEST);
        let longer = "1".repeat(LONGEST + 1);
        for (kind, value, expected) in [
            ("eu_vat", "DE123456789", Ok("DE123456789")),
            ("eu_vat", " DE 123 456 789 ", Ok("DE 123 456 789")),
            ("ch_vat", "CHE-123.456.789 MWST", Ok("CHE-123.456.789 MWST")),
            ("us_ein", longest.as_str(), Ok(longest.as_str())),
            ("us_ein", longer.as_str(), Err("1 to 50")),
            ("us_ein", "", Err("1 to 50")),
            ("us_ein", " - ", Err("1 to 50")),
            ("us_ein", "12\u{0}3", Err("1 to 50")),
            ("EU_VAT", "DE123456789", Err("one of Stripe's")),
            ("", "DE123456789", Err("one of Stripe's")),
            ("eu_vat[x]", "DE123456789", Err("one of Stripe's")),
        ] {
            match (read(kind, value), expected) {
                (Ok(id), Ok(value)) => assert_eq!(id.value(), value),
                (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
                (read, _) => panic!("{kind} {value}: {read:?}"),
            }
        }
    }

    #[test]
    fn it_is_the_same_however_it_is_written() {
        let id = read("eu_vat", "DE 123.456-789").unwrap();
        assert!(id.is("eu_vat", "de123456789"));
        assert!(!id.is("eu_vat", "DE123456780"));
        assert!(!id.is("gb_vat", "DE123456789"));
    }

    #[test]
    fn it_is_not_shown() {
        let id = read("eu_vat", "DE123456789").unwrap();
        assert!(!format!("{id:?}").contains("123456789"));
        let error = read("eu_vat", "secret\n\u{1}secret").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
