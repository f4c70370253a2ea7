//! Customers that existed before, many at a time, as a shop brings them in.

use std::{path::PathBuf, time::Duration};

use perennial_adopt::{Api, Credentials, Options, Outcome, Progress, Row, Stopped, Summary, run};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::adopting::{Older, customer};
use crate::payments::text;

/// A shop with customers, and the file of its progress.
struct Shop {
    it: Older,
    rows: Vec<Row>,
    folder: TempDir,
}

impl Shop {
    /// With so many customers, each with a subscription.
    async fn with(customers: usize) -> Self {
        let it = Older::start().await;
        let mut rows = Vec::new();
        for number in 0..customers {
            let customer = customer(&it.app).await;
            it.customer_subscribes(&customer, &[]).await;
            rows.push(row(&format!("user-{number}"), &customer));
        }
        let folder = tempfile::tempdir().unwrap();
        Self { it, rows, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn api(&self, secret: &str) -> Api {
        let credentials = Credentials::new("local", secret, None);
        let url = self.it.app.url().parse().unwrap();
        Api::new(&url, Some("us-east-1"), credentials).unwrap()
    }

    async fn run(&self, options: Options) -> Result<Summary, Stopped> {
        let name = if options.is_dry { "dry" } else { "real" };
        let mut progress = Progress::open(&self.path(name)).unwrap();
        let api = self.api(&self.it.app.key());
        run(&api, &self.rows, &mut progress, options, |_, _| {}).await
    }

    /// How many subscriptions the shop's application was told of.
    async fn told(&self) -> usize {
        self.it.app.quiet().await;
        self.it.app.table.items_of("OUT#").await.len()
    }
}

fn row(user: &str, customer: &str) -> Row {
    Row {
        user: user.parse().unwrap(),
        customer: customer.parse().unwrap(),
    }
}

fn quick() -> Options {
    Options {
        a_second: 1000.0,
        at_once: 4,
        wait: Duration::from_millis(1),
        ..Options::default()
    }
}

fn dry() -> Options {
    Options {
        is_dry: true,
        ..quick()
    }
}

#[tokio::test]
async fn a_dry_run_says_what_a_run_then_does() {
    let mut shop = Shop::with(4).await;
    let stripe = &shop.it.app.stripe;
    // A price that no plan has, a customer that is gone, and one whose user has another.
    let product = [
        ("currency", "usd"),
        ("unit_amount", "700"),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Older"),
    ];
    let price = stripe.api("POST", "/v1/prices", &product).await;
    let price = text(&price["id"]).to_owned();
    let older = customer(&shop.it.app).await;
    let form = [("customer", older.as_str()), ("items[0][price]", &price)];
    stripe.api("POST", "/v1/subscriptions", &form).await;
    shop.rows.push(row("older", &older));
    let gone = customer(&shop.it.app).await;
    let path = format!("/v1/customers/{gone}");
    stripe.api("DELETE", &path, &[]).await;
    shop.rows.push(row("gone", &gone));
    let has_one = shop.it.app.shopper("carol");
    has_one.buy("stock-photos-monthly").await.1.expect(303);
    let second = customer(&shop.it.app).await;
    shop.rows.push(row("carol", &second));
    let (told, items) = (shop.told().await, shop.it.app.table.raw_items().await);

    let seen = shop.run(dry()).await.unwrap();
    let counted = |code: &str| (code.to_owned(), 1);
    let expected = Summary {
        adopted: 5,
        subscriptions: 5,
        without_plan: [(price, 1)].into(),
        refused: ["unknown_customer", "user_has_customer"]
            .map(counted)
            .into(),
        failed: [].into(),
    };
    assert_eq!(seen, expected);
    assert_eq!((seen.rows(), seen.is_clean()), (7, false));
    assert_eq!(shop.told().await, told);
    assert_eq!(shop.it.app.table.raw_items().await, items);

    assert_eq!(shop.run(quick()).await.unwrap(), expected);
    // That of no plan entitles to nothing, and is told all the same.
    assert_eq!(shop.told().await, told + 5);
    // What is known is not asked for again.
    shop.it.app.stripe.forget_requests().await;
    assert_eq!(shop.run(quick()).await.unwrap(), expected);
    assert_eq!(shop.it.app.stripe.requests().await, Vec::<Value>::new());
    let again = Options {
        retries_refused: true,
        ..quick()
    };
    assert_eq!(shop.run(again).await.unwrap(), expected);
    let asked = shop.it.app.stripe.requests().await;
    let asked: Vec<&str> = asked.iter().map(|it| text(&it["path"])).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[tokio::test]
async fn a_run_that_dies_goes_on_where_it_was() {
    let shop = Shop::with(9).await;
    let api = shop.api(&shop.it.app.key());
    for upto in [2, 5] {
        let mut progress = Progress::open(&shop.path("real")).unwrap();
        let mut answered = 0;
        let (enough, mut died) = tokio::sync::mpsc::unbounded_channel();
        let running = run(&api, &shop.rows, &mut progress, quick(), |_, _| {
            answered += 1;
            if answered == upto {
                enough.send(()).unwrap();
            }
        });
        // Whatever is on the way is dropped with it.
        tokio::select! {
            biased;
            died = died.recv() => died.unwrap(),
            ended = running => panic!("it ended: {ended:?}"),
        }
    }
    let text = std::fs::read_to_string(shop.path("real")).unwrap();
    let known = text.lines().count();
    assert!((7..9).contains(&known), "{text}");
    // Nor does it matter that its last line was cut off.
    std::fs::write(shop.path("real"), &text[..text.len() - 9]).unwrap();
    let summary = shop.run(quick()).await.unwrap();
    assert_eq!((summary.adopted, summary.is_clean()), (9, true));
    assert_eq!(shop.told().await, 9, "each is told once");
}

#[tokio::test]
async fn what_has_no_answer_is_asked_for_again() {
    let shop = Shop::with(3).await;
    let stripe = &shop.it.app.stripe;
    let broken = json!({"method": "GET", "path": "/v1/customers/*", "fault": "severed", "times": 7, "delay_ms": 1});
    stripe.fault(broken.clone()).await;
    let once = Options {
        tries: 1,
        at_once: 1,
        ..quick()
    };
    let summary = shop.run(once).await.unwrap();
    assert!(!summary.failed.is_empty(), "{summary}");
    assert_eq!(summary.rows(), 3);
    stripe.no_faults().await;
    let summary = shop.run(quick()).await.unwrap();
    assert_eq!((summary.adopted, summary.is_clean()), (3, true));
    assert_eq!(shop.told().await, 3);
}

#[tokio::test]
async fn a_caller_whom_iam_does_not_let_in_is_told_at_once() {
    let shop = Shop::with(1).await;
    let mut progress = Progress::open(&shop.path("real")).unwrap();
    let api = shop.api("another secret");
    let stopped = run(&api, &shop.rows, &mut progress, quick(), |_, _| {}).await;
    let Err(Stopped::ForAll(why)) = stopped else {
        panic!("{stopped:?}");
    };
    assert!(why.starts_with("IAM does not let this caller in"), "{why}");
    assert_eq!(progress.of(&shop.rows[0]), None::<&Outcome>);
    drop(progress);
    assert_eq!(shop.run(quick()).await.unwrap().adopted, 1);
}
