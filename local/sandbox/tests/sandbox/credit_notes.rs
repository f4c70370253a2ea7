//! Credit notes, by <https://docs.stripe.com/invoicing/credit-notes> and the types of npm stripe 23.1.0.

use crate::frozen::Frozen;
use crate::support::{Pairs, Stripe, id};
use serde_json::{Value, json};

/// A shopper with an invoice of 1500 that is paid, or open.
async fn invoiced(open: bool) -> (Frozen, String) {
    let frozen = Frozen::start().await;
    let more: Pairs<'_> = if open {
        &[("payment_behavior", "default_incomplete")]
    } else {
        &[]
    };
    let subscription = frozen.subscribe(more).await;
    let invoice = id(&frozen.read(&subscription).await["latest_invoice"]);
    (frozen, invoice)
}

async fn invoice(stripe: &Stripe, invoice: &str) -> Value {
    stripe
        .get(&format!("/v1/invoices/{invoice}"), &[])
        .await
        .ok()
}

async fn note(stripe: &Stripe, invoice: &str, more: Pairs<'_>) -> crate::support::Answer {
    stripe
        .post(
            "/v1/credit_notes",
            &[&[("invoice", invoice)], more].concat(),
        )
        .await
}

#[tokio::test]
async fn a_paid_invoice_is_refunded_by_a_credit_note() {
    let (frozen, paid) = invoiced(false).await;
    let stripe = &frozen.stripe;
    let params = [
        ("amount", "600"),
        ("refund_amount", "500"),
        ("credit_amount", "60"),
        ("out_of_band_amount", "40"),
        ("reason", "order_change"),
        ("email_type", "none"),
        ("metadata[by]", "shop"),
    ];
    let made = note(stripe, &paid, &params).await.ok();
    assert_eq!(
        [
            &made["total"],
            &made["post_payment_amount"],
            &made["pre_payment_amount"],
            &made["out_of_band_amount"]
        ],
        [&json!(600), &json!(600), &json!(0), &json!(40)]
    );
    assert_eq!(
        (&made["type"], &made["status"]),
        (&json!("post_payment"), &json!("issued"))
    );
    let number = invoice(stripe, &paid).await["number"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(made["number"], format!("{number}-CN-01"));
    assert_eq!(made["refunds"][0]["amount_refunded"], 500);
    let refund = format!(
        "/v1/refunds/{}",
        made["refunds"][0]["refund"].as_str().unwrap()
    );
    assert_eq!(stripe.get(&refund, &[]).await.ok()["amount"], 500);
    let customer = format!("/v1/customers/{}", frozen.shopper.customer);
    assert_eq!(stripe.get(&customer, &[]).await.ok()["balance"], -60);
    let moved = stripe
        .get(&format!("{customer}/balance_transactions"), &[])
        .await
        .ok();
    assert_eq!(
        (
            &moved["data"][0]["type"],
            &moved["data"][0]["credit_note"],
            &moved["data"][0]["id"]
        ),
        (
            &json!("credit_note"),
            &made["id"],
            &made["customer_balance_transaction"]
        )
    );
    let after = invoice(stripe, &paid).await;
    assert_eq!(
        (&after["post_payment_credit_notes_amount"], &after["status"]),
        (&json!(600), &json!("paid"))
    );
    let events = stripe.events().await;
    for kind in ["credit_note.created", "refund.created", "charge.refunded"] {
        assert!(events.iter().any(|it| it == kind), "{kind}");
    }
    let listed = stripe
        .get("/v1/credit_notes", &[("invoice", &paid)])
        .await
        .ok();
    assert_eq!(listed["data"], json!([made]));
    let lines = stripe
        .get(&format!("/v1/credit_notes/{}/lines", id(&made)), &[])
        .await
        .ok();
    assert_eq!(lines["data"][0]["amount"], 600);
    // 900 are left, of which none is named here.
    let too_much = note(
        stripe,
        &paid,
        &[("amount", "901"), ("refund_amount", "901")],
    )
    .await;
    assert_eq!(too_much.json["error"]["param"], "amount");
    let void = stripe
        .post(&format!("/v1/credit_notes/{}/void", id(&made)), &[])
        .await;
    assert_eq!(void.refusal(), (400, None));
}

#[tokio::test]
async fn what_is_given_back_has_to_add_up() {
    let (frozen, paid) = invoiced(false).await;
    let stripe = &frozen.stripe;
    let cases: [(Pairs<'_>, Option<&str>); 7] = [
        (&[("amount", "600")], None),
        (&[("amount", "600"), ("refund_amount", "599")], None),
        (
            &[
                ("amount", "600"),
                ("refund_amount", "600"),
                ("credit_amount", "1"),
            ],
            None,
        ),
        (&[("amount", "0")], Some("parameter_invalid_integer")),
        (&[("refund_amount", "1")], Some("parameter_missing")),
        (
            &[("amount", "600"), ("refund_amount", "-600")],
            Some("parameter_invalid_integer"),
        ),
        (
            &[
                ("amount", "1"),
                ("out_of_band_amount", "1"),
                ("shipping_cost[shipping_rate]", "shr_1"),
            ],
            Some("sandbox_not_simulated"),
        ),
    ];
    for (params, code) in cases {
        assert_eq!(
            note(stripe, &paid, params).await.refusal(),
            (400, code),
            "{params:?}"
        );
    }
    assert_eq!(stripe.get("/v1/refunds", &[]).await.ok()["data"], json!([]));
    let preview = [
        ("invoice", paid.as_str()),
        ("amount", "600"),
        ("refund_amount", "600"),
    ];
    let preview = stripe.get("/v1/credit_notes/preview", &preview).await.ok();
    assert_eq!(
        (&preview["total"], &preview["post_payment_amount"]),
        (&json!(600), &json!(600))
    );
    assert_eq!(
        stripe.get("/v1/credit_notes", &[]).await.ok()["data"],
        json!([])
    );
}

/// Types of npm stripe 23.1.0: refunds can be linked, and those made alone lower what can be credited.
#[tokio::test]
async fn a_refund_that_was_made_alone_is_linked_once() {
    let (frozen, paid) = invoiced(false).await;
    let stripe = &frozen.stripe;
    let charges = stripe.get("/v1/charges", &[]).await.ok();
    let charge = id(&charges["data"][0]);
    let refund = stripe
        .id("/v1/refunds", &[("charge", &charge), ("amount", "700")])
        .await;
    let alone = note(
        stripe,
        &paid,
        &[("amount", "801"), ("out_of_band_amount", "801")],
    )
    .await;
    assert_eq!(alone.refusal(), (400, None));
    let link = [("amount", "700"), ("refunds[0][refund]", refund.as_str())];
    let made = note(stripe, &paid, &link).await.ok();
    assert_eq!(
        made["refunds"][0],
        json!({"amount_refunded": 700, "payment_record_refund": null, "refund": refund, "type": "refund"})
    );
    let again = note(stripe, &paid, &link).await;
    assert_eq!(again.refusal(), (400, None));
    // The rest can still be credited, and nothing beyond it.
    note(
        stripe,
        &paid,
        &[("amount", "800"), ("refund_amount", "800")],
    )
    .await
    .ok();
    let nothing = note(
        stripe,
        &paid,
        &[("amount", "1"), ("out_of_band_amount", "1")],
    )
    .await;
    assert_eq!(nothing.refusal(), (400, None));
    assert_eq!(
        invoice(stripe, &paid).await["post_payment_credit_notes_amount"],
        1500
    );
}

#[tokio::test]
async fn on_an_open_invoice_less_remains_to_be_paid() {
    let (frozen, open) = invoiced(true).await;
    let stripe = &frozen.stripe;
    let made = note(stripe, &open, &[("amount", "400")]).await.ok();
    assert_eq!(
        (&made["type"], &made["pre_payment_amount"]),
        (&json!("pre_payment"), &json!(400))
    );
    let lowered = invoice(stripe, &open).await;
    assert_eq!(
        [
            &lowered["total"],
            &lowered["amount_due"],
            &lowered["amount_remaining"],
            &lowered["pre_payment_credit_notes_amount"]
        ],
        [&json!(1500), &json!(1100), &json!(1100), &json!(400)]
    );
    let void = stripe
        .post(&format!("/v1/credit_notes/{}/void", id(&made)), &[])
        .await
        .ok();
    assert_eq!(void["status"], "void");
    assert_eq!(invoice(stripe, &open).await["amount_remaining"], 1500);
    note(stripe, &open, &[("amount", "500")]).await.ok();
    let pay = format!("/v1/invoices/{open}/pay");
    let paid = stripe
        .post(&pay, &[("payment_method", &frozen.shopper.method)])
        .await
        .ok();
    assert_eq!(
        (&paid["amount_paid"], &paid["status"]),
        (&json!(1000), &json!("paid"))
    );
    let charges = stripe.get("/v1/charges", &[]).await.ok();
    assert_eq!(charges["data"][0]["amount"], 1000);
    assert!(
        stripe
            .events()
            .await
            .iter()
            .any(|it| it == "credit_note.voided")
    );
}

/// A credit note over all that remains leaves nothing to pay, and the subscription is active. Inferred.
#[tokio::test]
async fn an_open_invoice_that_is_credited_in_full_is_paid() {
    let (frozen, open) = invoiced(true).await;
    note(&frozen.stripe, &open, &[("amount", "1500")])
        .await
        .ok();
    let after = invoice(&frozen.stripe, &open).await;
    assert_eq!(
        (&after["status"], &after["amount_paid"]),
        (&json!("paid"), &json!(0))
    );
    let subscription = after["parent"]["subscription_details"]["subscription"]
        .as_str()
        .unwrap();
    assert_eq!(frozen.read(subscription).await["status"], "active");
    let intents = frozen.stripe.get("/v1/payment_intents", &[]).await.ok();
    assert_eq!(intents["data"][0]["status"], "canceled");
}

/// Half of a line of 1500 with 20% off and 19% on top: 750 - 150 + 114.
#[tokio::test]
async fn a_line_is_credited_with_its_discounts_and_taxes() {
    let frozen = Frozen::start().await;
    let stripe = &frozen.stripe;
    let vat = [
        ("display_name", "VAT"),
        ("percentage", "19"),
        ("inclusive", "false"),
    ];
    let vat = stripe.id("/v1/tax_rates", &vat).await;
    let off = stripe.id("/v1/coupons", &[("percent_off", "20")]).await;
    let terms = [
        ("default_tax_rates[]", vat.as_str()),
        ("discounts[0][coupon]", &off),
    ];
    let subscription = frozen.subscribe(&terms).await;
    let paid = frozen.read(&subscription).await["latest_invoice"].clone();
    let line = id(&paid["lines"]["data"][0]);
    let params = [
        ("lines[0][type]", "invoice_line_item"),
        ("lines[0][invoice_line_item]", line.as_str()),
        ("lines[0][amount]", "750"),
        ("refund_amount", "714"),
    ];
    let made = note(stripe, &id(&paid), &params).await.ok();
    assert_eq!(
        [
            &made["subtotal"],
            &made["discount_amount"],
            &made["total_excluding_tax"],
            &made["total"]
        ],
        [&json!(750), &json!(150), &json!(600), &json!(714)]
    );
    assert_eq!(made["total_taxes"][0]["amount"], 114);
    let custom = [
        ("lines[0][type]", "custom_line_item"),
        ("lines[0][description]", "Sorry"),
        ("lines[0][quantity]", "2"),
        ("lines[0][unit_amount]", "50"),
        ("credit_amount", "100"),
    ];
    let custom = note(stripe, &id(&paid), &custom).await.ok();
    assert_eq!(
        (&custom["total"], &custom["lines"]["data"][0]["quantity"]),
        (&json!(100), &json!(2))
    );
    // 1428 were paid: 614 are left, and of the line's 1500 no more than these.
    let rest = [
        ("lines[0][type]", "invoice_line_item"),
        ("lines[0][invoice_line_item]", line.as_str()),
        ("lines[0][amount]", "1501"),
        ("refund_amount", "614"),
    ];
    assert_eq!(
        note(stripe, &id(&paid), &rest).await.json["error"]["param"],
        "lines[0]"
    );
}

#[tokio::test]
async fn a_refund_by_credit_note_may_take_its_time_and_come_back() {
    let (frozen, paid) = invoiced(false).await;
    frozen
        .stripe
        .control("/account", json!({"refunds": "pending"}))
        .await;
    let made = note(
        &frozen.stripe,
        &paid,
        &[("amount", "1500"), ("refund_amount", "1500")],
    )
    .await
    .ok();
    let refund = made["refunds"][0]["refund"].as_str().unwrap();
    let path = format!("/v1/refunds/{refund}");
    assert_eq!(
        frozen.stripe.get(&path, &[]).await.ok()["status"],
        "pending"
    );
    frozen
        .stripe
        .control(&format!("/refunds/{refund}/fail"), json!({}))
        .await;
    assert_eq!(frozen.stripe.get(&path, &[]).await.ok()["status"], "failed");
    // The credit note stands: the shop owes the money, and gives it back in another way.
    let note = frozen
        .stripe
        .get(&format!("/v1/credit_notes/{}", id(&made)), &[])
        .await
        .ok();
    assert_eq!(note["status"], "issued");
}
