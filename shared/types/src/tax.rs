//! Taxes that Stripe reckons, and what it needs to know of the shopper for that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who reckons the taxes on a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanTax {
    /// Stripe Tax, by where the customer is.
    Automatic,
}

/// Whether taxes are in a price or on top of it
/// (<https://docs.stripe.com/api/prices/object#price_object-tax_behavior>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxBehavior {
    /// In it.
    Inclusive,
    /// On top of it.
    Exclusive,
}

/// What a period of a plan costs somewhere. Amounts are in the currency's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxedPrice {
    /// With its taxes.
    pub amount: u64,
    /// The taxes in that.
    pub tax: u64,
    /// None where nothing is collected.
    pub behavior: Option<TaxBehavior>,
}

/// What a shopper was shown of the taxes and agreed to. An attempt keeps it, and no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreedTax {
    /// What each period costs with its taxes and without a promotion code, in the currency's smallest unit.
    pub amount: u64,
}

/// As much of a shopper's address as taxes are reckoned by. It is handed to Stripe and kept nowhere, so it is not
/// serialized, and its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct BillingAddress {
    country: String,
    postal_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    country: String,
    #[serde(default)]
    postal_code: Option<String>,
}

/// No country's are longer.
const LONGEST_POSTAL_CODE: usize = 16;

impl TryFrom<Unchecked> for BillingAddress {
    type Error = &'static str;

    /// What is wrong is said without what was sent.
    fn try_from(sent: Unchecked) -> Result<Self, Self::Error> {
        let Unchecked {
            country,
            postal_code,
        } = sent;
        if country.len() != 2 || !country.bytes().all(|it| it.is_ascii_uppercase()) {
            return Err("`country` has two upper-case letters, as in ISO 3166");
        }
        let code = postal_code.as_deref().map(str::trim);
        let code = code.filter(|code| !code.is_empty());
        match (country.as_str(), code) {
            ("US", code) if !code.is_some_and(is_zip) => {
                return Err("in the United States `postal_code` has five digits, or nine");
            }
            ("CA", None) => return Err("in Canada there is a `postal_code`"),
            (_, Some(code)) if !is_postal_code(code) => {
                return Err("`postal_code` has 1 to 16 letters, digits, blanks and hyphens");
            }
            _ => {}
        }
        Ok(Self {
            postal_code: code.map(ToOwned::to_owned),
            country,
        })
    }
}

fn is_zip(code: &str) -> bool {
    let digits =
        |part: &str, many| part.len() == many && part.bytes().all(|it| it.is_ascii_digit());
    match code.split_once('-') {
        Some((zip, more)) => digits(zip, 5) && digits(more, 4),
        None => digits(code, 5),
    }
}

fn is_postal_code(code: &str) -> bool {
    let known = |it: char| it.is_ascii_alphanumeric() || it == ' ' || it == '-';
    code.len() <= LONGEST_POSTAL_CODE && code.chars().all(known)
}

impl BillingAddress {
    /// The country, for Stripe alone.
    pub fn country(&self) -> &str {
        &self.country
    }

    /// The postal code, for Stripe alone.
    pub fn postal_code(&self) -> Option<&str> {
        self.postal_code.as_deref()
    }
}

impl fmt::Debug for BillingAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BillingAddress(..)")
    }
}

/// Why a plan with taxes is not sold to an address: stable codes that a page can match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaxRefusal {
    /// There is no address.
    AddressNeeded,
    /// Stripe does not know where that is.
    AddressNotRecognized,
    /// It costs another amount than the shopper was shown.
    Outdated,
}

