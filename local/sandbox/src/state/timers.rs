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
    /// A draft invoice becomes final and is charged.
    Finalize,
    /// A failed invoice is charged again.
    RetryPayment,
    /// The bank no longer holds money that nobody captured.
    AuthorizationExpires,
    /// The first payment was not made in time.
    IncompleteExpires,
}

impl Due {
    const ALL: [Self; 8] = [
        Self::AuthorizationExpires,
        Self::RedirectExpires,
        Self::TrialWillEnd,
        Self::PeriodEnds,
        Self::CancelAt,
        Self::Finalize,
        Self::RetryPayment,
        Self::IncompleteExpires,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::AuthorizationExpires => "authorization_expires",
            Self::RedirectExpires => "redirect_expires",
            Self::TrialWillEnd => "trial_will_end",
            Self::PeriodEnds => "period_ends",
            Self::CancelAt => "cancel_at",
            Self::Finalize => "finalize",
            Self::RetryPayment => "retry_payment",
            Self::IncompleteExpires => "incomplete_expires",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|due| due.name() == name)
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
            self.unschedule(due, object);
        }
    }

    /// The earliest timer of this clock (or of none) that has run out by `until`.
    pub(crate) fn first_due(&self, clock: Option<&str>, until: i64) -> Option<Timer> {
        let timer = self
            .store
            .oldest_first(Kind::Timer)
            .filter(|timer| {
                timer.text("clock") == clock && timer.int("at").is_some_and(|at| at <= until)
            })
            .min_by_key(|timer| timer.int("at"))?;
        Some(Timer {
            due: Due::named(timer.text("due")?)?,
            object: timer.owned("object")?,
            at: timer.int("at")?,
        })
    }
}
