//! The roles of `template.yaml` grant what the functions do with the table, and nothing beyond it.
//!
//! That nothing is missing, every journey shows: the harness refuses a function what its role does
//! not allow. That nothing is superfluous is shown here, by journeys that together use every grant.

use perennial_config::{EventHandler as _, Start as _};
use perennial_functions::FUNCTIONS;
use perennial_tests::{Roles, TestApp, sign, wait_until};
use perennial_types::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::payments::{ShopServer, charge, replaced, text};

const MONTHLY: &str = "stock-photos-monthly";
const TRIAL: &str = "stock-photos-trial";
const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn every_permission_on_the_table_is_used() {
    let mut app = TestApp::start().await;
    checkouts_of_amazon_pay(&app).await;
    subscriptions_that_come_first(&app).await;
    subscriptions_that_are_never_confirmed(&app).await;
    subscriptions_that_another_function_writes_down(&app).await;
    two_first_clicks_at_once(&app).await;
    customers_that_stripe_has_deleted(&app).await;
    payments_of_the_shops_servers(&app).await;
    actions_of_a_subscriber(&app).await;
    a_subscription_that_ends_while_it_is_adopted(&app).await;
    users_who_are_erased(&app).await;
    links(&app).await;
    plans(&app).await;
    starts_with_a_catalog_of_an_older_version(&app).await;
    events_without_a_customer(&app).await;
    sweeps(&app).await;

    let used = app.roles().used();
    let unused: Vec<String> = app
        .roles()
        .granted()
        .difference(&used)
        .map(ToString::to_string)
        .collect();
    assert!(
        unused.is_empty(),
        "no journey here needs that\n  {}\nTake it out of the role in template.yaml, or add the journey that needs it.",
        unused.join("\n  ")
    );
    app.may_leave_work();
}

#[test]
fn every_grant_names_a_partition_key_except_that_of_the_index() {
    for grant in Roles::of_template().granted() {
        let is_index = grant.resource.contains("/index/");
        assert_eq!(grant.keys == "*", is_index, "{grant}");
    }
}

async fn checkouts_of_amazon_pay(app: &TestApp) {
    let alice = app.shopper("alice");
    alice.buy(MONTHLY).await.1.expect(303);
    alice.calls.subscriptions().await.expect(200);
    let bob = app.shopper("bob");
    bob.approve_and_vanish().await;
    app.quiet().await;
}

async fn subscriptions_that_come_first(app: &TestApp) {
    let carol = app.shopper("carol");
    let opened = carol.begin_subscription(MONTHLY).await;
    carol.approve_apple_pay(&opened).await;
    let secret = text(&opened["client_secret"]);
    let (intent, _) = secret.split_once("_secret_").unwrap();
    let back = format!(
        "{}&payment_intent={intent}&payment_intent_client_secret={secret}&redirect_status=succeeded",
        text(&opened["return_url"])
    );
    carol.calls.come_back(&back).await.expect(303);
    let dave = app.shopper("dave");
    let opened = dave.begin_subscription(TRIAL).await;
    dave.approve_apple_pay(&opened).await;
    app.quiet().await;
}

async fn subscriptions_that_are_never_confirmed(app: &TestApp) {
    let erin = app.shopper("erin");
    erin.begin_subscription(MONTHLY).await;
    // Makes way for another one.
    erin.begin_subscription(TRIAL).await;
    // And for a checkout whose SetupIntent comes first.
    let click = json!({"plan": TRIAL, "wallet": "apple_pay"});
    erin.calls.client_secret(&click).await.expect(201);
    let frank = app.shopper("frank");
    let left = frank.begin_subscription(MONTHLY).await;
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    app.stripe.advance(24 * 3600).await;
    let checkout = text(&left["checkout"]);
    let ended = frank.calls.checkout(checkout).await.expect(200).json();
    assert_eq!(ended["reason"], "expired", "{ended}");
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    // Ended at Stripe, of which the worker alone hears.
    let left = app.shopper("gina").begin_subscription(MONTHLY).await;
    let path = format!("/v1/subscriptions/{}", text(&left["subscription"]));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
}

