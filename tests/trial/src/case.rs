//! Cases, and the ids that they are replayed by.

use std::fmt;
use std::str::FromStr;

use crate::stage::Life;
use crate::wire::{Fault, Often, Trouble};

/// The part of the trial that a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matrix {
    /// The process dies before and after each outside call.
    Crash,
    /// Each outside call goes wrong.
    Fault,
    /// Several at once, in seeded orders.
    Race,
    /// Webhooks in every order, with repeats, losses and delays.
    Hooks,
    /// A year of renewals.
    Time,
    /// A year of a user who acts at random.
    Random,
}

impl Matrix {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Crash,
        Self::Fault,
        Self::Race,
        Self::Hooks,
        Self::Time,
        Self::Random,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Fault => "fault",
            Self::Race => "race",
            Self::Hooks => "hooks",
            Self::Time => "time",
            Self::Random => "random",
        }
    }

    /// The matrix of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|matrix| matrix.name() == name)
    }
}

/// One thing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Where it belongs.
    pub matrix: Matrix,
    /// The journey, or what else is played.
    pub scenario: String,
    /// What happens afterwards.
    pub life: Life,
    /// What goes wrong with which call.
    pub trouble: Option<Trouble>,
    /// Which of the seeded orders.
    pub number: usize,
    /// The seed of the run.
    pub seed: u64,
}

impl Case {
    /// What goes wrong, without which call it hits: the column of the summary.
    pub fn column(&self) -> String {
        match (&self.trouble, self.matrix) {
            (Some(trouble), _) => trouble.fault.name().to_owned(),
            (None, Matrix::Crash | Matrix::Fault) => "nothing".to_owned(),
            (None, Matrix::Race) => "orders".to_owned(),
            (None, Matrix::Hooks) => "deliveries".to_owned(),
            (None, Matrix::Time | Matrix::Random) => "a year".to_owned(),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (matrix, life) = (self.matrix.name(), self.life.name());
        write!(f, "{matrix}:{}:{life}:", self.scenario)?;
        match self.trouble {
            Some(Trouble { fault, often, at }) => {
                let every = if often == Often::EveryTry { "*" } else { "" };
                write!(f, "{}{every}@{at}", fault.name())?;
            }
            None => write!(f, "{}", self.number)?,
        }
        write!(f, ":{}", self.seed)
    }
}

/// The text is not the id of a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a case, such as crash:client-return:shopper:die-after@7:1")]
pub struct NoCase(String);

impl FromStr for Case {
    type Err = NoCase;

    fn from_str(text: &str) -> Result<Self, NoCase> {
        parse(text).ok_or_else(|| NoCase(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Case> {
    let mut parts = text.split(':');
    let matrix = Matrix::named(parts.next()?)?;
    let scenario = parts.next()?.to_owned();
    let life = Life::named(parts.next()?)?;
    let what = parts.next()?;
    let seed = parts.next()?.parse().ok()?;
    if parts.next().is_some() {
        return None;
    }
    let (trouble, number) = match what.split_once('@') {
        None => (None, what.parse().ok()?),
        Some((fault, at)) => {
            let (name, often) = match fault.strip_suffix('*') {
                Some(name) => (name, Often::EveryTry),
                None => (fault, Often::Once),
            };
            let fault = Fault::named(name)?;
            (
                Some(Trouble {
                    fault,
                    often,
                    at: at.parse().ok()?,
                }),
                0,
            )
        }
    };
    Some(Case {
        matrix,
        scenario,
        life,
        trouble,
        number,
        seed,
    })
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn an_id_comes_back_as_it_was() {
        for id in [
            "crash:client-return:shopper:die-after@7:1",
            "fault:two-tabs:sweeper:500-stored-before*@0:99",
            "race:two-plans:webhook:12:3",
        ] {
            assert_eq!(id.parse::<Case>().unwrap().to_string(), id);
        }
        for wrong in [
            "",
            "crash",
            "crash:x:shopper:die@7:1",
            "crash:x:y:7:1",
            "race:x:webhook:1:2:3",
        ] {
            assert!(wrong.parse::<Case>().is_err(), "{wrong}");
        }
    }
}
