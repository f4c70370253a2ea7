//! What taxes are on the lines of an invoice: by the rates that the shop names, or automatically by a table.
//!
//! Each line and each rate is rounded by itself, to the nearest minor unit and halves away from zero. An inclusive rate is
//! taken out of the amount (<https://docs.stripe.com/billing/taxes/tax-rates#inclusive-vs-exclusive>).

use super::discounts;
use crate::objects::coupon::PERCENT_SCALE;
use crate::objects::invoice_line;
use crate::objects::tax_location::{self, Location};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// Fills `taxes` of each line, and says in `automatic_tax` whether the customer's location was known.
pub(crate) fn apply(world: &World, invoice: &mut Value, lines: &mut [Value]) {
    let automatic = invoice.flag("automatic_tax.enabled");
    let customer = customer_of(world, invoice);
    let location = automatic
        .then(|| tax_location::of(world, customer))
        .flatten();
    let exempt = match customer.text("tax_exempt").unwrap_or("none") {
        "none" if is_business_abroad(world, customer, location.as_ref()) => "reverse",
        said => said,
    };
    if automatic {
        let known = if location.is_some() {
            "complete"
        } else {
            "requires_location_inputs"
        };
        invoice.set("automatic_tax.status", known);
    }
    for line in lines {
        let taxes: Vec<Value> = if automatic {
            let taxed = location
                .as_ref()
                .and_then(|at| automatic_tax(world, at, line));
            taxed.into_iter().collect()
        } else {
            let own = line.list("_tax_rates");
            let rates = if own.is_empty() {
                invoice.list("default_tax_rates")
            } else {
                own
            };
            by_rates(discounts::net(line), rates, "not_available")
        };
        line.set(
            "taxes",
            taxes
                .into_iter()
                .map(|tax| exempted(tax, exempt))
                .collect::<Vec<_>>(),
        );
    }
}

/// Whether the customer owes the taxes themselves, as a business of another country than the account's, by the form of a
/// tax id alone: `unverified` is enough (<https://docs.stripe.com/tax/zero-tax>). The account is in none of these.
fn is_business_abroad(world: &World, customer: &Value, location: Option<&Location>) -> bool {
    let country = location.map_or("", |it| it.country.as_str());
    let kind = match country {
        "GB" => "gb_vat",
        _ if tax_location::is_in_the_union(country) => "eu_vat",
        _ => return false,
    };
    let mut held = world.store.having(Kind::TaxId, "customer", customer.id());
    held.any(|it| it.is("type", kind))
}

fn customer_of<'a>(world: &'a World, invoice: &Value) -> &'a Value {
    static NOBODY: Value = Value::Null;
    let id = invoice.text("customer").unwrap_or_default();
    world.store.get(Kind::Customer, id).unwrap_or(&NOBODY)
}

fn automatic_tax(world: &World, location: &Location, line: &Value) -> Option<Value> {
    let rate = tax_location::rate(world, location, is_inclusive(world, line))?;
    by_rates(discounts::net(line), &[rate], "standard_rated").pop()
}

/// Whether the price of a line has its taxes in it.
fn is_inclusive(world: &World, line: &Value) -> bool {
    let price = line.text("pricing.price_details.price");
    let price = price.and_then(|id| world.store.get(Kind::Price, id));
    price.is_some_and(|price| price.is("tax_behavior", "inclusive"))
}

