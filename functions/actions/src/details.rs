//! What Stripe knows of a subscription beside what is kept here, as an answer.

use perennial_flows::actions::{ChargedItem, Details, KnownDiscount};
use perennial_types::Plans;
use serde_json::{Value, json};

pub(crate) fn describe(details: &Details, plans: &Plans) -> Value {
    let item = |item: &ChargedItem| {
        let plan = item.price.as_ref();
        let plan = plan.and_then(|price| plans.charging(price, None, None));
        json!({
            "price": item.price,
            "plan": plan.map(|(name, _)| name),
            "quantity": item.quantity,
        })
    };
    let next_charge = details.next_charge.as_ref();
    let next_charge = next_charge.map(|(charge, currency)| {
        json!({"amount": charge.amount, "currency": currency, "at": charge.at})
    });
    let discount = |it: &KnownDiscount| {
        let amount_off = it.amount_off.as_ref();
        json!({
            "promotion_code": it.promotion_code,
            "percent_off": it.percent_off,
            "amount_off": amount_off.map(|(amount, currency)| json!({"amount": amount, "currency": currency})),
            "lasts": match it.duration.as_str() {
                "repeating" => "months",
                other => other,
            },
            "until": it.until,
        })
    };
    let discounts = details.discounts.as_ref();
    let method = details.payment_method.as_ref();
    let method = method
        .map(|method| json!({"type": method.kind, "brand": method.brand, "last4": method.last4}));
    json!({
        "items": details.items.iter().map(item).collect::<Vec<Value>>(),
        "discounted": details.discounted,
        "discounts": discounts.map(|all| all.iter().map(discount).collect::<Vec<Value>>()),
        "next_charge": next_charge,
        "payment_method": method,
    })
}
