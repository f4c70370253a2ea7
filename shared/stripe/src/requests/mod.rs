//! The requests that create something, each built once and then frozen.
//!
//! A request is built from named fields, encoded in a fixed order, and stored with its key before
//! it is sent.

mod catalogue;
mod change_payment;
mod create_customer;
mod create_payment;
mod create_refund;
mod create_setup_intent;
mod create_subscription;
mod migrate_token;
mod webhook_endpoint;

pub use catalogue::{CreatePrice, CreateProduct};
pub use change_payment::{ChangePayment, PaymentChange};
pub use create_customer::CreateCustomer;
pub use create_payment::{Capture, ChargeSaved, CreatePayment, CredentialUsage, PaymentFor};
pub use create_refund::{CreateRefund, RefundReason};
pub use create_setup_intent::{CreateSetupIntent, ServerConfirm};
pub use create_subscription::{CreateSubscription, PaidBy};
pub use migrate_token::{CreateMethod, MIGRATION, SetUpMethod};
pub use webhook_endpoint::{CreateWebhookEndpoint, UpdateWebhookEndpoint};

use crate::{FrozenRequest, IdempotencyKey, form::Form};

/// The names of the pairs that are attached to objects at Stripe, by which they are found again.
pub mod metadata {
    /// The checkout attempt.
    pub const ATTEMPT: &str = "perennial_attempt";
    /// The shop's own user.
    pub const USER: &str = "perennial_user";
    /// The name of the plan.
    pub const PLAN: &str = "perennial_plan";
    /// The price that a subscription was made with.
    pub const PRICE: &str = "perennial_price";
    /// The wallet that pays.
    pub const WALLET: &str = "perennial_wallet";
    /// The request of the shop's server, by the hash of its idempotency key.
    pub const REQUEST: &str = "perennial_request";
    /// What a SetupIntent is for, if not for a checkout.
    pub const KIND: &str = "perennial_kind";
}

pub(crate) mod path {
    pub(crate) const CUSTOMERS: &str = "/v1/customers";
    pub(crate) const SETUP_INTENTS: &str = "/v1/setup_intents";
    pub(crate) const PAYMENT_METHODS: &str = "/v1/payment_methods";
    pub(crate) const CHARGES: &str = "/v1/charges";
    pub(crate) const REFUNDS: &str = "/v1/refunds";
    pub(crate) const PAYMENT_INTENTS: &str = "/v1/payment_intents";
    pub(crate) const INVOICES: &str = "/v1/invoices";
    pub(crate) const SUBSCRIPTIONS: &str = "/v1/subscriptions";
    pub(crate) const PRODUCTS: &str = "/v1/products";
    pub(crate) const PRICES: &str = "/v1/prices";
    pub(crate) const EVENTS: &str = "/v1/events";
    pub(crate) const WEBHOOK_ENDPOINTS: &str = "/v1/webhook_endpoints";
}

fn freeze(path: &str, form: Form, idempotency_key: IdempotencyKey) -> FrozenRequest {
    FrozenRequest {
        path: path.to_owned(),
        body: form.into_string(),
        idempotency_key,
    }
}
