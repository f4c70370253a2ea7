//! Which route of the API a request has met.
//!
//! API Gateway names it in `routeKey`, without the path under which a custom domain maps the API, which
//! it leaves in `rawPath`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
//! `cargo lambda watch` sends `$default` as the route of every request and no path parameters.

use std::collections::HashMap;

/// The paths of `template.yaml` that have a parameter.
const WITH_PARAMETERS: [&str; 7] = [
    "/checkouts/{checkout}",
    "/payments/{payment}",
    "/payments/{payment}/increment",
    "/payments/{payment}/capture",
    "/payments/{payment}/cancel",
    "/payments/{payment}/refunds",
    "/payment-methods/{payment_method}/diagnosis",
];

/// The route's key and its path parameters. A key that names a path without parameters is one of the
/// template's as it is, or of an event that was made by hand for a path with parameters.
pub(crate) fn resolve(
    key: Option<String>,
    parameters: HashMap<String, String>,
    method: &str,
    path: &str,
) -> (String, HashMap<String, String>) {
    let key = key.unwrap_or_default();
    let (method, path) = key.split_once(' ').unwrap_or((method, path));
    if path.contains('{') {
        return (key, parameters);
    }
    let path = path.trim_end_matches('/');
    for pattern in WITH_PARAMETERS {
        if let Some(parameters) = matched(pattern, path) {
            return (format!("{method} {pattern}"), parameters);
        }
    }
    (format!("{method} {path}"), parameters)
}

fn matched(pattern: &str, path: &str) -> Option<HashMap<String, String>> {
    if pattern.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut parameters = HashMap::new();
    for (part, segment) in pattern.split('/').zip(path.split('/')) {
        let name = part.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        match name {
            Some(name) if !segment.is_empty() => {
                parameters.insert(name.to_owned(), segment.to_owned());
            }
            None if part == segment => {}
            _ => return None,
        }
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The routes of the template, as `routeKey` names them.
    fn routes() -> Vec<String> {
        let text = include_str!("../../../template.yaml");
        let mut lines = text.lines().map(str::trim).peekable();
        let mut routes = Vec::new();
        while let Some(line) = lines.next() {
            let path = line.strip_prefix("Path: ");
            let method = lines.peek().and_then(|next| next.strip_prefix("Method: "));
            if let (Some(path), Some(method)) = (path, method) {
                routes.push(format!("{method} {path}"));
            }
        }
        routes
    }

    #[test]
    fn a_request_without_a_route_key_meets_each_route_of_the_template() {
        let routes = routes();
        assert!(routes.len() > 15, "{routes:?}");
        for key in routes {
            let (method, pattern) = key.split_once(' ').unwrap();
            let path: String = pattern.replace('{', "the_").replace('}', "");
            let named = format!("{method} {path}");
            for unknown in [
                None,
                Some(String::new()),
                Some("$default".to_owned()),
                Some(named),
            ] {
                let (route, parameters) = resolve(unknown, HashMap::new(), method, &path);
                assert_eq!(route, key);
                for (name, value) in parameters {
                    assert!(pattern.contains(&format!("{{{name}}}")), "{name} in {key}");
                    assert_eq!(value, format!("the_{name}"));
                }
            }
        }
    }

    #[test]
    fn the_route_key_is_believed_whatever_a_custom_domain_puts_before_the_path() {
        let key = "GET /payments/{payment}".to_owned();
        let parameters = HashMap::from([("payment".to_owned(), "pi_1".to_owned())]);
        let found = resolve(
            Some(key.clone()),
            parameters.clone(),
            "GET",
            "/billing/payments/pi_1",
        );
        assert_eq!(found, (key, parameters));
    }

    #[test]
    fn what_is_no_route_stays_as_it_came() {
        for path in ["/payments//capture", "/payments/pi_1/keep", "/elsewhere"] {
            let (route, parameters) = resolve(None, HashMap::new(), "POST", path);
            assert_eq!(route, format!("POST {path}"));
            assert!(parameters.is_empty());
        }
    }
}
