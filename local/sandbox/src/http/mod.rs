//! The sandbox on the network: the API, the control API, the page and the script.

pub(crate) mod api;
pub(crate) mod auth;
pub(crate) mod faults;
pub(crate) mod idempotency;
mod nested;
pub(crate) mod reply;
pub(crate) mod request_log;
pub(crate) mod routes;
pub(crate) mod severed;
pub(crate) mod shared;
