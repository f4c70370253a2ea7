//! Refunds and disputes: what they say of a subscription, and for how long.

use serde_json::{Value, json};

use crate::wallet_health::Subscriber;

#[tokio::test]
async fn a_refund_of_a_part_is_told_and_changes_no_state() {
    let it = Subscriber::start().await;
    let charge = it.charge().await;
    let form = [("charge", charge.as_str()), ("amount", "100")];
    let refund = it.ask("POST", "/v1/refunds", &form).await;
    it.check("active", "ok", None).await;
    let invoice = it.mine().await["latest_paid_invoice"].clone();
    let of = |amount: u64| json!([{"invoice": invoice, "amount": amount, "paid": 1500, "currency": "usd"}]);
    assert_eq!(it.mine().await["refunds"], of(100));
    let form = [("charge", charge.as_str()), ("amount", "50")];
    it.ask("POST", "/v1/refunds", &form).await;
    assert_eq!(it.mine().await["refunds"], of(150));
    let id = refund["id"].as_str().unwrap();
    it.play(&format!("/refunds/{id}/fail"), json!({})).await;
    assert_eq!(it.mine().await["refunds"], of(50));
    // All that is left of it.
    it.ask("POST", "/v1/refunds", &[("charge", &charge)]).await;
    assert_eq!(it.mine().await["refunds"], of(1500));
    it.check("active", "contested", Some("refunded")).await;
    assert!(it.told().await.is_empty());
    let made = "subscription.refunded";
    let told = ["subscription.refund_failed", made, made, made];
    assert_eq!(it.told_of_money().await, told);
}

#[tokio::test]
async fn a_full_refund_is_made_good_by_the_next_paid_invoice() {
    let it = Subscriber::start().await;
    let charge = it.charge().await;
    it.ask("POST", "/v1/refunds", &[("charge", &charge)]).await;
    it.check("active", "contested", Some("refunded")).await;
    it.app.pass_days(31).await;
    it.check("active", "ok", None).await;
    assert_eq!(it.mine().await["refunds"][0]["amount"], 1500);
    // One of an older invoice says nothing of the newest either.
    let newest = it.charge().await;
    assert_ne!(newest, charge);
    it.ask("POST", "/v1/refunds", &[("charge", &newest)]).await;
    it.check("active", "contested", Some("refunded")).await;
}

#[tokio::test]
async fn refunds_that_an_older_version_has_noted_are_looked_up_once() {
    let it = Subscriber::start().await;
    let charge = it.charge().await;
    let form = [("charge", charge.as_str()), ("amount", "100")];
    let refund = it.ask("POST", "/v1/refunds", &form).await["id"].clone();
    let told = it.mine().await["refunds"].clone();
    let items = it.app.table.raw_items().await;
    let is_it = |item: &&Value| item["sk"]["S"].as_str().unwrap().starts_with("SUB#");
    let mut item = items.iter().find(is_it).unwrap().clone();
    item["refunded"] = json!({"SS": [refund]});
    let contested = json!({"M": {"state": {"S": "contested"}, "reason": {"S": "refunded"}}});
    item["model"]["M"]["payment"] = contested;
    item["model"]["M"]
        .as_object_mut()
        .unwrap()
        .remove("refunds");
    it.app.table.put(&item).await;
    it.app.stripe.forget_requests().await;
    let path = format!("/v1/subscriptions/{}", it.id_of("id"));
    for _ in 0..2 {
        it.ask("POST", &path, &[("description", "read it again")])
            .await;
        it.check("active", "ok", None).await;
        assert_eq!(it.mine().await["refunds"], told);
    }
    let lookups = it.app.stripe.requests_to("GET /v1/refunds/{id}").await;
    assert_eq!(lookups.len(), 1, "however often it is read");
}

#[tokio::test]
async fn a_dispute_that_is_lost_and_then_won_does_not_stay_lost() {
    let it = Subscriber::start().await;
    let charge = it.charge().await;
    let path = format!("/charges/{charge}/dispute");
    let dispute = it.play(&path, json!({})).await;
    let path = format!("/disputes/{}/close", dispute["id"].as_str().unwrap());
    it.play(&path, json!({"status": "lost"})).await;
    it.check("active", "contested", Some("dispute_lost")).await;
    it.play(&path, json!({"status": "won"})).await;
    it.check("active", "ok", None).await;
    let (closed, opened) = ("subscription.dispute_closed", "subscription.dispute_opened");
    assert_eq!(it.told_of_money().await, [closed, closed, opened]);
}

#[tokio::test]
async fn a_dispute_is_seen_until_it_is_decided() {
    for (verdict, payment) in [
        ("won", ("ok", None)),
        ("lost", ("contested", Some("dispute_lost"))),
    ] {
        let it = Subscriber::start().await;
        let charge = it.charge().await;
        let dispute = it
            .play(&format!("/charges/{charge}/dispute"), json!({}))
            .await;
        it.check("active", "contested", Some("disputed")).await;
        let id = dispute["id"].as_str().unwrap();
        it.play(&format!("/disputes/{id}/close"), json!({"status": verdict}))
            .await;
        it.check("active", payment.0, payment.1).await;
    }
}

#[tokio::test]
async fn what_becomes_of_one_payment_says_nothing_of_another() {
    let it = Subscriber::start().await;
    let first = it.charge().await;
    it.app.pass_days(31).await;
    let second = it.charge().await;
    assert_ne!(first, second);
    let dispute = it
        .play(&format!("/charges/{first}/dispute"), json!({}))
        .await;
    let refund = it.ask("POST", "/v1/refunds", &[("charge", &second)]).await;
    it.check("active", "contested", Some("disputed")).await;
    it.play(
        &format!("/refunds/{}/fail", refund["id"].as_str().unwrap()),
        json!({}),
    )
    .await;
    it.check("active", "contested", Some("disputed")).await;
    it.ask("POST", "/v1/refunds", &[("charge", &second)]).await;
    let path = format!("/disputes/{}/close", dispute["id"].as_str().unwrap());
    it.play(&path, json!({"status": "won"})).await;
    it.check("active", "contested", Some("refunded")).await;
    assert_eq!(it.told().await, ["subscription.renewed"]);
    let told = [
        "subscription.dispute_closed",
        "subscription.dispute_opened",
        "subscription.refund_failed",
        "subscription.refunded",
        "subscription.refunded",
    ];
    assert_eq!(it.told_of_money().await, told);
}

#[tokio::test]
async fn a_payment_is_given_back_before_or_after_the_end_and_it_is_the_same() {
    let mut ends = Vec::new();
    for refund_first in [true, false] {
        let it = Subscriber::start().await;
        let charge = it.charge().await;
        let path = format!("/v1/subscriptions/{}", it.id_of("id"));
        let form = [("charge", charge.as_str())];
        let refund = ("POST", "/v1/refunds", &form[..]);
        let end = ("DELETE", path.as_str(), &[][..]);
        let steps = if refund_first {
            [refund, end]
        } else {
            [end, refund]
        };
        for (method, path, form) in steps {
            it.ask(method, path, form).await;
        }
        it.check("canceled", "contested", Some("refunded")).await;
        ends.push(it.told().await);
    }
    assert_eq!(ends, [["subscription.canceled"], ["subscription.canceled"]]);
}
