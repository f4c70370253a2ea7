//! One case, from its stage to its verdict.

use crate::broken::Broken;
use crate::case::{Case, Matrix};
use crate::hooks;
use crate::journeys::Journey;
use crate::lane::{Kept, Lane};
use crate::race::Race;
use crate::random;
use crate::rng::Rng;
use crate::stage::{Setting, Stage};
use crate::time::Year;
use crate::wire::{Bug, Passed};

/// What came of a case.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// What did not hold.
    pub broken: Vec<String>,
    /// What happened.
    pub story: Vec<String>,
    /// The outside calls.
    pub passed: Vec<Passed>,
    /// How many of them were the shopper's.
    pub calls_of_shopper: usize,
    /// The functions' log.
    pub log: String,
}

impl Verdict {
    /// Of a case that did not hold for this reason alone.
    pub fn broken(why: impl Into<String>) -> Self {
        Self {
            broken: vec![why.into()],
            ..Self::default()
        }
    }
}

/// Each case has a Stripe and a table of its own, so all users may have one name.
const USER: &str = "user-1";

/// Tries a case. An error means that the trial itself could not go on, which counts as not held.
pub async fn try_case(kept: &Kept, case: &Case, bug: Option<Bug>) -> Verdict {
    Box::pin(play(kept, case, bug))
        .await
        .unwrap_or_else(|error| Verdict::broken(error.to_string()))
}

async fn play(kept: &Kept, case: &Case, bug: Option<Bug>) -> Result<Verdict, Broken> {
    let name = case.to_string();
    let (lane, table) = Box::pin(Lane::start(kept, case.seed, &name)).await?;
    let setting = Setting {
        life: case.life,
        trouble: case.trouble,
        bug,
    };
    let rng = Rng::named(case.seed, &name);
    let stage = Stage::set(&lane, table, USER.to_owned(), setting, rng).await?;
    let played = tokio::select! {
        biased;
        () = lane.wire.endless() => Err(Broken::new(
            "it does not end: it has made more calls than the longest case",
        )),
        played = Box::pin(scenario(&stage, case)) => played,
    };
    let mut broken = match played {
        Ok(()) => stage.check().await?,
        Err(error) => vec![error.to_string()],
    };
    broken.dedup();
    let mut log = stage.log.take();
    log.push_str(&kept.log.take());
    let notes = stage.notes.into_inner();
    Ok(Verdict {
        broken,
        story: notes.story,
        passed: lane.wire.passed(),
        calls_of_shopper: notes.calls_of_shopper,
        log,
    })
}

async fn scenario(stage: &Stage<'_>, case: &Case) -> Result<(), Broken> {
    let unknown = || Broken::new(format!("there is nothing called {}", case.scenario));
    match case.matrix {
        Matrix::Crash | Matrix::Fault => {
            let journey = Journey::named(&case.scenario).ok_or_else(unknown)?;
            journey.play(stage).await?;
            stage.settle().await
        }
        Matrix::Race => {
            let race = Race::named(&case.scenario).ok_or_else(unknown)?;
            Box::pin(race.run(stage)).await
        }
        Matrix::Hooks => {
            let journey = Journey::named(&case.scenario).ok_or_else(unknown)?;
            hooks::run(stage, journey, case.number).await
        }
        Matrix::Random => Box::pin(random::run(stage)).await,
        Matrix::Time => {
            Year::named(&case.scenario)
                .ok_or_else(unknown)?
                .run(stage)
                .await
        }
    }
}
