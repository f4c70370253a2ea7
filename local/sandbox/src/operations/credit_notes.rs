//! Credit notes: issued, previewed, changed, voided.
//!
//! <https://docs.stripe.com/invoicing/credit-notes>: on an open invoice a credit note lowers what remains to be paid; of a
//! paid one the money goes back, to the payment method, to the customer's balance, or outside of Stripe.

use super::refunds;
use crate::billing::{balance, collect};
use crate::error::{ApiError, Result};
use crate::list::page_of_lines;
use crate::objects::balance_transaction::Cause;
use crate::objects::{credit_note, invoice, merge_metadata};
use crate::params::call::{Answer, Call, Client};
use crate::state::{Fields, Kind, World};
use serde_json::{Value, json};

/// `POST /v1/credit_notes`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let (invoice, mut note) = checked(world, params, false)?;
    merge_metadata(&mut note, params);
    for linked in params.list("refunds") {
        let id = linked.text("refund").unwrap_or_default();
        let amount = amount_of(world, linked)?;
        credit_note::with_refund(&mut note, id, amount);
    }
    if let Some(amount) = params.int("refund_amount").filter(|it| *it > 0) {
        let refund = refund(world, &invoice, amount)?;
        credit_note::with_refund(&mut note, refund.id(), amount);
    }
    if let Some(amount) = params.int("credit_amount").filter(|it| *it > 0) {
        let cause = Cause {
            kind: "credit_note",
            credit_note: Some(note.id()),
            invoice: Some(invoice.id()),
            ..Cause::default()
        };
        let customer = invoice.text("customer").unwrap_or_default();
        let currency = invoice.text("currency").unwrap_or_default();
        let moved = balance::post(world, customer, -amount, currency, cause);
        note.set(
            "customer_balance_transaction",
            moved.map(|it| it.id().to_owned()),
        );
    }
    world.create(&note, "credit_note.created");
    change_invoice(world, &note, 1)?;
    Ok(note)
}

/// `GET /v1/credit_notes/preview`
pub(crate) fn preview(world: &World, call: &Call) -> Answer {
    Ok(checked(world, &call.params, true)?.1)
}

/// `GET /v1/credit_notes/preview/lines`
pub(crate) fn preview_lines(world: &World, call: &Call) -> Answer {
    let (_, note) = checked(world, &call.params, true)?;
    page_of_lines(
        note.list("lines.data"),
        "/v1/credit_notes/preview/lines",
        &call.params,
    )
}

/// `POST /v1/credit_notes/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::CreditNote, &call.id)?;
    let mut note = before.clone();
    if let Some(memo) = call.params.get("memo") {
        note.set("memo", memo.clone());
    }
    merge_metadata(&mut note, &call.params);
    world.update(&before, &note, "credit_note.updated");
    Ok(note)
}

/// `POST /v1/credit_notes/{id}/void`: only while the invoice is open.
pub(crate) fn void(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::CreditNote, &call.id)?;
    let of = world.get(Kind::Invoice, before.text("invoice").unwrap_or_default())?;
    if !before.is("status", "issued") || !of.is("status", "open") {
        let message = "You can only void a credit note that is issued and whose invoice is open.";
        return Err(ApiError::invalid(message));
    }
    let mut note = before.clone();
    note.set("status", "void");
    note.set("voided_at", world.now_for(&before));
    world.save(&note);
    world.emit("credit_note.voided", &note);
    change_invoice(world, &note, -1)?;
    Ok(note)
}

/// The invoice and the credit note that the parameters describe, if it may be issued.
fn checked(world: &World, params: &Value, previews: bool) -> Result<(Value, Value)> {
    let id = params.text("invoice").unwrap_or_default();
    let invoice = world.at_param(Kind::Invoice, id, "invoice")?;
    if !matches!(
        invoice.text("status"),
        Some("open" | "paid" | "uncollectible")
    ) {
        let message = format!(
            "Credit notes are for invoices that are open, paid or uncollectible; {id} is {}.",
            invoice.text("status").unwrap_or_default()
        );
        return Err(ApiError::invalid(message).with_param("invoice"));
    }
    let lines = credit_note::lines(&invoice, params)?;
    let note = credit_note::new(world, &invoice, params, lines);
    let total = note.int("total").unwrap_or(0);
    let most = creditable(world, &invoice, params);
    if total > most {
        let message = format!(
            "The credit note's amount ({total}) is greater than what can still be credited of the invoice ({most})."
        );
        return Err(ApiError::invalid(message).with_param("amount"));
    }
    check_sum(world, &note, params, previews)?;
    Ok((invoice, note))
}

