//! The stage of one case: a user, a table, and what happens to both.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use perennial_functions::Running;
use serde_json::{Value, json};

use crate::asked::{AskedEmail, Code, Erasing, Wishes};
use crate::broken::Broken;
use crate::history::Moment;
use crate::lane::Lane;
use crate::rng::Rng;
use crate::table::Table;
use crate::wire::{Bug, Door, Trouble};

/// What becomes of a checkout after something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Life {
    /// The shopper tries the same again, and webhooks flow.
    Shopper,
    /// The shopper is gone, and webhooks flow.
    Webhook,
    /// The shopper is gone, and no webhook arrives, ever.
    Sweeper,
}

impl Life {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shopper, Self::Webhook, Self::Sweeper];

    /// Its name in the id of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shopper => "shopper",
            Self::Webhook => "webhook",
            Self::Sweeper => "sweeper",
        }
    }

    /// The life of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|life| life.name() == name)
    }
}

/// What a caller of a function got.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The process died.
    Died,
    /// An answer.
    Answered {
        /// The status.
        status: u16,
        /// The body as JSON, null if there is none.
        body: Value,
        /// Where a redirect leads.
        location: Option<String>,
    },
}

/// What somebody was told about a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub checkout: String,
    /// How it stands.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// The subscription.
    pub subscription: Option<String>,
}

/// What a subscriber and the shop have agreed on.
#[derive(Debug, Clone)]
pub struct Deal {
    /// About which subscription.
    pub subscription: String,
    /// When, in Stripe's Unix seconds.
    pub at: i64,
    /// What.
    pub terms: Terms,
}

/// What a period costs from some time on, in cents.
#[derive(Debug, Clone)]
pub enum Terms {
    /// Another price from now on.
    Now {
        /// For each period.
        amount: i64,
        /// What was to be paid at once, and what the lines of it came to; none if there was no invoice.
        invoice: Option<(i64, i64)>,
        /// What was to be charged next, and when.
        next: (i64, i64),
    },
    /// Another price from the end of the period on.
    Later {
        /// For each period.
        amount: i64,
        /// When that end is.
        from: i64,
        /// What was to be charged next, and when.
        next: (i64, i64),
    },
    /// What was to come does not.
    Kept,
    /// It is paused, and what was to come does not.
    Paused {
        /// What of the period is credited at once.
        credit: i64,
    },
    /// A pause is over, and its price is that of before.
    Resumed {
        /// What was to be paid at once; none if a sweep has ended it, and nobody was told.
        due: Option<i64>,
        /// What was to be charged next, and when.
        next: (i64, i64),
    },
    /// It has ended at once, and something went back.
    Ended(Back),
}

impl Terms {
    /// Another price from the next invoice on, for which nothing is charged at once.
    pub fn counts(amount: i64) -> Self {
        Self::Now {
            amount,
            invoice: None,
            next: (0, 0),
        }
    }
}

/// A pause that was asked for.
#[derive(Debug, Clone)]
pub struct Pause {
    /// Of which subscription.
    pub subscription: String,
    /// When it ends by itself, in Stripe's Unix seconds.
    pub until: Option<i64>,
    /// What was to be charged when it ends by itself.
    pub ends_for: i64,
    /// Whether it has ended, or somebody has tried to end it.
    pub is_over: bool,
}

/// What an end at once gives back, in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Of which subscription.
    pub subscription: String,
    /// To the payment method.
    pub refund: i64,
    /// To the balance.
    pub credit: i64,
}

/// What a server has asked to give back.
#[derive(Debug, Clone)]
pub struct AskedRefund {
    /// Under which key.
    pub key: String,
    /// Of which subscription.
    pub subscription: String,
    /// How much, in cents.
    pub amount: i64,
    /// Whether it was answered that it is given back.
    pub is_sure: bool,
}

