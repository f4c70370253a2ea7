//! What a shop does to invoices and their items, by <https://docs.stripe.com/invoicing/overview> and the types of npm
//! stripe 23.1.0.

use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::support::id;
use serde_json::{Value, json};

/// A shopper whose renewal is a draft.
async fn renewing() -> (Frozen, String, String) {
    let frozen = Frozen::with_card().await;
    let subscription = frozen.subscribe(&[]).await;
    frozen.advance(START + 31 * DAY).await;
    let draft = id(&frozen.read(&subscription).await["latest_invoice"]);
    (frozen, subscription, format!("/v1/invoices/{draft}"))
}

#[tokio::test]
async fn a_draft_waits_while_it_does_not_advance() {
    let (frozen, subscription, path) = renewing().await;
    let params = [
        ("auto_advance", "false"),
        ("description", "Thank you"),
        ("metadata[a]", "b"),
    ];
    let held = frozen.stripe.post(&path, &params).await.ok();
    assert_eq!(
        [
            &held["auto_advance"],
            &held["automatically_finalizes_at"],
            &held["description"]
        ],
        [&json!(false), &Value::Null, &json!("Thank you")]
    );
    frozen.advance(START + 32 * DAY).await;
    assert_eq!(frozen.state(&subscription).await.1, "draft");
    let goes_on = frozen
        .stripe
        .post(&path, &[("auto_advance", "true")])
        .await
        .ok();
    assert_eq!(
        goes_on["automatically_finalizes_at"],
        START + 32 * DAY + HOUR
    );
    frozen.advance(START + 32 * DAY + 2 * HOUR).await;
    assert_eq!(frozen.state(&subscription).await.1, "paid");
}

#[tokio::test]
async fn an_invoice_is_finalized_by_hand_and_then_charged_by_itself() {
    let (frozen, subscription, path) = renewing().await;
    let open = frozen
        .stripe
        .post(&format!("{path}/finalize"), &[])
        .await
        .ok();
    assert_eq!(
        (&open["status"], &open["next_payment_attempt"]),
        (&json!("open"), &json!(START + 31 * DAY + HOUR))
    );
    let again = frozen.stripe.post(&format!("{path}/finalize"), &[]).await;
    assert_eq!(again.refusal(), (400, Some("invoice_not_editable")));
    let late = frozen
        .stripe
        .post(&path, &[("default_tax_rates", "")])
        .await;
    assert_eq!(late.refusal(), (400, Some("invoice_not_editable")));
    frozen.advance(START + 31 * DAY + 2 * HOUR).await;
    assert_eq!(
        frozen.state(&subscription).await,
        ("active".to_owned(), "paid".to_owned(), 1)
    );
}

#[tokio::test]
async fn an_invoice_is_paid_with_its_own_payment_method_first() {
    let (frozen, _, path) = renewing().await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    let attach = "/v1/payment_methods/pm_card_visa/attach";
    let other = frozen
        .stripe
        .post(attach, &[("customer", &frozen.shopper.customer)])
        .await
        .ok();
    frozen
        .stripe
        .post(&path, &[("default_payment_method", &id(&other))])
        .await
        .ok();
    let paid = frozen.stripe.post(&format!("{path}/pay"), &[]).await.ok();
    assert_eq!(paid["status"], "paid");
    let stranger = frozen
        .stripe
        .post(&path, &[("default_payment_method", "pm_none")])
        .await;
    assert_eq!(stranger.refusal(), (400, Some("resource_missing")));
}

#[tokio::test]
async fn an_invoice_that_is_given_up_brings_its_subscription_back() {
    let (frozen, subscription, path) = renewing().await;
    frozen.stripe.charges_meet(&frozen.shopper, "decline").await;
    frozen.advance(START + 31 * DAY + 2 * HOUR).await;
    assert_eq!(frozen.state(&subscription).await.0, "past_due");
    let lost = frozen
        .stripe
        .post(&format!("{path}/mark_uncollectible"), &[])
        .await
        .ok();
    assert_eq!(
        (&lost["status"], &lost["amount_remaining"]),
        (&json!("uncollectible"), &json!(1500))
    );
    assert_eq!(
        lost["status_transitions"]["marked_uncollectible_at"],
        START + 31 * DAY + 2 * HOUR
    );
    assert_eq!(frozen.state(&subscription).await.0, "active");
    let again = frozen
        .stripe
        .post(&format!("{path}/mark_uncollectible"), &[])
        .await;
    assert_eq!(again.refusal(), (400, Some("invoice_not_editable")));
    // It may still be paid after all.
    frozen.stripe.charges_meet(&frozen.shopper, "succeed").await;
    let paid = frozen.stripe.post(&format!("{path}/pay"), &[]).await.ok();
    assert_eq!(paid["amount_paid"], 1500);
    let kinds = frozen.stripe.events().await;
    assert!(kinds.iter().any(|it| it == "invoice.marked_uncollectible"));
}

