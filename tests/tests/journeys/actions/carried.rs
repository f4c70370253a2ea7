//! What a change of plan leaves for the invoice after it.

use serde_json::{Value, json};

use super::plans::{agree, charged, preview, subscriber};

const HOUR: i64 = 3600;

fn total(shown: &Value) -> i64 {
    let lines = shown["lines"].as_array().unwrap();
    lines.iter().map(|it| it["amount"].as_i64().unwrap()).sum()
}

/// Stripe charges no less than 50 cents, and adds what is less to the next invoice.
#[tokio::test]
async fn a_difference_that_is_too_small_is_told_with_the_next_charge() {
    let it = subscriber("basic").await;
    let ends = it.at_stripe().await["items"]["data"][0]["current_period_end"].clone();
    let began = it.at_stripe().await["items"]["data"][0]["current_period_start"].clone();
    let left = ends.as_i64().unwrap() - began.as_i64().unwrap() - 12 * HOUR;
    it.app.stripe.advance(u32::try_from(left).unwrap()).await;
    it.app.quiet().await;
    let shown = preview(&it, json!({"plan": "pro"})).await;
    assert!((1..50).contains(&total(&shown)), "{shown}");
    assert_eq!(shown["due_now"]["amount"], 0, "{shown}");
    let next = 2900 + total(&shown);
    assert_eq!(shown["next_charge"]["amount"], next, "{shown}");
    agree(&it, &shown).await.expect(200);
    assert_eq!(charged(&it).await, [1500]);
    it.app.pass_days(2).await;
    assert_eq!(it.mine().await["plan"], "pro");
    assert!(
        charged(&it).await.contains(&next),
        "{:?}",
        charged(&it).await
    );
}

/// What is left of a dearer plan pays for the cheaper one.
#[tokio::test]
async fn a_credit_is_told_with_the_next_charge() {
    let it = subscriber("pro").await;
    let shown = preview(&it, json!({"plan": "basic", "when": "now"})).await;
    assert_eq!(shown["due_now"]["amount"], 0, "{shown}");
    let left = -total(&shown);
    assert!((1..=1400).contains(&left), "{shown}");
    assert_eq!(shown["credit_left"]["amount"], left);
    assert_eq!(shown["next_charge"]["amount"], 1500 - left, "{shown}");
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(32).await;
    let charges = charged(&it).await;
    assert!(charges.contains(&(1500 - left)), "{charges:?}");
    assert_eq!(charges.len(), 2);
}

/// A plan to come that gives way to another one is no part of what the other one costs.
#[tokio::test]
async fn a_plan_to_come_is_not_told_as_the_price_of_another_one() {
    let it = subscriber("basic").await;
    let later = |plan: &str| json!({"plan": plan, "when": "period_end"});
    let shown = preview(&it, later("pro-yearly")).await;
    assert_eq!(shown["next_charge"]["amount"], 29_000);
    agree(&it, &shown).await.expect(200);
    let shown = preview(&it, later("pro")).await;
    assert_eq!(shown["next_charge"]["amount"], 2900, "{shown}");
    let at_once = preview(&it, json!({"plan": "pro"})).await;
    assert_eq!(at_once["next_charge"]["amount"], 2900, "{at_once}");
    agree(&it, &shown).await.expect(200);
    it.app.pass_days(32).await;
    let mut charges = charged(&it).await;
    charges.sort_unstable();
    assert_eq!(charges, [1500, 2900]);
}
