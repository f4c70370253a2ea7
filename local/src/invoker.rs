//! How a function is called: in this process, or however a test wants it.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use perennial_functions::Started;
use serde_json::Value;

/// What an invocation gives: the function's answer, or why there is none.
pub type Invocation<'a> = Pin<Box<dyn Future<Output = Result<Value, InvokeError>> + Send + 'a>>;

/// Calls a function by the name of its crate, as the Lambda service would.
pub trait Invoker: Send + Sync + 'static {
    /// Hands the event to the function and waits for its answer.
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a>;
}

impl Invoker for Started {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            let running = self.get(function);
            let running = running.ok_or_else(|| InvokeError::Unknown(function.to_owned()))?;
            let answer = running.handle(event).await;
            answer.map_err(|reason| InvokeError::Failed {
                function: function.to_owned(),
                reason,
            })
        })
    }
}

/// Why a function gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// No function has this name.
    #[error("there is no function `{0}`")]
    Unknown(String),
    /// It panicked, exited or answered with an error.
    #[error("the function `{function}` failed: {reason}")]
    Failed {
        /// Which function.
        function: String,
        /// What is known of the reason.
        reason: String,
    },
    /// It took longer than the template allows.
    #[error("the function `{function}` did not answer within {}", seconds(*after))]
    TimedOut {
        /// Which function.
        function: String,
        /// The function's time.
        after: Duration,
    },
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// Calls a function in a task of its own, so that a panic ends this invocation alone.
///
/// As with Lambda, a caller who goes away does not stop the function; only its time-out does.
pub(crate) async fn call(
    invoker: &Arc<dyn Invoker>,
    function: &str,
    event: Value,
    timeout: Duration,
) -> Result<Value, InvokeError> {
    let (invoker, name) = (Arc::clone(invoker), function.to_owned());
    let task =
        tokio::spawn(
            async move { tokio::time::timeout(timeout, invoker.invoke(&name, event)).await },
        );
    match task.await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(InvokeError::TimedOut {
            function: function.to_owned(),
            after: timeout,
        }),
        Err(join) => Err(InvokeError::Failed {
            function: function.to_owned(),
            reason: if join.is_panic() {
                "it panicked".into()
            } else {
                "it was cancelled".into()
            },
        }),
    }
}
