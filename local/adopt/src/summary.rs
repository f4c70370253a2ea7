//! What a run came to.

use std::{collections::BTreeMap, fmt};

use crate::Outcome;

/// How many rows had which outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Customers that are their users'.
    pub adopted: usize,
    /// Their subscriptions that have not ended.
    pub subscriptions: usize,
    /// Prices of subscriptions that are of no plan, with how many customers have them.
    pub without_plan: BTreeMap<String, usize>,
    /// Refusals by their codes.
    pub refused: BTreeMap<String, usize>,
    /// Rows that the next run asks for again, by why.
    pub failed: BTreeMap<String, usize>,
}

impl Summary {
    /// Counts a row.
    pub fn count(&mut self, outcome: &Outcome) {
        let more = |counts: &mut BTreeMap<String, usize>, what: &String| {
            *counts.entry(what.clone()).or_default() += 1;
        };
        match outcome {
            Outcome::Adopted {
                subscriptions,
                without_plan,
            } => {
                self.adopted += 1;
                self.subscriptions += subscriptions;
                for price in without_plan {
                    more(&mut self.without_plan, price);
                }
            }
            Outcome::Refused { code } => more(&mut self.refused, code),
            Outcome::Failed { reason } => more(&mut self.failed, reason),
        }
    }

    /// All rows.
    pub fn rows(&self) -> usize {
        let of = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
        self.adopted + of(&self.refused) + of(&self.failed)
    }

    /// Whether each row was adopted, and each subscription is of a plan.
    pub fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.failed.is_empty() && self.without_plan.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (adopted, subscriptions) = (self.adopted, self.subscriptions);
        write!(f, "{adopted} customers with {subscriptions} subscriptions")?;
        for (price, count) in &self.without_plan {
            write!(
                f,
                "\n  {count} have the price {price}, which no plan has: name it in plans.json"
            )?;
        }
        for (code, count) in &self.refused {
            write!(f, "\n  {count} refused: {code}")?;
        }
        for (reason, count) in &self.failed {
            write!(
                f,
                "\n  {count} not answered: {reason}; the next run asks again"
            )?;
        }
        Ok(())
    }
}
