//! Invoice items of the shop's own: made, changed and deleted until an invoice that has them is final.

use super::discounts::{self, Order};
use crate::billing::totals;
use crate::error::{ApiError, Result};
use crate::list::{fits, page};
use crate::objects::discount::Place;
use crate::objects::invoice_item::{self, Item};
use crate::objects::invoice_line::{self, Period};
use crate::objects::{customer, merge_metadata, tax_rate};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `POST /v1/invoiceitems`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let invoice = draft(world, params.text("invoice"))?;
    let payer = params
        .text("customer")
        .or(invoice
            .as_ref()
            .and_then(|invoice| invoice.text("customer")))
        .ok_or_else(|| ApiError::missing("customer"))?;
    let payer = customer::named(world, payer, "customer")?;
    if let Some(id) = params.text("subscription") {
        let subscription = world.at_param(Kind::Subscription, id, "subscription")?;
        if !subscription.is("customer", payer.id()) {
            return Err(Kind::Subscription.no_such(id, "subscription"));
        }
    }
    let price = price_of(world, params)?;
    let quantity = params.int("quantity").unwrap_or(1);
    let amount = amount_of(params, price.as_ref(), quantity)?;
    let currency = currency_of(params, price.as_ref(), invoice.as_ref())?;
    let now = world.now_for(&payer);
    let name = price
        .as_ref()
        .map(|price| invoice_line::product_name(world, price).to_owned());
    let mut item = invoice_item::new(
        world,
        &payer,
        &Item {
            amount,
            currency: &currency,
            description: params.owned("description").or(name).unwrap_or_default(),
            // A credit is not discounted unless the shop says so.
            discountable: params.at("discountable").as_bool().unwrap_or(amount >= 0),
            period: period_of(params, now)?,
            price: price.as_ref().unwrap_or(&Value::Null),
            quantity,
            proration: false,
            credited_items: Value::Null,
            subscription: params.text("subscription"),
            source: None,
        },
    );
    if !params.has("description") && price.is_none() {
        item.set("description", Value::Null);
    }
    terms(world, &mut item, params)?;
    merge_metadata(&mut item, params);
    item.set("invoice", invoice.as_ref().map(Fields::id));
    world.create(&item, "invoiceitem.created");
    if let Some(before) = invoice {
        let mut line = invoice_line::of_pending(&item);
        line.set("invoice", before.id());
        let mut lines = before.list("lines.data").to_vec();
        lines.push(line);
        set_lines(world, &before, lines);
    }
    Ok(item)
}

/// `POST /v1/invoiceitems/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let before = world.at_path(Kind::InvoiceItem, &call.id)?;
    let invoice = draft(world, before.text("invoice"))?;
    let mut item = before.clone();
    let quantity = params
        .int("quantity")
        .or(before.int("quantity"))
        .unwrap_or(1);
    item.set("quantity", quantity);
    item.set("quantity_decimal", quantity.to_string());
    if let Some(amount) = params.int("amount") {
        item.set("amount", amount);
    } else if let Some(unit) = before
        .text("pricing.unit_amount_decimal")
        .and_then(|unit| unit.parse::<i64>().ok())
        .filter(|_| params.has("quantity"))
    {
        item.set("amount", unit.saturating_mul(quantity));
    }
    for field in ["description", "discountable"] {
        if let Some(value) = params.get(field) {
            item.set(field, value.clone());
        }
    }
    if params.has("period") {
        let period = period_of(params, 0)?;
        item.set("period", json!({"start": period.start, "end": period.end}));
    }
    terms(world, &mut item, params)?;
    merge_metadata(&mut item, params);
    world.save(&item);
    if let Some(before) = invoice {
        let mut lines = before.list("lines.data").to_vec();
        for line in lines.iter_mut().filter(|line| is_of(line, item.id())) {
            let id = line.id().to_owned();
            *line = invoice_line::of_pending(&item);
            line.set("id", id);
            line.set("invoice", before.id());
        }
        set_lines(world, &before, lines);
    }
    Ok(item)
}

/// `DELETE /v1/invoiceitems/{id}`
pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let item = world.at_path(Kind::InvoiceItem, &call.id)?;
    let invoice = draft(world, item.text("invoice"))?;
    world.store.remove(Kind::InvoiceItem, item.id());
    world.emit("invoiceitem.deleted", &item);
    if let Some(before) = invoice {
        let mut lines = before.list("lines.data").to_vec();
        lines.retain(|line| !is_of(line, item.id()));
        set_lines(world, &before, lines);
    }
    Ok(json!({"id": item.id(), "object": "invoiceitem", "deleted": true}))
}

