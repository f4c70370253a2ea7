//! One process of a function, and what it is told.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::build::binary;
use super::runtime_api::RuntimeApi;

/// A process that waits for its next invocation. It is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    api: RuntimeApi,
}

impl Process {
    pub(super) async fn start(
        function: &str,
        env: &[(String, String)],
        log: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        let name = function.to_owned();
        let path = tokio::task::spawn_blocking(move || binary(&name)).await;
        let api = RuntimeApi::start(function).await;
        let mut child = Command::new(path.expect("the binaries are built"))
            // Nothing of this machine's environment, as in Lambda.
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_REGION", "local")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary runs");
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            tokio::spawn(keep(out, Arc::clone(&log)));
            tokio::spawn(keep(err, log));
        }
        Self { child, api }
    }

    /// Hands over an event and waits for the answer, or for the end of the process.
    pub(super) async fn invoke(&mut self, event: Value) -> Result<Value, String> {
        tokio::select! {
            answer = self.api.invoke(event) => answer,
            ended = self.child.wait() => Err(format!("the process ended: {ended:?}")),
        }
    }

    /// Ends the process at once.
    pub(super) async fn kill(&mut self) {
        self.child
            .kill()
            .await
            .expect("a process of our own can be killed");
    }
}

async fn keep(output: impl AsyncRead + Unpin, log: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        super::lock(&log).push(line);
    }
}
