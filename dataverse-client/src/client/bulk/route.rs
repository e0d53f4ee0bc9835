//! Which rows can go in bulk messages.

use std::collections::HashSet;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::super::Client;
use super::BulkMethod;
use crate::error::{Error, Result};
use crate::odata::{Expansion, Filter, column};
use crate::op::{PackForm, Query, WriteKind};
use crate::schema::{AnyRow, TableName};

type Asking = Pin<Box<dyn Future<Output = Result<HashSet<WriteKind>>> + Send>>;

/// Which form each kind of row is sent in.
pub(super) struct Route {
    /// Kinds that have a message of their own.
    messages: HashSet<WriteKind>,
    asking: Option<Asking>,
}

const KINDS: [WriteKind; 3] = [WriteKind::Create, WriteKind::Update, WriteKind::Upsert];

impl Route {
    pub(super) fn new(
        client: &Client,
        table: &TableName,
        method: BulkMethod,
        is_elastic: bool,
    ) -> Self {
        let mut messages = HashSet::new();
        if is_elastic && method != BulkMethod::Batch {
            messages.insert(WriteKind::Delete);
        }
        let mut asking = None;
        match method {
            BulkMethod::Batch => {}
            BulkMethod::Multiple => messages.extend(KINDS),
            BulkMethod::Ask => {
                asking = Some(Box::pin(ask(client.clone(), table.clone())) as Asking);
            }
        }
        Route { messages, asking }
    }

    /// Ready when it is known.
    pub(super) fn poll_known(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(asking) = &mut self.asking else {
            return Poll::Ready(Ok(()));
        };
        let answer = ready!(asking.as_mut().poll(context));
        self.asking = None;
        self.messages.extend(answer?);
        Poll::Ready(Ok(()))
    }

    pub(super) fn form(&self, kind: WriteKind) -> PackForm {
        match self.messages.contains(&kind) {
            true => PackForm::Multiple(kind),
            false => PackForm::Batch,
        }
    }
}

/// Asks which bulk messages the table has.
/// Source: Microsoft Learn, "Use bulk operation messages", section "Availability with standard
/// tables".
async fn ask(client: Client, table: TableName) -> Result<HashSet<WriteKind>> {
    let name = table.known_logical_name().ok_or_else(|| {
        Error::input(format!(
            "which bulk messages `{}` has cannot be asked: its singular name is not known; say it \
             with `TableName::logical_name`, or choose the method",
            table.shown()
        ))
    })?;
    let is_named = KINDS
        .map(|kind| format!("sdkmessageid/name eq '{}'", kind.message()))
        .join(" or ");
    let query = Query::<AnyRow>::from_table(TableName::new("sdkmessagefilters"))
        .select(["sdkmessagefilterid"])
        .expand(Expansion::named("sdkmessageid").select(["name"]))
        .filter(column("primaryobjecttypecode").eq(name))
        .filter(Filter::raw(format!("({is_named})")));
    let page = client.execute(&query).await?;
    let mut messages = HashSet::new();
    for row in page.rows {
        let message: Option<AnyRow> = row.get("sdkmessageid")?;
        let name: Option<String> = match message {
            Some(message) => message.get("name")?,
            None => None,
        };
        let known = |kind: &WriteKind| name.as_deref() == Some(kind.message());
        messages.extend(KINDS.into_iter().find(known));
    }
    Ok(messages)
}
