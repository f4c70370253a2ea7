//! What must hold after every case, whatever went wrong in it.

mod attempts;
mod back;
mod confirmed;
mod given;
mod half_done;
mod held;
mod ledger;
mod money;
mod orders;
mod pauses;
mod priced;
mod secrets;
mod told;
mod unnamed;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::asked::{AskedEmail, Code, Erasing, Wishes};
use crate::books::Books;
use crate::broken::Broken;
use crate::shop::group_of;
use crate::stage::{AskedRefund, Back, Deal, Life, Pause, Stage, Told};
use crate::table::UNREADABLE;

/// Everything that is looked at.
struct Seen {
    books: Books,
    user: String,
    /// What Stripe has told of the subscriptions, oldest first.
    events: Vec<Value>,
    /// What `GET /subscriptions` says that the user may have.
    entitlements: Value,
    /// What `GET /subscriptions` says that the user was given.
    grants: Value,
    items: Vec<Value>,
    outbox: Vec<Value>,
    told: Vec<Told>,
    /// Subscriptions that somebody has ended at Stripe.
    ended: BTreeSet<String>,
    /// What the shopper has agreed to pay at once for another plan.
    agreed: Vec<i64>,
    /// The pauses that were asked for.
    pauses: Vec<Pause>,
    /// What ends at once were to give back.
    backs: Vec<Back>,
    /// What servers have asked to give back.
    refunds: Vec<AskedRefund>,
    /// What the first payments of those were to be who came again.
    firsts: Vec<i64>,
    /// The promotion code that the shopper has.
    code: Option<Code>,
    /// Where servers have asked Stripe to write to.
    emails: Vec<AskedEmail>,
    /// Whether a server has asked to erase the user.
    erasing: Option<Erasing>,
    /// What servers have asked about the user, and what was bought besides plans.
    wishes: Wishes,
    /// Whether something has gone wrong, after which a request may have come to its half.
    is_half_told: bool,
    /// Stripe's time.
    now: i64,
    /// What was agreed on, if all of it is known.
    deals: Option<Vec<Deal>>,
}

