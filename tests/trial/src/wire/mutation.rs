//! Bugs that are planted on the wire: each makes the functions look as if somebody had written it,
//! without a line of them being changed.

use serde_json::{Map, Value};

use super::call::{Call, Door, Service};

/// A bug that a trial has to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A slow reader overwrites what a later one has read.
    NoFence,
    /// The same key goes with other parameters at each try.
    KeyReused,
    /// Each try has a key of its own.
    KeyForEachTry,
    /// An event counts as done before it has been applied.
    DedupeBeforeProcessing,
    /// Whoever takes the slot keeps it, even when they die.
    SlotWithoutLease,
    /// Everybody gets the slot.
    SlotForEverybody,
    /// Everybody may create the user's customer.
    CustomerForEverybody,
    /// Stripe is told 200 before the event is stored.
    AnswerBeforeWrite,
    /// The client secret is kept in the table.
    SecretAtRest,
    /// A subscription is given up without what its shopper could pay being taken away first.
    InvoiceNotVoided,
    /// A trial that nobody has confirmed counts as one that somebody has.
    AwaitsNobody,
    /// Nobody looks after a subscription that waits for its shopper.
    ForgottenShopper,
    /// A checkout that is over stays on the sweeper's list.
    DueStays,
    /// The worker reports the last failure of a batch alone.
    LastFailureAlone,
    /// The sweep of events moves its cursor before it stores what it has listed.
    CursorFirst,
    /// An event counts as done although its checkout is undecided.
    UndecidedIsDone,
    /// The shop hears nothing of a subscription that was paid and has ended before it was read.
    EndedInSilence,
    /// A sweep ends at the first item that it cannot read.
    UnreadableStops,
    /// A dispute that was lost and is won after all stays lost.
    LostStaysLost,
    /// What is half done to a subscription is on nobody's list.
    HalfForgotten,
    /// A change is prorated as of another hour than it was shown for.
    OtherAmount,
    /// The second half of a change to come changes nothing.
    HalfASchedule,
    /// The table says nothing of a plan to come.
    NothingToCome,
    /// The end of a pause is on nobody's list.
    EndlessPause,
    /// What an end at once gives back is sent under another key at each try.
    GivenBackTwice,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::NoFence,
        Self::KeyReused,
        Self::KeyForEachTry,
        Self::DedupeBeforeProcessing,
        Self::SlotWithoutLease,
        Self::SlotForEverybody,
        Self::CustomerForEverybody,
        Self::AnswerBeforeWrite,
        Self::SecretAtRest,
        Self::InvoiceNotVoided,
        Self::AwaitsNobody,
        Self::ForgottenShopper,
        Self::DueStays,
        Self::LastFailureAlone,
        Self::CursorFirst,
        Self::UndecidedIsDone,
        Self::EndedInSilence,
        Self::UnreadableStops,
        Self::LostStaysLost,
        Self::HalfForgotten,
        Self::OtherAmount,
        Self::HalfASchedule,
        Self::NothingToCome,
        Self::EndlessPause,
        Self::GivenBackTwice,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFence => "no-fence",
            Self::KeyReused => "key-reused",
            Self::KeyForEachTry => "key-for-each-try",
            Self::DedupeBeforeProcessing => "dedupe-before-processing",
            Self::SlotWithoutLease => "slot-without-lease",
            Self::SlotForEverybody => "slot-for-everybody",
            Self::CustomerForEverybody => "customer-for-everybody",
            Self::AnswerBeforeWrite => "answer-before-write",
            Self::SecretAtRest => "secret-at-rest",
            Self::InvoiceNotVoided => "invoice-not-voided",
            Self::AwaitsNobody => "awaits-nobody",
            Self::ForgottenShopper => "forgotten-shopper",
            Self::DueStays => "due-stays",
            Self::LastFailureAlone => "last-failure-alone",
            Self::CursorFirst => "cursor-first",
            Self::UndecidedIsDone => "undecided-is-done",
            Self::EndedInSilence => "ended-in-silence",
            Self::UnreadableStops => "unreadable-stops",
            Self::LostStaysLost => "lost-stays-lost",
            Self::HalfForgotten => "half-forgotten",
            Self::OtherAmount => "other-amount",
            Self::HalfASchedule => "half-a-schedule",
            Self::NothingToCome => "nothing-to-come",
            Self::EndlessPause => "endless-pause",
            Self::GivenBackTwice => "given-back-twice",
        }
    }

    /// The bug of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bug| bug.name() == name)
    }

    /// Changes the call into what it would be with the bug; `tries` counts the calls.
    pub(super) fn plant(self, call: &mut Call, tries: u32) {
        match (self, call.service) {
            (Self::KeyReused, Service::Stripe) if creates_subscription(call) => {
                call.body
                    .extend_from_slice(format!("&metadata[try]={tries}").as_bytes());
            }
            (Self::KeyForEachTry, Service::Stripe) if creates_subscription(call) => {
                with_another_key(call, tries);
            }
            (Self::GivenBackTwice, Service::Stripe) if call.name() == "POST /v1/credit_notes" => {
                with_another_key(call, tries);
            }
            (Self::OtherAmount, Service::Stripe)
                if call.name() == "POST /v1/subscriptions/{id}" =>
            {
                an_hour_earlier(&mut call.body);
            }
            (Self::HalfASchedule, Service::Stripe)
                if call.name() == "POST /v1/subscription_schedules/{id}" =>
            {
                without_the_second_phase(&mut call.body);
            }
            (_, Service::DynamoDb) => {
                if let Ok(mut body) = serde_json::from_slice::<Value>(&call.body)
                    && self.plant_in_table(&mut body)
                {
                    call.body = body.to_string().into_bytes();
                }
            }
            _ => {}
        }
    }

    fn plant_in_table(self, body: &mut Value) -> bool {
        let mut planted = self == Self::EndedInSilence && without_news_of_the_end(body);
        each_write(body, &mut |write, sort_key| {
            planted |= match self {
                Self::NoFence if sort_key.starts_with("SUB#") => without_fence(write),
                Self::SlotWithoutLease if sort_key.starts_with("SLOT#") => {
                    set(write, "/Item/lease", "9999-12-31T00:00:00Z")
                }
                Self::SlotForEverybody if sort_key.starts_with("SLOT#") => {
                    write.contains_key("Item") && without_condition(write)
                }
                Self::CustomerForEverybody if sort_key == "CUSTOMER" => claimed_by_all(write),
                Self::SecretAtRest if sort_key == "CHECKOUT" => {
                    set(write, "/Item/secret", "seti_1_secret_2")
                }
                Self::HalfForgotten if sort_key.starts_with("ACTIONS#") => on_no_list(write),
                Self::NothingToCome if sort_key.starts_with("SUB#") => nothing_to_come(write),
                Self::EndlessPause if sort_key.starts_with("SUB#") => without_its_end(write),
                Self::LostStaysLost if sort_key.starts_with("SUB#") => stays_lost(write),
                Self::AwaitsNobody if sort_key.starts_with("SUB#") => confirmed(write),
                Self::ForgottenShopper if sort_key.starts_with("CHECKOUT#") => without_due(write),
                Self::DueStays if sort_key.starts_with("CHECKOUT#") => keeps_due(write),
                _ => false,
            };
        });
        planted
    }

    /// The answer of a call that never reaches the service.
    pub(super) fn answers(self, call: &Call) -> Option<String> {
        let answer = match self {
            Self::AnswerBeforeWrite
                if call.door == Door::Inbox && call.name() == "PutItem EVENT" =>
            {
                "{}"
            }
            Self::InvoiceNotVoided if call.name() == "POST /v1/invoices/{id}/void" => {
                r#"{"id":"in_1","object":"invoice","status":"void"}"#
            }
            // The sweeper would take it off the list after all.
            Self::DueStays
                if call.door == Door::Sweeper
                    && call.name() == "UpdateItem CHECKOUT"
                    && takes_off_list(call) =>
            {
                "{}"
            }
            _ => return None,
        };
        Some(answer.to_owned())
    }
}

