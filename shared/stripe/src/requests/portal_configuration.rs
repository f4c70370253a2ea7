//! <https://docs.stripe.com/api/customer_portal/configurations/create>

use super::{Feedback, freeze, metadata, path};
use crate::{FrozenRequest, IdempotencyKey, form::Form, objects::PortalConfiguration};

/// The name of the configuration in the Dashboard, and what tags it as ours.
const NAME: &str = "Perennial";

/// What the portal offers, and what it does not. Each of these ends in the same state as the call of the API that
/// stands for it; docs/DESIGN.md says why there is no more.
const FEATURES: [(&[&str], &str); 9] = [
    (&["customer_update", "enabled"], "false"),
    (&["invoice_history", "enabled"], "true"),
    (&["payment_method_update", "enabled"], "true"),
    (&["subscription_cancel", "enabled"], "true"),
    (&["subscription_cancel", "mode"], "at_period_end"),
    (&["subscription_cancel", "proration_behavior"], "none"),
    (
        &["subscription_cancel", "cancellation_reason", "enabled"],
        "true",
    ),
    (&["subscription_pause", "enabled"], "false"),
    (&["subscription_update", "enabled"], "false"),
];

const REASONS: [&str; 3] = ["subscription_cancel", "cancellation_reason", "options"];

/// The configuration of the customer portal that belongs to a table.
#[derive(Debug, Clone, Copy)]
pub struct KeepPortal<'a> {
    /// The table's name, which tells the deployments of one account apart.
    pub table: &'a str,
}

impl KeepPortal<'_> {
    /// The request that creates it.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        freeze(path::PORTAL_CONFIGURATIONS, self.form(), key)
    }

    /// The same in place of what it has become.
    pub(crate) fn renewed(&self) -> Form {
        self.form().with(&["active"], "true")
    }

    fn form(&self) -> Form {
        let mut form = Form::new()
            .with(&["name"], NAME)
            .with(&["metadata", metadata::BY], metadata::PERENNIAL)
            .with(&["metadata", metadata::TABLE], self.table);
        for (name, value) in FEATURES {
            let path: Vec<&str> = std::iter::once("features")
                .chain(name.iter().copied())
                .collect();
            form = form.with(&path, value);
        }
        let [feature, asks, options] = REASONS;
        for reason in Feedback::ALL {
            form = form.with(&["features", feature, asks, options, ""], reason.as_str());
        }
        form
    }

    /// Whether this configuration was made for the table.
    pub fn made(&self, configuration: &PortalConfiguration) -> bool {
        let tagged = |name: &str, value: &str| {
            configuration
                .metadata
                .get(name)
                .is_some_and(|it| it == value)
        };
        tagged(metadata::BY, metadata::PERENNIAL) && tagged(metadata::TABLE, self.table)
    }

    /// Whether this configuration is in use and offers what it should.
    pub fn is_kept(&self, configuration: &PortalConfiguration) -> bool {
        let at = |path: &[&str]| {
            path.iter()
                .try_fold(&configuration.features, |at, name| at.get(name))
        };
        let same = |(path, wanted): &(&[&str], &str)| match at(path) {
            Some(serde_json::Value::Bool(on)) => on.to_string() == *wanted,
            Some(serde_json::Value::String(text)) => text == *wanted,
            // An account without the feature does not name it.
            None => *wanted == "false",
            Some(_) => false,
        };
        let options = at(&REASONS).and_then(serde_json::Value::as_array);
        let asks = options.is_some_and(|options| {
            options.len() == Feedback::ALL.len()
                && Feedback::ALL
                    .iter()
                    .all(|reason| options.iter().any(|it| it == reason.as_str()))
        });
        configuration.active && asks && FEATURES.iter().all(same)
    }
}
