//! Which amounts can be charged in a currency, so that an impossible one is refused before Stripe
//! is asked (<https://docs.stripe.com/currencies>).

use thiserror::Error;

use crate::{Currency, Money};

/// Stripe takes at most eight digits
/// (<https://docs.stripe.com/api/payment_intents/create#create_payment_intent-amount>).
pub const LARGEST_AMOUNT: u64 = 99_999_999;

/// The smallest charges, in minor units
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>). Stripe measures them
/// in the currency that the shop's bank account is kept in, so that it may ask for more than this
/// after converting.
const SMALLEST: [(&str, u64); 24] = [
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

/// The presentment currencies of cards, those of Apple Pay among them
/// (<https://docs.stripe.com/currencies#presentment-currencies>; those with three decimals are listed
/// apart there, <https://docs.stripe.com/currencies#three-decimal>).
const CARDS: &str = "\
aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf \
chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg \
huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk \
mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub \
rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd \
vuv wst xaf xcd xcg xof xpf yer zar zmw";

/// Currencies without a smaller unit that Stripe nevertheless counts in hundredths
/// (<https://docs.stripe.com/currencies#special-cases>).
const WHOLE_IN_HUNDREDTHS: [&str; 2] = ["isk", "ugx"];

/// Why an amount cannot be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Below Stripe's minimum for the currency.
    #[error("{currency} is charged from {smallest} minor units on")]
    TooSmall {
        /// Of which currency.
        currency: Currency,
        /// The smallest amount, in minor units.
        smallest: u64,
    },
    /// More digits than Stripe takes.
    #[error("an amount is at most {LARGEST_AMOUNT} minor units")]
    TooLarge,
    /// It has a fraction that the currency does not have, or that the card networks do not take.
    #[error("amounts in {currency} are multiples of {step} minor units")]
    Fraction {
        /// Of which currency.
        currency: Currency,
        /// What an amount is a multiple of.
        step: u64,
    },
}

impl AmountError {
    /// A stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooSmall { .. } => "amount_too_small",
            Self::TooLarge => "amount_too_large",
            Self::Fraction { .. } => "amount_not_chargeable",
        }
    }
}

impl Currency {
    /// Whether cards can be charged in it, and Apple Pay with them.
    pub fn is_taken_by_cards(self) -> bool {
        CARDS.split(' ').any(|code| code == self.as_str())
    }

    /// The smallest charge, in minor units.
    pub fn smallest_charge(self) -> u64 {
        let code = self.as_str();
        let known = SMALLEST.iter().find(|(known, _)| *known == code);
        known.map_or(1, |(_, smallest)| *smallest)
    }

    /// What every charge is a multiple of, in minor units. The card networks want the third
    /// decimal to be 0.
    pub fn charge_step(self) -> u64 {
        if WHOLE_IN_HUNDREDTHS.contains(&self.as_str()) {
            100
        } else if self.decimals() == 3 {
            10
        } else {
            1
        }
    }
}

impl Money {
    /// Whether it can be charged.
    pub fn check_chargeable(self) -> Result<(), AmountError> {
        let currency = self.currency;
        let smallest = currency.smallest_charge();
        if self.amount < smallest {
            return Err(AmountError::TooSmall { currency, smallest });
        }
        self.check_form()
    }

    /// Whether it has the form of an amount, however small: a part of a payment that is taken or
    /// given back may be below the minimum for a charge.
    pub fn check_form(self) -> Result<(), AmountError> {
        let currency = self.currency;
        if self.amount == 0 {
            return Err(AmountError::TooSmall {
                currency,
                smallest: 1,
            });
        }
        if self.amount > LARGEST_AMOUNT {
            return Err(AmountError::TooLarge);
        }
        let step = currency.charge_step();
        if self.amount.is_multiple_of(step) {
            Ok(())
        } else {
            Err(AmountError::Fraction { currency, step })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: u64, currency: &str) -> Money {
        Money {
            amount,
            currency: currency.parse().unwrap(),
        }
    }

    #[test]
    fn an_amount_that_stripe_would_refuse_is_refused_with_a_code() {
        for (amount, currency, expected) in [
            (50, "usd", None),
            (49, "usd", Some("amount_too_small")),
            (0, "usd", Some("amount_too_small")),
            (30, "gbp", None),
            (29, "gbp", Some("amount_too_small")),
            (50, "jpy", None),
            (49, "jpy", Some("amount_too_small")),
            (17_500, "huf", None),
            (17_499, "huf", Some("amount_too_small")),
            (99_999_999, "usd", None),
            (100_000_000, "usd", Some("amount_too_large")),
            (5120, "kwd", None),
            (5124, "kwd", Some("amount_not_chargeable")),
            (500, "isk", None),
            (550, "isk", Some("amount_not_chargeable")),
            (1000, "ugx", None),
            (1001, "ugx", Some("amount_not_chargeable")),
            (1, "clp", None),
            (0, "clp", Some("amount_too_small")),
        ] {
            let code = money(amount, currency).check_chargeable().err();
            let code = code.map(AmountError::code);
            assert_eq!(code, expected, "{amount} {currency}");
        }
    }

    #[test]
    fn a_part_of_a_payment_may_be_smaller_than_a_charge() {
        assert!(money(1, "usd").check_form().is_ok());
        for (amount, currency) in [(0, "usd"), (15, "kwd"), (100_000_000, "usd")] {
            assert!(money(amount, currency).check_form().is_err());
        }
    }

    #[test]
    fn cards_take_every_currency_of_stripes_and_no_other_word() {
        let taken = |code: &str| code.parse::<Currency>().unwrap().is_taken_by_cards();
        for (code, _) in SMALLEST {
            assert!(taken(code), "{code}");
        }
        for code in ["inr", "brl", "kwd", "clp", "isk", "zar", "USD"] {
            assert!(taken(code), "{code}");
        }
        for code in ["xxx", "xau", "btc", "irr", "kpw", "abc"] {
            assert!(!taken(code), "{code}");
        }
        let mut codes: Vec<&str> = CARDS.split(' ').collect();
        assert!(codes.iter().all(|code| code.len() == 3), "{codes:?}");
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn the_minimums_name_currencies_and_fit_their_steps() {
        for (code, smallest) in SMALLEST {
            let currency: Currency = code.parse().unwrap();
            assert_eq!(currency.smallest_charge(), smallest);
            assert!(money(smallest, code).check_chargeable().is_ok(), "{code}");
        }
    }
}
