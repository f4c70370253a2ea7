//! An invoice of a subscription, and who pays it with what.

use super::invoice_line::Period;
use super::{subscription, tax_id};
use crate::list::fits;
use crate::state::render::shown;
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// What a draft is made of.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    /// Stripe's `billing_reason`.
    pub(crate) reason: &'static str,
    /// What Stripe shows as the invoice's own period, which of a renewal is the one before those of its lines.
    pub(crate) period: Period,
    /// Its lines, without discounts and taxes.
    pub(crate) lines: Vec<Value>,
}

/// A draft for the subscription, whose totals have to be made of its lines yet.
#[expect(
    clippy::too_many_lines,
    reason = "an invoice has that many fields, and they belong together"
)]
pub(crate) fn new(world: &World, subscription: &Value, bill: Bill) -> Value {
    let id = ids::id("in");
    let mut lines = bill.lines;
    for line in &mut lines {
        line.set("invoice", id.clone());
    }
    let customer = world
        .store
        .get(
            Kind::Customer,
            subscription.text("customer").unwrap_or_default(),
        )
        .cloned()
        .unwrap_or_default();
    let now = world.now_for(subscription);
    let mut invoice = json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Perennial sandbox",
        "account_tax_ids": null,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
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
        "customer_tax_exempt": customer.text("tax_exempt").unwrap_or("none"),
        "customer_tax_ids": tax_id::on_invoice(world, customer.id()),
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
        "lines": {"object": "list", "data": [], "has_more": false, "url": format!("/v1/invoices/{id}/lines")},
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
        "period_end": bill.period.end,
        "period_start": bill.period.start,
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
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": subscription.at("test_clock"),
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": null,
        "_clock": subscription.at("_clock"),
    });
    // The macro would copy them.
    invoice.set("lines.data", lines);
    invoice
}

/// The list that `payments` holds once it is expanded.
pub(crate) fn payments_list(world: &World, invoice: &str) -> Value {
    let payments: Vec<Value> = world
        .store
        .having(Kind::InvoicePayment, "invoice", invoice)
        .rev()
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
        .having(Kind::InvoicePayment, "invoice", invoice)
        .rfind(|payment| payment.flag("is_default"))
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

/// The payment method that pays the invoice: its own, the subscription's, or the customer's default.
pub(crate) fn method_for(world: &World, invoice: &Value) -> Option<Value> {
    if let Some(own) = invoice.text("default_payment_method") {
        return world.store.get(Kind::PaymentMethod, own).cloned();
    }
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

/// The invoice that a link of `hosted_invoice_url` leads to.
pub(crate) fn of_link<'a>(world: &'a World, link: &str) -> Option<&'a Value> {
    world.store.having(Kind::Invoice, "_link", link).next()
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
