//! What a run has found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::case::Case;
use crate::try_case::Verdict;

/// How often something was tried, and how often it held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Cases.
    pub tried: usize,
    /// Those in which every invariant held.
    pub held: usize,
}

/// The findings of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// By matrix and scenario, and by what went wrong.
    pub counts: BTreeMap<(String, String), Count>,
    /// The cases that did not hold, with what did not.
    pub failures: Vec<(String, Vec<String>)>,
    /// Cases whose time did not come.
    pub left: usize,
}

impl Report {
    /// Adds a case.
    pub fn add(&mut self, case: &Case, verdict: &Verdict) {
        let row = format!("{} {}", case.matrix.name(), case.scenario);
        let count = self.counts.entry((row, case.column())).or_default();
        count.tried += 1;
        if verdict.broken.is_empty() {
            count.held += 1;
        } else {
            self.failures
                .push((case.to_string(), verdict.broken.clone()));
        }
    }

    /// Whether everything held.
    pub fn held(&self) -> bool {
        self.failures.is_empty()
    }

    /// All cases.
    pub fn total(&self) -> Count {
        self.counts
            .values()
            .fold(Count::default(), |sum, count| Count {
                tried: sum.tried + count.tried,
                held: sum.held + count.held,
            })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matrices: BTreeSet<&str> = self
            .counts
            .keys()
            .filter_map(|(row, _)| row.split(' ').next())
            .collect();
        for matrix in matrices {
            self.table(f, matrix)?;
        }
        for (case, broken) in &self.failures {
            writeln!(f, "DID NOT HOLD {case}")?;
            for what in broken {
                writeln!(f, "    {what}")?;
            }
        }
        let total = self.total();
        write!(f, "{} cases tried, {} held", total.tried, total.held)?;
        if self.left > 0 {
            write!(f, ", {} not begun", self.left)?;
        }
        writeln!(f)
    }
}

impl Report {
    fn table(&self, f: &mut fmt::Formatter<'_>, matrix: &str) -> fmt::Result {
        let of_matrix = |row: &str| row.split(' ').next() == Some(matrix);
        let cells = || self.counts.iter().filter(|((row, _), _)| of_matrix(row));
        let columns: BTreeSet<&str> = cells().map(|((_, column), _)| column.as_str()).collect();
        let rows: BTreeSet<&str> = cells().map(|((row, _), _)| row.as_str()).collect();
        let wide = rows
            .iter()
            .map(|row| row.len())
            .max()
            .unwrap_or(0)
            .max(matrix.len());
        writeln!(f, "{matrix}: held of tried")?;
        // Long tables are turned into blocks that a terminal can show.
        let columns: Vec<&str> = columns.into_iter().collect();
        for block in columns.chunks(6) {
            write!(f, "{:wide$}", "")?;
            for column in block {
                write!(f, " {column:>17}")?;
            }
            writeln!(f)?;
            for row in &rows {
                write!(f, "{row:wide$}")?;
                for column in block {
                    let key = ((*row).to_owned(), (*column).to_owned());
                    let cell = self.counts.get(&key);
                    let text = cell.map_or_else(String::new, |count| {
                        let mark = if count.held == count.tried { "" } else { " !" };
                        format!("{}/{}{mark}", count.held, count.tried)
                    });
                    write!(f, " {text:>17}")?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
