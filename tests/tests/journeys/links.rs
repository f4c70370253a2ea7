//! Where signed links lead: to the portal, and to a payment that waits for its shopper.

use perennial_api::SignedLinks;
use perennial_tests::{Answer, TestApp};
use perennial_types::{Clock, Timestamp, UserId};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use crate::payments::{ShopServer, charge, text};

on_both!(
    apples_link_leads_to_the_portal_of_its_user,
    a_link_without_a_subscription_leads_to_the_shop,
    a_link_is_revoked_by_raising_the_users_number,
    a_link_ends_with_its_customer,
    a_payment_that_the_bank_wants_approved_is_approved_by_its_link,
    a_payment_that_is_over_says_so,
    a_wrong_link_opens_nothing_and_says_the_same,
    a_browser_whose_link_cannot_be_opened_now_lands_at_the_shop,
);

const MONTHLY: &str = "stock-photos-monthly";

async fn follow_as_a_browser(app: &TestApp, url: &str) -> Answer {
    app.anybody().come_back(url).await
}

async fn follow_as_the_page(app: &TestApp, url: &str) -> Answer {
    app.anybody().come_back_for_json(url).await
}

fn links(app: &TestApp) -> SignedLinks {
    SignedLinks::new(&SecretString::from(app.variable("LINK_SECRET")))
}

