//! The wallets that a shopper can pay with: one table, a row for each.
//!
//! What differs between wallets is data, so the rest of the code reads a wallet's row and names no wallet.
//! `docs/wallets.md` shows the table with its sources. What only one wallet has stays code where it is
//! used: Apple's requests for a merchant token.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::Currency;

/// A wallet. In JSON it is the name of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wallet {
    /// Amazon Pay: the shopper is sent to Amazon and comes back.
    AmazonPay,
    /// Apple Pay: the shopper agrees in the page. To Stripe it is a card with a wallet.
    ApplePay,
    /// Google Pay: the same, with Google's sheet.
    GooglePay,
    /// Cash App Pay: the shopper goes to Cash App on a phone, or scans a code with it.
    CashAppPay,
}

/// What comes first, and so what the shopper confirms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// A SetupIntent of our own; the subscription charges the method that it has set up.
    #[default]
    SetupIntent,
    /// The subscription; the shopper confirms its first payment, or its own SetupIntent if it
    /// begins with a trial.
    Subscription,
}

/// The facts about one wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none follows from another"
)]
pub struct WalletRow {
    /// The name that the HTTP interface, `plans.json` and the metadata at Stripe use.
    pub name: &'static str,
    /// The name that shoppers know.
    pub label: &'static str,
    /// Whether a plan that names no wallets offers it.
    pub is_usual: bool,
    /// The type of its `PaymentMethods` at Stripe
    /// (<https://docs.stripe.com/api/payment_methods/object#payment_method_object-type>).
    pub method_type: &'static str,
    /// `card.wallet.type` of its `PaymentMethods`, if they are cards
    /// (<https://docs.stripe.com/api/payment_methods/object#payment_method_object-card-wallet-type>).
    pub card_wallet: Option<&'static str>,
    /// The capability of the account that takes it
    /// (<https://docs.stripe.com/connect/account-capabilities>).
    pub capability: &'static str,
    /// What it can be charged in.
    pub currencies: Currencies,
    /// Accounts of a country that can charge it in one currency alone: country and currency.
    pub tied: &'static [(&'static str, &'static str)],
    /// Where the account's business must be.
    pub countries: Countries,
    /// How the shopper gets to it.
    pub shown: Shown,
    /// The field of a registered domain that has to be `active` before its button is shown
    /// (<https://docs.stripe.com/payments/payment-methods/pmd-registration>).
    pub domain_field: Option<&'static str>,
    /// What may come first, the usual one before the other.
    pub first: &'static [First],
    /// Why this server cannot confirm in place of the page, as a part of a sentence.
    pub page_alone: Option<&'static str>,
    /// Whether a saved method may be charged while the shopper is away.
    pub off_session: bool,
    /// Whether its terms forbid to charge a saved method while the shopper is there.
    pub never_on_session: bool,
    /// Whether Stripe retries a declined renewal by itself
    /// (<https://docs.stripe.com/billing/revenue-recovery/smart-retries>).
    pub is_retried: bool,
    /// A sentence that follows the shop's text of consent, or nothing.
    pub consent_note: &'static str,
    /// What a page should know about a plan with a free trial, if there is something.
    pub trial_note: Option<&'static str>,
}

/// What a wallet can be charged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Currencies {
    /// Whatever cards are charged in; Stripe has no price in any other currency.
    OfCards,
    /// These alone.
    Only(&'static [&'static str]),
}

/// Where an account's business must be, by ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Countries {
    /// There alone.
    Only(&'static [&'static str]),
    /// Anywhere else.
    AllBut(&'static [&'static str]),
}

/// How a shopper gets to a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The page sends them away, with its own button.
    Redirect,
    /// A sheet opens over the page, from a button of the Express Checkout Element.
    Sheet {
        /// The button's name in the options of Stripe.js
        /// (<https://docs.stripe.com/js/elements_object/create_express_checkout_element#express_checkout_element_create-options-paymentMethods>).
        button: &'static str,
    },
}

