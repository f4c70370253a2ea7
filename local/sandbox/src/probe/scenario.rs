//! Scenarios: calls of the API, one after another, with references to earlier answers and no expectations.
//!
//! They are the files in `scenarios/` beside this one. A step is a line:
//!
//! - `name = POST /v1/customers email=a@example.com`: a call, whose answer `{name}` and `{name.email}` refer to later.
//!   `{name}` is the answer's id. The name may be left out. `!key=one` sends an idempotency key of that name.
//! - `name = WAIT /v1/charges/{charge} disputed=true`: reads until a field has a value.
//! - `ADVANCE {clock} {t0+1mo}`: moves a test clock and waits until it is ready.
//!
//! `fill` says what else may stand in braces.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What a step does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    Get,
    Post,
    Delete,
    Wait,
    Advance,
}

/// One step, with its braces not filled in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Step {
    /// What its answer is called, empty if nothing refers to it.
    pub(crate) name: String,
    pub(crate) verb: Verb,
    /// The path, or the clock to advance.
    pub(crate) path: String,
    /// Parameters; of `ADVANCE` the time alone, under `frozen_time`.
    pub(crate) params: Vec<(String, String)>,
    /// The name of its idempotency key, if the scenario is about keys.
    pub(crate) key: Option<String>,
    /// The line that it was read from.
    pub(crate) line: String,
}

/// A scenario with the steps of those that it begins with.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    /// What it asks, in a sentence.
    pub(crate) about: String,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    about: String,
    /// Beginnings that several scenarios share.
    #[serde(default)]
    after: Vec<String>,
    steps: Vec<String>,
}

const FILES: &[(&str, &str)] = &[
    ("cards", include_str!("scenarios/cards.json")),
    ("subscribe", include_str!("scenarios/subscribe.json")),
    ("trials", include_str!("scenarios/trials.json")),
    ("changes", include_str!("scenarios/changes.json")),
    ("endings", include_str!("scenarios/endings.json")),
    ("schedules", include_str!("scenarios/schedules.json")),
    ("discounts", include_str!("scenarios/discounts.json")),
    ("dunning", include_str!("scenarios/dunning.json")),
    ("refusals", include_str!("scenarios/refusals.json")),
];

/// The name of the beginning whose answers every scenario may refer to.
pub(crate) const FIXTURES: &str = "fixtures";

static ALL: LazyLock<Result<Vec<Scenario>, String>> = LazyLock::new(read);

/// All scenarios, the fixtures first.
pub(crate) fn all() -> Result<&'static [Scenario], String> {
    ALL.as_deref().map_err(Clone::clone)
}

fn read() -> Result<Vec<Scenario>, String> {
    let begins = include_str!("scenarios/begin.json");
    let begins: BTreeMap<String, Vec<String>> =
        serde_json::from_str(begins).map_err(|error| format!("begin.json: {error}"))?;
    let lines = |name: &str| {
        begins
            .get(name)
            .ok_or_else(|| format!("begin.json has no {name}"))
    };
    let mut scenarios = vec![Scenario {
        id: FIXTURES.to_owned(),
        about: "What the other scenarios sell.".to_owned(),
        steps: steps(lines(FIXTURES)?)?,
    }];
    let mut ids = BTreeSet::from([FIXTURES.to_owned()]);
    for (file, text) in FILES {
        let written: Vec<Written> =
            serde_json::from_str(text).map_err(|error| format!("{file}.json: {error}"))?;
        for Written {
            id,
            about,
            after,
            steps: own,
        } in written
        {
            if !ids.insert(id.clone()) {
                return Err(format!("{id} is there twice"));
            }
            let mut all = Vec::new();
            for begin in &after {
                all.extend(steps(lines(begin)?)?);
            }
            all.extend(steps(&own).map_err(|error| format!("{id}: {error}"))?);
            scenarios.push(Scenario {
                id,
                about,
                steps: all,
            });
        }
    }
    Ok(scenarios)
}

fn steps(lines: &[String]) -> Result<Vec<Step>, String> {
    lines.iter().map(|line| step(line)).collect()
}

