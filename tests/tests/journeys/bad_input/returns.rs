//! Returns that no wallet sent.

use perennial_tests::TestApp;
use serde_json::Value;
use url::form_urlencoded;

use super::{everything, two_shoppers};

#[tokio::test]
async fn a_return_without_the_right_secret_is_refused_and_changes_nothing() {
    let (app, alice, bob) = two_shoppers().await;
    let shopper = app.shopper("alice");
    shopper.answer_wallet(&alice, "approve").await;
    let before = everything(&app).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let [chk, seti, secret] =
        ["checkout", "setup_intent", "client_secret"].map(|name| text(&alice[name]));
    let [other_chk, other_seti, other_secret] =
        ["checkout", "setup_intent", "client_secret"].map(|name| text(&bob[name]));
    let wrong = format!("{seti}_secret_0000000000000000000000000");
    let shorter = secret[..secret.len() - 1].to_owned();
    let anybody = app.anybody();
    for (query, status, code) in [
        (vec![], 400, "missing_parameter"),
        (vec![("checkout", &chk)], 400, "missing_parameter"),
        (
            vec![("checkout", &chk), ("setup_intent", &seti)],
            400,
            "missing_parameter",
        ),
        (
            vec![
                ("setup_intent", &seti),
                ("setup_intent_client_secret", &secret),
            ],
            400,
            "missing_parameter",
        ),
        (
            vec![("checkout", &chk), ("setup_intent_client_secret", &secret)],
            400,
            "missing_parameter",
        ),
        (
            vec![
                ("checkout", &chk),
                ("setup_intent", &seti),
                ("setup_intent_client_secret", &wrong),
            ],
            404,
            "unknown_checkout",
        ),
        (
            vec![
                ("checkout", &chk),
                ("setup_intent", &seti),
                ("setup_intent_client_secret", &shorter),
            ],
            404,
            "unknown_checkout",
        ),
        (
            vec![
                ("checkout", &chk),
                ("setup_intent", &seti),
                ("setup_intent_client_secret", &other_secret),
            ],
            404,
            "unknown_checkout",
        ),
        (
            vec![
                ("checkout", &chk),
                ("setup_intent", &other_seti),
                ("setup_intent_client_secret", &other_secret),
            ],
            404,
            "unknown_checkout",
        ),
        (
            vec![
                ("checkout", &other_chk),
                ("setup_intent", &seti),
                ("setup_intent_client_secret", &secret),
            ],
            404,
            "unknown_checkout",
        ),
        (
            vec![
                ("checkout", &other_seti),
                ("setup_intent", &seti),
                ("setup_intent_client_secret", &secret),
            ],
            404,
            "unknown_checkout",
        ),
    ] {
        let mut query: Vec<(&str, &String)> = query;
        let status_of_stripe = "succeeded".to_owned();
        query.push(("redirect_status", &status_of_stripe));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        for accept in ["text/html", "application/json"] {
            let request = anybody.request("GET", &format!("/confirm?{query}"));
            let answer = anybody.send(request.header("accept", accept)).await;
            if accept == "application/json" {
                assert_eq!(answer.expect_error(status), code, "{query}");
                continue;
            }
            // A browser goes on to the shop, with no secret in its address.
            let landed = answer.expect(303);
            assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
            assert_eq!(landed.landed_with("reason").as_deref(), Some(code));
            assert!(!landed.location().as_str().contains("_secret_"));
        }
    }
    assert_eq!(everything(&app).await, before);
    app.stripe.release_webhooks("fifo", 0, 1).await;
}

#[tokio::test]
async fn what_the_address_says_of_the_outcome_counts_for_nothing() {
    let app = TestApp::start().await;
    let alice = app.shopper("alice");
    let opened = alice.click().await;
    let back = alice.answer_wallet(&opened, "decline").await;
    assert!(back.contains("redirect_status=failed"));
    let forged = back.replace("redirect_status=failed", "redirect_status=succeeded");
    let landed = alice.calls.come_back(&forged).await.expect(303);
    assert_eq!(landed.landed_with("status").as_deref(), Some("failed"));
    assert!(app.stripe.objects("subscription").await.is_empty());
}
