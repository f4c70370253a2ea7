//! The read model against Stripe's list of subscriptions.

use std::collections::BTreeSet;

use perennial_store::Cursor;
use perennial_stripe::Subscription;
use perennial_types::AttemptState;
use serde::Serialize;

use super::Slice;
use crate::{
    FlowError, Flows, one_of_group,
    read_model::{attempt_of, read_model},
    refresh_subscription::is_of,
};

/// What a comparison has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ComparedSubscriptions {
    /// Compared.
    pub compared: u32,
    /// Different, and read again.
    pub repaired: u32,
    /// Of customers that are not ours.
    pub foreign: u32,
    /// Pairs of live subscriptions of one user and plan group.
    pub doubled: u32,
    /// Whether the list has been read to the end.
    pub complete: bool,
}

const CURSOR: &str = "subscriptions";

impl Flows {
    /// Compares Stripe's subscriptions with the read model, and reads again what differs.
    pub async fn compare_subscriptions(
        &self,
        slice: Slice,
    ) -> Result<ComparedSubscriptions, FlowError> {
        let mut compared = ComparedSubscriptions::default();
        // Each pair is met twice, and told once.
        let mut doubled = BTreeSet::new();
        let mut cursor = self.table.cursor(CURSOR).await?;
        while !slice.is_over() {
            let after = cursor.after.as_deref().and_then(|id| id.parse().ok());
            let page = self
                .stripe
                .list_all_subscriptions(after.as_ref())
                .await?
                .value;
            for subscription in &page.data {
                self.compare(subscription, &mut compared, &mut doubled)
                    .await?;
            }
            let last = page.data.last().map(|last| last.id.as_str().to_owned());
            let after = last.filter(|_| page.has_more);
            compared.complete = after.is_none();
            cursor = Cursor {
                fence: cursor.fence,
                done_until: compared
                    .complete
                    .then(|| self.clock.now())
                    .or(cursor.done_until),
                after,
                ..Cursor::default()
            };
            if !self.table.move_cursor(CURSOR, &cursor).await? {
                tracing::info!("another run compares the subscriptions");
                return Ok(compared);
            }
            cursor.fence += 1;
            if compared.complete {
                break;
            }
            slice.pause().await;
        }
        Ok(compared)
    }

    async fn compare(
        &self,
        subscription: &Subscription,
        compared: &mut ComparedSubscriptions,
        doubled: &mut BTreeSet<BTreeSet<String>>,
    ) -> Result<(), FlowError> {
        let customer = subscription.customer_id();
        let Some(user) = self.table.user_of_customer(customer).await? else {
            compared.foreign += 1;
            return Ok(());
        };
        if !is_of(subscription, &user) {
            let reason = "it names another user than its customer's";
            tracing::error!(subscription = %subscription.id, reason, "a subscription is not compared");
            compared.foreign += 1;
            return Ok(());
        }
        compared.compared += 1;
        let items = self.table.load_subscription_items(&user).await?;
        let known = items.iter().find(|item| {
            let model = item.subscription.as_ref();
            model.is_some_and(|model| model.id == subscription.id)
        });
        let sold_as = self.sold_as(subscription, known).await?;
        let plans = self.plans_for(subscription).await;
        let listed = read_model(&plans, subscription, known, sold_as);
        for (other, group) in self.seconds(&listed, &items) {
            let pair = BTreeSet::from([listed.id.as_str().to_owned(), other.as_str().to_owned()]);
            if doubled.insert(pair) {
                compared.doubled += 1;
                one_of_group::report(&listed.id, &other, &group);
            }
        }
        let known = known.and_then(|item| item.subscription.clone());
        let ended = known
            .as_ref()
            .is_some_and(|known| known.status.is_terminal());
        if ended || known.as_ref() == Some(&listed) {
            return Ok(());
        }
        // One that nobody confirmed is forgotten a day after its end, and its checkout a week after.
        if known.is_none() && listed.status.is_terminal() {
            let attempt = match attempt_of(subscription) {
                Some(id) => self.table.attempt(&user, &id).await?,
                None => None,
            };
            let began = attempt
                .is_some_and(|it| it.state.is_open() || it.state == AttemptState::Subscribed);
            if attempt_of(subscription).is_some() && !began {
                return Ok(());
            }
        }
        self.refresh_subscription(&user, customer, &subscription.id)
            .await?;
        compared.repaired += 1;
        tracing::warn!(subscription = %subscription.id, "the read model was not what Stripe has");
        Ok(())
    }
}