fn step(line: &str) -> Result<Step, String> {
    let (name, rest) = match line.split_once(" = ") {
        Some((name, rest)) if !name.contains(' ') => (name, rest),
        _ => ("", line),
    };
    let mut words = rest.split_whitespace();
    let verb = match words.next() {
        Some("GET") => Verb::Get,
        Some("POST") => Verb::Post,
        Some("DELETE") => Verb::Delete,
        Some("WAIT") => Verb::Wait,
        Some("ADVANCE") => Verb::Advance,
        _ => return Err(format!("no such verb: {line}")),
    };
    let path = words.next().ok_or_else(|| format!("no path: {line}"))?;
    let (mut params, mut key) = (Vec::new(), None);
    for word in words {
        match word.split_once('=') {
            _ if verb == Verb::Advance => {
                params.push(("frozen_time".to_owned(), word.to_owned()));
            }
            Some(("!key", name)) => key = Some(name.to_owned()),
            Some((name, value)) => params.push((name.to_owned(), value.to_owned())),
            None => return Err(format!("`{word}` is no parameter: {line}")),
        }
    }
    if matches!(verb, Verb::Advance | Verb::Wait) && params.len() != 1 {
        return Err(format!("one value to wait for: {line}"));
    }
    Ok(Step {
        name: name.to_owned(),
        verb,
        path: path.to_owned(),
        params,
        key,
        line: line.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{FIXTURES, Scenario, Verb, all, step};
    use crate::probe::fill::references;
    use crate::probe::inferred::beliefs;
    use std::collections::BTreeSet;

    #[test]
    fn a_line_is_read_as_a_step() {
        let read = step(
            "sub = POST /v1/subscriptions customer={customer} items[0][price]={month} !key=one",
        )
        .unwrap();
        assert_eq!(
            (read.name.as_str(), read.verb, read.path.as_str()),
            ("sub", Verb::Post, "/v1/subscriptions")
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read.params,
            [
                pair("customer", "{customer}"),
                pair("items[0][price]", "{month}")
            ]
        );
        assert_eq!(read.key.as_deref(), Some("one"));
        let advance = step("ADVANCE {clock} {t0+1mo}").unwrap();
        assert_eq!(advance.params, [pair("frozen_time", "{t0+1mo}")]);
        let query = step("GET /v1/invoices status=open").unwrap();
        assert_eq!(query.params, [pair("status", "open")]);
        for wrong in [
            "PATCH /v1/x",
            "GET",
            "POST /v1/x y",
            "WAIT /v1/x",
            "ADVANCE {clock}",
        ] {
            assert!(step(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_reference_leads_to_an_earlier_answer() {
        let scenarios = all().unwrap();
        assert!(scenarios.len() > 40, "{}", scenarios.len());
        let names = |scenario: &Scenario| -> BTreeSet<String> {
            let steps = scenario.steps.iter();
            steps.map(|step| step.name.clone()).collect()
        };
        let fixtures = names(&scenarios[0]);
        assert_eq!(scenarios[0].id, FIXTURES);
        for scenario in scenarios {
            let id = &scenario.id;
            assert!(scenario.about.ends_with(['.', '?']), "{id}");
            let mut known = fixtures.clone();
            for step in &scenario.steps {
                let values = step.params.iter().map(|(_, value)| value);
                for name in values.chain([&step.path]).flat_map(|text| references(text)) {
                    assert!(known.contains(&name), "{id}: {name} of {}", step.line);
                }
                known.insert(step.name.clone());
            }
        }
    }

    #[test]
    fn what_is_inferred_and_the_scenarios_name_each_other() {
        let named: BTreeSet<&str> = beliefs()
            .iter()
            .flat_map(|belief| &belief.scenarios)
            .map(String::as_str)
            .collect();
        let there = all().unwrap().iter().map(|it| it.id.as_str());
        let there: BTreeSet<&str> = there.filter(|id| *id != FIXTURES).collect();
        let unwritten: Vec<_> = named.difference(&there).collect();
        assert!(
            unwritten.is_empty(),
            "named in inferred.json, and written in no file of scenarios/: {unwritten:?}"
        );
        let unnamed: Vec<_> = there.difference(&named).collect();
        assert!(
            unnamed.is_empty(),
            "settle nothing of inferred.json: {unnamed:?}"
        );
    }
}
