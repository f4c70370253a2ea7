//! `cargo run -p perennial-adopt -- customers.csv --api URL`: see the library.

use std::{
    error::Error,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use perennial_adopt::{Api, Credentials, Options, Outcome, Progress, Row, Summary, read_rows, run};
use perennial_process::{Env, chain};
use tokio::time::Instant;
use url::Url;

/// Adopts the customers of a file: each becomes its user's, with its subscriptions that have not ended.
///
/// The file is CSV with the columns `user` and `customer`. Nothing is changed at Stripe. An interrupted run goes on where
/// it was: what was answered is in the progress file. The credentials are those of `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, which need `execute-api:Invoke` on the output `ShopApiArn`.
#[derive(Debug, Parser)]
#[command(name = "adopt", version, verbatim_doc_comment)]
struct Cli {
    /// The file
    file: PathBuf,
    /// The address of the API: the output `ApiUrl`, or `http://localhost:9000` of `cargo dev`
    #[arg(long, value_name = "URL")]
    api: Url,
    /// Change nothing, and say what would be adopted
    #[arg(long)]
    dry_run: bool,
    /// Where it is written down what was answered; the file's name with `.progress.jsonl` behind it, or
    /// `.dry-run.jsonl`, unless it is set
    #[arg(long, value_name = "FILE")]
    progress: Option<PathBuf>,
    /// Customers a second; each takes three or four requests of Stripe's 100 a second in live mode, 25 in test mode
    #[arg(long, value_name = "NUMBER", default_value_t = 5.0, value_parser = a_second)]
    rate: f64,
    /// Ask again for what was refused
    #[arg(long)]
    retry_refused: bool,
}

fn a_second(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.1..=25.0).contains(&number) => Ok(number),
        _ => Err("it must be from 0.1 to 25".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match adopt(&Cli::parse(), &Env::process()).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {}", chain(&*error));
            ExitCode::from(2)
        }
    }
}

async fn adopt(cli: &Cli, env: &Env) -> Result<ExitCode, Box<dyn Error>> {
    let rows = read_rows(&cli.file)?;
    let region = env
        .get("AWS_REGION")
        .or_else(|| env.get("AWS_DEFAULT_REGION"));
    let api = Api::new(&cli.api, region, Credentials::read(env)?)?;
    let kept = cli.progress.clone().unwrap_or_else(|| {
        let mut path = cli.file.clone().into_os_string();
        let ending = if cli.dry_run { "dry-run" } else { "progress" };
        path.push(format!(".{ending}.jsonl"));
        path.into()
    });
    let mut progress = Progress::open(&kept)?;
    let options = Options {
        is_dry: cli.dry_run,
        a_second: cli.rate,
        retries_refused: cli.retry_refused,
        ..Options::default()
    };
    let mut shown = Shown::of(&rows, &progress);
    let ran = tokio::select! {
        ran = run(&api, &rows, &mut progress, options, |row, outcome| shown.row(row, outcome)) => ran,
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            shown.end();
            return Err("interrupted; the same command goes on".into());
        }
    };
    shown.end();
    let summary = ran.map_err(|error| format!("{error}. The same command goes on."))?;
    let mut out = io::stdout().lock();
    let what = if cli.dry_run {
        "to be adopted"
    } else {
        "adopted"
    };
    writeln!(out, "{what}: {summary}")?;
    writeln!(out, "each row is in {}", kept.display())?;
    Ok(code_of(&summary))
}

fn code_of(summary: &Summary) -> ExitCode {
    if summary.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The line that says how far it is.
struct Shown {
    all: usize,
    done: usize,
    before: usize,
    wrong: usize,
    began: Instant,
    last: Instant,
    was_told: bool,
    is_terminal: bool,
}

impl Shown {
    fn of(rows: &[Row], progress: &Progress) -> Self {
        let is_known = |row: &&Row| {
            let known = progress.of(row);
            known.is_some_and(|known| !matches!(known, Outcome::Failed { .. }))
        };
        let before = rows.iter().filter(is_known).count();
        Self {
            all: rows.len(),
            done: before,
            before,
            wrong: 0,
            began: Instant::now(),
            last: Instant::now(),
            was_told: false,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    fn row(&mut self, row: &Row, outcome: &Outcome) {
        self.done += 1;
        let why = match outcome {
            Outcome::Adopted { .. } => None,
            Outcome::Refused { code } => Some(code),
            Outcome::Failed { reason } => Some(reason),
        };
        if let Some(why) = why {
            self.wrong += 1;
            let clear = if self.is_terminal { "\r\x1b[K" } else { "" };
            let _ = writeln!(io::stderr(), "{clear}{}: {why}", row.customer);
        }
        let every = Duration::from_millis(if self.is_terminal { 200 } else { 10_000 });
        let now = Instant::now();
        if now - self.last >= every {
            self.last = now;
            self.was_told = true;
            self.line();
        }
    }

    fn line(&self) {
        let took = self.began.elapsed().as_secs_f64();
        let here = u32::try_from(self.done - self.before).unwrap_or(u32::MAX);
        let rest = u32::try_from(self.all.saturating_sub(self.done)).unwrap_or(u32::MAX);
        let a_second = f64::from(here) / took.max(0.001);
        let left = Duration::from_secs_f64((f64::from(rest) / a_second.max(0.01)).min(1e7));
        let minutes = left.as_secs().div_ceil(60);
        let text = format!(
            "{} of {}, {a_second:.1} a second, about {minutes} min left, {} refused or not answered",
            self.done, self.all, self.wrong
        );
        let mut out = io::stderr();
        let _ = if self.is_terminal {
            write!(out, "\r\x1b[K{text}").and_then(|()| out.flush())
        } else {
            writeln!(out, "{text}")
        };
    }

    fn end(&self) {
        if self.was_told {
            self.line();
            if self.is_terminal {
                let _ = writeln!(io::stderr());
            }
        }
    }
}
