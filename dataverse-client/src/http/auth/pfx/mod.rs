//! A certificate and its key from a PFX file (PKCS#12).

mod bags;
mod cipher;
mod der;

use aws_lc_rs::signature::RsaKeyPair;

use self::bags::{Bag, Bags};
use self::der::{Der, numbered};
use super::Secret;
use super::certificate::{Certificate, is_of, not_rsa};
use crate::error::{Error, Result};

impl Certificate {
    /// Reads a certificate and its key from a PFX file, as Windows, Azure Key Vault and OpenSSL export
    /// them. With the feature `pfx`. Key Vault's files have no password: `Secret::new("")`.
    ///
    /// ```no_run
    /// use dataverse_client::auth::{Certificate, ClientCertificate, Secret};
    ///
    /// # fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let pfx = std::fs::read("app.pfx")?;
    /// let password = Secret::new(std::env::var("PFX_PASSWORD")?);
    /// let credential = ClientCertificate::new(
    ///     "contoso.onmicrosoft.com",
    ///     "3f1c2f4e-5a0e-4f57-8f0e-0123456789ab",
    ///     Certificate::from_pfx(&pfx, &password)?,
    /// );
    /// # Ok(()) }
    /// ```
    ///
    /// Encrypted by AES (PBES2), by triple DES or by RC2, or not at all. The certificate is the one of
    /// the key; those that follow are its issuers, one after the other, as far as the file holds them.
    ///
    /// Errors: `is_invalid_input` if the password is wrong, if there is no key or more than one, no
    /// certificate of the key or more than one, if the key is not RSA, or if the file is damaged or
    /// encrypted in another way.
    pub fn from_pfx(pfx: &[u8], password: &Secret) -> Result<Self> {
        let Bags {
            keys,
            certificates: mut others,
        } = Bags::open(pfx, password.expose())?;
        let [bag] = &keys[..] else {
            return Err(Error::input(match keys.len() {
                0 => "the PFX file holds no private key; export the certificate with its key"
                    .to_owned(),
                count => format!(
                    "the PFX file holds {count} private keys; export the one that is meant alone"
                ),
            }));
        };
        let key = RsaKeyPair::from_pkcs8(&bag.der).map_err(|_| not_rsa())?;
        let mut own: Vec<_> = others.extract_if(.., |bag| is_of(&bag.der, &key)).collect();
        let is_marked = |certificate: &Bag<Vec<u8>>| {
            bag.local_key_id.is_some() && certificate.local_key_id == bag.local_key_id
        };
        if own.len() > 1 && own.iter().filter(|bag| is_marked(bag)).count() == 1 {
            own.retain(is_marked);
        }
        if own.len() > 1 {
            return Err(Error::input(format!(
                "the PFX file holds {} certificates of its key, and does not say which is meant; \
                 export that one alone",
                own.len()
            )));
        }
        let Some(own) = own.pop() else {
            return Err(Error::input(
                "the PFX file holds no certificate of its key; export both together",
            ));
        };
        let mut chain = vec![own.der];
        // Up to one that vouches for itself, or whose issuer is not there.
        while let Some((issuer, subject)) = chain.last().and_then(|der| names(der).ok())
            && issuer != subject
        {
            let place = others
                .iter()
                .position(|bag| names(&bag.der).is_ok_and(|(_, subject)| subject == issuer));
            match place {
                Some(place) => chain.push(others.swap_remove(place).der),
                None => break,
            }
        }
        Certificate::new(key, chain)
    }
}

/// Issuer and subject of a certificate. Source: RFC 5280, section 4.1.
fn names(certificate: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut fields = Der::new(certificate)
        .inner(der::SEQUENCE)?
        .inner(der::SEQUENCE)?;
    if fields.tag() == Some(numbered(0)) {
        // The version.
        fields.any()?;
    }
    fields.take(der::INTEGER)?;
    fields.take(der::SEQUENCE)?;
    let issuer = fields.take(der::SEQUENCE)?;
    fields.take(der::SEQUENCE)?;
    Ok((issuer, fields.take(der::SEQUENCE)?))
}
