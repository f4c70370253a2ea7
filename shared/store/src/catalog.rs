//! The catalog of plans: one item, which each copy of a function reads again when it is a minute old.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::AttributeValue};
use perennial_types::{CatalogPlan, Clock, PlanCatalog, PlanName, Plans, Timestamp};
use serde::{Deserialize, Serialize, de::Error as _};
use thiserror::Error;
use tokio::sync::Mutex;

use crate::{StoreError, Table, key::Key, table::item};

/// Why there are no plans.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// None were published.
    #[error(
        "the shop's plans are not published yet: the deployment does it with plans/plans.json, and the log of reconcile says why if it did not"
    )]
    Missing,
    /// The table did not answer, or its item cannot be read.
    #[error("the shop's plans could not be read from the table")]
    Store(#[from] StoreError),
}

/// What has become of a catalog that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogWrite {
    /// It is in the table, under this version.
    Written(u64),
    /// Another writer was first, whose catalog has to be read before anything is written.
    Overtaken,
    /// It is larger than an item of the table may be.
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
}

/// An item holds 400 KB, its names included
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>); the rest is
/// left for the product ids and prices that events add.
pub const LARGEST_CATALOG: usize = 380_000;

/// The item: the plans are text in it, as the shop's events are.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    /// JSON of the plans by their names.
    plans: String,
    /// The mode of the table; a catalog of an older version does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    livemode: Option<bool>,
}

impl Stored {
    fn read(self, operation: &'static str) -> Result<PlanCatalog, StoreError> {
        let plans: BTreeMap<PlanName, CatalogPlan> = serde_json::from_str(&self.plans)
            .map_err(|error| StoreError::item(operation)(serde_dynamo::Error::custom(error)))?;
        Ok(PlanCatalog {
            version: self.version,
            plans,
        })
    }
}

impl Table {
    /// The catalog as it is now, for a writer.
    pub async fn read_catalog(&self) -> Result<Option<PlanCatalog>, StoreError> {
        let operation = "read_catalog";
        let stored = self.get::<Stored>(operation, Key::catalog()).await?;
        stored.map(|stored| stored.read(operation)).transpose()
    }

    /// Writes the catalog in place of the one of the version that it was made from, 0 for none. Its writer is of
    /// this mode, and so is the table.
    pub async fn write_catalog(
        &self,
        catalog: &PlanCatalog,
        livemode: bool,
    ) -> Result<CatalogWrite, StoreError> {
        let operation = "write_catalog";
        let seen = catalog.version;
        let version = seen.saturating_add(1);
        let plans = serde_json::to_string(&catalog.plans)
            .map_err(|error| StoreError::item(operation)(serde_dynamo::Error::custom(error)))?;
        // Of what an item may take, its key and its version are next to nothing.
        let size = plans.len();
        if size > LARGEST_CATALOG {
            return Ok(CatalogWrite::TooLarge { size });
        }
        let stored = Stored {
            version,
            plans,
            livemode: Some(livemode),
        };
        let item = item(operation, Key::catalog(), &stored)?;
        let put = self
            .client
            .put_item()
            .table_name(self.name())
            .set_item(Some(item));
        let put = if seen == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :seen")
                .expression_attribute_values(":seen", AttributeValue::N(seen.to_string()))
        };
        match put.send().await {
            Ok(_) => Ok(CatalogWrite::Written(version)),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Ok(CatalogWrite::Overtaken)
            }
            Err(error) => Err(StoreError::call(operation)(error)),
        }
    }

    /// The catalog for a reader. An eventually consistent read costs half, and is behind by less than
    /// a second as a rule, where a reader is behind by a minute anyway.
    async fn glance_at_catalog(&self) -> Result<Option<PlanCatalog>, StoreError> {
        let operation = "glance_at_catalog";
        let call = self.client.get_item().table_name(self.name());
        let answer = call
            .set_key(Some(Key::catalog().attributes()))
            .send()
            .await
            .map_err(StoreError::call(operation))?;
        let Some(item) = answer.item else {
            return Ok(None);
        };
        let stored: Stored = serde_dynamo::from_item(item).map_err(StoreError::item(operation))?;
        if let Some(livemode) = stored.livemode {
            self.learn_mode(livemode)?;
        }
        stored.read(operation).map(Some)
    }
}

