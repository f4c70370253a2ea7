//! The customer portal's configuration, which is made and kept here, and what customers do in the portal: the same comes
//! of it as of the API.

use perennial_config::{EventHandler as _, Start as _};
use perennial_flows::{Clients, PortalKept};
use perennial_tests::TestApp;
use perennial_types::Clock;
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const CONFIGURATIONS: &str = "/v1/billing_portal/configurations";

/// The configurations at Stripe that are ours, the oldest first.
async fn ours(app: &TestApp) -> Vec<Value> {
    let mut all = app.stripe.objects("billing_portal.configuration").await;
    all.retain(|it| it["metadata"]["by"] == "perennial");
    all
}

pub(crate) async fn sweep(app: &TestApp) -> Value {
    let reconcile = reconcile::App::start(&app.env_of("reconcile", &[]), Clock::system())
        .await
        .unwrap();
    let done = reconcile.handle(json!({"sweep": "plans"})).await.unwrap();
    done["plans"]["portal"].clone()
}

/// The address of a session's page for the customer of alice, by her link.
async fn visit(app: &TestApp) -> String {
    let alice = app.caller("alice");
    let path = format!("/wallets?plan={MONTHLY}");
    let told = alice.send(alice.request("GET", &path)).await.json();
    let link =
        told.pointer("/wallets/1/express_checkout/applePay/recurringPaymentRequest/managementURL");
    let opened = app
        .anybody()
        .come_back(text(link.unwrap()))
        .await
        .expect(303);
    opened.location().to_string()
}

async fn page(address: &str) -> String {
    reqwest::get(address).await.unwrap().text().await.unwrap()
}

async fn press(address: &str, fields: &[(&str, &str)]) -> u16 {
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let pressed = client.post(address).body(form).send().await.unwrap();
    pressed.status().as_u16()
}

/// A subscriber, and the id of the subscription.
async fn subscribed(app: &TestApp) -> String {
    app.shopper("alice").buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    text(&app.stripe.objects("subscription").await[0]["id"]).to_owned()
}

#[tokio::test]
async fn the_portal_has_one_configuration_which_offers_what_can_be_followed() {
    let app = TestApp::start().await;
    let made = ours(&app).await;
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        made[0]["metadata"]["perennial_table"],
        app.variable("TABLE_NAME")
    );
    assert_eq!(app.table.portal().await["configuration"], made[0]["id"]);
    assert_eq!(sweep(&app).await, "same");
    assert_eq!(ours(&app).await, made, "a repeat finds its own");

    subscribed(&app).await;
    app.stripe.forget_requests().await;
    let shown = page(&visit(&app).await).await;
    let asked = app
        .stripe
        .requests_to("POST /v1/billing_portal/sessions")
        .await;
    assert!(
        asked[0]["params"]
            .to_string()
            .contains(text(&made[0]["id"]))
    );
    for offered in ["Cancel subscription", "Use this card", "Invoices"] {
        assert!(shown.contains(offered), "{offered}: {shown}");
    }
    for kept_away in ["Update subscription", "Billing details"] {
        assert!(!shown.contains(kept_away), "{kept_away}: {shown}");
    }
}

#[tokio::test]
async fn what_somebody_has_changed_is_what_it_should_be_within_the_hour() {
    let app = TestApp::start().await;
    subscribed(&app).await;
    let own = text(&ours(&app).await[0]["id"]).to_owned();
    let path = format!("{CONFIGURATIONS}/{own}");
    let mode = [("features[subscription_cancel][mode]", "immediately")];
    app.stripe.api("POST", &path, &mode).await;
    assert_eq!(sweep(&app).await, "renewed");
    let now = ours(&app).await;
    assert_eq!(
        now[0]["features"]["subscription_cancel"]["mode"],
        "at_period_end"
    );

    // Until then, a link still leads to the portal.
    app.stripe.api("POST", &path, &[("active", "false")]).await;
    assert!(page(&visit(&app).await).await.contains("Stock photos"));
    let sessions = app.stripe.objects("billing_portal.session").await;
    assert_ne!(sessions.last().unwrap()["configuration"], own.as_str());
    assert_eq!(sweep(&app).await, "renewed");
    visit(&app).await;
    let sessions = app.stripe.objects("billing_portal.session").await;
    assert_eq!(sessions.last().unwrap()["configuration"], own.as_str());
    assert_eq!(ours(&app).await.len(), 1);
}