/// <https://docs.stripe.com/payments/amazon-pay>, read in May 2026, unless said otherwise.
static AMAZON_PAY: WalletRow = WalletRow {
    name: "amazon_pay",
    label: "Amazon Pay",
    is_usual: true,
    method_type: "amazon_pay",
    card_wallet: None,
    capability: "amazon_pay_payments",
    currencies: Currencies::Only(&[
        "usd", "aud", "gbp", "dkk", "eur", "hkd", "jpy", "nzd", "nok", "zar", "sek", "chf",
    ]),
    tied: &[("US", "usd")],
    countries: Countries::Only(&[
        "AT", "BE", "CH", "CY", "DE", "DK", "ES", "FR", "GB", "HU", "IE", "IT", "LU", "NL", "PT",
        "SE", "US",
    ]),
    shown: Shown::Redirect,
    domain_field: None,
    first: &[First::SetupIntent],
    page_alone: None,
    off_session: true,
    never_on_session: false,
    is_retried: false,
    consent_note: "",
    trial_note: Some(
        "A trial charges nothing today, and an Express Checkout Element in the mode subscription cannot save Amazon Pay without a payment. So this plan is offered with \"first\":\"setup_intent\", where Amazon's own page asks for the mandate.",
    ),
};

/// <https://docs.stripe.com/apple-pay> and
/// <https://docs.stripe.com/apple-pay/apple-pay-recurring>, read in May 2026, unless said otherwise.
static APPLE_PAY: WalletRow = WalletRow {
    name: "apple_pay",
    label: "Apple Pay",
    is_usual: true,
    method_type: "card",
    card_wallet: Some("apple_pay"),
    capability: "card_payments",
    currencies: Currencies::OfCards,
    tied: &[],
    countries: Countries::AllBut(&["IN"]),
    shown: Shown::Sheet { button: "applePay" },
    domain_field: Some("apple_pay"),
    first: &[First::SetupIntent, First::Subscription],
    page_alone: Some("where the device makes its one-time cryptogram"),
    off_session: true,
    never_on_session: true,
    is_retried: true,
    consent_note: "",
    trial_note: None,
};

/// <https://docs.stripe.com/google-pay>, read in November 2026, unless said otherwise. Google's sheet is told
/// of no later payments, and hands over a card of the shopper's Google account.
static GOOGLE_PAY: WalletRow = WalletRow {
    name: "google_pay",
    label: "Google Pay",
    is_usual: false,
    method_type: "card",
    card_wallet: Some("google_pay"),
    capability: "card_payments",
    currencies: Currencies::OfCards,
    tied: &[],
    countries: Countries::AllBut(&["IN"]),
    shown: Shown::Sheet {
        button: "googlePay",
    },
    domain_field: Some("google_pay"),
    first: &[First::SetupIntent, First::Subscription],
    page_alone: Some("where Google's sheet hands the card over"),
    off_session: true,
    never_on_session: false,
    is_retried: true,
    consent_note: "",
    trial_note: None,
};

/// <https://docs.stripe.com/payments/cash-app-pay>,
/// <https://docs.stripe.com/payments/cash-app-pay/set-up-payment> and
/// <https://docs.stripe.com/billing/subscriptions/cash-app-pay>, read in November 2026, unless said
/// otherwise. The Express Checkout Element does not have it.
static CASH_APP_PAY: WalletRow = WalletRow {
    name: "cash_app_pay",
    label: "Cash App Pay",
    is_usual: false,
    method_type: "cashapp",
    card_wallet: None,
    capability: "cashapp_payments",
    currencies: Currencies::Only(&["usd"]),
    tied: &[],
    countries: Countries::Only(&["US"]),
    shown: Shown::Redirect,
    domain_field: None,
    first: &[First::SetupIntent],
    page_alone: Some("where Stripe.js opens Cash App or shows a code to scan"),
    off_session: true,
    never_on_session: false,
    is_retried: false,
    // What Stripe asks a page to say beside the amount and the interval.
    consent_note: " You can change this at any time in your Cash App settings.",
    trial_note: None,
};

/// The name is not one of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the wallet must be {}", names())]
pub struct UnknownWallet;

impl Wallet {
    /// All of them, in the order in which pages show them.
    pub const ALL: [Self; 4] = [
        Self::AmazonPay,
        Self::ApplePay,
        Self::GooglePay,
        Self::CashAppPay,
    ];

