//! What DynamoDB counts of requests: units by the sizes of items
//! (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>).

use serde_json::Value;

use super::database::Item;

const READ_UNIT: usize = 4096;
const WRITE_UNIT: usize = 1024;

/// What a table was asked, and what that costs. All reads are taken as consistent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests.
    pub calls: u64,
    /// Items that were read and found.
    pub items_read: u64,
    /// Units of consistent reads: one for each 4 KB that are begun.
    pub read_units: u64,
    /// Writes, each of a transaction included.
    pub writes: u64,
    /// Units of writes: one for each 1 KB that is begun, and two in a transaction.
    pub write_units: u64,
}

impl Cost {
    /// What came on top since then.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            calls: self.calls - before.calls,
            items_read: self.items_read - before.items_read,
            read_units: self.read_units - before.read_units,
            writes: self.writes - before.writes,
            write_units: self.write_units - before.write_units,
        }
    }

    pub(super) fn reads(&mut self, found: Option<&Item>) {
        self.items_read += u64::from(found.is_some());
        self.read_units += units(found.map_or(0, size), READ_UNIT);
    }

    pub(super) fn reads_together<'a>(&mut self, found: impl Iterator<Item = &'a Item>) {
        let mut all = 0;
        for item in found {
            self.items_read += 1;
            all += size(item);
        }
        self.read_units += units(all, READ_UNIT);
    }

    pub(super) fn writes(&mut self, item: Option<&Item>, is_in_transaction: bool) {
        self.writes += 1;
        let units = units(item.map_or(0, size), WRITE_UNIT);
        self.write_units += if is_in_transaction { 2 * units } else { units };
    }
}

fn units(bytes: usize, of: usize) -> u64 {
    u64::try_from(bytes.div_ceil(of).max(1)).unwrap_or(u64::MAX)
}

fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + size_of(value))
        .sum()
}

/// Of an attribute, in about the bytes that DynamoDB counts.
fn size_of(value: &Value) -> usize {
    match value {
        Value::Object(typed) => typed
            .iter()
            .map(|(kind, value)| match (kind.as_str(), value) {
                ("M", Value::Object(members)) => 3 + members.len() + size(members),
                ("N", Value::String(digits)) => digits.len() / 2 + 2,
                (_, value) => size_of(value),
            })
            .sum(),
        Value::Array(members) => 3 + members.iter().map(|it| 1 + size_of(it)).sum::<usize>(),
        Value::String(text) => text.len(),
        _ => 1,
    }
}
