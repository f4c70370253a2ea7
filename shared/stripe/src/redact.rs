//! Takes whatever looks like a secret, or like a shopper, out of a vendor's message.

use std::net::IpAddr;

/// What a client secret, an API key and a webhook secret contain.
const SECRET_MARKS: [&str; 5] = ["_secret_", "sk_", "rk_", "pk_", "whsec_"];

/// Enough for every sentence of Stripe's, and short enough for a log line.
const LONGEST: usize = 400;

const REDACTED: &str = "[redacted]";

/// The message with every suspicious word replaced.
///
/// It rather takes one harmless word too many than leaves a secret.
pub(crate) fn redact(message: &str) -> String {
    let mut clean = String::with_capacity(message.len().min(LONGEST));
    for piece in message.split_inclusive(is_separator) {
        let word = piece.trim_end_matches(is_separator);
        let tail = piece.get(word.len()..).unwrap_or_default();
        if is_suspicious(word) {
            clean.push_str(REDACTED);
        } else {
            clean.push_str(word);
        }
        clean.push_str(tail);
        if clean.len() > LONGEST {
            clean = clean.chars().take(LONGEST).collect();
            clean.push('…');
            break;
        }
    }
    clean
}

/// A code as Stripe forms them, or nothing: a code goes into logs and answers as it is.
pub(crate) fn code(raw: String) -> Option<String> {
    let plain = raw
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let secret = raw.contains("_secret_") || SECRET_MARKS.iter().any(|m| raw.starts_with(m));
    (plain && !secret && (1..=80).contains(&raw.len())).then_some(raw)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '"' | '`' | ',' | ';' | '(' | ')' | '<' | '>')
}

fn is_suspicious(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    SECRET_MARKS.iter().any(|mark| lower.contains(mark))
        || word.contains('@')
        || word
            .trim_end_matches(['.', ':', '!', '?'])
            .parse::<IpAddr>()
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &str) {
        assert_eq!(redact(message), expected);
    }

    #[test]
    fn secrets_and_personal_data_are_taken_out_of_messages() {
        check(
            "No such setupintent: 'seti_1_secret_Abc'",
            "No such setupintent: '[redacted]'",
        );
        check(
            "Invalid API Key provided: SK_test_51abc.",
            "Invalid API Key provided: [redacted]",
        );
        check("see ?client_secret=a_secret_b now", "see [redacted] now");
        check("(whsec_abc,rk_live_x)", "([redacted],[redacted])");
        check(
            "Invalid email address: a@b.example",
            "Invalid email address: [redacted]",
        );
        check("Invalid IP: 203.0.113.7.", "Invalid IP: [redacted]");
        check("Invalid IP: 2001:db8::1", "Invalid IP: [redacted]");
        check("No such price: 'price_1'", "No such price: 'price_1'");
        check("", "");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let cut = redact(&"ü ".repeat(1000));
        assert!(cut.chars().count() <= LONGEST + 1);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn only_what_has_the_form_of_a_code_is_a_code() {
        assert_eq!(
            code("card_declined".into()).as_deref(),
            Some("card_declined")
        );
        assert_eq!(code("No such thing: 'x'".into()), None);
        assert_eq!(code(String::new()), None);
        assert_eq!(code("seti_1_secret_abc".into()), None);
        assert_eq!(code("sk_live_abc".into()), None);
    }
}
