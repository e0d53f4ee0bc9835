//! Who may write a column: what annotations say, and what is known without them.

use std::collections::BTreeMap;

use dataverse_codegen::csdl;
use dataverse_codegen::model::{self, Access, ColumnType, Model};
use dataverse_codegen::{Options, generate};

use super::{ANNOTATED, document, model as read, named, set, table, text};

fn access(model: &Model, table: &str, column: &str) -> Access {
    let columns = &model.tables[table].columns;
    let found = columns.iter().find(|c| c.logical_name == column);
    found
        .unwrap_or_else(|| panic!("no {table}.{column}"))
        .access
}

/// The document says `Read` and `Computed` of `_primarycontactid_value`, as of almost every
/// lookup: that is about the name, not about the lookup.
#[test]
fn lookups_of_an_annotated_document_can_be_set() {
    let model = read(&text(ANNOTATED));
    for (table, column, wanted) in [
        ("account", "primarycontactid", Access::ReadWrite),
        ("account", "parentaccountid", Access::ReadWrite),
        ("account", "slaid", Access::ReadWrite),
        ("incident", "customerid", Access::ReadWrite),
        ("account", "ownerid", Access::ReadWrite),
        // Without a navigation property: the owner of the contract is the owner of its lines.
        ("contractdetail", "ownerid", Access::ReadOnly),
        ("account", "createdby", Access::ReadOnly),
        ("account", "owningteam", Access::ReadOnly),
        ("account", "openrevenue", Access::ReadOnly),
        ("organization", "organizationid", Access::ReadOnly),
        ("account", "accountid", Access::CreateOnly),
        ("account", "statecode", Access::UpdateOnly),
        ("duplicaterule", "statecode", Access::ReadOnly),
    ] {
        assert_eq!(access(&model, table, column), wanted, "{table}.{column}");
    }
    let options = Options {
        tables: vec!["account".into()],
        operations: None,
        ..Options::default()
    };
    let files = generate(&model, &options).unwrap().files;
    let account = named(&files, "account.rs");
    assert!(account.contains("PRIMARYCONTACTID: dv::Column<Self, dv::Lookup<super::Contact>> ="));
}

#[test]
fn a_currency_sets_its_rate_and_rows_copy_it() {
    for file in [ANNOTATED, super::ON_PREMISES] {
        let model = read(&text(file));
        let rate = |table| access(&model, table, "exchangerate");
        assert_eq!(rate("transactioncurrency"), Access::ReadWrite, "{file}");
        assert_eq!(rate("account"), Access::ReadOnly, "{file}");
    }
}

/// What is known without annotations never forbids a write that they allow.
#[test]
fn known_columns_agree_with_annotations() {
    let text = text(ANNOTATED);
    let mut document = csdl::parse(&text).unwrap();
    let annotated = model::build(&document);
    let mut says_read: BTreeMap<(String, String), bool> = BTreeMap::new();
    for entity in document
        .schemas
        .iter_mut()
        .flat_map(|s| &mut s.entity_types)
    {
        for property in &mut entity.properties {
            let key = (entity.name.to_string(), property.name.to_string());
            says_read.insert(key, property.read_only || property.computed);
            (property.read_only, property.computed) = (false, false);
        }
    }
    let bare = model::build(&document);
    let mut wrong = Vec::new();
    for (name, table) in &bare.tables {
        for column in &table.columns {
            let key = (name.clone(), column.wire_name.clone());
            // Nothing to bind it through: read-only whatever the document says.
            let is_unbound =
                column.wire_name != column.logical_name && column.column_type == ColumnType::Guid;
            // Inherited ones are judged where they are declared.
            let is_wrong = !is_unbound
                && column.access == Access::ReadOnly
                && says_read.get(&key) == Some(&false);
            if is_wrong {
                wrong.push(format!("{name}.{}", column.logical_name));
            }
        }
    }
    // Two that nobody writes: the document forgets to say so.
    assert_eq!(
        wrong,
        [
            "subscriptionsyncentryoffline.versionnumber",
            "subscriptionsyncentryoutlook.versionnumber"
        ]
    );
    // Annotations forbid no lookup that can be bound.
    for (name, table) in &annotated.tables {
        for column in &table.columns {
            if matches!(column.column_type, ColumnType::Lookup(_)) {
                let known = access(&bare, name, &column.logical_name);
                assert_eq!(column.access, known, "{name}.{}", column.logical_name);
            }
        }
    }
}

#[test]
fn what_comes_with_a_file_is_filled_by_the_service() {
    let members = "<Property Name=\"new_scan\" Type=\"Edm.Binary\"/>\
        <Property Name=\"new_scan_name\" Type=\"Edm.String\"/>\
        <Property Name=\"new_x_composite\" Type=\"Edm.String\"/>\
        <Property Name=\"exchangerate\" Type=\"Edm.Decimal\"/>";
    let model = read(&document(&table("a", members), &set("a")));
    assert_eq!(access(&model, "a", "new_scan_name"), Access::ReadOnly);
    // A maker's own column, whatever its name.
    assert_eq!(access(&model, "a", "new_x_composite"), Access::ReadWrite);
    assert_eq!(access(&model, "a", "exchangerate"), Access::ReadWrite);
}
