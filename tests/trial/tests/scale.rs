//! The simulation of what grows, at a thousand subscribers. `trial scale` runs it at other sizes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use perennial_trial::scale::{self, Rules, Storm, report};

const SEED: u64 = 7;
const HOUR: Duration = Duration::from_hours(1);

/// Ten pages of a hundred, each of which is one call of Stripe and three keys of the table for each
/// subscription, and two calls that end the parts of the list that hold nothing.
#[test]
fn a_thousand_subscriptions_are_compared_by_pages() {
    let figures = scale::simulate(scale::comparison(1_000, SEED)).unwrap();
    let counts = &figures.outcome["counts"];
    assert_eq!(figures.outcome["complete"], true, "{figures:?}");
    assert_eq!(counts["compared"], 1_000, "{figures:?}");
    assert_eq!(counts["repaired"], 0, "{figures:?}");
    assert_eq!(counts["failed"], 0, "{figures:?}");
    assert!((10..=30).contains(&figures.calls), "{figures:?}");
    assert!(figures.cost.calls < 100, "{figures:?}");
    assert!(
        (3_000..3_100).contains(&figures.cost.items_read),
        "{figures:?}"
    );
    assert!(figures.took < Duration::from_mins(1), "{figures:?}");
    assert_eq!(figures.alarms, Vec::<String>::new());
}

/// One in a thousand was not delivered, and is stored; the others are looked up a hundred at a time.
#[test]
fn an_hour_of_a_thousand_events_is_looked_up_by_pages() {
    let figures = scale::simulate(scale::hourly(1_000, SEED)).unwrap();
    assert_eq!(figures.outcome["complete"], true, "{figures:?}");
    // What lies at the seam of two parts may be listed twice.
    let listed = figures.outcome["listed"].as_u64().unwrap();
    assert!((1_000..1_100).contains(&listed), "{figures:?}");
    assert_eq!(figures.outcome["missed"], 1, "{figures:?}");
    assert!((13..=30).contains(&figures.calls), "{figures:?}");
    assert!(figures.cost.calls < 60, "{figures:?}");
    // The hour's alarm is for the event that was not delivered.
    assert_eq!(figures.alarms, ["EventsMissed"]);
}

/// Pages that are asked for one after another would take 60 seconds. At this rate the 13 minutes of a slice
/// are enough for 100,000.
#[test]
fn the_parts_of_an_hour_are_listed_side_by_side() {
    let figures = scale::simulate(scale::hourly(4_000, SEED)).unwrap();
    assert_eq!(figures.outcome["complete"], true, "{figures:?}");
    assert!(
        figures.outcome["listed"].as_u64() >= Some(4_000),
        "{figures:?}"
    );
    assert_eq!(figures.outcome["missed"], 4, "{figures:?}");
    assert!(figures.took < Duration::from_secs(31), "{figures:?}");
}

/// Whatever the number of events, a renewal whose events come together is one read of Stripe, or two if a
/// batch ends between them.
#[test]
fn a_storm_of_renewals_is_a_read_for_each() {
    let storm = Storm {
        within: Duration::from_mins(1),
        ..Storm::of(200)
    };
    let figures = scale::simulate(scale::storm(storm, SEED)).unwrap();
    let rules = Rules::within(Duration::from_secs(90));
    assert_eq!(rules.broken(&figures), Vec::<String>::new(), "{figures:?}");
    assert_eq!(figures.outcome["applied"], 600, "{figures:?}");
    assert!((200..=600).contains(&figures.calls), "{figures:?}");
    assert_eq!(figures.alarms, Vec::<String>::new(), "{figures:?}");
}

