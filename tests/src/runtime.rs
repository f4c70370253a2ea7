//! Where the servers of all tests run, beside the tests, so that a test's end can ask them.

use std::sync::{OnceLock, mpsc};

use tokio::runtime::{Builder, Runtime};

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let built = Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build();
        built.expect("a runtime starts")
    })
}

/// Runs a task beside the tests and gives its result to a test that can wait.
pub(crate) async fn beside<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    runtime()
        .spawn(task)
        .await
        .expect("the task ends without a panic")
}

/// The same for a caller that cannot wait, such as `Drop`.
pub(crate) fn beside_blocking<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> T {
    let (send, receive) = mpsc::channel();
    runtime().spawn(async move {
        let _ = send.send(task.await);
    });
    receive.recv().expect("the task ends without a panic")
}
