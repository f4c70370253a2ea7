//! Whether an attempt may subscribe: at most one live subscription for each user and plan group.

use std::ops::ControlFlow;

use perennial_store::{Slot, SubscriptionItem, UserItems};
use perennial_types::{Attempt, Ending, FailureReason, Phase};

use super::{Checkouts, Outcome, Step};
use crate::{FlowError, subscriptions::Subscriptions};

/// Whether the slot is free, or its holder is gone; or what to do instead of taking it.
type Access = ControlFlow<Step<Outcome>>;

const FREE: Access = ControlFlow::Continue(());
const LOOK_AGAIN: Access = ControlFlow::Break(Step::LookAgain);

impl Checkouts<'_> {
    pub(super) async fn slot_access(
        &self,
        attempt: &Attempt,
        items: &UserItems,
    ) -> Result<Access, FlowError> {
        let slot = items.slot(&attempt.group);
        // A subscription of this attempt may be known before its finisher has written it down:
        // the finisher died, and the webhook was read.
        let other = items.subscriptions.iter().any(|item| {
            let other = item.attempt.as_ref() != Some(&attempt.id);
            let model = item.standing().filter(|_| other);
            model
                .is_some_and(|model| Subscriptions::of(self.cx).blocks(model, &attempt.group, slot))
        });
        // Once the request is frozen it may have been sent, and only Stripe knows what came of it.
        let is_new = attempt.is_issued();
        if other && is_new {
            return self.lose_slot(attempt).await.map(ControlFlow::Break);
        }
        // A slot that was taken when the group had another name counts as well.
        let rivals = items.slots.iter().filter(|slot| {
            let holder = items.attempt(&slot.attempt);
            let same = holder
                .is_some_and(|holder| Subscriptions::of(self.cx).group_of(holder) == attempt.group)
                && is_new;
            slot.group == attempt.group || same
        });
        for slot in rivals {
            let access = Box::pin(self.access_past(attempt, items, slot)).await?;
            if access.is_break() {
                return Ok(access);
            }
        }
        if is_new {
            let (user, group, mine) = (&attempt.user, &attempt.group, Some(&attempt.id));
            let switched =
                Box::pin(Subscriptions::of(self.cx).switched_to(user, group, items, mine)).await?;
            if switched.is_some() {
                return self.lose_slot(attempt).await.map(ControlFlow::Break);
            }
        }
        Ok(FREE)
    }

    /// The same, with one of the slots that may stand in the way.
    async fn access_past(
        &self,
        attempt: &Attempt,
        items: &UserItems,
        slot: &Slot,
    ) -> Result<Access, FlowError> {
        if let Some(id) = &slot.subscription {
            let holder = items.subscriptions.iter().find(|item| {
                let model = item.subscription.as_ref();
                model.is_some_and(|model| model.id == *id)
            });
            let model = holder.and_then(|item| item.subscription.as_ref());
            let standing = holder.and_then(SubscriptionItem::standing);
            return match model {
                Some(model) if model.status.is_terminal() => Ok(FREE),
                // It has no read model yet, or none any more, or has ended long ago.
                None => {
                    let (user, customer) = (&attempt.user, &attempt.customer);
                    let archived = self.cx.table.archived_subscription(user, id);
                    if Box::pin(archived).await?.is_some() {
                        return Ok(FREE);
                    }
                    Box::pin(Subscriptions::of(self.cx).refresh(user, customer, id)).await?;
                    Ok(LOOK_AGAIN)
                }
                _ if slot.attempt == attempt.id => Ok(LOOK_AGAIN),
                // It was switched to another group at Stripe.
                Some(_)
                    if standing.is_some_and(|it| {
                        !Subscriptions::of(self.cx).blocks(it, &attempt.group, Some(slot))
                    }) =>
                {
                    Ok(FREE)
                }
                _ => match self
                    .named_attempt(&attempt.user, items, &slot.attempt)
                    .await?
                {
                    // Its shopper has not confirmed it, and has chosen something else by now.
                    Some(holder) if matches!(holder.phase, Phase::Confirming(_)) => {
                        self.evict(holder).await.map(ControlFlow::Break)
                    }
                    _ => self.lose_slot(attempt).await.map(ControlFlow::Break),
                },
            };
        }
        if slot.lease > self.cx.clock.now() {
            return Ok(ControlFlow::Break(Step::Wait));
        }
        if slot.attempt == attempt.id {
            return Ok(FREE);
        }
        let (user, holder) = (&attempt.user, &slot.attempt);
        match self.named_attempt(user, items, holder).await? {
            // The lease of its finisher has run out, and its subscription may exist.
            Some(holder) if !matches!(holder.phase, Phase::Ended { .. }) => {
                Ok(ControlFlow::Break(Step::FinishFirst(Box::new(holder))))
            }
            // It sends nothing any more.
            _ => Box::pin(self.access_past_forgotten(attempt, slot)).await,
        }
    }

    /// The attempt that holds the slot is gone or has ended, so its frozen request is not sent again.
    /// Whether a subscription came of it is in Stripe's list.
    async fn access_past_forgotten(
        &self,
        attempt: &Attempt,
        slot: &Slot,
    ) -> Result<Access, FlowError> {
        let (user, customer) = (&attempt.user, &attempt.customer);
        let Some(found) = self.find_subscription(customer, &slot.attempt).await? else {
            return Ok(FREE);
        };
        let subscriptions = Subscriptions::of(self.cx);
        let reading = subscriptions.refresh(user, customer, &found.id).await?;
        let blocks = |model| subscriptions.blocks(model, &attempt.group, None);
        Ok(if reading.standing().is_some_and(blocks) {
            LOOK_AGAIN
        } else {
            FREE
        })
    }

    /// Ends an attempt whose shopper has gone on with another; should they have confirmed it in the
    /// meantime, it is finished.
    async fn evict(&self, holder: Attempt) -> Result<Step<Outcome>, FlowError> {
        let why = perennial_stripe::CancellationReason::Abandoned;
        Ok(if self.abandon(&holder, why).await? {
            Step::LookAgain
        } else {
            Step::FinishFirst(Box::new(holder))
        })
    }

    /// Ends an attempt because another one has the subscription.
    async fn lose_slot(&self, attempt: &Attempt) -> Result<Step<Outcome>, FlowError> {
        let reason = FailureReason::AlreadySubscribed;
        if !attempt.is_issued() {
            return self.fail(attempt, reason).await;
        }
        Ok(if self.close(attempt, Ending::Failed, reason).await? {
            Step::failed(reason)
        } else {
            Step::LookAgain
        })
    }
}
