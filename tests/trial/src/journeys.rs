//! The journeys: what shoppers do when nothing goes wrong, step by step.

mod actions;
mod apple;
mod leaving;
mod orders;
mod rare;

use serde_json::Value;

use crate::books::text;
use crate::broken::Broken;
use crate::shopper::{By, Click};
use crate::stage::{Life, Stage};
use crate::wire::Door;

pub use apple::{Then, begin, confirm};

/// As far as a clock is wrong that nobody looks after.
const TEN_MINUTES: i64 = 600;

/// A journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Journey {
    /// The page confirms, the shopper comes back.
    ClientReturn,
    /// The server confirms, the shopper comes back.
    ServerReturn,
    /// The browser never comes back.
    NoReturn,
    /// The page polls, without a return.
    Poll,
    /// The page asks for the subscription itself.
    SubscribeCall,
    /// The wallet declines, and the shopper tries again.
    DeclineRetry,
    /// The server confirms, the wallet declines, and the shopper tries again.
    ServerDeclineRetry,
    /// The first payment is declined, and the shopper tries again.
    PaymentDeclinedRetry,
    /// A plan with a free trial.
    Trial,
    /// Two plans of one group are approved one after the other.
    TwoPlans,
    /// The same checkout in two tabs.
    TwoTabs,
    /// The shopper leaves the wallet's page and never comes back.
    WalletLeft,
    /// Apple Pay, and the SetupIntent comes first.
    AppleSetup,
    /// Apple Pay, and the subscription comes first; its first payment is confirmed.
    ApplePayment,
    /// The same with a free trial, whose SetupIntent is confirmed.
    AppleTrial,
    /// The first payment is declined in the sheet, and tried again.
    AppleDeclined,
    /// The SetupIntent of a trial is declined in the sheet, and tried again.
    AppleTrialDeclined,
    /// A subscription with a first payment is left unconfirmed for one with a trial.
    AppleToTrial,
    /// The other way round.
    AppleToPayment,
    /// Two tabs begin the same subscription.
    AppleTwoTabs,
    /// Nobody ever confirms, and nobody comes back.
    AppleLeft,
    /// The same with a trial.
    AppleTrialLeft,
    /// Nobody confirms for 23 hours, and then the shopper is back.
    AppleLate,
    /// The same with a trial.
    AppleTrialLate,
    /// Apple Pay is left unconfirmed, and Amazon Pay taken.
    AppleToAmazon,
    /// Amazon Pay is left open, Apple Pay taken, and the wallet agrees after all.
    AppleAfterAmazon,
    /// The SetupIntent came first, and then the subscription does.
    AppleOtherOrder,
    /// The first payment is made, and somebody ends the subscription at Stripe before anybody here has
    /// read it again.
    AppleEnded,
    /// The same with a trial that was confirmed.
    AppleTrialEnded,
    /// Somebody ends the subscription at Stripe.
    Ended,
    /// Somebody at Stripe lets the subscription end with its period.
    PlannedEnd,
    /// The wallet declines twice and then agrees, and the browser never comes back.
    TwoDeclines,
    /// An event that nobody can read lies in the inbox, and the stream gives those up that come after it.
    Unreadable,
    /// The functions' clocks are ten minutes ahead of Stripe's.
    ClocksAhead,
    /// They are ten minutes behind.
    ClocksBehind,
    /// A SetupIntent of the checkout was made whose answer nobody has heard.
    LostSetup,
    /// The slot was taken by a checkout that is gone.
    ForgottenSlot,
    /// The same with Apple Pay, and the subscription first.
    AppleForgottenSlot,
    /// The first payment is claimed back, which is lost and then won.
    Disputed,
    /// The shopper cancels in the page, takes that back, and cancels again.
    CanceledInPage,
    /// The shopper sees what a dearer plan costs, and agrees.
    ChangedPlan,
    /// The same, and its payment is declined.
    ChangeDeclined,
    /// A renewal is declined, and the shopper gives another payment method.
    OtherMethod,
    /// Another plan takes effect when the period is over.
    PlanToCome,
    /// The shopper changes their mind about which one.
    PlanToComeReplaced,
    /// A plan to come gives way to one at once, and another one is taken back.
    PlanToComeWithdrawn,
    /// A plan to come gives way to a cancellation, which is taken back.
    PlanToComeCanceled,
    /// A server of the shop sells more of the same.
    QuantityByServer,
    /// A shopper pauses, and it goes on by itself.
    Paused,
    /// A server pauses without an end, and another one resumes.
    PausedByServer,
    /// A plan to come is given up with a pause, which its shopper ends before its time.
    PauseResumed,
    /// The end of a pause cannot be paid, and another payment method pays it.
    PauseEndDeclined,
    /// The shopper ends at once, and the unused time goes back.
    GivenBack,
    /// The same after a change of plan, so two invoices have paid the period.
    GivenBackOfTwo,
    /// A server gives a part of an invoice back, and then the rest.
    RefundedByServer,
    /// After such an end the shopper comes again, with the saved payment method.
    CameAgain,
    /// That is declined, and the wallet is asked.
    CameAgainDeclined,
    /// The shopper cancels by the link of a mail, takes that back, and cancels again.
    CanceledByLink,
    /// A renewal is declined, and the link of a mail leads to another payment method.
    RepairedByLink,
    /// A shopper has more of it at once, and fewer from the next period on.
    QuantityChanged,
    /// More of it cannot be paid.
    QuantityDeclined,
    /// A promotion code takes something off the first payment.
    Code,
    /// It ends while the shopper is at the wallet.
    CodeEnded,
    /// Apple Pay, and the subscription comes first with a promotion code.
    AppleCode,
    /// A server says where Stripe writes to, before there is a customer and after.
    Emails,
    /// A server ends the subscription, and has the user erased.
    Erased,
    /// A user is erased while a wallet's page is open.
    ErasedWhileOpen,
}

