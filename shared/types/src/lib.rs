//! What Perennial's words mean: identifiers, money, plans, checkouts, subscriptions.
//!
//! Nothing here talks to anything: no Stripe, no table, no HTTP.

mod attempt;
mod change;
mod clock;
mod consent;
mod currency_rules;
mod entitlement;
mod ids;
mod money;
mod payment;
mod plan;
mod return_path;
mod subscription;
mod wallet;

pub use attempt::{Attempt, AttemptState, ConfirmBy, FailureReason, First};
pub use change::Change;
pub use clock::{Clock, Timestamp};
pub use consent::{Consent, ConsentError};
pub use currency_rules::{AmountError, LARGEST_AMOUNT};
pub use entitlement::{Entitlement, entitlements};
pub use ids::{
    AttemptId, CustomerId, EventId, IdError, PaymentIntentId, PaymentMethodId, PriceId,
    SetupIntentId, SubscriptionId, UserId,
};
pub use money::{Currency, Money, MoneyError};
pub use payment::{Payment, PaymentReason, PaymentState};
pub use plan::{Interval, Plan, PlanError, PlanGroup, PlanName, Plans};
pub use return_path::{ReturnPath, ReturnPathError};
pub use subscription::{Subscription, SubscriptionStatus};
pub use wallet::{UnknownWallet, Wallet};
