//! One case, from its stage to its verdict.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::broken::Broken;
use crate::case::{Case, Matrix};
use crate::hooks;
use crate::journeys::Journey;
use crate::lane::Lane;
use crate::race::Race;
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

/// Users are new in each case of a process, since cases of a lane share a Stripe.
static USERS: AtomicU64 = AtomicU64::new(1);

/// Tries a case. An error means that the trial itself could not go on, which counts as not held.
pub async fn try_case(lane: &Lane, case: &Case, bug: Option<Bug>) -> Verdict {
    match Box::pin(play(lane, case, bug)).await {
        Ok(verdict) => verdict,
        Err(error) => Verdict {
            broken: vec![error.to_string()],
            ..Verdict::default()
        },
    }
}

async fn play(lane: &Lane, case: &Case, bug: Option<Bug>) -> Result<Verdict, Broken> {
    let user = format!("user-{}", USERS.fetch_add(1, Ordering::Relaxed));
    let setting = Setting {
        life: case.life,
        trouble: case.trouble,
        bug,
    };
    let rng = Rng::named(case.seed, &case.to_string());
    let stage = Stage::set(lane, user, setting, rng).await?;
    let played = Box::pin(scenario(&stage, case)).await;
    let mut broken = match played {
        Ok(()) => stage.check().await?,
        Err(error) => vec![error.to_string()],
    };
    broken.dedup();
    clean_up(&stage).await?;
    let log = stage.log.take();
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
        Matrix::Time => {
            Year::named(&case.scenario)
                .ok_or_else(unknown)?
                .run(stage)
                .await
        }
    }
}

/// Leaves nothing to the next case of the lane: no subscription that renews, and no event that is
/// younger than the sweeper looks back.
async fn clean_up(stage: &Stage<'_>) -> Result<(), Broken> {
    let books = stage.lane.stripe.books(&stage.user, stage.since).await?;
    for subscription in &books.subscriptions {
        let over = matches!(
            subscription["status"].as_str(),
            Some("canceled" | "incomplete_expired")
        );
        if let (false, Some(id)) = (over, subscription["id"].as_str()) {
            stage
                .lane
                .stripe
                .delete(&format!("/v1/subscriptions/{id}"))
                .await?;
        }
    }
    stage.lane.stripe.advance(25 * 3600).await.map(drop)
}
