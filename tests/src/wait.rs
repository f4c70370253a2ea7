//! Waiting for what happens by itself.

use std::time::Duration;

/// How often it is looked at, and how long at most.
const PAUSE: Duration = Duration::from_millis(25);
const PATIENCE: Duration = Duration::from_mins(2);

/// Looks again and again until there is something, and gives that; `what` names it if it never comes.
pub async fn wait_until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
