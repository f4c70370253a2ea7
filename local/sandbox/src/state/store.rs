//! Records in memory, changed in transactions that are either journalled whole or undone.

use super::clock;
use super::fields::Fields;
use super::journal::{Change, Journal};
use super::kind::Kind;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Included};
use std::path::Path;

#[derive(Clone, Debug)]
struct Record {
    order: u64,
    value: Value,
}

/// The endpoint that a delivery is for, when it is due, and its place in the order of creation.
type Waiting = (String, i64, u64);

impl Record {
    fn waiting(&self) -> Option<Waiting> {
        let pending = self.value.is("state", "pending");
        let at = self.value.int("next_at").filter(|_| pending)?;
        Some((self.value.owned("endpoint")?, at, self.order))
    }
}

#[derive(Debug, Default)]
struct Table {
    records: HashMap<String, Record>,
    order: BTreeMap<u64, String>,
    /// Those whose `state` is `pending`, by endpoint and time. The webhook worker looks for them after each change,
    /// and the deliveries that are over soon outnumber them by far.
    pending: BTreeMap<Waiting, String>,
}

/// All records, each in the order of its creation.
///
/// Every change belongs to a transaction: [`Store::commit`] writes them as one line of the journal, [`Store::undo`]
/// takes them back. So a request that fails leaves nothing behind, and a process that is killed loses no answer
/// that it gave.
#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: HashMap<Kind, Table>,
    last_order: u64,
    before: BTreeMap<(Kind, String), Option<Record>>,
    journal: Option<Journal>,
    closed: bool,
}

