//! What a shopper hears to whom nothing is offered: the same as of a plan that does not exist.

use super::*;
use crate::{actions::Subscriber, payments::text};

/// Everything in which a page names a plan, with mistakes that would tell more than that there is none.
fn asked(plan: &str) -> Vec<(&'static str, String, Value)> {
    let code = |more: Value| {
        let mut body = json!({ "plan": plan });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let get = |path: String| ("GET", path, Value::Null);
    let post = |path: &str, body| ("POST", path.to_owned(), body);
    vec![
        get(format!("/wallets?plan={plan}")),
        get(format!("/wallets?plan={plan}&quantity=500")),
        get(format!("/wallets?plan={plan}&addons=storage:2")),
        post("/wallets", code(json!({"code": "SPRING"}))),
        post(
            "/wallets",
            code(json!({"billing_address": {"country": "DE"}})),
        ),
        post("/client-secret", code(json!({"wallet": "amazon_pay"}))),
        post("/client-secret", code(json!({"wallet": "none"}))),
        post(
            "/client-secret",
            code(json!({"wallet": "amazon_pay", "quantity": 500})),
        ),
        post(
            "/client-secret",
            code(json!({"wallet": "amazon_pay", "consent": "old"})),
        ),
        post(
            "/client-secret",
            code(json!({"wallet": "amazon_pay", "trial_days": 99})),
        ),
        post(
            "/client-secret",
            code(json!({"wallet": "amazon_pay", "addons": {"storage": 1}})),
        ),
        post(
            "/subscriptions",
            code(json!({"wallet": "apple_pay", "first": "subscription"})),
        ),
        post(
            "/subscriptions",
            code(json!({"wallet": "apple_pay", "first": "subscription", "tax": {"amount": 1}})),
        ),
    ]
}

async fn answers(it: &Shopper, plan: &str, more: &[(&str, String, Value)]) -> Vec<(u16, Value)> {
    let mut all = Vec::new();
    let asked = asked(plan);
    for (method, path, body) in asked.iter().chain(more) {
        let answer = match *method {
            "GET" => get(it, path).await,
            _ => post(it, path, body).await,
        };
        let (status, mut body) = refusal(&answer);
        // How a subscription stands is the same whatever was named, but for the time.
        if let Some(members) = body.as_object_mut() {
            members.remove("subscription");
        }
        all.push((status, body));
    }
    all
}

#[tokio::test]
async fn a_private_plan_does_not_exist_for_others() {
    let app = shop().await;
    offer(&app, "alice", "acme", true).await.expect(200);
    let bob = app.shopper("bob");
    let unknown = answers(&bob, "nothing", &[]).await;
    for (status, body) in &unknown {
        assert_eq!(
            (*status, &body["error"]["code"]),
            (400, &json!("unknown_plan"))
        );
    }
    for plan in ["acme", "acme-team", "acme-wiki"] {
        assert_eq!(answers(&bob, plan, &[]).await, unknown, "{plan}");
    }
    // Nothing was begun for him.
    assert!(app.stripe.objects("customer").await.is_empty());
    assert_eq!(app.table.items_of("CHECKOUT#").await.len(), 0);
    // She hears what is wrong.
    let alice = app.shopper("alice");
    let quantity = get(&alice, "/wallets?plan=acme&quantity=500").await;
    assert_eq!(quantity.expect_error(400), "quantity_not_offered");
    let body = json!({"plan": "acme", "wallet": "none"});
    let wallet = post(&alice, "/client-secret", &body).await;
    assert_eq!(wallet.expect_error(400), "unknown_wallet");
    // And what is offered is offered of this plan alone.
    let other = post(
        &alice,
        "/client-secret",
        &json!({"plan": "acme-wiki", "wallet": "amazon_pay"}),
    )
    .await;
    assert_eq!(other.expect_error(400), "unknown_plan");
}

#[tokio::test]
async fn nor_does_it_for_a_subscriber() {
    let it = Subscriber::in_app(shop().await, "basic").await;
    let preview = format!("/subscriptions/{}/preview", it.id);
    let asks = |plan: &str| {
        [
            json!({"plan": plan}),
            json!({"plan": plan, "quantity": 500}),
            json!({"plan": plan, "when": "period_end"}),
            json!({"plan": plan, "addons": {"storage": 1}}),
        ]
        .map(|body| ("POST", preview.clone(), body))
    };
    let unknown = answers(&it.alice, "nothing", &asks("nothing")).await;
    for plan in ["acme", "acme-team", "acme-wiki"] {
        let told = answers(&it.alice, plan, &asks(plan)).await;
        assert_eq!(told, unknown, "{plan}");
    }
    // One of the shop's servers gives it to whom it likes.
    let shown = it
        .server_asks("preview", "", &json!({"plan": "acme", "when": "now"}))
        .await;
    let shown = shown.expect(200).json();
    let agreed = json!({"preview": shown["preview"]});
    // What was shown to a server is nothing that the page may agree to.
    let refused = it.asks("change", &agreed).await;
    assert_eq!(refused.expect_error(409), "preview_outdated");
    assert!(!refused.text.contains("acme"), "{}", refused.text);
    let shown = it
        .server_asks("preview", "", &json!({"plan": "acme", "when": "now"}))
        .await;
    let agreed = json!({"preview": shown.expect(200).json()["preview"]});
    let changed = it
        .server_asks("change", "k1", &agreed)
        .await
        .expect(200)
        .json();
    assert_eq!(changed["subscription"]["plan"], "acme");
    assert_eq!(it.mine().await["plan"], "acme", "and she sees what she has");
}

#[tokio::test]
async fn nor_for_one_who_comes_again() {
    let it = Subscriber::in_app(shop().await, "basic").await;
    it.server_asks("cancel", "end", &json!({"when": "now"}))
        .await
        .expect(200);
    it.app.quiet().await;
    let path = format!("/subscriptions/{}/preview", it.id);
    let asks = |plan: &str| {
        vec![
            ("POST", path.clone(), json!({"again": plan})),
            (
                "POST",
                path.clone(),
                json!({"again": plan, "quantity": 500}),
            ),
            (
                "POST",
                "/subscriptions".to_owned(),
                json!({"again": it.id, "plan": plan, "due_now": 1100}),
            ),
            (
                "POST",
                "/subscriptions".to_owned(),
                json!({"again": it.id, "plan": plan, "due_now": 1, "quantity": 500}),
            ),
        ]
    };
    let unknown = answers(&it.alice, "nothing", &asks("nothing")).await;
    let told = answers(&it.alice, "acme", &asks("acme")).await;
    assert_eq!(told, unknown);
    offer(&it.app, "alice", "acme", true).await.expect(200);
    let shown = post(&it.alice, &path, &json!({"again": "acme"}))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["due_now"]["amount"], 1100, "{shown}");
    let body = json!({"again": it.id, "plan": "acme", "due_now": 1100});
    let back = post(&it.alice, "/subscriptions", &body)
        .await
        .expect(201)
        .json();
    assert_eq!(back["subscription"]["plan"], "acme");
    it.app.quiet().await;
}

