//! Plans that the shop's servers give to a user for free: what they entitle to, beside what is paid for and alone.

use perennial_tests::{Answer, TestApp};
use serde_json::{Value, json};

use crate::{
    payments::{ShopServer, all, text},
    sweeps::{sweep, sweeper},
    switched::{Shop, plan},
};

const MONTHLY: &str = "stock-photos-monthly";
const TEAM: &str = "stock-photos-team";
const DAY: i64 = 24 * 3600;

async fn ask(app: &TestApp, body: &Value) -> Answer {
    ShopServer::of(app)
        .post("/shop/users/grant", "", body)
        .await
}

/// Gives alice a plan, or takes it away, and says what she was given then.
async fn give(app: &TestApp, plan: &str, grant: &Value) -> Value {
    let body = json!({"user": "alice", "plan": plan, "grant": grant});
    let answer = ask(app, &body).await.expect(200).json();
    assert_eq!(answer["user"], "alice");
    answer["grants"].clone()
}

async fn mine(app: &TestApp) -> Value {
    let alice = app.shopper("alice");
    alice.calls.subscriptions().await.expect(200).json()
}

/// A time so many seconds from now.
async fn time(app: &TestApp, seconds: i64) -> String {
    let now = app.stripe.state().await["now"].as_i64().unwrap();
    perennial_types::Timestamp::from_unix(now + seconds).to_string()
}

/// Lets the time pass in which a plan was given.
async fn let_end(app: &TestApp, plan: &str) {
    let items = app.table.raw_items().await;
    let is_it = |it: &&Value| it["sk"]["S"] == "SUB#GRANTS";
    let mut item = items.iter().find(is_it).unwrap().clone();
    let past = time(app, 0).await;
    item["grants"]["M"][plan]["M"]["until"] = json!({"S": past});
    app.table.put(&item).await;
}

async fn items(app: &TestApp) -> Vec<Value> {
    app.table.items_of("SUB#GRANTS").await
}

#[tokio::test]
async fn a_plan_that_is_given_entitles_until_it_is_over_or_taken_away() {
    let app = TestApp::start().await;
    assert_eq!(mine(&app).await["grants"], json!([]));
    let until = time(&app, 20 * DAY).await;
    app.forget_calls().await;
    let given = give(&app, MONTHLY, &json!({"until": until})).await;
    insta::assert_snapshot!(app.calls().await.to_string(), @"Stripe: nothing; DynamoDB: GetItem, TransactWriteItems");
    let expected = json!([{"plan": MONTHLY, "group": "stock-photos", "label": "Stock photos", "until": until}]);
    assert_eq!(given, expected);
    // To send it again changes nothing.
    let before = items(&app).await;
    assert_eq!(
        give(&app, MONTHLY, &json!({"until": until})).await,
        expected
    );
    assert_eq!(items(&app).await, before);

    app.forget_calls().await;
    let has = mine(&app).await;
    insta::assert_snapshot!(app.calls().await.to_string(), @"Stripe: nothing; DynamoDB: Query");
    assert_eq!(has["subscriptions"], json!([]));
    assert_eq!(has["grants"], expected);
    let entitled = json!({"active": true, "until": until, "because": "granted"});
    assert_eq!(has["entitlements"]["stock-photos"], entitled);
    assert_eq!(has["entitlements"]["video-clips"]["active"], false);
    for path in ["/shop/subscriptions?user=alice", "/shop/users?user=alice"] {
        let told = ShopServer::of(&app).get(path).await.expect(200).json();
        assert_eq!(told["grants"], expected, "{path}");
        assert_eq!(told["entitlements"], has["entitlements"], "{path}");
    }
    // Nobody else has it, and nothing of it is at Stripe.
    let bob = app.shopper("bob").calls.subscriptions().await;
    assert_eq!(bob.expect(200).json()["grants"], json!([]));
    assert!(app.stripe.objects("customer").await.is_empty());

    // Another one, of another group and without an end.
    let clips = give(&app, "video-clips-monthly", &json!({})).await;
    assert_eq!(clips[1]["until"], Value::Null, "{clips}");
    let has = mine(&app).await;
    let endless = json!({"active": true, "until": null, "because": "granted"});
    assert_eq!(has["entitlements"]["video-clips"], endless);
    let left = give(&app, "video-clips-monthly", &Value::Null).await;
    assert_eq!(left, expected);
    assert_eq!(give(&app, "video-clips-monthly", &Value::Null).await, left);
    let has = mine(&app).await;
    assert_eq!(has["entitlements"]["video-clips"]["active"], false);

    let_end(&app, MONTHLY).await;
    let has = mine(&app).await;
    assert_eq!(has["grants"], json!([]));
    let nothing = json!({"active": false, "until": null, "because": "none"});
    assert_eq!(has["entitlements"]["stock-photos"], nothing);
    // What is over goes with the next write, and the item with the last grant.
    assert_eq!(items(&app).await.len(), 1);
    assert_eq!(give(&app, TEAM, &Value::Null).await, json!([]));
    assert_eq!(items(&app).await, [Value::Null; 0]);
}

