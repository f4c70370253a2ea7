//! Tokens: what a wallet's sheet or a native SDK hands over, to become a payment method once.

use super::test_cards::{self, TestCard};
use super::{Answer, Call};
use crate::error::{ApiError, Result};
use crate::state::{Fields, Kind, World, ids};
use crate::wallets;
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

/// `GET /v1/tokens/{id}`
pub(crate) fn retrieve(world: &mut World, call: &Call) -> Answer {
    world.at_path(Kind::Token, &call.id)
}

/// A new token, which has not been used.
pub(crate) fn create(world: &mut World, wanted: &Wanted) -> Value {
    let mut method = json!({});
    wanted.card.apply(&mut method);
    let wallet = wanted.wallet.map(|(tokenization, _)| tokenization);
    // The device has an account number of its own, whose last digits differ from the card's.
    let dynamic_last4 = wallet.map(|_| device_digits());
    let card = method.at("card");
    let token = json!({
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
    });
    world.save(&token);
    token
}

fn device_digits() -> String {
    let digits: String = ids::random(64)
        .chars()
        .filter(char::is_ascii_digit)
        .take(4)
        .collect();
    format!("{digits:0>4}")
}

/// Writes the card that a token stands for into a payment method. One of Stripe's own test tokens may be used again
/// and again; a token of a sheet only once.
pub(crate) fn spend(world: &mut World, id: &str, method: &mut Value, param: &str) -> Result<()> {
    if let Some(card) = test_cards::by_token(id) {
        card.apply(method);
        return Ok(());
    }
    let before = world.store.get(Kind::Token, id).cloned();
    let card = before
        .as_ref()
        .and_then(|token| test_cards::by_token(token.text("_card")?));
    let (Some(mut token), Some(card)) = (before, card) else {
        return Err(Kind::Token.no_such(id, param));
    };
    if token.flag("used") {
        let message = format!("You cannot use a Stripe token more than once: {id}.");
        return Err(ApiError::invalid(message)
            .with_code("token_already_used")
            .with_param(param));
    }
    card.apply(method);
    method.set("card.fingerprint", token.at("card.fingerprint").clone());
    method.set("_first", token.at("_first").clone());
    let tokenization = token.text("card.tokenization_method");
    if let Some(wallet) = tokenization.and_then(wallets::of_tokenization) {
        // A wallet vouches for the card by its cryptogram, so there is no code to check.
        method.set("card.checks.cvc_check", Value::Null);
        method.set(
            "card.wallet",
            json!({"type": wallet.name, wallet.name: {}, "dynamic_last4": token.at("card.dynamic_last4")}),
        );
        method.set("_cryptogram_until", token.at("_cryptogram_until").clone());
    }
    token.set("used", true);
    world.save(&token);
    Ok(())
}
