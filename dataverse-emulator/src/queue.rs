//! `AddToQueue`: rows that wait to be worked on.

use http::StatusCode;

use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter;
use crate::service::Call;
use crate::value::{Stored, format_time, write_string};
use crate::write::{self, Written};

/// Puts a row into a queue. A row that is in another one is moved.
pub(crate) fn add(call: &Call<'_>, queues: &Table, queue: &str) -> Result<Answer> {
    let parameters = parameter::of_action(call)?;
    let (table, id) = parameter::existing(call, &parameter::object(&parameters, "Target")?)?;
    let cannot_wait = || {
        Fault::invalid_argument(format!(
            "Rows of '{}' cannot be added to a queue.",
            table.logical_name
        ))
    };
    let items = call
        .catalog
        .by_name("queueitem")
        .ok_or_else(|| Fault::unknown_segment("AddToQueue"))?;
    let (object, _) = items.column_named("objectid").ok_or_else(cannot_wait)?;
    let mut ways = items.navigations.values();
    let leads = ways.any(|way| way.column == object && way.targets.contains(&table.logical_name));
    if !leads {
        return Err(cannot_wait());
    }
    let mut item = match parameters.get("QueueItemProperties") {
        Some(json) if json.get() != "null" => {
            let told = parameter::object(&parameters, "QueueItemProperties")?;
            write::read(call, items, &told)?
        }
        _ => Written::default(),
    };
    if let Some((place, _)) = items.column_named("queueid") {
        item.point(items, place, Some((&queues.logical_name, queue)));
    }
    item.point(items, object, Some((&table.logical_name, &id)));
    if let Some((place, _)) = items.column_named("enteredon") {
        item.set(place, Stored::Text(format_time(call.now)));
    }
    if let (Some(name), Some((place, _))) = (table.primary_name, items.column_named("title"))
        && let Some(values) = call.store.values(table, &id, &[name])?
        && let Some(title) = values.into_iter().next()
    {
        item.set(place, title);
    }
    let waiting = call
        .store
        .find(items, &[(&items.columns[object], Stored::Text(id.clone()))])?;
    let item = call.store.atomically(|| match waiting {
        Some(item_id) => {
            write::update(call, items, &item_id, item)?;
            Ok(item_id)
        }
        None => write::insert(call, items, item),
    })?;
    let mut body = String::from("{\"@odata.context\":");
    let context = "$metadata#Microsoft.Dynamics.CRM.AddToQueueResponse";
    write_string(&format!("{}{context}", call.root()), &mut body);
    body.push_str(",\"QueueItemId\":");
    write_string(&item, &mut body);
    body.push('}');
    Ok(Answer::json(StatusCode::OK, body))
}
