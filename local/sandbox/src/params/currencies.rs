//! The currencies that Stripe has.

/// All of them in Stripe's order, as its refusal of another one lists them
/// (<https://docs.stripe.com/currencies>).
const KNOWN: &str = "usd, aed, afn, all, amd, ang, aoa, ars, aud, awg, azn, bam, bbd, bdt, bgn, bhd, bif, bmd, bnd, bob, brl, bsd, \
                     bwp, byn, bzd, cad, cdf, chf, clp, cny, cop, crc, cve, czk, djf, dkk, dop, dzd, egp, etb, eur, fjd, fkp, gbp, \
                     gel, gip, gmd, gnf, gtq, gyd, hkd, hnl, hrk, htg, huf, idr, ils, inr, isk, jmd, jod, jpy, kes, kgs, khr, kmf, \
                     krw, kwd, kyd, kzt, lak, lbp, lkr, lrd, lsl, mad, mdl, mga, mkd, mmk, mnt, mop, mur, mvr, mwk, mxn, myr, mzn, \
                     nad, ngn, nio, nok, npr, nzd, omr, pab, pen, pgk, php, pkr, pln, pyg, qar, ron, rsd, rub, rwf, sar, sbd, scr, \
                     sek, sgd, shp, sle, sos, srd, std, szl, thb, tjs, tnd, top, try, ttd, twd, tzs, uah, ugx, uyu, uzs, vnd, vuv, \
                     wst, xaf, xcd, xof, xpf, yer, zar, zmw, usdc, btn, ghs, eek, lvl, svc, vef, ltl, sll, mro";

/// Those whose smallest unit is the whole one (<https://docs.stripe.com/currencies#zero-decimal>).
const WITHOUT_DECIMALS: [&str; 16] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
    "xaf", "xof", "xpf",
];

/// Those with a thousandth (<https://docs.stripe.com/currencies#three-decimal>).
const WITH_THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// The signs that Stripe writes before an amount; another currency stands after it by its code.
const SIGNS: [(&str, &str); 12] = [
    ("aud", "A$"),
    ("brl", "R$"),
    ("cad", "CA$"),
    ("eur", "€"),
    ("gbp", "£"),
    ("hkd", "HK$"),
    ("inr", "₹"),
    ("jpy", "¥"),
    ("krw", "₩"),
    ("mxn", "MX$"),
    ("nzd", "NZ$"),
    ("usd", "$"),
];

/// Whether Stripe has the currency, by its code in small letters.
pub(crate) fn is_known(code: &str) -> bool {
    KNOWN.split(", ").any(|known| known == code)
}

/// Stripe's sentence about a currency that it does not have.
pub(crate) fn unknown(code: &str) -> String {
    format!("Invalid currency: {code}. Stripe currently supports these currencies: {KNOWN}")
}

/// How many digits after the point an amount has.
pub(crate) fn decimals(code: &str) -> usize {
    if WITHOUT_DECIMALS.contains(&code) {
        0
    } else if WITH_THREE_DECIMALS.contains(&code) {
        3
    } else {
        2
    }
}

/// An amount in minor units as Stripe writes it in sentences, such as `$15.00`, `-€0.50` or `¥500`.
pub(crate) fn written(amount: i64, code: &str) -> String {
    let places = decimals(code);
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let minus = if amount < 0 { "-" } else { "" };
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let point = if part.is_empty() { "" } else { "." };
    let number = format!("{grouped}{point}{part}");
    match SIGNS.iter().find(|(known, _)| *known == code) {
        Some((_, sign)) => format!("{minus}{sign}{number}"),
        None => format!("{minus}{number} {}", code.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_known, written};

    // https://docs.stripe.com/currencies
    #[test]
    fn an_amount_is_written_with_the_decimals_of_its_currency() {
        for (amount, code, expected) in [
            (1500, "usd", "$15.00"),
            (5, "usd", "$0.05"),
            (-50, "eur", "-€0.50"),
            (500, "jpy", "¥500"),
            (99_999_999, "usd", "$999,999.99"),
            (12_345, "kwd", "12.345 KWD"),
            (1500, "sek", "15.00 SEK"),
            (0, "gbp", "£0.00"),
        ] {
            assert_eq!(written(amount, code), expected);
        }
    }

    #[test]
    fn codes_are_those_of_stripes_list() {
        assert!(is_known("usd") && is_known("mro"));
        assert!(!is_known("xyz") && !is_known("us") && !is_known(""));
    }
}
