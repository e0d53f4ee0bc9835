//! The client's schema and definitions, from the emulator.

use dataverse_client::definitions::{
    AttributeType, ColumnDefinition, ColumnKind, DefinitionPath, MetadataFilter, MetadataQuery,
    Ownership, RelationshipDefinition, Schema, TableDefinition,
};
use dataverse_client::http::FixedToken;
use dataverse_client::{Client, New};
use dataverse_emulator::Emulator;
use dataverse_tests::fixture;

use crate::documents::{ON_PREMISES, ONLINE, document};

fn emulator() -> Emulator {
    let json = fixture("definitions/retrievemetadatachanges-account.json.gz");
    Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(std::fs::read(json).unwrap())
        .alternate_key("account", &["accountnumber"])
        .build()
        .unwrap()
}

fn client(emulator: &Emulator) -> Client {
    Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(emulator.clone())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_schema_knows_how_to_write_what_it_read() {
    let emulator = emulator();
    let client = client(&emulator);
    let mut schema = Schema::of(["account", "task", "email"]);
    client.definitions().refresh(&mut schema).await.unwrap();
    let names: Vec<&str> = schema.tables().map(|t| t.logical_name.as_str()).collect();
    assert_eq!(names, ["account", "email", "task"]);

    let task = schema.table("task").unwrap();
    let name = task.name().unwrap();
    assert_eq!(
        (name.entity_set(), name.known_primary_id()),
        ("tasks", Some("activityid"))
    );
    assert_eq!(task.entity_set.as_deref(), Some("tasks"));
    assert_eq!(task.primary_id.as_deref(), Some("activityid"));
    assert_eq!(task.primary_name.as_deref(), Some("subject"));
    let regarding = task.column("regardingobjectid").unwrap();
    assert_eq!(regarding.wire_name(), "_regardingobjectid_value");
    assert!(regarding.targets.contains(&"account".to_owned()));
    assert_eq!(
        task.navigation("regardingobjectid", "account"),
        Some("regardingobjectid_account_task")
    );
    assert_eq!(
        schema
            .table("email")
            .unwrap()
            .navigation("regardingobjectid", "account"),
        Some("regardingobjectid_account_email")
    );
    assert!(task.navigation("ownerid", "systemuser").is_some());
    let account = schema.table_of_set("accounts").unwrap();
    assert_eq!(
        account.column("industrycode").unwrap().attribute_type,
        Some(AttributeType::PICKLIST)
    );

    // A row written by these names alone is read back by them.
    let account_id = "11111111-2222-3333-4444-555555555555";
    emulator
        .seed(
            "account",
            [format!(
                "{{\"{}\":\"{account_id}\",\"{}\":\"Contoso\"}}",
                account.primary_id.as_deref().unwrap(),
                account.primary_name.as_deref().unwrap()
            )],
        )
        .unwrap();
    emulator
        .seed(
            "task",
            [format!(
                "{{\"{}@odata.bind\":\"/{}({account_id})\"}}",
                task.navigation("regardingobjectid", "account").unwrap(),
                account.entity_set.as_deref().unwrap()
            )],
        )
        .unwrap();

    // Nothing has changed since, and nothing is sent again.
    let before = schema.clone();
    client.definitions().refresh(&mut schema).await.unwrap();
    assert_eq!(schema, before);
    let requests = emulator.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].target.contains("ClientVersionStamp"));
}

#[tokio::test]
async fn a_schema_of_another_document_is_read_anew() {
    let first = emulator();
    let mut schema = Schema::of(["account"]);
    client(&first)
        .definitions()
        .refresh(&mut schema)
        .await
        .unwrap();
    let second = Emulator::builder().document(document(ONLINE));
    let second = second.build().unwrap();
    let stamp = schema.version_stamp().unwrap().to_owned();
    client(&second)
        .definitions()
        .refresh(&mut schema)
        .await
        .unwrap();
    assert_ne!(schema.version_stamp(), Some(stamp.as_str()));
    assert_eq!(second.requests().len(), 2);
    assert!(schema.table("account").unwrap().column("name").is_some());
}

