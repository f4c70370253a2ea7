//! Whether an attempt may subscribe: at most one live subscription for each user and plan group.

use perennial_store::{Slot, SubscriptionItem, UserItems};
use perennial_types::{Attempt, AttemptState, FailureReason};

use crate::{Finish, FlowError, Flows, outgoing::checkout_failed, subscribe::Step};

/// What an attempt may do.
pub(crate) enum Right {
    /// The slot is free, or its holder is gone.
    Free,
    Step(Step),
}

impl Flows {
    pub(crate) async fn right_to_subscribe(
        &self,
        attempt: &Attempt,
        items: &UserItems,
    ) -> Result<Right, FlowError> {
        let slot = items.slot(&attempt.group);
        // A subscription of this attempt may be known before its finisher has written it down:
        // the finisher died, and the webhook was read.
        let other = items.subscriptions.iter().any(|item| {
            let other = item.attempt.as_ref() != Some(&attempt.id);
            let model = item.standing().filter(|_| other);
            model.is_some_and(|model| self.blocks(model, &attempt.group, slot))
        });
        // Once the request is frozen it may have been sent, and only Stripe knows what came of it.
        let is_new = attempt.state == AttemptState::Issued;
        if other && is_new {
            return self.give_way(attempt).await.map(Right::Step);
        }
        // A slot that was taken when the group had another name counts as well.
        let rivals = items.slots.iter().filter(|slot| {
            let holder = items.attempt(&slot.attempt);
            let same =
                holder.is_some_and(|holder| self.group_of(holder) == attempt.group) && is_new;
            slot.group == attempt.group || same
        });
        for slot in rivals {
            if let Right::Step(step) = self.right_to_slot(attempt, items, slot).await? {
                return Ok(Right::Step(step));
            }
        }
        if is_new {
            let (user, group, mine) = (&attempt.user, &attempt.group, Some(&attempt.id));
            let switched = Box::pin(self.switched_to(user, group, items, mine)).await?;
            if switched.is_some() {
                return self.give_way(attempt).await.map(Right::Step);
            }
        }
        Ok(Right::Free)
    }

    async fn right_to_slot(
        &self,
        attempt: &Attempt,
        items: &UserItems,
        slot: &Slot,
    ) -> Result<Right, FlowError> {
        if let Some(id) = &slot.subscription {
            let holder = items.subscriptions.iter().find(|item| {
                let model = item.subscription.as_ref();
                model.is_some_and(|model| model.id == *id)
            });
            let model = holder.and_then(|item| item.subscription.as_ref());
            let standing = holder.and_then(SubscriptionItem::standing);
            return match model {
                Some(model) if model.status.is_terminal() => Ok(Right::Free),
                // Nobody has read it yet, or what was read is gone.
                None => {
                    let (user, customer) = (&attempt.user, &attempt.customer);
                    Box::pin(self.refresh_subscription(user, customer, id)).await?;
                    Ok(Right::Step(Step::LookAgain))
                }
                _ if slot.attempt == attempt.id => Ok(Right::Step(Step::LookAgain)),
                // It was switched to another group at Stripe.
                Some(_)
                    if standing.is_some_and(|it| !self.blocks(it, &attempt.group, Some(slot))) =>
                {
                    Ok(Right::Free)
                }
                _ => match self
                    .named_attempt(&attempt.user, items, &slot.attempt)
                    .await?
                {
                    // Its shopper has not confirmed it, and has chosen something else by now.
                    Some(holder) if holder.state == AttemptState::Confirming => {
                        self.make_way(&holder).await.map(Right::Step)
                    }
                    _ => self.give_way(attempt).await.map(Right::Step),
                },
            };
        }
        if slot.lease > self.clock.now() {
            return Ok(Right::Step(Step::Wait));
        }
        if slot.attempt == attempt.id {
            return Ok(Right::Free);
        }
        // The finisher of another attempt is gone, and its subscription may exist. That has to be
        // settled first.
        match Box::pin(self.finish(&attempt.user, &slot.attempt, None)).await {
            Ok(Finish::Pending { .. }) => Ok(Right::Step(Step::Wait)),
            Ok(Finish::Subscribed { .. } | Finish::Failed { .. }) => {
                Ok(Right::Step(Step::LookAgain))
            }
            Err(FlowError::UnknownCheckout) => {
                Box::pin(self.right_to_forgotten(attempt, slot)).await
            }
            Err(error) => Err(error),
        }
    }

    /// The attempt that holds the slot is gone, and its request with it, so nobody sends that again.
    /// Whether anything came of it is in Stripe's list.
    async fn right_to_forgotten(&self, attempt: &Attempt, slot: &Slot) -> Result<Right, FlowError> {
        let (user, customer) = (&attempt.user, &attempt.customer);
        let Some(found) = self.find_subscription(customer, &slot.attempt).await? else {
            return Ok(Right::Free);
        };
        let item = self.refresh_subscription(user, customer, &found.id).await?;
        let stands = item.standing();
        Ok(
            if stands.is_some_and(|model| self.blocks(model, &attempt.group, None)) {
                Right::Step(Step::LookAgain)
            } else {
                Right::Free
            },
        )
    }

    /// Ends an attempt whose shopper has gone on with another; should they have confirmed it in the
    /// meantime, it is finished.
    async fn make_way(&self, holder: &Attempt) -> Result<Step, FlowError> {
        if !self.abandon_subscription(holder).await? {
            Box::pin(self.finish(&holder.user, &holder.id, None)).await?;
        }
        Ok(Step::LookAgain)
    }

    /// Ends an attempt because another one has the subscription.
    async fn give_way(&self, attempt: &Attempt) -> Result<Step, FlowError> {
        let reason = FailureReason::AlreadySubscribed;
        let told = checkout_failed(attempt, reason, self.clock.now());
        let closed = if attempt.state == AttemptState::Issued {
            self.close(attempt, AttemptState::Failed, reason).await?
        } else {
            let now = self.clock.now();
            self.table
                .fail_subscribing(attempt, reason, &told, now)
                .await?
        };
        Ok(if closed {
            Step::Answer(Finish::Failed { reason })
        } else {
            Step::LookAgain
        })
    }
}
