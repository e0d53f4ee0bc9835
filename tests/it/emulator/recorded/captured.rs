//! Answers that were captured from orgs, without their requests: the request follows from the
//! context, the org from the answer. What is answered has the captured members and kinds of values.
//!
//! Where an answer shows whole rows, the document of the emulator gets the columns that the org had:
//! those and no others.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::OnceLock;

use dataverse_client::http::VirtualClock;
use dataverse_codegen::csdl;
use dataverse_emulator::{Document, Emulator};
use dataverse_tests::fixture;
use serde_json::{Map, Value, json};

use super::{setup, shape};
use crate::emulator::{get, send};

/// Captured answers that are not compared, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "definitions/amp-contact-attributes.json",
        "cut by hand: the members are not those that its context names",
    ),
    (
        "definitions/retrievemetadatachanges-cdsify_integrationtest.json",
        "a table of the org's own: definitions add to tables of the document only",
    ),
    (
        "definitions/tf-attributes-businessunit.json",
        "names columns without a value of their own (`createdbyname`), which CSDL lacks",
    ),
    (
        "wire/sodc-account-tasks-and-link.json",
        "of version 8.1, whose contexts name expanded properties otherwise",
    ),
    (
        "wire/sodc-he_employees-page10-v8.2.json",
        "of version 8.2, which is not answered",
    ),
    (
        "wire/tf-stagesolution-response.json",
        "the operation is in NOT_SUPPORTED.md",
    ),
];

/// A captured answer.
fn captured(file: &str) -> Value {
    let bytes = std::fs::read(fixture(file)).unwrap();
    let mut text = String::new();
    match file.ends_with(".gz") {
        true => flate2::read::GzDecoder::new(&*bytes)
            .read_to_string(&mut text)
            .unwrap(),
        false => (&*bytes).read_to_string(&mut text).unwrap(),
    };
    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap()
}

/// The built-in document.
fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let file = "../dataverse-emulator/standard/standard.csdl.xml.gz";
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        csdl::text(std::fs::read(file).unwrap()).unwrap()
    })
}

/// The document, in which a table has the columns of these rows and no others.
fn document_with(table: &str, rows: &[Value]) -> String {
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in rows.iter().flat_map(|row| row.as_object().unwrap()) {
        let kind = match value {
            Value::Bool(_) => "Edm.Boolean",
            Value::Number(number) if number.is_i64() => "Edm.Int32",
            Value::Number(_) => "Edm.Decimal",
            _ if name.starts_with('_') => "Edm.Guid",
            _ => "Edm.String",
        };
        let is_known = value.is_null() && kinds.contains_key(&**name);
        if !is_known && !name.contains('@') {
            kinds.insert(name, kind);
        }
    }
    let begin = format!("<EntityType Name=\"{table}\"");
    let (before, rest) = document().split_once(&begin).unwrap();
    let (body, behind) = rest.split_once("</EntityType>").unwrap();
    let mut kept = String::new();
    let mut parts = body.split("<Property Name=\"");
    kept.push_str(parts.next().unwrap());
    for part in parts {
        let name = part.split('"').next().unwrap();
        if kinds.remove(name).is_some() {
            kept.push_str("<Property Name=\"");
            kept.push_str(part);
            continue;
        }
        // What stands behind the column stays.
        let end = match part.find('>') {
            Some(end) if part[..end].ends_with('/') => end + 1,
            _ => part.find("</Property>").unwrap() + "</Property>".len(),
        };
        kept.push_str(&part[end..]);
    }
    for (name, kind) in kinds {
        kept.push_str(&format!("<Property Name=\"{name}\" Type=\"{kind}\"/>"));
    }
    format!("{before}{begin}{kept}</EntityType>{behind}")
}

