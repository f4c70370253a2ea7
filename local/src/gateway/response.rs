//! What the caller gets: the function's answer, or what API Gateway says in its place.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::authorizer::Refusal;
use super::iam;
use crate::invoker::InvokeError;

/// The answer of a function, which API Gateway reads as payload format 2.0.
pub(super) fn of_function(answer: Result<Value, InvokeError>, request_id: &str) -> Response {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(request_id, error = %error, "the function gave no answer");
            return failed();
        }
    };
    rendered(&answer).unwrap_or_else(|| {
        tracing::error!(
            request_id,
            "the function's answer is not one of payload format 2.0"
        );
        failed()
    })
}

fn rendered(answer: &Value) -> Option<Response> {
    let Some(status) = answer.get("statusCode") else {
        // Without a status, API Gateway takes the answer itself for the body of a success.
        let body = answer
            .as_str()
            .map_or_else(|| answer.to_string(), str::to_owned);
        return Some(json_text(StatusCode::OK, body));
    };
    let status = status
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())?;
    let text = answer
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let body = match answer.get("isBase64Encoded").and_then(Value::as_bool) {
        Some(true) => STANDARD.decode(text).ok()?,
        _ => text.as_bytes().to_vec(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = response.headers_mut();
    for (name, value) in answer
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        headers.insert(
            name.parse::<HeaderName>().ok()?,
            HeaderValue::from_str(&value).ok()?,
        );
    }
    for cookie in answer
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        headers.append(
            header::SET_COOKIE,
            HeaderValue::from_str(cookie.as_str()?).ok()?,
        );
    }
    headers
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("text/plain;charset=UTF-8"));
    Some(response)
}

/// The function failed, or took longer than Lambda lets it.
fn failed() -> Response {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// The function took longer than API Gateway waits.
pub(super) fn unavailable() -> Response {
    message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
}

pub(super) fn not_found() -> Response {
    message(StatusCode::NOT_FOUND, "Not Found")
}

pub(super) fn too_large() -> Response {
    message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
}

/// The first line and the headers have too many bytes.
pub(super) fn head_too_large() -> Response {
    message(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "Request Header Or Cookie Too Large",
    )
}

/// The body of API Gateway with our envelope beside it, so that a page reads every error alike.
pub(super) fn unauthorized(refusal: Refusal, request_id: &str) -> Response {
    let body = json!({
        "message": "Unauthorized",
        "error": {
            "code": "unauthorized",
            "message": format!("{}.", capitalised(&refusal.to_string())),
            "request_id": request_id,
        },
    });
    let mut response = json_text(StatusCode::UNAUTHORIZED, body.to_string());
    let challenge = match refusal {
        Refusal::Missing => "Bearer".to_owned(),
        _ => format!(r#"Bearer scope="" error="invalid_token" error_description="{refusal}""#),
    };
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The body of API Gateway for a request that IAM does not let through, with our envelope beside it.
pub(super) fn forbidden(refusal: iam::Refusal, request_id: &str) -> Response {
    let body = json!({
        "message": "Forbidden",
        "error": {
            "code": "forbidden",
            "message": format!("{}.", capitalised(&refusal.to_string())),
            "request_id": request_id,
        },
    });
    json_text(StatusCode::FORBIDDEN, body.to_string())
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn message(status: StatusCode, message: &str) -> Response {
    json_text(status, json!({ "message": message }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_its_status_headers_and_cookies() {
        let answer = json!({
            "statusCode": 303,
            "headers": {"Location": "http://x/"},
            "cookies": ["a=1", "b=2"],
            "body": "",
        });
        let response = of_function(Ok(answer), "r");
        assert_eq!(response.status(), 303);
        assert_eq!(response.headers()["location"], "http://x/");
        assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    }

    #[tokio::test]
    async fn a_base64_body_is_decoded() {
        let answer = json!({"statusCode": 200, "body": "AP8=", "isBase64Encoded": true});
        let body = of_function(Ok(answer), "r").into_body();
        assert_eq!(
            axum::body::to_bytes(body, 10).await.unwrap().as_ref(),
            [0, 255]
        );
    }

    #[test]
    fn an_answer_that_api_gateway_would_not_take_is_an_internal_error() {
        for answer in [
            json!({"statusCode": "many"}),
            json!({"statusCode": 99_999}),
            json!({"statusCode": 200, "headers": {"bad name": "x"}}),
            json!({"statusCode": 200, "headers": {"x": "a\nb"}}),
            json!({"statusCode": 200, "body": "!", "isBase64Encoded": true}),
        ] {
            assert_eq!(
                of_function(Ok(answer.clone()), "r").status(),
                500,
                "{answer}"
            );
        }
        let error = InvokeError::Unknown("f".into());
        assert_eq!(of_function(Err(error), "r").status(), 500);
    }

    #[test]
    fn an_answer_without_a_status_is_the_body_of_a_success() {
        let response = of_function(Ok(json!({"a": 1})), "r");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}
