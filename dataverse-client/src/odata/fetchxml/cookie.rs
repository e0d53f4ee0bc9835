//! What the service says about the next page.

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use crate::odata::url::decode;

/// A paging cookie, as the next document holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookie {
    /// `<cookie page="1"><accountid last="{…}" first="{…}"/></cookie>`
    pub(crate) text: String,
    /// The page it was given with, if it says so.
    pub(crate) page: Option<u32>,
}

/// Reads `@Microsoft.Dynamics.CRM.fetchxmlpagingcookie`:
/// `<cookie pagenumber="2" pagingcookie="%253ccookie…" istracking="False" />`. None if it is not
/// like that.
///
/// `pagenumber` is not asked: Microsoft's own examples give the same on every page.
pub(crate) fn read_cookie(annotation: &str) -> Option<Cookie> {
    let mut text = attribute_of_cookie(annotation, "pagingcookie")?;
    // Encoded twice; some answers have been seen that are encoded once. What is decoded is XML,
    // and may itself hold a percent sign.
    for _ in 0..2 {
        if text.trim_start().starts_with('<') {
            break;
        }
        text = decode(&text)?;
    }
    if !text.trim_start().starts_with('<') {
        return None;
    }
    let page = attribute_of_cookie(&text, "page").and_then(|page| page.parse().ok());
    Some(Cookie { text, page })
}

/// An attribute of the first element.
fn attribute_of_cookie(xml: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => {
                let attribute = start.try_get_attribute(name).ok()??;
                let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
                return Some(value.into_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_decoded_as_often_as_they_were_encoded() {
        let cookie = Cookie {
            text: r#"<cookie page="1"><name last="5%25 &amp; ä" /></cookie>"#.to_owned(),
            page: Some(1),
        };
        for encoded in [
            "%253ccookie%2520page%253d%25221%2522%253e%253cname%2520last%253d%25225%252525%2520\
             %2526amp%253b%2520%25c3%25a4%2522%2520%252f%253e%253c%252fcookie%253e",
            "%3ccookie%20page%3d%221%22%3e%3cname%20last%3d%225%2525%20%26amp%3b%20%c3%a4%22%20\
             %2f%3e%3c%2fcookie%3e",
            "&lt;cookie page=&quot;1&quot;&gt;&lt;name last=&quot;5%25 &amp;amp; ä&quot; \
             /&gt;&lt;/cookie&gt;",
        ] {
            let annotation = format!("<cookie pagenumber=\"2\" pagingcookie=\"{encoded}\" />");
            assert_eq!(
                read_cookie(&annotation).as_ref(),
                Some(&cookie),
                "{encoded}"
            );
        }
    }

    #[test]
    fn what_is_no_cookie_is_told() {
        for annotation in [
            "",
            "cookie",
            "<cookie/>",
            "<cookie pagingcookie=\"\"/>",
            "<cookie pagingcookie=\"%25\"/>",
            "<cookie pagingcookie=\"%25253c\"/>",
            "<cookie pagingcookie=\"%ff\"/>",
        ] {
            assert_eq!(read_cookie(annotation), None, "{annotation}");
        }
    }
}
