//! DER, as far as a PFX file and the names of a certificate need it.

use crate::error::{Error, Result};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// The tag of a field that has a number instead of a type of its own.
pub(super) const fn numbered(number: u8) -> u8 {
    0xa0 | number
}

/// What is left of a list of elements.
#[derive(Clone, Copy)]
pub(super) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Der(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that is left, as it is.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The tag of the next element.
    pub(super) fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, whatever it is.
    pub(super) fn any(&mut self) -> Result<&'a [u8]> {
        let (first, rest) = self
            .0
            .get(1..)
            .and_then(<[u8]>::split_first)
            .ok_or_else(damaged)?;
        let (length, rest) = match first {
            0x80 => return Err(Error::input(BER)),
            0x00..0x80 => (usize::from(*first), rest),
            // Four gigabytes are enough.
            0x81..=0x84 => {
                let (length, rest) = rest
                    .split_at_checked(usize::from(first & 0x7f))
                    .ok_or_else(damaged)?;
                let length = length
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                (usize::try_from(length).map_err(|_| damaged())?, rest)
            }
            _ => return Err(damaged()),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(content)
    }

    /// The content of the next element, which has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8]> {
        if self.tag() != Some(tag) {
            return Err(damaged());
        }
        self.any()
    }

    /// The elements in the next element, which has this tag.
    pub(super) fn inner(&mut self, tag: u8) -> Result<Der<'a>> {
        self.take(tag).map(Der)
    }

    /// A number that is not negative.
    pub(super) fn number(&mut self) -> Result<u32> {
        let bytes = self.take(INTEGER)?;
        let number = bytes.iter().try_fold(0_u32, |sum, byte| {
            sum.checked_mul(256).map(|sum| sum | u32::from(*byte))
        });
        number.ok_or_else(damaged)
    }

    /// The name of an algorithm or a type, with points: `1.2.840.113549.1.7.1`.
    pub(super) fn name(&mut self) -> Result<String> {
        let bytes = self.take(OID)?;
        let mut numbers = Vec::new();
        let mut number = 0_u64;
        for byte in bytes {
            number = number.checked_mul(128).ok_or_else(damaged)? | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                // The first two are one number.
                if numbers.is_empty() {
                    let first = (number / 40).min(2);
                    numbers.push(first);
                    number -= first * 40;
                }
                numbers.push(number);
                number = 0;
            }
        }
        let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
        Ok(numbers.join("."))
    }
}

/// What CryptoAPI, OpenSSL and Key Vault do not write, but old Firefox and Java did.
const BER: &str = "the PFX file is BER, which is not read; write it again: \
                   openssl pkcs12 -in app.pfx -nodes -out app.pem, and then -export";

pub(super) fn damaged() -> Error {
    Error::input("the PFX file is cut or damaged, or is no PFX file (PKCS#12)")
}
