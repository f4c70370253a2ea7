//! The journeys: what shoppers and the shop do when nothing goes wrong, step by step.

mod actions;
mod addons;
mod apple;
mod checkouts;
mod discounts;
mod free_trial;
mod leaving;
mod orders;
mod rare;
mod refunds;
mod taxes;
mod users;

use crate::broken::Broken;
use crate::stage::Stage;

pub(crate) use addons::begin as begin_with_addons;
pub use apple::{Then, begin, confirm};
pub use checkouts::{approve, buy, open};
pub(crate) use taxes::{order as order_taxed, oregon};
pub(crate) use users::{given, taken};

/// The list of the journeys, by the modules that play them.
macro_rules! journeys {
    ($($module:ident: { $($(#[$doc:meta])* $journey:ident = $name:literal,)* })*) => {
        /// A journey.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Journey {
            $($($(#[$doc])* $journey,)*)*
        }

        impl Journey {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$journey,)*)*];

            /// Its name in the id of a case.
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$journey => $name,)*)*
                }
            }

            /// Plays it; whatever goes wrong on the way, the shopper does what shoppers do.
            pub async fn play(self, stage: &Stage<'_>) -> Result<(), Broken> {
                match self {
                    $($(Self::$journey)|* => Box::pin($module::play(self, stage)).await,)*
                }
            }
        }
    };
}

