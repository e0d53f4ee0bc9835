//! What an example needs to be there: its rows, those of its answer, tables of its author.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dataverse_client::http::VirtualClock;
use dataverse_codegen::model::{ColumnType, Model, Table};
use dataverse_codegen::{csdl, model};
use dataverse_emulator::{Document, Emulator};
use serde_json::{Map, Value, json};

use crate::emulator::{get, post, send};

/// Columns that the authors of the examples added: before the key of which table.
const COLUMNS: &[(&str, &str)] = &[
    (
        "account",
        r#"<Property Name="sample_filecolumn" Type="Edm.Binary"/>
        <Property Name="sample_filecolumn_name" Type="Edm.String"/>
        <Property Name="sample_imagecolumn" Type="Edm.Binary"/>
        <Property Name="sample_imagecolumnid" Type="Edm.Guid"/>
        <Property Name="sample_imagecolumn_url" Type="Edm.String"/>
        <Property Name="sample_imagecolumn_timestamp" Type="Edm.Int64"/>"#,
    ),
    (
        "contact",
        r#"<Property Name="sample_outdooractivities" Type="Edm.String"/>"#,
    ),
];

/// Tables that they made, and columns of these.
const TABLES: &[(&str, &str)] = &[
    (
        "sample_example",
        r#"<Property Name="sample_name" Type="Edm.String"/>"#,
    ),
    (
        "sample_thing",
        r#"<Property Name="sample_name" Type="Edm.String"/>
        <Property Name="sample_key1" Type="Edm.Int32"/>
        <Property Name="sample_key2" Type="Edm.Int32"/>"#,
    ),
    (
        "example_record",
        r#"<Property Name="example_name" Type="Edm.String"/>
        <Property Name="example_key1" Type="Edm.Int32"/>
        <Property Name="example_key2" Type="Edm.Int32"/>"#,
    ),
    (
        "contoso_sensordata",
        r#"<Property Name="contoso_deviceid" Type="Edm.String"/>
        <Property Name="contoso_sensortype" Type="Edm.String"/>
        <Property Name="contoso_value" Type="Edm.Int32"/>
        <Property Name="contoso_timestamp" Type="Edm.DateTimeOffset"/>
        <Property Name="partitionid" Type="Edm.String"/>
        <Property Name="ttlinseconds" Type="Edm.Int32"/>"#,
    ),
    (
        "entityimageconfig",
        r#"<Property Name="parententitylogicalname" Type="Edm.String"/>
        <Property Name="primaryimageattribute" Type="Edm.String"/>"#,
    ),
];

/// Operations that they made.
const OPERATIONS: &str = r#"<Action Name="new_AddNoteToContact" IsBound="true">
    <Parameter Name="entity" Type="mscrm.contact"/>
    <Parameter Name="NoteTitle" Type="Edm.String"/><Parameter Name="NoteText" Type="Edm.String"/>
    <ReturnType Type="mscrm.annotation"/></Action>
    <Function Name="sample_IsSystemAdmin" IsBound="true">
    <Parameter Name="entity" Type="mscrm.systemuser"/>
    <ReturnType Type="mscrm.sample_IsSystemAdminResponse"/></Function>
    <ComplexType Name="sample_IsSystemAdminResponse">
    <Property Name="HasRole" Type="Edm.Boolean"/></ComplexType>"#;

struct Org {
    document: Document,
    model: Model,
}

/// The built-in document with what the authors added, read once.
fn org() -> &'static Org {
    static ORG: OnceLock<Org> = OnceLock::new();
    ORG.get_or_init(|| {
        let file = "../dataverse-emulator/standard/standard.csdl.xml.gz";
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let bytes = std::fs::read(file).unwrap();
        let mut text = csdl::text(bytes).unwrap();
        for (table, columns) in COLUMNS {
            let key = format!("<PropertyRef Name=\"{table}id\"");
            let (before, behind) = text.split_once(&key).unwrap();
            let (rest, behind) = behind.split_once("</Key>").unwrap();
            text = format!("{before}{key}{rest}</Key>{columns}{behind}");
        }
        let mut types = OPERATIONS.to_owned();
        let mut sets = String::new();
        for (table, columns) in TABLES {
            types.push_str(&format!(
                r#"<EntityType Name="{table}" BaseType="mscrm.crmbaseentity"><Key>
                <PropertyRef Name="{table}id"/></Key>
                <Property Name="{table}id" Type="Edm.Guid"/>
                <Property Name="createdon" Type="Edm.DateTimeOffset"/>
                <Property Name="modifiedon" Type="Edm.DateTimeOffset"/>{columns}</EntityType>"#
            ));
            let set = format!("<EntitySet Name=\"{table}s\" EntityType=\"mscrm.{table}\"/>");
            sets.push_str(&set.replace("mscrm.", "Microsoft.Dynamics.CRM."));
        }
        let container = text.find("<EntityContainer").unwrap();
        text.insert_str(container, &types);
        let end = text.find("</EntityContainer>").unwrap();
        text.insert_str(end, &sets);
        Org {
            model: model::build(&csdl::parse(&text).unwrap()),
            document: Document::read(text).unwrap(),
        }
    })
}

