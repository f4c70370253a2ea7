//! `cargo run -p perennial-trial -- torture`: tries, and says what held.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use perennial_trial::broken::Broken;
use perennial_trial::case::{Case, Matrix};
use perennial_trial::lane::Through;
use perennial_trial::plan::{Filter, Size};
use perennial_trial::planted::Planted;
use perennial_trial::run::Run;
use perennial_trial::scale::{self, Figures, Rules, Storm, report};
use perennial_trial::wire::{Bug, Fault};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pulls the plug everywhere, and checks that nothing is lost and nobody is charged twice.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tries everything that can go wrong, or a sample of it.
    Torture(Torture),
    /// Plants each known bug in turn, and fails if the trial does not find it.
    Planted {
        /// Where all chance comes from.
        #[arg(long, default_value_t = 7)]
        seed: u64,
    },
    /// Simulates the work that grows with the number of subscribers.
    Scale(Scale),
}

#[derive(clap::Args)]
struct Scale {
    /// Where all chance comes from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The sizes, in subscribers.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    subscribers: Vec<usize>,
    /// One run alone: comparison, hourly, storm, reminders, adoption or erasure.
    #[arg(long)]
    only: Option<String>,
}

#[derive(clap::Args)]
struct Torture {
    /// Where all chance comes from; the same seed tries the same.
    #[arg(long)]
    seed: Option<u64>,
    /// A sample that takes less than two minutes.
    #[arg(long, conflicts_with = "long")]
    quick: bool,
    /// Everything; it takes a quarter of an hour on two cores.
    #[arg(long)]
    long: bool,
    /// One matrix alone: crash, fault, race, hooks, time or random.
    #[arg(long, value_parser = matrix)]
    only: Option<Matrix>,
    /// One journey, race or year alone, or all that begin so: `apple*`.
    #[arg(long)]
    scenario: Option<String>,
    /// One fault alone, such as lost-after.
    #[arg(long, value_parser = fault)]
    fault: Option<Fault>,
    /// Tries one case again and tells everything that happens in it.
    #[arg(long, value_name = "ID")]
    replay: Option<Case>,
    /// Plants a known bug, which the trial has to find.
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
    /// How many cases are under way at once; as many as there are processors unless said.
    #[arg(long)]
    lanes: Option<usize>,
    /// What the functions' calls go through: memory, or sockets with pauses that last.
    #[arg(long, default_value = "memory", value_parser = through)]
    wire: Through,
    /// Begins no new case after so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
}

fn matrix(name: &str) -> Result<Matrix, String> {
    Matrix::named(name).ok_or_else(|| "there are crash, fault, race, hooks and time".to_owned())
}

fn through(name: &str) -> Result<Through, String> {
    match name {
        "memory" => Ok(Through::Memory),
        "sockets" => Ok(Through::Sockets),
        _ => Err("there are memory and sockets".to_owned()),
    }
}

fn fault(name: &str) -> Result<Fault, String> {
    Fault::named(name).ok_or_else(|| {
        let names = Fault::ALL.map(Fault::name).join(", ");
        format!("the known faults are {names}")
    })
}

fn bug(name: &str) -> Result<Bug, String> {
    Bug::named(name).ok_or_else(|| {
        let names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        let names = names.join(", ");
        format!("the known bugs are {names}")
    })
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Torture(torture) => torture_or_replay(torture),
        Command::Planted { seed } => find_planted(seed),
        Command::Scale(scale) => simulate_all(&scale),
    }
}

fn torture_or_replay(torture: Torture) -> ExitCode {
    let size = match (torture.quick, torture.long) {
        (true, _) => Size::Quick,
        (_, true) => Size::Long,
        _ => Size::Usual,
    };
    let filter = Filter {
        matrix: torture.only,
        scenario: torture.scenario,
        life: None,
        fault: torture.fault,
    };
    let new = Run::new(size, torture.seed.unwrap_or_else(fresh_seed));
    let run = Run {
        filter,
        bug: torture.bug,
        lanes: torture.lanes.unwrap_or(new.lanes).max(1),
        through: torture.wire,
        progress: true,
        at_most: torture
            .minutes
            .map(|minutes| Duration::from_secs(minutes * 60)),
        ..new
    };
    match &torture.replay {
        Some(case) => replay(&run, case),
        None => torture_all(&run),
    }
}

#[allow(clippy::print_stdout, reason = "the report is what the command is for")]
fn torture_all(run: &Run) -> ExitCode {
    println!("seed {}", run.seed);
    let report = run.go();
    print!("{report}");
    if report.held() && report.total().tried > 0 {
        return ExitCode::SUCCESS;
    }
    if report.total().tried == 0 {
        println!("nothing was tried");
    }
    println!(
        "again with: trial torture --seed {}, or one case with --replay ID",
        run.seed
    );
    ExitCode::FAILURE
}

