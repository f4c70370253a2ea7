//! A request as an operation gets it.

use crate::error::Result;
use serde_json::Value;

/// A request whose key, path and parameters have been checked.
#[derive(Debug)]
pub(crate) struct Call {
    /// What stands for `{id}` in the path; of two, both with `/` between.
    pub(crate) id: String,
    /// The parameters, typed.
    pub(crate) params: Value,
    /// Whether a page asks with a publishable key.
    pub(crate) from_page: bool,
    /// Where the request came from and what it came with, for `infer_from_client`.
    pub(crate) client: Client,
}

impl Call {
    /// The two ids of a path such as `/v1/customers/{id}/tax_ids/{id}`.
    pub(crate) fn two_ids(&self) -> (&str, &str) {
        self.id.split_once('/').unwrap_or((&self.id, ""))
    }
}

/// What Stripe would see of the machine that made the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// Its address.
    pub(crate) ip: String,
    /// Its `User-Agent`.
    pub(crate) user_agent: String,
}

/// The object to show, before expansion.
pub(crate) type Answer = Result<Value>;
