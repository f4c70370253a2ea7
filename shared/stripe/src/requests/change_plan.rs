//! <https://docs.stripe.com/api/subscriptions/update>, its preview, and a change at the end of a period by
//! <https://docs.stripe.com/api/subscription_schedules>

use perennial_types::{Interval, PriceId, PromotionCodeId, SubscriptionId};
use serde::{Deserialize, Serialize};

use super::{below, freeze, metadata, path, whole};
use crate::{FrozenRequest, IdempotencyKey, form::Form, objects::Phase};

/// An item of a subscription beside that of its plan, as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChange {
    /// The item, `si_...`; none of one that is added.
    pub item: Option<String>,
    /// The price that it gets; none if it keeps the one that it has.
    pub price: Option<PriceId>,
    /// How many; 0 takes the item away.
    pub quantity: u64,
}

/// So many of a price.
#[derive(Debug, Clone, Copy)]
pub struct ManyOf<'a> {
    /// The price.
    pub price: &'a PriceId,
    /// How many.
    pub quantity: u64,
}

impl ManyOf<'_> {
    /// The item of this place within `items`.
    pub(crate) fn item(&self, form: Form, within: &[&str], index: usize) -> Form {
        let index = index.to_string();
        let at = |name| -> Vec<&str> {
            let names = ["items", index.as_str(), name];
            within.iter().copied().chain(names).collect()
        };
        let form = form.with(&at("price"), self.price.as_str());
        // One is what Stripe takes where nothing is said.
        if self.quantity == 1 {
            return form;
        }
        form.with(&at("quantity"), self.quantity.to_string())
    }
}

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
    /// The other items that change.
    pub others: &'a [ItemChange],
    /// What is prorated.
    pub prorate: Prorate,
    /// Whether a new period begins with the change, as it has to with another interval: in flexible billing
    /// mode nothing else moves the anchor.
    pub new_period: bool,
    /// Whether taxes are reckoned from now on that were not before.
    pub begins_tax: bool,
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
        // An item is not taken away by a change that waits for its payment, nor do taxes begin with one
        // (<https://docs.stripe.com/billing/subscriptions/pending-updates-reference>): such a change is made and paid at
        // once, or not at all.
        let takes_away = self.others.iter().any(|it| it.quantity == 0);
        let unpaid = if takes_away || self.begins_tax {
            "error_if_incomplete"
        } else {
            "pending_if_incomplete"
        };
        let form = form
            .with(&["payment_behavior"], unpaid)
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
        for (index, other) in (1..).zip(self.others) {
            let index = index.to_string();
            let at = |name| ["items", &index, name];
            if let Some(item) = &other.item {
                form = put(form, &at("id"), item);
            }
            if other.quantity == 0 {
                form = put(form, &at("deleted"), "true");
                continue;
            }
            if let Some(price) = &other.price {
                form = put(form, &at("price"), price.as_str());
            }
            form = put(form, &at("quantity"), &other.quantity.to_string());
        }
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
        if self.begins_tax {
            form = form.with(&["automatic_tax", "enabled"], "true");
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
    /// What is charged beside it then.
    pub others: &'a [ManyOf<'a>],
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
        form = form
            .with(&["phases", "1", "items", "0", "price"], self.price.as_str())
            .with_number(&["phases", "1", "items", "0", "quantity"], quantity);
        for (index, other) in (1..).zip(self.others) {
            let index = index.to_string();
            let quantity = i64::try_from(other.quantity).unwrap_or(i64::MAX);
            form = form
                .with(
                    &["phases", "1", "items", &index, "price"],
                    other.price.as_str(),
                )
                .with_number(&["phases", "1", "items", &index, "quantity"], quantity);
        }
        let form = form
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
