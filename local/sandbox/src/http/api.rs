//! A request of the API on its way: key, version, route, fault, idempotency, parameters, execution.

use super::auth::{self, Key};
use super::faults::{self, Break, Fault};
use super::idempotency::{self, Fingerprint};
use super::nested;
use super::reply::Reply;
use super::request_log::Entry;
use super::routes::{self, Operation};
use super::severed::Severed;
use super::shared::{Shared, lock};
use crate::billing::payment_outcome;
use crate::error::{ApiError, ErrorType, Result};
use crate::expand::expand;
use crate::operations::setup_intents;
use crate::params::call::{Call, Client};
use crate::params::check::check;
use crate::params::form::{pairs, tree};
use crate::params::limits;
use crate::params::schema::{is_stripes, operation};
use crate::state::render::{drop_notes, shown, shown_to_page};
use crate::state::world::{ACCOUNT, Origin};
use crate::state::{Fields, Kind, World, ids};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Map, Value};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// A request as it came in.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) ip: String,
}

impl Incoming {
    fn header(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    }

    /// What came in the query and, with a POST, in the body.
    fn pairs(&self) -> Result<Vec<(String, String)>> {
        let mut all = pairs(self.uri.query().unwrap_or_default().as_bytes());
        if !self.body.is_empty() {
            let form = self
                .header("content-type")
                .is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
            if !form {
                let message = "The request body must be application/x-www-form-urlencoded.";
                return Err(ApiError::validation(message));
            }
            all.extend(pairs(&self.body));
        }
        Ok(all)
    }
}

/// Answers one request.
pub(crate) async fn answer(shared: &Shared, incoming: Incoming) -> Response<Body> {
    let mut entry = Entry {
        at: shared.world().now(),
        method: incoming.method.to_string(),
        path: incoming.uri.path().to_owned(),
        params: incoming.pairs().unwrap_or_default(),
        idempotency_key: incoming.header("idempotency-key"),
        stripe_version: incoming.header("stripe-version"),
        request_id: format!("req_{}", ids::random(14)),
        ..Entry::default()
    };
    let fault = faults::take(&mut lock(&shared.faults), &entry.method, &entry.path);
    entry.fault = fault.as_ref().map(|fault| {
        serde_json::to_value(fault.how)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_default()
    });
    let result = carry_out(shared, &incoming, &mut entry, fault.as_ref()).await;
    let mut reply = result.unwrap_or_else(|error| Reply::error(&error));
    finish(&mut reply, &entry);
    if fault
        .as_ref()
        .is_some_and(|fault| matches!(fault.how, Break::TimeoutBefore | Break::TimeoutAfter))
    {
        log(shared, entry);
        tokio::time::sleep(fault.map_or(Duration::ZERO, |fault| fault.delay())).await;
        return reply.with_body(Severed::at_once());
    }
    entry.status = Some(reply.status);
    entry.replayed = reply
        .headers
        .iter()
        .any(|(name, _)| name == "idempotent-replayed");
    log(shared, entry);
    if fault.is_some_and(|fault| fault.how == Break::Severed) {
        return reply.with_body(Severed::halfway(&reply.bytes()));
    }
    reply.response()
}

fn log(shared: &Shared, entry: Entry) {
    tracing::debug!(
        method = entry.method,
        path = entry.path,
        status = entry.status,
        request_id = entry.request_id,
        "answered"
    );
    lock(&shared.requests).add(entry);
}

/// The headers that every answer has.
fn finish(reply: &mut Reply, entry: &Entry) {
    reply.header("request-id", &entry.request_id);
    // The sandbox's own time, which may run ahead of the machine's.
    let at = OffsetDateTime::from_unix_timestamp(entry.at).ok();
    if let Some(date) = at.and_then(|at| at.format(&Rfc2822).ok()) {
        reply.header("date", &date.replace("+0000", "GMT"));
    }
    reply.header(
        "stripe-version",
        entry
            .stripe_version
            .as_deref()
            .unwrap_or(crate::API_VERSION),
    );
    if let Some(key) = &entry.idempotency_key {
        reply.header("idempotency-key", key);
    }
}

