//! Users who are erased: at Stripe, and looked for in the whole table afterwards.

mod failing;
mod under_way;

use perennial_tests::{Answer, Shopper, TestApp, wait_until};
use serde_json::{Value, json};

use crate::{
    payments::{ShopServer, all, charge, text},
    sweeps::{sweep, sweeper},
};

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";
/// When nobody writes any more who began before.
const LATER: i64 = 20 * 60;

async fn erase(app: &TestApp, user: &str) -> Answer {
    let body = json!({ "user": user });
    ShopServer::of(app)
        .post("/shop/users/erase", "erase", &body)
        .await
}

/// What the table has with this text in it, in a key or anywhere else.
async fn naming(app: &TestApp, word: &str) -> Vec<String> {
    let items = app.table.items().await;
    let all = items.iter().map(Value::to_string);
    all.filter(|item| item.contains(word)).collect()
}

/// The keys of what the table has with this text in it.
async fn keys_naming(app: &TestApp, word: &str) -> Vec<(String, String)> {
    let items = app.table.items().await;
    let named = items.iter().filter(|it| it.to_string().contains(word));
    named
        .map(|it| (text(&it["pk"]).to_owned(), text(&it["sk"]).to_owned()))
        .collect()
}

async fn last_pass(app: &TestApp) -> Value {
    app.quiet().await;
    let swept = sweep(&sweeper(app, LATER).await, "open").await;
    app.quiet().await;
    swept["actions"].clone()
}

async fn customer_of(app: &TestApp, user: &str) -> String {
    let known = ShopServer::of(app)
        .get(&format!("/shop/users?user={user}"))
        .await;
    text(&known.expect(200).json()["customer"]).to_owned()
}

async fn ends_all(app: &TestApp, user: &str) {
    let shop = ShopServer::of(app);
    let known = shop.get(&format!("/shop/subscriptions?user={user}")).await;
    for one in known.expect(200).json()["subscriptions"]
        .as_array()
        .unwrap()
    {
        if one["status"] == "canceled" {
            continue;
        }
        let path = format!("/shop/subscriptions/{}/cancel", text(&one["id"]));
        let body = json!({"user": user, "when": "now"});
        shop.post(&path, text(&one["id"]), &body).await.expect(200);
    }
    app.quiet().await;
}

/// Somebody of whom there is one of everything that the table keeps of a user, and who has nothing any more.
async fn somebody(app: &TestApp, user: &str) -> Shopper {
    let shop = ShopServer::of(app);
    let shopper = app.shopper(user);
    shopper.buy(TRIAL).await.1.expect(303);
    app.quiet().await;
    ends_all(app, user).await;
    let opened = shopper.begin_subscription(MONTHLY).await;
    shopper.approve_apple_pay(&opened).await;
    app.quiet().await;
    let method = shop.saved_method_under(user, &format!("{user}-1")).await;
    let charged = shop
        .pay(&format!("{user}-2"), &charge(user, &method, 700))
        .await;
    let charged = charged.expect(201).json();
    let path = format!("/payments/{}/refunds", text(&charged["id"]));
    shop.post(&path, &format!("{user}-3"), &json!({}))
        .await
        .expect(201);
    let mine = shopper.calls.subscriptions().await.expect(200).json();
    let path = format!(
        "/subscriptions/{}/payment-method",
        text(&mine["subscriptions"][0]["id"])
    );
    let request = shopper.calls.request("POST", &path);
    let request = request.json(&json!({"wallet": "apple_pay"}));
    shopper.calls.send(request).await.expect(201);
    let grant = json!({"user": user, "plan": TRIAL, "grant": {}});
    let given = shop.post("/shop/users/grant", "", &grant).await;
    given.expect(200);
    ends_all(app, user).await;
    // Reads it once more, which moves it to the archive.
    shopper.click().await;
    app.quiet().await;
    shopper
}

fn of_others(items: &[Value], user: &str, customer: &str) -> Vec<Value> {
    let others = items.iter().filter(|it| {
        let it = it.to_string();
        !it.contains(user) && !it.contains(customer)
    });
    others.cloned().collect()
}