impl Journey {
    /// All of them.
    pub const ALL: [Self; 67] = [
        Self::ClientReturn,
        Self::ServerReturn,
        Self::NoReturn,
        Self::Poll,
        Self::SubscribeCall,
        Self::DeclineRetry,
        Self::ServerDeclineRetry,
        Self::PaymentDeclinedRetry,
        Self::Trial,
        Self::TwoPlans,
        Self::TwoTabs,
        Self::WalletLeft,
        Self::AppleSetup,
        Self::ApplePayment,
        Self::AppleTrial,
        Self::AppleDeclined,
        Self::AppleTrialDeclined,
        Self::AppleToTrial,
        Self::AppleToPayment,
        Self::AppleTwoTabs,
        Self::AppleLeft,
        Self::AppleTrialLeft,
        Self::AppleLate,
        Self::AppleTrialLate,
        Self::AppleToAmazon,
        Self::AppleAfterAmazon,
        Self::AppleOtherOrder,
        Self::AppleEnded,
        Self::AppleTrialEnded,
        Self::Ended,
        Self::PlannedEnd,
        Self::TwoDeclines,
        Self::Unreadable,
        Self::ClocksAhead,
        Self::ClocksBehind,
        Self::LostSetup,
        Self::ForgottenSlot,
        Self::AppleForgottenSlot,
        Self::Disputed,
        Self::CanceledInPage,
        Self::ChangedPlan,
        Self::ChangeDeclined,
        Self::OtherMethod,
        Self::PlanToCome,
        Self::PlanToComeReplaced,
        Self::PlanToComeWithdrawn,
        Self::PlanToComeCanceled,
        Self::QuantityByServer,
        Self::Paused,
        Self::PausedByServer,
        Self::PauseResumed,
        Self::PauseEndDeclined,
        Self::GivenBack,
        Self::GivenBackOfTwo,
        Self::RefundedByServer,
        Self::CameAgain,
        Self::CameAgainDeclined,
        Self::CanceledByLink,
        Self::RepairedByLink,
        Self::QuantityChanged,
        Self::QuantityDeclined,
        Self::Code,
        Self::CodeEnded,
        Self::AppleCode,
        Self::Emails,
        Self::Erased,
        Self::ErasedWhileOpen,
    ];

