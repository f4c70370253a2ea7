//! A token: what a wallet's sheet or a native SDK hands over, to become a payment method once.

use super::test_cards::TestCard;
use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// What a token that the control API makes stands for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The card in the wallet, or the card itself.
    pub(crate) card: &'static TestCard,
    /// The wallet that hands it over, by its `tokenization_method`, and for how many seconds its cryptogram is good.
    pub(crate) wallet: Option<(&'static str, i64)>,
    /// What the first transaction of the payment method will meet, in the words of the control API.
    pub(crate) first: &'static str,
}

/// A new token, which has not been used.
pub(crate) fn new(world: &World, wanted: &Wanted) -> Value {
    let mut method = json!({});
    wanted.card.apply(&mut method);
    let wallet = wanted.wallet.map(|(tokenization, _)| tokenization);
    // The device has an account number of its own, whose last digits differ from the card's.
    let dynamic_last4 = wallet.map(|_| device_digits());
    let card = method.at("card");
    json!({
        "id": ids::id("tok"),
        "object": "token",
        "card": {
            "id": ids::id("card"),
            "object": "card",
            "address_city": null,
            "address_country": null,
            "address_line1": null,
            "address_line1_check": null,
            "address_line2": null,
            "address_state": null,
            "address_zip": null,
            "address_zip_check": null,
            "brand": wanted.card.legacy_brand(),
            "country": card.at("country"),
            "cvc_check": null,
            "dynamic_last4": dynamic_last4,
            "exp_month": card.at("exp_month"),
            "exp_year": card.at("exp_year"),
            "fingerprint": card.at("fingerprint"),
            "funding": card.at("funding"),
            "last4": card.at("last4"),
            "metadata": {},
            "name": null,
            "networks": {"preferred": null},
            "regulated_status": card.at("regulated_status"),
            "tokenization_method": wallet,
        },
        "client_ip": "127.0.0.1",
        "created": world.now(),
        "livemode": false,
        "type": "card",
        "used": false,
        "_card": wanted.card.token,
        "_cryptogram_until": wanted.wallet.map(|(_, seconds)| world.now() + seconds),
        "_first": wanted.first,
    })
}

fn device_digits() -> String {
    let digits: String = ids::random(64)
        .chars()
        .filter(char::is_ascii_digit)
        .take(4)
        .collect();
    format!("{digits:0>4}")
}