impl Stage<'_> {
    /// Checks everything; gives what did not hold.
    pub async fn check(&self) -> Result<Vec<String>, Broken> {
        let seen = self.look().await?;
        let mut broken = self.notes.borrow().broken.clone();
        if orders::is_erased(&seen) {
            let log = self.lane.log.take();
            orders::erased(&seen, &log, &mut broken);
            held::inbox(&seen, &mut broken);
            self.frozen(&mut broken);
            broken.extend(self.table.unknown());
            self.log.replace(log);
            return Ok(broken);
        }
        money::one_customer(&seen, &mut broken);
        money::one_live_subscription(&seen, &mut broken);
        money::never_two_live(&seen, &mut broken);
        money::charges(&seen, &mut broken);
        money::changes(&seen, &mut broken);
        ledger::all_that_was_paid(&seen, &mut broken);
        pauses::all(&seen, &mut broken);
        pauses::are_over(&seen, &mut broken);
        back::all_that_went_back(&seen, &mut broken);
        // Without webhooks only the hourly sweep hears of a refund, and months pass here between two.
        if self.setting.life != Life::Sweeper {
            back::is_told(&seen, &mut broken);
        }
        back::first_payments(&seen, &mut broken);
        given::grants(&seen, &mut broken);
        given::offers(&seen, &mut broken);
        given::tax_ids(&seen, &mut broken);
        given::adoptions(&seen, &mut broken);
        priced::as_shown(&seen, &mut broken);
        priced::never_more_back(&seen, &mut broken);
        priced::redemptions(&seen, &mut broken);
        priced::addons(&seen, &mut broken);
        orders::codes(&seen, &mut broken);
        orders::emails(&seen, &mut broken);
        half_done::nothing(&seen, &mut broken);
        attempts::approved_attempts(&seen, &mut broken);
        attempts::attempts_are_over(&seen, &mut broken);
        confirmed::subscriptions_that_came_first(&seen, &mut broken);
        confirmed::out_of_reach(&seen, &mut broken);
        unnamed::all_of_stripe(&seen, &mut broken);
        confirmed::entitled(&seen, &mut broken);
        held::read_model(&seen, &mut broken);
        held::inbox(&seen, &mut broken);
        held::slots(&seen, &mut broken);
        told::outbox(&seen, &mut broken);
        told::what_was_told(&seen, &mut broken);
        self.frozen(&mut broken);
        broken.extend(self.table.unknown());
        let log = self.lane.log.take();
        secrets::secrets(&seen.items, &log, &mut broken);
        self.log.replace(log);
        Ok(broken)
    }

    async fn look(&self) -> Result<Seen, Broken> {
        let events = self.lane.stripe.events(|event| {
            let kind = event["type"].as_str();
            kind.is_some_and(|kind| kind.starts_with("customer.subscription."))
        });
        let mut mine = self.mine().await?;
        let now = self.lane.stripe.now().await?;
        let items = self.table.items();
        let wishes = self.notes.borrow().wishes.clone();
        let books = self.lane.stripe.books();
        // Those of others are nobody's business here, until they are the user's.
        let mut foreign = wishes.others.clone();
        foreign.retain(|it| {
            let theirs = books.subscriptions.iter();
            let mut theirs = theirs.filter(|of| of["customer"] == it.as_str());
            let is_known = theirs.any(|of| {
                let mut rows = items.iter().filter(|row| is_of(row, "SUB#"));
                rows.any(|row| row["model"]["id"] == of["id"])
            });
            let (sure, _) = wishes.adoptions.about(|of| of == it).counts();
            given::owner_of(&items, it).as_ref() != Some(&self.user) || (sure == 0 && !is_known)
        });
        let is_foreign = |event: &Value| {
            let customer = event.pointer("/data/object/customer");
            let customer = customer.and_then(Value::as_str);
            customer.is_some_and(|it| foreign.contains(it))
        };
        let mut events = events;
        events.retain(|event| !is_foreign(event));
        Ok(Seen {
            books: books.without(&foreign),
            user: self.user.clone(),
            events,
            entitlements: mine["entitlements"].take(),
            grants: mine["grants"].take(),
            items,
            wishes,
            is_half_told: self.setting.trouble.is_some(),
            outbox: self.notes.borrow().outbox.clone(),
            told: self.notes.borrow().told.clone(),
            ended: self.notes.borrow().ended.clone(),
            agreed: self.notes.borrow().agreed.clone(),
            pauses: self.notes.borrow().pauses.clone(),
            backs: self.notes.borrow().backs.clone(),
            refunds: self.notes.borrow().refunds.clone(),
            firsts: self.notes.borrow().firsts.clone(),
            code: self.notes.borrow().code.clone(),
            emails: self.notes.borrow().emails.clone(),
            erasing: self.notes.borrow().erasing,
            now,
            deals: {
                let notes = self.notes.borrow();
                notes.deals_are_all.then(|| notes.deals.clone())
            },
        })
    }

    /// With all webhooks applied, the read model is what Stripe has.
    pub async fn check_read_model(&self, when: &str) -> Result<(), Broken> {
        let seen = self.look().await?;
        let mut broken = Vec::new();
        held::read_model(&seen, &mut broken);
        held::slots(&seen, &mut broken);
        told::outbox(&seen, &mut broken);
        confirmed::entitled(&seen, &mut broken);
        for what in broken {
            self.broke(format!("{when}: {what}"));
        }
        Ok(())
    }

    /// The user has what was given for free and paid for, now.
    pub async fn check_grants(&self) -> Result<(), Broken> {
        let seen = self.look().await?;
        let mut broken = Vec::new();
        given::grants(&seen, &mut broken);
        confirmed::entitled(&seen, &mut broken);
        for what in broken {
            self.broke(what);
        }
        Ok(())
    }

    /// All that was paid was agreed on, and nothing is half done.
    pub async fn check_money(&self, when: &str) -> Result<(), Broken> {
        let seen = self.look().await?;
        let mut broken = Vec::new();
        money::charges(&seen, &mut broken);
        money::changes(&seen, &mut broken);
        ledger::all_that_was_paid(&seen, &mut broken);
        pauses::all(&seen, &mut broken);
        back::all_that_went_back(&seen, &mut broken);
        half_done::nothing(&seen, &mut broken);
        for what in broken {
            self.broke(format!("{when}: {what}"));
        }
        Ok(())
    }

    /// With webhooks flowing, every approved checkout is decided before any sweep.
    pub fn check_decided(&self) {
        let stored = |trouble: crate::wire::Trouble| trouble.fault.name().contains("stored");
        if self.setting.trouble.is_some_and(stored) {
            // Nothing can be known before Stripe forgets the key, or its list is asked.
            return;
        }
        let gave_up = self.notes.borrow().gave_up;
        let mut items = self.table.items();
        for event in items.iter().filter(|item| is_of(item, "EVENT#")) {
            if event["status"] == "received" && !gave_up && event["event"] != UNREADABLE {
                self.broke(format!(
                    "{} has failed and was not brought again",
                    event["event"]
                ));
            }
        }
        if gave_up {
            // What the stream has given up is for the sweeps.
            return;
        }
        let books = self.lane.stripe.books();
        items.retain(|item| is_of(item, "CHECKOUT#"));
        let (setups, payments) = (&books.setup_intents, &books.payment_intents);
        for (kind, intents) in [("setup_intent", setups), ("payment_intent", payments)] {
            for intent in intents.iter().filter(|it| it["status"] == "succeeded") {
                let attempt = items.iter().find(|item| item[kind] == intent["id"]);
                if attempt.is_some_and(is_open) {
                    self.broke(format!(
                        "all webhooks were applied, and the approved checkout of {} is still open",
                        intent["id"]
                    ));
                }
            }
        }
    }

    /// Under one key go the same bytes, always; and nothing is created without a key.
    fn frozen(&self, broken: &mut Vec<String>) {
        let mut first: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
        for keyed in self.lane.wire.keyed() {
            let same = (keyed.target, keyed.body);
            match first.get(&keyed.key) {
                Some(known) if *known != same => {
                    broken.push(format!(
                        "the key {} was sent with other parameters",
                        keyed.key
                    ));
                }
                Some(_) => {}
                None => {
                    first.insert(keyed.key, same);
                }
            }
        }
        for target in self.lane.wire.unkeyed() {
            broken.push(format!("{target} was sent without a key"));
        }
    }
}

