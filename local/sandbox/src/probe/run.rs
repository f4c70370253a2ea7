//! Takes both sides through the scenarios.

use super::client::{Answer, Failure};
use super::compare::{Comparison, Difference, Pairs, Wall, redacted};
use super::fill::Common;
use super::lane::{Done, Lane};
use super::report::{Asked, Found, Outcome};
use super::scenario::{FIXTURES, Scenario, Step, Verb};
use super::{events, progress::Progress};
use crate::state::clock;
use serde_json::{Value, json};

/// After so many scenarios in a row without an answer, Stripe is not there.
const LOST_IN_A_ROW: u32 = 3;

/// A run under way.
pub(crate) struct Run {
    pub(crate) stripe: Lane,
    pub(crate) sandbox: Lane,
    pub(crate) common: Common,
    pub(crate) keep: bool,
    pub(crate) found: Vec<Found>,
    pub(crate) left: Vec<String>,
    /// Whether an answer was one of live mode.
    pub(crate) live: bool,
    fixture_pairs: Pairs,
}

impl Run {
    pub(crate) fn new(stripe: Lane, sandbox: Lane, common: Common, keep: bool) -> Self {
        Self {
            stripe,
            sandbox,
            common,
            keep,
            found: Vec::new(),
            left: Vec::new(),
            live: false,
            fixture_pairs: Pairs::default(),
        }
    }

    /// Asks everything, and says why it ended early if it did.
    pub(crate) async fn all(
        &mut self,
        scenarios: &[&Scenario],
        progress: &mut Progress,
    ) -> Option<String> {
        let mut lost = 0;
        for (number, scenario) in scenarios.iter().enumerate() {
            progress.begin(number + 1, scenarios.len(), &scenario.id);
            let ended = self.scenario(scenario, progress).await.err();
            let outcome = self.found.last().map(|found| found.outcome);
            progress.done(outcome);
            lost = if outcome == Some(Outcome::Unanswered) {
                lost + 1
            } else {
                0
            };
            self.live = ended == Some(Failure::Live);
            let ended = ended.map(|failure| match failure {
                Failure::Live => "an answer is of live mode, so nothing more is asked".to_owned(),
                Failure::Stopped => "it was stopped".to_owned(),
                Failure::Lost(why) => why,
            });
            let fixtures_are_there = scenario.id != FIXTURES
                || outcome == Some(Outcome::Agrees)
                || outcome == Some(Outcome::Differs);
            let ended = ended.or_else(|| {
                (!fixtures_are_there)
                    .then(|| "what the scenarios sell could not be made".to_owned())
            });
            let ended = ended
                .or_else(|| (lost >= LOST_IN_A_ROW).then(|| "Stripe does not answer".to_owned()));
            if ended.is_some() {
                for scenario in scenarios.iter().skip(number + 1) {
                    self.found.push(found(scenario, Outcome::NotAsked));
                }
                return ended;
            }
        }
        None
    }

    async fn scenario(
        &mut self,
        scenario: &Scenario,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let is_fixtures = scenario.id == FIXTURES;
        self.stripe.begin();
        self.sandbox.begin();
        let mut walk = Walk {
            pairs: self.fixture_pairs.clone(),
            clock: scenario.steps.iter().any(|step| step.verb == Verb::Advance),
            stopped: false,
            found: found(scenario, Outcome::Agrees),
        };
        let asked = self.steps(scenario, &mut walk, progress).await;
        walk.decide();
        self.found.push(walk.found);
        asked?;
        if is_fixtures {
            self.fixture_pairs = walk.pairs;
            self.stripe.fixtures.clone_from(&self.stripe.answers);
            self.sandbox.fixtures.clone_from(&self.sandbox.answers);
        } else if !self.keep {
            // What the fixtures made stays until the end.
            progress.step("taking away what it made");
            self.left.extend(
                self.stripe
                    .made
                    .remove_but_fixtures(&self.stripe.side)
                    .await,
            );
            // So that lists have as much on both sides. Nobody minds what is left there.
            self.sandbox
                .made
                .remove_but_fixtures(&self.sandbox.side)
                .await;
        }
        Ok(())
    }