#[tokio::test]
async fn an_erased_user_is_named_nowhere_any_more() {
    let app = TestApp::start().await;
    app.shopper("bob").buy(MONTHLY).await.1.expect(303);
    somebody(&app, "alice").await;
    let customer = customer_of(&app, "alice").await;
    let kinds: std::collections::BTreeSet<String> = keys_naming(&app, "alice")
        .await
        .into_iter()
        .chain(keys_naming(&app, &customer).await)
        .map(|(pk, sk)| {
            let kind = |key: &str| key.split('#').next().unwrap().to_owned();
            format!("{} {}", kind(&pk), kind(&sk))
        })
        .collect();
    insta::assert_snapshot!(kinds.into_iter().collect::<Vec<_>>().join("\n"), @"
    CUST USER
    INBOX EVENT
    OUT OUT
    PI CHECKOUT
    REQUEST PAYMENT
    SETI CHECKOUT
    SETI METHOD
    USER ACTIONS
    USER ARCHIVE
    USER CHECKOUT
    USER CUSTOMER
    USER OPEN
    USER SLOT
    USER SUB
    USER TRIAL
    ");
    let before = of_others(&app.table.items().await, "alice", &customer);

    let erased = erase(&app, "alice").await.expect(200).json();
    assert_eq!(erased["user"], "alice");
    assert_eq!(erased["customers"], json!([customer]));
    assert_eq!(erased["complete"], false);
    assert!(erased["items"].as_u64().unwrap() > 20, "{erased}");
    let stays: Vec<&str> = erased["stays"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["what"]))
        .collect();
    assert_eq!(
        stays,
        [
            "stripe_invoices_and_payments",
            "stripe_event_ids",
            "table_stream",
            "table_backups",
            "logs"
        ]
    );
    let path = format!("/v1/customers/{customer}");
    let gone = app.stripe.api("GET", &path, &[]).await;
    assert_eq!(gone["deleted"], true);
    // Another payment method was never confirmed, and can be no more.
    let setups = app.stripe.objects("setup_intent").await;
    let of_alice = setups
        .iter()
        .filter(|it| it["customer"] == customer.as_str());
    for setup in of_alice {
        let status = text(&setup["status"]);
        assert!(matches!(status, "succeeded" | "canceled"), "{setup}");
    }
    // The mark is left, by which the rest is found.
    let key = ("USER#alice".to_owned(), "CUSTOMER".to_owned());
    assert_eq!(keys_naming(&app, "alice").await, [key]);

    let swept = last_pass(&app).await;
    assert_eq!(swept["ended"], 1, "{swept}");
    assert_eq!(naming(&app, "alice").await, [""; 0]);
    assert_eq!(naming(&app, &customer).await, [""; 0]);
    let after = of_others(&app.table.items().await, "alice", &customer);
    let bobs = |items: &[Value]| of_others(items, "RECONCILE", "REQUEST#");
    let (after, before) = (bobs(&after), bobs(&before));
    let changed: Vec<&Value> = before.iter().filter(|it| !after.contains(it)).collect();
    assert!(changed.is_empty(), "others have lost {changed:?}");
    // An event that names no customer lies apart.
    let mut new: Vec<&Value> = after.iter().filter(|it| !before.contains(it)).collect();
    new.retain(|it| !text(&it["pk"]).starts_with("INBOX#evt_"));
    assert!(new.is_empty(), "{new:?}");

    // Asked again, there is nothing to do.
    let again = erase(&app, "alice").await.expect(200).json();
    assert_eq!(again["complete"], true);
    assert_eq!(again["customers"], json!([]));
    assert_eq!(again["items"], 0);
    assert_eq!(naming(&app, "alice").await, [""; 0]);
}

#[tokio::test]
async fn who_comes_back_is_a_new_user() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(TRIAL).await.1.expect(303);
    app.quiet().await;
    let customer = customer_of(&app, "alice").await;
    ends_all(&app, "alice").await;
    erase(&app, "alice").await.expect(200);

    // Nothing is begun before it has come to its end.
    let click = json!({"plan": TRIAL, "wallet": "amazon_pay"});
    let refused = alice.calls.client_secret(&click).await;
    assert_eq!(refused.expect_error(409), "user_being_erased");
    let shop = ShopServer::of(&app);
    let adopt = json!({"user": "alice", "customer": customer_of_bob(&app).await});
    let refused = shop.post("/shop/customers", "k1", &adopt).await;
    assert_eq!(refused.expect_error(409), "user_being_erased");
    let pay = json!({"user": "alice", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
    let refused = shop.pay("k1", &pay).await;
    assert_eq!(refused.expect_error(409), "user_being_erased");
    last_pass(&app).await;

    alice.buy(TRIAL).await.1.expect(303);
    app.quiet().await;
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "trialing", "{mine}");
    assert_eq!(mine["subscriptions"].as_array().unwrap().len(), 1);
    assert_ne!(customer_of(&app, "alice").await, customer);
}

async fn customer_of_bob(app: &TestApp) -> String {
    let made = app.stripe.api("POST", "/v1/customers", &[]).await;
    text(&made["id"]).to_owned()
}

#[tokio::test]
async fn what_stripe_tells_afterwards_does_not_write_the_user_back() {
    let app = TestApp::start().await;
    somebody(&app, "alice").await;
    app.stripe.hold_webhooks().await;
    erase(&app, "alice").await.expect(200);
    let charges = app.stripe.objects("charge").await;
    let paid = charges.iter().find(|it| it["amount"] == 1500).unwrap();
    let form = [("charge", text(&paid["id"]))];
    app.stripe.api("POST", "/v1/refunds", &form).await;
    // In any order, and each of them three times.
    app.stripe.release_webhooks("shuffle", 7, 3).await;
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
    // All events once more, long after.
    sweep(&sweeper(&app, LATER).await, "events").await;
    sweep(&sweeper(&app, 24 * 3600).await, "subscriptions").await;
    app.quiet().await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
    let inbox = app.inbox().await;
    assert!(inbox.iter().all(|it| it["status"] != "failed"), "{inbox:?}");
}

