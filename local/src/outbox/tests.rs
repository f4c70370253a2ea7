use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use dynoxide::Database;
use http::{HeaderMap, StatusCode};
use perennial_types::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::dynamodb::{self, Writes};
use crate::pump::{Pump, shard_of};
use crate::template::Template;

const TABLE: &str = "perennial";

/// A shop's program: tells what it got, and refuses each event as often as it is told to.
#[derive(Clone)]
struct Shop {
    seen: mpsc::UnboundedSender<(String, String, String)>,
    refusals: Arc<Mutex<HashMap<String, u32>>>,
}

async fn receive(State(shop): State<Shop>, headers: HeaderMap, body: String) -> StatusCode {
    let event: Value = serde_json::from_str(&body).unwrap();
    let id = event["id"].as_str().unwrap().to_owned();
    let signature = headers["perennial-signature"].to_str().unwrap().to_owned();
    shop.seen.send((id.clone(), signature, body)).unwrap();
    match shop.refusals.lock().unwrap().get_mut(&id) {
        Some(left) if *left > 0 => {
            *left -= 1;
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::NO_CONTENT,
    }
}

struct Bench {
    database: Database,
    writes: Writes,
    url: Url,
    secret: EventsSecret,
    seen: mpsc::UnboundedReceiver<(String, String, String)>,
}

impl Bench {
    async fn new(file: Option<&Path>, refusals: &[(&str, u32)]) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let refusals = refusals
            .iter()
            .map(|(id, n)| ((*id).to_owned(), *n))
            .collect();
        let shop = Shop {
            seen: sender,
            refusals: Arc::new(Mutex::new(refusals)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/events", post(receive))
            .with_state(shop);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let table = Template::embedded().unwrap().table;
        Self {
            database: dynamodb::open(file.map(Path::to_owned), TABLE, &table).unwrap(),
            writes: Writes::new(),
            url: url.parse().unwrap(),
            secret: EventsSecret::load(None).unwrap(),
            seen,
        }
    }

    fn put(&self, user: &str, id: &str) {
        let request = json!({
            "TableName": TABLE,
            "Item": {
                "pk": {"S": format!("OUT#{user}")}, "sk": {"S": format!("OUT#{id}")},
                "id": {"S": id}, "type": {"S": "subscription.activated"}, "version": {"N": "1"},
                "user": {"S": user}, "occurred_at": {"S": "2026-11-24T20:00:24Z"},
                "data": {"S": r#"{"subscription":{}}"#}, "expires_at": {"N": "1796155224"},
            },
        });
        self.database
            .put_item(serde_json::from_value(request).unwrap())
            .unwrap();
        self.writes.note();
    }

    fn start(&self, position: Option<&Path>, url: Option<Url>) -> Running {
        let outbox = Outbox::new(
            url,
            self.secret.clone(),
            super::links_of_tests(),
            Clock::system(),
        )
        .unwrap();
        let outbox = Arc::new(outbox);
        let pump = Pump::new(
            self.database.clone(),
            TABLE,
            position.map(Path::to_owned),
            Template::embedded().unwrap().outbox,
            outbox.clone(),
            &self.writes,
            None,
        );
        let (stop, stopped) = watch::channel(false);
        Running {
            outbox,
            stop,
            task: tokio::spawn(pump.unwrap().run(stopped)),
        }
    }

    async fn next(&mut self) -> (String, String, String) {
        let next = tokio::time::timeout(Duration::from_secs(10), self.seen.recv());
        next.await.expect("an event is sent").unwrap()
    }
}

struct Running {
    outbox: Arc<Outbox>,
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
async fn an_event_is_sent_signed_and_shown() {
    let mut bench = Bench::new(None, &[]).await;
    let running = bench.start(None, Some(bench.url.clone()));
    bench.put("alice", "pev_1");
    let (id, signature, body) = bench.next().await;
    assert_eq!(id, "pev_1");
    let time = signature.split(',').next().unwrap().strip_prefix("t=");
    let time = Timestamp::from_unix(time.unwrap().parse().unwrap());
    assert_eq!(signature, bench.secret.header(body.as_bytes(), time));
    assert!((Clock::system().now().unix() - time.unix()).abs() < 60);
    let shown = running.outbox.shown();
    assert_eq!(shown["events"][0].to_string(), body);
    assert_eq!(shown["secret"], bench.secret.text());
    running.stop().await;
}

#[tokio::test]
async fn an_event_that_is_refused_is_sent_again_before_the_users_next_and_holds_up_no_other_shard()
{
    let mut bench = Bench::new(None, &[("pev_1", 2)]).await;
    let shard = |user: &str| shard_of(&format!("OUT#{user}"));
    let users = ["bob", "carol", "dave", "erin", "frank", "grace"];
    let elsewhere = users.into_iter().find(|it| shard(it) != shard("alice"));
    bench.put("alice", "pev_1");
    bench.put("alice", "pev_2");
    bench.put(elsewhere.unwrap(), "pev_3");
    let running = bench.start(None, Some(bench.url.clone()));
    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.push(bench.next().await.0);
    }
    let other = seen.iter().position(|id| id == "pev_3").unwrap();
    assert!(other < 2, "{seen:?}");
    seen.remove(other);
    assert_eq!(seen, ["pev_1", "pev_1", "pev_1", "pev_2"]);
    let shown = running.outbox.shown();
    assert_eq!(shown["events"].as_array().unwrap().len(), 3, "{shown}");
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (file, position) = (folder.path().join("db"), folder.path().join("position"));
    let mut bench = Bench::new(Some(&file), &[("pev_2", u32::MAX)]).await;
    let running = bench.start(Some(&position), Some(bench.url.clone()));
    bench.put("alice", "pev_1");
    assert_eq!(bench.next().await.0, "pev_1");
    bench.put("alice", "pev_2");
    assert_eq!(bench.next().await.0, "pev_2");
    running.stop().await;
    bench.put("alice", "pev_3");
    drop(bench);

    let mut bench = Bench::new(Some(&file), &[]).await;
    let running = bench.start(Some(&position), Some(bench.url.clone()));
    assert_eq!(bench.next().await.0, "pev_2");
    assert_eq!(bench.next().await.0, "pev_3");
    running.stop().await;
    assert!(bench.seen.try_recv().is_err());
}

#[tokio::test]
async fn without_a_url_events_are_shown_and_items_that_are_none_are_not() {
    let bench = Bench::new(None, &[]).await;
    let request =
        json!({"TableName": TABLE, "Item": {"pk": {"S": "USER#a"}, "sk": {"S": "SUB#1"}}});
    let request = serde_json::from_value(request).unwrap();
    bench.database.put_item(request).unwrap();
    bench.put("alice", "pev_1");
    let running = bench.start(None, None);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while running.outbox.shown()["events"] == json!([]) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the event is not shown"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown = running.outbox.shown();
    assert_eq!(shown["events"][0]["id"], "pev_1");
    assert_eq!(shown["url"], Value::Null);
    running.stop().await;
}
