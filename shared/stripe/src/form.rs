//! Form encoding with nested names, as Stripe reads it.
//!
//! The order of the pairs is the order in which they were added, because a
//! request that is sent again under the same idempotency key has to be the
//! same request.

use std::fmt::Write as _;

/// Ordered, already encoded `name=value` pairs.
///
/// A name is a path: `&["mandate_data", "online", "ip_address"]` becomes
/// `mandate_data[online][ip_address]`, and an empty segment, as in
/// `&["expand", ""]`, becomes the `[]` of a list.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    encoded: String,
}

impl Form {
    /// A form without pairs.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds one pair.
    #[must_use]
    pub(crate) fn with(mut self, path: &[&str], value: impl AsRef<str>) -> Self {
        if !self.encoded.is_empty() {
            self.encoded.push('&');
        }
        for (depth, segment) in path.iter().enumerate() {
            if depth == 0 {
                encode_into(&mut self.encoded, segment);
            } else {
                // Stripe's own libraries leave the structural brackets readable, and so do we.
                self.encoded.push('[');
                encode_into(&mut self.encoded, segment);
                self.encoded.push(']');
            }
        }
        self.encoded.push('=');
        encode_into(&mut self.encoded, value.as_ref());
        self
    }

    /// Adds one pair whose value is a whole number: an amount in minor units, or a Unix time.
    #[must_use]
    pub(crate) fn with_number(self, path: &[&str], value: i64) -> Self {
        self.with(path, value.to_string())
    }

    /// The pairs joined by `&`, ready to be a body or a query string.
    pub(crate) fn into_string(self) -> String {
        self.encoded
    }
}

/// Percent-encodes one segment of a path, so that nothing in it can end the segment.
pub(crate) fn encode_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode_into(&mut encoded, text);
    encoded
}

fn encode_into(target: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            target.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(target, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(encoded: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(encoded.as_bytes())
            .into_owned()
            .collect()
    }

    #[test]
    fn nested_names_keep_their_brackets_readable() {
        let form = Form::new()
            .with(&["items", "0", "price"], "price_1")
            .with(&["expand", ""], "latest_invoice")
            .with(&["metadata", "a[b]"], "50% & more = ü")
            .with_number(&["trial_end"], -1);
        assert_eq!(
            form.into_string(),
            "items[0][price]=price_1&expand[]=latest_invoice\
             &metadata[a%5Bb%5D]=50%25%20%26%20more%20%3D%20%C3%BC&trial_end=-1"
        );
    }

    #[test]
    fn an_empty_form_is_an_empty_body() {
        assert_eq!(Form::new().into_string(), "");
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same_pairs_in_the_same_order(
            pairs in prop::collection::vec(
                ("[a-z_]{1,12}", prop::collection::vec("[^\\[\\]]{0,8}", 0..3), any::<String>()),
                0..8,
            )
        ) {
            let mut form = Form::new();
            let mut expected = Vec::new();
            for (first, rest, value) in &pairs {
                let mut path = vec![first.as_str()];
                path.extend(rest.iter().map(String::as_str));
                let mut name = first.clone();
                for segment in rest {
                    name.push('[');
                    name.push_str(segment);
                    name.push(']');
                }
                expected.push((name, value.clone()));
                form = form.with(&path, value);
            }
            prop_assert_eq!(decode(&form.into_string()), expected);
        }

        #[test]
        fn an_encoded_form_is_plain_ascii_without_a_second_separator(
            name in any::<String>(),
            inner in any::<String>(),
            value in any::<String>(),
        ) {
            let encoded = Form::new().with(&[&name, &inner], &value).into_string();
            let ours = |b: u8| b.is_ascii_alphanumeric() || b"-._~%[]=".contains(&b);
            prop_assert!(encoded.bytes().all(ours));
            prop_assert_eq!(encoded.matches('=').count(), 1);
            prop_assert_eq!(encoded.matches('[').count(), 1);
        }
    }
}