/// Stripe has created a subscription that comes first and did not say so; whoever looks at the checkout
/// next writes it down, and what its shopper has to confirm.
async fn subscriptions_that_another_function_writes_down(app: &TestApp) {
    for plan in [MONTHLY, TRIAL] {
        for finisher in ["client-secret", "confirm", "worker", "reconcile"] {
            let user = format!("{finisher}-{plan}");
            let caller = app.caller(&user);
            app.stripe.hold_webhooks().await;
            for fault in [
                json!({"fault": "severed", "times": 1}),
                json!({"fault": "status", "status": 503, "times": 9}),
            ] {
                let mut fault = fault;
                fault["method"] = "POST".into();
                fault["path"] = "/v1/subscriptions".into();
                app.stripe.fault(fault).await;
            }
            caller.begin_subscription(plan).await.expect(202);
            app.stripe.no_faults().await;
            match finisher {
                "client-secret" => {
                    let click = json!({"plan": plan, "wallet": "apple_pay"});
                    caller.client_secret(&click).await;
                }
                "confirm" => {
                    let checkouts = app.table.items_of("CHECKOUT#").await;
                    let key = format!("USER#{user}");
                    let mut of_user = checkouts.iter().filter(|it| it["pk"] == key.as_str());
                    let checkout = text(&of_user.next().unwrap()["id"]).to_owned();
                    caller.checkout(&checkout).await.expect(200);
                }
                "reconcile" => {
                    sweep(app, DAY / 24, "open").await;
                }
                _ => {}
            }
            app.stripe.release_webhooks("fifo", 0, 1).await;
            app.quiet().await;
        }
    }
}

/// A sweep by a clock that is ahead.
async fn sweep(app: &TestApp, ahead: i64, name: &str) {
    let now = Timestamp::from_unix(Clock::system().now().unix() + ahead);
    let env = app.env_of("reconcile", &[]);
    let reconcile = reconcile::App::start(&env, Clock::manual(now))
        .await
        .unwrap();
    reconcile.handle(json!({ "sweep": name })).await.unwrap();
}

/// The second of two waits for the customer of the first.
async fn two_first_clicks_at_once(app: &TestApp) {
    let (ivan, judy) = (app.shopper("ivan"), app.shopper("judy"));
    let held = app.to_dynamodb.hold_next("UpdateItem");
    let release = async {
        held.arrives().await;
        waits_for_a_customer(app, "client-secret").await;
        held.release();
    };
    tokio::join!(ivan.click(), ivan.click_for(TRIAL), release);

    let held = app.to_dynamodb.hold_next("UpdateItem");
    let release = async {
        held.arrives().await;
        waits_for_a_customer(app, "subscribe").await;
        held.release();
    };
    tokio::join!(
        judy.calls.begin_subscription(MONTHLY),
        judy.calls.begin_subscription(TRIAL),
        release
    );
    app.quiet().await;
}

async fn waits_for_a_customer(app: &TestApp, function: &str) {
    wait_until("the second one looks for the customer", async || {
        let used = app.roles().used();
        let found = used
            .iter()
            .any(|grant| grant.function == function && grant.action == "dynamodb:GetItem");
        found.then_some(())
    })
    .await;
}

async fn customers_that_stripe_has_deleted(app: &TestApp) {
    let missing = |path: &str| {
        json!({"method": "POST", "path": path, "fault": "status", "status": 400, "times": 1,
            "body": {"error": {"type": "invalid_request_error", "code": "resource_missing", "param": "customer"}}})
    };
    app.stripe.fault(missing("/v1/setup_intents")).await;
    app.caller("kate").click(MONTHLY).await;
    app.stripe.fault(missing("/v1/subscriptions")).await;
    app.caller("kim").begin_subscription(MONTHLY).await;
    app.stripe.fault(missing("/v1/payment_intents")).await;
    let body = json!({"user": "liam", "amount": 500, "currency": "usd", "wallet": "apple_pay"});
    ShopServer::of(app).pay("deleted", &body).await.expect(409);

    // The worker hears of it.
    let mia = app.shopper("mia");
    mia.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let customer = customer_of(app, "mia").await;
    let path = format!("/v1/customers/{customer}");
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
}

