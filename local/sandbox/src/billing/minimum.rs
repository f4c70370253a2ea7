//! The least that Stripe charges in each currency.

/// Minor units of the settlement currencies that
/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts> lists.
const MINIMUMS: [(&str, i64); 24] = [
    ("aed", 200),
    ("aud", 50),
    ("bgn", 100),
    ("brl", 50),
    ("cad", 50),
    ("chf", 50),
    ("czk", 1500),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("hkd", 400),
    ("huf", 17_500),
    ("inr", 50),
    ("jpy", 50),
    ("mxn", 1000),
    ("myr", 200),
    ("nok", 300),
    ("nzd", 50),
    ("pln", 200),
    ("ron", 200),
    ("sek", 300),
    ("sgd", 50),
    ("thb", 1000),
    ("usd", 50),
];

/// The least amount of a charge in this currency. Stripe converts those of other currencies; here they have the 50 of
/// most, which is inferred.
pub(crate) fn of(currency: &str) -> i64 {
    MINIMUMS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(currency))
        .map_or(50, |(_, least)| *least)
}

/// Whether an invoice over this amount is charged.
pub(crate) fn is_charged(amount: i64, currency: &str) -> bool {
    amount >= of(currency)
}
