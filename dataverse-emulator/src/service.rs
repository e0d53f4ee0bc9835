//! From a request to who answers it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};

use crate::background::Background;
use crate::catalog::{Catalog, Table};
use crate::definitions::{Change, Custom};
use crate::emulator::BuildError;
use crate::fault::{Fault, Result};
use crate::handler::Handlers;
use crate::ledger::Ledger;
use crate::message::{Answer, Asked};
use crate::org::{Org, Setup};
use crate::query::Rows;
use crate::row_key::RowKey;
use crate::security::{Access, Right, Security, sign_in};
use crate::store::Store;
use crate::url::{Address, MAX_LENGTH, MAX_LENGTH_IN_BATCH, Segment, encode_value};
use crate::value::write_string;
use crate::{
    associate, batch, bound, definitions, delta, discovery, elastic, file, metadata, operation,
    parameter, query, related, search, solution, write,
};

/// The user that every request comes from.
pub(crate) const USER: &str = "00000000-0000-0000-0000-0000000000a1";
/// The business unit of that user.
pub(crate) const BUSINESS_UNIT: &str = "00000000-0000-0000-0000-0000000000b1";
/// The org.
pub(crate) const ORGANIZATION: &str = "00000000-0000-0000-0000-0000000000c1";

/// Versions of the Web API that are answered.
const VERSIONS: &[&str] = &["v9.0", "v9.1", "v9.2"];

/// The header with the id that a client gives its request.
const CLIENT_REQUEST: &str = "x-ms-client-request-id";

/// Rows that the members of a change set created, by Content-ID.
pub(crate) type Contents = RefCell<HashMap<String, (String, String)>>;

/// What answers: what the org declares, and its rows.
#[derive(Debug)]
pub(crate) struct Service {
    setup: Setup,
    org: RefCell<Arc<Org>>,
    pub(crate) store: Store,
    /// Operations that programs answer.
    pub(crate) handlers: Handlers,
    /// Who may do what; without it everybody may do everything.
    pub(crate) security: Option<Arc<Security>>,
    /// Operations that wait, and those that did.
    pub(crate) background: Background,
    /// What requests did to rows.
    pub(crate) ledger: RefCell<Ledger>,
    /// How long a delta link can be followed.
    pub(crate) delta_lifetime: Duration,
}

/// One request while it is answered.
pub(crate) struct Call<'c> {
    pub(crate) document: &'c str,
    pub(crate) catalog: &'c Catalog,
    pub(crate) store: &'c Store,
    pub(crate) asked: &'c Asked,
    pub(crate) address: Address,
    /// `http://127.0.0.1:5000`.
    pub(crate) origin: &'c str,
    pub(crate) now: DateTime<Utc>,
    /// In a change set: its rows, and the Content-ID of this member.
    pub(crate) contents: Option<(&'c Contents, Option<String>)>,
    /// The partition of a row of an elastic table, if the URL tells it.
    pub(crate) partition: Option<String>,
    /// How long a delta link can be followed.
    pub(crate) delta_lifetime: Duration,
    /// The user whose token it came with.
    pub(crate) signed_in: String,
    /// The user on whose behalf that one acts.
    pub(crate) on_behalf_of: Option<String>,
    /// What it may do; None for everything.
    pub(crate) access: Option<Access>,
    pub(crate) handlers: &'c Handlers,
}

impl<'c> Call<'c> {
    /// `http://127.0.0.1:5000/api/data/v9.2/`.
    pub(crate) fn root(&self) -> String {
        format!("{}/api/data/{}/", self.origin, self.address.version)
    }

    /// The user that rows are written by.
    pub(crate) fn user(&self) -> &str {
        self.on_behalf_of.as_deref().unwrap_or(&self.signed_in)
    }

    /// Refuses what this request may do with no row of a table.
    pub(crate) fn require(&self, table: &Table, right: Right) -> Result<()> {
        match &self.access {
            Some(access) if !table.is_intersect => access.require(table, right),
            _ => Ok(()),
        }
    }

    /// Refuses what this request may not do with a row.
    pub(crate) fn check(&self, table: &Table, id: &str, right: Right) -> Result<()> {
        match &self.access {
            Some(access) if !table.is_intersect => access.check(self.store, table, id, right),
            _ => Ok(()),
        }
    }

    /// The business unit of a user or a team.
    pub(crate) fn business_unit_of(&self, principal: &str) -> &str {
        let access = self.access.as_ref();
        access.map_or(BUSINESS_UNIT, |access| access.business_unit_of(principal))
    }

