//! A configuration of the customer portal: what customers find there.

use crate::list::same;
use crate::state::{Fields, World, ids};
use serde_json::{Value, json};

/// The configuration that sessions have which name none. It is made in the Dashboard, so it is there from the beginning.
pub(crate) const DEFAULT: &str = "bpc_1PerennialSandboxDefault0";

/// Why a customer cancels, as the portal asks.
pub(crate) const REASONS: [&str; 8] = [
    "too_expensive",
    "missing_features",
    "switched_service",
    "unused",
    "customer_service",
    "too_complex",
    "low_quality",
    "other",
];

/// One that offers nothing yet.
pub(crate) fn new(world: &World) -> Value {
    blank(&ids::id("bpc"), world.now())
}

fn blank(id: &str, now: i64) -> Value {
    json!({
        "id": id,
        "object": "billing_portal.configuration",
        "active": true,
        "application": null,
        "business_profile": {
            "headline": null,
            "privacy_policy_url": null,
            "terms_of_service_url": null,
        },
        "created": now,
        "default_return_url": null,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": false},
            "invoice_history": {"enabled": false},
            "payment_method_update": {"enabled": false, "payment_method_configuration": null},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": false, "feedback_options": null, "options": []},
                "enabled": false,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_pause": {
                "duration": {
                    "interval_options": [{"interval": "month", "interval_count": 1}],
                    "type": "interval_options",
                },
                "enabled": false,
            },
            "subscription_update": {
                "billing_cycle_anchor": null,
                "default_allowed_updates": [],
                "enabled": false,
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
                // Shown only where it is expanded.
                "_products": null,
            },
        },
        "is_default": false,
        "livemode": false,
        "login_page": {"enabled": false, "url": null},
        "metadata": {},
        "name": null,
        "updated": now,
    })
}

/// The one that its owner has saved in the Dashboard.
pub(crate) fn saved_in_the_dashboard(world: &World) -> Value {
    let mut made = blank(DEFAULT, world.now());
    made.set("is_default", true);
    for (feature, value) in [
        (
            "customer_update",
            json!({"allowed_updates": ["name", "email", "phone"], "enabled": true}),
        ),
        ("invoice_history", json!({"enabled": true})),
    ] {
        made.set(&format!("features.{feature}"), value);
    }
    made.set("features.payment_method_update.enabled", true);
    made.set("features.subscription_cancel.enabled", true);
    let asks = "features.subscription_cancel.cancellation_reason";
    made.set(&format!("{asks}.enabled"), true);
    made.set(&format!("{asks}.options"), REASONS.to_vec());
    made
}

/// Whether a list with these parameters has the configuration.
pub(crate) fn is_listed(configuration: &Value, params: &Value) -> bool {
    ["active", "is_default"]
        .iter()
        .all(|name| same(configuration, params, name))
}

/// Every price that the portal sells.
pub(crate) fn prices(configuration: &Value) -> Vec<&str> {
    let products = configuration.list("features.subscription_update._products");
    products
        .iter()
        .flat_map(|it| it.list("prices"))
        .filter_map(Value::as_str)
        .collect()
}
