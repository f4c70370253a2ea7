//! What another plan would cost, before anybody agrees to it.

use std::collections::BTreeMap;

use perennial_stripe::{ChangePlan, Preview, PreviewLine, Prorate, SubscriptionItem};
use perennial_types::{
    AddonName, By, Currency, IdempotencyKey, Interval, Plan, PlanName, PriceId, Subscription,
    TaxBehavior, Timestamp,
};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    addons::{Between, cost_now, split, unit_amount},
    change_plan::{ours, to_come},
    frozen_change::{Basis, ChangeWhen, FrozenChange},
    later_period::LaterPeriod,
    preview_code::{AskedCode, of_discounts},
};
use crate::subscriptions::Refreshed;

/// How long a preview may be agreed to.
pub(super) const GOOD_SECONDS: i64 = 15 * 60;

/// Which change is meant.
#[derive(Debug, Clone)]
pub struct AskPlan {
    /// The plan's name; none if only the quantity is to be another, and the price stays whichever it is.
    pub plan: Option<String>,
    /// How many; without it as many as now, as far as the plan is sold so.
    pub quantity: Option<u64>,
    /// A promotion code that is redeemed with it, or alone.
    pub code: Option<AskedCode>,
    /// How many of which add-on; those that are not named stay.
    pub addons: BTreeMap<String, u64>,
    /// When. Without it, a dearer plan is for now and a cheaper one for the end of the period.
    pub when: Option<ChangeWhen>,
}

/// What a change would cost.
#[derive(Debug)]
pub struct PlanPreview {
    /// The change, as it may be carried out.
    pub change: FrozenChange,
    /// The currency of all amounts.
    pub currency: Currency,
    /// When it takes effect.
    pub takes_effect_at: Timestamp,
    /// What the invoice of the change is made of; none if there is none.
    pub lines: Vec<PreviewedLine>,
    /// The taxes on that invoice; none of a subscription without.
    pub tax: Option<PreviewedTax>,
    /// What the shopper has left afterwards for invoices to come.
    pub credit_left: i64,
    /// The next charge after that.
    pub next_charge: NextCharge,
    /// How the subscription stands.
    pub subscription: Subscription,
}

/// A line of an invoice to come.
#[derive(Debug, Clone)]
pub struct PreviewedLine {
    /// What it is for, in Stripe's words.
    pub description: String,
    /// What it comes to; below 0 for a credit.
    pub amount: i64,
    /// The time that it is for.
    pub from: Timestamp,
    /// The second after that.
    pub to: Timestamp,
}

/// The taxes on an invoice to come.
#[derive(Debug, Clone, Copy, Default)]
pub struct PreviewedTax {
    /// How much, in the currency's smallest unit; below 0 for a credit.
    pub amount: i64,
    /// Whether they are in the lines or on top of them.
    pub behavior: Option<TaxBehavior>,
}

impl PreviewedTax {
    fn of(preview: &Preview) -> Self {
        let lines = || preview.lines.data.iter();
        Self {
            amount: lines().map(PreviewLine::tax).fold(0, i64::saturating_add),
            behavior: lines().find_map(PreviewLine::tax_behavior),
        }
    }
}

impl PreviewedLine {
    pub(super) fn of(line: &PreviewLine) -> Self {
        Self {
            description: line.description.clone().unwrap_or_default(),
            amount: line.amount,
            from: Timestamp::from_unix(line.period.start),
            to: Timestamp::from_unix(line.period.end),
        }
    }
}

/// A charge to come.
#[derive(Debug, Clone, Copy)]
pub struct NextCharge {
    /// How much, in the currency's smallest unit.
    pub amount: i64,
    /// When its invoice is drawn up; it is charged about an hour later.
    pub at: Timestamp,
}

