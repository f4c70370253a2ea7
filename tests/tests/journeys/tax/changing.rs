//! Another plan of a subscription with taxes, and one with taxes of a subscription without.

use perennial_tests::Answer;
use serde_json::{Value, json};

use super::{Buyer, DE};
use crate::payments::{ShopServer, all, text};

impl Buyer {
    async fn buy_plain(&self) {
        self.alice.buy("plain").await.1.expect(303);
        self.app.quiet().await;
    }

    async fn preview(&self, ask: &Value) -> Answer {
        let id = text(&self.mine().await["subscription"]["id"]).to_owned();
        let calls = &self.alice.calls;
        let request = calls.request("POST", &format!("/subscriptions/{id}/preview"));
        calls.send(request.json(ask)).await
    }

    async fn change(&self, shown: &Value) -> Answer {
        let id = text(&self.mine().await["subscription"]["id"]).to_owned();
        let calls = &self.alice.calls;
        let request = calls.request("POST", &format!("/subscriptions/{id}/change"));
        calls
            .send(request.json(&json!({"preview": shown["preview"]})))
            .await
    }

    async fn moves_to(&self, country: &str) {
        let customer = self.app.stripe.objects("customer").await.remove(0);
        let path = format!("/v1/customers/{}", text(&customer["id"]));
        let address = [("address[country]", country)];
        self.app.stripe.api("POST", &path, &address).await;
    }
}

/// What a preview's lines come to, and 19% of each, rounded by itself.
fn sums(shown: &Value) -> (i64, i64) {
    let lines = shown["lines"].as_array().unwrap().iter();
    let amounts: Vec<i64> = lines.map(|line| line["amount"].as_i64().unwrap()).collect();
    let tax = |amount: &i64| (amount.abs() * 19 + 50) / 100 * amount.signum();
    (amounts.iter().sum(), amounts.iter().map(tax).sum())
}

/// The unused time is credited with its taxes, and the new one charged with them; 19% of 2900 are 551.
#[tokio::test]
async fn a_dearer_plan_costs_the_difference_and_its_taxes() {
    let it = Buyer::start().await;
    it.buy("exclusive", DE).await;
    it.app.pass_days(10).await;
    let shown = it
        .preview(&json!({"plan": "dear"}))
        .await
        .expect(200)
        .json();
    let (net, tax) = sums(&shown);
    assert!(net > 0 && tax > 0, "{shown}");
    assert_eq!(
        shown["tax"],
        json!({"amount": tax, "behavior": "exclusive", "currency": "usd"})
    );
    assert_eq!(shown["due_now"]["amount"], net + tax, "{shown}");
    assert_eq!(shown["next_charge"]["amount"], 3451);
    it.change(&shown).await.expect(200);
    it.app.quiet().await;
    let due = u64::try_from(net + tax).unwrap();
    assert_eq!(it.paid().await, [1785, due]);
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1785, due, 3451]);
}

#[tokio::test]
async fn another_interval_and_a_cheaper_plan_are_told_with_taxes() {
    let it = Buyer::start().await;
    it.buy("dear", DE).await;
    let shown = it
        .preview(&json!({"plan": "yearly"}))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["next_charge"]["amount"], 17850);
    let shown = it
        .preview(&json!({"plan": "exclusive"}))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["when"], "period_end");
    assert_eq!(shown["next_charge"]["amount"], 1785);
    assert_eq!(shown["tax"]["amount"], 0);
    it.change(&shown).await.expect(200);
    it.app.pass_days(31).await;
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [3451, 1785, 1785]);
}

#[tokio::test]
async fn a_plan_with_taxes_needs_an_address_at_stripe() {
    let it = Buyer::start().await;
    it.buy_plain().await;
    for (ask, code) in [
        (json!({"plan": "dear"}), "address_needed"),
        (json!({"plan": "yearly"}), "address_needed"),
        (
            json!({"plan": "dear", "when": "period_end"}),
            "tax_begins_now",
        ),
    ] {
        let refused = it.preview(&ask).await;
        assert_eq!(refused.expect_error(409), code, "{ask}");
    }
    it.moves_to("DE").await;
    let shown = it
        .preview(&json!({"plan": "dear"}))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["tax"]["behavior"], "exclusive");
    assert_eq!(shown["next_charge"]["amount"], 3451);
    it.change(&shown).await.expect(200);
    it.app.quiet().await;
    let due = shown["due_now"]["amount"].as_u64().unwrap();
    assert_eq!(it.paid().await, [1500, due]);
    let subscription = it.app.stripe.objects("subscription").await.remove(0);
    assert_eq!(subscription["automatic_tax"]["enabled"], true);
    it.app.pass_days(31).await;
    assert_eq!(it.paid().await, [1500, due, 3451]);
}

/// Nothing waits for its payment, so nothing has to be given up.
#[tokio::test]
async fn a_change_that_the_bank_declines_begins_no_taxes() {
    let it = Buyer::start().await;
    it.buy_plain().await;
    it.moves_to("DE").await;
    let shown = it
        .preview(&json!({"plan": "dear"}))
        .await
        .expect(200)
        .json();
    let method = it.app.stripe.objects("payment_method").await.remove(0);
    it.app
        .stripe
        .charges_of(text(&method["id"]), "decline")
        .await;
    let refused = it.change(&shown).await;
    assert_eq!(refused.expect_error(402), "change_declined");
    it.app.quiet().await;
    let subscription = it.app.stripe.objects("subscription").await.remove(0);
    assert_eq!(subscription["automatic_tax"]["enabled"], false);
    assert_eq!(it.mine().await["next_charge"]["amount"], 1500);
    assert_eq!(it.paid().await, [1500]);
}

