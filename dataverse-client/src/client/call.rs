//! Operations bound to a client: awaiting one sends it.

use std::borrow::Cow;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use uuid::Uuid;

use super::Client;
use super::changes::ChangeStream;
use super::rows::{Pages, Rows};
use crate::error::{Error, Result};
use crate::odata::{Bypass, CallOptions, Expansion, Filter, NextLink, Order, Path, Session};
use crate::op::{
    Aggregate, Batch, ChangeSet, Count, Create, CreateMultiple, CreateReturning, Delete,
    DeltaToken, Fetch, FetchRow, Handle, IfChanged, InBackground, Invocation, Invoke, InvokeNamed,
    Message, NextPage, Operation, Optional, Paged, Query, Read, Replies, Retrieve, RetrieveRelated,
    TrackChanges, Unanswered, Update, UpdateReturning, Upsert, UpsertReturning,
};
use crate::schema::{AnyRow, Many, Navigation, Record, TableName};
use crate::value::{AnyValue, ETag, Id};

/// An operation that is sent when it is awaited.
///
/// Dropped while it waits, it ends there: a request that has not left is not sent, and the place
/// among those on their way is free. One that has left may be executed all the same; a write that
/// must not be lost is awaited to its end.
#[derive(Debug, Clone)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Call<O> {
    client: Client,
    operation: O,
}

impl<O> Call<O> {
    pub(super) fn new(client: &Client, operation: O) -> Self {
        Call {
            client: client.clone(),
            operation,
        }
    }

    pub(super) fn map<P>(self, change: impl FnOnce(O) -> P) -> Call<P> {
        Call {
            client: self.client,
            operation: change(self.operation),
        }
    }

    /// With these options; see [`CallOptions`].
    pub fn with(self, options: CallOptions) -> Self {
        Call {
            client: self.client.with(options),
            operation: self.operation,
        }
    }

    /// The operation.
    pub fn operation(&self) -> &O {
        &self.operation
    }
}

impl<O: Operation + 'static> IntoFuture for Call<O> {
    type Output = Result<O::Output>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.execute(&self.operation).await })
    }
}

/// Methods of [`CallOptions`].
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*);)+) => {
        /// Options of the call; see [`CallOptions`].
        impl<O> Call<O> {
            $($(#[$doc])*
            pub fn $name(self, $($argument: $type),*) -> Self {
                self.with(CallOptions::new().$name($($argument),*))
            })+
        }
    };
}