async fn carry_out(
    shared: &Shared,
    incoming: &Incoming,
    entry: &mut Entry,
    fault: Option<&Fault>,
) -> Result<Reply> {
    let key = auth::key(&incoming.headers, shared.secret_key.as_deref())?;
    entry.key = Some(key.name());
    check_version(entry.stripe_version.as_deref())?;
    for_this_account(&incoming.headers)?;
    let (operation, id) = routes::find(&entry.method, &entry.path)
        .ok_or_else(|| unknown_url(&entry.method, &entry.path))?;
    if key == Key::Publishable && !operation.for_pages {
        let message =
            "This API call cannot be made with a publishable API key. Please use a secret API key.";
        return Err(ApiError::validation(message)
            .with_status(403)
            .with_code("secret_key_required"));
    }
    if let Some(fault) = fault {
        match fault.how {
            Break::TimeoutBefore => return Ok(Reply::ok(Value::Null)),
            Break::Status if !fault.after && !fault.keeps_answer() => return Ok(fault.reply()),
            _ => {}
        }
    }
    let pairs = incoming.pairs()?;
    // Stripe keeps keys for POST only; GET and DELETE are idempotent by themselves.
    let key_header = entry
        .idempotency_key
        .clone()
        .filter(|_| entry.method == "POST");
    let request = Fingerprint {
        method: entry.method.clone(),
        path: entry.path.clone(),
        params: pairs.clone(),
    };
    let _in_flight = match &key_header {
        Some(key) => {
            idempotency::check(key)?;
            let in_flight = idempotency::take(shared, key)?;
            if let Some(stored) = idempotency::stored(&shared.world(), key, &request)? {
                return Ok(stored);
            }
            Some(in_flight)
        }
        None => None,
    };
    let latency = u64::try_from(shared.world().setting("latency_ms")).unwrap_or(0);
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let call = checked_call(incoming, operation, id, key, &pairs)?;
    let origin = Origin {
        request: Some(entry.request_id.clone()),
        idempotency_key: key_header.clone(),
    };
    let key = key_header.as_deref().map(|key| (key, &request));
    // A refusal is undone by `execute` itself, which then keeps it under the key: that has to be committed.
    let result = shared.change(origin, |world| {
        Ok(execute(
            world,
            operation,
            &call,
            fault,
            key,
            &entry.request_id,
        ))
    })?;
    if operation.kind == Kind::TestClock {
        // An advancing clock goes on at once rather than with the next tick.
        shared.ticks.notify_one();
    }
    result
}

/// Runs the operation and keeps its answer under the key, all in one transaction.
fn execute(
    world: &mut World,
    operation: &Operation,
    call: &Call,
    fault: Option<&Fault>,
    key: Option<(&str, &Fingerprint)>,
    request_id: &str,
) -> Result<Reply> {
    let broken = fault.filter(|fault| fault.how == Break::Status);
    let result = match broken {
        // A 500 that is stored although nothing was done: the endpoint failed as it began.
        Some(fault) if !fault.after => Ok(fault.reply()),
        _ if fault.is_some_and(|fault| fault.how == Break::ConfirmationLimit) => Err(refused(
            last_confirmation(world, operation.kind, &call.id),
            call,
        )),
        _ => (operation.handle)(world, call)
            .and_then(few_keys)
            .and_then(|object| present(world, operation.kind, object, call))
            .map_err(|error| refused(error, call)),
    };
    if result.as_ref().is_err_and(|error| !error.keeps_changes) {
        world.store.undo();
    }
    if let Some((key, request)) = key {
        let kept = match (broken, &result) {
            (Some(fault), _) if fault.keeps_answer() => Some(fault.reply()),
            (Some(fault), _) if !fault.after => None,
            (_, Ok(reply)) => Some(reply.clone()),
            (_, Err(error)) => idempotency::keeps(error).then(|| Reply::error(error)),
        };
        if let Some(kept) = kept {
            idempotency::store(world, key, request, request_id, &kept);
        }
    }
    broken.map_or(result, |fault| Ok(fault.reply()))
}