    /// Its name in the id of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientReturn => "client-return",
            Self::ServerReturn => "server-return",
            Self::NoReturn => "no-return",
            Self::Poll => "poll",
            Self::SubscribeCall => "subscribe-call",
            Self::DeclineRetry => "decline-retry",
            Self::ServerDeclineRetry => "server-decline-retry",
            Self::PaymentDeclinedRetry => "payment-declined-retry",
            Self::Trial => "trial",
            Self::TwoPlans => "two-plans",
            Self::TwoTabs => "two-tabs",
            Self::WalletLeft => "wallet-left",
            Self::AppleSetup => "apple-setup",
            Self::ApplePayment => "apple-payment",
            Self::AppleTrial => "apple-trial",
            Self::AppleDeclined => "apple-declined",
            Self::AppleTrialDeclined => "apple-trial-declined",
            Self::AppleToTrial => "apple-to-trial",
            Self::AppleToPayment => "apple-to-payment",
            Self::AppleTwoTabs => "apple-two-tabs",
            Self::AppleLeft => "apple-left",
            Self::AppleTrialLeft => "apple-trial-left",
            Self::AppleLate => "apple-late",
            Self::AppleTrialLate => "apple-trial-late",
            Self::AppleToAmazon => "apple-to-amazon",
            Self::AppleAfterAmazon => "apple-after-amazon",
            Self::AppleOtherOrder => "apple-other-order",
            Self::AppleEnded => "apple-ended",
            Self::AppleTrialEnded => "apple-trial-ended",
            Self::Ended => "ended",
            Self::PlannedEnd => "planned-end",
            Self::TwoDeclines => "two-declines",
            Self::Unreadable => "unreadable",
            Self::ClocksAhead => "clocks-ahead",
            Self::ClocksBehind => "clocks-behind",
            Self::LostSetup => "lost-setup",
            Self::ForgottenSlot => "forgotten-slot",
            Self::AppleForgottenSlot => "apple-forgotten-slot",
            Self::Disputed => "disputed",
            Self::CanceledInPage => "canceled-in-page",
            Self::ChangedPlan => "changed-plan",
            Self::ChangeDeclined => "change-declined",
            Self::OtherMethod => "other-method",
            Self::PlanToCome => "plan-to-come",
            Self::PlanToComeReplaced => "plan-to-come-replaced",
            Self::PlanToComeWithdrawn => "plan-to-come-withdrawn",
            Self::PlanToComeCanceled => "plan-to-come-canceled",
            Self::QuantityByServer => "quantity-by-server",
            Self::Paused => "paused",
            Self::PausedByServer => "paused-by-server",
            Self::PauseResumed => "pause-resumed",
            Self::PauseEndDeclined => "pause-end-declined",
            Self::GivenBack => "given-back",
            Self::GivenBackOfTwo => "given-back-of-two",
            Self::RefundedByServer => "refunded-by-server",
            Self::CameAgain => "came-again",
            Self::CameAgainDeclined => "came-again-declined",
            Self::CanceledByLink => "canceled-by-link",
            Self::RepairedByLink => "repaired-by-link",
            Self::QuantityChanged => "quantity-changed",
            Self::QuantityDeclined => "quantity-declined",
            Self::Code => "code",
            Self::CodeEnded => "code-ended",
            Self::AppleCode => "apple-code",
            Self::Emails => "emails",
            Self::Erased => "erased",
            Self::ErasedWhileOpen => "erased-while-open",
        }
    }

    /// The journey of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|journey| journey.name() == name)
    }

    /// Plays it; whatever goes wrong on the way, the shopper does what shoppers do.
    #[allow(
        clippy::too_many_lines,
        reason = "a list of journeys, each a few lines"
    )]
    pub async fn play(self, stage: &Stage<'_>) -> Result<(), Broken> {
        let tab = Door::TabA;
        match self {
            Self::ClientReturn => buy(stage, tab, "photos", By::Page).await,
            Self::ServerReturn => buy(stage, tab, "photos", By::Server).await,
            Self::Trial => buy(stage, tab, "photos-trial", By::Page).await,
            Self::NoReturn => approve(stage, tab, "photos", By::Page).await.map(drop),
            Self::WalletLeft => {
                if let Some(opened) = open(stage, tab, "photos", By::Server).await?
                    && let Some(back) = stage.at_wallet(&opened, "close").await?
                {
                    stage.come_back(tab, &back).await?;
                }
                Ok(())
            }
            Self::Poll => {
                if let Some((opened, _)) = approve(stage, tab, "photos", By::Page).await? {
                    stage.poll(tab, &text(&opened, "/checkout")?).await?;
                }
                Ok(())
            }
            Self::SubscribeCall => {
                if let Some((opened, _)) = approve(stage, tab, "photos", By::Page).await? {
                    stage.subscribe(tab, &text(&opened, "/checkout")?).await?;
                }
                Ok(())
            }
            Self::Ended => {
                buy(stage, tab, "photos", By::Page).await?;
                stage.end_at_stripe().await
            }
            Self::PlannedEnd => {
                buy(stage, tab, "photos", By::Page).await?;
                stage.plan_end_at_stripe().await
            }
            Self::Unreadable => {
                stage.table.put_unreadable()?;
                buy(stage, tab, "photos", By::Page).await?;
                stage.plan_end_at_stripe().await?;
                if stage.setting.life != Life::Sweeper {
                    stage.deliver_all().await?;
                }
                stage.stream_gives_up();
                Ok(())
            }
            Self::TwoDeclines => two_declines(stage, By::Page).await,
            Self::ClocksAhead => {
                stage.lane.clock.advance(TEN_MINUTES);
                buy(stage, tab, "photos", By::Page).await
            }
            Self::ClocksBehind => {
                stage.lane.clock.advance(-TEN_MINUTES);
                buy(stage, tab, "photos", By::Page).await
            }
            Self::DeclineRetry => decline_and_retry(stage, By::Page).await,
            Self::ServerDeclineRetry => decline_and_retry(stage, By::Server).await,
            Self::PaymentDeclinedRetry => {
                if let Some((opened, back)) = approve(stage, tab, "photos", By::Page).await? {
                    refuse_payment(stage, &opened).await?;
                    stage.come_back(tab, &back).await?;
                    buy(stage, tab, "photos", By::Page).await?;
                }
                Ok(())
            }
            Self::TwoPlans => {
                let first = open(stage, tab, "photos", By::Page).await?;
                let second = open(stage, Door::TabB, "photos-trial", By::Page).await?;
                let mut backs = Vec::new();
                for (tab, opened) in [(tab, first), (Door::TabB, second)] {
                    if let Some(opened) = opened
                        && let Some(back) = stage.at_wallet(&opened, "approve").await?
                    {
                        backs.push((tab, back));
                    }
                }
                for (tab, back) in backs {
                    stage.come_back(tab, &back).await?;
                }
                Ok(())
            }
            Self::TwoTabs => two_tabs(stage).await,
            Self::LostSetup | Self::ForgottenSlot | Self::AppleForgottenSlot | Self::Disputed => {
                Box::pin(rare::play(self, stage)).await
            }
            Self::CanceledInPage
            | Self::ChangedPlan
            | Self::ChangeDeclined
            | Self::OtherMethod
            | Self::PlanToCome
            | Self::PlanToComeReplaced
            | Self::PlanToComeWithdrawn
            | Self::PlanToComeCanceled
            | Self::QuantityByServer => Box::pin(actions::play(self, stage)).await,
            Self::Paused
            | Self::PausedByServer
            | Self::PauseResumed
            | Self::PauseEndDeclined
            | Self::GivenBack
            | Self::GivenBackOfTwo
            | Self::RefundedByServer
            | Self::CameAgain
            | Self::CameAgainDeclined
            | Self::CanceledByLink
            | Self::RepairedByLink => Box::pin(leaving::play(self, stage)).await,
            Self::QuantityChanged
            | Self::QuantityDeclined
            | Self::Code
            | Self::CodeEnded
            | Self::AppleCode
            | Self::Emails
            | Self::Erased
            | Self::ErasedWhileOpen => Box::pin(orders::play(self, stage)).await,
            _ => Box::pin(apple::play(self, stage)).await,
        }
    }
}

