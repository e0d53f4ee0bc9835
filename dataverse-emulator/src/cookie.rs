//! The skip token of a next link: which page comes, and the last row of the one before.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::fault::{Fault, Result};
use crate::url::{decode, encode_all};
use crate::value::Stored;

/// Where a page begins: behind the row with these values of the columns that are sorted by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cookie {
    /// From 2.
    pub(crate) page: u64,
    /// Column and value, the primary key last.
    pub(crate) last: Vec<(String, Stored)>,
}

impl Cookie {
    /// The token as it stands in a URL: the inner cookie is encoded twice.
    pub(crate) fn encode(&self, first: &[Stored]) -> String {
        self.token(first, "")
    }

    /// The token of rows inside another row, which tells how many they were.
    pub(crate) fn encode_counted(&self, first: &[Stored], count: usize) -> String {
        self.token(first, &format!(" countOfRecords=\"{count}\""))
    }

    fn token(&self, first: &[Stored], counted: &str) -> String {
        let mut inner = format!("<cookie page=\"{}\"{counted}>", self.page - 1);
        for (index, (column, value)) in self.last.iter().enumerate() {
            let is_id = index + 1 == self.last.len();
            let first = first.get(index).unwrap_or(value);
            inner.push_str(&format!("<{column}"));
            attribute("last", value, is_id, &mut inner);
            attribute("first", first, is_id, &mut inner);
            inner.push_str(" />");
        }
        inner.push_str("</cookie>");
        format!(
            "%3Ccookie%20pagenumber=%22{}%22%20pagingcookie=%22{}%22%20istracking=%22False%22%20/%3E",
            self.page,
            encode_all(&encode_all(&inner))
        )
    }

    /// Reads a token whose URL encoding is undone.
    pub(crate) fn parse(token: &str) -> Result<Self> {
        let mut page = None;
        let mut inner = None;
        for (_, attributes) in elements(token)? {
            for (name, value) in attributes {
                match name.as_str() {
                    "pagenumber" => {
                        // Another page follows.
                        page = value
                            .parse()
                            .ok()
                            .filter(|page| (2..u64::MAX).contains(page));
                    }
                    "pagingcookie" => inner = Some(decode(&value, false)?),
                    _ => {}
                }
            }
        }
        let (Some(page), Some(inner)) = (page, inner) else {
            return Err(malformed());
        };
        let mut last = Vec::new();
        for (column, attributes) in elements(&inner)? {
            if column == "cookie" {
                continue;
            }
            let value = attributes.into_iter().find_map(|(name, value)| {
                match (name.as_str(), value.split_once(':')) {
                    ("lastnull", _) => Some(Stored::Null),
                    ("last", Some(("i", digits))) => digits.parse().ok().map(Stored::Integer),
                    ("last", Some(("r", digits))) => digits.parse().ok().map(Stored::Real),
                    ("last", Some(("t", text))) => Some(Stored::Text(text.to_owned())),
                    ("last", _) => crate::value::guid(&value).map(Stored::Text),
                    _ => None,
                }
            });
            last.push((column, value.ok_or_else(malformed)?));
        }
        Ok(Cookie { page, last })
    }
}

/// The primary key stands as the service writes it, `{GUID}`; other values after their kind.
fn attribute(name: &str, value: &Stored, is_id: bool, out: &mut String) {
    let text = match value {
        Stored::Null => {
            out.push_str(&format!(" {name}null=\"1\""));
            return;
        }
        Stored::Text(id) if is_id => format!("{{{}}}", id.to_uppercase()),
        Stored::Text(text) => format!("t:{text}"),
        Stored::Integer(value) => format!("i:{value}"),
        Stored::Real(value) => format!("r:{value:?}"),
    };
    let text = quick_xml::escape::escape(&text);
    out.push_str(&format!(" {name}=\"{text}\""));
}

/// Name and attributes.
type Element = (String, Vec<(String, String)>);

/// Elements in order.
fn elements(xml: &str) -> Result<Vec<Element>> {
    let mut reader = Reader::from_str(xml);
    let mut elements = Vec::new();
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                let mut attributes = Vec::new();
                for attribute in element.attributes() {
                    let attribute = attribute.map_err(|_| malformed())?;
                    let value =
                        quick_xml::escape::unescape(&attribute.value).map_err(|_| malformed())?;
                    attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
                }
                elements.push((name, attributes));
            }
            Event::Eof => return Ok(elements),
            _ => {}
        }
    }
}

fn malformed() -> Fault {
    Fault::bad_request("Malformed XML in the Paging Cookie")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back() {
        let cookie = Cookie {
            page: 3,
            last: vec![
                ("name".into(), Stored::Text("a \"b\" <&> 'c' 100%".into())),
                ("revenue".into(), Stored::Null),
                ("count".into(), Stored::Integer(-5)),
                ("rate".into(), Stored::Real(0.1)),
                (
                    "accountid".into(),
                    Stored::Text("9fd4a450-cb0c-ea11-a813-000d3a1b1223".into()),
                ),
            ],
        };
        let token = decode(&cookie.encode(&[]), true).unwrap();
        assert_eq!(Cookie::parse(&token).unwrap(), cookie);
    }

    #[test]
    fn a_simple_token_is_the_service_s_own() {
        let id = |text: &str| Stored::Text(text.to_owned());
        let cookie = Cookie {
            page: 2,
            last: vec![(
                "contactid".into(),
                id("9fd4a450-cb0c-ea11-a813-000d3a1b1223"),
            )],
        };
        assert_eq!(
            cookie.encode(&[id("cdcfa450-cb0c-ea11-a813-000d3a1b1223")]),
            "%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221\
             %2522%253e%253ccontactid%2520last%253d%2522%257b9FD4A450-CB0C-EA11-A813-000D3A1B1223\
             %257d%2522%2520first%253d%2522%257bCDCFA450-CB0C-EA11-A813-000D3A1B1223%257d%2522%2520\
             %252f%253e%253c%252fcookie%253e%22%20istracking=%22False%22%20/%3E"
        );
    }

    #[test]
    fn garbage_is_refused() {
        for token in [
            "",
            "x",
            "<cookie",
            "<cookie pagenumber=\"2\"/>",
            "<cookie pagenumber=\"18446744073709551615\" pagingcookie=\"\"/>",
            "<a b='&bad;'/>",
        ] {
            assert!(Cookie::parse(token).is_err(), "{token}");
        }
    }
}