#[tokio::test]
async fn who_was_given_a_plan_subscribes_and_loses_nothing_of_either() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let seats = give(&app, TEAM, &json!({"quantity": 5})).await;
    assert_eq!(seats[0]["quantity"], 5);
    // The archive, the grants and a subscription lie side by side.
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let group = async |app: &TestApp| mine(app).await["entitlements"]["stock-photos"].clone();
    let both = json!({"active": true, "until": null, "because": "active", "quantity": 5});
    assert_eq!(group(&app).await, both);
    let has = mine(&app).await;
    let subscription = &has["subscriptions"][0];
    assert_eq!(has["subscriptions"].as_array().unwrap().len(), 1);
    let path = format!("/shop/subscriptions/{}/cancel", text(&subscription["id"]));
    let body = json!({"user": "alice", "when": "now"});
    let ended = ShopServer::of(&app).post(&path, "end", &body).await;
    ended.expect(200);
    app.quiet().await;
    alice.click().await;
    app.quiet().await;
    assert_eq!(app.table.items_of("SUB#ARCHIVE").await.len(), 1);
    let alone = json!({"active": true, "until": null, "because": "granted", "quantity": 5});
    assert_eq!(group(&app).await, alone);
    assert_eq!(mine(&app).await["grants"], seats);
    // With an end that is earlier than the renewal, what is paid for decides.
    let until = time(&app, DAY).await;
    give(&app, TEAM, &json!({"until": until, "quantity": 2})).await;
    alice.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let has = mine(&app).await;
    let live = has["subscriptions"].as_array().unwrap().iter();
    let live = live.clone().find(|it| it["status"] == "active").unwrap();
    let decided = &has["entitlements"]["stock-photos"];
    assert_eq!(decided["until"], live["current_period_end"]);
    assert_eq!(decided["quantity"], 2);
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    give(&app, TEAM, &json!({"quantity": 5})).await;
    let before = app.table.items().await;
    let (past, later) = (time(&app, -1).await, time(&app, DAY).await);
    for (status, code, body) in [
        (400, "missing_field", json!({"plan": TEAM, "grant": {}})),
        (
            400,
            "invalid_field",
            json!({"user": "", "plan": TEAM, "grant": {}}),
        ),
        (400, "missing_field", json!({"user": "alice", "grant": {}})),
        (400, "missing_field", json!({"user": "alice", "plan": TEAM})),
        (
            400,
            "invalid_field",
            json!({"user": "alice", "plan": TEAM, "grant": true}),
        ),
        (
            400,
            "invalid_field",
            json!({"user": "alice", "plan": 5, "grant": null}),
        ),
        (
            400,
            "unknown_field",
            json!({"user": "alice", "plan": TEAM, "grant": {"to": later}}),
        ),
        (
            400,
            "unknown_field",
            json!({"user": "alice", "plan": TEAM, "grant": {}, "group": "a"}),
        ),
        (
            400,
            "invalid_field",
            json!({"user": "alice", "plan": TEAM, "grant": {"until": "soon"}}),
        ),
        (
            400,
            "invalid_field",
            json!({"user": "alice", "plan": TEAM, "grant": {"quantity": -1}}),
        ),
        (
            400,
            "grant_end_in_past",
            json!({"user": "alice", "plan": TEAM, "grant": {"until": past}}),
        ),
        (
            400,
            "unknown_plan",
            json!({"user": "alice", "plan": "nothing", "grant": {}}),
        ),
        (
            400,
            "unknown_plan",
            json!({"user": "alice", "plan": "Nothing at all", "grant": {}}),
        ),
        (
            400,
            "unknown_plan",
            json!({"user": "alice", "plan": "nothing", "grant": null}),
        ),
        (
            409,
            "quantity_not_offered",
            json!({"user": "alice", "plan": TEAM, "grant": {"quantity": 0}}),
        ),
        (
            409,
            "quantity_not_offered",
            json!({"user": "alice", "plan": TEAM, "grant": {"quantity": 51}}),
        ),
        (
            409,
            "quantity_not_offered",
            json!({"user": "alice", "plan": MONTHLY, "grant": {"quantity": 2}}),
        ),
    ] {
        let refused = ask(&app, &body).await;
        assert_eq!(refused.expect_error(status), code, "{body}");
        assert_eq!(app.table.items().await, before, "{body}");
    }
    let alice = app.shopper("alice");
    let request = alice.calls.request("POST", "/shop/users/grant");
    let request = request.json(&json!({"user": "alice", "plan": TEAM, "grant": {}}));
    alice.calls.send(request).await.expect(403);
    assert_eq!(app.table.items().await, before);
    // The least that is sold, unless it says otherwise; and one of what is sold once is that.
    let given = give(&app, TEAM, &json!({})).await;
    assert_eq!(given[0]["quantity"], 1);
    let given = give(&app, MONTHLY, &json!({"quantity": 1})).await;
    assert_eq!(given[0].get("quantity"), None, "{given}");
}

