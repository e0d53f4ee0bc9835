//! Choices, and names that stay.

use dataverse_codegen::model::{Choice, ChoiceKind, ChoiceOption, ColumnType, Model};
use dataverse_codegen::{NameLock, Options, generate};

use super::{document, named, set, table};

fn option(value: i32, label: &str) -> ChoiceOption {
    let mut option = ChoiceOption::default();
    option.value = value;
    option.label = (!label.is_empty()).then(|| label.to_owned());
    option
}

fn choice(name: &str, options: Vec<ChoiceOption>) -> Choice {
    let mut choice = Choice::default();
    choice.name = name.to_owned();
    choice.options = options;
    choice
}

/// `new_project` with a state, a status, a choice with hard labels, and a global choice twice.
fn model_with_choices() -> Model {
    let columns = "<Property Name=\"statecode\" Type=\"Edm.Int32\"/>\
        <Property Name=\"statuscode\" Type=\"Edm.Int32\"/>\
        <Property Name=\"new_kind\" Type=\"Edm.Int32\"/>\
        <Property Name=\"new_type\" Type=\"Edm.String\"/>\
        <Property Name=\"type\" Type=\"Edm.Int32\"/>";
    let mut model = super::model(&document(
        &table("new_project", columns),
        &set("new_project"),
    ));
    let mut status = choice(
        "s",
        vec![option(1, "Open"), option(2, "Won"), option(9, "Lost")],
    );
    status.options[0].state = Some(0);
    status.options[1].state = Some(1);
    status.kind = ChoiceKind::Status {
        states: Some("new_project.statecode".into()),
    };
    let mut sport = choice("new_sport", vec![option(1, "Swimming")]);
    sport.is_global = true;
    let hard = [
        (-1, "Other"),
        (1, "Financial Services (DO NOT USE)"),
        (2, "Other"),
        (3, "Päätös \"x\\\" 😀"),
        (4, "😀"),
        (5, "1st"),
        (6, "Self"),
        (7, "Unknown"),
        (8, ""),
        (9, "Don't 10 20"),
    ];
    let hard = hard.map(|(value, label)| option(value, label)).to_vec();
    let state = choice("t", vec![option(0, "Open"), option(1, "Closed")]);
    for (key, choice) in [
        ("new_project.statecode", state),
        ("new_project.statuscode", status),
        ("new_project.new_kind", choice("k", hard)),
        ("new_sport", sport),
    ] {
        model.choices.insert(key.to_owned(), choice);
    }
    let project = model.tables.get_mut("new_project").unwrap();
    for column in &mut project.columns {
        column.column_type = match column.logical_name.as_str() {
            "statecode" | "statuscode" | "new_kind" => {
                ColumnType::Choice(format!("new_project.{}", column.logical_name))
            }
            "new_type" => ColumnType::Choices("new_sport".into()),
            "type" => ColumnType::Choice("new_sport".into()),
            _ => continue,
        };
    }
    model
}

#[test]
fn labels_become_variants_and_hard_ones_stay_apart() {
    let files = generate(&model_with_choices(), &Options::default())
        .unwrap()
        .files;
    let choices = named(&files, "choices.rs");
    let of_kind = choices
        .split("pub enum NewProjectNewKind {")
        .nth(1)
        .unwrap();
    let of_kind: Vec<&str> = of_kind
        .lines()
        .map(str::trim)
        .take_while(|line| *line != "}")
        .filter(|line| line.contains(" = "))
        .collect();
    assert_eq!(
        of_kind,
        [
            "Other_m1 = -1 \"Other\",",
            "FinancialServicesDONOTUSE = 1 \"Financial Services (DO NOT USE)\",",
            "Other_2 = 2 \"Other\",",
            "PaatosXGrinning = 3 \"Päätös \\\"x\\\\\\\" 😀\",",
            "Grinning = 4 \"😀\",",
            "_1st = 5 \"1st\",",
            "Self_ = 6 \"Self\",",
            "Unknown_7 = 7 \"Unknown\",",
            "Option8 = 8 \"\",",
            "Dont10_20 = 9 \"Don't 10 20\",",
        ]
    );
    assert_eq!(choices.matches("pub enum NewSport {").count(), 1);
    assert!(
        choices.contains("Self::Won => NewProjectStatecode::Closed,"),
        "{choices}"
    );
    // No state is known for `Lost`.
    assert!(!choices.contains("Self::Lost =>"));
    let project = named(&files, "new_project.rs");
    assert!(project.contains("pub type_: Option<super::choices::NewSport>,"));
    assert!(project.contains("pub new_type: Option<dv::Choices<super::choices::NewSport>>,"));
    assert!(named(&files, "mod.rs").contains("pub use choices::*;"));
}

