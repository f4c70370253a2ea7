//! What must hold after every case, whatever went wrong in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::books::{Books, group_of};
use crate::broken::Broken;
use crate::shopper::{ADDRESS, BROWSER};
use crate::stage::{Stage, Told};

/// What has no place at rest or in a log line.
const SECRETS: [&str; 7] = [
    "_secret_",
    "whsec_",
    "sk_test_",
    "rk_test_",
    "client_secret=",
    ADDRESS,
    BROWSER,
];

/// Everything that is looked at.
struct Seen {
    books: Books,
    items: Vec<Value>,
    outbox: Vec<Value>,
    told: Vec<Told>,
}

impl Stage<'_> {
    /// Checks everything; gives what did not hold.
    pub async fn check(&self) -> Result<Vec<String>, Broken> {
        let seen = self.look().await?;
        let mut broken = self.notes.borrow().broken.clone();
        one_customer(&seen, &mut broken);
        one_live_subscription(&seen, &mut broken);
        approved_attempts(&seen, &mut broken);
        charges(&seen, &mut broken);
        read_model(&seen, &mut broken);
        inbox(&seen, &mut broken);
        attempts_are_over(&seen, &mut broken);
        slots(&seen, &mut broken);
        outbox(&seen, &mut broken);
        what_was_told(&seen, &mut broken);
        self.frozen(&mut broken);
        let log = self.lane.log.take();
        secrets(&seen.items, &log, &mut broken);
        self.log.replace(log);
        Ok(broken)
    }

    async fn look(&self) -> Result<Seen, Broken> {
        Ok(Seen {
            books: self.lane.stripe.books(&self.user, self.since).await?,
            items: self.table.borrow().items()?,
            outbox: self.notes.borrow().outbox.clone(),
            told: self.notes.borrow().told.clone(),
        })
    }

    /// With all webhooks applied, the read model is what Stripe has.
    pub async fn check_read_model(&self, when: &str) -> Result<(), Broken> {
        let seen = self.look().await?;
        let mut broken = Vec::new();
        read_model(&seen, &mut broken);
        slots(&seen, &mut broken);
        outbox(&seen, &mut broken);
        for what in broken {
            self.broke(format!("{when}: {what}"));
        }
        Ok(())
    }

    /// With webhooks flowing, every approved checkout is decided before any sweep.
    pub async fn check_decided(&self) -> Result<(), Broken> {
        let stored = |trouble: crate::wire::Trouble| trouble.fault.name().contains("stored");
        if self.setting.trouble.is_some_and(stored) {
            // Nothing can be known before Stripe forgets the key, or its list is asked.
            return Ok(());
        }
        let books = self.lane.stripe.books(&self.user, self.since).await?;
        let items = self.table.borrow().items_of("CHECKOUT#")?;
        for intent in books
            .setup_intents
            .iter()
            .filter(|it| it["status"] == "succeeded")
        {
            let attempt = items
                .iter()
                .find(|item| item["setup_intent"] == intent["id"]);
            let open =
                attempt.is_some_and(|it| it["state"] == "issued" || it["state"] == "subscribing");
            if open {
                self.broke(format!(
                    "all webhooks were applied, and the approved checkout of {} is still open",
                    intent["id"]
                ));
            }
        }
        Ok(())
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

fn is_live(subscription: &Value) -> bool {
    !matches!(
        subscription["status"].as_str(),
        Some("canceled" | "incomplete_expired")
    )
}

fn attempt_of(object: &Value) -> Option<&str> {
    object["metadata"]["perennial_attempt"].as_str()
}

fn group(subscription: &Value) -> &'static str {
    group_of(
        subscription["metadata"]["perennial_plan"]
            .as_str()
            .unwrap_or_default(),
    )
}

fn items<'a>(seen: &'a Seen, prefix: &'a str) -> impl Iterator<Item = &'a Value> {
    seen.items.iter().filter(move |item| {
        item["sk"]
            .as_str()
            .is_some_and(|key| key.starts_with(prefix))
    })
}