/// The claim was written and Stripe has made the configuration, and then the process was gone.
#[tokio::test]
async fn whoever_dies_before_it_is_written_down_leaves_one_configuration() {
    let app = TestApp::start().await;
    let made = ours(&app).await;
    // A table that knows nothing of it, as a new one of the same name.
    app.table.remove("PORTAL", "CONFIGURATION").await;
    assert_eq!(sweep(&app).await, "made");
    assert_eq!(ours(&app).await, made);

    // Stripe answers too late.
    for fault in [
        json!({"method": "POST", "path": CONFIGURATIONS, "fault": "timeout_after", "delay_ms": 1, "times": 4}),
        json!({"method": "POST", "path": CONFIGURATIONS, "fault": "severed", "times": 4}),
        json!({"method": "POST", "path": CONFIGURATIONS, "fault": "status", "status": 500, "after": true, "stored": true, "times": 4}),
    ] {
        let old = text(&ours(&app).await.pop().unwrap()["id"]).to_owned();
        let other = [("metadata[by]", "somebody")];
        app.stripe
            .api("POST", &format!("{CONFIGURATIONS}/{old}"), &other)
            .await;
        app.table.remove("PORTAL", "CONFIGURATION").await;
        app.stripe.fault(fault.clone()).await;
        sweep(&app).await;
        app.stripe.no_faults().await;
        for _ in 0..2 {
            sweep(&app).await;
        }
        let left = ours(&app).await;
        assert_eq!(left.len(), 1, "{fault}");
        assert_eq!(
            app.table.portal().await["configuration"],
            left[0]["id"],
            "{fault}"
        );
    }
}

#[tokio::test]
async fn several_at_once_make_one() {
    let app = TestApp::start().await;
    let old = text(&ours(&app).await[0]["id"]).to_owned();
    let other = [("metadata[by]", "somebody")];
    app.stripe
        .api("POST", &format!("{CONFIGURATIONS}/{old}"), &other)
        .await;
    app.table.remove("PORTAL", "CONFIGURATION").await;
    let env = app.env_of("reconcile", &[]);
    let own: Result<(), perennial_config::Problems> = Ok(());
    let (clients, ()) = Clients::connect(&env, Clock::system(), own).await.unwrap();
    let keep = async || {
        let context = clients.begin_without_plans();
        context.portal().keep().await.unwrap()
    };
    let (one, two, three) = tokio::join!(keep(), keep(), keep());
    let made = [one, two, three]
        .into_iter()
        .filter(|kept| *kept == PortalKept::Made);
    assert_eq!(made.count(), 1, "{one:?} {two:?} {three:?}");
    assert_eq!(ours(&app).await.len(), 1);
    assert_eq!(keep().await, PortalKept::Same);
}

/// A restricted key without the permission, say.
#[tokio::test]
async fn without_a_configuration_the_accounts_own_is_used_and_an_alarm_says_so() {
    let app = TestApp::start().await;
    subscribed(&app).await;
    app.table.remove("PORTAL", "CONFIGURATION").await;
    let denied = json!({"path": CONFIGURATIONS, "fault": "status", "status": 403, "times": 100});
    app.stripe.fault(denied).await;
    assert_eq!(sweep(&app).await, "failed");
    assert!(page(&visit(&app).await).await.contains("Stock photos"));
    let sessions = app.stripe.objects("billing_portal.session").await;
    assert_eq!(
        sessions.last().unwrap()["configuration"],
        "bpc_1PerennialSandboxDefault0"
    );
    app.stripe.no_faults().await;
    assert_eq!(
        sweep(&app).await,
        "made",
        "the failure has let its claim go"
    );
}

/// What `GET /subscriptions` says, without what differs by when and who.
async fn mine(app: &TestApp, user: &str) -> Value {
    let mine = app.caller(user).subscriptions().await.expect(200).json();
    let mut subscription = mine["subscriptions"][0].clone();
    assert!(subscription.is_object(), "{mine}");
    let ends = subscription["ends_at"] == subscription["current_period_end"];
    let fields = subscription.as_object_mut().unwrap();
    fields.retain(|name, _| {
        ![
            "id",
            "current_period_end",
            "current_period_start",
            "paid_until",
            "ends_at",
            "payment_method",
            "updated",
        ]
        .contains(&name.as_str())
            && !name.starts_with("latest")
    });
    fields.insert("ends with its period".to_owned(), ends.into());
    // One is canceled after the other, which may be in the next second.
    let is_canceled = fields.get("canceled_at").is_some_and(Value::is_string);
    fields.insert("canceled_at".to_owned(), is_canceled.into());
    subscription
}

