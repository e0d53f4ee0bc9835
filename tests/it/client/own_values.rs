//! A type of the program's own as the value of a column, when it writes more than its JSON.

use dataverse_client::value::{Scalar, Value, ValueError};
use dataverse_client::{
    AnyRow, Changes, Create, Entity, Id, InvokeNamed, New, Operation, Update, UpsertMultiple,
};

use super::requests::{ID, sent};

/// What it does with the text it is to append to.
#[derive(Clone, Debug, PartialEq)]
enum Careless {
    /// Appends, as it should.
    Appends,
    /// Writes nothing.
    Nothing,
    Clears,
    ClearsAndWrites(String),
    Truncates(usize),
    InsertsBefore,
    RunsOverTheEnd,
}

impl Value for Careless {
    fn from_scalar(scalar: Scalar<'_>) -> Result<Self, ValueError> {
        Err(ValueError::new("nothing", &scalar))
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Careless::Appends => out.push_str("\"kept\""),
            Careless::Nothing => {}
            Careless::Clears => out.clear(),
            Careless::ClearsAndWrites(text) => {
                out.clear();
                out.push_str(text);
            }
            Careless::Truncates(length) => out.truncate(*length),
            Careless::InsertsBefore => out.insert_str(0, "\"x\""),
            Careless::RunsOverTheEnd => *out = "ä".repeat(out.len()),
        }
    }

    fn write_literal(&self, out: &mut String) {
        self.write_json(out);
    }
}

#[derive(Entity, Default)]
#[dataverse(table = "new_thing", set = "new_things", id = "new_thingid")]
struct Thing {
    new_thingid: Option<Id<Thing>>,
    new_name: Option<String>,
    new_own: Option<Careless>,
}

fn careless() -> impl Iterator<Item = Careless> {
    let lengths = (0..40).map(Careless::Truncates);
    let texts = (1..60).map(|length| Careless::ClearsAndWrites("\"".repeat(length)));
    let others = [
        Careless::Nothing,
        Careless::Clears,
        Careless::InsertsBefore,
        Careless::RunsOverTheEnd,
    ];
    lengths.chain(texts).chain(others)
}

fn told(operation: &impl Operation) -> String {
    let error = operation.request().unwrap_err();
    assert!(error.is_invalid_input(), "{error:?}");
    error.to_string()
}

#[test]
fn a_value_that_takes_text_away_is_told_before_anything_is_sent() {
    for value in careless() {
        let row = New::new()
            .set(Thing::NEW_NAME, "first")
            .set(Thing::NEW_OWN, value.clone());
        let told = told(&Create::new(row));
        assert!(told.contains("`new_own`"), "{value:?}: {told}");
        assert!(told.contains("write_json"), "{value:?}: {told}");
    }
}

#[test]
fn nothing_that_is_set_afterwards_hides_it() {
    for value in careless() {
        let row = Changes::new()
            .set(Thing::NEW_NAME, "first")
            .set(Thing::NEW_OWN, Careless::Appends)
            .set(Thing::NEW_OWN, value.clone())
            .set(Thing::NEW_OWN, Careless::Appends)
            .unbind_named("new_own")
            .set(Thing::NEW_NAME, "last");
        assert!(!row.is_empty());
        let id = Id::<Thing>::new(ID);
        told(&Update::new(id, row.clone()));
        told(&UpsertMultiple::new([(id, row)]));
    }
}

#[test]
fn a_member_that_is_no_json_is_an_error_and_not_left_out() {
    let row = AnyRow::default()
        .set("new_name", "first".to_owned())
        .set("new_own", Careless::ClearsAndWrites("no json".to_owned()));
    assert_eq!(row.json("new_own").unwrap().as_str(), "no json");
    assert!(row.get::<String>("new_own").unwrap_err().is_decode());
    assert!(serde_json::to_string(&row).is_err());
    let message = InvokeNamed::action("new_Do").value("Other", row);
    assert!(sent(&message).ends_with(r#""Other":{"new_name":"first","new_own":no json}}"#));
}

#[test]
fn a_value_that_appends_is_sent() {
    let row = Changes::new()
        .set(Thing::NEW_OWN, Careless::Appends)
        .set_named("a\"b", 1)
        .set_named("a\"b", 2);
    assert_eq!(
        sent(&Update::new(Id::<Thing>::new(ID), row)).lines().last(),
        Some("{\"new_own\":\"kept\",\"a\\\"b\":2}")
    );
}
