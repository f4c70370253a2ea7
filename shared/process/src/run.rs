//! The `main` of every function.

use std::{error::Error, process::ExitCode};

use lambda_runtime::{LambdaEvent, service_fn};
use perennial_types::Clock;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::{Env, Start, start_log};

/// A function that no HTTP leads to.
pub trait EventHandler: Start {
    /// Answers one event. The error is a sentence that says why there is no answer, and counts as a failed
    /// invocation.
    fn handle(&self, event: Value) -> impl Future<Output = Result<Value, String>> + Send;
}

/// The `main` of a function that no HTTP leads to.
pub fn main<F: EventHandler>() -> ExitCode {
    serve(async |function: &F, event: LambdaEvent<Value>| function.handle(event.payload).await)
}

/// Starts the log and the function with the environment of the process, and answers events until the
/// sandbox ends. Why it does not start, or ends, is one line of the log: what `main` returns would be
/// written as plain text, which Lambda takes for a line of level INFO.
pub fn serve<F: Start>(
    answer: impl AsyncFn(&F, LambdaEvent<Value>) -> Result<Value, String>,
) -> ExitCode {
    let env = Env::process();
    start_log(&env);
    let run = async move {
        let function = F::start(&env, Clock::system()).await?;
        lambda_runtime::run(service_fn(|event| answer(&function, event))).await
    };
    // Boxed, because all that a function does is in this future.
    let run = Box::pin(run);
    let runtime = Builder::new_current_thread().enable_all().build();
    match runtime.map_or_else(|error| Err(error.into()), |runtime| runtime.block_on(run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error = chain(&*error);
            tracing::error!(error, "the function does not run");
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
