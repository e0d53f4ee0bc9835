//! Whether each operation may be sent again: the table of all of them.
//!
//! A new `impl Operation` in the client fails here until it has a row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dataverse_client::Replay::{self, Confirm, IfRefused, Safe};
use dataverse_client::definitions::{
    CreateDefinition, DefinitionPath, DeleteDefinition, OptionSetDefinition, QueryDefinitions,
    RetrieveDefinition, UpdateDefinition,
};
use dataverse_client::schema::{AnyTable, TableName};
use dataverse_client::{
    Aggregate, AnyRow, Associate, BackgroundOperation, BackgroundStatus, Batch, BlockId,
    BlockToken, CancelBackground, Changes, CommitBlocksUpload, Count, CountChanges, Create,
    CreateMultiple, Delete, DeleteFile, DeleteMultiple, DeltaToken, Disassociate, DownloadBlock,
    DownloadBody, DownloadFile, ETag, Fetch, FetchXml, FileColumn, GetColumn, GetText, Id,
    InBackground, InitializeBlocksDownload, InitializeBlocksUpload, Instances, Invoke, InvokeNamed,
    NoteFile, Operation, Optional, Query, References, Retrieve, RetrieveRelated,
    SearchAutocomplete, SearchQuery, SearchStatistics, SearchStatus, SearchSuggest, SetColumn,
    StartUpload, TotalRowCounts, TrackChanges, Update, UpdateMultiple, UploadBlock, UploadChunk,
    UploadFile, Upsert, UpsertMultiple,
};
use dataverse_tests::tables::{Account, AccountCard, Contact};
use uuid::Uuid;

use dataverse_client::codegen::{Arguments, Message, MessageKind};

const ID: Uuid = Uuid::from_u128(1);

/// Not public: unit tests beside them say the same of them.
const PRIVATE: [&str; 2] = ["ExistingRows", "RowPack"];

#[derive(Debug)]
struct Action;

impl Message for Action {
    type Output = ();
    const NAME: &'static str = "PublishAllXml";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, _: &mut Arguments<'_>) {}
}

#[derive(Debug)]
struct Function;

impl Message for Function {
    type Output = ();
    const NAME: &'static str = "WhoAmI";
    const KIND: MessageKind = MessageKind::Function;

