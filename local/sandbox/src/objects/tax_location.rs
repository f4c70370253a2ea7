//! Where a customer is for automatic tax, and the sandbox's own table of what is collected there.
//!
//! <https://docs.stripe.com/tax/customer-locations>: the shipping address comes before the billing address, and that before
//! the address of the payment method. In the United States a ZIP code of five digits is needed, in Canada a province or a
//! postal code, and elsewhere the country is enough.

use super::coupon::{PERCENT_SCALE, scaled_percent, shown_percent};
use crate::error::{ApiError, Result};
use crate::state::{Fields, Kind, World};
use serde_json::{Map, Value, json};

/// What is collected where, until the control API says otherwise: place, percentage and kind of tax. Rates of 2026 as
/// rough figures for tests; no advice for a return.
const RATES: [(&str, &str, &str); 24] = [
    ("AT", "20", "vat"),
    ("AU", "10", "gst"),
    ("BE", "21", "vat"),
    ("CA", "5", "gst"),
    ("CH", "8.1", "vat"),
    ("DE", "19", "vat"),
    ("DK", "25", "vat"),
    ("ES", "21", "vat"),
    ("FI", "25.5", "vat"),
    ("FR", "20", "vat"),
    ("GB", "20", "vat"),
    ("IE", "23", "vat"),
    ("IT", "22", "vat"),
    ("JP", "10", "jct"),
    ("NL", "21", "vat"),
    ("NO", "25", "vat"),
    ("NZ", "15", "gst"),
    ("PL", "23", "vat"),
    ("PT", "23", "vat"),
    ("SE", "25", "vat"),
    ("US-CA", "7.25", "sales_tax"),
    ("US-NY", "4", "sales_tax"),
    ("US-TX", "6.25", "sales_tax"),
    ("US-WA", "6.5", "sales_tax"),
];

/// The ZIP codes of the United States begin with 00501.
const LEAST_AREA: u16 = 5;
/// ISO 3166 gives it to no country.
const NOWHERE: &str = "ZZ";

/// The member states of the European Union.
const UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT",
    "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Whether a country is in the European Union, whose businesses have one type of tax id.
pub(crate) fn is_in_the_union(country: &str) -> bool {
    UNION.contains(&country)
}

/// The first three digits of the ZIP codes of some states.
const ZIPS: [(&str, u16, u16); 9] = [
    ("CA", 900, 961),
    ("DE", 197, 199),
    ("FL", 320, 349),
    ("IL", 600, 629),
    ("NY", 100, 149),
    ("OR", 970, 979),
    ("PA", 150, 196),
    ("TX", 750, 799),
    ("WA", 980, 994),
];

/// Where somebody is, as `customer.tax.location` shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Location {
    pub(crate) country: String,
    pub(crate) state: Option<String>,
    source: &'static str,
}

impl Location {
    /// The place by which the table has it.
    fn place(&self) -> String {
        match &self.state {
            Some(state) if self.country == "US" => format!("US-{state}"),
            _ => self.country.clone(),
        }
    }
}

/// Where the customer is, if that is known well enough.
pub(crate) fn of(world: &World, customer: &Value) -> Option<Location> {
    let method = customer
        .text("invoice_settings.default_payment_method")
        .and_then(|id| world.store.get(Kind::PaymentMethod, id));
    let of_method = method.map(|method| method.at("billing_details.address"));
    [
        (
            Some(customer.at("shipping.address")),
            "shipping_destination",
        ),
        (Some(customer.at("address")), "billing_address"),
        (of_method, "payment_method"),
    ]
    .into_iter()
    .find_map(|(address, source)| by_address(address?, source))
}

fn by_address(address: &Value, source: &'static str) -> Option<Location> {
    let country = address.text("country")?.to_uppercase();
    if country == NOWHERE {
        return None;
    }
    let post = address.text("postal_code").unwrap_or_default();
    let named = address.text("state").map(str::to_uppercase);
    let state = match country.as_str() {
        "US" => {
            let digits = post
                .get(..5)
                .filter(|it| it.bytes().all(|it| it.is_ascii_digit()))?;
            let area: u16 = digits.get(..3)?.parse().ok()?;
            if area < LEAST_AREA {
                return None;
            }
            let by_zip = ZIPS
                .iter()
                .find(|(_, from, to)| (*from..=*to).contains(&area));
            by_zip.map(|(state, ..)| (*state).to_owned()).or(named)
        }
        "CA" if named.is_none() && post.is_empty() => return None,
        _ => named,
    };
    (country.len() == 2).then_some(Location {
        country,
        state,
        source,
    })
}

/// What is collected at this place: a percentage in ten thousandths and Stripe's name of the tax.
fn collected(world: &World, place: &str) -> Option<(i64, String)> {
    let account = world.account();
    if let Some(set) = account.at("taxes").get(place) {
        return Some((set.int("percent")?, set.owned("tax_type")?));
    }
    let (_, percentage, kind) = RATES.iter().find(|(known, ..)| *known == place)?;
    Some((scaled_percent(percentage)?, (*kind).to_owned()))
}

