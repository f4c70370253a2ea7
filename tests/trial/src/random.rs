//! A year of a user who acts at random: subscribes, sees prices, agrees or does not, cancels, takes that back, goes on
//! after a pause, ends at once for the unused time, gives another payment method, cannot pay, has add-ons, is given plans
//! for free, and comes again.

use serde_json::{Value, json};

use crate::books::text;
use crate::broken::Broken;
use crate::journeys::{Then, begin, buy, confirm, given, taken};
use crate::leaving::Asker;
use crate::shopper::By;
use crate::stage::Stage;
use crate::wire::Door;

/// The name of its cases.
pub const NAME: &str = "user";

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 3600;
const YEAR: i64 = 366 * DAY;
/// An invoice is a draft for its first hour.
const DRAFT: i64 = 2 * 3600;
/// The longest that a user does nothing, in days.
const REST: usize = 13;
const TAB: Door = Door::TabA;
/// What may be bought more than once, and changed to.
const PLANS: [&str; 3] = ["photos", "photos-pro", "photos-yearly"];

/// Lets a year pass.
pub async fn run(stage: &Stage<'_>) -> Result<(), Broken> {
    stage.notes.borrow_mut().deals_are_all = true;
    let user = User { stage };
    let (mut passed, mut step) = (0, 0);
    while passed < YEAR {
        user.act().await?;
        stage.flow().await?;
        let days = i64::try_from(1 + user.below(REST)).unwrap_or(1);
        for seconds in [days * DAY, DRAFT] {
            stage.pass(seconds).await?;
            passed += seconds;
            stage.flow().await?;
        }
        if user.below(6) == 0 {
            stage.sweep_until_done("open").await?;
            stage.sweep_until_done("events").await?;
            stage.flow().await?;
            stage.note_ended_pauses();
            // What it ended is billed before whatever the user does next, as the ledger sees by the second.
            stage.pass(MINUTE).await?;
            passed += MINUTE;
        }
        step += 1;
        let when = format!("step {step}, day {}", passed / DAY);
        stage.check_read_model(&when).await?;
        stage.check_money(&when).await?;
    }
    stage.settle().await
}

struct User<'a> {
    stage: &'a Stage<'a>,
}

