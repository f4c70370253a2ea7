use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::dynamodb::{self, Writes};
use crate::invoker::{Invocation, InvokeError};
use crate::template::Template;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const TABLE: &str = "perennial";

/// A function that tells what it got, and fails the events that it is told to fail, once each.
struct Function {
    seen: mpsc::UnboundedSender<String>,
    fails: Mutex<HashSet<String>>,
    panics: Mutex<HashSet<String>>,
}

impl Invoker for Function {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> Invocation<'a> {
        assert_eq!(function, "worker");
        Box::pin(async move {
            for record in event["Records"].as_array().unwrap() {
                let name = record["dynamodb"]["Keys"]["sk"]["S"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                self.seen
                    .send(format!("{} {name}", record["eventName"].as_str().unwrap()))
                    .unwrap();
                let panics = self.panics.lock().unwrap().remove(&name);
                assert!(!panics, "as told");
                if self.fails.lock().unwrap().remove(&name) {
                    let id = &record["dynamodb"]["SequenceNumber"];
                    return Ok(json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
                }
            }
            Ok::<_, InvokeError>(json!({ "batchItemFailures": [] }))
        })
    }
}

struct Bench {
    database: Database,
    writes: Writes,
    seen: mpsc::UnboundedReceiver<String>,
    function: Arc<Function>,
}

impl Bench {
    fn new(file: Option<&Path>) -> Self {
        let table = Template::embedded().unwrap().table;
        let (sender, seen) = mpsc::unbounded_channel();
        let function = Function {
            seen: sender,
            fails: Mutex::default(),
            panics: Mutex::default(),
        };
        Self {
            database: dynamodb::open(file.map(Path::to_owned), TABLE, &table).unwrap(),
            writes: Writes::new(),
            seen,
            function: Arc::new(function),
        }
    }

    fn put(&self, customer: &str, sk: &str, status: &str) {
        self.put_at(&format!("INBOX#{customer}"), sk, status);
    }

    fn put_at(&self, pk: &str, sk: &str, status: &str) {
        let request = json!({
            "TableName": TABLE,
            "Item": {"pk": {"S": pk}, "sk": {"S": sk}, "status": {"S": status}},
        });
        self.database
            .put_item(serde_json::from_value(request).unwrap())
            .unwrap();
        self.writes.note();
    }

    fn start(&self, position: Option<&Path>) -> Running {
        let pump = Pump::new(
            self.database.clone(),
            TABLE,
            position.map(Path::to_owned),
            Template::embedded().unwrap().stream,
            self.function.clone(),
            &self.writes,
            None,
        );
        let (stop, stopped) = watch::channel(false);
        Running {
            stop,
            task: tokio::spawn(pump.unwrap().run(stopped)),
        }
    }

    async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(10), self.seen.recv());
        next.await.expect("a record is delivered").unwrap()
    }
}

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

#[tokio::test]
async fn new_and_requeued_events_are_delivered_and_nothing_else() {
    let mut bench = Bench::new(None);
    bench.put("a", "EVENT#1", "received");
    bench.put("a", "EVENT#1", "processed");
    bench.put_at("USER#a", "SUB#1", "active");
    bench.put("a", "EVENT#1", "received");
    bench.put("a", "EVENT#2", "received");
    let running = bench.start(None);
    assert_eq!(bench.next().await, "INSERT EVENT#1");
    assert_eq!(bench.next().await, "MODIFY EVENT#1");
    assert_eq!(bench.next().await, "INSERT EVENT#2");
    running.stop().await;
    assert!(bench.seen.try_recv().is_err());
}