fn attempt_item<'a>(seen: &'a Seen, id: &str) -> Option<&'a Value> {
    items(seen, "CHECKOUT#").find(|item| item["id"] == id)
}

fn one_customer(seen: &Seen, broken: &mut Vec<String>) {
    if seen.books.customers.len() > 1 {
        broken.push(format!(
            "the user has {} customers at Stripe",
            seen.books.customers.len()
        ));
    }
}

fn one_live_subscription(seen: &Seen, broken: &mut Vec<String>) {
    let mut live: BTreeMap<&str, usize> = BTreeMap::new();
    for subscription in seen.books.subscriptions.iter().filter(|it| is_live(it)) {
        *live.entry(group(subscription)).or_default() += 1;
    }
    for (group, count) in live.into_iter().filter(|(_, count)| *count > 1) {
        broken.push(format!(
            "the user has {count} live subscriptions of the group {group}"
        ));
    }
}

/// One subscription for each approved attempt that was allowed one, and none otherwise.
fn approved_attempts(seen: &Seen, broken: &mut Vec<String>) {
    let mut made: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for subscription in &seen.books.subscriptions {
        match attempt_of(subscription) {
            Some(attempt) => made.entry(attempt).or_default().push(subscription),
            None => broken.push(format!("{} is of no checkout", subscription["id"])),
        }
    }
    for (attempt, subscriptions) in &made {
        if subscriptions.len() > 1 {
            broken.push(format!(
                "{attempt} has {} subscriptions",
                subscriptions.len()
            ));
        }
        let intent = seen
            .books
            .setup_intents
            .iter()
            .find(|it| attempt_of(it) == Some(attempt));
        if intent.is_none_or(|intent| intent["status"] != "succeeded") {
            broken.push(format!(
                "{attempt} has a subscription that no wallet agreed to"
            ));
        }
    }
    for intent in seen
        .books
        .setup_intents
        .iter()
        .filter(|it| it["status"] == "succeeded")
    {
        let attempt = attempt_of(intent).unwrap_or_default();
        if made.contains_key(attempt) {
            continue;
        }
        let item = attempt_item(seen, attempt);
        let reason = item
            .and_then(|item| item["reason"].as_str())
            .unwrap_or_default();
        let state = item
            .and_then(|item| item["state"].as_str())
            .unwrap_or_default();
        let plan = item
            .and_then(|item| item["plan"].as_str())
            .unwrap_or_default();
        let excused = match reason {
            "already_subscribed" => seen
                .books
                .subscriptions
                .iter()
                .any(|other| is_live(other) && group(other) == group_of(plan)),
            "payment_declined" => true,
            _ => false,
        };
        if state != "failed" || !excused {
            broken.push(format!(
                "the wallet agreed to {attempt}, and there is no subscription ({state} {reason})"
            ));
        }
    }
}

/// No charge without a subscription that both sides know of.
fn charges(seen: &Seen, broken: &mut Vec<String>) {
    let known: BTreeSet<&str> = items(seen, "SUB#")
        .filter_map(|item| item["model"]["id"].as_str())
        .collect();
    let paid = seen
        .books
        .payment_intents
        .iter()
        .filter(|it| it["status"] == "succeeded")
        .count();
    let mut invoices = 0;
    for invoice in &seen.books.invoices {
        let amount = invoice["amount_paid"].as_i64().unwrap_or(0);
        if invoice["status"] != "paid" || amount == 0 {
            continue;
        }
        invoices += 1;
        let subscription = invoice["parent"]["subscription_details"]["subscription"]
            .as_str()
            .unwrap_or_default();
        let exists = seen
            .books
            .subscriptions
            .iter()
            .any(|it| it["id"] == subscription);
        if !exists || !known.contains(subscription) {
            broken.push(format!(
                "{} was charged, and nobody knows its subscription",
                invoice["id"]
            ));
        }
    }
    if paid != invoices {
        broken.push(format!(
            "{paid} payments succeeded, and {invoices} invoices were paid by one"
        ));
    }
}

fn seconds(value: &Value) -> Option<i64> {
    // Both sides write UTC to the second, so the texts can be compared by their time.
    serde_json::from_value::<perennial_types::Timestamp>(value.clone())
        .ok()
        .map(perennial_types::Timestamp::unix)
}

