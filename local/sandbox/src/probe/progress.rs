//! What a person sees while it runs: on a terminal one line that changes, elsewhere a line for each scenario.

use super::report::Outcome;
use std::io::{IsTerminal as _, Write as _};

/// The line that shows where a run is.
pub(crate) struct Progress {
    terminal: bool,
    scenario: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            scenario: String::new(),
        }
    }

    pub(crate) fn begin(&mut self, number: usize, of: usize, scenario: &str) {
        self.scenario = format!("[{number}/{of}] {scenario}");
        self.show("");
    }

    pub(crate) fn step(&mut self, line: &str) {
        if self.terminal {
            self.show(line);
        }
    }

    pub(crate) fn done(&mut self, outcome: Option<Outcome>) {
        let word = match outcome {
            Some(Outcome::Agrees) => "agrees",
            Some(Outcome::Differs) => "differs",
            Some(Outcome::NotSimulated) => "not simulated",
            Some(Outcome::Unanswered) => "unanswered",
            Some(Outcome::NotAsked) | None => "not asked",
        };
        self.show(word);
    }

    fn show(&self, what: &str) {
        let mut line = format!("{} {what}", self.scenario);
        let mut stderr = std::io::stderr().lock();
        // Nobody reads it if it cannot be written.
        let _ = if self.terminal {
            if let Some((end, _)) = line.char_indices().nth(100) {
                line.truncate(end);
            }
            write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{line}")
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
