//! A recorded request, said with the operations of the client.

use std::collections::{BTreeMap, HashMap};

use dataverse_client::schema::{RowRef, TableName};
use dataverse_client::value::Json;
use dataverse_client::{
    Aggregate, AnyRow, AnyTable, AnyValue, Associate, Batch, Body, CallOptions, Change, ChangeSet,
    Client, CountChanges, Create, Delete, Disassociate, ETag, Error, Expansion, Fetch, FetchPage,
    FetchXml, Filter, GetColumn, GetText, Handle, Id, InvokeNamed, Key, New, NextLink, Order,
    Query, References, Retrieve, RetrieveRelated, RowArgument, SetColumn, TotalRowCounts,
    TrackChanges, Update, Upsert, column,
};
use serde_json::{Map, Value};

use super::Example;
use super::compare::{Came, decoded, url};

/// Sends what the example sends, and gives what came.
pub(super) async fn send(client: &Client, example: &Example) -> Came {
    if example.request.is_null() {
        return rows(client, Query::from_table(table("accounts"))).await;
    }
    let request = Recorded::of(&example.request);
    let client = client.with(request.options());
    if request.address.ends_with("$batch") {
        return batch(&client, &request).await;
    }
    row_or_rows(&client, &request, &example.response).await
}

struct Recorded {
    method: String,
    address: String,
    path: Vec<String>,
    query: BTreeMap<String, String>,
    headers: HashMap<String, String>,
    body: String,
}

impl Recorded {
    fn of(request: &Value) -> Self {
        let mut headers = HashMap::new();
        for (name, value) in request["headers"].as_object().unwrap() {
            let value = match value {
                Value::Array(values) => {
                    let values = values.iter().map(|value| value.as_str().unwrap());
                    values.collect::<Vec<_>>().join(",")
                }
                one => one.as_str().unwrap().to_owned(),
            };
            headers.insert(name.to_ascii_lowercase(), value);
        }
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        Recorded::new(&text("method"), &text("url"), headers, text("body"))
    }

    fn new(method: &str, address: &str, headers: HashMap<String, String>, body: String) -> Self {
        let (path, query) = url(address.trim_start_matches('/'));
        Recorded {
            method: method.to_owned(),
            address: address.to_owned(),
            path: segments(&path),
            query,
            headers,
            body,
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    fn prefers(&self, what: &str) -> bool {
        self.header("prefer").contains(what)
    }

    /// What is no part of an operation.
    fn options(&self) -> CallOptions {
        let mut options = CallOptions::new();
        for (name, value) in &self.headers {
            if name.starts_with("mscrm") && name != "mscrm.sessiontoken" {
                options = options.header(name, value);
            }
        }
        let start = "odata.include-annotations=\"";
        if let Some((_, rest)) = self.header("prefer").split_once(start) {
            let terms = rest.split('"').next().unwrap().to_owned();
            options = options.annotations([terms]);
        }
        options
    }

    fn json(&self) -> Map<String, Value> {
        match serde_json::from_str(&self.body) {
            Ok(Value::Object(members)) => members,
            // Bodies that do not parse are printed so, and are not what is compared.
            _ => Map::new(),
        }
    }
}

/// `accounts(…)/Account_Tasks/$count`, at slashes outside of parentheses and quotes.
fn segments(path: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let (mut depth, mut is_quoted) = (0, false);
    for char in path.chars() {
        match char {
            '\'' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            '/' if depth == 0 => {
                segments.push(String::new());
                continue;
            }
            _ => {}
        }
        segments.last_mut().unwrap().push(char);
    }
    segments
}

/// Name and what stands in parentheses.
fn split(segment: &str) -> (&str, Option<&str>) {
    match segment.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')').unwrap())),
        None => (segment, None),
    }
}

fn literal(text: &str) -> AnyValue {
    if let Some(inner) = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        return inner.replace("''", "'").into();
    }
    if let Ok(id) = text.parse::<uuid::Uuid>() {
        return id.into();
    }
    Json::new(text).unwrap().into()
}

