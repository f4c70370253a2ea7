//! An invoice of a subscription, and who pays it with what.

use super::subscription;
use crate::list::fits;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// What an invoice is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    /// Stripe's `billing_reason`.
    pub(crate) reason: &'static str,
    /// The start of what is billed.
    pub(crate) from: i64,
    /// Its end.
    pub(crate) to: i64,
    /// Whether it is a free trial.
    pub(crate) trial: bool,
}

/// A draft for the subscription's items.
#[expect(
    clippy::too_many_lines,
    reason = "an invoice has that many fields, and they belong together"
)]
pub(crate) fn new(world: &World, subscription: &Value, bill: Bill) -> Value {
    let id = ids::id("in");
    let lines: Vec<Value> = subscription
        .list("items.data")
        .iter()
        .map(|item| line(world, &id, subscription, item, bill))
        .collect();
    let total: i64 = lines.iter().filter_map(|line| line.int("amount")).sum();
    let customer = world
        .store
        .get(
            Kind::Customer,
            subscription.text("customer").unwrap_or_default(),
        )
        .cloned()
        .unwrap_or_default();
    let now = world.now_for(subscription);
    json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Perennial sandbox",
        "account_tax_ids": null,
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": 0,
        "attempted": false,
        "auto_advance": true,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
        "automatically_finalizes_at": null,
        "billing_reason": bill.reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": subscription.at("currency"),
        "custom_fields": null,
        "customer": subscription.at("customer"),
        "customer_account": null,
        "customer_address": customer.at("address"),
        "customer_email": customer.at("email"),
        "customer_name": customer.at("name"),
        "customer_phone": customer.at("phone"),
        "customer_shipping": customer.at("shipping"),
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "due_date": null,
        "effective_at": null,
        "ending_balance": null,
        "footer": null,
        "from_invoice": null,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "issuer": {"type": "self"},
        "last_finalization_error": null,
        "latest_revision": null,
        "lines": {"object": "list", "data": lines, "has_more": false, "url": format!("/v1/invoices/{id}/lines")},
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": null,
        "on_behalf_of": null,
        "parent": {
            "quote_details": null,
            "subscription_details": {"metadata": subscription.at("metadata"), "subscription": subscription.id()},
            "type": "subscription_details",
        },
        "payment_settings": {
            "default_mandate": null,
            "payment_method_options": null,
            "payment_method_types": subscription.at("payment_settings.payment_method_types"),
        },
        "period_end": now,
        "period_start": if bill.reason == "subscription_cycle" { bill.from - (bill.to - bill.from) } else { now },
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "starting_balance": 0,
        "statement_descriptor": null,
        "status": "draft",
        "status_transitions": {"finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null},
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": subscription.at("test_clock"),
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": null,
        "_clock": subscription.at("_clock"),
    })
}

fn line(world: &World, invoice: &str, subscription: &Value, item: &Value, bill: Bill) -> Value {
    let price = item.at("price");
    let quantity = item.int("quantity").unwrap_or(1);
    let unit = if bill.trial {
        0
    } else {
        price.int("unit_amount").unwrap_or(0)
    };
    let product = price.text("product").unwrap_or_default();
    let name = world
        .store
        .get(Kind::Product, product)
        .and_then(|product| product.text("name"))
        .unwrap_or("Product");
    let description = if bill.trial {
        format!("Trial period for {name}")
    } else {
        let currency = price.text("currency").unwrap_or_default().to_uppercase();
        format!(
            "{quantity} × {name} (at {unit} {currency} in minor units / {})",
            price.text("recurring.interval").unwrap_or_default()
        )
    };
    json!({
        "id": ids::id("il"),
        "object": "line_item",
        "amount": unit * quantity,
        "currency": price.at("currency"),
        "description": description,
        "discount_amounts": [],
        "discountable": true,
        "discounts": [],
        "invoice": invoice,
        "livemode": false,
        "metadata": subscription.at("metadata"),
        "parent": {
            "invoice_item_details": null,
            "subscription_item_details": {
                "invoice_item": null,
                "proration": false,
                "proration_details": {"credited_items": null},
                "subscription": subscription.id(),
                "subscription_item": item.id(),
            },
            "type": "subscription_item_details",
        },
        "period": {"end": bill.to, "start": bill.from},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price.id(), "product": product},
            "type": "price_details",
            "unit_amount_decimal": unit.to_string(),
        },
        "quantity": quantity,
        "quantity_decimal": quantity.to_string(),
        "subscription": subscription.id(),
        "subtotal": unit * quantity,
        "taxes": [],
    })
}

/// The list that `payments` holds once it is expanded.
pub(crate) fn payments_list(world: &World, invoice: &str) -> Value {
    let payments: Vec<Value> = world
        .store
        .newest_first(Kind::InvoicePayment)
        .filter(|payment| payment.is("invoice", invoice))
        .map(shown)
        .collect();
    json!({"object": "list", "data": payments, "has_more": false, "url": "/v1/invoice_payments"})
}

/// What `confirmation_secret` holds once it is expanded: what a page confirms the invoice's payment with.
pub(crate) fn confirmation_secret(world: &World, invoice: &str) -> Value {
    intent_of(world, invoice).map_or(Value::Null, |intent| {
        json!({"client_secret": intent.text("client_secret").unwrap_or_default(), "type": "payment_intent"})
    })
}

/// The invoice's own payment, once it is open.
pub(crate) fn payment_of(world: &World, invoice: &str) -> Option<Value> {
    world
        .store
        .newest_first(Kind::InvoicePayment)
        .find(|payment| payment.is("invoice", invoice) && payment.flag("is_default"))
        .cloned()
}

/// The PaymentIntent of an open invoice.
pub(crate) fn intent_of(world: &World, invoice: &str) -> Option<Value> {
    let payment = payment_of(world, invoice)?;
    world
        .store
        .get(Kind::PaymentIntent, payment.text("payment.payment_intent")?)
        .cloned()
}

/// The payment method that pays the invoice: the subscription's own, or the customer's default.
pub(crate) fn method_for(world: &World, invoice: &Value) -> Option<Value> {
    let subscription = subscription_of(world, invoice)?;
    subscription::method_of(world, &subscription)
}

/// The subscription that the invoice is for.
pub(crate) fn subscription_of(world: &World, invoice: &Value) -> Option<Value> {
    world
        .store
        .get(
            Kind::Subscription,
            invoice.text("parent.subscription_details.subscription")?,
        )
        .cloned()
}

/// Whether a list with these parameters has the invoice.
pub(crate) fn is_listed(invoice: &Value, params: &Value) -> bool {
    let subscription = params
        .text("subscription")
        .is_none_or(|id| invoice.is("parent.subscription_details.subscription", id));
    subscription
        && fits(
            invoice,
            params,
            &["customer", "status", "collection_method"],
        )
}
