//! A year of a subscription, by Stripe's clock.

use crate::books::text;
use crate::broken::Broken;
use crate::journeys::Journey;
use crate::stage::Stage;

/// What happens in the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Year {
    /// Every renewal is paid.
    Success,
    /// A free trial comes first.
    Trial,
    /// Some renewals are declined, and then paid.
    Recovery,
    /// Renewals are declined until Stripe gives up, and the shopper buys anew.
    GivenUp,
    /// The shopper removes the payment method.
    Detached,
    /// The shopper takes the permission back in the Amazon account.
    Revoked,
    /// The subscription is canceled at the end of a period.
    Canceled,
    /// The subscription came first with Apple Pay, and every renewal is paid.
    Apple,
    /// The same with a free trial.
    AppleTrial,
}

const DAY: i64 = 24 * 3600;
const WEEKS: usize = 53;

impl Year {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Success,
        Self::Trial,
        Self::Recovery,
        Self::GivenUp,
        Self::Detached,
        Self::Revoked,
        Self::Canceled,
        Self::Apple,
        Self::AppleTrial,
    ];

    /// Its name in the id of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Trial => "trial",
            Self::Recovery => "recovery",
            Self::GivenUp => "given-up",
            Self::Detached => "detached",
            Self::Revoked => "revoked",
            Self::Canceled => "canceled",
            Self::Apple => "apple",
            Self::AppleTrial => "apple-trial",
        }
    }

    /// The year of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|year| year.name() == name)
    }

    /// Lets it pass.
    pub async fn run(self, stage: &Stage<'_>) -> Result<(), Broken> {
        let journey = match self {
            Self::Trial => Journey::Trial,
            // Stripe tries a declined card again, and never Amazon Pay.
            Self::Apple | Self::Recovery => Journey::ApplePayment,
            Self::AppleTrial => Journey::AppleTrial,
            _ => Journey::ClientReturn,
        };
        journey.play(stage).await?;
        stage.deliver_and_pump().await?;
        for week in 0..WEEKS {
            self.happen(stage, week).await?;
            // An invoice is a draft for its first hours.
            for seconds in [7 * DAY, 2 * 3600] {
                stage.pass(seconds).await?;
                stage.deliver_and_pump().await?;
            }
            if week % 8 == 0 {
                stage.sweep_until_done("events").await?;
                stage.deliver_and_pump().await?;
            }
            stage.check_read_model(&format!("week {week}")).await?;
        }
        if matches!(
            self,
            Self::Success | Self::Trial | Self::Apple | Self::AppleTrial
        ) {
            all_is_paid(stage);
        }
        stage.settle().await
    }

    async fn happen(self, stage: &Stage<'_>, week: usize) -> Result<(), Broken> {
        let stripe = &stage.lane.stripe;
        let books = stripe.books();
        let setups = &books.setup_intents;
        let intent = || {
            let agreed = setups.iter().find(|it| it["status"] == "succeeded");
            agreed.ok_or_else(|| Broken::new("nobody has agreed to anything"))
        };
        let method = || match self {
            Self::Recovery => {
                let subscription = books.subscriptions.first().cloned().unwrap_or_default();
                text(&subscription, "/default_payment_method")
            }
            _ => text(intent()?, "/payment_method"),
        };
        match (self, week) {
            (Self::Recovery, 10 | 30) | (Self::GivenUp, 10) => {
                stripe.charges_of(&method()?, "decline").await
            }
            (Self::Recovery, 11 | 31) => stripe.charges_of(&method()?, "succeed").await,
            (Self::GivenUp, 30) => Journey::ClientReturn.play(stage).await,
            (Self::Detached, 10) => stripe
                .post(&format!("/v1/payment_methods/{}/detach", method()?), &[])
                .await
                .map(drop),
            (Self::Revoked, 10) => stripe.revoke(&text(intent()?, "/mandate")?).await,
            (Self::Canceled, 20) => {
                let subscription = books.subscriptions.first().cloned().unwrap_or_default();
                let path = format!("/v1/subscriptions/{}", text(&subscription, "/id")?);
                stripe
                    .post(&path, &[("cancel_at_period_end", "true")])
                    .await
                    .map(drop)
            }
            _ => Ok(()),
        }
    }
}

/// The subscription is live, and each of its months was paid.
fn all_is_paid(stage: &Stage<'_>) {
    let books = stage.lane.stripe.books();
    let active = |it: &serde_json::Value| it["status"] == "active";
    if books.subscriptions.len() != 1 || !books.subscriptions.iter().all(active) {
        stage.broke("after a year, there is not one active subscription");
    }
    let is_paid = |it: &&serde_json::Value| it["status"] == "paid" && it["amount_paid"] != 0;
    let paid = books.invoices.iter().filter(is_paid).count();
    if paid < 12 {
        stage.broke(format!("in a year, {paid} months were paid"));
    }
}
