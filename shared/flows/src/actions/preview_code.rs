//! A promotion code that a shopper redeems for a subscription that runs, with another plan or alone.

use perennial_stripe::{
    ChangePlan, Preview, PreviewEachPeriod, PreviewLine, PromotionCode, Prorate, StripeError,
};
use perennial_types::{Lasts, PromotionCodeId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{
    ActionError, ActionErrorCode, SubscriptionActions, Target,
    change_plan::ours,
    discount::{currency_of, of_code},
    frozen_change::{ChangeWhen, FrozenChange},
    later_period::LaterPeriod,
};
use crate::{
    FlowError,
    codes::{self, OfRunning},
    subscriptions::Refreshed,
};

/// Which code is meant.
#[derive(Debug, Clone)]
pub enum AskedCode {
    /// The one of these words, which a user may try so often.
    Words(String),
    /// One that was found by its words before.
    Known(PromotionCodeId),
}

/// A code as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCode {
    /// Which code.
    pub promotion_code: PromotionCodeId,
    /// What each discounted period costs, in the currency's smallest unit.
    pub amount: i64,
    /// Whether it is for one invoice.
    pub once: bool,
    /// From when on it takes nothing off; none of one that counts once or forever.
    pub until: Option<Timestamp>,
}

impl ShownCode {
    /// Which code it is, if it takes something off a period that begins then.
    pub(super) fn at(&self, then: LaterPeriod) -> Option<&PromotionCodeId> {
        then.has(self.once, self.until)
            .then_some(&self.promotion_code)
    }
}

/// When a code is redeemed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Redeeming {
    /// Whether nothing else is changed.
    pub(super) alone: bool,
    /// Whether another plan or quantity waits for the end of the period.
    pub(super) later: bool,
    /// Whether a part of a period is charged with it.
    pub(super) in_part: bool,
}

impl SubscriptionActions<'_> {
    /// The code that is redeemed with a change, as it is shown.
    pub(super) async fn redeemed_with(
        &self,
        change: &FrozenChange,
        (of, seen): (&Target<'_>, &Refreshed),
        asked: &AskedCode,
        now: Timestamp,
    ) -> Result<ShownCode, ActionError> {
        let redeeming = Redeeming {
            alone: change.keeps_items(),
            later: change.when == ChangeWhen::PeriodEnd,
            in_part: change.prorated_at.is_some() && !change.new_period,
        };
        let code = self.code_of((&change.user, of), seen, asked, redeeming);
        let code = code.await?;
        let others = change.others();
        let with_code = ChangePlan {
            subscription: of.id,
            item: &change.basis.item,
            price: change.new_price(),
            quantity: change.quantity,
            code: Some(&code.id),
            others: &others,
            prorate: Prorate::Nothing,
            new_period: false,
            begins_tax: change.begins_tax,
            request: &change.id,
        };
        self.shown_code(&with_code, &code, change, now).await
    }

    /// The code that is asked for, if this subscription may have it.
    pub(super) async fn code_of(
        &self,
        (user, of): (&UserId, &Target<'_>),
        seen: &Refreshed,
        asked: &AskedCode,
        redeeming: Redeeming,
    ) -> Result<PromotionCode, ActionError> {
        let refuse = |why| ActionError::refused(why, &seen.model);
        let read = seen.read.as_ref();
        if read.is_some_and(|read| !read.discounts.is_empty()) {
            return Err(refuse(ActionErrorCode::DiscountRuns));
        }
        if redeeming.alone && ours(seen).is_some() {
            return Err(refuse(ActionErrorCode::ChangeScheduled));
        }
        if redeeming.later {
            return Err(refuse(ActionErrorCode::CodeAlone));
        }
        let stripe = &self.cx.stripe;
        let whom = OfRunning {
            customer: &of.customer,
            currency: currency_of(seen),
            now: self.told_at(seen),
        };
        let found = match asked {
            AskedCode::Words(words) => {
                let (table, most) = (&self.cx.table, codes::TRIES_AN_HOUR);
                let now = self.cx.clock.now();
                if !table.count_code_try(user, now, most).await? {
                    return Err(refuse(ActionErrorCode::TooManyCodes));
                }
                codes::typed_for_running(stripe, words, whom).await
            }
            AskedCode::Known(id) => codes::named(stripe, id, whom).await,
        };
        let code = found.map_err(|error| of_code(error.into()))?;
        let lasts = code.coupon().and_then(codes::lasts);
        if redeeming.in_part && lasts == Some(Lasts::Once) {
            return Err(refuse(ActionErrorCode::CodeAlone));
        }
        Ok(code)
    }

    /// What a code makes of each period, as Stripe reckons it; `change` has the code.
    pub(super) async fn shown_code(
        &self,
        change: &ChangePlan<'_>,
        code: &PromotionCode,
        shown_with: &FrozenChange,
        now: Timestamp,
    ) -> Result<ShownCode, ActionError> {
        let each = self.each_with(change).await?;
        let lasts = code.coupon().and_then(codes::lasts);
        let lasts = lasts.filter(|_| codes::takes_more_off(&each, &[]));
        let lasts = lasts.ok_or(ActionErrorCode::Code(
            perennial_types::CodeRefusal::OtherPlan,
        ))?;
        Ok(ShownCode {
            promotion_code: code.id.clone(),
            amount: each_period(&each, shown_with),
            once: lasts == Lasts::Once,
            until: lasts.until(now),
        })
    }

    /// Whether a code still takes off what was shown. An amount that a coupon has in a further currency is all that can
    /// be changed of it.
    pub(super) async fn still_takes_off(
        &self,
        change: &ChangePlan<'_>,
        (shown, shown_with): (&ShownCode, &FrozenChange),
    ) -> Result<bool, ActionError> {
        let each = self.each_with(change).await?;
        Ok(each_period(&each, shown_with) <= shown.amount)
    }

    async fn each_with(&self, change: &ChangePlan<'_>) -> Result<Preview, ActionError> {
        let each = PreviewEachPeriod {
            subscription: change.subscription,
            change: Some(change),
            discounts: None,
        };
        let each = self.cx.stripe.preview_each_period(&each).await;
        Ok(each.map_err(|error| of_discounts(error.into()))?.value)
    }
}

/// What each period costs of the plan and the add-ons that there are after a change.
fn each_period(each: &Preview, change: &FrozenChange) -> i64 {
    let others = change.others_then();
    let is_of_it = |line: &&PreviewLine| {
        line.price().is_some_and(|price| {
            *price == change.price || others.iter().any(|other| other.price == price)
        })
    };
    let lines = each.lines.data.iter().filter(is_of_it);
    lines.map(PreviewLine::total).sum()
}

/// What Stripe says of a code in place of amounts is an answer about the code.
pub(super) fn of_discounts(error: ActionError) -> ActionError {
    match error {
        ActionError::Flow(FlowError::Stripe(error @ StripeError::Invalid { .. })) => {
            of_code(codes::refused(error).into())
        }
        error => error,
    }
}