    async fn steps(
        &mut self,
        scenario: &Scenario,
        walk: &mut Walk,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        for (number, step) in scenario.steps.iter().enumerate() {
            progress.step(&step.line);
            let here = if walk.is_compared() {
                self.sandbox
                    .step(step, &scenario.id, number, &self.common)
                    .await?
            } else {
                Done::Skipped("an earlier step".to_owned())
            };
            let there = self
                .stripe
                .step(step, &scenario.id, number, &self.common)
                .await?;
            walk.note(step, &there, &here);
            walk.compare(step, &there, &here, self.wall(walk.clock));
            if walk.found.outcome == Outcome::Unanswered {
                return Ok(());
            }
        }
        if walk.is_compared() && scenario.id != FIXTURES {
            progress.step("events");
            let there = match self.stripe.events().await {
                Err(Failure::Lost(why)) => {
                    walk.found.because = Some(format!("events: {why}"));
                    walk.found.outcome = Outcome::Unanswered;
                    return Ok(());
                }
                events => events?,
            };
            let here = self.sandbox.events().await?;
            let times = self.wall(walk.clock);
            walk.found
                .differences
                .extend(events::compare(&there, &here, &mut walk.pairs, times));
        }
        Ok(())
    }

    fn wall(&self, clock: bool) -> Wall {
        Wall {
            from: self.common.now,
            now: clock::machine_seconds(),
            clock,
        }
    }
}

fn found(scenario: &Scenario, outcome: Outcome) -> Found {
    Found {
        scenario: scenario.id.clone(),
        about: scenario.about.clone(),
        outcome,
        differences: Vec::new(),
        because: None,
        steps: Vec::new(),
    }
}

/// What a scenario under way has found.
struct Walk {
    pairs: Pairs,
    /// Whether a test clock decides its times.
    clock: bool,
    /// Whether the sandbox did not do a step, so that what follows cannot be compared.
    stopped: bool,
    found: Found,
}

impl Walk {
    /// Once the sandbox does not simulate a step, Stripe is still asked, for whoever will simulate it.
    fn is_compared(&self) -> bool {
        !self.stopped
    }

    fn note(&mut self, step: &Step, stripe: &Done, sandbox: &Done) {
        let shown = |done: &Done| match done {
            Done::Answered(answer) => {
                json!({"status": answer.status, "replayed": answer.replayed, "body": redacted(&answer.body)})
            }
            Done::Skipped(missing) => json!({"skipped": missing}),
            Done::Lost(why) => json!({"lost": why}),
        };
        self.found.steps.push(Asked {
            step: step.line.clone(),
            stripe: shown(stripe),
            sandbox: shown(sandbox),
        });
    }

    fn compare(&mut self, step: &Step, stripe: &Done, sandbox: &Done, wall: Wall) {
        if let (true, Done::Answered(here)) = (self.is_compared(), sandbox)
            && let Some(what) = not_simulated(here)
        {
            self.found.outcome = Outcome::NotSimulated;
            let because = format!("{what}, at {}", step.line);
            self.found.because.get_or_insert(because);
            if step.verb == Verb::Get {
                // What is only not shown changes nothing of what follows.
                return;
            }
            self.stopped = true;
        }
        match (stripe, sandbox) {
            (Done::Lost(why), _) | (_, Done::Lost(why)) => {
                self.found.outcome = Outcome::Unanswered;
                self.found.because = Some(format!("{why}, at {}", step.line));
            }
            (Done::Answered(there), Done::Answered(here)) if self.is_compared() => {
                self.answers(step, there, here, wall);
            }
            // What refers to an answer that differs cannot be compared, and the difference is known.
            _ => {}
        }
    }

    fn answers(&mut self, step: &Step, there: &Answer, here: &Answer, wall: Wall) {
        if there.is_success() != here.is_success()
            || (there.status != here.status && there.status >= 500)
        {
            self.found.differences.push(Difference {
                step: step.line.clone(),
                path: "status".to_owned(),
                stripe: Some(outline(there)),
                sandbox: Some(outline(here)),
                kind: format!("status of {}", step.line),
            });
            return;
        }
        let mut comparison = Comparison {
            step: &step.line,
            pairs: &mut self.pairs,
            wall,
            found: Vec::new(),
        };
        comparison.values("", &there.compared(), &here.compared());
        comparison.values("", &there.body, &here.body);
        self.found.differences.append(&mut comparison.found);
    }

    fn decide(&mut self) {
        if !self.found.differences.is_empty() {
            self.found.outcome = Outcome::Differs;
        }
    }
}