#[tokio::test]
async fn a_user_is_given_no_more_plans_than_one_item_holds() {
    let app = TestApp::start().await;
    let over = time(&app, 3600).await;
    let grant = |until: &str| json!({"M": {"price": {"S": "price_1"}, "until": {"S": until}}});
    let later = time(&app, 90 * DAY).await;
    let mut grants = serde_json::Map::new();
    for number in 0..19 {
        grants.insert(format!("plan-{number}"), grant(&later));
    }
    grants.insert(MONTHLY.to_owned(), grant(&over));
    let item =
        json!({"pk": {"S": "USER#alice"}, "sk": {"S": "SUB#GRANTS"}, "grants": {"M": grants}});
    app.table.put(&item).await;
    let body = json!({"user": "alice", "plan": TEAM, "grant": {}});
    let refused = ask(&app, &body).await;
    assert_eq!(refused.expect_error(409), "too_many_grants");
    // One of them may be given anew.
    give(&app, MONTHLY, &json!({"until": over})).await;
    // One that is over makes room; of the others the catalog knows nothing, so they are kept and give nothing.
    let_end(&app, MONTHLY).await;
    let given = give(&app, TEAM, &json!({})).await;
    assert_eq!(given.as_array().unwrap().len(), 1, "{given}");
    assert_eq!(
        items(&app).await[0]["grants"].as_object().unwrap().len(),
        20
    );
}

