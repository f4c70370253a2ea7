//! A `CustomerBalanceTransaction`: what moved the balance of a customer.

use crate::list::{fits, page};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// Why a balance moved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cause<'a> {
    /// Stripe's `type` of the transaction.
    pub(crate) kind: &'a str,
    /// The invoice that it belongs to.
    pub(crate) invoice: Option<&'a str>,
    /// The credit note that it belongs to.
    pub(crate) credit_note: Option<&'a str>,
    /// What the shop says of it.
    pub(crate) description: Option<&'a str>,
}

/// A transaction after which the customer has the balance that they have.
pub(crate) fn new(
    world: &World,
    customer: &Value,
    amount: i64,
    currency: &str,
    cause: Cause<'_>,
) -> Value {
    json!({
        "id": ids::id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": null,
        "created": world.now_for(customer),
        "credit_note": cause.credit_note,
        "currency": currency,
        "customer": customer.id(),
        "customer_account": null,
        "description": cause.description,
        "ending_balance": customer.at("balance"),
        "invoice": cause.invoice,
        "livemode": false,
        "metadata": {},
        "type": cause.kind,
        "_clock": customer.at("_clock"),
    })
}

/// `GET /v1/customers/{id}/balance_transactions`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let customer = super::customer::living(world, &call.id)?;
    let url = format!("/v1/customers/{}/balance_transactions", customer.id());
    page(
        world,
        Kind::BalanceTransaction,
        &url,
        &call.params,
        |it, params| it.is("customer", customer.id()) && fits(it, params, &["invoice"]),
    )
}
