//! What a pause credits, and what its end costs, before anybody agrees to it.

use perennial_stripe::{PauseSubscription, Preview, StripeError};
use perennial_types::{By, Timestamp};

use super::{
    ActionError, AskedAction, NextCharge, Pause, SubscriptionActions, Target,
    later_period::LaterPeriod,
    preview::{balance_after, charged_of},
};
use crate::subscriptions::Refreshed;

/// What is previewed.
#[derive(Debug, Clone, Copy)]
pub enum PreviewedPause {
    /// A pause.
    Pause(Pause),
    /// Its end.
    Resume,
}

/// What a pause, or its end, would cost.
#[derive(Debug)]
pub struct PausePreview {
    /// The currency of all amounts, as Stripe writes it.
    pub currency: String,
    /// What is charged at once.
    pub due_now: i64,
    /// What is credited to the next charge.
    pub credit: i64,
    /// The next charge after that; none if nothing is charged until it is resumed.
    pub next_charge: Option<NextCharge>,
    /// When it goes on by itself.
    pub resumes_at: Option<Timestamp>,
    /// Until when the shopper has what is paid for, where that is not credited: with a pause of the collection alone.
    pub runs_until: Option<Timestamp>,
}

impl SubscriptionActions<'_> {
    /// Reckons what a pause would credit, or its end would cost.
    pub async fn preview_pause(
        &self,
        asked: &AskedAction,
        what: PreviewedPause,
    ) -> Result<PausePreview, ActionError> {
        let of = self.target(asked).await?;
        let seen = self.read(&of).await?;
        match what {
            PreviewedPause::Pause(pause) => self.preview_of_pause(&of, seen, asked.by, pause).await,
            PreviewedPause::Resume => self.preview_of_resume(&of, seen).await,
        }
    }

    async fn preview_of_pause(
        &self,
        of: &Target<'_>,
        seen: Refreshed,
        by: By,
        pause: Pause,
    ) -> Result<PausePreview, ActionError> {
        let read = self.pausable(&seen, by, pause)?;
        let stripe = &self.cx.stripe;
        let period_end = seen.model.current_period_end;
        // In classic billing mode nothing is charged before the period ends.
        let later = pause.until.max(period_end.filter(|_| read.is_classic()));
        let then = LaterPeriod {
            at: later.unwrap_or_else(|| self.cx.clock.now()),
            after_another: false,
        };
        let is_discounted = !read.discounts.is_empty();
        let recurring = self.later_period(of, None, is_discounted, then).await?;
        if read.is_classic() {
            // The period that is paid for runs on, and each invoice until the end of the pause is void.
            let next = period_end
                .zip(pause.until)
                .filter(|(end, until)| until <= end);
            return Ok(PausePreview {
                currency: recurring.currency,
                due_now: 0,
                credit: 0,
                next_charge: next.map(|(at, _)| NextCharge {
                    amount: recurring.amount_due,
                    at,
                }),
                resumes_at: pause.until,
                runs_until: period_end,
            });
        }
        let unused = PauseSubscription {
            subscription: of.id,
        };
        // Stripe previews no pause beside a schedule. Ours is given up with the pause, which credits what an end does.
        let preview = if read.schedule.is_some() {
            stripe.preview_end(of.id).await
        } else {
            stripe.preview_pause(unused).await
        };
        let (due_now, credit, balance) = match preview {
            Ok(preview) => {
                let bill = preview.value;
                let credit = bill.total.min(0).saturating_neg();
                // What the shop had left for the next invoice may be more than what is credited.
                (bill.amount_due, credit, balance_after(&bill))
            }
            // There is nothing to credit.
            Err(StripeError::Invalid { status: 404, .. }) => (0, 0, 0),
            Err(error) => return Err(error.into()),
        };
        let amount = charged_next(&recurring, balance);
        Ok(PausePreview {
            currency: recurring.currency,
            due_now,
            credit,
            next_charge: pause.until.map(|at| NextCharge { amount, at }),
            resumes_at: pause.until,
            runs_until: None,
        })
    }

    async fn preview_of_resume(
        &self,
        of: &Target<'_>,
        seen: Refreshed,
    ) -> Result<PausePreview, ActionError> {
        let now = self.cx.clock.now();
        let may = seen.model.actions(By::Server, now, &self.cx.plans).resume;
        if let Some(reason) = may.reason {
            return Err(ActionError::refused(reason.into(), &seen.model));
        }
        let due = self.due_now(of, &seen).await?;
        let then = LaterPeriod {
            at: due.until.unwrap_or(now),
            after_another: true,
        };
        let read = seen.read.as_ref();
        let is_discounted = read.is_some_and(|read| !read.discounts.is_empty());
        let recurring = self.later_period(of, None, is_discounted, then).await?;
        let amount = charged_next(&recurring, due.balance);
        Ok(PausePreview {
            currency: recurring.currency,
            due_now: due.amount,
            credit: 0,
            next_charge: due.until.map(|at| NextCharge { amount, at }),
            resumes_at: None,
            runs_until: None,
        })
    }
}

/// What is charged of a period's invoice, after what the customer has left by then.
fn charged_next(recurring: &Preview, balance: i64) -> i64 {
    match recurring.currency.parse() {
        Ok(currency) => charged_of(recurring.total, balance, currency),
        // One that Stripe has added since, whose least amount is not known.
        Err(_) => recurring.total.saturating_add(balance).max(0),
    }
}
