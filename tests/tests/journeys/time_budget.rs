//! One request has one time for Stripe, whatever it does in between.

use std::time::Duration;

use perennial_config::Start as _;
use perennial_flows::{Clients, FlowError, Return, ReturnedIntent};
use perennial_stripe::{Cause, Settings, Stripe, StripeError};
use perennial_tests::TestApp;
use perennial_types::Clock;

fn clients(app: &TestApp, budget: Duration) -> Clients {
    let key = app.variable("STRIPE_SECRET_KEY").to_owned();
    let settings = Settings::new(key.into(), app.stripe.url().parse().unwrap());
    let table = app.table_client();
    Clients::new(
        Stripe::new(settings).unwrap(),
        table,
        Clock::system(),
        false,
    )
    .with_budget(budget)
}

fn is_out_of_time(error: &FlowError) -> bool {
    matches!(
        error,
        FlowError::Stripe(StripeError::Unavailable {
            cause: Cause::OutOfTime,
            ..
        })
    )
}

/// A return reads its proof first, and then finishes the checkout. None of it asks Stripe when the time
/// of the request is over.
#[tokio::test]
async fn a_return_has_one_budget_for_its_proof_and_its_end() {
    let mut app = TestApp::start().await;
    app.stripe.hold_webhooks().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    alice.answer_wallet(&opened, "approve").await;
    let (user, checkout) = (
        "alice".parse().unwrap(),
        opened["checkout"].as_str().unwrap().parse().unwrap(),
    );
    let back = Return {
        intent: ReturnedIntent::Setup(opened["setup_intent"].as_str().unwrap().parse().unwrap()),
        secret: opened["client_secret"].as_str().unwrap().into(),
        checkout: opened["checkout"].as_str().unwrap().parse().unwrap(),
    };
    let budget = Duration::from_secs(2);
    let context = clients(&app, budget).begin().await.unwrap();
    // Whatever takes all of the time.
    tokio::time::sleep(budget).await;
    app.stripe.forget_requests().await;
    for error in [
        context.checkouts().confirm_return(&back).await.unwrap_err(),
        context
            .checkouts()
            .finish(&user, &checkout)
            .await
            .unwrap_err(),
    ] {
        assert!(is_out_of_time(&error), "{error:?}");
    }
    assert!(
        app.stripe.requests().await.is_empty(),
        "Stripe is asked no more"
    );
    // The next request has its own, and finds what the last one has left.
    let next = clients(&app, Duration::from_secs(9));
    let context = next.begin().await.unwrap();
    context.checkouts().finish(&user, &checkout).await.unwrap();
    app.stripe.release_webhooks("fifo", 0, 1).await;
    app.quiet().await;
    app.may_leave_work();
}

/// A wait for another request ends with the request's own time.
#[tokio::test]
async fn a_wait_for_another_request_is_within_the_budget() {
    let app = TestApp::start().await;
    let proxy = app.proxy_to_stripe().await;
    let env = app.env_of("client-secret", &[("STRIPE_API_BASE", proxy.url())]);
    let slow = client_secret::App::start(&env, Clock::system())
        .await
        .unwrap();
    let held = proxy.hold_next("POST /v1/customers");
    let click = |function: client_secret::App| async move {
        let body = serde_json::json!({"plan": "stock-photos-monthly", "wallet": "amazon_pay"});
        super::catalog::ask(
            &function,
            "POST /client-secret",
            "",
            Some("alice"),
            Some(body),
        )
        .await
    };
    let first = tokio::spawn(click(slow));
    held.arrives().await;
    let clients = clients(&app, Duration::from_millis(400));
    let context = clients.begin().await.unwrap();
    let (name, plan) = context.plans().get("stock-photos-monthly").unwrap();
    let ask = perennial_flows::IssueCheckout {
        again: None,
        discount: None,
        tax: None,
        address: None,
        user: "alice".parse().unwrap(),
        email: None,
        name: name.clone(),
        plan: plan.clone(),
        quantity: 1,
        addons: Vec::new(),
        wallet: Some(perennial_types::Wallet::AmazonPay),
        first: perennial_types::First::SetupIntent,
        consent_version: Some("default-1".to_owned()),
        shown_trial_days: None,
        consent: None,
        return_to: None,
        confirm_url: "https://api.shop.example/confirm".parse().unwrap(),
    };
    let begun = std::time::Instant::now();
    let error = context.checkouts().issue(&ask).await.unwrap_err();
    assert!(matches!(error, FlowError::Busy), "{error:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "and not six seconds more"
    );
    held.release();
    assert_eq!(first.await.unwrap().0, 201);
}