#[test]
fn prefixes_are_left_out_and_nothing_takes_the_name_of_another() {
    let mut options = Options::default();
    options.names.strip_prefixes = vec!["new_".into()];
    options.names.renames = [
        ("choice new_project.new_kind", "Sort"),
        ("option new_project.new_kind.2", "Different"),
        ("column new_project.statecode", "state"),
    ]
    .map(|(what, name)| (what.to_owned(), name.to_owned()))
    .into();
    let generated = generate(&model_with_choices(), &options).unwrap();
    let files = &generated.files;
    let project = named(files, "project.rs");
    assert!(project.contains("pub struct Project {"));
    // `type` keeps its name, so `new_type` cannot have it.
    assert!(project.contains("pub type_: Option<super::choices::Sport>,"));
    assert!(project.contains("pub type_2: Option<dv::Choices<super::choices::Sport>>,"));
    assert!(project.contains("pub const TYPE: dv::Column<Self, super::choices::Sport> ="));
    assert!(project.contains("dv::ColumnInfo::Plain(\"new_type\")"));
    assert!(project.contains("pub state: Option<super::choices::ProjectStatecode>,"));
    assert!(project.contains("pub const STATE: dv::Column<"));
    let choices = named(files, "choices.rs");
    assert!(choices.contains("pub enum Sort {") && choices.contains("Different = 2 \"Other\","));
    let lock = generated.lock.to_string();
    for line in [
        "choice new_project.new_kind = Sort",
        "column new_project.new_type = type_2",
        "module new_project = project",
        "table new_project = Project",
    ] {
        assert!(lock.lines().any(|known| known == line), "{lock}");
    }
    // Columns that are called as in the document need no line.
    assert!(!lock.contains("column new_project.statuscode"), "{lock}");
}

#[test]
fn a_name_once_given_stays() {
    let first = generate(&model_with_choices(), &Options::default()).unwrap();
    let lock = NameLock::parse("names.lock", &first.lock.to_string()).unwrap();
    assert_eq!(lock, first.lock);

    // A label changes, another table and another option come that would take names.
    let mut changed = model_with_choices();
    let kind = changed.choices.get_mut("new_project.new_kind").unwrap();
    kind.options[1].label = Some("Banks".into());
    kind.options
        .push(option(10, "Financial Services (DO NOT USE)"));
    let with_more = super::model(&document(
        &(table("new_project", "") + &table("NewProject", "")),
        &(set("new_project") + &set("NewProject")),
    ));
    changed
        .tables
        .insert("NewProject".into(), with_more.tables["NewProject"].clone());
    let options = Options {
        lock,
        ..Options::default()
    };
    let second = generate(&changed, &options).unwrap();
    let choices = named(&second.files, "choices.rs");
    assert!(choices.contains("FinancialServicesDONOTUSE = 1 \"Banks\","));
    assert!(choices.contains("FinancialServicesDONOTUSE_ = 10 "));
    assert!(named(&second.files, "new_project.rs").contains("pub struct NewProject {"));
    assert!(
        second
            .files
            .iter()
            .any(|file| file.text.contains("pub struct NewProject_ {"))
    );

    // The same again changes nothing.
    let options = Options {
        lock: second.lock.clone(),
        ..Options::default()
    };
    let third = generate(&changed, &options).unwrap();
    assert_eq!(third, second);
}

#[test]
fn what_definitions_do_not_tell_is_a_number_or_text() {
    let mut model: Model = model_with_choices();
    model.choices.clear();
    let files = generate(&model, &Options::default()).unwrap().files;
    let project = named(&files, "new_project.rs");
    assert!(project.contains("pub statecode: Option<i32>,"));
    assert!(project.contains("pub new_type: Option<String>,"));
    assert!(files.iter().all(|file| file.name != "choices.rs"));
}
