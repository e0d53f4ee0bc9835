//! Choices: an enum for each.

use super::layout::Text;
use super::names::{ChoiceName, Names};
use super::table::deprecated;
use super::text::{literal, plain};
use crate::model::{ChoiceKind, Column, ColumnType, Table};
use crate::select::Selection;

/// The choice of a column: its key in the model.
pub(super) fn key(column: &Column) -> Option<&str> {
    match &column.column_type {
        ColumnType::Choice(key) | ColumnType::Choices(key) => Some(key),
        _ => None,
    }
}

/// `choices.rs`.
pub(super) fn emit(out: &mut Text, selection: &Selection<'_>, names: &Names<'_>) {
    out.line(0, &names.client);
    let mut sorted: Vec<(&str, &ChoiceName<'_>)> = names
        .choices
        .iter()
        .map(|(key, named)| (*key, named))
        .collect();
    sorted.sort_by(|left, right| left.1.name.cmp(&right.1.name));
    for (key, named) in sorted {
        let feature = named
            .table
            .and_then(|table| selection.feature(names, table));
        choice(out, key, named, feature.as_deref());
        if let ChoiceKind::Status {
            states: Some(states),
        } = &named.choice.kind
        {
            let states = names.choices.get(states.as_str());
            states_of(out, named, states, feature.as_deref());
        }
    }
}

fn choice(out: &mut Text, key: &str, named: &ChoiceName<'_>, feature: Option<&str>) {
    let choice = named.choice;
    out.blank();
    out.only_with(0, feature);
    out.line(0, "dv::choice! {");
    let label = choice.label.as_deref().map(plain).unwrap_or_default();
    let label = match label.is_empty() {
        true => String::new(),
        false => format!("{label}: "),
    };
    let kind = if choice.is_global {
        "global choice"
    } else {
        "choice"
    };
    out.doc(1, format_args!("{label}{kind} `{key}`."));
    let description = choice.description.as_deref().map(plain).unwrap_or_default();
    if !description.is_empty() {
        out.line(1, "///");
        out.doc(1, &description);
    }
    out.line(1, &format!("pub enum {} {{", named.name));
    for (option, variant) in choice.options.iter().zip(&named.options) {
        let label = option.label.as_deref().unwrap_or_default();
        let mut doc = plain(label);
        let description = option.description.as_deref().map(plain).unwrap_or_default();
        if !description.is_empty() {
            let colon = if doc.is_empty() { "" } else { ": " };
            doc.push_str(&format!("{colon}{description}"));
        }
        if doc.is_empty() {
            doc = "Without a label.".to_owned();
        }
        out.doc(2, &doc);
        deprecated(out, 2, option.deprecated);
        let value = option.value;
        out.line(2, &format!("{variant} = {value} {},", literal(label)));
    }
    out.line(1, "}");
    out.line(0, "}");
}

/// The state that each value of a status belongs to.
fn states_of(
    out: &mut Text,
    status: &ChoiceName<'_>,
    states: Option<&ChoiceName<'_>>,
    feature: Option<&str>,
) {
    let Some(states) = states else {
        return;
    };
    let state_of = |value: i32| {
        let place = states
            .choice
            .options
            .iter()
            .position(|o| o.value == value)?;
        states.options.get(place)
    };
    let arms: Vec<(&String, &String)> = status
        .choice
        .options
        .iter()
        .zip(&status.options)
        .filter_map(|(option, variant)| Some((variant, option.state.and_then(state_of)?)))
        .collect();
    if arms.is_empty() {
        return;
    }
    out.blank();
    out.only_with(0, feature);
    out.line(0, &format!("impl {} {{", status.name));
    out.doc(
        1,
        "The state this status belongs to; None if that is not known.",
    );
    out.line(
        1,
        &format!("pub fn state(self) -> Option<{}> {{", states.name),
    );
    out.line(2, "Some(match self {");
    for (variant, state) in arms {
        let value = format!("{}::{state}", states.name);
        out.arm(3, &format!("Self::{variant}"), ["", &value]);
    }
    out.line(3, "_ => return None,");
    out.line(2, "})");
    out.line(1, "}");
    out.line(0, "}");
}

impl<'m> Selection<'m> {
    /// Columns that hold choices, with the keys of those.
    pub(super) fn choices(
        &self,
    ) -> impl Iterator<Item = (&'m Table, &'m Column, &'m str, &'m crate::model::Choice)> {
        let model = self.model;
        let tables = self.tables.clone();
        tables.into_iter().flat_map(move |table| {
            table.columns.iter().filter_map(move |column| {
                let key = key(column)?;
                let (key, choice) = model.choices.get_key_value(key)?;
                Some((table, column, key.as_str(), choice))
            })
        })
    }
}
