//! `cargo dev`: starts the bundle, says where it is, and ends it at Ctrl-C.

use std::error::Error;
use std::io::{self, IsTerminal as _, Write as _};
use std::pin::pin;
use std::process::ExitCode;

use clap::Parser as _;
use perennial_config::Env;
use perennial_local::{Cli, Server};
use perennial_process::may_show;
use serde::Serialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::process();
    log(&env);
    match run(&cli, env).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli, env: Env) -> Result<(), Box<dyn Error>> {
    let mut ended = pin!(ended()?);
    let server = tokio::select! {
        server = Server::start(cli.options(env)) => server?,
        () = &mut ended => return Ok(()),
    };
    if let Some(file) = cli.env_file() {
        file.write(&server.env())?;
    }
    announce(&server, cli)?;
    ended.await;
    // Whoever asks a second time does not want to wait.
    tokio::select! {
        () = server.shutdown() => {}
        () = self::ended()? => {}
    }
    Ok(())
}

/// The line of `--json`, for programs.
#[derive(Serialize)]
struct Addresses<'a> {
    gateway: &'a str,
    dynamodb: &'a str,
    stripe: &'a str,
    key: &'a str,
    /// Of the sandbox; absent where Stripe itself answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_key: Option<&'a str>,
}

fn announce(server: &Server, cli: &Cli) -> io::Result<()> {
    let (key, stripe_key) = (server.key(), server.sandbox_key());
    let addresses = Addresses {
        gateway: server.gateway_url(),
        dynamodb: server.dynamodb_url(),
        stripe: server.stripe_url(),
        key: &key,
        stripe_key: stripe_key.as_deref(),
    };
    let Addresses {
        gateway, stripe, ..
    } = addresses;
    let table = addresses.dynamodb.rsplit('@').next().unwrap_or_default();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "The shop is open: {gateway}/#key={key}  (DynamoDB http://{table}, Stripe {stripe}; Ctrl-C ends)"
    )?;
    if cli.json {
        writeln!(out, "{}", serde_json::to_string(&addresses)?)?;
    }
    if cli.shop_url.is_some() {
        let page = server.shop_url();
        let (stripe_js, policy) = (server.stripe_js(), server.policy_for_a_page());
        writeln!(
            out,
            "Your page may call: open it as {page}#key={key}\n  \
             Stripe.js:  <script src=\"{stripe_js}\"></script>\n  \
             the module: import {{ createPerennial }} from \"{gateway}/perennial.js\";\n  \
             a token:    import {{ devToken }} from \"{gateway}/dev.js\";\n  \
             its policy: {policy}\n  \
             web/README.md has a whole page."
        )?;
    }
    if let Some(url) = &cli.events_url {
        writeln!(
            out,
            "The shop's events go to {url}; {gateway}/dev/events shows them, and the secret that signs them."
        )?;
    }
    if let Some(file) = cli.env_file() {
        let path = file.path.display();
        writeln!(out, "The variables of the functions are in {path}.")?;
    }
    if server.webhooks_need_forwarding() {
        writeln!(
            out,
            "To receive Stripe's events, run `stripe listen --forward-to {gateway}/webhooks/stripe` \
             and start this again with its secret in STRIPE_WEBHOOK_SECRETS."
        )?;
    }
    out.flush()
}

/// What is logged unless `RUST_LOG` says otherwise. A condition that does not hold is a warning to
/// the embedded database, and everyday business to the functions.
const QUIET: &str = "warn,dynoxide=error";

/// The log goes to standard error; `RUST_LOG=info` shows every request. Whatever it says, libraries are
/// heard from INFO on.
fn log(env: &Env) {
    let filter = EnvFilter::try_new(env.get("RUST_LOG").unwrap_or(QUIET));
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(QUIET)))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .finish()
        .with(filter_fn(may_show))
        .init();
}

/// Waits for Ctrl-C or SIGTERM, either of which may come as soon as this returns.
#[cfg(unix)]
fn ended() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn ended() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// The error and its causes, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
