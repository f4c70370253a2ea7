//! Configurations of the portal, and that its page offers what they say and nothing else.

use crate::support::{Pairs, Shopper, Stripe, encoded, id};
use serde_json::{Value, json};

const PATH: &str = "/v1/billing_portal/configurations";
const SESSIONS: &str = "/v1/billing_portal/sessions";

/// Two prices of one product beside the shopper's own.
struct Shelf {
    product: String,
    monthly: String,
    yearly: String,
}

async fn shelf(stripe: &Stripe) -> Shelf {
    let product = stripe.id("/v1/products", &[("name", "Photos")]).await;
    let price = async |amount: &str, interval: &str| {
        let params = [
            ("currency", "usd"),
            ("unit_amount", amount),
            ("recurring[interval]", interval),
            ("product", &*product),
        ];
        stripe.id("/v1/prices", &params).await
    };
    Shelf {
        monthly: price("1500", "month").await,
        yearly: price("15000", "year").await,
        product: product.clone(),
    }
}

fn selling<'a>(shelf: &'a Shelf, more: Pairs<'a>) -> Vec<(&'a str, &'a str)> {
    let mut params = vec![
        ("features[payment_method_update][enabled]", "true"),
        ("features[subscription_update][enabled]", "true"),
        (
            "features[subscription_update][default_allowed_updates][0]",
            "price",
        ),
        (
            "features[subscription_update][products][0][product]",
            &*shelf.product,
        ),
        (
            "features[subscription_update][products][0][prices][0]",
            &*shelf.monthly,
        ),
        (
            "features[subscription_update][products][0][prices][1]",
            &*shelf.yearly,
        ),
    ];
    params.extend_from_slice(more);
    params
}

async fn session(stripe: &Stripe, customer: &str, more: Pairs<'_>) -> Value {
    let mut params = vec![("customer", customer)];
    params.extend_from_slice(more);
    stripe.post(SESSIONS, &params).await.ok()
}

async fn page(stripe: &Stripe, session: &Value) -> String {
    let url = session["url"].as_str().unwrap();
    stripe
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// The status, and where the customer is led.
async fn send(stripe: &Stripe, session: &Value, fields: Pairs<'_>) -> (u16, String) {
    let url = session["url"].as_str().unwrap();
    let request = stripe.http.post(url).body(encoded(fields));
    let answer = request.send().await.unwrap();
    let place = answer.headers().get("location");
    let place = place.map(|place| place.to_str().unwrap().to_owned());
    (answer.status().as_u16(), place.unwrap_or_default())
}

async fn of(stripe: &Stripe, subscription: &str) -> Value {
    stripe
        .get(&format!("/v1/subscriptions/{subscription}"), &[])
        .await
        .ok()
}

async fn subscribed(stripe: &Stripe, price: &str, more: Pairs<'_>) -> (Shopper, String) {
    let mut shopper = stripe.shopper().await;
    shopper.price = price.to_owned();
    let subscription = id(&stripe.subscribe(&shopper, more).await.ok());
    (shopper, subscription)
}

#[tokio::test]
async fn a_configuration_is_made_changed_listed_and_put_out_of_use() {
    let stripe = Stripe::start().await;
    let params = [
        ("name", "Accounts"),
        ("default_return_url", "https://shop.example/account"),
        ("business_profile[headline]", "Your photos"),
        ("metadata[by]", "tests"),
        ("features[invoice_history][enabled]", "true"),
        ("features[subscription_cancel][enabled]", "true"),
    ];
    let made = stripe.post(PATH, &params).await.ok();
    assert!(id(&made).starts_with("bpc_"));
    assert_eq!(made["active"], true);
    assert_eq!(made["is_default"], false);
    assert_eq!(made["metadata"], json!({"by": "tests"}));
    assert_eq!(made["business_profile"]["headline"], "Your photos");
    assert_eq!(
        made["features"]["subscription_cancel"]["mode"],
        "at_period_end"
    );
    assert_eq!(
        made["features"]["subscription_update"]["trial_update_behavior"],
        "end_trial"
    );
    assert_eq!(
        made["features"]["subscription_update"]["products"],
        Value::Null
    );
    let path = format!("{PATH}/{}", id(&made));
    let changed = stripe
        .post(
            &path,
            &[
                ("features[subscription_cancel][mode]", "immediately"),
                (
                    "features[subscription_cancel][proration_behavior]",
                    "create_prorations",
                ),
                ("business_profile[headline]", ""),
                ("active", "false"),
            ],
        )
        .await
        .ok();
    let features = &changed["features"];
    assert_eq!(
        features["subscription_cancel"]["enabled"], true,
        "what is not sent stays"
    );
    assert_eq!(features["subscription_cancel"]["mode"], "immediately");
    assert_eq!(changed["business_profile"]["headline"], Value::Null);
    assert_eq!(stripe.get(&path, &[]).await.ok(), changed);
    let ids = async |filter: Pairs<'_>| -> Vec<String> {
        let list = stripe.get(PATH, filter).await.ok();
        list["data"].as_array().unwrap().iter().map(id).collect()
    };
    let default = ids(&[("is_default", "true")]).await;
    assert_eq!(default.len(), 1);
    assert_eq!(ids(&[("active", "true")]).await, default);
    assert_eq!(ids(&[("active", "false")]).await, [id(&made)]);
    assert_eq!(ids(&[]).await, [id(&made), default[0].clone()]);

    let customer = stripe.id("/v1/customers", &[]).await;
    let params = [("customer", &*customer), ("configuration", &*id(&made))];
    assert_eq!(stripe.post(SESSIONS, &params).await.refusal(), (400, None));
    let off = stripe
        .post(&format!("{PATH}/{}", default[0]), &[("active", "false")])
        .await;
    assert_eq!(off.refusal().0, 400);
    let told = stripe.events().await;
    for event in ["created", "updated"] {
        let event = format!("billing_portal.configuration.{event}");
        assert!(told.contains(&event), "{event}");
    }
}

