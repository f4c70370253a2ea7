//! Secrets that are replaced while the functions run.

use perennial_api::SignedLinks;
use perennial_config::{Env, Start as _, StartError};
use perennial_http::invoke;
use perennial_tests::{SecretsManager, TestApp, sign};
use perennial_types::{Clock, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

const OLD: &str = "whsec_the_secret_of_before";
const NEW: &str = "whsec_the_secret_of_now";

/// An environment with this secret in Secrets Manager, for the function that reads it.
fn env_with_secret(app: &TestApp, manager: &SecretsManager, name: &str, arn: &str) -> Env {
    let function = match name {
        "STRIPE_WEBHOOK_SECRETS" => "webhook",
        "LINK_SECRET" => "links",
        _ => "client-secret",
    };
    let by_arn = format!("{name}_ARN");
    let changes = [
        (name, ""),
        (by_arn.as_str(), arn),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url()),
    ];
    app.env_of(function, &changes)
}

/// A request of API Gateway to the webhook.
fn delivery(body: &str, signature: Option<&str>) -> Value {
    let recorded = include_str!("../../../events/webhook-setup-intent-succeeded.json");
    let mut request: Value = serde_json::from_str(recorded).unwrap();
    request["body"] = body.into();
    request["headers"]["stripe-signature"] = signature.unwrap_or_default().into();
    request
}

fn event(id: &str) -> String {
    json!({"id": id, "object": "event", "type": "customer.updated", "created": 1_790_000_000, "livemode": false,
        "data": {"object": {"object": "customer", "id": "cus_1"}}})
    .to_string()
}

/// The status of the answer to an event that is signed so.
async fn deliver(webhook: &webhook::App, id: &str, secret: &str, seconds_from_now: i64) -> u64 {
    let body = event(id);
    let signature = sign(secret, body.as_bytes(), seconds_from_now);
    let answer = invoke(webhook, delivery(&body, Some(&signature)), "request").await;
    answer["statusCode"].as_u64().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_unix(Clock::system().now().unix() + seconds)
}

async fn webhook_at(env: &Env, seconds: i64) -> (webhook::App, Clock) {
    let clock = Clock::manual(later(seconds));
    let app = webhook::App::start(env, clock.clone()).await.unwrap();
    (app, clock)
}

#[tokio::test]
async fn a_signing_secret_that_was_replaced_is_read_again_before_an_event_is_refused() {
    let app = TestApp::start().await;
    let manager = SecretsManager::start().await;
    let arn = manager.put("webhook", OLD);
    let env = env_with_secret(&app, &manager, "STRIPE_WEBHOOK_SECRETS", &arn);
    let (webhook, _) = webhook_at(&env, 0).await;
    assert_eq!(deliver(&webhook, "evt_1", OLD, 0).await, 200);
    assert_eq!(manager.asked(), 1, "a signature that fits asks for nothing");
    // The first event after `put-secret-value`.
    manager.put("webhook", NEW);
    assert_eq!(deliver(&webhook, "evt_2", NEW, 0).await, 200);
    assert_eq!(manager.asked(), 2);
    assert_eq!(deliver(&webhook, "evt_3", NEW, 0).await, 200);
    assert_eq!(manager.asked(), 2);
    assert_eq!(app.inbox().await.len(), 3);
    app.quiet().await;
}

