//! How a PFX file is encrypted with its password, and how it is known that nobody changed it.

use std::cell::Cell;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::{digest, hmac, pbkdf2};
use des::cipher::consts::U8;
use des::cipher::{BlockDecrypt, KeyInit as _};
use des::{TdesEde2, TdesEde3};
use rc2::Rc2;
use zeroize::Zeroizing;

use super::der::{self, Der, damaged};
use crate::error::{Error, Result};

/// More rounds in one file would only be there to keep a program busy. Java bears a third of them
/// for each of checksum, key and certificates.
const MOST_ROUNDS: u32 = 15_000_000;

/// The password in both forms that PFX files know.
pub(super) struct Password<'a> {
    text: &'a str,
    /// UTF-16 with two zeros at the end.
    wide: Zeroizing<Vec<u8>>,
    /// Rounds that were made with it.
    rounds: Cell<u32>,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut wide = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        for unit in text.encode_utf16().chain([0]) {
            wide.extend_from_slice(&unit.to_be_bytes());
        }
        let rounds = Cell::new(0);
        Password { text, wide, rounds }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The other form of no password: without the zeros.
    pub(super) fn none() -> Self {
        let wide = Zeroizing::new(Vec::new());
        let rounds = Cell::new(0);
        Password {
            text: "",
            wide,
            rounds,
        }
    }

    /// How many rounds are to be made with it, if the file may have them.
    fn rounds(&self, parameters: &mut Der<'_>) -> Result<NonZeroU32> {
        let rounds = NonZeroU32::new(parameters.number()?).ok_or_else(damaged)?;
        let all = self.rounds.get().saturating_add(rounds.get());
        if all > MOST_ROUNDS {
            return Err(Error::input(format!(
                "the PFX file wants {all} rounds to make keys of its password; {MOST_ROUNDS} are \
                 the most that are made"
            )));
        }
        self.rounds.set(all);
        Ok(rounds)
    }
}

/// Whether the file is as it was written, with this password. `mac` is what `MacData` holds.
///
/// Source: RFC 7292, section 5.1.
pub(super) fn is_intact(mut mac: Der<'_>, content: &[u8], password: &Password<'_>) -> Result<bool> {
    let mut sum = mac.inner(der::SEQUENCE)?;
    let name = sum.inner(der::SEQUENCE)?.name()?;
    let (digest, hmac) = match name.as_str() {
        "1.3.14.3.2.26" => (
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        ),
        "2.16.840.1.101.3.4.2.1" => (&digest::SHA256, hmac::HMAC_SHA256),
        "2.16.840.1.101.3.4.2.2" => (&digest::SHA384, hmac::HMAC_SHA384),
        "2.16.840.1.101.3.4.2.3" => (&digest::SHA512, hmac::HMAC_SHA512),
        _ => return Err(unknown("checksum", &name)),
    };
    let expected = sum.take(der::OCTETS)?;
    let salt = mac.take(der::OCTETS)?;
    let rounds = match mac.is_empty() {
        true => NonZeroU32::MIN,
        false => password.rounds(&mut mac)?,
    };
    let key = derive(
        digest,
        Purpose::Mac,
        password,
        salt,
        rounds,
        digest.output_len(),
    );
    Ok(hmac::verify(&hmac::Key::new(hmac, &key), content, expected).is_ok())
}

