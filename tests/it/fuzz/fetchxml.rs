//! The reader and the writer of FetchXML.

use dataverse_client::fetchxml::on;
use dataverse_client::schema::TableName;
use dataverse_client::{AnyRow, Fetch, FetchXml, Operation, Target};
use proptest::prelude::*;

use super::{changed, changes, check};

const WORDS: &[&str] = &[
    "<",
    ">",
    "/>",
    "'",
    "\"",
    "=",
    "&",
    "&amp;",
    "&x;",
    "&#x41;",
    "&#0;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!DOCTYPE x>",
    "<fetch>",
    "</fetch>",
    "<entity name='a'>",
    "<filter>",
    "</filter>",
    "<value>",
    "</value>",
    "<attribute name='a'/>",
    " alias='b'",
    " top='5'",
    " aggregate='true'",
    "\u{feff}",
    "\n",
];

const DOCUMENT: &str = "<fetch version='1.0' count='3' page='1'>\n\
<entity name='account'><attribute name='name'/><attribute name='revenue' alias='r'/>\n\
<filter type='or'><condition attribute='name' operator='like' value='%&amp;&#228;%'/>\n\
<condition attribute='statecode' operator='in'><value>0</value><value>1</value></condition>\n\
<link-entity name='contact' from='contactid' to='primarycontactid' link-type='any'/></filter>\n\
<link-entity name='contact' from='contactid' to='primarycontactid' link-type='outer' alias='c'>\n\
<attribute name='fullname'/><order attribute='fullname' descending='1'/></link-entity>\n\
<order attribute='name'/></entity></fetch>";

/// Whatever is read is printed so that it is read the same.
#[test]
fn a_document_survives_being_printed() {
    check(changes(WORDS), |changes| {
        let text = changed(DOCUMENT.as_bytes(), &changes);
        let text = String::from_utf8_lossy(&text);
        if let Ok(document) = FetchXml::parse(&text) {
            let printed = document.to_string();
            let again = FetchXml::parse(&printed).unwrap();
            assert_eq!(again.to_string(), printed, "{text:?}");
        }
    });
}

/// Whether XML can hold a character, in other words than the client's.
fn is_xml(char: char) -> bool {
    let code = u32::from(char);
    matches!(code, 9 | 10 | 13 | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff)
}

/// What a server finds in the attribute `value` and the element `value` of the only condition.
fn values_in(path: &str) -> (String, String) {
    let (_, query) = path.split_once('?').unwrap();
    let mut options = url::form_urlencoded::parse(query.as_bytes());
    let (name, document) = options.next().unwrap();
    assert_eq!((&*name, options.next()), ("fetchXml", None));
    let between = |before: &str, after: &str| {
        let (_, rest) = document.split_once(before).unwrap();
        let raw = rest.split_once(after).unwrap().0;
        assert!(!raw.contains(['<', '>', '\t', '\n', '\r']), "{raw:?}");
        raw.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&apos;", "'")
            .replace("&#9;", "\t")
            .replace("&#10;", "\n")
            .replace("&#13;", "\r")
            .replace("&amp;", "&")
    };
    let inside = match document.contains("<value/>") {
        true => String::new(),
        false => between("<value>", "</value>"),
    };
    (between(" value='", "'"), inside)
}

/// Any text can be a value: it arrives as it is, and changes nothing else.
#[test]
fn values_cannot_leave_their_place() {
    let piece = prop_oneof![
        Just("'/><x y='".to_owned()),
        Just("</value><value>".to_owned()),
        Just("&amp;".to_owned()),
        Just("&top=1".to_owned()),
        Just("#?%27%".to_owned()),
        any::<char>().prop_map(String::from),
        "[ -~]{0,8}",
    ];
    let text = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    check(text, |text: String| {
        let document = FetchXml::of_table("account")
            .filter(on("name").eq(text.as_str()))
            .filter(on("name").is_in([text.as_str()]));
        let fetch = Fetch::<AnyRow>::new(document.clone()).of_table(TableName::new("accounts"));
        let request = match fetch.request() {
            Ok(request) => request,
            Err(error) => {
                assert!(
                    error.is_invalid_input() && !text.chars().all(is_xml),
                    "{error}"
                );
                return;
            }
        };
        assert!(text.chars().all(is_xml), "{text:?}");
        let Target::Path(path) = request.target else {
            panic!()
        };
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
        assert_eq!(values_in(&path), (text.clone(), text));
        let printed = document.to_string();
        assert_eq!(FetchXml::parse(&printed).unwrap().to_string(), printed);
    });
}