/// An emulator with everything that some example needs, but rows.
pub(super) fn emulator() -> Emulator {
    let emulator = Emulator::builder()
        .document(org().document.clone())
        .alternate_key("sample_thing", &["sample_key1", "sample_key2"])
        .alternate_key("example_record", &["example_key1", "example_key2"])
        .elastic_table("contoso_sensordata")
        .duplicate_rule("account", &["name"])
        .definitions(labels())
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    emulator
        .on_action("new_AddNoteToContact", |_| {
            Ok(Some(json!({ "annotationid": ROW }).to_string()))
        })
        .unwrap();
    emulator
        .on_action("sample_IsSystemAdmin", |_| {
            Ok(Some(json!({ "HasRole": true }).to_string()))
        })
        .unwrap();
    emulator
}

/// Labels of the choices that examples show.
fn labels() -> Vec<u8> {
    let options: Vec<Value> = (1..20)
        .map(|value| {
            json!({
                "Value": value,
                "Label": { "UserLocalizedLabel": { "Label": format!("Option {value}") } },
            })
        })
        .collect();
    let column = |column: &str| {
        json!({
            "@odata.type": "#Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
            "LogicalName": column, "OptionSet": { "Options": options },
        })
    };
    let tables = json!([
        {
            "LogicalName": "account",
            "Attributes": [column("accountcategorycode"), column("accountratingcode")],
        },
        { "LogicalName": "contact", "Attributes": [column("sample_outdooractivities")] },
    ]);
    json!({ "EntityMetadata": tables }).to_string().into_bytes()
}

/// What the rows of an answer hold beside what it shows: what its filter asks for.
const ALSO: &[(&str, &str)] = &[
    (
        "bulk-operations#4",
        r#"{"primaryobjecttypecode":"sample_example",
            "_sdkmessageid_value":"00000000-0000-0000-0000-0000000000d1"}"#,
    ),
    (
        "query-data-2019#11",
        r#"{"_primarycontactid_value":"a0dbf27c-8efb-e511-80d2-00155db07c77"}"#,
    ),
    (
        "query-data-2019#12",
        r#"{"_parentaccountid_value":"3adbf27c-8efb-e511-80d2-00155db07c77"}"#,
    ),
    (
        "use-fetchxml-web-api#",
        r#"{"_parentcustomerid_value":"18717e9c-643f-ed11-9db0-002248225e95",
            "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"account"}"#,
    ),
];

/// A row where the document has a placeholder.
pub(super) const ROW: &str = "00000000-0000-0000-0000-00000000000f";

/// Columns that the service fills.
const FILLED: &[&str] = &[
    "createdby",
    "createdon",
    "modifiedby",
    "modifiedon",
    "organizationid",
    "ownerid",
    "owningbusinessunit",
    "owninguser",
    "versionnumber",
];

/// The table with rows that has this set; definitions have sets, too.
fn table_of(set: &str) -> Option<&'static Table> {
    if set.starts_with(|char: char| char.is_ascii_uppercase()) {
        return None;
    }
    let mut tables = org().model.tables.values();
    tables.find(|table| table.entity_set.as_deref() == Some(set))
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Rows that a text names: `accounts(…)`.
fn named(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('(') {
        let before = &text[..at];
        let start = before.rfind(|char: char| !char.is_ascii_alphanumeric() && char != '_');
        let set = &before[start.map_or(0, |start| start + 1)..];
        let id = text.get(at + 1..at + 37).unwrap_or_default();
        if is_guid(id) && text[at + 37..].starts_with(')') && table_of(set).is_some() {
            found.push((set.to_owned(), id.to_owned()));
        }
    }
    found
}

