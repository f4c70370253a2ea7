use crate::support::{CONFIRM, Pairs, Stripe, id};
use serde_json::json;

async fn check(
    stripe: &Stripe,
    path: &str,
    params: Pairs<'_>,
    status: u16,
    code: Option<&str>,
    param: Option<&str>,
) {
    let answer = stripe.post(path, params).await;
    assert_eq!(
        answer.refusal(),
        (status, code),
        "{params:?}: {}",
        answer.json
    );
    assert_eq!(answer.json["error"]["param"].as_str(), param, "{params:?}");
    assert_eq!(answer.json["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn what_stripe_refuses_is_refused() {
    let stripe = Stripe::start().await;
    let setup = "/v1/setup_intents";
    let cases: &[(Pairs<'_>, Option<&str>, &str)] = &[
        (
            &[("payment_method_types[]", "amazon_pay")],
            Some("payment_method_types_no_longer_supported"),
            "payment_method_types",
        ),
        (
            &[("wallet", "amazon_pay")],
            Some("parameter_unknown"),
            "wallet",
        ),
        (&[("usage", "sometimes")], None, "usage"),
        (&[("confirm", "perhaps")], None, "confirm"),
        (
            &[("return_url", "https://shop.example")],
            None,
            "return_url",
        ),
        (&CONFIRM[2..], None, "mandate_data"),
        (
            &[("customer", "cus_nobody")],
            Some("resource_missing"),
            "customer",
        ),
        (
            &[
                ("allowed_payment_method_types[]", "amazon_pay"),
                ("automatic_payment_methods[enabled]", "true"),
            ],
            Some("parameters_exclusive"),
            "allowed_payment_method_types",
        ),
        (
            &[
                ("allowed_payment_method_types[]", "amazon_pay"),
                ("excluded_payment_method_types[]", "card"),
            ],
            Some("parameters_exclusive"),
            "allowed_payment_method_types",
        ),
        (
            &[
                ("allowed_payment_method_types[]", "amazon_pay"),
                ("payment_method_configuration", "pmc_1"),
            ],
            Some("sandbox_not_simulated"),
            "payment_method_configuration",
        ),
        (
            &[("allowed_payment_method_types[]", "paypal")],
            Some("payment_method_not_available"),
            "allowed_payment_method_types",
        ),
        (
            &[("on_behalf_of", "acct_1")],
            Some("sandbox_not_simulated"),
            "on_behalf_of",
        ),
    ];
    for (params, code, param) in cases {
        check(&stripe, setup, params, 400, *code, Some(param)).await;
    }
    check(
        &stripe,
        "/v1/prices",
        &[("unit_amount", "1")],
        400,
        Some("parameter_missing"),
        Some("currency"),
    )
    .await;
    check(
        &stripe,
        "/v1/subscriptions",
        &[("items[0][price]", "p")],
        400,
        Some("parameter_missing"),
        Some("customer"),
    )
    .await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let missing = [
        ("customer", customer.as_str()),
        ("items[0][price]", "price_none"),
    ];
    check(
        &stripe,
        "/v1/subscriptions",
        &missing,
        400,
        Some("resource_missing"),
        Some("items[0][price]"),
    )
    .await;
}

#[tokio::test]
async fn only_a_page_may_have_its_client_inferred() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let intent = stripe
        .post("/v1/setup_intents", &[("customer", &customer)])
        .await
        .ok();
    let path = format!("/v1/setup_intents/{}/confirm", id(&intent));
    let inferred = "mandate_data[customer_acceptance][online][infer_from_client]";
    let mut params = CONFIRM[..3].to_vec();
    params.push((inferred, "true"));
    check(
        &stripe,
        &path,
        &params,
        400,
        Some("parameter_unknown"),
        Some(inferred),
    )
    .await;
    params.push(("client_secret", intent["client_secret"].as_str().unwrap()));
    let page = stripe
        .http
        .post(stripe.url(&path))
        .bearer_auth("pk_test_page")
        .header("user-agent", "Browser/7")
        .body(crate::support::encoded(&params));
    let confirmed = stripe.send(page).await.ok();
    assert_eq!(confirmed["status"], "requires_action");
    assert!(
        confirmed.get("customer").is_none(),
        "a page does not see the customer"
    );
    stripe
        .control(
            &format!("/setup_intents/{}/approve", id(&intent)),
            json!({}),
        )
        .await;
    let done = stripe
        .get(
            &format!("/v1/setup_intents/{}", id(&intent)),
            &[("expand[]", "mandate")],
        )
        .await
        .ok();
    assert_eq!(
        done["mandate"]["customer_acceptance"]["online"],
        json!({"ip_address": "127.0.0.1", "user_agent": "Browser/7"})
    );
}

#[tokio::test]
async fn keys_versions_and_addresses_are_checked() {
    let stripe = Stripe::start().await;
    let customers = stripe.url("/v1/customers");
    let send = |request: reqwest::RequestBuilder| stripe.send(request);
    assert_eq!(
        send(stripe.http.get(&customers)).await.refusal(),
        (401, None)
    );
    assert_eq!(
        send(stripe.http.get(&customers).bearer_auth("sk_live_1"))
            .await
            .refusal(),
        (401, None)
    );
    assert_eq!(
        send(stripe.http.get(&customers).bearer_auth("nonsense"))
            .await
            .refusal(),
        (401, None)
    );
    assert_eq!(
        send(stripe.http.get(&customers).bearer_auth("pk_test_1"))
            .await
            .refusal(),
        (403, Some("secret_key_required"))
    );
    let old = stripe
        .request("GET", "/v1/customers", &[])
        .header("stripe-version", "2024-06-20");
    assert_eq!(send(old).await.refusal(), (400, None));
    let answer = send(
        stripe
            .request("GET", "/v1/customers", &[])
            .header("stripe-version", perennial_sandbox::API_VERSION),
    )
    .await;
    assert_eq!(
        (answer.status, answer.header("stripe-version")),
        (200, perennial_sandbox::API_VERSION)
    );
    assert!(answer.header("request-id").starts_with("req_"));
    assert_eq!(
        stripe.get("/v1/customers/cus_none", &[]).await.refusal(),
        (404, Some("resource_missing"))
    );
    assert_eq!(stripe.get("/v1/balloons", &[]).await.refusal(), (404, None));
    let json = stripe
        .request("POST", "/v1/customers", &[])
        .header("content-type", "application/json")
        .body("{}");
    assert_eq!(send(json).await.refusal().0, 400);
}

#[tokio::test]
async fn what_the_account_may_not_use_is_left_out_in_silence() {
    let stripe = Stripe::start().await;
    let types = [
        ("allowed_payment_method_types[0]", "amazon_pay"),
        ("allowed_payment_method_types[1]", "card"),
    ];
    let both = stripe.post("/v1/setup_intents", &types).await.ok();
    assert_eq!(both["payment_method_types"], json!(["card", "amazon_pay"]));
    stripe
        .control("/account", json!({"amazon_pay": false}))
        .await;
    let card = stripe.post("/v1/setup_intents", &types).await.ok();
    assert_eq!(card["payment_method_types"], json!(["card"]));
    let none = stripe.post("/v1/setup_intents", &types[..1]).await;
    assert_eq!(none.refusal(), (400, Some("payment_method_not_available")));
}

#[tokio::test]
async fn metadata_is_merged_and_cleared() {
    let stripe = Stripe::start().await;
    let customer = stripe
        .id(
            "/v1/customers",
            &[("metadata[a]", "1"), ("metadata[b]", "2")],
        )
        .await;
    let path = format!("/v1/customers/{customer}");
    let merged = stripe
        .post(
            &path,
            &[
                ("metadata[a]", ""),
                ("metadata[c]", "3"),
                ("email", "a@example.com"),
            ],
        )
        .await
        .ok();
    assert_eq!(merged["metadata"], json!({"b": "2", "c": "3"}));
    assert_eq!(merged["email"], "a@example.com");
    let cleared = stripe.post(&path, &[("metadata", "")]).await.ok();
    assert_eq!(cleared["metadata"], json!({}));
}

// Refusals of a test account at 2026-08-26.dahlia, and for those that were not tried Stripe's own pattern of the path.
#[tokio::test]
async fn an_object_that_is_not_there_is_named_by_its_place_in_the_path() {
    let stripe = Stripe::start().await;
    for (path, param) in [
        ("/v1/customers/none", "id"),
        ("/v1/subscriptions/none", "id"),
        ("/v1/products/none", "id"),
        ("/v1/payment_intents/none", "intent"),
        ("/v1/setup_intents/none", "intent"),
        ("/v1/prices/none", "price"),
        ("/v1/invoices/none", "invoice"),
        ("/v1/disputes/none", "dispute"),
        ("/v1/radar/early_fraud_warnings/none", "early_fraud_warning"),
        ("/v1/refunds/none", "refund"),
        ("/v1/payment_methods/none", "payment_method"),
        ("/v1/test_helpers/test_clocks/none", "test_clock"),
    ] {
        let answer = stripe.get(path, &[]).await;
        assert_eq!(answer.refusal(), (404, Some("resource_missing")), "{path}");
        assert_eq!(answer.json["error"]["param"], param, "{path}");
    }
}

#[tokio::test]
async fn what_stripe_has_and_the_sandbox_lacks_is_not_taken_for_something_else() {
    let stripe = Stripe::start().await;
    // Types of npm stripe 23.1.0.
    for path in [
        "/v1/customers/search",
        "/v1/balance",
        "/v1/checkout/sessions",
    ] {
        let answer = stripe
            .get(path, &[("query", "email:'a@example.com'")])
            .await;
        assert_eq!(
            answer.refusal(),
            (400, Some("sandbox_not_simulated")),
            "{path}"
        );
        assert_eq!(answer.json["error"]["param"], format!("GET {path}"));
    }
    for header in ["Stripe-Account", "Stripe-Context"] {
        let other = stripe
            .request("GET", "/v1/customers", &[])
            .header(header, "acct_other");
        let answer = stripe.send(other).await;
        assert_eq!(answer.refusal(), (400, Some("sandbox_not_simulated")));
        assert_eq!(answer.json["error"]["param"], header);
        let own = stripe
            .request("GET", "/v1/customers", &[])
            .header(header, "acct_perennial_sandbox");
        assert_eq!(stripe.send(own).await.status, 200);
    }
}

// https://docs.stripe.com/api/metadata
#[tokio::test]
async fn metadata_stays_as_small_as_that_of_one_request() {
    let stripe = Stripe::start().await;
    let keys: Vec<String> = (0..51).map(|n| format!("metadata[k{n}]")).collect();
    let first: Vec<(&str, &str)> = keys[..50].iter().map(|key| (key.as_str(), "1")).collect();
    let path = format!("/v1/customers/{}", stripe.id("/v1/customers", &first).await);
    check(
        &stripe,
        &path,
        &[(&keys[50], "1")],
        400,
        None,
        Some("metadata"),
    )
    .await;
    let changed = [(keys[0].as_str(), ""), (keys[50].as_str(), "1")];
    let metadata = stripe.post(&path, &changed).await.ok()["metadata"].clone();
    assert_eq!(metadata.as_object().unwrap().len(), 50);
}