impl SubscriptionActions<'_> {
    /// Reckons what another plan would cost, and freezes it for some minutes.
    pub async fn preview_plan(
        &self,
        asked: &AskedAction,
        ask: &AskPlan,
    ) -> Result<PlanPreview, ActionError> {
        let of = self.target(asked).await?;
        let seen = self.read(&of).await?;
        let (item, basis) = self.changeable(&seen)?;
        let refuse = |why| ActionError::refused(why, &seen.model);
        let (name, plan) = self.wanted(&of, &seen.model, ask)?;
        let price = ask.plan.as_ref().map_or(&basis.price, |_| &plan.price);
        let quantity = self.how_many(asked.by, ask.quantity, plan, (&seen.model, &basis, price));
        let quantity = quantity.map_err(refuse)?;
        let same_price = *price == basis.price;
        let between = Between {
            now: self.plan_now(&seen.model),
            then: plan,
            price,
            quantity,
            basis: &basis,
        };
        let addons = between.addons(asked.by, &ask.addons).map_err(refuse)?;
        let mut change = FrozenChange {
            id: IdempotencyKey::drawn().to_string(),
            user: asked.user.clone(),
            subscription: asked.subscription.clone(),
            plan: name.clone(),
            price: price.clone(),
            quantity,
            code: None,
            addons,
            when: ChangeWhen::Now,
            new_period: false,
            begins_tax: false,
            prorated_at: None,
            due_now: 0,
            until: self.cx.clock.now().plus_seconds(GOOD_SECONDS),
            replaces: to_come(&seen),
            basis: basis.clone(),
        };
        let alone = change.keeps_items();
        if alone && ask.code.is_none() {
            return Err(refuse(ActionErrorCode::SamePlan));
        }
        let current = self.cx.plans.charging(&basis.price, None, None);
        let same_interval = same_price
            || current.is_some_and(|(_, current)| {
                (current.interval, current.interval_count) == (plan.interval, plan.interval_count)
            });
        // Who pays for a longer time ahead, or more for the same time, has it at once.
        let cost = between.cost(&change.addons, |price| unit_amount(&seen, price));
        let is_dearer = if same_price {
            cost >= cost_now(&seen)
        } else {
            current.is_none_or(|(_, now)| (days(plan), cost) >= (days(now), cost_now(&seen)))
        };
        change.begins_tax = plan.tax.is_some() && !same_price && !basis.taxed;
        if change.begins_tax && ask.when == Some(ChangeWhen::PeriodEnd) {
            return Err(refuse(ActionErrorCode::TaxBeginsNow));
        }
        let is_for_now = is_dearer || change.begins_tax;
        change.when = ask.when.unwrap_or(if is_for_now || basis.is_trialing() {
            ChangeWhen::Now
        } else {
            ChangeWhen::PeriodEnd
        });
        let now = seen.at.unwrap_or_else(|| self.cx.clock.now().unix());
        let is_now = change.when == ChangeWhen::Now;
        change.prorated_at = (is_now && !alone && !basis.is_trialing()).then_some(now);
        change.new_period = is_now && !same_interval && !basis.is_trialing();
        if let Some(code) = &ask.code {
            let shown = self.redeemed_with(&change, (&of, &seen), code, Timestamp::from_unix(now));
            change.code = Some(shown.await?);
        }
        // The next invoice would be that of the plan to come, which this one takes the place of; and Stripe does not say
        // to which period an item of another interval belongs whose anchor stays.
        let is_apart =
            ours(&seen).is_some() || change.when == ChangeWhen::PeriodEnd && !same_interval;
        let reckoned = self.reckon(&of, &item, plan, change, seen.model, is_apart);
        reckoned.await.map_err(of_discounts)
    }

    /// The item of the plan of a subscription that can have another one now, and what that rests on.
    pub(super) fn changeable(
        &self,
        seen: &Refreshed,
    ) -> Result<(SubscriptionItem, Basis), ActionError> {
        let refuse = |why| ActionError::refused(why, &seen.model);
        if let Some(reason) = self.may(By::Server, &seen.model).change_plan.reason {
            return Err(refuse(reason.into()));
        }
        let read = seen
            .read
            .as_ref()
            .ok_or_else(|| refuse(ActionErrorCode::Ended))?;
        if read.schedule.is_some() && ours(seen).is_none() {
            return Err(refuse(ActionErrorCode::Scheduled));
        }
        let items = split(seen, self.plan_now(&seen.model));
        let (item, addons) = items.ok_or_else(|| refuse(ActionErrorCode::SeveralItems))?;
        let basis = Basis::of(read, item, addons);
        let basis = basis.ok_or_else(|| refuse(ActionErrorCode::SeveralItems))?;
        Ok((item.clone(), basis))
    }

    /// The plan that the subscription has; none of a price that no plan has.
    pub(super) fn plan_now(&self, model: &Subscription) -> Option<&Plan> {
        let name = model.plan.as_ref()?;
        self.cx.plans.get(name.as_str()).map(|(_, plan)| plan)
    }

    /// The plan that is asked for, or the one that the subscription has.
    fn wanted(
        &self,
        of: &Target<'_>,
        model: &Subscription,
        ask: &AskPlan,
    ) -> Result<(&PlanName, &Plan), ActionError> {
        if let Some(wanted) = &ask.plan {
            return self.other_plan(of, model, wanted);
        }
        let kept = model.plan.as_ref();
        let kept = kept.and_then(|name| self.cx.plans.get(name.as_str()));
        kept.ok_or_else(|| ActionError::refused(ActionErrorCode::QuantityNotOffered, model))
    }

    /// How many of a plan, at this price, the subscription gets in place of what it has.
    pub(super) fn how_many(
        &self,
        by: By,
        asked: Option<u64>,
        plan: &Plan,
        (model, basis, price): (&Subscription, &Basis, &PriceId),
    ) -> Result<u64, ActionErrorCode> {
        let kept = if *price == basis.price {
            basis.quantity
        } else {
            plan.instead_of(model.sole_plan(&self.cx.plans), basis.quantity)
        };
        let Some(quantity) = asked.filter(|asked| *asked != kept) else {
            return Ok(kept);
        };
        if by == By::Shopper && plan.quantity.is_some_and(|it| !it.shopper_may_change) {
            return Err(ActionErrorCode::QuantityNotAllowed);
        }
        if !plan.sells(quantity) {
            return Err(ActionErrorCode::QuantityNotOffered);
        }
        Ok(quantity)
    }

    /// The plan that is asked for, if this subscription may have it.
    fn other_plan(
        &self,
        of: &Target<'_>,
        model: &Subscription,
        wanted: &str,
    ) -> Result<(&PlanName, &Plan), ActionError> {
        let refuse = |why| ActionError::refused(why, model);
        let plans = &self.cx.plans;
        let is_own = |name: &PlanName| model.plans(plans).any(|(own, _)| own == name);
        let found = self.plan_for((of.by, &of.offers), wanted, is_own);
        let (name, plan) = found.map_err(|why| match why {
            ActionErrorCode::UnknownPlan => why.into(),
            why => refuse(why),
        })?;
        // Whose plan it is keeps the price that they pay.
        if !of.may_know(name, plan) && !model.charged().contains(&plan.price) {
            return Err(refuse(ActionErrorCode::PlanNotAvailable));
        }
        if !model.is_of_group(plans, &plan.group) {
            return Err(refuse(ActionErrorCode::OtherGroup));
        }
        if plan.refusal.is_some() && !model.charged().contains(&plan.price) {
            return Err(refuse(ActionErrorCode::PlanNotAvailable));
        }
        let mut paid = model.plans(plans);
        if paid.any(|(_, paid)| paid.currency != plan.currency) {
            return Err(refuse(ActionErrorCode::OtherCurrency));
        }
        if model
            .wallet
            .is_some_and(|wallet| !plan.wallets.contains(&wallet))
        {
            return Err(refuse(ActionErrorCode::OtherWallet));
        }
        Ok((name, plan))
    }

    async fn reckon(
        &self,
        of: &Target<'_>,
        item: &SubscriptionItem,
        plan: &Plan,
        change: FrozenChange,
        subscription: Subscription,
        is_apart: bool,
    ) -> Result<PlanPreview, ActionError> {
        let stripe = &self.cx.stripe;
        let others = change.others();
        let asked = |prorate, new_period| ChangePlan {
            subscription: of.id,
            item: &item.id,
            price: change.new_price(),
            quantity: change.quantity,
            code: change.code.as_ref().map(|it| &it.promotion_code),
            others: &others,
            prorate,
            new_period,
            begins_tax: change.begins_tax,
            request: &change.id,
        };
        let nowhere = || ActionError::refused(ActionErrorCode::AddressNeeded, &subscription);
        let period_end = Timestamp::from_unix(change.basis.period_end);
        // A period that begins later, with the code if it still counts then.
        let later = async |new_period, then: LaterPeriod| {
            let code = change.code.as_ref().and_then(|code| code.at(then));
            let each = asked(Prorate::Nothing, new_period);
            let each = ChangePlan { code, ..each };
            let is_discounted = change.basis.discounts > 0;
            self.later_period(of, Some(&each), is_discounted, then)
                .await
        };
        // What is charged from the next period on, with what discounts and taxes are left by then.
        let renewal = async || {
            if !is_apart {
                let next = asked(Prorate::Nothing, false);
                return Ok::<_, ActionError>(stripe.preview_change(&next).await?.value);
            }
            let then = LaterPeriod {
                at: period_end,
                after_another: false,
            };
            let each = later(false, then).await?;
            let now = stripe.preview_renewal(of.id).await?.value;
            Ok(after_balance(each, now.starting_balance, plan.currency))
        };
        let Some(at) = change.prorated_at else {
            let next = renewal().await?;
            if next.lacks_location() {
                return Err(nowhere());
            }
            let takes_effect_at = match change.when {
                ChangeWhen::Now => self.cx.clock.now(),
                ChangeWhen::PeriodEnd => period_end,
            };
            return Ok(PlanPreview {
                currency: plan.currency,
                takes_effect_at,
                lines: Vec::new(),
                tax: change.has_tax().then(PreviewedTax::default),
                credit_left: credit(&next),
                next_charge: NextCharge {
                    amount: next.amount_due,
                    at: period_end,
                },
                change,
                subscription,
            });
        };
        let due = asked(Prorate::AtOnce(at), change.new_period);
        let due = stripe.preview_change(&due).await?.value;
        if due.lacks_location() {
            return Err(nowhere());
        }
        let lines: Vec<PreviewedLine> = due.lines.data.iter().map(PreviewedLine::of).collect();
        // What the change leaves is settled with the invoice after it: a credit, or a difference that is too small
        // to be charged by itself.
        let (total, next_at) = if change.new_period {
            // The new period has been paid with the change; another one of its kind follows it. What is left of the old
            // one may have ended later.
            let begun = due.lines.data.iter().filter(|line| !line.is_proration());
            let ends = begun.map(|line| line.period.end).max();
            let then = LaterPeriod {
                at: ends.map_or(period_end, Timestamp::from_unix),
                after_another: true,
            };
            (later(true, then).await?.total, then.at)
        } else {
            (renewal().await?.total, period_end)
        };
        let next_charge = NextCharge {
            amount: charged_of(total, balance_after(&due), plan.currency),
            at: next_at,
        };
        Ok(PlanPreview {
            currency: plan.currency,
            takes_effect_at: Timestamp::from_unix(at),
            lines,
            tax: change.has_tax().then(|| PreviewedTax::of(&due)),
            credit_left: credit(&due),
            next_charge,
            change: FrozenChange {
                due_now: due.amount_due,
                ..change
            },
            subscription,
        })
    }
}

