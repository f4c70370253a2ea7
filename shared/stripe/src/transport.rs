//! How one attempt of a call gets to Stripe and back.
//!
//! The functions have [`reqwest`]. A trial puts its own in, to stay within the process and to break any
//! exchange as it likes.

use std::{pin::Pin, time::Duration};

use perennial_https::{HttpsError, Trust};
use reqwest::{
    Request, RequestBuilder,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};

use crate::{API_VERSION, error::Cause};

/// A TCP and TLS handshake that takes longer than this will not get better by waiting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Shorter than what load balancers keep an idle connection for, so that we rarely write into one
/// that the other side is closing (<https://github.com/hyperium/hyper/issues/2136>).
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(25);

const USER_AGENT: &str = concat!("perennial/", env!("CARGO_PKG_VERSION"));

/// What Stripe answered, read to its end.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub struct Undelivered {
    /// The status, if the answer broke off after it.
    pub status: Option<u16>,
    /// What happened: [`Cause::Connect`] if nothing was sent, [`Cause::Timeout`] or [`Cause::Severed`].
    pub cause: Cause,
    /// Whether the same attempt may go better another time.
    pub worth_retrying: bool,
    /// What the HTTP client says, without the address, which may hold parameters.
    pub source: Option<reqwest::Error>,
}

/// The answer to one attempt, some time.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<Delivered, Undelivered>> + Send + 'a>>;

/// Carries one attempt to Stripe. It neither follows redirects nor tries again, and ends by itself
/// once `timeout` is over, with [`Cause::Timeout`].
pub trait Transport: Send + Sync {
    /// Sends the request as it is, which has the key and the body in it.
    fn carry(&self, request: Request, timeout: Duration) -> Delivery<'_>;
}

/// Over the network.
pub(crate) struct Network(reqwest::Client);

impl Network {
    pub(crate) fn new(trust: &Trust, is_loopback: bool) -> Result<Self, HttpsError> {
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (
                HeaderName::from_static("stripe-version"),
                HeaderValue::from_static(API_VERSION),
            ),
        ]);
        let mut builder = trust
            .client()?
            .default_headers(headers)
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT);
        if is_loopback {
            // A sandbox on this machine is not behind the proxy of an office.
            builder = builder.no_proxy();
        }
        Ok(Self(builder.build()?))
    }
}

impl Transport for Network {
    fn carry(&self, request: Request, timeout: Duration) -> Delivery<'_> {
        Box::pin(async move {
            let sent = RequestBuilder::from_parts(self.0.clone(), request)
                .timeout(timeout)
                .send()
                .await;
            let response = sent.map_err(|error| undelivered(error, None))?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            match response.bytes().await {
                Ok(body) => Ok(Delivered {
                    status,
                    headers,
                    body: body.into(),
                }),
                Err(error) => Err(undelivered(error, Some(status))),
            }
        })
    }
}

/// Sorts an error of the HTTP client by what may have reached Stripe.
fn undelivered(error: reqwest::Error, status: Option<u16>) -> Undelivered {
    let cause = if error.is_connect() || error.is_builder() {
        Cause::Connect
    } else if error.is_timeout() {
        Cause::Timeout
    } else {
        Cause::Severed
    };
    Undelivered {
        status,
        cause,
        worth_retrying: !error.is_builder(),
        source: Some(error.without_url()),
    }
}
