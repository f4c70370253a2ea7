//! Tax rates: created and changed.

use crate::objects::{merge_metadata, tax_rate};
use crate::params::call::{Answer, Call};
use crate::state::{Fields, Kind, World};

/// Fields that may be changed; the percentage may not.
const PLAIN: [&str; 7] = [
    "active",
    "country",
    "description",
    "display_name",
    "jurisdiction",
    "state",
    "tax_type",
];

/// `POST /v1/tax_rates`
pub(crate) fn create(world: &mut World, call: &Call) -> Answer {
    let mut rate = tax_rate::new(world, &call.params)?;
    merge_metadata(&mut rate, &call.params);
    world.create(&rate, "tax_rate.created");
    Ok(rate)
}

/// `POST /v1/tax_rates/{id}`
pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let before = world.at_path(Kind::TaxRate, &call.id)?;
    let mut rate = before.clone();
    for field in PLAIN {
        if let Some(value) = call.params.get(field) {
            rate.set(field, value.clone());
        }
    }
    merge_metadata(&mut rate, &call.params);
    world.update(&before, &rate, "tax_rate.updated");
    Ok(rate)
}