/// Presses the button; gives the open checkout, if there is one.
pub async fn open(
    stage: &Stage<'_>,
    tab: Door,
    plan: &str,
    by: By,
) -> Result<Option<Value>, Broken> {
    match stage.click(tab, plan, by).await? {
        Click::Opened(opened) => Ok(Some(opened)),
        Click::Subscribed | Click::GaveUp => Ok(None),
    }
}

/// From the button to the wallet's yes; gives the checkout and the way back.
pub async fn approve(
    stage: &Stage<'_>,
    tab: Door,
    plan: &str,
    by: By,
) -> Result<Option<(Value, String)>, Broken> {
    let Some(opened) = open(stage, tab, plan, by).await? else {
        return Ok(None);
    };
    let back = stage.at_wallet(&opened, "approve").await?;
    Ok(back.map(|back| (opened, back)))
}

/// From the button back to the shop.
pub async fn buy(stage: &Stage<'_>, tab: Door, plan: &str, by: By) -> Result<(), Broken> {
    if let Some((_, back)) = approve(stage, tab, plan, by).await? {
        stage.come_back(tab, &back).await?;
    }
    Ok(())
}

/// The same checkout is opened in two tabs, and both come back.
async fn two_tabs(stage: &Stage<'_>) -> Result<(), Broken> {
    let first = open(stage, Door::TabA, "photos", By::Page).await?;
    let second = open(stage, Door::TabB, "photos", By::Page).await?;
    let Some(opened) = second.or(first) else {
        return Ok(());
    };
    if let Some(back) = stage.at_wallet(&opened, "approve").await? {
        stage.come_back(Door::TabA, &back).await?;
        stage.come_back(Door::TabB, &back).await?;
    }
    Ok(())
}