/// Whether somebody has ended the subscription at Stripe, past the functions.
fn was_ended(seen: &Seen, subscription: &Value) -> bool {
    let id = subscription["id"].as_str();
    id.is_some_and(|id| seen.ended.contains(id))
}

fn is_live(subscription: &Value) -> bool {
    !matches!(
        subscription["status"].as_str(),
        Some("canceled" | "incomplete_expired")
    )
}

/// Whether an attempt may still come to a subscription.
fn is_open(attempt: &Value) -> bool {
    matches!(
        attempt["state"].as_str(),
        Some("issued" | "subscribing" | "confirming")
    )
}

/// Whether the subscription of an attempt came first, and its shopper was asked afterwards.
fn came_first(attempt: &Value) -> bool {
    attempt["first"] == "subscription"
}

fn attempt_of(object: &Value) -> Option<&str> {
    object["metadata"]["perennial_attempt"].as_str()
}

fn group(seen: &Seen, subscription: &Value) -> &'static str {
    group_of(seen.books.plan_of(subscription))
}

fn items<'a>(seen: &'a Seen, prefix: &'a str) -> impl Iterator<Item = &'a Value> {
    seen.items.iter().filter(move |item| is_of(item, prefix))
}

/// Whether the sort key of the item begins so.
fn is_of(item: &Value, prefix: &str) -> bool {
    let key = item["sk"].as_str();
    key.is_some_and(|key| key.starts_with(prefix))
}

fn attempt_item<'a>(seen: &'a Seen, id: &str) -> Option<&'a Value> {
    items(seen, "CHECKOUT#").find(|item| item["id"] == id)
}
