//! The read model against Stripe's list of subscriptions.

use perennial_store::Cursor;
use perennial_stripe::Subscription;
use serde::Serialize;

use super::Slice;
use crate::{FlowError, Flows, read_model::read_model};

/// What a comparison has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ComparedSubscriptions {
    /// Compared.
    pub compared: u32,
    /// Different, and read again.
    pub repaired: u32,
    /// Of customers that are not ours.
    pub foreign: u32,
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
        let mut cursor = self.table.cursor(CURSOR).await?;
        while !slice.is_over() {
            let after = cursor.after.as_deref().and_then(|id| id.parse().ok());
            let page = self
                .stripe
                .list_all_subscriptions(after.as_ref())
                .await?
                .value;
            for subscription in &page.data {
                self.compare(subscription, &mut compared).await?;
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
    ) -> Result<(), FlowError> {
        let customer = subscription.customer_id();
        let Some(user) = self.table.user_of_customer(customer).await? else {
            compared.foreign += 1;
            return Ok(());
        };
        compared.compared += 1;
        let known = self.table.subscription(&user, &subscription.id).await?;
        let listed = read_model(&self.plans, subscription, known.as_ref());
        let known = known.and_then(|item| item.subscription);
        let ended = known
            .as_ref()
            .is_some_and(|known| known.status.is_terminal());
        if ended || known == Some(listed) {
            return Ok(());
        }
        self.refresh_subscription(&user, customer, &subscription.id)
            .await?;
        compared.repaired += 1;
        tracing::warn!(subscription = %subscription.id, "the read model was not what Stripe has");
        Ok(())
    }
}
