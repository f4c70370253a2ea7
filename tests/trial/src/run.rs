//! A run: its cases on several lanes, its progress, its summary.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::journeys::Journey;
use crate::lane::{Kept, Through};
use crate::plan::{self, Calls, Filter, Size};
use crate::report::Report;
use crate::table::Witness;
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
    /// How many cases are under way at once.
    pub lanes: usize,
    /// What the calls go through.
    pub through: Through,
    /// Whether progress is told.
    pub progress: bool,
    /// Makes what is called for each request to the table of a case.
    pub witness: Option<fn() -> Witness>,
    /// How long new cases are begun.
    pub at_most: Option<Duration>,
}

type Queue = Arc<Mutex<VecDeque<Case>>>;

/// Without optimisation, the futures of a whole journey take more than the usual 2 MiB.
const STACK: usize = 32 << 20;
const BETWEEN_TWO_LINES: Duration = Duration::from_secs(5);
const BETWEEN_TWO_LOOKS: Duration = Duration::from_secs(1);
/// By the machine's clock. The longest case, a year over sockets, takes a fraction of this.
const LONGEST_CASE: Duration = Duration::from_mins(2);

impl Run {
    /// A run of that size with that seed.
    pub fn new(size: Size, seed: u64) -> Self {
        Self {
            seed,
            size,
            filter: Filter::default(),
            bug: None,
            lanes: processors(),
            through: Through::Memory,
            progress: false,
            witness: None,
            at_most: None,
        }
    }

    /// Tries everything.
    pub fn go(&self) -> Report {
        self.until(|_| false)
    }

    /// Tries until something does not hold whose sentence is one of these.
    pub fn until(&self, is_enough: impl Fn(&str) -> bool) -> Report {
        let mut report = Report::default();
        let mut calls = Calls::new();
        let clean = plan::clean(self.size, &self.filter, self.seed);
        let note = |case: &Case, verdict: &Verdict| {
            if let Some(journey) = Journey::named(&case.scenario) {
                let key = (journey.name(), case.life.name());
                calls.insert(key, (verdict.passed.clone(), verdict.calls_of_shopper));
            }
        };
        if self.try_all(clean, "counting calls", &mut report, &is_enough, note) {
            return report;
        }
        let cases = plan::cases(&calls, self.size, &self.filter, self.seed);
        self.try_all(cases, "trying", &mut report, &is_enough, |_, _| {});
        report
    }

    /// Tries these cases.
    pub fn these(&self, cases: Vec<Case>) -> Report {
        let mut report = Report::default();
        self.try_all(cases, "trying", &mut report, &|_| false, |_, _| {});
        report
    }

    /// Tries one case again, with everything that happens in it.
    pub fn replay(&self, case: &Case) -> Verdict {
        let verdicts = self.start(VecDeque::from([case.clone()]), 1);
        verdicts.next().map_or_else(
            || Verdict::broken("there was no verdict"),
            |(_, verdict)| verdict,
        )
    }

    /// Whether it has seen enough before the end.
    fn try_all(
        &self,
        cases: Vec<Case>,
        what: &str,
        report: &mut Report,
        is_enough: &dyn Fn(&str) -> bool,
        mut seen: impl FnMut(&Case, &Verdict),
    ) -> bool {
        let started = Instant::now();
        let all = cases.len();
        let verdicts = self.start(cases.into(), self.lanes);
        let (mut done, mut last) = (0_usize, Instant::now());
        while let Some((case, verdict)) = verdicts.next() {
            done += 1;
            seen(&case, &verdict);
            report.add(&case, &verdict);
            if self.progress && last.elapsed() >= BETWEEN_TWO_LINES {
                last = Instant::now();
                progress(what, done, all, started.elapsed(), report);
            }
            if verdict.broken.iter().any(|what| is_enough(what)) {
                return true;
            }
        }
        report.left += all - done;
        false
    }

    /// Begins; the lanes end when there is nothing left, or nobody listens any more.
    fn start(&self, cases: VecDeque<Case>, lanes: usize) -> Started {
        let queue: Queue = Arc::new(Mutex::new(cases));
        let end = self.at_most.map(|at_most| Instant::now() + at_most);
        let (send, verdicts) = channel();
        let mut under_way = Vec::new();
        for number in 0..lanes {
            let report = Reporter {
                verdicts: send.clone(),
                under_way: Arc::default(),
            };
            under_way.push(Arc::clone(&report.under_way));
            let (queue, run) = (Arc::clone(&queue), self.clone());
            let lane = std::thread::Builder::new()
                .name(format!("lane-{number}"))
                .stack_size(STACK);
            // Without a thread there is one lane less.
            let _ = lane.spawn(move || work(&queue, &report, &run, end));
        }
        Started {
            verdicts,
            under_way,
        }
    }
}

