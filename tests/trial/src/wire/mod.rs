//! The wire between the functions and the two services: all outside calls pass here, are counted,
//! and go wrong on demand.

mod behind;
mod call;
mod fault;
mod gate;
mod http1;
mod inside;
mod mutation;
mod sockets;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

pub use call::{Call, Door, Service};
pub use fault::{Fault, Often};
pub use gate::Gate;
pub use mutation::Bug;

pub use behind::Behind;
pub use inside::Inside;
pub use sockets::Sockets;

use crate::table::UNREADABLE;

use behind::Answer;
use call::Reading;

/// The one call of a case that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// How.
    pub fault: Fault,
    /// How often.
    pub often: Often,
    /// Which: the number of the call, counted from 0.
    pub at: usize,
}

/// A call that has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Through which door.
    pub door: Door,
    /// To which service.
    pub service: Service,
    /// Its name.
    pub name: String,
    /// Whether it may have changed something.
    pub changes: bool,
    /// What went wrong with it.
    pub fault: Option<Fault>,
    /// The status that was answered.
    pub status: Option<u16>,
    /// What was sent, in a number: the same for the same bytes, but for the order in which the members
    /// of an item stand.
    pub digest: u64,
}

/// A request that was sent under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: String,
    /// Method and path.
    pub target: String,
    /// The parameters, byte for byte.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct State {
    behind: Option<Behind>,
    trouble: Option<Trouble>,
    /// What every further try of the same call meets while the invocation lasts.
    again: Option<(Door, String, Fault)>,
    /// What each further request under a key meets.
    stored: HashMap<String, Fault>,
    passed: Vec<Passed>,
    keyed: Vec<Keyed>,
    unkeyed: Vec<String>,
    bug: Option<Bug>,
    tries: u32,
    gate: Option<Arc<Gate>>,
    /// With the bug of that name: what the sweeper has yet to store.
    put_off: Vec<Call>,
    /// With the bug of that name: whether the sweep has met what it cannot read.
    has_stopped: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    deaths: [Notify; call::DOORS],
    endless: Notify,
}

/// What becomes of a call.
enum Outcome {
    /// It is answered.
    Answered(Answer),
    /// The answer breaks off in its middle.
    Severed(Answer),
    /// The connection is lost, and nobody knows of an effect.
    Lost,
    /// Nothing comes until the caller gives up, or is dead.
    Hangs,
}

/// More calls than the longest case makes. A case that makes more goes round in circles.
const MOST_CALLS: usize = 20_000;

/// What all outside calls of a case pass.
#[derive(Clone, Default)]
pub struct Wire {
    shared: Arc<Shared>,
}

impl Wire {
    /// Begins a case: what is behind the doors, and what will go wrong.
    pub fn begin(&self, behind: Behind, trouble: Option<Trouble>, bug: Option<Bug>) {
        *self.shared.state() = State {
            behind: Some(behind),
            trouble,
            bug,
            ..State::default()
        };
    }

    /// From here on calls pass when the gate says so; none lets them pass at once.
    pub fn set_gate(&self, gate: Option<Arc<Gate>>) {
        self.shared.state().gate = gate;
    }

    /// Ends when the process behind the door has to die.
    pub async fn death(&self, door: Door) {
        if let Some(death) = self.shared.deaths.get(door.index()) {
            death.notified().await;
        }
    }

    /// Ends when the case has made more calls than any case that comes to an end.
    pub async fn endless(&self) {
        self.shared.endless.notified().await;
    }

    /// The invocation is over, and with it what its repeats met.
    pub fn invocation_over(&self) {
        let mut state = self.shared.state();
        state.again = None;
        state.put_off.clear();
        state.has_stopped = false;
    }

    /// A day has passed, and Stripe has forgotten its keys.
    pub fn forget_keys(&self) {
        self.shared.state().stored.clear();
    }