#[tokio::test]
async fn without_a_default_a_session_needs_a_configuration() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let opened = session(&stripe, &customer, &[]).await;
    assert_eq!(opened["configuration"], "bpc_1PerennialSandboxDefault0");
    stripe
        .control("/account", json!({"portal_default": false}))
        .await;
    let answer = stripe.post(SESSIONS, &[("customer", &customer)]).await;
    assert_eq!(answer.refusal(), (400, None));
    let words = answer.json["error"]["message"].as_str().unwrap();
    assert!(words.starts_with("No configuration provided"), "{words}");
    let params = [("features[invoice_history][enabled]", "true")];
    let own = id(&stripe.post(PATH, &params).await.ok());
    let opened = session(&stripe, &customer, &[("configuration", &own)]).await;
    assert_eq!(opened["configuration"], json!(own));
    let expanded = [("configuration", &*own), ("expand[0]", "configuration")];
    let opened = session(&stripe, &customer, &expanded).await;
    assert_eq!(opened["configuration"]["id"], json!(own));
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let stripe = Stripe::start().await;
    let shelf = shelf(&stripe).await;
    let other = self::shelf(&stripe).await;
    let prefix = "features[subscription_update]";
    let product = format!("{prefix}[products][0][product]");
    let refused = async |params: Pairs<'_>, code: Option<&str>, param: &str| {
        let answer = stripe.post(PATH, params).await;
        assert_eq!(answer.refusal(), (400, code), "{params:?}");
        assert_eq!(answer.json["error"]["param"], json!(param), "{params:?}");
    };
    refused(&[], Some("parameter_missing"), "features").await;
    let enabled = ("features[subscription_update][enabled]", "true");
    refused(&[enabled], None, "features[subscription_update][enabled]").await;
    let methods = ("features[payment_method_update][enabled]", "true");
    let allowed = "features[subscription_update][default_allowed_updates]";
    refused(&[enabled, methods], Some("parameter_missing"), allowed).await;
    let mut foreign = selling(&shelf, &[]);
    foreign.retain(|(name, _)| *name != product);
    foreign.push((&product, &other.product));
    let param = "features[subscription_update][products][0][prices][0]";
    refused(&foreign, None, param).await;
    let prorated = [
        ("features[subscription_cancel][enabled]", "true"),
        (
            "features[subscription_cancel][proration_behavior]",
            "create_prorations",
        ),
    ];
    let param = "features[subscription_cancel][proration_behavior]";
    refused(&prorated, None, param).await;
    let unsimulated = Some("sandbox_not_simulated");
    for (name, value, param) in [
        ("login_page[enabled]", "true", "login_page[enabled]"),
        (
            "features[subscription_pause][enabled]",
            "true",
            "features[subscription_pause][enabled]",
        ),
        (
            "features[subscription_update][schedule_at_period_end][conditions][0][type]",
            "decreasing_item_amount",
            "features[subscription_update][schedule_at_period_end][conditions]",
        ),
        (
            "features[payment_method_update][payment_method_configuration]",
            "pmc_1",
            "features[payment_method_update][payment_method_configuration]",
        ),
    ] {
        let rest = [
            ("features[customer_update][enabled]", "false"),
            ("features[subscription_update][enabled]", "false"),
            ("features[payment_method_update][enabled]", "true"),
            (name, value),
        ];
        refused(&rest, unsimulated, param).await;
    }
}