impl User<'_> {
    fn below(&self, bound: usize) -> usize {
        self.stage.rng.borrow_mut().below(bound)
    }

    fn one_of<'t>(&self, all: &[&'t str]) -> &'t str {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }

    async fn act(&self) -> Result<(), Broken> {
        let Some(subscription) = self.stage.live() else {
            return match self.below(4) {
                0 => Ok(()),
                1 => self.come_again().await,
                _ => self.subscribe().await,
            };
        };
        let id = text(&subscription, "/id")?;
        let method = subscription["default_payment_method"]
            .as_str()
            .unwrap_or_default();
        match self.below(20) {
            0 | 1 => self.change(&id, method, "now").await,
            2 | 3 => self.change(&id, method, "period_end").await,
            4 => self.take_back(&id, "cancel").await,
            5 => self.take_back(&id, "withdraw-cancellation").await,
            6 => self.take_back(&id, "withdraw-change").await,
            7 => {
                let charge = self.one_of(&["decline", "succeed"]);
                self.stage
                    .tell(format!("charges of {method} {charge} from now on"));
                self.stage.lane.stripe.charges_of(method, charge).await
            }
            8 => self.stage.give_method(TAB, &id).await,
            9 => self.more(&id).await,
            10 | 11 => {
                // Stripe's clock is a part of the key, so each time it is another one.
                let now = self.stage.lane.stripe.now().await?;
                let key = format!("paused-{now}");
                let days = i64::try_from(1 + self.below(60)).unwrap_or(1);
                let until = (self.below(2) == 0).then_some(now + days * DAY);
                self.stage.pause(Asker::Server(&key), &id, until).await?;
                Ok(())
            }
            12 | 13 => {
                self.stage.lane.stripe.charges_of(method, "succeed").await?;
                self.stage.resume(Asker::Page(TAB), &id).await.map(drop)
            }
            14 => self.stage.end_now(TAB, &id).await.map(drop),
            15 | 16 => self.addons(&id).await,
            17 => self.grant().await,
            _ => Ok(()),
        }
    }

    /// Comes again with what the newest subscription was paid with, if that is saved.
    async fn come_again(&self) -> Result<(), Broken> {
        let stage = self.stage;
        let subscriptions = stage.lane.stripe.books().subscriptions;
        let newest = subscriptions.iter().max_by_key(|it| it["created"].as_i64());
        let Some(newest) = newest else { return Ok(()) };
        let plan = self.one_of(&PLANS);
        let id = text(newest, "/id")?;
        stage.come_again(TAB, &id, plan).await.map(drop)
    }

    async fn subscribe(&self) -> Result<(), Broken> {
        let stage = self.stage;
        let is_first = stage.lane.stripe.books().subscriptions.is_empty();
        let plan = if is_first && self.below(2) == 0 {
            "photos-trial"
        } else {
            self.one_of(&PLANS)
        };
        match self.below(3) {
            0 => buy(stage, TAB, plan, By::Page).await,
            1 => buy(stage, TAB, plan, By::Server).await,
            _ => {
                if let Some(opened) = begin(stage, TAB, plan).await? {
                    confirm(stage, TAB, &opened, Then::Subscribe).await?;
                }
                Ok(())
            }
        }
    }

    /// Sees a price and mostly agrees, whether or not that can be paid.
    async fn change(&self, id: &str, method: &str, when: &str) -> Result<(), Broken> {
        let stage = self.stage;
        let ask = json!({"plan": self.one_of(&PLANS), "when": when});
        let Some(shown) = stage.preview(TAB, id, &ask).await? else {
            return Ok(());
        };
        let (agrees, pays) = (self.below(5) > 0, self.below(5) > 0);
        if !agrees {
            return Ok(());
        }
        if !pays {
            stage.lane.stripe.charges_of(method, "decline").await?;
        }
        let answer = stage.agree(TAB, id, &shown).await?;
        self.is_answered(answer.as_ref());
        if !pays {
            stage.lane.stripe.charges_of(method, "succeed").await?;
        }
        Ok(())
    }

    async fn take_back(&self, id: &str, action: &str) -> Result<(), Broken> {
        let answer = self.stage.take_back(TAB, id, action).await?;
        self.is_answered(answer.as_ref());
        Ok(())
    }

    /// Sees what more or fewer of an add-on cost, and agrees, if the plan has it.
    async fn addons(&self, id: &str) -> Result<(), Broken> {
        let stage = self.stage;
        let mut ask = json!({"addons": {self.one_of(&["storage", "support"]): self.below(4)}});
        if self.below(2) == 0 {
            ask["when"] = self.one_of(&["now", "period_end"]).into();
        }
        let Some(shown) = stage.preview(TAB, id, &ask).await? else {
            return Ok(());
        };
        let answer = stage.agree(TAB, id, &shown).await?;
        self.is_answered(answer.as_ref());
        Ok(())
    }

    /// A server gives a plan for free for some weeks, or takes it away.
    async fn grant(&self) -> Result<(), Broken> {
        let plan = self.one_of(&["photos", "prints"]);
        let weeks = i64::try_from(1 + self.below(9)).unwrap_or(1);
        let until = self.stage.lane.stripe.now().await? + weeks * 7 * DAY;
        let asked = match self.below(3) {
            0 => taken(plan),
            _ => given(plan, Some(until)),
        };
        self.stage.grant(TAB, asked).await.map(drop)
    }

    /// A server sells another number of the same plan.
    async fn more(&self, id: &str) -> Result<(), Broken> {
        let stage = self.stage;
        let ask = json!({"plan": self.one_of(&PLANS), "quantity": 1 + self.below(3)});
        // Stripe's clock is a part of the key, so each time it is another one.
        let at = stage.lane.stripe.now().await?;
        let seen = format!("seen-{at}");
        let Some((200, answer)) = stage.serve(id, "preview", &seen, &ask).await? else {
            return Ok(());
        };
        let shown = stage.read_preview(id, &ask, &answer)?;
        stage.notes.borrow_mut().agreed.push(shown.due);
        let body = json!({ "preview": answer["preview"] });
        let answer = stage
            .serve(id, "change", &format!("agreed-{at}"), &body)
            .await?;
        self.is_answered(answer.as_ref());
        stage.strike(id, at, &shown, answer.as_ref());
        Ok(())
    }

    /// Nothing goes wrong here, so whatever is asked has an answer.
    fn is_answered(&self, answer: Option<&(u16, Value)>) {
        if answer.is_none() {
            self.stage
                .broke("what the user asked for was never answered");
        }
    }
}
