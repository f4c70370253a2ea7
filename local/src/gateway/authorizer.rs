//! The JWT authorizer of API Gateway.
//!
//! The rules are those of
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html>.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use perennial_types::Timestamp;
use serde_json::{Map, Value, json};

use crate::tokens::{AUDIENCE, ISSUER, Issuer};

/// Accepts the tokens of one issuer.
#[derive(Clone)]
pub(crate) struct Authorizer {
    key: DecodingKey,
    kid: String,
}

/// Claims that only a verified token gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claims(Map<String, Value>);

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no token: send the header `authorization: Bearer <token>`")]
    Missing,
    #[error("the token is not a JWT")]
    Malformed,
    #[error("the token must be signed with RS256")]
    Algorithm,
    #[error("the token's `kid` names no known key: ask for a new token")]
    Key,
    #[error("the token's signature is wrong: ask for a new token")]
    Signature,
    #[error("the token's `iss` is not the issuer that is trusted here")]
    Issuer,
    #[error("the token's `aud` or `client_id` is not the audience that is expected here")]
    Audience,
    #[error("the token has expired, or does not say when it does: ask for a new one")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token has a `crit` header, which demands what is not understood here")]
    Critical,
    #[error("the token's `sub` is not a text")]
    Subject,
}

impl Authorizer {
    pub(crate) fn new(issuer: &Issuer) -> Self {
        Self {
            key: DecodingKey::from_rsa_der(issuer.public_key()),
            kid: issuer.kid().to_owned(),
        }
    }

    /// The claims of the token in an `Authorization` header.
    pub(crate) fn verify(&self, header: Option<&str>, now: Timestamp) -> Result<Claims, Refusal> {
        let token = header.map(token_of).filter(|token| !token.is_empty());
        let token = token.ok_or(Refusal::Missing)?;
        let head = jsonwebtoken::decode_header(token).map_err(|_| {
            // An algorithm that the library does not know, such as `none`, ends here as well.
            if token.split('.').count() == 3 {
                Refusal::Algorithm
            } else {
                Refusal::Malformed
            }
        })?;
        if head.alg != Algorithm::RS256 {
            return Err(Refusal::Algorithm);
        }
        // A token whose issuer demands an extension must not be accepted by who does not know it
        // (RFC 7515, section 4.1.11). API Gateway documents none that it knows.
        if has_crit(token) {
            return Err(Refusal::Critical);
        }
        if head.kid.as_deref() != Some(self.kid.as_str()) {
            return Err(Refusal::Key);
        }
        let claims = jsonwebtoken::decode(token, &self.key, &signature_only())
            .map_err(|_| Refusal::Signature)?
            .claims;
        check(&claims, now)?;
        Ok(Claims(claims))
    }
}

impl Claims {
    /// The caller, as API Gateway tells a function of them.
    pub(crate) fn as_authorizer(&self) -> Value {
        json!({ "jwt": { "claims": self.as_texts(), "scopes": null } })
    }

    /// The claims as API Gateway hands them on: every value is a text.
    fn as_texts(&self) -> Map<String, Value> {
        self.0
            .iter()
            .map(|(name, value)| (name.clone(), Value::String(text(value))))
            .collect()
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

fn has_crit(token: &str) -> bool {
    let head = token.split('.').next().unwrap_or_default();
    let head = BASE64.decode(head).unwrap_or_default();
    let head: Map<String, Value> = serde_json::from_slice(&head).unwrap_or_default();
    head.contains_key("crit")
}

/// API Gateway takes the token alone, or behind `Bearer`.
fn token_of(header: &str) -> &str {
    let mut words = header.split_whitespace();
    match words.next() {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => words.next().unwrap_or_default(),
        _ => header.trim(),
    }
}

/// The library checks the signature; the claims are checked here, against a clock that tests can set.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

fn check(claims: &Map<String, Value>, now: Timestamp) -> Result<(), Refusal> {
    let time = |name: &str| claims.get(name).map(Value::as_f64);
    #[allow(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 fit a double exactly"
    )]
    let now = now.unix() as f64;
    if claims.get("iss").and_then(Value::as_str) != Some(ISSUER) {
        return Err(Refusal::Issuer);
    }
    let audience = claims.get("aud").or_else(|| claims.get("client_id"));
    if !audience.is_some_and(is_expected) {
        return Err(Refusal::Audience);
    }
    // API Gateway hands each claim on as a text, so a `sub` of null or true would become a user of that
    // name. OpenID Connect Core 1.0, section 2, wants a string.
    if claims.get("sub").is_some_and(|sub| !sub.is_string()) {
        return Err(Refusal::Subject);
    }
    match time("exp") {
        Some(Some(ends)) if ends > now => {}
        _ => return Err(Refusal::Expired),
    }
    for name in ["nbf", "iat"] {
        match time(name) {
            None => {}
            Some(Some(begins)) if begins <= now => {}
            Some(_) => return Err(Refusal::NotYet),
        }
    }
    Ok(())
}