#[tokio::test]
async fn the_page_offers_only_what_the_configuration_says() {
    let stripe = Stripe::start().await;
    let shelf = shelf(&stripe).await;
    let (shopper, subscription) = subscribed(&stripe, &shelf.monthly, &[]).await;
    let nothing = [("features[invoice_history][enabled]", "true")];
    let nothing = id(&stripe.post(PATH, &nothing).await.ok());
    let opened = session(&stripe, &shopper.customer, &[("configuration", &nothing)]).await;
    let shown = page(&stripe, &opened).await;
    assert!(
        shown.contains("Photos") && shown.contains("Invoices"),
        "{shown}"
    );
    assert!(!shown.contains("<form"), "{shown}");
    for fields in [
        vec![("action", "cancel")],
        vec![("action", "change"), ("price", &*shelf.yearly)],
        vec![("action", "method"), ("card", "pm_card_visa")],
        vec![("action", "details"), ("email", "a@example.com")],
    ] {
        let mut sent = vec![("subscription", &*subscription)];
        sent.extend_from_slice(&fields);
        assert_eq!(send(&stripe, &opened, &sent).await.0, 409, "{fields:?}");
    }
    assert_eq!(of(&stripe, &subscription).await["cancel_at"], Value::Null);

    let all = id(&stripe.post(PATH, &selling(&shelf, &[])).await.ok());
    let opened = session(&stripe, &shopper.customer, &[("configuration", &all)]).await;
    let shown = page(&stripe, &opened).await;
    assert!(
        shown.contains("Update subscription") && shown.contains(&shelf.yearly),
        "{shown}"
    );
    assert!(!shown.contains("Cancel subscription"));
    let change = [
        ("subscription", &*subscription),
        ("action", "change"),
        ("price", &*shelf.yearly),
    ];
    assert_eq!(send(&stripe, &opened, &change).await.0, 303);
    let now = of(&stripe, &subscription).await;
    assert_eq!(now["items"]["data"][0]["price"]["id"], json!(shelf.yearly));

    let card = [
        ("subscription", &*subscription),
        ("action", "method"),
        ("card", "pm_card_mastercard"),
    ];
    assert_eq!(send(&stripe, &opened, &card).await.0, 303);
    let now = of(&stripe, &subscription).await;
    assert_ne!(now["default_payment_method"], json!(shopper.method));
    let declined = [("action", "method"), ("card", "pm_card_chargeDeclined")];
    assert_eq!(send(&stripe, &opened, &declined).await.0, 409);
    let card = [("action", "method"), ("card", "pm_card_visa")];
    assert_eq!(send(&stripe, &opened, &card).await.0, 303);
    let path = format!("/v1/customers/{}", shopper.customer);
    let customer = stripe.get(&path, &[]).await.ok();
    let default = &customer["invoice_settings"]["default_payment_method"];
    assert!(default.is_string(), "{customer}");
    assert_ne!(default, &now["default_payment_method"]);
}

