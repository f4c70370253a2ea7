//! Invoices that the shop's servers give back, in full or in part: once, whatever fails in between.

mod failing;

use perennial_tests::Answer;
use serde_json::{Value, json};

use super::Subscriber;
use crate::payments::{all, text};

const MONTHLY: &str = "stock-photos-monthly";
const PRICE: u64 = 1500;

/// A subscriber, and the invoice that was paid.
async fn subscriber() -> (Subscriber, String) {
    let it = Subscriber::of(MONTHLY).await;
    let invoice = text(&it.mine().await["latest_paid_invoice"]).to_owned();
    (it, invoice)
}

fn of(invoice: &str, amount: Option<u64>) -> Value {
    let mut body = json!({ "invoice": invoice });
    if let Some(amount) = amount {
        body["amount"] = amount.into();
    }
    body
}

/// What goes back, to the payment method and to the balance.
fn given_back(answer: &Answer) -> (u64, u64) {
    let amount = |name: &str| {
        let money = answer.json()["given_back"][name].clone();
        assert_eq!(money["currency"], "usd", "{money}");
        money["amount"].as_u64().unwrap()
    };
    (amount("refund"), amount("credit"))
}

impl Subscriber {
    /// What Stripe has given back of all charges, and in how many credit notes.
    async fn gone_back(&self) -> (u64, usize) {
        let charges = self.app.stripe.objects("charge").await;
        let refunded = charges.iter().map(|it| it["amount_refunded"].as_u64());
        let notes = self.app.stripe.objects("credit_note").await;
        (refunded.map(Option::unwrap).sum(), notes.len())
    }

    /// How often the shop was told of a refund.
    async fn told_of_refunds(&self) -> usize {
        self.app.quiet().await;
        let told = self.app.table.items_of("OUT#").await;
        let of_refunds = told
            .iter()
            .filter(|event| event["type"] == "subscription.refunded");
        of_refunds.count()
    }
}

#[tokio::test]
async fn an_invoice_goes_back_in_full_and_once() {
    let (it, invoice) = subscriber().await;
    let answer = it.server_asks("refund", "k1", &of(&invoice, None)).await;
    let answer = answer.expect(200);
    assert_eq!(given_back(&answer), (PRICE, 0));
    let refunds = json!([{"invoice": invoice, "amount": PRICE, "paid": PRICE, "currency": "usd"}]);
    let now = answer.json()["subscription"].clone();
    assert_eq!(
        (&now["status"], &now["refunds"]),
        (&json!("active"), &refunds)
    );
    let again = it.server_asks("refund", "k1", &of(&invoice, None)).await;
    assert_eq!(given_back(&again.expect(200)), (PRICE, 0));
    let other = it.server_asks("refund", "k2", &of(&invoice, None)).await;
    assert_eq!(other.expect_error(409), "nothing_to_refund");
    let reused = it.server_asks("refund", "k1", &of(&invoice, Some(1))).await;
    assert_eq!(reused.expect_error(409), "idempotency_key_reused");
    assert_eq!(it.gone_back().await, (PRICE, 1));
    assert_eq!(it.told_of_refunds().await, 1);
    // Its event says nothing new.
    assert_eq!(it.mine().await["refunds"], refunds);
}

#[tokio::test]
async fn parts_go_back_until_nothing_is_left() {
    let (it, invoice) = subscriber().await;
    for (key, amount) in [("k1", 500), ("k2", 400)] {
        let answer = it
            .server_asks("refund", key, &of(&invoice, Some(amount)))
            .await;
        assert_eq!(given_back(&answer.expect(200)), (amount, 0));
    }
    let more = it
        .server_asks("refund", "k3", &of(&invoice, Some(601)))
        .await;
    assert_eq!(more.expect_error(409), "refund_too_large");
    assert_eq!(it.mine().await["refunds"][0]["amount"], 900);
    // A part that the shop gives back in the Dashboard counts.
    let charge = it.app.stripe.objects("charge").await.remove(0);
    let form = [("charge", text(&charge["id"])), ("amount", "100")];
    it.app.stripe.api("POST", "/v1/refunds", &form).await;
    let rest = it.server_asks("refund", "k4", &of(&invoice, None)).await;
    assert_eq!(given_back(&rest.expect(200)), (500, 0));
    assert_eq!(it.gone_back().await, (PRICE, 3));
    assert_eq!(it.told_of_refunds().await, 4);
}

/// What no payment has paid goes to where it came from.
#[tokio::test]
async fn what_the_balance_has_paid_goes_back_to_the_balance() {
    let (it, _) = subscriber().await;
    let customer = text(&it.at_stripe().await["customer"]).to_owned();
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let form = [("amount", "-700"), ("currency", "usd")];
    it.app.stripe.api("POST", &path, &form).await;
    it.app.pass_days(31).await;
    let invoice = text(&it.mine().await["latest_paid_invoice"]).to_owned();
    let most = it
        .server_asks("refund", "k1", &of(&invoice, Some(900)))
        .await;
    assert_eq!(given_back(&most.expect(200)), (800, 100));
    let rest = it.server_asks("refund", "k2", &of(&invoice, None)).await;
    assert_eq!(given_back(&rest.expect(200)), (0, 600));
    let customer = it.app.stripe.objects("customer").await.remove(0);
    assert_eq!(customer["balance"], -700);
    assert_eq!(it.told_of_refunds().await, 1, "the balance is no refund");
}

#[tokio::test]
async fn what_has_ended_can_be_given_back() {
    let (it, invoice) = subscriber().await;
    it.server_asks("cancel", "k1", &super::at_once())
        .await
        .expect(200);
    it.app.quiet().await;
    let answer = it
        .server_asks("refund", "k2", &of(&invoice, Some(700)))
        .await;
    let answer = answer.expect(200);
    assert_eq!(given_back(&answer), (700, 0));
    assert_eq!(answer.json()["subscription"]["status"], "canceled");
    assert_eq!(it.gone_back().await, (700, 1));
    assert_eq!(it.told_of_refunds().await, 1);
}

