//! What the functions use of DynamoDB, in memory: their operations on one table, and no more of each
//! than they use. A case in which anything else is asked does not hold.
//!
//! With an embedded DynamoDB a case takes more than twice as long. A test asks one the same, call for
//! call, and holds the answers equal.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::cost::Cost;
use super::expression::Expression;
use super::index::Index;
use super::request::{Action, Batch, Get, Query, Transaction};

/// An item as DynamoDB writes it.
pub type Item = Map<String, Value>;

/// Is called with the operation of each request, its bytes, and the status and bytes of the answer.
pub type Witness = Box<dyn Fn(&str, &[u8], u16, &[u8]) + Send + Sync>;

/// Items of which there are too many to be kept: each is made when it is asked for, by its keys.
pub type Base = Box<dyn Fn(&str, &str) -> Option<Item> + Send + Sync>;

/// The index.
const INDEX: &str = "due";

/// DynamoDB knows a token for ten minutes. So many are enough for any repetition, and little memory.
const MOST_TOKENS: usize = 1_000;

/// The most keys that DynamoDB takes in one batch.
const LARGEST_BATCH: usize = 100;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("The conditional request failed")]
    Condition(Option<Item>),
    #[error("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", .0.join(", "))]
    Canceled(Vec<&'static str>),
    #[error("The document path provided in the update expression is invalid for update")]
    Path,
    #[error("a token was sent with other writes")]
    Token,
    #[error("the trial's table does not know {0}")]
    Unknown(String),
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl Refused {
    fn body(&self) -> Value {
        let kind = match self {
            Self::Condition(_) => "ConditionalCheckFailedException",
            Self::Canceled(_) => "TransactionCanceledException",
            Self::Token => "IdempotentParameterMismatchException",
            Self::Path | Self::Unknown(_) => "ValidationException",
        };
        let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
        let sentence = self.to_string();
        if let Self::Condition(Some(item)) = self {
            return json!({ "__type": kind, "message": sentence, "Item": item });
        }
        let Self::Canceled(reasons) = self else {
            return json!({ "__type": kind, "message": sentence });
        };
        let reasons = reasons.iter().map(|code| match *code {
            NONE => json!({ "Code": code }),
            _ => json!({ "Code": code, "Message": Self::Condition(None).to_string() }),
        });
        let reasons: Vec<Value> = reasons.collect();
        json!({ "__type": kind, "Message": sentence, "CancellationReasons": reasons })
    }
}

/// What a canceled transaction says of a write that would have been done.
const NONE: &str = "None";

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page<'a> {
    count: usize,
    scanned_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Item>,
    items: Vec<Cow<'a, Item>>,
}

pub(super) type Key = (String, String);

/// What becomes of an item.
struct Change {
    key: Key,
    item: Option<Item>,
    /// Whether it was looked at alone.
    is_check: bool,
}

#[derive(Default)]
struct State {
    items: BTreeMap<Key, Item>,
    index: Index,
    /// The records of the stream that nobody has read yet.
    records: Vec<Value>,
    recorded: usize,
    /// What it was asked and does not know.
    unknown: Vec<String>,
    /// The last transactions that were done, by their tokens, and these in the order in which they came.
    tokens: HashMap<String, Vec<Action>>,
    known: VecDeque<String>,
    /// Lies below the items, and is not in what a query finds.
    base: Option<Base>,
    cost: Cost,
}

/// The table. Clones share their items.
#[derive(Clone, Default)]
pub struct Database {
    state: Arc<Mutex<State>>,
    witness: Option<Arc<Witness>>,
}

impl Database {
    /// An empty one, with what is called for each request.
    pub fn new(witness: Option<Witness>) -> Self {
        Self {
            state: Arc::default(),
            witness: witness.map(Arc::new),
        }
    }

    /// With items that are made when they are asked for. Queries do not find them.
    pub fn set_base(&self, base: Base) {
        self.state().base = Some(base);
    }

