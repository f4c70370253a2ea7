//! The sandbox by itself, on a port of its own.

use clap::{Parser, Subcommand};
use perennial_sandbox::{API_VERSION, Error, Options, PUBLISHABLE_KEY, SECRET_KEY, Sandbox, probe};
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// A small stateful Stripe for one machine.
#[derive(Debug, Parser)]
#[command(
    name = "stripe-sandbox",
    version,
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    /// The port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 9002)]
    port: u16,
    /// The file that keeps the state.
    #[arg(long, default_value = ".perennial/stripe-sandbox.jsonl")]
    data: PathBuf,
    /// Keep nothing.
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// The secret key that it takes; without one, any `sk_test_` or `rk_test_` key.
    #[arg(long, value_name = "KEY")]
    secret_key: Option<String>,
    /// The origin of a page that may call it, such as `http://localhost:5173`; may be given more than once.
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the same calls against Stripe and against the sandbox, and say where they differ.
    Probe(probe::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Probe(arguments)) = &arguments.command {
        return compare(arguments).await;
    }
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say_error(&message);
            ExitCode::FAILURE
        }
    }
}

/// Compares Stripe with a sandbox of its own, which keeps nothing.
async fn compare(arguments: &probe::Arguments) -> ExitCode {
    if !arguments.needs_sandbox() {
        return ExitCode::from(probe::run(arguments, None).await);
    }
    let sandbox = match TcpListener::bind(("127.0.0.1", 0)).await {
        Ok(listener) => Sandbox::start(Options::new(listener))
            .await
            .map_err(|error| whole(&error)),
        Err(error) => Err(format!("no port can be used: {error}")),
    };
    match sandbox {
        Ok(sandbox) => ExitCode::from(probe::run(arguments, Some(sandbox.url())).await),
        Err(message) => {
            say_error(&message);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    let address = ("127.0.0.1", arguments.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("port {} cannot be used: {error}", arguments.port))?;
    let data = (!arguments.memory).then_some(arguments.data);
    let with_key = arguments.secret_key.is_some();
    let options = Options {
        secret_key: arguments.secret_key,
        origins: arguments.origin,
        data,
        ..Options::new(listener)
    };
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| whole(&error))?;
    announce(sandbox.url(), with_key);
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| format!("Ctrl-C cannot be waited for: {error}"))?;
    sandbox.shutdown().await;
    Ok(())
}

/// The error with its causes in one line.
fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[expect(
    clippy::print_stdout,
    reason = "the address is what this program is started for"
)]
fn announce(url: &str, with_key: bool) {
    let secret = if with_key {
        "that of --secret-key"
    } else {
        SECRET_KEY
    };
    println!("Stripe sandbox {API_VERSION} on {url}  (keys: {secret}, {PUBLISHABLE_KEY})");
}

#[expect(
    clippy::print_stderr,
    reason = "the reason why it does not start belongs on the terminal"
)]
fn say_error(message: &str) {
    eprintln!("stripe-sandbox: {message}");
}
