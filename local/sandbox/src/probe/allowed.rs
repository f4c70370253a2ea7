//! What may differ between Stripe and a sandbox, and why.

use serde::Serialize;

/// What is compared of such a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Leave {
    /// Nothing.
    Nothing,
    /// Whether it has a value.
    Presence,
}

/// A field that may differ.
#[derive(Debug, Serialize)]
pub(crate) struct Allowed {
    /// The end of its path, without the places in lists.
    pub(crate) path: &'static str,
    pub(crate) compared: Leave,
    pub(crate) why: &'static str,
}

const fn any(path: &'static str, why: &'static str) -> Allowed {
    Allowed {
        path,
        compared: Leave::Nothing,
        why,
    }
}

const fn present(path: &'static str, why: &'static str) -> Allowed {
    Allowed {
        path,
        compared: Leave::Presence,
        why,
    }
}

const ACCOUNT: &str = "it depends on the account's settings";
const DRAWN: &str = "it is drawn at random";
const BANK: &str = "the bank or the network gives it";
const WORDS: &str = "it is for people; codes are for programs";

/// The whole list.
pub(crate) const ALLOWED: &[Allowed] = &[
    any("error.message", WORDS),
    any("error.doc_url", WORDS),
    any("error.request_log_url", "it leads to the account's own log"),
    any("advice_code", BANK),
    any("network_advice_code", BANK),
    any("network_decline_code", BANK),
    any("seller_message", WORDS),
    any("metadata.perennial_probe", "the probe's own mark"),
    any("request.id", DRAWN),
    any("request.idempotency_key", DRAWN),
    any("pending_webhooks", ACCOUNT),
    any("payment_method_types", ACCOUNT),
    any("payment_method_configuration_details", ACCOUNT),
    any("payment_method_options", ACCOUNT),
    any("account_country", ACCOUNT),
    any("account_name", ACCOUNT),
    any("footer", ACCOUNT),
    any("default_currency", ACCOUNT),
    any("statement_descriptor", ACCOUNT),
    any("calculated_statement_descriptor", ACCOUNT),
    any("fingerprint", DRAWN),
    any("invoice_prefix", DRAWN),
    present("number", DRAWN),
    present("receipt_number", DRAWN),
    present("client_secret", DRAWN),
    present("secret", DRAWN),
    present("network_transaction_id", BANK),
    present("authorization_code", BANK),
    any("risk_score", "Radar decides it"),
    any("risk_level", "Radar decides it"),
    any("exp_month", "Stripe moves the test cards' expiry"),
    any("exp_year", "Stripe moves the test cards' expiry"),
    present("deletes_after", "it is counted from the machine's time"),
];

/// The rule for a path, if it may differ.
pub(crate) fn rule(path: &str) -> Option<&'static Allowed> {
    ALLOWED.iter().find(|allowed| {
        path.strip_suffix(allowed.path)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, Leave, rule};

    #[test]
    fn a_rule_is_for_the_end_of_a_path() {
        let compared = |path| rule(path).map(|rule| rule.compared);
        assert_eq!(compared("error.message"), Some(Leave::Nothing));
        assert_eq!(compared("latest_invoice.number"), Some(Leave::Presence));
        assert_eq!(compared("number"), Some(Leave::Presence));
        assert_eq!(compared("account_number"), None);
        assert_eq!(compared("error.code"), None);
        assert!(ALLOWED.iter().all(|rule| !rule.why.is_empty()));
    }
}
