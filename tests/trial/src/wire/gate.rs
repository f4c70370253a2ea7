//! The order in which calls of several doors pass, decided by a seed.
//!
//! Each call waits at the gate. The gate picks a door and lets a few of its calls through, one at a
//! time, while the others wait; a door that has no call for a moment is thinking or asleep, and
//! another is picked. So the seed decides who overtakes whom. Callers that nobody has announced are
//! not held up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::call::{DOORS, Door};
use crate::rng::Rng;

/// Longer than a function computes between two calls, and shorter than it waits for another
/// request (150 ms).
const A_MOMENT: Duration = Duration::from_millis(40);

/// How long a call takes, so that somebody who looks every millisecond can act between two of them.
const A_CALL: Duration = Duration::from_millis(2);

/// How many calls in a row one door may have.
const LONGEST_TURN: usize = 6;

struct Waiting {
    door: Door,
    name: String,
    pass: oneshot::Sender<oneshot::Sender<()>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// How many callers behind each door are still at work.
    active: [usize; DOORS],
    /// Doors whose callers have to wait, whatever the seed says.
    held: [bool; DOORS],
    order: Vec<String>,
}

/// A gate. It stops when its last handle is dropped.
pub struct Gate {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    task: JoinHandle<()>,
}

/// The right to be under way; the next call passes when this is dropped.
pub(super) struct Passage {
    _done: Option<oneshot::Sender<()>>,
}

/// A caller behind a door, until it is dropped.
pub struct Busy {
    door: Door,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

impl Gate {
    /// A gate whose order comes of this.
    pub fn new(mut rng: Rng) -> Arc<Self> {
        let state: Arc<Mutex<State>> = Arc::default();
        let changed = Arc::new(Notify::new());
        let task = tokio::spawn({
            let (state, changed) = (Arc::clone(&state), Arc::clone(&changed));
            async move {
                loop {
                    turn(&mut rng, &state, &changed).await;
                }
            }
        });
        Arc::new(Self {
            state,
            changed,
            task,
        })
    }

    /// Says that somebody behind the door is at work until the result is dropped.
    pub fn busy(&self, door: Door) -> Busy {
        if let Some(active) = lock(&self.state).active.get_mut(door.index()) {
            *active += 1;
        }
        self.changed.notify_one();
        Busy {
            door,
            state: Arc::clone(&self.state),
            changed: Arc::clone(&self.changed),
        }
    }

    /// Holds up the callers of a door, or no longer.
    pub fn hold(&self, door: Door, held: bool) {
        if let Some(is_held) = lock(&self.state).held.get_mut(door.index()) {
            *is_held = held;
        }
        self.changed.notify_one();
    }

    /// The order in which calls have passed.
    pub fn order(&self) -> Vec<String> {
        lock(&self.state).order.clone()
    }

    pub(super) async fn enter(&self, door: Door, name: &str) -> Passage {
        let (pass, passed) = oneshot::channel();
        {
            let mut state = lock(&self.state);
            if state
                .active
                .get(door.index())
                .is_none_or(|active| *active == 0)
            {
                return Passage { _done: None };
            }
            state.waiting.push(Waiting {
                door,
                name: name.to_owned(),
                pass,
            });
        }
        self.changed.notify_one();
        let done = passed.await.ok();
        tokio::time::sleep(A_CALL).await;
        Passage { _done: done }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(active) = lock(&self.state).active.get_mut(self.door.index()) {
            *active = active.saturating_sub(1);
        }
        self.changed.notify_one();
    }
}

/// One door's turn.
async fn turn(rng: &mut Rng, state: &Mutex<State>, changed: &Notify) {
    let doors: Vec<Door> = {
        let state = lock(state);
        let is_active = |door: &Door| {
            state
                .active
                .get(door.index())
                .is_some_and(|active| *active > 0)
                && state.held.get(door.index()) == Some(&false)
        };
        Door::ALL.into_iter().filter(is_active).collect()
    };
    if doors.is_empty() {
        // What is left of callers that are done, such as a process that has died.
        let idle = |door: Door| lock(state).active.get(door.index()) == Some(&0);
        let left: Vec<Door> = Door::ALL.into_iter().filter(|door| idle(*door)).collect();
        release(state, |waiting| left.contains(&waiting.door)).await;
        changed.notified().await;
        return;
    }
    let Some(door) = doors.get(rng.below(doors.len())).copied() else {
        return;
    };
    for _ in 0..=rng.below(LONGEST_TURN) {
        let arrived = async {
            loop {
                let (has_call, is_over) = {
                    let state = lock(state);
                    let has_call = state.waiting.iter().any(|waiting| waiting.door == door);
                    let active = state
                        .active
                        .get(door.index())
                        .is_some_and(|active| *active > 0);
                    (
                        has_call,
                        !active || state.held.get(door.index()) == Some(&true),
                    )
                };
                if has_call || is_over {
                    return has_call && !is_over;
                }
                changed.notified().await;
            }
        };
        match tokio::time::timeout(A_MOMENT, arrived).await {
            Ok(true) => release(state, |waiting| waiting.door == door).await,
            _ => return,
        }
    }
}

/// Lets the first fitting call through and waits until it is done.
async fn release(state: &Mutex<State>, fits: impl Fn(&Waiting) -> bool) {
    let next = {
        let mut state = lock(state);
        let place = state.waiting.iter().position(fits);
        let next = place.map(|place| state.waiting.remove(place));
        if let Some(next) = &next {
            state
                .order
                .push(format!("{} {}", next.door.name(), next.name));
        }
        next
    };
    if let Some(next) = next {
        let (done, is_done) = oneshot::channel();
        if next.pass.send(done).is_ok() {
            // An error is how a dropped passage says that it is done.
            let _ = is_done.await;
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