fn key(text: &str) -> Key<AnyTable> {
    if let Ok(id) = text.parse::<uuid::Uuid>() {
        return Id::new(id).into();
    }
    let mut parts = text.split(',').map(|part| part.split_once('=').unwrap());
    let (name, value) = parts.next().unwrap();
    parts.fold(
        Key::named(name.to_owned(), literal(value)),
        |key, (name, value)| key.and_named(name.to_owned(), literal(value)),
    )
}

/// A table by its set; the examples' tables are named like their sets, which is enough for types.
fn table(set: &str) -> TableName {
    let logical = match set {
        "opportunities" => "opportunity".to_owned(),
        "sensordata" => "contoso_sensordata".to_owned(),
        set => set.trim_end_matches('s').to_owned(),
    };
    let id = match &*logical {
        "letter" | "task" | "email" | "phonecall" => "activityid".to_owned(),
        other => format!("{other}id"),
    };
    TableName::new(set.to_owned())
        .logical_name(logical)
        .primary_id(id)
}

/// `contacts(…)`, relative or absolute.
fn row(text: &str) -> RowRef {
    let below = text
        .split_once("/api/data/v9.2/")
        .map_or(text, |(_, below)| below);
    let (set, inside) = split(below.trim_start_matches('/'));
    table(set).row(key(inside.unwrap()))
}

type Handles = HashMap<String, Handle<Id<AnyTable>>>;

/// A body: columns, bindings, rows within rows.
fn body<M>(members: &Map<String, Value>, handles: &Handles) -> Body<AnyTable, M> {
    let mut body = Body::new();
    for (name, value) in members {
        body = match (name.strip_suffix("@odata.bind"), value) {
            (Some(navigation), Value::String(target)) => match handles.get(target) {
                Some(handle) => body.bind_named(navigation.to_owned(), handle),
                None => body.bind_named(navigation.to_owned(), row(target)),
            },
            (Some(navigation), Value::Null) => body.unbind_named(navigation.to_owned()),
            (_, Value::Null) => body.clear_named(name.clone()),
            (_, value) => body.set_named(name.clone(), Json::new(value.to_string()).unwrap()),
        };
    }
    body
}

/// The body of a create, whose nested rows are rows.
fn new(members: &Map<String, Value>, handles: &Handles) -> New<AnyTable> {
    let is_row = |value: &Value| value.is_object();
    let mut flat = members.clone();
    flat.retain(|_, value| {
        let rows = value
            .as_array()
            .is_some_and(|rows| !rows.is_empty() && rows.iter().all(is_row));
        !is_row(value) && !rows
    });
    let mut body: New<AnyTable> = body(&flat, handles);
    for (name, value) in members {
        let rows = |value: &Value| new(value.as_object().unwrap(), handles);
        match value {
            Value::Object(_) => body = body.insert_named(name.clone(), rows(value)),
            Value::Array(many) if many.iter().all(is_row) => {
                body = body.insert_many_named(name.clone(), many.iter().map(rows));
            }
            _ => {}
        }
    }
    body
}

/// A row as the answer gives it.
fn shown(row: &AnyRow) -> Value {
    serde_json::to_value(row).unwrap()
}

fn order(text: &str) -> Vec<Order<AnyTable>> {
    let key = |key: &str| match key.trim().split_once(' ') {
        Some((name, "desc")) => column(name.to_owned()).desc(),
        Some((name, _)) => column(name.to_owned()).asc(),
        None => column(key.trim().to_owned()).asc(),
    };
    text.split(',').map(key).collect()
}

