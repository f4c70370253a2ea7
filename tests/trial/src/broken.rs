//! What did not hold, or kept a case from being tried.

use thiserror::Error;

/// Why a case did not hold, in a sentence for whoever reads the report.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    /// From a sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        Self(format!(
            "the trial met JSON that it does not understand: {error}"
        ))
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self(format!("the machine refused something: {error}"))
    }
}
