//! Header names as Dataverse spells them. HTTP does not care, but published clients look
//! `OData-EntityId` up in plain dictionaries; hyper would send it in lower case.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};

/// Names that are not just capitals after dashes.
const ODD: &[&str] = &[
    "CRM.ServiceId",
    "ETag",
    "OData-EntityId",
    "OData-Version",
    "WWW-Authenticate",
];

/// A header's name as the service spells it; as long as the name itself.
pub(crate) fn spelled(name: &str) -> Cow<'_, str> {
    if let Some(odd) = ODD.iter().find(|odd| odd.eq_ignore_ascii_case(name)) {
        return Cow::Borrowed(odd);
    }
    // What the service adds of its own it spells in lower case.
    if name.starts_with("x-ms-") || name == "mimetype" {
        return Cow::Borrowed(name);
    }
    let mut after_dash = true;
    let capitals = name.chars().map(|char| {
        let spelled = if after_dash {
            char.to_ascii_uppercase()
        } else {
            char
        };
        after_dash = char == '-';
        spelled
    });
    Cow::Owned(capitals.collect())
}

/// A connection that spells the names in the heads of answers.
#[derive(Debug)]
pub(crate) struct Spelled<S> {
    stream: S,
    /// What is left of a head that was written in part.
    rest: Vec<u8>,
}

impl<S> Spelled<S> {
    pub(crate) fn new(stream: S) -> Self {
        Spelled {
            stream,
            rest: Vec::new(),
        }
    }
}

/// The head at the beginning of `bytes`, respelled; None if there is none.
fn head(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"HTTP/1.") {
        return None;
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut out = String::with_capacity(end);
    for line in text.split_inclusive("\r\n") {
        match line.split_once(':') {
            Some((name, value)) if !name.contains(' ') => {
                out.push_str(&spelled(name));
                out.push(':');
                out.push_str(value);
            }
            _ => out.push_str(line),
        }
    }
    Some(out.into_bytes())
}

impl<S: Read + Unpin> Read for Spelled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Spelled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            this.rest = head(buffer).unwrap_or_default();
        }
        if this.rest.is_empty() {
            return Pin::new(&mut this.stream).poll_write(context, buffer);
        }
        // The head alone, as long as the one that hyper wrote: it comes back with what follows.
        let result = Pin::new(&mut this.stream).poll_write(context, &this.rest);
        if let Poll::Ready(Ok(written)) = &result {
            this.rest.drain(..*written);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_respelled_and_bodies_are_not() {
        let answer = b"HTTP/1.1 200 OK\r\nodata-version: 4.0\r\netag: W/\"1\"\r\n\
            retry-after: 5\r\nodata-entityid: http://h/x(1)\r\n\r\netag: body";
        let wanted = "HTTP/1.1 200 OK\r\nOData-Version: 4.0\r\nETag: W/\"1\"\r\n\
            Retry-After: 5\r\nOData-EntityId: http://h/x(1)\r\n\r\n";
        assert_eq!(head(answer), Some(wanted.as_bytes().to_vec()));
        assert_eq!(head(b"{\"a\":\"HTTP/1.1 \"}"), None);
        assert_eq!(head(b"HTTP/1.1 200 OK\r\netag: x"), None);
    }
}