/// A rate and an address are in no subscription, and are asked for again.
#[tokio::test]
async fn a_change_whose_taxes_have_moved_is_outdated() {
    for plan in ["exclusive", "plain"] {
        let it = Buyer::start().await;
        if plan == "plain" {
            it.buy_plain().await;
            it.moves_to("DE").await;
        } else {
            it.buy(plan, DE).await;
        }
        let before = it.paid().await;
        it.app.pass_days(5).await;
        let shown = it
            .preview(&json!({"plan": "dear"}))
            .await
            .expect(200)
            .json();
        it.moves_to("AT").await;
        let refused = it.change(&shown).await;
        assert_eq!(refused.expect_error(409), "preview_outdated", "{plan}");
        assert_eq!(it.paid().await, before, "{plan}");
        let shown = it
            .preview(&json!({"plan": "dear"}))
            .await
            .expect(200)
            .json();
        it.app.stripe.set_tax("AT", "30").await;
        let refused = it.change(&shown).await;
        assert_eq!(refused.expect_error(409), "preview_outdated", "{plan}");
        assert_eq!(it.paid().await, before, "{plan}");
    }
}

/// Whichever call of the table is the last one: the taxes and the plan come together, once, or not at all.
#[tokio::test]
async fn the_table_fails_after_any_call_of_a_change_that_begins_taxes() {
    for first in (0..12).step_by(4) {
        all((first..first + 4).map(|passing| async move {
            let it = Buyer::start().await;
            it.buy_plain().await;
            it.moves_to("DE").await;
            let shown = it
                .preview(&json!({"plan": "dear"}))
                .await
                .expect(200)
                .json();
            let id = text(&it.mine().await["subscription"]["id"]).to_owned();
            let calls = &it.alice.calls;
            let path = format!("/subscriptions/{id}/change");
            let body = json!({"preview": shown["preview"]});
            it.app.to_dynamodb.break_after("", passing);
            calls.send(calls.request("POST", &path).json(&body)).await;
            it.app.to_dynamodb.break_after("", usize::MAX);
            perennial_tests::wait_until("it is changed", async || {
                let answer = calls.send(calls.request("POST", &path).json(&body)).await;
                (answer.status == 200).then_some(())
            })
            .await;
            it.app.quiet().await;
            let due = shown["due_now"]["amount"].as_u64().unwrap();
            assert_eq!(it.paid().await, [1500, due], "{passing}");
            let subscription = it.app.stripe.objects("subscription").await.remove(0);
            assert_eq!(subscription["automatic_tax"]["enabled"], true, "{passing}");
        }))
        .await;
    }
}

/// The shop's server tells where a shopper is, before they buy and afterwards; Stripe alone keeps it.
#[tokio::test]
async fn the_shop_tells_where_a_shopper_is() {
    let it = Buyer::start().await;
    let set = async |address: Value| {
        let body = json!({"user": "alice", "billing_address": address});
        let server = ShopServer::of(&it.app);
        server.post("/shop/users/address", "", &body).await
    };
    for (wrong, code) in [
        (json!({"country": "US"}), "invalid_field"),
        (json!({"country": "ZZ"}), "address_not_recognized"),
        (
            json!({"country": "US", "postal_code": "00117"}),
            "address_not_recognized",
        ),
    ] {
        assert_eq!(set(wrong).await.expect_error(400), code);
    }
    let made = set(json!({"country": "DE"})).await.expect(200).json();
    assert_eq!(made["user"], "alice");
    it.buy_plain().await;
    let customers = it.app.stripe.objects("customer").await;
    assert_eq!(customers.len(), 1);
    assert_eq!(made["customer"], customers[0]["id"]);
    let shown = it
        .preview(&json!({"plan": "dear"}))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["next_charge"]["amount"], 3451);
    set(json!({"country": "US", "postal_code": "94103"}))
        .await
        .expect(200);
    assert_eq!(it.place().await, (json!("US"), json!("94103")));
    let shown = it
        .preview(&json!({"plan": "dear"}))
        .await
        .expect(200)
        .json();
    assert_eq!(shown["next_charge"]["amount"], 3110);
    let items = serde_json::to_string(&it.app.table.items().await).unwrap();
    assert!(!items.contains("94103"), "{items}");
    let request = it.alice.calls.request("POST", "/shop/users/address");
    let body = json!({"user": "alice", "billing_address": {"country": "DE"}});
    it.alice.calls.send(request.json(&body)).await.expect(403);
    // Stripe has deleted the customer, whom the next request finds out of.
    let path = format!("/v1/customers/{}", text(&made["customer"]));
    it.app.stripe.api("DELETE", &path, &[]).await;
    it.app.quiet().await;
    let answer = set(json!({"country": "AT"})).await;
    assert!(matches!(answer.status, 200 | 429), "{}", answer.text);
    let anew = set(json!({"country": "AT"})).await.expect(200).json();
    assert_ne!(anew["customer"], made["customer"]);
}
