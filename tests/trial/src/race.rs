//! Several at once: the wire's gate lets one call through at a time, in an order that a seed
//! decides.

mod actions;
mod apple;
mod leaving;

use std::sync::Arc;
use std::time::Duration;

use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{approve, open};
use crate::rng::Rng;
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::{Door, Gate};

/// Who meets whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Race {
    /// The very first click, twice.
    DoubleClick,
    /// The same return in two tabs.
    TwoReturns,
    /// The return page, the webhook and the sweeper.
    Finishers,
    /// Two approved plans of one group, on two devices.
    TwoPlans,
    /// A return and a click for another plan of the group.
    ReturnAndClick,
    /// The page's confirmation on one device, the server's on the other.
    TwoDevices,
    /// Two readers of a subscription that changes meanwhile.
    TwoReaders,
    /// Two tabs begin the same subscription with Apple Pay.
    AppleTwoTabs,
    /// Two tabs begin subscriptions of two plans of one group.
    AppleTwoPlans,
    /// The shopper pays in one tab while another takes a different plan of the group.
    ApplePayAndLeave,
    /// The page, the webhook and the sweeper, when all has been confirmed.
    AppleFinishers,
    /// The sweeper, a new click and the sheet, when the time is over.
    AppleExpiry,
    /// Apple Pay in one tab, the return from Amazon Pay in another.
    AppleAndAmazon,
    /// A change is agreed to while the period ends.
    ChangeAndRenewal,
    /// A cancellation, or what takes a plan to come back, beside another plan.
    CancelAndChange,
    /// Two devices agree to two changes, or to one.
    TwoChanges,
    /// Another payment method pays while Stripe tries the old one again.
    RepairAndRetry,
    /// A pause is asked for while the period ends.
    PauseAndRenewal,
    /// A pause is ended by its shopper, and by a sweep or another device.
    ResumeAndSweep,
    /// An end that gives something back, beside another end, plan or pause.
    TwoEnds,
    /// Two devices come again after the end.
    TwoComeAgain,
    /// The page of a link cancels or keeps, beside the shop's page.
    PageAndDevice,
}

