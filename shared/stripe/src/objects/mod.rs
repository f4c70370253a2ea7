//! Stripe's objects, as far as Perennial reads them.
//!
//! Reading is tolerant: a field that is not known here is passed over, and a new value of an
//! enumeration becomes `Other`. Names, addresses and e-mails are left out on purpose.

mod account;
mod bill;
mod charge;
mod credit_note;
mod customer;
mod discount;
mod expandable;
mod invoice;
mod lenient;
mod list;
mod money_back;
mod payment_intent;
mod payment_method;
mod payment_method_domain;
mod portal_configuration;
mod portal_session;
mod preview;
mod product;
mod promotion_code;
mod schedule;
mod setup_intent;
mod setup_record;
mod subscription;
mod tax_id;
mod webhook_endpoint;

use std::collections::BTreeMap;

pub use account::Account;
pub use bill::Bill;
pub use charge::{Charge, ChargeStatus, Outcome};
pub use credit_note::CreditNote;
pub use customer::Customer;
pub use discount::Discount;
pub use expandable::{Expandable, Identified};
pub use invoice::{ConfirmationSecret, Invoice};
pub use list::{Deleted, List};
pub use money_back::{
    Dispute, DisputeStatus, FraudWarning, InvoicePayment, Mandate, MandateStatus, PaidInvoice,
    Refund, RefundStatus,
};
pub use payment_intent::{CardOptions, PaymentIntent, PaymentIntentStatus};
pub use payment_method::{Card, CardWallet, PaymentMethod};
pub use payment_method_domain::PaymentMethodDomain;
pub use portal_configuration::PortalConfiguration;
pub use portal_session::PortalSession;
pub use preview::{AutomaticTax, LinePeriod, Preview, PreviewLine};
pub use product::{Price, Product, Recurring};
pub use promotion_code::{Coupon, PromotionCode, Restrictions};
pub use schedule::{Phase, PhaseDiscount, PhaseItem, Schedule};
pub use setup_intent::{NextAction, RedirectToUrl, SetupError, SetupIntent, SetupIntentStatus};
pub use setup_record::{SetupAttempt, SetupAttemptStatus, SetupRecord};
pub use subscription::{PaymentSettings, PendingUpdate, Period, Subscription, SubscriptionItem};
pub use tax_id::HeldTaxId;
pub use webhook_endpoint::WebhookEndpoint;

/// The pairs that we attached to an object.
pub type Metadata = BTreeMap<String, String>;
