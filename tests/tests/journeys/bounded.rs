//! What a click, a poll and a return read does not grow with what the user has done before.

use std::collections::BTreeMap;

use perennial_tests::{Shopper, TestApp};
use perennial_types::{AttemptId, Clock};
use serde_json::{Value, json};

use crate::payments::text;

/// What a user has done before.
#[derive(Debug, Clone, Copy, Default)]
struct Past {
    /// Closed checkouts, over the 90 days before the last hour.
    checkouts: usize,
    /// Events of Stripe that were applied, with what each has told the shop.
    events: usize,
    /// Subscriptions that have ended.
    ended: usize,
}

async fn fill(app: &TestApp, user: &str, template: &Value, past: Past) {
    let now = Clock::system().now();
    let mut items = Vec::new();
    for number in 0..past.checkouts {
        let age = 3700 + i64::try_from(number).unwrap() * 180;
        let id = AttemptId::generate(now.plus_seconds(-age));
        let mut attempt = template.clone();
        attempt["sk"]["S"] = format!("CHECKOUT#{id}").into();
        attempt["id"]["S"] = id.to_string().into();
        attempt["state"]["S"] = "expired".into();
        attempt["created"]["S"] = now.plus_seconds(-age).to_string().into();
        attempt["reason"] = json!({"S": "expired"});
        for open in ["due", "due_at"] {
            attempt.as_object_mut().unwrap().remove(open);
        }
        items.push(attempt);
    }
    let customer = text(&template["customer"]["S"]);
    for number in 0..past.events {
        let mut told = template.clone();
        told["pk"]["S"] = format!("OUT#{user}").into();
        told["sk"]["S"] = format!("OUT#pev_{number}").into();
        items.push(told);
        items.push(json!({
            "pk": {"S": format!("INBOX#{customer}")}, "sk": {"S": format!("EVENT#evt_{number}")},
            "event": {"S": format!("evt_{number}")}, "type": {"S": "invoice.paid"},
            "customer": {"S": customer}, "created": {"S": now.to_string()},
            "livemode": {"BOOL": false}, "status": {"S": "processed"}, "attempts": {"N": "1"},
            "received_at": {"S": now.to_string()},
        }));
    }
    app.table.put_all(&items).await;
}

/// Those of another user, who has one, as if they had ended and were this user's.
async fn end(app: &TestApp, user: &str, many: usize) {
    app.shopper("somebody-else")
        .buy("stock-photos-monthly")
        .await;
    let items = app.table.raw_items().await;
    let is_model = |it: &&Value| text(&it["sk"]["S"]).starts_with("SUB#");
    let model = items.iter().find(is_model).unwrap();
    let ended = (0..many).map(|number| {
        let mut ended = model.clone();
        ended["pk"]["S"] = format!("USER#{user}").into();
        ended["sk"]["S"] = format!("ARCHIVE#sub_ended{number}").into();
        ended["model"]["M"]["id"]["S"] = format!("sub_ended{number}").into();
        ended["model"]["M"]["status"]["S"] = "canceled".into();
        ended
    });
    app.table.put_all(&ended.collect::<Vec<_>>()).await;
    let marker = json!({
        "pk": {"S": format!("USER#{user}")}, "sk": {"S": "SUB#ARCHIVE"}, "archived": {"BOOL": true},
    });
    app.table.put(&marker).await;
}

/// The read units and the calls of the table of each step of a purchase.
async fn costs(user: &str, past: Past) -> BTreeMap<&'static str, (f64, usize)> {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    app.stripe.hold_webhooks().await;
    let shopper = app.shopper(user);
    let opened = shopper.click().await;
    let items = app.table.raw_items().await;
    let is_attempt = |it: &&Value| it["sk"]["S"].as_str().unwrap().starts_with("CHECKOUT#");
    let attempt = items.iter().find(is_attempt).unwrap();
    fill(&app, user, attempt, past).await;
    if past.ended > 0 {
        end(&app, user, past.ended).await;
    }

    // What each function keeps for a minute is read again by somebody else, since a machine may take a minute for
    // the past, and that is no part of a step.
    let other = app.shopper("somebody");
    let theirs = other.click().await;
    steps(&other, &theirs, |_| {}).await;

    let mut costs = BTreeMap::new();
    app.to_dynamodb.forget();
    steps(&shopper, &opened, |step| {
        let calls = app.to_dynamodb.counts().values().sum();
        costs.insert(step, (app.to_dynamodb.read_units(), calls));
        app.to_dynamodb.forget();
    })
    .await;
    costs
}

