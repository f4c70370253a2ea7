//! Subscriptions that were paid and have ended before anybody here heard of either.

use perennial_config::{Env, EventHandler as _, Start as _};
use perennial_tests::{Shopper, TestApp};
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";

/// How a subscription ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// In the Dashboard, in the portal, by support.
    AtStripe,
    /// With its customer.
    CustomerDeleted,
    /// The renewals were not paid, and Stripe has given up.
    NotPaid,
}

/// Apple Pay with the subscription first: the shopper confirms, it ends, and no event has come yet.
async fn confirmed_and_ended(plan: &str, end: End) -> (TestApp, Shopper, Value) {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let opened = alice.begin_subscription(plan).await;
    alice.approve_apple_pay(&opened).await;
    let path = format!("/v1/subscriptions/{}", text(&opened["subscription"]));
    let subscription = app.stripe.api("GET", &path, &[]).await;
    match end {
        End::AtStripe => {
            app.stripe.api("DELETE", &path, &[]).await;
        }
        End::CustomerDeleted => {
            let path = format!("/v1/customers/{}", text(&subscription["customer"]));
            app.stripe.api("DELETE", &path, &[]).await;
        }
        End::NotPaid => {
            let method = text(&subscription["default_payment_method"]);
            app.stripe.charges_of(method, "decline").await;
            for days in [31, 1, 4, 6, 8] {
                app.stripe.advance(days * 24 * 3600).await;
                app.stripe.advance(2 * 3600).await;
            }
        }
    }
    let ended = app.stripe.api("GET", &path, &[]).await;
    assert_eq!(ended["status"], "canceled", "{plan} {end:?}");
    (app, alice, opened)
}

/// What the shop was told.
async fn told(app: &TestApp) -> Vec<String> {
    let mut told = app.table.items_of("OUT#").await;
    // What has begun before what has ended.
    told.sort_by_key(|event| {
        (
            event["sequence"].as_u64(),
            event["type"] == "subscription.canceled",
        )
    });
    let types = told.iter().map(|event| text(&event["type"]).to_owned());
    types.collect()
}

fn outcome(plan: &str) -> (&'static str, &'static str, bool) {
    if plan == MONTHLY {
        ("subscription.activated", "ended_after_payment", false)
    } else {
        ("subscription.trialing", "ended_in_trial", true)
    }
}

/// The shop, and the shopper, however often they ask.
async fn check_told(app: &TestApp, alice: &Shopper, opened: &Value, plan: &str) {
    let (began, reason, may_retry) = outcome(plan);
    let checkout = text(&opened["checkout"]);
    for _ in 0..2 {
        let polled = alice.calls.checkout(checkout).await.expect(200).json();
        assert_eq!(polled["status"], "failed", "{polled}");
        assert_eq!(polled["reason"], reason, "{polled}");
        assert_eq!(polled["may_retry"], may_retry, "{polled}");
        assert_eq!(polled["subscription"]["status"], "canceled", "{polled}");
        let asked = alice.calls.subscribe(checkout).await;
        assert_eq!(asked.expect_error(409), reason);
        assert_eq!(asked.json()["may_retry"], may_retry);
        assert_eq!(asked.json()["subscription"]["status"], "canceled");
        app.quiet().await;
    }
    assert_eq!(told(app).await, [began, "subscription.canceled"]);
    let attempts = app.table.items_of("CHECKOUT#").await;
    assert!(attempts.iter().all(|it| it.get("due").is_none()));
    // Whoever wants it after all can have it.
    let again = alice.begin_subscription(plan_after(plan)).await;
    assert_ne!(again["subscription"], opened["subscription"]);
}

/// The free trial is used up by now.
fn plan_after(_: &str) -> &'static str {
    MONTHLY
}

#[tokio::test]
async fn what_was_paid_and_ended_before_its_events_came_is_told_to_shop_and_shopper() {
    for (plan, end) in [
        (MONTHLY, End::AtStripe),
        (TRIAL, End::AtStripe),
        (MONTHLY, End::CustomerDeleted),
        (TRIAL, End::CustomerDeleted),
        (MONTHLY, End::NotPaid),
    ] {
        let (app, alice, opened) = confirmed_and_ended(plan, end).await;
        app.stripe.release_webhooks("fifo", 0, 1).await;
        app.quiet().await;
        check_told(&app, &alice, &opened, plan).await;
    }
}