#[tokio::test]
async fn a_subscription_that_a_schedule_manages_is_neither_canceled_nor_changed() {
    let stripe = Stripe::start().await;
    let shelf = shelf(&stripe).await;
    let (shopper, subscription) = subscribed(&stripe, &shelf.monthly, &[]).await;
    let cancels = [("features[subscription_cancel][enabled]", "true")];
    let all = id(&stripe.post(PATH, &selling(&shelf, &cancels)).await.ok());
    let opened = session(&stripe, &shopper.customer, &[("configuration", &all)]).await;
    assert!(page(&stripe, &opened).await.contains("Cancel subscription"));
    let from = [("from_subscription", &*subscription)];
    stripe.post("/v1/subscription_schedules", &from).await.ok();
    let shown = page(&stripe, &opened).await;
    assert!(!shown.contains("Cancel subscription") && !shown.contains("Update subscription"));
    for fields in [
        vec![("action", "cancel")],
        vec![("action", "change"), ("price", &*shelf.yearly)],
    ] {
        let mut sent = vec![("subscription", &*subscription)];
        sent.extend_from_slice(&fields);
        assert_eq!(send(&stripe, &opened, &sent).await.0, 409);
    }
}

#[tokio::test]
async fn a_cancellation_says_why_and_may_be_at_once() {
    let stripe = Stripe::start().await;
    let (shopper, subscription) = {
        let price = stripe.price().await;
        subscribed(&stripe, &price, &[]).await
    };
    let cancels = [
        ("features[subscription_cancel][enabled]", "true"),
        ("features[subscription_cancel][mode]", "immediately"),
        (
            "features[subscription_cancel][cancellation_reason][enabled]",
            "true",
        ),
        (
            "features[subscription_cancel][cancellation_reason][options][0]",
            "unused",
        ),
    ];
    let all = id(&stripe.post(PATH, &cancels).await.ok());
    let opened = session(&stripe, &shopper.customer, &[("configuration", &all)]).await;
    let sent = [
        ("subscription", &*subscription),
        ("action", "cancel"),
        ("reason", "unused"),
    ];
    assert_eq!(send(&stripe, &opened, &sent).await.0, 303);
    let now = of(&stripe, &subscription).await;
    assert_eq!(now["status"], "canceled");
    assert_eq!(now["cancellation_details"]["feedback"], "unused");
}