    /// The calls so far.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.state().passed.clone()
    }

    /// How many calls there were so far.
    pub fn count(&self) -> usize {
        self.shared.state().passed.len()
    }

    /// The requests that were sent under a key.
    pub fn keyed(&self) -> Vec<Keyed> {
        self.shared.state().keyed.clone()
    }

    /// The requests that change something at Stripe and had no key.
    pub fn unkeyed(&self) -> Vec<String> {
        self.shared.state().unkeyed.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one call pass, in its turn, and gives what becomes of it.
    async fn exchange(&self, mut call: Call) -> Outcome {
        let Some(behind) = self.state().behind.clone() else {
            return Outcome::Lost;
        };
        if call.door == Door::Watcher {
            return Outcome::Answered(behind.answer(&call).await);
        }
        let gate = self.state().gate.clone();
        let passage = match &gate {
            Some(gate) => Some(gate.enter(call.door, &call.name()).await),
            None => None,
        };
        let (number, fault) = self.state().enter(&mut call);
        if number >= MOST_CALLS {
            self.endless.notify_one();
            return Outcome::Hangs;
        }
        let (broken, repeated) = fault.unzip();
        let answer = match broken {
            Some(fault) if !fault.has_effect() || repeated == Some(true) => None,
            _ => Some(self.forward(&behind, &call).await),
        };
        drop(passage);
        if let Some(passed) = self.state().passed.get_mut(number) {
            passed.status = answer.as_ref().map(|answer| answer.status);
        }
        match broken {
            None => answer.map_or(Outcome::Lost, Outcome::Answered),
            Some(fault) => self.go_wrong(fault, &call, answer, repeated == Some(true)),
        }
    }

    fn go_wrong(
        &self,
        fault: Fault,
        call: &Call,
        answer: Option<Answer>,
        is_repeat: bool,
    ) -> Outcome {
        match fault {
            Fault::DieBefore | Fault::DieAfter => {
                if let Some(death) = self.deaths.get(call.door.index()) {
                    death.notify_one();
                }
                Outcome::Hangs
            }
            Fault::HangBefore | Fault::HangAfter => Outcome::Hangs,
            Fault::Severed => answer.map_or(Outcome::Lost, Outcome::Severed),
            _ => match fault.answer(call) {
                None => Outcome::Lost,
                Some((status, body, mut headers)) => {
                    if !is_repeat {
                        // The first answer under a key is not yet a replay.
                        headers.retain(|(name, _)| *name != "idempotent-replayed");
                    }
                    Outcome::Answered(Answer::json(status, headers, body.into_bytes()))
                }
            },
        }
    }

    async fn forward(&self, behind: &Behind, call: &Call) -> Answer {
        let bug = self.state().bug;
        if let Some(made_up) = bug.and_then(|bug| bug.answers(call)) {
            return Answer::json(200, Vec::new(), made_up.into_bytes());
        }
        match bug {
            Some(Bug::CursorFirst) => self.cursor_first(behind, call).await,
            Some(Bug::UnreadableStops) => self.stop_at_unreadable(behind, call).await,
            _ => behind.answer(call).await,
        }
    }

    /// The sweeper stores its events only once its cursor has moved, unless it dies between the two.
    async fn cursor_first(&self, behind: &Behind, call: &Call) -> Answer {
        let name = call.name();
        if call.door == Door::Sweeper && name == "PutItem EVENT" {
            self.state().put_off.push(call.clone());
            return Answer::json(200, Vec::new(), b"{}".to_vec());
        }
        let answer = behind.answer(call).await;
        if call.door == Door::Sweeper && name == "PutItem CURSOR" {
            let trouble = self.state().trouble;
            let dies = trouble.is_some_and(|trouble| {
                let number = self.state().passed.len();
                trouble.fault == Fault::DieAfter && trouble.at + 1 == number
            });
            let put_off = std::mem::take(&mut self.state().put_off);
            for put in put_off.iter().filter(|_| !dies) {
                behind.answer(put).await;
            }
        }
        answer
    }

    /// Once the sweeper was shown an item that it cannot read, everything fails for the rest of its
    /// run.
    async fn stop_at_unreadable(&self, behind: &Behind, call: &Call) -> Answer {
        if call.door != Door::Sweeper {
            return behind.answer(call).await;
        }
        if self.state().has_stopped {
            let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ValidationException","message":"on purpose"}"#;
            return Answer::json(400, Vec::new(), body.as_bytes().to_vec());
        }
        let answer = behind.answer(call).await;
        let unreadable = UNREADABLE.as_bytes();
        let mut shown = answer.body.windows(unreadable.len());
        if shown.any(|part| part == unreadable) {
            self.state().has_stopped = true;
        }
        answer
    }
}

impl State {
    /// Counts the call and says what goes wrong with it.
    fn enter(&mut self, call: &mut Call) -> (usize, Option<(Fault, bool)>) {
        if let Some(bug) = self.bug {
            self.tries += 1;
            bug.plant(call, self.tries);
        }
        let number = self.passed.len();
        let Reading { name, digest } = call.read();
        let fault = self.fault(number, call, &name);
        if call.service == Service::Stripe && call.changes() {
            let target = format!("{} {}", call.method, call.path);
            match call.key() {
                Some(key) => {
                    self.keyed.push(Keyed {
                        key: key.to_owned(),
                        target,
                        body: call.body.clone(),
                    });
                }
                // To delete twice is to delete once.
                None if call.method == "DELETE" => {}
                None => self.unkeyed.push(target),
            }
        }
        self.passed.push(Passed {
            door: call.door,
            service: call.service,
            name,
            changes: call.changes(),
            fault: fault.map(|(fault, _)| fault),
            status: None,
            digest,
        });
        (number, fault)
    }

    /// The fault, and whether it is the repeat of one that is stored.
    fn fault(&mut self, number: usize, call: &Call, name: &str) -> Option<(Fault, bool)> {
        if let Some(fault) = call.key().and_then(|key| self.stored.get(key)) {
            return Some((*fault, true));
        }
        if let Some((door, again, fault)) = &self.again
            && (*door, again.as_str()) == (call.door, name)
        {
            return Some((*fault, false));
        }
        let trouble = self.trouble.filter(|trouble| trouble.at == number)?;
        if !trouble.fault.can_hit(call.service, name, call.changes()) {
            return None;
        }
        if trouble.often == Often::EveryTry {
            self.again = Some((call.door, name.to_owned(), trouble.fault));
        }
        if let (true, Some(key)) = (trouble.fault.is_stored(), call.key()) {
            self.stored.insert(key.to_owned(), trouble.fault);
        }
        Some((trouble.fault, false))
    }
}
