//! A credit note: what of a final invoice is taken back, and how.

use super::invoice_line::share;
use crate::error::{ApiError, Result};
use crate::list::page_of_lines;
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// The lines that a credit note of these parameters has.
pub(crate) fn lines(invoice: &Value, params: &Value) -> Result<Vec<Value>> {
    if params.has("shipping_cost") {
        return Err(ApiError::not_simulated("shipping_cost"));
    }
    let wanted = params.list("lines");
    match (params.int("amount"), wanted.is_empty()) {
        (Some(_), false) => Err(ApiError::exclusive("amount", "lines")),
        (None, true) => Err(ApiError::validation(
            "You must pass one of `amount`, `lines`, or `shipping_cost`.",
        )
        .with_code("parameter_missing")
        .with_param("amount")),
        (Some(amount), true) => Ok(vec![whole(invoice, amount)?]),
        (None, false) => wanted
            .iter()
            .enumerate()
            .map(|(index, wanted)| line(invoice, wanted, &format!("lines[{index}]")))
            .collect(),
    }
}

/// The one line of a credit note over an amount, taxes included: its taxes are the invoice's in proportion.
fn whole(invoice: &Value, amount: i64) -> Result<Value> {
    if amount < 1 {
        return Err(super::coupon::at_least_one("amount"));
    }
    let total = invoice.int("total").unwrap_or(0);
    let taxes = parts(invoice.list("total_taxes"), amount, total);
    let gross = amount - exclusive(&taxes);
    let mut line = blank("custom_line_item", gross);
    line.set("taxes", taxes);
    Ok(line)
}

/// A line that credits one of the invoice's, or something else.
fn line(invoice: &Value, wanted: &Value, param: &str) -> Result<Value> {
    for name in ["tax_amounts", "tax_rates", "unit_amount_decimal"] {
        if wanted.has(name) {
            return Err(ApiError::not_simulated(&format!("{param}[{name}]")));
        }
    }
    let quantity = wanted.int("quantity");
    if wanted.is("type", "custom_line_item") {
        if invoice.flag("automatic_tax.enabled") {
            let message = "Custom lines cannot be credited on an invoice with automatic tax.";
            return Err(ApiError::invalid(message).with_param(param));
        }
        let unit = wanted
            .int("unit_amount")
            .ok_or_else(|| ApiError::missing(&format!("{param}[unit_amount]")))?;
        let quantity = quantity.unwrap_or(1);
        let mut line = blank("custom_line_item", unit.saturating_mul(quantity));
        line.set("description", wanted.at("description").clone());
        line.set("quantity", quantity);
        line.set("unit_amount", unit);
        line.set("unit_amount_decimal", unit.to_string());
        return Ok(line);
    }
    let id = wanted
        .text("invoice_line_item")
        .ok_or_else(|| ApiError::missing(&format!("{param}[invoice_line_item]")))?;
    let mut all = invoice.list("lines.data").iter();
    let of = all.find(|line| line.id() == id).ok_or_else(|| {
        ApiError::invalid(format!("No such invoice line item: '{id}'"))
            .with_code("resource_missing")
            .with_param(format!("{param}[invoice_line_item]"))
    })?;
    let (full, all) = (
        of.int("amount").unwrap_or(0),
        of.int("quantity").unwrap_or(1),
    );
    let gross = match (wanted.int("amount"), quantity) {
        (Some(_), Some(_)) => {
            return Err(ApiError::exclusive("amount", "quantity").with_param(param));
        }
        (Some(amount), None) => amount,
        (None, quantity) => share(full, quantity.unwrap_or(all), all),
    };
    if gross < 1 || gross > full {
        let message = format!("The line {id} can be credited with at most {full}.");
        return Err(ApiError::invalid(message).with_param(param));
    }
    let discounts = parts(of.list("discount_amounts"), gross, full);
    let mut line = blank("invoice_line_item", gross);
    line.set(
        "description",
        wanted.text("description").or(of.text("description")),
    );
    line.set("discount_amount", sum(&discounts, "amount"));
    line.set("discount_amounts", discounts);
    line.set("invoice_line_item", id);
    line.set("quantity", quantity);
    line.set("taxes", parts(of.list("taxes"), gross, full));
    Ok(line)
}

fn blank(kind: &str, amount: i64) -> Value {
    json!({
        "id": ids::id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": null,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": false,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": null,
        "tax_rates": [],
        "taxes": [],
        "type": kind,
        "unit_amount": null,
        "unit_amount_decimal": null,
    })
}