#[tokio::test]
async fn a_failure_is_delivered_again_before_what_follows_it() {
    let mut bench = Bench::new(None);
    for name in ["EVENT#1", "EVENT#2", "EVENT#3"] {
        bench.put("a", name, "received");
    }
    bench
        .function
        .fails
        .lock()
        .unwrap()
        .insert("EVENT#2".into());
    let running = bench.start(None);
    for name in ["EVENT#1", "EVENT#2", "EVENT#2", "EVENT#3"] {
        assert_eq!(bench.next().await, format!("INSERT {name}"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_panic_of_the_function_is_a_failure_of_its_whole_batch() {
    let mut bench = Bench::new(None);
    bench.put("a", "EVENT#1", "received");
    bench.put("a", "EVENT#2", "received");
    bench
        .function
        .panics
        .lock()
        .unwrap()
        .insert("EVENT#2".into());
    let running = bench.start(None);
    for name in ["EVENT#1", "EVENT#2", "EVENT#1", "EVENT#2"] {
        assert_eq!(bench.next().await, format!("INSERT {name}"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_run_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (file, position) = (folder.path().join("db"), folder.path().join("position"));
    let mut bench = Bench::new(Some(&file));
    bench.put("a", "EVENT#1", "received");
    let running = bench.start(Some(&position));
    assert_eq!(bench.next().await, "INSERT EVENT#1");
    running.stop().await;
    bench.put("b", "EVENT#2", "received");
    drop(bench);

    let mut bench = Bench::new(Some(&file));
    let running = bench.start(Some(&position));
    assert_eq!(bench.next().await, "INSERT EVENT#2");
    running.stop().await;
    assert!(bench.seen.try_recv().is_err());
}

#[tokio::test]
async fn what_failed_before_a_restart_comes_again_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, position) = (folder.path().join("db"), folder.path().join("position"));
    let mut bench = Bench::new(Some(&file));
    bench.put("a", "EVENT#1", "received");
    bench.put("b", "EVENT#2", "received");
    bench
        .function
        .fails
        .lock()
        .unwrap()
        .insert("EVENT#1".into());
    let running = bench.start(Some(&position));
    let seen = HashSet::from([bench.next().await, bench.next().await]);
    assert_eq!(
        seen,
        HashSet::from(["INSERT EVENT#1".to_owned(), "INSERT EVENT#2".to_owned()])
    );
    // Killed while the failure rests.
    running.task.abort();
    drop(bench);

    let mut bench = Bench::new(Some(&file));
    let running = bench.start(Some(&position));
    // The position stands before it, so what was done after it comes again, too.
    let seen = HashSet::from([bench.next().await, bench.next().await]);
    assert!(seen.contains("INSERT EVENT#1"), "{seen:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_position_of_another_stream_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let position = folder.path().join("position");
    let mut bench = Bench::new(None);
    PositionFile::new(Some(position.clone()))
        .save("another", "199999999999999999999")
        .unwrap();
    bench.put("a", "EVENT#1", "received");
    let running = bench.start(Some(&position));
    assert_eq!(bench.next().await, "INSERT EVENT#1");
    running.stop().await;
}

#[tokio::test]
async fn a_record_has_the_members_of_the_recorded_event() {
    let bench = Bench::new(None);
    bench.put("a", "EVENT#1", "received");
    let records = Records::of_table(bench.database.clone(), TABLE).unwrap();
    let ours = records.read(None, 1).await.unwrap();
    let recorded: Value =
        serde_json::from_str(include_str!("../../../events/worker-inbox-insert.json")).unwrap();
    let names = |value: &Value| -> Vec<String> {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(&ours[0]), names(&recorded["Records"][0]));
    assert_eq!(
        names(&ours[0]["dynamodb"]),
        names(&recorded["Records"][0]["dynamodb"])
    );
}

// Nothing was written, so nothing is read, whatever the table holds.
#[tokio::test]
async fn a_stream_is_read_again_only_after_a_write() {
    let mut bench = Bench::new(None);
    bench.put("cus_1", "EVT#1", "pending");
    let running = bench.start(None);
    bench.next().await;
    // It reads until there is nothing more.
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Written behind the pump's back.
    let request = json!({
        "TableName": TABLE,
        "Item": {"pk": {"S": "INBOX#cus_2"}, "sk": {"S": "EVT#2"}, "status": {"S": "pending"}},
    });
    bench
        .database
        .put_item(serde_json::from_value(request).unwrap())
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(bench.seen.try_recv().is_err());
    bench.writes.note();
    bench.next().await;
    running.stop().await;
}
