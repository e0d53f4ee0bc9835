//! What published clients send, and what their own tests expect back.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{create, get, post, send};

fn column(kind: &str, schema_name: &str) -> Value {
    json!({
        "@odata.type": format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata"),
        "SchemaName": schema_name,
    })
}

async fn make_table(emulator: &Emulator, schema_name: &str, columns: &[Value]) {
    let mut name = column("String", "test_Name");
    name["IsPrimaryName"] = true.into();
    let mut attributes = vec![name];
    attributes.extend_from_slice(columns);
    let table = json!({ "SchemaName": schema_name, "Attributes": attributes });
    let answer = post(emulator, "EntityDefinitions", &table.to_string()).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

#[tokio::test]
async fn relationships_that_requests_made_cascade() {
    for (delete, status, child_remains, link_remains) in [
        ("Restrict", 405, true, true),
        ("Cascade", 204, false, false),
        ("RemoveLink", 204, true, false),
    ] {
        let emulator = Emulator::builder().build().unwrap();
        make_table(&emulator, "test_Parent", &[]).await;
        make_table(&emulator, "test_Child", &[]).await;
        let relationship = json!({
            "@odata.type": "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            "SchemaName": "test_parent_child",
            "ReferencedEntity": "test_parent",
            "ReferencingEntity": "test_child",
            "CascadeConfiguration": { "Delete": delete },
            "Lookup": column("Lookup", "test_ParentId"),
        });
        let made = post(
            &emulator,
            "RelationshipDefinitions",
            &relationship.to_string(),
        )
        .await;
        assert_eq!(made.status, 204, "{}", made.body);
        let parent = create(&emulator, "test_parents", r#"{"test_name":"p"}"#).await;
        let child = json!({ "test_ParentId@odata.bind": format!("/{parent}") }).to_string();
        let child = create(&emulator, "test_childs", &child).await;
        let deleted = send(&emulator, "DELETE", &parent, &[], "").await;
        assert_eq!(deleted.status, status, "{delete}: {}", deleted.body);
        let child = get(&emulator, &child).await;
        assert_eq!(child.status == 200, child_remains, "{delete}");
        if child_remains {
            let is_linked = !child.json()["_test_parentid_value"].is_null();
            assert_eq!(is_linked, link_remains, "{delete}");
        }
    }
}

#[tokio::test]
async fn a_primary_column_that_is_named_twice_is_made_once() {
    let emulator = Emulator::builder().build().unwrap();
    make_table(&emulator, "test_Thing", &[column("String", "test_Name")]).await;
    let path = "EntityDefinitions(LogicalName='test_thing')/Attributes?$select=IsPrimaryName\
                &$filter=LogicalName eq 'test_name'";
    let columns = get(&emulator, &path.replace(' ', "%20")).await.json();
    assert_eq!(columns["value"].as_array().unwrap().len(), 1);
    assert_eq!(columns["value"][0]["IsPrimaryName"], true);
}

#[tokio::test]
async fn a_file_may_tell_what_it_is() {
    let emulator = Emulator::builder().build().unwrap();
    make_table(&emulator, "test_Thing", &[column("File", "test_Document")]).await;
    let row = create(&emulator, "test_things", r#"{"test_name":"x"}"#).await;
    let name = ("x-ms-file-name", "a.pdf");
    for (kind, status) in [
        ("application/pdf", 204),
        ("text/plain; charset=utf-8", 204),
        ("application/octet-stream", 204),
        ("application/json; charset=utf-8", 415),
        ("pdf", 415),
    ] {
        let headers = [("content-type", kind), name];
        let path = format!("{row}/test_document");
        let answer = send(&emulator, "PATCH", &path, &headers, kind).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.body);
        if status == 204 {
            let content = get(&emulator, &format!("{path}/$value")).await;
            assert_eq!(content.body, kind);
        }
    }
}

#[tokio::test]
async fn a_table_may_name_its_entity_set() {
    let emulator = Emulator::builder().build().unwrap();
    let mut name = column("String", "test_Name");
    name["IsPrimaryName"] = true.into();
    let mut table = json!({
        "SchemaName": "test_Sheep", "EntitySetName": "test_Flock", "Attributes": [name],
    });
    let made = post(&emulator, "EntityDefinitions", &table.to_string()).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let row = create(&emulator, "test_Flock", r#"{"test_name":"Dolly"}"#).await;
    assert_eq!(get(&emulator, &row).await.json()["test_name"], "Dolly");
    table["SchemaName"] = "test_Goat".into();
    for taken in ["test_Flock", "accounts", "no name", ""] {
        table["EntitySetName"] = taken.into();
        let refused = post(&emulator, "EntityDefinitions", &table.to_string()).await;
        assert_eq!(refused.status, 400, "{taken}: {}", refused.body);
    }
}
