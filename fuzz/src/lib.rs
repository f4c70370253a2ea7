//! What the fuzz targets share.

use std::borrow::Cow;

/// The fields of an input: its first byte separates them, so that a seed is readable and a value
/// may hold any byte. What is missing is empty.
pub fn fields<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut found = [&[][..]; N];
    if let Some((separator, rest)) = data.split_first() {
        let parts = rest.splitn(N, |byte| byte == separator);
        for (field, part) in found.iter_mut().zip(parts) {
            *field = part;
        }
    }
    found
}

/// The field as text; what is not UTF-8 in it is replaced.
pub fn text(field: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(field)
}
