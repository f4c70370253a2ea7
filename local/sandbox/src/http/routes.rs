//! The operations that are served, each with the parameters that it acts on.

use crate::list::{fits, page};
use crate::objects::{
    account, balance_transaction, coupon, credit_note, customer, event, invoice, invoice_payment,
    payment_intent, payment_method, portal_configuration, price, product, promotion_code,
    setup_attempt, setup_intent, subscription, tax_id, tax_rate,
};
use crate::operations::{
    balance_transactions, billing_portal, coupons, credit_notes, customers, discounts,
    invoice_changes, invoice_items, invoice_preview, invoices, payment_capture, payment_intents,
    payment_method_domains, payment_methods, portal_configurations, prices, products,
    promotion_codes, refunds, setup_intents, subscription_create, subscription_item_changes,
    subscription_schedules, subscription_update, subscriptions, tax_ids, tax_rates, test_clocks,
    webhook_endpoints,
};
use crate::params::call::{Answer, Call};
use crate::params::schema::{has_path, same_path};
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
    operation!("POST" "/v1/customers", Customer, customers::create, ["address", "description", "email", "invoice_settings", "metadata", "name", "payment_method", "phone", "shipping", "tax", "tax_exempt", "test_clock"]),
    operation!("GET" "/v1/customers", Customer, list customer::is_listed, ["email", "test_clock"]),
    operation!("GET" "/v1/customers/{id}", Customer),
    operation!("POST" "/v1/customers/{id}", Customer, customers::update, ["address", "description", "email", "invoice_settings", "metadata", "name", "phone", "shipping", "tax", "tax_exempt"]),
    operation!("DELETE" "/v1/customers/{id}", Customer, customers::delete, []),
    operation!("GET" "/v1/customers/{id}/payment_methods", PaymentMethod, read customer::payment_methods, ["type"]),
    operation!("DELETE" "/v1/customers/{id}/discount", Discount, discounts::delete_of_customer, []),
    operation!("POST" "/v1/customers/{id}/tax_ids", TaxId, tax_ids::create, ["type", "value"]),
    operation!("GET" "/v1/customers/{id}/tax_ids", TaxId, read tax_id::list, []),
    operation!("DELETE" "/v1/customers/{id}/tax_ids/{id}", TaxId, tax_ids::delete, []),
    operation!("POST" "/v1/customers/{id}/balance_transactions", BalanceTransaction, balance_transactions::create, ["amount", "currency", "description", "metadata"]),
    operation!("GET" "/v1/customers/{id}/balance_transactions", BalanceTransaction, read balance_transaction::list, ["invoice"]),
    operation!("POST" "/v1/coupons", Coupon, coupons::create, ["amount_off", "applies_to", "currency", "currency_options", "duration", "duration_in_months", "id", "max_redemptions", "metadata", "name", "percent_off", "redeem_by"]),
    operation!("GET" "/v1/coupons", Coupon, read coupon::list, []),
    operation!("GET" "/v1/coupons/{id}", Coupon, read coupon::retrieve, []),
    operation!("POST" "/v1/coupons/{id}", Coupon, coupons::update, ["currency_options", "metadata", "name"]),
    operation!("DELETE" "/v1/coupons/{id}", Coupon, coupons::delete, []),
    operation!("POST" "/v1/promotion_codes", PromotionCode, promotion_codes::create, ["active", "code", "customer", "expires_at", "max_redemptions", "metadata", "promotion", "restrictions"]),
    operation!("GET" "/v1/promotion_codes", PromotionCode, read promotion_code::list, ["active", "code", "coupon", "customer"]),
    operation!("GET" "/v1/promotion_codes/{id}", PromotionCode, read promotion_code::retrieve, []),
    operation!("POST" "/v1/promotion_codes/{id}", PromotionCode, promotion_codes::update, ["active", "metadata", "restrictions"]),
    operation!("POST" "/v1/tax_rates", TaxRate, tax_rates::create, ["active", "country", "description", "display_name", "inclusive", "jurisdiction", "metadata", "percentage", "state", "tax_type"]),
    operation!("GET" "/v1/tax_rates", TaxRate, list tax_rate::is_listed, ["active", "inclusive"]),
    operation!("GET" "/v1/tax_rates/{id}", TaxRate),
    operation!("POST" "/v1/tax_rates/{id}", TaxRate, tax_rates::update, ["active", "country", "description", "display_name", "jurisdiction", "metadata", "state", "tax_type"]),
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
    operation!("POST" "/v1/subscription_schedules", SubscriptionSchedule, subscription_schedules::create, ["customer", "from_subscription"]),
    operation!("GET" "/v1/subscription_schedules", SubscriptionSchedule, list, ["customer"]),
    operation!("GET" "/v1/subscription_schedules/{id}", SubscriptionSchedule),
    operation!("POST" "/v1/subscription_schedules/{id}", SubscriptionSchedule, subscription_schedules::update, ["end_behavior", "metadata", "phases"]),
    operation!("POST" "/v1/subscription_schedules/{id}/release", SubscriptionSchedule, subscription_schedules::release, []),
    operation!("POST" "/v1/subscription_schedules/{id}/cancel", SubscriptionSchedule, subscription_schedules::cancel, ["invoice_now", "prorate"]),
    operation!("POST" "/v1/subscriptions", Subscription, subscription_create::create, ["automatic_tax", "billing_cycle_anchor", "billing_mode", "cancel_at", "cancel_at_period_end", "collection_method", "customer", "default_payment_method", "default_tax_rates", "description", "discounts", "items", "metadata", "off_session", "payment_behavior", "payment_settings", "proration_behavior", "trial_end", "trial_period_days", "trial_settings"]),
    operation!("GET" "/v1/subscriptions", Subscription, list subscription::is_listed, ["collection_method", "current_period_end", "current_period_start", "customer", "price", "status", "test_clock"]),
    operation!("GET" "/v1/subscriptions/{id}", Subscription),
    operation!("POST" "/v1/subscriptions/{id}", Subscription, subscription_update::update, ["automatic_tax", "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "cancellation_details", "default_payment_method", "default_tax_rates", "description", "discounts", "items", "metadata", "off_session", "pause_collection", "payment_behavior", "payment_settings", "proration_behavior", "proration_date", "trial_end", "trial_settings"]),
    operation!("DELETE" "/v1/subscriptions/{id}", Subscription, subscriptions::cancel, ["cancellation_details", "invoice_now", "prorate"]),
    operation!("POST" "/v1/subscriptions/{id}/migrate", Subscription, subscriptions::migrate, ["billing_mode"]),
    operation!("DELETE" "/v1/subscriptions/{id}/discount", Discount, discounts::delete_of_subscription, []),
    operation!("POST" "/v1/subscriptions/{id}/pause", Subscription, subscriptions::pause, ["bill_for", "invoicing_behavior", "type"]),
    operation!("POST" "/v1/subscriptions/{id}/resume", Subscription, subscriptions::resume, ["billing_cycle_anchor", "payment_behavior", "proration_behavior", "proration_date"]),
    operation!("POST" "/v1/subscription_items", SubscriptionItem, subscription_item_changes::create, ["discounts", "metadata", "payment_behavior", "price", "proration_behavior", "proration_date", "quantity", "subscription", "tax_rates"]),
    operation!("GET" "/v1/subscription_items", SubscriptionItem, read subscription_item_changes::list, ["subscription"]),
    operation!("GET" "/v1/subscription_items/{id}", SubscriptionItem, read subscription_item_changes::retrieve, []),
    operation!("POST" "/v1/subscription_items/{id}", SubscriptionItem, subscription_item_changes::update, ["discounts", "metadata", "off_session", "payment_behavior", "price", "proration_behavior", "proration_date", "quantity", "tax_rates"]),
    operation!("DELETE" "/v1/subscription_items/{id}", SubscriptionItem, subscription_item_changes::delete, ["payment_behavior", "proration_behavior", "proration_date"]),
    operation!("POST" "/v1/invoices/create_preview", Invoice, invoice_preview::create, ["automatic_tax", "customer", "customer_details", "discounts", "preview_mode", "subscription", "subscription_details"]),
    operation!("GET" "/v1/invoices", Invoice, list invoice::is_listed, ["collection_method", "customer", "status", "subscription"]),
    operation!("GET" "/v1/invoices/{id}", Invoice),
    operation!("POST" "/v1/invoices/{id}", Invoice, invoice_changes::update, ["auto_advance", "default_payment_method", "default_tax_rates", "description", "discounts", "footer", "metadata", "statement_descriptor"]),
    operation!("POST" "/v1/invoices/{id}/finalize", Invoice, invoice_changes::finalize, ["auto_advance"]),
    operation!("POST" "/v1/invoices/{id}/mark_uncollectible", Invoice, invoice_changes::mark_uncollectible, []),
    operation!("GET" "/v1/invoices/{id}/lines", Invoice, read invoice_changes::lines, []),
    operation!("POST" "/v1/invoiceitems", InvoiceItem, invoice_items::create, ["amount", "currency", "customer", "description", "discountable", "discounts", "invoice", "metadata", "period", "pricing", "quantity", "subscription", "tax_rates"]),
    operation!("GET" "/v1/invoiceitems", InvoiceItem, read invoice_items::list, ["customer", "invoice", "pending"]),
    operation!("GET" "/v1/invoiceitems/{id}", InvoiceItem),
    operation!("POST" "/v1/invoiceitems/{id}", InvoiceItem, invoice_items::update, ["amount", "description", "discountable", "discounts", "metadata", "period", "quantity", "tax_rates"]),
    operation!("DELETE" "/v1/invoiceitems/{id}", InvoiceItem, invoice_items::delete, []),
    operation!("POST" "/v1/invoices/{id}/pay", Invoice, invoices::pay, ["off_session", "paid_out_of_band", "payment_method"]),
    operation!("POST" "/v1/invoices/{id}/void", Invoice, invoices::void, []),
    operation!("GET" "/v1/invoice_payments", InvoicePayment, read invoice_payment::list, ["invoice", "payment", "status"]),
    operation!("GET" "/v1/invoice_payments/{id}", InvoicePayment),
    operation!("GET" "/v1/credit_notes/preview", CreditNote, read credit_notes::preview, ["amount", "credit_amount", "effective_at", "email_type", "invoice", "lines", "memo", "metadata", "out_of_band_amount", "reason", "refund_amount", "refunds", "shipping_cost"]),
    operation!("GET" "/v1/credit_notes/preview/lines", CreditNote, read credit_notes::preview_lines, ["amount", "credit_amount", "effective_at", "email_type", "invoice", "lines", "memo", "metadata", "out_of_band_amount", "reason", "refund_amount", "refunds", "shipping_cost"]),
    operation!("POST" "/v1/credit_notes", CreditNote, credit_notes::create, ["amount", "credit_amount", "effective_at", "email_type", "invoice", "lines", "memo", "metadata", "out_of_band_amount", "reason", "refund_amount", "refunds", "shipping_cost"]),
    operation!("GET" "/v1/credit_notes", CreditNote, list, ["customer", "invoice"]),
    operation!("GET" "/v1/credit_notes/{id}", CreditNote),
    operation!("POST" "/v1/credit_notes/{id}", CreditNote, credit_notes::update, ["memo", "metadata"]),
    operation!("POST" "/v1/credit_notes/{id}/void", CreditNote, credit_notes::void, []),
    operation!("GET" "/v1/credit_notes/{id}/lines", CreditNote, read credit_note::lines_of, []),
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
    operation!("GET" "/v1/radar/early_fraud_warnings/{id}", FraudWarning),
    operation!("POST" "/v1/billing_portal/configurations", PortalConfiguration, portal_configurations::create, ["business_profile", "default_return_url", "features", "login_page", "metadata", "name"]),
    operation!("GET" "/v1/billing_portal/configurations", PortalConfiguration, list portal_configuration::is_listed, ["active", "is_default"]),
    operation!("GET" "/v1/billing_portal/configurations/{id}", PortalConfiguration),
    operation!("POST" "/v1/billing_portal/configurations/{id}", PortalConfiguration, portal_configurations::update, ["active", "business_profile", "default_return_url", "features", "login_page", "metadata", "name"]),
    operation!("POST" "/v1/billing_portal/sessions", PortalSession, billing_portal::create, ["configuration", "customer", "flow_data", "locale", "return_url"]),
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

/// The operation of a request and what stands for `{id}`. A path that Stripe has as it is, such as
/// `/v1/customers/search`, names no object.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Operation, String)> {
    let of_method = || {
        OPERATIONS
            .iter()
            .filter(|operation| operation.method == method)
    };
    let exactly = of_method().find(|operation| operation.path == path);
    if exactly.is_some() || has_path(method, path) {
        return exactly.map(|operation| (operation, String::new()));
    }
    let operation = of_method().find(|operation| same_path(operation.path, path))?;
    let segments = operation.path.split('/').zip(path.split('/'));
    let ids: Vec<&str> = segments
        .filter(|(wanted, _)| *wanted == "{id}")
        .map(|(_, id)| id)
        .collect();
    Some((operation, ids.join("/")))
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
        // Types of npm stripe 23.1.0: it is a path of its own, which is not served.
        assert_eq!(found("GET", "/v1/customers/search"), None);
        assert_eq!(found("DELETE", "/v1/customers"), None);
        assert_eq!(found("GET", "/v1/customers/"), None);
        assert_eq!(found("GET", "/v1/customers/a/b"), None);
        assert_eq!(
            found("DELETE", "/v1/customers/cus_1/tax_ids/txi_1"),
            Some(("/v1/customers/{id}/tax_ids/{id}", "cus_1/txi_1".to_owned()))
        );
    }
}