/// Makes the rows of an example.
pub(super) async fn rows(
    emulator: &Emulator,
    example: &str,
    (method, path, body): (&str, &str, &str),
    answer: &str,
) {
    let texts = [path, body];
    for (set, id) in texts.iter().flat_map(|text| named(text)) {
        ensure(emulator, &set, &id, Map::new()).await;
    }
    // `Targets`, `Target` and parties of a message.
    if let Ok(json) = serde_json::from_str::<Value>(body) {
        arguments(emulator, &json).await;
    }
    if method != "GET" {
        linked(emulator, path).await;
        return;
    }
    let Ok(json) = serde_json::from_str::<Value>(answer) else {
        return;
    };
    let below = path.split_once("/v9.").map_or("", |(_, rest)| rest);
    let below = below.split_once('/').map_or("", |(_, rest)| rest);
    let below = below.split('?').next().unwrap();
    let context = json["@odata.context"].as_str().unwrap_or_default();
    let set = context.split('#').next_back().unwrap();
    let set = set.split(['(', '/']).next().unwrap();
    let mut rows = match &json["value"] {
        Value::Array(rows) => rows.clone(),
        _ if context.ends_with("/$entity") => vec![json.clone()],
        _ => Vec::new(),
    };
    if let Some((_, also)) = ALSO.iter().find(|(id, _)| example.starts_with(id)) {
        let also: Map<String, Value> = serde_json::from_str(also).unwrap();
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            row.extend(also.clone());
        }
    }
    if table_of(set).is_none() {
        return;
    }
    for row in &rows {
        if let Some(id) = row_of(emulator, set, row).await
            && let Some((parent, collection)) = below.rsplit_once('/')
            && parent.contains('(')
            && !parent.contains("/")
        {
            link(emulator, parent, collection, set, &id).await;
        }
    }
    // What a next link leads to.
    let links = [
        "@odata.nextLink",
        "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie",
    ];
    if links.iter().any(|link| json.get(link).is_some())
        && let Some(Value::Object(last)) = rows.last()
        && let Some(table) = table_of(set)
        && let Some(key) = &table.primary_id
    {
        let mut more = last.clone();
        more.retain(|_, value| !value.is_array() && !value.is_object());
        for number in 0..3 {
            let id = format!("ffffffff-ffff-ffff-ffff-fffffffffff{number}");
            more.insert(key.clone(), id.into());
            row_of(emulator, set, &Value::Object(more.clone())).await;
        }
    }
}

/// Rows that stand in the parameters of an action, by their primary keys.
async fn arguments(emulator: &Emulator, json: &Value) {
    let mut waiting = vec![json];
    while let Some(json) = waiting.pop() {
        match json {
            Value::Array(values) => waiting.extend(values),
            Value::Object(members) => {
                waiting.extend(members.values());
                let table = members.get("@odata.type").and_then(Value::as_str);
                let table = table.and_then(|name| name.rsplit('.').next());
                let table = table.and_then(|name| org().model.tables.get(name));
                if let Some(table) = table
                    && let (Some(set), Some(key)) = (&table.entity_set, &table.primary_id)
                    && let Some(id) = members.get(key).and_then(Value::as_str)
                {
                    let mut row = Map::new();
                    if let Some(partition) = members.get("partitionid") {
                        row.insert("partitionid".to_owned(), partition.clone());
                    }
                    ensure(emulator, set, id, row).await;
                }
            }
            _ => {}
        }
    }
}

/// For a request that takes a row out of a collection: it is in it.
async fn linked(emulator: &Emulator, path: &str) {
    let below = path.split_once("/v9.").map_or("", |(_, rest)| rest);
    let below = below.split_once('/').map_or("", |(_, rest)| rest);
    let parts: Vec<&str> = below.split('/').collect();
    if let [parent, member, "$ref"] = parts[..]
        && let Some((collection, id)) = member.split_once('(')
        && let Some((set, _)) = parent.split_once('(')
        && let Some(table) = table_of(set)
        && let Some(navigation) = table.navigations.iter().find(|one| one.name == collection)
        && let Some(target) = org().model.tables.get(&navigation.target)
        && let Some(target) = &target.entity_set
    {
        let id = id.trim_end_matches(')');
        ensure(emulator, target, id, Map::new()).await;
        link(emulator, parent, collection, target, id).await;
    }
}

