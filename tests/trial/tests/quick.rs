//! A sample of the trial, small enough for every `cargo test`.

use std::sync::atomic::{AtomicBool, Ordering};

use perennial_trial::case::Case;
use perennial_trial::lane::Through;
use perennial_trial::plan::Size;
use perennial_trial::run::Run;
use perennial_trial::wire::{Fault, Often, Trouble};

/// Another seed is tried by `cargo run -p perennial-trial -- torture --quick`; a test has to be the
/// same each time.
const SEED: u64 = 20_261_124;

fn cases(ids: &[&str]) -> Vec<Case> {
    let cases: Result<_, _> = ids.iter().map(|id| id.parse()).collect();
    #[allow(clippy::expect_used, reason = "a test may panic")]
    cases.expect("the ids are right")
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_and_nobody_is_charged_twice() {
    let report = Run {
        progress: true,
        ..Run::new(Size::Tiny, SEED)
    }
    .go();
    assert!(report.held(), "{report}");
    assert_eq!(report.left, 0, "{report}");
    assert!(report.total().tried > 40, "{report}");
}

/// The crash matrix dies after each call of a journey, so what matters is that the call is made.
#[test]
fn the_process_dies_right_after_each_write_that_is_rare() {
    let run = Run::new(Size::Tiny, SEED);
    for (id, write) in [
        // The shop is told of the end of a subscription that was paid.
        (
            "crash:apple-ended:webhook:0:7",
            "TransactWriteItems SUB+OUT+OUT",
        ),
        (
            "crash:apple-trial-ended:sweeper:0:7",
            "TransactWriteItems SUB+OUT+OUT",
        ),
        // A SetupIntent that nobody was told of is canceled.
        (
            "crash:lost-setup:sweeper:0:7",
            "POST /v1/setup_intents/{id}/cancel",
        ),
        // The slot of a checkout that is gone is taken.
        (
            "crash:forgotten-slot:shopper:0:7",
            "TransactWriteItems SLOT+CHECKOUT",
        ),
        (
            "crash:apple-forgotten-slot:webhook:0:7",
            "TransactWriteItems SLOT+CHECKOUT",
        ),
    ] {
        let [clean] = &cases(&[id])[..] else {
            panic!("{id} is one case");
        };
        let passed = run.replay(clean).passed;
        let at = passed.iter().position(|call| call.name == write);
        let at = at.unwrap_or_else(|| panic!("{id} never makes the call {write}: {passed:?}"));
        let trouble = Trouble {
            fault: Fault::DieAfter,
            often: Often::Once,
            at,
        };
        let case = Case {
            trouble: Some(trouble),
            ..clean.clone()
        };
        let verdict = run.replay(&case);
        assert_eq!(verdict.broken, Vec::<String>::new(), "{case}");
        assert!(
            verdict
                .story
                .iter()
                .any(|line| line.contains("the process died"))
        );
    }
}

/// Whatever else the machine does, a case makes the same calls in the same order, byte for byte.
#[test]
fn a_seed_gives_the_same_calls_again_and_on_a_busy_machine_too() {
    let run = Run::new(Size::Tiny, SEED);
    for case in cases(&[
        "race:two-plans:shopper:3:7",
        "race:apple-expiry:shopper:5:7",
        "fault:client-return:shopper:hang-after*@12:7",
        "crash:apple-payment:sweeper:die-after@9:7",
        "hooks:trial:webhook:2:7",
    ]) {
        let calm = run.replay(&case);
        let busy = AtomicBool::new(true);
        let again = std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    while busy.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let again = run.replay(&case);
            busy.store(false, Ordering::Relaxed);
            again
        });
        assert_eq!(calm.broken, Vec::<String>::new(), "{case}");
        assert!(calm.passed.len() > 20, "{case}: {:?}", calm.passed);
        for (number, (first, second)) in calm.passed.iter().zip(&again.passed).enumerate() {
            assert_eq!(first, second, "{case}: call {number}");
        }
        assert_eq!(calm.passed.len(), again.passed.len(), "{case}");
        assert_eq!(calm.story, again.story, "{case}");
    }
}

/// The functions' own HTTP clients meet the same over real sockets.
#[test]
fn a_sample_holds_over_real_sockets() {
    let run = Run {
        through: Through::Sockets,
        ..Run::new(Size::Tiny, SEED)
    };
    let report = run.these(cases(&[
        "crash:client-return:shopper:0:7",
        "crash:client-return:webhook:die-after@12:7",
        "fault:client-return:shopper:lost-after@12:7",
        "fault:client-return:shopper:severed@11:7",
        "fault:client-return:shopper:500-stored-after@12:7",
        "fault:client-return:shopper:hang-before@11:7",
    ]));
    assert!(report.held(), "{report}");
    assert_eq!(report.total().tried, 6, "{report}");
}
