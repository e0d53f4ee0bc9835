//! Reading below a row: its properties, and through its navigation properties.

use http::StatusCode;

use crate::catalog::{Navigation, Table};
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::{self, Rows, check_options};
use crate::relation::{Relation, lookup_of};
use crate::row_key::RowKey;
use crate::security::Right;
use crate::service::Call;
use crate::url::Segment;
use crate::value::write_string;

/// `GET accounts(…)/…`: what `path` names, below the row `id`.
pub(crate) fn read(call: &Call<'_>, table: &Table, id: &str, path: &[Segment]) -> Result<Answer> {
    call.check(table, id, Right::Read)?;
    let [segment, behind @ ..] = path else {
        check_options(&call.address.options, &["$select", "$expand"])?;
        let expand = call.address.option("$expand");
        return query::single(call, table, id, StatusCode::OK, expand);
    };
    let name = segment.name.as_str();
    if let Some(navigation) = table.navigation(name) {
        return through_lookup(call, table, id, navigation, behind);
    }
    if table.collections.contains_key(name) {
        let relation = Relation::find(call.catalog, call.store, table, name)?
            .ok_or_else(|| Fault::unknown_segment(name))?;
        return through_collection(call, relation, id, segment, behind);
    }
    match behind {
        [] => query::property(call, table, id, name, false),
        [last] if last.name == "$value" => query::property(call, table, id, name, true),
        [next, ..] => Err(Fault::unknown_segment(&next.name)),
    }
}

fn through_lookup(
    call: &Call<'_>,
    table: &Table,
    id: &str,
    navigation: &Navigation,
    behind: &[Segment],
) -> Result<Answer> {
    call.store.make(table)?;
    let Some((target, id)) = lookup_of(call.store, table, navigation, id)? else {
        return Ok(Answer::no_content());
    };
    if let [last] = behind
        && last.name == "$ref"
    {
        check_options(&call.address.options, &[])?;
        let mut body = String::from("{\"@odata.context\":");
        write_string(&format!("{}$metadata#$ref", call.root()), &mut body);
        body.push_str(",\"@odata.id\":");
        write_string(&call.address_of(&target, &id), &mut body);
        body.push('}');
        return Ok(Answer::json(StatusCode::OK, body));
    }
    let target = call
        .catalog
        .by_name(&target)
        .ok_or_else(|| Fault::missing_row(&target, &id))?;
    call.store.make(target)?;
    read(call, target, &id, behind)
}

fn through_collection(
    call: &Call<'_>,
    relation: Relation<'_>,
    id: &str,
    segment: &Segment,
    behind: &[Segment],
) -> Result<Answer> {
    let rows = Rows {
        table: relation.target,
        of: Some((relation, id.to_owned())),
    };
    let Some(arguments) = &segment.arguments else {
        return match behind {
            [] => query::collection(call, &rows),
            [last] if last.name == "$count" => query::count_only(call, &rows),
            [last] if last.name == "$ref" => query::references(call, &rows),
            [next, ..] => Err(Fault::unknown_segment(&next.name)),
        };
    };
    // One row of the collection.
    let key = RowKey::parse(relation.target, arguments)?;
    let found = key.require(call.store, relation.target)?;
    if !relation.holds(call.store, id, &found)? {
        return Err(key.missing(relation.target));
    }
    read(call, relation.target, &found, behind)
}
