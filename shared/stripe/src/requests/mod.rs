//! The requests that create something, each built once and then frozen.
//!
//! A request is built from named fields, encoded in a fixed order, and stored with its key before
//! it is sent.

mod cancellation;
mod catalogue;
mod change_payment;
mod change_plan;
mod create_customer;
mod create_payment;
mod create_refund;
mod create_setup_intent;
mod create_subscription;
mod credit_invoice;
mod discounts;
mod migrate_token;
mod pause;
mod portal_configuration;
mod preview_each;
mod preview_first;
mod trial;
mod webhook_endpoint;

pub use cancellation::{CancellationDetails, Feedback};
pub use catalogue::{CreateCoupon, CreatePrice, CreateProduct, CreatePromotionCode};
pub use change_payment::{ChangePayment, PaymentChange};
pub use change_plan::{ChangeAtPeriodEnd, ChangePlan, CreateSchedule, ItemChange, ManyOf, Prorate};
pub use create_customer::CreateCustomer;
pub use create_payment::{Capture, ChargeSaved, CreatePayment, CredentialUsage, PaymentFor};
pub use create_refund::{CreateRefund, RefundReason};
pub use create_setup_intent::{CreateSetupIntent, ServerConfirm, SetUpFor};
pub use create_subscription::{CreateSubscription, PaidBy};
pub use credit_invoice::CreditInvoice;
pub use discounts::{ChangeDiscounts, Redeemed};
pub use migrate_token::{CreateMethod, MIGRATION, SetUpMethod};
pub use pause::{PauseSubscription, ResumeSubscription};
pub use portal_configuration::KeepPortal;
pub use preview_each::PreviewEachPeriod;
pub use preview_first::{PreviewDiscount, PreviewFirst, PreviewTax};
pub use trial::ChangeTrial;
pub use webhook_endpoint::{CreateWebhookEndpoint, UpdateWebhookEndpoint};

use crate::{
    FrozenRequest, IdempotencyKey,
    form::{Form, encode_segment},
};

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
    /// The value of [`WALLET`] of a free trial that has begun without a payment method.
    pub const NO_WALLET: &str = "none";
    /// The request of the shop's server, by the hash of its idempotency key.
    pub const REQUEST: &str = "perennial_request";
    /// The subscription that a SetupIntent gives another payment method.
    pub const SUBSCRIPTION: &str = "perennial_subscription";
    /// What was done to a subscription last, by the number of its preview.
    pub const ACTION: &str = "perennial_action";
    /// What a SetupIntent is for, if not for a checkout.
    pub const KIND: &str = "perennial_kind";
    /// Who keeps a configuration of the portal: [`PERENNIAL`].
    pub const BY: &str = "by";
    /// This program.
    pub const PERENNIAL: &str = "perennial";
    /// The table of the deployment that a configuration of the portal is for.
    pub const TABLE: &str = "perennial_table";
}

pub(crate) mod path {
    pub(crate) const CUSTOMERS: &str = "/v1/customers";
    pub(crate) const SETUP_INTENTS: &str = "/v1/setup_intents";
    pub(crate) const PAYMENT_METHODS: &str = "/v1/payment_methods";
    pub(crate) const CHARGES: &str = "/v1/charges";
    pub(crate) const CREDIT_NOTES: &str = "/v1/credit_notes";
    pub(crate) const REFUNDS: &str = "/v1/refunds";
    pub(crate) const PAYMENT_INTENTS: &str = "/v1/payment_intents";
    pub(crate) const INVOICES: &str = "/v1/invoices";
    pub(crate) const PREVIEW: &str = "/v1/invoices/create_preview";
    pub(crate) const SUBSCRIPTION_SCHEDULES: &str = "/v1/subscription_schedules";
    pub(crate) const SUBSCRIPTIONS: &str = "/v1/subscriptions";
    pub(crate) const PRODUCTS: &str = "/v1/products";
    pub(crate) const PRICES: &str = "/v1/prices";
    pub(crate) const COUPONS: &str = "/v1/coupons";
    pub(crate) const PROMOTION_CODES: &str = "/v1/promotion_codes";
    pub(crate) const EVENTS: &str = "/v1/events";
    pub(crate) const PORTAL_CONFIGURATIONS: &str = "/v1/billing_portal/configurations";
    pub(crate) const WEBHOOK_ENDPOINTS: &str = "/v1/webhook_endpoints";
}

fn freeze(path: &str, form: Form, idempotency_key: IdempotencyKey) -> FrozenRequest {
    FrozenRequest {
        path: path.to_owned(),
        body: form.into_string(),
        idempotency_key,
    }
}

/// With what [`Stripe::retrieve_subscription`](crate::Stripe::retrieve_subscription) reads, so that an answer to a change is as good as reading it.
pub(crate) fn whole(form: Form) -> Form {
    form.with(&["expand", ""], "latest_invoice.confirmation_secret")
        .with(&["expand", ""], "default_payment_method")
        .with(&["expand", ""], "pending_setup_intent")
        .with(&["expand", ""], "schedule")
}

pub(crate) fn below(path: &str, id: &str) -> String {
    format!("{path}/{}", encode_segment(id))
}