impl Race {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::DoubleClick,
        Self::TwoReturns,
        Self::Finishers,
        Self::TwoPlans,
        Self::ReturnAndClick,
        Self::TwoDevices,
        Self::TwoReaders,
        Self::AppleTwoTabs,
        Self::AppleTwoPlans,
        Self::ApplePayAndLeave,
        Self::AppleFinishers,
        Self::AppleExpiry,
        Self::AppleAndAmazon,
        Self::ChangeAndRenewal,
        Self::CancelAndChange,
        Self::TwoChanges,
        Self::RepairAndRetry,
        Self::PauseAndRenewal,
        Self::ResumeAndSweep,
        Self::TwoEnds,
        Self::TwoComeAgain,
        Self::PageAndDevice,
    ];

    /// Its name in the id of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::DoubleClick => "double-click",
            Self::TwoReturns => "two-returns",
            Self::Finishers => "finishers",
            Self::TwoPlans => "two-plans",
            Self::ReturnAndClick => "return-and-click",
            Self::TwoDevices => "two-devices",
            Self::TwoReaders => "two-readers",
            Self::AppleTwoTabs => "apple-two-tabs",
            Self::AppleTwoPlans => "apple-two-plans",
            Self::ApplePayAndLeave => "apple-pay-and-leave",
            Self::AppleFinishers => "apple-finishers",
            Self::AppleExpiry => "apple-expiry",
            Self::AppleAndAmazon => "apple-and-amazon",
            Self::ChangeAndRenewal => "change-and-renewal",
            Self::CancelAndChange => "cancel-and-change",
            Self::TwoChanges => "two-changes",
            Self::RepairAndRetry => "repair-and-retry",
            Self::PauseAndRenewal => "pause-and-renewal",
            Self::ResumeAndSweep => "resume-and-sweep",
            Self::TwoEnds => "two-ends",
            Self::TwoComeAgain => "two-come-again",
            Self::PageAndDevice => "page-and-device",
        }
    }

    /// The race of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|race| race.name() == name)
    }

    /// Runs it.
    #[allow(clippy::too_many_lines, reason = "a list of races, each a few lines")]
    pub async fn run(self, stage: &Stage<'_>) -> Result<(), Broken> {
        let (a, b) = (Door::TabA, Door::TabB);
        match self {
            Self::DoubleClick => {
                let gate = raise(stage);
                let (first, second) = tokio::join!(
                    behind(&gate, a, open(stage, a, "photos", By::Page)),
                    behind(&gate, b, open(stage, b, "photos", By::Page)),
                );
                lower(stage, &gate);
                let (first, second) = (first?, second?);
                if let Some(opened) = first.as_ref().or(second.as_ref())
                    && let Some(back) = stage.at_wallet(opened, "approve").await?
                {
                    stage.come_back(a, &back).await?;
                }
                if let (Some(first), Some(second)) = (&first, &second)
                    && first["checkout"] != second["checkout"]
                {
                    stage.broke("two first clicks have opened two checkouts");
                }
            }
            Self::TwoReturns => {
                let Some((opened, back)) = approve(stage, a, "photos", By::Page).await? else {
                    return Ok(());
                };
                let checkout = text(&opened, "/checkout")?;
                let gate = raise(stage);
                let (first, second) = tokio::join!(
                    behind(&gate, a, stage.come_back(a, &back)),
                    behind(&gate, b, stage.subscribe(b, &checkout)),
                );
                lower(stage, &gate);
                first?;
                second?;
            }
            Self::Finishers => {
                let Some((_, back)) = approve(stage, a, "photos", By::Page).await? else {
                    return Ok(());
                };
                // Old enough for the sweeper to look.
                stage.pass(660).await?;
                let gate = raise(stage);
                let hooks = async {
                    for event in stage.undelivered() {
                        stage.deliver(&event).await?;
                    }
                    stage.pump().await
                };
                let (returned, hooks, _) = tokio::join!(
                    behind(&gate, a, stage.come_back(a, &back)),
                    behind(&gate, Door::Hooks, hooks),
                    behind(&gate, Door::Sweeper, stage.sweep("open")),
                );
                lower(stage, &gate);
                returned?;
                hooks?;
            }
            Self::TwoPlans => {
                let first = approve(stage, a, "photos", By::Page).await?;
                let second = approve(stage, b, "photos-trial", By::Server).await?;
                let (Some((_, first)), Some((_, second))) = (first, second) else {
                    return Ok(());
                };
                let gate = raise(stage);
                let (first, second) = tokio::join!(
                    behind(&gate, a, stage.come_back(a, &first)),
                    behind(&gate, b, stage.come_back(b, &second)),
                );
                lower(stage, &gate);
                first?;
                second?;
            }
            Self::ReturnAndClick => {
                let Some((_, back)) = approve(stage, a, "photos", By::Page).await? else {
                    return Ok(());
                };
                let gate = raise(stage);
                let (returned, opened) = tokio::join!(
                    behind(&gate, a, stage.come_back(a, &back)),
                    behind(&gate, b, open(stage, b, "photos-trial", By::Page)),
                );
                lower(stage, &gate);
                returned?;
                if let Some(opened) = opened?
                    && let Some(back) = stage.at_wallet(&opened, "approve").await?
                {
                    stage.come_back(b, &back).await?;
                }
            }
            Self::TwoDevices => {
                let gate = raise(stage);
                let (first, second) = tokio::join!(
                    behind(&gate, a, open(stage, a, "photos", By::Page)),
                    behind(&gate, b, open(stage, b, "photos", By::Server)),
                );
                lower(stage, &gate);
                let mut backs = Vec::new();
                for (tab, opened) in [(a, first?), (b, second?)] {
                    if let Some(opened) = opened
                        && let Some(back) = stage.at_wallet(&opened, "approve").await?
                    {
                        backs.push((tab, back));
                    }
                }
                for (tab, back) in backs {
                    stage.come_back(tab, &back).await?;
                }
            }
            Self::TwoReaders => Box::pin(two_readers(stage)).await?,
            Self::ChangeAndRenewal
            | Self::CancelAndChange
            | Self::TwoChanges
            | Self::RepairAndRetry => Box::pin(actions::run(self, stage)).await?,
            Self::PauseAndRenewal
            | Self::ResumeAndSweep
            | Self::TwoEnds
            | Self::TwoComeAgain
            | Self::PageAndDevice => Box::pin(leaving::run(self, stage)).await?,
            _ => Box::pin(apple::run(self, stage)).await?,
        }
        stage.settle().await
    }
}

