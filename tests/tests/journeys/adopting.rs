//! Customers that existed before the shop used this, and their subscriptions.

use perennial_tests::{Answer, TestApp};
use serde_json::{Value, json};

use crate::payments::{ShopServer, all, text};

const MONTHLY: &str = "stock-photos-monthly";
/// More calls of the table than an adoption makes.
const CALLS: usize = 12;

/// A shop whose customer has paid with a card before.
pub(super) struct Older {
    pub(super) app: TestApp,
    customer: String,
    price: String,
}

impl Older {
    pub(super) async fn start() -> Self {
        let app = TestApp::start().await;
        let prices = app.stripe.objects("price").await;
        let is_sold = |price: &&Value| {
            price["unit_amount"] == 1500 && price["recurring"]["interval"] == "month"
        };
        let price = text(&prices.iter().find(is_sold).unwrap()["id"]).to_owned();
        let customer = customer(&app).await;
        Self {
            app,
            customer,
            price,
        }
    }

    /// Subscribes the customer at Stripe.
    async fn subscribes(&self, form: &[(&str, &str)]) -> String {
        self.customer_subscribes(&self.customer, form).await
    }

    pub(super) async fn customer_subscribes(
        &self,
        customer: &str,
        form: &[(&str, &str)],
    ) -> String {
        let base = [("customer", customer), ("items[0][price]", &self.price)];
        let form = [&base, form].concat();
        let made = self
            .app
            .stripe
            .api("POST", "/v1/subscriptions", &form)
            .await;
        self.app.quiet().await;
        text(&made["id"]).to_owned()
    }

    async fn adopt(&self, user: &str) -> Answer {
        adopt(&self.app, &json!({"user": user, "customer": self.customer})).await
    }
}

async fn adopt(app: &TestApp, body: &Value) -> Answer {
    ShopServer::of(app)
        .post("/shop/customers", "k1", body)
        .await
}

/// A customer with a card that renewals are charged to.
pub(super) async fn customer(app: &TestApp) -> String {
    let form = [
        ("email", "jenny@example.com"),
        ("payment_method", "pm_card_visa"),
    ];
    let made = app.stripe.api("POST", "/v1/customers", &form).await;
    let id = text(&made["id"]).to_owned();
    let methods = app
        .stripe
        .api("GET", &format!("/v1/customers/{id}/payment_methods"), &[])
        .await;
    let method = text(&methods["data"][0]["id"]).to_owned();
    let form = [("invoice_settings[default_payment_method]", method.as_str())];
    app.stripe
        .api("POST", &format!("/v1/customers/{id}"), &form)
        .await;
    id
}

fn ids(answer: &Value) -> Vec<&str> {
    let all = answer["subscriptions"].as_array().unwrap().iter();
    all.map(|it| text(&it["id"])).collect()
}

#[tokio::test]
async fn a_customer_that_exists_is_adopted_with_what_runs() {
    let it = Older::start().await;
    let ended = it.subscribes(&[]).await;
    let path = format!("/v1/subscriptions/{ended}");
    it.app.stripe.api("DELETE", &path, &[]).await;
    let runs = it.subscribes(&[("billing_mode[type]", "classic")]).await;
    let alice = it.app.shopper("alice");
    let before = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(
        before["subscriptions"],
        json!([]),
        "nobody has said whose it is"
    );
    it.app.stripe.forget_requests().await;

    let adopted = it.adopt("alice").await.expect(200).json();
    assert_eq!(adopted["customer"], it.customer.as_str());
    assert_eq!(ids(&adopted), [runs.as_str()]);
    assert_eq!(adopted["subscriptions"][0]["plan"], MONTHLY);
    assert_eq!(adopted["subscriptions"][0]["wallet"], Value::Null);
    let changed = it.app.stripe.requests().await;
    assert!(
        changed.iter().all(|request| request["method"] == "GET"),
        "{changed:?}"
    );
    let mine = alice.calls.subscriptions().await.expect(200).json();
    assert_eq!(ids(&mine), [runs.as_str()]);
    assert_eq!(mine["entitlements"]["stock-photos"]["active"], true);
    let told = it.app.table.items_of("OUT#").await;
    let told: Vec<&str> = told.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(told, ["subscription.activated"]);

    // Nothing more is sold in the group, and what happens at Stripe is seen.
    assert_eq!(
        alice.calls.click(MONTHLY).await.expect_error(409),
        "already_subscribed"
    );
    it.app.pass_days(31).await;
    let told = it.app.table.items_of("OUT#").await;
    assert_eq!(text(&told.last().unwrap()["type"]), "subscription.renewed");
    let body = json!({"when": "period_end"});
    let path = format!("/subscriptions/{runs}/cancel");
    let request = alice.calls.request("POST", &path).json(&body);
    let canceled = alice.calls.send(request).await.expect(200).json();
    assert_eq!(canceled["subscription"]["cancel_at_period_end"], true);
}

