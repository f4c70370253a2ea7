//! What `payment_method_options` say about a payment by card or by a wallet.

use super::refuse_unsimulated;
use crate::error::{ApiError, Result};
use crate::state::Fields;
use crate::wallets;
use serde_json::{Value, json};

/// The options for cards that the sandbox acts on.
const OF_CARD: [&str; 5] = [
    "capture_method",
    "request_incremental_authorization",
    "setup_credential_usage",
    "setup_future_usage",
    "stored_credential_usage",
];

/// And those for wallets to which the shopper is sent.
const OF_REDIRECT: [&str; 2] = ["capture_method", "setup_future_usage"];

/// The options for cards as an intent shows them when nothing was chosen.
pub(crate) fn of_card() -> Value {
    json!({"installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic"})
}

/// Takes over the options that a request sends.
pub(crate) fn take(intent: &mut Value, params: &Value) -> Result<()> {
    let sent = params.at("payment_method_options");
    for (kind, options) in sent.as_object().into_iter().flatten() {
        let inside = format!("payment_method_options[{kind}]");
        let simulated: &[&str] = match kind.as_str() {
            "card" => &OF_CARD,
            wallet if wallets::redirect(wallet).is_some() => &OF_REDIRECT,
            _ => return Err(ApiError::not_simulated(&inside)),
        };
        refuse_unsimulated(options, &inside, simulated)?;
        for (name, value) in options.as_object().into_iter().flatten() {
            intent.set(
                &format!("payment_method_options.{kind}.{name}"),
                value.clone(),
            );
        }
    }
    if intent.has("payment_method_options.card.stored_credential_usage")
        && future_usage_for(intent, "card").is_some()
    {
        let message = "`stored_credential_usage` is for payments with a saved card; it cannot be combined with `setup_future_usage`.";
        return Err(ApiError::invalid(message)
            .with_code("payment_intent_invalid_parameter")
            .with_param("payment_method_options[card][stored_credential_usage]"));
    }
    Ok(())
}

/// How the payment method will be used later: what its type's options say, or else the intent.
pub(crate) fn future_usage<'a>(intent: &'a Value, method: &Value) -> Option<&'a str> {
    future_usage_for(intent, method.text("type").unwrap_or_default())
}

fn future_usage_for<'a>(intent: &'a Value, kind: &str) -> Option<&'a str> {
    match intent
        .at("payment_method_options")
        .at(kind)
        .text("setup_future_usage")
    {
        Some("none") => None,
        Some(usage) => Some(usage),
        None => intent.text("setup_future_usage"),
    }
}

/// The options for the type of this payment method.
pub(crate) fn chosen<'a>(intent: &'a Value, method: &Value) -> &'a Value {
    intent
        .at("payment_method_options")
        .at(method.text("type").unwrap_or_default())
}
