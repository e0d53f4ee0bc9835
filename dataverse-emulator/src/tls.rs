//! TLS on the emulator's port.

use std::io;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// What takes connections with this certificate chain and key, both PEM.
pub(crate) fn acceptor(certificates: &[u8], key: &[u8]) -> io::Result<TlsAcceptor> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid("the certificate", &error))?;
    if certificates.is_empty() {
        return Err(invalid("the certificate", &"there is none in the PEM text"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| invalid("the key", &error))?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| invalid("certificate and key", &error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn invalid(what: &str, why: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: {why}"))
}
