//! The webhook endpoint that `cargo dev` keeps between runs.

use perennial_inbox::EventType;
use perennial_tests::TestApp;
use serde_json::json;

#[tokio::test]
async fn an_endpoint_of_an_older_version_is_subscribed_to_the_types_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::start_on(folder.path()).await;
    let endpoint = app.stripe.objects("webhook_endpoint").await[0].clone();
    assert_eq!(
        endpoint["enabled_events"],
        json!(EventType::names().as_slice())
    );
    let path = format!("/v1/webhook_endpoints/{}", endpoint["id"].as_str().unwrap());
    let before = [
        ("enabled_events[]", "invoice.paid"),
        ("enabled_events[]", "customer.updated"),
    ];
    app.stripe.api("POST", &path, &before).await;
    app.stop().await;

    let app = TestApp::start_on(folder.path()).await;
    let endpoints = app.stripe.objects("webhook_endpoint").await;
    assert_eq!(endpoints.len(), 1, "what is owed to it still belongs to it");
    assert_eq!(endpoints[0]["id"], endpoint["id"]);
    assert_eq!(
        endpoints[0]["enabled_events"],
        json!(EventType::names().as_slice())
    );
    // Its secret is the same, too.
    app.shopper("alice").buy("stock-photos-monthly").await;
    app.quiet().await;
    app.stop().await;
}