/// Leaves the plan to come out of a read model.
fn nothing_to_come(write: &mut Map<String, Value>) -> bool {
    let is_some = |known: &Value| known.get("M").is_some();
    if write.get("pending_change").is_some_and(is_some) {
        write.insert(
            "pending_change".to_owned(),
            serde_json::json!({"NULL": true}),
        );
        return true;
    }
    write
        .values_mut()
        .filter_map(Value::as_object_mut)
        .any(nothing_to_come)
}

/// Takes an action off the sweeper's list before it is on it.
fn on_no_list(write: &mut Map<String, Value>) -> bool {
    let Some(Value::Object(item)) = write.get_mut("Item") else {
        return false;
    };
    item.remove("due_at");
    item.remove("due").is_some()
}

const PRORATED_AT: &str = "proration_date";
const HOUR: i64 = 3600;

/// The pairs of a form, each as they are to be sent.
fn form_of(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn put_form(body: &mut Vec<u8>, pairs: &[(String, String)]) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    *body = form.finish().into_bytes();
}

fn an_hour_earlier(body: &mut Vec<u8>) {
    let mut pairs = form_of(body);
    for (name, value) in &mut pairs {
        if name == PRORATED_AT
            && let Ok(at) = value.parse::<i64>()
        {
            *value = (at - HOUR).to_string();
        }
    }
    put_form(body, &pairs);
}

fn without_the_second_phase(body: &mut Vec<u8>) {
    let mut pairs = form_of(body);
    pairs.retain(|(name, _)| !name.starts_with("phases[1]"));
    put_form(body, &pairs);
}

