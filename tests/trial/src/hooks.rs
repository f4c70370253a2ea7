//! Webhooks in every order, with repeats, losses and delays of days.

use serde_json::Value;

use crate::broken::Broken;
use crate::journeys::Journey;
use crate::stage::Stage;

/// The journeys whose events are delivered in other orders.
pub const JOURNEYS: [Journey; 18] = [
    Journey::ClientReturn,
    Journey::NoReturn,
    Journey::Trial,
    Journey::ServerDeclineRetry,
    Journey::PaymentDeclinedRetry,
    Journey::TwoPlans,
    Journey::ApplePayment,
    Journey::AppleTrial,
    Journey::AppleDeclined,
    Journey::AppleToTrial,
    Journey::AppleToPayment,
    Journey::AppleTrialLeft,
    Journey::Addons,
    Journey::Discounted,
    Journey::CodeWithChange,
    Journey::RefundRepeated,
    Journey::Taxed,
    Journey::Adopted,
];

/// Up to this many events, the numbers of the cases count through all orders of them.
const COUNTED: usize = 7;
const DAY: i64 = 24 * 3600;

/// What else happens to the deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Each event once.
    Once,
    /// Some twice or three times, later ones in between.
    Repeated,
    /// A third of them never.
    Lost,
    /// Some after a day or three.
    Late,
}

/// Plays a journey and delivers its events in the order of that number.
pub async fn run(stage: &Stage<'_>, journey: Journey, number: usize) -> Result<(), Broken> {
    stage.is_shuffled.set(true);
    journey.play(stage).await?;
    let manner = match number % 4 {
        0 => Manner::Once,
        1 => Manner::Repeated,
        2 => Manner::Lost,
        _ => Manner::Late,
    };
    // What the worker does brings new events, so there may be several rounds.
    for _ in 0..6 {
        let mut events = stage.undelivered();
        if events.is_empty() {
            break;
        }
        reorder(stage, &mut events, number);
        prepare(stage, &mut events, manner);
        for event in &events {
            deliver(stage, event, manner).await?;
        }
        stage.pump().await?;
    }
    stage.settle().await
}

fn reorder(stage: &Stage<'_>, events: &mut Vec<Value>, number: usize) {
    if events.len() > COUNTED {
        stage.rng.borrow_mut().shuffle(events);
        return;
    }
    // The number counts through the orders, as digits of the factorial system.
    let mut rest = number / 4 * 4 + stage.rng.borrow_mut().below(4);
    let mut left = std::mem::take(events);
    while !left.is_empty() {
        let place = rest % left.len();
        rest /= left.len();
        events.push(left.remove(place));
    }
}

fn prepare(stage: &Stage<'_>, events: &mut Vec<Value>, manner: Manner) {
    let mut rng = stage.rng.borrow_mut();
    match manner {
        Manner::Once | Manner::Late => {}
        Manner::Repeated => {
            for event in events.clone() {
                for _ in 0..rng.below(3) {
                    let place = rng.below(events.len() + 1);
                    events.insert(place, event.clone());
                }
            }
        }
        Manner::Lost => {
            let mut notes = stage.notes.borrow_mut();
            events.retain(|event| {
                let keep = rng.below(3) != 0;
                if let (false, Some(id)) = (keep, event["id"].as_str()) {
                    notes.lost.insert(id.to_owned());
                }
                keep
            });
        }
    }
}

async fn deliver(stage: &Stage<'_>, event: &Value, manner: Manner) -> Result<(), Broken> {
    if manner == Manner::Late && stage.rng.borrow_mut().below(4) == 0 {
        let days = 1 + i64::try_from(stage.rng.borrow_mut().below(3)).unwrap_or(0);
        stage.tell(format!("{days} days without a webhook"));
        stage.pass(days * DAY).await?;
        stage.sweep_until_done("open").await?;
    }
    stage.deliver(event).await?;
    if stage.rng.borrow_mut().below(2) == 0 {
        stage.pump().await?;
    }
    Ok(())
}
