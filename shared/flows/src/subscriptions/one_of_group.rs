//! At most one live subscription for each user and plan group, also when subscriptions are created
//! or switched at Stripe: in the customer portal, in the Dashboard, by support.
//!
//! The slot keeps our own checkouts apart. What is changed at Stripe is known here once its event
//! has come, and until then only Stripe can say.

use perennial_store::{CustomerItem, Slot, SubscriptionItem, UserItems};
use perennial_types::{
    Attempt, AttemptId, PlanGroup, Subscription, SubscriptionId, SubscriptionStatus, UserId,
};

use super::{Subscriptions, attempt_of, read_model, sold_as};
use crate::FlowError;

impl Subscriptions<'_> {
    /// The live subscription that keeps a plan of this group from being sold: one that pays for a
    /// plan of it; or the one that holds its slot, if no plan has its price any more.
    pub(crate) fn live_subscription<'a>(
        &self,
        items: &'a UserItems,
        group: &PlanGroup,
    ) -> Option<&'a SubscriptionItem> {
        let slot = items.slot(group);
        let standing = |item: &&SubscriptionItem| {
            let model = item.standing();
            model.is_some_and(|model| self.blocks(model, group, slot))
        };
        items.subscriptions.iter().find(standing)
    }

    /// Whether a subscription that has not ended keeps plans of this group from being sold.
    pub(crate) fn blocks(
        &self,
        model: &Subscription,
        group: &PlanGroup,
        slot: Option<&Slot>,
    ) -> bool {
        let holds_slot = slot.is_some_and(|slot| slot.subscription.as_ref() == Some(&model.id));
        model.is_of_group(&self.cx.plans, group)
            || (holds_slot && model.plans(&self.cx.plans).next().is_none())
    }

    /// The group of what an attempt is for, by today's configuration; that of its click if its
    /// price is no longer sold.
    pub(crate) fn group_of(&self, attempt: &Attempt) -> PlanGroup {
        let plan =
            self.cx
                .plans
                .charging(&attempt.price, Some(&attempt.plan), Some(&attempt.price));
        plan.map_or_else(|| attempt.group.clone(), |(_, plan)| plan.group.clone())
    }

    /// Asks Stripe whether a subscription was switched to this group, or created in it, of which
    /// no event has come yet; it is then read. Nothing is asked for a user without any live
    /// subscription but that of `mine`, so this costs the usual shopper nothing. A customer whose adoption has
    /// broken off may have some that nobody has read.
    pub(crate) async fn switched_to(
        &self,
        user: &UserId,
        group: &PlanGroup,
        items: &UserItems,
        mine: Option<&AttemptId>,
    ) -> Result<Option<Subscription>, FlowError> {
        let mut others = items.subscriptions.iter().filter(|item| {
            let is_mine = mine.is_some() && item.attempt.as_ref() == mine;
            !is_mine && item.standing().is_some()
        });
        if others.next().is_none() && !items.adopting {
            return Ok(None);
        }
        let Some(CustomerItem::Known { customer }) = &items.customer else {
            return Ok(None);
        };
        let mut after = None;
        loop {
            let page = self.cx.stripe.list_subscriptions(customer, after.as_ref());
            let page = page.await?.value;
            for listed in &page.data {
                let known = items.subscriptions.iter().find(|item| {
                    let model = item.subscription.as_ref();
                    model.is_some_and(|model| model.id == listed.id)
                });
                let sold = sold_as(&self.cx.plans, listed, known);
                let model = read_model(&self.cx.plans, listed, known, sold);
                // One of a checkout that is unfinished is kept apart by the slot.
                let of = attempt_of(listed);
                let unfinished = (known.is_none() && of.is_some())
                    || (mine.is_some() && of.as_ref() == mine)
                    || model.status == SubscriptionStatus::Incomplete;
                if model.status.is_terminal()
                    || unfinished
                    || !model.is_of_group(&self.cx.plans, group)
                {
                    continue;
                }
                let reading = self.refresh(user, customer, &listed.id).await?;
                let found = reading.standing();
                if let Some(found) = found.filter(|it| it.is_of_group(&self.cx.plans, group)) {
                    return Ok(Some(found.clone()));
                }
            }
            after = page.data.last().map(|listed| listed.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(None);
            }
        }
    }

    /// Logs that a user has two live subscriptions of one group, since both are charged.
    /// Which one stays, and what is refunded of the other, is for the shop to decide.
    pub(crate) fn report_second(&self, model: &Subscription, items: &[SubscriptionItem]) {
        for (other, group) in self.seconds(model, items) {
            report(&model.id, &other, &group);
        }
    }

    /// The other live subscriptions that pay for a plan of the same group.
    pub(crate) fn seconds(
        &self,
        model: &Subscription,
        items: &[SubscriptionItem],
    ) -> Vec<(SubscriptionId, PlanGroup)> {
        let lives = !model.status.is_terminal() && !model.awaits_shopper();
        let others = items.iter().filter_map(SubscriptionItem::standing);
        others
            .filter(|other| lives && other.id != model.id)
            .filter_map(|other| {
                let (_, plan) = other
                    .plans(&self.cx.plans)
                    .find(|(_, plan)| model.is_of_group(&self.cx.plans, &plan.group))?;
                Some((other.id.clone(), plan.group.clone()))
            })
            .collect()
    }
}

/// Says that two live subscriptions are of one group, in the line on which an alarm hangs.
pub(crate) fn report(subscription: &SubscriptionId, other: &SubscriptionId, group: &PlanGroup) {
    tracing::error!(
        alarm = "two_subscriptions",
        %subscription,
        %other,
        %group,
        "a user has two live subscriptions of one group, and both are charged"
    );
}

/// Whether what was just read may be a second live subscription of its group: one that was
/// created at Stripe, or was switched there. Our own are kept apart by the slot.
pub(crate) fn may_be_second(old: Option<&Subscription>, new: &Subscription, is_ours: bool) -> bool {
    let lives = |it: &Subscription| !it.status.is_terminal() && !it.awaits_shopper();
    let switched = old.is_some_and(|old| old.charged() != new.charged());
    let begins = !is_ours && !old.is_some_and(lives);
    lives(new) && (switched || begins)
}
