//! The routes of the HTTP API: `Events` of type `HttpApi` under each function.

use std::time::Duration;

use serde_json::Value;

use super::{Resources, TemplateError, function, of_type};

/// One route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// `GET`, or `ANY`.
    pub(crate) method: String,
    /// As the template writes it, such as `/checkouts/{checkout}`.
    pub(crate) path: String,
    /// The crate that answers, such as `client-secret`.
    pub(crate) function: String,
    /// Who may call.
    pub(crate) authorization: Authorization,
    /// When Lambda ends the function.
    pub(crate) timeout: Duration,
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// Anybody; the function checks what it needs.
    None,
    /// Whoever holds a token that the JWT authorizer accepts.
    Jwt,
    /// Whoever signs with credentials of AWS that a policy lets call the API.
    Iam,
}

impl Route {
    /// The key under which API Gateway knows the route, such as `GET /confirm`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub(super) fn read(globals: &Value, resources: &Resources) -> Result<Vec<Route>, TemplateError> {
    let mut routes = Vec::new();
    for (id, properties) in of_type(resources, "AWS::Serverless::Function") {
        let Some(events) = properties.get("Events").and_then(Value::as_object) else {
            continue;
        };
        let name = function::name(id, resources.get(id).unwrap_or(&Value::Null));
        let timeout = Duration::from_secs(function::timeout(globals, properties));
        for (event_id, event) in events.iter().filter(|(_, e)| is_http(e)) {
            let text = |key: &str| {
                event
                    .pointer(&format!("/Properties/{key}"))
                    .and_then(Value::as_str)
                    .ok_or_else(|| TemplateError::Content(format!("{id}.{event_id}: no {key}")))
            };
            routes.push(Route {
                method: text("Method")?.to_uppercase(),
                path: text("Path")?.to_owned(),
                function: name.clone(),
                authorization: authorization(globals, resources, id, event)?,
                timeout,
            });
        }
    }
    if routes.is_empty() {
        return Err(TemplateError::Content(
            "no function has an event of type HttpApi".into(),
        ));
    }
    Ok(routes)
}

fn is_http(event: &Value) -> bool {
    event.get("Type").is_some_and(|kind| kind == "HttpApi")
}

fn authorization(
    globals: &Value,
    resources: &Resources,
    id: &str,
    event: &Value,
) -> Result<Authorization, TemplateError> {
    let own = event
        .pointer("/Properties/Auth/Authorizer")
        .and_then(Value::as_str);
    match own.or_else(|| default_authorizer(globals, resources)) {
        None | Some("NONE") => Ok(Authorization::None),
        // API Gateway would refuse the template, and SAM says so late.
        Some("AWS_IAM") if !has_iam(globals, resources) => Err(TemplateError::Content(format!(
            "{id}: AWS_IAM needs EnableIamAuthorizer at the API"
        ))),
        Some("AWS_IAM") => Ok(Authorization::Iam),
        Some(_) => Ok(Authorization::Jwt),
    }
}

fn has_iam(globals: &Value, resources: &Resources) -> bool {
    of_type(resources, "AWS::Serverless::HttpApi")
        .find_map(|(_, api)| api.pointer("/Auth/EnableIamAuthorizer"))
        .or_else(|| globals.pointer("/HttpApi/Auth/EnableIamAuthorizer"))
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

fn default_authorizer<'a>(globals: &'a Value, resources: &'a Resources) -> Option<&'a str> {
    of_type(resources, "AWS::Serverless::HttpApi")
        .find_map(|(_, api)| api.pointer("/Auth/DefaultAuthorizer"))
        .or_else(|| globals.pointer("/HttpApi/Auth/DefaultAuthorizer"))
        .and_then(Value::as_str)
}