/// What of an invoice can still be credited: its total, less earlier credit notes, and less refunds that no credit note
/// has and that this one does not name either.
fn creditable(world: &World, invoice: &Value, params: &Value) -> i64 {
    let amount = |name: &str| invoice.int(name).unwrap_or(0);
    let named = |refund: &Value| {
        params
            .list("refunds")
            .iter()
            .any(|it| it.is("refund", refund.id()))
    };
    let charge = charge_of(world, invoice);
    let refunds = world.store.oldest_first(Kind::Refund);
    let alone: i64 = refunds
        .filter(|it| it.text("charge").is_some() && it.text("charge") == charge.as_deref())
        .filter(|it| !it.is("status", "failed") && !named(it))
        .map(|it| credit_note::unlinked(world, it))
        .sum();
    let credited =
        amount("pre_payment_credit_notes_amount") + amount("post_payment_credit_notes_amount");
    amount("total") - credited - alone
}

/// The charge that paid an invoice.
fn charge_of(world: &World, invoice: &Value) -> Option<String> {
    let intent = invoice::intent_of(world, invoice.id())?;
    intent
        .owned("latest_charge")
        .filter(|_| intent.is("status", "succeeded"))
}

/// What is given back has to be said, and to the cent; a preview may leave it open.
fn check_sum(world: &World, note: &Value, params: &Value, previews: bool) -> Result<()> {
    let mut given = 0;
    for name in ["refund_amount", "credit_amount", "out_of_band_amount"] {
        let amount = params.int(name).unwrap_or(0);
        if amount < 0 {
            let message = "This value must be greater than or equal to 0.";
            return Err(ApiError::validation(message)
                .with_code("parameter_invalid_integer")
                .with_param(name));
        }
        given += amount;
    }
    for (index, linked) in params.list("refunds").iter().enumerate() {
        given += amount_of(world, linked)
            .map_err(|error| error.with_param(format!("refunds[{index}][refund]")))?;
    }
    let due = note.int("post_payment_amount").unwrap_or(0);
    if given == due || (previews && given == 0) {
        return Ok(());
    }
    let message = format!(
        "The sum of credit amount, refund amount and out of band amount ({given}) must equal the credit note's post payment amount ({due})."
    );
    Err(ApiError::invalid(message))
}

/// How much of a refund belongs to the credit note.
fn amount_of(world: &World, linked: &Value) -> Result<i64> {
    if linked.has("payment_record_refund") || linked.is("type", "payment_record_refund") {
        return Err(ApiError::not_simulated("refunds[payment_record_refund]"));
    }
    let id = linked
        .text("refund")
        .ok_or_else(|| ApiError::missing("refunds[refund]"))?;
    let refund = world.at_param(Kind::Refund, id, "refunds[refund]")?;
    let left = credit_note::unlinked(world, &refund);
    let amount = linked.int("amount_refunded").unwrap_or(left);
    if amount < 1 || amount > left {
        let message = format!("Of the refund {id} {left} can be linked to a credit note.");
        return Err(ApiError::invalid(message));
    }
    Ok(amount)
}

/// Gives money back to the payment method that paid the invoice.
fn refund(world: &mut World, invoice: &Value, amount: i64) -> Answer {
    let charge = charge_of(world, invoice).ok_or_else(|| {
        let message = "This invoice was not paid by a charge, so `refund_amount` cannot be used.";
        ApiError::invalid(message).with_param("refund_amount")
    })?;
    let call = Call {
        id: String::new(),
        params: json!({"charge": charge, "amount": amount}),
        from_page: false,
        client: Client::default(),
    };
    refunds::create(world, &call).map_err(|error| error.with_param("refund_amount"))
}

/// Changes what the invoice says of credit notes: `sign` is 1 for one that is issued and -1 for one that is voided.
fn change_invoice(world: &mut World, note: &Value, sign: i64) -> Result<()> {
    let before = world.get(Kind::Invoice, note.text("invoice").unwrap_or_default())?;
    let mut after = before.clone();
    let amount = |name: &str| note.int(name).unwrap_or(0) * sign;
    let mut add = |name: &str, more: i64| after.set(name, before.int(name).unwrap_or(0) + more);
    add(
        "post_payment_credit_notes_amount",
        amount("post_payment_amount"),
    );
    add(
        "pre_payment_credit_notes_amount",
        amount("pre_payment_amount"),
    );
    let lowered = amount("pre_payment_amount");
    add("amount_due", -lowered);
    add("amount_remaining", -lowered);
    if lowered == 0 {
        world.update(&before, &after, "invoice.updated");
        return Ok(());
    }
    if after.int("amount_remaining") == Some(0) {
        collect::cancel_payment(world, &after);
        world.update(&before, &after, "invoice.updated");
        collect::mark_paid(world, &after);
        return Ok(());
    }
    collect::set_amount(world, &after);
    world.update(&before, &after, "invoice.updated");
    Ok(())
}