options! {
    /// Acts for the user with this Microsoft Entra object id.
    caller_object_id(user: Uuid);
    /// Acts for the user with this `systemuserid`.
    caller_user_id(user: impl Into<Uuid>);
    /// Leaves custom logic out.
    bypass(what: Bypass);
    /// Leaves these plug-in steps out.
    bypass_steps(steps: impl IntoIterator<Item = Uuid>);
    /// Leaves synchronous plug-ins out, by the older header.
    bypass_plugins();
    /// Does not trigger Power Automate flows.
    suppress_flows();
    /// Looks for duplicates by the org's rules.
    detect_duplicates();
    /// Adds what is created or changed to this unmanaged solution.
    solution(unique_name: &str);
    /// Keeps the labels of other languages when a definition is changed.
    merge_labels();
    /// Reads definitions, labels and privileges as they are now, not from a cache.
    consistency_strong();
    /// Hands a text to plug-ins as the shared variable `tag`.
    tag(text: impl Into<String>);
    /// Reads its own writes to elastic tables.
    session(session: &Session);
    /// Asks for these annotations, too; see [`CallOptions::annotations`].
    annotations(terms: impl IntoIterator<Item = impl Into<Cow<'static, str>>>);
    /// Asks for every annotation.
    all_annotations();
    /// Asks for details of errors.
    error_details();
    /// Ends the call after this time; see [`CallOptions::deadline`].
    deadline(limit: Duration);
    /// Sends nothing again that may have been executed; see [`CallOptions::at_most_once`].
    at_most_once();
    /// A header that has no method here.
    header(name: &str, value: &str);
}

/// Methods of the operation.
macro_rules! forward {
    ($([$($generics:tt)*] $operation:ty {
        $($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) $(-> $output:ty)?;)+
    })+) => {
        $(impl<$($generics)*> Call<$operation> {
            $($(#[$doc])*
            pub fn $name(self, $($argument: $type),*) -> forward!(@output $($output)?) {
                self.map(|operation| operation.$name($($argument),*))
            })+
        })+
    };
    (@output) => { Self };
    (@output $output:ty) => { Call<$output> };
}

forward! {
    [R: Read] Retrieve<R> {
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
        /// Where the row of an elastic table is.
        partition_id(id: impl Into<String>);
        /// Reads the row only if it no longer has this version.
        if_changed(etag: ETag) -> IfChanged<R>;
    }
    [] Retrieve<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
        /// With rows related to it.
        expand(expansion: Expansion);
    }
    [R: Read] RetrieveRelated<R> {
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
    }
    [] RetrieveRelated<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
    }
    [R: FetchRow] Fetch<R> {
        /// The table, where only run time knows it; see [`Fetch::of_table`].
        of_table(table: TableName);
        /// Asks for the number of rows, too; see [`FetchPage::count`](crate::FetchPage::count).
        with_count();
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
        /// The same query, from the page at `next` on: to go on after a stop.
        from_page(next: NextPage);
    }
    [R: Read] Query<R> {
        /// Only rows that meet `filter`, and every filter given before.
        filter(filter: Filter<R::Entity>);
        /// Sorted by this column, after those given before.
        order_by(order: Order<R::Entity>);
        /// At most `rows` rows in a page; 1 to 5,000.
        page_size(rows: u32);
        /// At most `rows` rows in all; 1 to 5,000. Not together with a page size.
        top(rows: u32);
        /// Asks for the number of rows, too; see [`Page::count`](crate::Page::count).
        with_count();
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
        /// A value for `@name` in a raw filter.
        parameter(name: impl Into<String>, value: impl Into<AnyValue>);
        /// Only the rows of this partition of an elastic table.
        partition_id(id: impl Into<String>);
        /// What the system view with this `savedqueryid` shows.
        saved_query(id: impl Into<Uuid>);
        /// What the personal view with this `userqueryid` shows.
        user_query(id: impl Into<Uuid>);
        /// What a `SELECT` in the service's SQL gives (preview).
        sql(select: impl Into<String>);
        /// The same query, from the page at `next` on: to go on after a stop.
        from_page(next: NextLink);
    }
    [] Query<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
        /// With rows related to each.
        expand(expansion: Expansion);
    }
    [R: Read] TrackChanges<R> {
        /// Only what changed since `token` was given.
        since(token: impl Into<Option<DeltaToken>>);
        /// At most so many changes in a page; 1 to 5,000.
        page_size(rows: u32);
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
        /// The same, from the page at `next` on.
        from_page(next: NextLink);
    }
    [] TrackChanges<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
    }
    [E: 'static, R: FetchRow] Aggregate<E, R> {
        /// Only rows that meet `filter`, and every filter given before.
        filter(filter: Filter<E>);
        /// How many rows there are.
        count(alias: &str);
        /// Asks for labels, too.
        with_annotations();
    }
    [E: 'static] CreateMultiple<E> {
        /// Leaves the primary keys to the service.
        server_assigned_ids();
    }
    [O: Invocation] InBackground<O> {
        /// The service posts to this URL when it has ended.
        callback(url: impl Into<String>);
    }
    [E: 'static] Count<E> {
        /// Only rows that meet `filter`, and every filter given before.
        filter(filter: Filter<E>);
    }
    [E: 'static] Create<E> {
        /// Creates the row under this primary key.
        with_id(id: Id<E>);
        /// Leaves the primary key to the service; see [`Create::server_assigned_id`].
        server_assigned_id();
    }
    [R: Read] CreateReturning<R> {
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
    }
    [] CreateReturning<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
        /// With rows related to it.
        expand(expansion: Expansion);
    }
    [E: 'static] Update<E> {
        /// Only if the row still has this version.
        if_match(etag: ETag);
    }
    [R: Read] UpdateReturning<R> {
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
    }
    [] UpdateReturning<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
    }
    [E: 'static] Upsert<E> {
        /// Fails if the row exists.
        create_only();
        /// Fails if the row does not exist.
        update_only();
    }
    [R: Read] UpsertReturning<R> {
        /// Asks for labels, and for names and tables of lookups, too.
        with_annotations();
    }
    [] UpsertReturning<AnyRow> {
        /// Only these columns, by their names in URLs.
        select(columns: impl IntoIterator<Item = impl AsRef<str>>);
    }
    [E: 'static] Delete<E> {
        /// Only if the row still has this version.
        if_match(etag: ETag);
        /// Where the row of an elastic table is.
        partition_id(id: impl Into<String>);
    }
}

impl<R: Read> Call<Retrieve<R>> {
    /// A missing row is None and no error.
    pub fn optional(self) -> Call<Optional<Retrieve<R>>> {
        self.map(Optional)
    }
}

impl<R: Record> Call<Retrieve<R>> {
    /// Says which of the related rows are read.
    pub fn expanding<F>(
        self,
        navigation: Navigation<R::Entity, Many<F>>,
        options: impl FnOnce(Expansion<F>) -> Expansion<F>,
    ) -> Self {
        self.map(|retrieve| retrieve.expanding(navigation, options))
    }
}

impl<R: Record> Call<Query<R>> {
    /// Says which of the related rows are read with each row.
    pub fn expanding<F>(
        self,
        navigation: Navigation<R::Entity, Many<F>>,
        options: impl FnOnce(Expansion<F>) -> Expansion<F>,
    ) -> Self {
        self.map(|query| query.expanding(navigation, options))
    }
}

impl<O: Paged> Call<O> {
    /// All rows, page after page.
    pub fn rows(self) -> Rows<O> {
        Rows::new(self.client, self.operation)
    }

    /// All pages.
    pub fn pages(self) -> Pages<O> {
        Pages::new(self.client, self.operation)
    }
}