#[tokio::test]
async fn a_user_whom_nobody_knows_is_erased_already() {
    let app = TestApp::start().await;
    app.forget_calls().await;
    let erased = erase(&app, "nobody").await.expect(200).json();
    assert_eq!(erased["complete"], true);
    assert_eq!(erased["items"], 0);
    insta::assert_snapshot!(app.calls().await.to_string(), @"Stripe: nothing; DynamoDB: 2 x Query");
    assert_eq!(naming(&app, "nobody").await, [""; 0]);
    let shop = ShopServer::of(&app);
    for (body, code) in [
        (json!({}), "missing_field"),
        (json!({"user": ""}), "invalid_field"),
        (json!({"user": " alice"}), "invalid_field"),
        (
            json!({"user": "alice", "customer": "cus_1"}),
            "unknown_field",
        ),
    ] {
        let refused = shop.post("/shop/users/erase", "k1", &body).await;
        assert_eq!(refused.expect_error(400), code, "{body}");
    }
    let alice = app.shopper("alice");
    let request = alice.calls.request("POST", "/shop/users/erase");
    let request = request.json(&json!({"user": "bob"}));
    alice.calls.send(request).await.expect(403);
}

#[tokio::test]
async fn a_user_whose_customer_stripe_has_deleted_is_erased_with_it() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let first = customer_of(&app, "alice").await;
    let path = format!("/v1/customers/{first}");
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    for with_another in [true, false] {
        if with_another {
            alice.buy(MONTHLY).await.1.expect(303);
            app.quiet().await;
            ends_all(&app, "alice").await;
        }
        let erased = erase(&app, "alice").await.expect(200).json();
        assert!(erased["customers"].to_string().contains(&first) || !with_another);
        last_pass(&app).await;
        assert_eq!(naming(&app, "alice").await, [""; 0], "{with_another}");
        assert_eq!(naming(&app, &first).await, [""; 0], "{with_another}");
        // The table forgets the customer of a user who has nothing else.
        if with_another {
            alice.click().await;
            let second = customer_of(&app, "alice").await;
            let path = format!("/v1/customers/{second}");
            app.stripe.api("DELETE", &path, &[]).await;
            app.quiet().await;
        }
    }
}

/// A function that has read the table before the mark writes after everything is deleted.
#[tokio::test]
async fn what_is_written_meanwhile_is_deleted_by_the_last_pass() {
    let app = TestApp::start().await;
    somebody(&app, "alice").await;
    erase(&app, "alice").await.expect(200);
    app.quiet().await;
    app.table
        .put(&json!({"pk": {"S": "USER#alice"}, "sk": {"S": "SUB#sub_1"}, "fence": {"N": "1"}}))
        .await;
    let told = json!({"pk": {"S": "OUT#alice"}, "sk": {"S": "OUT#pev_1"}, "user": {"S": "alice"}});
    app.table.put(&told).await;
    // A pass that is not the last one leaves the mark.
    let swept = sweep(&sweeper(&app, 10 * 60).await, "open").await;
    assert_eq!(swept["actions"]["ended"], 0, "{swept}");
    assert_eq!(naming(&app, "alice").await.len(), 3);
    let early = erase(&app, "alice").await.expect(200).json();
    assert_eq!(early["complete"], false);
    last_pass(&app).await;
    assert_eq!(naming(&app, "alice").await, [""; 0]);
}

#[tokio::test]
async fn an_erasure_costs_a_few_calls() {
    let app = TestApp::start().await;
    somebody(&app, "alice").await;
    app.stripe.hold_webhooks().await;
    app.forget_calls().await;
    erase(&app, "alice").await.expect(200);
    let first = app.calls().await.to_string();
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    app.forget_calls().await;
    sweep(&sweeper(&app, LATER).await, "open").await;
    let costs = format!("first\n    {first}\nlast\n    {}", app.calls().await);
    insta::assert_snapshot!(costs, @"
    first
        Stripe: DELETE /v1/customers/{id}, GET /v1/customers/{id}, GET /v1/payment_intents, GET /v1/setup_intents, GET /v1/subscriptions, 2 x POST /v1/setup_intents/{id}/cancel; DynamoDB: GetItem, 7 x Query, 7 x TransactWriteItems, UpdateItem
    last
        Stripe: GET /v1/customers/{id}; DynamoDB: 2 x GetItem, 9 x Query, 2 x TransactWriteItems, UpdateItem
    ");
}
