//! Several at once: the wire's gate lets one call through at a time, in an order that a seed
//! decides.

mod actions;
mod apple;
mod checkouts;
mod leaving;
mod priced;
mod users;

use std::sync::Arc;

use crate::broken::Broken;
use crate::rng::Rng;
use crate::stage::Stage;
use crate::wire::{Door, Gate};

/// The list of the races, by the modules that run them.
macro_rules! races {
    ($($module:ident: { $($(#[$doc:meta])* $race:ident = $name:literal,)* })*) => {
        /// Who meets whom.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Race {
            $($($(#[$doc])* $race,)*)*
        }

        impl Race {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$race,)*)*];

            /// Its name in the id of a case.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$race => $name,)*)*
                }
            }

            /// Runs it, until everything has come to rest.
            pub async fn run(self, stage: &Stage<'_>) -> Result<(), Broken> {
                match self {
                    $($(Self::$race)|* => Box::pin($module::run(self, stage)).await?,)*
                }
                stage.settle().await
            }
        }
    };
}

races! {
    checkouts: {
        /// The very first click, twice.
        DoubleClick = "double-click",
        /// The same return in two tabs.
        TwoReturns = "two-returns",
        /// The return page, the webhook and the sweeper.
        Finishers = "finishers",
        /// Two approved plans of one group, on two devices.
        TwoPlans = "two-plans",
        /// A return and a click for another plan of the group.
        ReturnAndClick = "return-and-click",
        /// The page's confirmation on one device, the server's on the other.
        TwoDevices = "two-devices",
        /// Two readers of a subscription that changes meanwhile.
        TwoReaders = "two-readers",
    }
    apple: {
        /// Two tabs begin the same subscription with Apple Pay.
        AppleTwoTabs = "apple-two-tabs",
        /// Two tabs begin subscriptions of two plans of one group.
        AppleTwoPlans = "apple-two-plans",
        /// The shopper pays in one tab while another takes a different plan of the group.
        ApplePayAndLeave = "apple-pay-and-leave",
        /// The page, the webhook and the sweeper, when all has been confirmed.
        AppleFinishers = "apple-finishers",
        /// The sweeper, a new click and the sheet, when the time is over.
        AppleExpiry = "apple-expiry",
        /// Apple Pay in one tab, the return from Amazon Pay in another.
        AppleAndAmazon = "apple-and-amazon",
    }
    actions: {
        /// A change is agreed to while the period ends.
        ChangeAndRenewal = "change-and-renewal",
        /// A cancellation, or what takes a plan to come back, beside another plan.
        CancelAndChange = "cancel-and-change",
        /// Two devices agree to two changes, or to one.
        TwoChanges = "two-changes",
        /// Another payment method pays while Stripe tries the old one again.
        RepairAndRetry = "repair-and-retry",
    }
    leaving: {
        /// A pause is asked for while the period ends.
        PauseAndRenewal = "pause-and-renewal",
        /// A pause is ended by its shopper, and by a sweep or another device.
        ResumeAndSweep = "resume-and-sweep",
        /// An end that gives something back, beside another end, plan or pause.
        TwoEnds = "two-ends",
        /// Two devices come again after the end.
        TwoComeAgain = "two-come-again",
        /// The page of a link cancels or keeps, beside the shop's page.
        PageAndDevice = "page-and-device",
    }
    priced: {
        /// An add-on is changed while another plan, or a cancellation, is agreed to.
        AddonsAndChange = "addons-and-change",
        /// Two servers give an invoice back, under one key or under two.
        TwoRefunds = "two-refunds",
        /// A server gives an invoice back while its shopper ends for what is not used.
        RefundAndEnd = "refund-and-end",
        /// Two servers put a coupon on, or one takes it off.
        TwoDiscounts = "two-discounts",
        /// Somebody else redeems the last of a code while the change that has it is carried out.
        CodeForTwo = "code-for-two",
    }
    users: {
        /// A plan is given for free while the user is erased.
        GrantAndErase = "grant-and-erase",
        /// Two servers give two plans for free, or one of them takes one away.
        TwoGrants = "two-grants",
        /// An offer is taken back while its button is pressed, or a change to it is agreed to.
        OfferAndClick = "offer-and-click",
        /// Two servers say two different tax ids.
        TwoTaxIds = "two-tax-ids",
        /// The shopper is said to be elsewhere while the checkout is finished.
        MoveAndReturn = "move-and-return",
        /// Two customers of before are to be one user's, or one is while the user presses the button.
        TwoAdoptions = "two-adoptions",
    }
}

impl Race {
    /// The race of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|race| race.name() == name)
    }
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
