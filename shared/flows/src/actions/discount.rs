//! A discount that a server of the shop puts on a subscription that runs, or takes off.
//!
//! It counts from the next invoice; nothing is prorated.

use perennial_store::{ActionOutcome, ClaimedStep};
use perennial_stripe::{ChangeDiscounts, Expandable, Redeemed};
use perennial_types::{Claim, FrozenRequest, IdempotencyKey, PromotionCodeId};

use super::{
    ActionError, ActionErrorCode, AskedAction, SubscriptionActions, Target,
    abandoned::STILL_MEANT_SECONDS,
    change_plan::{change_of, is_made, ours},
    claim::{Held, Turn},
    pausing::ended,
};
use crate::{
    FlowError,
    claimed_step::Sent,
    codes::{self, OfRunning},
    subscriptions::Refreshed,
};

/// By this, whoever takes a claim over knows what was frozen.
const KEY_END: &str = ":discount";

/// What becomes of the discounts of a subscription.
#[derive(Debug, Clone)]
pub enum Discounting {
    /// A coupon is redeemed beside them, by its id.
    Coupon(String),
    /// A promotion code is.
    Code(PromotionCodeId),
    /// All of them are taken off.
    Remove,
}

impl Discounting {
    fn redeemed(&self) -> Option<Redeemed<'_>> {
        match self {
            Self::Coupon(id) => Some(Redeemed::Coupon(id)),
            Self::Code(id) => Some(Redeemed::Code(id)),
            Self::Remove => None,
        }
    }
}

impl SubscriptionActions<'_> {
    /// Puts a discount on a subscription, or takes those off that it has.
    pub async fn discount(
        &self,
        asked: &AskedAction,
        what: &Discounting,
    ) -> Result<(), ActionError> {
        let of = self.target(asked).await?;
        let mut held = match self.turn(&of, asked, None).await? {
            Turn::Mine(held) => held,
            Turn::Over(_) => return Ok(()),
        };
        let done = Box::pin(self.discount_held(&of, &mut held, what)).await;
        let done = done.map_err(of_code);
        self.give_back(&of, asked, held, &done, None).await?;
        done
    }

    async fn discount_held(
        &self,
        of: &Target<'_>,
        held: &mut Held,
        what: &Discounting,
    ) -> Result<(), ActionError> {
        let seen = self.read(of).await?;
        check_discounts(&seen)?;
        let now = discounts_of(&seen);
        let kept = match what.redeemed() {
            Some(_) => now,
            None if now.is_empty() => {
                return Err(ActionError::refused(
                    ActionErrorCode::NoDiscount,
                    &seen.model,
                ));
            }
            None => Vec::new(),
        };
        let request = IdempotencyKey::drawn().to_string();
        let change = ChangeDiscounts {
            subscription: of.id,
            kept: &kept,
            added: what.redeemed(),
            request: &request,
        };
        let currency = currency_of(&seen);
        let whom = OfRunning {
            customer: &of.customer,
            currency,
            now: self.told_at(&seen),
        };
        let stripe = &self.cx.stripe;
        match what {
            Discounting::Coupon(id) => codes::coupon(stripe, id, whom).await?,
            Discounting::Code(id) => drop(codes::named(stripe, id, whom).await?),
            Discounting::Remove => {}
        }
        if change.added.is_some() {
            codes::takes_off(stripe, &change).await?;
        }
        let key = IdempotencyKey::new(&format!("act:{request}{KEY_END}"));
        let frozen = change.freeze(key.map_err(FlowError::from)?);
        let claim = self.freeze(of, held, frozen).await?;
        self.send_discounts(of, &claim).await
    }

    async fn send_discounts(&self, of: &Target<'_>, claim: &Claim) -> Result<(), ActionError> {
        let stripe = &self.cx.stripe;
        let change = change_of(&claim.request);
        let sent = self.cx.send_claimed(
            ClaimedStep::Action(of.user, of.id),
            claim,
            |frozen| {
                Box::pin(async move { Ok(stripe.change_subscription(of.id, frozen).await?.value) })
            },
            || {
                Box::pin(async move {
                    let read = stripe.retrieve_subscription(of.id).await?.value;
                    Ok::<_, ActionError>(is_made(&read, change).then_some(read))
                })
            },
        );
        match sent.await? {
            Sent::Made(_) | Sent::Found(_) => Ok(()),
            Sent::Refused(error) => {
                let now = self.read(of).await?;
                // It may be another one than was looked at.
                check_discounts(&now)?;
                let why = match codes::refused(error) {
                    FlowError::Code(why) => ActionErrorCode::Code(why),
                    error => {
                        tracing::error!(subscription = %of.id, error = %error.chain(),
                            "a discount that the shop's server has asked for was refused by Stripe");
                        ActionErrorCode::ChangeRefused
                    }
                };
                Err(ActionError::refused(why, &now.model))
            }
            Sent::Spent(error) | Sent::Released(error) => Err(error.into()),
        }
    }

    /// Brings to its end what another caller has frozen before it died. Nothing comes of what was asked for long ago,
    /// or for other discounts than there are by now, and of which Stripe knows nothing.
    pub(super) async fn finish_abandoned_discount(
        &self,
        of: &Target<'_>,
        claim: &Claim,
    ) -> Result<Option<ActionOutcome>, ActionError> {
        let done = match self.discount_abandoned(of, claim).await {
            Ok(()) => self.look(of).await,
            Err(error) => Err(error),
        };
        ended(done)
    }

    async fn discount_abandoned(&self, of: &Target<'_>, claim: &Claim) -> Result<(), ActionError> {
        let seen = self.read(of).await?;
        let change = change_of(&claim.request);
        if seen.read.as_ref().is_some_and(|read| is_made(read, change)) {
            return Ok(());
        }
        let age = self.cx.clock.now().unix() - claim.frozen_at.unix();
        let kept = ChangeDiscounts::kept(&claim.request);
        let now = discounts_of(&seen);
        // The list takes the place of the one that there is.
        let stays = kept.is_none_or(|kept| now == kept);
        if age > STILL_MEANT_SECONDS || !stays {
            return Err(ActionError::refused(ActionErrorCode::Changed, &seen.model));
        }
        check_discounts(&seen)?;
        self.send_discounts(of, claim).await
    }
}

