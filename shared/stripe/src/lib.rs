#![doc = include_str!("../README.md")]

mod answer;
mod client;
mod decline_operations;
mod error;
mod form;
mod http_date;
mod objects;
mod operations;
mod pace;
mod payment_operations;
mod redact;
mod requests;
mod retry;
mod settings;
mod transport;
mod wallet_operations;

pub use client::{Reply, Stripe};
pub use error::{Cause, Effect, Failure, StripeError};
pub use objects::{
    Account, Card, CardOptions, CardWallet, Charge, ChargeStatus, ConfirmationSecret, Customer,
    Deleted, Dispute, DisputeStatus, Expandable, Identified, Invoice, InvoicePayment, List,
    Mandate, MandateStatus, Metadata, NextAction, Outcome, PaidInvoice, PaymentIntent,
    PaymentIntentStatus, PaymentMethod, PaymentMethodDomain, Period, PortalSession, Price, Product,
    Recurring, RedirectToUrl, Refund, RefundStatus, SetupAttempt, SetupAttemptStatus, SetupError,
    SetupIntent, SetupIntentStatus, SetupRecord, Subscription, SubscriptionItem, WebhookEndpoint,
};
pub use operations::{CancellationReason, ListEvents, ListSubscriptions, Which};
pub use pace::Pace;
pub use perennial_types::{FrozenRequest, IdempotencyKey, IdempotencyKeyError};
pub use requests::{
    Capture, ChangePayment, ChargeSaved, CreateCustomer, CreateMethod, CreatePayment, CreatePrice,
    CreateProduct, CreateRefund, CreateSetupIntent, CreateSubscription, CreateWebhookEndpoint,
    CredentialUsage, MIGRATION, PaidBy, PaymentChange, PaymentFor, RefundReason, ServerConfirm,
    SetUpMethod, UpdateWebhookEndpoint, metadata,
};
pub use settings::{BuildError, NewKey, Settings};
pub use transport::{Delivered, Delivery, Transport, Undelivered};

/// The version of Stripe's API that every request names and every object is read in.
///
/// It is pinned because a version changes parameters and shapes: since 2026-09-30.endive, for one,
/// `payment_method_types` is refused (<https://docs.stripe.com/changelog>).
pub const API_VERSION: &str = "2026-10-28.endive";