impl TaxRefusal {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::AddressNeeded,
        Self::AddressNotRecognized,
        Self::Outdated,
    ];

    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::AddressNeeded | Self::AddressNotRecognized => 400,
            Self::Outdated => 409,
        }
    }

    /// The code, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AddressNeeded => "address_needed",
            Self::AddressNotRecognized => "address_not_recognized",
            Self::Outdated => "tax_outdated",
        }
    }

    /// A sentence for the page.
    pub fn message(self) -> &'static str {
        match self {
            Self::AddressNeeded => {
                "Taxes are added to this plan: ask the shopper for country and postal code, and send them as \"billing_address\"."
            }
            Self::AddressNotRecognized => {
                "Stripe does not recognize this address. Check the country and the postal code."
            }
            Self::Outdated => {
                "With its taxes the plan costs another amount than was shown. Ask POST /wallets again, and show that."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<BillingAddress, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_has_what_taxes_need_in_its_country() {
        for (json, expected) in [
            (r#"{"country":"DE"}"#, Ok(None)),
            (r#"{"country":"DE","postal_code":null}"#, Ok(None)),
            (
                r#"{"country":"DE","postal_code":" 10115 "}"#,
                Ok(Some("10115")),
            ),
            (
                r#"{"country":"GB","postal_code":"SW1A 1AA"}"#,
                Ok(Some("SW1A 1AA")),
            ),
            (
                r#"{"country":"US","postal_code":"94103"}"#,
                Ok(Some("94103")),
            ),
            (
                r#"{"country":"US","postal_code":"94103-1234"}"#,
                Ok(Some("94103-1234")),
            ),
            (
                r#"{"country":"CA","postal_code":"K1A 0B1"}"#,
                Ok(Some("K1A 0B1")),
            ),
            (r#"{"country":"US"}"#, Err("five digits")),
            (
                r#"{"country":"US","postal_code":"9410"}"#,
                Err("five digits"),
            ),
            (
                r#"{"country":"US","postal_code":"94103-"}"#,
                Err("five digits"),
            ),
            (
                r#"{"country":"US","postal_code":"K1A 0B1"}"#,
                Err("five digits"),
            ),
            (r#"{"country":"CA","postal_code":" "}"#, Err("in Canada")),
            (r#"{"country":"de"}"#, Err("two upper-case letters")),
            (r#"{"country":"DEU"}"#, Err("two upper-case letters")),
            (r#"{"country":"Ü"}"#, Err("two upper-case letters")),
            (
                r#"{"country":"DE","postal_code":"10115\n"}"#,
                Ok(Some("10115")),
            ),
            (
                r#"{"country":"DE","postal_code":"1\u0000"}"#,
                Err("1 to 16 letters"),
            ),
            (
                r#"{"country":"DE","postal_code":"12345678901234567"}"#,
                Err("1 to 16 letters"),
            ),
            (r#"{"country":"DE","city":"Berlin"}"#, Err("unknown field")),
            (r#"{"postal_code":"10115"}"#, Err("missing field")),
        ] {
            match (read(json), expected) {
                (Ok(address), Ok(code)) => assert_eq!(address.postal_code(), code, "{json}"),
                (Err(error), Err(part)) => assert!(error.contains(part), "{json}: {error}"),
                (read, _) => panic!("{json}: {read:?}"),
            }
        }
    }

    /// Neither in a debugger's line nor in what a page is told of a mistake.
    #[test]
    fn it_is_not_shown() {
        let address = read(r#"{"country":"US","postal_code":"94103"}"#).unwrap();
        assert_eq!(format!("{address:?}"), "BillingAddress(..)");
        assert_eq!(
            (address.country(), address.postal_code()),
            ("US", Some("94103"))
        );
        let error = read(r#"{"country":"US","postal_code":"secret"}"#).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn each_refusal_has_a_code_and_a_sentence_of_its_own() {
        for refusal in TaxRefusal::ALL {
            assert!(refusal.message().ends_with('.'), "{refusal:?}");
            assert!((400..500).contains(&refusal.status()), "{refusal:?}");
            let same = TaxRefusal::ALL
                .iter()
                .filter(|it| it.as_str() == refusal.as_str());
            assert_eq!(same.count(), 1);
        }
    }
}
