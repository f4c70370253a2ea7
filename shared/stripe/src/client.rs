//! The client: one call, its attempts, its log lines.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use reqwest::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::{
    IdempotencyKey,
    answer::Answer,
    error::{Cause, Effect, StripeError},
    pace::Pace,
    retry,
    settings::{BuildError, NewKey, Settings, bearer},
    transport::{Network, Transport, Undelivered},
};

/// An attempt that could not end before the deadline does more harm than good: its outcome would
/// be unknown where that of the one before it may be known.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(500);

/// A client of Stripe. It is cheap to clone, and clones share their connections.
#[derive(Clone)]
pub struct Stripe {
    shared: Arc<Shared>,
    deadline: Option<Instant>,
    pace: Option<Arc<Pace>>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    key: RwLock<Key>,
    new_key: Option<NewKey>,
    base: Url,
    attempt_timeout: Duration,
    total_timeout: Duration,
    attempts: u32,
    backoff: Duration,
}

/// The key in use, and the header that is made of it.
#[derive(Clone)]
struct Key {
    secret: SecretString,
    bearer: HeaderValue,
}

/// What Stripe answered.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// The object.
    pub value: T,
    /// Stripe's id of the request.
    pub request_id: Option<String>,
    /// Whether this is the stored answer of an earlier request with the same key.
    pub replayed: bool,
    /// When it was given, in Unix seconds by Stripe's clock; none if Stripe does not say.
    pub at: Option<i64>,
}

/// One operation with its parameters, the same for every attempt.
pub(crate) struct Call<'a> {
    /// A name for logs.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// The query of a GET, the body of a POST.
    pub(crate) parameters: &'a str,
    pub(crate) key: Option<&'a IdempotencyKey>,
}

/// A failed attempt.
struct Failure {
    error: StripeError,
    worth_retrying: bool,
}

