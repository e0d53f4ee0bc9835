//! Rows to write, against a plain list of their members.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use dataverse_client::schema::TableName;
use dataverse_client::{AnyTable, Create, Id, New, Operation};
use dataverse_tests::tables::Account;
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::check;

/// Few, so that they meet; one is another's beginning, some need escapes.
const NAMES: &[&str] = &["a", "ab", "b", "a\"", "\\", "\u{e4}\u{1f}", "c"];

#[derive(Debug, Clone)]
enum Step {
    Text(String),
    Whole(i64),
    Decimal(Decimal),
    Time(DateTime<Utc>),
    Date(NaiveDate),
    Clear,
    Bind(bool),
    Insert(Vec<(usize, Step)>),
    InsertMany(Vec<Vec<(usize, Step)>>),
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let decimal = (any::<i64>(), 0..4_u32, 0..29_u32).prop_map(|(digits, shift, scale)| {
        // Short ones, long ones, zero with a sign.
        let mut decimal = Decimal::new(digits >> (16 * shift), scale);
        if digits % 7 == 0 {
            decimal = Decimal::from_i128_with_scale(i128::from(digits) << 31, scale);
        } else if digits % 7 == 1 {
            decimal.set_sign_negative(true);
        }
        decimal
    });
    // From before the year 0 to after 9999.
    let time = (-80_000_000_000..300_000_000_000_i64, 0..3_u32).prop_map(|(seconds, part)| {
        DateTime::from_timestamp(seconds, [0, 5_000_000, 1][part as usize]).unwrap()
    });
    let text = prop_oneof![
        "[ -~]{0,20}",
        ".*",
        "[\u{0}-\u{1f}\u{7f}\u{2028}\"\\\\]{1,9}"
    ];
    let leaf = prop_oneof![
        text.prop_map(Step::Text),
        any::<i64>().prop_map(Step::Whole),
        decimal.prop_map(Step::Decimal),
        time.clone().prop_map(Step::Time),
        time.prop_map(|time| Step::Date(time.date_naive())),
        Just(Step::Clear),
        any::<bool>().prop_map(Step::Bind),
    ];
    let step = leaf.prop_recursive(2, 12, 3, |step| {
        let row = vec((0..NAMES.len(), step), 0..4);
        prop_oneof![
            row.clone().prop_map(Step::Insert),
            vec(row, 0..3).prop_map(Step::InsertMany),
        ]
    });
    vec((0..NAMES.len(), step), 0..16)
}

fn body(steps: &[(usize, Step)]) -> New<AnyTable> {
    steps.iter().fold(New::new(), |row, (name, step)| {
        let name = NAMES[*name];
        match step {
            Step::Text(text) => row.set_named(name, text.clone()),
            Step::Whole(number) => row.set_named(name, *number),
            Step::Decimal(decimal) => row.set_named(name, *decimal),
            Step::Time(time) => row.set_named(name, *time),
            Step::Date(date) => row.set_named(name, *date),
            Step::Clear => row.clear_named(name),
            Step::Bind(true) => row.unbind_named(name),
            Step::Bind(false) => row.bind_many_named(name, [] as [Id<Account>; 0]),
            Step::Insert(steps) => row.insert_named(name, body(steps)),
            Step::InsertMany(rows) => row.insert_many_named(name, rows.iter().map(|row| body(row))),
        }
    })
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..='\u{1f}' => write!(quoted, "\\u{:04x}", u32::from(c)).unwrap(),
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}

/// The members in their order: what is said again stays in its place, but a row in the place of a
/// column, or a column in that of a row, goes behind the others.
fn expected(steps: &[(usize, Step)]) -> String {
    let mut members: Vec<(String, bool, String)> = Vec::new();
    for (name, step) in steps {
        let (name, mut is_row) = (NAMES[*name], false);
        let (behind, json) = match step {
            Step::Text(text) => ("", quoted(text)),
            Step::Whole(number) => ("", number.to_string()),
            Step::Decimal(decimal) => ("", decimal.to_string()),
            Step::Time(time) => (
                "",
                quoted(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            ),
            Step::Date(date) => ("", quoted(&date.to_string())),
            Step::Clear => ("", "null".to_owned()),
            Step::Bind(true) => ("@odata.bind", "null".to_owned()),
            Step::Bind(false) => ("@odata.bind", "[]".to_owned()),
            Step::Insert(steps) => {
                is_row = true;
                ("", expected(steps))
            }
            Step::InsertMany(rows) => {
                is_row = true;
                let rows: Vec<_> = rows.iter().map(|row| expected(row)).collect();
                ("", format!("[{}]", rows.join(",")))
            }
        };
        let name = quoted(&format!("{name}{behind}"));
        members.retain(|member| member.0 != name || member.1 == is_row);
        match members.iter_mut().find(|member| member.0 == name) {
            Some(member) => member.2 = json,
            None => members.push((name, is_row, json)),
        }
    }
    let members = members.iter();
    let members: Vec<_> = members
        .map(|(name, _, json)| format!("{name}:{json}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn a_body_is_what_was_set_in_its_order() {
    check(steps(), |steps| {
        let table = TableName::new("accounts");
        let request = Create::in_table(table, body(&steps)).request().unwrap();
        let sent = std::str::from_utf8(&request.body).unwrap();
        assert_eq!(sent, expected(&steps));
        assert!(serde_json::from_str::<serde_json::Value>(sent).is_ok());
    });
}
