//! What websites and other accounts of the machine try on each port.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this is a test"
)]

use std::path::Path;
use std::time::Duration;

use perennial_local::{Options, Server};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn start(data: Option<&Path>) -> Server {
    let options = Options {
        data: data.map(Path::to_owned),
        shop_url: Some("http://localhost:5173/account".parse().unwrap()),
        ..Options::default()
    };
    Server::start(options).await.unwrap()
}

/// Address of each port, a call that it answers with the right key, and that key's header.
fn ports(server: &Server) -> [(&'static str, String, String); 3] {
    let bearer = |key: &str| format!("Authorization: Bearer {key}\r\n");
    let host = |url: &str| url.rsplit(['/', '@']).next().unwrap().to_owned();
    let access_key = server.dynamodb_url().split('@').next().unwrap();
    let access_key = access_key.trim_start_matches("http://");
    [
        (
            "GET /dev/events",
            host(server.gateway_url()),
            bearer(&server.key()),
        ),
        (
            "GET /_sandbox/state",
            host(server.stripe_url()),
            bearer(&server.sandbox_key().unwrap()),
        ),
        ("POST /", host(server.dynamodb_url()), of_table(access_key)),
    ]
}

fn of_table(access_key: &str) -> String {
    format!(
        "X-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={access_key}/20260101/local/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=0\r\n"
    )
}

/// Sends this request, word for word, and gives the whole answer.
async fn say(address: &str, line: &str, headers: &str) -> String {
    let body = if line.starts_with("POST") { "{}" } else { "" };
    let length = body.len();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
    read.expect("an answer").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[track_caller]
fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).expect("a status line");
    status.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_port_answers_its_own_names_and_no_page_that_it_does_not_know() {
    let server = start(None).await;
    for (line, address, key) in ports(&server) {
        let ask = async |headers: &str| say(&address, line, &format!("{headers}{key}")).await;
        let own = format!("Host: {address}\r\n");
        for good in [own.as_str(), "Host: localhost:9000\r\n", "Host: [::1]\r\n"] {
            assert_eq!(status(&ask(good).await), 200, "{line} {good}");
        }
        for foreign in [
            "Host: evil.example:9000\r\n",
            "Host: 127.0.0.1.evil.example\r\n",
            "Host: 127.0.0.1\r\nHost: evil.example\r\n",
        ] {
            let answer = ask(foreign).await;
            // Two names are no request to begin with.
            assert!(
                matches!(status(&answer), 400 | 403),
                "{line} {foreign} {answer}"
            );
        }
        for page in [
            "Origin: https://evil.example\r\n",
            "Origin: http://127.0.0.1:5173\r\n",
            "Origin: null\r\n",
            "Origin: https://evil.example\r\nContent-Type: text/plain\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n",
            "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
        ] {
            let answer = ask(&format!("{own}{page}")).await;
            assert_eq!(status(&answer), 403, "{line} {page}");
            assert!(
                !answer.to_lowercase().contains("access-control"),
                "{answer}"
            );
        }
        // A browser asks first.
        let preflight =
            format!("{own}Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n");
        let path = line.split(' ').nth(1).unwrap();
        let answer = say(&address, &format!("OPTIONS {path}"), &preflight).await;
        assert_eq!(status(&answer), 403, "{path}");
        assert!(
            !answer.to_lowercase().contains("access-control"),
            "{answer}"
        );
        // Not even the shop's own page calls the table.
        let shop = ask(&format!("{own}Origin: http://localhost:5173\r\n")).await;
        let expected = if path == "/" { 403 } else { 200 };
        assert_eq!(status(&shop), expected, "{path}");
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_port_wants_the_key_of_its_own_folder() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let server = start(Some(folders[0].path())).await;
    let other = start(Some(folders[1].path())).await;
    for ((line, address, _), (_, _, of_other)) in ports(&server).into_iter().zip(ports(&other)) {
        let host = format!("Host: {address}\r\n");
        // What was known to everybody before there were keys, and what a neighbor has.
        for key in [
            String::new(),
            of_table("local"),
            of_table("test"),
            of_table(""),
            "Authorization: Bearer local\r\n".to_owned(),
            "Authorization: Bearer sk_test_perennial_sandbox\r\n".to_owned(),
            of_other,
        ] {
            let answer = say(&address, line, &format!("{host}{key}")).await;
            assert!(
                matches!(status(&answer), 400 | 401),
                "{line} {key} {answer}"
            );
            assert!(!answer.contains("perennial"), "{answer}");
        }
    }
    let links = |server: &Server| {
        let env = server.env();
        env.into_iter()
            .find(|(name, _)| name == "LINK_SECRET")
            .unwrap()
            .1
    };
    assert_ne!(links(&server), links(&other));
    other.shutdown().await;
    let keys = (server.key(), server.sandbox_key(), links(&server));
    server.shutdown().await;
    let again = start(Some(folders[0].path())).await;
    assert_eq!((again.key(), again.sandbox_key(), links(&again)), keys);
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_the_machine_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("private.js");
    std::fs::write(&file, "of the whole machine").unwrap();
    let file = file.to_str().unwrap();
    let server = start(None).await;
    let (_, address, _) = &ports(&server)[0];
    let host = format!("Host: {address}\r\n");
    for path in [
        format!("/{file}"),
        format!("//{file}"),
        format!("/%2F{}", file.trim_start_matches('/')),
        format!("/perennial/../..{file}"),
        format!("/..{file}"),
        format!("/%2e%2e{file}"),
        "/README.md".to_owned(),
        "/../Cargo.toml".to_owned(),
    ] {
        let answer = say(address, &format!("GET {path}"), &host).await;
        assert!(matches!(status(&answer), 400 | 404), "{path} {answer}");
        assert!(!answer.contains("of the whole machine"), "{path}");
    }
    let page = say(address, "GET /perennial.js", &host).await;
    assert_eq!(status(&page), 200);
    server.shutdown().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_folder_holds_is_for_its_owner_also_when_it_was_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("state");
    start(Some(&data)).await.shutdown().await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = || {
        std::fs::read_dir(&data)
            .unwrap()
            .map(|it| it.unwrap().path())
    };
    for path in files().chain([data.clone()]) {
        let open = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
    }
    let server = start(Some(&data)).await;
    assert_eq!(mode(&data), 0o700);
    let open: Vec<_> = files().filter(|path| mode(path) & 0o077 != 0).collect();
    assert_eq!(open, Vec::<std::path::PathBuf>::new());
    let text = std::fs::read_to_string(data.join("dev.env")).unwrap();
    assert!(text.contains(&format!("key={}\n", server.key())), "{text}");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shops_own_page_may_call_and_gets_its_shoppers_back() {
    let server = start(None).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let origin = "http://localhost:5173";
    let asked = |path: &str| {
        let url = format!("{}{path}", server.gateway_url());
        client.get(url).header("origin", origin)
    };
    let plans = asked("/plans").send().await.unwrap();
    assert_eq!(plans.headers()["access-control-allow-origin"], origin);
    let script = asked("/dev.js").send().await.unwrap();
    assert_eq!(script.status(), 200);
    assert_eq!(script.headers()["access-control-allow-origin"], origin);
    let env = server.env();
    let shop = env.iter().find(|(name, _)| name == "SHOP_URL").unwrap();
    assert_eq!(shop.1, "http://localhost:5173/account");
    let domains = client
        .get(format!("{}/v1/payment_method_domains", server.stripe_url()))
        .bearer_auth(server.sandbox_key().unwrap());
    let domains: Value = domains.send().await.unwrap().json().await.unwrap();
    let names: Vec<&str> = domains["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|domain| domain["domain_name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"localhost"), "{names:?}");
    server.shutdown().await;
}
