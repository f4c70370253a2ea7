//! A free trial that begins without a payment method: nothing is charged unless its shopper gives one.

use perennial_tests::{Answer, Setup, TestApp, wait_until};
use serde_json::{Value, json};

use super::{
    Subscriber,
    pausing::{DAY, seconds},
    payment_method::open,
};
use crate::payments::{all, text};

const ENDING: &str = "subscription.trial_ending";

fn plans() -> Value {
    let plan = |ends: Option<&str>| {
        let mut plan = json!({"group": "photos", "label": "Photos", "trial_days": 14});
        if let Some(ends) = ends {
            plan["trial_without_payment_method"] = ends.into();
        }
        plan
    };
    let mut team = plan(Some("cancel"));
    team["quantity"] = json!({"minimum": 2, "maximum": 5});
    let mut year = plan(Some("cancel"));
    year["group"] = "prints".into();
    json!({"ends": plan(Some("cancel")), "waits": plan(Some("pause")), "asks": plan(None), "team": team, "year": year})
}

async fn selling() -> TestApp {
    let app = TestApp::selling(&plans(), Setup::default()).await;
    app.quiet().await;
    app.forget_calls().await;
    app
}

async fn offered(app: &TestApp, user: &str, plan: &str) -> Value {
    let caller = app.caller(user);
    let path = format!("/wallets?plan={plan}");
    let answer = caller.send(caller.request("GET", &path)).await;
    answer.expect(200).json()["without_payment_method"].clone()
}

async fn begin(app: &TestApp, user: &str, plan: &str) -> Answer {
    let body = json!({"plan": plan, "without_payment_method": true, "trial_days": 14});
    app.caller(user).post_subscription(&body).await
}

/// A shopper whose trial has begun.
async fn trying(plan: &str) -> Subscriber {
    let app = selling().await;
    let begun = begin(&app, "alice", plan).await.expect(201).json();
    app.quiet().await;
    let alice = app.shopper("alice");
    let id = text(&begun["subscription"]["id"]).to_owned();
    Subscriber { app, alice, id }
}

impl Subscriber {
    async fn gives_a_method(&self) -> Value {
        let opened = open(self, "amazon_pay").await;
        self.alice.go_to_wallet(&opened).await;
        self.alice.answer_open_wallet(&opened, "approve").await;
        let body = json!({"setup_intent": opened["setup_intent"]});
        let done = self.asks("payment-method/finish", &body).await;
        let done = done.expect(200).json();
        self.app.quiet().await;
        done
    }

    async fn until_after_the_end(&self) {
        let ends = seconds(&self.mine().await["trial_end"]);
        self.pass(ends + 2 * 3600 - self.now().await).await;
    }

    async fn all_told(&self) -> Vec<String> {
        let mut told = self.app.table.items_of("OUT#").await;
        told.sort_by_key(|event| event["sequence"].as_u64());
        let types = told.iter().map(|event| text(&event["type"]).to_owned());
        types.collect()
    }
}

async fn live(app: &TestApp) -> usize {
    let all = app.stripe.objects("subscription").await;
    all.iter().filter(|it| it["status"] != "canceled").count()
}