#[tokio::test]
async fn definitions_are_read_through_the_client() {
    let emulator = emulator();
    let client = client(&emulator);
    let definitions = client.definitions();
    let account = definitions
        .table("account")
        .select(["EntitySetName"])
        .expand("Keys")
        .await
        .unwrap();
    assert_eq!(account.entity_set.as_deref(), Some("accounts"));
    assert_eq!(account.keys[0].columns, ["accountnumber"]);
    let by_id = definitions.table(account.metadata_id.unwrap()).await;
    assert_eq!(by_id.unwrap().logical_name.as_deref(), Some("account"));

    let columns = definitions.columns("account").await.unwrap();
    let of = |name: &str| {
        let mut columns = columns.iter();
        columns.find(|column| column.logical_name.as_deref() == Some(name))
    };
    let name = of("name").unwrap();
    assert!(matches!(name.kind, ColumnKind::Text(_)));
    let label = name.display_name.as_ref().unwrap();
    assert_eq!(label.text(1033), Some("Account Name"));
    let picklists = definitions
        .columns("account")
        .of_type(AttributeType::PICKLIST)
        .select(["LogicalName"])
        .expand("OptionSet")
        .await
        .unwrap();
    let industry = picklists
        .iter()
        .find(|column| column.logical_name.as_deref() == Some("industrycode"));
    let options = industry.unwrap().kind.option_set().unwrap();
    assert_eq!(
        options
            .option_of(1)
            .unwrap()
            .label
            .as_ref()
            .unwrap()
            .text(1033),
        Some("Accounting")
    );

    let regarding = definitions
        .many_to_one("task")
        .filter("ReferencedEntity eq 'account'")
        .await
        .unwrap();
    let name = regarding[0].schema_name.as_deref().unwrap();
    let one = definitions.relationship(name).await.unwrap();
    let RelationshipDefinition::OneToMany(one) = one else {
        panic!("{one:?}")
    };
    assert_eq!(one.referencing_table.as_deref(), Some("task"));
    let missing = definitions.choice("nothing").optional().await.unwrap();
    assert!(missing.is_none());

    let query = MetadataQuery::new()
        .tables(MetadataFilter::equals("EntitySetName", "contacts"))
        .column_properties(["AttributeType"])
        .columns(MetadataFilter::equals("IsPrimaryName", true));
    let changes = definitions.changes(&query).await.unwrap();
    assert_eq!(changes.tables.len(), 1);
    let contact = &changes.tables[0];
    assert_eq!(contact.columns.len(), 1);
    assert_eq!(contact.columns[0].logical_name.as_deref(), Some("fullname"));
    assert!(contact.many_to_one.is_empty());
}

#[tokio::test]
async fn a_table_is_made_used_changed_and_deleted() {
    let emulator = emulator();
    let client = client(&emulator);
    let definitions = client.definitions();
    let name = ColumnDefinition::text("new_Name", 100).label("Name");
    let table =
        TableDefinition::new("new_Widget", Ownership::USER_OWNED, name).label("Widget", "Widgets");
    definitions.create_table(&table).await.unwrap();
    let size = ColumnDefinition::integer("new_Size", (0, 10)).label("Size");
    definitions
        .create_column("new_widget", &size)
        .await
        .unwrap();
    definitions
        .change_column("new_widget", "new_size", AttributeType::INTEGER, |column| {
            column.display_name = Some("Width".into());
        })
        .await
        .unwrap();
    let column = definitions.column("new_widget", "new_size").await.unwrap();
    let label = column.display_name.unwrap();
    assert_eq!(label.text(1033), Some("Width"));

    let mut schema = Schema::of(["new_widget"]);
    definitions.refresh(&mut schema).await.unwrap();
    let widgets = schema.table("new_widget").unwrap().name().unwrap();
    let widgets = client.table(widgets);
    let row = New::new()
        .set_named("new_name", "a")
        .set_named("new_size", 3);
    let id = widgets.create(row).await.unwrap();
    let row = widgets.retrieve(id).select(["new_size"]).await.unwrap();
    assert_eq!(row.get::<i32>("new_size").unwrap(), Some(3));

    definitions
        .delete(DefinitionPath::table("new_widget"))
        .await
        .unwrap();
    let missing = definitions.table("new_widget").optional().await.unwrap();
    assert!(missing.is_none());
}
