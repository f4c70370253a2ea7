//! What an invoice charges of its total: the customer's balance, and amounts that are too small.

use crate::frozen::{DAY, Frozen, HOUR, START};
use crate::support::Stripe;
use serde_json::{Value, json};

/// A monthly price over this amount.
pub(crate) async fn price_of(stripe: &Stripe, amount: &str, currency: &str) -> String {
    let params = [
        ("currency", currency),
        ("unit_amount", amount),
        ("recurring[interval]", "month"),
        ("product_data[name]", "Stock photos"),
    ];
    stripe.id("/v1/prices", &params).await
}

async fn balance(frozen: &Frozen) -> Value {
    let path = format!("/v1/customers/{}", frozen.shopper.customer);
    frozen.stripe.get(&path, &[]).await.ok()["balance"].clone()
}

/// Types of npm stripe 23.1.0, `Invoice.amount_due`: "If the invoice's total is smaller than the minimum charge amount
/// [...] the `amount_due` may be 0"; <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
#[tokio::test]
async fn what_is_too_small_to_be_charged_is_left_for_the_balance() {
    let mut frozen = Frozen::start().await;
    frozen.shopper.price = price_of(&frozen.stripe, "20", "usd").await;
    let subscription = frozen.subscribe(&[]).await;
    let first = frozen.read(&subscription).await["latest_invoice"].clone();
    assert_eq!(
        [
            &first["status"],
            &first["total"],
            &first["amount_due"],
            &first["amount_paid"]
        ],
        [&json!("paid"), &json!(20), &json!(0), &json!(0)]
    );
    assert_eq!(
        [&first["starting_balance"], &first["ending_balance"]],
        [&json!(0), &json!(20)]
    );
    assert_eq!(balance(&frozen).await, 20);
    // 20 + 20 is still too small, and 20 + 40 is not.
    for (month, due, left) in [(31, 0, 40), (62, 60, 0)] {
        frozen.advance(START + month * DAY + HOUR).await;
        let renewal = frozen.read(&subscription).await["latest_invoice"].clone();
        assert_eq!(renewal["status"], "paid");
        assert_eq!(
            (&renewal["total"], &renewal["amount_due"]),
            (&json!(20), &json!(due))
        );
        assert_eq!(balance(&frozen).await, left);
    }
}

/// The smallest amounts of <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
#[tokio::test]
async fn each_currency_has_a_smallest_amount() {
    for (currency, amount, due) in [
        ("gbp", "30", 30),
        ("gbp", "29", 0),
        ("eur", "50", 50),
        ("eur", "49", 0),
        ("jpy", "50", 50),
        ("sek", "299", 0),
    ] {
        let mut frozen = Frozen::start().await;
        frozen.shopper.price = price_of(&frozen.stripe, amount, currency).await;
        let subscription = frozen.subscribe(&[]).await;
        let first = frozen.read(&subscription).await["latest_invoice"].clone();
        assert_eq!(
            (&first["status"], &first["amount_due"]),
            (&json!("paid"), &json!(due)),
            "{amount} {currency}"
        );
    }
}
