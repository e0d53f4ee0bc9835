//! The emulator, asked with plain HTTP: never through the client's own requests.

mod addresses;
mod apply;
mod associate;
mod auto_numbers;
mod background;
mod batch;
mod bulk;
mod cascades;
mod choices;
mod comparing;
mod computed;
mod conditions;
mod customs;
mod data_files;
mod definitions;
mod delivery;
mod delta;
mod documented;
mod dropping;
mod duplicates;
mod elastic;
mod expand;
mod far;
mod faults;
mod fetch;
mod files;
mod foreign;
mod formatted;
mod functions;
mod garbage;
mod hierarchies;
mod images;
mod initializing;
mod large;
mod ledger;
mod limits;
mod lookups;
mod managed;
mod many;
mod messages;
mod money;
mod navigation;
mod nested;
mod operations;
mod paging;
mod paths;
mod product;
mod query;
mod recorded;
mod schema_changes;
mod search;
mod security;
mod signing_in;
pub(crate) mod small;
mod solutions;
mod sorting;
mod sql;
mod start;
mod tls;
mod views;
mod write;

use bytes::Bytes;
use dataverse_client::http::{Transport, VirtualClock};
use dataverse_emulator::Emulator;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::documents::{ON_PREMISES, document};

/// Sales and Service; a key that orgs often add.
fn emulator() -> Emulator {
    Emulator::builder()
        .document(document(ON_PREMISES))
        .alternate_key("account", &["accountnumber"])
        .alternate_key("contact", &["firstname", "emailaddress1"])
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

/// An answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Code and message of an error.
    fn error(&self) -> (String, String) {
        let json = self.json();
        let text = |name: &str| json["error"][name].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }
}

/// Sends one request; `path` is below the service root, or begins with a slash, or is a URL.
async fn send(
    emulator: &Emulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let uri = match path {
        _ if path.starts_with("http") => path.to_owned(),
        _ if path.starts_with('/') => format!("{}{path}", Emulator::URL),
        _ => format!("{}/api/data/v9.2/{path}", Emulator::URL),
    };
    let mut request = http::Request::builder()
        .method(method.parse::<Method>().unwrap())
        .uri(uri);
    let has = |header: &str| {
        let mut names = headers.iter().map(|(name, _)| name);
        names.any(|name| name.eq_ignore_ascii_case(header))
    };
    if !has("authorization") {
        request = request.header("authorization", "Bearer any");
    }
    if !body.is_empty() && !has("content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    let answer = emulator.send(request).await.unwrap();
    Answer {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: String::from_utf8(answer.body().to_vec()).unwrap(),
    }
}

async fn get(emulator: &Emulator, path: &str) -> Answer {
    send(emulator, "GET", path, &[], "").await
}

async fn post(emulator: &Emulator, path: &str, body: &str) -> Answer {
    send(emulator, "POST", path, &[], body).await
}

/// Creates a row; gives its path, `accounts(…)`.
async fn create(emulator: &Emulator, set: &str, body: &str) -> String {
    let answer = post(emulator, set, body).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let url = answer.header("odata-entityid");
    url.rsplit_once('/').unwrap().1.to_owned()
}
