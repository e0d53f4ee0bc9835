//! The emulator with TLS.

use std::sync::Arc;

use dataverse_client::Client;
use dataverse_client::http::{FixedToken, VirtualClock};
use dataverse_golden::crm::operations::WhoAmI;
use dataverse_tests::fixture;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::emulator;

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(fixture("tls").join(name)).unwrap()
}

#[tokio::test]
async fn it_answers_https_and_links_lead_there() {
    let certificate = pem("localhost.pem");
    let key = pem("localhost.key.pem");
    let emulator = emulator();
    let listening = emulator.listen_tls(0, &certificate, &key).await.unwrap();
    let url = listening.url();
    let address = url.strip_prefix("https://").unwrap();
    let port = address.rsplit_once(':').unwrap().1;

    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(&certificate).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await
        .unwrap();
    let request = format!(
        "GET /api/data/v9.2/WhoAmI HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\
         Authorization: Bearer any\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The server may end the connection without a last word of TLS.
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains(&format!("https://localhost:{port}/api/data/v9.2/$metadata")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_sends_nothing_to_a_server_whose_certificate_nobody_vouches_for() {
    let (certificate, key) = (pem("localhost.pem"), pem("localhost.key.pem"));
    let emulator = emulator();
    let listening = emulator.listen_tls(0, &certificate, &key).await.unwrap();
    let client = Client::builder(&listening.url())
        .unwrap()
        .credential(FixedToken::new("any"))
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    let error = client.invoke(WhoAmI).await.unwrap_err();
    assert!(error.status().is_none() && !error.is_outcome_unknown());
    assert!(error.to_string().contains("certificate"), "{error:?}");
    assert_eq!(error.attempts(), 1);
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    let (certificate, key) = (pem("localhost.pem"), pem("localhost.key.pem"));
    let emulator = emulator();
    for (certificate, key, told) in [
        (&b""[..], &key[..], "the certificate"),
        (&certificate, b"", "the key"),
        (&certificate, &certificate, "the key"),
    ] {
        let error = emulator.listen_tls(0, certificate, key).await.unwrap_err();
        assert!(error.to_string().starts_with(told), "{error}");
    }
}
