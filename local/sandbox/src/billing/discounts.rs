//! What discounts take off the lines of an invoice, and how long they last.
//!
//! <https://docs.stripe.com/billing/subscriptions/coupons>: discounts are taken one after another in the order of their
//! list, those of a line before those of the invoice, and an amount is shared out over the lines.

use crate::objects::coupon::{self, PERCENT_SCALE};
use crate::objects::invoice_line::{self, Charged};
use crate::objects::{discount, subscription};
use crate::state::timers::Due;
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// The discounts that the next invoice of this subscription has: its own, or else its customer's.
pub(crate) fn of_subscription(world: &World, subscription: &Value) -> Vec<Value> {
    let now = world.now_for(subscription);
    let own = subscription.list("discounts");
    let customer = world.store.get(
        Kind::Customer,
        subscription.text("customer").unwrap_or_default(),
    );
    let inherited = customer.map(|customer| customer.at("discount.id").clone());
    let ids = if own.is_empty() {
        inherited.into_iter().collect()
    } else {
        own.to_vec()
    };
    let on = |id: &Value| discount::known(world, id).is_some_and(|it| discount::is_on(it, now));
    ids.into_iter().filter(on).collect()
}

/// What a full period of one of the subscription's items costs after its discounts.
///
/// In flexible billing mode an amount is shared out over all items, in classic it is taken off this one alone
/// (<https://docs.stripe.com/billing/subscriptions/billing-mode/compare>).
pub(crate) fn net_of_item(world: &World, subscription: &Value, item: &Value) -> i64 {
    let of = |item: &Value| invoice_line::of_item(world, subscription, item, Charged::Whole);
    let all = subscription.list("items.data");
    let place = all.iter().position(|it| it.id() == item.id());
    let place = place.filter(|_| subscription::is_flexible(subscription));
    let mut lines: Vec<Value> = match place {
        Some(_) => all.iter().map(of).collect(),
        None => Vec::new(),
    };
    // The item may have changed since the subscription was read.
    match place.and_then(|place| lines.get_mut(place)) {
        Some(line) => *line = of(item),
        None => lines.push(of(item)),
    }
    apply(world, &of_subscription(world, subscription), &mut lines);
    lines.get(place.unwrap_or(0)).map_or(0, net)
}

/// What is left of a line after its discounts.
pub(crate) fn net(line: &Value) -> i64 {
    let off: i64 = line
        .list("discount_amounts")
        .iter()
        .filter_map(|it| it.int("amount"))
        .sum();
    line.int("amount").unwrap_or(0) - off
}

/// Fills `discount_amounts` of each line, of its own discounts and of those of the invoice.
pub(crate) fn apply(world: &World, of_invoice: &[Value], lines: &mut [Value]) {
    for line in lines.iter_mut() {
        line.set("discount_amounts", json!([]));
    }
    for line in lines.iter_mut() {
        for id in line.list("discounts").to_vec() {
            if let Some(found) = discount::known(world, &id) {
                take(found, std::slice::from_mut(line));
            }
        }
    }
    for found in of_invoice
        .iter()
        .filter_map(|id| discount::known(world, id))
    {
        take(found, lines);
    }
}

/// Takes one discount off the lines that it applies to.
fn take(discount: &Value, lines: &mut [Value]) {
    let coupon = discount.at("_coupon");
    let mut lines: Vec<&mut Value> = lines
        .iter_mut()
        .filter(|line| {
            let product = line.text("pricing.price_details.product");
            line.at("discountable").as_bool() != Some(false)
                && coupon::applies_to(coupon, product.unwrap_or_default())
        })
        .collect();
    let left: Vec<i64> = lines.iter().map(|line| net(line)).collect();
    let shares = if let Some(percent) = coupon.int("_percent") {
        left.iter().map(|left| percent_of(*left, percent)).collect()
    } else {
        let currency = lines.first().and_then(|line| line.owned("currency"));
        let off = currency.and_then(|currency| coupon::amount_in(coupon, &currency));
        shared_out(off.unwrap_or(0), &left)
    };
    for (line, amount) in lines.iter_mut().zip(shares) {
        if amount != 0 {
            let mut amounts = line.list("discount_amounts").to_vec();
            amounts.push(json!({"amount": amount, "discount": discount.id()}));
            line.set("discount_amounts", amounts);
        }
    }
}

/// A percentage of an amount, which is in ten thousandths of a percent.
fn percent_of(amount: i64, percent: i64) -> i64 {
    invoice_line::share(amount, percent, 100 * PERCENT_SCALE)
}

/// Shares an amount out over what is left of lines, in proportion. What does not come out even is the last line's: the
/// documents share 500 over 1000 and 2000 as 166 and 334. No line goes below zero, and credits have no part.
fn shared_out(off: i64, left: &[i64]) -> Vec<i64> {
    let all: i64 = left.iter().filter(|it| **it > 0).sum();
    let off = off.min(all);
    if off <= 0 {
        return vec![0; left.len()];
    }
    let part = |it: i64| i64::try_from(i128::from(off) * i128::from(it.max(0)) / i128::from(all));
    let mut shares: Vec<i64> = left.iter().map(|it| part(*it).unwrap_or(0)).collect();
    let mut rest = off - shares.iter().sum::<i64>();
    for (share, left) in shares.iter_mut().zip(left).rev() {
        let more = rest.min((left - *share).max(0));
        *share += more;
        rest -= more;
    }
    shares
}

/// What a final invoice used up: discounts that are good for one invoice, if they took something off.
pub(crate) fn use_up(world: &mut World, invoice: &Value) {
    for amount in invoice.list("total_discount_amounts") {
        let found = discount::known(world, amount.at("discount")).cloned();
        let used = found.filter(|it| it.is("_coupon.duration", "once") && !it.flag("deleted"));
        // One that is on the invoice itself stays there.
        if let Some(used) = used.filter(|it| !it.has("invoice") && !it.has("invoice_item")) {
            end(world, &used);
        }
    }
}