/// Without what labels of choices would tell: they are in no captured answer.
fn plain(row: &Value) -> Value {
    let members = row.as_object().unwrap().iter();
    let kept = members.filter(|(name, _)| !name.contains('@') || name.starts_with("@odata."));
    Value::Object(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// Properties of definitions that are newer than the documents, or older than the captured answers.
/// Of none of them a value was captured.
const OTHER_VERSION: &[&str] = &[
    "ClusterMode",
    "DenormalizedAttributeName",
    "FormatName",
    "FormulaDefinition",
    "HasEmailAddresses",
    "IsArchivalEnabled",
    "IsDenormalizedLookup",
    "IsRetentionEnabled",
    "IsRetrieveAuditEnabled",
    "IsRetrieveMultipleAuditEnabled",
    "OptionSet",
    "OwnerId",
    "OwnerIdType",
    "OwningBusinessUnit",
    "SourceTypeMask",
    "TableType",
];

/// Takes out what no document has, as far as it is null.
fn without_other_versions(captured: &mut Value) {
    match captured {
        Value::Object(members) => {
            let is_other =
                |name: &str, value: &Value| value.is_null() && OTHER_VERSION.contains(&name);
            members.retain(|name, value| !is_other(name, value));
            members.values_mut().for_each(without_other_versions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_other_versions),
        _ => {}
    }
}

fn differences(expected: &Value, answer: &super::super::Answer) -> Vec<String> {
    match answer.status {
        200 => shape::body(&expected.to_string(), &answer.body),
        status => vec![format!("{status}: {}", answer.body)],
    }
}

/// Whole rows of a table, one or all.
async fn rows(file: &str, table: &str, set: &str) -> Vec<String> {
    let mut expected = captured(file);
    let is_one = expected.get("value").is_none();
    let all: Vec<Value> = match &expected["value"] {
        Value::Array(rows) => rows.iter().map(plain).collect(),
        _ => vec![plain(&expected)],
    };
    let emulator = Emulator::builder()
        .metadata(document_with(table, &all))
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    let key = format!("{table}id");
    let seeds = all.iter().map(|row| {
        let members = row.as_object().unwrap().iter();
        let own = members.filter(|(name, value)| {
            !name.contains('@') && !name.starts_with('_') && !value.is_null()
        });
        let own: Map<_, _> = own
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Value::Object(own).to_string()
    });
    emulator.seed(table, seeds).unwrap();
    let path = match is_one {
        true => format!("{set}({})", expected[&key].as_str().unwrap()),
        false => set.to_owned(),
    };
    // Some were cut: an answer tells its version.
    let mut answer = get(&emulator, &path).await;
    let mut told = answer.json();
    match is_one {
        true => {
            let etag = expected.get("@odata.etag").cloned();
            expected = plain(&expected);
            if etag.is_none() {
                told.as_object_mut().unwrap().remove("@odata.etag");
            }
        }
        false => {
            let mut sorted = all;
            sorted.sort_by_key(|row| row[&key].as_str().unwrap().to_owned());
            expected["value"] = Value::Array(sorted);
        }
    }
    answer.body = told.to_string();
    differences(&expected, &answer)
}

/// What an answer shows of a row's contacts, or their addresses.
async fn collection(file: &str, query: &str) -> Vec<String> {
    let mut expected = captured(file);
    let emulator = setup::emulator();
    let account = "accounts(00000000-0000-0000-0000-000000000020)";
    let contact = "contacts(00000000-0000-0000-0000-000000000010)";
    let bind = json!({ "parentcustomerid_account@odata.bind": account });
    for (path, body) in [(account, json!({ "name": "a" })), (contact, bind)] {
        let made = send(&emulator, "PATCH", path, &[], &body.to_string()).await;
        assert_eq!(made.status, 204, "{}", made.body);
    }
    let path = format!("{account}/contact_customer_accounts{query}");
    let answer = get(&emulator, &path).await;
    let rows = expected["value"].as_array_mut().unwrap();
    assert_eq!(rows.len(), 1);
    differences(&expected, &answer)
}

/// A page of rows with annotations.
async fn page() -> Vec<String> {
    let expected = captured("wire/amp-contacts-page-nextlink.json");
    let mut choices = captured("definitions/amp-contact-picklists-optionset.json");
    let columns = std::mem::take(choices["value"].as_array_mut().unwrap());
    let emulator = with_columns("contact", "Picklist", columns);
    let mut all = expected["value"].as_array().unwrap().clone();
    for number in 0..3 {
        let mut more = all[0].clone();
        more["contactid"] = format!("ffffffff-ffff-ffff-ffff-fffffffffff{number}").into();
        all.push(more);
    }
    let seeds = all.iter().map(|row| {
        let members = row.as_object().unwrap().iter();
        let own = members.filter(|(name, _)| !name.contains('@'));
        let own: Map<_, _> = own
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Value::Object(own).to_string()
    });
    emulator.seed("contact", seeds).unwrap();
    let path = "contacts?$select=fullname,emailaddress1,fax,familystatuscode";
    let prefer = "odata.maxpagesize=2,odata.include-annotations=\"*\"";
    let answer = send(&emulator, "GET", path, &[("prefer", prefer)], "").await;
    differences(&expected, &answer)
}

/// An emulator whose table has definitions of these columns.
fn with_columns(table: &str, kind: &str, mut columns: Vec<Value>) -> Emulator {
    for column in &mut columns {
        let name = format!("#Microsoft.Dynamics.CRM.{kind}AttributeMetadata");
        column["@odata.type"] = name.into();
    }
    with(&json!({ "value": [{ "LogicalName": table, "Attributes": columns }] }))
}

/// An emulator of the built-in document with these definitions, and not those of the product.
fn with(definitions: &Value) -> Emulator {
    static READ: OnceLock<Document> = OnceLock::new();
    let read = READ.get_or_init(|| Document::read(document()).unwrap());
    Emulator::builder()
        .document(read.clone())
        .definitions(definitions.to_string())
        .clock(VirtualClock::default())
        .build()
        .unwrap()
}

/// Choices of a table's columns.
async fn choices(file: &str, kind: &str) -> Vec<String> {
    let expected = captured(file);
    let columns = expected["value"].as_array().unwrap().clone();
    let emulator = with_columns("contact", kind, columns);
    let path = format!(
        "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.{kind}\
         AttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)"
    );
    differences(&expected, &get(&emulator, &path).await)
}

async fn display_name() -> Vec<String> {
    let expected = captured("definitions/amp-contact-entitydefinition-select.json");
    let label = expected["DisplayCollectionName"].clone();
    let table = json!({ "LogicalName": "contact", "DisplayCollectionName": label });
    let emulator = with(&json!({ "value": [table] }));
    let path = "EntityDefinitions(LogicalName='contact')?$select=DisplayCollectionName";
    differences(&expected, &get(&emulator, path).await)
}

async fn relationships() -> Vec<String> {
    let mut expected =
        captured("definitions/tf-entitydefinition-account-with-relationships.json.gz");
    let emulator = with(&expected);
    without_other_versions(&mut expected);
    let path = "EntityDefinitions(LogicalName='account')?$expand=OneToManyRelationships,\
                ManyToManyRelationships,ManyToOneRelationships";
    differences(&expected, &get(&emulator, path).await)
}

/// Names of what is not null in some of the items.
fn properties(items: &[&Value]) -> Value {
    let mut names: Vec<&String> = items
        .iter()
        .flat_map(|item| item.as_object().unwrap())
        .filter(|(_, value)| !value.is_null() && **value != json!([]))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    names.dedup();
    json!({ "PropertyNames": names })
}

/// The definitions that a query finds.
async fn changes(file: &str, table: &str) -> Vec<String> {
    let mut expected = captured(file);
    let emulator = match expected["EntityMetadata"].as_array().unwrap().is_empty() {
        true => setup::emulator(),
        false => with(&expected),
    };
    let mut query = json!({ "Criteria": { "Conditions": [{
        "PropertyName": "LogicalName", "ConditionOperator": "Equals", "Value": { "Value": table },
    }] } });
    if let Some(shown) = expected["EntityMetadata"].get(0) {
        let columns: Vec<&Value> = shown["Attributes"].as_array().unwrap().iter().collect();
        query["AttributeQuery"] = json!({ "Properties": properties(&columns) });
        query["Properties"] = properties(&[shown]);
    }
    let query: String =
        url::form_urlencoded::byte_serialize(query.to_string().as_bytes()).collect();
    let mut answer = get(
        &emulator,
        &format!("RetrieveMetadataChanges(Query=@p)?@p={query}"),
    )
    .await;
    let mut told = answer.json();
    // Cut from the captured answers.
    told.as_object_mut().unwrap().remove("ServerVersionStamp");
    let sorted = |answer: &mut Value, kept: Option<&[String]>| -> Vec<String> {
        let Some(table) = answer["EntityMetadata"].get_mut(0) else {
            return Vec::new();
        };
        let columns = table["Attributes"].as_array_mut().unwrap();
        let name = |column: &Value| column["LogicalName"].as_str().unwrap().to_owned();
        columns.retain(|column| kept.is_none_or(|kept| kept.contains(&name(column))));
        columns.sort_by_key(name);
        columns.iter().map(name).collect()
    };
    // Either side has columns that the other one does not know.
    let ours = sorted(&mut told, None);
    let both = sorted(&mut expected, Some(&ours));
    sorted(&mut told, Some(&both));
    assert!(both.is_empty() || both.len() > 100, "{both:?}");
    without_other_versions(&mut expected);
    without_other_versions(&mut told);
    answer.body = told.to_string();
    differences(&expected, &answer)
}

async fn who_am_i() -> Vec<String> {
    let expected = captured("wire/tf-whoami.json");
    differences(&expected, &get(&setup::emulator(), "WhoAmI").await)
}

#[tokio::test]
async fn captured_answers_have_the_same_shape() {
    let found = [
        ("amp-contacts-page-nextlink", page().await),
        (
            "amp-contact-picklists-optionset",
            choices(
                "definitions/amp-contact-picklists-optionset.json",
                "Picklist",
            )
            .await,
        ),
        (
            "amp-contact-states-optionset",
            choices("definitions/amp-contact-states-optionset.json", "State").await,
        ),
        ("amp-contact-entitydefinition-select", display_name().await),
        (
            "retrievemetadatachanges-account",
            changes(
                "definitions/retrievemetadatachanges-account.json.gz",
                "account",
            )
            .await,
        ),
        (
            "retrievemetadatachanges-empty",
            changes("definitions/retrievemetadatachanges-empty.json", "none").await,
        ),
        (
            "tf-account-collection-nav",
            collection("wire/tf-account-collection-nav.json", "?$select=createdon").await,
        ),
        (
            "tf-account-collection-ref",
            collection("wire/tf-account-collection-ref.json", "/$ref").await,
        ),
        (
            "tf-account-record",
            rows("wire/tf-account-record.json", "account", "accounts").await,
        ),
        (
            "tf-asyncoperation",
            rows(
                "wire/tf-asyncoperation.json",
                "asyncoperation",
                "asyncoperations",
            )
            .await,
        ),
        (
            "tf-contact-record",
            rows("wire/tf-contact-record.json", "contact", "contacts").await,
        ),
        (
            "tf-entitydefinition-account-with-relationships",
            relationships().await,
        ),
        (
            "tf-organizations-annotated",
            rows(
                "wire/tf-organizations-annotated.json",
                "organization",
                "organizations",
            )
            .await,
        ),
        (
            "tf-roles-page",
            rows("wire/tf-roles-page.json.gz", "role", "roles").await,
        ),
        ("tf-whoami", who_am_i().await),
    ];
    let told: String = found
        .iter()
        .filter(|(_, differences)| !differences.is_empty())
        .map(|(name, differences)| format!("{name}: {}\n", differences.join("; ")))
        .collect();
    assert!(told.is_empty(), "{told}");
    assert_eq!((found.len(), LEFT_OUT.len()), (15, 6));
}
