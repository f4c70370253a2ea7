//! What may have been made before its key was forgotten: looked for by listing, because Stripe's search
//! lags behind.

use perennial_stripe::{List, Reply, StripeError};

/// Looks through a list of Stripe's, page by page, newest first. `next` names the last object of a page
/// as the place to go on from, or says that what comes after it is too old.
pub(crate) async fn find<T, Id, F>(
    list: impl Fn(Option<Id>) -> F,
    is_it: impl Fn(&T) -> bool,
    next: impl Fn(&T) -> Option<Id>,
) -> Result<Option<T>, StripeError>
where
    F: Future<Output = Result<Reply<List<T>>, StripeError>>,
{
    let mut after = None;
    loop {
        let page = list(after).await?.value;
        after = page.data.last().and_then(&next).filter(|_| page.has_more);
        let found = page.data.into_iter().find(&is_it);
        if found.is_some() || after.is_none() {
            return Ok(found);
        }
    }
}