/// The table in which so much is collected at a place such as `DE` or `US-CA`; without a percentage nothing is.
pub(crate) fn changed(
    world: &World,
    place: &str,
    percentage: Option<&str>,
    kind: &str,
) -> Result<Value> {
    let wrong = |param: &str, message: &str| Err(ApiError::validation(message).with_param(param));
    let letters = |part: &str| part.len() == 2 && part.bytes().all(|it| it.is_ascii_uppercase());
    if !place.split('-').all(letters) || place.matches('-').count() > 1 {
        return wrong(
            "place",
            "A place is a country such as DE, or a state such as US-CA.",
        );
    }
    let percent = match percentage {
        None => None,
        Some(text) => match scaled_percent(text).filter(|it| *it <= 100 * PERCENT_SCALE) {
            None => return wrong("percentage", "A percentage is a number from 0 to 100."),
            known => known,
        },
    };
    let mut taxes = world
        .account()
        .at("taxes")
        .as_object()
        .cloned()
        .unwrap_or_else(Map::new);
    let tax = percent.map_or(json!({}), |it| json!({"percent": it, "tax_type": kind}));
    taxes.insert(place.to_owned(), tax);
    Ok(Value::Object(taxes))
}

/// The rate that automatic tax uses for this customer, or none if nothing is collected where they are.
pub(crate) fn rate(world: &World, location: &Location, inclusive: bool) -> Option<Value> {
    let place = location.place();
    let (percent, kind) = collected(world, &place)?;
    let way = if inclusive { "inclusive" } else { "exclusive" };
    let level = if location.state.is_some() && location.country == "US" {
        "state"
    } else {
        "country"
    };
    Some(json!({
        "id": format!("txr_{}{percent}{way}", place.replace('-', "")),
        "object": "tax_rate",
        "active": false,
        "country": location.country,
        "created": world.now(),
        "description": null,
        "display_name": match kind.as_str() { "sales_tax" => "Sales tax".to_owned(), kind => kind.to_uppercase() },
        "effective_percentage": shown_percent(percent),
        "flat_amount": null,
        "inclusive": inclusive,
        "jurisdiction": location.state.as_deref().unwrap_or(&location.country),
        "jurisdiction_level": level,
        "livemode": false,
        "metadata": {},
        "percentage": shown_percent(percent),
        "rate_type": "percentage",
        "state": location.state,
        "tax_type": kind,
        "_automatic": true,
        "_percent": percent,
    }))
}

/// What `tax` of a customer shows once it is expanded.
pub(crate) fn of_customer(world: &World, customer: &Value) -> Value {
    let location = of(world, customer);
    let status = match &location {
        None => "unrecognized_location",
        Some(location) if collected(world, &location.place()).is_some() => "supported",
        Some(_) => "not_collecting",
    };
    json!({
        "automatic_tax": status,
        "ip_address": customer.at("_ip_address"),
        "location": location.map(|it| json!({"country": it.country, "source": it.source, "state": it.state})),
        "provider": "stripe",
    })
}

/// The refusal of a customer whose location is not known well enough.
pub(crate) fn unrecognized() -> ApiError {
    let message = "The customer's location isn't recognized. Set a valid customer address in order to automatically calculate tax.";
    ApiError::invalid(message).with_code("customer_tax_location_invalid")
}

#[cfg(test)]
mod tests {
    use super::by_address;
    use serde_json::{Value, json};

    fn place(address: &Value) -> Option<String> {
        by_address(address, "billing_address").map(|it| it.place())
    }

    #[test]
    fn an_address_is_enough_where_stripe_says_so() {
        let cases = [
            (json!({"country": "DE"}), Some("DE")),
            (
                json!({"country": "US", "postal_code": "94111"}),
                Some("US-CA"),
            ),
            (
                json!({"country": "us", "postal_code": "10001-1234"}),
                Some("US-NY"),
            ),
            (
                json!({"country": "US", "postal_code": "97201"}),
                Some("US-OR"),
            ),
            // Not in the table of ZIP codes: the state that the address names.
            (
                json!({"country": "US", "postal_code": "80201", "state": "CO"}),
                Some("US-CO"),
            ),
            (json!({"country": "US", "postal_code": "80201"}), Some("US")),
            (json!({"country": "US", "state": "CA"}), None),
            (json!({"country": "US", "postal_code": "9411"}), None),
            (json!({"country": "CA"}), None),
            (json!({"country": "CA", "state": "ON"}), Some("CA")),
            (json!({"city": "Berlin"}), None),
            (json!(null), None),
        ];
        for (address, expected) in cases {
            assert_eq!(place(&address).as_deref(), expected, "{address}");
        }
    }
}
