//! Which servers a bundle adds to those that are trusted, and what is told of one that cannot be used.

#![allow(clippy::unwrap_used)]

use std::{error::Error as _, fs, path::Path, sync::Arc};

use perennial_https::Trust;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

fn problem(path: &Path) -> String {
    let error = Trust::with_bundle(path).unwrap_err();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let name = path.display().to_string();
    format!("{error}: {cause}").replace(&name, "ca.pem")
}

#[test]
fn a_bundle_that_cannot_be_used_says_why() {
    let folder = std::env::temp_dir().join(format!("perennial-bundles-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("ca.pem");
    let missing = problem(&path);
    assert!(missing.starts_with("ca.pem cannot be read: "), "{missing}");
    let pem =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let authority = include_str!("tls/authority.pem");
    for (content, expected) in [
        (String::new(), "ca.pem holds no certificate in PEM: "),
        ("hello".to_owned(), "ca.pem holds no certificate in PEM: "),
        (
            include_str!("tls/server.key").to_owned(),
            "ca.pem holds no certificate in PEM: ",
        ),
        (
            pem("%%%"),
            "ca.pem is not a bundle of certificates in PEM: ",
        ),
        (
            authority.trim_end().trim_end_matches('-').to_owned(),
            "ca.pem is not a bundle of certificates in PEM: ",
        ),
        (
            format!("{authority}{}", pem("aGVsbG8=")),
            "certificate 2 of ca.pem cannot be trusted: ",
        ),
    ] {
        fs::write(&path, content).unwrap();
        let problem = problem(&path);
        assert!(problem.starts_with(expected), "{problem} is not {expected}");
    }
    fs::write(&path, authority).unwrap();
    Trust::with_bundle(&path).unwrap();
    fs::remove_dir_all(folder).unwrap();
}

/// A server whose certificate an authority of the tests has made; its port.
async fn server() -> u16 {
    let pem = |name: &str| fs::read(format!("tests/tls/{name}")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&pem("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust it ends the handshake.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut request = [0; 1024];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    port
}

#[tokio::test]
async fn an_authority_of_the_bundle_is_trusted_and_without_it_none_is() {
    let url = format!("https://localhost:{}", server().await);
    let ask = async |trust: Trust| {
        let client = trust.client().unwrap().no_proxy().build().unwrap();
        client.get(&url).send().await
    };
    let error = format!("{:?}", ask(Trust::default()).await.unwrap_err());
    assert!(error.contains("UnknownIssuer"), "{error}");
    let trust = Trust::with_bundle(Path::new("tests/tls/authority.pem")).unwrap();
    assert_eq!(ask(trust).await.unwrap().status(), 204);
}
