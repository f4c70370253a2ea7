//! One call of `POST /shop/customers`, signed for IAM.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use perennial_process::Env;
use perennial_types::Clock;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use url::{Host, Url};

use crate::{Outcome, Row};

/// The service that API Gateway is, to a signature.
const SERVICE: &str = "execute-api";
/// API Gateway answers within 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(35);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Who signs, from the variables that AWS's own tools read.
#[derive(Clone)]
pub struct Credentials(aws_credential_types::Credentials);

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// An access key, its secret, and the token of a session.
    pub fn new(key: &str, secret: &str, token: Option<&str>) -> Self {
        let token = token.map(str::to_owned);
        let made = aws_credential_types::Credentials::new(key, secret, token, None, "environment");
        Self(made)
    }

    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    pub fn read(env: &Env) -> Result<Self, ApiError> {
        let read = |name| env.get(name).ok_or(ApiError::NoCredentials(name));
        let (key, secret) = (read("AWS_ACCESS_KEY_ID")?, read("AWS_SECRET_ACCESS_KEY")?);
        Ok(Self::new(key, secret, env.get("AWS_SESSION_TOKEN")))
    }
}

/// Why no row can be sent.
#[derive(Debug, Error)]
pub enum ApiError {
    /// There is nobody to sign.
    #[error(
        "{0} is not set: `eval \"$(aws configure export-credentials --format env)\"` sets what the AWS CLI has"
    )]
    NoCredentials(&'static str),
    /// The region is not known.
    #[error("the address does not name a region of AWS: set AWS_REGION")]
    NoRegion,
    /// The address takes no path.
    #[error("{0} is not the address of an API")]
    Address(Url),
    /// No client could be made.
    #[error("there is no HTTP client")]
    Client(#[from] reqwest::Error),
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is final for this row.
    Final(Outcome),
    /// It may be another one later, and not before so long.
    Later {
        reason: String,
        wait: Option<Duration>,
    },
    /// It is the same for every row, and a sentence says what to do.
    Stop(String),
}

/// The shop's API.
#[derive(Debug, Clone)]
pub struct Api {
    url: Url,
    region: String,
    credentials: Credentials,
    http: reqwest::Client,
    clock: Clock,
}

#[derive(Deserialize)]
struct Adopted {
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
struct Subscription {
    plan: Option<String>,
    price: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl Api {
    /// The API at this address, such as the output `ApiUrl` of the stack. The region is that of the address if it names
    /// one.
    pub fn new(
        base: &Url,
        region: Option<&str>,
        credentials: Credentials,
    ) -> Result<Self, ApiError> {
        let mut url = base.clone();
        url.path_segments_mut()
            .map_err(|()| ApiError::Address(base.clone()))?
            .pop_if_empty()
            .extend(["shop", "customers"]);
        let named = region.map(str::to_owned).or_else(|| region_of(base));
        Ok(Self {
            url,
            region: named.ok_or(ApiError::NoRegion)?,
            credentials,
            http: reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TIMEOUT)
                .build()?,
            clock: Clock::system(),
        })
    }

    /// Asks for one row.
    pub(crate) async fn adopt(&self, row: &Row, is_dry: bool) -> Answer {
        let mut body = json!({"user": row.user, "customer": row.customer});
        if is_dry && let Some(body) = body.as_object_mut() {
            body.insert("dry_run".to_owned(), true.into());
        }
        let request = match self.signed(body.to_string()) {
            Ok(request) => request,
            Err(error) => return Answer::Stop(format!("the request cannot be signed: {error}")),
        };
        let answer = match self.http.execute(request).await {
            Ok(answer) => answer,
            Err(error) => return unanswered(&error),
        };
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after");
        let wait = wait.and_then(|it| it.to_str().ok()?.parse().ok());
        let wait = wait.map(Duration::from_secs);
        match answer.bytes().await {
            Ok(body) => read(status, &body, wait),
            Err(error) => unanswered(&error),
        }
    }

    fn signed(&self, body: String) -> Result<reqwest::Request, Box<dyn std::error::Error>> {
        let identity = self.credentials.0.clone().into();
        let seconds = u64::try_from(self.clock.now().unix())?;
        let now = UNIX_EPOCH + Duration::from_secs(seconds);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", "application/json")];
        let content = SignableBody::Bytes(body.as_bytes());
        let request =
            SignableRequest::new("POST", self.url.as_str(), headers.into_iter(), content)?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let mut request = http::Request::post(self.url.as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut request = request.body(body)?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request.try_into()?)
    }
}

/// Such as `eu-west-1` of `https://a1b2c3.execute-api.eu-west-1.amazonaws.com`.
fn region_of(base: &Url) -> Option<String> {
    match base.host()? {
        Host::Domain(name) => {
            let mut labels = name.split('.');
            labels.find(|label| *label == SERVICE)?;
            labels.next().map(str::to_owned)
        }
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Nothing that is shown may hold the address with what is in it.
fn unanswered(error: &reqwest::Error) -> Answer {
    let reason = if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "not_connected"
    } else {
        "no_answer"
    };
    Answer::Later {
        reason: reason.to_owned(),
        wait: None,
    }
}

fn read(status: u16, body: &[u8], wait: Option<Duration>) -> Answer {
    let code = || serde_json::from_slice::<Refused>(body).map(|it| it.error.code);
    match status {
        200 => match serde_json::from_slice::<Adopted>(body) {
            Ok(adopted) => {
                let lacking = adopted.subscriptions.iter().filter(|it| it.plan.is_none());
                let mut prices: Vec<String> = lacking.filter_map(|it| it.price.clone()).collect();
                prices.sort();
                prices.dedup();
                Answer::Final(Outcome::Adopted {
                    subscriptions: adopted.subscriptions.len(),
                    without_plan: prices,
                })
            }
            Err(_) => Answer::Stop(
                "the answer is not that of POST /shop/customers: is this the address of the API?"
                    .to_owned(),
            ),
        },
        // API Gateway's own answers have no code.
        403 => Answer::Stop(
            "IAM does not let this caller in (403): the credentials may have expired, the region may be another, or the \
             caller lacks execute-api:Invoke on the output ShopApiArn"
                .to_owned(),
        ),
        404 if code().is_err() => Answer::Stop(
            "there is no POST /shop/customers at this address (404): use the output ApiUrl, of a version that has it"
                .to_owned(),
        ),
        408 | 429 | 500.. => Answer::Later {
            reason: code().unwrap_or_else(|_| format!("http_{status}")),
            wait,
        },
        _ => Answer::Final(Outcome::Refused {
            code: code().unwrap_or_else(|_| format!("http_{status}")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_that_of_the_address() {
        for (address, expected) in [
            (
                "https://a1.execute-api.eu-west-1.amazonaws.com/",
                Some("eu-west-1"),
            ),
            (
                "https://a1.execute-api.cn-north-1.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            ("https://api.shop.example/", None),
            ("http://127.0.0.1:9000", None),
        ] {
            assert_eq!(region_of(&address.parse().unwrap()).as_deref(), expected);
        }
    }

    #[test]
    fn each_answer_is_final_or_not_as_the_api_means_it() {
        let later = |reason: &str, seconds: Option<u64>| Answer::Later {
            reason: reason.to_owned(),
            wait: seconds.map(Duration::from_secs),
        };
        let refused = |code: &str| {
            Answer::Final(Outcome::Refused {
                code: code.to_owned(),
            })
        };
        let wait = Some(Duration::from_secs(7));
        let error = |code: &str| json!({"error": {"code": code, "message": "x"}}).to_string();
        for (status, body, expected) in [
            (409, error("customer_taken"), refused("customer_taken")),
            (404, error("unknown_customer"), refused("unknown_customer")),
            (400, error("invalid_field"), refused("invalid_field")),
            (429, error("busy"), later("busy", Some(7))),
            (
                503,
                error("stripe_unavailable"),
                later("stripe_unavailable", Some(7)),
            ),
            (504, "{}".to_owned(), later("http_504", Some(7))),
        ] {
            assert_eq!(read(status, body.as_bytes(), wait), expected, "{status}");
        }
        for (status, body) in [
            (403, r#"{"message":"Forbidden"}"#),
            (404, "{}"),
            (200, "<html>"),
        ] {
            let answer = read(status, body.as_bytes(), None);
            assert!(matches!(answer, Answer::Stop(_)), "{status}: {answer:?}");
        }
        let body = json!({"customer": "cus_1", "subscriptions": [
            {"plan": "a", "price": "price_1"}, {"plan": null, "price": "price_2"}, {"plan": null, "price": "price_2"},
        ]});
        let expected = Answer::Final(Outcome::Adopted {
            subscriptions: 3,
            without_plan: vec!["price_2".to_owned()],
        });
        assert_eq!(read(200, body.to_string().as_bytes(), None), expected);
    }
}