    /// What it has cost so far.
    pub fn cost(&self) -> Cost {
        self.state().cost
    }

    /// Puts an item, which costs nothing.
    pub fn lay(&self, item: Item) {
        if let Ok(key) = key_of(&item) {
            self.state().set(key, Some(item));
        }
    }

    /// Drops the items that nobody is going to ask for, which costs nothing, so that a long run needs no memory for them.
    pub fn drop_each(&self, is_over: impl Fn(&Item) -> bool) {
        let mut state = self.state();
        let over = state.items.iter().filter(|(_, item)| is_over(item));
        let over: Vec<Key> = over.map(|(key, _)| key.clone()).collect();
        for key in over {
            state.set(key, None);
        }
    }

    /// Answers the bytes of a request.
    pub fn answer(&self, operation: &str, request: &[u8]) -> (u16, Vec<u8>) {
        let answer = self.state().answer(operation, request);
        let (status, answer) = match answer {
            Ok(answer) => (200, answer),
            Err(refused) => {
                if let Refused::Unknown(_) = refused {
                    self.state().unknown.push(refused.to_string());
                }
                (400, refused.body().to_string().into_bytes())
            }
        };
        if let Some(witness) = &self.witness {
            witness(operation, request, status, &answer);
        }
        (status, answer)
    }

    /// All items, by their keys.
    pub fn items(&self) -> Vec<Item> {
        self.state().items.values().cloned().collect()
    }

    /// An item.
    pub fn item(&self, pk: &str, sk: &str) -> Option<Item> {
        let key = (pk.to_owned(), sk.to_owned());
        self.state().items.get(&key).cloned()
    }

    /// The records of the stream since the last time.
    pub fn records(&self) -> Vec<Value> {
        std::mem::take(&mut self.state().records)
    }

    /// What it was asked and does not know.
    pub fn unknown(&self) -> Vec<String> {
        self.state().unknown.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T: DeserializeOwned>(request: &[u8]) -> Result<T, Refused> {
    Ok(serde_json::from_slice(request)?)
}

pub(super) fn part(item: &Item, name: &str) -> Option<String> {
    Some(item.get(name)?.get("S")?.as_str()?.to_owned())
}

fn key_of(item: &Item) -> Result<Key, Refused> {
    let key = part(item, "pk").zip(part(item, "sk"));
    key.ok_or_else(|| Refused::Unknown("an item without its key".to_owned()))
}

/// The attributes that a projection names, none of them within another one.
fn attributes<'a>(
    projection: &'a str,
    names: &'a BTreeMap<String, String>,
) -> Result<Vec<&'a str>, Refused> {
    let wanted = projection.split(',').map(str::trim).map(|word| {
        if word.starts_with('#') {
            return names.get(word).map(String::as_str);
        }
        Some(word).filter(|word| !word.contains(['.', '[']))
    });
    wanted
        .collect::<Option<_>>()
        .ok_or_else(|| Refused::Unknown(projection.to_owned()))
}

