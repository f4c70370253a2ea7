//! What happens in life after something went wrong: Stripe sends its webhooks again, the stream
//! brings its records again, and the sweeper comes round.

use serde_json::Value;

use crate::broken::Broken;
use crate::lane::WEBHOOK_SECRET;
use crate::request::event;
use crate::shopper::LEASE_IS_OVER;
use crate::stage::{Life, Stage};
use crate::wire::{Bug, Door};

/// Lambda gives a batch up after this many tries here; the template lets it try for two hours.
const TRIES_OF_STREAM: usize = 8;
/// Stripe tries for three days.
const TRIES_OF_STRIPE: usize = 8;
/// As in the template.
const BATCH: usize = 100;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

impl Stage<'_> {
    /// The events that have not been taken, oldest first.
    pub fn undelivered(&self) -> Vec<Value> {
        let notes = self.notes.borrow();
        self.lane.stripe.events(|event| {
            let id = event["id"].as_str().unwrap_or_default();
            is_wanted(event) && !notes.taken.contains(id) && !notes.lost.contains(id)
        })
    }

    /// Delivers one event, once; whether it was taken.
    pub async fn deliver(&self, stripe_event: &Value) -> Result<bool, Broken> {
        let body = stripe_event.to_string();
        let mut request = event(None, "POST", "/webhooks/stripe", "", None);
        let now = self.lane.clock.now().unix();
        let secrets = [WEBHOOK_SECRET.to_owned()];
        request["headers"]["stripe-signature"] =
            perennial_sandbox::signature_header(&secrets, now, body.as_bytes()).into();
        request["body"] = body.into();
        let answer = tokio::select! {
            biased;
            () = self.lane.wire.death(Door::Inbox) => None,
            answer = self.lane.functions.webhook.handle(request) => answer.ok(),
        };
        self.lane.wire.invocation_over();
        let taken = answer.is_some_and(|answer| answer["statusCode"] == 200);
        let (id, kind) = (&stripe_event["id"], &stripe_event["type"]);
        self.tell(format!(
            "webhook {kind}: {}",
            if taken { "taken" } else { "not taken" }
        ));
        if taken && let Some(id) = id.as_str() {
            self.notes.borrow_mut().taken.insert(id.to_owned());
            self.is_stored(stripe_event);
        }
        Ok(taken)
    }

    /// 2xx means durably stored.
    fn is_stored(&self, event: &Value) {
        if !self.table.has_event(event) {
            self.broke(format!(
                "Stripe was told 200 for {}, and it is not in the inbox",
                event["id"]
            ));
        }
    }

    /// Takes what the stream has brought: events for the shop, and work for the worker.
    pub fn read_stream(&self) {
        // Whatever brings an event passes the wire.
        let calls = self.lane.wire.count();
        if self.read_at.replace(Some(calls)) == Some(calls) {
            return;
        }
        let records = self.table.new_events();
        let mut notes = self.notes.borrow_mut();
        for record in records {
            let key = record
                .pointer("/dynamodb/Keys/sk/S")
                .and_then(Value::as_str);
            let image = &record["dynamodb"]["NewImage"];
            match key {
                Some(key) if key.starts_with("OUT#") => {
                    notes.outbox.push(crate::table::plain(image));
                }
                Some(key)
                    if key.starts_with("EVENT#")
                        && image
                            .pointer("/status/S")
                            .is_some_and(|it| it == "received") =>
                {
                    notes.waiting.push(record);
                }
                _ => {}
            }
        }
    }

    /// Lets the worker take what the stream has brought, again and again as Lambda does.
    pub async fn pump(&self) -> Result<(), Broken> {
        for _ in 0..TRIES_OF_STREAM {
            self.read_stream();
            loop {
                let batch: Vec<Value> = {
                    let mut notes = self.notes.borrow_mut();
                    let end = BATCH.min(notes.waiting.len());
                    notes.waiting.drain(..end).collect()
                };
                if batch.is_empty() {
                    self.read_stream();
                    return Ok(());
                }
                let again = self.hand_over(&batch).await?;
                if !again.is_empty() {
                    let mut notes = self.notes.borrow_mut();
                    let rest = std::mem::take(&mut notes.waiting);
                    notes.waiting = again;
                    notes.waiting.extend(rest);
                    break;
                }
                self.read_stream();
            }
            self.pass(LEASE_IS_OVER).await?;
        }
        self.stream_gives_up();
        Ok(())
    }

    /// Hands a batch to the worker; gives what has to be brought again: everything from the first
    /// failure on, as Lambda does with a stream.
    pub async fn hand_over(&self, batch: &[Value]) -> Result<Vec<Value>, Broken> {
        let mut batch = batch.to_vec();
        if self.setting.bug == Some(Bug::DedupeBeforeProcessing) {
            let mut kept = Vec::new();
            for record in batch {
                if self.table.settle_early(&record["dynamodb"]["Keys"]) {
                    kept.push(record);
                }
            }
            batch = kept;
            if batch.is_empty() {
                return Ok(batch);
            }
        }
        let failed = self
            .work(Door::Hooks, &self.lane.functions.worker, &batch)
            .await;
        let Some(mut failed) = failed else {
            return Ok(batch);
        };
        if self.setting.bug == Some(Bug::LastFailureAlone) {
            failed = failed.pop().into_iter().collect();
        }
        let number = |record: &Value| {
            let number = record
                .pointer("/dynamodb/SequenceNumber")
                .and_then(Value::as_str);
            number.unwrap_or_default().to_owned()
        };
        if self.setting.bug == Some(Bug::UndecidedIsDone) {
            for record in batch.iter().filter(|it| failed.contains(&number(it))) {
                self.table.settle_early(&record["dynamodb"]["Keys"]);
            }
            return Ok(Vec::new());
        }
        let first = batch
            .iter()
            .position(|record| failed.contains(&number(record)));
        Ok(first.map_or_else(Vec::new, |first| batch.split_off(first)))
    }

    /// Delivers every event once, and applies none.
    pub async fn deliver_all(&self) -> Result<(), Broken> {
        for event in self.undelivered() {
            self.deliver(&event).await?;
        }
        Ok(())
    }

    /// The stream gives up what it has brought so far: the worker did not take it for an hour.
    pub fn stream_gives_up(&self) {
        self.read_stream();
        self.tell("the stream gives up on what is left");
        let mut notes = self.notes.borrow_mut();
        notes.waiting.clear();
        notes.gave_up = true;
    }

    /// Delivers and applies until nothing is left.
    pub async fn deliver_and_pump(&self) -> Result<(), Broken> {
        for _ in 0..TRIES_OF_STRIPE {
            let mut events = self.undelivered();
            if events.is_empty() {
                return self.pump().await;
            }
            if self.is_shuffled.get() {
                let mut rng = self.rng.borrow_mut();
                let again = rng.below(events.len());
                events.extend(events.get(again).cloned());
                rng.shuffle(&mut events);
            }
            for event in &events {
                self.deliver(event).await?;
            }
            self.pump().await?;
        }
        Ok(())
    }

    /// What flows by itself in this life.
    pub async fn flow(&self) -> Result<(), Broken> {
        if self.setting.life == Life::Sweeper {
            self.pump().await
        } else {
            self.deliver_and_pump().await
        }
    }

    /// A sweep, and again when it did not come to its end, as the schedule does.
    pub async fn sweep_until_done(&self, sweep: &str) -> Result<Value, Broken> {
        for _ in 0..6 {
            if let Some(done) = self.sweep(sweep).await
                && is_complete(&done)
            {
                return Ok(done);
            }
            self.pass(5 * MINUTE).await?;
        }
        Err(Broken::new(format!(
            "the sweep {sweep} never comes to its end"
        )))
    }

    /// The sweep of every hour, and that of the hour after while something could not be looked at.
    async fn sweep_hourly(&self) -> Result<(), Broken> {
        for _ in 0..3 {
            let done = self.sweep_until_done("events").await?;
            self.flow().await?;
            if done["setups"]["failed"] == 0 {
                return Ok(());
            }
            self.pass(HOUR).await?;
        }
        Err(Broken::new(
            "hour after hour a SetupIntent cannot be looked at",
        ))
    }

    /// Lets everything come to rest: webhooks, stream, sweeps, and a day.
    pub async fn settle(&self) -> Result<(), Broken> {
        self.notes.borrow_mut().calls_of_shopper = self.lane.wire.count();
        if self.setting.life != Life::Sweeper {
            self.deliver_and_pump().await?;
        }
        self.notes.borrow_mut().calls_of_hooks = self.lane.wire.count();
        if self.setting.life != Life::Sweeper && self.notes.borrow().lost.is_empty() {
            self.check_decided();
        }
        // What the sweeper finds after some minutes, and after the stream has given up.
        for wait in [11 * MINUTE, 6 * MINUTE, 126 * MINUTE] {
            self.pass(wait).await?;
            self.sweep_until_done("open").await?;
            self.flow().await?;
            self.note_ended_pauses();
        }
        self.sweep_hourly().await?;
        // Stripe forgets its keys, and a checkout that nobody comes back to ends.
        self.pass(25 * HOUR).await?;
        self.lane.wire.forget_keys();
        for _ in 0..3 {
            self.sweep_until_done("open").await?;
            self.flow().await?;
            self.note_ended_pauses();
            self.pass(31 * MINUTE).await?;
        }
        self.sweep_hourly().await?;
        let compared = self.sweep_until_done("subscriptions").await?;
        if compared["subscriptions"]["repaired"] != 0 {
            self.broke(format!(
                "the nightly comparison had to repair something: {compared}"
            ));
        }
        self.read_stream();
        Ok(())
    }
}

/// Whether a shop's endpoint asks for events of this type, and one type that it should not have
/// asked for.
fn is_wanted(event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    let about_setup = [
        "setup_intent.succeeded",
        "setup_intent.setup_failed",
        "setup_intent.canceled",
    ];
    let others = [
        "customer.deleted",
        "payment_method.attached",
        "payment_method.detached",
        "mandate.updated",
    ];
    about_setup.contains(&kind)
        || others.contains(&kind)
        || kind.starts_with("charge.dispute.")
        || kind.starts_with("customer.subscription.")
        || kind.starts_with("refund.")
        || (kind.starts_with("invoice.") && kind != "invoice.payment_succeeded")
}

/// Whether each part of a sweep has come to its end.
fn is_complete(done: &Value) -> bool {
    let parts = done
        .as_object()
        .into_iter()
        .flat_map(|parts| parts.values());
    parts.into_iter().all(|part| part["complete"] != false)
}
