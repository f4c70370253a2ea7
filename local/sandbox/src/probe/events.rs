//! Compares the events of a scenario: how many of each type there are, and what each shows.

use super::compare::{Comparison, Difference, Pairs, Wall};
use serde_json::Value;
use std::collections::BTreeSet;

/// The differences between the events of both sides. Stripe promises no order of events, so none is compared.
pub(crate) fn compare(
    stripe: &[Value],
    sandbox: &[Value],
    pairs: &mut Pairs,
    wall: Wall,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let types: BTreeSet<&str> = stripe.iter().chain(sandbox).map(kind).collect();
    for name in types {
        let ones: Vec<&Value> = stripe.iter().filter(|event| kind(event) == name).collect();
        let mut others: Vec<&Value> = sandbox.iter().filter(|event| kind(event) == name).collect();
        let path = format!("events.{name}");
        if ones.len() != others.len() {
            found.push(Difference {
                step: "events".to_owned(),
                path: path.clone(),
                stripe: Some(Value::from(ones.len())),
                sandbox: Some(Value::from(others.len())),
                kind: path.clone(),
            });
            // Which one is too many cannot be said, so what they show is not compared either.
            continue;
        }
        for one in ones {
            let Some(other) = counterpart(one, &mut others, pairs) else {
                continue;
            };
            let data = |event: &Value| event.get("data").cloned().unwrap_or_default();
            let mut comparison = Comparison {
                step: "events",
                pairs,
                wall,
                found: Vec::new(),
            };
            comparison.values(&path, &data(one), &data(other));
            found.append(&mut comparison.found);
        }
    }
    found
}

/// Takes the event about the same object out of the others, or else the first about one that is not known yet.
fn counterpart<'a>(one: &Value, others: &mut Vec<&'a Value>, pairs: &Pairs) -> Option<&'a Value> {
    let known = pairs.of(id(one));
    let place = match known {
        Some(known) => others.iter().position(|other| id(other) == known),
        None => others.iter().position(|other| !pairs.knows(id(other))),
    };
    let place = place.or_else(|| (!others.is_empty()).then_some(0))?;
    Some(others.remove(place))
}

fn kind(event: &Value) -> &str {
    event
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn id(event: &Value) -> &str {
    event
        .pointer("/data/object/id")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
