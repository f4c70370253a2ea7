//! One side's way through a scenario.

use super::client::{Answer, Call, Failure, Side};
use super::compare::prefix;
use super::fill::{Answers, Common, fill};
use super::made::{Made, listed_until, mark};
use super::scenario::{Step, Verb};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// Turns of the pace between two looks at something that changes by itself: two seconds at 4 requests a second.
const LOOK: u32 = 8;

/// Turns of the pace after which it is no longer waited for: five minutes at 4 requests a second.
const LONGEST_LOOK: u32 = 1200;

/// It is waited for at least as long as this, however quick the pace.
const SHORTEST_LOOK: Duration = Duration::from_secs(20);

/// Most scenarios have fewer events.
const EVENTS_A_PAGE: &str = "50";

/// How often events are read until no further ones come.
const EVENT_LOOKS: u32 = 6;

/// What became of a step.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Answered(Answer),
    /// It refers to an answer that is not there.
    Skipped(String),
    Lost(String),
}

/// One side with what it answered and made.
pub(crate) struct Lane {
    pub(crate) side: Side,
    pub(crate) made: Made,
    /// The answers to the fixtures.
    pub(crate) fixtures: Answers,
    /// The answers of the scenario under way.
    pub(crate) answers: Answers,
    /// The ids of what it has made.
    owned: BTreeSet<String>,
    /// The first of them that an event tells of.
    first: Option<String>,
    /// When the scenario under way began, by the side's own clock.
    begun: i64,
    /// How often no further event has to have come until all are there.
    quiet: u32,
}

impl Lane {
    /// Stripe, whose events may come a little after the answers.
    pub(crate) fn stripe(side: Side) -> Self {
        Self {
            quiet: 1,
            ..Self::sandbox(side)
        }
    }

    /// A sandbox, whose events are there with the answers.
    pub(crate) fn sandbox(side: Side) -> Self {
        Self {
            side,
            made: Made::default(),
            fixtures: Answers::new(),
            answers: Answers::new(),
            owned: BTreeSet::new(),
            first: None,
            begun: 0,
            quiet: 0,
        }
    }

    /// Begins a scenario.
    pub(crate) fn begin(&mut self) {
        self.answers.clone_from(&self.fixtures);
        self.owned.clear();
        self.first = None;
        self.begun = self.side.date();
    }

    /// Does one step. What has no answer is no failure, but that a run has to end is.
    pub(crate) async fn step(
        &mut self,
        step: &Step,
        scenario: &str,
        number: usize,
        common: &Common,
    ) -> Result<Done, Failure> {
        let call = match call(step, scenario, number, common, &self.answers) {
            Ok(call) => call,
            Err(missing) => return Ok(Done::Skipped(missing)),
        };
        let answer = match step.verb {
            Verb::Get | Verb::Post | Verb::Delete => self.side.ask(&call).await,
            Verb::Wait => self.wait(&call, &step.params).await,
            Verb::Advance => self.advance(&call).await,
        };
        self.made.note(&call, &answer);
        match answer {
            Ok(answer) => {
                let id = answer.body.get("id").and_then(Value::as_str);
                if let Some(id) = id.filter(|id| call.method == "POST" && prefix(id).is_some()) {
                    self.owned.insert(id.to_owned());
                    // A payment method is made without an event.
                    if self.first.is_none() && prefix(id) != Some("pm") {
                        self.first = Some(id.to_owned());
                    }
                }
                if !step.name.is_empty() {
                    self.answers.insert(step.name.clone(), answer.body.clone());
                }
                Ok(Done::Answered(answer))
            }
            Err(Failure::Lost(why)) => Ok(Done::Lost(why)),
            Err(failure) => Err(failure),
        }
    }

    async fn wait(&self, call: &Call, wanted: &[(String, String)]) -> Result<Answer, Failure> {
        let has = |answer: &Answer| {
            wanted.iter().all(|(path, value)| {
                let pointer = format!("/{}", path.replace('.', "/"));
                answer
                    .body
                    .pointer(&pointer)
                    .is_some_and(|found| match found {
                        Value::String(text) => text == value,
                        other => {
                            let text = other.to_string();
                            text == *value
                        }
                    })
            })
        };
        self.look(call, has).await
    }

    /// Reads until it is as it should be, the time is over, or it cannot be read; answers what was read last.
    async fn look(
        &self,
        call: &Call,
        is_done: impl Fn(&Answer) -> bool,
    ) -> Result<Answer, Failure> {
        let until = Instant::now() + self.side.turns(LONGEST_LOOK).max(SHORTEST_LOOK);
        loop {
            let answer = self.side.ask(call).await?;
            if is_done(&answer) || !answer.is_success() || Instant::now() > until {
                return Ok(answer);
            }
            self.side.rest(LOOK).await?;
        }
    }

