//! What Apple's sheet is told of payments to come. With one of these, Apple is asked for a merchant
//! token, which outlives the shopper's device
//! (<https://docs.stripe.com/apple-pay/merchant-tokens>).

use perennial_types::{Consent, Discount, Interval, Lasts, Money, Plan, Timestamp, Wallet};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// One of the three requests; Stripe.js takes no two of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ApplePay {
    /// Payments at an interval.
    RecurringPaymentRequest(RecurringPaymentRequest),
    /// One payment later, such as a stay at a hotel.
    DeferredPaymentRequest(DeferredPaymentRequest),
    /// A balance that is filled up when it runs low.
    AutomaticReloadPaymentRequest(AutomaticReloadPaymentRequest),
}

/// Why a request is not put to Apple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ApplePayError {
    /// A deferred payment is one of the future.
    #[error("the date of a deferred payment must lie in the future")]
    Date,
    /// It could not be used, or would outlast the payment.
    #[error("the free cancellation must end in the future, and not after the payment")]
    FreeCancellation,
    /// Not a name of the time zone database.
    #[error("the time zone must be a name of the tz database, such as Europe/Dublin")]
    TimeZone,
}

/// What all three say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    payment_description: String,
    #[serde(rename = "managementURL")]
    management_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_agreement: Option<String>,
}

/// A subscription, from the price of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecurringPaymentRequest {
    #[serde(flatten)]
    about: About,
    regular_billing: RegularBilling,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_billing: Option<TrialBilling>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RegularBilling {
    amount: u64,
    label: String,
    /// Absent, it begins today.
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring_payment_start_date: Option<Timestamp>,
    recurring_payment_interval_unit: Unit,
    recurring_payment_interval_count: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TrialBilling {
    amount: u64,
    label: &'static str,
    recurring_payment_end_date: Timestamp,
    /// Without these it is paid once.
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring_payment_interval_unit: Option<Unit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring_payment_interval_count: Option<u16>,
}

/// Apple has no week, and its hours and minutes are no plan's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Year,
    Month,
    Day,
}

/// One payment later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeferredPaymentRequest {
    #[serde(flatten)]
    about: About,
    deferred_billing: DeferredBilling,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_cancellation_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_cancellation_date_time_zone: Option<TimeZone>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeferredBilling {
    amount: u64,
    label: String,
    deferred_payment_date: Timestamp,
}

/// Payments whenever a balance runs low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutomaticReloadPaymentRequest {
    #[serde(flatten)]
    about: About,
    automatic_reload_billing: AutomaticReloadBilling,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AutomaticReloadBilling {
    amount: u64,
    label: String,
    automatic_reload_payment_threshold_amount: u64,
}

/// A deferred payment, as the shop's servers describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deferred {
    /// What is paid for, as the shopper reads it in their wallet.
    pub label: String,
    /// When it will be charged.
    pub date: Timestamp,
    /// Until when the shopper can cancel without a cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_cancellation: Option<FreeCancellation>,
    /// What the shopper agrees to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
}

/// Until when, and by whose clock the shopper is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreeCancellation {
    /// The last moment.
    pub until: Timestamp,
    /// The time zone of the place, such as the hotel's.
    pub time_zone: TimeZone,
}

/// A name of the tz database, as far as its form shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(String);

/// A balance that fills itself up, as the shop's servers describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reload {
    /// What is paid for, as the shopper reads it in their wallet.
    pub label: String,
    /// The balance below which it is filled up, in minor units.
    pub threshold: u64,
    /// What the shopper agrees to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
}

/// Apple shows no more
/// (<https://developer.apple.com/documentation/apple_pay_on_the_web/applepayrecurringpaymentrequest>).
const LONGEST_AGREEMENT: usize = 500;

const SECONDS_A_DAY: i64 = 86_400;

