//! Pages of objects, and what is left of a deleted one.

use serde::Deserialize;

/// One page.
#[derive(Debug, Clone, Deserialize)]
pub struct List<T> {
    /// The objects, newest first.
    pub data: Vec<T>,
    /// Whether there is another page, after the last of these.
    #[serde(default)]
    pub has_more: bool,
}

/// The answer to a deletion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deleted {
    /// The id of what was deleted.
    pub id: String,
    /// Always true.
    #[serde(default)]
    pub deleted: bool,
}
