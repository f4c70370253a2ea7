//! How many of a plan one subscription may have, such as seats.

use crate::{LARGEST_AMOUNT, Plan};

impl Plan {
    /// The least that is sold of it.
    pub fn least(&self) -> u64 {
        self.quantity.map_or(1, |it| it.minimum)
    }

    /// Whether it is sold in this quantity, which Stripe has to be able to charge.
    pub fn sells(&self, quantity: u64) -> bool {
        let Some(limits) = self.quantity else {
            return quantity == 1;
        };
        (limits.minimum..=limits.maximum).contains(&quantity)
            && self.amount.saturating_mul(quantity) <= LARGEST_AMOUNT
    }

    /// How many of it a subscription gets that has so many of another plan and says nothing of it: as many,
    /// as far as it is sold so. What somebody has set at Stripe, of plans that are sold once, stays.
    pub fn instead_of(&self, other: Option<&Self>, quantity: u64) -> u64 {
        match (self.quantity, other.and_then(|it| it.quantity)) {
            (Some(limits), _) => quantity.clamp(limits.minimum, limits.maximum),
            (None, Some(_)) => 1,
            (None, None) => quantity,
        }
    }

    /// The same as a shopper sees it who has so many: what all of them cost, and their number in the label.
    #[must_use]
    pub fn times(&self, quantity: u64) -> Self {
        let mut all = self.clone();
        all.amount = self.amount.saturating_mul(quantity);
        if quantity != 1 {
            all.label = format!("{quantity} × {}", self.label);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(quantity: &str) -> Result<Plan, String> {
        serde_json::from_str(&format!(
            r#"{{"price":"price_1","group":"main","label":"Team","amount":1500,"currency":"usd","interval":"month"{quantity}}}"#
        ))
        .map_err(|error| error.to_string())
    }

    #[test]
    fn a_plan_is_sold_once_or_within_its_limits() {
        let seats = plan(r#","quantity":{"minimum":2,"maximum":50}"#).unwrap();
        let once = plan("").unwrap();
        for (plan, quantity, sells) in [
            (&once, 0, false),
            (&once, 1, true),
            (&once, 2, false),
            (&seats, 1, false),
            (&seats, 2, true),
            (&seats, 50, true),
            (&seats, 51, false),
        ] {
            assert_eq!(plan.sells(quantity), sells, "{quantity}");
        }
        assert_eq!((once.least(), seats.least()), (1, 2));
        let any = plan(r#","quantity":{"maximum":999999}"#).unwrap();
        assert!(any.sells(66_666));
        assert!(!any.sells(66_667), "more than Stripe charges");
    }

    #[test]
    fn limits_that_no_quantity_fits_are_refused() {
        for wrong in [
            r#"{"minimum":0,"maximum":5}"#,
            r#"{"minimum":6,"maximum":5}"#,
            r#"{"maximum":1000000}"#,
            r#"{"minimum":1}"#,
            r#"{"maximum":5,"most":6}"#,
            r#"{"maximum":-1}"#,
            r#"{"maximum":1.5}"#,
            "5",
        ] {
            let refused = plan(&format!(r#","quantity":{wrong}"#));
            assert!(refused.is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_plan_has_as_many_as_it_is_sold_in() {
        let seats = plan(r#","quantity":{"minimum":3,"maximum":50}"#).unwrap();
        let once = plan("").unwrap();
        for (to, from, now, then) in [
            (&seats, &once, 1, 3),
            (&seats, &seats, 60, 50),
            (&seats, &seats, 7, 7),
            (&once, &seats, 7, 1),
            (&once, &once, 2, 2),
        ] {
            assert_eq!(to.instead_of(Some(from), now), then, "{now}");
        }
        assert_eq!(once.instead_of(None, 2), 2);
    }

    #[test]
    fn a_shopper_reads_what_all_of_them_cost() {
        let seats = plan(r#","quantity":{"maximum":50}"#).unwrap();
        let five = seats.times(5);
        assert_eq!((five.amount, five.label.as_str()), (7500, "5 × Team"));
        assert_eq!(seats.times(1), seats);
    }
}