/// The taxes of these rates on an amount.
fn by_rates(amount: i64, rates: &[Value], reason: &str) -> Vec<Value> {
    let percent = |rate: &Value| rate.int("_percent").unwrap_or(0);
    let inclusive: i64 = rates
        .iter()
        .filter(|rate| rate.flag("inclusive"))
        .map(percent)
        .sum();
    let whole = 100 * PERCENT_SCALE;
    let part = |rate: &Value| {
        if rate.flag("inclusive") {
            invoice_line::share(amount, percent(rate), whole + inclusive)
        } else {
            0
        }
    };
    let taxable = amount - rates.iter().map(part).sum::<i64>();
    let tax = |rate: &Value| {
        let (tax, behavior) = if rate.flag("inclusive") {
            (part(rate), "inclusive")
        } else {
            (
                invoice_line::share(taxable, percent(rate), whole),
                "exclusive",
            )
        };
        json!({
            "amount": tax,
            "tax_behavior": behavior,
            "tax_rate_details": {"tax_rate": rate.id()},
            "taxability_reason": reason,
            "taxable_amount": taxable,
            "type": "tax_rate_details",
        })
    };
    rates.iter().map(tax).collect()
}

/// The tax for a customer who may be exempt from it.
fn exempted(mut tax: Value, exempt: &str) -> Value {
    let reason = match exempt {
        "exempt" => "customer_exempt",
        "reverse" => "reverse_charge",
        _ => return tax,
    };
    tax.set("amount", 0);
    tax.set("taxability_reason", reason);
    tax
}

/// Whether the invoice cannot be made final, since nobody knows where its customer is.
pub(crate) fn lacks_location(invoice: &Value) -> bool {
    invoice.is("automatic_tax.status", "requires_location_inputs")
}

/// Keeps the rates of the table that an invoice names, so that they can be read.
pub(crate) fn keep_rates(world: &mut World, invoice: &Value) {
    if !invoice.flag("automatic_tax.enabled") {
        return;
    }
    let Some(location) = tax_location::of(world, customer_of(world, invoice)) else {
        return;
    };
    for inclusive in [true, false] {
        let rate = tax_location::rate(world, &location, inclusive);
        if let Some(rate) = rate.filter(|it| world.store.get(Kind::TaxRate, it.id()).is_none()) {
            world.save(&rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{by_rates, exempted};
    use serde_json::{Value, json};

    fn rate(percent: i64, inclusive: bool) -> Value {
        json!({"id": "txr_1", "_percent": percent, "inclusive": inclusive})
    }

    fn taxes(amount: i64, rates: &[Value]) -> Vec<(i64, i64)> {
        by_rates(amount, rates, "not_available")
            .iter()
            .map(|tax| {
                (
                    tax["amount"].as_i64().unwrap(),
                    tax["taxable_amount"].as_i64().unwrap(),
                )
            })
            .collect()
    }

    /// Worked out by hand: 19% of 934 is 177.46, of 1806 343.14; 1900 / 1.19 is 1596.64; of 50 cents 19% are 9.5; 8.1% in
    /// 1081 are 81; 10% and 5% in 1150 are 100 and 50, and 20% on the 1000 that are left 200.
    #[test]
    fn a_tax_is_rounded_for_each_line_and_rate() {
        assert_eq!(taxes(-934, &[rate(190_000, false)]), [(-177, -934)]);
        assert_eq!(taxes(1806, &[rate(190_000, false)]), [(343, 1806)]);
        assert_eq!(taxes(1900, &[rate(190_000, true)]), [(303, 1597)]);
        assert_eq!(taxes(50, &[rate(190_000, false)]), [(10, 50)]);
        assert_eq!(taxes(1081, &[rate(81_000, true)]), [(81, 1000)]);
        let three = [
            rate(100_000, true),
            rate(50_000, true),
            rate(200_000, false),
        ];
        assert_eq!(taxes(1150, &three), [(100, 1000), (50, 1000), (200, 1000)]);
        assert_eq!(taxes(1000, &[]), []);
    }

    #[test]
    fn who_is_exempt_pays_none() {
        let tax = by_rates(1000, &[rate(190_000, false)], "standard_rated").remove(0);
        let free = exempted(tax.clone(), "reverse");
        assert_eq!(
            (&free["amount"], &free["taxability_reason"]),
            (&json!(0), &json!("reverse_charge"))
        );
        assert_eq!(exempted(tax.clone(), "none"), tax);
    }
}