/// The notes of a case.
#[derive(Default)]
pub struct Notes {
    /// What happened, for whoever replays it.
    pub story: Vec<String>,
    /// Events that were answered 2xx.
    pub taken: BTreeSet<String>,
    /// Events that Stripe never gets through.
    pub lost: BTreeSet<String>,
    /// Records of the stream that the worker still has to take.
    pub waiting: Vec<Value>,
    /// Events for the shop, in the order of the stream.
    pub outbox: Vec<Value>,
    /// What the shopper was told.
    pub told: Vec<Told>,
    /// Whether the stream has given something up.
    pub gave_up: bool,
    /// Subscriptions that somebody has ended at Stripe, past the functions.
    pub ended: BTreeSet<String>,
    /// Setup intents that the wallet has agreed to.
    pub approved: Vec<String>,
    /// What the shopper has agreed to pay at once for another plan.
    pub agreed: Vec<i64>,
    /// The pauses that were asked for, unless they were refused.
    pub pauses: Vec<Pause>,
    /// What ends at once were to give back.
    pub backs: Vec<Back>,
    /// What servers have asked to give back, unless that was refused.
    pub refunds: Vec<AskedRefund>,
    /// What the first payments of those were to be who came again.
    pub firsts: Vec<i64>,
    /// The promotion code that the shopper has.
    pub code: Option<Code>,
    /// Where servers have asked Stripe to write to, unless that was refused.
    pub emails: Vec<AskedEmail>,
    /// Whether a server has asked to erase the user.
    pub erasing: Option<Erasing>,
    /// What servers have asked about the user, and what was bought besides plans.
    pub wishes: Wishes,
    /// What was agreed on, and confirmed by an answer.
    pub deals: Vec<Deal>,
    /// Whether that is all: nothing was asked for whose answer is not known.
    pub deals_are_all: bool,
    /// How many calls the shopper's part took.
    pub calls_of_shopper: usize,
    /// How many calls there were until all webhooks were applied.
    pub calls_of_hooks: usize,
    /// Problems that were met on the way and that no later repair excuses.
    pub broken: Vec<String>,
}

/// How a case is set up.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// What happens afterwards.
    pub life: Life,
    /// What goes wrong.
    pub trouble: Option<Trouble>,
    /// The planted bug.
    pub bug: Option<Bug>,
}

/// The stage of one case.
pub struct Stage<'a> {
    /// What it shares with others.
    pub lane: &'a Lane,
    /// Its own table.
    pub table: Table,
    /// Its own user.
    pub user: String,
    /// Stripe's time at its beginning.
    pub since: i64,
    /// How it is set up.
    pub setting: Setting,
    /// Its own chance.
    pub rng: RefCell<Rng>,
    /// Its notes.
    pub notes: RefCell<Notes>,
    /// What the functions have logged.
    pub log: RefCell<String>,
    /// How many calls there were when the stream was read.
    pub(crate) read_at: Cell<Option<usize>>,
    /// Whether Stripe's events come in another order each time that they flow, some of them twice.
    pub(crate) is_shuffled: Cell<bool>,
    pub(crate) moments: Cell<Moment>,
}

impl<'a> Stage<'a> {
    /// Sets the stage.
    pub async fn set(
        lane: &'a Lane,
        table: Table,
        user: String,
        setting: Setting,
        rng: Rng,
    ) -> Result<Self, Broken> {
        let since = lane.set_clock().await?.unix();
        lane.log.take();
        lane.wire
            .begin(lane.behind(&table), setting.trouble, setting.bug);
        Ok(Self {
            lane,
            table,
            user,
            since,
            setting,
            rng: RefCell::new(rng),
            notes: RefCell::default(),
            log: RefCell::default(),
            read_at: Cell::default(),
            is_shuffled: Cell::default(),
            moments: Cell::default(),
        })
    }

    /// A moment that is later than each before it.
    pub fn moment(&self) -> Moment {
        self.moments.set(self.moments.get() + 1);
        self.moments.get()
    }

