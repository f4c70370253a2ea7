//! The HTTP client of the AWS SDK.

use std::time::Duration;

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        orchestrator::HttpRequest,
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::Response,
};
use aws_smithy_types::body::SdkBody;
use perennial_https::{HttpsError, Trust};

use crate::name::USER_AGENT;

/// A TCP and TLS handshake with AWS, which is near, that takes longer than this will not get better by waiting.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The connections to AWS, which all clients of it share.
#[derive(Debug, Clone)]
pub struct SdkClient(reqwest::Client);

impl SdkClient {
    /// Has no connection yet.
    pub fn new(trust: &Trust) -> Result<Self, HttpsError> {
        let client = trust.client()?.connect_timeout(CONNECT_TIMEOUT);
        Ok(Self(client.user_agent(USER_AGENT).build()?))
    }
}

impl HttpClient for SdkClient {
    /// The limit of the settings is the one that this client has, and the SDK itself ends an attempt.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SdkClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = outgoing(request)?;
            let response = client.execute(request).await.map_err(undelivered)?;
            let response = http::Response::from(response).map(SdkBody::from_body_1_x);
            Response::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn outgoing(request: HttpRequest) -> Result<reqwest::Request, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = body.bytes().map(<[u8]>::to_vec);
    let body = body.ok_or_else(|| ConnectorError::user("the body is a stream".into()))?;
    reqwest::Request::try_from(http::Request::from_parts(parts, body))
        .map_err(|error| ConnectorError::user(error.into()))
}

/// As the SDK sorts the errors of its own client: both kinds are tried again.
fn undelivered(error: reqwest::Error) -> ConnectorError {
    let (is_timeout, is_user) = (error.is_timeout(), error.is_builder());
    let never_connected = error.is_connect();
    let error = error.into();
    let error = match (is_timeout, is_user) {
        (true, _) => ConnectorError::timeout(error),
        (_, true) => ConnectorError::user(error),
        _ => ConnectorError::io(error),
    };
    if never_connected {
        return error.never_connected();
    }
    error
}