/// The status, and what is said of a refusal.
fn outline(answer: &Answer) -> Value {
    if answer.is_success() {
        return Value::from(answer.status);
    }
    let error = |name: &str| {
        answer
            .body
            .pointer(&format!("/error/{name}"))
            .cloned()
            .unwrap_or_default()
    };
    json!({"status": answer.status, "type": error("type"), "code": error("code"), "param": error("param"), "message": error("message")})
}

/// What the sandbox says that it does not simulate.
fn not_simulated(answer: &Answer) -> Option<String> {
    let error = |name: &str| {
        answer
            .body
            .pointer(&format!("/error/{name}"))
            .and_then(Value::as_str)
    };
    let message = error("message").unwrap_or_default();
    let is_it = error("code") == Some("sandbox_not_simulated")
        || (answer.status == 404 && message.contains("sandbox does not serve it"));
    is_it.then(|| error("param").unwrap_or(message).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Walk, found};
    use crate::probe::client::Answer;
    use crate::probe::compare::{Pairs, Wall};
    use crate::probe::lane::Done;
    use crate::probe::report::Outcome;
    use crate::probe::scenario::{Scenario, all};
    use serde_json::{Value, json};

    fn scenario() -> &'static Scenario {
        let all = all().unwrap();
        all.iter().find(|it| it.id == "change-prorated").unwrap()
    }

    fn answer(status: u16, body: Value) -> Done {
        Done::Answered(Answer {
            status,
            body,
            replayed: false,
        })
    }

    fn refused(code: &str) -> Done {
        answer(400, json!({"error": {"code": code, "param": "what"}}))
    }

    /// What the steps that begin with these words find together.
    fn walked(steps: &[(&str, Done, Done)]) -> (Outcome, Option<String>, Vec<String>) {
        let mut walk = Walk {
            pairs: Pairs::default(),
            clock: true,
            stopped: false,
            found: found(scenario(), Outcome::Agrees),
        };
        let times = Wall {
            from: 0,
            now: 0,
            clock: true,
        };
        for (begin, stripe, sandbox) in steps {
            let steps = &scenario().steps;
            let step = steps.iter().find(|it| it.line.starts_with(begin)).unwrap();
            walk.compare(step, stripe, sandbox, times);
        }
        walk.decide();
        let paths = walk.found.differences.into_iter().map(|it| it.path);
        (walk.found.outcome, walk.found.because, paths.collect())
    }

    #[test]
    fn what_the_sandbox_does_not_simulate_is_no_difference_and_ends_the_comparison() {
        let one = || answer(200, json!({"a": 1}));
        let two = || answer(200, json!({"a": 2}));
        let (outcome, because, paths) = walked(&[
            (
                "POST /v1/subscriptions",
                one(),
                refused("sandbox_not_simulated"),
            ),
            ("POST /v1/subscriptions", one(), two()),
        ]);
        assert_eq!((outcome, paths), (Outcome::NotSimulated, Vec::new()));
        assert!(
            because
                .unwrap()
                .starts_with("what, at POST /v1/subscriptions")
        );
    }

    #[test]
    fn what_the_sandbox_does_not_show_hides_no_later_difference() {
        let one = || answer(200, json!({"a": 1}));
        let two = || answer(200, json!({"a": 2}));
        let unseen = (
            "GET /v1/invoiceitems",
            one(),
            refused("sandbox_not_simulated"),
        );
        let (outcome, _, paths) = walked(std::slice::from_ref(&unseen));
        assert_eq!((outcome, paths), (Outcome::NotSimulated, Vec::new()));
        let (outcome, _, paths) = walked(&[unseen, ("POST /v1/subscriptions", one(), two())]);
        assert_eq!((outcome, paths), (Outcome::Differs, vec!["a".to_owned()]));
    }

    #[test]
    fn a_refusal_on_one_side_is_one_difference_and_what_refers_to_it_is_none() {
        let one = || answer(200, json!({"a": 1}));
        let skipped = || Done::Skipped("sub".to_owned());
        let (outcome, _, paths) = walked(&[
            ("POST /v1/subscriptions", one(), refused("other")),
            ("POST /v1/subscriptions", one(), skipped()),
        ]);
        assert_eq!(
            (outcome, paths),
            (Outcome::Differs, vec!["status".to_owned()])
        );
        let both = ("POST /v1/subscriptions", refused("one"), refused("other"));
        assert_eq!(walked(&[both]).2, ["error.code"]);
        let lost = (
            "POST /v1/subscriptions",
            Done::Lost("why".to_owned()),
            one(),
        );
        assert_eq!(walked(&[lost]).0, Outcome::Unanswered);
    }
}