fn takes_off_list(call: &Call) -> bool {
    let body = String::from_utf8_lossy(&call.body);
    body.contains(r#":"REMOVE due, due_at""#)
}

fn with_another_key(call: &mut Call, tries: u32) {
    for (name, value) in &mut call.headers {
        if name == "idempotency-key" {
            *value = format!("{value}:{tries}");
        }
    }
}

/// Notes a pause without the time at which a sweep has to look at it.
fn without_its_end(write: &mut Map<String, Value>) -> bool {
    let noted = "SET pause = :pause, due = :due, due_at = :at";
    let Some(update) = write.get_mut("UpdateExpression") else {
        return false;
    };
    if *update != noted {
        return false;
    }
    *update = "SET pause = :pause".into();
    if let Some(Value::Object(values)) = write.get_mut("ExpressionAttributeValues") {
        values.remove(":due");
        values.remove(":at");
    }
    true
}

fn creates_subscription(call: &Call) -> bool {
    call.name() == "POST /v1/subscriptions"
}

/// Every object that writes an item, with the item's sort key.
fn each_write(value: &mut Value, found: &mut impl FnMut(&mut Map<String, Value>, &str)) {
    match value {
        Value::Object(members) => {
            let key = ["Item", "Key"]
                .iter()
                .find_map(|part| members.get(*part)?.pointer("/sk/S")?.as_str())
                .map(str::to_owned);
            if let Some(key) = key {
                found(members, &key);
            }
            members
                .values_mut()
                .for_each(|member| each_write(member, found));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_write(item, found)),
        _ => {}
    }
}

fn without_condition(write: &mut Map<String, Value>) -> bool {
    for part in [
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
    ] {
        write.remove(part);
    }
    true
}

/// Lets each claim on a customer be won; its names and values are those of what it writes, too.
fn claimed_by_all(write: &mut Map<String, Value>) -> bool {
    let update = write.get("UpdateExpression").and_then(Value::as_str);
    let claims = update.is_some_and(|update| update.contains(":frozen_at"));
    claims && write.remove("ConditionExpression").is_some()
}

fn without_fence(write: &mut Map<String, Value>) -> bool {
    let Some(Value::String(condition)) = write.get_mut("ConditionExpression") else {
        return false;
    };
    let Some(rest) = condition.strip_prefix("fence = :fence AND ") else {
        return false;
    };
    *condition = rest.to_owned();
    if let Some(Value::Object(values)) = write.get_mut("ExpressionAttributeValues") {
        values.remove(":fence");
    }
    true
}

/// Calls the payment of a subscription sound that waits for its shopper's SetupIntent.
fn confirmed(write: &mut Map<String, Value>) -> bool {
    let waits = write
        .get("reason")
        .is_some_and(|reason| reason["S"] == "first_setup_open");
    if waits {
        write.insert("state".to_owned(), serde_json::json!({"S": "ok"}));
        write.insert("reason".to_owned(), serde_json::json!({"NULL": true}));
        return true;
    }
    write
        .values_mut()
        .filter_map(Value::as_object_mut)
        .any(confirmed)
}

/// Takes a checkout off the sweeper's list when it begins to wait for its shopper.
fn without_due(write: &mut Map<String, Value>) -> bool {
    let Some(Value::String(update)) = write.get_mut("UpdateExpression") else {
        return false;
    };
    let waits = update.contains(":confirming");
    if waits {
        update.push_str(" REMOVE due, due_at");
    }
    waits
}

/// Keeps the note of a lost dispute when it is won.
fn stays_lost(write: &mut Map<String, Value>) -> bool {
    let won = "DELETE disputed :object, dispute_lost :object";
    let Some(update) = write.get_mut("UpdateExpression").filter(|it| **it == won) else {
        return false;
    };
    *update = "DELETE disputed :object".into();
    true
}

/// Leaves a checkout on the sweeper's list when it is over.
fn keeps_due(write: &mut Map<String, Value>) -> bool {
    let Some(Value::String(update)) = write.get_mut("UpdateExpression") else {
        return false;
    };
    let kept = update.replace(", due, due_at", "");
    let changed = *update != kept;
    *update = kept;
    changed
}

/// Takes the shop's events out of the transaction that notes the end of a subscription.
fn without_news_of_the_end(body: &mut Value) -> bool {
    let Some(Value::Array(writes)) = body.get_mut("TransactItems") else {
        return false;
    };
    let is_end = |write: &Value| write.to_string().contains(r#""status":{"S":"canceled"}"#);
    if !writes.iter().any(is_end) {
        return false;
    }
    let before = writes.len();
    writes.retain(|write| {
        let key = write.pointer("/Put/Item/sk/S").and_then(Value::as_str);
        !key.is_some_and(|key| key.starts_with("OUT#"))
    });
    writes.len() < before
}

/// Puts a text into an item; false if there is no such item.
fn set(write: &mut Map<String, Value>, pointer: &str, text: &str) -> bool {
    let Some(name) = pointer.strip_prefix("/Item/") else {
        return false;
    };
    let Some(Value::Object(item)) = write.get_mut("Item") else {
        return false;
    };
    item.insert(name.to_owned(), serde_json::json!({ "S": text }));
    true
}
