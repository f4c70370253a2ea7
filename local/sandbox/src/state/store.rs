//! Records in memory, changed in transactions that are either journalled whole or undone.

use super::clock;
use super::fields::Fields;
use super::index::{Index, Waiting, indexed};
use super::journal::{Change, Journal, Known};
use super::kept::Kept;
use super::kind::Kind;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::path::Path;

#[derive(Clone, Debug)]
struct Record {
    order: u64,
    kept: Kept,
}

#[derive(Debug, Default)]
struct Table {
    records: HashMap<String, Record>,
    order: BTreeMap<u64, String>,
    index: Index,
}

impl Table {
    /// Adds a record that is not there, and is in the index.
    fn place(&mut self, id: String, record: Record) {
        self.order.insert(record.order, id.clone());
        self.records.insert(id, record);
    }
}

/// Places in the order of creation, the second one included where its bound says so.
pub(crate) type Places = (Bound<u64>, Bound<u64>);

/// How many changes a file may hold for each record that is there, before it is written anew.
const MOST_CHANGES_OF_A_RECORD: usize = 2;

const ALL: Places = (Bound::Unbounded, Bound::Unbounded);

/// Records, the oldest first.
pub(crate) type Records<'a> = Box<dyn DoubleEndedIterator<Item = &'a Value> + 'a>;

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
        let (changes, length) = Journal::read(&held)?;
        let lines = changes.len();
        let kept = store.load(changes, clock::machine_seconds());
        // Written anew once most of it is of the past, so that a start does not write what it has just read.
        store.journal = Some(if lines > MOST_CHANGES_OF_A_RECORD * kept {
            Journal::rewrite(path, store.all())?
        } else {
            Journal::go_on(held, length)?
        });
        Ok(store)
    }

    /// Takes no more changes and gives the file free.
    pub(crate) fn close(&mut self) {
        self.undo();
        self.closed = true;
        self.journal = None;
    }

    /// Takes over what a file holds, oldest first, without answers whose keys have run out and events that nobody can
    /// read any more. Gives how many records that are.
    fn load(&mut self, changes: Vec<Known>, now: i64) -> usize {
        let mut last: HashMap<(Kind, String), Known> = HashMap::with_capacity(changes.len());
        for change in changes {
            self.last_order = self.last_order.max(change.order);
            last.insert((change.kind, change.id.clone()), change);
        }
        let old = last.values().filter(|it| is_old(it, now));
        let deliveries = old.flat_map(|it| it.seen.list("_deliveries"));
        let deliveries = deliveries.filter_map(Value::as_str);
        let of_old: HashSet<String> = deliveries.map(str::to_owned).collect();
        let is_kept = |it: &Known| {
            let is_of_old = it.kind == Kind::Delivery && of_old.contains(&it.id);
            !is_of_old && !is_old(it, now)
        };
        let mut many = 0;
        for change in last.into_values().filter(is_kept) {
            if let Some(kept) = change.record {
                let (kind, id, order) = (change.kind, change.id, change.order);
                let table = self.tables.entry(kind).or_default();
                table.index.add(kind, &change.seen, order, &id);
                table.place(id, Record { order, kept });
                many += 1;
            }
        }
        many
    }

    fn all(&self) -> impl Iterator<Item = Change<'_>> + '_ {
        self.tables.iter().flat_map(|(kind, table)| {
            let records = table.records.iter();
            records.map(|(id, record)| Change(*kind, id, record.order, Some(&record.kept)))
        })
    }

    fn insert(&mut self, kind: Kind, id: String, record: Option<Record>) -> Option<Record> {
        let table = self.tables.entry(kind).or_default();
        let old = table.records.remove(&id);
        if let Some(old) = &old {
            table.order.remove(&old.order);
            table.index.remove(kind, old.kept.value(), old.order);
        }
        if let Some(record) = record {
            table
                .index
                .add(kind, record.kept.value(), record.order, &id);
            table.place(id, record);
        }
        old
    }

    /// The record, if there is one.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.tables
            .get(&kind)?
            .records
            .get(id)
            .map(|record| record.kept.value())
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
        let old = self.insert(
            kind,
            id.to_owned(),
            Some(Record {
                order,
                kept: value.into(),
            }),
        );
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

    /// All records of a kind, the newest first, as Stripe lists them. Its cost grows with their number.
    pub(crate) fn newest_first(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.oldest_first(kind).rev()
    }

    /// All records of a kind in the order of their creation. Its cost grows with their number.
    pub(crate) fn oldest_first(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Value> {
        self.between(kind, None, ALL)
    }

    /// The records of a kind that have this text in that field, which has to be indexed for the kind; the oldest first.
    pub(crate) fn having<'a>(&'a self, kind: Kind, field: &str, text: &str) -> Records<'a> {
        self.between(kind, Some((field, text)), ALL)
    }

    /// The place of a record in the order of creation.
    pub(crate) fn place(&self, kind: Kind, id: &str) -> Option<u64> {
        Some(self.tables.get(&kind)?.records.get(id)?.order)
    }

    /// The records within these places, all of the kind or those with a text in an indexed field; the oldest first.
    pub(crate) fn between<'a>(
        &'a self,
        kind: Kind,
        with: Option<(&str, &str)>,
        places: Places,
    ) -> Records<'a> {
        let Some(table) = self.tables.get(&kind) else {
            return Box::new(std::iter::empty());
        };
        let record = |id: &String| table.records.get(id).map(|record| record.kept.value());
        match with {
            None => Box::new(
                table
                    .order
                    .range(places)
                    .filter_map(move |(_, id)| record(id)),
            ),
            Some((field, text)) => {
                debug_assert!(
                    indexed(kind).contains(&field),
                    "{kind:?} has no index by {field}"
                );
                let found = table.index.having(field, text, places);
                Box::new(found.filter_map(move |place| table.order.get(&place).and_then(record)))
            }
        }
    }

    /// The ids of all deliveries that wait, in the order of their creation.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let table = self.tables.get(&Kind::Delivery);
        let mut waiting: Vec<(&Waiting, &String)> = table
            .into_iter()
            .flat_map(|table| table.index.waiting())
            .collect();
        waiting.sort_by_key(|((_, _, order), _)| *order);
        waiting.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// For each endpoint the deliveries that are due by `now`, at most `most` of them, and when its next one is due.
    pub(crate) fn due(&self, now: i64, most: usize) -> Vec<(String, Vec<String>, Option<i64>)> {
        let table = self.tables.get(&Kind::Delivery);
        table.map_or_else(Vec::new, |table| table.index.due_each(now, most))
    }

    /// The earliest timer of this clock, or of none, that has run out by `until`.
    pub(crate) fn first_timer(&self, clock: Option<&str>, until: i64) -> Option<&Value> {
        let table = self.tables.get(&Kind::Timer)?;
        let id = table.index.first_due(clock.unwrap_or_default(), until)?;
        table.records.get(id).map(|record| record.kept.value())
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
            let changes: Vec<Change<'_>> = self
                .before
                .iter()
                .map(|((kind, id), old)| {
                    let new = self
                        .tables
                        .get(kind)
                        .and_then(|table| table.records.get(id));
                    let order = new.or(old.as_ref()).map_or(0, |record| record.order);
                    Change(*kind, id, order, new.map(|record| &record.kept))
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

/// Whether nobody can ask for it any more.
fn is_old(change: &Known, now: i64) -> bool {
    const EVENTS_KEPT_SECONDS: i64 = 31 * 86_400;
    change.record.is_some()
        && match change.kind {
            Kind::Answer => change.seen.int("until").is_none_or(|until| until <= now),
            Kind::Event => change.seen.int("created").unwrap_or(0) < now - EVENTS_KEPT_SECONDS,
            _ => false,
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

    #[test]
    fn a_file_is_written_anew_once_most_of_it_is_of_the_past() {
        let file =
            std::env::temp_dir().join(format!("perennial-store-{}", crate::state::ids::random(12)));
        let lines = || std::fs::read_to_string(&file).unwrap().lines().count();
        let change = |store: &mut Store, times: i32| {
            for n in 0..times {
                store.put(Kind::Customer, "cus_1", json!(n));
                store.commit().unwrap();
            }
        };
        change(&mut Store::open(Some(&file)).unwrap(), 2);
        drop(Store::open(Some(&file)).unwrap());
        assert_eq!(lines(), 2, "nothing was worth it");
        change(&mut Store::open(Some(&file)).unwrap(), 1);
        let again = Store::open(Some(&file)).unwrap();
        assert_eq!(lines(), 1);
        assert_eq!(ids(&again), [&json!(0)]);
        drop(again);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn an_index_follows_every_change_also_one_that_is_undone() {
        let charge = |id: &str, customer: &str| json!({"id": id, "customer": customer});
        let of = |store: &Store, customer: &str| -> Vec<String> {
            let found = store.having(Kind::Charge, "customer", customer);
            found
                .map(|charge| charge["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let mut store = Store::default();
        for (id, customer) in [("ch_1", "cus_a"), ("ch_2", "cus_b"), ("ch_3", "cus_a")] {
            store.put(Kind::Charge, id, charge(id, customer));
        }
        store.commit().unwrap();
        assert_eq!(of(&store, "cus_a"), ["ch_1", "ch_3"]);
        store.put(Kind::Charge, "ch_1", charge("ch_1", "cus_b"));
        assert_eq!(of(&store, "cus_b"), ["ch_1", "ch_2"]);
        store.undo();
        assert_eq!(of(&store, "cus_a"), ["ch_1", "ch_3"]);
        store.remove(Kind::Charge, "ch_3");
        store.commit().unwrap();
        assert_eq!(of(&store, "cus_a"), ["ch_1"]);
        assert!(of(&store, "cus_c").is_empty());
    }

    #[test]
    fn after_a_start_everything_is_found_as_before() {
        let file =
            std::env::temp_dir().join(format!("perennial-store-{}", crate::state::ids::random(12)));
        let mut store = Store::open(Some(&file)).unwrap();
        let now = crate::state::clock::machine_seconds();
        let of =
            |subscription: &str| json!({"subscription_details": {"subscription": subscription}});
        let event = |created: i64, delivery: &str| json!({"type": "x", "created": created, "_deliveries": [delivery]});
        let delivery = |state: &str| json!({"state": state, "next_at": 5, "endpoint": "we_1"});
        for (kind, id, value) in [
            (Kind::Invoice, "in_1", json!({"parent": of("sub_1")})),
            (Kind::Invoice, "in_2", json!({"parent": of("sub_2")})),
            (Kind::Invoice, "in_1", json!({"parent": of("sub_2")})),
            (Kind::Timer, "t_1", json!({"at": 30, "clock": null})),
            (Kind::Timer, "t_2", json!({"at": 20, "clock": "clock_1"})),
            (Kind::Delivery, "d_1", delivery("pending")),
            (Kind::Delivery, "d_2", delivery("pending")),
            (Kind::Delivery, "d_3", delivery("pending")),
            (Kind::Delivery, "d_2", delivery("done")),
            (Kind::Event, "evt_1", event(now - 32 * 86_400, "d_3")),
            (Kind::Event, "evt_2", event(now, "d_1")),
            (Kind::Answer, "a_1", json!({"until": now - 1})),
            (Kind::Answer, "a_2", json!({"until": now + 100})),
        ] {
            store.put(kind, id, value);
            store.commit().unwrap();
        }
        drop(store);
        for _ in 0..2 {
            let mut store = Store::open(Some(&file)).unwrap();
            let by = "parent.subscription_details.subscription";
            let found = |store: &Store, text: &str| store.having(Kind::Invoice, by, text).count();
            assert_eq!((found(&store, "sub_1"), found(&store, "sub_2")), (0, 2));
            let first = |clock| store.first_timer(clock, 100).map(|it| it["at"].clone());
            assert_eq!(
                (first(None), first(Some("clock_1"))),
                (Some(json!(30)), Some(json!(20)))
            );
            assert_eq!(store.waiting(), ["d_1"]);
            let there = [(Kind::Event, 1), (Kind::Answer, 1), (Kind::Delivery, 2)];
            for (kind, many) in there {
                assert_eq!(store.newest_first(kind).count(), many, "{kind:?}");
            }
            // What was not looked at is changed, and comes back.
            store.remove(Kind::Invoice, "in_2");
            store.put(Kind::Timer, "t_1", json!({"at": 50}));
            assert_eq!(found(&store, "sub_2"), 1);
            store.undo();
            assert_eq!(found(&store, "sub_2"), 2);
            assert_eq!(
                store.first_timer(None, 100),
                Some(&json!({"at": 30, "clock": null}))
            );
        }
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn timers_are_found_by_clock_and_time() {
        let timer = |at: i64, clock: Option<&str>| json!({"at": at, "clock": clock});
        let mut store = Store::default();
        store.put(Kind::Timer, "a", timer(30, None));
        store.put(Kind::Timer, "b", timer(10, Some("clock_1")));
        store.put(Kind::Timer, "c", timer(20, None));
        let first = |store: &Store, clock, until| {
            store
                .first_timer(clock, until)
                .map(|timer| timer["at"].as_i64().unwrap())
        };
        assert_eq!(first(&store, None, 100), Some(20));
        assert_eq!(first(&store, None, 19), None);
        assert_eq!(first(&store, Some("clock_1"), 10), Some(10));
        store.put(Kind::Timer, "c", timer(40, None));
        assert_eq!(first(&store, None, 100), Some(30));
    }
}
