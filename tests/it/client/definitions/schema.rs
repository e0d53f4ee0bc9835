//! The schema of an org, kept up to date, and changes of definitions that read first.

use dataverse_client::definitions::*;
use dataverse_tests::script::Script;
use serde_json::{Value, json};

use super::{fixture, parse};

const ACCOUNT: &str = "70816501-edb9-4740-a16c-6a5efbc05d84";
const NAME: &str = "00000000-0000-0000-0000-000000000001";
const CONTACT: &str = "00000000-0000-0000-0000-000000000002";
const OWNER: &str = "00000000-0000-0000-0000-000000000003";
const TO_CONTACT: &str = "00000000-0000-0000-0000-000000000004";
const TO_OWNER: &str = "00000000-0000-0000-0000-000000000005";

fn lookup(id: &str, column: &str, target: &str, navigation: &str) -> Value {
    json!({
        "MetadataId": id, "ReferencingAttribute": column, "ReferencedEntity": target,
        "ReferencingEntityNavigationPropertyName": navigation,
    })
}

fn first(stamp: &str) -> String {
    let column = |id: &str, name: &str, type_name: &str, targets: &[&str]| {
        json!({
            "MetadataId": id, "LogicalName": name,
            "AttributeTypeName": { "Value": type_name }, "Targets": targets,
        })
    };
    json!({
        "ServerVersionStamp": stamp,
        "EntityMetadata": [{
            "MetadataId": ACCOUNT, "LogicalName": "account", "EntitySetName": "accounts",
            "PrimaryIdAttribute": "accountid", "PrimaryNameAttribute": "name",
            "Attributes": [
                column(NAME, "name", "StringType", &[]),
                column(CONTACT, "primarycontactid", "LookupType", &["contact"]),
                column(OWNER, "ownerid", "OwnerType", &["systemuser", "team"]),
            ],
            "ManyToOneRelationships": [
                lookup(TO_CONTACT, "primarycontactid", "contact", "PrimaryContactId"),
                lookup(TO_OWNER, "ownerid", "owner", "ownerid"),
            ],
        }],
    })
    .to_string()
}

#[tokio::test]
async fn a_schema_is_read_once_and_then_told_what_changed() {
    let later = json!({
        "ServerVersionStamp": "2",
        "EntityMetadata": [{
            "MetadataId": ACCOUNT, "LogicalName": "account", "HasChanged": null,
            "Attributes": [{
                "MetadataId": "00000000-0000-0000-0000-000000000009", "LogicalName": "new_x",
                "AttributeType": "Integer", "HasChanged": true,
            }],
        }],
        "DeletedMetadata": {
            "Count": 2, "IsReadOnly": false, "Keys": ["Attribute", "Relationship"],
            "Values": [{ "Items": [NAME] }, { "Items": [TO_CONTACT] }],
        },
    });
    let script = Script::new()
        .answer(200, &[], first("1"))
        .answer(200, &[], later.to_string());
    let (client, _) = script.client().unwrap();
    let mut schema = Schema::of(["account"]);
    client.definitions().refresh(&mut schema).await.unwrap();
    let account = schema.table("account").unwrap();
    assert_eq!(schema.table_of_set("accounts"), Some(account));
    assert_eq!(account.entity_set.as_deref(), Some("accounts"));
    assert_eq!(account.primary_id.as_deref(), Some("accountid"));
    assert_eq!(account.primary_name.as_deref(), Some("name"));
    let name = account.column("name").unwrap();
    assert_eq!(name.attribute_type, Some(AttributeType::STRING));
    assert_eq!(name.wire_name(), "name");
    let contact = account.column("primarycontactid").unwrap();
    assert_eq!(contact.wire_name(), "_primarycontactid_value");
    assert_eq!(contact.targets, ["contact"]);
    let navigation = |column: &str, target: &str| {
        let found = schema.table("account")?.navigation(column, target)?;
        Some(found.to_owned())
    };
    assert_eq!(
        navigation("primarycontactid", "contact").unwrap(),
        "PrimaryContactId"
    );
    assert_eq!(navigation("ownerid", "team").unwrap(), "ownerid");
    assert_eq!(navigation("ownerid", "contact"), None);
    assert_eq!(navigation("primarycontactid", "account"), None);

    client.definitions().refresh(&mut schema).await.unwrap();
    let account = schema.table("account").unwrap();
    assert_eq!(schema.version_stamp(), Some("2"));
    assert_eq!(account.entity_set.as_deref(), Some("accounts"));
    let names: Vec<&str> = account
        .columns()
        .map(|column| column.logical_name.as_str())
        .collect();
    assert_eq!(names, ["new_x", "ownerid", "primarycontactid"]);
    assert_eq!(account.navigation("primarycontactid", "contact"), None);

    let sent = script.sent();
    assert!(
        sent[0]
            .line
            .contains("RetrieveMetadataChanges(Query=@Query)?")
    );
    assert!(sent[1].line.contains("@ClientVersionStamp='1'"));
    assert!(
        sent[1]
            .line
            .contains("@DeletedMetadataFilters=Microsoft.Dynamics.CRM.DeletedMetadataFilters'All'")
    );
}

