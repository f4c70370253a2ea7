//! A sample of the trial, small enough for every `cargo test`.

use perennial_trial::plan::Size;
use perennial_trial::run::Run;

/// Another seed is tried by `cargo run -p perennial-trial -- torture --quick`; a test has to be the
/// same each time.
const SEED: u64 = 20_261_124;

#[test]
fn whatever_goes_wrong_nothing_is_lost_and_nobody_is_charged_twice() {
    let report = Run {
        progress: true,
        ..Run::new(Size::Quick, SEED)
    }
    .go();
    assert!(report.held(), "{report}");
    assert_eq!(report.left, 0, "{report}");
    assert!(report.total().tried > 150, "{report}");
}