/// Whether the discounts of a subscription may be changed here. A schedule has its own, and what waits for its
/// payment was reckoned with those of now.
pub(super) fn check_discounts(seen: &Refreshed) -> Result<(), ActionError> {
    let model = &seen.model;
    let read = seen.read.as_ref();
    let why = if model.status.is_terminal() {
        ActionErrorCode::Ended
    } else if model.awaits_shopper() {
        ActionErrorCode::NotConfirmed
    } else if ours(seen).is_some() {
        ActionErrorCode::ChangeScheduled
    } else if read.is_some_and(|read| read.schedule.is_some()) {
        ActionErrorCode::Scheduled
    } else if read.is_some_and(|read| read.pending_update.is_some()) {
        ActionErrorCode::PaymentOpen
    } else {
        return Ok(());
    };
    Err(ActionError::refused(why, model))
}

/// Whether what was frozen here changes the discounts alone.
pub(super) fn is_of_discounts(request: &FrozenRequest) -> bool {
    request.idempotency_key.as_str().ends_with(KEY_END)
}

/// A code that is not taken is an answer about the subscription, which a repeat gets too.
pub(super) fn of_code(error: ActionError) -> ActionError {
    match error {
        ActionError::Flow(FlowError::Code(why)) => ActionErrorCode::Code(why).into(),
        error => error,
    }
}

/// The discounts that a subscription has of its own.
pub(super) fn discounts_of(seen: &Refreshed) -> Vec<String> {
    let read = seen.read.as_ref();
    let discounts = read.map(|read| read.discounts.as_slice());
    let ids = discounts.unwrap_or_default().iter().map(Expandable::id);
    ids.cloned().collect()
}

/// The currency in which a subscription is charged.
pub(super) fn currency_of(seen: &Refreshed) -> &str {
    let items = seen.read.as_ref().map(|read| read.items.data.as_slice());
    let mut prices = items
        .unwrap_or_default()
        .iter()
        .filter_map(|it| it.price.as_ref());
    prices.next().map_or("", |price| &price.currency)
}