async fn customer_of(app: &TestApp, user: &str) -> String {
    let items = app.table.items_of("CUSTOMER").await;
    let key = format!("USER#{user}");
    let item = items.iter().find(|item| item["pk"] == key.as_str());
    text(&item.unwrap()["customer"]).to_owned()
}

async fn payments_of_the_shops_servers(app: &TestApp) {
    let server = ShopServer::of(app);
    server.saved_method("nina").await;
    let stay = crate::payments::held::stay(app, "stay").await;
    server.get(&stay).await.expect(200);
    let more = json!({"amount": 23_000});
    let raised = server
        .post(&format!("{stay}/increment"), "minibar", &more)
        .await;
    raised.expect(200);
    // A charge that is declined, its link, and another charge in its place.
    let method = server.saved_method("alice").await;
    let first = replaced::declined(app, "first", &method, "insufficient_funds").await;
    replaced::at_the_link(app, &first).await.expect(200);
    let again = replaced::replacing(charge("alice", &method, 700), &first);
    server.pay("again", &again).await.expect(201);
}

/// A subscriber gives another method, and ends it by a button that the server presses.
async fn actions_of_a_subscriber(app: &TestApp) {
    let rosa = app.shopper("rosa");
    rosa.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    let mine = rosa.calls.subscriptions().await.expect(200).json();
    let path = format!("/subscriptions/{}", text(&mine["subscriptions"][0]["id"]));
    let ask = async |action: &str, body: Value| {
        let path = format!("{path}/{action}");
        rosa.calls
            .send(rosa.calls.request("POST", &path).json(&body))
            .await
    };
    let opened = ask("payment-method", json!({"wallet": "amazon_pay"})).await;
    let opened = opened.expect(201).json();
    rosa.go_to_wallet(&opened).await;
    rosa.answer_open_wallet(&opened, "approve").await;
    let body = json!({"setup_intent": opened["setup_intent"]});
    ask("payment-method/finish", body).await.expect(200);
    ask("cancel", json!({})).await.expect(200);
    ask("withdraw-cancellation", json!({})).await.expect(200);
    let shown = ask("preview", json!({"plan": TRIAL}))
        .await
        .expect(200)
        .json();
    ask("change", json!({"preview": shown["preview"]}))
        .await
        .expect(200);
    let of_server = ShopServer::of(app).get("/shop/users?user=rosa").await;
    of_server.expect(200);
    let made = app.stripe.api("POST", "/v1/customers", &[]).await;
    let dry = json!({"user": "ruth", "customer": made["id"], "dry_run": true});
    let looked = ShopServer::of(app).post("/shop/customers", "", &dry).await;
    looked.expect(200);
    let body = json!({"user": "ruth", "customer": made["id"]});
    let adopted = ShopServer::of(app).post("/shop/customers", "", &body).await;
    adopted.expect(200);
    // What her own subscription has come to in the meantime is told by whoever reads it next.
    let at_stripe = format!("/v1{path}");
    let ends = [("cancel_at_period_end", "true")];
    app.stripe.api("POST", &at_stripe, &ends).await;
    let body = json!({"user": "rosa", "customer": customer_of(app, "rosa").await});
    let again = ShopServer::of(app).post("/shop/customers", "", &body).await;
    again.expect(200);
    // It ends by a server, so that this function is who archives it.
    let path = format!("/shop{path}/cancel");
    let body = json!({"user": "rosa", "when": "now"});
    ShopServer::of(app)
        .post(&path, "end", &body)
        .await
        .expect(200);
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

/// The list still has it, and it has ended when it is read: it is archived, like every other that is seen to have ended.
async fn a_subscription_that_ends_while_it_is_adopted(app: &TestApp) {
    let vera = app.shopper("vera");
    vera.buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    app.stripe.hold_webhooks().await;
    let mine = vera.calls.subscriptions().await.expect(200).json();
    let path = format!(
        "/v1/subscriptions/{}",
        text(&mine["subscriptions"][0]["id"])
    );
    let body = json!({"user": "vera", "customer": customer_of(app, "vera").await});
    let fence = app.to_dynamodb.hold_next("UpdateItem");
    let ends = async {
        fence.arrives().await;
        app.stripe.api("DELETE", &path, &[]).await;
        fence.release();
    };
    let server = ShopServer::of(app);
    let (adopted, ()) = tokio::join!(server.post("/shop/customers", "", &body), ends);
    let adopted = adopted.expect(200).json();
    assert_eq!(
        adopted["subscriptions"][0]["status"], "canceled",
        "{adopted}"
    );
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
}

/// By a request, and by the sweep when its process has died; and one that is taken back.
async fn users_who_are_erased(app: &TestApp) {
    let server = ShopServer::of(app);
    for user in ["sara", "tina", "uma"] {
        let shopper = app.shopper(user);
        shopper.buy(MONTHLY).await.1.expect(303);
        server.saved_method(user).await;
        app.quiet().await;
        let mine = shopper.calls.subscriptions().await.expect(200).json();
        let path = format!(
            "/shop/subscriptions/{}/cancel",
            text(&mine["subscriptions"][0]["id"])
        );
        let body = json!({"user": user, "when": "now"});
        server.post(&path, "end", &body).await.expect(200);
        shopper.click().await;
    }
    app.quiet().await;
    let erase = async |user: &str| {
        let body = json!({ "user": user });
        server.post("/shop/users/erase", "", &body).await
    };
    let grant = json!({"user": "sara", "plan": TRIAL, "grant": {}});
    let given = server.post("/shop/users/grant", "", &grant).await;
    given.expect(200);
    erase("sara").await.expect(200);
    let fault = json!({"method": "GET", "path": "/v1/customers/*", "fault": "severed", "times": 99, "delay_ms": 1});
    app.stripe.fault(fault).await;
    erase("tina").await.expect(503);
    erase("uma").await.expect(503);
    app.stripe.no_faults().await;
    let known = app.table.items_of("CUSTOMER").await;
    let uma = known.iter().find(|it| it["pk"] == "USER#uma").unwrap();
    let path = format!(
        "/v1/customers/{}/balance_transactions",
        text(&uma["customer"])
    );
    let form = [("amount", "-500"), ("currency", "usd")];
    app.stripe.api("POST", &path, &form).await;
    app.quiet().await;
    sweep(app, DAY / 24, "open").await;
    app.quiet().await;
}

/// The first deployment publishes the plans, and an event of a price takes one off.
async fn plans(app: &TestApp) {
    let catalog = app.table.catalog().await;
    app.table.remove("MODE", "MODE").await;
    app.table.remove_catalog().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let price = text(&catalog["plans"][MONTHLY]["price"]["id"]);
    let plan = json!({MONTHLY: {"group": "photos", "label": "Photos", "price": price}});
    std::fs::write(file.path(), plan.to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    let env = app.env_of("reconcile", &[("PLANS_FILE", path)]);
    let reconcile = reconcile::App::start(&env, Clock::system()).await.unwrap();
    reconcile.handle(json!({"sweep": "plans"})).await.unwrap();
    let path = format!("/v1/prices/{price}");
    app.stripe.api("POST", &path, &[("active", "false")]).await;
    app.quiet().await;
    let refusal = app.table.catalog().await["plans"][MONTHLY]["refusal"]["code"].clone();
    assert_eq!(refusal, "price_archived");
    app.stripe.api("POST", &path, &[("active", "true")]).await;
    app.quiet().await;
}

/// The portal's configuration is made, which is written down, and its link is followed.
async fn links(app: &TestApp) {
    app.table.remove("PORTAL", "CONFIGURATION").await;
    assert_eq!(crate::portal::sweep(app).await, "made");
    let caller = app.caller("alice");
    let code = json!({"plan": MONTHLY, "code": "NOBODYS"});
    let request = caller.request("POST", "/wallets").json(&code);
    caller.send(request).await.expect(404);
    let path = format!("/wallets?plan={MONTHLY}");
    let told = caller.send(caller.request("GET", &path)).await.json();
    let address =
        told.pointer("/wallets/1/express_checkout/applePay/recurringPaymentRequest/managementURL");
    app.anybody()
        .come_back(text(address.unwrap()))
        .await
        .expect(303);
}

/// An event of Stripe that names no customer, or the one that is given.
fn event(id: &str, customer: Option<&str>) -> Value {
    json!({"id": id, "object": "event", "type": "setup_intent.canceled", "created": 1_790_000_000,
        "livemode": false, "data": {"object": {"object": "setup_intent", "id": "seti_1", "customer": customer}}})
}

async fn bring(app: &TestApp, id: &str, customer: Option<&str>) {
    let body = event(id, customer).to_string();
    let signature = sign(app.variable("STRIPE_WEBHOOK_SECRETS"), body.as_bytes(), 0);
    app.anybody()
        .webhook(body, Some(&signature))
        .await
        .expect(200);
}

async fn events_without_a_customer(app: &TestApp) {
    bring(app, "evt_without", None).await;
    app.quiet().await;
    let second_door =
        partner_events::App::start(&app.env_of("partner-events", &[]), Clock::system())
            .await
            .unwrap();
    for (id, customer) in [("evt_p1", Some("cus_p")), ("evt_p2", None)] {
        let event = json!({"detail-type": "setup_intent.canceled", "detail": event(id, customer),
            "source": "aws.partner/stripe.com/ed_test_1"});
        let stored = second_door.handle(event).await.unwrap();
        assert_eq!(stored["stored"], true, "{stored}");
    }
    app.quiet().await;
}

/// Everything is left to the sweeps: the worker is away, and no webhook comes.
/// Which does not say of which mode the table is, so that a function asks the table when it starts.
async fn starts_with_a_catalog_of_an_older_version(app: &TestApp) {
    let catalog = app.table.catalog().await;
    let older = json!({
        "pk": {"S": "CATALOG"}, "sk": {"S": "PLANS"},
        "version": {"N": catalog["version"].to_string()},
        "plans": {"S": catalog["plans"].to_string()},
    });
    app.table.put(&older).await;
    for function in FUNCTIONS {
        let env = app.env_of(function.name, &[]);
        let started = function.start(&env, Clock::system()).await;
        assert!(started.is_ok(), "{} does not start", function.name);
    }
}

async fn sweeps(app: &TestApp) {
    let olga = app.shopper("olga");
    olga.click().await;
    let peggy = app.shopper("peggy");
    peggy.begin_subscription(MONTHLY).await;
    app.quiet().await;
    app.stop_worker();
    app.stripe.hold_webhooks().await;
    bring(app, "evt_unapplied", None).await;
    app.shopper("quentin").approve_and_vanish().await;
    let without_customer = app.stripe.api("POST", "/v1/setup_intents", &[]).await;
    let path = format!("/v1/setup_intents/{}/cancel", text(&without_customer["id"]));
    app.stripe.api("POST", &path, &[]).await;

    // Stripe's clock is a day ahead, since a subscription was left to expire.
    sweep(app, DAY + 600, "events").await;
    sweep(app, 2 * DAY, "open").await;
    sweep(app, 2 * DAY, "subscriptions").await;
}
