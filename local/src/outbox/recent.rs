//! The last events, for whoever looks.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// How many are kept.
const MOST: usize = 100;

/// The last events of this run.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<Value>>);

impl Recent {
    /// Takes note of an event. One that comes again is the same event.
    pub(super) fn add(&self, event: &Value) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.iter().any(|known| known["id"] == event["id"]) {
            return;
        }
        events.push_front(event.clone());
        events.truncate(MOST);
    }

    /// The newest first.
    pub(super) fn list(&self) -> Vec<Value> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_hundred_are_kept_once_each_and_the_newest_is_first() {
        let recent = Recent::default();
        for number in [1, 2, 2, 1] {
            recent.add(&json!({ "id": number }));
        }
        assert_eq!(recent.list(), [json!({"id": 2}), json!({"id": 1})]);
        for number in 3..=102 {
            recent.add(&json!({ "id": number }));
        }
        let kept = recent.list();
        assert_eq!(
            (kept.len(), &kept[0]["id"], &kept[99]["id"]),
            (100, &json!(102), &json!(3))
        );
    }
}