/// What a lane does.
#[derive(Debug, Default)]
enum Doing {
    /// It takes another case.
    #[default]
    Nothing,
    /// It tries this one, since then.
    Trying(Case, Instant),
    /// It has ended, or nobody waits for it any more.
    Gone,
}

type UnderWay = Arc<Mutex<Doing>>;

/// How a lane says what it does.
struct Reporter {
    verdicts: Sender<(Case, Verdict)>,
    under_way: UnderWay,
}

impl Reporter {
    fn begins(&self, case: &Case) {
        *lock(&self.under_way) = Doing::Trying(case.clone(), Instant::now());
    }

    /// Whether somebody waits for more. A case that was given up has been told of already.
    fn ends(&self, case: Case, verdict: Verdict) -> bool {
        let mut under_way = lock(&self.under_way);
        if matches!(*under_way, Doing::Gone) {
            return false;
        }
        *under_way = Doing::Nothing;
        self.verdicts.send((case, verdict)).is_ok()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        *lock(&self.under_way) = Doing::Gone;
    }
}

/// Lanes at work.
struct Started {
    verdicts: Receiver<(Case, Verdict)>,
    under_way: Vec<UnderWay>,
}

impl Started {
    /// The next verdict; none when all lanes have ended, or those that have not are given up.
    fn next(&self) -> Option<(Case, Verdict)> {
        loop {
            match self.verdicts.recv_timeout(BETWEEN_TWO_LOOKS) {
                Ok(verdict) => return Some(verdict),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(case) = self.under_way.iter().find_map(stuck) {
                let why = format!("it has not ended after {} s", LONGEST_CASE.as_secs());
                return Some((case, Verdict::broken(why)));
            }
            let is_gone = |it: &UnderWay| matches!(*lock(it), Doing::Gone);
            if self.under_way.iter().all(is_gone) {
                // What a lane said just before it ended.
                return self.verdicts.try_recv().ok();
            }
        }
    }
}

/// The case of a lane that has not come to an end, if it should have. The lane's thread cannot be
/// ended, so it goes on with it until the process ends, and takes no other case.
fn stuck(under_way: &UnderWay) -> Option<Case> {
    let mut under_way = lock(under_way);
    let Doing::Trying(case, since) = &*under_way else {
        return None;
    };
    if since.elapsed() < LONGEST_CASE {
        return None;
    }
    let case = case.clone();
    *under_way = Doing::Gone;
    Some(case)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

/// How many cases can be computed at once.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// One lane: a thread, so that its cases meet nobody else's.
fn work(queue: &Queue, report: &Reporter, run: &Run, end: Option<Instant>) {
    let kept = Kept::new(run.through, run.witness);
    let _listening = kept.log.listen();
    while end.is_none_or(|end| Instant::now() < end) {
        let next = lock(queue).pop_front();
        let Some(case) = next else { return };
        report.begins(&case);
        let verdict = match runtime(run.through) {
            Ok(runtime) => runtime.block_on(try_case(&kept, &case, run.bug)),
            Err(error) => Verdict::broken(error.to_string()),
        };
        if !report.ends(case, verdict) {
            return;
        }
    }
}

/// A runtime for one case. Without sockets, its time passes only where all its tasks wait for it.
fn runtime(through: Through) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    match through {
        Through::Memory => builder.enable_time().start_paused(true).build(),
        Through::Sockets => builder.enable_all().build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_does_not_end_is_told_of_and_waited_for_no_longer() {
        let (send, verdicts) = channel();
        let report = Reporter {
            verdicts: send,
            under_way: Arc::default(),
        };
        let case: Case = "crash:client-return:shopper:0:7".parse().unwrap();
        let long_ago = Instant::now().checked_sub(LONGEST_CASE).unwrap();
        *lock(&report.under_way) = Doing::Trying(case.clone(), long_ago);
        let started = Started {
            verdicts,
            under_way: vec![Arc::clone(&report.under_way)],
        };
        let (told, verdict) = started.next().unwrap();
        assert_eq!(told, case);
        assert!(verdict.broken[0].contains("has not ended"), "{verdict:?}");
        assert!(started.next().is_none());
        assert!(!report.ends(case, Verdict::default()));
    }
}