#[tokio::test]
async fn it_is_adopted_once_however_often_it_is_asked_for() {
    let mut it = Older::start().await;
    it.app.sells_groups(2);
    let first = it.subscribes(&[]).await;
    let answers = all([0; 4].map(|_| it.adopt("alice"))).await;
    for answer in answers {
        assert_eq!(ids(&answer.expect(200).json()), [first.as_str()]);
    }
    // What has been added since is seen by its events, and listed when it is asked for again.
    let other = it.subscribes(&[("items[0][quantity]", "2")]).await;
    let again = it.adopt("alice").await.expect(200).json();
    let mut both = ids(&again);
    both.sort_unstable();
    let mut expected = [first.as_str(), other.as_str()];
    expected.sort_unstable();
    assert_eq!(both, expected);
    let told = it.app.table.items_of("OUT#").await;
    assert_eq!(told.len(), 2, "each is told once");
}

#[tokio::test]
async fn a_customer_has_one_owner_and_a_user_one_customer() {
    let it = Older::start().await;
    it.subscribes(&[]).await;
    it.adopt("alice").await.expect(200);
    assert_eq!(it.adopt("bob").await.expect_error(409), "customer_taken");
    let bob = it.app.shopper("bob");
    let bobs = bob.calls.subscriptions().await.expect(200).json();
    assert_eq!(bobs["subscriptions"], json!([]));
    // A user whom this has sold something to has a customer already.
    bob.buy(MONTHLY).await.1.expect(303);
    it.app.quiet().await;
    let other = customer(&it.app).await;
    let refused = adopt(&it.app, &json!({"user": "bob", "customer": other})).await;
    assert_eq!(refused.expect_error(409), "user_has_customer");
    let carol = adopt(&it.app, &json!({"user": "carol", "customer": other})).await;
    assert_eq!(carol.expect(200).json()["subscriptions"], json!([]));
    // Two servers that disagree: one of them is first.
    let last = customer(&it.app).await;
    let asks = ["dave", "erin"].map(|user| json!({"user": user, "customer": last}));
    let answers = all(asks.iter().map(|body| adopt(&it.app, body))).await;
    let taken = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(taken.count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.expect_error(409), "customer_taken");
    }
}

#[tokio::test]
async fn a_dry_run_answers_as_the_adoption_would_and_changes_nothing() {
    let it = Older::start().await;
    let runs = it.subscribes(&[]).await;
    let before = it.app.table.raw_items().await;
    let dry = json!({"user": "alice", "customer": it.customer, "dry_run": true});
    let first = adopt(&it.app, &dry).await.expect(200).json();
    assert_eq!(ids(&first), [runs.as_str()]);
    assert_eq!(first["subscriptions"][0]["plan"], MONTHLY);
    it.app.quiet().await;
    assert_eq!(it.app.table.raw_items().await, before);
    let real = it.adopt("alice").await.expect(200).json();
    assert_eq!(real, first);
    // Once more, and as somebody else.
    let before = it.app.table.raw_items().await;
    adopt(&it.app, &dry).await.expect(200);
    let bobs = json!({"user": "bob", "customer": it.customer, "dry_run": true});
    let refused = adopt(&it.app, &bobs).await;
    assert_eq!(refused.expect_error(409), "customer_taken");
    let other = customer(&it.app).await;
    let alices = json!({"user": "alice", "customer": other, "dry_run": true});
    let refused = adopt(&it.app, &alices).await;
    assert_eq!(refused.expect_error(409), "user_has_customer");
    let unknown = json!({"user": "alice", "customer": "cus_unknown", "dry_run": true});
    let refused = adopt(&it.app, &unknown).await;
    assert_eq!(refused.expect_error(404), "unknown_customer");
    assert_eq!(it.app.table.raw_items().await, before);
}

#[tokio::test]
async fn what_is_no_customer_is_refused() {
    let it = Older::start().await;
    let path = format!("/v1/customers/{}", it.customer);
    it.app.stripe.api("DELETE", &path, &[]).await;
    assert_eq!(
        it.adopt("alice").await.expect_error(404),
        "unknown_customer"
    );
    for (body, status, code) in [
        (
            json!({"user": "alice", "customer": "cus_unknown"}),
            404,
            "unknown_customer",
        ),
        (
            json!({"user": "alice", "customer": "sub_1"}),
            400,
            "invalid_field",
        ),
        (
            json!({"user": "alice", "customer": ""}),
            400,
            "invalid_field",
        ),
        (json!({"user": "alice"}), 400, "missing_field"),
        (json!({"customer": it.customer}), 400, "missing_field"),
        (
            json!({"user": "", "customer": it.customer}),
            400,
            "invalid_field",
        ),
        (
            json!({"user": "alice", "customer": it.customer, "force": true}),
            400,
            "unknown_field",
        ),
        (
            json!({"user": "alice", "customer": it.customer, "dry_run": "yes"}),
            400,
            "invalid_field",
        ),
    ] {
        assert_eq!(
            adopt(&it.app, &body).await.expect_error(status),
            code,
            "{body}"
        );
    }
    assert!(it.app.table.items_of("CUSTOMER").await.is_empty());
}

