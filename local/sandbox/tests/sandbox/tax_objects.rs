//! Tax rates, tax ids and balances, by <https://docs.stripe.com/billing/taxes/tax-rates>,
//! <https://docs.stripe.com/billing/customer/tax-ids>, <https://docs.stripe.com/billing/customer/balance> and the types
//! of npm stripe 23.1.0.

use crate::support::{Stripe, eventually, id};
use serde_json::json;

#[tokio::test]
async fn a_tax_rate_keeps_its_percentage_and_may_be_archived() {
    let stripe = Stripe::start().await;
    let params = [
        ("display_name", "MwSt"),
        ("inclusive", "true"),
        ("percentage", "19"),
        ("country", "DE"),
        ("tax_type", "vat"),
    ];
    let rate = stripe.post("/v1/tax_rates", &params).await.ok();
    assert_eq!(
        (
            &rate["percentage"],
            &rate["inclusive"],
            &rate["active"],
            &rate["rate_type"]
        ),
        (&json!(19), &json!(true), &json!(true), &json!("percentage"))
    );
    let path = format!("/v1/tax_rates/{}", id(&rate));
    let archived = stripe.post(&path, &[("active", "false")]).await.ok();
    assert_eq!(archived["active"], false);
    assert_eq!(stripe.get(&path, &[]).await.ok(), archived);
    let unknown = stripe.post(&path, &[("percentage", "20")]).await;
    assert_eq!(unknown.refusal(), (400, Some("parameter_unknown")));
    let active = stripe
        .get("/v1/tax_rates", &[("active", "true")])
        .await
        .ok();
    assert_eq!(active["data"], json!([]));
    for percentage in ["-1", "100.5", "7.12345"] {
        let mut wrong = params;
        wrong[2].1 = percentage;
        let answer = stripe.post("/v1/tax_rates", &wrong).await;
        assert_eq!(answer.json["error"]["param"], "percentage", "{percentage}");
    }
    let events = stripe.events().await;
    assert_eq!(events, ["tax_rate.created", "tax_rate.updated"]);
}

#[tokio::test]
async fn a_tax_id_is_verified_a_moment_later() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let path = format!("/v1/customers/{customer}/tax_ids");
    let made = stripe
        .post(&path, &[("type", "eu_vat"), ("value", "DE123456789")])
        .await
        .ok();
    assert_eq!(
        (
            &made["country"],
            &made["verification"]["status"],
            &made["owner"]["customer"]
        ),
        (&json!("DE"), &json!("pending"), &json!(customer))
    );
    stripe
        .post(&path, &[("type", "eu_vat"), ("value", "DE111111111")])
        .await
        .ok();
    stripe
        .post(&path, &[("type", "eu_vat"), ("value", "DE222222222")])
        .await
        .ok();
    let other = stripe
        .post(&path, &[("type", "us_ein"), ("value", "12-3456789")])
        .await
        .ok();
    assert_eq!(other["verification"]["status"], "unavailable");
    stripe.control("/clock", json!({"advance": 5})).await;
    let statuses = eventually("the register answers", async || {
        let all = stripe.get(&path, &[]).await.ok();
        let all = all["data"].as_array().unwrap().clone();
        let statuses: Vec<String> = all
            .iter()
            .map(|it| it["verification"]["status"].as_str().unwrap().to_owned())
            .collect();
        (statuses[3] != "pending").then_some(statuses)
    })
    .await;
    assert_eq!(
        statuses,
        ["unavailable", "pending", "unverified", "verified"]
    );

    let wrong = stripe
        .post(&path, &[("type", "eu_vat"), ("value", "x")])
        .await;
    assert_eq!(wrong.refusal(), (400, Some("tax_id_invalid")));
    let stranger = stripe.id("/v1/customers", &[]).await;
    let theirs = format!("/v1/customers/{stranger}/tax_ids/{}", id(&made));
    assert_eq!(
        stripe.delete(&theirs).await.refusal(),
        (404, Some("resource_missing"))
    );
    let gone = stripe.delete(&format!("{path}/{}", id(&made))).await.ok();
    assert_eq!(
        gone,
        json!({"id": made["id"], "object": "tax_id", "deleted": true})
    );
    let events = stripe.events().await;
    for (kind, count) in [("created", 4), ("updated", 2), ("deleted", 1)] {
        let kind = format!("customer.tax_id.{kind}");
        assert_eq!(
            events.iter().filter(|it| **it == kind).count(),
            count,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_balance_is_the_sum_of_its_transactions() {
    let stripe = Stripe::start().await;
    let customer = stripe.id("/v1/customers", &[]).await;
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let credit = [
        ("amount", "-500"),
        ("currency", "USD"),
        ("description", "Sorry"),
        ("metadata[why]", "outage"),
    ];
    let credit = stripe.post(&path, &credit).await.ok();
    assert_eq!(
        (
            &credit["ending_balance"],
            &credit["currency"],
            &credit["type"]
        ),
        (&json!(-500), &json!("usd"), &json!("adjustment"))
    );
    let debit = [("amount", "200"), ("currency", "usd")];
    let debit = stripe.post(&path, &debit).await.ok();
    assert_eq!(debit["ending_balance"], -300);
    let read = stripe
        .get(&format!("/v1/customers/{customer}"), &[])
        .await
        .ok();
    assert_eq!(
        (&read["balance"], &read["currency"]),
        (&json!(-300), &json!("usd"))
    );
    let listed = stripe.get(&path, &[]).await.ok();
    assert_eq!(listed["data"], json!([debit, credit]));
    let nothing = stripe
        .post(&path, &[("amount", "0"), ("currency", "usd")])
        .await;
    assert_eq!(nothing.json["error"]["param"], "amount");
    // A second currency is a case of Stripe's that is not simulated.
    let euros = stripe
        .post(&path, &[("amount", "1"), ("currency", "eur")])
        .await;
    assert_eq!(euros.refusal(), (400, Some("sandbox_not_simulated")));
    let last = stripe
        .get("/v1/events", &[("type", "customer.updated")])
        .await
        .ok();
    assert_eq!(
        last["data"][0]["data"]["previous_attributes"],
        json!({"balance": -500})
    );
}