    /// The URL of a row: `http://127.0.0.1:5000/api/data/v9.2/accounts(…)`.
    pub(crate) fn address_of(&self, table: &str, id: &str) -> String {
        let set = self
            .catalog
            .by_name(table)
            .map_or(table, |table| &table.entity_set);
        format!("{}{set}({id})", self.root())
    }

    /// This request again, from the page that `token` names.
    pub(crate) fn next_link(&self, token: &str) -> String {
        let (_, query) = self.asked.target.split_once('?').unwrap_or_default();
        let mut link = self.root();
        for (index, segment) in self.address.segments.iter().enumerate() {
            if index > 0 {
                link.push('/');
            }
            link.push_str(&segment.name);
            if let Some(arguments) = &segment.arguments {
                link.push_str(&format!("({})", encode_value(arguments)));
            }
        }
        let mut separator = '?';
        let kept = query.split('&').filter(|option| {
            !option.is_empty()
                && !option.starts_with("$skiptoken=")
                && !option.starts_with("%24skiptoken=")
        });
        for option in kept {
            link.push(separator);
            link.push_str(option);
            separator = '&';
        }
        link.push(separator);
        link.push_str("$skiptoken=");
        link.push_str(token);
        link
    }

    /// Remembers the row that this member of a change set wrote.
    pub(crate) fn created(&self, table: &Table, id: &str) {
        if let Some((contents, Some(content_id))) = &self.contents {
            contents.borrow_mut().insert(
                content_id.clone(),
                (table.logical_name.clone(), id.to_owned()),
            );
        }
    }

    /// The row that `$1` stands for.
    pub(crate) fn content(&self, reference: &str) -> Result<(&'c Table, String)> {
        let content_id = reference.trim_start_matches('$');
        let row = self
            .contents
            .as_ref()
            .and_then(|(contents, _)| contents.borrow().get(content_id).cloned());
        let found = row.and_then(|(table, id)| Some((self.catalog.by_name(&table)?, id)));
        found.ok_or_else(|| {
            Fault::text(format!(
                "Content-ID Reference: '${content_id}' does not exist in the batch context."
            ))
        })
    }
}

/// Whose request it is, as far as limits go.
pub(crate) fn user_of(security: Option<&Security>, asked: &Asked) -> String {
    let user = security.and_then(|security| sign_in(security, asked.token()).ok());
    user.map_or(USER, |user| user.id()).to_owned()
}

impl Service {
    /// What answers for an org that is set up so, with the changes that are stored.
    pub(crate) fn new(
        setup: Setup,
        org: Org,
        store: Store,
        security: Option<Arc<Security>>,
        delta_lifetime: Duration,
    ) -> Result<Self, BuildError> {
        let service = Service {
            org: RefCell::new(Arc::new(org)),
            setup,
            store,
            handlers: Handlers::default(),
            security,
            background: Background::default(),
            ledger: RefCell::default(),
            delta_lifetime,
        };
        service.read_definitions()?;
        Ok(service)
    }

    /// What the org declares now.
    pub(crate) fn org(&self) -> Arc<Org> {
        self.org.borrow().clone()
    }

    /// Takes back what was declared before: its change was not kept.
    pub(crate) fn put_back(&self, org: Arc<Org>) {
        *self.org.borrow_mut() = org;
    }

    /// Takes the definitions that are stored.
    pub(crate) fn read_definitions(&self) -> Result<(), BuildError> {
        let custom = Custom::load(&self.store);
        let custom = custom.map_err(|error| BuildError::Store(Box::new(error)))?;
        if !(custom.is_empty() && self.org().custom.is_empty()) {
            self.put_back(Arc::new(self.setup.org(custom)?));
        }
        Ok(())
    }

    /// Keeps a change of definitions.
    fn change(&self, change: &Change) -> Result<()> {
        let org = self.setup.org(change.custom.clone());
        let org = org.map_err(|error| Fault::invalid_argument(error.to_string()))?;
        let old = self.org();
        // What is dropped must not stand behind a view any more.
        self.store.forget().map_err(Fault::internal)?;
        self.store.atomically(|| {
            change.keep(&self.store, &org.catalog)?;
            let version = self.setup.document.version();
            definitions::note(&self.store, version, &old.custom, &change.custom)
        })?;
        self.put_back(Arc::new(org));
        Ok(())
    }

    /// Answers a request of its own.
    pub(crate) fn answer(&self, asked: &Asked, origin: &str, now: DateTime<Utc>) -> Answer {
        let of_search = search::as_message(asked);
        let asked = of_search.as_ref().unwrap_or(asked);
        self.background.run(now, |asked, origin| {
            let answer = self.try_answer(asked, origin, now, None);
            self.enter(asked);
            answer
        });
        let answer = discovery::answer(asked, origin)
            .or_else(|| self.background.answer(asked))
            .unwrap_or_else(|| self.answer_own(asked, origin, now))
            .unwrap_or_else(Answer::from);
        self.enter(asked);
        answer
    }