impl State {
    fn item(&self, key: &Key) -> Option<Cow<'_, Item>> {
        let base = || self.base.as_ref()?(&key.0, &key.1).map(Cow::Owned);
        self.items.get(key).map(Cow::Borrowed).or_else(base)
    }

    fn answer(&mut self, operation: &str, request: &[u8]) -> Result<Vec<u8>, Refused> {
        self.cost.calls += 1;
        match operation {
            "GetItem" => {
                let get: Get = read(request)?;
                let mut cost = self.cost;
                let item = self.item(&key_of(&get.key)?);
                cost.reads(item.as_deref());
                let answer = Answer {
                    item: item.as_deref(),
                    ..Answer::default()
                };
                let answer = serde_json::to_vec(&answer)?;
                self.cost = cost;
                Ok(answer)
            }
            "BatchGetItem" => self.batch(&read(request)?),
            "Query" => self.query(&read(request)?),
            "PutItem" => self.write(Action::Put(read(request)?)),
            "UpdateItem" => self.write(Action::Update(read(request)?)),
            "DeleteItem" => self.write(Action::Delete(read(request)?)),
            "TransactWriteItems" => self.transact(read(request)?),
            other => Err(Refused::Unknown(other.to_owned())),
        }
    }

    fn batch(&mut self, batch: &Batch) -> Result<Vec<u8>, Refused> {
        let mut cost = self.cost;
        let mut responses = BTreeMap::new();
        for (table, asked) in &batch.request_items {
            let keys: Vec<Key> = asked.keys.iter().map(key_of).collect::<Result<_, _>>()?;
            let different: BTreeSet<&Key> = keys.iter().collect();
            if keys.is_empty() || keys.len() > LARGEST_BATCH || different.len() < keys.len() {
                return Err(Refused::Unknown(format!("a batch of {} keys", keys.len())));
            }
            let found: Vec<_> = keys.iter().map(|key| self.item(key)).collect();
            for item in &found {
                cost.reads(item.as_deref());
            }
            let found: Vec<_> = found.into_iter().flatten().collect();
            responses.insert(table, found);
        }
        let answer = json!({ "Responses": responses, "UnprocessedKeys": {} });
        let answer = serde_json::to_vec(&answer)?;
        self.cost = cost;
        Ok(answer)
    }

    fn query(&mut self, query: &Query) -> Result<Vec<u8>, Refused> {
        let names = &query.expression_attribute_names;
        let values = &query.expression_attribute_values;
        let condition = Expression::new(&query.key_condition_expression, names, values);
        let is_indexed = match (query.index_name.as_deref(), query.limit) {
            (None, None) => false,
            (Some(INDEX), _) => true,
            other => return Err(Refused::Unknown(format!("{other:?}"))),
        };
        let mut cost = self.cost;
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut items = Vec::new();
        if is_indexed {
            // The condition is one on the index's own order, so those that meet it come first.
            let due = part(values, ":due");
            let due = due.ok_or_else(|| Refused::Unknown(format!("{values:?}")))?;
            for item in self.index.of(&due).take(limit) {
                if !condition.holds(&item)? {
                    break;
                }
                items.push(Cow::Owned(item));
            }
        } else {
            let partition = part(values, ":pk").unwrap_or_default();
            let from = (partition.clone(), String::new());
            let of_partition = self.items.range(from..);
            for (_, item) in of_partition.take_while(|(key, _)| key.0 == partition) {
                if condition.holds(item)? {
                    items.push(Cow::Borrowed(item));
                }
            }
        }
        let is_full = items.len() >= limit;
        // What a filter leaves out was read all the same.
        cost.reads_together(items.iter().map(AsRef::as_ref));
        let scanned_count = items.len();
        let last = items.last().filter(|_| is_full);
        let last_evaluated_key = last.map(|it| it.as_ref().clone());
        if let Some(filter) = &query.filter_expression {
            let filter = Expression::new(filter, names, values);
            let mut kept = Vec::new();
            for item in items {
                if filter.holds(&item)? {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if let Some(wanted) = &query.projection_expression {
            let wanted = attributes(wanted, names)?;
            for item in &mut items {
                item.to_mut()
                    .retain(|name, _| wanted.contains(&name.as_str()));
            }
        }
        let page = Page {
            count: items.len(),
            scanned_count,
            last_evaluated_key,
            items,
        };
        let page = serde_json::to_vec(&page)?;
        self.cost = cost;
        Ok(page)
    }

    fn write(&mut self, action: Action) -> Result<Vec<u8>, Refused> {
        let shows = match action.write().return_values.as_deref() {
            None => false,
            Some("ALL_NEW") => true,
            Some(other) => return Err(Refused::Unknown(other.to_owned())),
        };
        let change = self.change(action)?;
        let answer = Answer {
            attributes: change.item.as_ref().filter(|_| shows),
            ..Answer::default()
        };
        let answer = serde_json::to_vec(&answer)?;
        self.make(change, false);
        Ok(answer)
    }

    fn transact(&mut self, transaction: Transaction) -> Result<Vec<u8>, Refused> {
        let token = transaction.client_request_token;
        let known = token.as_ref().and_then(|token| self.tokens.get(token));
        if let Some(known) = known {
            let is_same = *known == transaction.transact_items;
            return if is_same {
                Ok(b"{}".to_vec())
            } else {
                Err(Refused::Token)
            };
        }
        let mut changes = Vec::new();
        let mut reasons = Vec::new();
        for action in &transaction.transact_items {
            reasons.push(match self.change(action.clone()) {
                Ok(change) => {
                    if changes.iter().any(|other: &Change| other.key == change.key) {
                        return Err(Refused::Unknown("two writes of one item".to_owned()));
                    }
                    changes.push(change);
                    NONE
                }
                Err(Refused::Condition(_)) => "ConditionalCheckFailed",
                Err(other) => return Err(other),
            });
        }
        if changes.len() < reasons.len() {
            return Err(Refused::Canceled(reasons));
        }
        for change in changes {
            self.make(change, true);
        }
        if let Some(token) = token {
            self.known.push_back(token.clone());
            self.tokens.insert(token, transaction.transact_items);
            if self.known.len() > MOST_TOKENS
                && let Some(oldest) = self.known.pop_front()
            {
                self.tokens.remove(&oldest);
            }
        }
        Ok(b"{}".to_vec())
    }

    fn change(&self, action: Action) -> Result<Change, Refused> {
        let write = action.write();
        let is_check = matches!(action, Action::ConditionCheck(_));
        let key = key_of(&write.item)?;
        let known = self.item(&key);
        let known = known.as_deref();
        let expression = |text| {
            let names = &write.expression_attribute_names;
            Expression::new(text, names, &write.expression_attribute_values)
        };
        if let Some(condition) = &write.condition_expression {
            let nothing = Item::new();
            if !expression(condition).holds(known.unwrap_or(&nothing))? {
                let shows = match write.return_values_on_condition_check_failure.as_deref() {
                    None => false,
                    Some("ALL_OLD") => true,
                    Some(other) => return Err(Refused::Unknown(other.to_owned())),
                };
                return Err(Refused::Condition(known.cloned().filter(|_| shows)));
            }
        }
        let item = match action {
            Action::Put(write) => Some(write.item),
            Action::Delete(_) => None,
            Action::ConditionCheck(_) => known.cloned(),
            Action::Update(ref write) => {
                let mut item = known.unwrap_or(&write.item).clone();
                if let Some(update) = &write.update_expression {
                    expression(update).apply(&mut item)?;
                }
                Some(item)
            }
        };
        Ok(Change {
            key,
            item,
            is_check,
        })
    }

    fn make(&mut self, change: Change, is_in_transaction: bool) {
        let Change { key, item, .. } = change;
        // A check costs as much as a write.
        self.cost.writes(item.as_ref(), is_in_transaction);
        if change.is_check {
            return;
        }
        let is_event = key.1.starts_with("OUT#") || key.1.starts_with("EVENT#");
        if let Some(item) = &item
            && is_event
            && !self.items.contains_key(&key)
        {
            self.recorded += 1;
            self.records.push(json!({
                "eventName": "INSERT",
                "dynamodb": {
                    "Keys": {"pk": {"S": key.0}, "sk": {"S": key.1}},
                    "NewImage": item,
                    "SequenceNumber": format!("{:021}", self.recorded),
                },
            }));
        }
        self.set(key, item);
    }

    fn set(&mut self, key: Key, item: Option<Item>) {
        let before = self.items.get(&key);
        self.index.change(&key, before, item.as_ref());
        match item {
            Some(item) => drop(self.items.insert(key, item)),
            None => drop(self.items.remove(&key)),
        }
    }
}