/// Puts a row into a collection, or into a lookup.
async fn link(emulator: &Emulator, parent: &str, property: &str, set: &str, id: &str) {
    let body = json!({ "@odata.id": format!("{}/api/data/v9.2/{set}({id})", Emulator::URL) });
    let path = format!("{parent}/{property}/$ref");
    let added = post(emulator, &path, &body.to_string()).await;
    if added.status != 204 {
        send(emulator, "PUT", &path, &[], &body.to_string()).await;
    }
}

/// Makes a row, or gives one that is there these values.
async fn ensure(emulator: &Emulator, set: &str, id: &str, mut members: Map<String, Value>) {
    let Some(key) = table_of(set).and_then(|table| table.primary_id.clone()) else {
        return;
    };
    let path = format!("{set}({id})");
    if get(emulator, &format!("{path}?$select={key}")).await.status == 200 {
        if !members.is_empty() {
            let body = Value::Object(members).to_string();
            let changed = send(emulator, "PATCH", &path, &[], &body).await;
            assert_eq!(changed.status, 204, "{path} {body}: {}", changed.body);
        }
        return;
    }
    members.insert(key, id.into());
    let body = Value::Object(members).to_string();
    let made = post(emulator, set, &body).await;
    assert_eq!(made.status, 204, "{set} {body}: {}", made.body);
}

/// Makes a row as an answer has it, with the rows that it leads to; gives its id.
async fn row_of(emulator: &Emulator, set: &str, row: &Value) -> Option<String> {
    let (table, row) = (table_of(set)?, row.as_object()?);
    let key = table.primary_id.as_ref()?;
    let id = row
        .get(key)
        .and_then(Value::as_str)
        .filter(|id| is_guid(id));
    let id = id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    let mut members = Map::new();
    let mut collections = BTreeMap::new();
    for (name, value) in row {
        if name.contains('@') || value.is_null() || name == key {
            continue;
        }
        if let Some(column) = table
            .columns
            .iter()
            .find(|column| column.wire_name == *name)
        {
            if FILLED.contains(&column.logical_name.as_str()) {
                continue;
            }
            match &column.column_type {
                // A file goes up by itself.
                ColumnType::Binary => {}
                ColumnType::Lookup(targets) => {
                    let of =
                        |term: &str| row.get(&format!("{name}@{term}")).and_then(Value::as_str);
                    let told = of("Microsoft.Dynamics.CRM.lookuplogicalname");
                    let target = targets
                        .iter()
                        .find(|target| told.is_none_or(|told| target.table == told));
                    let other = target.and_then(|target| org().model.tables.get(&target.table));
                    if let (Some(target), Some(other), Some(other_id)) =
                        (target, other, value.as_str())
                        && let Some(other_set) = &other.entity_set
                    {
                        let mut named = Map::new();
                        let name = of("OData.Community.Display.V1.FormattedValue");
                        let names = ["name", "fullname", "currencyname", "subject"];
                        let has =
                            |name: &&&str| other.columns.iter().any(|c| c.logical_name == **name);
                        if let (Some(name), Some(column)) = (name, names.iter().find(has)) {
                            named.insert((*column).to_owned(), name.into());
                        }
                        Box::pin(ensure(emulator, other_set, other_id, named)).await;
                        let bind = format!("{}@odata.bind", target.navigation);
                        members.insert(bind, format!("{other_set}({other_id})").into());
                    }
                }
                _ => {
                    members.insert(name.clone(), value.clone());
                }
            }
        } else if let Some(navigation) = table.navigations.iter().find(|one| one.name == *name)
            && let Some(other) = org().model.tables.get(&navigation.target)
            && let Some(other_set) = &other.entity_set
        {
            match value {
                Value::Array(rows) => {
                    collections.insert(name.clone(), (other_set.clone(), rows.clone()));
                }
                _ => {
                    let other_id = Box::pin(row_of(emulator, other_set, value)).await;
                    let bind = other_id.map(|id| format!("{other_set}({id})"));
                    members.insert(format!("{name}@odata.bind"), bind.into());
                }
            }
        }
    }
    ensure(emulator, set, &id, members).await;
    for (name, (other_set, rows)) in collections {
        for row in rows {
            if let Some(other) = Box::pin(row_of(emulator, &other_set, &row)).await {
                link(emulator, &format!("{set}({id})"), &name, &other_set, &other).await;
            }
        }
    }
    Some(id)
}