/// A new version is seen within a minute: this, and the time that a request and a read take.
const FRESH_SECONDS: i64 = 50;
/// After a read that failed while an older version serves, and between two that were not due.
const LOOK_AGAIN_SECONDS: i64 = 5;

/// The plans of today, kept for a minute. Clones share what is kept.
#[derive(Debug, Clone)]
pub struct Catalog {
    table: Table,
    clock: Clock,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    plans: Option<Arc<Plans>>,
    /// When it was decided how long they are good for, and for how long.
    good: Option<(Timestamp, i64)>,
    /// When they were last read again before that was due.
    looked_again: Option<Timestamp>,
}

impl Kept {
    fn good_ones(&self, now: Timestamp) -> Option<Arc<Plans>> {
        let (since, seconds) = self.good?;
        // A clock that was set back makes nothing good for longer.
        let age = now.unix().saturating_sub(since.unix());
        let is_good = (0..seconds).contains(&age);
        self.plans.clone().filter(|_| is_good)
    }
}

impl Catalog {
    /// The catalog of this table. Nothing is read yet.
    pub fn new(table: Table, clock: Clock) -> Self {
        Self {
            table,
            clock,
            kept: Arc::default(),
        }
    }

    /// The plans, at most a minute old as long as the table answers. When it does not, the ones that
    /// are known go on serving.
    pub async fn current(&self) -> Result<Arc<Plans>, CatalogError> {
        // Held while the table is asked, so that many requests at once ask it once.
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if let Some(plans) = kept.good_ones(now) {
            return Ok(plans);
        }
        let failure = match self.table.glance_at_catalog().await {
            Ok(Some(catalog)) => {
                let plans = Arc::new(catalog.plans());
                // A read may come from a replica that is behind.
                let older = kept.plans.take();
                let plans = older
                    .filter(|it| it.version() >= plans.version())
                    .unwrap_or(plans);
                kept.plans = Some(Arc::clone(&plans));
                kept.good = Some((now, FRESH_SECONDS));
                return Ok(plans);
            }
            Ok(None) => CatalogError::Missing,
            Err(error) => error.into(),
        };
        let Some(plans) = kept.plans.clone() else {
            return Err(failure);
        };
        tracing::warn!(
            error = %failure,
            cause = std::error::Error::source(&failure).map(ToString::to_string),
            version = plans.version(),
            "the catalog could not be read again, and an older version serves"
        );
        kept.good = Some((now, LOOK_AGAIN_SECONDS));
        Ok(plans)
    }

    /// The plans once more, for a caller who has met something that they lack, such as a subscription of
    /// a plan that was published a moment ago. They are read again, if that was not done
    /// for such a caller just now.
    pub async fn look_again(&self) -> Result<Arc<Plans>, CatalogError> {
        let now = self.clock.now();
        let mut kept = self.kept.lock().await;
        let is_recent = kept.looked_again.is_some_and(|last| {
            let age = now.unix().saturating_sub(last.unix());
            (0..LOOK_AGAIN_SECONDS).contains(&age)
        });
        if !is_recent {
            kept.looked_again = Some(now);
            kept.good = None;
        }
        drop(kept);
        self.current().await
    }

    /// Reads the plans before they are needed, and of which mode the table is. A function starts without
    /// plans, too: its requests then say what is missing, and find it once it is there. The error says that
    /// the table is of the other mode.
    pub async fn warm_up(&self) -> Result<(), StoreError> {
        match self.current().await {
            Ok(_) => {}
            Err(CatalogError::Store(error @ StoreError::OtherMode { .. })) => return Err(error),
            Err(error) => tracing::warn!(
                error = %error,
                cause = std::error::Error::source(&error).map(ToString::to_string),
                "there are no plans yet"
            ),
        }
        self.table.check_mode().await
    }
}
