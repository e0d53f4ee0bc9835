//! An application and its certificate.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use uuid::Uuid;

use super::builders::signs_in_as_itself;
use super::entra::{Application, Assertion, Proof};
use super::{Secret, Tenant};
use crate::error::{Error, Result};

/// How long a statement is valid.
const VALIDITY: Duration = Duration::from_secs(10 * 60);

/// An application that signs in as itself, with a certificate. With the feature `certificate`.
///
/// ```no_run
/// use dataverse_client::auth::{Certificate, ClientCertificate};
///
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// // Both in one file, or one after the other.
/// let pem = std::fs::read("app.pem")?;
/// let credential = ClientCertificate::new(
///     "contoso.onmicrosoft.com",
///     "3f1c2f4e-5a0e-4f57-8f0e-0123456789ab",
///     Certificate::from_pem(&pem)?,
/// );
/// # Ok(()) }
/// ```
///
/// Shape: as [`ClientSecret`](super::ClientSecret), with `client_assertion` for the secret: a
/// statement that is valid for ten minutes, signed by PS256, with the certificate's SHA-256 thumbprint
/// (`x5t#S256`). Errors: `is_secret_refused` if the certificate is not registered with the application.
/// Source: Microsoft Learn, "Microsoft identity platform application authentication certificate
/// credentials".
#[derive(Debug, Clone)]
pub struct ClientCertificate(Application);

impl ClientCertificate {
    /// The application `client_id` of `tenant`, and a certificate that is registered with it.
    pub fn new(
        tenant: impl Into<Tenant>,
        client_id: impl Into<String>,
        certificate: Certificate,
    ) -> Self {
        let proof = Proof::Assertion(Arc::new(certificate));
        ClientCertificate(Application::new(tenant.into(), client_id, proof))
    }
}

signs_in_as_itself!(ClientCertificate);

/// A certificate with its private key. RSA: Entra takes no other.
pub struct Certificate {
    key: RsaKeyPair,
    /// The application's own first.
    chain: Vec<Vec<u8>>,
    sends_chain: bool,
}

impl Certificate {
    /// Reads a certificate and its key from PEM: `BEGIN CERTIFICATE`, and `BEGIN PRIVATE KEY` or
    /// `BEGIN RSA PRIVATE KEY`, without a password. The first certificate is that of the key; further
    /// ones are its issuers.
    ///
    /// For PFX files there is `from_pfx`, with the feature `pfx`.
    ///
    /// Errors: `is_invalid_input` if one is missing, the key is not RSA, or the first certificate is
    /// that of another key.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let chain: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem)
            .map(|certificate| certificate.map(|der| der.to_vec()))
            .collect::<std::result::Result<_, _>>()
            // The cause could tell a line of the key.
            .map_err(|_| Error::input("the certificate is no PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            Error::input(
                "there is no private key in PEM; one with a password must be decrypted first: \
                 openssl pkey -in KEY -out PLAIN",
            )
        })?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(not_rsa()),
        };
        let key = key.map_err(|_| not_rsa())?;
        if chain.first().is_some_and(|own| !is_of(own, &key)) {
            return Err(Error::input(
                "the certificate is not that of the private key; put the two that belong together \
                 into one text, and issuers behind them",
            ));
        }
        Certificate::new(key, chain)
    }

    pub(super) fn new(key: RsaKeyPair, chain: Vec<Vec<u8>>) -> Result<Self> {
        if chain.is_empty() {
            return Err(Error::input("there is a key, and no certificate"));
        }
        Ok(Certificate {
            key,
            chain,
            sends_chain: false,
        })
    }

    /// Sends the certificate and its issuers, too (`x5c`): for applications that are registered with
    /// the name and issuer of a certificate, so that it can be renewed without them.
    #[must_use]
    pub fn sends_chain(mut self) -> Self {
        self.sends_chain = true;
        self
    }

    /// Signs a header and claims.
    fn sign(&self, header: &serde_json::Value, claims: &serde_json::Value) -> Result<Secret> {
        let part = |json: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Error::credential("the certificate's key cannot sign", None))?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(Secret::new(format!("{text}.{signature}")))
    }
}

impl Assertion for Certificate {
    fn assertion(&self, client_id: &str, audience: &str, now: SystemTime) -> Result<Secret> {
        let own = self.chain.first().map(Vec::as_slice).unwrap_or_default();
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, own));
        let mut header = serde_json::json!({
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": thumbprint,
        });
        if self.sends_chain {
            let chain = self.chain.iter().map(|der| BASE64_STANDARD.encode(der));
            header["x5c"] = chain.collect();
        }
        let seconds = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let claims = serde_json::json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4(),
            "nbf": seconds.as_secs(),
            "iat": seconds.as_secs(),
            "exp": (seconds + VALIDITY).as_secs(),
        });
        self.sign(&header, &claims)
    }
}

/// Whether a certificate is that of this key: the public one stands in it byte by byte.
pub(super) fn is_of(certificate: &[u8], key: &RsaKeyPair) -> bool {
    let public = key.public_key().as_ref();
    certificate.windows(public.len()).any(|part| part == public)
}

pub(super) fn not_rsa() -> Error {
    Error::input("the private key is not RSA of 2048 to 8192 bits; Entra takes no other")
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(…)")
    }
}
