//! `$metadata`: the document as it is now, with annotations if they are asked for.

use http::StatusCode;

use crate::message::Answer;
use crate::service::Call;

/// What the beginnings of terms are that only an annotated document has.
const ANNOTATED: &[&str] = &[
    "Org.OData.Capabilities.V1.",
    "Org.OData.Core.V1.Computed",
    "Org.OData.Core.V1.Description",
    "Org.OData.Core.V1.Immutable",
    "Org.OData.Core.V1.Permissions",
];
const START: &str = "<Annotation ";
const END: &str = "</Annotation>";

pub(crate) fn answer(call: &Call<'_>) -> Answer {
    let preferences = call.asked.preferences();
    let wants_annotations = call.address.option("annotations") == Some("true")
        || preferences.annotations.as_deref() == Some("*");
    let document = match wants_annotations {
        true => call.document.to_owned(),
        false => plain(call.document),
    };
    Answer::new(StatusCode::OK).with_body("application/xml", document)
}

/// The document without what annotations alone tell.
fn plain(document: &str) -> String {
    let mut plain = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(at) = rest.find(START) {
        let (before, element) = rest.split_at(at);
        plain.push_str(before);
        let tag = tag_length(element);
        let length = match element[..tag].ends_with("/>") {
            true => tag,
            false => element.find(END).map_or(tag, |at| at + END.len()),
        };
        let is_kept = !term(&element[..tag]).is_some_and(|term| {
            let mut told = ANNOTATED.iter();
            told.any(|annotated| term.starts_with(annotated))
        });
        // What stands in an element that is kept is looked at, too.
        let taken = if is_kept { tag } else { length };
        if is_kept {
            plain.push_str(&element[..taken]);
        }
        rest = &element[taken..];
    }
    plain.push_str(rest);
    plain
}

/// How long a tag is; a `>` in a value does not end it.
fn tag_length(text: &str) -> usize {
    let mut quote = None;
    for (at, char) in text.char_indices() {
        match (quote, char) {
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), _) if open == char => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn term(tag: &str) -> Option<&str> {
    let (_, behind) = tag.split_once("Term=")?;
    let quote = behind.chars().next()?;
    behind.get(1..)?.split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn only_what_annotations_tell_is_left_out() {
        let key = r#"<Annotation Term="OData.Community.Keys.V1.AlternateKeys"><Collection/></Annotation>"#;
        let described = r#"<Annotation Term="Org.OData.Core.V1.Description" String="a > b"/>"#;
        let tracked = "<Annotation Term='Org.OData.Capabilities.V1.ChangeTracking'><Record>\
                       <PropertyValue Property='Supported' Bool='true'/></Record></Annotation>";
        let document = format!("<A>{described}{key}</A><B/>{tracked}<C é=\"1\"/>{described}");
        assert_eq!(plain(&document), format!("<A>{key}</A><B/><C é=\"1\"/>"));
        for broken in [
            "<Annotation Term=",
            "<Annotation Term=\"x",
            "<Annotation >",
            "",
        ] {
            assert_eq!(plain(broken), broken);
        }
    }
}
