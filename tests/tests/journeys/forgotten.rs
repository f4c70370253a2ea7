//! Items that are gone, or that another version has written, lock no user out.

use perennial_tests::{Shopper, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";

async fn item_of(app: &TestApp, sort_key: &str) -> Value {
    let items = app.table.raw_items().await;
    let found = items
        .into_iter()
        .find(|item| text(&item["sk"]["S"]).starts_with(sort_key));
    found.unwrap_or_else(|| panic!("no {sort_key}"))
}

/// A slot that was taken by an attempt which has expired since.
fn slot() -> Value {
    json!({
        "pk": {"S": "USER#alice"}, "sk": {"S": "SLOT#stock-photos"}, "group": {"S": "stock-photos"},
        "attempt": {"S": "chk_01kavq8r3hx6m2n9d4t7w5zc1f"}, "owner": {"S": "somebody"},
        "lease": {"S": "2026-01-01T00:00:00Z"},
    })
}

async fn check_bought(alice: &Shopper) {
    let (_, landed) = alice.buy(MONTHLY).await;
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
}

#[tokio::test]
async fn a_slot_whose_checkout_is_gone_is_taken() {
    for first in ["setup_intent", "subscription"] {
        let app = TestApp::start().await;
        let alice = app.shopper("alice");
        app.table.put(&slot()).await;
        if first == "subscription" {
            let opened = alice.begin_subscription(MONTHLY).await;
            alice.approve_apple_pay(&opened).await;
        } else {
            check_bought(&alice).await;
        }
        app.quiet().await;
        let mine = alice.calls.subscriptions().await.expect(200).json();
        assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    }
}

/// No transaction leaves it so, and it must not keep a request at work until its time is over.
#[tokio::test]
async fn a_slot_whose_checkout_has_ended_is_taken() {
    let mut app = TestApp::start().await;
    // The SetupIntent of the checkout that is made to end here.
    app.may_leave_work();
    let alice = app.shopper("alice");
    alice.click().await;
    let mut ended = item_of(&app, "CHECKOUT#").await;
    ended["state"] = json!({"S": "failed"});
    ended["reason"] = json!({"S": "payment_declined"});
    for swept in ["due", "due_at"] {
        ended.as_object_mut().unwrap().remove(swept);
    }
    app.table.put(&ended).await;
    let mut left = slot();
    left["attempt"] = ended["id"].clone();
    app.table.put(&left).await;
    check_bought(&alice).await;
    let held = item_of(&app, "SLOT#").await;
    assert_ne!(held["attempt"], ended["id"]);
}

#[tokio::test]
async fn a_subscription_of_a_checkout_that_is_gone_still_counts() {
    let mut app = TestApp::start().await;
    // The slot stays as it is until the subscription ends.
    app.may_leave_work();
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await;
    app.quiet().await;
    // Stripe has it, and here nothing tells of it but the slot.
    for sort_key in ["CHECKOUT#", "SUB#", "OPEN#"] {
        app.table.delete(&item_of(&app, sort_key).await).await;
    }
    let mut slot = item_of(&app, "SLOT#").await;
    slot.as_object_mut().unwrap().remove("subscription");
    slot["lease"] = json!({"S": "2026-01-01T00:00:00Z"});
    app.table.put(&slot).await;
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "approve").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    assert_eq!(
        landed.landed_with("reason").as_deref(),
        Some("already_subscribed")
    );
    app.quiet().await;
    assert_eq!(app.stripe.objects("subscription").await.len(), 1);
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
}

#[tokio::test]
async fn a_slot_whose_subscription_was_never_read_down_is_read() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await;
    app.quiet().await;
    let subscription = app.stripe.objects("subscription").await.remove(0);
    let path = format!("/v1/subscriptions/{}", text(&subscription["id"]));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    app.table.delete(&item_of(&app, "SUB#").await).await;
    check_bought(&alice).await;
    app.quiet().await;
}

#[tokio::test]
async fn a_checkout_that_cannot_be_read_makes_way_for_another() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let mut attempt = item_of(&app, "CHECKOUT#").await;
    attempt["state"] = json!({"S": "thinking"});
    app.table.put(&attempt).await;
    let (checkout, landed) = alice.buy(MONTHLY).await;
    assert_ne!(opened["checkout"], checkout.as_str());
    assert_eq!(landed.landed_with("status").as_deref(), Some("subscribed"));
    app.quiet().await;
    let unreadable = alice.calls.checkout(text(&opened["checkout"])).await;
    assert_eq!(unreadable.expect_error(503), "table_unavailable");
}