#[tokio::test]
async fn a_group_of_private_plans_is_told_to_those_who_have_one() {
    let app = shop().await;
    let bob = app.shopper("bob");
    let his = bob.calls.subscriptions().await.expect(200).json();
    assert!(his["entitlements"]["photos"].is_object(), "{his}");
    assert!(his["entitlements"].get("wiki").is_none(), "{his}");
    let of_server = ShopServer::of(&app)
        .get("/shop/subscriptions?user=bob")
        .await;
    assert_eq!(
        of_server.expect(200).json()["entitlements"]["wiki"]["active"],
        false
    );
    offer(&app, "bob", "acme-wiki", true).await.expect(200);
    bob.buy("acme-wiki").await.1.expect(303);
    app.quiet().await;
    let his = bob.calls.subscriptions().await.expect(200).json();
    assert_eq!(his["entitlements"]["wiki"]["active"], true);
}

#[tokio::test]
async fn one_that_shares_its_price_lends_its_name_to_nobody() {
    let it = Subscriber::in_app(shop().await, "basic").await;
    let price = text(&it.at_stripe().await["items"]["data"][0]["price"]["id"]).to_owned();
    let plans = json!({
        "acme": {"group": "photos", "label": "Acme", "price": price, "private": true},
        "basic-2": {"group": "photos", "label": "Basic", "price": price},
    });
    it.app.publish(&plans.to_string()).await.unwrap();
    let function = subscriptions_of(&it.app).await;
    assert_eq!(
        function["subscriptions"][0]["plan"], "basic-2",
        "{function}"
    );
}

/// What a copy of the function answers that has just started.
async fn subscriptions_of(app: &TestApp) -> Value {
    use perennial_config::Start as _;
    let function = subscriptions::App::start(
        &app.env_of("subscriptions", &[]),
        perennial_types::Clock::system(),
    )
    .await
    .unwrap();
    let asked = crate::catalog::ask(&function, "GET /subscriptions", "", Some("alice"), None).await;
    asked.1
}
