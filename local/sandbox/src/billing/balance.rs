//! The customer's balance: what they owe without an invoice, and, negative, what they have left.

use crate::objects::balance_transaction::{self, Cause};
use crate::state::{Fields, Kind, World};
use serde_json::Value;

/// Why a balance changes, by the `type` of the customer balance transaction that Stripe writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reason {
    /// An invoice took from it, or left its negative total there.
    AppliedToInvoice,
    /// An invoice was too small to be charged.
    InvoiceTooSmall,
    /// An invoice that had taken from it was voided.
    UnappliedFromInvoice,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::AppliedToInvoice => "applied_to_invoice",
            Self::InvoiceTooSmall => "invoice_too_small",
            Self::UnappliedFromInvoice => "unapplied_from_invoice",
        }
    }
}

/// Changes the balance of an invoice's customer by this amount, in minor units. The one place in which invoices do it.
pub(crate) fn move_by(world: &mut World, invoice: &Value, amount: i64, reason: Reason) {
    let cause = Cause {
        kind: reason.name(),
        invoice: Some(invoice.id()),
        ..Cause::default()
    };
    let currency = invoice.text("currency").unwrap_or_default();
    if amount != 0 {
        let customer = invoice.text("customer").unwrap_or_default();
        post(world, customer, amount, currency, cause);
    }
}

/// Changes the balance of a customer, in minor units, and keeps why. There is nothing to keep without the customer.
pub(crate) fn post(
    world: &mut World,
    customer: &str,
    amount: i64,
    currency: &str,
    cause: Cause<'_>,
) -> Option<Value> {
    let before = world.store.get(Kind::Customer, customer)?.clone();
    let mut after = before.clone();
    let balance = before.int("balance").unwrap_or(0);
    after.set("balance", balance.saturating_add(amount));
    after.set("currency", currency);
    world.update(&before, &after, "customer.updated");
    let transaction = balance_transaction::new(world, &after, amount, currency, cause);
    world.save(&transaction);
    Some(transaction)
}