fn read_model(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let Some(item) = items(seen, "SUB#").find(|item| item["sk"] == format!("SUB#{id}")) else {
            broken.push(format!("the table does not know {id}"));
            continue;
        };
        let model = &item["model"];
        let first = &subscription["items"]["data"][0];
        let invoice = &subscription["latest_invoice"];
        let invoice = invoice
            .as_str()
            .or(invoice["id"].as_str())
            .unwrap_or_default();
        let invoice = seen.books.invoices.iter().find(|it| it["id"] == invoice);
        let mut differ = |what: &str, here: String, there: String| {
            if here != there {
                broken.push(format!(
                    "the table says that {what} of {id} is {here}, Stripe says {there}"
                ));
            }
        };
        differ(
            "the status",
            model["status"].to_string(),
            subscription["status"].to_string(),
        );
        differ(
            "the price",
            model["price"].to_string(),
            first["price"]["id"].to_string(),
        );
        differ(
            "the end of the period",
            format!("{:?}", seconds(&model["current_period_end"])),
            format!("{:?}", first["current_period_end"].as_i64()),
        );
        differ(
            "the end of the trial",
            format!("{:?}", seconds(&model["trial_end"])),
            format!("{:?}", subscription["trial_end"].as_i64()),
        );
        differ(
            "cancel_at_period_end",
            model["cancel_at_period_end"].to_string(),
            subscription["cancel_at_period_end"].to_string(),
        );
        if is_live(subscription)
            && let Some(invoice) = invoice
        {
            let here = model["latest_invoice_status"].to_string();
            differ("the newest invoice", here, invoice["status"].to_string());
        }
        if item["attempt"].as_str() != attempt_of(subscription) {
            broken.push(format!("{id} is noted as of {}", item["attempt"]));
        }
    }
    for item in items(seen, "SUB#") {
        let id = item["sk"]
            .as_str()
            .and_then(|key| key.strip_prefix("SUB#"))
            .unwrap_or_default();
        if !seen.books.subscriptions.iter().any(|it| it["id"] == id) {
            broken.push(format!("the table knows {id}, which Stripe does not have"));
        }
    }
}

fn inbox(seen: &Seen, broken: &mut Vec<String>) {
    for item in items(seen, "EVENT#") {
        let status = item["status"].as_str().unwrap_or_default();
        if !matches!(status, "processed" | "ignored") {
            broken.push(format!(
                "{} ({}) is left {status}: {}",
                item["event"], item["type"], item["error"]
            ));
        }
    }
}

fn attempts_are_over(seen: &Seen, broken: &mut Vec<String>) {
    for item in items(seen, "CHECKOUT#") {
        let state = item["state"].as_str().unwrap_or_default();
        if matches!(state, "issued" | "subscribing") {
            broken.push(format!("{} is still {state} after a day", item["id"]));
        }
        if item.get("setup_request").is_some() || item.get("due").is_some() {
            broken.push(format!("{} is over and keeps its work", item["id"]));
        }
        let intent = seen
            .books
            .setup_intents
            .iter()
            .find(|it| it["id"] == item["setup_intent"]);
        if let Some(intent) = intent
            && !matches!(intent["status"].as_str(), Some("succeeded" | "canceled"))
            && !matches!(state, "failed")
        {
            broken.push(format!(
                "{} is over, and {} can still be confirmed",
                item["id"], intent["id"]
            ));
        }
    }
}

/// The slot points to the live subscription, and to nobody who is gone.
fn slots(seen: &Seen, broken: &mut Vec<String>) {
    for subscription in seen.books.subscriptions.iter().filter(|it| is_live(it)) {
        let key = format!("SLOT#{}", group(subscription));
        let slot = items(seen, "SLOT#").find(|item| item["sk"] == key);
        if slot.is_none_or(|slot| slot["subscription"] != subscription["id"]) {
            broken.push(format!("the slot does not point to {}", subscription["id"]));
        }
    }
    for slot in items(seen, "SLOT#") {
        if slot["subscription"].is_null() {
            broken.push(format!("{} is held by nobody who is alive", slot["sk"]));
        }
    }
}

