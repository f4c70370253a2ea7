//! The operations that are served, each with the parameters that it acts on.

use crate::list::{fits, page};
use crate::objects::{
    account, customer, event, invoice, invoice_payment, payment_intent, payment_method, price,
    product, setup_attempt, setup_intent, subscription,
};
use crate::operations::{
    billing_portal, customers, invoices, payment_capture, payment_intents, payment_method_domains,
    payment_methods, prices, products, refunds, setup_intents, subscription_create,
    subscription_update, subscriptions, test_clocks, webhook_endpoints,
};
use crate::params::call::{Answer, Call};
use crate::state::{Kind, World};

/// An operation of the API.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// What it answers with, for `expand`.
    pub(crate) kind: Kind,
    /// Carries it out.
    pub(crate) handle: fn(&mut World, &Call) -> Answer,
    /// The top-level parameters that the sandbox acts on, beside `expand`; the others are refused as not simulated.
    pub(crate) simulated: &'static [&'static str],
    /// Whether a page may call it with a publishable key.
    pub(crate) for_pages: bool,
}

const PAGES: &[&str] = &["limit", "starting_after", "ending_before", "created"];

// Without a handler the object in the path is read; `list` lists the objects of the kind, by the fields that the
// parameters name or as a function decides; `read` says that a handler changes nothing.
macro_rules! operation {
    ($method:literal $path:literal, $kind:ident) => {
        operation!($method $path, $kind, |world, call| world.at_path(Kind::$kind, &call.id), [])
    };
    ($method:literal $path:literal, $kind:ident, read $handle:expr, [$($name:literal),*]) => {
        operation!($method $path, $kind, |world, call| $handle(world, call), [$($name),*])
    };
    ($method:literal $path:literal, $kind:ident, list, [$($name:literal),*]) => {
        operation!($method $path, $kind, list |object, params| fits(object, params, &[$($name),*]), [$($name),*])
    };
    ($method:literal $path:literal, $kind:ident, list $is_listed:expr, [$($name:literal),*]) => {
        operation!($method $path, $kind, |world, call| {
            page(world, Kind::$kind, $path, &call.params, $is_listed)
        }, [$($name),*])
    };
    ($method:literal $path:literal, $kind:ident, $handle:expr, [$($name:literal),*]) => {
        Operation { method: $method, path: $path, kind: Kind::$kind, handle: $handle, simulated: &[$($name),*], for_pages: false }
    };
    (page $($operation:tt)*) => {
        Operation { for_pages: true, ..operation!($($operation)*) }
    };
}

