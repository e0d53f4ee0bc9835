//! What goes with a definition that is deleted, and what stays.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{create, get, post, send};

fn text(schema_name: &str) -> Value {
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": schema_name,
    })
}

async fn delete(emulator: &Emulator, path: &str) {
    let gone = send(emulator, "DELETE", path, &[], "").await;
    assert_eq!(gone.status, 204, "{path}: {}", gone.body);
}

#[tokio::test]
async fn a_column_whose_name_begins_so_stays() {
    let emulator = Emulator::builder().build().unwrap();
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    for schema_name in ["new_Bank", "new_BankId", "new_Bank_Name"] {
        let made = post(&emulator, columns, &text(schema_name).to_string()).await;
        assert_eq!(made.status, 204, "{}", made.body);
    }
    let body = json!({ "new_bank": "A", "new_bankid": "1", "new_bank_name": "B" }).to_string();
    let row = create(&emulator, "accounts", &body).await;
    delete(&emulator, &format!("{columns}(LogicalName='new_bank')")).await;
    let read = get(&emulator, &row).await.json();
    let stays = (&read["new_bankid"], &read["new_bank_name"]);
    assert_eq!(stays, (&json!("1"), &json!("B")));
}

#[tokio::test]
async fn a_lookup_of_several_tables_loses_one_of_them() {
    let emulator = Emulator::builder().build().unwrap();
    let relationship = |target: &str| {
        json!({
            "SchemaName": format!("new_payer_{target}"), "ReferencedEntity": target,
            "ReferencingEntity": "task",
        })
    };
    let body = json!({
        "Lookup": {
            "@odata.type": "Microsoft.Dynamics.CRM.ComplexLookupAttributeMetadata",
            "SchemaName": "new_Payer",
        },
        "OneToManyRelationships": [relationship("account"), relationship("contact")],
    });
    let action = "CreatePolymorphicLookupAttribute";
    let made = post(&emulator, action, &body.to_string()).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let made = made.json();
    let mut tasks = Vec::new();
    for (set, target) in [("accounts", "account"), ("contacts", "contact")] {
        let row = create(&emulator, set, "{}").await;
        let body = json!({ format!("new_Payer_{target}@odata.bind"): format!("/{row}") });
        tasks.push(create(&emulator, "tasks", &body.to_string()).await);
    }
    let payer = async |task: &String| {
        let read = get(&emulator, &format!("{task}?$select=_new_payer_value")).await;
        assert_eq!(read.status, 200, "{}", read.body);
        read.json()["_new_payer_value"].clone()
    };
    let contact = payer(&tasks[1]).await;
    assert!(contact.is_string());
    let id = made["RelationshipIds"][0].as_str().unwrap();
    delete(&emulator, &format!("RelationshipDefinitions({id})")).await;
    assert_eq!(payer(&tasks[0]).await, Value::Null);
    assert_eq!(payer(&tasks[1]).await, contact);
    let path = "EntityDefinitions(LogicalName='task')/Attributes(LogicalName='new_payer')/\
                Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=Targets";
    let told = get(&emulator, path).await.json();
    assert_eq!(told["Targets"], json!(["contact"]));
}
