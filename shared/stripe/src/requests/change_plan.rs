//! <https://docs.stripe.com/api/subscriptions/update>, its preview, and a change at the end of a period by
//! <https://docs.stripe.com/api/subscription_schedules>

use perennial_types::{Interval, PriceId, PromotionCodeId, SubscriptionId};

use super::{below, freeze, metadata, path, whole};
use crate::{FrozenRequest, IdempotencyKey, form::Form, objects::Phase};

/// Another price of a subscription, from now on.
#[derive(Debug, Clone, Copy)]
pub struct ChangePlan<'a> {
    /// Which subscription.
    pub subscription: &'a SubscriptionId,
    /// Its item, `si_...`.
    pub item: &'a str,
    /// The price that it gets; none if it keeps the one that it has, which may be archived by now.
    pub price: Option<&'a PriceId>,
    /// How many. Stripe takes one where nothing is said.
    pub quantity: u64,
    /// The promotion code that is redeemed with it, for a subscription that has no discount.
    pub code: Option<&'a PromotionCodeId>,
    /// What is prorated.
    pub prorate: Prorate,
    /// Whether a new period begins with the change, as it has to with another interval: in flexible billing
    /// mode nothing else moves the anchor.
    pub new_period: bool,
    /// The request, by which it is found again.
    pub request: &'a str,
}

/// What is charged for a change in the middle of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prorate {
    /// The difference as of this time, in Unix seconds, at once.
    AtOnce(i64),
    /// Nothing.
    Nothing,
}

impl ChangePlan<'_> {
    /// The request as it will be sent. What cannot be paid at once leaves the old price as it is.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = self.with_code(self.with_change(Form::new(), None));
        let form = form
            .with(&["payment_behavior"], "pending_if_incomplete")
            // The shopper is not there to be asked again.
            .with(&["off_session"], "true")
            .with(&["metadata", metadata::ACTION], self.request);
        let path = below(path::SUBSCRIPTIONS, self.subscription.as_str());
        freeze(&path, whole(form), key)
    }

    /// What the invoice of the change would be; with nothing to be charged for it, the next one.
    pub(crate) fn preview(&self) -> Form {
        let form = Form::new().with(&["subscription"], self.subscription.as_str());
        self.with_code(self.with_change(form, Some("subscription_details")))
    }

    fn with_code(&self, form: Form) -> Form {
        match self.code {
            Some(code) => form.with(&["discounts", "0", "promotion_code"], code.as_str()),
            None => form,
        }
    }

    fn with_change(&self, form: Form, within: Option<&str>) -> Form {
        let at = |names: &[&str]| -> Vec<String> {
            let all = within.iter().chain(names);
            all.map(|name| (*name).to_owned()).collect()
        };
        let put = |form: Form, names: &[&str], value: &str| {
            let names = at(names);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            form.with(&names, value)
        };
        let mut form = put(form, &["items", "0", "id"], self.item);
        if let Some(price) = self.price {
            form = put(form, &["items", "0", "price"], price.as_str());
        }
        form = put(
            form,
            &["items", "0", "quantity"],
            &self.quantity.to_string(),
        );
        form = match self.prorate {
            Prorate::AtOnce(at) => {
                let form = put(form, &["proration_behavior"], "always_invoice");
                put(form, &["proration_date"], &at.to_string())
            }
            Prorate::Nothing => put(form, &["proration_behavior"], "none"),
        };
        if self.new_period {
            form = put(form, &["billing_cycle_anchor", "type"], "now");
        }
        form
    }
}

/// A schedule for a subscription, which at first only holds what the subscription is.
#[derive(Debug, Clone, Copy)]
pub struct CreateSchedule<'a> {
    /// Of which subscription.
    pub subscription: &'a SubscriptionId,
}

impl CreateSchedule<'_> {
    /// Where it is sent.
    pub const PATH: &'static str = path::SUBSCRIPTION_SCHEDULES;

    /// The request as it will be sent. Stripe takes nothing else beside the subscription.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let form = Form::new().with(&["from_subscription"], self.subscription.as_str());
        freeze(Self::PATH, form, key)
    }
}

/// What a schedule does when the current period ends.
#[derive(Debug, Clone, Copy)]
pub struct ChangeAtPeriodEnd<'a> {
    /// The schedule.
    pub schedule: &'a str,
    /// What is now, as the schedule holds it.
    pub now: &'a Phase,
    /// The price afterwards.
    pub price: &'a PriceId,
    /// How many.
    pub quantity: u64,
    /// The interval of that price.
    pub interval: (Interval, u16),
    /// The request, by which it is found again.
    pub request: &'a str,
}

impl ChangeAtPeriodEnd<'_> {
    /// The request as it will be sent. What is left out of a phase is taken away, so all of the current one is
    /// repeated.
    pub fn freeze(&self, key: IdempotencyKey) -> FrozenRequest {
        let mut form = Form::new()
            .with_number(&["phases", "0", "start_date"], self.now.start_date)
            .with_number(&["phases", "0", "end_date"], self.now.end_date);
        if let Some(trial_end) = self.now.trial_end {
            form = form.with_number(&["phases", "0", "trial_end"], trial_end);
        }
        for (index, item) in self.now.items.iter().enumerate() {
            let index = index.to_string();
            if let Some(price) = &item.price {
                form = form.with(&["phases", "0", "items", &index, "price"], price.as_str());
            }
            let quantity = i64::try_from(item.quantity.unwrap_or(1)).unwrap_or(i64::MAX);
            form = form.with_number(&["phases", "0", "items", &index, "quantity"], quantity);
        }
        // They go on with the other price, as the preview has them.
        let discounts = self.now.discounts.iter();
        let discounts = discounts.filter_map(|it| it.discount.as_deref());
        for (index, discount) in discounts.enumerate() {
            let index = index.to_string();
            for phase in ["0", "1"] {
                let name = ["phases", phase, "discounts", &index, "discount"];
                form = form.with(&name, discount);
            }
        }
        let (interval, count) = self.interval;
        let quantity = i64::try_from(self.quantity).unwrap_or(i64::MAX);
        let form = form
            .with(&["phases", "1", "items", "0", "price"], self.price.as_str())
            .with_number(&["phases", "1", "items", "0", "quantity"], quantity)
            .with(&["phases", "1", "duration", "interval"], interval.as_str())
            .with_number(
                &["phases", "1", "duration", "interval_count"],
                i64::from(count),
            )
            .with(&["phases", "1", "proration_behavior"], "none")
            .with(&["end_behavior"], "release")
            .with(&["metadata", metadata::ACTION], self.request);
        let path = below(path::SUBSCRIPTION_SCHEDULES, self.schedule);
        freeze(&path, form, key)
    }
}
