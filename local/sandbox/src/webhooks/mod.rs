//! Telling webhook endpoints of events.

pub(crate) mod deliver;
pub(crate) mod queue;
pub(crate) mod release;
pub(crate) mod sign;
pub(crate) mod version;
