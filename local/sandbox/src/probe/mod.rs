//! Runs the same calls against Stripe and against a sandbox, and says where they differ.
//!
//! A module for each part, each using only those before it: `inferred` is what is believed of Stripe, `scenario` what
//! is asked, `fill` what stands in braces there; `key` and `client` ask, `made` takes away again what was made;
//! `allowed`, `compare` and `events` compare; `lane` and `run` take both sides through the scenarios; `report` and
//! `progress` say what was found.

mod allowed;
mod client;
mod compare;
mod events;
mod fill;
mod inferred;
mod key;
mod lane;
mod made;
mod progress;
mod report;
mod run;
mod scenario;

use crate::state::{clock, ids};
use clap::Args;
use client::{Call, Failure, Side};
use fill::Common;
use key::TestKey;
use lane::Lane;
use made::Made;
use report::Report;
use scenario::{FIXTURES, Scenario};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nothing differs, or what was asked for is done.
const FINE: u8 = 0;

/// It could not be run.
const COULD_NOT_RUN: u8 = 2;

/// What the probe is asked for. The key of Stripe's test mode is read from the variable `STRIPE_TEST_KEY`, or from a
/// file; it is no argument, so that no history of a shell keeps it.
#[derive(Args, Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub struct Arguments {
    /// A file that holds the test key; without it, `STRIPE_TEST_KEY` does.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print every call that would be made, and make none.
    #[arg(long)]
    dry_run: bool,
    /// Only scenarios whose name contains this; may be given more than once.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,
    /// Print the scenarios and what each asks.
    #[arg(long)]
    list: bool,
    /// Print the list of what is inferred, as it stands in the README.
    #[arg(long)]
    inferred: bool,
    /// Write the whole report there, with every answer.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Another address than Stripe's.
    #[arg(long, value_name = "URL", default_value = "https://api.stripe.com")]
    stripe: String,
    /// Leave everything that was made.
    #[arg(long)]
    keep: bool,
    /// Take away what earlier runs left, by its mark, and do nothing else; of one run, if it is named.
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "it may be there without a run")]
    clean: Option<Option<String>>,
    /// Requests a second that Stripe is sent at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 4.0, value_parser = rate)]
    rate: f64,
}

impl Arguments {
    /// Whether a sandbox is asked, too.
    pub fn needs_sandbox(&self) -> bool {
        !(self.dry_run || self.list || self.inferred || self.clean.is_some())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate| (0.1..=100_000.0).contains(rate));
    rate.ok_or_else(|| "a number of requests a second, at least 0.1".to_owned())
}

/// Does what is asked, with the address of a sandbox if one is needed. Answers the exit code of the program: 0 without
/// a difference, 1 with one, 2 if it could not be run.
pub async fn run(arguments: &Arguments, sandbox: Option<&str>) -> u8 {
    match asked(arguments, sandbox).await {
        Ok(code) => code,
        Err(why) => {
            say_error(&why);
            COULD_NOT_RUN
        }
    }
}

async fn asked(arguments: &Arguments, sandbox: Option<&str>) -> Result<u8, String> {
    if arguments.inferred {
        say(&inferred::markdown());
        return Ok(FINE);
    }
    let scenarios = chosen(&arguments.only)?;
    if arguments.list {
        say(&listed(&scenarios));
        return Ok(FINE);
    }
    if arguments.dry_run {
        say(&planned(&scenarios));
        return Ok(FINE);
    }
    let key = TestKey::read(arguments.key_file.as_deref())?;
    let stop = Arc::new(AtomicBool::new(false));
    tokio::spawn(stop_on_ctrl_c(Arc::clone(&stop)));
    let stripe = Side::new(&arguments.stripe, key, arguments.rate, Arc::clone(&stop))?;
    refuse_live(&stripe).await?;
    if let Some(run) = &arguments.clean {
        return clean(&stripe, run.as_deref()).await;
    }
    let sandbox = sandbox.ok_or("there is no sandbox")?;
    let local = Side::new(
        sandbox,
        TestKey::of_sandbox(),
        SANDBOX_RATE,
        Arc::clone(&stop),
    )?;
    let now = clock::machine_seconds();
    let common = Common {
        run: format!("{now}-{}", ids::random(6).to_lowercase()),
        now,
    };
    let mut run = run::Run::new(
        Lane::stripe(stripe),
        Lane::sandbox(local),
        common,
        arguments.keep,
    );
    let ended = run.all(&scenarios, &mut progress::Progress::new()).await;
    // From here on, Ctrl-C means to leave what is there.
    stop.store(false, Ordering::Relaxed);
    let report = finish(run, ended).await;
    say(&report.text());
    if let Some(file) = &arguments.json {
        write(file, &report)?;
    }
    Ok(report.exit_code())
}

/// As quick as a sandbox of this machine is.
const SANDBOX_RATE: f64 = 5000.0;