impl ApplePay {
    /// The request of a subscription that begins `now`. Regular payments begin when the trial ends, or else when the
    /// discount does. Apple's sheet has one time before these: after a free trial it tells the price without a
    /// discount that ends, which is more than is charged at first, and the agreement has both.
    pub fn recurring(
        plan: &Plan,
        discount: Option<&Discount>,
        consent: &Consent,
        management: &Url,
        now: Timestamp,
    ) -> Self {
        let (unit, count) = interval(plan);
        let before = if plan.trial_days > 0 {
            Some(TrialBilling {
                amount: 0,
                label: "Free trial",
                recurring_payment_end_date: now
                    .plus_seconds(i64::from(plan.trial_days) * SECONDS_A_DAY),
                recurring_payment_interval_unit: None,
                recurring_payment_interval_count: None,
            })
        } else {
            discount.and_then(|discount| {
                Some(TrialBilling {
                    amount: discount.amount,
                    label: "Discounted price",
                    recurring_payment_end_date: discount.until(plan, now)?,
                    recurring_payment_interval_unit: Some(unit),
                    recurring_payment_interval_count: Some(count),
                })
            })
        };
        let regular = discount
            .filter(|discount| discount.lasts == Lasts::Forever)
            .map_or(plan.amount, |discount| discount.amount);
        let agreement = consent.text_for_discounted(plan, discount, Wallet::ApplePay, now);
        Self::RecurringPaymentRequest(RecurringPaymentRequest {
            about: About::new(&plan.label, management, Some(agreement)),
            regular_billing: RegularBilling {
                amount: regular,
                label: plan.label.clone(),
                recurring_payment_start_date: before
                    .as_ref()
                    .map(|before| before.recurring_payment_end_date),
                recurring_payment_interval_unit: unit,
                recurring_payment_interval_count: count,
            },
            trial_billing: before,
        })
    }

    /// The request of a payment that is agreed to `now` and charged later.
    pub fn deferred(
        money: Money,
        deferred: Deferred,
        management: &Url,
        now: Timestamp,
    ) -> Result<Self, ApplePayError> {
        if deferred.date <= now {
            return Err(ApplePayError::Date);
        }
        let (date, zone) = match deferred.free_cancellation {
            Some(free) if free.until <= now || free.until > deferred.date => {
                return Err(ApplePayError::FreeCancellation);
            }
            Some(free) => (Some(free.until), Some(free.time_zone)),
            None => (None, None),
        };
        Ok(Self::DeferredPaymentRequest(DeferredPaymentRequest {
            about: About::new(&deferred.label, management, deferred.agreement),
            deferred_billing: DeferredBilling {
                amount: money.amount,
                label: deferred.label,
                deferred_payment_date: deferred.date,
            },
            free_cancellation_date: date,
            free_cancellation_date_time_zone: zone,
        }))
    }

    /// The request of a balance that is filled up with this much.
    pub fn reload(money: Money, reload: Reload, management: &Url) -> Self {
        Self::AutomaticReloadPaymentRequest(AutomaticReloadPaymentRequest {
            about: About::new(&reload.label, management, reload.agreement),
            automatic_reload_billing: AutomaticReloadBilling {
                amount: money.amount,
                label: reload.label,
                automatic_reload_payment_threshold_amount: reload.threshold,
            },
        })
    }
}

impl About {
    /// A text that is too long for the sheet is left to the page: half a sentence is no agreement.
    fn new(description: &str, management: &Url, agreement: Option<String>) -> Self {
        let fits = |text: &String| text.chars().count() <= LONGEST_AGREEMENT;
        Self {
            payment_description: description.to_owned(),
            management_url: management.to_string(),
            billing_agreement: agreement.filter(fits),
        }
    }
}

fn interval(plan: &Plan) -> (Unit, u16) {
    let count = plan.interval_count;
    match plan.interval {
        Interval::Day => (Unit::Day, count),
        Interval::Week => (Unit::Day, count * 7),
        Interval::Month => (Unit::Month, count),
        Interval::Year => (Unit::Year, count),
    }
}

impl TryFrom<String> for TimeZone {
    type Error = ApplePayError;

    fn try_from(name: String) -> Result<Self, ApplePayError> {
        let plain = |part: &str| {
            part.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-+".contains(&b))
        };
        if name.len() <= 64 && name.split('/').all(plain) {
            Ok(Self(name))
        } else {
            Err(ApplePayError::TimeZone)
        }
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> String {
        zone.0
    }
}
