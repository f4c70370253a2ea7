//! Amounts in minor units, with their currency.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An ISO 4217 code in the lower case that Stripe uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Why an amount or a currency is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not three letters.
    #[error("a currency is three letters of ISO 4217, such as usd")]
    Currency,
}

/// The currencies whose smallest unit is the whole one
/// (<https://docs.stripe.com/currencies#zero-decimal>).
const NO_DECIMALS: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];

/// The currencies with a thousand units (<https://docs.stripe.com/currencies#three-decimal>).
const THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

impl Currency {
    /// The code, in lower case.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters get in, so this cannot fail; an empty answer would be refused by Stripe.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many digits of an amount stand behind the decimal point.
    pub fn decimals(self) -> u32 {
        let code = self.as_str();
        if NO_DECIMALS.contains(&code) {
            0
        } else if THREE_DECIMALS.contains(&code) {
            3
        } else {
            2
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self(code.map(|letter| letter.to_ascii_lowercase())))
            }
            _ => Err(MoneyError::Currency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in the currency's smallest unit (cents of a dollar, whole yen).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// In minor units.
    pub amount: u64,
    /// Of which currency.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// With its decimal point and the currency's code, such as `15.00 USD` or `1500 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let unit = 10_u64.pow(decimals);
        let code = self.currency.as_str().to_ascii_uppercase();
        let whole = self.amount / unit;
        if decimals == 0 {
            return write!(f, "{whole} {code}");
        }
        let (part, width) = (self.amount % unit, decimals as usize);
        write!(f, "{whole}.{part:0width$} {code}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shown_with_as_many_decimals_as_its_currency_has() {
        for (amount, code, expected) in [
            (1500, "usd", "15.00 USD"),
            (5, "eur", "0.05 EUR"),
            (1500, "jpy", "1500 JPY"),
            (1500, "kwd", "1.500 KWD"),
        ] {
            let currency = code.parse().unwrap();
            assert_eq!(Money { amount, currency }.to_string(), expected);
        }
    }

    #[test]
    fn a_currency_is_three_letters() {
        assert_eq!("USD".parse::<Currency>().unwrap().as_str(), "usd");
        for text in ["us", "usdd", "u$d", "", "\u{e9}s"] {
            assert!(text.parse::<Currency>().is_err(), "{text:?}");
        }
    }
}
