//! What each of Stripe's objects is: how it is built, what can be read of it, and which of them a list has. Nothing here
//! keeps a change.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod balance_transaction;
pub(crate) mod charge;
pub(crate) mod coupon;
pub(crate) mod credit_note;
pub(crate) mod customer;
pub(crate) mod discount;
pub(crate) mod dispute;
pub(crate) mod event;
pub(crate) mod fraud_warning;
pub(crate) mod invoice;
pub(crate) mod invoice_item;
pub(crate) mod invoice_line;
pub(crate) mod invoice_payment;
pub(crate) mod mandate;
pub(crate) mod payment_intent;
pub(crate) mod payment_method;
pub(crate) mod payment_method_domain;
pub(crate) mod payment_method_types;
pub(crate) mod payment_options;
pub(crate) mod portal_configuration;
pub(crate) mod portal_session;
pub(crate) mod price;
pub(crate) mod product;
pub(crate) mod promotion_code;
pub(crate) mod refund;
pub(crate) mod setup_attempt;
pub(crate) mod setup_intent;
pub(crate) mod subscription;
pub(crate) mod subscription_item;
pub(crate) mod subscription_schedule;
pub(crate) mod tax_id;
pub(crate) mod tax_location;
pub(crate) mod tax_rate;
pub(crate) mod test_cards;
pub(crate) mod test_clock;
pub(crate) mod token;
pub(crate) mod webhook_endpoint;

use crate::error::{ApiError, Result};
use crate::params::call::Call;
use crate::state::Fields;
use serde_json::{Map, Value, json};

/// Puts the metadata of the parameters over the object's: an empty value removes a key, empty metadata all of them.
pub(crate) fn merge_metadata(object: &mut Value, params: &Value) {
    let Some(sent) = params.get("metadata") else {
        return;
    };
    let mut metadata = if sent.is_null() {
        Map::new()
    } else {
        object
            .at("metadata")
            .as_object()
            .cloned()
            .unwrap_or_default()
    };
    for (key, value) in sent.as_object().into_iter().flatten() {
        match value {
            Value::Null => metadata.remove(key),
            Value::String(text) => metadata.insert(key.clone(), json!(text)),
            other => metadata.insert(key.clone(), json!(other.to_string())),
        };
    }
    object.set("metadata", metadata);
}

/// A page must prove with the client secret that it may see the intent; a secret that is sent must be right.
pub(crate) fn check_client_secret(intent: &Value, call: &Call) -> Result<()> {
    match call.params.text("client_secret") {
        Some(secret) if intent.is("client_secret", secret) => Ok(()),
        Some(_) => {
            let message = "The client_secret provided does not match any associated SetupIntent on this account.";
            let code = format!(
                "{}_invalid_parameter",
                intent.text("object").unwrap_or("setup_intent")
            );
            Err(ApiError::invalid(message)
                .with_code(code)
                .with_param("client_secret"))
        }
        None if call.from_page => Err(ApiError::missing("client_secret")),
        None => Ok(()),
    }
}

/// Refuses what an inner hash holds beyond the names that the sandbox acts on.
pub(crate) fn refuse_unsimulated(given: &Value, inside: &str, simulated: &[&str]) -> Result<()> {
    match given
        .as_object()
        .into_iter()
        .flatten()
        .find(|(name, _)| !simulated.contains(&name.as_str()))
    {
        Some((name, _)) => Err(ApiError::not_simulated(&format!("{inside}[{name}]"))),
        None => Ok(()),
    }
}
