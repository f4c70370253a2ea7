//! What requests of the sandbox cost as it holds more and more:
//! `cargo run --release -p perennial-sandbox --example bench`.
//!
//! Customers with a payment each are made until so many objects are held. A cell is the microseconds of one request,
//! the least mean of a few batches, in the process that serves it and without a listener. The floor is a request for a
//! customer who is not there, of the same run. Last come a start with all of that in the file, an idle sandbox, and
//! reads over a connection.

#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

use axum::body::Bytes;
use axum::http::Request;
use perennial_sandbox::{InProcess, Options, SECRET_KEY, Sandbox};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The objects that are held in each row.
const HELD: [usize; 4] = [100, 1_000, 10_000, 100_000];
const BATCHES: u32 = 10;
const REQUESTS: u32 = 20;
const IDLE: Duration = Duration::from_secs(5);
const READS: u32 = 5_000;

const PRICE: &str = "currency=usd&unit_amount=1500&recurring[interval]=month&product_data[name]=P";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let sandbox = InProcess::new(1_790_000_000, "http://sandbox.invalid");
    println!(
        "| objects | floor | read | list of all | list by customer | events of a type | payment | trial |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let price = id(&sandbox, "/v1/prices", PRICE).await?;
    let first = shopper(&sandbox).await?;
    let each = objects(&sandbox).await?;
    let mut held = each;
    for wanted in HELD {
        while held < wanted {
            shopper(&sandbox).await?;
            held += each;
        }
        let floor = cost(&sandbox, "GET", "/v1/customers/none", "").await?;
        let cells = [
            ("GET", format!("/v1/customers/{first}"), String::new()),
            ("GET", "/v1/customers?limit=10".to_owned(), String::new()),
            (
                "GET",
                format!("/v1/charges?customer={first}&limit=1"),
                String::new(),
            ),
            (
                "GET",
                "/v1/events?type=customer.created".to_owned(),
                String::new(),
            ),
            ("POST", "/v1/payment_intents".to_owned(), payment(&first)),
            (
                "POST",
                "/v1/subscriptions".to_owned(),
                format!("customer={first}&items[0][price]={price}&trial_period_days=7"),
            ),
        ];
        let mut row = format!("| {held} | {:.0} |", micros(floor));
        for (method, path, body) in cells {
            let cost = cost(&sandbox, method, &path, &body).await?;
            let ratio = cost.as_secs_f64() / floor.as_secs_f64();
            let _ = write!(row, " {:.0} (×{ratio:.1}) |", micros(cost));
        }
        println!("{row}");
    }
    let file = std::env::temp_dir().join(format!("perennial-bench-{}.jsonl", std::process::id()));
    let result = with_file(&file, held / each).await;
    std::fs::remove_file(&file)?;
    result
}

/// A sandbox on a port with a file that holds so many shoppers.
async fn with_file(file: &Path, shoppers: usize) -> Result<()> {
    let http = reqwest::Client::builder().build()?;
    let sandbox = start(file).await?;
    let post = async |path: &str, body: String| -> Result<Value> {
        let request = http.post(format!("{}{path}", sandbox.url()));
        let answer = request.bearer_auth(SECRET_KEY).body(body).send().await?;
        Ok(serde_json::from_slice(&answer.bytes().await?)?)
    };
    for _ in 0..shoppers {
        let customer = post("/v1/customers", CUSTOMER.to_owned()).await?;
        post("/v1/payment_intents", payment(text(&customer)?)).await?;
    }
    sandbox.shutdown().await;

    let begun = Instant::now();
    let sandbox = start(file).await?;
    let size = std::fs::metadata(file)?.len() / 1_000_000;
    println!(
        "\nStart with a file of {size} MB: {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    let empty = Instant::now();
    let other = Sandbox::start(Options::new(TcpListener::bind("127.0.0.1:0").await?)).await?;
    println!(
        "Start without a file: {:.1} ms",
        empty.elapsed().as_secs_f64() * 1e3
    );
    other.shutdown().await;

    let before = processor_time()?;
    tokio::time::sleep(IDLE).await;
    let used = processor_time()?.saturating_sub(before);
    let share = used.as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    println!("Idle with all of that: {share:.1}% of a core");

    let listed = http.get(format!("{}/v1/customers?limit=1", sandbox.url()));
    let listed = listed.bearer_auth(SECRET_KEY).send().await?.bytes().await?;
    let listed: Value = serde_json::from_slice(&listed)?;
    let customer = listed.pointer("/data/0").map_or(Ok(""), text)?.to_owned();
    let before = processor_time()?;
    for _ in 0..READS {
        let read = http.get(format!("{}/v1/customers/{customer}", sandbox.url()));
        read.bearer_auth(SECRET_KEY).send().await?.bytes().await?;
    }
    let used = processor_time()?.saturating_sub(before);
    let rate = f64::from(READS) / used.as_secs_f64();
    println!("Reads for a second of processor time, with the client's half: {rate:.0}");
    sandbox.shutdown().await;
    Ok(())
}

const CUSTOMER: &str = "email=a@example.com&name=A";

fn payment(customer: &str) -> String {
    format!(
        "amount=1500&currency=usd&customer={customer}&payment_method=pm_card_visa&confirm=true&\
         return_url=https://shop.example"
    )
}

async fn start(file: &Path) -> Result<Sandbox> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let options = Options {
        data: Some(file.to_owned()),
        ..Options::new(listener)
    };
    Ok(Sandbox::start(options).await?)
}

/// A customer with a payment; their id.
async fn shopper(sandbox: &InProcess) -> Result<String> {
    let customer = id(sandbox, "/v1/customers", CUSTOMER).await?;
    id(sandbox, "/v1/payment_intents", &payment(&customer)).await?;
    Ok(customer)
}

async fn id(sandbox: &InProcess, path: &str, body: &str) -> Result<String> {
    let answer = ask(sandbox, "POST", path, body).await?;
    Ok(text(&serde_json::from_slice(&answer)?)?.to_owned())
}

fn text(object: &Value) -> Result<&str> {
    let id = object.get("id").and_then(Value::as_str);
    id.ok_or_else(|| format!("{object} has no id").into())
}

async fn ask(sandbox: &InProcess, method: &str, path: &str, body: &str) -> Result<Bytes> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1")
        .header("authorization", format!("Bearer {SECRET_KEY}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body.to_owned()))?;
    Ok(sandbox.ask(request).await.into_body())
}

/// How many objects there are.
async fn objects(sandbox: &InProcess) -> Result<usize> {
    let state: Value = serde_json::from_slice(&ask(sandbox, "GET", "/_sandbox/state", "").await?)?;
    let kinds = state.as_object().into_iter().flatten();
    Ok(kinds
        .filter_map(|(_, all)| all.as_array())
        .map(Vec::len)
        .sum())
}

async fn cost(sandbox: &InProcess, method: &str, path: &str, body: &str) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..BATCHES {
        let begun = Instant::now();
        for _ in 0..REQUESTS {
            ask(sandbox, method, path, body).await?;
        }
        least = least.min(begun.elapsed() / REQUESTS);
    }
    Ok(least)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// What the process has had of the processors, as Linux counts it, in hundredths of a second.
fn processor_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, rest) = stat.rsplit_once(')').ok_or("the process has no times")?;
    let times = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>);
    let ticks = times.sum::<std::result::Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}
