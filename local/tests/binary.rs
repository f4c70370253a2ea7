//! The binary as a person meets it: its lines, its exit codes, its end.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this is a test"
)]

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

fn perennial(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perennial"));
    // A developer's own keys must not reach the tests.
    for name in [
        "STRIPE_SECRET_KEY",
        "STRIPE_PUBLISHABLE_KEY",
        "STRIPE_API_BASE",
        "PLANS_FILE",
    ] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

const FREE_PORTS: [&str; 6] = ["--port", "0", "--dynamodb-port", "0", "--stripe-port", "0"];

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    first: String,
    addresses: Value,
}

async fn start(more: &[&str]) -> Running {
    let mut child = perennial(&[&FREE_PORTS, more, &["--json"]].concat())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines
        .next_line()
        .await
        .unwrap()
        .expect("a line for a person");
    let second = lines.next_line().await.unwrap().expect("a line of JSON");
    Running {
        child,
        lines,
        first,
        addresses: serde_json::from_str(&second).unwrap(),
    }
}

impl Running {
    /// Sends the signal, and gives the exit code and what was written after the first two lines.
    async fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        let id = self.child.id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .await
                .unwrap()
                .success()
        );
        let ended = tokio::time::timeout(Duration::from_secs(15), self.child.wait()).await;
        let code = ended.expect("it ends").unwrap().code();
        let mut rest = Vec::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            rest.push(line);
        }
        (code, rest)
    }
}

