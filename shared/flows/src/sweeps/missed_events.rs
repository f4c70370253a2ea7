//! Events that never came: Stripe's own list against the inbox.

use perennial_inbox::{EVENT_TYPES, Event, EventType};
use perennial_store::{Cursor, InboxItem, Received, Span};
use perennial_stripe::{List, ListEvents, Reply, StripeError};
use perennial_types::{EventId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Sweeps, spans::part};
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

/// What is left of a part is listed from so long after the last event that was dealt with, so that nothing
/// depends on the order in which Stripe lists what was created within a second or two.
const DISORDER_SECONDS: i64 = 5;
/// Of a cursor whose passes are listed in parts. A version that knows none begins it anew, and so does this
/// one after it.
const IN_PARTS: u32 = 1 << 16;

/// One reading of the span: of one listing's types, and either of all its events or only of those
/// that some endpoint has not answered.
struct Pass {
    types: Vec<&'static str>,
    undelivered: bool,
}

/// A page of a listing.
struct Page {
    listed: Vec<Listed>,
    has_more: bool,
}

/// An event of a page.
struct Listed {
    id: Option<String>,
    /// In Unix seconds.
    created: Option<i64>,
    /// If the inbox lacks it.
    missed: Option<InboxItem>,
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
        let types = u32::try_from(EVENT_TYPES.len()).unwrap_or(u32::MAX) | IN_PARTS;
        let passes = passes();
        if cursor.types != types || position(&cursor) >= passes.len() {
            // Another version has begun the span, with its types in other listings.
            cursor = Cursor {
                types,
                pass: 0,
                after: None,
                spans: Vec::new(),
                ..cursor
            };
        }
        while !slice.is_over() {
            let Some(pass) = passes.get(position(&cursor)) else {
                break;
            };
            if cursor.spans.is_empty() {
                cursor.spans.push(Span {
                    ended: false,
                    from: from.unix().saturating_sub(OVERLAP_SECONDS),
                    to: Some(until.unix()),
                    after: None,
                });
            }
            part(&mut cursor.spans);
            let pages = self.pages_of_events(pass, &cursor, until).await?;
            let answered = pages.iter().flatten().find_map(|page| page.at);
            let answered = answered.unwrap_or_else(|| self.cx.clock.now().unix());
            let known = Timestamp::from_unix(answered).plus_seconds(-FRESH_SECONDS);
            let known_until = *cursor.known_until.get_or_insert(known);
            let pages = self.read_events(pages).await?;
            for (mut span, page) in std::mem::take(&mut cursor.spans).into_iter().zip(pages) {
                // The event that the last slice ended with is no longer in the list.
                let Some(page) = page else {
                    span.after = None;
                    cursor.spans.push(span);
                    continue;
                };
                let mut rest = page.listed.len();
                for listed in page.listed {
                    if slice.is_over() && listed.missed.is_some() {
                        break;
                    }
                    rest -= 1;
                    // A slice that was over at once has come no further.
                    span.after = listed.id.or(span.after);
                    let left = listed.created.map(|it| it.saturating_add(DISORDER_SECONDS));
                    span.to = span.to.into_iter().chain(left).min();
                    swept.listed += 1;
                    if let Some(missed) = listed.missed
                        && self.store(&missed, is_first).await?
                    {
                        swept.missed += 1;
                    }
                }
                if page.has_more || rest > 0 {
                    cursor.spans.push(span);
                }
            }
            if cursor.spans.is_empty() {
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

    /// The next page of each part, in their order; none if the place to go on from is gone.
    async fn pages_of_events(
        &self,
        pass: &Pass,
        cursor: &Cursor,
        until: Timestamp,
    ) -> Result<Vec<Option<Reply<List<Value>>>>, FlowError> {
        let mut calls = JoinSet::new();
        for (place, span) in cursor.spans.iter().cloned().enumerate() {
            let (stripe, types) = (self.cx.stripe.clone(), pass.types.clone());
            let undelivered = pass.undelivered;
            calls.spawn(async move {
                let ask = ListEvents {
                    from: span.from,
                    to: span.to.unwrap_or_else(|| until.unix()),
                    types: &types,
                    undelivered,
                    starting_after: span.after.as_deref(),
                };
                let page = match stripe.list_events(&ask).await {
                    Ok(page) => Ok(Some(page)),
                    Err(StripeError::Invalid { .. }) if span.after.is_some() => Ok(None),
                    Err(error) => Err(error),
                };
                (place, page)
            });
        }
        let mut pages = calls.join_all().await;
        pages.sort_by_key(|(place, _)| *place);
        let pages = pages.into_iter().map(|(_, page)| Ok(page?));
        pages.collect()
    }

    /// Reads what the pages hold, and which of it the inbox lacks.
    async fn read_events(
        &self,
        pages: Vec<Option<Reply<List<Value>>>>,
    ) -> Result<Vec<Option<Page>>, FlowError> {
        let now = self.cx.clock.now();
        let read = |page: Reply<List<Value>>| {
            let page = page.value;
            let listed = page.data.iter().map(|event| Listed {
                id: event.get("id").and_then(Value::as_str).map(str::to_owned),
                created: event.get("created").and_then(Value::as_i64),
                missed: read(event, now),
            });
            Page {
                has_more: page.has_more && !page.data.is_empty(),
                listed: listed.collect(),
            }
        };
        let mut pages: Vec<Option<Page>> = pages.into_iter().map(|it| it.map(read)).collect();
        let listed = pages.iter().flatten().flat_map(|it| &it.listed);
        let asked: Vec<InboxItem> = listed.filter_map(|it| it.missed.clone()).collect();
        let stored = self.cx.table.stored_events(&asked).await?;
        for listed in pages.iter_mut().flatten().flat_map(|it| &mut it.listed) {
            listed.missed.take_if(|item| stored.contains(&item.event));
        }
        Ok(pages)
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
