//! The wire within the process: the HTTP clients of the AWS SDK and of the Stripe crate, without a
//! socket. A call that hangs costs no time where the runtime's clock is paused.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use perennial_stripe::{Cause, Delivered, Delivery, Transport, Undelivered};

use super::behind::Answer;
use super::call::{Call, Door, Service};
use super::{Outcome, Shared, Wire};

/// The way of one door's calls.
#[derive(Clone)]
pub struct Inside {
    door: Door,
    shared: Arc<Shared>,
}

impl Wire {
    /// The clients of the functions behind a door go this way.
    pub fn inside(&self, door: Door) -> Inside {
        Inside {
            door,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inside").field(&self.door).finish()
    }
}

impl Transport for Inside {
    fn carry(&self, request: reqwest::Request, timeout: Duration) -> Delivery<'_> {
        Box::pin(async move {
            let url = request.url();
            let path = match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            };
            let headers = request.headers().iter().filter_map(|(name, value)| {
                Some((name.to_string(), value.to_str().ok()?.to_owned()))
            });
            let body = request.body().and_then(reqwest::Body::as_bytes);
            let call = Call {
                door: self.door,
                service: Service::Stripe,
                method: request.method().to_string(),
                path,
                headers: headers.collect(),
                body: body.unwrap_or_default().to_vec(),
            };
            let carried = async {
                match self.shared.exchange(call).await {
                    Outcome::Answered(answer) => Ok(delivered(answer)),
                    Outcome::Severed(answer) => Err(gone(Cause::Severed, Some(answer.status))),
                    Outcome::Lost => Err(gone(Cause::Severed, None)),
                    Outcome::Hangs => pending().await,
                }
            };
            tokio::time::timeout(timeout, carried)
                .await
                .unwrap_or_else(|_| Err(gone(Cause::Timeout, None)))
        })
    }
}

fn delivered(answer: Answer) -> Delivered {
    let headers = answer
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    Delivered {
        status: answer.status,
        headers: headers.collect(),
        body: answer.body,
    }
}

fn gone(cause: Cause, status: Option<u16>) -> Undelivered {
    Undelivered {
        status,
        cause,
        worth_retrying: true,
        source: None,
    }
}

impl HttpClient for Inside {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Inside {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call {
            door: self.door,
            service: Service::DynamoDb,
            method: request.method().to_owned(),
            path: "/".to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        let shared = Arc::clone(&self.shared);
        HttpConnectorFuture::new(async move {
            match shared.exchange(call).await {
                Outcome::Answered(answer) => {
                    let body = SdkBody::from(answer.body);
                    response(answer.status, answer.headers, body)
                }
                Outcome::Severed(answer) => {
                    let half = answer.body.len() / 2;
                    let begun = answer.body.get(..half).unwrap_or_default();
                    let body = Half(Some(Bytes::copy_from_slice(begun)));
                    let body = SdkBody::from_body_1_x(body);
                    response(answer.status, answer.headers, body)
                }
                Outcome::Lost => Err(ConnectorError::io("the connection was lost".into())),
                Outcome::Hangs => pending().await,
            }
        })
    }
}

fn response(
    status: u16,
    headers: Vec<(String, String)>,
    body: SdkBody,
) -> Result<HttpResponse, ConnectorError> {
    let status = status
        .try_into()
        .map_err(|_| ConnectorError::user("there is no such status".into()))?;
    let mut response = HttpResponse::new(status, body);
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The first half of a body, after which the connection is lost.
struct Half(Option<Bytes>);

impl Body for Half {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(begun) => Ok(Frame::data(begun)),
            None => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
