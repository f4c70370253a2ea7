//! The operations of the API, one file a resource.

pub(crate) mod account;
pub(crate) mod billing_portal;
pub(crate) mod charges;
pub(crate) mod customers;
pub(crate) mod disputes;
pub(crate) mod events;
pub(crate) mod first_transaction;
pub(crate) mod invoice_payments;
pub(crate) mod invoices;
pub(crate) mod mandates;
pub(crate) mod payment_capture;
pub(crate) mod payment_confirm;
pub(crate) mod payment_intents;
pub(crate) mod payment_method_domains;
pub(crate) mod payment_methods;
pub(crate) mod payment_options;
pub(crate) mod payment_outcome;
pub(crate) mod prices;
pub(crate) mod products;
pub(crate) mod refunds;
pub(crate) mod setup_attempts;
pub(crate) mod setup_confirm;
pub(crate) mod setup_intents;
pub(crate) mod setup_settle;
pub(crate) mod subscription_create;
pub(crate) mod subscription_update;
pub(crate) mod subscriptions;
pub(crate) mod test_cards;
pub(crate) mod test_clocks;
pub(crate) mod tokens;
pub(crate) mod webhook_endpoints;

use crate::error::Result;
use crate::state::Fields;
use serde_json::{Map, Value, json};

/// A request whose key, path and parameters have been checked.
#[derive(Debug)]
pub(crate) struct Call {
    /// What stands for `{id}` in the path.
    pub(crate) id: String,
    /// The parameters, typed.
    pub(crate) params: Value,
    /// Whether a page asks with a publishable key.
    pub(crate) from_page: bool,
    /// Where the request came from and what it came with, for `infer_from_client`.
    pub(crate) client: Client,
}

/// What Stripe would see of the machine that made the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Its address.
    pub(crate) ip: String,
    /// Its `User-Agent`.
    pub(crate) user_agent: String,
}

/// The object to show, before expansion.
pub(crate) type Answer = Result<Value>;

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
