//! A user who is erased: the mark by which everybody else stops, and the deletion of all that is kept.
//!
//! The mark is on the user's customer item, which everything that begins something for a user reads. It is in the index
//! `due` from the first write to the last, and is itself what is deleted last: who read the table before the mark was
//! there may write for as long as a function runs, and what it writes is deleted by the last pass.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, TransactWriteItem},
};
use perennial_types::{
    CustomerId, PaymentIntentId, SetupIntentId, SubscriptionId, Timestamp, UserId,
};
use serde::Deserialize;

use crate::{
    StoreError, Table,
    actions::ActionLog,
    attempt::applied,
    customer::{Erasure, LAST_PASS_SECONDS, Reverse},
    due::key_of,
    key::{ACTIONS, Attributes, DueKind, Key, text},
    table::{Outcome, delete_of, item, put_of, update_of},
};

/// So many are deleted at once; a transaction takes 100 of 4 MB together.
const AT_ONCE: usize = 50;

/// What lies in a user's partition.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    keys: BTreeSet<Key>,
    has_customer_item: bool,
    /// The customers that the checkouts were of.
    pub customers: BTreeSet<CustomerId>,
}

impl Kept {
    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.has_customer_item
    }
}

/// What is found by an object of Stripe's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundBy {
    /// A SetupIntent, and the request of a server that has created it.
    Setup(SetupIntentId, Option<String>),
    /// A payment, likewise.
    Payment(PaymentIntentId, Option<String>),
}

impl FoundBy {
    fn keys(&self) -> Vec<Key> {
        let (mut keys, request) = match self {
            Self::Setup(id, request) => {
                (vec![Key::setup_intent(id), Key::method_setup(id)], request)
            }
            Self::Payment(id, request) => (
                vec![
                    Key::payment_intent(id),
                    Key::increments(id),
                    Key::replaced(id),
                ],
                request,
            ),
        };
        keys.extend(request.as_deref().map(Key::payment_request));
        keys
    }
}

/// Of an item what names others.
#[derive(Deserialize)]
struct Naming {
    #[serde(default)]
    setup_intent: Option<SetupIntentId>,
    #[serde(default)]
    payment_intent: Option<PaymentIntentId>,
    #[serde(default)]
    customer: Option<CustomerId>,
}

impl Table {
    /// The keys of all that is kept in the user's partition but the customer's item, with what it names in others.
    pub async fn kept_of(&self, user: &UserId) -> Result<Kept, StoreError> {
        let mut kept = Kept::default();
        let own = Key::customer(user);
        for row in self.rows_of("kept_of", &Key::user(user)).await? {
            let key = key_of(&row);
            if key == own {
                kept.has_customer_item = true;
                continue;
            }
            // One that another version has written is deleted like the others.
            if let Ok(naming) = serde_dynamo::from_item::<_, Naming>(row) {
                let setup = naming.setup_intent.map(|id| FoundBy::Setup(id, None));
                let payment = naming.payment_intent.map(|id| FoundBy::Payment(id, None));
                let named = setup.into_iter().chain(payment);
                kept.keys.extend(named.flat_map(|it| it.keys()));
                kept.customers.extend(naming.customer);
            }
            kept.keys.insert(key);
        }
        Ok(kept)
    }

    /// The subscriptions of a user to which something is being done now, or half of which is done. A claim whose holder
    /// has died before it began anything is none.
    pub async fn active_actions(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<SubscriptionId>, StoreError> {
        let operation = "active_actions";
        let query = self
            .query(&Key::user(user))
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .filter_expression("attribute_exists(#owner)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":sk", text(ACTIONS));
        let mut active = Vec::new();
        for row in self.all(operation, query).await? {
            let key = key_of(&row);
            let log = ActionLog::of_row(row);
            let log = log.map_err(StoreError::unreadable(operation, key.sk.clone()))?;
            let begun = log
                .active
                .is_some_and(|it| it.lease.until > now || it.is_frozen() || it.steps.is_some());
            let id = key.sk.strip_prefix(ACTIONS).and_then(|id| id.parse().ok());
            active.extend(id.filter(|_| begun));
        }
        Ok(active)
    }

    /// Marks a user, of whom this is the customer. False when the item is not as it was seen.
    pub async fn begin_erasure(
        &self,
        user: &UserId,
        customer: Option<&CustomerId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(Key::customer(user).attributes()))
            .update_expression("SET erasing = :now, due = :due, due_at = :at")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":due", text(DueKind::Action.as_str()))
            .expression_attribute_values(":at", last_pass(now));
        let same = "attribute_not_exists(erasing) AND attribute_not_exists(#owner)";
        let update = match customer {
            None => {
                update.condition_expression(format!("{same} AND attribute_not_exists(customer)"))
            }
            Some(customer) => update
                .condition_expression(format!("{same} AND customer = :customer"))
                .expression_attribute_values(":customer", text(customer.as_str())),
        };
        applied("begin_erasure", update).await
    }

