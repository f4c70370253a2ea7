//! Tax ids of shoppers who are a business: at Stripe alone, these and no others, and no taxes where the charge is
//! reversed.

use perennial_tests::Answer;
use serde_json::{Value, json};

use super::{AUSTRIA, Buyer, CALIFORNIA, DE, OREGON, address};
use crate::payments::{ShopServer, text};

fn vat(value: &str) -> Value {
    json!({"type": "eu_vat", "value": value})
}

impl Buyer {
    async fn set(&self, tax_ids: Value) -> Answer {
        let body = json!({"user": "alice", "tax_ids": tax_ids});
        let server = ShopServer::of(&self.app);
        server.post("/shop/users/tax-ids", "", &body).await
    }

    /// What Stripe has, in the order of their numbers.
    async fn held(&self) -> Vec<String> {
        let all = self.app.stripe.objects("tax_id").await;
        let mut values: Vec<String> = all.iter().map(|it| text(&it["value"]).to_owned()).collect();
        values.sort();
        values
    }
}

/// 19% of 15.00 are 2.85 in Germany, and none for its businesses; a business of California pays its 7.25%.
#[tokio::test]
async fn a_business_is_shown_and_charged_no_taxes_where_it_owes_them_itself() {
    let it = Buyer::start().await;
    assert_eq!(it.told("exclusive", DE).await["tax"]["amount"], 1785);
    it.set(json!([vat("DE123456789")])).await.expect(200);
    assert_eq!(
        it.told("exclusive", CALIFORNIA).await["tax"]["amount"],
        1609
    );
    let told = it.told("exclusive", DE).await;
    assert_eq!(told["tax"]["amount"], 1500, "{told}");
    assert_eq!(told["tax"]["tax_amount"], 0);
    assert_eq!(it.told("inclusive", DE).await["tax"]["tax_amount"], 0);
    it.buy("exclusive", DE).await;
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1500, 1500]);
    // Taken away again, the taxes come back with the next renewal.
    it.set(json!([])).await.expect(200);
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1500, 1500, 1785]);
}

/// What was shown without taxes costs them again, so nothing is charged.
#[tokio::test]
async fn a_tax_id_that_goes_while_a_checkout_is_open_ends_it() {
    let it = Buyer::start().await;
    it.set(json!([vat("DE123456789")])).await.expect(200);
    let told = it.told("exclusive", DE).await;
    let opened = it.click(&told, "amazon_pay", DE).await.expect(201).json();
    it.set(json!([])).await.expect(200);
    let landed = it.agree(&opened).await;
    assert_eq!(landed.landed_with("reason").as_deref(), Some("tax_changed"));
    assert_eq!(it.paid().await, Vec::<u64>::new());
}

