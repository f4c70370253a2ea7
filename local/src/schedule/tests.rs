use std::sync::Mutex;

use super::*;
use crate::invoker::Invocation;
use serde_json::json;
use tokio::sync::mpsc;

const START: Timestamp = Timestamp::from_unix(1_795_560_000);

/// Tells when it was called and with what, and moves the clock as its answer would have taken.
struct Function {
    clock: Clock,
    takes: Mutex<Vec<i64>>,
    seen: mpsc::UnboundedSender<(i64, Value)>,
}

impl Invoker for Function {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        Box::pin(async move {
            let after = self.clock.now().unix() - START.unix();
            self.clock
                .advance(self.takes.lock().unwrap().pop().unwrap_or_default());
            self.seen.send((after, event)).unwrap();
            Ok(json!({ "function": function }))
        })
    }
}

fn scheduler(clock: &Clock, takes: &[i64]) -> (Scheduler, mpsc::UnboundedReceiver<(i64, Value)>) {
    let (sender, seen) = mpsc::unbounded_channel();
    let function = Function {
        clock: clock.clone(),
        takes: Mutex::new(takes.iter().rev().copied().collect()),
        seen: sender,
    };
    let schedule = Schedule {
        function: "reconcile".into(),
        input: json!({ "sweep": "open" }),
        when: When::parse("rate(5 minutes)").unwrap(),
        timeout: Duration::from_secs(5),
    };
    let scheduler = Scheduler::new(vec![schedule], Arc::new(function), clock.clone());
    (scheduler, seen)
}

/// Lets time pass, second by second, until the function was called.
async fn next(clock: &Clock, seen: &mut mpsc::UnboundedReceiver<(i64, Value)>) -> (i64, Value) {
    loop {
        if let Ok(call) = seen.try_recv() {
            return call;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        clock.advance(1);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_and_a_call_that_took_too_long_is_not_made_up_for() {
    let clock = Clock::manual(START);
    let (scheduler, mut seen) = scheduler(&clock, &[20, 400, 0]);
    let (stop, stopped) = watch::channel(false);
    let task = scheduler.keep(&stopped);
    let mut times = Vec::new();
    for _ in 0..4 {
        let (after, event) = next(&clock, &mut seen).await;
        assert_eq!(event, json!({ "sweep": "open" }));
        times.push(after);
    }
    // The second call ended at 1000, when the third was over; the next counts from there.
    let near = |time: i64, expected: i64| (expected..expected + 32).contains(&time);
    for (time, expected) in times.iter().zip([300, 600, 1300, 1600]) {
        assert!(near(*time, expected), "{times:?}");
    }
    stop.send(true).unwrap();
    task.await.unwrap();
}

#[tokio::test]
async fn a_schedule_runs_when_it_is_asked_to() {
    let clock = Clock::manual(START);
    let (scheduler, mut seen) = scheduler(&clock, &[]);
    let answer = scheduler.run(&json!({ "sweep": "open" })).await;
    assert_eq!(answer.unwrap().unwrap(), json!({ "function": "reconcile" }));
    assert_eq!(seen.recv().await.unwrap().0, 0);
    assert!(scheduler.run(&json!({ "sweep": "floor" })).await.is_none());
}