    /// Takes the mark away, and writes down again whose customer it is. False when it is not as it was seen.
    pub async fn withdraw_erasure(
        &self,
        user: &UserId,
        seen: &Erasure,
    ) -> Result<bool, StoreError> {
        let operation = "withdraw_erasure";
        let unmark = self
            .update(Key::customer(user))
            .update_expression("REMOVE erasing, decided, due, due_at")
            .expression_attribute_values(":asked", text(seen.asked.to_string()));
        let unmark = match seen.decided {
            None => {
                unmark.condition_expression("erasing = :asked AND attribute_not_exists(decided)")
            }
            Some(decided) => unmark
                .condition_expression("erasing = :asked AND decided = :decided")
                .expression_attribute_values(":decided", text(decided.to_string())),
        };
        let mut writes = vec![update_of(operation, unmark)?];
        if let Some(customer) = &seen.customer {
            let reverse = Reverse { user: user.clone() };
            let reverse = self
                .put(item(operation, Key::reverse(customer), &reverse)?)
                .condition_expression("attribute_not_exists(pk) OR #user = :user")
                .expression_attribute_names("#user", "user")
                .expression_attribute_values(":user", text(user.as_str()));
            writes.push(put_of(operation, reverse)?);
        }
        Ok(is_done(&self.transact(operation, writes).await?))
    }

    /// Decides it: from here on the customer is nobody's here. Also notes which customers the user had before. False when
    /// the mark is gone.
    pub async fn decide_erasure(
        &self,
        user: &UserId,
        customer: Option<&CustomerId>,
        former: &BTreeSet<CustomerId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let operation = "decide_erasure";
        let decide = self
            .update(Key::customer(user))
            .condition_expression("attribute_exists(erasing)")
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":at", last_pass(now));
        let set = "SET decided = if_not_exists(decided, :now), due_at = :at";
        let decide = if former.is_empty() {
            decide.update_expression(set)
        } else {
            let former = former.iter().map(|it| it.as_str().to_owned()).collect();
            decide
                .update_expression(format!("{set} ADD former :former"))
                .expression_attribute_values(":former", AttributeValue::Ss(former))
        };
        let mut writes = vec![update_of(operation, decide)?];
        for customer in customer
            .into_iter()
            .chain(former.iter().filter(|it| Some(*it) != customer))
        {
            writes.push(delete_of(operation, self.delete(Key::reverse(customer)))?);
        }
        Ok(is_done(&self.transact(operation, writes).await?))
    }

    /// Deletes what is found by these objects of Stripe's.
    pub async fn erase_found_by(&self, found: &[FoundBy]) -> Result<(), StoreError> {
        let keys = found.iter().flat_map(FoundBy::keys).collect();
        self.delete_all("erase_found_by", keys).await
    }

    /// Deletes what was found in the user's partition, what the shop was told of the user, and what Stripe has told of
    /// these customers; says how many items that were, without those that may not have been there.
    pub async fn erase_kept(
        &self,
        user: &UserId,
        kept: Kept,
        customers: &BTreeSet<CustomerId>,
    ) -> Result<usize, StoreError> {
        let operation = "erase_kept";
        let own = Key::user(user);
        let mut items = kept.keys.iter().filter(|key| key.pk == own).count();
        let outbox = Key::outbox(user);
        let inboxes = customers.iter().map(Key::inbox);
        for partition in std::iter::once(outbox).chain(inboxes) {
            let rows = self.rows_of(operation, &partition).await?;
            let keys: BTreeSet<Key> = rows.iter().map(key_of).collect();
            items = items.saturating_add(keys.len());
            self.delete_all(operation, keys).await?;
        }
        // What names others is deleted after them.
        let (last, first): (BTreeSet<_>, BTreeSet<_>) =
            kept.keys.into_iter().partition(|key| key.pk == own);
        self.delete_all(operation, first).await?;
        self.delete_all(operation, last).await?;
        Ok(items)
    }

    /// Deletes the mark, with the item that it is on. False when it was gone.
    pub async fn end_erasure(&self, user: &UserId) -> Result<bool, StoreError> {
        let operation = "end_erasure";
        let gone = self
            .delete(Key::customer(user))
            .condition_expression("attribute_exists(erasing)");
        let writes = vec![delete_of(operation, gone)?];
        Ok(is_done(&self.transact(operation, writes).await?))
    }

    async fn delete_all(
        &self,
        operation: &'static str,
        keys: BTreeSet<Key>,
    ) -> Result<(), StoreError> {
        let deletes = keys
            .into_iter()
            .map(|key| delete_of(operation, self.delete(key)));
        let deletes: Vec<TransactWriteItem> = deletes.collect::<Result<_, _>>()?;
        for some in deletes.chunks(AT_ONCE) {
            self.transact(operation, some.to_vec()).await?;
        }
        Ok(())
    }

    /// Of all items of a partition the keys, and what they name.
    async fn rows_of(
        &self,
        operation: &'static str,
        partition: &str,
    ) -> Result<Vec<Attributes>, StoreError> {
        let query = self
            .query(partition)
            .key_condition_expression("pk = :pk")
            .projection_expression("pk, sk, setup_intent, payment_intent, customer");
        self.all(operation, query).await
    }

    fn query(&self, partition: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(self.name())
            .consistent_read(true)
            .expression_attribute_values(":pk", text(partition))
    }

    async fn all(
        &self,
        operation: &'static str,
        query: QueryFluentBuilder,
    ) -> Result<Vec<Attributes>, StoreError> {
        self.admit().await?;
        let mut rows = Vec::new();
        let mut start = None;
        loop {
            let page = query.clone().set_exclusive_start_key(start).send().await;
            let page = page.map_err(StoreError::call(operation))?;
            rows.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(rows);
            }
        }
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done)
}

fn last_pass(now: Timestamp) -> AttributeValue {
    text(now.plus_seconds(LAST_PASS_SECONDS).to_string())
}
