//! The three addresses, all on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Somebody listens there already.
    #[error(
        "port {port} is taken: stop what listens there, or choose another with {flag} (0 picks a free one)"
    )]
    Taken {
        /// The port that was asked for.
        port: u16,
        /// The flag that chooses it.
        flag: &'static str,
    },
    /// The system does not allow it.
    #[error("port {port} cannot be opened; choose another with {flag}")]
    Refused {
        /// The port that was asked for.
        port: u16,
        /// The flag that chooses it.
        flag: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Listens on loopback only: what runs here is for its developer.
pub(crate) async fn listen(
    port: u16,
    flag: &'static str,
) -> Result<(TcpListener, String), PortError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => PortError::Taken { port, flag },
        _ => PortError::Refused { port, flag, source },
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, format!("http://{bound}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_together_with_its_flag() {
        let (held, _) = listen(0, "--port").await.unwrap();
        let port = held.local_addr().unwrap().port();
        let error = listen(port, "--stripe-port").await.unwrap_err().to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains("--stripe-port"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn nothing_listens_beyond_this_machine() {
        let (held, url) = listen(0, "--port").await.unwrap();
        assert!(held.local_addr().unwrap().ip().is_loopback());
        assert!(url.starts_with("http://127.0.0.1:"));
    }
}
