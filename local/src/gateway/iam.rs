//! The IAM authorizer of API Gateway: requests that are signed with Signature Version 4
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).
//!
//! On this machine there is one caller, whose access key is `local`, and whose secret is the developer's key.

use std::borrow::Cow;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use http::header::AUTHORIZATION;
use http::request::Parts;
use perennial_loopback::is_same;
use perennial_types::Timestamp;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

/// The access key of the one caller.
pub(crate) const KEY: &str = "local";

/// The service that API Gateway is, to a signature.
const SERVICE: &str = "execute-api";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Seconds that a signature's time may differ from the gateway's.
const TOLERANCE: i64 = 300;

/// Why a request is not the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "the request is not signed: use AWS Signature Version 4 for the service execute-api, such as `curl --aws-sigv4 aws:amz:us-east-1:execute-api --user local:$key`, with the key of dev.env in the data folder"
    )]
    Missing,
    #[error("the authorization is not one of AWS Signature Version 4")]
    Malformed,
    #[error(
        "the access key is unknown: on this machine it is `local`, and its secret is the key of dev.env in the data folder"
    )]
    AccessKey,
    #[error("the signature is for another service or day than execute-api and x-amz-date")]
    Scope,
    #[error("the signature is older than five minutes, or of the future")]
    Expired,
    #[error(
        "the signature does not fit the request: its method, path, query, signed headers, body or secret differ"
    )]
    Signature,
}

/// The parts of an `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
struct Signed<'a> {
    key: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    headers: Vec<&'a str>,
    signature: &'a str,
}

/// Checks that the request was signed by the caller, with the body that came.
pub(crate) fn verify(
    head: &Parts,
    body: &[u8],
    now: Timestamp,
    secret: &str,
) -> Result<(), Refusal> {
    let header = head.headers.get(AUTHORIZATION).ok_or(Refusal::Missing)?;
    let header = header.to_str().map_err(|_| Refusal::Malformed)?;
    if !header.starts_with("AWS4-") {
        return Err(Refusal::Missing);
    }
    let signed = read(header).ok_or(Refusal::Malformed)?;
    if signed.key != KEY {
        return Err(Refusal::AccessKey);
    }
    let date = text(head, "x-amz-date").ok_or(Refusal::Malformed)?;
    let moment = OffsetDateTime::parse(&date, &Iso8601::PARSING).map_err(|_| Refusal::Malformed)?;
    if signed.service != SERVICE || date.split('T').next() != Some(signed.day) {
        return Err(Refusal::Scope);
    }
    if (moment.unix_timestamp() - now.unix()).abs() > TOLERANCE {
        return Err(Refusal::Expired);
    }
    // Without these two, a signature would be good for any host and at any time.
    let bound = |name: &str| signed.headers.contains(&name);
    if !bound("host") || !bound("x-amz-date") {
        return Err(Refusal::Malformed);
    }
    let expected = signature(head, body, &signed, moment.into(), secret);
    if is_same(signed.signature, &expected.ok_or(Refusal::Malformed)?) {
        Ok(())
    } else {
        Err(Refusal::Signature)
    }
}

/// The caller, as API Gateway tells a function of them.
pub(crate) fn caller() -> Value {
    json!({ "iam": {
        "accessKey": KEY,
        "accountId": "000000000000",
        "callerId": KEY,
        "cognitoIdentity": null,
        "principalOrgId": null,
        "userArn": "arn:aws:iam::000000000000:user/local",
        "userId": KEY,
    } })
}

fn read(header: &str) -> Option<Signed<'_>> {
    let parts = header.strip_prefix(ALGORITHM)?;
    let part = |name: &str| {
        let mut parts = parts.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let credential: Vec<&str> = part("Credential")?.split('/').collect();
    let &[key, day, region, service, "aws4_request"] = credential.as_slice() else {
        return None;
    };
    Some(Signed {
        key,
        day,
        region,
        service,
        headers: part("SignedHeaders")?.split(';').collect(),
        signature: part("Signature")?,
    })
}

/// The signature that the caller would have made of this request.
fn signature(
    head: &Parts,
    body: &[u8],
    signed: &Signed<'_>,
    time: SystemTime,
    secret: &str,
) -> Option<String> {
    let identity = Credentials::new(KEY, secret, None, None, "local").into();
    let mut settings = SigningSettings::default();
    // Only what the caller signed is put in, so nothing needs to be left out.
    settings.excluded_headers = Some(Vec::<Cow<'static, str>>::new());
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(signed.region)
        .name(SERVICE)
        .time(time)
        .settings(settings)
        .build()
        .ok()?
        .into();
    let headers: Vec<(&str, String)> = signed
        .headers
        .iter()
        .map(|name| Some((*name, text(head, name)?)))
        .collect::<Option<_>>()?;
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let uri = head.uri.to_string();
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new(head.method.as_str(), uri, headers, body).ok()?;
    Some(sign(request, &parameters).ok()?.into_parts().1)
}

/// A header, with its values joined as they are signed.
fn text(head: &Parts, name: &str) -> Option<String> {
    let values = head.headers.get_all(name).iter();
    let values: Vec<&str> = values
        .map(|value| value.to_str().ok())
        .collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests;
