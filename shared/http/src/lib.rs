//! HTTP as API Gateway's HTTP API speaks it (payload format 2.0), for functions that want to
//! think in requests, answers and errors.
//!
//! The conversions of `lambda_http` are not used for the body, because invalid base64 in an event
//! makes them panic; its event types and its runtime are.

mod error;
mod json;
mod plan;
mod request;
mod response;
mod route;
mod serve;
mod subscription;

pub use error::{ApiError, sentence};
pub use json::{read_json, read_value};
pub use plan::PlanBody;
pub use request::{Request, RequestError};
pub use response::Response;
pub use route::Routes;
pub use serve::{Handler, invoke, main};
pub use subscription::{ManagedSubscription, SubscriptionBody};