#[tokio::test]
async fn the_customer_has_those_that_were_named_last_and_no_others() {
    let it = Buyer::start().await;
    let none = it.set(json!([])).await.expect(200).json();
    assert_eq!(
        none,
        json!({"user": "alice", "customer": null, "tax_ids": []})
    );
    assert!(it.app.stripe.objects("customer").await.is_empty());
    let two = json!([vat("DE123456789"), {"type": "us_ein", "value": "12-3456789"}]);
    let first = it.set(two.clone()).await.expect(200).json();
    assert_eq!(
        first["tax_ids"],
        json!([
            {"type": "eu_vat", "verification": "pending"},
            {"type": "us_ein", "verification": "unavailable"},
        ])
    );
    assert!(text(&first["customer"]).starts_with("cus_"));
    // A moment later the register has answered, and the same again changes nothing, however it is written.
    it.app.pass_days(1).await;
    it.app.forget_calls().await;
    let again = json!([vat("de 123.456.789"), two[1].clone(), vat("DE123456789")]);
    let second = it.set(again).await.expect(200).json();
    let same = it.app.calls().await.to_string();
    assert_eq!(second["tax_ids"][0]["verification"], "verified");
    assert_eq!(second["tax_ids"][2], second["tax_ids"][0]);
    assert_eq!(it.held().await, ["12-3456789", "DE123456789"]);
    it.app.forget_calls().await;
    it.set(json!([vat("ATU12345678")])).await.expect(200);
    let other = it.app.calls().await.to_string();
    assert_eq!(it.held().await, ["ATU12345678"]);
    assert_eq!(it.told("exclusive", AUSTRIA).await["tax"]["tax_amount"], 0);
    insta::assert_snapshot!(format!("the same\n    {same}\nanother\n    {other}"), @"
    the same
        Stripe: GET /v1/customers/{id}/tax_ids; DynamoDB: GetItem, 2 x UpdateItem
    another
        Stripe: 2 x DELETE /v1/customers/{id}/tax_ids/{id}, GET /v1/customers/{id}/tax_ids, POST /v1/customers/{id}/tax_ids; DynamoDB: GetItem, 2 x UpdateItem
    ");
}

/// The first of two is good, and taken away again.
#[tokio::test]
async fn one_that_stripe_refuses_changes_nothing() {
    let it = Buyer::start().await;
    it.set(json!([vat("DE123456789")])).await.expect(200);
    let refused = it.set(json!([vat("ATU12345678"), vat("x")])).await;
    assert_eq!(refused.expect_error(400), "tax_id_refused");
    assert_eq!(it.held().await, ["DE123456789"]);
    for (tax_ids, code) in [
        (Value::Null, "missing_field"),
        (json!("DE123456789"), "invalid_field"),
        (
            json!([{"type": "EU", "value": "DE123456789"}]),
            "invalid_field",
        ),
        (json!([{"type": "eu_vat"}]), "missing_field"),
        (
            json!([{"type": "eu_vat", "value": "DE1", "country": "DE"}]),
            "unknown_field",
        ),
        (Value::from(vec![vat("DE123456789"); 6]), "invalid_field"),
    ] {
        let answer = it.set(tax_ids.clone()).await;
        assert_eq!(answer.code(), code, "{tax_ids}");
        assert!(!answer.text.contains("123456789"), "{}", answer.text);
    }
    assert_eq!(it.held().await, ["DE123456789"]);
}

/// Each answered call counts as a whole, and the last of them stays.
#[tokio::test]
async fn of_many_at_once_one_is_the_last_and_no_two_are_mixed() {
    let it = Buyer::start().await;
    it.app.stripe.set_account(json!({"latency_ms": 50})).await;
    let all = [
        vec!["DE123456789"],
        vec!["ATU12345678"],
        vec!["ATU12345678", "DE123456789"],
        vec![],
    ];
    let call = |ids: &[&str]| it.set(ids.iter().map(|id| vat(id)).collect());
    let (one, two, three, four) =
        tokio::join!(call(&all[0]), call(&all[1]), call(&all[2]), call(&all[3]));
    for answer in [one, two, three, four] {
        answer.expect(200);
    }
    let held = it.held().await;
    assert!(all.iter().any(|ids| *ids == held), "{held:?}");
}

/// The look at the amount and the charge are two calls of Stripe, between which nobody moves the customer.
#[tokio::test]
async fn a_customer_who_is_moved_during_the_charge_pays_what_was_shown_or_nothing() {
    for delay_ms in [0, 40, 80, 120, 160, 200, 240, 280, 320] {
        let it = Buyer::start().await;
        let told = it.told("exclusive", OREGON).await;
        let opened = it.click(&told, "amazon_pay", OREGON).await;
        let opened = opened.expect(201).json();
        it.app.stripe.set_account(json!({"latency_ms": 40})).await;
        let server = ShopServer::of(&it.app);
        let body = json!({"user": "alice", "billing_address": address(DE)});
        let moved = async {
            tokio::time::sleep(std::time::Duration::from_millis(delay_ms)).await;
            server.post("/shop/users/address", "", &body).await
        };
        let (landed, moved) = tokio::join!(it.agree(&opened), moved);
        moved.expect(200);
        let paid = it.paid().await;
        match landed.landed_with("status").as_deref() {
            Some("subscribed") => assert_eq!(paid, [1500], "{delay_ms}"),
            _ => assert_eq!(paid, Vec::<u64>::new(), "{delay_ms}"),
        }
    }
}

/// At every call of Stripe, before and after it has done something: never none in between, and none too many at the end.
#[tokio::test]
async fn an_answer_that_is_lost_leaves_some_too_many_until_the_same_comes_again() {
    for (method, path) in [
        ("GET", "/v1/customers/{id}/tax_ids"),
        ("POST", "/v1/customers/{id}/tax_ids"),
        ("DELETE", "/v1/customers/{id}/tax_ids/{id}"),
    ] {
        for fault in ["severed", "timeout_after", "timeout_before"] {
            let it = Buyer::start().await;
            it.set(json!([vat("DE123456789")])).await.expect(200);
            let fault =
                json!({"method": method, "path": path, "fault": fault, "times": 9, "delay_ms": 1});
            it.app.stripe.fault(fault.clone()).await;
            let another = json!([vat("ATU12345678")]);
            let answer = it.set(another.clone()).await;
            assert!(answer.status >= 500, "{fault} {}", answer.text);
            it.app.stripe.no_faults().await;
            assert!(!it.held().await.is_empty(), "{fault}");
            it.set(another).await.expect(200);
            assert_eq!(it.held().await, ["ATU12345678"], "{fault}");
        }
    }
}

/// Neither what is taken nor what is refused, and the e-mail address beside it.
#[tokio::test]
async fn they_are_in_no_table_and_no_log() {
    let log = perennial_tests::Log::default();
    let _guard = log.listen_to_all();
    let it = Buyer::start().await;
    it.set(json!([vat("DE918273645")])).await.expect(200);
    let refused = json!([vat("DE918273654"), vat("DE9182736x54".repeat(9).as_str())]);
    it.set(refused).await.expect(400);
    it.set(json!("DE918273646")).await.expect(400);
    let server = ShopServer::of(&it.app);
    for (email, status) in [
        (json!("hidden-918273@example.com"), 200),
        (json!("hidden-918273"), 400),
        (json!(["hidden-918273@example.com"]), 400),
    ] {
        let body = json!({"user": "alice", "email": email});
        let answer = server.post("/shop/users/email", "", &body).await;
        assert!(
            !answer.expect(status).text.contains("hidden-918273"),
            "{email}"
        );
    }
    it.buy("exclusive", DE).await;
    let kept = serde_json::to_string(&it.app.table.items().await).unwrap();
    let logged = serde_json::to_string(&log.take()).unwrap();
    let customer = it.app.stripe.objects("customer").await.remove(0);
    assert!(logged.contains(text(&customer["id"])), "it is listened to");
    for (what, where_it_is) in [(kept, "the table"), (logged, "the log")] {
        for hidden in ["DE9182736", "hidden-918273"] {
            assert!(!what.contains(hidden), "{hidden} is in {where_it_is}");
        }
    }
}
