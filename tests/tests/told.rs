//! What the shop is told, held against the schemas that its developers read.

#![allow(missing_docs, reason = "this is a test")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "as above"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use boon::{Compiler, Schemas};
use perennial_config::{EventHandler as _, Start as _};
use perennial_tests::{Shopper, TestApp, http, wait_until};
use perennial_types::{Clock, Timestamp};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events")
}

/// The schemas of `docs/events` by the type that they describe.
fn schemas() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|path| {
            let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let kind = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert_eq!(schema["properties"]["type"]["const"], kind);
            (kind, schema)
        })
        .collect()
}

/// Why the event is not as its schema says.
fn problem(schemas: &BTreeMap<String, Value>, event: &Value) -> Option<String> {
    let kind = event["type"].as_str()?;
    let Some(schema) = schemas.get(kind) else {
        return Some(format!("{kind} has no schema"));
    };
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource(kind, schema.clone()).unwrap();
    let mut known = Schemas::new();
    let index = compiler.compile(kind, &mut known).unwrap();
    let invalid = known
        .validate(event, index)
        .err()
        .map(|error| format!("{error:#}"));
    invalid.or_else(|| unknown(schema, schema, event, kind))
}

/// The first field that no schema tells of. A reader has to pass over it, and a writer must not
/// add one that is nowhere documented.
fn unknown(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = match schema["$ref"].as_str() {
        Some(target) => root.pointer(target.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let fields = value.as_object()?;
    fields
        .iter()
        .find_map(|(name, inner)| match schema["properties"].get(name) {
            Some(schema) => unknown(root, schema, inner, &format!("{at}.{name}")),
            None => Some(format!("{at}.{name} is not documented")),
        })
}

/// What `GET /dev/events` shows once everything is told, the oldest first.
async fn told(app: &TestApp) -> Vec<Value> {
    app.quiet().await;
    let url = format!("{}/dev/events", app.url());
    wait_until("every event in the outbox is shown", async || {
        let answer = http()
            .get(&url)
            .bearer_auth(app.key())
            .send()
            .await
            .unwrap();
        let shown: Value = answer.json().await.unwrap();
        let mut events = shown["events"].as_array().unwrap().clone();
        events.reverse();
        (events.len() == app.table.items_of("OUT#").await.len()).then_some(events)
    })
    .await
}

fn types_of(events: &[Value], user: &str) -> Vec<String> {
    let of_user = events.iter().filter(|event| event["user"] == user);
    of_user
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

/// Plans an end of a subscription and takes it back, pauses and resumes it, and switches its price
/// to another and back, and its quantity between.
async fn change(app: &TestApp, hers: &Value, other: &str) {
    let path = format!("/v1/subscriptions/{}", hers["id"].as_str().unwrap());
    let item = hers["items"]["data"][0]["id"].as_str().unwrap();
    let price = hers["items"]["data"][0]["price"]["id"].as_str().unwrap();
    for (more, form) in [
        ("", &[("cancel_at", "max_period_end")][..]),
        ("", &[("cancel_at", "")]),
        ("/pause", &[("bill_for[unused_time_from][type]", "none")]),
        (
            "/resume",
            &[
                ("billing_cycle_anchor[type]", "unchanged"),
                ("proration_behavior", "none"),
            ],
        ),
        (
            "",
            &[
                ("items[0][id]", item),
                ("items[0][quantity]", "2"),
                ("proration_behavior", "none"),
            ],
        ),
        (
            "",
            &[
                ("items[0][id]", item),
                ("items[0][price]", other),
                ("proration_behavior", "none"),
            ],
        ),
        (
            "",
            &[
                ("items[0][id]", item),
                ("items[0][price]", price),
                ("proration_behavior", "none"),
            ],
        ),
    ] {
        let answer = app.stripe.api("POST", &format!("{path}{more}"), form).await;
        assert!(answer.get("error").is_none(), "{answer}");
        app.quiet().await;
    }
}

/// Gives a subscription another payment method, which the worker makes its own.
async fn replace_method(alice: &Shopper, id: &str) {
    let path = format!("/subscriptions/{id}/payment-method");
    let ask = serde_json::json!({"wallet": "amazon_pay"});
    let request = alice.calls.request("POST", &path).json(&ask);
    let opened = alice.calls.send(request).await.expect(201).json();
    alice.go_to_wallet(&opened).await;
    alice.answer_open_wallet(&opened, "approve").await;
}

/// Agrees to another plan for the end of the period, and takes that back.
async fn schedule_and_withdraw(alice: &Shopper, id: &str) {
    let asks = async |action: &str, body: &Value| {
        let path = format!("/subscriptions/{id}/{action}");
        let request = alice.calls.request("POST", &path).json(body);
        alice.calls.send(request).await.expect(200).json()
    };
    let ask = serde_json::json!({"plan": "stock-photos-trial", "when": "period_end"});
    let shown = asks("preview", &ask).await;
    let agreed = serde_json::json!({"preview": shown["preview"]});
    asks("change", &agreed).await;
    asks("withdraw-change", &serde_json::json!({})).await;
}

/// Gives a payment back, which the wallet sends back days later.
/// What a bank or a wallet does.
async fn play(app: &TestApp, path: &str, what: Value) -> Value {
    let url = format!("{}/_sandbox{path}", app.stripe.url());
    let request = http().post(url).bearer_auth(app.stripe.secret_key());
    let answer = request.json(&what).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}");
    app.quiet().await;
    answer.json().await.unwrap()
}

/// What the shop is told of dave, whose payment that is.
const OF_DAVE: [&str; 6] = [
    "subscription.activated",
    "subscription.dispute_closed",
    "subscription.dispute_opened",
    "subscription.fraud_warning",
    "subscription.refund_failed",
    "subscription.refunded",
];

/// What the shop is told of erin, who adds to what she has bought.
const OF_ERIN: [&str; 2] = ["subscription.activated", "subscription.addons_changed"];

async fn add_on(app: &TestApp) {
    let erin = app.shopper("erin");
    let ask = serde_json::json!({"plan": "stock-photos-team", "wallet": "amazon_pay"});
    let opened = erin.calls.client_secret(&ask).await.expect(201).json();
    let back = erin.answer_wallet(&opened, "approve").await;
    erin.calls.come_back(&back).await;
    app.quiet().await;
    let hers = erin.calls.subscriptions().await.json();
    let id = hers["subscriptions"][0]["id"].as_str().unwrap().to_owned();
    let asks = async |action: &str, body: &Value| {
        let path = format!("/subscriptions/{id}/{action}");
        let request = erin.calls.request("POST", &path).json(body);
        erin.calls.send(request).await.expect(200).json()
    };
    let ask = serde_json::json!({"addons": {"extra-storage": 2}});
    let shown = asks("preview", &ask).await;
    let agreed = serde_json::json!({"preview": shown["preview"]});
    asks("change", &agreed).await;
    app.quiet().await;
}

/// A payment goes back in part, a refund of it fails, and it is taken for fraud and claimed back in vain.
async fn money_back(app: &TestApp) {
    let before = app.stripe.objects("charge").await;
    app.shopper("dave").buy("stock-photos-monthly").await;
    app.quiet().await;
    let charges = app.stripe.objects("charge").await;
    let new = charges.iter().find(|it| !before.contains(it)).unwrap();
    let charge = new["id"].as_str().unwrap();
    app.stripe
        .set_account(serde_json::json!({"refunds": "pending"}))
        .await;
    let form = [("charge", charge)];
    let refund = app.stripe.api("POST", "/v1/refunds", &form).await;
    app.quiet().await;
    let nothing = serde_json::json!({});
    let refund = refund["id"].as_str().unwrap();
    play(app, &format!("/refunds/{refund}/fail"), nothing.clone()).await;
    app.stripe
        .set_account(serde_json::json!({"refunds": "succeed"}))
        .await;
    let form = [("charge", charge), ("amount", "100")];
    app.stripe.api("POST", "/v1/refunds", &form).await;
    app.quiet().await;
    let path = format!("/charges/{charge}/fraud_warning");
    play(app, &path, nothing.clone()).await;
    let dispute = play(app, &format!("/charges/{charge}/dispute"), nothing).await;
    let path = format!("/disputes/{}/close", dispute["id"].as_str().unwrap());
    play(app, &path, serde_json::json!({"status": "won"})).await;
}

/// What the schedule of every five minutes does, at Stripe's time.
async fn remind(app: &TestApp) {
    let now = app.stripe.state().await["now"].as_i64().unwrap();
    let clock = Clock::manual(Timestamp::from_unix(now + 2));
    let env = app.env_of("reconcile", &[]);
    let sweeper = reconcile::App::start(&env, clock).await.unwrap();
    let open = serde_json::json!({"sweep": "open"});
    sweeper.handle(open).await.unwrap();
    app.quiet().await;
}

const OF_ALICE: [&str; 16] = [
    "subscription.activated",
    "subscription.cancellation_scheduled",
    "subscription.cancellation_withdrawn",
    "subscription.paused",
    "subscription.resumed",
    "subscription.quantity_changed",
    "subscription.plan_changed",
    "subscription.plan_changed",
    "subscription.payment_method_changed",
    "subscription.change_scheduled",
    "subscription.change_withdrawn",
    "subscription.renewal_upcoming",
    "subscription.renewed",
    "subscription.past_due",
    "subscription.payment_method_required",
    "subscription.canceled",
];

fn sequence(event: &Value) -> u64 {
    event["sequence"].as_u64().unwrap()
}

#[tokio::test]
async fn every_event_is_told_once_in_order_and_as_its_schema_says() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy("stock-photos-monthly").await;
    app.shopper("bob").buy("stock-photos-trial").await;
    app.quiet().await;
    let subscriptions = app.stripe.objects("subscription").await;
    let hers = subscriptions
        .iter()
        .find(|it| it["status"] == "active")
        .unwrap();

    // The first payment is declined: carol's checkout ends without a subscription.
    let carol = app.shopper("carol");
    let opened = carol.click().await;
    carol.go_to_wallet(&opened).await;
    let path = format!(
        "/v1/setup_intents/{}",
        opened["setup_intent"].as_str().unwrap()
    );
    let intent = app.stripe.api("GET", &path, &[]).await;
    app.stripe
        .charges_of(intent["payment_method"].as_str().unwrap(), "decline")
        .await;
    let back = carol.answer_open_wallet(&opened, "approve").await;
    carol.calls.come_back(&back).await;

    let other = subscriptions.iter().find(|it| it["status"] == "trialing");
    let other = &other.unwrap()["items"]["data"][0]["price"]["id"];
    let path = format!("/v1/subscriptions/{}", hers["id"].as_str().unwrap());
    change(&app, hers, other.as_str().unwrap()).await;
    replace_method(&alice, hers["id"].as_str().unwrap()).await;
    app.quiet().await;
    schedule_and_withdraw(&alice, hers["id"].as_str().unwrap()).await;
    app.quiet().await;
    let after = app.stripe.api("GET", &path, &[]).await;
    assert_ne!(
        after["default_payment_method"],
        hers["default_payment_method"]
    );
    let method = after["default_payment_method"].as_str().unwrap();

    // Bob's trial ends in two days.
    app.pass_days(12).await;
    // Alice's next period begins within a week.
    app.pass_days(12).await;
    remind(&app).await;
    app.pass_days(7).await;
    app.stripe.charges_of(method, "decline").await;
    app.pass_days(31).await;
    app.stripe
        .api("POST", &format!("/v1/payment_methods/{method}/detach"), &[])
        .await;
    app.quiet().await;
    app.stripe.api("DELETE", &path, &[]).await;

    money_back(&app).await;
    add_on(&app).await;

    let told = told(&app).await;
    let schemas = schemas();
    for event in &told {
        assert_eq!(problem(&schemas, event), None, "{event}");
    }
    // What one change leads to comes in any order, and its number says in which it happened.
    let mut of_alice: Vec<Value> = told
        .iter()
        .filter(|event| event["user"] == "alice")
        .cloned()
        .collect();
    let came: Vec<u64> = of_alice.iter().map(sequence).collect();
    of_alice.sort_by_key(sequence);
    assert_eq!(types_of(&of_alice, "alice"), OF_ALICE);
    let numbers: BTreeSet<u64> = came.iter().copied().collect();
    assert_eq!(numbers.len(), came.len(), "{came:?}");
    let changes = |numbers: &[u64]| numbers.iter().map(|it| it / 16).collect::<Vec<_>>();
    assert!(changes(&came).is_sorted(), "{came:?}");
    let of_checkout = told.iter().find(|event| event["type"] == "checkout.failed");
    assert_eq!(of_checkout.unwrap()["sequence"], Value::Null);
    assert_eq!(types_of(&told, "bob")[..1], ["subscription.trialing"]);
    assert_eq!(types_of(&told, "carol"), ["checkout.failed"]);
    let mut of_dave = types_of(&told, "dave");
    of_dave.sort_unstable();
    assert_eq!(of_dave, OF_DAVE);
    assert_eq!(types_of(&told, "erin"), OF_ERIN);
    let types: BTreeSet<&str> = told
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert!(types.iter().eq(schemas.keys()), "{types:?}");
    let ids: BTreeSet<&str> = told
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), told.len());
}

