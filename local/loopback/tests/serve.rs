//! A port, and those who want more of it than they should have.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this is a test"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse as _, Response};
use perennial_loopback::{Door, Limits, Refusal, Way, own_origins, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn refuse(refusal: &Refusal) -> Response {
    refusal.kind().into_response()
}

async fn echo(ConnectInfo(peer): ConnectInfo<SocketAddr>, body: Bytes) -> Response {
    assert!(peer.ip().is_loopback());
    body.into_response()
}

async fn start(limits: Limits) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door {
        hosts: Vec::new(),
        origins: own_origins(address.port()).into(),
        way: |_, _| Way::Call,
    };
    let (stop, stopped) = watch::channel(false);
    let router = Router::new().fallback(echo);
    let task = tokio::spawn(serve(listener, router, door, refuse, limits, stopped));
    Running {
        address,
        stop,
        task,
    }
}

fn limits() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        connections: 4,
        largest_body: 5,
    }
}

impl Running {
    /// Sends this, and gives what comes back until the connection ends.
    async fn say(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(10), read)
            .await
            .expect("the connection ends")
            .unwrap();
        answer
    }
}

fn request(headers: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn a_request_is_answered_and_a_foreign_or_large_one_refused() {
    let running = start(limits()).await;
    let own = format!("Origin: http://{}\r\n", running.address);
    for (headers, body, status, shown) in [
        ("Content-Length: 5\r\n", "hello", "200", "hello"),
        ("Content-Length: 6\r\n", "hello!", "413", "too_large"),
        (
            "Origin: https://evil.example\r\nContent-Length: 5\r\n",
            "hello",
            "403",
            "foreign_page",
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "6\r\nhello!\r\n0\r\n\r\n",
            "413",
            "too_large",
        ),
    ] {
        let answer = running.say(&request(headers, body)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.ends_with(shown), "{answer}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
    let large = running
        .say(&request(&format!("{own}Content-Length: 6\r\n"), "hello!"))
        .await;
    assert!(
        large.contains("access-control-allow-origin: http://127.0.0.1"),
        "{large}"
    );
}

#[tokio::test]
async fn half_a_request_does_not_stay() {
    let running = start(limits()).await;
    for half in [
        "",
        "POST / HTTP/1.1\r\nHost: local",
        "POST / HTTP/1.1\r\nHost: localhost\r\n",
    ] {
        let began = Instant::now();
        let answer = running.say(half).await;
        assert!(!answer.contains("200"), "{answer}");
        assert!(began.elapsed() >= limits().head, "{half:?}");
    }
    let answer = running.say(&request("Content-Length: 5\r\n", "hel")).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.ends_with("too_slow"), "{answer}");
}

#[tokio::test]
async fn whoever_holds_all_connections_holds_them_for_a_while_only() {
    let running = start(limits()).await;
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
        held.push(stream);
    }
    let answer = running
        .say(&request("Content-Length: 5\r\n", "hello"))
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn it_stops_when_told_to_whoever_has_half_a_request_open() {
    let running = start(Limits {
        head: Duration::from_mins(1),
        ..limits()
    })
    .await;
    let mut half = TcpStream::connect(running.address).await.unwrap();
    half.write_all(b"POST / HTTP/1.1\r\nHost: loc")
        .await
        .unwrap();
    let _idle = TcpStream::connect(running.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.stop.send(true).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), running.task).await;
    ended.expect("it stops").unwrap();
}
