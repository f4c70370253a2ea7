//! What was asked of the API, for tests that count calls.

use serde_json::{Value, json};
use std::collections::VecDeque;

/// Older entries make room.
const KEPT: usize = 10_000;

/// One call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) at: i64,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) stripe_version: Option<String>,
    pub(crate) key: Option<&'static str>,
    pub(crate) request_id: String,
    pub(crate) status: Option<u16>,
    pub(crate) replayed: bool,
    pub(crate) fault: Option<String>,
}

/// The calls in the order in which they were answered.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(VecDeque<Entry>);

impl RequestLog {
    /// Adds a call.
    pub(crate) fn add(&mut self, entry: Entry) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    /// Forgets them all.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The calls as the control API shows them.
    pub(crate) fn shown(&self) -> Value {
        let entries = self.0.iter().map(|entry| {
            json!({
                "at": entry.at,
                "method": entry.method,
                "path": entry.path,
                "params": entry.params,
                "idempotency_key": entry.idempotency_key,
                "stripe_version": entry.stripe_version,
                "key": entry.key,
                "request_id": entry.request_id,
                "status": entry.status,
                "replayed": entry.replayed,
                "fault": entry.fault,
            })
        });
        json!({"requests": entries.collect::<Vec<_>>()})
    }
}