/// Decrypts by the algorithm that is named, with its parameters.
///
/// Source: RFC 7292, appendix C, and RFC 8018 for PBES2.
pub(super) fn decrypt(
    mut algorithm: Der<'_>,
    data: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>> {
    let name = algorithm.name()?;
    let cipher = match name.as_str() {
        "1.2.840.113549.1.5.13" => {
            return pbes2(algorithm.inner(der::SEQUENCE)?, data, password);
        }
        "1.2.840.113549.1.12.1.3" => Cipher::TripleDes,
        "1.2.840.113549.1.12.1.4" => Cipher::DoubleDes,
        "1.2.840.113549.1.12.1.5" => Cipher::Rc2 { bits: 128 },
        "1.2.840.113549.1.12.1.6" => Cipher::Rc2 { bits: 40 },
        _ => return Err(unknown("cipher", &name)),
    };
    let mut parameters = algorithm.inner(der::SEQUENCE)?;
    let salt = parameters.take(der::OCTETS)?;
    let rounds = password.rounds(&mut parameters)?;
    let sha1 = &digest::SHA1_FOR_LEGACY_USE_ONLY;
    let key = derive(sha1, Purpose::Key, password, salt, rounds, cipher.key_len());
    let iv = derive(sha1, Purpose::Iv, password, salt, rounds, 8);
    cipher.decrypt(&key, &iv, data)
}

/// A key by PBKDF2 of the password in UTF-8.
fn pbes2(
    mut parameters: Der<'_>,
    data: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut derivation = parameters.inner(der::SEQUENCE)?;
    let mut encryption = parameters.inner(der::SEQUENCE)?;
    let name = derivation.name()?;
    if name != "1.2.840.113549.1.5.12" {
        return Err(unknown("derivation of a key", &name));
    }
    let name = encryption.name()?;
    let cipher = match name.as_str() {
        "2.16.840.1.101.3.4.1.2" => Cipher::Aes(&AES_128),
        "2.16.840.1.101.3.4.1.22" => Cipher::Aes(&AES_192),
        "2.16.840.1.101.3.4.1.42" => Cipher::Aes(&AES_256),
        "1.2.840.113549.3.7" => Cipher::TripleDes,
        _ => return Err(unknown("cipher", &name)),
    };
    let mut derivation = derivation.inner(der::SEQUENCE)?;
    let salt = derivation.take(der::OCTETS)?;
    let rounds = password.rounds(&mut derivation)?;
    if derivation.tag() == Some(der::INTEGER) {
        // The length of the key, which the cipher tells as well.
        derivation.any()?;
    }
    let hmac = match derivation.is_empty() {
        true => "1.2.840.113549.2.7".to_owned(),
        false => derivation.inner(der::SEQUENCE)?.name()?,
    };
    let hmac = match hmac.as_str() {
        "1.2.840.113549.2.7" => pbkdf2::PBKDF2_HMAC_SHA1,
        "1.2.840.113549.2.9" => pbkdf2::PBKDF2_HMAC_SHA256,
        "1.2.840.113549.2.10" => pbkdf2::PBKDF2_HMAC_SHA384,
        "1.2.840.113549.2.11" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return Err(unknown("derivation of a key", &hmac)),
    };
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    pbkdf2::derive(hmac, rounds, salt, password.text.as_bytes(), &mut key);
    cipher.decrypt(&key, encryption.take(der::OCTETS)?, data)
}

/// Ciphers of PFX files. Each block is chained to the one before.
#[derive(Clone, Copy)]
enum Cipher {
    Aes(&'static Algorithm),
    TripleDes,
    /// With two keys.
    DoubleDes,
    Rc2 {
        bits: usize,
    },
}

impl Cipher {
    /// How many bytes a key has.
    fn key_len(self) -> usize {
        match self {
            Cipher::Aes(algorithm) if *algorithm == AES_128 => 16,
            Cipher::Aes(algorithm) if *algorithm == AES_192 => 24,
            Cipher::Aes(_) => 32,
            Cipher::TripleDes => 24,
            Cipher::DoubleDes => 16,
            Cipher::Rc2 { bits } => bits / 8,
        }
    }

    fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let plain = match self {
            Cipher::Aes(algorithm) => aes(algorithm, key, iv, data),
            Cipher::TripleDes => TdesEde3::new_from_slice(key)
                .ok()
                .and_then(|cipher| chained(&cipher, iv, data)),
            Cipher::DoubleDes => TdesEde2::new_from_slice(key)
                .ok()
                .and_then(|cipher| chained(&cipher, iv, data)),
            Cipher::Rc2 { bits } => chained(&Rc2::new_with_eff_key_len(key, bits), iv, data),
        };
        plain.ok_or_else(wrong_password)
    }
}

fn aes(
    algorithm: &'static Algorithm,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = UnboundCipherKey::new(algorithm, key).ok()?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let iv = DecryptionContext::Iv128(iv.try_into().ok()?);
    let mut plain = Zeroizing::new(data.to_vec());
    let length = key.decrypt(&mut plain, iv).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

/// Blocks of eight bytes that are chained, without what fills the last one.
fn chained(
    cipher: &impl BlockDecrypt<BlockSize = U8>,
    iv: &[u8],
    data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    if iv.len() != 8 || !data.len().is_multiple_of(8) {
        return None;
    }
    let mut plain = Zeroizing::new(data.to_vec());
    let mut before = iv;
    for (block, encrypted) in plain.chunks_exact_mut(8).zip(data.chunks_exact(8)) {
        cipher.decrypt_block(block.into());
        for (byte, mask) in block.iter_mut().zip(before) {
            *byte ^= mask;
        }
        before = encrypted;
    }
    let filling = *plain.last()?;
    let length = plain.len().checked_sub(usize::from(filling))?;
    let is_filled = plain.iter().skip(length).all(|byte| *byte == filling);
    if !(1..=8).contains(&filling) || !is_filled {
        return None;
    }
    plain.truncate(length);
    Some(plain)
}

/// What bytes are derived for; RFC 7292, appendix B.3.
#[derive(Clone, Copy)]
enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Bytes from a password, as PFX files alone do it. Source: RFC 7292, appendix B.2.
fn derive(
    digest: &'static digest::Algorithm,
    purpose: Purpose,
    password: &Password<'_>,
    salt: &[u8],
    rounds: NonZeroU32,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let block = digest.block_len();
    let filled = |part: &[u8]| part.len().next_multiple_of(block);
    let parts = [salt, &password.wide];
    // As long as it will be: what grows leaves copies behind.
    let mut input = Zeroizing::new(Vec::with_capacity(parts.map(filled).iter().sum()));
    for part in parts {
        input.extend(part.iter().cycle().take(filled(part)));
    }
    let mut derived = Zeroizing::new(Vec::with_capacity(length + digest.output_len()));
    while derived.len() < length {
        let mut hash = digest::Context::new(digest);
        hash.update(&vec![purpose as u8; block]);
        hash.update(&input);
        let mut hash = hash.finish();
        for _ in 1..rounds.get() {
            hash = digest::digest(digest, hash.as_ref());
        }
        derived.extend_from_slice(hash.as_ref());
        // Each block of the input grows by the hash, repeated, and one.
        let hash = hash.as_ref().iter().cycle().take(block);
        let added: Zeroizing<Vec<u8>> = Zeroizing::new(hash.copied().collect());
        for part in input.chunks_exact_mut(block) {
            let mut carry = 1;
            for (byte, add) in part.iter_mut().zip(added.iter()).rev() {
                let sum = u16::from(*byte) + u16::from(*add) + carry;
                *byte = sum.to_le_bytes()[0];
                carry = sum >> 8;
            }
        }
    }
    derived.truncate(length);
    derived
}

fn unknown(what: &str, name: &str) -> Error {
    Error::input(format!(
        "the PFX file has a {what} that is not known ({name}); write it again with AES: openssl \
         pkcs12 -legacy -in app.pfx -nodes -out app.pem, and openssl pkcs12 -export -in app.pem \
         -out new.pfx"
    ))
}

pub(super) fn wrong_password() -> Error {
    Error::input("the password of the PFX file is wrong, or the file was changed")
}