/// Discounts or taxes of an amount in proportion to a part of it.
fn parts(of: &[Value], part: i64, whole: i64) -> Vec<Value> {
    of.iter()
        .map(|it| {
            let mut it = it.clone();
            for name in ["amount", "taxable_amount"] {
                if let Some(amount) = it.int(name) {
                    it.set(name, share(amount, part, whole));
                }
            }
            it
        })
        .collect()
}

fn sum(of: &[Value], name: &str) -> i64 {
    of.iter().filter_map(|it| it.int(name)).sum()
}

fn exclusive(taxes: &[Value]) -> i64 {
    let exclusive = taxes
        .iter()
        .filter(|tax| tax.is("tax_behavior", "exclusive"));
    exclusive.filter_map(|tax| tax.int("amount")).sum()
}

/// A credit note of these lines, which nothing has been done about yet.
pub(crate) fn new(world: &World, invoice: &Value, params: &Value, lines: Vec<Value>) -> Value {
    let id = ids::id("cn");
    let of_lines = |name: &str| -> Vec<Value> {
        lines
            .iter()
            .flat_map(|line| line.list(name))
            .cloned()
            .collect()
    };
    let (discounts, taxes) = (of_lines("discount_amounts"), of_lines("taxes"));
    let subtotal = sum(&lines, "amount");
    let (off, added, all) = (
        sum(&discounts, "amount"),
        exclusive(&taxes),
        sum(&taxes, "amount"),
    );
    let total = subtotal - off + added;
    let remaining = if invoice.is("status", "paid") {
        0
    } else {
        invoice.int("amount_remaining").unwrap_or(0)
    };
    let before_payment = total.min(remaining);
    let kind = match (before_payment, total - before_payment) {
        (0, _) => "post_payment",
        (_, 0) => "pre_payment",
        _ => "mixed",
    };
    let now = world.now_for(invoice);
    let number = invoice.text("number").unwrap_or_default();
    let earlier = world
        .store
        .having(Kind::CreditNote, "invoice", invoice.id())
        .count();
    let mut note = json!({
        "id": id,
        "object": "credit_note",
        "amount": total,
        "amount_shipping": 0,
        "created": now,
        "currency": invoice.at("currency"),
        "customer": invoice.at("customer"),
        "customer_account": null,
        "customer_balance_transaction": null,
        "discount_amount": off,
        "discount_amounts": [],
        "effective_at": params.int("effective_at").unwrap_or(now),
        "invoice": invoice.id(),
        "lines": {"object": "list", "data": [], "has_more": false, "url": format!("/v1/credit_notes/{id}/lines")},
        "livemode": false,
        "memo": params.at("memo"),
        "metadata": {},
        "number": format!("{number}-CN-{:02}", earlier + 1),
        "out_of_band_amount": params.at("out_of_band_amount"),
        "pdf": format!("{}/sandbox/credit_notes/{id}/pdf", world.base_url),
        "post_payment_amount": total - before_payment,
        "pre_payment_amount": before_payment,
        "pretax_credit_amounts": [],
        "reason": params.at("reason"),
        "refunds": [],
        "shipping_cost": null,
        "status": "issued",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - (all - added),
        "total": total,
        "total_excluding_tax": total - all,
        "total_taxes": [],
        "type": kind,
        "voided_at": null,
        "_clock": invoice.at("_clock"),
    });
    // The macro would copy them.
    note.set("discount_amounts", discounts);
    note.set("total_taxes", taxes);
    note.set("lines.data", lines);
    note
}

/// `GET /v1/credit_notes/{id}/lines`
pub(crate) fn lines_of(world: &World, call: &Call) -> Answer {
    let note = world.at_path(Kind::CreditNote, &call.id)?;
    let url = format!("/v1/credit_notes/{}/lines", note.id());
    page_of_lines(note.list("lines.data"), &url, &call.params)
}

/// What of a refund no credit note has yet.
pub(crate) fn unlinked(world: &World, refund: &Value) -> i64 {
    let notes = world.store.oldest_first(Kind::CreditNote);
    let linked: i64 = notes
        .filter(|note| note.is("status", "issued"))
        .flat_map(|note| note.list("refunds"))
        .filter(|it| it.is("refund", refund.id()))
        .filter_map(|it| it.int("amount_refunded"))
        .sum();
    refund.int("amount").unwrap_or(0) - linked
}

/// Notes on a credit note that a refund, or this part of it, belongs to it.
pub(crate) fn with_refund(note: &mut Value, refund: &str, amount: i64) {
    let mut refunds = note.list("refunds").to_vec();
    refunds.push(json!({
        "amount_refunded": amount, "payment_record_refund": null, "refund": refund, "type": "refund",
    }));
    note.set("refunds", refunds);
}