#[tokio::test]
async fn a_session_for_one_flow_does_that_and_leads_back() {
    let stripe = Stripe::start().await;
    let shelf = shelf(&stripe).await;
    let (shopper, subscription) = subscribed(&stripe, &shelf.monthly, &[]).await;
    let cancels = [("features[subscription_cancel][enabled]", "true")];
    let all = id(&stripe.post(PATH, &selling(&shelf, &cancels)).await.ok());
    let customer = &shopper.customer;
    let item = id(&of(&stripe, &subscription).await["items"]["data"][0]);
    let confirm = [
        ("configuration", &*all),
        ("flow_data[type]", "subscription_update_confirm"),
        (
            "flow_data[subscription_update_confirm][subscription]",
            &subscription,
        ),
        (
            "flow_data[subscription_update_confirm][items][0][id]",
            &item,
        ),
        (
            "flow_data[subscription_update_confirm][items][0][price]",
            &shelf.yearly,
        ),
        ("flow_data[after_completion][type]", "redirect"),
        (
            "flow_data[after_completion][redirect][return_url]",
            "https://shop.example/thanks",
        ),
    ];
    let opened = session(&stripe, customer, &confirm).await;
    assert_eq!(
        opened["flow"]["subscription_update_confirm"]["items"][0]["price"],
        json!(shelf.yearly)
    );
    let shown = page(&stripe, &opened).await;
    assert!(
        shown.contains("Confirm") && !shown.contains("Cancel subscription"),
        "{shown}"
    );
    let sent = [
        ("subscription", &*subscription),
        ("action", "change"),
        ("price", &*shelf.yearly),
        ("quantity", "1"),
    ];
    assert_eq!(
        send(
            &stripe,
            &opened,
            &[("subscription", &*subscription), ("action", "cancel")]
        )
        .await
        .0,
        409
    );
    let (status, place) = send(&stripe, &opened, &sent).await;
    assert_eq!(
        (status, place.as_str()),
        (303, "https://shop.example/thanks")
    );
    let now = of(&stripe, &subscription).await;
    assert_eq!(now["items"]["data"][0]["price"]["id"], json!(shelf.yearly));

    let cancel = [
        ("configuration", &*all),
        ("flow_data[type]", "subscription_cancel"),
        (
            "flow_data[subscription_cancel][subscription]",
            &*subscription,
        ),
        ("flow_data[after_completion][type]", "hosted_confirmation"),
        (
            "flow_data[after_completion][hosted_confirmation][custom_message]",
            "So long & thanks",
        ),
    ];
    let opened = session(&stripe, customer, &cancel).await;
    let sent = [("subscription", &*subscription), ("action", "cancel")];
    let (_, place) = send(&stripe, &opened, &sent).await;
    let text = stripe.http.get(stripe.url(&place)).send().await.unwrap();
    assert!(text.text().await.unwrap().contains("So long &amp; thanks"));
    assert!(of(&stripe, &subscription).await["cancel_at"].is_i64());
    // It is canceled already.
    let mut again = vec![("customer", &**customer)];
    again.extend_from_slice(&cancel);
    assert_eq!(stripe.post(SESSIONS, &again).await.refusal(), (400, None));

    let methods = [
        ("configuration", &*all),
        ("flow_data[type]", "payment_method_update"),
    ];
    let opened = session(&stripe, customer, &methods).await;
    assert!(!page(&stripe, &opened).await.contains(&subscription));
    let sent = [("action", "method"), ("card", "pm_card_visa")];
    let (status, place) = send(&stripe, &opened, &sent).await;
    assert_eq!(status, 303);
    assert!(place.starts_with("/p/session/"), "{place}");
}

#[tokio::test]
async fn a_flow_that_the_portal_does_not_offer_is_refused() {
    let stripe = Stripe::start().await;
    let shelf = shelf(&stripe).await;
    let (shopper, subscription) = subscribed(&stripe, &shelf.monthly, &[]).await;
    let nothing = [("features[invoice_history][enabled]", "true")];
    let nothing = id(&stripe.post(PATH, &nothing).await.ok());
    let refused = async |more: Pairs<'_>, code: Option<&str>| -> String {
        let mut params = vec![
            ("customer", &*shopper.customer),
            ("configuration", &*nothing),
        ];
        params.extend_from_slice(more);
        let answer = stripe.post(SESSIONS, &params).await;
        assert_eq!(answer.refusal(), (400, code), "{more:?}");
        answer.json["error"]["message"].as_str().unwrap().to_owned()
    };
    let of = [
        ("flow_data[type]", "subscription_cancel"),
        (
            "flow_data[subscription_cancel][subscription]",
            &*subscription,
        ),
    ];
    assert_eq!(
        refused(&of, None).await,
        "This subscription cannot be canceled because the subscription cancel feature in the portal configuration is disabled."
    );
    let foreign = [
        ("flow_data[type]", "subscription_cancel"),
        ("flow_data[subscription_cancel][subscription]", "sub_none"),
    ];
    refused(&foreign, Some("resource_missing")).await;
    refused(&[("flow_data[type]", "payment_method_update")], None).await;
    refused(
        &[("flow_data[type]", "subscription_cancel")],
        Some("parameter_missing"),
    )
    .await;
    for kind in ["customer_update", "subscription_pause"] {
        refused(&[("flow_data[type]", kind)], Some("sandbox_not_simulated")).await;
    }
    let retention = [
        of[0],
        of[1],
        (
            "flow_data[subscription_cancel][retention][type]",
            "coupon_offer",
        ),
        (
            "flow_data[subscription_cancel][retention][coupon_offer][coupon]",
            "ten",
        ),
    ];
    refused(&retention, Some("sandbox_not_simulated")).await;
}
