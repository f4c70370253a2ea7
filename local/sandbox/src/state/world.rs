//! One account with all that is in it.

use super::render::{changed_fields, shown};
use super::store::Store;
use super::{Fields, Kind, clock, deliveries, ids};
use crate::error::Result;
use crate::wallets;
use serde_json::{Value, json};

/// Who asked for the change that is going on, for `event.request`; nobody when a timer did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The id in the `Request-Id` header.
    pub(crate) request: Option<String>,
    /// The key in the `Idempotency-Key` header.
    pub(crate) idempotency_key: Option<String>,
}

/// The whole state of the sandbox, changed by one request or timer at a time.
#[derive(Debug)]
pub(crate) struct World {
    /// The records.
    pub(crate) store: Store,
    /// Where the sandbox is reached, for the links that it hands out.
    pub(crate) base_url: String,
    /// Who is asking.
    pub(crate) origin: Origin,
    /// In place of the machine's time, for one whose time only the control API moves.
    pub(crate) frozen: Option<i64>,
    /// The time at which a timer was due that is run now. One that is run late, since the sandbox was
    /// not running or its time has jumped, does what it would have done then.
    pub(crate) due_at: Option<i64>,
    /// The time that a preview pretends it is, on every clock.
    pub(crate) pretended: Option<i64>,
}

/// The one account.
pub(crate) const ACCOUNT: &str = "acct_perennial_sandbox";

impl World {
    /// What the account may do, with every capability on until the control API turns it off.
    pub(crate) fn account(&self) -> Value {
        let mut account = json!({
            "id": ACCOUNT, "card": true, "country": "US", "latency_ms": 0, "hold": false,
            "ahead": 0, "after_first_failure": "past_due", "after_retries": "cancel", "after_pause": "resume",
            "refunds": "succeed", "local_endpoints": false, "portal_default": true,
        });
        for wallet in &wallets::ALL {
            account.set(wallet.name, true);
        }
        // A file of an older sandbox lacks the newer settings.
        let kept = self.store.get(Kind::Account, ACCOUNT);
        for (name, value) in kept.and_then(Value::as_object).into_iter().flatten() {
            account.set(name, value.clone());
        }
        account
    }

    /// Changes one setting of the account.
    pub(crate) fn set_account(&mut self, name: &str, value: impl Into<Value>) {
        let mut account = self.account();
        account.set(name, value);
        self.store.put(Kind::Account, ACCOUNT, account);
    }

    /// The payment method types that the account may use, in Stripe's order.
    pub(crate) fn capabilities(&self) -> Vec<&'static str> {
        let account = self.account();
        let redirects = wallets::redirects().map(|(wallet, _)| wallet.name);
        ["card"]
            .into_iter()
            .chain(redirects)
            .filter(|name| account.flag(name))
            .collect()
    }

    /// The sandbox's own time in seconds, which runs ahead of the machine's once the control API moved it.
    pub(crate) fn now(&self) -> i64 {
        if let Some(at) = self.pretended.or(self.due_at) {
            return at;
        }
        self.frozen.unwrap_or_else(clock::machine_seconds) + self.setting("ahead")
    }

    /// A setting of the account that is a number, and 0 at first.
    pub(crate) fn setting(&self, name: &str) -> i64 {
        let kept = self.store.get(Kind::Account, ACCOUNT);
        kept.and_then(|account| account.int(name)).unwrap_or(0)
    }

    /// The time for objects on a test clock, or the sandbox's own.
    pub(crate) fn now_on(&self, clock: Option<&str>) -> i64 {
        let frozen = clock
            .and_then(|clock| self.store.get(Kind::TestClock, clock))
            .and_then(|clock| clock.int("frozen_time"));
        self.pretended.or(frozen).unwrap_or_else(|| self.now())
    }

    /// The time that passes for this object.
    pub(crate) fn now_for(&self, object: &Value) -> i64 {
        self.now_on(object.text("_clock"))
    }

    /// The object, for one that the sandbox itself refers to.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Result<Value> {
        self.at_param(kind, id, "id")
    }

    /// The object that a path names: 404 when there is none.
    pub(crate) fn at_path(&self, kind: Kind, id: &str) -> Result<Value> {
        self.at_param(kind, id, kind.in_path())
            .map_err(|error| error.with_status(404))
    }

    /// The object that a parameter names: 400 when there is none.
    pub(crate) fn at_param(&self, kind: Kind, id: &str, param: &str) -> Result<Value> {
        self.store
            .get(kind, id)
            .cloned()
            .ok_or_else(|| kind.no_such(id, param))
    }

    /// Keeps an object under its own id.
    pub(crate) fn save(&mut self, object: &Value) {
        if let Some(kind) = object.text("object").and_then(Kind::of_object) {
            self.store.put(kind, object.id(), object.clone());
        }
    }

    /// Keeps a new object and tells of it.
    pub(crate) fn create(&mut self, object: &Value, event: &str) {
        self.save(object);
        self.emit(event, object);
    }

    /// Keeps an object and tells of it if it changed.
    pub(crate) fn update(&mut self, before: &Value, after: &Value, event: &str) {
        self.save(after);
        let previous = changed_fields(&shown(before), &shown(after));
        if previous
            .as_object()
            .is_some_and(|fields| !fields.is_empty())
        {
            self.emit_with(event, after, Some(previous));
        }
    }

    /// Tells of what happened to an object.
    pub(crate) fn emit(&mut self, event: &str, object: &Value) {
        self.emit_with(event, object, None);
    }

    fn emit_with(&mut self, event: &str, object: &Value, previous: Option<Value>) {
        let id = ids::id("evt");
        let mut event = json!({
            "id": id,
            "object": "event",
            "api_version": crate::API_VERSION,
            "created": self.now_for(object),
            "data": {},
            "livemode": false,
            "pending_webhooks": 0,
            "request": {"id": self.origin.request, "idempotency_key": self.origin.idempotency_key},
            "type": event,
        });
        // The macro would copy them.
        event.set("data.object", shown(object));
        if let Some(previous) = previous {
            event.set("data.previous_attributes", previous);
        }
        self.save(&event);
        deliveries::send_to_endpoints(self, &event);
    }
}