#[tokio::test]
async fn it_begins_with_one_click_and_entitles() {
    let app = selling().await;
    let shown = offered(&app, "alice", "ends").await;
    let text_shown = "14 free days, without a payment method. If you add one by then, 15.00 USD every month is charged from then on; if not, it ends by itself, and nothing is charged.";
    let expected = json!({"offer": true, "reasons": [], "ends": "cancel", "text": text_shown});
    assert_eq!(shown, expected);
    assert_eq!(offered(&app, "alice", "asks").await, Value::Null);
    app.forget_calls().await;
    // So that only what the click asks is counted.
    app.stripe.hold_webhooks().await;
    let begun = begin(&app, "alice", "ends").await.expect(201).json();
    let it = &begun["subscription"];
    assert_eq!(it["status"], "trialing", "{it}");
    assert_eq!(it["plan"], "ends");
    assert_eq!(it["wallet"], Value::Null);
    assert_eq!(
        it["payment"],
        json!({"state": "method_required", "reason": "method_missing"})
    );
    let calls = app.calls().await.to_string();
    assert_eq!(
        calls,
        "Stripe: GET /v1/customers/{id}, POST /v1/customers, POST /v1/subscriptions; DynamoDB: Query, 4 x TransactWriteItems, UpdateItem"
    );
    app.stripe.release_webhooks("fifo", 1, 1).await;
    app.quiet().await;
    let mine = app.caller("alice").subscriptions().await.json();
    assert_eq!(mine["entitlements"]["photos"]["active"], true, "{mine}");
    assert_eq!(mine["entitlements"]["photos"]["because"], "trialing");
    let mine = &mine["subscriptions"][0];
    assert_eq!(
        mine["actions"]["replace_payment_method"]["open"], true,
        "{mine}"
    );
    let told = app.table.items_of("OUT#").await;
    let told: Vec<_> = told.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(told, ["subscription.trialing"]);
    // However often it is clicked, and whatever with.
    let repeated = begin(&app, "alice", "ends").await;
    assert_eq!(repeated.expect_error(409), "already_subscribed");
    let other = begin(&app, "alice", "waits").await;
    assert_eq!(other.expect_error(409), "already_subscribed");
    let wallet = json!({"plan": "ends", "wallet": "amazon_pay"});
    let wallet = app.caller("alice").client_secret(&wallet).await;
    assert_eq!(wallet.expect_error(409), "already_subscribed");
    assert_eq!(live(&app).await, 1);
}

#[tokio::test]
async fn without_a_method_it_ends_by_itself_and_is_had_once() {
    let mut it = trying("ends").await;
    it.app.sells_groups(2);
    it.until_after_the_end().await;
    let mine = it.mine().await;
    assert_eq!(mine["status"], "canceled", "{mine}");
    let told = it.all_told().await;
    assert_eq!(
        told.first().map(String::as_str),
        Some("subscription.trialing")
    );
    assert_eq!(
        told.last().map(String::as_str),
        Some("subscription.canceled")
    );
    assert_eq!(it.app.stripe.objects("charge").await, Vec::<Value>::new());
    let shown = offered(&it.app, "alice", "waits").await;
    assert_eq!(shown["offer"], false, "{shown}");
    assert_eq!(shown["reasons"][0]["code"], "trial_used");
    let again = begin(&it.app, "alice", "waits").await;
    assert_eq!(again.expect_error(409), "trial_outdated");
    let body = json!({"plan": "waits", "without_payment_method": true, "trial_days": 0});
    let again = it.app.caller("alice").post_subscription(&body).await;
    assert_eq!(again.expect_error(409), "trial_outdated");
    // At its price, with a wallet.
    let body = json!({"plan": "waits", "wallet": "amazon_pay", "trial_days": 0});
    let opened = it.app.caller("alice").client_secret(&body).await;
    opened.expect(201);
    // Another group has another trial.
    begin(&it.app, "alice", "year").await.expect(201);
}

#[tokio::test]
async fn it_waits_for_a_method_where_the_plan_says_so() {
    let it = trying("waits").await;
    it.until_after_the_end().await;
    let mine = it.mine().await;
    assert_eq!(mine["status"], "paused", "{mine}");
    assert!(
        it.all_told()
            .await
            .contains(&"subscription.payment_method_required".to_owned())
    );
    let entitled = it.alice.calls.subscriptions().await.json();
    assert_eq!(entitled["entitlements"]["photos"]["active"], false);
    assert_eq!(it.charged().await, 0);
    let done = it.gives_a_method().await;
    assert_eq!(done["status"], "replaced", "{done}");
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(it.charged().await, 1500);
}