/// In this time, a call that the gate has let through is answered.
const LONGER_THAN_A_CALL: Duration = Duration::from_millis(5);

/// Two workers read one subscription, which changes between the call of the first that the seed
/// decides and the next; the event of that change is brought to the second of them.
async fn two_readers(stage: &Stage<'_>) -> Result<(), Broken> {
    let Some((_, back)) = approve(stage, Door::TabA, "photos", By::Page).await? else {
        return Ok(());
    };
    stage.come_back(Door::TabA, &back).await?;
    let books = stage.lane.stripe.books();
    let id = books
        .subscriptions
        .first()
        .and_then(|it| it["id"].as_str())
        .unwrap_or_default();
    stage.deliver_and_pump().await?;
    // A first change, whose event is on its way to the first reader.
    let path = format!("/v1/subscriptions/{id}");
    stage
        .lane
        .stripe
        .post(&path, &[("cancel_at_period_end", "true")])
        .await?;
    for event in stage.undelivered() {
        stage.deliver(&event).await?;
    }
    stage.read_stream();
    let first: Vec<_> = std::mem::take(&mut stage.notes.borrow_mut().waiting);
    let pause = 1 + stage.rng.borrow_mut().below(8);
    let overtakes = stage.rng.borrow_mut().below(2) == 0;
    let gate = raise(stage);
    let reader = stage.work(Door::Hooks, &stage.lane.functions.worker, &first);
    let change = async {
        // The first reader is somewhere between its fence and its write.
        for _ in 0..1000 {
            if gate.order().len() >= pause {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        gate.hold(Door::Hooks, true);
        // The call that has begun gets its answer, and only the next one is held up.
        tokio::time::sleep(LONGER_THAN_A_CALL).await;
        stage
            .lane
            .stripe
            .post(&path, &[("cancel_at_period_end", "false")])
            .await?;
        for event in stage.undelivered() {
            stage.deliver(&event).await?;
        }
        stage.read_stream();
        gate.hold(Door::Hooks, overtakes);
        let second: Vec<_> = std::mem::take(&mut stage.notes.borrow_mut().waiting);
        stage
            .work(Door::TabB, &stage.lane.functions.other_worker, &second)
            .await;
        gate.hold(Door::Hooks, false);
        Ok::<_, Broken>(())
    };
    let (_, changed) = tokio::join!(
        behind(&gate, Door::Hooks, reader),
        behind(&gate, Door::TabB, change),
    );
    lower(stage, &gate);
    changed?;
    stage.check_read_model("after two have read at once").await
}

fn raise(stage: &Stage<'_>) -> Arc<Gate> {
    let seed = stage.rng.borrow_mut().draw();
    let gate = Gate::new(Rng::new(seed));
    stage.lane.wire.set_gate(Some(Arc::clone(&gate)));
    gate
}

fn lower(stage: &Stage<'_>, gate: &Gate) {
    stage.lane.wire.set_gate(None);
    for line in gate.order() {
        stage.tell(format!("order: {line}"));
    }
}

async fn behind<T>(gate: &Gate, door: Door, work: impl Future<Output = T>) -> T {
    let busy = gate.busy(door);
    let result = work.await;
    drop(busy);
    result
}
