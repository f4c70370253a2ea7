//! Which certificates are trusted.

use std::{fs, io, path::Path, sync::Arc};

use reqwest::{ClientBuilder, redirect, retry};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer,
        pem::{self, PemObject as _},
    },
};
use thiserror::Error;

/// The roots that a server's certificate has to lead to.
///
/// They are Mozilla's, and linked as what is needed of each, so that none is decoded. `roots.json` lists those
/// that the servers of AWS and of Stripe have now, with the day on which each ends. No other list is pinned,
/// because Stripe announces another root seven days before it is used
/// (<https://docs.stripe.com/tls-certificates>).
#[derive(Debug, Clone)]
pub struct Trust(Arc<RootCertStore>);

/// Why there is no client.
#[derive(Debug, Error)]
pub enum HttpsError {
    /// The file is missing, or may not be read.
    #[error("{0} cannot be read")]
    Unreadable(String, #[source] io::Error),
    /// The file is not what it should be.
    #[error("{0} is not a bundle of certificates in PEM")]
    Malformed(String, #[source] pem::Error),
    /// The file has nothing that could be trusted.
    #[error("{0} holds no certificate in PEM")]
    Empty(String),
    /// One of the file's certificates is none.
    #[error("certificate {1} of {0} cannot be trusted")]
    Certificate(String, usize, #[source] rustls::Error),
    /// The TLS library does not take its settings.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP client does not take its settings.
    #[error("the HTTP client could not be set up")]
    Http(#[from] reqwest::Error),
}

impl Default for Trust {
    fn default() -> Self {
        Self(Arc::new(public_roots()))
    }
}

impl Trust {
    /// The same roots, and the certificates of a file: those of a proxy that inspects TLS, for example.
    pub fn with_bundle(path: &Path) -> Result<Self, HttpsError> {
        let name = || path.display().to_string();
        let bytes = fs::read(path).map_err(|error| HttpsError::Unreadable(name(), error))?;
        let mut roots = public_roots();
        let public = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let certificate = certificate.map_err(|error| HttpsError::Malformed(name(), error))?;
            let number = roots.len() - public + 1;
            roots
                .add(certificate)
                .map_err(|error| HttpsError::Certificate(name(), number, error))?;
        }
        if roots.len() == public {
            return Err(HttpsError::Empty(name()));
        }
        Ok(Self(Arc::new(roots)))
    }

    /// A client that trusts these roots. It neither follows a redirect, which would carry a key to another
    /// place, nor tries again, since attempts are counted, paced and logged by those who call.
    pub fn client(&self) -> Result<ClientBuilder, HttpsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&self.0))
            .with_no_client_auth();
        Ok(reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .retry(retry::never()))
    }
}

fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}
