//! What Stripe lists of a customer, newest first, as far as there is time for it.

use std::time::Duration;

use perennial_stripe::{List, Reply, StripeError};
use perennial_types::Timestamp;
use tokio::time::Instant;

/// A hundred objects a page.
const MOST_PAGES: usize = 10;

/// What is left of a request's time is for what comes after the reading.
const READ_FOR: Duration = Duration::from_secs(4);

/// What was picked of a list.
pub(super) struct History<T> {
    pub(super) found: Vec<T>,
    /// What is older than this was not read; nothing if there is no more.
    pub(super) until: Option<Timestamp>,
}

/// Reads a list from its newest page on, until nothing is left, `enough` was found, or the time is
/// over. A page that Stripe does not answer ends it too, unless it is the first.
pub(super) async fn read<T, Id, U, F>(
    started: Instant,
    list: impl Fn(Option<Id>) -> F,
    place: impl Fn(&T) -> (Id, i64),
    pick: impl Fn(T) -> Option<U>,
    enough: impl Fn(&[U]) -> bool,
) -> Result<History<U>, StripeError>
where
    F: Future<Output = Result<Reply<List<T>>, StripeError>>,
{
    let mut found = Vec::new();
    let mut oldest: Option<(Id, i64)> = None;
    for page in 0..MOST_PAGES {
        if page > 0 && started.elapsed() > READ_FOR {
            break;
        }
        let (after, seen) = match oldest {
            Some((id, created)) => (Some(id), Some(created)),
            None => (None, None),
        };
        let page = match (list(after).await, seen) {
            (Ok(page), _) => page.value,
            (Err(error), None) => return Err(error),
            (Err(_), Some(created)) => {
                let until = Some(Timestamp::from_unix(created));
                return Ok(History { found, until });
            }
        };
        oldest = page.data.last().map(&place);
        found.extend(page.data.into_iter().filter_map(&pick));
        if !page.has_more || oldest.is_none() || enough(&found) {
            return Ok(History { found, until: None });
        }
    }
    let until = oldest.map(|(_, created)| Timestamp::from_unix(created));
    Ok(History { found, until })
}
