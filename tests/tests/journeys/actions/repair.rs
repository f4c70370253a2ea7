//! A subscription whose payment failed is paid by the link of a mail, in a browser that is not signed in.

use perennial_api::SignedLinks;
use perennial_tests::{Answer, http, wait_until};
use perennial_types::{Clock, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::Subscriber;
use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

/// The renewal is declined, which Amazon Pay never tries again.
async fn past_due() -> Subscriber {
    let it = Subscriber::of(MONTHLY).await;
    fall_behind(&it).await;
    it
}

async fn fall_behind(it: &Subscriber) {
    let method = text(&it.at_stripe().await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    it.app.pass_days(32).await;
    assert_eq!(it.mine().await["status"], "past_due");
}

fn link_in(address: &str, parameter: &str) -> String {
    let address: Url = address.parse().expect("an address");
    let found = address.query_pairs().find(|(name, _)| name == parameter);
    found.expect("a link").1.into_owned()
}

/// The link of a mail, as one of the shop's servers gets it.
async fn link(it: &Subscriber) -> String {
    let told = it.link("repair").await;
    let expires: Timestamp = serde_json::from_value(told["expires_at"].clone()).unwrap();
    let week = Clock::system().now().plus_seconds(WEEK_SECONDS);
    assert!(expires.unix().abs_diff(week.unix()) < 60, "{told}");
    link_in(text(&told["url"]), "link")
}

async fn looks(it: &Subscriber, link: &str) -> Answer {
    let address = format!("{}/repair?link={link}", it.app.url());
    it.app.anybody().come_back_for_json(&address).await
}

async fn posts(it: &Subscriber, path: &str, body: &Value) -> Answer {
    let nobody = it.app.anybody();
    nobody.send(nobody.request("POST", path).json(body)).await
}

async fn opens(it: &Subscriber, link: &str, wallet: &str) -> Answer {
    posts(it, "/repair", &json!({"link": link, "wallet": wallet})).await
}

async fn finishes(it: &Subscriber, link: &str, setup: &Value) -> Answer {
    posts(
        it,
        "/repair/finish",
        &json!({"link": link, "setup_intent": setup}),
    )
    .await
}

async fn paid(it: &Subscriber) -> usize {
    let charges = it.app.stripe.objects("charge").await;
    let paid = charges.iter().filter(|it| it["status"] == "succeeded");
    paid.count()
}

/// What the shop is told, as it comes out of the stack.
async fn told(it: &Subscriber) -> Vec<Value> {
    let url = format!("{}/dev/events", it.app.url());
    wait_until("every event in the outbox is shown", async || {
        let request = http().get(&url).bearer_auth(it.app.key());
        let shown: Value = request.send().await.unwrap().json().await.unwrap();
        let events = shown["events"].as_array().unwrap().clone();
        (events.len() == it.app.table.items_of("OUT#").await.len()).then_some(events)
    })
    .await
}

#[tokio::test]
async fn the_event_of_a_failed_payment_has_the_link_that_pays_it() {
    let it = past_due().await;
    let told = told(&it).await;
    let link_of = |kind: &str| {
        let event = told.iter().find(|event| event["type"] == kind).unwrap();
        text(&event["data"]["links"]["repair"]).to_owned()
    };
    // Amazon Pay is not tried again, so both come with the first failure.
    let addresses = [
        "subscription.past_due",
        "subscription.payment_method_required",
    ]
    .map(link_of);
    for event in &told {
        let asks = addresses
            .iter()
            .any(|it| event["data"]["links"]["repair"] == **it);
        assert_eq!(event["data"].get("links").is_some(), asks, "{event}");
    }
    assert!(addresses[0].starts_with(&format!("{}/repair?link=v1.", it.app.url())));
    // None of it is in the table: a link is made on the way out.
    let link = link_in(&addresses[1], "link");
    for item in it.app.table.items().await {
        let item = item.to_string();
        assert!(
            !item.contains(&link) && !item.contains("/repair?"),
            "{item}"
        );
    }

    // From the mail to the shop's page, which has the same link in its address.
    let landed = it.app.anybody().come_back(&addresses[1]).await.expect(303);
    assert!(
        landed
            .location()
            .as_str()
            .starts_with(it.app.variable("SHOP_URL"))
    );
    assert_eq!(landed.landed_with("repair").as_deref(), Some(link.as_str()));

    let offer = looks(&it, &link).await.expect(200).json();
    assert_eq!(
        offer["due"],
        json!({"amount": 1500, "currency": "usd"}),
        "{offer}"
    );
    assert_eq!(offer["status"], "past_due");
    assert_eq!(offer["label"], "Stock photos");
    let opened = opens(&it, &link, "amazon_pay").await.expect(201).json();
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    // The wallet leads back to a page that needs nothing but its address.
    let back = text(&opened["return_url"]);
    assert_eq!(link_in(back, "repair"), link);
    let done = finishes(&it, &link, &opened["setup_intent"])
        .await
        .expect(200)
        .json();
    assert_eq!(
        done,
        json!({"status": "replaced", "invoices": {"status": "paid"}, "needs_payment_method": false})
    );
    it.app.quiet().await;
    assert_eq!(it.mine().await["status"], "active");
    assert_eq!(paid(&it).await, 2);

    // It has done its work: it opens nothing, and says again what came of it.
    let over = looks(&it, &link).await;
    assert_eq!(over.expect_error(409), "nothing_to_repair");
    let over = opens(&it, &link, "amazon_pay").await;
    assert_eq!(over.expect_error(409), "nothing_to_repair");
    assert!(over.json().get("subscription").is_none(), "{}", over.text);
    let again = finishes(&it, &link, &opened["setup_intent"])
        .await
        .expect(200);
    assert_eq!(again.json()["status"], "replaced");
    it.app.quiet().await;
    assert_eq!(paid(&it).await, 2, "once");
}

#[tokio::test]
async fn the_sheet_of_apple_pay_pays_it_too_and_leads_to_no_portal() {
    let it = past_due().await;
    let link = link(&it).await;
    let offer = looks(&it, &link).await.expect(200).json();
    let wallets = offer["wallets"].as_array().unwrap();
    let apple = wallets
        .iter()
        .find(|it| it["wallet"] == "apple_pay")
        .unwrap();
    assert_eq!(apple["elements"]["mode"], "setup", "{apple}");
    // The holder of this link may not manage the subscription.
    assert!(!offer.to_string().contains("/manage"), "{offer}");
    let opened = opens(&it, &link, "apple_pay").await.expect(201).json();
    it.alice.approve_apple_pay(&opened).await;
    let done = finishes(&it, &link, &opened["setup_intent"])
        .await
        .expect(200)
        .json();
    assert_eq!(done["invoices"]["status"], "paid", "{done}");
    assert_eq!(it.mine().await["wallet"], "apple_pay");
    it.app.quiet().await;
}

#[tokio::test]
async fn a_link_tells_of_nobody_and_costs_two_calls() {
    let it = past_due().await;
    let link = link(&it).await;
    it.app.forget_calls().await;
    let address = format!("{}/repair?link={link}", it.app.url());
    it.app.anybody().come_back(&address).await.expect(303);
    assert!(
        it.app.calls().await.stripe.is_empty(),
        "a browser costs none"
    );
    let offer = looks(&it, &link).await.expect(200);
    assert_eq!(it.app.stripe.requests().await.len(), 2);
    let method = it.at_stripe().await["default_payment_method"].clone();
    for secret in ["alice", text(&method), "last4", "cus_"] {
        assert!(!offer.text.contains(secret), "{secret}: {}", offer.text);
    }
}

#[tokio::test]
async fn a_method_that_is_declined_too_leaves_the_link_good() {
    let it = past_due().await;
    let link = link(&it).await;
    let opened = opens(&it, &link, "amazon_pay").await.expect(201).json();
    it.app.stripe.hold_webhooks().await;
    it.alice.go_to_wallet(&opened).await;
    it.alice.answer_open_wallet(&opened, "approve").await;
    let setup = format!("/v1/setup_intents/{}", text(&opened["setup_intent"]));
    let method = text(&it.app.stripe.api("GET", &setup, &[]).await["payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    let done = finishes(&it, &link, &opened["setup_intent"])
        .await
        .expect(200)
        .json();
    assert_eq!(done["invoices"]["status"], "declined", "{done}");
    assert_eq!(done["needs_payment_method"], true);
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    it.app.quiet().await;
    looks(&it, &link).await.expect(200);
}

#[tokio::test]
async fn stripe_fails_in_between_and_what_is_open_is_paid_once() {
    for (path, fault) in [
        ("/v1/subscriptions/*", "severed"),
        ("/v1/invoices/*/pay", "timeout_before"),
    ] {
        let it = past_due().await;
        let link = link(&it).await;
        let opened = opens(&it, &link, "amazon_pay").await.expect(201).json();
        it.app.stripe.hold_webhooks().await;
        it.alice.go_to_wallet(&opened).await;
        it.alice.answer_open_wallet(&opened, "approve").await;
        let fault =
            json!({"method": "POST", "path": path, "fault": fault, "times": 9, "delay_ms": 1});
        it.app.stripe.fault(fault).await;
        let lost = finishes(&it, &link, &opened["setup_intent"]).await;
        assert!(lost.status == 503 || lost.status == 200, "{lost:?}");
        it.app.stripe.no_faults().await;
        let done = finishes(&it, &link, &opened["setup_intent"])
            .await
            .expect(200);
        assert_eq!(done.json()["needs_payment_method"], false, "{path}");
        it.app.stripe.release_webhooks("fifo", 0, 1).await;
        it.app.quiet().await;
        assert_eq!(paid(&it).await, 2, "{path}");
    }
}

#[tokio::test]
async fn a_link_is_of_no_use_while_nothing_is_wrong() {
    let it = Subscriber::of(MONTHLY).await;
    let link = link(&it).await;
    assert_eq!(
        looks(&it, &link).await.expect_error(409),
        "nothing_to_repair"
    );
    let opened = opens(&it, &link, "amazon_pay").await;
    assert_eq!(opened.expect_error(409), "nothing_to_repair");
    assert!(
        it.app.stripe.objects("setup_intent").await.len() == 1,
        "of the checkout"
    );
    it.asks("cancel", &json!({})).await.expect(200);
    it.app.pass_days(32).await;
    assert_eq!(
        looks(&it, &link).await.expect_error(409),
        "subscription_ended"
    );
}

#[tokio::test]
async fn a_wrong_link_opens_nothing_and_says_the_same() {
    let it = past_due().await;
    it.app.shopper("bob").buy(MONTHLY).await.1.expect(303);
    it.app.quiet().await;
    let good = link(&it).await;
    let links = SignedLinks::new(&SecretString::from(it.app.variable("LINK_SECRET")));
    let stage = SignedLinks::new(&SecretString::from(
        "the secret of another stage, 32 letters",
    ));
    let base: Url = it.app.url().parse().unwrap();
    let [alice, bob] = ["alice", "bob"].map(|name| name.parse().unwrap());
    let id = it.id.parse().unwrap();
    let now = Clock::system().now();
    let of = |url: Url| link_in(url.as_str(), "link");
    let cases = [
        ("none", String::new()),
        (
            "expired",
            of(links.repair(&base, &alice, &id, now.plus_seconds(-1))),
        ),
        (
            "another user's",
            of(links.repair(&base, &bob, &id, now.plus_seconds(60))),
        ),
        (
            "another stage's",
            of(stage.repair(&base, &alice, &id, now.plus_seconds(60))),
        ),
        ("to manage", of(links.manage(&base, &alice, 0))),
        ("to cancel", of(links.cancel(&base, &alice, &id, 0))),
        ("changed", good.replacen("v1.", "v1.e", 1)),
    ];
    let opened = opens(&it, &good, "amazon_pay").await.expect(201).json();
    let setups = it.app.stripe.objects("setup_intent").await.len();
    let mut words = Vec::new();
    for (what, link) in &cases {
        for answer in [
            looks(&it, link).await,
            opens(&it, link, "amazon_pay").await,
            finishes(&it, link, &opened["setup_intent"]).await,
        ] {
            assert_eq!(answer.expect_error(404), "unknown_link", "{what}");
            words.push(answer.json()["error"]["message"].clone());
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
    assert_eq!(it.app.stripe.objects("setup_intent").await.len(), setups);
    // A SetupIntent of somebody else's is none of this subscription's.
    let foreign = it.app.stripe.objects("setup_intent").await;
    let foreign = foreign.iter().find(|it| it["id"] != opened["setup_intent"]);
    let answer = finishes(&it, &good, &foreign.unwrap()["id"]).await;
    assert_eq!(answer.expect_error(404), "unknown_setup_intent");
    // What it is signed for is all that it does.
    let path = format!("/cancel?link={good}");
    let nobody = it.app.anybody();
    nobody.send(nobody.request("GET", &path)).await.expect(404);
}

#[tokio::test]
async fn bad_bodies_are_refused_and_change_nothing() {
    let it = past_due().await;
    let link = link(&it).await;
    for (body, status, code) in [
        (json!({"wallet": "amazon_pay"}), 400, "missing_field"),
        (json!({"link": link}), 400, "missing_field"),
        (
            json!({"link": link, "wallet": "gold"}),
            400,
            "unknown_wallet",
        ),
        (
            json!({"link": link, "wallet": "google_pay"}),
            409,
            "wallet_not_offered",
        ),
        (
            json!({"link": link, "wallet": "amazon_pay", "return_to": "//evil"}),
            400,
            "invalid_return_to",
        ),
        (
            json!({"link": link, "wallet": "amazon_pay", "user": "bob"}),
            400,
            "unknown_field",
        ),
    ] {
        let answer = posts(&it, "/repair", &body).await;
        assert_eq!(answer.expect_error(status), code, "{body}");
    }
    for setup in [json!("pi_1"), json!("seti_unknown")] {
        let answer = finishes(&it, &link, &setup).await;
        assert_eq!(answer.expect_error(404), "unknown_setup_intent");
    }
}

#[tokio::test]
async fn the_shops_servers_get_links_for_their_users_alone() {
    let it = Subscriber::of(MONTHLY).await;
    for (body, code) in [
        (json!({}), "missing_field"),
        (json!({"kind": "manage"}), "invalid_field"),
        (json!({"kind": "cancel", "days": 9}), "unknown_field"),
    ] {
        let answer = it.server_asks("links", "", &body).await;
        assert_eq!(answer.expect_error(400), code, "{body}");
    }
    let server = crate::payments::ShopServer::of(&it.app);
    let path = format!("/shop/subscriptions/{}/links", it.id);
    let body = json!({"kind": "cancel", "user": "bob"});
    let answer = server.post(&path, "", &body).await;
    assert_eq!(answer.expect_error(404), "unknown_subscription");
    let nobody = it.app.anybody();
    let request = nobody
        .request("POST", &path)
        .json(&json!({"kind": "cancel", "user": "alice"}));
    nobody.send(request).await.expect(403);
}
