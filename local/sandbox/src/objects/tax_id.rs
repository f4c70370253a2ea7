//! A tax id of a customer.

use crate::list::page_by;
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World, ids};
use serde_json::{Value, json};

/// A tax id that has not been verified.
pub(crate) fn new(world: &World, customer: &Value, params: &Value) -> Value {
    let kind = params.text("type").unwrap_or_default();
    // Stripe has those of Europe, the United Kingdom and Australia looked up.
    let looked_up = matches!(kind, "eu_vat" | "gb_vat" | "au_abn");
    let value = params.text("value").unwrap_or_default();
    json!({
        "id": ids::id("txi"),
        "object": "tax_id",
        "country": country(kind, value),
        "created": world.now_for(customer),
        "customer": customer.id(),
        "customer_account": null,
        "livemode": false,
        "owner": {"customer": customer.id(), "customer_account": null, "type": "customer"},
        "type": kind,
        "value": value,
        "verification": {
            "status": if looked_up { "pending" } else { "unavailable" },
            "verified_address": null,
            "verified_name": null,
        },
        "_clock": customer.at("_clock"),
    })
}

/// The country of the id: that of its type, and with a European one that of its first letters.
fn country(kind: &str, value: &str) -> Option<String> {
    let letters = match kind.split_once('_')?.0 {
        "eu" => value.get(..2)?,
        letters => letters,
    };
    (letters.len() == 2 && letters.bytes().all(|it| it.is_ascii_alphabetic()))
        .then(|| letters.to_uppercase())
}

/// What an invoice shows of the tax ids that its customer has.
pub(crate) fn on_invoice(world: &World, customer: &str) -> Value {
    world
        .store
        .having(Kind::TaxId, "customer", customer)
        .map(|it| json!({"type": it.at("type"), "value": it.at("value")}))
        .collect()
}

/// `GET /v1/customers/{id}/tax_ids`
pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let customer = super::customer::living(world, &call.id)?;
    let url = format!("/v1/customers/{}/tax_ids", customer.id());
    let by = Some(("customer", customer.id()));
    page_by(world, Kind::TaxId, by, &url, &call.params, |_| true)
}

#[cfg(test)]
mod tests {
    use super::country;

    #[test]
    fn the_country_is_in_the_type_or_in_the_number() {
        assert_eq!(country("eu_vat", "DE123456789").as_deref(), Some("DE"));
        assert_eq!(country("gb_vat", "GB123456789").as_deref(), Some("GB"));
        assert_eq!(country("eu_vat", "1").as_deref(), None);
        assert_eq!(country("unknown", "1").as_deref(), None);
    }
}
