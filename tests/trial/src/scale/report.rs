//! What a run has measured, against the rules.

use std::fmt::Write as _;
use std::time::Duration;

use super::Figures;

/// What has to hold of each run.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The most calls of Stripe in a second.
    pub most_calls: u64,
    /// The most simulated time.
    pub longest: Duration,
}

impl Rules {
    /// Those of all runs but for their time: half of what Stripe takes of an account.
    pub fn within(longest: Duration) -> Self {
        Self {
            most_calls: 50,
            longest,
        }
    }

    /// What does not hold.
    pub fn broken(&self, figures: &Figures) -> Vec<String> {
        let mut broken = Vec::new();
        if figures.most > self.most_calls {
            broken.push(format!("{} calls of Stripe in a second", figures.most));
        }
        if figures.took > self.longest {
            broken.push(format!("{} s", figures.took.as_secs()));
        }
        let outcome = &figures.outcome;
        let counts = [
            "given_up",
            "left_received",
            "failed",
            "repaired",
            "not_told",
            "left",
        ];
        for count in counts {
            let many = outcome.get(count).or_else(|| outcome["counts"].get(count));
            if let Some(many) = many
                .and_then(serde_json::Value::as_u64)
                .filter(|it| *it > 0)
            {
                broken.push(format!("{many} {count}"));
            }
        }
        broken
    }
}

/// A line of Markdown's table for each run, and its head.
pub fn report(runs: &[(Figures, Rules)]) -> String {
    let mut text = String::from(
        "| run | simulated | calls of Stripe | refused | most in a second | table reads, units | table writes, units | most index writes a second | invocations | MB | alarms | holds |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- | --- |\n",
    );
    for (run, rules) in runs {
        let invocations: Vec<String> = run
            .invocations
            .iter()
            .map(|(name, many)| format!("{name} {many}"))
            .collect();
        let broken = rules.broken(run);
        let alarms = if run.alarms.is_empty() {
            "none".to_owned()
        } else {
            run.alarms.join(", ")
        };
        let holds = if broken.is_empty() {
            "yes".to_owned()
        } else {
            format!("NO: {}", broken.join(", "))
        };
        // Nothing that is written into a text fails.
        let _ = writeln!(
            text,
            "| {} | {} min {} s | {} | {} | {} | {} | {} | {} | {} | {} | {alarms} | {holds} |",
            run.name,
            run.took.as_secs() / 60,
            run.took.as_secs() % 60,
            run.calls,
            run.refused,
            run.most,
            run.cost.read_units,
            run.cost.write_units,
            run.most_indexed,
            invocations.join(", "),
            run.memory,
        );
    }
    text
}
