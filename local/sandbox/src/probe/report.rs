//! What a run has found, for a person and for a program.

use super::allowed::Allowed;
use super::compare::Difference;
use super::inferred::{Belief, beliefs};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What became of a scenario.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Agrees,
    Differs,
    /// The sandbox refuses a call as one that it does not simulate.
    NotSimulated,
    /// A call had no answer.
    Unanswered,
    /// The run ended before.
    NotAsked,
}

/// A step with the answers of both sides.
#[derive(Debug, Serialize)]
pub(crate) struct Asked {
    pub(crate) step: String,
    pub(crate) stripe: Value,
    pub(crate) sandbox: Value,
}

/// One scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) scenario: String,
    pub(crate) about: String,
    pub(crate) outcome: Outcome,
    pub(crate) differences: Vec<Difference>,
    /// What was not simulated, or had no answer, with its step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) because: Option<String>,
    pub(crate) steps: Vec<Asked>,
}

/// One run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) run: String,
    pub(crate) api_version: &'static str,
    pub(crate) scenarios: Vec<Found>,
    /// Requests that Stripe was sent.
    pub(crate) requests: u32,
    /// How often Stripe asked for fewer.
    pub(crate) slowed: u32,
    /// What was not compared, and why.
    pub(crate) may_differ: &'static [Allowed],
    /// What could not be taken away again.
    pub(crate) left: Vec<String>,
    /// Why the run ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
}

impl Report {
    fn count(&self, outcome: Outcome) -> usize {
        self.scenarios
            .iter()
            .filter(|found| found.outcome == outcome)
            .count()
    }

    /// 0 without a difference, 1 with one, 2 if the run could not do what it was asked for.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.count(Outcome::Differs) > 0 {
            1
        } else if self.ended.is_some() || self.count(Outcome::Unanswered) > 0 {
            2
        } else {
            0
        }
    }

    /// The whole report for a person. The same difference at another place is counted and not shown again.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut seen = BTreeMap::<String, usize>::new();
        for found in &self.scenarios {
            let name = &found.scenario;
            // Writing into a string cannot fail.
            let _ = match (&found.outcome, &found.because) {
                (Outcome::Agrees, _) => writeln!(text, "agrees         {name}"),
                (Outcome::Differs, _) => writeln!(text, "DIFFERS        {name}: {}", found.about),
                (Outcome::NotSimulated, because) => {
                    writeln!(
                        text,
                        "not simulated  {name}: {}",
                        because.as_deref().unwrap_or_default()
                    )
                }
                (Outcome::Unanswered, because) => {
                    writeln!(
                        text,
                        "UNANSWERED     {name}: {}",
                        because.as_deref().unwrap_or_default()
                    )
                }
                (Outcome::NotAsked, _) => writeln!(text, "not asked      {name}"),
            };
            write_differences(&mut text, &found.differences, &mut seen);
        }
        self.write_summary(&mut text);
        text
    }

    fn write_summary(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{} agree, {} differ, {} not simulated, {} unanswered, {} not asked; {} requests, {} times slowed down",
            self.count(Outcome::Agrees),
            self.count(Outcome::Differs),
            self.count(Outcome::NotSimulated),
            self.count(Outcome::Unanswered),
            self.count(Outcome::NotAsked),
            self.requests,
            self.slowed,
        );
        for (title, outcome) in [
            ("inferred, and Stripe agrees", Outcome::Agrees),
            ("inferred, and Stripe differs", Outcome::Differs),
            ("inferred, and not simulated", Outcome::NotSimulated),
        ] {
            let ids: Vec<&str> = beliefs()
                .iter()
                .filter(|belief| self.settles(belief) == Some(outcome))
                .map(|belief| belief.id.as_str())
                .collect();
            if !ids.is_empty() {
                let _ = writeln!(text, "{title}: {}", ids.join(", "));
            }
        }
        if !self.left.is_empty() {
            let _ = writeln!(text, "left behind; `probe --clean` takes it away:");
            for path in &self.left {
                let _ = writeln!(text, "  {path}");
            }
        }
        if let Some(ended) = &self.ended {
            let _ = writeln!(text, "ended early: {ended}");
        }
    }

    /// What the scenarios of a belief say of it together, if each has said something.
    fn settles(&self, belief: &Belief) -> Option<Outcome> {
        let mut together = None;
        for id in &belief.scenarios {
            let found = self.scenarios.iter().find(|found| found.scenario == *id)?;
            together = match (found.outcome, together) {
                (Outcome::Unanswered | Outcome::NotAsked, _) => return None,
                (Outcome::Differs, _) | (_, Some(Outcome::Differs)) => Some(Outcome::Differs),
                (Outcome::NotSimulated, _) | (_, Some(Outcome::NotSimulated)) => {
                    Some(Outcome::NotSimulated)
                }
                _ => Some(Outcome::Agrees),
            };
        }
        together
    }
}

fn write_differences(
    text: &mut String,
    differences: &[Difference],
    seen: &mut BTreeMap<String, usize>,
) {
    let (mut again, mut steps) = (0, BTreeSet::new());
    for difference in differences {
        let (stripe, sandbox) = (
            shown(difference.stripe.as_ref()),
            shown(difference.sandbox.as_ref()),
        );
        let times = seen
            .entry(format!("{} {stripe} {sandbox}", difference.kind))
            .or_default();
        *times += 1;
        if *times > 1 {
            again += 1;
            continue;
        }
        if steps.insert(difference.step.as_str()) {
            let _ = writeln!(text, "  {}", difference.step);
        }
        let _ = writeln!(
            text,
            "    {}\n      Stripe   {stripe}\n      sandbox  {sandbox}",
            difference.path
        );
    }
    if again > 0 {
        let _ = writeln!(text, "  and {again} that are above already");
    }
}

/// The longest value that is shown whole.
const LONGEST_SHOWN: usize = 200;

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "no such field".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
