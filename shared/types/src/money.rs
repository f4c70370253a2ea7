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

/// The presentment currencies of Amazon Pay
/// (<https://docs.stripe.com/payments/amazon-pay>, read in May 2026).
const AMAZON_PAY: [&str; 12] = [
    "usd", "aud", "gbp", "dkk", "eur", "hkd", "jpy", "nzd", "nok", "zar", "sek", "chf",
];

impl Currency {
    /// The code, in lower case.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters get in, so this cannot fail; an empty answer would be refused by Stripe.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether Amazon Pay can be charged in it.
    pub fn is_taken_by_amazon_pay(self) -> bool {
        AMAZON_PAY.contains(&self.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_letters() {
        assert_eq!("USD".parse::<Currency>().unwrap().as_str(), "usd");
        for text in ["us", "usdd", "u$d", "", "\u{e9}s"] {
            assert!(text.parse::<Currency>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn amazon_pay_takes_some_currencies_and_not_others() {
        let taken = |code: &str| code.parse::<Currency>().unwrap().is_taken_by_amazon_pay();
        assert!(taken("jpy") && taken("usd"));
        assert!(!taken("cad") && !taken("inr"));
    }
}
