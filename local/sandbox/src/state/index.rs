//! What records are looked up by, so that the cost of a request does not grow with what the sandbox holds.

use super::fields::Fields;
use super::kind::Kind;
use super::store::Places;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Included};

/// The endpoint that a delivery is for, when it is due, and its place in the order of creation.
pub(super) type Waiting = (String, i64, u64);

/// The fields by which the records of a kind are looked up.
pub(crate) fn indexed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Charge => &["customer", "payment_intent"],
        Kind::BalanceTransaction | Kind::CreditNote => &["customer", "invoice"],
        Kind::Customer => &["email", "test_clock"],
        Kind::Dispute | Kind::Refund => &["charge", "payment_intent"],
        Kind::FraudWarning => &["charge"],
        Kind::Event => &["type"],
        Kind::Invoice => &[
            "customer",
            "_link",
            "parent.subscription_details.subscription",
        ],
        Kind::InvoicePayment => &["invoice", "payment.payment_intent"],
        Kind::InvoiceItem | Kind::PaymentMethod | Kind::TaxId => &["customer"],
        Kind::PaymentIntent => &["customer", "status"],
        Kind::PaymentMethodDomain => &["domain_name"],
        Kind::PortalSession => &["_secret"],
        Kind::Price => &["lookup_key", "product"],
        Kind::SetupAttempt => &["setup_intent"],
        Kind::SetupIntent => &["customer", "payment_method", "status"],
        Kind::Subscription => &["customer", "pending_setup_intent", "test_clock"],
        Kind::TestClock => &["status"],
        _ => &[],
    }
}

/// All fields of a kind's records that the store looks at itself.
pub(super) fn looked_at(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Answer => &["until"],
        Kind::Delivery => &["endpoint", "next_at", "state"],
        Kind::Event => &["_deliveries", "created", "type"],
        Kind::Timer => &["at", "clock"],
        _ => indexed(kind),
    }
}

/// The records of one kind by what is asked of them.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Places in the order of creation by field and text.
    places: HashMap<&'static str, HashMap<String, BTreeSet<u64>>>,
    /// Deliveries whose `state` is `pending`. The webhook worker looks for them after each change, and those that are
    /// over soon outnumber them by far.
    pending: BTreeMap<Waiting, String>,
    /// Timers by their clock, empty for none, and time.
    timers: BTreeMap<Waiting, String>,
}

impl Index {
    pub(super) fn add(&mut self, kind: Kind, record: &Value, place: u64, id: &str) {
        for field in indexed(kind) {
            if let Some(text) = record.text(field) {
                let by_text = self.places.entry(field).or_default();
                by_text.entry(text.to_owned()).or_default().insert(place);
            }
        }
        match kind {
            Kind::Delivery => {
                if let Some(key) = waiting(record, place) {
                    self.pending.insert(key, id.to_owned());
                }
            }
            Kind::Timer => {
                if let Some(key) = timer(record, place) {
                    self.timers.insert(key, id.to_owned());
                }
            }
            _ => {}
        }
    }

    pub(super) fn remove(&mut self, kind: Kind, record: &Value, place: u64) {
        for field in indexed(kind) {
            let by_text = self.places.get_mut(field).zip(record.text(field));
            if let Some((by_text, text)) = by_text
                && let Some(places) = by_text.get_mut(text)
            {
                places.remove(&place);
                if places.is_empty() {
                    by_text.remove(text);
                }
            }
        }
        match kind {
            Kind::Delivery => {
                if let Some(key) = waiting(record, place) {
                    self.pending.remove(&key);
                }
            }
            Kind::Timer => {
                if let Some(key) = timer(record, place) {
                    self.timers.remove(&key);
                }
            }
            _ => {}
        }
    }

    /// The places of the records with this text in the field, the oldest first.
    pub(super) fn having(
        &self,
        field: &str,
        text: &str,
        within: Places,
    ) -> impl DoubleEndedIterator<Item = u64> + '_ {
        let found = self.places.get(field).and_then(|by_text| by_text.get(text));
        found
            .into_iter()
            .flat_map(move |places| places.range(within).copied())
    }

    /// The deliveries that wait.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (&Waiting, &String)> {
        self.pending.iter()
    }

    /// For each endpoint the deliveries that are due by `now`, at most `most` of them, and when its next one is due.
    pub(super) fn due_each(
        &self,
        now: i64,
        most: usize,
    ) -> Vec<(String, Vec<String>, Option<i64>)> {
        let mut found = Vec::new();
        let mut from = (String::new(), i64::MIN, 0);
        while let Some(((endpoint, ..), _)) = self.pending.range(from..).next() {
            let until = |at| (endpoint.clone(), at, u64::MAX);
            let due = self
                .pending
                .range((endpoint.clone(), i64::MIN, 0)..=until(now));
            let ids = due.take(most).map(|(_, id)| id.clone()).collect();
            let later = self
                .pending
                .range((Excluded(until(now)), Included(until(i64::MAX))))
                .next();
            found.push((endpoint.clone(), ids, later.map(|((_, at, _), _)| *at)));
            from = until(i64::MAX);
        }
        found
    }

    /// The earliest timer of this clock that has run out by `until`.
    pub(super) fn first_due(&self, clock: &str, until: i64) -> Option<&String> {
        let from = (clock.to_owned(), i64::MIN, 0);
        let to = (clock.to_owned(), until, u64::MAX);
        self.timers.range(from..=to).next().map(|(_, id)| id)
    }
}

fn waiting(delivery: &Value, place: u64) -> Option<Waiting> {
    let pending = delivery.is("state", "pending");
    let at = delivery.int("next_at").filter(|_| pending)?;
    Some((delivery.owned("endpoint")?, at, place))
}

fn timer(timer: &Value, place: u64) -> Option<Waiting> {
    let clock = timer.owned("clock").unwrap_or_default();
    Some((clock, timer.int("at")?, place))
}

#[cfg(test)]
mod tests {
    use super::{Kind, indexed, looked_at};

    #[test]
    fn what_a_kind_is_looked_up_by_is_looked_at_when_it_is_read() {
        for (kind, _) in Kind::OBJECTS {
            for field in indexed(*kind) {
                assert!(looked_at(*kind).contains(field), "{kind:?} {field}");
            }
        }
    }
}