journeys! {
    checkouts: {
        /// The page confirms, the shopper comes back.
        ClientReturn = "client-return",
        /// The server confirms, the shopper comes back.
        ServerReturn = "server-return",
        /// The browser never comes back.
        NoReturn = "no-return",
        /// The page polls, without a return.
        Poll = "poll",
        /// The page asks for the subscription itself.
        SubscribeCall = "subscribe-call",
        /// The wallet declines, and the shopper tries again.
        DeclineRetry = "decline-retry",
        /// The server confirms, the wallet declines, and the shopper tries again.
        ServerDeclineRetry = "server-decline-retry",
        /// The first payment is declined, and the shopper tries again.
        PaymentDeclinedRetry = "payment-declined-retry",
        /// A plan with a free trial.
        Trial = "trial",
        /// Two plans of one group are approved one after the other.
        TwoPlans = "two-plans",
        /// The same checkout in two tabs.
        TwoTabs = "two-tabs",
        /// The shopper leaves the wallet's page and never comes back.
        WalletLeft = "wallet-left",
        /// Somebody ends the subscription at Stripe.
        Ended = "ended",
        /// Somebody at Stripe lets the subscription end with its period.
        PlannedEnd = "planned-end",
        /// The wallet declines twice and then agrees, and the browser never comes back.
        TwoDeclines = "two-declines",
        /// An event that nobody can read lies in the inbox, and the stream gives those up that come after it.
        Unreadable = "unreadable",
        /// The functions' clocks are ten minutes ahead of Stripe's.
        ClocksAhead = "clocks-ahead",
        /// They are ten minutes behind.
        ClocksBehind = "clocks-behind",
    }
    apple: {
        /// Apple Pay, and the SetupIntent comes first.
        AppleSetup = "apple-setup",
        /// Apple Pay, and the subscription comes first; its first payment is confirmed.
        ApplePayment = "apple-payment",
        /// The same with a free trial, whose SetupIntent is confirmed.
        AppleTrial = "apple-trial",
        /// The first payment is declined in the sheet, and tried again.
        AppleDeclined = "apple-declined",
        /// The SetupIntent of a trial is declined in the sheet, and tried again.
        AppleTrialDeclined = "apple-trial-declined",
        /// A subscription with a first payment is left unconfirmed for one with a trial.
        AppleToTrial = "apple-to-trial",
        /// The other way round.
        AppleToPayment = "apple-to-payment",
        /// Two tabs begin the same subscription.
        AppleTwoTabs = "apple-two-tabs",
        /// Nobody ever confirms, and nobody comes back.
        AppleLeft = "apple-left",
        /// The same with a trial.
        AppleTrialLeft = "apple-trial-left",
        /// Nobody confirms for 23 hours, and then the shopper is back.
        AppleLate = "apple-late",
        /// The same with a trial.
        AppleTrialLate = "apple-trial-late",
        /// Apple Pay is left unconfirmed, and Amazon Pay taken.
        AppleToAmazon = "apple-to-amazon",
        /// Amazon Pay is left open, Apple Pay taken, and the wallet agrees after all.
        AppleAfterAmazon = "apple-after-amazon",
        /// The SetupIntent came first, and then the subscription does.
        AppleOtherOrder = "apple-other-order",
        /// The first payment is made, and somebody ends the subscription at Stripe before anybody here has
        /// read it again.
        AppleEnded = "apple-ended",
        /// The same with a trial that was confirmed.
        AppleTrialEnded = "apple-trial-ended",
    }
    rare: {
        /// A SetupIntent of the checkout was made whose answer nobody has heard.
        LostSetup = "lost-setup",
        /// The slot was taken by a checkout that is gone.
        ForgottenSlot = "forgotten-slot",
        /// The same with Apple Pay, and the subscription first.
        AppleForgottenSlot = "apple-forgotten-slot",
        /// The first payment is claimed back, which is lost and then won.
        Disputed = "disputed",
    }
    actions: {
        /// The shopper cancels in the page, takes that back, and cancels again.
        CanceledInPage = "canceled-in-page",
        /// The shopper sees what a dearer plan costs, and agrees.
        ChangedPlan = "changed-plan",
        /// The same, and its payment is declined.
        ChangeDeclined = "change-declined",
        /// A renewal is declined, and the shopper gives another payment method.
        OtherMethod = "other-method",
        /// Another plan takes effect when the period is over.
        PlanToCome = "plan-to-come",
        /// The shopper changes their mind about which one.
        PlanToComeReplaced = "plan-to-come-replaced",
        /// A plan to come gives way to one at once, and another one is taken back.
        PlanToComeWithdrawn = "plan-to-come-withdrawn",
        /// A plan to come gives way to a cancellation, which is taken back.
        PlanToComeCanceled = "plan-to-come-canceled",
        /// A server of the shop sells more of the same.
        QuantityByServer = "quantity-by-server",
    }
    leaving: {
        /// A shopper pauses, and it goes on by itself.
        Paused = "paused",
        /// A server pauses without an end, and another one resumes.
        PausedByServer = "paused-by-server",
        /// A plan to come is given up with a pause, which its shopper ends before its time.
        PauseResumed = "pause-resumed",
        /// The end of a pause cannot be paid, and another payment method pays it.
        PauseEndDeclined = "pause-end-declined",
        /// The shopper ends at once, and the unused time goes back.
        GivenBack = "given-back",
        /// The same after a change of plan, so two invoices have paid the period.
        GivenBackOfTwo = "given-back-of-two",
        /// A server gives a part of an invoice back, and then the rest.
        RefundedByServer = "refunded-by-server",
        /// After such an end the shopper comes again, with the saved payment method.
        CameAgain = "came-again",
        /// That is declined, and the wallet is asked.
        CameAgainDeclined = "came-again-declined",
        /// The shopper cancels by the link of a mail, takes that back, and cancels again.
        CanceledByLink = "canceled-by-link",
        /// A renewal is declined, and the link of a mail leads to another payment method.
        RepairedByLink = "repaired-by-link",
    }
    free_trial: {
        /// A trial begins without a payment method, and one is given in time.
        FreeTrial = "free-trial",
        /// None is ever given.
        FreeTrialLeft = "free-trial-left",
    }
    orders: {
        /// A shopper has more of it at once, and fewer from the next period on.
        QuantityChanged = "quantity-changed",
        /// More of it cannot be paid.
        QuantityDeclined = "quantity-declined",
        /// A promotion code takes something off the first payment.
        Code = "code",
        /// It ends while the shopper is at the wallet.
        CodeEnded = "code-ended",
        /// Apple Pay, and the subscription comes first with a promotion code.
        AppleCode = "apple-code",
        /// A server says where Stripe writes to, before there is a customer and after.
        Emails = "emails",
        /// A server ends the subscription, and has the user erased.
        Erased = "erased",
        /// A user is erased while a wallet's page is open.
        ErasedWhileOpen = "erased-while-open",
    }
    addons: {
        /// A plan is bought with an add-on; more at once, and fewer later.
        Addons = "addons",
        /// One add-on ends at once while another begins.
        AddonSwapped = "addon-swapped",
        /// Add-ons that cannot be paid.
        AddonsDeclined = "addons-declined",
        /// Another plan takes the add-ons along that it has.
        AddonsAndPlan = "addons-and-plan",
    }
    discounts: {
        /// A server puts a coupon on, and takes it off.
        Discounted = "discounted",
        /// A shopper redeems a code alone.
        CodeAlone = "code-alone",
        /// A shopper redeems a code with a dearer plan.
        CodeWithChange = "code-with-change",
        /// Somebody else uses the code up between the price and the click.
        CodeUsedUp = "code-used-up",
    }
    refunds: {
        /// A server gives an invoice back in parts, and asks for each again.
        RefundRepeated = "refund-repeated",
        /// A part of an invoice goes back, and then what is not used with an end at once.
        RefundThenEnded = "refund-then-ended",
    }
    taxes: {
        /// Tax ids are set, replaced and taken away.
        TaxIds = "tax-ids",
        /// A plan with taxes, whose shopper moves.
        Taxed = "taxed",
        /// The shopper is found elsewhere while the wallet's page is open.
        TaxMoved = "tax-moved",
        /// A business that owes its taxes itself.
        TaxReversed = "tax-reversed",
    }
    users: {
        /// Plans for free before, beside and after a subscription.
        Granted = "granted",
        /// Plans for free that end by themselves.
        GrantOver = "grant-over",
        /// A user with a plan for free is erased, and is given another one at the same time.
        GrantedThenErased = "granted-then-erased",
        /// A private plan is no longer offered while its checkout is open.
        OfferWithdrawn = "offer-withdrawn",
        /// A private plan is no longer offered when a change to it is agreed to.
        OfferedChange = "offered-change",
        /// A customer with a subscription of before becomes the user's.
        Adopted = "adopted",
        /// A customer of before is to become the user's, who has another one.
        AdoptedBeside = "adopted-beside",
    }
}

impl Journey {
    /// The journey of that name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|journey| journey.name() == name)
    }
}
