//! A customer's balance, moved by the shop.

use crate::billing::balance;
use crate::error::ApiError;
use crate::objects::balance_transaction::Cause;
use crate::objects::{customer, merge_metadata};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};

/// `POST /v1/customers/{id}/balance_transactions`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let params = &call.params;
    let customer = customer::living(world, &call.id)?;
    let amount = params.int("amount").unwrap_or(0);
    if amount == 0 {
        return Err(ApiError::validation("`amount` must not be 0.").with_param("amount"));
    }
    let currency = params.text("currency").unwrap_or_default().to_lowercase();
    if customer.has("currency") && !customer.is("currency", &currency) {
        let message = "A customer with balances in two currencies is not simulated.";
        return Err(ApiError::not_simulated("currency").with_message(message));
    }
    let cause = Cause {
        kind: "adjustment",
        description: params.text("description"),
        ..Cause::default()
    };
    let mut transaction = balance::post(world, customer.id(), amount, &currency, cause)
        .ok_or_else(|| Kind::Customer.no_such(&call.id, "id"))?;
    merge_metadata(&mut transaction, params);
    world.save(&transaction);
    Ok(transaction)
}
