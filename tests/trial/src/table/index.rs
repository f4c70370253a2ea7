//! The index `due`: the items that wait for something, the most overdue first.

use std::collections::BTreeSet;

use serde_json::Value;

use super::database::{Item, Key, part};

/// The keys of the index and of the table, which are all that the index holds of an item.
const PROJECTED: [&str; 4] = ["pk", "sk", "due", "due_at"];

/// Items by what they wait for and until when.
#[derive(Default)]
pub(super) struct Index(BTreeSet<(String, String, Key)>);

impl Index {
    /// Takes an item in or out: what was there, and what is.
    pub(super) fn change(&mut self, key: &Key, before: Option<&Item>, after: Option<&Item>) {
        let entry = |item: &Item| Some((part(item, "due")?, part(item, "due_at")?, key.clone()));
        if let Some(entry) = before.and_then(entry) {
            self.0.remove(&entry);
        }
        if let Some(entry) = after.and_then(entry) {
            self.0.insert(entry);
        }
    }

    /// What waits for this.
    pub(super) fn of(&self, due: &str) -> impl Iterator<Item = Item> {
        let from = (due.to_owned(), String::new(), Key::default());
        let waiting = self.0.range(from..).take_while(move |(it, _, _)| it == due);
        waiting.map(|(due, due_at, (pk, sk))| {
            let texts = [pk, sk, due, due_at].map(|text| serde_json::json!({ "S": text }));
            let named = PROJECTED.map(str::to_owned).into_iter().zip(texts);
            named.collect::<serde_json::Map<String, Value>>()
        })
    }
}
