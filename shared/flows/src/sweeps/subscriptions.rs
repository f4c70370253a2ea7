//! The read model against Stripe's list of subscriptions.

use std::collections::BTreeSet;

use perennial_store::Cursor;
use perennial_stripe::{StripeError, Subscription};
use perennial_types::{Phase, SubscriptionId};
use serde::Serialize;
use serde_json::Value;

use super::Sweeps;
use crate::{
    FlowError, SweepBudget,
    subscriptions::{Subscriptions, attempt_of, is_of, read_model, report},
};

/// What a comparison has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ComparedSubscriptions {
    /// Compared.
    pub compared: u32,
    /// Different, and read again.
    pub repaired: u32,
    /// Could not be compared, or read again; that is tried the next night.
    pub failed: u32,
    /// Of customers that are not ours.
    pub foreign: u32,
    /// Pairs of live subscriptions of one user and plan group.
    pub doubled: u32,
    /// Whether the list has been read to the end.
    pub complete: bool,
}

const CURSOR: &str = "subscriptions";
const NOT_COMPARED: &str = "a subscription could not be compared";

impl Sweeps<'_> {
    /// Compares Stripe's subscriptions with the read model, and reads again what differs.
    pub async fn subscriptions(
        &self,
        slice: SweepBudget,
    ) -> Result<ComparedSubscriptions, FlowError> {
        let mut compared = ComparedSubscriptions::default();
        // Each pair is met twice, and told once.
        let mut doubled = BTreeSet::new();
        let mut cursor = self.cx.table.cursor(CURSOR).await?;
        while !slice.is_over() {
            let after = cursor.after.as_deref().and_then(|id| id.parse().ok());
            let page = match self.cx.stripe.list_all_subscriptions(after.as_ref()).await {
                Ok(page) => page.value,
                // What the last slice ended with is no longer in the list.
                Err(StripeError::Invalid { .. }) if after.is_some() => {
                    cursor.after = None;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let mut last = None;
            let mut rest = page.data.len();
            for listed in page.data {
                if slice.is_over() {
                    break;
                }
                rest -= 1;
                last = id_of(&listed).or(last);
                let Ok(listed) = serde_json::from_value::<Subscription>(listed) else {
                    compared.failed += 1;
                    let reason = "its form is not known";
                    tracing::error!(subscription = last, reason, "{NOT_COMPARED}");
                    continue;
                };
                let cx = self.cx.for_one_object();
                let one = Sweeps::of(&cx);
                // Boxed, because it holds a whole reading, and hardly any costs one.
                let result = Box::pin(one.compare(&listed, &mut compared, &mut doubled)).await;
                if let Err(error) = result {
                    compared.failed += 1;
                    say_not_compared(&listed.id, &error);
                }
            }
            let after = last.filter(|_| page.has_more || rest > 0);
            compared.complete = after.is_none() && rest == 0;
            cursor = Cursor {
                fence: cursor.fence,
                done_until: compared
                    .complete
                    .then(|| self.cx.clock.now())
                    .or(cursor.done_until),
                // A slice that was over at once has come no further.
                after: after.or(cursor.after).filter(|_| !compared.complete),
                ..Cursor::default()
            };
            if !self.cx.table.move_cursor(CURSOR, &cursor).await? {
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
        let Some(user) = self.cx.table.user_of_customer(customer).await? else {
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
        let items = self.cx.table.load_subscription_items(&user).await?;
        let known = items.iter().find(|item| {
            let model = item.subscription.as_ref();
            model.is_some_and(|model| model.id == subscription.id)
        });
        let sold_as = Subscriptions::of(self.cx)
            .sold_as(subscription, known)
            .await?;
        let plans = Subscriptions::of(self.cx).plans_for(subscription).await;
        let listed = read_model(&plans, subscription, known, sold_as);
        for (other, group) in Subscriptions::of(self.cx).seconds(&listed, &items) {
            let pair = BTreeSet::from([listed.id.as_str().to_owned(), other.as_str().to_owned()]);
            if doubled.insert(pair) {
                compared.doubled += 1;
                report(&listed.id, &other, &group);
            }
        }
        let known = known.and_then(|item| item.subscription.clone());
        let ended = known
            .as_ref()
            .is_some_and(|known| known.status.is_terminal());
        if ended || known.as_ref() == Some(&listed) {
            return Ok(());
        }
        // One that was never confirmed is forgotten a day after its end, and its checkout a week after.
        if known.is_none() && listed.status.is_terminal() {
            let attempt = match attempt_of(subscription) {
                Some(id) => self.cx.table.attempt(&user, &id).await?,
                None => None,
            };
            let began = attempt.is_some_and(|it| !matches!(it.phase, Phase::Ended { .. }));
            if attempt_of(subscription).is_some() && !began {
                return Ok(());
            }
        }
        Subscriptions::of(self.cx)
            .refresh(&user, customer, &subscription.id)
            .await?;
        compared.repaired += 1;
        tracing::warn!(subscription = %subscription.id, "the read model was not what Stripe has");
        Ok(())
    }
}

fn id_of(listed: &Value) -> Option<String> {
    let id: SubscriptionId = listed.get("id")?.as_str()?.parse().ok()?;
    Some(id.as_str().to_owned())
}

fn say_not_compared(subscription: &SubscriptionId, error: &FlowError) {
    let chain = error.chain();
    // Its user is at it this very moment.
    if error.is_busy() {
        tracing::warn!(%subscription, error = chain, "{NOT_COMPARED}");
    } else {
        tracing::error!(%subscription, error = chain, "{NOT_COMPARED}");
    }
}