    fn arguments(&self, _: &mut Arguments<'_>) {}
}

/// Name of the type, what the row is about, what it says, what is expected.
type Row = (&'static str, &'static str, Replay, Replay);

fn row<O: Operation>(
    name: &'static str,
    about: &'static str,
    operation: O,
    expected: Replay,
) -> Row {
    (name, about, operation.replay(), expected)
}

fn account() -> Id<Account> {
    Id::new(ID)
}

fn changes() -> Changes<Account> {
    Changes::new().set(Account::NAME, "a")
}

fn create() -> Create<Account> {
    Create::new(changes())
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

fn background() -> BackgroundOperation<()> {
    read(&format!(
        r#"{{"id":"{ID}","link":"https://org/api/backgroundoperation/{ID}"}}"#
    ))
}

/// Rows of tables.
fn rows() -> Vec<Row> {
    let contact = Id::<Contact>::new(ID);
    let document = FetchXml::parse(r#"<fetch><entity name="account"/></fetch>"#).unwrap();
    let in_accounts = || TableName::new("accounts").row(ID);
    vec![
        row(
            "Retrieve",
            "",
            Retrieve::<AccountCard>::new(account()),
            Safe,
        ),
        row(
            "IfChanged",
            "",
            Retrieve::<AccountCard>::new(account()).if_changed(ETag::new("W/\"1\"")),
            Safe,
        ),
        row(
            "Optional",
            "that of the operation in it",
            Optional(Retrieve::<AccountCard>::new(account())),
            Safe,
        ),
        row("Optional", "of a create", Optional(create()), Confirm),
        row("Query", "", Query::<AccountCard>::new(), Safe),
        row("Fetch", "", Fetch::<AccountCard>::new(document), Safe),
        row("Count", "", Count::<Account>::new(), Safe),
        row("TotalRowCounts", "", TotalRowCounts::new(["account"]), Safe),
        row("TrackChanges", "", TrackChanges::<AccountCard>::new(), Safe),
        row(
            "CountChanges",
            "",
            CountChanges::of::<Account>(read::<DeltaToken>("\"accounts?$deltatoken=1\"")),
            Safe,
        ),
        row("Aggregate", "", Aggregate::<Account>::new(), Safe),
        row(
            "GetColumn",
            "",
            GetColumn::new(account(), Account::NAME),
            Safe,
        ),
        row("GetText", "", GetText::new(account(), Account::NAME), Safe),
        row(
            "SetColumn",
            "",
            SetColumn::new(account(), Account::NAME, "a"),
            Safe,
        ),
        row(
            "RetrieveRelated",
            "",
            RetrieveRelated::<AnyRow>::named(in_accounts(), "primarycontactid"),
            Safe,
        ),
        row(
            "References",
            "",
            References::named(in_accounts(), "contact_customer_accounts"),
            Safe,
        ),
        row("Create", "with a key of the client's", create(), Confirm),
        row(
            "Create",
            "with a key of the service's",
            create().server_assigned_id(),
            IfRefused,
        ),
        row(
            "CreateReturning",
            "",
            create().returning::<AccountCard>(),
            Confirm,
        ),
        row(
            "CreateReturning",
            "with a key of the service's",
            create().server_assigned_id().returning::<AccountCard>(),
            IfRefused,
        ),
        row("Update", "", Update::new(account(), changes()), Safe),
        row(
            "Update",
            "of a version",
            Update::new(account(), changes()).if_match(ETag::new("W/\"1\"")),
            IfRefused,
        ),
        row(
            "UpdateReturning",
            "",
            Update::new(account(), changes()).returning::<AccountCard>(),
            Safe,
        ),
        row("Upsert", "", Upsert::new(account(), changes()), Safe),
        row(
            "Upsert",
            "only to create",
            Upsert::new(account(), changes()).create_only(),
            IfRefused,
        ),
        row(
            "Upsert",
            "only to change",
            Upsert::new(account(), changes()).update_only(),
            Safe,
        ),
        row(
            "UpsertReturning",
            "",
            Upsert::new(account(), changes()).returning::<AccountCard>(),
            Safe,
        ),
        row("Delete", "", Delete::new(account()), Confirm),
        row(
            "Associate",
            "",
            Associate::one_named(account(), "primarycontactid", contact),
            Confirm,
        ),
        row(
            "Disassociate",
            "",
            Disassociate::one_named(account(), "primarycontactid"),
            Confirm,
        ),
        row("Invoke", "an action", Invoke::new(Action), IfRefused),
        row("Invoke", "a function", Invoke::new(Function), Safe),
        row(
            "InvokeNamed",
            "an action",
            InvokeNamed::action("PublishAllXml"),
            IfRefused,
        ),
        row(
            "InvokeNamed",
            "a function",
            InvokeNamed::function("WhoAmI"),
            Safe,
        ),
        row("InBackground", "", InBackground::new(Action), IfRefused),
        row(
            "BackgroundStatus",
            "",
            BackgroundStatus::of(&background()),
            Safe,
        ),
        row(
            "CancelBackground",
            "",
            CancelBackground::of(&background()),
            Safe,
        ),
        row(
            "CreateMultiple",
            "",
            CreateMultiple::new([changes().into()]),
            Confirm,
        ),
        row(
            "CreateMultiple",
            "with keys of the service's",
            CreateMultiple::<Account>::new([changes().into()]).server_assigned_ids(),
            IfRefused,
        ),
        row(
            "UpdateMultiple",
            "",
            UpdateMultiple::new([(account(), changes())]),
            Safe,
        ),
        row(
            "UpsertMultiple",
            "",
            UpsertMultiple::new([(account(), changes())]),
            Safe,
        ),
        row(
            "DeleteMultiple",
            "",
            DeleteMultiple::new([account()]),
            Confirm,
        ),
        row("Batch", "of nothing that changes", batch(false), Safe),
        row(
            "Batch",
            "its weakest part, and a repeat asks nothing",
            batch(true),
            IfRefused,
        ),
    ]
}

fn batch(creates: bool) -> Batch {
    let mut batch = Batch::new();
    batch.add(Update::new(account(), changes()));
    if creates {
        batch.add(create());
    }
    batch
}

/// Files, definitions, search, discovery.
fn others() -> Vec<Row> {
    let column = || FileColumn::named(TableName::new("accounts").row(ID), "sample_file");
    let note = || NoteFile::note(Id::<AnyTable>::new(ID));
    let token = || read::<BlockToken>("\"token\"");
    let session = read(r#"{"location":"https://org/x?sessiontoken=a","chunk_size":4}"#);
    let choice = OptionSetDefinition::default();
    vec![
        row("StartUpload", "", StartUpload::new(column(), "a.txt"), Safe),
        row(
            "UploadChunk",
            "",
            UploadChunk::new(session, "a.txt", 0, 4, "1234"),
            Confirm,
        ),
        row(
            "UploadFile",
            "",
            UploadFile::new(column(), "a.txt", "1234"),
            Safe,
        ),
        row("DownloadFile", "", DownloadFile::new(column()), Safe),
        row("DownloadBody", "", DownloadBody::new(note()), Safe),
        row("DeleteFile", "", DeleteFile::new(column()), Confirm),
        row(
            "InitializeBlocksUpload",
            "",
            InitializeBlocksUpload::new(column(), "a.txt"),
            Safe,
        ),
        row(
            "UploadBlock",
            "",
            UploadBlock::new(token(), BlockId::number(0), "1234"),
            Safe,
        ),
        row(
            "CommitBlocksUpload",
            "",
            CommitBlocksUpload::new(column(), "a.txt", token(), vec![BlockId::number(0)]),
            IfRefused,
        ),
        row(
            "InitializeBlocksDownload",
            "",
            InitializeBlocksDownload::new(column()),
            Safe,
        ),
        row("DownloadBlock", "", DownloadBlock::new(token(), 0, 4), Safe),
        row(
            "RetrieveDefinition",
            "",
            RetrieveDefinition::table("account"),
            Safe,
        ),
        row("QueryDefinitions", "", QueryDefinitions::tables(), Safe),
        row(
            "CreateDefinition",
            "",
            CreateDefinition::choice(&choice),
            IfRefused,
        ),
        row(
            "UpdateDefinition",
            "",
            UpdateDefinition::choice("new_choice", &choice),
            Safe,
        ),
        row(
            "DeleteDefinition",
            "",
            DeleteDefinition::new(DefinitionPath::choice("new_choice")),
            Confirm,
        ),
        row("SearchQuery", "", SearchQuery::new("a"), Safe),
        row("SearchSuggest", "", SearchSuggest::new("abc"), Safe),
        row(
            "SearchAutocomplete",
            "",
            SearchAutocomplete::new("abc"),
            Safe,
        ),
        row("SearchStatistics", "", SearchStatistics, Safe),
        row("SearchStatus", "", SearchStatus, Safe),
        row("Instances", "", Instances::all(), Safe),
    ]
}

#[test]
fn every_operation_says_whether_it_may_be_sent_again() {
    let table: Vec<_> = rows().into_iter().chain(others()).collect();
    for (name, about, says, expected) in &table {
        assert_eq!(says, expected, "{name} {about}");
    }
    let names = table.iter().map(|row| row.0).chain(PRIVATE);
    let listed: BTreeSet<_> = names.map(str::to_owned).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dataverse-client/src");
    let found: BTreeSet<_> = files(&source)
        .iter()
        .flat_map(|file| operations(file))
        .collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    assert!(missing.is_empty(), "operations without a row: {missing:?}");
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(gone.is_empty(), "rows without an operation: {gone:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

/// The types for which a file has an `impl Operation`.
fn operations(file: &Path) -> Vec<String> {
    let parsed = syn::parse_file(&std::fs::read_to_string(file).unwrap()).unwrap();
    let impls = parsed.items.iter().filter_map(|item| match item {
        syn::Item::Impl(block) => Some(block),
        _ => None,
    });
    let of_operation = impls.filter(|block| {
        let path = block.trait_.as_ref().map(|(path, _)| path);
        let last = path.and_then(|path| path.segments.last());
        last.is_some_and(|segment| segment.ident == "Operation")
    });
    let names = of_operation.filter_map(|block| match &*block.self_ty {
        syn::Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    });
    names.collect()
}
