//! What the SDK makes of servers that do not answer as they should, through the client that the functions have.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    Client, config::Builder, error::SdkError, operation::list_tables::ListTablesError,
    operation::list_tables::ListTablesOutput,
};
use aws_smithy_runtime_api::client::{http::HttpConnector as _, orchestrator::HttpRequest};
use perennial_aws::{Account, Credentials, SdkClient, WithoutSdkName};
use perennial_https::Trust;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

type Answer = Result<ListTablesOutput, SdkError<ListTablesError>>;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"TableNames\":[]}";

/// Asks for tables at this address, and says how long it took.
async fn ask(endpoint: &str) -> (Answer, Duration) {
    let account = Account {
        region: "eu-west-1".to_owned(),
        credentials: Credentials::new("key", "secret", None, None, "test"),
    };
    let http = SdkClient::new(&Trust::default()).unwrap();
    let config = account.config(http, Some(&endpoint.parse().unwrap()));
    let begun = Instant::now();
    let answer = Client::new(&config).list_tables().send().await;
    (answer, begun.elapsed())
}

/// A server that does this with each connection; its port, and how many there were.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> (u16, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let connections = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (port, count)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = [0; 4096];
    let many = stream.read(&mut request).await.unwrap();
    assert!(many > 0);
    String::from_utf8_lossy(&request[..many]).into_owned()
}

#[tokio::test]
async fn an_answer_arrives_over_one_connection() {
    let (port, connections) = server(|mut stream| async move {
        for _ in 0..2 {
            read_request(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
        }
    })
    .await;
    let account = Account::made_up(&format!("http://127.0.0.1:{port}").parse().unwrap()).unwrap();
    let http = SdkClient::new(&Trust::default()).unwrap();
    let endpoint = format!("http://127.0.0.1:{port}").parse().unwrap();
    let config = account.config(http, Some(&endpoint));
    // Clients of one configuration share their connections.
    for _ in 0..2 {
        let answer = Client::new(&config).list_tables().send().await.unwrap();
        assert!(answer.table_names().is_empty());
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_names_this_application_and_nothing_of_the_sdk() {
    let (heads, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let (port, _) = server(move |mut stream| {
        let heads = heads.clone();
        async move {
            heads.send(read_request(&mut stream).await).unwrap();
            stream.write_all(ANSWER).await.unwrap();
        }
    })
    .await;
    let endpoint = format!("http://127.0.0.1:{port}").parse().unwrap();
    let account = Account::made_up(&endpoint).unwrap();
    let http = SdkClient::new(&Trust::default()).unwrap();
    let config = Builder::from(&account.config(http, Some(&endpoint)));
    let client = Client::from_conf(config.interceptor(WithoutSdkName).build());
    client.list_tables().send().await.unwrap();
    let head = seen.recv().await.unwrap();
    let mut lines = head.lines();
    let named = lines.find_map(|line| line.strip_prefix("user-agent: "));
    assert_eq!(
        named,
        Some(concat!("perennial/", env!("CARGO_PKG_VERSION")))
    );
    assert!(!head.contains("aws-sdk-rust"), "{head}");
}

#[tokio::test]
async fn a_server_that_hangs_is_tried_again_and_given_up_after_five_seconds() {
    let (port, connections) = server(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    let (answer, took) = ask(&format!("http://127.0.0.1:{port}")).await;
    assert!(
        matches!(answer, Err(SdkError::TimeoutError(_))),
        "{answer:?}"
    );
    assert!((4500..5500).contains(&took.as_millis()), "{took:?}");
    assert!(connections.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_timeout_after_one_second() {
    let (port, connections) = server(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    let endpoint = format!("https://127.0.0.1:{port}");
    let client = SdkClient::new(&Trust::default()).unwrap();
    let request = HttpRequest::get(endpoint.as_str()).unwrap();
    let begun = Instant::now();
    let error = client.call(request).await.unwrap_err();
    let took = begun.elapsed();
    assert!(error.is_timeout(), "{error:?}");
    assert!((900..1500).contains(&took.as_millis()), "{took:?}");
    // The SDK tries again, and how often depends on how long it waits in between.
    ask(&endpoint).await.0.unwrap_err();
    assert!(connections.load(Ordering::SeqCst) > 2);
}

#[tokio::test]
async fn a_refused_connection_is_an_error_of_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (answer, _) = ask(&format!("http://127.0.0.1:{port}")).await;
    let Err(SdkError::DispatchFailure(failure)) = answer else {
        panic!("{answer:?}");
    };
    assert!(failure.is_io(), "{failure:?}");
}

#[tokio::test]
async fn a_connection_that_is_closed_early_is_tried_three_times() {
    let (port, connections) = server(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let (answer, _) = ask(&format!("http://127.0.0.1:{port}")).await;
    let Err(SdkError::DispatchFailure(failure)) = answer else {
        panic!("{answer:?}");
    };
    assert!(failure.is_io(), "{failure:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_three_times() {
    let (port, connections) = server(|mut stream| async move {
        read_request(&mut stream).await;
        stream.write_all(&ANSWER[..ANSWER.len() - 5]).await.unwrap();
    })
    .await;
    let (answer, _) = ask(&format!("http://127.0.0.1:{port}")).await;
    assert!(
        matches!(answer, Err(SdkError::ResponseError(_))),
        "{answer:?}"
    );
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}
