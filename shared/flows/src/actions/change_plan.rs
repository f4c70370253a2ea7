//! Another plan, for the amount that was shown, or not at all.

use perennial_store::ClaimedStep;
use perennial_stripe::{
    ChangeAtPeriodEnd, ChangeDiscounts, ChangePlan, CreateSchedule, Metadata, Phase, Prorate,
    Redeemed, Schedule, StripeError, metadata,
};
use perennial_types::{
    By, Claim, FrozenRequest, IdempotencyKey, PendingChange, Plan, Subscription,
};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    addons::Between,
    claim::{Held, Turn},
    frozen_change::{ChangeWhen, FrozenChange},
    preview_code::of_discounts,
};
use crate::{
    FlowError,
    claimed_step::Sent,
    subscriptions::{Refreshed, Subscriptions},
    tax,
};

/// What Stripe has made of a change.
pub(super) enum Made {
    Changed(Box<perennial_stripe::Subscription>),
    Scheduled(Box<Schedule>),
}

impl SubscriptionActions<'_> {
    /// Carries out a change that was shown, and answers with the subscription as it is then.
    pub async fn change_plan(
        &self,
        asked: &AskedAction,
        change: &FrozenChange,
    ) -> Result<Subscription, ActionError> {
        if (&change.user, &change.subscription) != (&asked.user, &asked.subscription) {
            return Err(ActionErrorCode::InvalidPreview.into());
        }
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return self.look(&of).await,
        };
        let done = Box::pin(self.change_unmoved(&of, &mut held, change)).await;
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    /// The same, while nobody moves a customer whose taxes are in the amount that was shown.
    async fn change_unmoved(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        change: &FrozenChange,
    ) -> Result<Subscription, ActionError> {
        if !change.has_tax() {
            return self.change_held(of, held, change).await;
        }
        let turn = self.cx.tax_turn(of.user).await?;
        let done = self.change_held(of, held, change).await;
        self.cx.end_tax_turn(of.user, &turn).await;
        done
    }

    async fn change_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        change: &FrozenChange,
    ) -> Result<Subscription, ActionError> {
        let seen = self.read(of).await?;
        let refuse = |why| ActionError::refused(why, &seen.model);
        if self.cx.clock.now() > change.until {
            return Err(refuse(ActionErrorCode::PreviewOutdated));
        }
        let (_, basis) = self.changeable(&seen)?;
        let plan = self.plan_of(of, change, &seen.model);
        // Another device may have scheduled something else since, in the same schedule.
        let is_shown = is_scheduled(&seen, &change.id) || to_come(&seen) == change.replaces;
        let Some(plan) = plan.filter(|_| is_shown && basis == change.basis) else {
            return Err(refuse(ActionErrorCode::PreviewOutdated));
        };
        let code = change.code.as_ref();
        let others = change.others();
        let now = ChangePlan {
            subscription: of.id,
            item: &basis.item,
            price: change.new_price(),
            quantity: change.quantity,
            code: code.map(|it| &it.promotion_code),
            others: &others,
            prorate: change.prorated_at.map_or(Prorate::Nothing, Prorate::AtOnce),
            new_period: change.new_period,
            begins_tax: change.begins_tax,
            request: &change.id,
        };
        self.check_taxed(&now, &seen, change).await?;
        if let Some(code) = code {
            let each = ChangePlan {
                prorate: Prorate::Nothing,
                new_period: false,
                ..now
            };
            if !self.still_takes_off(&each, (code, change)).await? {
                return Err(refuse(ActionErrorCode::PreviewOutdated));
            }
        }
        let ours = ours(&seen);
        let key = |step: &str| IdempotencyKey::new(&format!("act:{}:{step}", change.id));
        // A schedule that is released and made again is another one.
        let number = held.number();
        let others_then = change.others_then();
        let later = |schedule: &Schedule| {
            let now = schedule.phases.first();
            let now = now.ok_or(FlowError::AnswerLacks("a phase"))?;
            let now = counting_phase(now, &seen);
            let later = ChangeAtPeriodEnd {
                schedule: &schedule.id,
                now: &now,
                price: &change.price,
                quantity: change.quantity,
                others: &others_then,
                interval: (plan.interval, plan.interval_count),
                request: &change.id,
            };
            Ok::<_, FlowError>(later.freeze(key(&format!("phases:{number}"))?))
        };
        let request = match (change.when, ours) {
            (ChangeWhen::PeriodEnd, Some(schedule)) => later(schedule)?,
            (ChangeWhen::PeriodEnd, None) => CreateSchedule {
                subscription: of.id,
            }
            .freeze(key(&format!("schedule:{number}")).map_err(FlowError::from)?),
            (ChangeWhen::Now, _) => {
                let key = key("change").map_err(FlowError::from)?;
                match code.filter(|_| change.is_code_alone()) {
                    Some(code) => ChangeDiscounts {
                        subscription: of.id,
                        kept: &[],
                        added: Some(Redeemed::Code(&code.promotion_code)),
                        request: &change.id,
                    }
                    .freeze(key),
                    None => now.freeze(key),
                }
            }
        };
        let claim = self.freeze(of, held, request).await?;
        match self.send(of, &claim, &seen).await? {
            Made::Scheduled(schedule) if schedule.phases.len() < 2 => {
                let request = later(&schedule)?;
                self.cx
                    .stripe
                    .change_schedule(&schedule.id, &request)
                    .await?;
                self.look(of).await
            }
            Made::Scheduled(_) => self.look(of).await,
            Made::Changed(changed) => self.settle_change(of, &changed).await,
        }
    }

    /// Refuses a change whose taxes are no longer those that were shown: the customer's address and the rates are in
    /// no subscription.
    async fn check_taxed(
        &self,
        now: &ChangePlan<'_>,
        seen: &Refreshed,
        change: &FrozenChange,
    ) -> Result<(), ActionError> {
        if change.prorated_at.is_none() || !change.has_tax() {
            return Ok(());
        }
        let why = match self.cx.stripe.preview_change(now).await {
            Ok(due) if due.value.lacks_location() => ActionErrorCode::AddressNeeded,
            Ok(due) if due.value.amount_due == change.due_now => return Ok(()),
            Ok(_) | Err(StripeError::Invalid { .. }) => ActionErrorCode::PreviewOutdated,
            Err(error) => return Err(error.into()),
        };
        Err(ActionError::refused(why, &seen.model))
    }

    /// Sends what is frozen.
    pub(super) async fn send(
        &self,
        of: &Target<'_>,
        claim: &Claim,
        seen: &Refreshed,
    ) -> Result<Made, ActionError> {
        let stripe = &self.cx.stripe;
        let changes_now = claim.request.path.starts_with("/v1/subscriptions/");
        if let Some(schedule) = ours(seen).filter(|_| changes_now) {
            self.release(&schedule.id).await?;
        }
        let change = change_of(&claim.request);
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            claim,
            |frozen| {
                Box::pin(async move {
                    if changes_now {
                        let changed = stripe.change_subscription(of.id, frozen).await?.value;
                        return Ok(Made::Changed(Box::new(changed)));
                    }
                    let schedule = match frozen.path.rsplit_once("/v1/subscription_schedules/") {
                        Some((_, id)) => stripe.change_schedule(id, frozen).await?,
                        None => stripe.create_schedule(frozen).await?,
                    };
                    Ok(Made::Scheduled(Box::new(schedule.value)))
                })
            },
            || {
                Box::pin(async move {
                    let read = stripe.retrieve_subscription(of.id).await?.value;
                    Ok::<_, ActionError>(is_made(&read, change).then_some(read))
                })
            },
        );
        match sent.await? {
            Sent::Made(made) => Ok(made),
            Sent::Found(read) => Ok(Made::Changed(Box::new(read))),
            Sent::Refused(StripeError::Declined { .. }) => Err(ActionError::refused(
                ActionErrorCode::ChangeDeclined,
                &seen.model,
            )),
            Sent::Refused(error) => {
                let now = self.look(of).await?;
                let why = match of_discounts(error.into()) {
                    _ if now.status.is_terminal() => ActionErrorCode::Ended,
                    // The code was used up or ended in this moment.
                    ActionError::Refused(refusal) => refusal.why,
                    ActionError::Flow(FlowError::Stripe(error)) if tax::is_about_place(&error) => {
                        ActionErrorCode::AddressNeeded
                    }
                    ActionError::Flow(_) => ActionErrorCode::ChangeRefused,
                };
                Err(ActionError::refused(why, &now))
            }
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }

    /// What could not be paid at once waits at Stripe for its payment. It is given up, so that it does not
    /// happen hours later; the old plan stays.
    pub(super) async fn settle_change(
        &self,
        of: &Target<'_>,
        changed: &perennial_stripe::Subscription,
    ) -> Result<Subscription, ActionError> {
        let unpaid = changed
            .pending_update
            .as_ref()
            .and(changed.latest_invoice.as_ref());
        if let Some(invoice) = unpaid {
            match self.cx.stripe.void_invoice(invoice.id()).await {
                // It was voided by an earlier caller, or paid in this moment.
                Ok(_) | Err(StripeError::Invalid { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let now = self.read(of).await?;
        match unpaid {
            Some(_)
                if now
                    .read
                    .as_ref()
                    .is_none_or(|read| !is_changed(read, changed)) =>
            {
                Err(ActionError::refused(
                    ActionErrorCode::ChangeDeclined,
                    &now.model,
                ))
            }
            _ => Ok(now.model),
        }
    }

    pub(super) async fn release(&self, schedule: &str) -> Result<(), ActionError> {
        match self.cx.stripe.release_schedule(schedule).await {
            // It has been released already.
            Ok(_) | Err(StripeError::Invalid { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn read(&self, of: &Target<'_>) -> Result<Refreshed, ActionError> {
        let subscriptions = Subscriptions::of(self.cx);
        let read = subscriptions.refresh(of.user, &of.customer, of.id);
        Ok(read.await?)
    }

    /// The plan of a change, if it still has the price that was shown, or that price is kept, and it is still sold
    /// in this quantity and with these add-ons. A private one may have been taken back from the user.
    fn plan_of(
        &self,
        of: &Target<'_>,
        change: &FrozenChange,
        model: &Subscription,
    ) -> Option<&Plan> {
        let (name, plan) = self.cx.plans.get(change.plan.as_str())?;
        let is_price = change
            .new_price()
            .is_none_or(|price| plan.price == *price && of.may_know(name, plan));
        let asked = Some(change.quantity);
        let quantity = self.how_many(
            By::Server,
            asked,
            plan,
            (model, &change.basis, &change.price),
        );
        let between = Between {
            now: self.plan_now(model),
            then: plan,
            price: &change.price,
            quantity: change.quantity,
            basis: &change.basis,
        };
        let addons = between.addons(By::Server, &change.asked_addons(plan));
        Some(plan).filter(|_| is_price && quantity.is_ok() && addons == Ok(change.addons.clone()))
    }

    /// Keeps what is going to be sent with the claim.
    pub(super) async fn freeze(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        request: FrozenRequest,
    ) -> Result<Claim, ActionError> {
        let claim = self.cx.claim(request);
        if !self.freeze_held(of, held, &claim).await? {
            return Err(FlowError::Busy.into());
        }
        Ok(claim)
    }
}

/// The schedule of a subscription, if a change here has made it.
pub(super) fn ours(seen: &Refreshed) -> Option<&Schedule> {
    let schedule = seen.read.as_ref()?.schedule.as_ref()?.object()?;
    Some(schedule).filter(|schedule| schedule.metadata.contains_key(metadata::ACTION))
}

/// The change that such a schedule makes at the end of the period.
pub(super) fn to_come(seen: &Refreshed) -> Option<PendingChange> {
    ours(seen).and(seen.model.pending_change.clone())
}

/// Whether that change is the one to come.
pub(super) fn is_scheduled(seen: &Refreshed, change: &str) -> bool {
    ours(seen).is_some_and(|schedule| names(&schedule.metadata, change))
}

/// Which change a request that was frozen here carries out.
pub(super) fn change_of(request: &FrozenRequest) -> &str {
    let key = request.idempotency_key.as_str();
    key.split(':').nth(1).unwrap_or_default()
}

fn names(metadata: &Metadata, change: &str) -> bool {
    metadata
        .get(metadata::ACTION)
        .is_some_and(|named| named == change)
}

/// Whether that change is the last one that was made.
pub(super) fn is_made(read: &perennial_stripe::Subscription, change: &str) -> bool {
    read.pending_update.is_none() && names(&read.metadata, change)
}

/// Whether that change waits at Stripe for its payment.
pub(super) fn waits(read: &perennial_stripe::Subscription, change: &str) -> bool {
    let pending = read.pending_update.as_ref();
    pending.is_some_and(|pending| names(&pending.metadata, change) || names(&read.metadata, change))
}

/// Whether a change that waited for its payment has been made after all.
fn is_changed(now: &perennial_stripe::Subscription, then: &perennial_stripe::Subscription) -> bool {
    let sold = |it: &perennial_stripe::Subscription| -> Vec<_> {
        let items = it.items.data.iter();
        items
            .map(|item| (item.price_id().cloned(), item.quantity))
            .collect()
    };
    now.pending_update.is_none() && sold(now) != sold(then)
}

/// The phase of a schedule that was made earlier still has a discount that is over by now, and Stripe knows none of that
/// id any more.
fn counting_phase(phase: &Phase, seen: &Refreshed) -> Phase {
    let mut phase = phase.clone();
    if let Some(read) = &seen.read {
        let counts = |id: &String| read.discounts.iter().any(|it| it.id() == id);
        phase
            .discounts
            .retain(|it| it.discount.as_ref().is_none_or(counts));
    }
    phase
}
