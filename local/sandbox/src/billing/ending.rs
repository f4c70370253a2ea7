//! When a subscription is to end by itself.

use crate::error::{ApiError, Result};
use crate::objects::{subscription, subscription_item};
use crate::state::Fields;
use serde_json::Value;

/// What a request says of the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// Nothing.
    Unchanged,
    /// It does not end by itself.
    Never,
    /// At this time.
    At(i64),
    /// When the first of the items' periods ends, as they are now.
    MinPeriod,
    /// When the last of them does.
    MaxPeriod,
    /// With the current period, which may change yet.
    WithPeriod,
    /// No longer with the current period; an end at a fixed time stays.
    NotWithPeriod,
}

/// What `cancel_at` and `cancel_at_period_end` say.
pub(crate) fn wanted(params: &Value, now: i64) -> Result<End> {
    let at_period_end = params.at("cancel_at_period_end").as_bool();
    let at = match params.get("cancel_at") {
        None => {
            return Ok(match at_period_end {
                None => End::Unchanged,
                Some(true) => End::WithPeriod,
                Some(false) => End::NotWithPeriod,
            });
        }
        Some(Value::Null) => End::Never,
        Some(Value::Number(at)) if at.as_i64().is_some_and(|at| at > now) => {
            End::At(at.as_i64().unwrap_or(now))
        }
        Some(Value::String(text)) => match text.as_str() {
            "" => End::Never,
            "min_period_end" => End::MinPeriod,
            "max_period_end" => End::MaxPeriod,
            other => return Err(ApiError::not_simulated(&format!("cancel_at={other}"))),
        },
        Some(_) => {
            let message = "`cancel_at` must be a timestamp in the future.";
            return Err(ApiError::invalid(message).with_param("cancel_at"));
        }
    };
    match (at, at_period_end) {
        (End::Never, Some(true)) => Ok(End::WithPeriod),
        (_, Some(true)) => Err(ApiError::exclusive("cancel_at", "cancel_at_period_end")),
        (at, _) => Ok(at),
    }
}

/// Writes when the subscription ends. Names of period ends mean a time from here on; periods stay as they are.
pub(crate) fn set(subscription: &mut Value, end: End, now: i64) {
    let ends = || {
        let items = subscription.list("items.data").iter();
        items.map(|item| subscription_item::whole_period(item).end)
    };
    let at = match end {
        End::Unchanged => return,
        End::NotWithPeriod if !subscription.flag("cancel_at_period_end") => return,
        End::Never | End::NotWithPeriod => None,
        End::At(at) => Some(at),
        // With several intervals, the flag means the earliest end:
        // https://docs.stripe.com/billing/subscriptions/mixed-interval
        End::MinPeriod | End::WithPeriod => ends().min(),
        End::MaxPeriod => ends().max(),
    };
    subscription.set("cancel_at_period_end", end == End::WithPeriod);
    subscription.set("cancel_at", at);
    let asked = at.map(|_| subscription.int("canceled_at").unwrap_or(now));
    subscription.set("canceled_at", asked);
    let reason = at.map(|_| "cancellation_requested");
    subscription.set("cancellation_details.reason", reason);
}

/// Whether the subscription is to end by now.
pub(crate) fn is_reached(subscription: &Value, now: i64) -> bool {
    subscription.int("cancel_at").is_some_and(|at| at <= now)
        || (subscription.flag("cancel_at_period_end")
            && subscription::period(subscription).is_some_and(|period| period.end <= now))
}
