//! Whose key a request carries.

use crate::error::{ApiError, Result};
use axum::http::HeaderMap;
use base64::Engine;
use perennial_loopback::is_same;

/// What a key may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    /// `sk_test_...` or `rk_test_...`: everything.
    Secret,
    /// `pk_test_...`: what a page may do with a client secret.
    Publishable,
}

impl Key {
    /// The word for it in the request log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Publishable => "publishable",
        }
    }
}

/// The key in the `Authorization` header, as Bearer or as the user name of Basic. `right` is the one secret key that is
/// taken; without it, any is.
pub(crate) fn key(headers: &HeaderMap, right: Option<&str>) -> Result<Key> {
    let given = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .map(str::trim);
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        let message = "You did not provide an API key. Provide it in the Authorization header, using Bearer auth \
                       (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        return Err(refusal(message));
    };
    let key = match given.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim().to_owned()),
        Some((scheme, user)) if scheme.eq_ignore_ascii_case("basic") => basic_user(user.trim()),
        _ => None,
    };
    let key = key.unwrap_or_default();
    let has = |prefix: &str| {
        key.strip_prefix(prefix).is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    if (has("sk_test_") || has("rk_test_")) && right.is_none_or(|right| is_same(&key, right)) {
        Ok(Key::Secret)
    } else if has("pk_test_") {
        Ok(Key::Publishable)
    } else if has("sk_live_") || has("rk_live_") || has("pk_live_") {
        Err(refusal(
            "This is a live key. The sandbox takes test keys only; no money can move here.",
        ))
    } else {
        Err(refusal(&format!(
            "Invalid API Key provided: {}",
            masked(&key)
        )))
    }
}

fn refusal(message: &str) -> ApiError {
    ApiError::validation(message).with_status(401)
}

/// A key is never repeated in full, not even a wrong one.
fn masked(key: &str) -> String {
    let shown: String = key.chars().take(8).collect();
    format!(
        "{shown}{}",
        "*".repeat(key.chars().count().saturating_sub(8).min(24))
    )
}

/// The user name of Basic authentication, where `curl -u` puts the key.
fn basic_user(encoded: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(
        text.split_once(':')
            .map_or(text.clone(), |(user, _)| user.to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::{Key, key};
    use axum::http::HeaderMap;

    fn check(header: &str) -> Option<Key> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", header.parse().unwrap());
        key(&headers, None)
            .map_err(|error| assert_eq!(error.status, 401))
            .ok()
    }

    #[test]
    fn test_keys_are_taken_and_everything_else_is_refused() {
        assert_eq!(check("Bearer sk_test_perennial_sandbox"), Some(Key::Secret));
        assert_eq!(check("Bearer rk_test_1"), Some(Key::Secret));
        assert_eq!(check("Bearer pk_test_1"), Some(Key::Publishable));
        // printf 'sk_test_1:' | base64
        assert_eq!(check("Basic c2tfdGVzdF8xOg=="), Some(Key::Secret));
        for wrong in [
            "Bearer sk_live_1",
            "Bearer sk_test_",
            "Bearer garbage",
            "sk_test_1",
            "Bearer",
            "Basic ???",
        ] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
        assert!(key(&HeaderMap::new(), None).is_err());
    }

    #[test]
    fn a_sandbox_with_a_secret_key_takes_no_other() {
        let with = |given: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", format!("Bearer {given}").parse().unwrap());
            key(&headers, Some("sk_test_right")).ok()
        };
        assert_eq!(with("sk_test_right"), Some(Key::Secret));
        assert_eq!(with("pk_test_1"), Some(Key::Publishable));
        for wrong in [
            "sk_test_wrong",
            "sk_test_righ",
            "sk_test_right1",
            "rk_test_right",
        ] {
            assert_eq!(with(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_refused_key_is_not_repeated() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            "Bearer sk_tset_verysecret".parse().unwrap(),
        );
        assert!(
            !key(&headers, None)
                .unwrap_err()
                .message
                .contains("verysecret")
        );
    }
}
