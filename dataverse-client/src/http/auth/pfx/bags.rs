//! What a PFX file holds: keys and certificates in bags, in boxes that may be encrypted.
//!
//! Source: RFC 7292, section 4.

use zeroize::Zeroizing;

use super::cipher::{Password, decrypt, is_intact, wrong_password};
use super::der::{self, Der, damaged, numbered};
use crate::error::{Error, Result};

/// Data as they are, and encrypted.
const DATA: &str = "1.2.840.113549.1.7.1";
const ENCRYPTED: &str = "1.2.840.113549.1.7.6";

const KEY_BAG: &str = "1.2.840.113549.1.12.10.1.1";
const ENCRYPTED_KEY_BAG: &str = "1.2.840.113549.1.12.10.1.2";
const CERTIFICATE_BAG: &str = "1.2.840.113549.1.12.10.1.3";
const X509: &str = "1.2.840.113549.1.9.22.1";
/// The attribute by which a key and its certificate find each other.
const LOCAL_KEY_ID: &str = "1.2.840.113549.1.9.21";

/// The keys and certificates of a file.
#[derive(Default)]
pub(super) struct Bags {
    pub(super) keys: Vec<Bag<Zeroizing<Vec<u8>>>>,
    pub(super) certificates: Vec<Bag<Vec<u8>>>,
}

/// A key in PKCS#8, or a certificate.
pub(super) struct Bag<T> {
    pub(super) der: T,
    pub(super) local_key_id: Option<Vec<u8>>,
}

impl Bags {
    /// Opens all bags.
    pub(super) fn open(file: &[u8], password: &str) -> Result<Self> {
        let mut file = Der::new(file).inner(der::SEQUENCE)?;
        if file.number()? != 3 {
            return Err(damaged());
        }
        let (name, mut content) = content_info(&mut file)?;
        if name != DATA {
            return Err(Error::input(
                "the PFX file is signed instead of protected by a password; export it with one",
            ));
        }
        let content = content.take(der::OCTETS)?;
        let mut password = Password::new(password);
        if !file.is_empty() {
            let mac = file.inner(der::SEQUENCE)?;
            if !is_intact(mac, content, &password)? {
                let is_none = password.is_empty();
                password = Password::none();
                if !is_none || !is_intact(mac, content, &password)? {
                    return Err(wrong_password());
                }
            }
        }
        let mut bags = Bags::default();
        let mut boxes = Der::new(content).inner(der::SEQUENCE)?;
        while !boxes.is_empty() {
            let (name, mut content) = content_info(&mut boxes)?;
            match name.as_str() {
                DATA => bags.read(content.take(der::OCTETS)?, &password)?,
                ENCRYPTED => {
                    let mut data = content.inner(der::SEQUENCE)?;
                    data.number()?;
                    let mut data = data.inner(der::SEQUENCE)?;
                    data.name()?;
                    let algorithm = data.inner(der::SEQUENCE)?;
                    // The field number 0, without a type of its own.
                    let plain = decrypt(algorithm, data.take(0x80)?, &password)?;
                    bags.read(&plain, &password)?;
                }
                _ => {
                    return Err(Error::input(
                        "the PFX file is encrypted for a key instead of by a password; export it \
                         with one",
                    ));
                }
            }
        }
        Ok(bags)
    }

    /// Reads a list of bags. What is neither key nor certificate is left out.
    fn read(&mut self, list: &[u8], password: &Password<'_>) -> Result<()> {
        let mut list = Der::new(list).inner(der::SEQUENCE)?;
        while !list.is_empty() {
            let mut bag = list.inner(der::SEQUENCE)?;
            let name = bag.name()?;
            let mut value = bag.inner(numbered(0))?;
            let local_key_id = local_key_id(bag)?;
            match name.as_str() {
                KEY_BAG => self.keys.push(Bag {
                    // With its head: it is a document of its own.
                    der: Zeroizing::new(value.rest().to_vec()),
                    local_key_id,
                }),
                ENCRYPTED_KEY_BAG => {
                    let mut key = value.inner(der::SEQUENCE)?;
                    let algorithm = key.inner(der::SEQUENCE)?;
                    let der = decrypt(algorithm, key.take(der::OCTETS)?, password)?;
                    self.keys.push(Bag { der, local_key_id });
                }
                CERTIFICATE_BAG => {
                    let mut certificate = value.inner(der::SEQUENCE)?;
                    if certificate.name()? == X509 {
                        let mut der = certificate.inner(numbered(0))?;
                        let der = der.take(der::OCTETS)?.to_vec();
                        self.certificates.push(Bag { der, local_key_id });
                    }
                }
                _ => (),
            }
        }
        Ok(())
    }
}

/// What kind of content is next, and the content.
fn content_info<'a>(list: &mut Der<'a>) -> Result<(String, Der<'a>)> {
    let mut info = list.inner(der::SEQUENCE)?;
    Ok((info.name()?, info.inner(numbered(0))?))
}

/// The attribute, from what follows the value of a bag.
fn local_key_id(mut bag: Der<'_>) -> Result<Option<Vec<u8>>> {
    if bag.is_empty() {
        return Ok(None);
    }
    let mut attributes = bag.inner(der::SET)?;
    while !attributes.is_empty() {
        let mut attribute = attributes.inner(der::SEQUENCE)?;
        if attribute.name()? == LOCAL_KEY_ID {
            let id = attribute.inner(der::SET)?.take(der::OCTETS)?;
            return Ok(Some(id.to_vec()));
        }
    }
    Ok(None)
}
