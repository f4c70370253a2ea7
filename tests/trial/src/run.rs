//! A run: its cases on several lanes, its progress, its summary.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::lane::{Lane, Log};
use crate::plan::{self, Calls, Filter, Size};
use crate::report::Report;
use crate::try_case::{Verdict, try_case};
use crate::wire::Bug;

/// What a run tries.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where all chance comes from.
    pub seed: u64,
    /// How much is tried.
    pub size: Size,
    /// Which of the cases.
    pub filter: Filter,
    /// The bug that is planted in all cases.
    pub bug: Option<Bug>,
    /// How many cases are under way at once. Most of their time they wait.
    pub lanes: usize,
    /// Whether progress is told.
    pub progress: bool,
    /// How long new cases are begun.
    pub at_most: Option<Duration>,
    /// Whether the first case that does not hold ends the run.
    pub stop_at_first: bool,
}

type Queue = Arc<Mutex<VecDeque<Case>>>;

/// A lane's Stripe remembers all of its cases, so it makes room for another after this many.
const CASES_OF_A_LANE: usize = 60;
/// Without optimisation, the futures of a whole journey take more than the usual 2 MiB.
const STACK: usize = 32 << 20;
const BETWEEN_TWO_LINES: Duration = Duration::from_secs(5);

impl Run {
    /// A run of that size with that seed.
    pub fn new(size: Size, seed: u64) -> Self {
        Self {
            seed,
            size,
            filter: Filter::default(),
            bug: None,
            lanes: 10,
            progress: false,
            at_most: None,
            stop_at_first: false,
        }
    }

    /// Tries everything.
    pub fn go(&self) -> Report {
        let mut report = Report::default();
        let mut calls = Calls::new();
        self.try_all(
            plan::clean(&self.filter, self.seed),
            "counting calls",
            &mut report,
            |case, verdict| {
                let journey = crate::journeys::Journey::named(&case.scenario);
                if let Some(journey) = journey {
                    let key = (journey.name(), case.life.name());
                    calls.insert(key, (verdict.passed.clone(), verdict.calls_of_shopper));
                }
            },
        );
        if self.stop_at_first && !report.held() {
            return report;
        }
        let cases = plan::cases(&calls, self.size, &self.filter, self.seed);
        self.try_all(cases, "trying", &mut report, |_, _| {});
        report
    }

    /// Tries one case again, with everything that happens in it.
    pub fn replay(&self, case: &Case) -> Verdict {
        let verdicts = self.start(VecDeque::from([case.clone()]), 1);
        verdicts
            .recv()
            .map(|(_, verdict)| verdict)
            .unwrap_or_default()
    }

    fn try_all(
        &self,
        cases: Vec<Case>,
        what: &str,
        report: &mut Report,
        mut seen: impl FnMut(&Case, &Verdict),
    ) {
        let started = Instant::now();
        let all = cases.len();
        let verdicts = self.start(cases.into(), self.lanes);
        let (mut done, mut last) = (0_usize, Instant::now());
        while let Ok((case, verdict)) = verdicts.recv() {
            done += 1;
            seen(&case, &verdict);
            report.add(&case, &verdict);
            if self.progress && last.elapsed() >= BETWEEN_TWO_LINES {
                last = Instant::now();
                progress(what, done, all, started.elapsed(), report);
            }
            if self.stop_at_first && !report.held() {
                break;
            }
        }
        report.left += all - done;
    }

    /// Begins; the lanes end when there is nothing left, or nobody listens any more.
    fn start(&self, cases: VecDeque<Case>, lanes: usize) -> Receiver<(Case, Verdict)> {
        let queue: Queue = Arc::new(Mutex::new(cases));
        let end = self.at_most.map(|at_most| Instant::now() + at_most);
        let (send, receive) = channel();
        for number in 0..lanes {
            let (queue, send, bug) = (Arc::clone(&queue), send.clone(), self.bug);
            let lane = std::thread::Builder::new()
                .name(format!("lane-{number}"))
                .stack_size(STACK);
            // Without a thread there is one lane less.
            let _ = lane.spawn(move || work(&queue, &send, bug, end));
        }
        receive
    }
}

fn progress(what: &str, done: usize, all: usize, took: Duration, report: &Report) {
    let left = took * u32::try_from(all - done).unwrap_or(u32::MAX)
        / u32::try_from(done.max(1)).unwrap_or(u32::MAX);
    tell(&format!(
        "{what}: {done} of {all} cases, {} did not hold, about {} s left",
        report.failures.len(),
        left.as_secs()
    ));
}

#[allow(
    clippy::print_stderr,
    reason = "progress is for the person at the terminal"
)]
fn tell(line: &str) {
    eprintln!("{line}");
}

/// One lane: a thread with a runtime of its own, so that its cases meet nobody else's.
fn work(queue: &Queue, send: &Sender<(Case, Verdict)>, bug: Option<Bug>, end: Option<Instant>) {
    let log = Log::default();
    let _listening = log.listen();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return;
    };
    let is_over = || end.is_some_and(|end| Instant::now() >= end);
    let next = || {
        if is_over() {
            return None;
        }
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let mut waiting = next();
    while let Some(first) = waiting.take() {
        let lane = match runtime.block_on(Lane::start(log.clone())) {
            Ok(lane) => lane,
            Err(error) => {
                let verdict = Verdict {
                    broken: vec![error.to_string()],
                    ..Verdict::default()
                };
                let _ = send.send((first, verdict));
                return;
            }
        };
        let mut case = Some(first);
        for _ in 0..CASES_OF_A_LANE {
            let Some(now) = case.take().or_else(next) else {
                return;
            };
            let verdict = runtime.block_on(try_case(&lane, &now, bug));
            if send.send((now, verdict)).is_err() {
                return;
            }
        }
        drop(runtime.block_on(async { lane }));
        waiting = next();
    }
}
