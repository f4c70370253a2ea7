//! The wallets that a shopper can pay with.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Currency;

/// A wallet, by the name that the HTTP interface uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wallet {
    /// Amazon Pay: the shopper is sent to Amazon and comes back.
    AmazonPay,
    /// Apple Pay: the shopper agrees in the page. To Stripe it is a card with a wallet.
    ApplePay,
}

/// The name is not one of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the wallet must be amazon_pay or apple_pay")]
pub struct UnknownWallet;

impl Wallet {
    /// All of them, the one that leads away first.
    pub fn all() -> Vec<Self> {
        vec![Self::AmazonPay, Self::ApplePay]
    }

    /// Whether it can be charged in this currency.
    pub fn takes(self, currency: Currency) -> bool {
        self != Self::AmazonPay || currency.is_taken_by_amazon_pay()
    }

    /// The name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AmazonPay => "amazon_pay",
            Self::ApplePay => "apple_pay",
        }
    }

    /// The name that shoppers know.
    pub fn label(self) -> &'static str {
        match self {
            Self::AmazonPay => "Amazon Pay",
            Self::ApplePay => "Apple Pay",
        }
    }
}

impl FromStr for Wallet {
    type Err = UnknownWallet;

    fn from_str(text: &str) -> Result<Self, UnknownWallet> {
        match text {
            "amazon_pay" => Ok(Self::AmazonPay),
            "apple_pay" => Ok(Self::ApplePay),
            _ => Err(UnknownWallet),
        }
    }
}

impl fmt::Display for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