    async fn advance(&self, call: &Call) -> Result<Answer, Failure> {
        let begun = self.side.ask(call).await?;
        if !begun.is_success() {
            return Ok(begun);
        }
        let clock = call.path.trim_end_matches("/advance").to_owned();
        let is_ready = |answer: &Answer| {
            answer.body.get("status").and_then(Value::as_str) != Some("advancing")
        };
        self.look(&Call::get(clock, &[]), is_ready).await
    }

    /// The events about what the scenario has made, the oldest first.
    pub(crate) async fn events(&self) -> Result<Vec<Value>, Failure> {
        let Some(first) = &self.first else {
            return Ok(Vec::new());
        };
        // The first event about the first object is the oldest one of the scenario, by their order and by the time of
        // a test clock. Where that time is an event's, earlier scenarios' events are newer than this one's.
        let is_first = |event: &Value| {
            let kind = event.get("type").and_then(Value::as_str);
            kind.is_some_and(|kind| kind.ends_with(".created"))
                && event.pointer("/data/object/id").and_then(Value::as_str) == Some(first)
        };
        let since = (self.begun - 1).to_string();
        let call = Call::get(
            "/v1/events",
            &[("created[gte]", &since), ("limit", EVENTS_A_PAGE)],
        );
        let (mut before, mut quiet) = (0, 0);
        for _ in 0..EVENT_LOOKS {
            let mut events = listed_until(&self.side, call.clone(), is_first).await?;
            events.retain(|event| self.is_about_ours(event.pointer("/data/object")));
            quiet = if events.len() == before { quiet + 1 } else { 0 };
            if quiet >= self.quiet {
                events.reverse();
                return Ok(events);
            }
            before = events.len();
            self.side.rest(LOOK).await?;
        }
        Err(Failure::Lost("events kept coming".to_owned()))
    }

    fn is_about_ours(&self, value: Option<&Value>) -> bool {
        match value {
            Some(Value::String(text)) => self.owned.contains(text),
            Some(Value::Array(items)) => items.iter().any(|item| self.is_about_ours(Some(item))),
            Some(Value::Object(fields)) => {
                fields.values().any(|field| self.is_about_ours(Some(field)))
            }
            _ => false,
        }
    }
}

/// The call of a step, or the reference that leads nowhere.
fn call(
    step: &Step,
    scenario: &str,
    number: usize,
    common: &Common,
    answers: &Answers,
) -> Result<Call, String> {
    let mut params = Vec::new();
    for (name, value) in step.params.iter().flat_map(repeated) {
        params.push((name, fill(&value, common, answers)?));
    }
    let mut path = fill(&step.path, common, answers)?;
    let method = match step.verb {
        Verb::Get => "GET",
        Verb::Post => "POST",
        Verb::Delete => "DELETE",
        Verb::Advance => {
            path = format!("/v1/test_helpers/test_clocks/{path}/advance");
            "POST"
        }
        Verb::Wait => {
            params.clear();
            "GET"
        }
    };
    if step.verb == Verb::Post {
        mark(&path, &mut params, &common.run);
    }
    let part = match &step.key {
        Some(name) => format!("key-{}", fill(name, common, answers)?),
        None => number.to_string(),
    };
    Ok(Call {
        method,
        path,
        params,
        idempotency_key: (method == "POST")
            .then(|| format!("perennial-probe-{}-{scenario}-{part}", common.run)),
    })
}

/// A parameter for each number of `{1..51}` in its name, or the one that it is.
fn repeated(param: &(String, String)) -> Vec<(String, String)> {
    let (name, value) = param;
    let range = || {
        let (before, rest) = name.split_once('{')?;
        let (range, after) = rest.split_once('}')?;
        let (from, to) = range.split_once("..")?;
        Some((before, from.parse::<u32>().ok()?..=to.parse().ok()?, after))
    };
    match range() {
        Some((before, range, after)) => range
            .map(|number| (format!("{before}{number}{after}"), value.clone()))
            .collect(),
        None => vec![param.clone()],
    }
}

/// The calls of a step as `--dry-run` shows it, with its references as they are written.
pub(crate) fn planned(step: &Step, run: &str) -> String {
    let mut params: Vec<(String, String)> = step.params.clone();
    if step.verb == Verb::Post {
        mark(&step.path, &mut params, run);
    }
    let shown: Vec<String> = params
        .iter()
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    let shown = shown.concat();
    match step.verb {
        Verb::Get => format!("GET {}{shown}", step.path),
        Verb::Post => format!("POST {}{shown}", step.path),
        Verb::Delete => format!("DELETE {}{shown}", step.path),
        Verb::Wait => format!("GET {}, until{shown}", step.path),
        Verb::Advance => format!(
            "POST /v1/test_helpers/test_clocks/{0}/advance{shown}, then GET /v1/test_helpers/test_clocks/{0} until it is ready",
            step.path
        ),
    }
}