    /// Enters what a request did to rows, by the id that the client gave it.
    fn enter(&self, asked: &Asked) {
        let written = self.store.take_written();
        if let Some(id) = asked.header(CLIENT_REQUEST)
            && !written.is_empty()
        {
            self.ledger.borrow_mut().add(id, written);
        }
    }

    /// Answers a request of its own for the Web API.
    fn answer_own(&self, asked: &Asked, origin: &str, now: DateTime<Utc>) -> Result<Answer> {
        if asked.preferences().respond_async && self.handlers.answers(asked) {
            if let Some(security) = &self.security {
                sign_in(security, asked.token())?;
            }
            return self.background.start(asked, origin, now);
        }
        self.try_answer(asked, origin, now, None)
    }

    /// Answers a request, possibly a part of a batch.
    pub(crate) fn try_answer(
        &self,
        asked: &Asked,
        origin: &str,
        now: DateTime<Utc>,
        contents: Option<(&Contents, Option<String>)>,
    ) -> Result<Answer> {
        let longest = match contents {
            Some(_) => MAX_LENGTH_IN_BATCH,
            None => MAX_LENGTH,
        };
        if asked.target.len() > longest {
            return Err(Fault::bad_request(
                "Invalid URI: The Uri string is too long.",
            ));
        }
        let org = self.org();
        let mut call = Call {
            document: org.document.text(),
            catalog: &org.catalog,
            store: &self.store,
            asked,
            address: Address::parse(&asked.target)?,
            origin,
            now,
            contents,
            partition: None,
            delta_lifetime: self.delta_lifetime,
            signed_in: USER.to_owned(),
            on_behalf_of: None,
            access: None,
            handlers: &self.handlers,
        };
        let user = match &self.security {
            Some(security) => Some((security, sign_in(security, asked.token())?)),
            None => None,
        };
        if let Some((_, user)) = user {
            call.signed_in = user.id().to_owned();
        }
        call.on_behalf_of = parameter::caller(&call)?;
        if !VERSIONS.contains(&call.address.version.as_str()) {
            let body = "{\"Message\":\"No HTTP resource was found that matches the request URI.\"}";
            return Ok(Answer::json(StatusCode::NOT_FOUND, body.to_owned()));
        }
        call.resolve_content()?;
        if org.catalog.has_elastic {
            self.store.read_as(None);
            elastic::end_rows(&call, &org.catalog)?;
            elastic::take_partition(&mut call)?;
        }
        if let Some((security, user)) = user {
            let other = call.on_behalf_of.as_deref();
            call.access = Some(Access::new(security, user, other)?);
        }
        self.store.read_as(call.access.as_ref());
        solution::check(&call)?;
        let segments = call.address.segments.clone();
        if let [first, rest @ ..] = &segments[..]
            && let Some(change) =
                definitions::change(&org.definitions, &org.custom, &call, first, rest)?
        {
            self.change(&change)?;
            return Ok(change.answer);
        }
        match &segments[..] {
            [] => only(&Method::GET, asked).map(|()| service_document(&call)),
            [first] if first.name == "$metadata" => {
                only(&Method::GET, asked)?;
                Ok(metadata::answer(&call))
            }
            [first] if first.name == "$batch" => {
                only(&Method::POST, asked)?;
                if call.contents.is_some() {
                    return Err(Fault::payload("", "A batch cannot hold a batch."));
                }
                batch::answer(self, asked, origin, now)
            }
            [first, rest @ ..] if definitions::is_asked(first) => {
                definitions::answer(&org.definitions, &call, first, rest)
            }
            [first, rest @ ..] => match org.catalog.by_set(&first.name) {
                Some(table) => in_table(&call, table, first, rest),
                None if rest.is_empty() => operation::answer(&call, first),
                None => Err(Fault::unknown_segment(&first.name)),
            },
        }
    }
}

impl Call<'_> {
    /// `$1/name` is a row that the change set created.
    fn resolve_content(&mut self) -> Result<()> {
        let Some(first) = self.address.segments.first() else {
            return Ok(());
        };
        let is_reference = first.name.len() > 1
            && first.name.starts_with('$')
            && first.name[1..].bytes().all(|byte| byte.is_ascii_digit());
        if is_reference {
            let (table, id) = self.content(&first.name)?;
            self.address.segments[0] = Segment {
                name: table.entity_set.clone(),
                arguments: Some(id),
            };
        }
        Ok(())
    }
}