#[rustfmt::skip]
static OPERATIONS: &[Operation] = &[
    operation!("POST" "/v1/customers", Customer, customers::create, ["address", "description", "email", "invoice_settings", "metadata", "name", "payment_method", "phone", "shipping", "test_clock"]),
    operation!("GET" "/v1/customers", Customer, list customer::is_listed, ["email", "test_clock"]),
    operation!("GET" "/v1/customers/{id}", Customer),
    operation!("POST" "/v1/customers/{id}", Customer, customers::update, ["address", "description", "email", "invoice_settings", "metadata", "name", "phone", "shipping"]),
    operation!("DELETE" "/v1/customers/{id}", Customer, customers::delete, []),
    operation!("GET" "/v1/customers/{id}/payment_methods", PaymentMethod, read customer::payment_methods, ["type"]),
    operation!("POST" "/v1/products", Product, products::create, ["id", "active", "description", "images", "metadata", "name", "shippable", "statement_descriptor", "tax_code", "unit_label", "url"]),
    operation!("GET" "/v1/products", Product, list product::is_listed, ["active", "ids"]),
    operation!("GET" "/v1/products/{id}", Product),
    operation!("POST" "/v1/products/{id}", Product, products::update, ["active", "default_price", "description", "images", "metadata", "name", "shippable", "statement_descriptor", "tax_code", "unit_label", "url"]),
    operation!("DELETE" "/v1/products/{id}", Product, products::delete, []),
    operation!("POST" "/v1/prices", Price, prices::create, ["active", "currency", "lookup_key", "metadata", "nickname", "product", "product_data", "recurring", "tax_behavior", "transfer_lookup_key", "unit_amount"]),
    operation!("GET" "/v1/prices", Price, list price::is_listed, ["active", "currency", "lookup_keys", "product", "recurring", "type"]),
    operation!("GET" "/v1/prices/{id}", Price),
    operation!("POST" "/v1/prices/{id}", Price, prices::update, ["active", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key"]),
    operation!("POST" "/v1/setup_intents", SetupIntent, setup_intents::create, ["allowed_payment_method_types", "automatic_payment_methods", "confirm", "customer", "description", "excluded_payment_method_types", "mandate_data", "metadata", "payment_method", "payment_method_data", "payment_method_options", "return_url", "usage", "use_stripe_sdk"]),
    operation!("GET" "/v1/setup_intents", SetupIntent, list, ["customer", "payment_method"]),
    operation!(page "GET" "/v1/setup_intents/{id}", SetupIntent, read setup_intent::retrieve, ["client_secret"]),
    operation!("POST" "/v1/setup_intents/{id}", SetupIntent, setup_intents::update, ["allowed_payment_method_types", "customer", "description", "excluded_payment_method_types", "metadata", "payment_method", "payment_method_data", "payment_method_options"]),
    operation!(page "POST" "/v1/setup_intents/{id}/confirm", SetupIntent, setup_intents::confirm, ["allowed_payment_method_types", "client_secret", "mandate_data", "payment_method", "payment_method_data", "payment_method_options", "return_url", "use_stripe_sdk"]),
    operation!("POST" "/v1/setup_intents/{id}/cancel", SetupIntent, setup_intents::cancel, ["cancellation_reason"]),
    operation!("GET" "/v1/setup_attempts", SetupAttempt, read setup_attempt::list, ["setup_intent"]),
    operation!("GET" "/v1/mandates/{id}", Mandate),
    operation!(page "POST" "/v1/payment_methods", PaymentMethod, payment_methods::create, ["allow_redisplay", "amazon_pay", "billing_details", "card", "cashapp", "metadata", "type"]),
    operation!("GET" "/v1/payment_methods", PaymentMethod, read payment_method::list, ["customer", "type"]),
    operation!("GET" "/v1/payment_methods/{id}", PaymentMethod),
    operation!("POST" "/v1/payment_methods/{id}", PaymentMethod, payment_methods::update, ["allow_redisplay", "billing_details", "metadata"]),
    operation!("POST" "/v1/payment_methods/{id}/attach", PaymentMethod, payment_methods::attach, ["customer"]),
    operation!("POST" "/v1/payment_methods/{id}/detach", PaymentMethod, payment_methods::detach, []),
    operation!("POST" "/v1/payment_method_domains", PaymentMethodDomain, payment_method_domains::create, ["domain_name", "enabled"]),
    operation!("GET" "/v1/payment_method_domains", PaymentMethodDomain, list, ["domain_name", "enabled"]),
    operation!("GET" "/v1/payment_method_domains/{id}", PaymentMethodDomain),
    operation!("POST" "/v1/payment_method_domains/{id}", PaymentMethodDomain, payment_method_domains::update, ["enabled"]),
    operation!("POST" "/v1/payment_method_domains/{id}/validate", PaymentMethodDomain, payment_method_domains::validate, []),
    operation!("POST" "/v1/subscriptions", Subscription, subscription_create::create, ["billing_mode", "cancel_at", "cancel_at_period_end", "collection_method", "customer", "default_payment_method", "description", "items", "metadata", "off_session", "payment_behavior", "payment_settings", "proration_behavior", "trial_end", "trial_period_days", "trial_settings"]),
    operation!("GET" "/v1/subscriptions", Subscription, list subscription::is_listed, ["collection_method", "current_period_end", "current_period_start", "customer", "price", "status", "test_clock"]),
    operation!("GET" "/v1/subscriptions/{id}", Subscription),
    operation!("POST" "/v1/subscriptions/{id}", Subscription, subscription_update::update, ["cancel_at", "cancel_at_period_end", "cancellation_details", "default_payment_method", "description", "items", "metadata", "off_session", "pause_collection", "payment_settings", "proration_behavior", "trial_end", "trial_settings"]),
    operation!("DELETE" "/v1/subscriptions/{id}", Subscription, subscriptions::cancel, ["cancellation_details", "invoice_now", "prorate"]),
    operation!("POST" "/v1/subscriptions/{id}/pause", Subscription, subscriptions::pause, ["bill_for", "type"]),
    operation!("POST" "/v1/subscriptions/{id}/resume", Subscription, subscriptions::resume, ["billing_cycle_anchor", "payment_behavior", "proration_behavior"]),
    operation!("GET" "/v1/invoices", Invoice, list invoice::is_listed, ["collection_method", "customer", "status", "subscription"]),
    operation!("GET" "/v1/invoices/{id}", Invoice),
    operation!("POST" "/v1/invoices/{id}/pay", Invoice, invoices::pay, ["off_session", "paid_out_of_band", "payment_method"]),
    operation!("POST" "/v1/invoices/{id}/void", Invoice, invoices::void, []),
    operation!("GET" "/v1/invoice_payments", InvoicePayment, read invoice_payment::list, ["invoice", "payment", "status"]),
    operation!("GET" "/v1/invoice_payments/{id}", InvoicePayment),
    operation!("POST" "/v1/payment_intents", PaymentIntent, payment_intents::create, ["allowed_payment_method_types", "amount", "automatic_payment_methods", "capture_method", "confirm", "currency", "customer", "description", "error_on_requires_action", "excluded_payment_method_types", "metadata", "off_session", "payment_method", "payment_method_data", "payment_method_options", "return_url", "setup_future_usage", "statement_descriptor_suffix", "use_stripe_sdk"]),
    operation!("GET" "/v1/payment_intents", PaymentIntent, list, ["customer"]),
    operation!(page "GET" "/v1/payment_intents/{id}", PaymentIntent, read payment_intent::retrieve, ["client_secret"]),
    operation!(page "POST" "/v1/payment_intents/{id}/confirm", PaymentIntent, payment_intents::confirm, ["client_secret", "error_on_requires_action", "off_session", "payment_method", "payment_method_data", "payment_method_options", "return_url", "setup_future_usage", "use_stripe_sdk"]),
    operation!("POST" "/v1/payment_intents/{id}/cancel", PaymentIntent, payment_intents::cancel, ["cancellation_reason"]),
    operation!("POST" "/v1/payment_intents/{id}/capture", PaymentIntent, payment_capture::capture, ["amount_to_capture", "metadata", "statement_descriptor_suffix"]),
    operation!("POST" "/v1/payment_intents/{id}/increment_authorization", PaymentIntent, payment_capture::increment, ["amount", "description", "metadata"]),
    operation!("GET" "/v1/charges", Charge, list, ["customer", "payment_intent"]),
    operation!("GET" "/v1/charges/{id}", Charge),
    operation!("GET" "/v1/tokens/{id}", Token),
    operation!("POST" "/v1/refunds", Refund, refunds::create, ["amount", "charge", "metadata", "payment_intent", "reason"]),
    operation!("GET" "/v1/refunds", Refund, list, ["charge", "payment_intent"]),
    operation!("GET" "/v1/refunds/{id}", Refund),
    operation!("GET" "/v1/disputes/{id}", Dispute),
    operation!("POST" "/v1/billing_portal/sessions", PortalSession, billing_portal::create, ["customer", "locale", "return_url"]),
    operation!("GET" "/v1/account", Account, read account::retrieve, []),
    operation!("GET" "/v1/events", Event, read event::list, ["delivery_success", "type", "types"]),
    operation!("GET" "/v1/events/{id}", Event, read event::retrieve, []),
    operation!("POST" "/v1/webhook_endpoints", WebhookEndpoint, webhook_endpoints::create, ["api_version", "description", "enabled_events", "metadata", "url"]),
    operation!("GET" "/v1/webhook_endpoints", WebhookEndpoint, list, []),
    operation!("GET" "/v1/webhook_endpoints/{id}", WebhookEndpoint),
    operation!("POST" "/v1/webhook_endpoints/{id}", WebhookEndpoint, webhook_endpoints::update, ["description", "disabled", "enabled_events", "metadata", "url"]),
    operation!("DELETE" "/v1/webhook_endpoints/{id}", WebhookEndpoint, webhook_endpoints::delete, []),
    operation!("POST" "/v1/test_helpers/test_clocks", TestClock, test_clocks::create, ["frozen_time", "name"]),
    operation!("GET" "/v1/test_helpers/test_clocks", TestClock, list, []),
    operation!("GET" "/v1/test_helpers/test_clocks/{id}", TestClock),
    operation!("POST" "/v1/test_helpers/test_clocks/{id}/advance", TestClock, test_clocks::advance, ["frozen_time"]),
    operation!("DELETE" "/v1/test_helpers/test_clocks/{id}", TestClock, test_clocks::delete, []),
];

/// The operation of a request and what stands for `{id}`.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Operation, String)> {
    let given: Vec<&str> = path.split('/').collect();
    OPERATIONS
        .iter()
        .filter(|operation| operation.method == method)
        .find_map(|operation| {
            let wanted: Vec<&str> = operation.path.split('/').collect();
            if wanted.len() != given.len() {
                return None;
            }
            let mut id = String::new();
            for (wanted, given) in wanted.iter().zip(&given) {
                if *wanted == "{id}" && !given.is_empty() {
                    (*given).clone_into(&mut id);
                } else if wanted != given {
                    return None;
                }
            }
            Some((operation, id))
        })
}

impl Operation {
    /// The name that its parameters are found by.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether the sandbox acts on this parameter.
    pub(crate) fn simulates(&self, param: &str) -> bool {
        param == "expand"
            || self.simulated.contains(&param)
            || (self.method == "GET" && PAGES.contains(&param))
    }
}

#[cfg(test)]
mod tests {
    use super::{OPERATIONS, find};
    use crate::params::schema::{Node, operation};

    #[test]
    fn every_operation_has_its_parameters_and_simulates_only_what_stripe_knows() {
        for served in OPERATIONS {
            let Some(Node::Object { object, .. }) = operation(&served.name()) else {
                panic!("{} has no parameters", served.name())
            };
            for param in served.simulated {
                let known =
                    object.contains_key(*param) || (served.for_pages && *param == "client_secret");
                assert!(known, "{}: {param}", served.name());
            }
        }
    }

    #[test]
    fn a_path_names_its_operation_and_id() {
        let found = |method, path| find(method, path).map(|(operation, id)| (operation.path, id));
        assert_eq!(
            found("GET", "/v1/customers/cus_1"),
            Some(("/v1/customers/{id}", "cus_1".to_owned()))
        );
        assert_eq!(found("DELETE", "/v1/customers"), None);
        assert_eq!(found("GET", "/v1/customers/"), None);
        assert_eq!(found("GET", "/v1/customers/a/b"), None);
    }
}
