//! A task that can be told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a stop waits for what is under way, before it goes on without it.
const GRACE: Duration = Duration::from_secs(10);

/// One part of the running bundle.
pub(crate) struct Part {
    name: &'static str,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Part {
    pub(crate) fn start(
        name: &'static str,
        start: impl FnOnce(watch::Receiver<bool>) -> JoinHandle<()>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self {
            name,
            stop,
            task: start(stopped),
        }
    }

    /// Lets it finish what is under way.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            tracing::warn!(part = self.name, "it did not finish in time");
            self.task.abort();
        }
    }
}

impl Drop for Part {
    /// A test that ends early leaves nothing running.
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