#[tokio::test]
async fn what_was_paid_and_ended_is_told_whoever_reads_it_first() {
    for plan in [MONTHLY, TRIAL] {
        for first in ["poll", "click", "return", "sweep"] {
            let (app, alice, opened) = confirmed_and_ended(plan, End::AtStripe).await;
            let (_, reason, _) = outcome(plan);
            match first {
                "poll" => {
                    let polled = alice.calls.checkout(text(&opened["checkout"])).await;
                    assert_eq!(polled.json()["reason"], reason);
                }
                "click" => {
                    let clicked = alice.calls.begin_subscription(plan).await;
                    assert_eq!(clicked.expect_error(409), reason, "{plan}");
                }
                "return" => {
                    let secret = text(&opened["client_secret"]);
                    let (id, _) = secret.split_once("_secret_").unwrap();
                    let kind = if id.starts_with("pi_") {
                        "payment"
                    } else {
                        "setup"
                    };
                    let back = format!(
                        "{}&{kind}_intent={id}&{kind}_intent_client_secret={secret}",
                        text(&opened["return_url"])
                    );
                    let landed = alice.calls.come_back(&back).await.expect(303);
                    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
                    assert_eq!(landed.landed_with("reason").as_deref(), Some(reason));
                }
                _ => {
                    let later = Timestamp::from_unix(Clock::system().now().unix() + 24 * 3600);
                    let env: Env = app.env_of("reconcile", &[]);
                    let reconcile = reconcile::App::start(&env, Clock::manual(later)).await;
                    let swept = reconcile.unwrap().handle(json!({"sweep": "open"})).await;
                    assert_eq!(swept.unwrap()["checkouts"]["subscribed"], 1);
                }
            }
            app.stripe.release_webhooks("fifo", 0, 1).await;
            app.quiet().await;
            check_told(&app, &alice, &opened, plan).await;
        }
    }
}

/// The shopper pays in one tab and asks for another plan in the next; in between, support ends it.
#[tokio::test]
async fn another_click_does_not_hide_what_was_paid() {
    let (app, alice, opened) = confirmed_and_ended(MONTHLY, End::AtStripe).await;
    alice.calls.begin_subscription(TRIAL).await;
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    let polled = alice.calls.checkout(text(&opened["checkout"])).await.json();
    assert_eq!(polled["reason"], "ended_after_payment", "{polled}");
    assert_eq!(
        told(&app).await,
        ["subscription.activated", "subscription.canceled"]
    );
}

/// A finisher has died after Stripe created the subscription.
#[tokio::test]
async fn what_a_dead_finisher_has_created_and_somebody_ended_is_told() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    app.stripe.hold_webhooks().await;
    let checkout = alice.approve_and_vanish().await;
    // As if the finisher had died after Stripe created the subscription.
    let before = app.table.raw_items().await;
    alice.calls.subscribe(&checkout).await.expect(201);
    app.table.clear().await;
    app.table.put_all(&before).await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
    app.stripe.api("DELETE", &path, &[]).await;
    app.stripe.release_webhooks("reverse", 0, 1).await;
    app.quiet().await;
    let polled = alice.calls.checkout(&checkout).await.expect(200).json();
    assert_eq!(polled["reason"], "ended_after_payment", "{polled}");
    assert_eq!(
        told(&app).await,
        ["subscription.activated", "subscription.canceled"]
    );
}

/// What nobody has confirmed has not begun, so it ends without a word.
#[tokio::test]
async fn what_nobody_confirmed_ends_as_before() {
    for plan in [MONTHLY, TRIAL] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        let opened = alice.begin_subscription(plan).await;
        let path = format!("/v1/subscriptions/{}", text(&opened["subscription"]));
        app.stripe.api("DELETE", &path, &[]).await;
        app.quiet().await;
        let polled = alice.calls.checkout(text(&opened["checkout"])).await.json();
        assert_eq!(polled["reason"], "canceled", "{polled}");
        assert_eq!(polled["may_retry"], true);
        assert!(told(&app).await.is_empty());
    }
}
