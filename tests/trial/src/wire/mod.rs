//! The wire between the functions and the two services: all outside calls pass here, are counted,
//! and go wrong on demand.

mod call;
mod fault;
mod gate;
mod http;
mod mutation;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use call::{Call, Door, Service};
pub use fault::{Fault, Often};
pub use gate::Gate;
pub use mutation::Bug;

use crate::broken::Broken;
use http::{Answer, Request};

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
    stripe: String,
    dynamodb: String,
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
}

struct Shared {
    state: Mutex<State>,
    deaths: [Notify; call::DOORS],
    http: reqwest::Client,
}

/// A running wire with one port for each door. It stops when it is dropped.
pub struct Wire {
    shared: Arc<Shared>,
    urls: Vec<String>,
    tasks: Vec<JoinHandle<()>>,
}

impl Wire {
    /// Opens the doors.
    pub async fn start(http: reqwest::Client) -> Result<Self, Broken> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            deaths: std::array::from_fn(|_| Notify::new()),
            http,
        });
        let (mut urls, mut tasks) = (Vec::new(), Vec::new());
        for door in Door::ALL {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            urls.push(format!("http://{}", listener.local_addr()?));
            tasks.push(tokio::spawn(accept(listener, door, Arc::clone(&shared))));
        }
        Ok(Self {
            shared,
            urls,
            tasks,
        })
    }

    /// Where the functions behind a door find both services.
    pub fn url(&self, door: Door) -> &str {
        self.urls.get(door.index()).map_or("", String::as_str)
    }

    /// Begins a case: what is behind the doors, and what will go wrong.
    pub fn begin(&self, stripe: &str, dynamodb: &str, trouble: Option<Trouble>, bug: Option<Bug>) {
        *self.shared.state() = State {
            stripe: stripe.to_owned(),
            dynamodb: dynamodb.to_owned(),
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

    /// The invocation is over, and with it what its repeats met.
    pub fn invocation_over(&self) {
        self.shared.state().again = None;
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

impl Drop for Wire {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let name = call.name();
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

async fn accept(listener: TcpListener, door: Door, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A client that goes away in the middle is what this is about.
            let _ = serve(stream, door, &shared).await;
        });
    }
}

async fn serve(mut stream: TcpStream, door: Door, shared: &Shared) -> std::io::Result<()> {
    let mut rest = Vec::new();
    while let Some(request) = http::read(&mut stream, &mut rest).await? {
        let mut call = to_call(door, request);
        if door == Door::Watcher {
            match forward(shared, &call).await {
                Some(answer) => http::write(&mut stream, &answer, true).await?,
                None => return Ok(()),
            }
            continue;
        }
        let gate = shared.state().gate.clone();
        let passage = match &gate {
            Some(gate) => Some(gate.enter(door, &call.name()).await),
            None => None,
        };
        let (number, fault) = shared.state().enter(&mut call);
        let (broken, repeated) = fault.unzip();
        let answer = match broken {
            Some(fault) if !fault.has_effect() || repeated == Some(true) => None,
            _ => forward(shared, &call).await,
        };
        drop(passage);
        if let Some(passed) = shared.state().passed.get_mut(number) {
            passed.status = answer.as_ref().map(|answer| answer.status);
        }
        let Some(fault) = broken else {
            match answer {
                Some(answer) => http::write(&mut stream, &answer, true).await?,
                None => return Ok(()),
            }
            continue;
        };
        match fault {
            Fault::DieBefore | Fault::DieAfter => {
                if let Some(death) = shared.deaths.get(door.index()) {
                    death.notify_one();
                }
                http::wait_for_hangup(&mut stream).await;
                return Ok(());
            }
            Fault::HangBefore | Fault::HangAfter => {
                http::wait_for_hangup(&mut stream).await;
                return Ok(());
            }
            Fault::LostBefore | Fault::LostAfter => return Ok(()),
            Fault::Severed => {
                if let Some(answer) = answer {
                    http::write(&mut stream, &answer, false).await?;
                }
                return Ok(());
            }
            _ => {
                let Some((status, body, mut headers)) = fault.answer(&call) else {
                    return Ok(());
                };
                if repeated == Some(false) {
                    // The first answer under a key is not yet a replay.
                    headers.retain(|(name, _)| *name != "idempotent-replayed");
                }
                headers.push(("content-type", "application/json".to_owned()));
                let headers = headers
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                let answer = Answer {
                    status,
                    headers,
                    body: body.into_bytes(),
                };
                http::write(&mut stream, &answer, true).await?;
            }
        }
    }
    Ok(())
}

fn to_call(door: Door, request: Request) -> Call {
    let is_dynamodb = request
        .headers
        .iter()
        .any(|(name, _)| name == "x-amz-target");
    Call {
        door,
        service: if is_dynamodb {
            Service::DynamoDb
        } else {
            Service::Stripe
        },
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body,
    }
}

async fn forward(shared: &Shared, call: &Call) -> Option<Answer> {
    if let Some(answer) = shared.state().bug.and_then(|bug| bug.answers(call)) {
        let headers = vec![(
            "content-type".to_owned(),
            "application/x-amz-json-1.0".to_owned(),
        )];
        return Some(Answer {
            status: 200,
            headers,
            body: answer.into_bytes(),
        });
    }
    let base = match call.service {
        Service::Stripe => shared.state().stripe.clone(),
        Service::DynamoDb => shared.state().dynamodb.clone(),
    };
    let method = call.method.parse().ok()?;
    let mut request = shared.http.request(method, format!("{base}{}", call.path));
    for (name, value) in &call.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "connection") {
            request = request.header(name, value);
        }
    }
    let answer = request.body(call.body.clone()).send().await.ok()?;
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "content-length" | "transfer-encoding"))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = answer.bytes().await.ok()?.to_vec();
    Some(Answer {
        status,
        headers,
        body,
    })
}