impl Store {
    /// Reads the journal, if there is one, and keeps writing to it.
    pub(crate) fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let mut store = Self::default();
        let Some(path) = path else { return Ok(store) };
        let held = Journal::hold(path)?;
        for change in Journal::read(&held)? {
            store.load(change);
        }
        store.forget_what_is_old(clock::machine_seconds());
        store.journal = Some(Journal::rewrite(path, store.all())?);
        Ok(store)
    }

    /// Takes no more changes and gives the file free.
    pub(crate) fn close(&mut self) {
        self.undo();
        self.closed = true;
        self.journal = None;
    }

    /// Leaves out answers whose keys have run out, and events that nobody can read any more.
    fn forget_what_is_old(&mut self, now: i64) {
        const EVENTS_KEPT_SECONDS: i64 = 31 * 86_400;
        let mut old = Vec::new();
        if let Some(answers) = self.tables.get(&Kind::Answer) {
            let expired = answers
                .records
                .iter()
                .filter(|(_, answer)| answer.value.int("until").is_none_or(|until| until <= now));
            old.extend(expired.map(|(id, _)| (Kind::Answer, id.clone())));
        }
        for event in self.oldest_first(Kind::Event) {
            let created = event.int("created").unwrap_or(0);
            if created < now - EVENTS_KEPT_SECONDS {
                old.push((Kind::Event, event.id().to_owned()));
                let deliveries = event.list("_deliveries").iter().filter_map(Value::as_str);
                old.extend(deliveries.map(|id| (Kind::Delivery, id.to_owned())));
            }
        }
        for (kind, id) in old {
            self.insert(kind, id, None);
        }
    }

    fn load(&mut self, Change(kind, id, order, value): Change) {
        self.last_order = self.last_order.max(order);
        self.insert(kind, id, value.map(|value| Record { order, value }));
    }

    fn all(&self) -> impl Iterator<Item = Change> + '_ {
        self.tables.iter().flat_map(|(kind, table)| {
            table.records.iter().map(|(id, record)| {
                Change(*kind, id.clone(), record.order, Some(record.value.clone()))
            })
        })
    }

    fn insert(&mut self, kind: Kind, id: String, record: Option<Record>) -> Option<Record> {
        let table = self.tables.entry(kind).or_default();
        let old = table.records.remove(&id);
        if let Some(old) = &old {
            table.order.remove(&old.order);
            if let Some(waiting) = old.waiting() {
                table.pending.remove(&waiting);
            }
        }
        if let Some(record) = record {
            table.order.insert(record.order, id.clone());
            if let Some(waiting) = record.waiting() {
                table.pending.insert(waiting, id.clone());
            }
            table.records.insert(id, record);
        }
        old
    }

    /// The record, if there is one.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.tables
            .get(&kind)?
            .records
            .get(id)
            .map(|record| &record.value)
    }

    /// Creates or replaces a record; a replaced one keeps its place in the order.
    pub(crate) fn put(&mut self, kind: Kind, id: &str, value: Value) {
        let order = self
            .tables
            .get(&kind)
            .and_then(|table| table.records.get(id))
            .map(|record| record.order);
        let order = order.unwrap_or_else(|| {
            self.last_order += 1;
            self.last_order
        });
        let old = self.insert(kind, id.to_owned(), Some(Record { order, value }));
        self.before.entry((kind, id.to_owned())).or_insert(old);
    }

    /// Removes a record.
    pub(crate) fn remove(&mut self, kind: Kind, id: &str) {
        if let Some(old) = self.insert(kind, id.to_owned(), None) {
            self.before
                .entry((kind, id.to_owned()))
                .or_insert(Some(old));
        }
    }

    /// All records of a kind, the newest first, as Stripe lists them.
    pub(crate) fn newest_first(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.oldest_first(kind).rev()
    }

    /// The ids of all deliveries that wait, in the order of their creation.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let Some(table) = self.tables.get(&Kind::Delivery) else {
            return Vec::new();
        };
        let mut waiting: Vec<_> = table.pending.iter().collect();
        waiting.sort_by_key(|((_, _, order), _)| *order);
        waiting.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// For each endpoint the deliveries that are due by `now`, at most `most` of them, and when its next one is due.
    pub(crate) fn due(&self, now: i64, most: usize) -> Vec<(String, Vec<String>, Option<i64>)> {
        let mut found = Vec::new();
        let Some(table) = self.tables.get(&Kind::Delivery) else {
            return found;
        };
        let mut from = (String::new(), i64::MIN, 0);
        while let Some(((endpoint, ..), _)) = table.pending.range(from..).next() {
            let until = |at| (endpoint.clone(), at, u64::MAX);
            let due = table
                .pending
                .range((endpoint.clone(), i64::MIN, 0)..=until(now));
            let ids = due.take(most).map(|(_, id)| id.clone()).collect();
            let later = table
                .pending
                .range((Excluded(until(now)), Included(until(i64::MAX))))
                .next();
            found.push((endpoint.clone(), ids, later.map(|((_, at, _), _)| *at)));
            from = until(i64::MAX);
        }
        found
    }

    /// All records of a kind in the order of their creation.
    pub(crate) fn oldest_first(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Value> {
        self.tables.get(&kind).into_iter().flat_map(|table| {
            table
                .order
                .values()
                .filter_map(|id| table.records.get(id).map(|record| &record.value))
        })
    }

    /// Makes the changes since the last commit lasting. They are undone when they cannot be written.
    pub(crate) fn commit(&mut self) -> std::io::Result<()> {
        if self.before.is_empty() {
            return Ok(());
        }
        if self.closed {
            self.undo();
            return Err(std::io::Error::other("the sandbox was stopped"));
        }
        if let Some(journal) = &mut self.journal {
            let changes: Vec<Change> = self
                .before
                .iter()
                .map(|((kind, id), old)| {
                    let new = self
                        .tables
                        .get(kind)
                        .and_then(|table| table.records.get(id));
                    let order = new.or(old.as_ref()).map_or(0, |record| record.order);
                    Change(
                        *kind,
                        id.clone(),
                        order,
                        new.map(|record| record.value.clone()),
                    )
                })
                .collect();
            if let Err(error) = journal.append(&changes) {
                self.undo();
                return Err(error);
            }
        }
        self.before.clear();
        Ok(())
    }

    /// Takes back every change since the last commit.
    pub(crate) fn undo(&mut self) {
        for ((kind, id), old) in std::mem::take(&mut self.before) {
            // Removed first, so that a record which was created does not keep a place in the order.
            self.insert(kind, id.clone(), None);
            if old.is_some() {
                self.insert(kind, id, old);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Store};
    use serde_json::{Value, json};

    fn ids(store: &Store) -> Vec<&Value> {
        store.newest_first(Kind::Customer).collect()
    }

    #[test]
    fn an_undone_transaction_leaves_what_was_before() {
        let mut store = Store::default();
        store.put(Kind::Customer, "cus_1", json!(1));
        store.commit().unwrap();
        store.put(Kind::Customer, "cus_1", json!(2));
        store.put(Kind::Customer, "cus_2", json!(3));
        store.undo();
        assert_eq!(ids(&store), [&json!(1)]);
        store.remove(Kind::Customer, "cus_1");
        store.undo();
        assert_eq!(ids(&store), [&json!(1)]);
    }

    #[test]
    fn records_come_back_in_their_order_from_the_file() {
        let file =
            std::env::temp_dir().join(format!("perennial-store-{}", crate::state::ids::random(12)));
        let mut store = Store::open(Some(&file)).unwrap();
        for n in 1..=3 {
            store.put(Kind::Customer, &format!("cus_{n}"), json!(n));
        }
        store.commit().unwrap();
        store.remove(Kind::Customer, "cus_2");
        store.put(Kind::Customer, "cus_1", json!(10));
        store.commit().unwrap();
        store.put(Kind::Customer, "cus_9", json!("never committed"));
        drop(store);
        assert!(
            Store::open(Some(&file)).is_ok(),
            "a dropped store gives its file free"
        );
        for _ in 0..2 {
            let again = Store::open(Some(&file)).unwrap();
            assert_eq!(ids(&again), [&json!(3), &json!(10)]);
        }
        std::fs::remove_file(file).unwrap();
    }
}
