//! From the bytes of a file to text: gzip, byte order marks, UTF-16.

use std::io::Read;

use super::Error;

/// Larger documents than this are refused: the largest real ones are about 12 MB.
const MAX_DOCUMENT: u64 = 1 << 30;

/// Turns the bytes of a `$metadata` file into text.
///
/// Takes gzip (by its magic number, whatever the file is called), UTF-8 with or without a byte
/// order mark, and UTF-16 with or without one.
///
/// Errors: the byte position where the data stops being gzip, UTF-8 or UTF-16.
pub fn text(bytes: Vec<u8>) -> Result<String, Error> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        gunzip(&bytes)?
    } else {
        bytes
    };
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, 2, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, 2, u16::from_be_bytes),
        // XML starts with `<`: a zero beside it gives UTF-16 away.
        [b'<', 0, ..] => utf16(&bytes, 0, u16::from_le_bytes),
        [0, b'<', ..] => utf16(&bytes, 0, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, ..] => utf8(bytes[3..].to_vec()),
        _ => utf8(bytes),
    }
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    match flate2::read::MultiGzDecoder::new(bytes)
        .take(MAX_DOCUMENT)
        .read_to_end(&mut out)
    {
        Ok(_) if out.len() as u64 == MAX_DOCUMENT => Err(Error::new(
            MAX_DOCUMENT,
            "more data",
            "a document of less than 1 GiB",
        )),
        Ok(_) => Ok(out),
        Err(error) => Err(Error::new(
            out.len() as u64,
            format!("broken gzip data ({error})"),
            "a whole gzip file",
        )),
    }
}

fn utf8(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        let byte = error.as_bytes().get(position).copied().unwrap_or_default();
        Error::new(position as u64, format!("byte 0x{byte:02x}"), "UTF-8 text")
    })
}

/// `start` is where `bytes` begin in the document.
fn utf16(bytes: &[u8], start: u64, unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::new(
            start + bytes.len() as u64 - 1,
            "half a character",
            "UTF-16 text",
        ));
    }
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut position = start;
    for unit in char::decode_utf16(pairs.iter().copied().map(unit)) {
        let char =
            unit.map_err(|_| Error::new(position, "half a surrogate pair", "UTF-16 text"))?;
        text.push(char);
        position += 2 * char.len_utf16() as u64;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn utf16_in_both_byte_orders_and_utf8_with_a_mark_read_the_same() {
        let wanted = "<é𝄞/>";
        let mut little = vec![0xff, 0xfe];
        let mut big = vec![0xfe, 0xff];
        for unit in wanted.encode_utf16() {
            little.extend(unit.to_le_bytes());
            big.extend(unit.to_be_bytes());
        }
        let mut marked = vec![0xef, 0xbb, 0xbf];
        marked.extend(wanted.as_bytes());
        let unmarked = [little[2..].to_vec(), big[2..].to_vec()];
        for bytes in unmarked {
            assert_eq!(text(bytes).as_deref(), Ok(wanted));
        }
        for bytes in [little, big, marked, wanted.as_bytes().to_vec()] {
            assert_eq!(text(bytes).as_deref(), Ok(wanted));
        }
    }

    #[test]
    fn gzip_is_known_by_its_content() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"<a/>").unwrap();
        let packed = packer.finish().unwrap();
        assert_eq!(text(packed.clone()).as_deref(), Ok("<a/>"));
        let error = text(packed[..packed.len() - 6].to_vec()).unwrap_err();
        assert!(error.to_string().contains("broken gzip data"), "{error}");
    }

    #[test]
    fn broken_text_names_its_byte() {
        assert_eq!(text(vec![b'<', 0xc3, b'<']).unwrap_err().position, 1);
        assert_eq!(text(vec![0xff, 0xfe, 0, 0xd8]).unwrap_err().position, 2);
        assert_eq!(
            text(vec![0xff, 0xfe, 0]).unwrap_err().found,
            "half a character"
        );
    }
}
