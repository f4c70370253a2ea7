//! What Perennial's words mean: identifiers, money, plans, checkouts, subscriptions.
//!
//! Nothing here talks to anything: no Stripe, no table, no HTTP.

mod actions;
mod addon;
mod agreed_end;
mod attempt;
mod catalog;
pub mod chance;
mod change;
mod claim;
mod clock;
mod consent;
mod currency_rules;
mod declared_plans;
mod discount;
mod email;
mod entitlement;
mod frozen;
mod grant;
mod ids;
mod money;
mod names;
mod open_enum;
mod pause;
mod payment;
mod plan;
mod plan_addons;
mod quantity;
mod refusal;
mod reminder;
mod return_path;
mod subscription;
mod tax;
mod tax_id;
mod wallet;

pub use actions::{
    Action, Actions, AddonLimits, AddonsAction, By, CancelAction, CancelWhen, ComeAgainAction,
    NotNow, QuantityAction,
};
pub use addon::{
    Addon, AddonNotOffered, BoughtAddon, DeclaredAddon, EntitledAddon, ExtraItem, MOST_ADDONS,
};
pub use agreed_end::{AgreedEnd, CancelRefund, EndBasis, GivenBack, RefundPart};
pub use attempt::{Attempt, Awaited, ConfirmBy, Confirming, Ending, FailureReason, Phase};
pub use catalog::{Answer, CatalogAddon, CatalogPlan, PlanCatalog, PriceKind, StripePrice, Terms};
pub use change::Change;
pub use claim::{Claim, Lease};
pub use clock::{Clock, Timestamp};
pub use consent::{Consent, ConsentError, terms_without_method};
pub use currency_rules::{AmountError, LARGEST_AMOUNT};
pub use declared_plans::{DeclaredPlan, DeclaredPlans, PlansFileError};
pub use discount::{AgreedDiscount, CodeRefusal, Discount, Lasts};
pub use email::{EmailAddress, EmailError};
pub use entitlement::{AccessRules, DisputedAccess, Entitlement, Grace, GraceError, entitlements};
pub use frozen::{FrozenRequest, FrozenRequestError, IdempotencyKey, IdempotencyKeyError};
pub use grant::{GivenPlan, Grant, Grants, MOST_GRANTS};
pub use ids::{
    AttemptId, CustomerId, EventId, IdError, PaymentIntentId, PaymentMethodId, PriceId,
    PromotionCodeId, SetupIntentId, SubscriptionId, UserId,
};
pub use money::{Currency, Money, MoneyError};
pub use names::{AddonName, FeatureName, NameError, PlanGroup, PlanName};
pub use pause::{LONGEST_PAUSE_DAYS, Pause, PauseReason, ShopperPause};
pub use payment::{Disputes, Payment, PaymentReason, PaymentState};
pub use plan::{
    Interval, LARGEST_QUANTITY, Plan, PlanQuantity, Plans, TrialWithoutMethod, Trials, Unresolved,
};
pub use refusal::{Refusal, RefusalCode};
pub use reminder::{RenewalReminder, RenewalReminderError, TRIAL_REMINDER_SECONDS};
pub use return_path::{ReturnPath, ReturnPathError};
pub use subscription::{
    InvoiceStatus, PendingChange, Refunded, SoldAs, Subscription, SubscriptionStatus,
};
pub use tax::{AgreedTax, BillingAddress, PlanTax, TaxBehavior, TaxRefusal, TaxedPrice};
pub use tax_id::{MOST_TAX_IDS, TaxId};
pub use wallet::{Countries, Currencies, First, Shown, UnknownWallet, Wallet, WalletRow};
