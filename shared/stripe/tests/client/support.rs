//! A client with short limits, and servers that misbehave.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use perennial_stripe::{CreateCustomer, FrozenRequest, IdempotencyKey, Settings, Stripe};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// Holds the name of the key, so that its appearance anywhere can be looked for.
pub(crate) const SECRET_KEY: &str = "sk_test_never_shown";

pub(crate) fn settings(base: &str) -> Settings {
    let base = url::Url::parse(base).unwrap();
    Settings {
        attempt_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(1),
        ..Settings::new(SecretString::from(SECRET_KEY), base)
    }
}

pub(crate) fn client(base: &str) -> Stripe {
    Stripe::new(settings(base)).unwrap()
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

pub(crate) fn create_customer() -> FrozenRequest {
    CreateCustomer { user: "alice" }.freeze(key("cus:alice"))
}

pub(crate) fn customer() -> Value {
    json!({"id": "cus_1", "object": "customer", "livemode": false, "metadata": {}})
}

pub(crate) fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("Request-Id", "req_1")
        .set_body_json(body)
}

pub(crate) fn error(status: u16, error: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("Request-Id", "req_1")
        .set_body_json(json!({ "error": error }))
}

struct InTurn(Mutex<VecDeque<ResponseTemplate>>);

impl Respond for InTurn {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut rest = self.0.lock().unwrap();
        let next = rest.pop_front().unwrap();
        if rest.is_empty() {
            rest.push_back(next.clone());
        }
        next
    }
}

/// A server that gives these answers in turn, and the last one for ever.
pub(crate) async fn server(answers: impl IntoIterator<Item = ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let answers = InTurn(Mutex::new(answers.into_iter().collect()));
    Mock::given(any())
        .respond_with(answers)
        .mount(&server)
        .await;
    server
}

pub(crate) async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server that reads each request, writes `answer` as it is and hangs up; each request is also
/// given to the receiver.
pub(crate) async fn raw(answer: &'static str) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = seen.send(read_request(&mut stream).await);
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, requests)
}

/// The same for one request, after which nobody listens any more.
pub(crate) async fn raw_once(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        drop(listener);
        let _ = stream.write_all(answer.as_bytes()).await;
    });
    address
}

/// Reads up to the user's name, with which the body of every request here ends.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut buffer = vec![0; 16 * 1024];
    let mut length = 0;
    while !buffer[..length].ends_with(b"alice") {
        match stream.read(&mut buffer[length..]).await {
            Ok(read @ 1..) => length += read,
            _ => break,
        }
    }
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}
