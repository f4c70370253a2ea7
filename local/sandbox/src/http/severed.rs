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
    /// When it breaks. Without it the connection closes before even the head of the answer has left.
    until: Option<Pin<Box<Sleep>>>,
}

impl Severed {
    /// The first half of the body, under the length of the whole.
    pub(crate) fn halfway(whole: &[u8]) -> Body {
        let half = whole.get(..whole.len() / 2).unwrap_or_default();
        Body::new(Self {
            first: Some(Bytes::copy_from_slice(half)),
            promised: whole.len() as u64,
            until: Some(Box::pin(sleep(FLUSH))),
        })
    }

    /// No answer at all.
    pub(crate) fn at_once() -> Body {
        Body::new(Self {
            first: None,
            promised: 1,
            until: None,
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
        if let Some(until) = &mut self.until {
            ready!(until.as_mut().poll(context));
        }
        Poll::Ready(Some(Err(std::io::Error::from(
            std::io::ErrorKind::ConnectionAborted,
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
