//! The page that is read: made up, with the shapes and lengths of real answers.

use std::fmt::Write;

/// The most that the service puts into a page.
pub(crate) const ROWS: usize = 5000;

/// What a column holds; each kind has annotations of its own.
#[derive(Clone, Copy)]
enum Kind {
    Text(&'static str),
    Money,
    Rate,
    Number,
    Version,
    Choice(&'static str),
    Flag,
    Time,
    Lookup(&'static str),
    PrimaryId,
}

/// A column: wire name, what it holds, and of how many rows one has null.
type Column = (&'static str, Kind, usize);

/// The columns of the wide page.
pub(crate) const ALL: &[&str] = &[
    "name",
    "accountnumber",
    "telephone1",
    "emailaddress1",
    "websiteurl",
    "address1_line1",
    "address1_city",
    "address1_postalcode",
    "revenue",
    "creditlimit",
    "exchangerate",
    "numberofemployees",
    "versionnumber",
    "industrycode",
    "customertypecode",
    "statecode",
    "statuscode",
    "donotemail",
    "creditonhold",
    "createdon",
    "modifiedon",
    "_primarycontactid_value",
    "_ownerid_value",
    "_transactioncurrencyid_value",
    "_parentaccountid_value",
];

/// The columns of the narrow page.
pub(crate) const NARROW: &[&str] = &[
    "name",
    "accountnumber",
    "telephone1",
    "revenue",
    "creditlimit",
    "numberofemployees",
    "donotemail",
    "createdon",
    "_primarycontactid_value",
    "_ownerid_value",
];

const NEVER: usize = usize::MAX;

const COLUMNS: &[Column] = &[
    ("name", Kind::Text("Contoso Trading Company"), NEVER),
    ("accountnumber", Kind::Text("ACC-2024"), NEVER),
    ("telephone1", Kind::Text("+1 425 555 01"), 5),
    ("emailaddress1", Kind::Text("someone@contoso.example"), 4),
    (
        "websiteurl",
        Kind::Text("https://www.contoso.example/home"),
        3,
    ),
    (
        "address1_line1",
        Kind::Text("One \\\"Main\\\" Street, Building"),
        6,
    ),
    ("address1_city", Kind::Text("Saint-Étienne"), 6),
    ("address1_postalcode", Kind::Text("98052"), 6),
    ("revenue", Kind::Money, 7),
    ("creditlimit", Kind::Money, 2),
    ("exchangerate", Kind::Rate, NEVER),
    ("numberofemployees", Kind::Number, 5),
    ("versionnumber", Kind::Version, NEVER),
    ("industrycode", Kind::Choice("Accounting"), 3),
    ("customertypecode", Kind::Choice("Prospect"), 4),
    ("statecode", Kind::Choice("Active"), NEVER),
    ("statuscode", Kind::Choice("Active"), NEVER),
    ("donotemail", Kind::Flag, NEVER),
    ("creditonhold", Kind::Flag, NEVER),
    ("createdon", Kind::Time, NEVER),
    ("modifiedon", Kind::Time, NEVER),
    ("_primarycontactid_value", Kind::Lookup("contact"), 3),
    ("_ownerid_value", Kind::Lookup("systemuser"), NEVER),
    (
        "_transactioncurrencyid_value",
        Kind::Lookup("transactioncurrency"),
        NEVER,
    ),
    ("_parentaccountid_value", Kind::Lookup("account"), 2),
    ("accountid", Kind::PrimaryId, NEVER),
];

/// A page of 5,000 rows with these columns; the primary key is always there.
pub(crate) fn page(wanted: &[&str], annotated: bool) -> Vec<u8> {
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(name, ..)| wanted.contains(name) || *name == "accountid")
        .collect();
    let mut out = String::from(
        "{\"@odata.context\":\"https://contoso.crm.dynamics.com/api/data/v9.2/\
         $metadata#accounts\",\"value\":[",
    );
    for row in 0..ROWS {
        let start = if row == 0 { "" } else { "," };
        write!(
            out,
            "{start}{{\"@odata.etag\":\"W/\\\"{}\\\"\"",
            8_000_000 + row
        )
        .unwrap();
        for (index, &&(name, kind, nulls)) in columns.iter().enumerate() {
            out.push(',');
            if (row + index) % nulls == nulls - 1 {
                write!(out, "\"{name}\":null").unwrap();
            } else {
                value(&mut out, name, kind, row * 31 + index, annotated);
            }
        }
        out.push('}');
    }
    out.push_str("]}");
    out.into_bytes()
}

fn value(out: &mut String, name: &str, kind: Kind, seed: usize, annotated: bool) {
    // A multiplicative hash: values differ from row to row, and are the same in every run.
    let seed = seed.wrapping_mul(2_654_435_761) % 1_000_000_000;
    let (json, formatted) = match kind {
        Kind::Text(text) => (format!("\"{text} {}\"", seed % 1000), None),
        Kind::Money => (
            format!("{seed}.{:04}", seed % 10_000),
            Some(format!("${seed},{:02}", seed % 100)),
        ),
        Kind::Rate => (format!("1.{:010}", seed), Some(format!("1.{:010}", seed))),
        Kind::Number => (
            format!("{}", seed % 20_000),
            Some(format!("{}", seed % 20_000)),
        ),
        Kind::Version => (
            format!("{}", 8_000_000 + seed),
            Some(format!("{}", 8_000_000 + seed)),
        ),
        Kind::Choice(label) => (format!("{}", seed % 30), Some(label.to_owned())),
        Kind::Flag => (
            format!("{}", seed.is_multiple_of(2)),
            Some("Do Not Allow".to_owned()),
        ),
        Kind::Time => {
            let (month, day) = (1 + seed % 12, 1 + seed % 28);
            let (hour, minute, second) = (seed % 24, seed % 60, seed % 59);
            (
                format!("\"2024-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z\""),
                Some(format!("{month}/{day}/2024 {hour}:{minute:02}")),
            )
        }
        Kind::Lookup(_) => (
            format!("\"{seed:08x}-1b2c-4d5e-8f90-{seed:012x}\""),
            Some(format!("Yvonne McKay {}", seed % 1000)),
        ),
        Kind::PrimaryId => (format!("\"{seed:08x}-0000-4000-8000-{seed:012x}\""), None),
    };
    if let (true, Some(formatted)) = (annotated, formatted) {
        write!(
            out,
            "\"{name}@OData.Community.Display.V1.FormattedValue\":\"{formatted}\","
        )
        .unwrap();
        if let Kind::Lookup(table) = kind {
            let navigation = name.trim_start_matches('_').trim_end_matches("_value");
            write!(
                out,
                "\"{name}@Microsoft.Dynamics.CRM.associatednavigationproperty\":\
                 \"{navigation}\",\"{name}@Microsoft.Dynamics.CRM.lookuplogicalname\":\
                 \"{table}\","
            )
            .unwrap();
        }
    }
    write!(out, "\"{name}\":{json}").unwrap();
}
