//! The paging cookie of FetchXML: the last row of a page, by the columns that are sorted by.

use super::xml::Element;
use crate::catalog::Kind;
use crate::cookie::Cookie;
use crate::fault::{Fault, Result};
use crate::operator;
use crate::order::Term;
use crate::url::{decode, encode_all};
use crate::value::Stored;

/// The annotation of a page: the cookie, encoded twice. The number before it is 2 on every page;
/// the page is in the cookie.
pub(crate) fn annotation(
    page: usize,
    order: &[Term<'_>],
    first: &[Stored],
    last: &[Stored],
) -> String {
    format!(
        "<cookie pagenumber=\"2\" pagingcookie=\"{}\" istracking=\"False\" />",
        encoded(page, order, first, last)
    )
}

/// The skip token of a link to the page behind `page`, as it stands in a URL.
pub(crate) fn token(
    page: usize,
    order: Option<&[Term<'_>]>,
    first: &[Stored],
    last: &[Stored],
) -> String {
    let inner = order.map_or(String::new(), |order| encoded(page, order, first, last));
    format!(
        "%3Ccookie%20pagenumber=%22{}%22%20pagingcookie=%22{inner}%22%20istracking=%22False%22%20/%3E",
        page + 1
    )
}

/// Reads a skip token: the page and, if there is one, the cookie.
pub(crate) fn read_token(token: &str) -> Result<(usize, Option<String>)> {
    let root = Element::parse(token).map_err(|_| malformed())?;
    let page = root
        .number("pagenumber")
        .ok()
        .flatten()
        .ok_or_else(malformed)?;
    let cookie = root.attribute("pagingcookie").unwrap_or_default();
    let cookie = decode(cookie, false)?;
    Ok((page, Some(cookie).filter(|cookie| !cookie.is_empty())))
}

fn encoded(page: usize, order: &[Term<'_>], first: &[Stored], last: &[Stored]) -> String {
    let mut inner = format!("<cookie page=\"{page}\">");
    for ((term, first), last) in order.iter().zip(first).zip(last) {
        inner.push_str(&format!("<{}", term.column.logical_name));
        attribute("last", term.column.kind, last, &mut inner);
        attribute("first", term.column.kind, first, &mut inner);
        inner.push_str(" />");
    }
    inner.push_str("</cookie>");
    encode_all(&encode_all(&inner))
}

fn malformed() -> Fault {
    Fault::bad_request("Malformed XML in the Paging Cookie")
}

fn attribute(name: &str, kind: &Kind, value: &Stored, out: &mut String) {
    let text = match (kind, value) {
        (_, Stored::Null) => {
            out.push_str(&format!(" {name}null=\"1\""));
            return;
        }
        (Kind::Guid | Kind::Lookup(_), Stored::Text(id)) => format!("{{{}}}", id.to_uppercase()),
        (_, Stored::Text(text)) => text.clone(),
        (_, Stored::Integer(value)) => value.to_string(),
        (_, Stored::Real(value)) => format!("{value:?}"),
    };
    let text = quick_xml::escape::escape(&text);
    out.push_str(&format!(" {name}=\"{text}\""));
}

/// Reads what a request gives back as `paging-cookie`.
pub(crate) fn parse(text: &str, page: usize, order: &[Term<'_>]) -> Result<Cookie> {
    let root = Element::parse(text).map_err(|_| malformed())?;
    if root.name != "cookie" || root.children.len() != order.len() {
        return Err(malformed());
    }
    let mut last = Vec::new();
    for (element, term) in root.children.iter().zip(order) {
        let value = match (element.attribute("lastnull"), element.attribute("last")) {
            (Some(_), _) => Stored::Null,
            (None, Some(text)) => operator::typed(&term.column, text).map_err(|_| malformed())?,
            (None, None) => return Err(malformed()),
        };
        last.push((element.name.clone(), value));
    }
    Ok(Cookie {
        page: u64::try_from(page).unwrap_or_default(),
        last,
    })
}