#[tokio::test]
async fn servers_that_give_at_once_lose_nothing() {
    let app = TestApp::start().await;
    let plans = [MONTHLY, TEAM, "video-clips-monthly", "wallpapers-monthly"];
    let asked = plans.map(|plan| json!({"user": "alice", "plan": plan, "grant": {}}));
    let answers = all(asked.iter().map(|body| ask(&app, body))).await;
    let mut done = Vec::new();
    for (plan, answer) in plans.iter().zip(answers) {
        match answer.status {
            200 => done.push(json!(plan)),
            _ => assert_eq!(answer.expect_error(429), "busy"),
        }
    }
    assert!(!done.is_empty());
    let has = mine(&app).await;
    let grants = has["grants"].as_array().unwrap().iter();
    let grants: Vec<Value> = grants.map(|it| it["plan"].clone()).collect();
    assert_eq!(grants, done);

    // One that has read what another then takes away begins again.
    let held = app.to_dynamodb.hold_next("GetItem");
    let asked = json!({"user": "alice", "plan": "stock-photos-yearly", "grant": {}});
    let first = ask(&app, &asked);
    let second = async {
        held.arrives().await;
        give(&app, text(&done[0]), &Value::Null).await;
        held.release();
    };
    let (first, ()) = tokio::join!(first, second);
    let first = first.expect(200).json();
    let of: Vec<&Value> = first["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["plan"])
        .collect();
    assert!(
        !of.contains(&&done[0]) && of.contains(&&json!("stock-photos-yearly")),
        "{first}"
    );
    assert_eq!(first["grants"], mine(&app).await["grants"]);
}

#[tokio::test]
async fn a_user_who_is_erased_is_given_nothing_and_keeps_nothing() {
    let app = TestApp::start().await;
    let alice = json!({"user": "alice", "plan": MONTHLY, "grant": {}});
    ask(&app, &alice).await.expect(200);
    let erase = async || {
        let body = json!({"user": "alice"});
        ShopServer::of(&app)
            .post("/shop/users/erase", "", &body)
            .await
    };
    // It is refused by the write itself, whatever was read before.
    let held = app.to_dynamodb.hold_next("GetItem");
    let clips = json!({"user": "alice", "plan": "video-clips-monthly", "grant": {}});
    let erases = async {
        held.arrives().await;
        let erased = erase().await.expect(200).json();
        assert_eq!(erased["items"], 1, "{erased}");
        held.release();
    };
    let (refused, ()) = tokio::join!(ask(&app, &clips), erases);
    assert_eq!(refused.expect_error(409), "user_being_erased");
    let refused = ask(&app, &alice).await;
    assert_eq!(refused.expect_error(409), "user_being_erased");
    let taken = json!({"user": "alice", "plan": MONTHLY, "grant": null});
    ask(&app, &taken).await.expect(200);
    assert_eq!(mine(&app).await["grants"], json!([]));
    app.quiet().await;
    sweep(&sweeper(&app, 20 * 60).await, "open").await;
    let left = app.table.items().await;
    assert!(!left.iter().any(|it| it.to_string().contains("alice")));
    // Who comes back is a new user.
    ask(&app, &alice).await.expect(200);
    assert_eq!(mine(&app).await["grants"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_grant_follows_its_plan_to_another_name() {
    let (shop, prices) = Shop::open(|prices| json!({"basic": plan(&prices[0], "one")})).await;
    give(&shop.app, "basic", &json!({})).await;
    let shop = shop
        .sells(&json!({"starter": plan(&prices[0], "uno")}))
        .await;
    assert_eq!(shop.entitled().await, ["uno"]);
    assert_eq!(shop.mine().await["grants"][0]["plan"], "starter");
    let given = give(&shop.app, "starter", &json!({})).await;
    assert_eq!(given.as_array().unwrap().len(), 1, "{given}");
    // One that is no longer sold entitles as well, may be given, and is taken away by its name.
    let shop = shop.sells(&json!({"pro": plan(&prices[1], "two")})).await;
    assert_eq!(shop.entitled().await, ["uno"]);
    let given = give(&shop.app, "starter", &Value::Null).await;
    assert_eq!(given, json!([]));
    let given = give(&shop.app, "starter", &json!({})).await;
    assert_eq!(given[0]["group"], "uno");
}

#[tokio::test]
async fn while_the_table_does_not_answer_nothing_is_given_and_the_same_request_makes_it_good() {
    for operation in ["GetItem", "TransactWriteItems"] {
        let app = TestApp::start().await;
        let body = json!({"user": "alice", "plan": MONTHLY, "grant": {}});
        app.to_dynamodb.break_after(operation, 0);
        let first = ask(&app, &body).await;
        assert_eq!(first.expect_error(503), "table_unavailable", "{operation}");
        app.to_dynamodb.set_down(false);
        assert_eq!(items(&app).await, [Value::Null; 0], "{operation}");
        ask(&app, &body).await.expect(200);
        assert_eq!(mine(&app).await["grants"].as_array().unwrap().len(), 1);
    }
}
