//! Which route of the API a request has met.
//!
//! API Gateway names it in `routeKey`, without the path under which a custom domain maps the API, which
//! it leaves in `rawPath`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
//! `cargo lambda watch` sends `$default` as the route of every request and no path parameters, so there the
//! route is found by method and path.

use std::collections::HashMap;

use crate::Request;

/// The routes of a function: for each `routeKey`, which `template.yaml` has too, what the function knows the
/// route by.
pub type Routes<R> = &'static [(&'static str, R)];

/// Declares the routes of a function, `Name = "METHOD /path"`: an enum to match on, and [`Routes`] for it.
#[macro_export]
macro_rules! routes {
    ($($name:ident = $key:literal),+ $(,)?) => {
        /// The routes of this function.
        #[derive(Debug, Clone, Copy)]
        pub enum Route {
            $(#[doc = $key] $name,)+
        }

        impl Route {
            const ALL: $crate::Routes<Self> = &[$(($key, Self::$name)),+];
        }
    };
}

/// Finds the route that a request has met, and gives the request its key and its path parameters.
pub(crate) fn meet<R: Copy>(request: &mut Request, routes: &[(&str, R)]) -> Option<R> {
    if let Some((_, route)) = routes.iter().find(|(key, _)| request.route == *key) {
        return Some(*route);
    }
    routes.iter().find_map(|(key, route)| {
        request.parameters = parameters(key, request)?;
        (*key).clone_into(&mut request.route);
        Some(*route)
    })
}

/// The path parameters of a request that has met a route by its method and path. A key that names a path
/// without parameters is of an event that was made by hand.
fn parameters(key: &str, request: &Request) -> Option<HashMap<String, String>> {
    let named = request.route.split_once(' ');
    let (method, path) = named.unwrap_or((&request.method, &request.path));
    let (wanted, pattern) = key.split_once(' ')?;
    if method != wanted || path.contains('{') {
        return None;
    }
    matched(pattern, path.trim_end_matches('/'))
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
    use serde_json::json;

    use super::*;

    const ROUTES: Routes<u8> = &[
        ("GET /payments/{payment}", 1),
        ("POST /payments/{payment}/capture", 2),
    ];

    /// The routes of the template, as `routeKey` names them.
    fn of_the_template() -> Vec<(&'static str, String)> {
        let text = include_str!("../../../template.yaml");
        let mut lines = text.lines().map(str::trim).peekable();
        let mut routes = Vec::new();
        while let Some(line) = lines.next() {
            let path = line.strip_prefix("Path: ");
            let method = lines.peek().and_then(|next| next.strip_prefix("Method: "));
            if let (Some(path), Some(method)) = (path, method) {
                let (method, _comment) = method.split_once(' ').unwrap_or((method, ""));
                routes.push((path, format!("{method} {path}")));
            }
        }
        routes
    }

    fn request(key: Option<&str>, method: &str, path: &str) -> Request {
        let event = json!({
            "version": "2.0", "routeKey": key, "rawPath": path, "rawQueryString": "", "headers": {},
            "requestContext": {
                "timeEpoch": 0,
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            },
        });
        Request::from_event(event, "r1").unwrap()
    }

    #[test]
    fn a_request_without_a_route_key_meets_each_route_of_the_template() {
        let known = of_the_template();
        let routes: Vec<_> = known.iter().map(|(path, key)| (&**key, *path)).collect();
        assert!(routes.len() > 15, "{routes:?}");
        for (key, pattern) in &routes {
            let (method, _) = key.split_once(' ').unwrap();
            let path = pattern.replace('{', "the_").replace('}', "");
            for path in [format!("{path}/"), path] {
                let named = format!("{method} {path}");
                for unknown in [None, Some(""), Some("$default"), Some(&named)] {
                    let mut request = request(unknown, method, &path);
                    assert_eq!(meet(&mut request, &routes), Some(*pattern));
                    assert_eq!(request.route, *key);
                    assert_eq!(request.parameters.len(), pattern.matches('{').count());
                    for (name, value) in request.parameters {
                        assert!(pattern.contains(&format!("{{{name}}}")), "{name} in {key}");
                        assert_eq!(value, format!("the_{name}"));
                    }
                }
            }
        }
    }

    #[test]
    fn the_route_key_is_believed_whatever_a_custom_domain_puts_before_the_path() {
        let key = "GET /payments/{payment}";
        let mut request = request(Some(key), "GET", "/billing/payments/pi_1");
        let parameters = HashMap::from([("payment".to_owned(), "pi_1".to_owned())]);
        request.parameters.clone_from(&parameters);
        assert_eq!(meet(&mut request, ROUTES), Some(1));
        assert_eq!(
            (request.route.as_str(), request.parameters),
            (key, parameters)
        );
    }

    #[test]
    fn what_is_no_route_of_the_function_meets_none() {
        for (key, method, path) in [
            (None, "POST", "/payments//capture"),
            (None, "POST", "/payments/pi_1/keep"),
            (None, "DELETE", "/payments/pi_1"),
            (None, "GET", "/elsewhere"),
            (Some("GET /payments/{other}"), "GET", "/payments/pi_1"),
        ] {
            let mut request = request(key, method, path);
            assert_eq!(meet(&mut request, ROUTES), None, "{key:?} {method} {path}");
            assert!(request.parameters.is_empty());
        }
    }
}
