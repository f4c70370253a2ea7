//! Whom a port answers.
//!
//! A browser says where a request comes from: in `Host` the name that it was asked for, in `Origin` the
//! page that calls, and in `Sec-Fetch-Site` whether that page is one of the same site, also where there
//! is no `Origin`, as with a `<script>` (<https://www.w3.org/TR/fetch-metadata/>). A program such as
//! curl says nothing of that, and is let in.

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use url::{Host, Url};

/// By which way a request may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From programs, from pages of this server, and from pages that are named as callers.
    Call,
    /// The browser may be led there by any page, with GET. Nobody can read what it is shown.
    Link,
    /// As [`Link`](Self::Link), and under any name: a tunnel brings Stripe's events and returns.
    AnyName,
    /// A page that is named as a caller may load it with `<script>`.
    Script,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name that was asked for is not one of this machine, so it may be somebody's who points it here.
    #[error(
        "this server answers to 127.0.0.1 and localhost on this machine alone, and not to other names: a tunnel can \
         bring POST /webhooks/stripe and GET /confirm; for a page on a phone, lead the phone's own localhost here, \
         such as with `adb reverse`"
    )]
    Name,
    /// A page that is not named as a caller.
    #[error(
        "pages of another origin may not call this server: start `cargo dev` with --shop-url and the address of your page"
    )]
    Page,
    /// The body has more bytes than the port takes.
    #[error("the body is larger than this server takes")]
    TooLarge,
    /// The body did not arrive in time.
    #[error("the body of the request did not arrive in time")]
    TooSlow,
}

impl Refusal {
    /// The status, and a stable code.
    pub fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Name => (StatusCode::FORBIDDEN, "unknown_host"),
            Self::Page => (StatusCode::FORBIDDEN, "foreign_page"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
        }
    }
}

/// Whom one port answers.
#[derive(Debug, Clone)]
pub struct Door {
    /// Names of this machine beside its own, such as that which a container has for it.
    pub hosts: Vec<String>,
    /// Origins whose pages may call, such as `http://localhost:5173`.
    pub origins: Vec<String>,
    /// By which way a request may come.
    pub way: fn(&Method, &str) -> Way,
}

/// The origins of a server on this port of loopback.
pub fn own_origins(port: u16) -> [String; 2] {
    ["127.0.0.1", "localhost"].map(|host| format!("http://{host}:{port}"))
}

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

impl Door {
    /// Whether the request is answered.
    pub fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        let way = (self.way)(&head.method, head.uri.path());
        if way != Way::AnyName && !self.is_named_rightly(head) {
            return Err(Refusal::Name);
        }
        if self.is_page_allowed(way, head) {
            Ok(())
        } else {
            Err(Refusal::Page)
        }
    }

    /// Whether a page of this origin may call.
    pub fn is_caller(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known == origin)
    }

    fn is_named_rightly(&self, head: &Parts) -> bool {
        let mut hosts = head.headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        let asked = head.uri.authority().map(Authority::as_str);
        let names = [host.to_str().ok(), Some(asked.unwrap_or("localhost"))];
        names
            .into_iter()
            .all(|name| name.is_some_and(|name| self.is_here(name)))
    }

    fn is_here(&self, authority: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{authority}/")) else {
            return false;
        };
        let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
        plain
            && match url.host() {
                Some(Host::Ipv4(address)) if address.is_loopback() => true,
                Some(Host::Ipv6(address)) if address.is_loopback() => true,
                Some(Host::Domain("localhost")) => true,
                Some(host) => {
                    let host = host.to_string();
                    self.hosts.contains(&host)
                }
                None => false,
            }
    }

    fn is_page_allowed(&self, way: Way, head: &Parts) -> bool {
        let headers = &head.headers;
        if headers.contains_key(header::ORIGIN) {
            return text(headers, &header::ORIGIN).is_some_and(|origin| self.is_caller(origin));
        }
        if !headers.contains_key(SITE) {
            return true;
        }
        // `none` is what somebody typed into the address bar.
        if matches!(text(headers, &SITE), Some("same-origin" | "none")) {
            return true;
        }
        match way {
            Way::Call => false,
            Way::Link | Way::AnyName => {
                matches!(head.method, Method::GET | Method::HEAD)
                    && text(headers, &MODE) == Some("navigate")
                    && text(headers, &DEST) == Some("document")
            }
            // Many pages tell where they are to what they load, and this script has nothing to hide.
            Way::Script => {
                text(headers, &DEST) == Some("script")
                    && text(headers, &header::REFERER)
                        .and_then(|page| Url::parse(page).ok())
                        .is_some_and(|page| self.is_caller(&page.origin().ascii_serialization()))
            }
        }
    }
}

/// The header's one value.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
