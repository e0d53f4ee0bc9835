//! Rows of one table that a bulk write sends in one request.

use http::header::{CONTENT_TYPE, IF_MATCH};
use http::{HeaderValue, Method};
use uuid::Uuid;

use super::bulk::{bulk_request, check_key_columns, primary_id};
use super::bulk_row::{RowWrite, WriteKind};
use super::row_argument::type_member;
use super::{Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::body::append_object;
use crate::odata::headers::PREFER;
use crate::odata::key::row_path;
use crate::odata::multipart::{self, Answered, BatchWriter, PART_LEN};
use crate::odata::{Request, Response, RowRequest, append_key};
use crate::schema::{BodyMembers, Changes, Key, KeyKind, TableName};
use crate::value::Id;
use crate::value::json::write_string;

/// A row on its way.
pub(crate) struct PackedRow<E> {
    /// Its place in the input.
    pub(crate) index: u64,
    /// A row to create has its id.
    pub(crate) write: RowWrite<E>,
    /// An earlier request with it may have been executed.
    pub(crate) in_doubt: bool,
    /// To be looked for before it is sent.
    pub(crate) ask_first: bool,
    /// The primary key was made for this job and this place: a row that has it is this one.
    pub(crate) has_own_key: bool,
}

impl<E: 'static> PackedRow<E> {
    /// What identifies the row.
    pub(crate) fn key(&self) -> Key<E> {
        match &self.write {
            // Every row to create has an id before it is packed.
            RowWrite::Create(id, _) => id.unwrap_or(Id::new(Uuid::nil())).into(),
            RowWrite::Update(id, _) | RowWrite::Delete(id) => (*id).into(),
            RowWrite::Upsert(key, _) => key.clone(),
        }
    }
}

/// How rows are sent together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackForm {
    /// `$batch`: each row by itself.
    Batch,
    /// `CreateMultiple` and its kin: rows of one kind, all or none.
    Multiple(WriteKind),
}

/// Rows in one request.
pub(crate) struct RowPack<E> {
    pub(crate) table: TableName,
    pub(crate) form: PackForm,
    pub(crate) boundary: Uuid,
    pub(crate) rows: Vec<PackedRow<E>>,
}

impl<E: 'static> Operation for RowPack<E> {
    /// What became of each row.
    type Output = Vec<Result<()>>;

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        match self.form {
            PackForm::Batch => self.batch(scope),
            PackForm::Multiple(kind) => {
                let type_of = type_member(&self.table)?;
                let rows = self.rows.iter();
                let room = rows
                    .clone()
                    .map(|row| row.write.approximate_len() + type_of.len());
                let room = room.sum::<usize>() + 64 * self.rows.len();
                bulk_request(&self.table, kind.message(), room, rows, |row, body| {
                    self.append_target(&type_of, row, scope, body)
                })
            }
        }
    }

    fn decode(&self, response: &Response) -> Result<Vec<Result<()>>> {
        if let PackForm::Multiple(_) = self.form {
            let body = &response.success()?.body;
            // A page of something between here and the service may have any status.
            if !body.is_empty() && body.trim_ascii_start().first() != Some(&b'{') {
                return Err(Error::decode(
                    "the answer to a bulk message is not JSON: nothing tells whether it was \
                     executed",
                ));
            }
            return Ok(self.rows.iter().map(|_| Ok(())).collect());
        }
        let content_type = response.text_of(&CONTENT_TYPE).unwrap_or_default();
        let Some(boundary) = multipart::boundary(content_type) else {
            response.success()?;
            return Err(Error::decode(
                "the answer to a batch of rows is not multipart: nothing tells what became of them",
            ));
        };
        let parts = multipart::read_parts(boundary, &response.body)?;
        if parts.len() != self.rows.len() {
            return Err(Error::decode(format!(
                "a batch of {} rows has {} answers",
                self.rows.len(),
                parts.len()
            )));
        }
        Ok(parts
            .into_iter()
            .map(|part| match part {
                Answered::Single(answer) if answer.status.is_success() => Ok(()),
                Answered::Single(answer) => answer.response()?.success().map(drop),
                Answered::ChangeSet(_) => Err(Error::decode("a row is answered with a change set")),
            })
            .collect())
    }

    fn note_doubt(&self, output: &mut Vec<Result<()>>) {
        for result in output {
            let told = std::mem::replace(result, Ok(()));
            *result = told.map_err(Error::with_outcome_unknown);
        }
    }

    fn replay(&self) -> Replay {
        // A bulk write asks which rows exist before it repeats a create or a delete.
        let is_safe =
            |row: &PackedRow<E>| matches!(row.write, RowWrite::Update(..) | RowWrite::Upsert(..));
        match self.rows.iter().all(is_safe) {
            true => Replay::Safe,
            false => Replay::IfRefused,
        }
    }
}

