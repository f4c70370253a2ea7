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
    /// Another write to the same items was under way, each time that this one was tried. Nothing was
    /// written.
    #[error("another write was in the way of {operation}")]
    Conflict {
        /// What was asked.
        operation: &'static str,
    },
    /// An item is not of the form that this version writes.
    #[error("an item of the table is not readable in {operation}: {item}")]
    Item {
        /// What was asked.
        operation: &'static str,
        /// The item's sort key, which holds ids and no user.
        item: String,
        /// Why.
        #[source]
        source: serde_dynamo::Error,
    },
    /// The table is that of another stack.
    #[error(
        "the table {table} is of {} mode, and STRIPE_MODE is not: each mode needs a stack of its own",
        if *livemode { "live" } else { "test" }
    )]
    OtherMode {
        /// Its name.
        table: String,
        /// Whether it is of live mode.
        livemode: bool,
    },
}

impl StoreError {
    /// Whether an item is not readable, which another try does not change.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Item { .. })
    }

    pub(crate) fn call<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: std::error::Error + Send + Sync + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        move |error| {
            if error.code() == Some("TransactionConflictException") {
                return Self::Conflict { operation };
            }
            Self::Call {
                operation,
                source: Box::new(error),
            }
        }
    }

    pub(crate) fn item(operation: &'static str) -> impl FnOnce(serde_dynamo::Error) -> Self {
        Self::unreadable(operation, String::new())
    }

    pub(crate) fn unreadable(
        operation: &'static str,
        item: String,
    ) -> impl FnOnce(serde_dynamo::Error) -> Self {
        move |source| Self::Item {
            operation,
            item,
            source,
        }
    }
}