fn only(method: &Method, asked: &Asked) -> Result<()> {
    if asked.method == *method {
        Ok(())
    } else {
        Err(Fault::method_not_allowed(&asked.method))
    }
}

fn service_document(call: &Call<'_>) -> Answer {
    let mut body = String::from("{\"@odata.context\":");
    write_string(&format!("{}$metadata", call.root()), &mut body);
    body.push_str(",\"value\":[");
    for (index, table) in call.catalog.tables().enumerate() {
        if index > 0 {
            body.push(',');
        }
        let set = &table.entity_set;
        body.push_str("{\"name\":");
        write_string(set, &mut body);
        body.push_str(",\"kind\":\"EntitySet\",\"url\":");
        write_string(set, &mut body);
        body.push('}');
    }
    body.push_str("]}");
    Answer::json(StatusCode::OK, body)
}

fn in_table(call: &Call<'_>, table: &Table, first: &Segment, rest: &[Segment]) -> Result<Answer> {
    let method = &call.asked.method;
    if table.is_intersect && *method != Method::GET {
        return Err(Fault::is_intersect(method, &table.logical_name));
    }
    let Some(arguments) = &first.arguments else {
        return match (method, rest) {
            (&Method::GET, []) if delta::is_asked(call) => delta::answer(call, table),
            (&Method::GET, []) => query::collection(call, &Rows::all(table)),
            (&Method::POST, []) => write::create(call, table),
            (&Method::GET, [segment]) if segment.name == "$count" => {
                match call.address.option("$deltatoken") {
                    Some(_) => delta::count(call, table),
                    None => query::count_only(call, &Rows::all(table)),
                }
            }
            (_, [segment, ..]) => match bound::name(segment) {
                Some(_) => bound::on_table(call, table, segment),
                None => Err(bound::unknown(segment)),
            },
            _ => Err(Fault::method_not_allowed(method)),
        };
    };
    let key = RowKey::parse(table, arguments)?;
    let key = match *method {
        // The body of a change may tell the partition.
        Method::PATCH => key,
        _ => elastic::key(call, table, key, None),
    };
    match (method, rest) {
        (&Method::GET, []) => retrieve(call, table, &key),
        (&Method::PATCH, []) => write::patch(call, table, &key),
        (&Method::DELETE, []) => write::delete(call, table, &key),
        (_, []) => Err(Fault::method_not_allowed(method)),
        (_, [segment, ..]) if bound::name(segment).is_some() => {
            bound::on_row(call, table, &key, segment)
        }
        (_, [segment, behind @ ..]) => {
            let name = segment.name.as_str();
            let is_navigation =
                table.navigation(name).is_some() || table.collections.contains_key(name);
            let is_reference = behind.first().is_some_and(|next| next.name == "$ref");
            if *method == Method::GET && is_navigation {
                let id = key.require(call.store, table)?;
                return related::read(call, table, &id, rest);
            }
            if is_navigation && is_reference && behind.len() == 1 {
                return associate::answer(call, table, &key, segment);
            }
            if is_navigation && is_reference {
                return Err(Fault::not_supported(format!(
                    "requests through the navigation property `{name}`"
                )));
            }
            let id = key.require(call.store, table)?;
            if *method == Method::GET {
                call.check(table, &id, Right::Read)?;
            }
            if let Some(answer) = file::answer_column(call, table, &id, name, behind)? {
                return Ok(answer);
            }
            match (method, behind) {
                (&Method::GET, _) => related::read(call, table, &id, rest),
                (&Method::PUT, []) => write::property(call, table, &id, name, false),
                (&Method::DELETE, []) => write::property(call, table, &id, name, true),
                (_, []) => Err(Fault::method_not_allowed(method)),
                (_, [next, ..]) => Err(Fault::unknown_segment(&next.name)),
            }
        }
    }
}

/// `GET accounts(…)`, possibly only if the row has changed.
fn retrieve(call: &Call<'_>, table: &Table, key: &RowKey) -> Result<Answer> {
    query::check_options(&call.address.options, &["$select", "$expand"])?;
    let id = key.require(call.store, table)?;
    call.check(table, &id, Right::Read)?;
    let known = call.asked.header("if-none-match");
    if let Some(etag) = known.filter(|etag| etag.starts_with("W/"))
        && table.has_optimistic_concurrency
        && call.asked.preferences().annotations.is_none()
        && call.address.option("$expand").is_none()
        && let Some(version) = call.store.version(table, &id)?
        && etag == format!("W/\"{version}\"")
    {
        let answer = Answer::new(StatusCode::NOT_MODIFIED);
        return Ok(answer.with_body(crate::message::JSON, ""));
    }
    related::read(call, table, &id, &[])
}