impl<R: Read> Call<TrackChanges<R>> {
    /// All changes, page after page; at the end there is a token to go on with.
    pub fn stream(self) -> ChangeStream<R> {
        ChangeStream::new(self.client, self.operation)
    }

    /// The same. If the token has expired, [`Change::Resync`](crate::Change::Resync) comes first,
    /// and then every row: nothing is lost in between, since the new token was given for them.
    pub fn resync_if_expired(self) -> ChangeStream<R> {
        ChangeStream::new(self.client, self.operation).resync_if_expired()
    }
}

impl<M: Message> Call<Invoke<M>> {
    /// Starts the operation in the background; see [`InBackground`].
    pub fn in_background(self) -> Call<InBackground<Invoke<M>>> {
        self.map(InBackground::of)
    }
}

impl Call<InvokeNamed> {
    /// Starts the operation in the background; see [`InBackground`].
    pub fn in_background(self) -> Call<InBackground<InvokeNamed>> {
        self.map(InBackground::of)
    }
}

/// Methods of [`Aggregate`] that take a column.
macro_rules! aggregates {
    ($($(#[$doc:meta])* $name:ident)+) => {
        impl<E: 'static, R: FetchRow> Call<Aggregate<E, R>> {
            /// One row for each value of the column, and of those given before.
            pub fn group_by<T>(self, column: impl Into<Path<E, T>>) -> Self {
                self.map(|aggregate| aggregate.group_by(column))
            }

            $($(#[$doc])*
            pub fn $name<T>(self, column: impl Into<Path<E, T>>, alias: &str) -> Self {
                self.map(|aggregate| aggregate.$name(column, alias))
            })+
        }
    };
}

aggregates! {
    /// The sum of a column.
    sum
    /// The average of a column.
    average
    /// The least value of a column.
    min
    /// The greatest value of a column.
    max
    /// How many values a column has, each counted once.
    count_distinct
}

impl<E: 'static> Call<Aggregate<E>> {
    /// Gives rows of a type of your own; see [`Aggregate::returning`].
    pub fn returning<R: FetchRow>(self) -> Call<Aggregate<E, R>> {
        self.map(Aggregate::returning)
    }
}

impl<E: 'static> Call<Create<E>> {
    /// Gives the row back as it was stored; see [`Create::returning`].
    pub fn returning<R: Read<Entity = E>>(self) -> Call<CreateReturning<R>> {
        self.map(Create::returning)
    }
}

impl<E: 'static> Call<Update<E>> {
    /// Gives the row back as it is then; see [`Update::returning`].
    pub fn returning<R: Read<Entity = E>>(self) -> Call<UpdateReturning<R>> {
        self.map(Update::returning)
    }
}

impl<E: 'static> Call<Upsert<E>> {
    /// Gives the row back as it is then, and whether it was created; see [`Upsert::returning`].
    pub fn returning<R: Read<Entity = E>>(self) -> Call<UpsertReturning<R>> {
        self.map(Upsert::returning)
    }
}

impl Call<Batch> {
    /// Adds an operation on its own.
    pub fn add<O>(&mut self, operation: O) -> Handle<O::Output>
    where
        O: Operation<Output: 'static> + 'static,
    {
        self.operation.add(operation)
    }

    /// Adds a change set.
    pub fn push(&mut self, set: ChangeSet) {
        self.operation.push(set);
    }

    /// Executes what follows a failed operation, too.
    pub fn continue_on_error(self) -> Self {
        self.map(Batch::continue_on_error)
    }

    /// Sends the batch as several of at most `size` operations, one after the other; 1 to 1,000. A
    /// change set stays whole.
    ///
    /// An operation that fails ends it, unless it
    /// [continues on errors](Call::continue_on_error): those after it are `is_not_run`. So are those
    /// of a part that gets no answer; `is_outcome_unknown` says whether they may have been executed.
    ///
    /// Errors: the first part fails as a whole, or cannot be sent.
    ///
    /// Dropped while it waits, the answers that have come are lost, and the parts that have not left
    /// are not sent.
    pub async fn send_in_parts(self, size: usize) -> Result<Replies> {
        let mut all: Option<Replies> = None;
        let mut has_failed = false;
        for part in self.operation.split(size)? {
            let replies = if has_failed {
                part.unanswered(&Unanswered::NotSent)
            } else {
                match self.client.execute(&part).await {
                    Ok(replies) => replies,
                    Err(error) if all.is_none() => return Err(error),
                    Err(error) => part.unanswered(&Unanswered::Failed {
                        text: error.to_string(),
                        is_unknown: error.is_outcome_unknown(),
                    }),
                }
            };
            has_failed |= !part.continues_on_error() && replies.first_error().is_some();
            match &mut all {
                Some(all) => all.extend(replies),
                None => all = Some(replies),
            }
        }
        all.ok_or_else(|| Error::input("a batch without an operation: add one, or do not send it"))
    }

    /// Sends the batch. The same as awaiting it.
    pub async fn send(self) -> Result<Replies> {
        self.await
    }
}