#[allow(clippy::print_stdout, reason = "the story is what the command is for")]
fn replay(run: &Run, case: &Case) -> ExitCode {
    let verdict = run.replay(case);
    for (number, passed) in verdict.passed.iter().enumerate() {
        let fault = passed.fault.map_or("", |fault| fault.name());
        let status = passed
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        println!(
            "call {number:>4} {:<8} {status:>4} {} {fault}",
            passed.door.name(),
            passed.name
        );
    }
    for line in verdict.log.lines() {
        println!("log  {line}");
    }
    for line in &verdict.story {
        println!("{line}");
    }
    if verdict.broken.is_empty() {
        println!("{case} held");
        return ExitCode::SUCCESS;
    }
    for what in &verdict.broken {
        println!("DID NOT HOLD: {what}");
    }
    ExitCode::FAILURE
}

#[allow(
    clippy::print_stdout,
    reason = "what was found is what the command is for"
)]
fn find_planted(seed: u64) -> ExitCode {
    let mut missed = 0;
    for bug in Bug::ALL.iter().copied() {
        let found = Planted::of(bug).look(seed);
        missed += usize::from(!found.is_found());
        print!("{found}");
    }
    let all = Bug::ALL.len();
    println!("{} of {all} planted bugs were found", all - missed);
    if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A million subscriptions may take so long, and other sizes their share of it and a quarter of an hour.
const COMPARISON_OF_A_MILLION: u64 = 2 * 3600;
/// A storm comes within an hour, and has half of one to end.
const STORM: u64 = 90 * 60;
/// Whatever their number, the shop is told of charges a day after it should have been at the latest.
const REMINDERS: u64 = 25 * 3600;
/// Adoptions and erasures are asked for at five a second. An erasure ends a quarter of an hour after it was asked for, and
/// the sweep has half an hour for that.
const A_SECOND: u64 = 5;
const AFTER_ADOPTIONS: u64 = 60;
const AFTER_ERASURES: u64 = 45 * 60;

#[allow(clippy::print_stdout, reason = "the report is what the command is for")]
fn simulate_all(scale: &Scale) -> ExitCode {
    let seed = scale.seed;
    let is_wanted = |name: &str| scale.only.as_ref().is_none_or(|only| only == name);
    let mut runs = Vec::new();
    let mut note = |figures: Result<Figures, Broken>, seconds: u64| match figures {
        Ok(figures) => {
            let run = [(figures, Rules::within(Duration::from_secs(seconds)))];
            print!("{}", report(&run));
            println!("{}\n", run[0].0.outcome);
            runs.extend(run);
        }
        Err(error) => println!("a run did not come to its end: {error}"),
    };
    let mut wanted = 0;
    for subscribers in scale.subscribers.iter().copied() {
        if is_wanted("comparison") {
            wanted += 1;
            let share = COMPARISON_OF_A_MILLION * u64::try_from(subscribers).unwrap_or(u64::MAX);
            let figures = scale::simulate(scale::comparison(subscribers, seed));
            note(figures, 900 + share / 1_000_000);
        }
        if is_wanted("hourly") {
            wanted += 1;
            let figures = scale::simulate(scale::hourly(subscribers / 2, seed));
            note(figures, 13 * 60);
        }
        if is_wanted("storm") {
            for refusing in [0, 30] {
                wanted += 1;
                let storm = Storm {
                    refusing: Duration::from_mins(refusing),
                    ..Storm::of(subscribers)
                };
                let figures = scale::simulate(scale::storm(storm, seed));
                note(figures, STORM + 60 * refusing);
            }
        }
        if is_wanted("reminders") {
            wanted += 1;
            let figures =
                scale::simulate(scale::reminders(subscribers, Duration::from_hours(1), seed));
            note(figures, REMINDERS);
        }
        let asking = u64::try_from(subscribers).unwrap_or(u64::MAX) / A_SECOND;
        if is_wanted("adoption") {
            wanted += 1;
            let figures = scale::simulate(scale::adoption(subscribers, seed));
            note(figures, asking + AFTER_ADOPTIONS);
        }
        if is_wanted("erasure") {
            wanted += 1;
            let figures = scale::simulate(scale::erasure(subscribers, seed));
            note(figures, asking + AFTER_ERASURES);
        }
    }
    println!("{}", report(&runs));
    let holds = runs.iter().all(|(run, rules)| rules.broken(run).is_empty());
    if holds && runs.len() == wanted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn fresh_seed() -> u64 {
    let now = perennial_types::Clock::system().now().unix();
    u64::try_from(now).unwrap_or(0)
}
