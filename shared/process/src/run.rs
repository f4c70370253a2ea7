//! The `main` of every function.

use std::error::Error;
use std::process::ExitCode;

use crate::{Env, start_log};

/// Starts the log and runs the function with the environment of the process. Why it does not
/// start, or ends, is one line of the log: what `main` returns would be written as plain text,
/// which Lambda takes for a line of level INFO.
pub async fn run_function<F>(function: F) -> ExitCode
where
    F: AsyncFnOnce(Env) -> Result<(), Box<dyn Error + Send + Sync>>,
{
    let env = Env::process();
    start_log(&env);
    // Boxed, because all that a function does is in this future.
    match Box::pin(function(env)).await {
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