#[tokio::test]
async fn what_cannot_be_given_back_is_refused_and_changes_nothing() {
    let (it, invoice) = subscriber().await;
    for (body, status, code) in [
        (json!({}), 400, "missing_field"),
        (json!({"invoice": ""}), 400, "invalid_field"),
        (json!({"invoice": "sub_1"}), 400, "invalid_field"),
        (json!({"invoice": "in_../v1"}), 400, "invalid_field"),
        (of(&invoice, Some(0)), 400, "invalid_field"),
        (
            json!({"invoice": invoice, "amount": -5}),
            400,
            "invalid_field",
        ),
        (
            json!({"invoice": invoice, "amount": 1.5}),
            400,
            "invalid_field",
        ),
        (
            json!({"invoice": invoice, "amounts": 5}),
            400,
            "unknown_field",
        ),
        (of("in_unknown", None), 404, "unknown_invoice"),
        (of(&invoice, Some(u64::MAX)), 409, "refund_too_large"),
        (of(&invoice, Some(PRICE + 1)), 409, "refund_too_large"),
    ] {
        let key = format!("key-{}", body.to_string().len());
        let refused = it.server_asks("refund", &key, &body).await;
        assert_eq!(refused.expect_error(status), code, "{body}");
    }
    let shopper = it.asks("refund", &of(&invoice, None)).await;
    assert_eq!(shopper.status, 404, "{}", shopper.text);
    // Another user's invoice is as if it were not there.
    let bob = it.app.shopper("bob");
    bob.buy(MONTHLY).await.1.expect(303);
    it.app.quiet().await;
    let bobs = bob.calls.subscriptions().await.expect(200).json();
    let bobs = text(&bobs["subscriptions"][0]["latest_paid_invoice"]).to_owned();
    let refused = it.server_asks("refund", "of-bob", &of(&bobs, None)).await;
    assert_eq!(refused.expect_error(404), "unknown_invoice");
    assert_eq!(it.gone_back().await, (0, 0));

    // One that is not paid.
    let path = format!("/v1/subscriptions/{}", it.id);
    let method =
        text(&it.app.stripe.api("GET", &path, &[]).await["default_payment_method"]).to_owned();
    it.app.stripe.charges_of(&method, "decline").await;
    it.app.pass_days(32).await;
    let open = text(&it.at_stripe().await["latest_invoice"]).to_owned();
    let refused = it.server_asks("refund", "open", &of(&open, None)).await;
    assert_eq!(refused.expect_error(409), "invoice_not_paid");
    assert_eq!(it.gone_back().await, (0, 0));
}

#[tokio::test]
async fn what_is_claimed_back_is_not_given_back_beside_that() {
    let (it, invoice) = subscriber().await;
    let charge = it.app.stripe.objects("charge").await.remove(0);
    it.play(&format!("/charges/{}/dispute", text(&charge["id"])))
        .await;
    let refused = it.server_asks("refund", "k1", &of(&invoice, None)).await;
    assert_eq!(refused.expect_error(409), "nothing_to_refund");
    assert_eq!(it.gone_back().await, (0, 0));
}

#[tokio::test]
async fn many_at_once_never_give_more_back_than_was_paid() {
    let (it, invoice) = subscriber().await;
    let body = of(&invoice, Some(400));
    let keys = ["k1", "k1", "k2", "k3", "k4", "k4", "k5"];
    let answers = all(keys.map(|key| it.server_asks("refund", key, &body))).await;
    for answer in &answers {
        let code = (answer.status != 200).then(|| answer.json()["error"]["code"].clone());
        let expected = [json!("refund_too_large"), json!("busy")];
        assert!(
            code.is_none_or(|code| expected.contains(&code)),
            "{}",
            answer.text
        );
    }
    it.app.quiet().await;
    let (refunded, notes) = it.gone_back().await;
    assert_eq!(refunded, 400 * notes as u64);
    assert!((1..=3).contains(&notes), "{notes}");
    assert_eq!(it.told_of_refunds().await, notes);
}

#[tokio::test]
async fn a_refund_costs_one_change_and_five_readings() {
    let (it, invoice) = subscriber().await;
    let asks = async |key: &str, amount: u64| {
        it.app.forget_calls().await;
        let body = of(&invoice, Some(amount));
        it.server_asks("refund", key, &body).await;
        it.app.calls().await.to_string()
    };
    it.app.stripe.hold_webhooks().await;
    let costs = [
        format!("a part\n    {}", asks("k1", 500).await),
        format!("the same key\n    {}", asks("k1", 500).await),
        format!("more than is left\n    {}", asks("k2", 5000).await),
    ];
    it.app.stripe.release_webhooks("fifo", 0, 1).await;
    insta::assert_snapshot!(costs.join("\n"), @"
    a part
        Stripe: GET /v1/credit_notes, GET /v1/invoice_payments, GET /v1/invoices/{id}, GET /v1/payment_intents/{id}, GET /v1/subscriptions/{id}, POST /v1/credit_notes; DynamoDB: 3 x GetItem, 3 x PutItem, TransactWriteItems, 2 x UpdateItem
    the same key
        Stripe: GET /v1/subscriptions/{id}; DynamoDB: 3 x GetItem, UpdateItem
    more than is left
        Stripe: GET /v1/credit_notes, GET /v1/invoice_payments, GET /v1/invoices/{id}, GET /v1/payment_intents/{id}; DynamoDB: 3 x GetItem, 2 x PutItem
    ");
}