/// Takes away what is left of a run and makes its report.
async fn finish(mut run: run::Run, ended: Option<String>) -> Report {
    let Lane { side, made, .. } = &mut run.stripe;
    let mut left = run.left;
    // In live mode nothing is touched, not even what was made there by mistake.
    if !run.keep && !run.live {
        left.extend(made.remove(side).await);
        if made.unknown {
            // Something may have been made whose id never arrived.
            match Made::find(side, Some(&run.common.run)).await {
                Ok(mut found) => {
                    left.extend(found.remove(side).await);
                    left.extend(found.paths());
                }
                Err(_) => left.push(format!(
                    "what carries the mark {}={}",
                    made::MARK,
                    run.common.run
                )),
            }
        }
    }
    left.extend(made.paths());
    Report {
        run: run.common.run,
        api_version: crate::API_VERSION,
        scenarios: run.found,
        requests: side.sent.load(Ordering::Relaxed),
        slowed: side.slowed.load(Ordering::Relaxed),
        may_differ: allowed::ALLOWED,
        left,
        ended,
    }
}

/// Asks who is there before anything is made. Stripe's balance says of which mode the key is.
async fn refuse_live(stripe: &Side) -> Result<(), String> {
    for path in ["/v1/account", "/v1/balance"] {
        match stripe.ask(&Call::get(path, &[])).await {
            Ok(answer) if answer.status == 401 => {
                let message = answer
                    .body
                    .pointer("/error/message")
                    .and_then(Value::as_str);
                return Err(format!(
                    "the key is refused: {}",
                    message.unwrap_or_default()
                ));
            }
            Ok(_) => {}
            Err(Failure::Live) => {
                return Err("the answer is one of live mode: nothing is asked there".to_owned());
            }
            Err(Failure::Lost(why)) => {
                return Err(format!("there is no answer from Stripe: {why}"));
            }
            Err(Failure::Stopped) => return Err("it was stopped".to_owned()),
        }
    }
    Ok(())
}

/// Takes away what carries the mark of a run, or of any.
async fn clean(stripe: &Side, run: Option<&str>) -> Result<u8, String> {
    let lost = |failure| match failure {
        Failure::Lost(why) => format!("what is left cannot be listed: {why}"),
        Failure::Live => "an answer is of live mode: nothing is taken away there".to_owned(),
        Failure::Stopped => "it was stopped".to_owned(),
    };
    let mut made = Made::find(stripe, run).await.map_err(lost)?;
    for path in made.paths() {
        say(&format!("takes away {path}\n"));
    }
    let mut left = made.remove(stripe).await;
    left.extend(made.paths());
    for path in &left {
        say(&format!("left behind: {path}\n"));
    }
    Ok(if left.is_empty() { FINE } else { COULD_NOT_RUN })
}

async fn stop_on_ctrl_c(stop: Arc<AtomicBool>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        stop.store(true, Ordering::Relaxed);
        say_error("stopping, and taking away what was made; once more leaves it");
    }
}

/// The scenarios to run, the fixtures first.
fn chosen(only: &[String]) -> Result<Vec<&'static Scenario>, String> {
    let is_chosen = |scenario: &&Scenario| {
        scenario.id == FIXTURES
            || only.is_empty()
            || only
                .iter()
                .any(|pattern| scenario.id.contains(pattern.as_str()))
    };
    let chosen: Vec<_> = scenario::all()?.iter().filter(is_chosen).collect();
    if chosen.len() < 2 {
        return Err("no scenario has such a name; --list prints them".to_owned());
    }
    Ok(chosen)
}

fn listed(scenarios: &[&Scenario]) -> String {
    let line = |scenario: &&Scenario| {
        let settled = inferred::beliefs()
            .iter()
            .filter(|belief| belief.scenarios.contains(&scenario.id))
            .map(|belief| belief.id.as_str());
        let settled: Vec<&str> = settled.collect();
        format!(
            "{}: {} [{}]\n",
            scenario.id,
            scenario.about,
            settled.join(", ")
        )
    };
    scenarios.iter().skip(1).map(line).collect()
}

fn planned(scenarios: &[&Scenario]) -> String {
    let mut text = String::from("GET /v1/account\nGET /v1/balance\n");
    for scenario in scenarios {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "\n# {}: {}", scenario.id, scenario.about);
        for step in &scenario.steps {
            let _ = writeln!(text, "{}", lane::planned(step, "RUN"));
        }
        if scenario.id != FIXTURES {
            text.push_str("GET /v1/events, until no further ones come\n");
            text.push_str("then what it made is deleted, canceled or archived\n");
        }
    }
    text.push_str("\nthen the fixtures are archived\n");
    text
}

fn write(file: &Path, report: &Report) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).map_err(|error| error.to_string())?;
    std::fs::write(file, text + "\n")
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

#[expect(
    clippy::print_stdout,
    reason = "what it finds is what this program is started for"
)]
fn say(text: &str) {
    print!("{text}");
}

#[expect(
    clippy::print_stderr,
    reason = "why it does not run belongs on the terminal"
)]
fn say_error(text: &str) {
    eprintln!("probe: {text}");
}
