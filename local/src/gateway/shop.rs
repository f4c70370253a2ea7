//! The demo shop's files.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use include_dir::{Dir, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../web");

/// The file of a path; `/` is the shop's page, and `/operator` that of the shop's people.
pub(super) fn file(path: &str, stripe_js: &str) -> Option<Response> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        "operator" => "operator.html",
        name => name,
    };
    let kind = content_type(name)?;
    let content = content(name)?;
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // A page that is being written must show at the next reload.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        // The sandbox's script asks which page loads it, and needs no more than the origin.
        HeaderValue::from_static("strict-origin"),
    );
    if let Ok(policy) = HeaderValue::from_str(&policy(stripe_js, "")) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Some(response)
}

/// A file that is embedded, from the source tree in a debug build, so that an edit shows without building.
fn content(name: &str) -> Option<Vec<u8>> {
    let embedded = FILES.get_file(name)?;
    if cfg!(debug_assertions) {
        // By its own path and not by what was asked for, which may lead out of the folder.
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../web"));
        if let Ok(content) = std::fs::read(folder.join(embedded.path())) {
            return Some(content);
        }
    }
    Some(embedded.contents().to_vec())
}

/// Only what a page needs is served; a README is not.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Scripts of the page and of Stripe.js (or the sandbox's stand-in), and nothing else. For a page at another
/// origin, `gateway` is where the API and `perennial.js` are; it is empty for the demo shop.
pub(crate) fn policy(stripe_js: &str, gateway: &str) -> String {
    let stripe = url::Url::parse(stripe_js)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    let own = format!("'self' {gateway}");
    let own = own.trim_end();
    format!(
        "default-src 'none'; script-src {own} {stripe}; style-src 'self'; \
         img-src 'self' data: https://*.stripe.com; \
         connect-src {own} {stripe} https://api.stripe.com; \
         frame-src https://js.stripe.com https://hooks.stripe.com; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SANDBOX: &str = "http://127.0.0.1:9002/stripe.js";

    #[test]
    fn the_page_and_its_scripts_have_their_types() {
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/shop.js", "text/javascript; charset=utf-8"),
            ("/perennial.js", "text/javascript; charset=utf-8"),
            ("/shop.css", "text/css; charset=utf-8"),
        ] {
            let response = file(path, SANDBOX).unwrap_or_else(|| panic!("{path} is missing"));
            assert_eq!(response.headers()["content-type"], kind, "{path}");
        }
    }

    #[test]
    fn every_script_and_style_that_a_page_names_is_embedded() {
        for page in ["index.html", "operator.html"] {
            let page = FILES.get_file(page).unwrap().contents_utf8().unwrap();
            let names: Vec<&str> = page
                .split(['"', '\''])
                .filter(|text| content_type(text).is_some())
                .filter(|text| !text.contains("//"))
                .collect();
            assert!(names.len() >= 2, "{names:?}");
            for name in names {
                assert!(
                    FILES.get_file(name.trim_start_matches("./")).is_some(),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        for path in [
            "/../Cargo.toml",
            "/..%2fCargo.toml",
            "/nothing.js",
            "/README.md",
            "/.x.js",
            "//etc/passwd",
            "/perennial/../../local/src/lib.js",
        ] {
            assert!(file(path, SANDBOX).is_none(), "{path}");
        }
        assert!(file("/../local/src/lib.js", SANDBOX).is_none());
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside.js");
        std::fs::write(&outside, "of the whole machine").unwrap();
        let outside = outside.to_str().unwrap();
        for path in [format!("/{outside}"), format!("//{outside}")] {
            assert!(file(&path, SANDBOX).is_none(), "{path}");
        }
    }

    #[test]
    fn the_policy_allows_the_stand_in_and_no_inline_script() {
        let policy = policy(SANDBOX, "");
        assert!(
            policy.contains("script-src 'self' http://127.0.0.1:9002;"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline"));
    }
}
