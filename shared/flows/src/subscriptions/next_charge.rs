//! The charge that comes, of which the shop is told in time to remind its subscriber.
//!
//! When that is to be is an attribute of the subscription's item, in the index `due`, and is written with the read
//! model. A sweep reads each subscription whose time has come, and that reading tells. Of which charge it has told is
//! a field of the model, so the event and the note of it are one transaction.

use perennial_stripe::StripeError;
use perennial_types::{
    CustomerId, Subscription, SubscriptionId, SubscriptionStatus, TRIAL_REMINDER_SECONDS,
    Timestamp, UserId,
};

use super::Subscriptions;
use crate::{FlowError, shop_events::ChargeToCome};

/// When to look again after Stripe has said that nothing is going to be charged.
const AFTER_NOTHING_SECONDS: i64 = 24 * 3600;

/// What a reading does about the next charge.
#[derive(Default)]
pub(super) struct Reminder {
    /// When the shop is to be told of it.
    pub(super) at: Option<Timestamp>,
    /// What the shop is told of it now.
    pub(super) told: Option<ChargeToCome>,
}

impl Subscriptions<'_> {
    /// Reads a subscription whose next charge may have to be told of now. False if it was not told, since it
    /// need not be yet, or nothing is charged.
    pub(crate) async fn remind(
        &self,
        user: &UserId,
        customer: &CustomerId,
        id: &SubscriptionId,
    ) -> Result<bool, FlowError> {
        let reading = Subscriptions {
            cx: self.cx,
            reminds: true,
        };
        let seen = reading.refresh(user, customer, id).await?;
        Ok(seen.model.reminded.is_some())
    }

    /// When the shop is to be told of the next charge; none if there is none, or it was told.
    pub(crate) fn remind_at(
        &self,
        read: &perennial_stripe::Subscription,
        model: &Subscription,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let charged = model.charged_at().filter(|at| *at > now)?;
        if model.reminded == Some(charged) {
            return None;
        }
        if model.status == SubscriptionStatus::Trialing {
            return Some(charged.plus_seconds(-TRIAL_REMINDER_SECONDS));
        }
        let mut prices = read.items.data.iter().filter_map(|it| it.price.as_ref());
        let price = prices.find(|price| Some(&price.id) == model.price.as_ref())?;
        let every = price.recurring.as_ref()?;
        let before = self.cx.renewal_reminder;
        let before = before.seconds(&every.interval, every.interval_count)?;
        Some(charged.plus_seconds(-before))
    }

    /// Notes in the model that the shop is told of the next charge, if it is time. A sweep asks at that time. Any
    /// other reading tells only of the end of a trial that is so near that Stripe tells of it too: it was cut short,
    /// or no sweep has run.
    pub(super) async fn reminder(
        &self,
        read: &perennial_stripe::Subscription,
        model: &mut Subscription,
        now: Timestamp,
    ) -> Result<Reminder, FlowError> {
        let at = self.remind_at(read, model, now);
        // A sweep goes by the clock of its function.
        let is_due = |at: &Timestamp| *at <= now.max(self.cx.clock.now());
        let due = at.filter(|at| self.reminds && is_due(at));
        let due = due.and_then(|_| model.charged_at());
        let near = || model.near_trial_end(now);
        let due = due.or_else(near);
        let Some(charged) = due.filter(|it| model.reminded != Some(*it)) else {
            return Ok(Reminder { at, told: None });
        };
        let told = match self.cx.stripe.preview_renewal(&model.id).await {
            Ok(next) => Some(ChargeToCome {
                amount: next.value.amount_due,
                currency: next.value.currency,
                at: charged,
            }),
            // That a trial ends is told also without the amount.
            Err(error) if model.status == SubscriptionStatus::Trialing => {
                tracing::warn!(subscription = %model.id, error = %error, "what is charged after a trial is not known");
                None
            }
            // There is nothing to come, such as with a price that is gone.
            Err(StripeError::Invalid { .. }) => {
                tracing::warn!(subscription = %model.id, "a renewal is not told of, since Stripe charges nothing");
                let at = Some(now.plus_seconds(AFTER_NOTHING_SECONDS));
                return Ok(Reminder { at, told: None });
            }
            Err(error) => return Err(error.into()),
        };
        model.reminded = Some(charged);
        Ok(Reminder { at: None, told })
    }
}
