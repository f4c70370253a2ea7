//! The two services, and how a call is handed to them.

use perennial_sandbox::InProcess;

use crate::table::Database;

use super::call::{Call, Service};

/// An answer of a service, or one that was made up in its place.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Self {
        let kind = ("content-type", "application/json".to_owned());
        let headers = headers.into_iter().chain([kind]);
        Self {
            status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body,
        }
    }
}

/// The sandbox and the table of a case.
#[derive(Clone)]
pub struct Behind {
    /// Stripe.
    pub stripe: InProcess,
    /// The table.
    pub table: Database,
}

impl Behind {
    pub(super) async fn answer(&self, call: &Call) -> Answer {
        match call.service {
            Service::Stripe => self.ask_stripe(call).await,
            Service::DynamoDb => self.ask_table(call),
        }
    }

    async fn ask_stripe(&self, call: &Call) -> Answer {
        let mut request = http::Request::builder()
            .method(call.method.as_str())
            .uri(&call.path);
        for (name, value) in &call.headers {
            if !matches!(name.as_str(), "host" | "content-length" | "connection") {
                request = request.header(name, value);
            }
        }
        let Ok(request) = request.body(call.body.clone().into()) else {
            return Answer::json(400, Vec::new(), Vec::new());
        };
        let answer = self.stripe.ask(request).await;
        let readable = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        };
        Answer {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .filter(|(name, _)| *name != "content-length")
                .filter_map(readable)
                .collect(),
            body: answer.into_body().to_vec(),
        }
    }

    /// Hands the bytes that the SDK made to the operation that it named.
    fn ask_table(&self, call: &Call) -> Answer {
        let operation = call.operation().unwrap_or_default();
        let (status, body) = self.table.answer(operation, &call.body);
        Answer::json(status, Vec::new(), body)
    }
}