#[test]
fn what_differs_from_its_schema_is_noticed() {
    let schemas = schemas();
    let text = include_str!("../../events/shop-events-subscription-activated.json");
    let record: Value = serde_json::from_str(text).unwrap();
    let secret = "a secret of thirty-two characters".to_owned().into();
    let base = "http://127.0.0.1/".parse().unwrap();
    let links = shop_events::MailLinks::new(perennial_api::SignedLinks::new(&secret), base);
    let event = shop_events::event_of(&record[0], &links).unwrap();
    assert_eq!(problem(&schemas, &event), None);
    let changed = |pointer: &str, value: Value| {
        let mut event = event.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        problem(&schemas, &event)
    };
    for (pointer, value) in [
        ("/id", Value::from("evt_1")),
        ("/version", Value::from(2)),
        ("/occurred_at", Value::from("yesterday")),
        ("/sequence", Value::from("first")),
        ("/data/subscription/trial_end", Value::from(1_795_550_419)),
        ("/data/subscription/payment/state", Value::from("fine")),
        ("/type", Value::from("subscription.upgraded")),
    ] {
        assert!(changed(pointer, value).is_some(), "{pointer}");
    }
    let mut more = event.clone();
    more["data"]["subscription"]["mood"] = Value::from("good");
    assert!(problem(&schemas, &more).unwrap().contains("mood"));
}

#[test]
fn all_schemas_mean_the_same_by_a_subscription() {
    let schemas = schemas();
    let mut meanings: Vec<&Value> = schemas.values().map(|schema| &schema["$defs"]).collect();
    meanings.retain(|meaning| !meaning.is_null());
    assert!(meanings.len() > 1 && meanings.iter().all(|meaning| *meaning == meanings[0]));
}