#[tokio::test]
async fn a_schema_with_an_expired_stamp_is_read_anew() {
    let old = json!({
        "ServerVersionStamp": "0",
        "EntityMetadata": [{ "MetadataId": NAME, "LogicalName": "gone" }],
    });
    let script = Script::new()
        .answer(200, &[], old.to_string())
        .error(
            400,
            "0x80044352",
            "Version stamp associated with the client has expired.",
        )
        .answer(200, &[], first("1"))
        .error(
            400,
            "0x80044352",
            "Version stamp associated with the client has expired.",
        )
        .error(403, "0x80040220", "no");
    let (client, _) = script.client().unwrap();
    let mut schema = Schema::new();
    client.definitions().refresh(&mut schema).await.unwrap();
    assert!(schema.table("gone").is_some());
    client.definitions().refresh(&mut schema).await.unwrap();
    assert!(schema.table("gone").is_none());
    assert!(schema.table("account").is_some());
    assert!(!script.sent()[2].line.contains("ClientVersionStamp"));
    // What is known is not forgotten for an answer that does not come.
    let before = schema.clone();
    let error = client.definitions().refresh(&mut schema).await;
    assert!(error.unwrap_err().is_forbidden());
    assert_eq!(schema, before);
}

#[test]
fn a_schema_reads_recorded_definitions() {
    let body = parse(&fixture("retrievemetadatachanges-account.json.gz"));
    let mut schema = Schema::new();
    schema.apply(serde_json::from_value(body).unwrap());
    let related = parse(&fixture(
        "tf-entitydefinition-account-with-relationships.json.gz",
    ));
    schema.apply(serde_json::from_value(json!({ "EntityMetadata": [related] })).unwrap());
    let account = schema.table("account").unwrap();
    assert_eq!(account.columns().count(), 248);
    let sla = account.column("slaid").unwrap();
    assert!(sla.is_lookup());
    assert_eq!(account.navigation("slaid", "sla"), Some("sla_account_sla"));
    assert_eq!(account.navigation("ownerid", "systemuser"), Some("ownerid"));
    assert_eq!(
        account.column("ownerid").unwrap().type_name.as_deref(),
        Some("OwnerType")
    );
    assert_eq!(
        account.column("statecode").unwrap().attribute_type,
        Some(AttributeType::STATE)
    );
    assert!(
        account
            .column("owneridname")
            .unwrap()
            .attribute_of
            .is_some()
    );
}

#[tokio::test]
async fn a_change_reads_from_the_database_and_sends_everything_back() {
    let column = json!({
        "@odata.context": "x", "LogicalName": "new_x", "MaxLength": 100, "Unknown": [1],
        "FormatName": { "Value": "Text" },
    });
    let script = Script::new()
        .answer(200, &[], column.to_string())
        .no_content()
        .answer(
            200,
            &[],
            json!({ "LogicalName": "account", "A": 1 }).to_string(),
        )
        .no_content()
        .error(404, "0x80040217", "Could not find an entity");
    let (client, _) = script.client().unwrap();
    let definitions = client.definitions();
    let change = definitions.change_column("account", "new_x", AttributeType::STRING, |column| {
        if let ColumnKind::Text(text) = &mut column.kind {
            text.max_length = Some(200);
        }
    });
    change.await.unwrap();
    definitions
        .change_table("account", |table| table.has_notes = Some(true))
        .await
        .unwrap();
    let missing = definitions.table("nothing").optional().await.unwrap();
    assert!(missing.is_none());
    let sent = script.sent();
    assert_eq!(sent[0].header("consistency"), "Strong");
    assert!(sent[1].line.starts_with("PUT "));
    assert_eq!(sent[1].header("mscrm.mergelabels"), "true");
    assert_eq!(
        parse(&sent[1].body),
        json!({
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "AttributeType": "String", "AttributeTypeName": { "Value": "StringType" },
            "LogicalName": "new_x", "MaxLength": 200, "Unknown": [1],
            "FormatName": { "Value": "Text" },
        })
    );
    assert_eq!(
        parse(&sent[3].body),
        json!({ "LogicalName": "account", "A": 1, "HasNotes": true })
    );
}

#[tokio::test]
async fn a_lost_answer_to_a_create_is_told_and_to_a_delete_is_asked_again() {
    use dataverse_client::http::Reached;
    let script = Script::new()
        .failure(Reached::Unknown)
        .failure(Reached::Unknown)
        .error(404, "0x80040217", "Could not find an attribute");
    let (client, _) = script.client().unwrap();
    let column = ColumnDefinition::text("new_x", 10);
    let created = client.definitions().create_column("account", &column).await;
    assert!(created.unwrap_err().is_outcome_unknown());
    let path = DefinitionPath::column("account", "new_x");
    client.definitions().delete(path).await.unwrap();
    assert_eq!(script.sent().len(), 3);
}
