//! The trial of the trial: each planted bug has to be found, and by what it does.

use std::fmt;

use crate::case::Matrix;
use crate::plan::{Filter, Size};
use crate::report::Report;
use crate::run::Run;
use crate::stage::Life;
use crate::wire::{Bug, Fault};

/// A bug, the part of the trial that has to find it, and words of the sentence that tells of it.
#[derive(Debug, Clone)]
pub struct Planted {
    /// The bug.
    pub bug: Bug,
    part: Filter,
    symptom: &'static str,
}

/// What has come of it.
#[derive(Debug)]
pub struct Found {
    planted: Planted,
    report: Report,
}

fn part(matrix: Matrix, scenario: &str, life: Life, fault: Option<Fault>) -> Filter {
    Filter {
        matrix: Some(matrix),
        scenario: Some(scenario.to_owned()),
        life: Some(life),
        fault,
    }
}

impl Planted {
    /// Where a bug has to be found.
    #[allow(clippy::too_many_lines, reason = "a list of bugs, each a few lines")]
    pub fn of(bug: Bug) -> Self {
        use {Life::Shopper, Life::Sweeper, Life::Webhook, Matrix::Crash, Matrix::Race};
        let lost = Some(Fault::LostAfter);
        let dies = Some(Fault::DieAfter);
        let fails = Some(Fault::ErrorBefore);
        let (part, symptom) = match bug {
            Bug::NoFence => (
                part(Race, "two-readers", Shopper, None),
                "the table says that",
            ),
            Bug::KeyReused => (
                part(Matrix::Fault, "client-return", Shopper, lost),
                "was sent with other parameters",
            ),
            Bug::KeyForEachTry => (
                part(Matrix::Fault, "client-return", Shopper, lost),
                "live subscriptions",
            ),
            Bug::DedupeBeforeProcessing => {
                (part(Crash, "no-return", Shopper, None), "is still open")
            }
            Bug::SlotWithoutLease => (part(Crash, "client-return", Shopper, dies), "still"),
            Bug::SlotForEverybody => (part(Race, "two-plans", Shopper, None), "live subscriptions"),
            Bug::CustomerForEverybody => (
                part(Race, "double-click", Shopper, None),
                "customers at Stripe",
            ),
            Bug::AnswerBeforeWrite => (part(Crash, "client-return", Shopper, None), "told 200"),
            Bug::SecretAtRest => (part(Crash, "client-return", Shopper, None), "is at rest"),
            Bug::InvoiceNotVoided => (
                part(Race, "apple-pay-and-leave", Shopper, None),
                "was confirmed and is lost",
            ),
            Bug::AwaitsNobody => (
                part(Crash, "apple-trial", Shopper, None),
                "which nobody has confirmed",
            ),
            Bug::ForgottenShopper => (
                part(Crash, "apple-trial-left", Sweeper, None),
                "is still confirming",
            ),
            Bug::DueStays => (part(Crash, "wallet-left", Sweeper, None), "keeps its work"),
            Bug::UndecidedIsDone => (part(Crash, "client-return", Webhook, dies), "still open"),
            Bug::LostStaysLost => (part(Crash, "disputed", Webhook, None), "the dispute of"),
            Bug::LastFailureAlone => (
                part(Matrix::Fault, "two-declines", Shopper, fails),
                "has failed and was not brought again",
            ),
            Bug::CursorFirst => (
                part(Crash, "planned-end", Sweeper, dies),
                "had to repair something",
            ),
            Bug::EndedInSilence => (
                part(Crash, "apple-ended", Shopper, None),
                "the shop was told",
            ),
            Bug::HalfForgotten => (
                part(Crash, "plan-to-come", Webhook, dies),
                "is left half done",
            ),
            Bug::OtherAmount => (
                part(Matrix::Random, "user", Shopper, None),
                "agreed on were",
            ),
            Bug::NothingToCome => (
                part(Matrix::Random, "user", Shopper, None),
                "of a plan to come",
            ),
            Bug::EndlessPause => (part(Crash, "paused", Shopper, None), "does not end"),
            Bug::GivenBackTwice => (
                part(Matrix::Fault, "given-back", Shopper, lost),
                "was given back twice",
            ),
            Bug::RefundForEachTry => (
                part(Matrix::Fault, "refund-repeated", Shopper, lost),
                "were given back beside",
            ),
            Bug::DiscountForEachTry => (
                part(Matrix::Fault, "discounted", Shopper, lost),
                "was redeemed",
            ),
            Bug::DiscountLeftOut => (part(Crash, "code-alone", Shopper, None), "agreed on were"),
            Bug::Untaxed => (part(Crash, "taxed", Shopper, None), "were shown"),
            Bug::TaxIdsStay => (part(Crash, "tax-ids", Shopper, None), "has the tax ids"),
            Bug::AddonsUntold => (
                part(Crash, "addons", Shopper, None),
                "says that the add-ons",
            ),
            Bug::GrantAfterErase => (
                part(Crash, "granted-then-erased", Shopper, None),
                "was given a plan",
            ),
            Bug::EndlessGrant => (
                part(Crash, "grant-over", Shopper, None),
                "is given to the user",
            ),
            Bug::OfferStays => (
                part(Crash, "offered-change", Shopper, None),
                "was not offered",
            ),
            Bug::CustomerForTwo => (
                part(Race, "two-adoptions", Shopper, None),
                "was answered to be the user's",
            ),
            Bug::MovedDuringCharge => (part(Race, "move-and-return", Shopper, None), "were shown"),
            Bug::HalfASchedule => (part(Crash, "plan-to-come", Shopper, None), "agreed on were"),
            Bug::UnreadableStops => (
                part(Crash, "unreadable", Webhook, None),
                "never comes to its end",
            ),
        };
        Self { bug, part, symptom }
    }

    /// Looks for it.
    pub fn look(self, seed: u64) -> Found {
        let run = Run {
            filter: self.part.clone(),
            bug: Some(self.bug),
            ..Run::new(Size::Long, seed)
        };
        Found {
            report: run.until(|what| what.contains(self.symptom)),
            planted: self,
        }
    }
}

impl Found {
    /// Whether it was found by what it does.
    pub fn is_found(&self) -> bool {
        let symptom = self.planted.symptom;
        let mut all = self.report.failures.iter().flat_map(|(_, broken)| broken);
        all.any(|what| what.contains(symptom))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, tried) = (self.planted.bug.name(), self.report.total().tried);
        if self.is_found() {
            return writeln!(f, "{name:<24} found after {tried} cases");
        }
        let symptom = self.planted.symptom;
        writeln!(f, "{name:<24} NOT FOUND: nothing says {symptom:?}")?;
        write!(f, "{}", self.report)
    }
}