    /// Its facts.
    pub fn row(self) -> &'static WalletRow {
        match self {
            Self::AmazonPay => &AMAZON_PAY,
            Self::ApplePay => &APPLE_PAY,
            Self::GooglePay => &GOOGLE_PAY,
            Self::CashAppPay => &CASH_APP_PAY,
        }
    }

    /// Those of a plan that names none.
    pub fn usual() -> Vec<Self> {
        let all = Self::ALL.into_iter();
        all.filter(|wallet| wallet.row().is_usual).collect()
    }

    /// The wallet of a PaymentMethod: its type, and the type of its card's wallet.
    pub fn of_method(method_type: &str, card_wallet: Option<&str>) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|wallet| {
            let row = wallet.row();
            row.method_type == method_type && row.card_wallet == card_wallet
        })
    }

    /// The wallets whose `PaymentMethods` are of this type.
    pub fn of_type(method_type: &str) -> impl Iterator<Item = Self> {
        let all = Self::ALL.into_iter();
        all.filter(move |wallet| wallet.row().method_type == method_type)
    }

    /// Whether it can be charged in this currency.
    pub fn takes(self, currency: Currency) -> bool {
        match self.row().currencies {
            Currencies::OfCards => true,
            Currencies::Only(codes) => codes.contains(&currency.as_str()),
        }
    }

    /// Whether an account of this country can take it.
    pub fn is_for(self, country: &str) -> bool {
        match self.row().countries {
            Countries::Only(countries) => countries.contains(&country),
            Countries::AllBut(countries) => !countries.contains(&country),
        }
    }

    /// The name, as in JSON.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The name that shoppers know.
    pub fn label(self) -> &'static str {
        self.row().label
    }
}

/// Such as `amazon_pay, apple_pay, google_pay or cash_app_pay`.
fn names() -> String {
    let names = Wallet::ALL.map(Wallet::as_str);
    match names.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl FromStr for Wallet {
    type Err = UnknownWallet;

    fn from_str(text: &str) -> Result<Self, UnknownWallet> {
        let mut all = Self::ALL.into_iter();
        all.find(|wallet| wallet.as_str() == text)
            .ok_or(UnknownWallet)
    }
}

impl fmt::Display for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Wallet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Wallet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse()
            .map_err(|error| de::Error::custom(format_args!("unknown variant `{name}`: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_wallet_and_is_its_json() {
        for wallet in Wallet::ALL {
            assert_eq!(wallet.as_str().parse(), Ok(wallet));
            let json = format!("\"{wallet}\"");
            assert_eq!(serde_json::to_string(&wallet).unwrap(), json);
            assert_eq!(serde_json::from_str::<Wallet>(&json).unwrap(), wallet);
        }
        let error = serde_json::from_str::<Wallet>("\"paypal\"").unwrap_err();
        let expected = "unknown variant `paypal`: the wallet must be amazon_pay, ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn a_payment_method_is_of_at_most_one_wallet() {
        for wallet in Wallet::ALL {
            let row = wallet.row();
            let found = Wallet::of_method(row.method_type, row.card_wallet);
            assert_eq!(found, Some(wallet), "two rows have the same methods");
        }
        assert_eq!(Wallet::of_method("card", None), None, "it was typed in");
        assert_eq!(Wallet::of_method("card", Some("link")), None);
        assert_eq!(Wallet::of_method("sepa_debit", None), None);
    }

    #[test]
    fn each_row_can_be_sold_with_and_charged_later() {
        for wallet in Wallet::ALL {
            let row = wallet.row();
            assert!(!row.first.is_empty(), "{wallet}");
            assert!(row.off_session, "{wallet}: no renewal could be charged");
            let is_sheet = matches!(row.shown, Shown::Sheet { .. });
            assert_eq!(row.domain_field.is_some(), is_sheet, "{wallet}");
            // Nobody can be sent away to confirm what came first, so no redirect may come second.
            assert!(is_sheet || row.first == [First::SetupIntent], "{wallet}");
            assert_eq!(row.card_wallet.is_some(), row.method_type == "card");
            for (country, currency) in row.tied {
                assert!(wallet.is_for(country));
                assert!(wallet.takes(currency.parse().unwrap()));
            }
        }
    }

    #[test]
    fn a_plan_that_names_no_wallet_offers_those_that_it_always_did() {
        assert_eq!(Wallet::usual(), [Wallet::AmazonPay, Wallet::ApplePay]);
    }

    #[test]
    fn amazon_pay_is_charged_in_some_currencies_and_a_card_in_all() {
        let taken = |wallet: Wallet, code: &str| wallet.takes(code.parse().unwrap());
        for code in ["usd", "eur", "jpy", "zar"] {
            assert!(taken(Wallet::AmazonPay, code), "{code}");
            assert!(taken(Wallet::ApplePay, code), "{code}");
        }
        for code in ["cad", "inr", "brl"] {
            assert!(!taken(Wallet::AmazonPay, code), "{code}");
            assert!(taken(Wallet::ApplePay, code), "{code}");
        }
    }
}
