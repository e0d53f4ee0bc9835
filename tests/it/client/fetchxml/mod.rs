//! FetchXML: documents, requests, answers, pages.

mod document;
mod errors;
mod paging;
mod recorded;
mod request;

use dataverse_client::{Operation, Request, Target};

/// The FetchXML in a request's URL, as a server finds it.
fn document_in(request: &Request) -> String {
    let Target::Path(path) = &request.target else {
        panic!("{request:?}")
    };
    document_of(path)
}

/// The same, of the text of a URL.
fn document_of(url: &str) -> String {
    let (_, query) = url.split_once('?').unwrap();
    let mut options = url::form_urlencoded::parse(query.as_bytes());
    let (_, document) = options.find(|(name, _)| name == "fetchXml").unwrap();
    document.into_owned()
}

fn sent(operation: &impl Operation) -> String {
    document_in(&operation.request().unwrap())
}

/// A tag or a text of a document: a reader of XML that shares nothing with the client's.
#[derive(Debug, PartialEq)]
enum Piece {
    Tag(String, Vec<(String, String)>),
    Text(String),
}

/// The pieces of a document, without blanks between tags.
fn pieces(document: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = document;
    while let Some((before, after)) = rest.split_once('<') {
        if !before.trim().is_empty() {
            pieces.push(Piece::Text(unescaped(before)));
        }
        // An empty element is an open and a close tag.
        let name_end = after.find([' ', '\t', '\r', '\n', '/', '>']);
        let name_end = name_end.map_or(after.len(), |end| end.max(1));
        let (name, mut after) = match after.strip_prefix('/') {
            Some(_) => after.split_at(after.find('>').unwrap()),
            None => after.split_at(name_end),
        };
        let mut attributes = Vec::new();
        loop {
            after = after.trim_start();
            if let Some(behind) = after.strip_prefix("/>") {
                pieces.push(Piece::Tag(name.to_owned(), attributes));
                pieces.push(Piece::Tag(format!("/{name}"), Vec::new()));
                rest = behind;
                break;
            }
            if let Some(behind) = after.strip_prefix('>') {
                pieces.push(Piece::Tag(name.to_owned(), attributes));
                rest = behind;
                break;
            }
            let (key, behind) = after.split_once('=').unwrap();
            let quote = behind.trim_start().chars().next().unwrap();
            let (value, behind) = behind.trim_start()[1..].split_once(quote).unwrap();
            attributes.push((key.trim().to_owned(), unescaped(value)));
            after = behind;
        }
    }
    pieces
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, behind) = after.split_once(';').unwrap();
        out.push_str(before);
        match name {
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "amp" => out.push('&'),
            "apos" => out.push('\''),
            "quot" => out.push('"'),
            code => {
                out.push(char::from_u32(code.strip_prefix('#').unwrap().parse().unwrap()).unwrap())
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}