/// `primarycontactid($select=fullname;$expand=…),…`.
fn expansions(text: &str) -> Vec<Expansion> {
    let mut found = Vec::new();
    for part in split_level(text, ',') {
        let (name, options) = match part.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').unwrap()),
            None => (part, ""),
        };
        let mut expansion = match name.strip_suffix("/$ref") {
            Some(name) => Expansion::named(name.to_owned()).as_reference(),
            None => Expansion::named(name.to_owned()),
        };
        for option in split_level(options, ';') {
            let (name, value) = option.split_once('=').unwrap();
            expansion = match name.trim() {
                "$select" => expansion.select(value.split(',').map(str::trim)),
                "$filter" => expansion.filter(Filter::raw(value)),
                "$orderby" => order(value)
                    .into_iter()
                    .fold(expansion, Expansion::order_by),
                "$top" => expansion.top(value.parse().unwrap()),
                "$expand" => expansions(value)
                    .into_iter()
                    .fold(expansion, Expansion::expand),
                other => panic!("{other}"),
            };
        }
        found.push(expansion);
    }
    found
}

fn split_level(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (place, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            char if char == at && depth == 0 => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn selected(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// A query with the options of the request.
fn query(mut query: Query<AnyRow>, request: &Recorded) -> Query<AnyRow> {
    if request.option("$skiptoken").is_some() {
        let next: NextLink = serde_json::from_value(request.address.clone().into()).unwrap();
        query = query.from_page(next);
    }
    if let Some(rest) = request.header("prefer").split("odata.maxpagesize=").nth(1) {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        query = query.page_size(digits.parse().unwrap());
    }
    if request.option("$skiptoken").is_some() {
        return query;
    }
    for (name, value) in &request.query {
        query = match &**name {
            "$select" => query.select(selected(value)),
            "$filter" => query.filter(Filter::raw(value.clone())),
            "$orderby" => order(value).into_iter().fold(query, Query::order_by),
            "$top" => query.top(value.parse().unwrap()),
            "$count" => query.with_count(),
            "$expand" => expansions(value).into_iter().fold(query, Query::expand),
            "partitionId" => query.partition_id(value.clone()),
            "sql" => query.sql(value.clone()),
            "savedQuery" => query.saved_query(value.parse::<uuid::Uuid>().unwrap()),
            "userQuery" => query.user_query(value.parse::<uuid::Uuid>().unwrap()),
            name if name.starts_with('@') => {
                let value = match value.starts_with('\'') {
                    true => literal(value),
                    // A name of a column, or a list: no text.
                    false => Raw(value.clone()).into(),
                };
                query.parameter(name.trim_start_matches('@').to_owned(), value)
            }
            other => panic!("{other}"),
        };
    }
    query
}

/// A literal that is no value of a column.
#[derive(Debug, Clone, PartialEq)]
struct Raw(String);

impl dataverse_client::value::Value for Raw {
    fn from_scalar(
        _: dataverse_client::value::Scalar<'_>,
    ) -> Result<Self, dataverse_client::value::ValueError> {
        unreachable!("it is only written")
    }

    fn write_json(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    fn write_literal(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

/// `groupby((a,b),aggregate(c with sum as d))`.
fn aggregate(table: TableName, text: &str) -> Aggregate<AnyTable> {
    let mut aggregate = Aggregate::of_table(table);
    let mut rest = text;
    if let Some(inner) = text.strip_prefix("groupby((") {
        let (groups, behind) = inner.split_once(')').unwrap();
        for group in groups.split(',') {
            aggregate = aggregate.group_by(column(group.to_owned()));
        }
        rest = behind.trim_start_matches(',');
        rest = rest.strip_suffix(')').unwrap_or(rest);
    }
    let Some(values) = rest.strip_prefix("aggregate(") else {
        return aggregate;
    };
    for value in values.trim_end_matches(')').split(',') {
        let words: Vec<_> = value.split(' ').collect();
        aggregate = match words[..] {
            ["$count", "as", alias] => aggregate.count(alias),
            [name, "with", method, "as", alias] => {
                let name = column(name.to_owned());
                match method {
                    "sum" => aggregate.sum(name, alias),
                    "average" => aggregate.average(name, alias),
                    "min" => aggregate.min(name, alias),
                    "max" => aggregate.max(name, alias),
                    other => panic!("{other}"),
                }
            }
            _ => panic!("{value}"),
        };
    }
    aggregate
}

async fn rows(client: &Client, query: Query<AnyRow>) -> Came {
    let page = client.call(query).await?;
    Ok(page.rows.iter().map(shown).collect())
}

fn done(_: ()) -> Value {
    Value::Null
}

fn created(id: Id<AnyTable>) -> Value {
    Value::String(id.to_string())
}

async fn row_or_rows(client: &Client, request: &Recorded, response: &Value) -> Came {
    let first = request.path[0].clone();
    let (set, inside) = split(&first);
    if set.starts_with(char::is_uppercase) {
        return invoke(client, request, None).await;
    }
    let rest: Vec<&str> = request.path[1..].iter().map(String::as_str).collect();
    let table = table(set);
    if let Some(last) = rest.last()
        && last.starts_with("Microsoft.Dynamics.CRM.")
    {
        return invoke(client, request, Some((table, inside.map(key)))).await;
    }
    let Some(inside) = inside else {
        return in_set(client, request, table, &rest).await;
    };
    let key = key(inside);
    let row = table.row(&key);
    let Some(name) = rest.first().copied() else {
        return one_row(client, request, table, key).await;
    };
    let (name, target) = split(name);
    let name = name.to_owned();
    match (&*request.method, &rest[1..]) {
        ("GET", ["$value"]) => {
            let text = client.call(GetText::named(row, name)).await?;
            Ok(text.map_or(Value::Null, Value::String))
        }
        ("GET", ["$count"]) => {
            let count = dataverse_client::Count::related_to(row, name);
            Ok(client.call(count).await?.rows().into())
        }
        ("GET", ["$ref"]) => {
            let ids = client.call(References::named(row, name)).await?;
            Ok(ids.into_iter().map(created).collect())
        }
        ("GET", []) => through(client, request, response, row, name).await,
        ("POST" | "PUT", ["$ref"]) => {
            let link = link(&request.method, row, name, &request.json(), &Handles::new());
            Ok(done(client.call(link).await?))
        }
        ("DELETE", ["$ref"]) => {
            let unlink = match (target, request.option("$id")) {
                (Some(id), _) => {
                    let target = TableName::new("x").row(self::key(id));
                    Disassociate::many_named(row, name, target)
                }
                // Of the two forms the other one: by its id.
                (None, Some(url)) => Disassociate::many_named(row, name, self::row(url)),
                (None, None) => Disassociate::one_named(row, name),
            };
            Ok(done(client.call(unlink).await?))
        }
        ("PUT", []) => {
            let value = Json::new(request.json()["value"].to_string()).unwrap();
            Ok(done(client.call(SetColumn::named(row, name, value)).await?))
        }
        (method, rest) => panic!("{method} {rest:?}"),
    }
}

fn link(
    method: &str,
    row: impl dataverse_client::schema::BindTarget,
    navigation: String,
    body: &Map<String, Value>,
    handles: &Handles,
) -> Associate {
    let target = body["@odata.id"].as_str().unwrap();
    match (method, handles.get(target)) {
        ("PUT", Some(handle)) => Associate::one_named(row, navigation, handle),
        ("PUT", None) => Associate::one_named(row, navigation, self::row(target)),
        (_, Some(handle)) => Associate::many_named(row, navigation, handle),
        (_, None) => Associate::many_named(row, navigation, self::row(target)),
    }
}

/// What is behind a name of a row: the answer tells whether it is a column, a row or rows.
async fn through(
    client: &Client,
    request: &Recorded,
    response: &Value,
    row: RowRef,
    name: String,
) -> Came {
    let body: Value = response["body"]
        .as_str()
        .and_then(|body| serde_json::from_str(body).ok())
        .unwrap_or_default();
    if body["value"].is_array() || request.query.contains_key("$filter") || body.is_null() {
        return rows(client, query(Query::related_to(row, name), request)).await;
    }
    if body.get("value").is_some() {
        let value = client.call(GetColumn::<String>::named(row, name)).await?;
        return Ok(value.map_or(Value::Null, Value::String));
    }
    let mut related = RetrieveRelated::named(row, name);
    if let Some(select) = request.option("$select") {
        related = related.select(selected(select));
    }
    let row = client.call(related).await?;
    Ok(row.as_ref().map_or(Value::Null, shown))
}

async fn in_set(client: &Client, request: &Recorded, table: TableName, rest: &[&str]) -> Came {
    match (&*request.method, rest) {
        ("POST", []) => {
            let body = new(&request.json(), &Handles::new());
            let create = Create::in_table(table, body).server_assigned_id();
            Ok(created(client.call(create).await?))
        }
        ("GET", ["$count"]) => match request.option("$deltatoken") {
            Some(_) => {
                // A token is the link of a table, not of its count.
                let link = request.address.replace("/$count", "");
                let token = serde_json::from_value(link.into()).unwrap();
                let count = CountChanges::of_table(table, token);
                Ok(client.call(count).await?.into())
            }
            None => {
                let count = dataverse_client::Count::of_table(table);
                Ok(client.call(count).await?.rows().into())
            }
        },
        ("GET", []) if request.option("$apply").is_some() => {
            let apply = request.option("$apply").unwrap();
            let rows = client.call(aggregate(table, apply)).await?;
            Ok(rows.iter().map(shown).collect())
        }
        ("GET", [])
            if request.prefers("track-changes") || request.option("$deltatoken").is_some() =>
        {
            let mut track = TrackChanges::from_table(table);
            if request.option("$deltatoken").is_some() {
                let token: dataverse_client::DeltaToken =
                    serde_json::from_value(request.address.clone().into()).unwrap();
                track = track.since(token);
            } else if let Some(select) = request.option("$select") {
                track = track.select(selected(select));
            }
            let page = client.call(track).await?;
            assert!(page.token.is_some());
            let change = |change: &Change<AnyRow, AnyTable>| match change {
                Change::Upserted(row) => shown(row),
                Change::Deleted(id) => created(*id),
                other => panic!("{other:?}"),
            };
            Ok(page.changes.iter().map(change).collect())
        }
        ("GET", []) => rows(client, query(Query::from_table(table), request)).await,
        (method, rest) => panic!("{method} {rest:?}"),
    }
}

async fn one_row(
    client: &Client,
    request: &Recorded,
    table: TableName,
    key: Key<AnyTable>,
) -> Came {
    let etag = |name: &str| {
        let text = request.header(name);
        text.starts_with("W/").then(|| ETag::new(text))
    };
    match &*request.method {
        "GET" => {
            let mut retrieve = Retrieve::from_table(table, key);
            if let Some(select) = request.option("$select") {
                retrieve = retrieve.select(selected(select));
            }
            for expansion in request
                .option("$expand")
                .map(expansions)
                .into_iter()
                .flatten()
            {
                retrieve = retrieve.expand(expansion);
            }
            if let Some(etag) = etag("if-none-match") {
                let row = client.call(retrieve.if_changed(etag)).await?;
                return Ok(row.as_ref().map_or(Value::Null, shown));
            }
            Ok(shown(&client.call(retrieve).await?))
        }
        "DELETE" => {
            let mut delete = Delete::from_table(table, key);
            if let Some(etag) = etag("if-match") {
                delete = delete.if_match(etag);
            }
            Ok(done(client.call(delete).await?))
        }
        "PATCH" => {
            let changes = body(&request.json(), &Handles::new());
            if request.header("if-none-match") == "*" {
                let upsert = Upsert::in_table(table, key, changes).create_only();
                return Ok(done(client.call(upsert).await?));
            }
            if key.id().is_none() {
                return Ok(done(
                    client.call(Upsert::in_table(table, key, changes)).await?,
                ));
            }
            let mut update = Update::in_table(table, key, changes);
            if let Some(etag) = etag("if-match") {
                update = update.if_match(etag);
            }
            if request.prefers("return=representation") {
                let mut update = update.returning::<AnyRow>();
                if let Some(select) = request.option("$select") {
                    update = update.select(selected(select));
                }
                return Ok(shown(&client.call(update).await?));
            }
            Ok(done(client.call(update).await?))
        }
        other => panic!("{other}"),
    }
}

/// `{"@odata.type":"Microsoft.Dynamics.CRM.letter","activityid":"…"}`.
fn existing(value: &Value) -> Option<RowRef> {
    let members = value.as_object().filter(|members| members.len() == 2)?;
    let kind = members.get("@odata.type")?.as_str()?;
    let (column, id) = members.iter().find(|(name, _)| !name.starts_with('@'))?;
    let id: uuid::Uuid = id.as_str()?.parse().ok()?;
    let logical = kind.rsplit('.').next()?.to_owned();
    let table = TableName::new("rows").logical_name(logical);
    Some(table.primary_id(column.clone()).row(id))
}

/// An action or function, unbound or on a row.
async fn invoke(
    client: &Client,
    request: &Recorded,
    bound_to: Option<(TableName, Option<Key<AnyTable>>)>,
) -> Came {
    let last = request.path.last().unwrap();
    let (name, inside) = split(last);
    if name == "RetrieveTotalRecordCount" {
        let names: Vec<String> = serde_json::from_str(&request.query["@p1"]).unwrap();
        let counts = client.call(TotalRowCounts::new(names)).await?;
        let (keys, values): (Vec<_>, Vec<_>) = counts.into_iter().unzip();
        return Ok(serde_json::json!({
            "@odata.context": "https://org.crm.dynamics.com/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse",
            "EntityRecordCountCollection": {
                "Count": keys.len(), "IsReadOnly": false, "Keys": keys, "Values": values,
            }
        }));
    }
    let mut message = match &*request.method {
        "GET" => InvokeNamed::function(name),
        _ => InvokeNamed::action(name),
    };
    match bound_to {
        Some((table, Some(key))) => message = message.on(table.row(key)),
        Some((table, None)) => {
            message = message.on(dataverse_client::BoundTo::rows_of_table(table));
        }
        None => {}
    }
    let parameters = inside.filter(|inside| !inside.is_empty());
    for parameter in parameters.into_iter().flat_map(|inside| inside.split(',')) {
        let (name, value) = parameter.split_once('=').unwrap();
        let value = request.query.get(value).map_or(value, String::as_str);
        message = match value.strip_prefix("{'@odata.id':'") {
            Some(url) => message.row(name, row(url.trim_end_matches("'}"))),
            None => message.value(name, Raw(decoded(value))),
        };
    }
    for (name, value) in request.json() {
        // A row is said as a row where its key is all there is; other things as JSON.
        message = match existing(&value) {
            Some(row) => message.row(name, RowArgument::from(row)),
            None => message.json(name, Json::new(value.to_string()).unwrap()),
        };
    }
    let answer = client.invoke_named(message).await?;
    Ok(match answer.members().next() {
        None => Value::Null,
        Some(_) => shown(&answer),
    })
}

/// The operation of a part of a batch.
enum Part {
    Create(Handle<Id<AnyTable>>),
    Done(Handle<()>),
    Row(Handle<AnyRow>),
    Rows(Handle<FetchPage<AnyRow>>),
}

async fn batch(client: &Client, request: &Recorded) -> Came {
    let mut batch = Batch::new();
    let mut parts = Vec::new();
    let mut set: Option<(ChangeSet, Handles)> = None;
    let text = request.body.clone();
    let mut lines = text.lines().peekable();
    let mut content_id = String::new();
    while let Some(line) = lines.next() {
        let lower = line.to_ascii_lowercase();
        if let Some(id) = lower.strip_prefix("content-id:") {
            content_id = format!("${}", id.trim());
        }
        if lower.starts_with("content-type") && lower.contains("boundary=") {
            set = Some((ChangeSet::new(), Handles::new()));
        }
        if line.starts_with("--changeset") && line.ends_with("--") {
            batch.push(set.take().unwrap().0);
        }
        let Some((method, rest)) = line.split_once(' ') else {
            continue;
        };
        if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) {
            continue;
        }
        let address = rest.trim_end_matches("HTTP/1.1").trim();
        while lines.peek().is_some_and(|line| !line.is_empty()) {
            lines.next();
        }
        let mut body = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("--")) {
            body.push_str(line);
            body.push('\n');
        }
        let part = Recorded::new(method, address, HashMap::new(), body);
        parts.push(match &mut set {
            Some((set, handles)) => {
                let made = write(&part, handles, |add| add.into_set(set));
                if let Part::Create(handle) = &made {
                    handles.insert(content_id.clone(), *handle);
                }
                made
            }
            None if part.option("fetchXml").is_some() => {
                let document = FetchXml::parse(part.option("fetchXml").unwrap()).unwrap();
                let fetch = Fetch::<AnyRow>::new(document).of_table(table(&part.path[0]));
                Part::Rows(batch.add(fetch))
            }
            None if method == "GET" => {
                let (set, inside) = split(&part.path[0]);
                let row = Retrieve::from_table(table(set), key(inside.unwrap()));
                Part::Row(batch.add(row))
            }
            None => write(&part, &Handles::new(), |add| add.into_batch(&mut batch)),
        });
    }
    if request.prefers("continue-on-error") {
        batch = batch.continue_on_error();
    }
    let mut replies = client.call(batch).await?;
    let shown = |came: Result<Value, Error>| match came {
        Ok(value) => value,
        Err(error) if error.is_not_run() => Value::Null,
        Err(error) => serde_json::json!({ "error": error.to_string() }),
    };
    Ok(parts
        .into_iter()
        .map(|part| match part {
            Part::Create(handle) => shown(replies.take(handle).map(created)),
            Part::Done(handle) => shown(replies.take(handle).map(done)),
            Part::Row(handle) => shown(replies.take(handle).map(|row| self::shown(&row))),
            Part::Rows(handle) => shown(
                replies
                    .take(handle)
                    .map(|page| page.rows.iter().map(self::shown).collect()),
            ),
        })
        .collect())
}

/// A write, not yet put anywhere.
enum Adding {
    Create(Create<AnyTable>),
    Update(Update<AnyTable>),
    SetColumn(SetColumn),
    Link(Associate),
}

impl Adding {
    fn into_set(self, set: &mut ChangeSet) -> Part {
        match self {
            Adding::Create(create) => Part::Create(set.add(create)),
            Adding::Update(update) => Part::Done(set.add(update)),
            Adding::SetColumn(column) => Part::Done(set.add(column)),
            Adding::Link(link) => Part::Done(set.add(link)),
        }
    }

    fn into_batch(self, batch: &mut Batch) -> Part {
        match self {
            Adding::Create(create) => Part::Create(batch.add(create)),
            Adding::Update(update) => Part::Done(batch.add(update)),
            Adding::SetColumn(column) => Part::Done(batch.add(column)),
            Adding::Link(link) => Part::Done(batch.add(link)),
        }
    }
}

fn write(part: &Recorded, handles: &Handles, add: impl FnOnce(Adding) -> Part) -> Part {
    let first = part.path[0].as_str();
    let handle = handles.get(first);
    let json = part.json();
    add(match (&*part.method, handle, &part.path[1..]) {
        ("POST", None, []) => {
            let create = Create::in_table(table(first), new(&json, handles));
            Adding::Create(create.server_assigned_id())
        }
        ("PATCH", Some(handle), []) => Adding::Update(Update::created_in_table(
            table("rows"),
            handle,
            body(&json, handles),
        )),
        ("PUT", Some(handle), [name]) => {
            let value = Json::new(json["value"].to_string()).unwrap();
            Adding::SetColumn(SetColumn::named(handle, name.clone(), value))
        }
        (method, Some(handle), [name, _]) => {
            Adding::Link(link(method, handle, name.clone(), &json, handles))
        }
        (method, _, rest) => panic!("{method} {first} {rest:?}"),
    })
}
