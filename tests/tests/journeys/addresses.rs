//! Where a shopper lands, what an answer tells a browser, and which path a request came under.

use perennial_tests::{Answer, TestApp};
use serde_json::{Value, json};

use crate::payments::text;

const MONTHLY: &str = "stock-photos-monthly";

async fn land(return_to: &str) -> (String, String, String) {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let body = json!({"plan": MONTHLY, "wallet": "amazon_pay", "return_to": return_to});
    let opened = alice.calls.client_secret(&body).await.expect(201).json();
    let back = alice.answer_wallet(&opened, "decline").await;
    let landed = alice.calls.come_back(&back).await.expect(303);
    let location = landed.location();
    let query = location.query().unwrap_or_default().to_owned();
    let checkout = text(&opened["checkout"]).to_owned();
    let all = |name: &str| {
        let pairs = location.query_pairs();
        let values: Vec<String> = pairs
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(values.len(), 1, "{name} in {location}");
        values.into_iter().next().unwrap()
    };
    assert_eq!(all("checkout"), checkout);
    assert_eq!(all("status"), "failed");
    assert_eq!(all("reason"), "wallet_declined");
    (location.path().to_owned(), query, checkout)
}

#[tokio::test]
async fn a_page_with_parameters_of_the_same_names_is_told_the_outcome() {
    for (return_to, kept) in [
        ("/orders?status=open&checkout=cart-7", ""),
        ("/orders?reason=gift&status=subscribed", ""),
        (
            "/orders?%73tatus=subscribed&check%6fut=chk_1&tab=2",
            "tab=2&",
        ),
        ("/orders?status=a&status=b&x=%2F+y&status", "x=%2F+y&"),
        ("/orders?Status=open&statuses=1", "Status=open&statuses=1&"),
        ("/orders?", ""),
    ] {
        let (path, query, checkout) = land(return_to).await;
        assert_eq!(path, "/orders");
        let outcome = format!("checkout={checkout}&status=failed&reason=wallet_declined");
        assert_eq!(query, format!("{kept}{outcome}"), "{return_to}");
    }
}

#[track_caller]
fn check_safe(answer: &Answer, what: &str) {
    for (name, expected) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=63072000"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(expected), "{what}: {name}");
    }
}

#[tokio::test]
async fn every_answer_says_how_a_browser_may_use_it() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let get = async |path: &str| {
        let request = alice.calls.request("GET", path);
        alice
            .calls
            .send(request.header("accept", "application/json"))
            .await
    };
    check_safe(&alice.calls.click(MONTHLY).await.expect(200), "a click");
    check_safe(&alice.calls.click("nonsense").await.expect(400), "an error");
    check_safe(&alice.calls.subscriptions().await, "subscriptions");
    check_safe(&get(&format!("/wallets?plan={MONTHLY}")).await, "wallets");
    check_safe(&get("/manage?link=x").await.expect(404), "a wrong link");
    check_safe(&get("/confirm").await.expect(400), "a wrong return");
    check_safe(
        &app.anybody().webhook("{}", None).await.expect(400),
        "a webhook",
    );
    let back = alice.answer_wallet(&opened, "approve").await;
    check_safe(
        &alice.calls.come_back(&back).await.expect(303),
        "a redirect",
    );
    app.quiet().await;
}

/// No client secret stays in the address bar or goes to another site, whatever is wrong with it.
#[tokio::test]
async fn a_return_that_leads_nowhere_ends_at_the_shop_without_the_secret() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "approve").await;
    app.quiet().await;
    let changed = back.replace(text(&opened["checkout"]), "chk_01h00000000000000000000000");
    let without = back.replace("checkout=", "x=");
    for (address, reason) in [
        (changed, "unknown_checkout"),
        (without, "missing_parameter"),
        (
            format!(
                "{}/confirm?setup_intent_client_secret=seti_1_secret_2",
                app.url()
            ),
            "missing_parameter",
        ),
    ] {
        let landed = app.anybody().come_back(&address).await.expect(303);
        check_safe(&landed, &address);
        let location = landed.location();
        assert!(location.as_str().starts_with(app.variable("SHOP_URL")));
        assert!(!location.as_str().contains("_secret_"), "{location}");
        assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
        assert_eq!(landed.landed_with("reason").as_deref(), Some(reason));
        assert_eq!(landed.landed_with("checkout"), None);
        let told = app.anybody().come_back_for_json(&address).await;
        assert_eq!(told.code(), reason);
    }
}

/// A custom domain leaves the path under which the API is mapped in `rawPath`.
#[tokio::test]
async fn an_api_below_the_path_of_a_custom_domain_is_the_same() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let checkout = text(&opened["checkout"]);
    let recorded = |name: &str| -> Value {
        let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let below = |mut event: Value, path: &str, query: &str| {
        let path = format!("/billing{path}");
        event["rawPath"] = path.as_str().into();
        event["requestContext"]["http"]["path"] = path.into();
        event["rawQueryString"] = query.into();
        event
    };
    let mut poll = below(
        recorded("confirm-checkout-status"),
        &format!("/checkouts/{checkout}"),
        "",
    );
    poll["pathParameters"]["checkout"] = checkout.into();
    let polled = app.invoke("confirm", poll).await;
    assert_eq!(polled["statusCode"], 200, "{polled}");
    assert!(text(&polled["body"]).contains(checkout));

    let back = alice.answer_wallet(&opened, "approve").await;
    let (_, query) = back.split_once('?').unwrap();
    let returned = app
        .invoke(
            "confirm",
            below(recorded("confirm-return"), "/confirm", query),
        )
        .await;
    assert_eq!(returned["statusCode"], 303, "{returned}");
    assert!(text(&returned["headers"]["location"]).contains("status=subscribed"));

    let links = perennial_api::SignedLinks::new(&app.variable("LINK_SECRET").into());
    let base = app.url().parse().unwrap();
    let link = links.manage(&base, &"alice".parse().unwrap(), 0);
    let led = app
        .invoke(
            "links",
            below(recorded("links-manage"), "/manage", link.query().unwrap()),
        )
        .await;
    assert_eq!(led["statusCode"], 303, "{led}");
    assert!(text(&led["headers"]["location"]).starts_with(app.stripe.url()));
    app.quiet().await;
}
