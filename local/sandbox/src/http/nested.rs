//! The hashes of which the sandbox acts on some members only: all others are refused by name before an operation runs, so
//! that nothing is ignored in silence.
//!
//! `tests/sandbox/nested_parameters.rs` sends each nested parameter of each operation, and has the list of those that
//! are taken.

use crate::error::Result;
use crate::objects::refuse_unsimulated;
use crate::state::Fields;
use serde_json::Value;

/// The beginning of the operations' names, the path of the hash, and what of it is simulated.
const HASHES: [(&str, &str, &[&str]); 9] = [
    (
        "POST /v1/customers",
        "invoice_settings",
        &["default_payment_method"],
    ),
    ("POST /v1/payment_methods", "card", &["token"]),
    (
        "POST /v1/setup_intents",
        "payment_method_options",
        &["amazon_pay", "card", "cashapp"],
    ),
    (
        "POST /v1/setup_intents",
        "payment_method_options.card",
        &["setup_credential_usage"],
    ),
    ("POST ", "payment_method_data.card", &["token"]),
    (
        "POST /v1/subscriptions",
        "trial_settings.end_behavior",
        &["missing_payment_method"],
    ),
    (
        "DELETE /v1/subscriptions",
        "cancellation_details",
        &["comment", "feedback"],
    ),
    (
        "POST /v1/subscriptions",
        "cancellation_details",
        &["comment", "feedback"],
    ),
    (
        "POST /v1/invoices/create_preview",
        "automatic_tax",
        &["enabled"],
    ),
];

/// Refuses what is not simulated within the parameters of an operation, such as `POST /v1/customers/{id}`.
pub(crate) fn check(operation: &str, params: &Value) -> Result<()> {
    for (of, path, simulated) in HASHES {
        if operation.starts_with(of) {
            let name = match path.split_once('.') {
                Some((outer, inner)) => format!("{outer}[{inner}]"),
                None => path.to_owned(),
            };
            refuse_unsimulated(params.at(path), &name, simulated)?;
        }
    }
    Ok(())
}
