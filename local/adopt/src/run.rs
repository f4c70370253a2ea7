//! All rows, at a pace, each until it has an answer.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use thiserror::Error;
use tokio::time::sleep;

use crate::{Api, Outcome, Progress, ProgressError, Row, Summary, api::Answer, pace::Pace};

/// How a run asks.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether nothing is changed.
    pub is_dry: bool,
    /// Calls a second.
    pub a_second: f64,
    /// Calls at once.
    pub at_once: usize,
    /// How often a row is asked for before it is left to the next run.
    pub tries: u32,
    /// How long it waits after the first failure of a row; twice as long after each further one.
    pub wait: Duration,
    /// Whether what was refused is asked for again.
    pub retries_refused: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            is_dry: false,
            a_second: 5.0,
            // A call takes a second or two, and 25 a second are the most.
            at_once: 64,
            tries: 6,
            wait: Duration::from_secs(1),
            retries_refused: false,
        }
    }
}

/// Why a run ended before its last row. What was answered is written down.
#[derive(Debug, Error)]
pub enum Stopped {
    /// Each row would be answered so.
    #[error("{0}")]
    ForAll(String),
    /// So many rows in a row had no answer.
    #[error("{rows} rows one after another had no answer, the last one because of {reason}")]
    NobodyAnswers {
        /// How many.
        rows: usize,
        /// Why the last of them.
        reason: String,
    },
    /// What was answered cannot be written down.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

/// So many rows without an answer are no accident.
const PATIENCE: usize = 20;
/// The longest wait between two tries of a row.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

enum Asked {
    Answered(Outcome),
    Stop(String),
}

/// Asks for each row that has no final answer yet, and tells `seen` of each as it is answered. Dropped at any moment, it
/// leaves nothing half done: the rows that were on the way are asked for again by the next run, which changes nothing
/// that was done.
pub async fn run(
    api: &Api,
    rows: &[Row],
    progress: &mut Progress,
    options: Options,
    mut seen: impl FnMut(&Row, &Outcome),
) -> Result<Summary, Stopped> {
    let mut summary = Summary::default();
    let mut to_do = Vec::new();
    for row in rows {
        match progress.of(row) {
            Some(known @ Outcome::Adopted { .. }) => summary.count(known),
            Some(known @ Outcome::Refused { .. }) if !options.retries_refused => {
                summary.count(known);
            }
            _ => to_do.push(row),
        }
    }
    let pace = Pace::of(options.a_second);
    let asked = stream::iter(to_do)
        .map(|row| {
            let pace = &pace;
            async move { (row, ask(api, row, pace, options).await) }
        })
        .buffer_unordered(options.at_once.max(1));
    let mut asked = std::pin::pin!(asked);
    let mut unanswered = 0;
    while let Some((row, asked)) = asked.next().await {
        let outcome = match asked {
            Asked::Answered(outcome) => outcome,
            Asked::Stop(why) => return Err(Stopped::ForAll(why)),
        };
        progress.note(row, outcome.clone())?;
        seen(row, &outcome);
        summary.count(&outcome);
        let Outcome::Failed { reason } = outcome else {
            unanswered = 0;
            continue;
        };
        unanswered += 1;
        if unanswered >= PATIENCE {
            return Err(Stopped::NobodyAnswers {
                rows: unanswered,
                reason,
            });
        }
    }
    Ok(summary)
}

/// Asks for a row until there is an answer, or as often as is allowed.
async fn ask(api: &Api, row: &Row, pace: &Pace, options: Options) -> Asked {
    let mut wait = options.wait;
    let mut tried = 0;
    loop {
        pace.turn().await;
        tried += 1;
        match api.adopt(row, options.is_dry).await {
            Answer::Final(outcome) => return Asked::Answered(outcome),
            Answer::Stop(why) => return Asked::Stop(why),
            Answer::Later { reason, .. } if tried >= options.tries => {
                return Asked::Answered(Outcome::Failed { reason });
            }
            Answer::Later { wait: asked, .. } => {
                if let Some(asked) = asked {
                    // The others would be told the same.
                    pace.pause(asked.min(LONGEST_WAIT)).await;
                }
                sleep(wait.min(LONGEST_WAIT)).await;
                wait *= 2;
            }
        }
    }
}