impl<E: 'static> RowPack<E> {
    fn batch(&self, scope: &Scope<'_>) -> Result<Request> {
        let part_scope = scope.batch_part();
        let room = self.rows.iter().map(|row| row.write.approximate_len());
        let room = room.sum::<usize>() + PART_LEN * self.rows.len();
        let mut writer = BatchWriter::new(self.boundary, scope.root(), scope.options(), room)?;
        for row in &self.rows {
            let request = self.row_request(row)?;
            writer.part(None).row(&request, &part_scope)?;
        }
        let go_on = HeaderValue::from_static("odata.continue-on-error");
        Ok(writer.finish().header(PREFER, go_on))
    }

    /// The request that would write the row alone.
    fn row_request<'a>(&'a self, row: &'a PackedRow<E>) -> Result<RowRequest<'a>> {
        let set = self.table.entity_set();
        let path_of = |id: &Id<E>| row_path(set, &KeyKind::Id(id.uuid()));
        Ok(match &row.write {
            RowWrite::Create(id, columns) => RowRequest {
                key: self.own_key(*id, columns.members())?,
                ..RowRequest::new(Method::POST, set).members(columns.members())
            },
            RowWrite::Update(id, changes) => {
                self.check(changes)?;
                RowRequest::new(Method::PATCH, path_of(id)?)
                    .condition(IF_MATCH, HeaderValue::from_static("*"))
                    .members(changes.members())
            }
            RowWrite::Upsert(key, changes) => {
                RowRequest::new(Method::PATCH, row_path(set, key.kind())?)
                    .members(changes.members())
            }
            RowWrite::Delete(id) => RowRequest::new(Method::DELETE, path_of(id)?),
        })
    }

    /// One of the `Targets` of a bulk message.
    fn append_target(
        &self,
        type_of: &str,
        row: &PackedRow<E>,
        scope: &Scope<'_>,
        body: &mut String,
    ) -> Result<()> {
        let column = || primary_id(&self.table);
        let nothing = BodyMembers::default();
        let (key, path, members) = match &row.write {
            RowWrite::Create(id, columns) => {
                let members = columns.members();
                (self.own_key(*id, members)?, None, members)
            }
            RowWrite::Update(id, changes) => {
                self.check(changes)?;
                (Some((column()?, id.uuid())), None, changes.members())
            }
            RowWrite::Upsert(key, changes) => {
                check_key_columns(&self.table, key.kind(), changes.members())?;
                match key.kind() {
                    KeyKind::Id(id) => (Some((column()?, *id)), None, changes.members()),
                    KeyKind::Alternate(_) => {
                        let path = row_path(self.table.entity_set(), key.kind())?;
                        (None, Some(path), changes.members())
                    }
                }
            }
            RowWrite::Delete(id) => (Some((column()?, id.uuid())), None, &nothing),
        };
        let first = |out: &mut String| {
            out.push_str(type_of);
            if let Some((column, id)) = key {
                out.push(',');
                append_key(column, &id, out);
            }
            if let Some(path) = path {
                out.push_str(",\"@odata.id\":");
                write_string(&path, out);
            }
        };
        append_object(first, members, scope, body)
    }

    /// The primary key, unless it stands among the columns.
    fn own_key(&self, id: Option<Id<E>>, members: &BodyMembers) -> Result<Option<(&str, Uuid)>> {
        let column = primary_id(&self.table)?;
        let id = id.filter(|_| !members.has(column));
        Ok(id.map(|id| (column, id.uuid())))
    }

    fn check(&self, changes: &Changes<E>) -> Result<()> {
        if changes.is_empty() {
            return Err(Error::input(format!(
                "an update of `{}` without a column changes nothing; leave the row out",
                self.table.shown()
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::schema::AnyTable;

    fn pack(form: PackForm, writes: Vec<RowWrite<AnyTable>>) -> RowPack<AnyTable> {
        let rows = writes
            .into_iter()
            .enumerate()
            .map(|(index, write)| PackedRow {
                index: index as u64,
                write,
                in_doubt: false,
                ask_first: false,
                has_own_key: false,
            });
        RowPack {
            table: TableName::new("accounts"),
            form,
            boundary: Uuid::nil(),
            rows: rows.collect(),
        }
    }

    #[test]
    fn rows_that_must_be_looked_for_first_are_not_simply_sent_again() {
        let id = Id::new(Uuid::nil());
        let update = || RowWrite::Update(id, Changes::new());
        let batch = |writes| pack(PackForm::Batch, writes).replay();
        assert_eq!(batch(vec![update(), update()]), Replay::Safe);
        assert_eq!(
            batch(vec![update(), RowWrite::Delete(id)]),
            Replay::IfRefused
        );
        let create = RowWrite::Create(Some(id), crate::schema::New::new());
        let multiple = PackForm::Multiple(WriteKind::Create);
        assert_eq!(pack(multiple, vec![create]).replay(), Replay::IfRefused);
    }
}