fn is_expected(audience: &Value) -> bool {
    match audience {
        Value::String(one) => one == AUDIENCE,
        Value::Array(many) => many.iter().any(|one| one == AUDIENCE),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix(1_790_000_000);

    fn header(issuer: &Issuer) -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": issuer.kid() })
    }

    fn claims() -> Value {
        json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW.unix() + 60 })
    }

    fn with(mut object: Value, name: &str, value: Value) -> Value {
        object[name] = value;
        object
    }

    fn without(mut object: Value, name: &str) -> Value {
        object.as_object_mut().unwrap().remove(name);
        object
    }

    #[test]
    fn a_token_of_the_issuer_is_accepted_with_and_without_bearer() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let (token, _) = issuer.issue(&"alice".parse().unwrap(), NOW).unwrap();
        for header in [format!("Bearer {token}"), format!("bearer  {token}"), token] {
            let claims = authorizer.verify(Some(&header), NOW).unwrap().as_texts();
            assert_eq!(claims["sub"], "alice");
            assert_eq!(claims["iat"], NOW.unix().to_string());
        }
    }

    #[test]
    fn a_bad_token_is_refused_for_what_is_wrong_with_it() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let at = |seconds: i64| json!(NOW.unix() + seconds);
        let signed = |claims: Value| issuer.forge(&header(&issuer), &claims);
        let good = signed(claims());
        assert!(authorizer.verify(Some(&good), NOW).is_ok());

        for (token, expected) in [
            (String::new(), Refusal::Missing),
            ("Bearer ".into(), Refusal::Missing),
            ("Bearer abc".into(), Refusal::Malformed),
            ("Basic YWxpY2U6cHc=".into(), Refusal::Malformed),
            (
                signed(with(claims(), "iss", json!("https://evil.example/"))),
                Refusal::Issuer,
            ),
            (signed(without(claims(), "iss")), Refusal::Issuer),
            (
                signed(with(claims(), "aud", json!("another"))),
                Refusal::Audience,
            ),
            (
                signed(with(claims(), "aud", json!(["a", "b"]))),
                Refusal::Audience,
            ),
            (signed(without(claims(), "aud")), Refusal::Audience),
            (signed(with(claims(), "exp", at(0))), Refusal::Expired),
            (signed(with(claims(), "exp", at(-1))), Refusal::Expired),
            (
                signed(with(claims(), "exp", json!("tomorrow"))),
                Refusal::Expired,
            ),
            (signed(without(claims(), "exp")), Refusal::Expired),
            (signed(with(claims(), "nbf", at(1))), Refusal::NotYet),
            (signed(with(claims(), "iat", at(1))), Refusal::NotYet),
            (
                signed(with(claims(), "nbf", json!("soon"))),
                Refusal::NotYet,
            ),
        ] {
            assert_eq!(
                authorizer.verify(Some(&token), NOW),
                Err(expected),
                "{token}"
            );
        }
        assert_eq!(authorizer.verify(None, NOW), Err(Refusal::Missing));
    }

    #[test]
    fn a_token_that_demands_an_extension_is_refused() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        for crit in [
            json!(["exp"]),
            json!(["http://example.com/x"]),
            json!([]),
            json!(null),
        ] {
            let head = with(header(&issuer), "crit", crit);
            let token = issuer.forge(&head, &claims());
            assert_eq!(
                authorizer.verify(Some(&token), NOW),
                Err(Refusal::Critical),
                "{head}"
            );
        }
    }

    #[test]
    fn what_is_no_text_is_no_user() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let refusal = |sub: Value| {
            let token = issuer.forge(&header(&issuer), &with(claims(), "sub", sub));
            authorizer.verify(Some(&token), NOW)
        };
        for sub in [
            json!(null),
            json!(true),
            json!(false),
            json!(0),
            json!(7.5),
            json!(9_007_199_254_740_993_i64),
        ] {
            assert_eq!(refusal(sub.clone()), Err(Refusal::Subject), "{sub}");
        }
        // These the library refuses before the claims are looked at.
        for sub in [json!(["alice"]), json!({"a": 1})] {
            assert!(refusal(sub.clone()).is_err(), "{sub}");
        }
    }

    #[test]
    fn an_empty_user_or_none_is_for_the_function_to_refuse() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        for claims in [with(claims(), "sub", json!("")), without(claims(), "sub")] {
            let token = issuer.forge(&header(&issuer), &claims);
            let claims = authorizer.verify(Some(&token), NOW).unwrap().as_texts();
            let user = claims.get("sub").and_then(Value::as_str);
            assert!(user.is_none_or(str::is_empty), "{user:?}");
        }
    }

    #[test]
    fn a_claim_of_another_kind_is_none() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let now = NOW.unix();
        for (name, value) in [
            ("iss", json!([ISSUER])),
            ("iss", json!(null)),
            ("aud", json!({ "aud": AUDIENCE })),
            ("aud", json!(null)),
            ("aud", json!([[AUDIENCE]])),
            ("exp", json!(null)),
            ("exp", json!([now + 60])),
            ("exp", json!((now + 60).to_string())),
            ("nbf", json!(null)),
            ("iat", json!([now])),
        ] {
            let token = issuer.forge(&header(&issuer), &with(claims(), name, value.clone()));
            assert!(
                authorizer.verify(Some(&token), NOW).is_err(),
                "{name} {value}"
            );
        }
    }

    #[test]
    fn a_client_id_stands_in_for_an_audience_that_is_not_there() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let claims = with(without(claims(), "aud"), "client_id", json!(AUDIENCE));
        let token = issuer.forge(&header(&issuer), &claims);
        assert!(authorizer.verify(Some(&token), NOW).is_ok());
    }

    #[test]
    fn a_token_with_another_algorithm_is_refused_whatever_its_signature() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let encoded = |part: Value| BASE64.encode(part.to_string());
        for algorithm in [
            "none", "None", "HS256", "RS384", "PS256", "ES256", "made-up",
        ] {
            let head = with(header(&issuer), "alg", json!(algorithm));
            let rsa = issuer.forge(&head, &claims());
            let unsigned = format!("{}.{}.", encoded(head), encoded(claims()));
            for token in [rsa, unsigned] {
                let refusal = authorizer.verify(Some(&token), NOW);
                assert_eq!(refusal, Err(Refusal::Algorithm), "{algorithm}");
            }
        }
        // The public key used as a shared secret: the classic confusion.
        let secret = jsonwebtoken::EncodingKey::from_secret(issuer.public_key());
        let mut head = jsonwebtoken::Header::new(Algorithm::HS256);
        head.kid = Some(issuer.kid().into());
        let confused = jsonwebtoken::encode(&head, &claims(), &secret).unwrap();
        assert_eq!(
            authorizer.verify(Some(&confused), NOW),
            Err(Refusal::Algorithm)
        );
    }

    #[test]
    fn a_token_of_another_key_is_refused_by_its_name_and_by_its_signature() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let other = Issuer::stranger();
        let named = other.forge(&header(&other), &claims());
        assert_eq!(authorizer.verify(Some(&named), NOW), Err(Refusal::Key));
        let nameless = other.forge(&without(header(&other), "kid"), &claims());
        assert_eq!(authorizer.verify(Some(&nameless), NOW), Err(Refusal::Key));
        let borrowed = other.forge(&header(&issuer), &claims());
        assert_eq!(
            authorizer.verify(Some(&borrowed), NOW),
            Err(Refusal::Signature)
        );
    }

    #[test]
    fn changed_claims_break_the_signature() {
        let issuer = Issuer::load(None).unwrap();
        let authorizer = Authorizer::new(&issuer);
        let token = issuer.forge(&header(&issuer), &claims());
        let parts: Vec<&str> = token.split('.').collect();
        let mallory = BASE64.encode(with(claims(), "sub", json!("mallory")).to_string());
        let changed = format!("{}.{mallory}.{}", parts[0], parts[2]);
        assert_eq!(
            authorizer.verify(Some(&changed), NOW),
            Err(Refusal::Signature)
        );
    }
}
