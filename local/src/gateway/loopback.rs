//! Whether a name means this machine, as its user sees it.
//!
//! A page of another site can make a browser call loopback, either directly or by a name that it
//! suddenly points there (DNS rebinding). The first sends a foreign `Origin`, the second a foreign
//! `Host`, and both are refused where a token would be handed out.

use std::net::SocketAddr;

use http::{HeaderMap, header};
use url::{Host, Url};

/// Whether an `Origin` is a page of this machine.
pub(super) fn is_origin(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| is_here(url.host().as_ref()))
}

/// Whether the caller is a program or a page of this machine that asks for it by its own name.
pub(super) fn is_caller(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let host = text(header::HOST).unwrap_or_default();
    let host = Url::parse(&format!("http://{host}/"));
    peer.ip().is_loopback()
        && host.is_ok_and(|url| url.username().is_empty() && is_here(url.host().as_ref()))
        && text(header::ORIGIN).is_none_or(is_origin)
}

fn is_here(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => *name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, host: &str, origin: Option<&str>, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let peer = format!("{peer}:5000").parse().unwrap();
        assert_eq!(
            is_caller(peer, &headers),
            expected,
            "{peer} {host} {origin:?}"
        );
    }

    #[test]
    fn only_this_machine_under_its_own_name_is_answered() {
        check("127.0.0.1", "127.0.0.1:9000", None, true);
        check(
            "127.0.0.1",
            "localhost:9000",
            Some("http://localhost:3000"),
            true,
        );
        check("[::1]", "[::1]:9000", Some("http://127.0.0.1:9000"), true);
        check("127.0.0.1", "evil.example:9000", None, false);
        check("127.0.0.1", "localhost.evil.example", None, false);
        check("127.0.0.1", "localhost@evil.example", None, false);
        check("127.0.0.1", "evil.example@localhost", None, false);
        check("127.0.0.1", "", None, false);
        check(
            "127.0.0.1",
            "127.0.0.1:9000",
            Some("https://evil.example"),
            false,
        );
        check("127.0.0.1", "127.0.0.1:9000", Some("null"), false);
        check("192.168.1.7", "127.0.0.1:9000", None, false);
    }
}