#[tokio::test]
async fn a_method_that_is_given_in_time_is_charged_at_the_end() {
    for plan in ["ends", "waits"] {
        let it = trying(plan).await;
        let done = it.gives_a_method().await;
        assert_eq!(done["subscription"]["status"], "trialing", "{done}");
        assert_eq!(done["subscription"]["payment"]["state"], "ok");
        assert_eq!(done["subscription"]["wallet"], "amazon_pay");
        assert_eq!(it.charged().await, 0);
        it.until_after_the_end().await;
        assert_eq!(it.mine().await["status"], "active", "{plan}");
        assert_eq!(it.charged().await, 1500);
    }
}

/// The mail before the end leads to a page that asks for one, and promises no other free days.
#[tokio::test]
async fn the_link_of_a_mail_asks_for_a_method() {
    let it = trying("ends").await;
    let url = it.link("repair").await["url"].clone();
    let link = text(&url).split_once("link=").expect("a link").1.to_owned();
    let anybody = it.app.anybody();
    let request = anybody.request("GET", &format!("/repair?link={link}"));
    let request = request.header("accept", "application/json");
    let shown = anybody.send(request).await.expect(200).json();
    assert_eq!(shown["status"], "trialing", "{shown}");
    let agreed = shown["consent"]["text"]["amazon_pay"].clone();
    assert!(
        text(&agreed).contains("15.00 USD every month with"),
        "{agreed}"
    );
    let ask = json!({"link": link, "wallet": "amazon_pay"});
    let opened = anybody
        .send(anybody.request("POST", "/repair").json(&ask))
        .await;
    let opened = opened.expect(201).json();
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let ask = json!({"link": link, "setup_intent": opened["setup_intent"]});
    let done = anybody
        .send(anybody.request("POST", "/repair/finish").json(&ask))
        .await;
    assert_eq!(done.expect(200).json()["needs_payment_method"], false);
    it.app.quiet().await;
    it.until_after_the_end().await;
    assert_eq!(it.charged().await, 1500);
}

#[tokio::test]
async fn its_end_is_told_in_time_with_what_stands_against_it() {
    let it = trying("ends").await;
    let ends = seconds(&it.mine().await["trial_end"]);
    it.pass(ends - 7 * DAY + 60 - it.now().await).await;
    it.reconciled("open", &[]).await;
    it.app.quiet().await;
    let told = it.app.table.items_of("OUT#").await;
    let told = told
        .iter()
        .find(|event| event["type"] == ENDING)
        .expect("told");
    let data: Value = serde_json::from_str(text(&told["data"])).expect("an event's data");
    assert_eq!(
        data["subscription"]["payment"]["reason"], "method_missing",
        "{data}"
    );
    // Nothing is, as things are.
    assert_eq!(data["next_charge"], Value::Null);
}

#[tokio::test]
async fn a_method_that_stripe_would_charge_is_not_charged_unasked() {
    let mut app = selling().await;
    app.sells_groups(2);
    let alice = app.shopper("alice");
    alice.buy("year").await.1.expect(303);
    app.quiet().await;
    let bought = app.stripe.objects("subscription").await.remove(0);
    let customer = text(&bought["customer"]);
    let method = text(&bought["default_payment_method"]);
    let path = format!("/v1/customers/{customer}");
    let form = [("invoice_settings[default_payment_method]", method)];
    app.stripe.api("POST", &path, &form).await;
    let refused = begin(&app, "alice", "ends").await;
    assert_eq!(refused.expect_error(409), "payment_method_on_file");
    assert_eq!(live(&app).await, 1);
    // The trial is still to be had.
    let form = [("invoice_settings[default_payment_method]", "")];
    app.stripe.api("POST", &path, &form).await;
    begin(&app, "alice", "ends").await.expect(201);
}

