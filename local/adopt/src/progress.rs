//! What each row was answered, a line of JSON each, so that nothing is asked for twice.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use perennial_types::CustomerId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Row;

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The customer is the user's, with so many subscriptions that have not ended.
    Adopted {
        /// How many.
        subscriptions: usize,
        /// The prices of those that are of no plan in `plans.json`.
        without_plan: Vec<String>,
    },
    /// The API has refused it and would again.
    Refused {
        /// The stable code.
        code: String,
    },
    /// There was no answer, or none that is final. It is asked for again by the next run.
    Failed {
        /// A code of the API, or what happened on the way.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    user: String,
    customer: CustomerId,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Why the progress cannot be kept.
#[derive(Debug, Error)]
pub enum ProgressError {
    /// The file does not take or give lines.
    #[error("the progress file {path} cannot be used")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A line of it is not one of this program's.
    #[error(
        "line {line} of the progress file {path} is not one: it is another file, or was edited"
    )]
    Line {
        /// The path.
        path: String,
        /// The line's number, from 1.
        line: usize,
    },
}

/// The file of what was answered.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    file: File,
    known: HashMap<CustomerId, (String, Outcome)>,
}

impl Progress {
    /// Opens the file, which may be there from an earlier run. A last line that was cut off, since its writer was killed,
    /// does not count.
    pub fn open(path: &Path) -> Result<Self, ProgressError> {
        let wrong = |source| ProgressError::File {
            path: path.display().to_string(),
            source,
        };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(wrong)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(wrong)?;
        let (whole, cut_off) = match text.rfind('\n') {
            Some(at) => text.split_at(at + 1),
            None => ("", text.as_str()),
        };
        let mut known = HashMap::new();
        for (number, line) in whole.lines().enumerate() {
            let Ok(line) = serde_json::from_str::<Line>(line) else {
                let (path, line) = (path.display().to_string(), number + 1);
                return Err(ProgressError::Line { path, line });
            };
            known.insert(line.customer, (line.user, line.outcome));
        }
        if !cut_off.is_empty() {
            if !cut_off.starts_with('{') {
                let (path, line) = (path.display().to_string(), whole.lines().count() + 1);
                return Err(ProgressError::Line { path, line });
            }
            let length = u64::try_from(whole.len()).unwrap_or(u64::MAX);
            file.set_len(length).map_err(wrong)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            known,
        })
    }

    /// What the row was answered before; none if it was not, or not for this user.
    pub fn of(&self, row: &Row) -> Option<&Outcome> {
        let (user, outcome) = self.known.get(&row.customer)?;
        (*user == row.user.to_string()).then_some(outcome)
    }

    /// Writes down what a row was answered.
    pub fn note(&mut self, row: &Row, outcome: Outcome) -> Result<(), ProgressError> {
        let line = Line {
            user: row.user.to_string(),
            customer: row.customer.clone(),
            outcome,
        };
        let wrong = |source| ProgressError::File {
            path: self.path.display().to_string(),
            source,
        };
        let mut text = serde_json::to_string(&line).map_err(|error| wrong(error.into()))?;
        text.push('\n');
        // In one piece, so that a kill leaves a whole line or the beginning of one.
        self.file.write_all(text.as_bytes()).map_err(wrong)?;
        self.known.insert(line.customer, (line.user, line.outcome));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(user: &str, customer: &str) -> Row {
        Row {
            user: user.parse().unwrap(),
            customer: customer.parse().unwrap(),
        }
    }

    fn adopted() -> Outcome {
        Outcome::Adopted {
            subscriptions: 1,
            without_plan: Vec::new(),
        }
    }

    #[test]
    fn what_was_answered_is_known_to_the_next_run_for_the_same_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.jsonl");
        let mut progress = Progress::open(&path).unwrap();
        progress.note(&row("a", "cus_1"), adopted()).unwrap();
        let code = "customer_taken".to_owned();
        let refused = Outcome::Refused { code };
        progress.note(&row("b", "cus_2"), refused.clone()).unwrap();
        let progress = Progress::open(&path).unwrap();
        assert_eq!(progress.of(&row("a", "cus_1")), Some(&adopted()));
        assert_eq!(progress.of(&row("b", "cus_2")), Some(&refused));
        assert_eq!(progress.of(&row("c", "cus_1")), None);
        assert_eq!(progress.of(&row("c", "cus_3")), None);
    }

    #[test]
    fn a_line_that_was_cut_off_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.jsonl");
        let mut progress = Progress::open(&path).unwrap();
        progress.note(&row("a", "cus_1"), adopted()).unwrap();
        progress.note(&row("b", "cus_2"), adopted()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for length in 0..=text.len() {
            std::fs::write(&path, &text[..length]).unwrap();
            let mut progress = Progress::open(&path).unwrap();
            progress.note(&row("c", "cus_3"), adopted()).unwrap();
            let again = Progress::open(&path).unwrap();
            assert!(again.of(&row("c", "cus_3")).is_some(), "{length}");
            let first = text.find('\n').unwrap() + 1;
            assert_eq!(
                again.of(&row("a", "cus_1")).is_some(),
                length >= first,
                "{length}"
            );
        }
    }

    #[test]
    fn another_file_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "user,customer\na,cus_1\n").unwrap();
        let error = Progress::open(&path).unwrap_err();
        assert!(
            matches!(error, ProgressError::Line { line: 1, .. }),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 2);
    }
}