#[tokio::test]
async fn a_table_or_a_stripe_that_fails_leaves_nothing_that_a_repeat_does_not_mend() {
    for first in (0..CALLS).step_by(4) {
        let cases = first..CALLS.min(first + 4);
        all(cases.map(|passing| async move {
            let it = Older::start().await;
            let runs = it.subscribes(&[]).await;
            it.app.to_dynamodb.break_after("", passing);
            let answer = it.adopt("alice").await;
            it.app.to_dynamodb.break_after("", usize::MAX);
            if answer.status != 200 {
                assert_eq!(answer.expect_error(503), "table_unavailable", "{passing}");
            }
            let again = it.adopt("alice").await.expect(200).json();
            assert_eq!(ids(&again), [runs.as_str()], "{passing}");
            let told = it.app.table.items_of("OUT#").await;
            assert_eq!(told.len(), 1, "{passing}");
        }))
        .await;
    }
    let it = Older::start().await;
    let runs = it.subscribes(&[]).await;
    for path in [
        "/v1/customers/*",
        "/v1/subscriptions",
        "/v1/subscriptions/*",
    ] {
        let fault =
            json!({"method": "GET", "path": path, "fault": "severed", "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        assert_eq!(
            it.adopt("alice").await.expect_error(503),
            "stripe_unavailable",
            "{path}"
        );
        it.app.stripe.no_faults().await;
    }
    assert_eq!(
        ids(&it.adopt("alice").await.expect(200).json()),
        [runs.as_str()]
    );
}

/// Whose the customer is may be written down, and not yet what runs: then a click asks Stripe.
#[tokio::test]
async fn an_adoption_that_broke_off_lets_nobody_buy_again_what_runs() {
    let mut refused = 0;
    for first in (0..CALLS).step_by(4) {
        let cases = first..CALLS.min(first + 4);
        let answers = all(cases.map(|passing| async move {
            let it = Older::start().await;
            it.subscribes(&[]).await;
            it.app.to_dynamodb.break_after("", passing);
            it.adopt("alice").await;
            it.app.to_dynamodb.break_after("", usize::MAX);
            let is_hers = it.app.table.items_of("CUSTOMER").await.len() == 1;
            if is_hers {
                let click = it.app.caller("alice").click(MONTHLY).await;
                assert_eq!(click.expect_error(409), "already_subscribed", "{passing}");
            }
            it.adopt("alice").await.expect(200);
            is_hers
        }))
        .await;
        refused += answers.iter().filter(|is_hers| **is_hers).count();
    }
    assert!(refused > 2, "{refused} of the adoptions had an owner");
}

#[tokio::test]
async fn an_adoption_costs_a_reading_for_each_subscription() {
    let it = Older::start().await;
    it.subscribes(&[]).await;
    it.app.stripe.hold_webhooks().await;
    it.app.forget_calls().await;
    let dry = json!({"user": "alice", "customer": it.customer, "dry_run": true});
    adopt(&it.app, &dry).await.expect(200);
    let dry = it.app.calls().await.to_string();
    it.app.forget_calls().await;
    it.adopt("alice").await.expect(200);
    let first = it.app.calls().await.to_string();
    it.app.forget_calls().await;
    it.adopt("alice").await.expect(200);
    let costs = [
        format!("dry run\n    {dry}"),
        format!("first\n    {first}"),
        format!("again\n    {}", it.app.calls().await),
    ];
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(costs.join("\n"), @"
    dry run
        Stripe: GET /v1/customers/{id}, GET /v1/subscriptions, GET /v1/subscriptions/{id}; DynamoDB: 2 x GetItem
    first
        Stripe: GET /v1/customers/{id}, GET /v1/subscriptions, GET /v1/subscriptions/{id}; DynamoDB: GetItem, Query, 2 x TransactWriteItems, 2 x UpdateItem
    again
        Stripe: GET /v1/customers/{id}, GET /v1/subscriptions, GET /v1/subscriptions/{id}; DynamoDB: TransactWriteItems, 2 x UpdateItem
    ");
}

/// The customer that a click may have created is the user's, and not one beside it that nobody knows of.
#[tokio::test]
async fn a_click_that_has_begun_has_a_customer_of_its_own() {
    let it = Older::start().await;
    for fault in ["timeout_before", "timeout_after"] {
        let user = format!("alice-{fault}");
        let lost = json!({"method": "POST", "path": "/v1/customers", "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(lost).await;
        let clicked = it.app.caller(&user).click(MONTHLY).await;
        assert!(clicked.status >= 429, "{}", clicked.text);
        it.app.stripe.no_faults().await;
        let before = it.app.stripe.objects("customer").await.len();
        let dry = json!({"user": user, "customer": it.customer, "dry_run": true});
        let dry = adopt(&it.app, &dry).await;
        assert_eq!(dry.expect_error(409), "user_has_customer", "{fault}");
        let refused = it.adopt(&user).await;
        assert_eq!(refused.expect_error(409), "user_has_customer", "{fault}");
        it.app.caller(&user).click(MONTHLY).await.expect(201);
        let after = it.app.stripe.objects("customer").await;
        let made = usize::from(fault == "timeout_before");
        assert_eq!(after.len(), before + made, "{fault}");
    }
    // Nothing of the user's was written down.
    it.adopt("bob").await.expect(200);
}