#[tokio::test]
async fn what_it_does_not_go_with_is_refused() {
    let app = selling().await;
    let refused = begin(&app, "alice", "asks").await;
    assert_eq!(refused.expect_error(409), "payment_method_required");
    for (extra, status, code) in [
        (json!({"plan": null}), 400, "missing_field"),
        (json!({"plan": "nothing"}), 400, "unknown_plan"),
        (json!({"wallet": "apple_pay"}), 400, "conflicting_fields"),
        (json!({"first": "subscription"}), 400, "conflicting_fields"),
        (json!({"consent": "default-1"}), 400, "conflicting_fields"),
        (json!({"return_to": "/account"}), 400, "conflicting_fields"),
        (
            json!({"again": "sub_1", "due_now": 0}),
            400,
            "conflicting_fields",
        ),
        (json!({"checkout": "chk_1"}), 400, "invalid_field"),
        (
            json!({"without_payment_method": "yes"}),
            400,
            "invalid_field",
        ),
        (
            json!({"without_payment_method": false}),
            400,
            "missing_field",
        ),
        (json!({"trial_days": 30}), 409, "trial_outdated"),
        (json!({"quantity": 3}), 400, "quantity_not_offered"),
        (json!({"plan": "team"}), 400, "quantity_not_offered"),
    ] {
        let mut body = json!({"plan": "ends", "without_payment_method": true});
        for (name, value) in extra.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let refused = app.caller("alice").post_subscription(&body).await;
        assert_eq!(refused.expect_error(status), code, "{body}");
    }
    assert_eq!(live(&app).await, 0);
    let body = json!({"plan": "team", "without_payment_method": true, "quantity": 3});
    let begun = app.caller("alice").post_subscription(&body).await;
    assert_eq!(begun.expect(201).json()["subscription"]["quantity"], 3);
}

#[tokio::test]
async fn clicks_at_once_begin_one() {
    let app = selling().await;
    let answers =
        all(["ends", "waits", "ends", "waits"].map(|plan| begin(&app, "alice", plan))).await;
    for answer in &answers {
        assert!(
            matches!(answer.status, 201 | 202 | 409 | 429),
            "{}",
            answer.text
        );
    }
    app.quiet().await;
    assert_eq!(live(&app).await, 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_begins_one() {
    for lost in ["severed", "timeout_after", "timeout_before"] {
        let app = selling().await;
        let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": lost,
            "times": 9, "delay_ms": 1});
        app.stripe.fault(fault).await;
        let first = begin(&app, "alice", "ends").await;
        assert!(matches!(first.status, 202 | 503), "{lost}: {}", first.text);
        app.stripe.no_faults().await;
        let answer = wait_until("its turn", async || {
            let answer = begin(&app, "alice", "ends").await;
            (!matches!(answer.status, 202 | 429 | 503)).then_some(answer)
        });
        let answer = answer.await;
        assert!(
            matches!(answer.status, 201 | 409),
            "{lost}: {}",
            answer.text
        );
        app.quiet().await;
        assert_eq!(live(&app).await, 1, "{lost}");
        let mine = app.caller("alice").subscriptions().await.json();
        assert_eq!(mine["entitlements"]["photos"]["active"], true, "{mine}");
    }
}

#[tokio::test]
async fn one_that_ends_before_anybody_has_heard_of_it_is_told_whole() {
    let app = selling().await;
    app.stripe.hold_webhooks().await;
    let fault = json!({"method": "POST", "path": "/v1/subscriptions", "fault": "severed",
        "times": 9, "delay_ms": 1});
    app.stripe.fault(fault).await;
    begin(&app, "alice", "ends").await;
    app.stripe.no_faults().await;
    let id = text(&app.stripe.objects("subscription").await[0]["id"]).to_owned();
    let path = format!("/v1/subscriptions/{id}");
    app.stripe.api("DELETE", &path, &[]).await;
    app.stripe.release_webhooks("fifo", 1, 1).await;
    app.quiet().await;
    let mut told = app.table.items_of("OUT#").await;
    told.sort_by_key(|event| event["sequence"].as_u64());
    let told: Vec<_> = told.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(told, ["subscription.trialing", "subscription.canceled"]);
    let again = begin(&app, "alice", "ends").await;
    let code = again.json()["error"].as_str().map(ToOwned::to_owned);
    assert!(matches!(again.status, 409), "{}: {code:?}", again.text);
}