/// Lets a discount last for the months that its coupon says.
pub(crate) fn begin(world: &mut World, discount: &Value) {
    world.save(discount);
    if let Some(end) = discount.int("end") {
        world.schedule(Due::DiscountEnds, discount, end);
    }
}

/// Ends a discount, whose owner the caller takes it from.
pub(crate) fn close(world: &mut World, discount: &Value) {
    world.unschedule(Due::DiscountEnds, discount.id());
    world.save(&discount::deleted(discount));
    if !discount.has("invoice") && !discount.has("invoice_item") {
        world.emit("customer.discount.deleted", discount);
    }
}

/// Ends a discount and takes it from what it was on.
pub(crate) fn end(world: &mut World, discount: &Value) {
    if discount.flag("deleted") {
        return;
    }
    close(world, discount);
    if let Some(id) = discount.text("subscription") {
        if let Some(before) = world.store.get(Kind::Subscription, id).cloned() {
            let mut after = before.clone();
            without(&mut after, "discounts", discount.id());
            for index in 0..before.list("items.data").len() {
                without(
                    &mut after,
                    &format!("items.data.{index}.discounts"),
                    discount.id(),
                );
            }
            if after != before {
                world.update(&before, &after, "customer.subscription.updated");
            }
        }
    } else if let Some(before) = discount
        .text("customer")
        .and_then(|id| world.store.get(Kind::Customer, id))
        .filter(|customer| customer.is("discount.id", discount.id()))
        .cloned()
    {
        let mut after = before.clone();
        after.set("discount", Value::Null);
        world.update(&before, &after, "customer.updated");
    }
}

fn without(object: &mut Value, list: &str, id: &str) {
    let mut kept = object.list(list).to_vec();
    kept.retain(|it| it.as_str() != Some(id));
    object.set(list, kept);
}

/// Takes discounts that are over from a subscription that was read before.
pub(crate) fn drop_ended(world: &World, subscription: &mut Value) {
    let mut ids = subscription.list("discounts").to_vec();
    ids.retain(|id| discount::known(world, id).is_some_and(|it| !it.flag("deleted")));
    subscription.set("discounts", ids);
}

/// The time of a discount is over.
pub(crate) fn expire(world: &mut World, id: &str) -> crate::error::Result<()> {
    let discount = world.get(Kind::Discount, id)?;
    end(world, &discount);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{net, percent_of, shared_out, take};
    use serde_json::{Value, json};

    /// <https://docs.stripe.com/billing/billing-mode/compare> has the first; the others were worked out by hand.
    #[test]
    fn an_amount_is_shared_out_in_proportion_and_all_of_it() {
        let cases: [(i64, &[i64], &[i64]); 8] = [
            (500, &[1000, 2000], &[166, 334]),
            (500, &[1000, -400, 2000], &[166, 0, 334]),
            (100, &[1000, 1000, 1000], &[33, 33, 34]),
            (2, &[1, 1, 1], &[0, 1, 1]),
            (5000, &[1000, 2000], &[1000, 2000]),
            (500, &[0, 0], &[0, 0]),
            (0, &[1000], &[0]),
            (999, &[700, 300], &[699, 300]),
        ];
        for (off, left, shares) in cases {
            assert_eq!(shared_out(off, left), shares, "{off} over {left:?}");
        }
    }

    #[test]
    fn a_percentage_is_rounded_to_the_nearest_cent() {
        // 25% of 1500, 33.3333% of 999 is 332.99..., 12.5% of 100 is 12.5, and of a credit of 700.
        assert_eq!(percent_of(1500, 250_000), 375);
        assert_eq!(percent_of(999, 333_333), 333);
        assert_eq!(percent_of(100, 125_000), 13);
        assert_eq!(percent_of(-700, 250_000), -175);
    }

    fn line(amount: i64, product: &str, discountable: bool) -> Value {
        json!({"amount": amount, "currency": "usd", "discountable": discountable, "pricing": {"price_details": {"product": product}}, "discount_amounts": []})
    }

    /// 10000 less 20 percent and then 500 is 7500; the other way round it is 7600.
    #[test]
    fn discounts_are_taken_in_their_order() {
        let percent = json!({"id": "di_1", "_coupon": {"_percent": 200_000}});
        let amount = json!({"id": "di_2", "_coupon": {"amount_off": 500, "currency": "usd"}});
        for (order, expected) in [([&percent, &amount], 7500), ([&amount, &percent], 7600)] {
            let mut lines = [line(10_000, "prod_1", true)];
            for discount in order {
                take(discount, &mut lines);
            }
            assert_eq!(net(&lines[0]), expected);
            assert_eq!(lines[0]["discount_amounts"].as_array().unwrap().len(), 2);
        }
    }

    #[test]
    fn only_what_is_discountable_and_of_the_products_is_discounted() {
        let discount = json!({"id": "di_1", "_coupon": {"_percent": 500_000, "_applies_to": {"products": ["prod_1"]}}});
        let mut lines = [
            line(100, "prod_1", true),
            line(100, "prod_2", true),
            line(100, "prod_1", false),
        ];
        take(&discount, &mut lines);
        assert_eq!(lines.map(|line| net(&line)), [50, 100, 100]);
    }

    #[test]
    fn an_amount_in_another_currency_takes_nothing_off() {
        let discount = json!({"id": "di_1", "_coupon": {"amount_off": 500, "currency": "eur"}});
        let mut lines = [line(1000, "prod_1", true)];
        take(&discount, &mut lines);
        assert_eq!(net(&lines[0]), 1000);
    }
}
