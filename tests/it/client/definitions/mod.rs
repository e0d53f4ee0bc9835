//! Definitions: what is sent, and what recorded answers hold.

mod recorded;
mod requests;
mod schema;

use dataverse_client::{Operation, Request, Response, Target};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Verb, path, headers and body, a line each.
fn text(request: &Request) -> String {
    let Target::Path(path) = &request.target else {
        panic!("{request:?}")
    };
    let mut lines = vec![format!("{} {path}", request.method)];
    for (name, value) in &request.headers {
        lines.push(format!("{name}: {}", value.to_str().unwrap()));
    }
    lines.push(String::from_utf8(request.body.to_vec()).unwrap());
    lines.join("\n")
}

fn sent(operation: &impl Operation) -> String {
    text(&operation.request().unwrap())
}

fn response(status: u16, body: impl Into<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    Response::new(status, HeaderMap::new(), body.into().into_bytes().into())
}

/// A recorded document, unpacked.
fn fixture(file: &str) -> String {
    let path = dataverse_tests::fixture("definitions").join(file);
    dataverse_codegen::csdl::text(std::fs::read(path).unwrap()).unwrap()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}