#[tokio::test]
async fn it_says_where_it_is_and_ends_cleanly_at_a_signal() {
    for signal in ["-INT", "-TERM"] {
        let running = start(&["--memory"]).await;
        let gateway = running.addresses["gateway"].as_str().unwrap().to_owned();
        assert!(running.first.contains(&gateway), "{}", running.first);
        for name in ["gateway", "dynamodb", "stripe"] {
            let address = running.addresses[name].as_str().unwrap();
            let key = address.find('@').map_or("", |end| &address[7..=end]);
            let address = address.replacen(key, "", 1);
            assert!(
                address.starts_with("http://127.0.0.1:"),
                "{name}: {address}"
            );
        }
        let key = running.addresses["key"].as_str().unwrap();
        assert!(running.first.contains(&format!("{gateway}/#key={key} ")));
        assert_eq!(running.end(signal).await, (Some(0), Vec::new()), "{signal}");
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_flag() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    for flag in ["--port", "--dynamodb-port", "--stripe-port"] {
        let others = FREE_PORTS
            .chunks(2)
            .filter(|pair| pair[0] != flag)
            .flatten()
            .copied();
        let mut arguments: Vec<&str> = others.collect();
        arguments.extend([flag, port.as_str(), "--memory"]);
        let output = perennial(&arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{flag}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            message.contains(&port) && message.contains(flag),
            "{message}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_second_run_on_the_same_folder_is_refused_and_one_after_the_first_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("state");
    let data = ["--data", data.to_str().unwrap()];
    let first = start(&data).await;
    let second = perennial(&[&FREE_PORTS[..], &data].concat())
        .output()
        .await
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(
        message.contains("in use") && message.contains("--data"),
        "{message}"
    );
    first.end("-INT").await;
    assert_eq!(start(&data).await.end("-INT").await.0, Some(0));
}

#[tokio::test]
async fn wrong_usage_and_a_live_key_are_told_apart() {
    let usage = perennial(&["--nonsense"]).output().await.unwrap();
    assert_eq!(usage.status.code(), Some(2));
    let live = perennial(&[&FREE_PORTS[..], &["--memory"]].concat())
        .env("STRIPE_SECRET_KEY", "sk_live_abc")
        .env("STRIPE_PUBLISHABLE_KEY", "pk_live_abc")
        .output()
        .await
        .unwrap();
    assert_eq!(live.status.code(), Some(1));
    let message = String::from_utf8(live.stderr).unwrap();
    assert!(
        message.contains("live key") && !message.contains("sk_live_abc"),
        "{message}"
    );
}

#[tokio::test]
async fn the_variables_of_the_functions_are_written_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sam.json");
    let arguments = ["--memory", "--env-file", path.to_str().unwrap()];
    let running = start(&arguments).await;
    let file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let here = running.addresses["dynamodb"].as_str().unwrap();
    let there = here.replace("127.0.0.1", "host.docker.internal");
    assert_eq!(
        file["Parameters"]["AWS_ENDPOINT_URL_DYNAMODB"],
        there.as_str()
    );
    let (code, rest) = running.end("-INT").await;
    assert_eq!(code, Some(0));
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(rest[0].contains("sam.json"), "{rest:?}");
}

#[tokio::test]
async fn a_name_of_this_machine_needs_a_file_that_it_stands_in() {
    let output = perennial(&["--env-host", "host.docker.internal"])
        .output()
        .await;
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--env-file"), "{said}");
}

/// What is never logged, whatever `RUST_LOG` asks for: the libraries of the table and of HTTP would.
#[tokio::test]
async fn no_key_token_or_body_is_logged_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let data = folder.path().join("state");
    let arguments = [
        &FREE_PORTS[..],
        &["--json", "--data", data.to_str().unwrap()],
    ]
    .concat();
    let mut child = perennial(&arguments)
        .env("RUST_LOG", "trace,dynoxide=trace,aws_sigv4=trace")
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .next_line()
        .await
        .unwrap()
        .expect("a line for a person");
    let addresses = lines.next_line().await.unwrap().expect("a line of JSON");
    let addresses: Value = serde_json::from_str(&addresses).unwrap();
    let text = |name: &str| addresses[name].as_str().unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let gateway = text("gateway");
    let ask = async |request: reqwest::RequestBuilder| -> Value {
        request.send().await.unwrap().json().await.unwrap()
    };
    let token = client.post(format!("{gateway}/dev/token"));
    let token = ask(token.bearer_auth(text("key")).body(r#"{"user":"alice"}"#)).await;
    let token = token["token"].as_str().unwrap().to_owned();
    let body = r#"{"plan":"stock-photos-monthly","wallet":"amazon_pay"}"#;
    let opened = client.post(format!("{gateway}/client-secret"));
    let opened = opened.header("content-type", "application/json");
    let opened = ask(opened.bearer_auth(&token).body(body)).await;
    let client_secret = opened["client_secret"].as_str().expect("a checkout");
    let table_key = text("dynamodb");
    let table_key = table_key
        .split('@')
        .next()
        .unwrap()
        .trim_start_matches("http://");
    child.kill().await.unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("stripe answered"), "{log}");
    for secret in [
        &text("key"),
        &text("stripe_key"),
        table_key,
        &token,
        client_secret,
        "_secret_",
        "whsec_",
        "Bearer",
        "AWS4-HMAC",
        "Credential=",
        "\"pk\"",
        "stock-photos-monthly",
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn a_page_of_ones_own_is_told_what_it_needs() {
    let running = start(&["--memory", "--shop-url", "http://localhost:5173"]).await;
    let (gateway, key) = (&running.addresses["gateway"], &running.addresses["key"]);
    let (gateway, key) = (
        gateway.as_str().unwrap().to_owned(),
        key.as_str().unwrap().to_owned(),
    );
    let stripe = running.addresses["stripe"].as_str().unwrap().to_owned();
    let (code, rest) = running.end("-INT").await;
    assert_eq!(code, Some(0));
    let told = rest.join("\n");
    for part in [
        format!("http://localhost:5173/#key={key}"),
        format!("<script src=\"{stripe}/stripe.js\"></script>"),
        format!("from \"{gateway}/perennial.js\""),
        format!("from \"{gateway}/dev.js\""),
        format!("script-src 'self' {gateway} {stripe};"),
        format!("connect-src 'self' {gateway} {stripe} "),
    ] {
        assert!(told.contains(&part), "{part} is not in {told}");
    }
}
