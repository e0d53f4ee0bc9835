//! What a program needs that makes the same bytes by serde derive, from values of the same types, or
//! joins rows that are bytes already, and reads the ids in the answer: no retries, no errors.

use std::io::Write;

use bytes::Bytes;
use memchr::memmem;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::write::ROWS;

#[derive(Serialize)]
struct Account {
    #[serde(rename = "@odata.type", skip_serializing_if = "Option::is_none")]
    odata_type: Option<&'static str>,
    accountid: Uuid,
    name: String,
    accountnumber: String,
    telephone1: String,
    emailaddress1: String,
    address1_line1: String,
    address1_city: String,
    /// The digits as they are: a decimal is written exactly.
    revenue: Box<RawValue>,
    numberofemployees: i32,
    donotemail: bool,
    creditonhold: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Targets {
    targets: Vec<Account>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    ids: Vec<Uuid>,
}

fn account(number: usize, odata_type: Option<&'static str>) -> Account {
    let revenue = Decimal::new(12_345_600 + number as i64, 4);
    Account {
        odata_type,
        accountid: Uuid::now_v7(),
        name: format!("Contoso Trading Company {number}"),
        accountnumber: format!("ACC-2024 {number}"),
        telephone1: "+1 425 555 0100".into(),
        emailaddress1: "someone@contoso.example".into(),
        address1_line1: "One \"Main\" Street, Building 7".into(),
        address1_city: "Saint-Étienne".into(),
        revenue: RawValue::from_string(revenue.to_string()).unwrap(),
        numberofemployees: number as i32,
        donotemail: true,
        creditonhold: false,
    }
}

pub(crate) fn body(what: &str) -> Vec<u8> {
    if what == "multiple" {
        let odata_type = Some("Microsoft.Dynamics.CRM.account");
        let targets = (0..ROWS)
            .map(|number| account(number, odata_type))
            .collect();
        return serde_json::to_vec(&Targets { targets }).unwrap();
    }
    let accounts: Vec<_> = (0..ROWS).map(|number| account(number, None)).collect();
    parts(&accounts, |account, body| {
        serde_json::to_writer(body, account).unwrap();
    })
}

/// Rows as they stand in a request.
pub(crate) fn rows(what: &str) -> Vec<Vec<u8>> {
    let odata_type = (what == "multiple").then_some("Microsoft.Dynamics.CRM.account");
    let accounts = (0..ROWS).map(|number| account(number, odata_type));
    accounts
        .map(|account| serde_json::to_vec(&account).unwrap())
        .collect()
}

/// A request of rows that are bytes already.
pub(crate) fn joined(what: &str, rows: Vec<Vec<u8>>) -> Vec<u8> {
    if what != "multiple" {
        return parts(&rows, |row, body| body.extend_from_slice(row));
    }
    let mut body = b"{\"Targets\":[".to_vec();
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(row);
    }
    body.extend_from_slice(b"]}");
    body
}

fn parts<R>(rows: &[R], write_row: impl Fn(&R, &mut Vec<u8>)) -> Vec<u8> {
    let boundary = format!("batch_{}", Uuid::now_v7());
    let mut body = Vec::new();
    for row in rows {
        write!(
            body,
            "--{boundary}\r\nContent-Type: application/http\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n\
             POST /api/data/v9.2/accounts HTTP/1.1\r\ncontent-type: application/json\r\n\r\n"
        )
        .unwrap();
        write_row(row, &mut body);
        body.extend_from_slice(b"\r\n");
    }
    write!(body, "--{boundary}--\r\n").unwrap();
    body
}

/// The ids in an answer of which every part is read: its status, and its headers into a map.
pub(crate) fn ids_of_responses(what: &str, answer: &[u8]) -> Vec<Uuid> {
    if what == "multiple" {
        let answer: Value = serde_json::from_slice(answer).unwrap();
        let ids = answer["Ids"].as_array().unwrap().iter();
        return ids
            .map(|id| id.as_str().unwrap().parse().unwrap())
            .collect();
    }
    let (boundary, _) = answer.split_at(memchr::memchr(b'\r', answer).unwrap());
    let finder = memmem::Finder::new(boundary);
    let mut rest = &answer[boundary.len()..];
    let mut ids = Vec::new();
    while let Some(end) = finder.find(rest) {
        let part = &rest[..end];
        rest = &rest[end + boundary.len()..];
        let message = &part[memmem::find(part, b"\r\n\r\n").unwrap() + 4..];
        let response = response(message);
        assert!(response.status().is_success());
        let url = response.headers()["OData-EntityId"].to_str().unwrap();
        let (_, key) = url.rsplit_once('(').unwrap();
        ids.push(key.trim_end_matches(')').parse().unwrap());
    }
    ids
}

fn response(message: &[u8]) -> http::Response<Bytes> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let length = head.parse(message).unwrap().unwrap();
    let mut response = http::Response::builder().status(head.code.unwrap());
    for header in head.headers {
        response = response.header(header.name, header.value);
    }
    let body = Bytes::copy_from_slice(&message[length..]);
    response.body(body).unwrap()
}

pub(crate) fn ids(what: &str, answer: &[u8]) -> Vec<Uuid> {
    if what == "multiple" {
        return serde_json::from_slice::<Created>(answer).unwrap().ids;
    }
    memmem::find_iter(answer, "OData-EntityId: ")
        .map(|at| {
            let line = &answer[at..];
            let line = &line[..memchr::memchr(b'\r', line).unwrap()];
            let key = line.strip_suffix(b")").unwrap();
            Uuid::try_parse_ascii(&key[key.len() - 36..]).unwrap()
        })
        .collect()
}
