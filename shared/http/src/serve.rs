//! From the event to the handler and back.

use std::{process::ExitCode, time::Instant};

use lambda_http::lambda_runtime::LambdaEvent;
use perennial_process::{Start, serve};
use serde_json::Value;

use crate::{ApiError, Request, RequestError, Response, Routes, route::meet};

/// A function behind API Gateway.
pub trait Handler: Send + Sync + 'static {
    /// What the function knows its routes by; nothing, if it has one.
    type Route: Copy + Send + Sync + 'static;

    /// The routes of the function. A request that has met none of them is refused before it gets here.
    const ROUTES: Routes<Self::Route>;

    /// Answers one request; an error is turned into the one shape and logged.
    fn handle(
        &self,
        route: Self::Route,
        request: &Request,
    ) -> impl Future<Output = Result<Response, ApiError>> + Send;
}

/// Answers one event of payload format 2.0 with a response of the same format.
pub async fn invoke<H: Handler>(handler: &H, event: Value, request_id: &str) -> Value {
    let started = Instant::now();
    let (route, caller, result) = match Request::from_event(event, request_id) {
        Ok(mut request) => {
            let result = match meet(&mut request, H::ROUTES) {
                Some(route) => handler.handle(route, &request).await,
                None => Err(ApiError::new(
                    404,
                    "unknown_route",
                    "There is no such route.",
                )),
            };
            let route = format!("{} {}", request.method, request.path);
            (route, request.caller().map(str::to_owned), result)
        }
        Err(error) => (String::new(), None, Err(unreadable(error))),
    };
    let (response, code) = match result {
        Ok(response) => (response, ""),
        Err(error) => {
            let code = error.code;
            if error.status >= 500 {
                tracing::error!(
                    request_id,
                    code,
                    error = error.chain(),
                    "the request failed"
                );
            } else if error.cause.is_some() {
                tracing::info!(
                    request_id,
                    code,
                    error = error.chain(),
                    "the request was refused"
                );
            }
            (error.into_response(request_id), code)
        }
    };
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        request_id,
        route,
        status = response.status,
        code,
        caller,
        duration_ms,
        "answered"
    );
    response.into_event()
}

fn unreadable(error: RequestError) -> ApiError {
    let answer = match &error {
        RequestError::Base64(_) => ApiError::new(
            400,
            "invalid_body",
            "The body is marked as base64 and is not.",
        ),
        RequestError::Event(_) => ApiError::new(
            400,
            "invalid_event",
            "This function answers events of an HTTP API with payload format 2.0.",
        ),
    };
    answer.because(error)
}

/// The `main` of a function behind API Gateway.
pub fn main<H: Handler + Start>() -> ExitCode {
    serve(async |handler: &H, event: LambdaEvent<Value>| {
        Ok(invoke(handler, event.payload, &event.context.request_id).await)
    })
}
