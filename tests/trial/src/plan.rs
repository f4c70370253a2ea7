//! Which cases a run tries.

use std::collections::BTreeMap;

use crate::case::{Case, Matrix};
use crate::hooks;
use crate::journeys::Journey;
use crate::race::Race;
use crate::rng::Rng;
use crate::stage::Life;
use crate::time::Year;
use crate::wire::{Fault, Often, Passed, Trouble};

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A sample that takes less than two minutes.
    Quick,
    /// A larger sample, for CI.
    Usual,
    /// Everything.
    Long,
}

/// The outside calls of a journey when nothing goes wrong, by its life.
pub type Calls = BTreeMap<(&'static str, &'static str), (Vec<Passed>, usize)>;

impl Size {
    fn faults(self) -> Option<usize> {
        match self {
            Self::Quick => Some(150),
            Self::Usual => Some(1500),
            Self::Long => None,
        }
    }

    fn crashes(self) -> Option<usize> {
        match self {
            Self::Quick => Some(300),
            Self::Usual => Some(1500),
            Self::Long => None,
        }
    }

    fn orders(self) -> usize {
        match self {
            Self::Quick => 10,
            Self::Usual => 60,
            Self::Long => 500,
        }
    }

    /// Deliveries for each journey whose events have too many orders to try them all.
    fn deliveries(self) -> usize {
        match self {
            Self::Quick => 12,
            Self::Usual => 100,
            Self::Long => 5040,
        }
    }
}

/// The cases in which nothing goes wrong, which also count the calls of the others.
pub fn clean(seed: u64) -> Vec<Case> {
    let all = Journey::ALL.iter().flat_map(|journey| {
        Life::ALL.iter().map(move |life| Case {
            matrix: Matrix::Crash,
            scenario: journey.name().to_owned(),
            life: *life,
            trouble: None,
            number: 0,
            seed,
        })
    });
    all.collect()
}

/// All other cases of a run, in an order that shows each kind early.
pub fn cases(calls: &Calls, size: Size, only: Option<Matrix>, seed: u64) -> Vec<Case> {
    let wanted = |matrix: Matrix| only.is_none_or(|only| only == matrix);
    let mut all = Vec::new();
    if wanted(Matrix::Crash) {
        all.extend(sample(crashes(calls, seed), size.crashes(), seed));
    }
    if wanted(Matrix::Fault) {
        all.extend(sample(faults(calls, seed), size.faults(), seed));
    }
    if wanted(Matrix::Race) {
        for race in Race::ALL {
            all.extend(numbered(Matrix::Race, race.name(), Life::Shopper, size.orders(), seed));
        }
    }
    if wanted(Matrix::Hooks) {
        for journey in hooks::JOURNEYS {
            let number = size.deliveries();
            all.extend(numbered(Matrix::Hooks, journey.name(), Life::Webhook, number, seed));
        }
    }
    if wanted(Matrix::Time) {
        for year in Year::ALL {
            all.extend(numbered(Matrix::Time, year.name(), Life::Webhook, 1, seed));
        }
    }
    Rng::named(seed, "order").shuffle(&mut all);
    // A year is the longest case, so it begins first.
    all.sort_by_key(|case| case.matrix != Matrix::Time);
    all
}

fn numbered(matrix: Matrix, scenario: &str, life: Life, count: usize, seed: u64) -> Vec<Case> {
    let case = |number| Case {
        matrix,
        scenario: scenario.to_owned(),
        life,
        trouble: None,
        number,
        seed,
    };
    (0..count).map(case).collect()
}

fn sample(mut cases: Vec<Case>, at_most: Option<usize>, seed: u64) -> Vec<Case> {
    if let Some(at_most) = at_most {
        Rng::named(seed, "sample").shuffle(&mut cases);
        cases.truncate(at_most);
    }
    cases
}

fn crashes(calls: &Calls, seed: u64) -> Vec<Case> {
    each_call(calls, Matrix::Crash, seed, |_| {
        vec![(Fault::DieBefore, Often::Once), (Fault::DieAfter, Often::Once)]
    })
}

fn faults(calls: &Calls, seed: u64) -> Vec<Case> {
    each_call(calls, Matrix::Fault, seed, |passed| {
        let mut faults = Vec::new();
        for fault in Fault::ALL {
            if matches!(fault, Fault::DieBefore | Fault::DieAfter)
                || !fault.can_hit(passed.service, &passed.name, passed.changes)
            {
                continue;
            }
            faults.push((fault, Often::Once));
            // What is stored under a key is met again in any case.
            if !matches!(fault, Fault::StoredBefore | Fault::StoredAfter) {
                faults.push((fault, Often::EveryTry));
            }
        }
        faults
    })
}

fn each_call(
    calls: &Calls,
    matrix: Matrix,
    seed: u64,
    faults: impl Fn(&Passed) -> Vec<(Fault, Often)>,
) -> Vec<Case> {
    let mut all = Vec::new();
    for ((scenario, life), (passed, of_shopper)) in calls {
        let Some(life) = Life::named(life) else { continue };
        // Once the shopper's part is over, it makes no difference whether they would try again.
        let end = if life == Life::Webhook { *of_shopper } else { passed.len() };
        for (at, passed) in passed.iter().enumerate().take(end) {
            for (fault, often) in faults(passed) {
                all.push(Case {
                    matrix,
                    scenario: (*scenario).to_owned(),
                    life,
                    trouble: Some(Trouble { fault, often, at }),
                    number: 0,
                    seed,
                });
            }
        }
    }
    all
}