async fn decline_and_retry(stage: &Stage<'_>, by: By) -> Result<(), Broken> {
    let tab = Door::TabA;
    let Some(opened) = open(stage, tab, "photos", by).await? else {
        return Ok(());
    };
    if let Some(back) = stage.at_wallet(&opened, "decline").await? {
        stage.come_back(tab, &back).await?;
    }
    buy(stage, tab, "photos", by).await
}

/// A shopper who needs a third try at the wallet, and whose browser is gone after it.
async fn two_declines(stage: &Stage<'_>, by: By) -> Result<(), Broken> {
    let tab = Door::TabA;
    let Some(opened) = open(stage, tab, "photos", by).await? else {
        return Ok(());
    };
    for choice in ["decline", "decline", "approve"] {
        stage.at_wallet(&opened, choice).await?;
    }
    Ok(())
}

impl Stage<'_> {
    /// Somebody ends all subscriptions at Stripe, in the Dashboard for one.
    pub async fn end_at_stripe(&self) -> Result<(), Broken> {
        for subscription in self.lane.stripe.books().subscriptions {
            let id = text(&subscription, "/id")?;
            if subscription["status"] != "canceled" {
                let path = format!("/v1/subscriptions/{id}");
                self.lane.stripe.delete(&path).await?;
                self.tell(format!("somebody ends {id} at Stripe"));
                self.notes.borrow_mut().ended.insert(id);
            }
        }
        Ok(())
    }

    /// Somebody lets all subscriptions end with their period.
    async fn plan_end_at_stripe(&self) -> Result<(), Broken> {
        for subscription in self.lane.stripe.books().subscriptions {
            let path = format!("/v1/subscriptions/{}", text(&subscription, "/id")?);
            let form = [("cancel_at_period_end", "true")];
            self.lane.stripe.post(&path, &form).await?;
        }
        Ok(())
    }
}

/// The wallet's yes holds, but its first charge will be refused.
async fn refuse_payment(stage: &Stage<'_>, opened: &Value) -> Result<(), Broken> {
    let intent = stage
        .lane
        .stripe
        .setup_intent(&text(opened, "/setup_intent")?)
        .await?;
    let method = text(&intent, "/payment_method")?;
    stage.lane.stripe.charges_of(&method, "decline").await
}
