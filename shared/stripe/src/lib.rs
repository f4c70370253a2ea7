#![doc = include_str!("../README.md")]

mod answer;
mod change_operations;
mod client;
mod code_operations;
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
mod tax_operations;
mod transport;
mod wallet_operations;

pub use client::{Reply, Stripe};
pub use error::{Cause, Effect, Failure, StripeError};
pub use objects::{
    Account, AutomaticTax, Bill, Card, CardOptions, CardWallet, Charge, ChargeStatus,
    ConfirmationSecret, Coupon, CreditNote, Customer, Deleted, Discount, Dispute, DisputeStatus,
    Expandable, FraudWarning, HeldTaxId, Identified, Invoice, InvoicePayment, LinePeriod, List,
    Mandate, MandateStatus, Metadata, NextAction, Outcome, PaidInvoice, PaymentIntent,
    PaymentIntentStatus, PaymentMethod, PaymentMethodDomain, PaymentSettings, PendingUpdate,
    Period, Phase, PhaseDiscount, PhaseItem, PortalConfiguration, PortalSession, Preview,
    PreviewLine, Price, Product, PromotionCode, Recurring, RedirectToUrl, Refund, RefundStatus,
    Restrictions, Schedule, SetupAttempt, SetupAttemptStatus, SetupError, SetupIntent,
    SetupIntentStatus, SetupRecord, Subscription, SubscriptionItem, WebhookEndpoint,
};
pub use operations::{CancellationReason, ListEvents, ListSubscriptions, SetEnd, Which};
pub use pace::Pace;
pub use perennial_types::{FrozenRequest, IdempotencyKey, IdempotencyKeyError};
pub use requests::{
    CancellationDetails, Capture, ChangeAtPeriodEnd, ChangeDiscounts, ChangePayment, ChangePlan,
    ChangeTrial, ChargeSaved, CreateCoupon, CreateCustomer, CreateMethod, CreatePayment,
    CreatePrice, CreateProduct, CreatePromotionCode, CreateRefund, CreateSchedule,
    CreateSetupIntent, CreateSubscription, CreateWebhookEndpoint, CredentialUsage, CreditInvoice,
    Feedback, ItemChange, KeepPortal, MIGRATION, ManyOf, PaidBy, PauseSubscription, PaymentChange,
    PaymentFor, PreviewDiscount, PreviewEachPeriod, PreviewFirst, PreviewTax, Prorate, Redeemed,
    RefundReason, ResumeSubscription, ServerConfirm, SetUpFor, SetUpMethod, UpdateWebhookEndpoint,
    metadata,
};
pub use settings::{BuildError, NewKey, Settings};
pub use transport::{Delivered, Delivery, Transport, Undelivered};

/// The version of Stripe's API that every request names and every object is read in.
///
/// It is pinned because a version changes parameters and shapes: since 2026-09-30.endive, for one,
/// `payment_method_types` is refused (<https://docs.stripe.com/changelog>).
pub const API_VERSION: &str = "2026-10-28.endive";
