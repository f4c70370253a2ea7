//! All that the table knows of one user, in one consistent query.

use perennial_types::{Attempt, AttemptId, PlanGroup, PlanName, Subscription, UserId, Wallet};
use serde::Deserialize;

use crate::{
    CustomerItem, Slot, StoreError, SubscriptionItem, Table,
    key::{ATTEMPT, Attributes, CUSTOMER, Key, OPEN, SLOT, SUBSCRIPTION, text},
};

/// Which attempt a new click on the same button goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenCheckout {
    /// Of which plan.
    pub plan: PlanName,
    /// With which wallet.
    pub wallet: Wallet,
    /// The attempt.
    pub attempt: AttemptId,
}

/// A user's items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserItems {
    /// The user's customer, or the claim on it.
    pub customer: Option<CustomerItem>,
    /// All attempts of the last 90 days, oldest first.
    pub attempts: Vec<Attempt>,
    /// Who may subscribe, by plan group.
    pub slots: Vec<Slot>,
    /// The attempts that new clicks go on with.
    pub open: Vec<OpenCheckout>,
    /// The read models, and the fences of those that are being read for the first time.
    pub subscriptions: Vec<SubscriptionItem>,
}

impl UserItems {
    /// The attempt of that id.
    pub fn attempt(&self, id: &AttemptId) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == *id)
    }

    /// The slot of that group.
    pub fn slot(&self, group: &PlanGroup) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.group == *group)
    }

    /// The attempt that a new click for this plan and wallet goes on with.
    pub fn open(&self, plan: &PlanName, wallet: Wallet) -> Option<&AttemptId> {
        let open = self
            .open
            .iter()
            .find(|open| open.plan == *plan && open.wallet == wallet);
        open.map(|open| &open.attempt)
    }

    /// The read models.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions
            .iter()
            .filter_map(|item| item.subscription.as_ref())
    }

    fn add(&mut self, item: Attributes) -> Result<(), StoreError> {
        let operation = "load_user";
        let sort_key = item
            .get("sk")
            .and_then(|sk| sk.as_s().ok())
            .cloned()
            .unwrap_or_default();
        let unreadable = StoreError::item(operation);
        if sort_key == CUSTOMER {
            self.customer = Some(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key.starts_with(ATTEMPT) {
            self.attempts
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key.starts_with(SLOT) {
            self.slots
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key.starts_with(OPEN) {
            self.open
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        } else if sort_key.starts_with(SUBSCRIPTION) {
            self.subscriptions
                .push(serde_dynamo::from_item(item).map_err(unreadable)?);
        }
        Ok(())
    }
}

impl Table {
    /// Reads all of a user's items: one call for a user with less than a megabyte of them.
    pub async fn load_user(&self, user: &UserId) -> Result<UserItems, StoreError> {
        self.query_user(user, None).await
    }

    /// Reads a user's subscriptions alone.
    pub async fn load_subscriptions(&self, user: &UserId) -> Result<Vec<Subscription>, StoreError> {
        let items = self.query_user(user, Some(SUBSCRIPTION)).await?;
        Ok(items.subscriptions().cloned().collect())
    }

    async fn query_user(
        &self,
        user: &UserId,
        prefix: Option<&str>,
    ) -> Result<UserItems, StoreError> {
        let mut items = UserItems::default();
        let mut start = None;
        loop {
            let mut query = self
                .client
                .query()
                .table_name(self.name())
                .consistent_read(true)
                .expression_attribute_values(":pk", text(Key::user(user)))
                .set_exclusive_start_key(start);
            query = match prefix {
                Some(prefix) => query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                    .expression_attribute_values(":sk", text(prefix)),
                None => query.key_condition_expression("pk = :pk"),
            };
            let page = query.send().await.map_err(StoreError::call("load_user"))?;
            for item in page.items.unwrap_or_default() {
                items.add(item)?;
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}
