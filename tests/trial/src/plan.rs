//! Which cases a run tries.

use std::collections::BTreeMap;

use crate::case::{Case, Matrix};
use crate::hooks;
use crate::journeys::Journey;
use crate::race::Race;
use crate::random;
use crate::rng::Rng;
use crate::stage::Life;
use crate::time::Year;
use crate::wire::{Fault, Often, Passed, Trouble};

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A sample for every `cargo test`, where nothing is optimized.
    Tiny,
    /// A sample that takes seconds.
    Quick,
    /// A larger sample, which takes a minute or two.
    Usual,
    /// Everything.
    Long,
}

/// The outside calls of a journey when nothing goes wrong, by its life.
pub type Calls = BTreeMap<(&'static str, &'static str), (Vec<Passed>, usize)>;

impl Size {
    fn faults(self) -> Option<usize> {
        match self {
            Self::Tiny => Some(10),
            Self::Quick => Some(200),
            Self::Usual => Some(3000),
            Self::Long => None,
        }
    }

    fn crashes(self) -> Option<usize> {
        match self {
            Self::Tiny => Some(12),
            Self::Quick => Some(200),
            Self::Usual => Some(3000),
            Self::Long => None,
        }
    }

    fn years(self) -> Option<usize> {
        match self {
            Self::Tiny => Some(0),
            Self::Quick => Some(2),
            Self::Usual | Self::Long => None,
        }
    }

    /// Users who act at random for a year.
    fn users(self) -> usize {
        match self {
            Self::Tiny => 1,
            Self::Quick => 4,
            Self::Usual => 100,
            Self::Long => 2000,
        }
    }

    /// Orders of each race.
    fn orders(self) -> usize {
        match self {
            Self::Tiny => 1,
            Self::Quick => 5,
            Self::Usual => 100,
            Self::Long => 500,
        }
    }

    /// Deliveries for each journey whose events have too many orders to try them all.
    fn deliveries(self) -> usize {
        match self {
            Self::Tiny => 1,
            Self::Quick => 5,
            Self::Usual => 100,
            Self::Long => 5040,
        }
    }

    /// Of races, of journeys with other deliveries, and of those in which nothing goes wrong.
    fn of_each(self) -> Option<usize> {
        (self == Self::Tiny).then_some(8)
    }
}

/// Which of the cases are wanted; none of a field is all of it.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One matrix alone.
    pub matrix: Option<Matrix>,
    /// One journey, race or year alone, or all whose names begin with what stands before a `*`.
    pub scenario: Option<String>,
    /// One life alone.
    pub life: Option<Life>,
    /// One fault alone.
    pub fault: Option<Fault>,
}

impl Filter {
    fn wants(&self, case: &Case) -> bool {
        let fault = case.trouble.map(|trouble| trouble.fault);
        self.matrix.is_none_or(|matrix| matrix == case.matrix)
            && self
                .scenario
                .as_ref()
                .is_none_or(|scenario| match scenario.strip_suffix('*') {
                    Some(beginning) => case.scenario.starts_with(beginning),
                    None => *scenario == case.scenario,
                })
            && self.life.is_none_or(|life| life == case.life)
            && self
                .fault
                .is_none_or(|wanted| fault.is_none_or(|fault| fault == wanted))
    }

    /// Whether there is something to do that needs the calls of the journeys.
    fn counts_calls(&self) -> bool {
        matches!(self.matrix, None | Some(Matrix::Crash | Matrix::Fault))
    }
}

/// The cases in which nothing goes wrong, which also count the calls of the others.
pub fn clean(size: Size, filter: &Filter, seed: u64) -> Vec<Case> {
    if !filter.counts_calls() {
        return Vec::new();
    }
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
    let filter = Filter {
        matrix: None,
        ..filter.clone()
    };
    let wanted = all.filter(|case| filter.wants(case)).collect();
    sample(wanted, size.of_each(), seed)
}

/// All other cases of a run, in an order that shows each kind early.
pub fn cases(calls: &Calls, size: Size, filter: &Filter, seed: u64) -> Vec<Case> {
    let wanted = |mut cases: Vec<Case>, at_most| {
        cases.retain(|case| filter.wants(case));
        sample(cases, at_most, seed)
    };
    let mut all = wanted(crashes(calls, seed), size.crashes());
    all.extend(wanted(faults(calls, seed), size.faults()));
    let races = Race::ALL.iter().flat_map(|race| {
        let orders = size.orders();
        numbered(Matrix::Race, race.name(), Life::Shopper, orders, seed)
    });
    all.extend(wanted(races.collect(), size.of_each()));
    let deliveries = hooks::JOURNEYS.iter().flat_map(|journey| {
        let number = size.deliveries();
        numbered(Matrix::Hooks, journey.name(), Life::Webhook, number, seed)
    });
    all.extend(wanted(deliveries.collect(), size.of_each()));
    let years = Year::ALL
        .iter()
        .flat_map(|year| numbered(Matrix::Time, year.name(), Life::Webhook, 1, seed));
    all.extend(wanted(years.collect(), size.years()));
    let users = numbered(
        Matrix::Random,
        random::NAME,
        Life::Shopper,
        size.users(),
        seed,
    );
    all.extend(wanted(users, None));
    Rng::named(seed, "order").shuffle(&mut all);
    // A year is the longest case, so it begins first.
    all.sort_by_key(|case| !matches!(case.matrix, Matrix::Time | Matrix::Random));
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
        vec![
            (Fault::DieBefore, Often::Once),
            (Fault::DieAfter, Often::Once),
        ]
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
        let Some(life) = Life::named(life) else {
            continue;
        };
        // Once the shopper's part is over, it makes no difference whether they would try again.
        let end = if life == Life::Webhook {
            *of_shopper
        } else {
            passed.len()
        };
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
