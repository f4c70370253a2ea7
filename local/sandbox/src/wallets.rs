//! The wallets that the sandbox has, a row for each. What differs between them is data.
//!
//! Their names are those of the account's settings in the control API, of the fields of a payment method domain, and of
//! the types of payment methods or of cards' wallets.

use serde_json::{Value, json};

/// A wallet.
#[derive(Debug)]
pub(crate) struct Wallet {
    /// Stripe's name for it.
    pub(crate) name: &'static str,
    /// The name that shoppers know.
    pub(crate) label: &'static str,
    pub(crate) kind: Kind,
}

/// What it is to Stripe.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A type of payment methods of its own. The shopper is sent to a page.
    Redirect(Redirect),
    /// A card that a sheet hands over, with the name of its `tokenization_method`.
    Card(&'static str),
}

/// A wallet to which the shopper is sent.
#[derive(Debug)]
pub(crate) struct Redirect {
    /// The capability of the account.
    pub(crate) capability: &'static str,
    /// The part of the address of the page that stands for the wallet's.
    pub(crate) page: &'static str,
    /// What that page asks.
    pub(crate) question: &'static str,
    /// What it can be charged in.
    pub(crate) currencies: &'static [&'static str],
    /// The `next_action` that leads to that page, and back to the shop.
    pub(crate) next_action: fn(page: &str, return_url: &str, expires_at: i64) -> Value,
    /// What a payment method tells of the shopper's account before they have agreed, and after that.
    pub(crate) details: fn(agreed: bool) -> Value,
    /// What a charge tells beside that.
    pub(crate) charged: fn() -> Value,
    /// What a dispute tells, if it tells anything.
    pub(crate) disputed: fn() -> Value,
}

/// All of them.
pub(crate) static ALL: [Wallet; 4] = [
    Wallet {
        name: "amazon_pay",
        label: "Amazon Pay",
        kind: Kind::Redirect(Redirect {
            capability: "amazon_pay_payments",
            page: "amazon-pay",
            question: "Allow charges to your Amazon Pay account?",
            currencies: &[
                "usd", "aud", "gbp", "dkk", "eur", "hkd", "jpy", "nzd", "nok", "zar", "sek", "chf",
            ],
            next_action: |page, return_url, _| redirect_to(page, return_url),
            details: |_| json!({}),
            charged: || {
                let card = json!({"brand": "Visa", "country": "US", "exp_month": 8, "exp_year": 2034, "funding": "credit", "last4": "1111"});
                json!({"funding": {"type": "card", "card": card}})
            },
            disputed: || json!({"dispute_type": "chargeback"}),
        }),
    },
    Wallet {
        name: "apple_pay",
        label: "Apple Pay",
        kind: Kind::Card("apple_pay"),
    },
    Wallet {
        name: "google_pay",
        label: "Google Pay",
        // The name that it had before: https://docs.stripe.com/api/cards/object#card_object-tokenization_method
        kind: Kind::Card("android_pay"),
    },
    Wallet {
        name: "cashapp",
        label: "Cash App Pay",
        kind: Kind::Redirect(Redirect {
            capability: "cashapp_payments",
            page: "cash-app",
            question: "Allow charges to your Cash App account?",
            currencies: &["usd"],
            next_action: |page, _, expires_at| {
                // The code itself is not simulated: its pictures are where Stripe's are, and show nothing.
                let picture = |kind: &str| format!("https://qr.stripe.com/test_sandbox.{kind}");
                let code = json!({
                    "expires_at": expires_at,
                    "image_url_png": picture("png"),
                    "image_url_svg": picture("svg"),
                });
                json!({
                    "type": "cashapp_handle_redirect_or_display_qr_code",
                    "cashapp_handle_redirect_or_display_qr_code": {
                        "hosted_instructions_url": page,
                        "mobile_auth_url": page,
                        "qr_code": code,
                    },
                })
            },
            details: |agreed| {
                let [buyer, cashtag] = ["BUYER_sandbox", "$sandbox"].map(|it| agreed.then_some(it));
                json!({"buyer_id": buyer, "cashtag": cashtag})
            },
            charged: || json!({}),
            // Stripe tells nothing of its own about a dispute with Cash App Pay.
            disputed: || Value::Null,
        }),
    },
];

/// The usual way to send a shopper somewhere.
pub(crate) fn redirect_to(page: &str, return_url: &str) -> Value {
    json!({"type": "redirect_to_url", "redirect_to_url": {"url": page, "return_url": return_url}})
}

/// The wallet of that name.
pub(crate) fn named(name: &str) -> Option<&'static Wallet> {
    ALL.iter().find(|wallet| wallet.name == name)
}

/// Those to which the shopper is sent.
pub(crate) fn redirects() -> impl Iterator<Item = (&'static Wallet, &'static Redirect)> {
    ALL.iter().filter_map(|wallet| match &wallet.kind {
        Kind::Redirect(redirect) => Some((wallet, redirect)),
        Kind::Card(_) => None,
    })
}

/// The wallet that payment methods of this type send the shopper to, if they do.
pub(crate) fn redirect(method_type: &str) -> Option<(&'static Wallet, &'static Redirect)> {
    redirects().find(|(wallet, _)| wallet.name == method_type)
}

/// The wallet that sends the shopper to the page of that name.
pub(crate) fn of_page(page: &str) -> Option<(&'static Wallet, &'static Redirect)> {
    redirects().find(|(_, redirect)| redirect.page == page)
}

/// The wallet whose cards have this `tokenization_method`.
pub(crate) fn of_tokenization(method: &str) -> Option<&'static Wallet> {
    ALL.iter()
        .find(|wallet| matches!(wallet.kind, Kind::Card(name) if name == method))
}

/// Whether payment methods of this type can be charged in the currency; a card can in any.
pub(crate) fn takes(method_type: &str, currency: &str) -> bool {
    redirect(method_type).is_none_or(|(_, redirect)| redirect.currencies.contains(&currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_is_found_by_what_stripe_calls_it() {
        for wallet in &ALL {
            assert_eq!(named(wallet.name).unwrap().label, wallet.label);
            match &wallet.kind {
                Kind::Redirect(it) => {
                    assert_eq!(of_page(it.page).unwrap().0.name, wallet.name);
                    assert_eq!(redirect(wallet.name).unwrap().0.name, wallet.name);
                }
                Kind::Card(tokenization) => {
                    assert_eq!(of_tokenization(tokenization).unwrap().name, wallet.name);
                    assert!(redirect(wallet.name).is_none());
                }
            }
        }
        assert!(of_page("bank").is_none());
    }

    #[test]
    fn a_card_is_charged_in_any_currency_and_another_wallet_in_its_own() {
        assert!(takes("card", "cad"));
        assert!(takes("amazon_pay", "eur") && !takes("amazon_pay", "cad"));
        assert!(takes("cashapp", "usd") && !takes("cashapp", "eur"));
    }
}