#[tokio::test]
async fn whatever_is_sent_secrets_manager_is_asked_once_a_minute() {
    let app = TestApp::start().await;
    let manager = SecretsManager::start().await;
    let arn = manager.put("webhook", OLD);
    let env = env_with_secret(&app, &manager, "STRIPE_WEBHOOK_SECRETS", &arn);
    let (webhook, clock) = webhook_at(&env, 0).await;
    let flood = async |from: usize| {
        let ids: Vec<String> = (from..from + 20).map(|n| format!("evt_{n}")).collect();
        let at_once = ids.iter().map(|id| {
            let (webhook, id) = (webhook.clone(), id.clone());
            tokio::spawn(async move { deliver(&webhook, &id, "whsec_of_a_stranger", 30).await })
        });
        for answer in at_once.collect::<Vec<_>>() {
            assert_eq!(answer.await.unwrap(), 400);
        }
    };
    flood(0).await;
    assert_eq!(
        manager.asked(),
        2,
        "once at the start, and once for the flood"
    );
    manager.put("webhook", NEW);
    assert_eq!(deliver(&webhook, "evt_100", NEW, 30).await, 400);
    assert_eq!(manager.asked(), 2, "not again within a minute");
    clock.advance(61);
    assert_eq!(deliver(&webhook, "evt_100", NEW, 30).await, 200);
    assert_eq!(manager.asked(), 3);
    // What cannot be a signature of Stripe's asks for nothing at any time.
    clock.advance(139);
    for signature in [None, Some("nonsense"), Some("t=1,v1=00")] {
        let answer = invoke(&webhook, delivery(&event("evt_7"), signature), "request").await;
        assert_eq!(answer["statusCode"], 400, "{signature:?}");
    }
    assert_eq!(deliver(&webhook, "evt_8", OLD, -400).await, 400);
    assert_eq!(manager.asked(), 3);
    app.quiet().await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_or_is_none_leaves_the_old_one_in_use() {
    let app = TestApp::start().await;
    let manager = SecretsManager::start().await;
    let arn = manager.put("webhook", OLD);
    let env = env_with_secret(&app, &manager, "STRIPE_WEBHOOK_SECRETS", &arn);
    let (webhook, clock) = webhook_at(&env, 0).await;
    manager.set_down(true);
    assert_eq!(deliver(&webhook, "evt_1", NEW, 60).await, 400);
    assert_eq!(deliver(&webhook, "evt_1", OLD, 60).await, 200);
    manager.set_down(false);
    clock.advance(100);
    manager.put("webhook", "not one of Stripe's");
    assert_eq!(deliver(&webhook, "evt_2", NEW, 60).await, 400);
    assert_eq!(deliver(&webhook, "evt_2", OLD, 60).await, 200);
    app.quiet().await;
}

#[tokio::test]
async fn a_stripe_key_that_was_replaced_is_read_again_and_the_same_request_sent_once_more() {
    let app = TestApp::start().await;
    let manager = SecretsManager::start().await;
    // The sandbox refuses a key with a hyphen, as Stripe refuses one that was rolled.
    let arn = manager.put("stripe", "sk_test_rolled-away");
    let env = env_with_secret(&app, &manager, "STRIPE_SECRET_KEY", &arn);
    let client_secret = client_secret::App::start(&env, Clock::system())
        .await
        .unwrap();
    manager.put("stripe", app.variable("STRIPE_SECRET_KEY"));
    let recorded = include_str!("../../../events/client-secret-new.json");
    let click: Value = serde_json::from_str(recorded).unwrap();
    app.forget_calls().await;
    let answer = invoke(&client_secret, click.clone(), "request").await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    assert_eq!(manager.asked(), 2);
    let customers = app.stripe.requests_to("POST /v1/customers").await;
    let keys: Vec<&Value> = customers.iter().map(|it| &it["idempotency_key"]).collect();
    assert_eq!(keys.len(), 2, "{customers:?}");
    assert_eq!(keys[0], keys[1], "the same request: {customers:?}");
    assert_eq!(app.stripe.objects("customer").await.len(), 1);
    app.quiet().await;
}

#[tokio::test]
async fn a_key_of_the_other_mode_is_not_taken_over() {
    let mut app = TestApp::start().await;
    let manager = SecretsManager::start().await;
    let arn = manager.put("stripe", "sk_test_rolled-away");
    let env = env_with_secret(&app, &manager, "STRIPE_SECRET_KEY", &arn);
    let client_secret = client_secret::App::start(&env, Clock::system())
        .await
        .unwrap();
    manager.put("stripe", "sk_live_of_real_money");
    let recorded = include_str!("../../../events/client-secret-new.json");
    let click: Value = serde_json::from_str(recorded).unwrap();
    app.forget_calls().await;
    let answer = invoke(&client_secret, click, "request").await;
    assert!(answer["statusCode"].as_u64().unwrap() >= 500, "{answer}");
    assert!(!answer.to_string().contains("real_money"));
    assert_eq!(app.stripe.requests_to("POST /v1/customers").await.len(), 1);
    assert!(app.stripe.objects("customer").await.is_empty());
    app.may_leave_work();
}

/// What `GET /manage` answers to a link that is signed with this secret. Asked for JSON, because a browser
/// is sent on in any case.
async fn follow(links: &links::App, secret: &str) -> u64 {
    let signer = SignedLinks::new(&SecretString::from(secret));
    let user = "alice".parse().unwrap();
    let address = signer.manage(&"https://api.example".parse().unwrap(), &user, 0);
    let link = address.query_pairs().next().unwrap().1.into_owned();
    let recorded = include_str!("../../../events/links-manage.json");
    let mut request: Value = serde_json::from_str(recorded).unwrap();
    request["rawQueryString"] = format!("link={link}").into();
    request["queryStringParameters"] = json!({ "link": link });
    request["headers"]["accept"] = "application/json".into();
    let answer = invoke(links, request, "request").await;
    answer["statusCode"].as_u64().unwrap()
}

#[tokio::test]
async fn a_secret_of_links_is_replaced_without_a_link_that_opens_nothing() {
    const OLD: &str = "an old secret of thirty-two characters or more";
    const NEW: &str = "a new secret of thirty-two characters or more";
    let app = TestApp::start().await;
    app.shopper("alice").click().await;
    let manager = SecretsManager::start().await;
    let arn = manager.put("links", OLD);
    let env = env_with_secret(&app, &manager, "LINK_SECRET", &arn);
    let clock = Clock::manual(later(0));
    let links = links::App::start(&env, clock.clone()).await.unwrap();
    assert_eq!(follow(&links, OLD).await, 303);
    // The copies that sign take it over one by one, so both are accepted for a while.
    manager.put("links", &format!("{NEW}, {OLD}"));
    assert_eq!(follow(&links, NEW).await, 303);
    assert_eq!(follow(&links, OLD).await, 303);
    assert_eq!(manager.asked(), 2);
    // Strangers with links of their own do not get it asked for more often.
    for _ in 0..10 {
        assert_eq!(
            follow(&links, "a secret of a stranger, who has some time").await,
            404
        );
    }
    assert_eq!(manager.asked(), 2);
    manager.put("links", NEW);
    clock.advance(61);
    assert_eq!(
        follow(&links, "a secret of a stranger, who has some time").await,
        404
    );
    assert_eq!(follow(&links, OLD).await, 404);
    assert_eq!(follow(&links, NEW).await, 303);
    app.quiet().await;
}

#[tokio::test]
async fn a_secret_of_keys_and_values_is_told_apart_and_not_shown() {
    let app = TestApp::start().await;
    let manager = SecretsManager::start().await;
    let arn = manager.put("stripe", r#"{"key":"sk_test_in_a_pair"}"#);
    for name in ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "LINK_SECRET"] {
        let env = env_with_secret(&app, &manager, name, &arn);
        let error = match name {
            "STRIPE_SECRET_KEY" => client_secret::App::start(&env, Clock::system()).await.err(),
            "STRIPE_WEBHOOK_SECRETS" => webhook::App::start(&env, Clock::system()).await.err(),
            _ => links::App::start(&env, Clock::system()).await.err(),
        };
        let error: StartError = error.unwrap();
        let text = error.to_string();
        assert!(text.contains("choose Plaintext"), "{name}: {text}");
        assert!(!text.contains("in_a_pair"), "{name}: {text}");
    }
}
