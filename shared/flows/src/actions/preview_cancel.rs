//! What an end would mean, before anybody agrees to it.

use perennial_stripe::StripeError;
use perennial_types::{
    AgreedEnd, CancelRefund, CancelWhen, Currency, GivenBack, IdempotencyKey, NotNow, Subscription,
    SubscriptionStatus, Timestamp,
};

use super::{
    ActionError, ActionErrorCode, AskedAction, NextCharge, PreviewedLine, SubscriptionActions,
    Target, end_now::basis, preview::GOOD_SECONDS,
};
use crate::{FlowError, subscriptions::Refreshed};

/// Which end is meant.
#[derive(Debug, Clone, Copy)]
pub struct AskEnd {
    /// When it takes effect.
    pub when: CancelWhen,
    /// The date, where one is named.
    pub at: Option<Timestamp>,
}

/// What an end would mean.
#[derive(Debug)]
pub struct EndPreview {
    /// The end, as it may be carried out; none for a later one, which needs no agreement to an amount.
    pub agreed: Option<AgreedEnd>,
    /// When it takes effect.
    pub takes_effect_at: Timestamp,
    /// What goes back.
    pub given_back: GivenBack,
    /// What that is made of.
    pub lines: Vec<PreviewedLine>,
    /// The next charge until then; none if there is none.
    pub next_charge: Option<NextCharge>,
    /// How the subscription stands.
    pub subscription: Subscription,
}

/// Nobody knows what a price is by then.
const LATEST_SECONDS: i64 = 2 * 366 * 24 * 3600;

impl SubscriptionActions<'_> {
    /// Reckons what an end would mean, and freezes for some minutes what goes back.
    pub async fn preview_end(
        &self,
        asked: &AskedAction,
        ask: AskEnd,
    ) -> Result<EndPreview, ActionError> {
        let of = self.target(asked).await?;
        let seen = self.read(&of).await?;
        self.may_end(asked, &seen, ask.when)?;
        match ask.when {
            CancelWhen::Now => self.reckon_end_now(asked, &of, seen).await,
            CancelWhen::PeriodEnd => {
                let end = seen.model.current_period_end;
                let at = end.ok_or(FlowError::AnswerLacks("the end of the period"))?;
                self.later(&seen, at, None)
            }
            CancelWhen::Date => {
                let at = self.date_of(&seen, ask.at)?;
                let ends_first = seen.model.current_period_end.is_none_or(|end| at <= end);
                let next = if ends_first {
                    None
                } else {
                    self.charge_before(&of, &seen, at).await?
                };
                self.later(&seen, at, next)
            }
        }
    }

    /// Reckons what an end at once gives back, as a server that asks for it without a preview agrees to.
    pub(super) async fn agree_now(
        &self,
        asked: &AskedAction,
        of: &Target<'_>,
    ) -> Result<AgreedEnd, ActionError> {
        let seen = self.read(of).await?;
        self.may_end(asked, &seen, CancelWhen::Now)?;
        if seen.model.cancel_refund(&self.cx.plans) == CancelRefund::None {
            let why = ActionErrorCode::RefundNotOffered;
            return Err(ActionError::refused(why, &seen.model));
        }
        let preview = self.reckon_end_now(asked, of, seen).await?;
        let lacking = FlowError::AnswerLacks("what goes back");
        Ok(preview.agreed.ok_or(lacking)?)
    }

    fn may_end(
        &self,
        asked: &AskedAction,
        seen: &Refreshed,
        when: CancelWhen,
    ) -> Result<(), ActionError> {
        let refuse = |why| Err(ActionError::refused(why, &seen.model));
        let may = self.may(asked.by, &seen.model).cancel;
        match (may.reason, when) {
            (Some(NotNow::Canceling), CancelWhen::Now) => refuse(ActionErrorCode::PeriodIsPaid),
            (Some(reason), _) => refuse(reason.into()),
            (None, when) if may.when.contains(&when) => Ok(()),
            (None, CancelWhen::Now) => refuse(ActionErrorCode::PeriodIsPaid),
            (None, _) if seen.model.planned_end().is_some() => refuse(ActionErrorCode::Canceling),
            (None, _) => refuse(ActionErrorCode::NoPeriodRuns),
        }
    }

    /// The date of an end, if it is one.
    pub(super) fn date_of(
        &self,
        seen: &Refreshed,
        at: Option<Timestamp>,
    ) -> Result<Timestamp, ActionError> {
        let now = self.cx.clock.now();
        let latest = now.plus_seconds(LATEST_SECONDS);
        at.filter(|at| *at > now && *at <= latest)
            .ok_or_else(|| ActionError::refused(ActionErrorCode::NoSuchDate, &seen.model))
    }

    async fn reckon_end_now(
        &self,
        asked: &AskedAction,
        of: &Target<'_>,
        seen: Refreshed,
    ) -> Result<EndPreview, ActionError> {
        let unused = if seen.model.cancel_refund(&self.cx.plans) == CancelRefund::Prorated {
            self.unused_time(of, &seen).await?
        } else {
            super::unused_time::UnusedTime::default()
        };
        let currency = match unused.currency {
            Some(currency) => currency,
            None => self.currency_of(&seen)?,
        };
        let lacking = FlowError::AnswerLacks("the subscription");
        let now = self.cx.clock.now();
        let agreed = AgreedEnd {
            id: IdempotencyKey::drawn().to_string(),
            user: asked.user.clone(),
            subscription: asked.subscription.clone(),
            currency,
            parts: unused.parts,
            basis: basis(&seen).ok_or(lacking)?,
            until: now.plus_seconds(GOOD_SECONDS),
        };
        Ok(EndPreview {
            takes_effect_at: now,
            given_back: agreed.given_back(),
            agreed: Some(agreed),
            lines: unused.lines,
            next_charge: None,
            subscription: seen.model,
        })
    }

    fn later(
        &self,
        seen: &Refreshed,
        at: Timestamp,
        next_charge: Option<NextCharge>,
    ) -> Result<EndPreview, ActionError> {
        Ok(EndPreview {
            agreed: None,
            takes_effect_at: at,
            given_back: GivenBack {
                refund: 0,
                credit: 0,
                currency: self.currency_of(seen)?,
            },
            lines: Vec::new(),
            next_charge,
            subscription: seen.model.clone(),
        })
    }

    async fn charge_before(
        &self,
        of: &Target<'_>,
        seen: &Refreshed,
        at: Timestamp,
    ) -> Result<Option<NextCharge>, ActionError> {
        let runs = matches!(
            seen.model.status,
            SubscriptionStatus::Active | SubscriptionStatus::Trialing | SubscriptionStatus::PastDue
        );
        let Some(end) = seen.model.current_period_end.filter(|_| runs) else {
            return Ok(None);
        };
        match self.cx.stripe.preview_end_at(of.id, at.unix()).await {
            Ok(next) => Ok(Some(NextCharge {
                amount: next.value.amount_due,
                at: end,
            })),
            Err(StripeError::Invalid { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn currency_of(&self, seen: &Refreshed) -> Result<Currency, ActionError> {
        let of_plan = seen
            .model
            .plans(&self.cx.plans)
            .map(|(_, plan)| plan.currency)
            .next();
        let read = seen.read.as_ref();
        let of_invoice = || read?.newest_invoice()?.currency.as_deref()?.parse().ok();
        let currency = of_plan.or_else(of_invoice);
        Ok(currency.ok_or(FlowError::AnswerLacks("a currency"))?)
    }
}
