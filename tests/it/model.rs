//! What real documents mean.

use dataverse_codegen::csdl;
use dataverse_codegen::model::{Access, Column, ColumnType, ItemType, Model, Table, build};
use dataverse_tests::fixture;

fn model(file: &str) -> Model {
    let text = csdl::text(std::fs::read(fixture("csdl").join(file)).unwrap()).unwrap();
    build(&csdl::parse(&text).unwrap())
}

fn online() -> Model {
    model("dataverse-online-9.1-crm4-2020-09.csdl.xml.gz")
}

/// With Sales and Service.
fn on_premises() -> Model {
    model("dynamics-onprem-9.x-csrs-2022-01.csdl.xml.gz")
}

fn column<'a>(table: &'a Table, name: &str) -> &'a Column {
    let found = table.columns.iter().find(|c| c.logical_name == name);
    found.unwrap_or_else(|| panic!("{} has no {name}", table.logical_name))
}

/// `table/navigation` of each target, an abstract type after `<`.
fn targets(table: &Table, name: &str) -> Vec<String> {
    let ColumnType::Lookup(targets) = &column(table, name).column_type else {
        panic!("{name} is no lookup: {:?}", column(table, name))
    };
    let text = |target: &dataverse_codegen::model::LookupTarget| {
        let through = target.through.as_ref().map(|t| format!("<{t}"));
        format!(
            "{}/{}{}",
            target.table,
            target.navigation,
            through.unwrap_or_default()
        )
    };
    targets.iter().map(text).collect()
}

#[test]
fn a_business_table_is_what_it_is_on_the_wire() {
    let model = online();
    let account = &model.tables["account"];
    assert_eq!(account.entity_set.as_deref(), Some("accounts"));
    assert_eq!(account.primary_id.as_deref(), Some("accountid"));
    assert_eq!(
        column(account, "accountid").column_type,
        ColumnType::PrimaryId
    );
    assert_eq!(column(account, "accountid").access, Access::CreateOnly);
    assert_eq!(column(account, "revenue").column_type, ColumnType::Decimal);
    assert_eq!(column(account, "revenue_base").access, Access::ReadOnly);
    assert_eq!(column(account, "entityimage_url").access, Access::ReadOnly);
    assert_eq!(column(account, "createdon").access, Access::ReadOnly);
    assert_eq!(column(account, "statecode").access, Access::UpdateOnly);
    let lookup = column(account, "primarycontactid");
    assert_eq!(lookup.wire_name, "_primarycontactid_value");
    assert_eq!(
        targets(account, "primarycontactid"),
        ["contact/primarycontactid"]
    );
    // The navigation property has nothing to do with the column's name.
    assert_eq!(targets(account, "slaid"), ["sla/sla_account_sla"]);
    assert_eq!(
        targets(account, "ownerid"),
        ["systemuser/ownerid<principal", "team/ownerid<principal"]
    );
    let external = column(account, "createdbyexternalparty");
    assert_eq!(external.access, Access::ReadOnly);
    assert_eq!(external.wire_name, "_createdbyexternalparty_value");
}

#[test]
fn customers_have_one_navigation_property_for_each_table() {
    let model = on_premises();
    assert_eq!(
        targets(&model.tables["incident"], "customerid"),
        ["account/customerid_account", "contact/customerid_contact"]
    );
}

#[test]
fn users_and_teams_have_keys_of_their_own() {
    // One document restates the inherited key in both tables, the other does not.
    for model in [online(), on_premises()] {
        for table in ["systemuser", "team"] {
            let id = format!("{table}id");
            assert_eq!(model.tables[table].primary_id.as_ref(), Some(&id));
            column(&model.tables[table], "ownerid");
        }
        assert!(model.tables["principal"].is_abstract);
    }
}

#[test]
fn activities_inherit_columns_and_bind_through_names_of_their_own() {
    let model = online();
    let task = &model.tables["task"];
    assert_eq!(task.primary_id.as_deref(), Some("activityid"));
    column(task, "subject");
    let regarding = targets(task, "regardingobjectid");
    assert_eq!(
        regarding,
        [
            "account/regardingobjectid_account_task",
            "contact/regardingobjectid_contact_task",
            // No rule gives this name.
            "interactionforemail/regardingobjectid_new_interactionforemail",
            "knowledgearticle/regardingobjectid_knowledgearticle_task",
            "knowledgebaserecord/regardingobjectid_knowledgebaserecord_task",
        ]
    );
    assert_eq!(targets(task, "slaid"), ["sla/sla_task_sla"]);
    assert_eq!(
        targets(task, "ownerid"),
        [
            "systemuser/ownerid_task<principal",
            "team/ownerid_task<principal"
        ]
    );
}

#[test]
fn operations_know_how_they_are_called() {
    let model = on_premises();
    let named = |name: &str| {
        let found: Vec<_> = model.operations.iter().filter(|o| o.name == name).collect();
        found
    };
    let [win] = &named("WinOpportunity")[..] else {
        panic!()
    };
    assert!(win.is_callable && win.binding.is_none() && win.returns.is_none());
    assert_eq!(win.parameters.len(), 2);
    assert!(
        named("RetrieveUnpublished").len() > 5,
        "one for each binding"
    );
    assert!(named("Merge")[0].parameters.iter().any(|parameter| {
        parameter.type_ref.item == ItemType::AnyRow("crmbaseentity".to_owned())
    }));
    assert!(!named("LastXDays")[0].is_callable, "a function of $filter");
}

#[test]
fn every_lookup_of_every_document_is_bound_or_read_only() {
    for entry in std::fs::read_dir(fixture("csdl")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".gz") {
            continue;
        }
        for table in model(&file).tables.values() {
            for column in &table.columns {
                let is_lookup = column.wire_name != column.logical_name;
                match &column.column_type {
                    ColumnType::Lookup(targets) => assert!(is_lookup && !targets.is_empty()),
                    _ if is_lookup => assert_eq!(column.access, Access::ReadOnly),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn odd_documents_are_taken_as_they_are() {
    let schema = |body: &str| {
        format!(
            "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
             <edmx:DataServices><Schema Namespace=\"N\" Alias=\"n\" \
             xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">{body}</Schema>\
             </edmx:DataServices></edmx:Edmx>"
        )
    };
    let text = schema(
        "<EntityType Name=\"a\" BaseType=\"n.b\"><Property Name=\"x\" Type=\"Edm.Geo\"/></EntityType>\
         <EntityType Name=\"b\" BaseType=\"n.a\"><Key><PropertyRef Name=\"y\"/></Key>\
         <NavigationProperty Name=\"z\" Type=\"n.missing\"/></EntityType>\
         <EntityType Name=\"c\" BaseType=\"elsewhere.d\"><Property Name=\"_e_value\" Type=\"Edm.Guid\"/>\
         </EntityType>",
    );
    let model = build(&csdl::parse(&text).unwrap());
    assert_eq!(model.tables.len(), 3);
    assert_eq!(
        model.tables["a"].columns[0].column_type,
        ColumnType::Other("Edm.Geo".to_owned())
    );
    assert_eq!(model.tables["a"].primary_id.as_deref(), Some("y"));
    assert_eq!(model.tables["c"].columns[0].column_type, ColumnType::Guid);
}