/// The rest of a purchase that was begun by the click `opened`.
async fn steps(shopper: &Shopper, opened: &Value, mut done: impl FnMut(&'static str)) {
    let checkout = text(&opened["checkout"]);
    shopper.click().await;
    done("a click");
    let asked = shopper
        .calls
        .request("GET", "/wallets?plan=stock-photos-monthly");
    shopper.calls.send(asked).await.expect(200);
    done("a page view");
    shopper.calls.checkout(checkout).await.expect(200);
    done("a poll");
    let back = shopper.answer_wallet(opened, "approve").await;
    shopper.calls.come_back(&back).await.expect(303);
    done("the return");
    shopper.calls.checkout(checkout).await.expect(200);
    done("a poll of what is decided");
    shopper
        .calls
        .click("stock-photos-monthly")
        .await
        .expect(409);
    done("a click of a subscriber");
}

fn past(checkouts: usize, events: usize) -> Past {
    Past {
        checkouts,
        events,
        ended: 0,
    }
}

#[tokio::test]
async fn a_user_with_thousands_of_checkouts_reads_as_much_as_a_new_one() {
    let new = costs("alice", Past::default()).await;
    assert!(new.values().all(|(units, _)| *units > 0.0), "{new:?}");
    assert!(new.values().all(|(units, _)| *units <= 3.0), "{new:?}");
    assert_eq!(costs("alice", past(1, 1)).await, new);
    assert_eq!(costs("alice", past(100, 100)).await, new);
    assert_eq!(costs("alice", past(1500, 1500)).await, new);
}

#[tokio::test]
async fn a_user_with_hundreds_of_ended_subscriptions_reads_as_much_as_a_new_one() {
    let new = costs("alice", Past::default()).await;
    for ended in [1, 60, 500] {
        let past = Past {
            ended,
            ..Past::default()
        };
        assert_eq!(costs("alice", past).await, new, "after {ended}");
    }
}

/// A shopper may leave the page open for hours.
#[tokio::test]
async fn a_checkout_that_began_long_ago_is_found_and_gone_on_with() {
    let app = TestApp::start().await;
    let shopper = app.shopper("alice");
    let opened = shopper.click().await;
    let old = text(&opened["checkout"]).to_owned();
    let created = Clock::system().now().plus_seconds(-5 * 3600);
    let id = AttemptId::generate(created).to_string();
    // The same checkout, as if it had begun five hours ago.
    for item in app.table.raw_items().await {
        let aged: Value = serde_json::from_str(&item.to_string().replace(&old, &id)).unwrap();
        app.table.delete(&item).await;
        app.table.put(&aged).await;
    }
    let again = shopper.click().await;
    assert_eq!(again["checkout"], id);
    assert_eq!(again["setup_intent"], opened["setup_intent"]);
    let polled = shopper.calls.checkout(&id).await.expect(200).json();
    assert_eq!(polled["status"], "pending");
    let back = shopper.answer_wallet(&again, "approve").await;
    let landed = shopper.calls.come_back(&back).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    assert_eq!(app.stripe.objects("setup_intent").await.len(), 1);
}

/// What is of no more use goes by itself; what a subscriber agreed to stays.
#[tokio::test]
async fn a_closed_checkout_is_kept_for_days_and_one_of_a_subscriber_for_good() {
    let app = TestApp::start().await;
    let shopper = app.shopper("alice");
    let opened = shopper.click_with_server_confirm().await;
    let back = shopper.answer_wallet(&opened, "decline").await;
    shopper.calls.come_back(&back).await.expect(303);
    shopper.buy("stock-photos-monthly").await;
    app.quiet().await;
    let now = Clock::system().now().unix();
    let attempts = app.table.items_of("CHECKOUT#").await;
    assert_eq!(attempts.len(), 2);
    for attempt in attempts {
        match attempt["state"].as_str().unwrap() {
            "subscribed" => assert_eq!(attempt.get("expires_at"), None),
            "failed" => {
                let left = attempt["expires_at"].as_i64().unwrap() - now;
                assert!((6 * 86_400..=7 * 86_400).contains(&left), "{attempt}");
            }
            other => panic!("{other}"),
        }
    }
    for open in app.table.items_of("OPEN#").await {
        assert!(open["expires_at"].as_i64().unwrap() > now, "{open}");
    }
}

/// A shopper who goes to and fro between two plans leaves an unconfirmed subscription behind each time.
#[tokio::test]
async fn a_subscription_that_was_never_confirmed_is_forgotten() {
    let app = TestApp::start().await;
    let shopper = app.shopper("alice");
    for plan in [
        "stock-photos-monthly",
        "stock-photos-trial",
        "stock-photos-monthly",
    ] {
        shopper.begin_subscription(plan).await;
        app.quiet().await;
    }
    let now = Clock::system().now().unix();
    let mut subscriptions = app.table.items_of("SUB#sub_").await;
    subscriptions.extend(app.table.items_of("ARCHIVE#").await);
    assert_eq!(subscriptions.len(), 3);
    for item in &subscriptions {
        let left = item["expires_at"].as_i64().map(|ends| ends - now);
        match item["model"]["status"].as_str().unwrap() {
            "incomplete" | "trialing" => assert_eq!(left, None, "{item}"),
            _ => assert!(left.is_some_and(|left| left <= 86_400), "{item}"),
        }
    }
}