    /// Writes a line into the story.
    pub fn tell(&self, line: impl Into<String>) {
        let line = format!("[{:>4}] {}", self.lane.wire.count(), line.into());
        self.notes.borrow_mut().story.push(line);
    }

    /// Notes something that no later repair excuses.
    pub fn broke(&self, what: impl Into<String>) {
        let what = what.into();
        self.tell(format!("BROKEN: {what}"));
        self.notes.borrow_mut().broken.push(what);
    }

    /// Lets time pass.
    pub async fn pass(&self, seconds: i64) -> Result<(), Broken> {
        self.lane.pass(seconds).await
    }

    /// Calls a function behind API Gateway.
    pub async fn ask(&self, door: Door, function: &Running, event: Value) -> Reply {
        let what = event["routeKey"].as_str().unwrap_or_default().to_owned();
        let answer = tokio::select! {
            biased;
            () = self.lane.wire.death(door) => None,
            answer = function.handle(event) => answer.ok(),
        };
        self.lane.wire.invocation_over();
        let reply = match answer {
            None => Reply::Died,
            Some(answer) => Reply::Answered {
                status: answer["statusCode"]
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok())
                    .unwrap_or(0),
                body: answer["body"]
                    .as_str()
                    .and_then(|body| serde_json::from_str(body).ok())
                    .unwrap_or_default(),
                location: answer["headers"]["location"].as_str().map(str::to_owned),
            },
        };
        match &reply {
            Reply::Died => self.tell(format!("{} {what}: the process died", door.name())),
            Reply::Answered {
                status,
                body,
                location,
            } => {
                let what_came = location.clone().unwrap_or_else(|| {
                    let code = &body["error"]["code"];
                    if code.is_null() {
                        String::new()
                    } else {
                        code.to_string()
                    }
                });
                self.tell(format!(
                    "{} {what}: {status} {}",
                    door.name(),
                    without_secret(&what_came)
                ));
            }
        }
        reply
    }

    /// Hands a batch to a worker; gives the sequence numbers that failed, or none if it died.
    pub async fn work(
        &self,
        door: Door,
        worker: &Running,
        records: &[Value],
    ) -> Option<Vec<String>> {
        let event = json!({ "Records": records });
        let answer = tokio::select! {
            biased;
            () = self.lane.wire.death(door) => None,
            answer = worker.handle(event) => answer.ok(),
        };
        self.lane.wire.invocation_over();
        let failed = answer.map(|answer| {
            let failures = answer["batchItemFailures"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let names = failures
                .iter()
                .filter_map(|it| it["itemIdentifier"].as_str());
            names.map(str::to_owned).collect::<Vec<_>>()
        });
        let outcome = match &failed {
            None => "the process died".to_owned(),
            Some(failed) => format!("{} failed", failed.len()),
        };
        self.tell(format!(
            "{} worker: {} records, {outcome}",
            door.name(),
            records.len()
        ));
        failed
    }

    /// Runs a sweep; gives its counts, or nothing if it did not come to its end.
    pub async fn sweep(&self, sweep: &str) -> Option<Value> {
        let answer = tokio::select! {
            biased;
            () = self.lane.wire.death(Door::Sweeper) => None,
            answer = self.lane.functions.reconcile.handle(json!({ "sweep": sweep })) => Some(answer),
        };
        self.lane.wire.invocation_over();
        match answer {
            None => {
                self.tell(format!("sweep {sweep}: the process died"));
                None
            }
            Some(Err(error)) => {
                self.tell(format!("sweep {sweep}: {error}"));
                None
            }
            Some(Ok(done)) => {
                self.tell(format!("sweep {sweep}: {done}"));
                Some(done)
            }
        }
    }
}

fn without_secret(text: &str) -> String {
    text.split("_secret_").next().unwrap_or_default().to_owned()
}
