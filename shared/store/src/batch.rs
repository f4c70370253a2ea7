//! Many items at once, for the sweeps, which look at what is nearly always as it should be.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use perennial_types::{Attempt, AttemptId, CustomerId, EventId, PlanGroup, SubscriptionId, UserId};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use crate::{
    InboxItem, Slot, StoreError, SubscriptionItem, Table,
    attempt_row::StoredAttempt,
    customer::Reverse,
    due::key_of,
    key::{Attributes, Key},
};

/// The most keys that DynamoDB takes in one request
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>).
const LARGEST: usize = 100;

/// How long after each answer that leaves keys out the rest is asked for. DynamoDB leaves out what does
/// not fit into 16 MB, and what the table has no capacity for at this moment.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// A subscription of Stripe's list, of which is asked what the table knows.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its customer.
    pub customer: CustomerId,
    /// The user that it names.
    pub user: Option<UserId>,
    /// Its id.
    pub subscription: SubscriptionId,
    /// The groups of plans that it may be of.
    pub groups: BTreeSet<PlanGroup>,
    /// Whether it has ended, and so may be in the archive.
    pub has_ended: bool,
    /// The attempt that it came of, if that is of interest.
    pub attempt: Option<AttemptId>,
}

/// What the table knows of a subscription. But for the first field, it is about the user that the
/// subscription names.
#[derive(Debug, Clone)]
pub struct Known {
    /// Whose customer it is of.
    pub user: Option<UserId>,
    /// Its item.
    pub item: Option<SubscriptionItem>,
    /// Whether that is in the archive.
    pub is_archived: bool,
    /// The slots of the groups, as far as there are any.
    pub slots: Vec<Slot>,
    /// The attempt.
    pub attempt: Option<Attempt>,
}

type Items = BTreeMap<Key, Attributes>;

impl Table {
    /// What the table knows of each of these, by consistent reads; none where it has something that cannot
    /// be read.
    pub async fn known_subscriptions(
        &self,
        asked: &[Asked],
    ) -> Result<Vec<Option<Known>>, StoreError> {
        let operation = "known_subscriptions";
        let keys = asked.iter().flat_map(Asked::keys).collect();
        let items = self.get_many(operation, keys).await?;
        let known = asked.iter().map(|it| it.known(operation, &items).ok());
        Ok(known.collect())
    }

    /// Which of these events the inbox has.
    pub async fn stored_events(
        &self,
        events: &[InboxItem],
    ) -> Result<BTreeSet<EventId>, StoreError> {
        let key = |it: &InboxItem| Key::event(it.customer.as_ref(), &it.event);
        let keys = events.iter().map(key).collect();
        let items = self.get_many("stored_events", keys).await?;
        let stored = events.iter().filter(|it| items.contains_key(&key(it)));
        Ok(stored.map(|it| it.event.clone()).collect())
    }

    async fn get_many(
        &self,
        operation: &'static str,
        keys: BTreeSet<Key>,
    ) -> Result<Items, StoreError> {
        self.admit().await?;
        let keys: Vec<Attributes> = keys.into_iter().map(Key::attributes).collect();
        let mut batches = JoinSet::new();
        for keys in keys.chunks(LARGEST) {
            let (table, keys) = (self.clone(), keys.to_vec());
            batches.spawn(async move { table.get_batch(operation, keys).await });
        }
        let mut items = Items::new();
        for batch in batches.join_all().await {
            items.extend(batch?);
        }
        Ok(items)
    }

    async fn get_batch(
        &self,
        operation: &'static str,
        mut keys: Vec<Attributes>,
    ) -> Result<Items, StoreError> {
        let mut items = Items::new();
        let mut pauses = PAUSES.into_iter();
        loop {
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|source| failed(operation, source))?;
            let call = self
                .client
                .batch_get_item()
                .request_items(self.name(), asked);
            let answer = call.send().await.map_err(StoreError::call(operation))?;
            let found = answer.responses.unwrap_or_default().into_values().flatten();
            items.extend(found.map(|item| (key_of(&item), item)));
            let left = answer.unprocessed_keys.unwrap_or_default().into_values();
            keys = left.flat_map(|left| left.keys).collect();
            if keys.is_empty() {
                return Ok(items);
            }
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failed(operation, "it went on to leave keys out")),
            }
        }
    }
}

fn failed(
    operation: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Call {
        operation,
        source: source.into(),
    }
}

impl Asked {
    /// All keys that it is about.
    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Key::reverse(&self.customer)];
        if let Some(user) = &self.user {
            keys.push(Key::subscription(user, &self.subscription));
            if self.has_ended {
                keys.push(Key::archived(user, &self.subscription));
            }
            keys.extend(self.groups.iter().map(|group| Key::slot(user, group)));
            keys.extend(self.attempt.iter().map(|id| Key::attempt(user, id)));
        }
        keys
    }

    fn known(&self, operation: &'static str, items: &Items) -> Result<Known, StoreError> {
        let reverse: Option<Reverse> = read(operation, items, &Key::reverse(&self.customer))?;
        let mut known = Known {
            user: reverse.map(|it| it.user),
            item: None,
            is_archived: false,
            slots: Vec::new(),
            attempt: None,
        };
        let Some(user) = &self.user else {
            return Ok(known);
        };
        let current = Key::subscription(user, &self.subscription);
        let archived = Key::archived(user, &self.subscription);
        known.item = read(operation, items, &current)?;
        if known.item.is_none() {
            known.item = read(operation, items, &archived)?;
            known.is_archived = known.item.is_some();
        }
        for group in &self.groups {
            known
                .slots
                .extend(read::<Slot>(operation, items, &Key::slot(user, group))?);
        }
        if let Some(id) = &self.attempt {
            let stored = read::<StoredAttempt>(operation, items, &Key::attempt(user, id))?;
            known.attempt = stored.map(|stored| stored.0);
        }
        Ok(known)
    }
}

fn read<T: DeserializeOwned>(
    operation: &'static str,
    items: &Items,
    key: &Key,
) -> Result<Option<T>, StoreError> {
    let item = items.get(key).cloned().map(serde_dynamo::from_item);
    item.transpose()
        .map_err(StoreError::unreadable(operation, key.sk.clone()))
}
