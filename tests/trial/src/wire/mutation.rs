//! Bugs that are planted on the wire: each makes the functions look as if somebody had written it,
//! without a line of them being changed.

mod form;
mod item;

use serde_json::{Map, Value};

use super::call::{Call, Door, Service};

/// The list of the bugs.
macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident = $name:literal,)*) => {
        /// A bug that a trial has to find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug,)*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)*
                }
            }
        }
    };
}

bugs! {
    /// A slow reader overwrites what a later one has read.
    NoFence = "no-fence",
    /// The same key goes with other parameters at each try.
    KeyReused = "key-reused",
    /// Each try has a key of its own.
    KeyForEachTry = "key-for-each-try",
    /// An event counts as done before it has been applied.
    DedupeBeforeProcessing = "dedupe-before-processing",
    /// Whoever takes the slot keeps it, even when they die.
    SlotWithoutLease = "slot-without-lease",
    /// Everybody gets the slot.
    SlotForEverybody = "slot-for-everybody",
    /// Everybody may create the user's customer.
    CustomerForEverybody = "customer-for-everybody",
    /// Stripe is told 200 before the event is stored.
    AnswerBeforeWrite = "answer-before-write",
    /// The client secret is kept in the table.
    SecretAtRest = "secret-at-rest",
    /// A subscription is given up without what its shopper could pay being taken away first.
    InvoiceNotVoided = "invoice-not-voided",
    /// A trial that nobody has confirmed counts as one that somebody has.
    AwaitsNobody = "awaits-nobody",
    /// Nobody looks after a subscription that waits for its shopper.
    ForgottenShopper = "forgotten-shopper",
    /// A checkout that is over stays on the sweeper's list.
    DueStays = "due-stays",
    /// The worker reports the last failure of a batch alone.
    LastFailureAlone = "last-failure-alone",
    /// The sweep of events moves its cursor before it stores what it has listed.
    CursorFirst = "cursor-first",
    /// An event counts as done although its checkout is undecided.
    UndecidedIsDone = "undecided-is-done",
    /// The shop hears nothing of a subscription that was paid and has ended before it was read.
    EndedInSilence = "ended-in-silence",
    /// A sweep ends at the first item that it cannot read.
    UnreadableStops = "unreadable-stops",
    /// A dispute that was lost and is won after all stays lost.
    LostStaysLost = "lost-stays-lost",
    /// What is half done to a subscription is on nobody's list.
    HalfForgotten = "half-forgotten",
    /// A change is prorated as of another hour than it was shown for.
    OtherAmount = "other-amount",
    /// The second half of a change to come changes nothing.
    HalfASchedule = "half-a-schedule",
    /// The table says nothing of a plan to come.
    NothingToCome = "nothing-to-come",
    /// The end of a pause is on nobody's list.
    EndlessPause = "endless-pause",
    /// What an end at once gives back is sent under another key at each try.
    GivenBackTwice = "given-back-twice",
    /// A server's refund is sent under another key at each try.
    RefundForEachTry = "refund-for-each-try",
    /// A discount is put on under another key at each try.
    DiscountForEachTry = "discount-for-each-try",
    /// A change is sent without the code that it was shown with.
    DiscountLeftOut = "discount-left-out",
    /// A subscription with taxes is created without them.
    Untaxed = "untaxed",
    /// A tax id that is to go stays.
    TaxIdsStay = "tax-ids-stay",
    /// The table says nothing of add-ons.
    AddonsUntold = "addons-untold",
    /// A plan is given to a user who is being erased.
    GrantAfterErase = "grant-after-erase",
    /// A plan for free is written down without its end.
    EndlessGrant = "endless-grant",
    /// An offer that is taken back stays.
    OfferStays = "offer-stays",
    /// A user who has a customer may be given another one.
    CustomerForTwo = "customer-for-two",
    /// A customer may be moved while a checkout is charged for where they were.
    MovedDuringCharge = "moved-during-charge",
}

impl Bug {
    /// The bug of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
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
            (Self::GivenBackTwice | Self::RefundForEachTry, Service::Stripe)
                if call.name() == "POST /v1/credit_notes" =>
            {
                with_another_key(call, tries);
            }
            (Self::Untaxed, Service::Stripe) if creates_subscription(call) => {
                form::without(&mut call.body, "automatic_tax");
            }
            (Self::OtherAmount, Service::Stripe) if changes_subscription(call) => {
                form::an_hour_earlier(&mut call.body);
            }
            (Self::DiscountForEachTry, Service::Stripe) if changes_subscription(call) => {
                with_another_key(call, tries);
            }
            (Self::DiscountLeftOut, Service::Stripe) if changes_subscription(call) => {
                form::without(&mut call.body, "discounts");
            }
            (Self::HalfASchedule, Service::Stripe)
                if call.name() == "POST /v1/subscription_schedules/{id}" =>
            {
                form::without(&mut call.body, "phases[1]");
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
                Self::AddonsUntold if sort_key.starts_with("SUB#") => item::without_addons(write),
                Self::GrantAfterErase if sort_key == "CUSTOMER" => item::unchecked(write),
                Self::EndlessGrant if sort_key == "SUB#GRANTS" => item::without_end(write),
                Self::MovedDuringCharge if sort_key == "CUSTOMER" => item::turn_for_all(write),
                Self::CustomerForTwo if sort_key == "CUSTOMER" => item::for_two(write),
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
            Self::TaxIdsStay if call.name() == "DELETE /v1/customers/{id}/tax_ids/{id}" => {
                r#"{"id":"txi_1","object":"tax_id","deleted":true}"#
            }
            Self::OfferStays if call.name() == "UpdateItem CUSTOMER" && takes_offer_back(call) => {
                r#"{"Attributes":{}}"#
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

fn takes_offer_back(call: &Call) -> bool {
    let body = String::from_utf8_lossy(&call.body);
    body.contains(r#":"DELETE offers :plans""#)
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

fn changes_subscription(call: &Call) -> bool {
    call.name() == "POST /v1/subscriptions/{id}"
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
