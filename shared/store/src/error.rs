//! What can go wrong between here and the table.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// The table did not do as asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The call failed after its retries, or its outcome is not known.
    #[error("the table did not answer {operation}")]
    Call {
        /// What was asked.
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item is not of the form that this version writes.
    #[error("an item of the table is not readable in {operation}")]
    Item {
        /// What was asked.
        operation: &'static str,
        /// Why.
        #[source]
        source: serde_dynamo::Error,
    },
}

impl StoreError {
    pub(crate) fn call<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: std::error::Error + Send + Sync + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        move |error| Self::Call {
            operation,
            source: Box::new(error),
        }
    }

    pub(crate) fn item(operation: &'static str) -> impl FnOnce(serde_dynamo::Error) -> Self {
        move |source| Self::Item { operation, source }
    }
}
