//! The real binaries, run as the Lambda service runs them: each behind a Runtime API of its own,
//! one invocation at a time, another process when all are busy.

mod build;
mod process;
mod runtime_api;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use perennial_functions::FUNCTIONS;
use perennial_local::{Invocation, InvokeError, Invoker};
use serde_json::Value;
use tokio::sync::Semaphore;

pub use build::binary;
use process::Process;

use crate::wait::wait_until;

/// Where functions are that exist for a test alone.
const EXAMPLES: &str = "examples/";

/// More processes of one function would only crowd a small machine.
const MOST_PROCESSES: usize = 3;

/// Runs functions as processes, which live on between invocations.
#[derive(Debug, Default)]
pub struct Lambda {
    /// Each function's own.
    env: OnceLock<HashMap<&'static str, Vec<(String, String)>>>,
    functions: Mutex<HashMap<String, Arc<Function>>>,
    log: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct Function {
    permits: Semaphore,
    idle: Mutex<Vec<Process>>,
    /// Process ids of those that are at work.
    busy: Mutex<Vec<Arc<tokio::sync::Notify>>>,
}

impl Lambda {
    /// Gives each function its environment.
    pub(crate) fn set_up(&self, env_of: impl Fn(&str) -> Vec<(String, String)>) {
        let env = FUNCTIONS.map(|function| (function.name, env_of(function.name)));
        assert!(
            self.env.set(HashMap::from(env)).is_ok(),
            "the functions are set up once"
        );
    }

    /// The functions with this environment, beside those of a test's own server.
    pub fn with_env(env: &[(String, String)]) -> Self {
        let lambda = Self::default();
        lambda.set_up(|_| env.to_vec());
        lambda
    }

    /// Ends every process of a function at once, as `kill -9` does; the next invocation starts a
    /// new one. Gives how many were in the middle of an invocation.
    pub fn kill(&self, function: &str) -> usize {
        let function = self.function(function);
        lock(&function.idle).clear();
        let busy = std::mem::take(&mut *lock(&function.busy));
        for kill in &busy {
            kill.notify_one();
        }
        busy.len()
    }

    /// What the processes have written, line by line.
    pub fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }

    /// What they have written after the first `seen` lines, once that a request was answered is among
    /// it: a line is read a little later than it is written.
    pub async fn log_of_an_answer(&self, seen: usize) -> Vec<String> {
        wait_until("the log tells of an answer", async || {
            let new = self.log().split_off(seen);
            let told = new.iter().any(|line| line.contains(r#""answered""#));
            told.then_some(new)
        })
        .await
    }

    fn function(&self, name: &str) -> Arc<Function> {
        let mut functions = lock(&self.functions);
        let function = functions.entry(name.to_owned()).or_insert_with(|| {
            let (permits, idle) = (Semaphore::new(MOST_PROCESSES), Mutex::default());
            Arc::new(Function {
                permits,
                idle,
                busy: Mutex::default(),
            })
        });
        Arc::clone(function)
    }

    async fn call(&self, name: &str, event: Value) -> Result<Value, InvokeError> {
        if perennial_functions::Function::named(name).is_none() && !name.starts_with(EXAMPLES) {
            return Err(InvokeError::Unknown(name.to_owned()));
        }
        let failed = |reason: String| InvokeError::Failed {
            function: name.to_owned(),
            reason,
        };
        let function = self.function(name);
        let _permit = function
            .permits
            .acquire()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let env = self.env.get();
        let env = env.ok_or_else(|| failed("it is not set up".to_owned()))?;
        // A program that is no function of the template has no variables of its own.
        let env = env.get(name).map_or(&[][..], Vec::as_slice);
        let idle = lock(&function.idle).pop();
        let mut process = match idle {
            Some(process) => process,
            None => Process::start(name, env, Arc::clone(&self.log)).await,
        };
        let kill = Arc::new(tokio::sync::Notify::new());
        lock(&function.busy).push(Arc::clone(&kill));
        let result = tokio::select! {
            result = process.invoke(event) => result,
            () = kill.notified() => {
                process.kill().await;
                Err("it was killed".to_owned())
            }
        };
        lock(&function.busy).retain(|other| !Arc::ptr_eq(other, &kill));
        // A process that has failed is not used again; it ends when it is dropped.
        let answer = result.map_err(failed)?;
        lock(&function.idle).push(process);
        Ok(answer)
    }
}

impl Invoker for Lambda {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(self.call(function, event))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with the lock")
}