impl Stripe {
    /// Builds the client and checks that the key is safe where it goes.
    pub fn new(settings: Settings) -> Result<Self, BuildError> {
        settings.check()?;
        let bearer = bearer(&settings.secret_key).ok_or(BuildError::SecretKey)?;
        let transport = match settings.transport {
            Some(transport) => transport,
            None => Arc::new(Network::new(
                &settings.trust.clone().unwrap_or_default(),
                settings.is_loopback(),
            )?),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                transport,
                key: RwLock::new(Key {
                    secret: settings.secret_key,
                    bearer,
                }),
                new_key: settings.new_key,
                base: settings.base,
                attempt_timeout: settings.attempt_timeout,
                total_timeout: settings.total_timeout,
                attempts: settings.attempts,
                backoff: settings.backoff,
            }),
            deadline: None,
            pace: None,
        })
    }

    /// The same client, whose attempts wait for their turn. It sends again what Stripe refuses for the
    /// number of calls, since what it does can wait.
    #[must_use]
    pub fn with_pace(self, pace: Pace) -> Self {
        Self {
            pace: Some(Arc::new(pace)),
            ..self
        }
    }

    /// The same client, all of whose calls end by `deadline`, or by the one it had if that is
    /// earlier.
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        let deadline = self
            .deadline
            .map_or(deadline, |earlier| earlier.min(deadline));
        Self {
            deadline: Some(deadline),
            ..self.clone()
        }
    }

    /// Makes the call and reads the object.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
    ) -> Result<Reply<T>, StripeError> {
        let reply = self.call_for_json(call).await?;
        match serde_json::from_value(reply.value) {
            Ok(value) => Ok(Reply {
                value,
                request_id: reply.request_id,
                replayed: reply.replayed,
                at: reply.at,
            }),
            Err(_) => Err(misread(call, reply.request_id, reply.replayed)),
        }
    }

    /// Makes the call, again where that is safe and useful. It knows nothing of the object, so that
    /// it is in a binary once.
    async fn call_for_json(&self, call: &Call<'_>) -> Result<Reply<Value>, StripeError> {
        let deadline = self.deadline_of_a_call();
        let mut outcome_unknown = false;
        let mut attempt = 1;
        let mut may_renew = true;
        loop {
            let key = self.key();
            let failure = match self.attempt(call, &key, attempt, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            // Stripe did nothing, and stored nothing under the idempotency key, so the same bytes
            // may go out again at once under another key of the account.
            let refused = matches!(failure.error, StripeError::Unauthenticated { .. });
            if refused && std::mem::take(&mut may_renew) && self.renew(&key).await {
                attempt += 1;
                continue;
            }
            let error = if outcome_unknown {
                failure.error.after_unknown_outcome()
            } else {
                failure.error
            };
            outcome_unknown = error.effect() == Effect::Unknown && call.changes();
            let pause = retry::pause(self.shared.backoff, attempt, retry::jitter());
            let in_time = time_left(deadline) >= pause + self.shortest_attempt();
            if !failure.worth_retrying || attempt >= self.shared.attempts || !in_time {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn key(&self) -> Key {
        let key = self.shared.key.read();
        key.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds another key than the one that was refused, and says whether there is one.
    async fn renew(&self, refused: &Key) -> bool {
        let Some(new_key) = &self.shared.new_key else {
            return false;
        };
        let Some(secret) = new_key(refused.secret.clone()).await else {
            return false;
        };
        let Some(bearer) = bearer(&secret) else {
            return false;
        };
        let key = self.shared.key.write();
        *key.unwrap_or_else(PoisonError::into_inner) = Key { secret, bearer };
        true
    }

    fn deadline_of_a_call(&self) -> Instant {
        let own = Instant::now() + self.shared.total_timeout;
        self.deadline.map_or(own, |given| given.min(own))
    }

    fn shortest_attempt(&self) -> Duration {
        SHORTEST_ATTEMPT.min(self.shared.attempt_timeout)
    }

    /// Makes one attempt and writes its log line.
    async fn attempt(
        &self,
        call: &Call<'_>,
        key: &Key,
        attempt: u32,
        deadline: Instant,
    ) -> Result<Reply<Value>, Failure> {
        let has_turn = match &self.pace {
            Some(pace) => pace.turn(deadline).await,
            None => true,
        };
        let started = Instant::now();
        let timeout = time_left(deadline).min(self.shared.attempt_timeout);
        let (status, result) = if !has_turn || timeout < self.shortest_attempt() {
            (
                None,
                Err(Failure {
                    error: out_of_time(),
                    worth_retrying: false,
                }),
            )
        } else {
            self.exchange(call, key, timeout).await
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let operation = call.operation;
        match &result {
            Ok(reply) => tracing::info!(
                operation,
                attempt,
                status,
                duration_ms,
                request_id = reply.request_id,
                replayed = reply.replayed,
                "stripe answered"
            ),
            Err(Failure { error, .. }) => tracing::warn!(
                operation,
                attempt,
                status,
                duration_ms,
                request_id = error.request_id(),
                outcome = error.outcome(),
                code = error.code(),
                "stripe call failed"
            ),
        }
        result
    }

    async fn exchange(
        &self,
        call: &Call<'_>,
        key: &Key,
        timeout: Duration,
    ) -> (Option<u16>, Result<Reply<Value>, Failure>) {
        let Some(request) = self.request(call, key) else {
            let failure = Failure {
                error: unavailable(Effect::None, Cause::Connect, None),
                worth_retrying: false,
            };
            return (None, Err(failure));
        };
        let carried = self.shared.transport.carry(request, timeout).await;
        let delivered = match carried {
            Ok(delivered) => delivered,
            Err(error) => return (error.status, Err(no_answer(error, call.changes()))),
        };
        let status = delivered.status;
        let answer = Answer {
            status,
            headers: &delivered.headers,
            body: &delivered.body,
            changes: call.changes(),
        };
        let is_too_fast = status == 429;
        if let Some(pace) = &self.pace {
            pace.learn(is_too_fast);
        }
        let result = match answer.read() {
            Ok(value) => Ok(Reply {
                value,
                request_id: answer.request_id(),
                replayed: answer.replayed(),
                at: answer.at(),
            }),
            Err(error) => Err(Failure {
                error,
                worth_retrying: retry::is_worthwhile(Some(status), answer.should_retry())
                    || (is_too_fast && self.pace.is_some() && answer.should_retry().is_none()),
            }),
        };
        (Some(status), result)
    }

    /// The request of one attempt; none if its key cannot be in a header, which no key here is.
    fn request(&self, call: &Call<'_>, key: &Key) -> Option<Request> {
        let mut url = self.shared.base.clone();
        url.set_path(call.path);
        let is_post = call.method == Method::POST;
        let query = Some(call.parameters).filter(|query| !is_post && !query.is_empty());
        url.set_query(query);
        let mut request = Request::new(call.method.clone(), url);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, key.bearer.clone());
        if is_post {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
            if let Some(key) = call.key {
                let name = HeaderName::from_static("idempotency-key");
                headers.insert(name, HeaderValue::from_str(key.as_str()).ok()?);
            }
            *request.body_mut() = Some(call.parameters.to_owned().into());
        }
        Some(request)
    }
}

impl Call<'_> {
    fn changes(&self) -> bool {
        self.method != Method::GET
    }
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe")
            .field("host", &self.shared.base.host_str())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

fn time_left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// An answer of success whose object is of another form than any known one. The text of the error
/// quotes the value, which may be a secret, so it is dropped.
fn misread(call: &Call<'_>, request_id: Option<String>, replayed: bool) -> StripeError {
    tracing::warn!(
        operation = call.operation,
        request_id,
        outcome = "unreadable",
        "stripe call failed"
    );
    StripeError::Unavailable {
        effect: if call.changes() {
            Effect::Unknown
        } else {
            Effect::None
        },
        replayed,
        cause: Cause::Unreadable { line: 0, column: 0 },
        code: None,
        retry_after: None,
        request_id,
        source: None,
    }
}

fn out_of_time() -> StripeError {
    unavailable(Effect::None, Cause::OutOfTime, None)
}

/// What may have reached Stripe of an attempt that was not answered.
fn no_answer(error: Undelivered, changes: bool) -> Failure {
    let effect = if error.cause == Cause::Connect || !changes {
        Effect::None
    } else {
        Effect::Unknown
    };
    Failure {
        worth_retrying: error.worth_retrying && retry::is_worthwhile(None, None),
        error: unavailable(effect, error.cause, error.source),
    }
}

fn unavailable(effect: Effect, cause: Cause, source: Option<reqwest::Error>) -> StripeError {
    StripeError::Unavailable {
        effect,
        replayed: false,
        cause,
        code: None,
        retry_after: None,
        request_id: None,
        source,
    }
}