impl PlanPreview {
    /// The add-ons that there are after the change, and how many of each.
    pub fn addons(&self) -> impl Iterator<Item = (&AddonName, u64)> {
        let all = self.change.addons.iter().filter(|it| it.quantity > 0);
        all.map(|it| (&it.name, it.quantity))
    }

    /// The add-ons that end with it.
    pub fn ended_addons(&self) -> impl Iterator<Item = &AddonName> {
        let had = |item: &Option<String>| {
            let mut all = self.change.basis.addons.iter();
            all.any(|it| Some(&it.item) == item.as_ref() && it.quantity > 0)
        };
        let all = self.change.addons.iter();
        all.filter(move |it| it.quantity == 0 && had(&it.item))
            .map(|it| &it.name)
    }
}

/// An invoice that Stripe has told without the customer's balance, with it.
fn after_balance(each: Preview, balance: i64, currency: Currency) -> Preview {
    let due = balance.saturating_add(each.total);
    let amount_due = charged_of(each.total, balance, currency);
    Preview {
        starting_balance: balance,
        ending_balance: Some(due.saturating_sub(amount_due)),
        amount_due,
        ..each
    }
}

/// What the customer has left after an invoice.
fn credit(preview: &Preview) -> i64 {
    balance_after(preview).min(0).saturating_neg()
}

/// The customer's balance after an invoice: below 0 for what is left for those to come, and above for what is
/// added to the next one, since Stripe charges nothing below its least amount
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub(super) fn balance_after(preview: &Preview) -> i64 {
    preview.ending_balance.unwrap_or_else(|| {
        let total = preview.starting_balance.saturating_add(preview.total);
        total.saturating_sub(preview.amount_due)
    })
}

/// What Stripe charges of a total and the customer's balance before it: nothing below its least amount, which it adds to
/// the invoice after (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub(super) fn charged_of(total: i64, balance: i64, currency: Currency) -> i64 {
    let due = total.saturating_add(balance);
    match u64::try_from(due) {
        Ok(enough) if enough >= currency.smallest_charge() => due,
        _ => 0,
    }
}

/// About how long a plan's period is.
fn days(plan: &Plan) -> u64 {
    let days: u64 = match plan.interval {
        Interval::Day => 1,
        Interval::Week => 7,
        Interval::Month => 30,
        Interval::Year => 365,
    };
    days.saturating_mul(plan.interval_count.into())
}
