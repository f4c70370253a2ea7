//! What is logged, on one thread or on all.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use serde_json::Value;
use tracing::{
    Dispatch,
    subscriber::{DefaultGuard, NoSubscriber},
};

/// The lines that were logged while it was listened to.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps what this thread logs from now on, until the guard is dropped.
    pub fn listen(&self) -> DefaultGuard {
        // While there is one subscriber alone, `tracing` asks the thread that first meets a line whether
        // it is listened to, and keeps that answer for all threads. With two it asks each subscriber.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(NoSubscriber::default()));
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || log.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    /// Keeps what all threads log from now on, until the guard is dropped: those of the servers, which run beside the
    /// tests, and so those of other tests as well.
    #[must_use]
    pub fn listen_to_all(&self) -> ListensToAll {
        static FAN: OnceLock<()> = OnceLock::new();
        FAN.get_or_init(|| {
            let subscriber = tracing_subscriber::fmt().json().with_writer(|| Fan);
            tracing::subscriber::set_global_default(subscriber.finish())
                .expect("nothing else listens to all threads");
        });
        let mut all = LISTENERS.lock().expect("no thread panics while it listens");
        all.push(self.clone());
        ListensToAll(self.clone())
    }

    /// The lines since the last time.
    pub fn take(&self) -> Vec<Value> {
        let bytes = std::mem::take(
            &mut *self
                .0
                .lock()
                .expect("no thread panics while it writes a line"),
        );
        let lines = String::from_utf8(bytes).expect("log lines are UTF-8");
        let lines = lines.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("a log line is JSON")
    }
}

static LISTENERS: Mutex<Vec<Log>> = Mutex::new(Vec::new());

/// Listens until it is dropped.
#[derive(Debug)]
pub struct ListensToAll(Log);

impl Drop for ListensToAll {
    fn drop(&mut self) {
        let mut all = LISTENERS.lock().expect("no thread panics while it listens");
        all.retain(|log| !Arc::ptr_eq(&log.0, &self.0.0));
    }
}

/// Gives each line to all who listen.
struct Fan;

impl io::Write for Fan {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut all = LISTENERS.lock().expect("no thread panics while it listens");
        for log in &mut *all {
            log.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("no thread panics while it takes the lines")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
