//! What has happened to a user, for the shop's own people: the newest of each kind, not a page of it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use perennial_types::{Attempt, CustomerId, Timestamp, UserId};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    InboxItem, StoreError, Table,
    attempt_row::StoredAttempt,
    key::{ATTEMPT, Attributes, Key, text},
};

/// An event that the shop was told, without what it said.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ToldEvent {
    /// `pev_...`.
    pub id: String,
    /// Its type, such as `subscription.activated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it stands among the events of one subscription.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// When it was found out.
    pub occurred_at: Timestamp,
}

/// The newest of what has happened, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The checkouts.
    pub attempts: Vec<Attempt>,
    /// What the shop was told.
    pub told: Vec<ToldEvent>,
    /// What Stripe has told.
    pub events: Vec<InboxItem>,
    /// Whether this is all that is kept.
    pub complete: bool,
}

/// Stripe's events have no order in the table, so all of them are looked at, but no more than 4 MB.
const MOST_PAGES: usize = 4;

/// What was found of one kind, and whether it is all.
struct Found<T> {
    all: bool,
    items: Vec<T>,
}

impl Table {
    /// Reads the newest `most` checkouts, events of Stripe and events for the shop of a user. It is not
    /// consistent: nothing is decided by it.
    pub async fn load_history(
        &self,
        user: &UserId,
        customer: Option<&CustomerId>,
        most: usize,
    ) -> Result<History, StoreError> {
        let attempts = self.newest::<StoredAttempt>(Key::user(user), ATTEMPT, most);
        let told = self.newest::<ToldEvent>(Key::outbox(user), "", most);
        let events = async {
            match customer {
                Some(customer) => self.newest_events(customer, most).await,
                None => Ok(Found {
                    all: true,
                    items: Vec::new(),
                }),
            }
        };
        let (attempts, told, events) = tokio::try_join!(attempts, told, events)?;
        Ok(History {
            complete: attempts.all && told.all && events.all,
            attempts: attempts.items.into_iter().map(|row| row.0).collect(),
            told: told.items,
            events: events.items,
        })
    }

    /// The last items of a partition whose sort keys begin so and sort by time.
    async fn newest<T: DeserializeOwned>(
        &self,
        partition: String,
        prefix: &str,
        most: usize,
    ) -> Result<Found<T>, StoreError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let page = self.page(&partition, prefix, start).await?;
            for item in page.items {
                if found.len() == most {
                    return Ok(Found {
                        all: false,
                        items: found,
                    });
                }
                found.extend(readable(item));
            }
            start = page.next;
            if start.is_none() {
                return Ok(Found {
                    all: true,
                    items: found,
                });
            }
        }
    }

    async fn newest_events(
        &self,
        customer: &CustomerId,
        most: usize,
    ) -> Result<Found<InboxItem>, StoreError> {
        let partition = Key::inbox(customer);
        let mut items: Vec<InboxItem> = Vec::new();
        let mut start = None;
        for _ in 0..MOST_PAGES {
            let page = self.page(&partition, "", start).await?;
            items.extend(page.items.into_iter().filter_map(readable::<InboxItem>));
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        items.sort_by(|a, b| (b.created, &b.event).cmp(&(a.created, &a.event)));
        let all = start.is_none() && items.len() <= most;
        items.truncate(most);
        Ok(Found { all, items })
    }

    async fn page(
        &self,
        partition: &str,
        prefix: &str,
        start: Option<Attributes>,
    ) -> Result<Page, StoreError> {
        self.admit().await?;
        let mut query = self
            .client
            .query()
            .table_name(self.name())
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .expression_attribute_values(":pk", text(partition));
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
                .expression_attribute_values(":sk", text(prefix))
        };
        let page = query
            .send()
            .await
            .map_err(StoreError::call("load_history"))?;
        Ok(Page {
            items: page.items.unwrap_or_default(),
            next: page.last_evaluated_key,
        })
    }
}

struct Page {
    items: Vec<HashMap<String, AttributeValue>>,
    next: Option<Attributes>,
}

/// What another version has written must not hide the rest.
fn readable<T: DeserializeOwned>(item: Attributes) -> Option<T> {
    serde_dynamo::from_item(item)
        .inspect_err(|error| {
            let error = error.to_string();
            tracing::error!(error, "an item of a user cannot be read, and is left out");
        })
        .ok()
}