/// `GET /v1/invoiceitems`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    page(
        world,
        Kind::InvoiceItem,
        "/v1/invoiceitems",
        &call.params,
        |item, params| {
            let pending = params.at("pending").as_bool();
            // Stripe dates items where other objects say when they were created.
            let mut dated = item.clone();
            dated.set("created", item.at("date").clone());
            pending.is_none_or(|pending| pending != item.has("invoice"))
                && fits(&dated, params, &["customer", "invoice"])
        },
    )
}

/// The invoice that an item is on, which must still be a draft.
fn draft(world: &World, id: Option<&str>) -> Result<Option<Value>> {
    let Some(id) = id else { return Ok(None) };
    let invoice = world.at_param(Kind::Invoice, id, "invoice")?;
    if invoice.is("status", "draft") {
        return Ok(Some(invoice));
    }
    let message = "The items of an invoice cannot be changed once it is finalized.";
    Err(ApiError::invalid(message)
        .with_code("invoice_not_editable")
        .with_param("invoice"))
}

fn is_of(line: &Value, item: &str) -> bool {
    let parent = line.at("parent");
    parent.is("invoice_item_details.invoice_item", item)
        || parent.is("subscription_item_details.invoice_item", item)
}

fn set_lines(world: &mut World, before: &Value, lines: Vec<Value>) {
    let mut invoice = before.clone();
    invoice.set("lines.data", lines);
    totals::set(world, &mut invoice);
    world.update(before, &invoice, "invoice.updated");
}

/// The one-time price that the item is made of, if it is.
fn price_of(world: &World, params: &Value) -> Result<Option<Value>> {
    let Some(id) = params.text("pricing.price") else {
        return Ok(None);
    };
    if params.has("amount") {
        return Err(ApiError::exclusive("amount", "pricing"));
    }
    let price = world.at_param(Kind::Price, id, "pricing[price]")?;
    if price.is("type", "one_time") && price.flag("active") {
        return Ok(Some(price));
    }
    let message = format!("The price specified must be active and have `type=one_time`: {id}");
    Err(ApiError::invalid(message).with_param("pricing[price]"))
}

fn amount_of(params: &Value, price: Option<&Value>, quantity: i64) -> Result<i64> {
    match price {
        Some(price) => Ok(price
            .int("unit_amount")
            .unwrap_or(0)
            .saturating_mul(quantity)),
        None => params
            .int("amount")
            .ok_or_else(|| ApiError::missing("amount")),
    }
}

fn currency_of(params: &Value, price: Option<&Value>, invoice: Option<&Value>) -> Result<String> {
    let given = params.text("currency").map(str::to_lowercase);
    let known = [price, invoice]
        .into_iter()
        .flatten()
        .find_map(|it| it.owned("currency"));
    match (given, known) {
        (Some(given), Some(known)) if given != known => Err(ApiError::invalid(format!(
            "The currency {given} is not that of the price or the invoice, {known}."
        ))
        .with_param("currency")),
        (given, known) => given.or(known).ok_or_else(|| ApiError::missing("currency")),
    }
}

fn period_of(params: &Value, now: i64) -> Result<Period> {
    let period = Period {
        start: params.int("period.start").unwrap_or(now),
        end: params.int("period.end").unwrap_or(now),
    };
    if period.start > period.end {
        let message = "The start of a period must not be after its end.";
        return Err(ApiError::invalid(message).with_param("period"));
    }
    Ok(period)
}

/// What discounts and taxes the item.
fn terms(world: &mut World, item: &mut Value, params: &Value) -> Result<()> {
    if let Some(rates) = params.get("tax_rates") {
        item.set("tax_rates", tax_rate::named(world, rates, "tax_rates")?);
    }
    let (id, payer) = (
        item.id().to_owned(),
        item.owned("customer").unwrap_or_default(),
    );
    let currency = item.owned("currency").unwrap_or_default();
    let place = Place {
        customer: &payer,
        invoice_item: Some(&id),
        ..Place::default()
    };
    let order = Order {
        currency: &currency,
        subtotal: None,
    };
    let before = item.list("discounts").to_vec();
    let given = params.get("discounts");
    if let Some(ids) = discounts::replace(world, given, &before, &place, order, "discounts")? {
        item.set("discounts", ids);
    }
    Ok(())
}
