//! A connection that breaks: after half of an answer, or before any of it.

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// How long the first half gets to leave the machine before the connection breaks.
const FLUSH: Duration = Duration::from_millis(100);

/// Sends a part of a longer body and then breaks.
#[derive(Debug)]
pub(crate) struct Severed {
    first: Option<Bytes>,
    promised: u64,
    until: Pin<Box<Sleep>>,
}

impl Severed {
    /// The first half of the body, under the length of the whole.
    pub(crate) fn halfway(whole: &[u8]) -> Body {
        let half = whole.get(..whole.len() / 2).unwrap_or_default();
        Self::body(Some(Bytes::copy_from_slice(half)), whole.len() as u64)
    }

    /// No answer at all.
    pub(crate) fn at_once() -> Body {
        Self::body(None, 1)
    }

    fn body(first: Option<Bytes>, promised: u64) -> Body {
        Body::new(Self {
            first,
            promised,
            until: Box::pin(sleep(FLUSH)),
        })
    }
}

impl http_body::Body for Severed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        ready!(self.until.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::from(
            std::io::ErrorKind::ConnectionAborted,
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
