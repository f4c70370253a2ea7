//! The trial of the trial: each planted bug has to be found.

use perennial_trial::case::Matrix;
use perennial_trial::plan::{Filter, Size};
use perennial_trial::run::Run;
use perennial_trial::stage::Life;
use perennial_trial::wire::{Bug, Fault};

const SEED: u64 = 7;

/// Looks for the bug in one part of the trial, and checks that what is found is what it does.
#[track_caller]
fn finds(bug: Bug, filter: Filter, symptom: &str) {
    let run = Run {
        filter,
        bug: Some(bug),
        stop_at_first: true,
        lanes: 10,
        ..Run::new(Size::Usual, SEED)
    };
    let report = run.go();
    let found = report
        .failures
        .iter()
        .any(|(_, broken)| broken.iter().any(|what| what.contains(symptom)));
    assert!(found, "{} shows no {symptom:?}:\n{report}", bug.name());
}

fn part(matrix: Matrix, scenario: &str) -> Filter {
    Filter {
        matrix: Some(matrix),
        scenario: Some(scenario.to_owned()),
        life: Some(Life::Shopper),
        fault: None,
    }
}

#[test]
fn a_slow_reader_without_a_fence_is_found() {
    finds(
        Bug::NoFence,
        part(Matrix::Race, "two-readers"),
        "the table says that",
    );
}

#[test]
fn a_key_that_is_reused_with_other_parameters_is_found() {
    let filter = Filter {
        fault: Some(Fault::LostAfter),
        ..part(Matrix::Fault, "client-return")
    };
    finds(Bug::KeyReused, filter, "was sent with other parameters");
}

#[test]
fn a_key_for_each_try_is_found() {
    let filter = Filter {
        fault: Some(Fault::LostAfter),
        ..part(Matrix::Fault, "client-return")
    };
    finds(Bug::KeyForEachTry, filter, "live subscriptions");
}

#[test]
fn an_event_that_counts_as_done_before_it_is_applied_is_found() {
    finds(
        Bug::DedupeBeforeProcessing,
        part(Matrix::Crash, "no-return"),
        "is still open",
    );
}

#[test]
fn a_slot_that_is_never_given_back_is_found() {
    let filter = Filter {
        fault: Some(Fault::DieAfter),
        ..part(Matrix::Crash, "client-return")
    };
    finds(Bug::SlotWithoutLease, filter, "still");
}

#[test]
fn a_slot_that_everybody_gets_is_found() {
    finds(
        Bug::SlotForEverybody,
        part(Matrix::Race, "two-plans"),
        "live subscriptions",
    );
}

#[test]
fn a_customer_that_everybody_creates_is_found() {
    finds(
        Bug::CustomerForEverybody,
        part(Matrix::Race, "double-click"),
        "customers at Stripe",
    );
}

#[test]
fn a_webhook_that_answers_before_it_has_stored_is_found() {
    finds(
        Bug::AnswerBeforeWrite,
        part(Matrix::Crash, "client-return"),
        "told 200",
    );
}

#[test]
fn a_secret_at_rest_is_found() {
    finds(
        Bug::SecretAtRest,
        part(Matrix::Crash, "client-return"),
        "is at rest",
    );
}

#[test]
fn a_subscription_that_is_given_up_while_its_shopper_can_pay_is_found() {
    finds(
        Bug::InvoiceNotVoided,
        part(Matrix::Race, "apple-pay-and-leave"),
        "was confirmed and is lost",
    );
}

#[test]
fn a_trial_that_counts_before_it_is_confirmed_is_found() {
    finds(
        Bug::AwaitsNobody,
        part(Matrix::Crash, "apple-trial"),
        "which nobody has confirmed",
    );
}

#[test]
fn a_shopper_who_is_never_looked_after_is_found() {
    let filter = Filter {
        life: Some(Life::Sweeper),
        ..part(Matrix::Crash, "apple-trial-left")
    };
    finds(Bug::ForgottenShopper, filter, "is still confirming");
}
