//! Bulk messages: many rows of one table in one request.
//!
//! Standard tables keep all or nothing. Elastic tables keep what succeeds, and tell what failed in
//! an annotation of the error.

use std::collections::HashSet;

use http::StatusCode;
use serde_json::value::RawValue;

use crate::catalog::Table;
use crate::elastic;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::reference;
use crate::row_key::RowKey;
use crate::service::Call;
use crate::value::{guid, write_string};
use crate::write::{self, Conditions, Members};

/// How each row of an elastic table fared.
const DETAILS: &str = "Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails";

/// A message for many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    Create,
    Update,
    Upsert,
    Delete,
}

impl Message {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "CreateMultiple" => Some(Message::Create),
            "UpdateMultiple" => Some(Message::Update),
            "UpsertMultiple" => Some(Message::Upsert),
            "DeleteMultiple" => Some(Message::Delete),
            _ => None,
        }
    }
}

/// Answers a bulk message.
pub(crate) fn answer(call: &Call<'_>, table: &Table, message: Message) -> Result<Answer> {
    if message == Message::Delete && !table.is_elastic() {
        return Err(Fault::new(
            StatusCode::BAD_REQUEST,
            "0x0",
            "DeleteMultiple has not yet been implemented.",
        ));
    }
    let targets = targets(call, table)?;
    let mut rows = Rows {
        call,
        table,
        message,
        seen: HashSet::new(),
    };
    let ids = match table.is_elastic() {
        true => rows.each(&targets)?,
        false => call
            .store
            .atomically(|| targets.iter().map(|target| rows.write(target)).collect())?,
    };
    let answer = match message {
        Message::Create => created(call, &ids),
        Message::Update | Message::Upsert | Message::Delete => Answer::no_content(),
    };
    Ok(match message {
        Message::Delete => answer,
        _ => elastic::with_session(call, table, answer)?,
    })
}

/// Ids in the order of the targets.
fn created(call: &Call<'_>, ids: &[String]) -> Answer {
    let mut body = String::from("{\"@odata.context\":");
    let context = format!(
        "{}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse",
        call.root()
    );
    write_string(&context, &mut body);
    body.push_str(",\"Ids\":[");
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        write_string(id, &mut body);
    }
    body.push_str("]}");
    Answer::json(StatusCode::OK, body)
}

/// The rows in `Targets`; each says that it is of this table.
fn targets(call: &Call<'_>, table: &Table) -> Result<Vec<Members>> {
    let wrong = |why: &str| Fault::payload(&table.entity_set, why);
    let body = write::body_members(call, table)?;
    let targets: Vec<&RawValue> = body
        .get("Targets")
        .and_then(|json| serde_json::from_str(json.get()).ok())
        .ok_or_else(|| wrong("The body has no array 'Targets'."))?;
    targets
        .into_iter()
        .map(|json| {
            let target: Members = serde_json::from_str(json.get())
                .map_err(|_| wrong("A target is a JSON object."))?;
            match write::told_type(&target) {
                Some(_) => Ok(target),
                None => Err(keyless()),
            }
        })
        .collect()
}

/// A row without its table or without its key.
fn keyless() -> Fault {
    Fault::bad_request("EdmEntityObject passed should have the key property value set.")
}

/// Writes the rows of one request.
struct Rows<'c> {
    call: &'c Call<'c>,
    table: &'c Table,
    message: Message,
    seen: HashSet<String>,
}

impl Rows<'_> {
    /// Writes one row; gives its id.
    fn write(&mut self, target: &Members) -> Result<String> {
        let (call, table) = (self.call, self.table);
        let written = write::read(call, table, target)?;
        match self.message {
            Message::Create => write::insert(call, table, written),
            Message::Update => {
                let key = elastic::key(call, table, self.own_key(target)?, Some(&written));
                let id = key.require(call.store, table)?;
                // Of several rows with one id the first is taken.
                if self.seen.insert(id.clone()) {
                    write::update(call, table, &id, written)?;
                }
                Ok(id)
            }
            Message::Upsert => {
                let key = elastic::key(call, table, self.any_key(target)?, Some(&written));
                let none = Conditions::default();
                let (id, _) = write::upsert(call, table, &key, written, &none)?;
                match self.seen.insert(id.clone()) {
                    true => Ok(id),
                    false => Err(Fault::duplicate_key()),
                }
            }
            Message::Delete => {
                let key = elastic::key(call, table, self.own_key(target)?, Some(&written));
                let id = key.require(call.store, table)?;
                write::delete_row(call, table, &id)?;
                Ok(id)
            }
        }
    }

    /// Writes each row by itself. If one fails, the others are kept, and the first failure told.
    fn each(&mut self, targets: &[Members]) -> Result<Vec<String>> {
        let success = match self.message {
            Message::Create => 201,
            Message::Update | Message::Upsert | Message::Delete => 204,
        };
        let mut ids = Vec::new();
        let mut failed: Option<Fault> = None;
        let mut details = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            let store = self.call.store;
            let (id, status) = match store.atomically(|| self.write(target)) {
                Ok(id) => (id, success),
                Err(fault) => {
                    let status = fault.status.as_u16();
                    failed.get_or_insert(fault);
                    let id = self.own_id(target);
                    (id.unwrap_or_else(|| uuid::Uuid::nil().to_string()), status)
                }
            };
            details
                .push(serde_json::json!({"RequestIndex": index, "Id": id, "StatusCode": status}));
            ids.push(id);
        }
        let Some(mut fault) = failed else {
            return Ok(ids);
        };
        if self.call.asked.preferences().wants(DETAILS) {
            let details = serde_json::Value::from(details).to_string();
            fault.annotations.push((DETAILS, details));
        }
        Err(fault)
    }

    /// The primary key in a row.
    fn own_id(&self, target: &Members) -> Option<String> {
        let json = target.get(&self.table.primary_id)?;
        let text: String = serde_json::from_str(json.get()).ok()?;
        guid(&text)
    }

    fn own_key(&self, target: &Members) -> Result<RowKey> {
        self.own_id(target).map(RowKey::Id).ok_or_else(keyless)
    }

    /// The key in `@odata.id`, or the primary key.
    fn any_key(&self, target: &Members) -> Result<RowKey> {
        let Some(json) = target.get("@odata.id") else {
            return self.own_key(target);
        };
        let url: String = serde_json::from_str(json.get()).map_err(|_| keyless())?;
        let (table, key) = reference::named(self.call, &url)?;
        match table.logical_name == self.table.logical_name {
            true => Ok(key),
            false => Err(Fault::payload(
                &self.table.entity_set,
                format!("'{url}' is not a row of '{}'.", self.table.logical_name),
            )),
        }
    }
}
