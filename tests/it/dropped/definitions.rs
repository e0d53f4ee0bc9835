//! Definitions that are read, changed and kept.

use dataverse_client::definitions::{
    AssociatedMenu, AttributeType, ColumnDefinition, Definitions, Label, MenuBehavior,
    OneToManyRelationship, OptionSetDefinition, Ownership, RelationshipDefinition, Schema,
    TableDefinition,
};

use super::{World, finish, poll_times};
use crate::emulator::small;

#[test]
fn a_schema_is_as_before_or_up_to_date() {
    let world = World::of(small::builder());
    let definitions = world.client.definitions();
    let mut whole = Schema::of(["account"]);
    finish(definitions.refresh(&mut whole)).unwrap();
    world.drop_everywhere(|polls| {
        let mut schema = Schema::of(["account"]);
        let done = poll_times(definitions.refresh(&mut schema), polls).is_some();
        assert_eq!(schema == whole, done, "{polls}");
        assert!(done || schema == Schema::of(["account"]), "{polls}");
        finish(definitions.refresh(&mut schema)).unwrap();
        assert_eq!(schema, whole, "{polls}");
        done
    });
}

/// A table of its own, with a column.
fn world() -> World {
    let world = World::of(small::builder());
    let definitions = world.client.definitions();
    let name = ColumnDefinition::text("new_Name", 100).label("Name");
    let table =
        TableDefinition::new("new_Widget", Ownership::USER_OWNED, name).label("Old", "Widgets");
    finish(definitions.create_table(&table)).unwrap();
    world
}

/// The text of the label that is changed.
fn shown(label: Option<Label>) -> String {
    let label = label.unwrap();
    label.text(1033).unwrap().to_owned()
}

#[test]
fn a_definition_is_as_before_or_changed() {
    let world = world();
    let definitions: Definitions = world.client.definitions();
    world.drop_everywhere(|polls| {
        let new = format!("table {polls}");
        let before = finish(definitions.table("new_widget"))
            .unwrap()
            .display_name;
        let change = definitions.change_table("new_widget", |table| {
            table.display_name = Some(new.as_str().into());
        });
        let done = poll_times(change, polls).map(Result::unwrap).is_some();
        let now = shown(
            finish(definitions.table("new_widget"))
                .unwrap()
                .display_name,
        );
        assert!(
            now == new || (!done && now == shown(before)),
            "{polls}: {now}"
        );
        done
    });
    world.drop_everywhere(|polls| {
        let new = format!("column {polls}");
        let column = || finish(definitions.column("new_widget", "new_name")).unwrap();
        let before = shown(column().display_name);
        let change =
            definitions.change_column("new_widget", "new_name", AttributeType::STRING, |column| {
                column.display_name = Some(new.as_str().into())
            });
        let done = poll_times(change, polls).map(Result::unwrap).is_some();
        let now = shown(column().display_name);
        assert!(now == new || (!done && now == before), "{polls}: {now}");
        done
    });
}

#[test]
fn a_choice_or_a_relationship_is_as_before_or_changed() {
    let world = world();
    let definitions = world.client.definitions();
    let choice = OptionSetDefinition::global("new_choice", "Old");
    finish(definitions.create_choice(&choice)).unwrap();
    world.drop_everywhere(|polls| {
        let new = format!("choice {polls}");
        let choice = || finish(definitions.choice("new_choice")).unwrap();
        let before = shown(choice().display_name);
        let change = definitions.change_choice("new_choice", |choice| {
            choice.display_name = Some(new.as_str().into());
        });
        let done = poll_times(change, polls).map(Result::unwrap).is_some();
        let now = shown(choice().display_name);
        assert!(now == new || (!done && now == before), "{polls}: {now}");
        done
    });
    let relationship = OneToManyRelationship::new(
        "new_account_new_widget",
        ("account", "accountid"),
        "new_widget",
        ColumnDefinition::lookup("new_AccountId").label("Account"),
    );
    finish(definitions.create_relationship(relationship)).unwrap();
    let order = || {
        let found = finish(definitions.relationship("new_account_new_widget")).unwrap();
        let RelationshipDefinition::OneToMany(one) = found else {
            panic!("{found:?}")
        };
        one.menu.and_then(|menu| menu.order)
    };
    world.drop_everywhere(|polls| {
        let new = i32::try_from(polls).unwrap() + 10_000;
        let before = order();
        let change = definitions.change_relationship("new_account_new_widget", |relationship| {
            if let RelationshipDefinition::OneToMany(one) = relationship {
                one.menu = Some(AssociatedMenu::new(MenuBehavior::USE_LABEL, new));
            }
        });
        let done = poll_times(change, polls).map(Result::unwrap).is_some();
        let now = order();
        assert!(
            now == Some(new) || (!done && now == before),
            "{polls}: {now:?}"
        );
        done
    });
}
