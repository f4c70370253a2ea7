//! Whether something was written to the table, for those who read its stream.

use tokio::sync::watch;

/// Counts the writes to the table.
///
/// The database finds what is new in a stream by going through all of it, so a reader that asked now and then would cost
/// more the more the table holds. Everything that writes goes through this process, which can say when there is
/// something to read.
#[derive(Clone, Debug)]
pub(crate) struct Writes(watch::Sender<u64>);

impl Writes {
    /// None so far.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Something was written.
    pub(crate) fn note(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Hears of what is written from now on.
    pub(crate) fn heard(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