#[tokio::test]
async fn an_invoice_item_waits_for_the_next_invoice_or_goes_on_a_draft() {
    let (frozen, subscription, path) = renewing().await;
    let stripe = &frozen.stripe;
    let draft = path.rsplit('/').next().unwrap().to_owned();
    let params = [
        ("invoice", draft.as_str()),
        ("amount", "300"),
        ("currency", "usd"),
        ("description", "Setup"),
    ];
    let item = stripe.post("/v1/invoiceitems", &params).await.ok();
    assert_eq!(
        (&item["invoice"], &item["customer"]),
        (&json!(draft), &json!(frozen.shopper.customer))
    );
    let with_item = stripe.get(&path, &[]).await.ok();
    assert_eq!(with_item["total"], 1800);
    let own = format!("/v1/invoiceitems/{}", id(&item));
    stripe.post(&own, &[("amount", "200")]).await.ok();
    assert_eq!(stripe.get(&path, &[]).await.ok()["total"], 1700);
    let lines = stripe
        .get(&format!("{path}/lines"), &[("limit", "1")])
        .await
        .ok();
    assert_eq!(
        (&lines["data"][0]["amount"], &lines["has_more"]),
        (&json!(1500), &json!(true))
    );
    stripe.delete(&own).await.ok();
    assert_eq!(stripe.get(&path, &[]).await.ok()["total"], 1500);

    let price = [
        ("currency", "usd"),
        ("unit_amount", "250"),
        ("product_data[name]", "Print"),
    ];
    let price = stripe.id("/v1/prices", &price).await;
    let params = [
        ("customer", frozen.shopper.customer.as_str()),
        ("pricing[price]", &price),
        ("quantity", "2"),
    ];
    let waiting = stripe.post("/v1/invoiceitems", &params).await.ok();
    assert_eq!(
        (&waiting["amount"], &waiting["description"]),
        (&json!(500), &json!("Print"))
    );
    let pending = stripe
        .get("/v1/invoiceitems", &[("pending", "true")])
        .await
        .ok();
    assert_eq!(pending["data"], json!([waiting]));
    frozen.advance(START + 62 * DAY + 2 * HOUR).await;
    let next = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        (&next["total"], &next["amount_paid"]),
        (&json!(2000), &json!(2000))
    );
    let late = stripe
        .delete(&format!("/v1/invoiceitems/{}", id(&waiting)))
        .await;
    assert_eq!(late.refusal(), (400, Some("invoice_not_editable")));
    for params in [
        vec![
            ("customer", frozen.shopper.customer.as_str()),
            ("amount", "1"),
        ],
        vec![("amount", "1"), ("currency", "usd")],
        vec![
            ("customer", frozen.shopper.customer.as_str()),
            ("currency", "usd"),
        ],
    ] {
        let refused = stripe.post("/v1/invoiceitems", &params).await;
        assert_eq!(
            refused.refusal(),
            (400, Some("parameter_missing")),
            "{params:?}"
        );
    }
}

/// An item's own discount, and the tax on what it leaves: 300 - 30 = 270, and 10% of that.
#[tokio::test]
async fn an_invoice_item_has_discounts_and_taxes_of_its_own() {
    let (frozen, _, path) = renewing().await;
    let stripe = &frozen.stripe;
    let off = stripe.id("/v1/coupons", &[("percent_off", "10")]).await;
    let tax = [
        ("display_name", "Tax"),
        ("percentage", "10"),
        ("inclusive", "false"),
    ];
    let tax = stripe.id("/v1/tax_rates", &tax).await;
    let draft = path.rsplit('/').next().unwrap();
    let params = [
        ("invoice", draft),
        ("amount", "300"),
        ("currency", "usd"),
        ("discounts[0][coupon]", &off),
        ("tax_rates[]", &tax),
    ];
    stripe.post("/v1/invoiceitems", &params).await.ok();
    let invoice = stripe.get(&path, &[]).await.ok();
    assert_eq!(
        (&invoice["subtotal"], &invoice["total"]),
        (&json!(1770), &json!(1797))
    );
    let other = stripe
        .id("/v1/coupons", &[("amount_off", "100"), ("currency", "usd")])
        .await;
    let changed = stripe
        .post(&path, &[("discounts[0][coupon]", &other)])
        .await
        .ok();
    // 100 shared over 1500 and 270 is 84 and 16; 10% of 254 is 25.4.
    assert_eq!(changed["total"], 1500 - 84 + 270 - 16 + 25);
}

#[tokio::test]
async fn a_final_invoice_has_a_page_a_pdf_and_its_charge_a_receipt() {
    let frozen = Frozen::start().await;
    let subscription = frozen.subscribe(&[]).await;
    let invoice = frozen.read(&subscription).await["latest_invoice"].clone();
    let charges = frozen.stripe.get("/v1/charges", &[]).await.ok();
    let number = invoice["number"].as_str().unwrap();
    for (url, kind, holds) in [
        (
            &invoice["hosted_invoice_url"],
            "text/html; charset=utf-8",
            number,
        ),
        (&invoice["invoice_pdf"], "application/pdf", "%PDF-1.4"),
        (
            &charges["data"][0]["receipt_url"],
            "text/html; charset=utf-8",
            "1500 USD",
        ),
    ] {
        let page = frozen
            .stripe
            .http
            .get(url.as_str().unwrap())
            .send()
            .await
            .unwrap();
        assert_eq!(page.status(), 200, "{url}");
        assert_eq!(page.headers()["content-type"], kind);
        let text = page.text().await.unwrap();
        assert!(text.contains(holds), "{text}");
    }
    let nobody = frozen.stripe.url("/sandbox/invoices/guess");
    assert_eq!(
        frozen
            .stripe
            .http
            .get(nobody)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}
