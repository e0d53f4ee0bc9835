//! Lookups of several tables that requests make.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{create, get, post, send};

async fn emulator() -> Emulator {
    let emulator = Emulator::builder().build().unwrap();
    let table = json!({
        "SchemaName": "new_Bill",
        "Attributes": [{
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "new_Name", "IsPrimaryName": true,
        }],
    });
    let made = post(&emulator, "EntityDefinitions", &table.to_string()).await;
    assert_eq!(made.status, 204, "{}", made.body);
    emulator
}

fn parameters(schema_name: &str, targets: &[&str]) -> Value {
    let relationship = |target: &&str| {
        json!({
            "SchemaName": format!("{schema_name}_{target}_bills"),
            "ReferencedEntity": target, "ReferencingEntity": "new_bill",
        })
    };
    let relationships: Vec<Value> = targets.iter().map(relationship).collect();
    json!({
        "Lookup": {
            "@odata.type": "Microsoft.Dynamics.CRM.ComplexLookupAttributeMetadata",
            "SchemaName": schema_name,
        },
        "OneToManyRelationships": relationships,
    })
}

#[tokio::test]
async fn a_customer_is_an_account_or_a_contact() {
    let emulator = emulator().await;
    let body = parameters("new_Payer", &["account", "contact"]).to_string();
    let made = post(&emulator, "CreateCustomerRelationships", &body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let made = made.json();
    let context = made["@odata.context"].as_str().unwrap();
    assert!(context.ends_with("#Microsoft.Dynamics.CRM.CreateCustomerRelationshipsResponse"));

    let column = format!(
        "EntityDefinitions(LogicalName='new_bill')/Attributes({})",
        made["AttributeId"].as_str().unwrap()
    );
    let path = format!("{column}/Microsoft.Dynamics.CRM.LookupAttributeMetadata");
    let told = get(&emulator, &path).await.json();
    assert_eq!(told["LogicalName"], "new_payer");
    assert_eq!(told["AttributeType"], "Customer");
    assert_eq!(told["Targets"], json!(["account", "contact"]));
    for (relationship, target) in made["RelationshipIds"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["account", "contact"])
    {
        let path = format!(
            "RelationshipDefinitions({})/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            relationship.as_str().unwrap()
        );
        let told = get(&emulator, &path).await.json();
        assert_eq!(told["ReferencedEntity"], target);
        assert_eq!(
            told["ReferencingEntityNavigationPropertyName"],
            format!("new_Payer_{target}")
        );
    }

    let account = create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let contact = create(&emulator, "contacts", r#"{"fullname":"C"}"#).await;
    let body = json!({ "new_Payer_account@odata.bind": format!("/{account}") }).to_string();
    let bill = create(&emulator, "new_bills", &body).await;
    let annotated = [("prefer", "odata.include-annotations=\"*\"")];
    let payer = async || {
        let read = send(&emulator, "GET", &bill, &annotated, "").await.json();
        let term = "_new_payer_value@Microsoft.Dynamics.CRM.lookuplogicalname";
        (read["_new_payer_value"].clone(), read[term].clone())
    };
    let value = |row: &str| json!(row.split_once('(').unwrap().1.trim_end_matches(')'));
    assert_eq!(payer().await, (value(&account), json!("account")));
    let body = json!({ "new_Payer_contact@odata.bind": format!("/{contact}") }).to_string();
    assert_eq!(
        send(&emulator, "PATCH", &bill, &[], &body).await.status,
        204
    );
    assert_eq!(payer().await, (value(&contact), json!("contact")));
    let bills = get(&emulator, &format!("{contact}/new_Payer_contact_bills")).await;
    assert_eq!(bills.json()["value"].as_array().unwrap().len(), 1);
    let path = format!("{bill}?$expand=new_Payer_contact($select=fullname)");
    let read = get(&emulator, &path).await.json();
    assert_eq!(read["new_Payer_contact"]["fullname"], "C");

    assert_eq!(
        send(&emulator, "DELETE", &column, &[], "").await.status,
        204
    );
    let gone = get(&emulator, &format!("{bill}?$select=_new_payer_value")).await;
    assert_eq!(gone.status, 400);
}

#[tokio::test]
async fn a_lookup_leads_to_the_tables_that_it_names() {
    let emulator = emulator().await;
    let action = "CreatePolymorphicLookupAttribute";
    let body = parameters("new_About", &["account", "task", "new_bill"]).to_string();
    let made = post(&emulator, action, &body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.json()["RelationshipIds"].as_array().unwrap().len(), 3);
    let bill = create(&emulator, "new_bills", "{}").await;
    for (set, navigation) in [
        ("tasks", "new_About_task"),
        ("new_bills", "new_About_new_bill"),
    ] {
        let row = create(&emulator, set, "{}").await;
        let body = json!({ format!("{navigation}@odata.bind"): format!("/{row}") }).to_string();
        let bound = send(&emulator, "PATCH", &bill, &[], &body).await;
        assert_eq!(bound.status, 204, "{}", bound.body);
        let read = get(&emulator, &bill).await.json();
        assert!(row.contains(read["_new_about_value"].as_str().unwrap()));
    }
    let mut apart = parameters("new_Apart", &["account", "contact"]);
    apart["OneToManyRelationships"][1]["ReferencingEntity"] = "task".into();
    let mut nameless = parameters("new_Nameless", &["account"]);
    nameless.as_object_mut().unwrap().remove("Lookup");
    for (action, body, code) in [
        (action, parameters("new_About", &["account"]), "0x80040203"),
        (action, parameters("new_None", &[]), "0x80090421"),
        (action, apart, "0x80090422"),
        (action, nameless, "0x80040203"),
        (action, parameters("new_No", &["no"]), "0x80041102"),
        (
            action,
            parameters("new_Twice", &["account", "account"]),
            "0x80040203",
        ),
        (
            "CreateCustomerRelationships",
            parameters("new_Who", &["task"]),
            "0x80040203",
        ),
    ] {
        let refused = post(&emulator, action, &body.to_string()).await;
        assert_eq!(
            (refused.status, refused.error().0.as_str()),
            (400, code),
            "{body}: {}",
            refused.body
        );
    }
}
