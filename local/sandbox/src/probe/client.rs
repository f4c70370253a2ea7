//! One side that is asked: Stripe, or the sandbox.

use super::key::TestKey;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a request is sent at most.
const TRIES: u32 = 6;

/// How long the answer may ask to be left alone.
const LONGEST_REST_SECONDS: u64 = 60;

/// A call, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) params: Vec<(String, String)>,
    /// Of a POST.
    pub(crate) idempotency_key: Option<String>,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>, params: &[(&str, &str)]) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            params: params
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            idempotency_key: None,
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Whether it was the stored answer of an idempotency key.
    pub(crate) replayed: bool,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What is compared: the status, the replay, and the body beside them.
    pub(crate) fn compared(&self) -> Value {
        json!({"status": self.status, "replayed": self.replayed})
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// None came, or none that says what was done.
    Lost(String),
    /// The answer is one of live mode: nothing more may be asked.
    Live,
    /// The person stopped the run.
    Stopped,
}

/// One side.
pub(crate) struct Side {
    base: String,
    key: TestKey,
    http: reqwest::Client,
    /// Between two requests.
    gap: Duration,
    last: Mutex<Option<Instant>>,
    stop: Arc<AtomicBool>,
    /// What the side's own clock said last, in seconds since 1970.
    date: AtomicI64,
    /// How many requests were sent.
    pub(crate) sent: AtomicU32,
    /// How often the side asked to be asked less often.
    pub(crate) slowed: AtomicU32,
}

impl Side {
    /// A side that is asked at most `rate` times a second.
    pub(crate) fn new(
        base: &str,
        key: TestKey,
        rate: f64,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("perennial-probe")
            .build()
            .map_err(|error| format!("the HTTP client cannot be built: {error}"))?;
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            key,
            http,
            gap: Duration::from_secs_f64(1.0 / rate),
            last: Mutex::default(),
            stop,
            date: AtomicI64::new(0),
            sent: AtomicU32::new(0),
            slowed: AtomicU32::new(0),
        })
    }

    /// What the side's own clock said last, in seconds since 1970.
    pub(crate) fn date(&self) -> i64 {
        self.date.load(Ordering::Relaxed)
    }

    /// Waits for so many turns of the pace, unless the person stops the run.
    pub(crate) async fn rest(&self, turns: u32) -> Result<(), Failure> {
        self.pause(self.turns(turns)).await
    }

    /// How long so many turns of the pace are.
    pub(crate) fn turns(&self, turns: u32) -> Duration {
        self.gap * turns
    }

    async fn pause(&self, whole: Duration) -> Result<(), Failure> {
        let until = Instant::now() + whole;
        while Instant::now() < until {
            self.check()?;
            let step = until.saturating_duration_since(Instant::now());
            sleep(step.min(Duration::from_millis(200))).await;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            Err(Failure::Stopped)
        } else {
            Ok(())
        }
    }

    /// Asks once the pace allows it, and again where that can change anything: after a 429, a conflict of keys, an
    /// error of the server, or no answer. A POST has a key, so it is done once.
    pub(crate) async fn ask(&self, call: &Call) -> Result<Answer, Failure> {
        let mut tries = 0;
        loop {
            self.check()?;
            tries += 1;
            let last = tries >= TRIES;
            // 4 turns, then 8, 16, ...: at 4 requests a second, a second, then two, four, ...
            let wait = self.gap * (2 << tries.min(8));
            match self.once(call).await {
                Ok((answer, _)) if is_live(&answer.body) => return Err(Failure::Live),
                Ok((answer, rest)) if answer.status == 429 || is_in_use(&answer) => {
                    self.slowed.fetch_add(1, Ordering::Relaxed);
                    if last {
                        return Err(Failure::Lost(format!(
                            "status {} after {tries} tries",
                            answer.status
                        )));
                    }
                    self.pause(rest.unwrap_or(wait).max(wait)).await?;
                }
                Ok((answer, _)) if answer.status >= 500 && tries < 4 => self.pause(wait).await?,
                Ok((answer, _)) => return Ok(answer),
                Err(error) if tries >= 4 => {
                    return Err(Failure::Lost(format!(
                        "no answer after {tries} tries: {error}"
                    )));
                }
                Err(_) => self.pause(wait).await?,
            }
        }
    }

    async fn once(&self, call: &Call) -> Result<(Answer, Option<Duration>), String> {
        self.take_turn().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&call.params)
            .finish();
        let mut url = format!("{}{}", self.base, call.path);
        let is_post = call.method == "POST";
        if !is_post && !form.is_empty() {
            url = format!("{url}?{form}");
        }
        let method = call
            .method
            .parse()
            .map_err(|_| "no such method".to_owned())?;
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(self.key.reveal())
            .header("stripe-version", crate::API_VERSION);
        if is_post {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form);
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        // The address in an error of reqwest's may name what the shop has.
        let whole = |error: reqwest::Error| error.without_url().to_string();
        let response = request.send().await.map_err(whole)?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let date = header("date").and_then(|date| OffsetDateTime::parse(&date, &Rfc2822).ok());
        if let Some(date) = date {
            self.date.store(date.unix_timestamp(), Ordering::Relaxed);
        }
        let replayed = header("idempotent-replayed").is_some_and(|value| value == "true");
        let rest = header("retry-after")
            .and_then(|value| value.parse().ok())
            .map(|seconds: u64| Duration::from_secs(seconds.min(LONGEST_REST_SECONDS)));
        let text = response.text().await.map_err(whole)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let answer = Answer {
            status,
            body,
            replayed,
        };
        Ok((answer, rest))
    }

    async fn take_turn(&self) {
        let mut last = self.last.lock().await;
        if let Some(before) = *last {
            sleep_until(before + self.gap).await;
        }
        *last = Some(Instant::now());
    }
}

/// Whether an object, or one of a list, is of live mode.
fn is_live(body: &Value) -> bool {
    let is_live = |object: &Value| object.get("livemode") == Some(&Value::Bool(true));
    let list = body.get("data").and_then(Value::as_array);
    is_live(body) || list.is_some_and(|objects| objects.iter().any(is_live))
}

/// Whether the same key is still at work.
fn is_in_use(answer: &Answer) -> bool {
    let code = answer.body.pointer("/error/code").and_then(Value::as_str);
    answer.status == 409 && matches!(code, Some("idempotency_key_in_use" | "lock_timeout"))
}