async fn told(app: &TestApp, user: &str) -> Vec<String> {
    let told = app.table.items_of("OUT#").await;
    let of_user = told.iter().filter(|event| event["user"] == user);
    of_user
        .map(|event| text(&event["type"]).to_owned())
        .collect()
}

#[tokio::test]
async fn the_portal_and_the_api_end_in_the_same_state_and_tell_the_same() {
    let mut app = TestApp::start().await;
    app.may_leave_work();
    subscribed(&app).await;
    app.shopper("bob").buy(MONTHLY).await.1.expect(303);
    app.quiet().await;
    let id_of = async |user: &str| {
        let mine = app.caller(user).subscriptions().await.expect(200).json();
        text(&mine["subscriptions"][0]["id"]).to_owned()
    };
    let (alices, bobs) = (id_of("alice").await, id_of("bob").await);
    let address = visit(&app).await;
    let bob = app.caller("bob");
    let asks = async |action: &str, body: Value| {
        let path = format!("/subscriptions/{bobs}/{action}");
        bob.send(bob.request("POST", &path).json(&body)).await
    };

    let cancel = [
        ("subscription", &*alices),
        ("action", "cancel"),
        ("reason", "too_expensive"),
    ];
    assert_eq!(press(&address, &cancel).await, 303);
    asks("cancel", json!({"feedback": "too_expensive"}))
        .await
        .expect(200);
    app.quiet().await;
    let ending = mine(&app, "alice").await;
    assert_eq!(ending["ends with its period"], true);
    assert_eq!(ending, mine(&app, "bob").await);
    for id in [&alices, &bobs] {
        let path = format!("/v1/subscriptions/{id}");
        let stripe = app.stripe.api("GET", &path, &[]).await;
        assert_eq!(stripe["cancellation_details"]["feedback"], "too_expensive");
    }

    assert_eq!(
        press(&address, &[("subscription", &*alices), ("action", "keep")]).await,
        303
    );
    asks("withdraw-cancellation", json!({})).await.expect(200);
    app.quiet().await;
    assert_eq!(mine(&app, "alice").await, mine(&app, "bob").await);

    // Another payment method for the subscription.
    let card = [
        ("subscription", &*alices),
        ("action", "method"),
        ("card", "pm_card_visa"),
    ];
    assert_eq!(press(&address, &card).await, 303);
    let opened = asks("payment-method", json!({"wallet": "amazon_pay"})).await;
    let opened = opened.expect(201).json();
    let shopper = app.shopper("bob");
    shopper.go_to_wallet(&opened).await;
    shopper.answer_open_wallet(&opened, "approve").await;
    let finish = json!({"setup_intent": opened["setup_intent"]});
    asks("payment-method/finish", finish).await.expect(200);
    app.quiet().await;
    let names = told(&app, "alice").await;
    assert_eq!(
        names[1..],
        [
            "subscription.cancellation_scheduled",
            "subscription.cancellation_withdrawn",
            "subscription.payment_method_changed",
        ]
    );
    assert_eq!(names, told(&app, "bob").await);

    // The default of the customer is nothing of the subscription's, which names its own.
    let before = mine(&app, "alice").await;
    let default = [("action", "method"), ("card", "pm_card_mastercard")];
    assert_eq!(press(&address, &default).await, 303);
    app.quiet().await;
    assert_eq!(mine(&app, "alice").await, before);
    assert_eq!(told(&app, "alice").await, names, "nothing is told");
}

/// The bill of the next period says who is charged: a card of the portal, by Stripe, as by the API.
#[tokio::test]
async fn a_method_given_in_the_portal_pays_the_next_renewal() {
    let app = TestApp::start().await;
    let id = subscribed(&app).await;
    let address = visit(&app).await;
    let card = [
        ("subscription", &*id),
        ("action", "method"),
        ("card", "pm_card_visa"),
    ];
    assert_eq!(press(&address, &card).await, 303);
    app.quiet().await;
    app.pass_days(32).await;
    let charges = app.stripe.objects("charge").await;
    assert_eq!(charges.len(), 2);
    assert_eq!(charges[1]["payment_method_details"]["type"], "card");
    let mine = app.caller("alice").subscriptions().await.expect(200).json();
    assert_eq!(mine["subscriptions"][0]["status"], "active");
}