/// The shop hears of each subscription once that it began, and of each change in its order.
fn outbox(seen: &Seen, broken: &mut Vec<String>) {
    let mut by_subscription: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut failed: BTreeMap<String, usize> = BTreeMap::new();
    for event in &seen.outbox {
        if !ids.insert(event["id"].to_string()) {
            broken.push(format!("{} was told twice", event["id"]));
        }
        let data: Value = event["data"]
            .as_str()
            .and_then(|data| serde_json::from_str(data).ok())
            .unwrap_or_default();
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        if kind == "checkout.failed" {
            *failed.entry(data["checkout"].to_string()).or_default() += 1;
        } else if let Some(id) = data["subscription"]["id"].as_str() {
            by_subscription
                .entry(id.to_owned())
                .or_default()
                .push((kind, data));
        }
    }
    for (checkout, count) in failed.into_iter().filter(|(_, count)| *count > 1) {
        broken.push(format!(
            "the shop was told {count} times that {checkout} has failed"
        ));
    }
    for subscription in &seen.books.subscriptions {
        let id = subscription["id"].as_str().unwrap_or_default();
        let told = by_subscription.get(id).map_or(&[][..], Vec::as_slice);
        let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
        let begins = if subscription["trial_end"].is_null() {
            "subscription.activated"
        } else {
            "subscription.trialing"
        };
        if kinds.first() != Some(&begins) {
            broken.push(format!(
                "the shop was told {kinds:?} of {id}, not {begins} first"
            ));
        }
        if kinds
            .iter()
            .filter(|kind| **kind == "subscription.trialing")
            .count()
            > 1
        {
            broken.push(format!(
                "the shop was told twice that the trial of {id} began"
            ));
        }
        let repeated = kinds.windows(2).any(|pair| {
            matches!(pair, [first, second] if first == second && *first != "subscription.renewed")
        });
        if repeated {
            broken.push(format!(
                "the shop was told the same of {id} twice: {kinds:?}"
            ));
        }
        if let Some((_, last)) = told.last()
            && last["subscription"]["status"] != subscription["status"]
        {
            broken.push(format!(
                "the last that the shop heard of {id} is {}, and it is {}",
                last["subscription"]["status"], subscription["status"]
            ));
        }
    }
}

/// Nobody was told what turned out to be wrong.
fn what_was_told(seen: &Seen, broken: &mut Vec<String>) {
    for told in &seen.told {
        let made = seen
            .books
            .subscriptions
            .iter()
            .find(|it| attempt_of(it) == Some(told.checkout.as_str()));
        match (told.status.as_str(), told.reason.as_deref(), made) {
            ("subscribed", _, None) => {
                broken.push(format!(
                    "the shopper was told that {} is subscribed",
                    told.checkout
                ));
            }
            ("subscribed", _, Some(made))
                if told
                    .subscription
                    .as_ref()
                    .is_some_and(|id| made["id"] != *id) =>
            {
                broken.push(format!(
                    "{} was answered with two subscriptions",
                    told.checkout
                ));
            }
            // After these two the shopper may go on with the same checkout.
            ("failed", Some("wallet_declined" | "wallet_abandoned"), _) => {}
            ("failed", reason, Some(made)) => broken.push(format!(
                "the shopper was told that {} has failed ({reason:?}), and there is {}",
                told.checkout, made["id"]
            )),
            _ => {}
        }
    }
}

fn secrets(items: &[Value], log: &str, broken: &mut Vec<String>) {
    for item in items {
        let text = item.to_string();
        if let Some(found) = SECRETS.iter().find(|word| text.contains(**word)) {
            broken.push(format!(
                "{found} is at rest in {} {}",
                item["pk"], item["sk"]
            ));
        }
    }
    for line in log.lines() {
        if let Some(found) = SECRETS.iter().find(|word| line.contains(**word)) {
            broken.push(format!("{found} is in a log line: {line}"));
        }
    }
}
