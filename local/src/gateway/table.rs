//! Which route of the HTTP API a request meets.
//!
//! API Gateway prefers a full match, then one with a variable, then a greedy variable:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>.

use std::collections::BTreeMap;

use url::form_urlencoded;

use crate::template::Route;

/// A route and what its variables hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) route: Route,
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Finds the route of a request.
pub(crate) fn find(routes: &[Route], method: &str, path: &str) -> Option<Met> {
    routes
        .iter()
        .filter(|route| route.method == method || route.method == "ANY")
        .filter_map(|route| {
            let (parameters, rank) = matched(&route.path, path)?;
            let any = u8::from(route.method == "ANY");
            Some((
                rank,
                any,
                Met {
                    route: route.clone(),
                    parameters,
                },
            ))
        })
        .min_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)))
        .map(|(_, _, met)| met)
}

/// The variables, and for each segment how loosely it matched.
fn matched(pattern: &str, path: &str) -> Option<(BTreeMap<String, String>, Vec<u8>)> {
    let (mut parameters, mut rank) = (BTreeMap::new(), Vec::new());
    let mut rest = path.strip_prefix('/')?;
    let mut pattern = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = pattern.next() {
        let variable = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        if let Some(name) = variable.and_then(|name| name.strip_suffix('+')) {
            if rest.is_empty() {
                return None;
            }
            parameters.insert(name.to_owned(), decoded(rest));
            rank.push(2);
            return Some((parameters, rank));
        }
        let last = pattern.peek().is_none();
        let (segment, after) = match rest.split_once('/') {
            Some((segment, after)) if !last => (segment, after),
            None if last => (rest, ""),
            _ => return None,
        };
        match variable {
            Some(name) if !segment.is_empty() => {
                parameters.insert(name.to_owned(), decoded(segment));
                rank.push(1);
            }
            None if part == segment => rank.push(0),
            _ => return None,
        }
        rest = after;
    }
    Some((parameters, rank))
}

/// Percent-decoding; a plus in a path is a plus.
fn decoded(text: &str) -> String {
    let escaped = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(text, _)| text.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Authorization;

    fn routes(keys: &[&str]) -> Vec<Route> {
        keys.iter()
            .map(|key| {
                let (method, path) = key.split_once(' ').unwrap();
                Route {
                    method: method.into(),
                    path: path.into(),
                    function: "f".into(),
                    authorization: Authorization::None,
                    timeout: std::time::Duration::from_secs(1),
                }
            })
            .collect()
    }

    #[track_caller]
    fn check(method: &str, path: &str, expected: Option<(&str, &[(&str, &str)])>) {
        let routes = routes(&[
            "ANY /things/{id}",
            "GET /things/{id}",
            "GET /things/new",
            "GET /files/{path+}",
            "POST /things",
        ]);
        let met = find(&routes, method, path);
        let met = met.as_ref().map(|met| {
            let parameters: Vec<_> = met
                .parameters
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            (met.route.key(), parameters)
        });
        let expected = expected.map(|(key, parameters)| (key.to_owned(), parameters.to_vec()));
        assert_eq!(met, expected, "{method} {path}");
    }

    #[test]
    fn a_full_match_comes_before_a_variable_and_a_method_before_any() {
        check("GET", "/things/new", Some(("GET /things/new", &[])));
        check(
            "GET",
            "/things/1",
            Some(("GET /things/{id}", &[("id", "1")])),
        );
        check(
            "PUT",
            "/things/1",
            Some(("ANY /things/{id}", &[("id", "1")])),
        );
        check(
            "GET",
            "/files/a/b%20c",
            Some(("GET /files/{path+}", &[("path", "a/b c")])),
        );
        check(
            "GET",
            "/things/a+b%26c=d&e",
            Some(("GET /things/{id}", &[("id", "a+b&c=d&e")])),
        );
    }

    #[test]
    fn what_fits_no_route_meets_none() {
        check("GET", "/things", None);
        check("POST", "/things/", None);
        check("GET", "/things/", None);
        check("GET", "/things/1/2", None);
        check("GET", "/files/", None);
        check("GET", "/", None);
        check("DELETE", "/things", None);
    }
}
