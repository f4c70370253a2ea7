//! Things that happen by themselves: a redirect that nobody answers, a renewal, the end of a trial.

use super::{Fields, Kind, World};
use serde_json::{Value, json};

/// What happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Due {
    /// Nobody acted on Amazon's page.
    RedirectExpires,
    /// Three days are left of a trial.
    TrialWillEnd,
    /// A subscription's period is over.
    PeriodEnds,
    /// A subscription reaches the time that `cancel_at` names.
    CancelAt,
    /// Payments are collected again.
    CollectionResumes,
    /// A draft invoice becomes final and is charged.
    Finalize,
    /// The months of a discount are over.
    DiscountEnds,
    /// A failed invoice is charged again.
    RetryPayment,
    /// The schedule of attempts is over for an invoice that is tried no more.
    GivesUp,
    /// The bank no longer holds money that nobody captured.
    AuthorizationExpires,
    /// The register of a country answers about a tax id.
    TaxIdVerified,
    /// The first payment was not made in time.
    IncompleteExpires,
    /// A change was not paid for in time.
    PendingUpdateExpires,
}

impl Due {
    const ALL: &[Self] = &[
        Self::AuthorizationExpires,
        Self::RedirectExpires,
        Self::TrialWillEnd,
        Self::PeriodEnds,
        Self::CancelAt,
        Self::CollectionResumes,
        Self::Finalize,
        Self::DiscountEnds,
        Self::RetryPayment,
        Self::GivesUp,
        Self::TaxIdVerified,
        Self::IncompleteExpires,
        Self::PendingUpdateExpires,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::AuthorizationExpires => "authorization_expires",
            Self::RedirectExpires => "redirect_expires",
            Self::TrialWillEnd => "trial_will_end",
            Self::PeriodEnds => "period_ends",
            Self::CancelAt => "cancel_at",
            Self::CollectionResumes => "collection_resumes",
            Self::Finalize => "finalize",
            Self::DiscountEnds => "discount_ends",
            Self::RetryPayment => "retry_payment",
            Self::GivesUp => "gives_up",
            Self::TaxIdVerified => "tax_id_verified",
            Self::IncompleteExpires => "incomplete_expires",
            Self::PendingUpdateExpires => "pending_update_expires",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|due| due.name() == name)
    }
}

/// A timer that has run out.
#[derive(Clone, Debug)]
pub(crate) struct Timer {
    /// What happens.
    pub(crate) due: Due,
    /// The object that it happens to.
    pub(crate) object: String,
    /// When, in seconds.
    pub(crate) at: i64,
}

impl World {
    /// Sets the one timer of this sort that the object has, by its test clock or the sandbox's own time.
    pub(crate) fn schedule(&mut self, due: Due, object: &Value, at: i64) {
        let id = object.id();
        let clock = object.at("_clock").clone();
        let timer = json!({"due": due.name(), "object": id, "at": at, "clock": clock});
        self.store
            .put(Kind::Timer, &format!("{}:{id}", due.name()), timer);
    }

    /// Takes the timer back.
    pub(crate) fn unschedule(&mut self, due: Due, object: &str) {
        self.store
            .remove(Kind::Timer, &format!("{}:{object}", due.name()));
    }

    /// Takes back every timer of the object.
    pub(crate) fn unschedule_all(&mut self, object: &str) {
        for due in Due::ALL {
            self.unschedule(*due, object);
        }
    }

    /// The earliest timer of this clock (or of none) that has run out by `until`.
    pub(crate) fn first_due(&self, clock: Option<&str>, until: i64) -> Option<Timer> {
        let timer = self.store.first_timer(clock, until)?;
        Some(Timer {
            due: Due::named(timer.text("due")?)?,
            object: timer.owned("object")?,
            at: timer.int("at")?,
        })
    }
}