/// The table of a large shop has more shards than the copies of the worker reckon with where
/// `WorkerConcurrency` sets no limit: with 16, they would ask 192 times a second. Stripe refuses what is
/// beyond 100, and each refusal slows a copy down; nothing is given up, and few calls are in vain.
#[test]
fn more_copies_than_reckoned_with_settle_at_what_stripe_takes() {
    let storm = Storm {
        within: Duration::from_secs(2),
        shards: 16,
        ..Storm::of(400)
    };
    let figures = scale::simulate(scale::storm(storm, SEED)).unwrap();
    assert_eq!(figures.outcome["applied"], 1_200, "{figures:?}");
    assert_eq!(figures.outcome["given_up"], 0, "{figures:?}");
    assert!(figures.refused > 0, "it has not come to that: {figures:?}");
    assert!(figures.refused * 4 < figures.calls, "{figures:?}");
    assert!(figures.took < Duration::from_mins(1), "{figures:?}");
}

/// A Stripe that refuses everything for half an hour loses nothing, gives nothing up, and is caught up
/// with within the hour.
#[test]
fn half_an_hour_of_refusals_gives_no_event_up() {
    let storm = Storm {
        refusing: HOUR / 2,
        ..Storm::of(100)
    };
    let figures = scale::simulate(scale::storm(storm, SEED)).unwrap();
    let rules = Rules::within(HOUR + HOUR / 2);
    let text = report(&[(figures.clone(), rules)]);
    assert_eq!(rules.broken(&figures), Vec::<String>::new(), "{text}");
    assert_eq!(figures.outcome["applied"], 300, "{text}");
    assert!(figures.refused > 0, "{text}");
}

/// Each is told once, by one read of Stripe and a preview, however many wait.
#[test]
fn reminders_that_come_due_within_an_hour_are_told_by_two_calls_each() {
    let figures = scale::simulate(scale::reminders(200, HOUR, SEED)).unwrap();
    let rules = Rules::within(HOUR + HOUR / 4);
    assert_eq!(rules.broken(&figures), Vec::<String>::new(), "{figures:?}");
    assert_eq!(figures.outcome["counts"]["told"], 200, "{figures:?}");
    assert_eq!(figures.calls, 400, "{figures:?}");
    assert_eq!(figures.alarms, Vec::<String>::new(), "{figures:?}");
}

/// What one more customer costs does not depend on how many there are.
#[test]
fn each_adoption_is_three_calls_of_stripe_and_the_same_units_of_the_table() {
    let of = |many| scale::simulate(scale::adoption(many, SEED)).unwrap();
    let (some, more) = (of(20), of(60));
    for (figures, many) in [(&some, 20), (&more, 60)] {
        assert_eq!(figures.outcome["answers"]["200"], many, "{figures:?}");
        assert_eq!(figures.calls, 3 * many, "{figures:?}");
        assert!(figures.most <= 20, "{figures:?}");
    }
    let units = |figures: &scale::Figures| (figures.cost.read_units, figures.cost.write_units);
    let ((few_reads, few_writes), (reads, writes)) = (units(&some), units(&more));
    assert!(reads <= 3 * few_reads, "{few_reads} and {reads}");
    assert!(writes <= 3 * few_writes, "{few_writes} and {writes}");
}

/// Nothing is left of anybody, and the last pass of the sweep keeps up with a server that asks for one after another.
#[test]
fn erasures_end_half_an_hour_after_the_last_was_asked_for() {
    let figures = scale::simulate(scale::erasure(400, SEED)).unwrap();
    let asking = Duration::from_secs(400 / 5);
    let rules = Rules::within(asking + HOUR / 2);
    assert_eq!(rules.broken(&figures), Vec::<String>::new(), "{figures:?}");
    assert_eq!(figures.outcome["answers"]["200"], 400, "{figures:?}");
    assert_eq!(figures.outcome["left"], 0, "{figures:?}");
    assert_eq!(figures.calls, 6 * 400, "{figures:?}");
    assert_eq!(figures.alarms, Vec::<String>::new(), "{figures:?}");
}

/// Each rule is shown to notice.
#[test]
fn the_rules_notice_what_is_beyond_them() {
    let mut figures = scale::simulate(scale::hourly(100, SEED)).unwrap();
    let rules = Rules::within(HOUR);
    assert_eq!(rules.broken(&figures), Vec::<String>::new());
    figures.most = 51;
    figures.took = 2 * HOUR;
    figures.outcome["given_up"] = 1.into();
    assert_eq!(rules.broken(&figures).len(), 3);
}