fn base(app: &TestApp) -> Url {
    app.url().parse().unwrap()
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn in_an_hour() -> Timestamp {
    Clock::system().now().plus_seconds(3600)
}

/// The address that Apple shows beside the subscription.
async fn management_of(app: &TestApp, name: &str) -> String {
    let caller = app.caller(name);
    let path = format!("/wallets?plan={MONTHLY}");
    let told = caller.send(caller.request("GET", &path)).await.json();
    let address =
        told.pointer("/wallets/1/express_checkout/applePay/recurringPaymentRequest/managementURL");
    text(address.unwrap()).to_owned()
}

async fn apples_link_leads_to_the_portal_of_its_user(app: TestApp) {
    let alice = app.shopper("alice");
    let address = management_of(&app, "alice").await;
    let opened = alice.click_apple_pay(MONTHLY).await;
    alice.approve_apple_pay(&opened).await;
    app.quiet().await;

    let sessions = [
        follow_as_a_browser(&app, &address).await.expect(303),
        follow_as_a_browser(&app, &address).await.expect(303),
    ];
    let [first, second] = sessions
        .each_ref()
        .map(|answer| answer.location().to_string());
    assert!(
        first.starts_with(&format!("{}/p/session/", app.stripe.url())),
        "{first}"
    );
    assert_ne!(first, second, "each visit has a session of its own");
    assert_eq!(sessions[0].header("cache-control"), Some("no-store"));
    let page = follow_as_a_browser(&app, &first).await.expect(200);
    assert!(page.text.contains("Stock photos"), "{}", page.text);

    let customers = app.stripe.objects("customer").await;
    let asked = app
        .stripe
        .requests_to("POST /v1/billing_portal/sessions")
        .await;
    assert_eq!(asked.len(), 2);
    for request in asked {
        let parameters = request["params"].to_string();
        for part in [text(&customers[0]["id"]), app.variable("SHOP_URL")] {
            assert!(parameters.contains(part), "{parameters}");
        }
    }
}

async fn leads_to_the_shop(app: &TestApp, address: &str) {
    app.forget_calls().await;
    let answer = follow_as_a_browser(app, address).await.expect(303);
    assert_eq!(answer.location().as_str(), app.variable("SHOP_URL"));
    assert!(app.calls().await.stripe.is_empty());
}

/// Apple's sheet needs the link before there is a subscription, and keeps it after it.
async fn a_link_without_a_subscription_leads_to_the_shop(app: TestApp) {
    let address = management_of(&app, "alice").await;
    leads_to_the_shop(&app, &address).await;
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    leads_to_the_shop(&app, &address).await;
    alice.approve_apple_pay(&opened).await;
    app.quiet().await;
    let answer = follow_as_a_browser(&app, &address).await.expect(303);
    assert!(answer.location().as_str().starts_with(app.stripe.url()));

    let id = app.stripe.objects("subscription").await[0]["id"].clone();
    let path = format!("/v1/subscriptions/{}", text(&id));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    leads_to_the_shop(&app, &address).await;
}

/// What an operator does when a link has got into wrong hands.
async fn a_link_is_revoked_by_raising_the_users_number(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    alice.approve_apple_pay(&opened).await;
    app.quiet().await;
    let old = management_of(&app, "alice").await;
    follow_as_a_browser(&app, &old).await.expect(303);
    // The address that a second click is told of has the same number.
    let told = alice.calls.click(MONTHLY).await.expect(409).json();
    let opened = follow_as_a_browser(&app, text(&told["manage"])).await;
    let opened = opened.expect(303).location().to_string();
    assert!(opened.starts_with(app.stripe.url()), "{opened}");
    app.table.add("USER#alice", "CUSTOMER", "links", 1).await;
    let refused = follow_as_the_page(&app, &old).await;
    assert_eq!(refused.expect_error(404), "unknown_link");
    let new = management_of(&app, "alice").await;
    assert_ne!(new, old);
    let answer = follow_as_a_browser(&app, &new).await.expect(303);
    assert!(answer.location().as_str().starts_with(app.stripe.url()));
}

/// A deleted customer's links open nothing of the customer that comes after it.
async fn a_link_ends_with_its_customer(app: TestApp) {
    let alice = app.shopper("alice");
    let subscribe = async || {
        let opened = alice.click_apple_pay(MONTHLY).await;
        alice.approve_apple_pay(&opened).await;
        app.quiet().await;
    };
    subscribe().await;
    let old = management_of(&app, "alice").await;
    let customer = app.stripe.objects("customer").await[0]["id"].clone();
    let path = format!("/v1/customers/{}", text(&customer));
    app.stripe.api("DELETE", &path, &[]).await;
    app.quiet().await;
    subscribe().await;
    let refused = follow_as_the_page(&app, &old).await;
    assert_eq!(refused.expect_error(404), "unknown_link");
    let new = management_of(&app, "alice").await;
    follow_as_a_browser(&app, &new).await.expect(303);
}

/// A charge that the bank wants the shopper to approve; gives the payment and the link to it.
async fn charge_that_needs_approval(app: &TestApp, name: &str) -> (String, String) {
    let server = ShopServer::of(app);
    let method = server.saved_method(name).await;
    app.stripe
        .charges_of(&method, "authentication_required")
        .await;
    let body = charge(name, &method, 700);
    let refused = server.pay(&format!("order-of-{name}"), &body).await;
    assert_eq!(refused.expect_error(402), "authentication_required");
    let payment = refused.json()["payment"].clone();
    let link = text(&payment["failure"]["next"]["authorize_url"]).to_owned();
    // The recorded event of the shop's server names another domain than this gateway's.
    let link = Url::parse(&link).unwrap();
    let link = format!("{}/authorize?{}", app.url(), link.query().unwrap());
    (text(&payment["id"]).to_owned(), link)
}

async fn approve(app: &TestApp, told: &Value) -> Value {
    let token = app.stripe.apple_pay_token(json!({})).await;
    let [key, secret] = ["publishable_key", "client_secret"].map(|name| text(&told[name]));
    app.stripe.confirm_with_token(key, secret, &token).await
}

async fn a_payment_that_the_bank_wants_approved_is_approved_by_its_link(app: TestApp) {
    let (payment, link) = charge_that_needs_approval(&app, "alice").await;
    // From the mail to the shop's page, which finds the same link in its address.
    let landed = follow_as_a_browser(&app, &link)
        .await
        .expect(303)
        .location();
    assert!(landed.as_str().starts_with(app.variable("SHOP_URL")));
    let (name, signed) = landed.query_pairs().next().unwrap();
    assert_eq!(name, "authorize");
    assert!(link.ends_with(&*signed));

    let told = follow_as_the_page(&app, &link).await.expect(200).json();
    assert_eq!(told["payment"], payment);
    assert_eq!(told["confirm"], "payment");
    assert_eq!(
        (&told["amount"], &told["currency"]),
        (&json!(700), &json!("usd"))
    );
    assert_eq!(told["return_url"], app.variable("SHOP_URL"));
    assert_eq!(
        told["elements"],
        json!({"mode": "payment", "amount": 700, "currency": "usd", "allowedPaymentMethodTypes": ["card"]})
    );
    assert_eq!(
        told["express_checkout"]["paymentMethods"]["applePay"],
        "always"
    );

    let paid = approve(&app, &told).await;
    assert_eq!(paid["status"], "succeeded", "{paid}");
    let again = follow_as_the_page(&app, &link).await;
    assert_eq!(again.expect_error(409), "payment_already_made");
    assert_eq!(again.json()["status"], "succeeded");
    assert!(!again.text.contains("_secret_"), "{}", again.text);
    app.quiet().await;
}

async fn a_payment_that_is_over_says_so(app: TestApp) {
    let (payment, link) = charge_that_needs_approval(&app, "alice").await;
    let server = ShopServer::of(&app);
    let path = format!("/payments/{payment}/cancel");
    server.post(&path, "no-more", &json!({})).await.expect(200);
    let answer = follow_as_the_page(&app, &link).await;
    assert_eq!(answer.expect_error(409), "payment_canceled");
    assert_eq!(answer.json()["payment"], payment);
    app.quiet().await;
}

async fn a_wrong_link_opens_nothing_and_says_the_same(app: TestApp) {
    let (payment, good) = charge_that_needs_approval(&app, "alice").await;
    ShopServer::of(&app).saved_method("bob").await;
    let payment = payment.parse().unwrap();
    let (links, base) = (links(&app), base(&app));
    let manage = links.manage(&base, &user("alice"), 0).to_string();
    let authorize = |name: &str, until| {
        let link = links.authorize(&base, &user(name), &payment, until);
        link.to_string()
    };
    let foreign = "pi_1NotThere".parse().unwrap();
    let not_there = links.authorize(&base, &user("alice"), &foreign, in_an_hour());
    let others = SignedLinks::new(&SecretString::from(
        "another secret of thirty-two characters",
    ));
    let past = Clock::system().now().plus_seconds(-1);
    let (mut words, mut opened_nothing) = (Vec::new(), 0);
    for (what, address) in [
        ("no link", format!("{}/manage", app.url())),
        ("an empty one", format!("{}/authorize?link=", app.url())),
        (
            "another secret",
            others.manage(&base, &user("alice"), 0).to_string(),
        ),
        ("expired", authorize("alice", past)),
        (
            "of another purpose",
            manage.replace("/manage?", "/authorize?"),
        ),
        (
            "the other way round",
            good.replace("/authorize?", "/manage?"),
        ),
        ("another user's payment", authorize("bob", in_an_hour())),
        ("a user nobody knows", authorize("nobody", in_an_hour())),
        ("no such payment", not_there.to_string()),
        ("changed", good.replace("link=v1.", "link=v1.e")),
    ] {
        let answer = follow_as_the_page(&app, &address).await;
        assert_eq!(answer.expect_error(404), "unknown_link", "{what}");
        words.push(answer.json()["error"]["message"].clone());
        // A mail and Apple's wallet lead a browser here, which gets a page of the shop and no JSON.
        let landed = follow_as_a_browser(&app, &address).await.expect(303);
        assert_eq!(landed.text, "", "{what}");
        let location = landed.location();
        assert!(location.as_str().starts_with(app.variable("SHOP_URL")));
        // The page asks for the payment of a signed link itself, and is told the error.
        if landed.landed_with("authorize").is_none() {
            assert_eq!(location.query(), Some("perennial_link=expired"), "{what}");
            opened_nothing += 1;
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
    assert_eq!(opened_nothing, 7);
    follow_as_the_page(&app, &authorize("alice", in_an_hour()))
        .await
        .expect(200);
    app.quiet().await;
}

/// Stripe is away, or the portal has no settings: another try may open the link, so the page says so.
async fn a_browser_whose_link_cannot_be_opened_now_lands_at_the_shop(app: TestApp) {
    let alice = app.shopper("alice");
    let opened = alice.click_apple_pay(MONTHLY).await;
    alice.approve_apple_pay(&opened).await;
    app.quiet().await;
    let address = management_of(&app, "alice").await;
    for (status, code) in [(500, "stripe_unavailable"), (400, "portal_not_configured")] {
        let fault = json!({"method": "POST", "path": "/v1/billing_portal/sessions", "fault": "status", "status": status, "times": 20});
        app.stripe.fault(fault).await;
        let told = follow_as_the_page(&app, &address).await;
        assert_eq!(told.code(), code);
        assert!(told.status >= 500, "{}", told.status);
        let landed = follow_as_a_browser(&app, &address).await.expect(303);
        assert_eq!(
            landed.landed_with("perennial_link").as_deref(),
            Some("unavailable")
        );
        app.stripe.no_faults().await;
    }
    follow_as_a_browser(&app, &address).await.expect(303);
}