/// The last confirmation that an intent may have: declined, and the intent is canceled, as the types of npm stripe 23.1.0
/// say of both kinds of intents.
fn last_confirmation(world: &mut World, kind: Kind, id: &str) -> ApiError {
    let Ok(intent) = world.at_path(kind, id) else {
        return kind.no_such(id, kind.in_path()).with_status(404);
    };
    let name = match kind {
        Kind::SetupIntent => "setup_intent",
        Kind::PaymentIntent => "payment_intent",
        _ => return ApiError::invalid("Only an intent has a limit of confirmations."),
    };
    if kind == Kind::SetupIntent {
        setup_intents::give_up(world, &intent, None);
    } else {
        payment_outcome::cancel(world, &intent, None);
    }
    let canceled = world.at_path(kind, id).unwrap_or(intent);
    ApiError::card_declined("generic_decline")
        .with(name, shown(&canceled))
        .keeping_changes()
}

/// Keys that are added one request after another are as few as those of one request.
///
/// <https://docs.stripe.com/api/metadata>
fn few_keys(object: Value) -> Result<Value> {
    let keys = object.at("metadata").as_object().map_or(0, Map::len);
    limits::few_keys(keys, "metadata").map(|()| object)
}

/// The object as the caller sees it.
fn present(world: &World, kind: Kind, mut object: Value, call: &Call) -> Result<Reply> {
    drop_notes(&mut object);
    let object = expand(world, kind, object, &call.params)?;
    Ok(Reply::ok(if call.from_page {
        shown_to_page(&object)
    } else {
        object
    }))
}

/// A page sees no more of an intent in an error than of the intent itself.
fn refused(error: ApiError, call: &Call) -> ApiError {
    if !call.from_page {
        return error;
    }
    let seen = |(name, value): (&String, &Value)| {
        let of_intent = matches!(name.as_str(), "setup_intent" | "payment_intent");
        let value = if of_intent {
            shown_to_page(value)
        } else {
            value.clone()
        };
        (name.clone(), value)
    };
    let more = error.more.iter().map(seen).collect();
    ApiError { more, ..error }
}

fn checked_call(
    incoming: &Incoming,
    operation_: &Operation,
    id: String,
    key: Key,
    pairs: &[(String, String)],
) -> Result<Call> {
    let name = operation_.name();
    let for_page = (key == Key::Publishable)
        .then(|| operation(&format!("{name} publishable")))
        .flatten();
    let schema = for_page.or_else(|| operation(&name)).ok_or_else(|| {
        ApiError::validation(format!("The sandbox has no parameters for {name}."))
    })?;
    let params = check(schema, &tree(pairs)?)?;
    if let Some((param, _)) = params
        .as_object()
        .into_iter()
        .flatten()
        .find(|(param, _)| !operation_.simulates(param))
    {
        return Err(ApiError::not_simulated(param));
    }
    nested::check(&name, &params)?;
    let client = Client {
        ip: incoming.ip.clone(),
        user_agent: incoming.header("user-agent").unwrap_or_default(),
    };
    Ok(Call {
        id,
        params,
        from_page: key == Key::Publishable,
        client,
    })
}

/// The sandbox has one version. Another one would get answers of a shape that it does not expect.
fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        None => Ok(()),
        Some(version) if version == crate::API_VERSION => Ok(()),
        Some(version) => {
            let message = format!(
                "Invalid Stripe API version: {version}. This sandbox serves {} only.",
                crate::API_VERSION
            );
            Err(ApiError::validation(message))
        }
    }
}

/// A request on behalf of another account would be answered with the objects of this one.
fn for_this_account(headers: &HeaderMap) -> Result<()> {
    for name in ["Stripe-Account", "Stripe-Context"] {
        if headers.get(name).is_some_and(|named| named != ACCOUNT) {
            let message = format!(
                "The sandbox has one account, {ACCOUNT}. Requests for others, by the header `{name}`, are not simulated."
            );
            return Err(ApiError::not_simulated(name).with_message(message));
        }
    }
    Ok(())
}

fn unknown_url(method: &str, path: &str) -> ApiError {
    if is_stripes(method, path) {
        return ApiError::not_simulated(&format!("{method} {path}"));
    }
    let message = format!(
        "Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. If you are \
         trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code."
    );
    ApiError::validation(message)
        .with_status(404)
        .with_kind(ErrorType::InvalidRequest)
}
