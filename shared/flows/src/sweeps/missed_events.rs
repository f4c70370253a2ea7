//! Events that never came: Stripe's own list against the inbox.

use perennial_inbox::{EVENT_TYPES, Event, EventType};
use perennial_store::{Cursor, InboxItem, Received};
use perennial_stripe::{List, ListEvents, Reply, StripeError};
use perennial_types::{EventId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::Sweeps;
use crate::{FlowError, SweepBudget};

/// What a sweep over Stripe's events has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SweptEvents {
    /// Listed.
    pub listed: u32,
    /// Not in the inbox before, and there now.
    pub missed: u32,
    /// Whether the list has been read to the end.
    pub complete: bool,
}

const CURSOR: &str = "events";
/// A new installation looks back this far.
const FIRST_SPAN_SECONDS: i64 = 24 * 3600;
/// Events may appear in the list a little after their time of creation.
const OVERLAP_SECONDS: i64 = 300;
/// What is newer than this is on its way by the webhook. So much is left for Stripe's list, too, by
/// Stripe's own clock: that of a function which runs ahead would leave out what comes meanwhile.
const FRESH_SECONDS: i64 = 60;
/// Stripe lists 30 days; a sweep that is this far behind is about to lose events.
const WARN_SECONDS: i64 = 25 * 24 * 3600;

/// One reading of the span: of one listing's types, and either of all its events or only of those
/// that some endpoint has not answered.
struct Pass {
    types: Vec<&'static str>,
    undelivered: bool,
}

/// The passes over a span, in order: first what some endpoint has not answered, then everything,
/// each in as many listings as the types need.
fn passes() -> Vec<Pass> {
    let of = |undelivered| {
        let listings = EventType::listings().into_iter();
        listings.map(move |types| Pass { types, undelivered })
    };
    of(true).chain(of(false)).collect()
}

impl Sweeps<'_> {
    /// Stores the events that Stripe has and the inbox lacks. The stream does the rest.
    pub async fn missed_events(&self, slice: SweepBudget) -> Result<SweptEvents, FlowError> {
        let mut swept = SweptEvents::default();
        let mut cursor = self.cx.table.cursor(CURSOR).await?;
        let now = self.cx.clock.now();
        let is_first = cursor.done_until.is_none();
        let from = cursor
            .done_until
            .unwrap_or_else(|| now.plus_seconds(-FIRST_SPAN_SECONDS));
        if now.unix().saturating_sub(from.unix()) > WARN_SECONDS {
            tracing::error!(
                since = %from,
                "the sweep of events is more than 25 days behind; Stripe keeps them for 30"
            );
        }
        let until = cursor
            .working_until
            .unwrap_or_else(|| now.plus_seconds(-FRESH_SECONDS));
        cursor.working_until = Some(until);
        let types = u32::try_from(EVENT_TYPES.len()).unwrap_or(u32::MAX);
        let passes = passes();
        if cursor.types != types || position(&cursor) >= passes.len() {
            // Another version has begun the span, with its types in other listings.
            cursor = Cursor {
                types,
                pass: 0,
                after: None,
                ..cursor
            };
        }
        while !slice.is_over() {
            let Some(pass) = passes.get(position(&cursor)) else {
                break;
            };
            let page = match self.page_of_events(pass, &cursor, from, until).await {
                Ok(page) => page,
                // The event that the last slice ended with is no longer in the list.
                Err(FlowError::Stripe(StripeError::Invalid { .. })) if cursor.after.is_some() => {
                    cursor.after = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let answered = page.at.unwrap_or_else(|| self.cx.clock.now().unix());
            let known = Timestamp::from_unix(answered).plus_seconds(-FRESH_SECONDS);
            let known_until = *cursor.known_until.get_or_insert(known);
            let page = page.value;
            let mut last = None;
            let mut rest = page.data.len();
            let now = self.cx.clock.now();
            let items: Vec<Option<InboxItem>> =
                page.data.iter().map(|event| read(event, now)).collect();
            let known: Vec<InboxItem> = items.iter().flatten().cloned().collect();
            let known = self.cx.table.stored_events(&known).await?;
            for (event, item) in page.data.iter().zip(items) {
                let missed = item.filter(|item| !known.contains(&item.event));
                if slice.is_over() && missed.is_some() {
                    break;
                }
                rest -= 1;
                last = event.get("id").and_then(Value::as_str).or(last);
                swept.listed += 1;
                if let Some(missed) = missed
                    && self.store(&missed, is_first).await?
                {
                    swept.missed += 1;
                }
            }
            if page.has_more || rest > 0 {
                // A slice that was over at once has come no further.
                cursor.after = last.map(ToOwned::to_owned).or(cursor.after);
            } else {
                cursor.after = None;
                cursor.pass += 1;
            }
            swept.complete = position(&cursor) >= passes.len();
            if swept.complete {
                cursor = Cursor {
                    fence: cursor.fence,
                    done_until: Some(until.min(known_until)),
                    ..Cursor::default()
                };
            }
            if !self.cx.table.move_cursor(CURSOR, &cursor).await? {
                tracing::info!("another run sweeps the events");
                return Ok(swept);
            }
            cursor.fence += 1;
            if swept.complete {
                return Ok(swept);
            }
            slice.pause().await;
        }
        Ok(swept)
    }

    async fn page_of_events(
        &self,
        pass: &Pass,
        cursor: &Cursor,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Reply<List<Value>>, FlowError> {
        let ask = ListEvents {
            from: from.unix().saturating_sub(OVERLAP_SECONDS),
            to: until.unix(),
            types: &pass.types,
            undelivered: pass.undelivered,
            starting_after: cursor.after.as_deref(),
        };
        Ok(self.cx.stripe.list_events(&ask).await?)
    }

    /// False if somebody else has stored it meanwhile.
    async fn store(&self, item: &InboxItem, is_first: bool) -> Result<bool, FlowError> {
        let missed = self.cx.table.receive(item).await? == Received::New;
        let (event, kind) = (item.event.as_str(), item.kind.as_str());
        match (missed, is_first) {
            (false, _) => {}
            // The endpoint may be younger than the event.
            (true, true) => {
                tracing::info!(event, kind, "an event of before the first sweep is stored");
            }
            (true, false) => {
                let alarm = "event_missed";
                tracing::warn!(event, kind, alarm, "an event was missed, and is stored now");
            }
        }
        Ok(missed)
    }
}

fn read(event: &Value, now: Timestamp) -> Option<InboxItem> {
    if let Ok(event) = Event::from_json(event) {
        return Some(InboxItem::of(event, now));
    }
    let event = event.get("id").and_then(Value::as_str);
    let event: Option<EventId> = event.and_then(|id| id.parse().ok());
    let event = event.as_ref().map(EventId::as_str);
    tracing::error!(event, "Stripe lists something that is not an event");
    None
}

fn position(cursor: &Cursor) -> usize {
    usize::try_from(cursor.pass).unwrap_or(usize::MAX)
}
