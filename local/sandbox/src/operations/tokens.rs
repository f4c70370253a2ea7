//! Tokens: spent.

use crate::error::{ApiError, Result};
use crate::objects::test_cards;
use crate::state::{Fields, Kind, World};
use crate::wallets;
use serde_json::{Value, json};

/// Writes the card that a token stands for into a payment method. One of Stripe's own test tokens may be used again
/// and again; a token of a sheet only once.
pub(crate) fn spend(world: &mut World, id: &str, method: &mut Value, param: &str) -> Result<()> {
    if let Some(card) = test_cards::by_token(id) {
        card.apply(method);
        return Ok(());
    }
    if test_cards::is_not_simulated(id) {
        return Err(ApiError::not_simulated(id));
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
