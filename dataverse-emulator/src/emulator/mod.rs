//! The emulator as a program uses it: set up, sent to, looked at.

mod builder;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Timelike, Utc};
use dataverse_client::http::{Clock, Reached, Transport, TransportError};
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};

pub use self::builder::{BuildError, EmulatorBuilder};
use crate::control;
use crate::fault::Fault;
use crate::handler::{ActionCall, ActionError};
use crate::injected::{Delivery, InjectedFault, Orders};
use crate::ledger::Committed;
use crate::limits::Gate;
use crate::message::{Answer, Asked};
use crate::org::Org;
use crate::security::Security;
use crate::seed::Rows;
use crate::service::{self, BUSINESS_UNIT, Call, Service, USER};
use crate::sign_in::{self, SignIn};
use crate::snapshot::Snapshot;
use crate::url::Address;
use crate::write::{self, Members};

/// A local Dataverse. Clones share their rows.
#[derive(Clone)]
pub struct Emulator {
    inner: Arc<Inner>,
}

struct Inner {
    service: Mutex<Service>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Rows that there are from the start.
    seeds: Vec<Rows>,
    /// Copies of all rows and definitions, by name.
    snapshots: Mutex<HashMap<String, Snapshot>>,
    /// How much each user has asked for, if that is limited.
    gate: Option<Mutex<Gate>>,
    /// Who has which token, to be asked while the service works.
    security: Option<Arc<Security>>,
    /// The tenant that challenges name.
    tenant: String,
    token_lifetime: Duration,
}

#[derive(Default)]
struct State {
    log: VecDeque<Recorded>,
    faults: Orders,
}

/// How many requests are remembered.
const MAX_LOG: usize = 10_000;

/// A request that came in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// The verb.
    pub method: Method,
    /// Path and query as they came.
    pub target: String,
    /// Headers; in place of a token stands `***`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The status it was answered with; None if the answer was lost or the connection refused.
    pub status: Option<StatusCode>,
}

/// A row that cannot be seeded.
#[derive(Debug, thiserror::Error)]
#[error("row {row} for `{table}`: {message}")]
pub struct SeedError {
    table: String,
    row: usize,
    message: String,
}

impl Emulator {
    /// Sets up an emulator.
    ///
    /// ```
    /// # fn f(document: Vec<u8>) -> Result<(), dataverse_emulator::BuildError> {
    /// let emulator = dataverse_emulator::Emulator::builder()
    ///     .metadata(document)
    ///     .alternate_key("account", &["accountnumber"])
    ///     .build()?;
    /// # Ok(()) }
    /// ```
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    /// The address to give to a client that uses the emulator as its transport.
    pub const URL: &'static str = "https://emulator.localhost";

    /// The last 10,000 requests, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().log.iter().cloned().collect()
    }

    /// Lets the next `times` requests go wrong, after those that were ordered before.
    pub fn inject(&self, fault: InjectedFault, times: usize) {
        self.inject_when(fault, times, |_, _| true);
    }

    /// Lets the next `times` requests go wrong for which `is_for` holds, given the verb and the
    /// path with its query: `/api/data/v9.2/accounts?$top=1`.
    ///
    /// ```
    /// # fn f(emulator: &dataverse_emulator::Emulator) {
    /// use dataverse_emulator::InjectedFault;
    /// emulator.inject_when(InjectedFault::AnswerLost, 1, |method, target| {
    ///     method == "POST" && target.starts_with("/api/data/v9.2/accounts")
    /// });
    /// # }
    /// ```
    pub fn inject_when(
        &self,
        fault: InjectedFault,
        times: usize,
        is_for: impl Fn(&Method, &str) -> bool + Send + 'static,
    ) {
        self.state().faults.add(fault, times, Box::new(is_for));
    }

    /// Answers an action or a function in place of the emulator, bound or not: `handler` gives the
    /// members of the response as a JSON object, or None for an answer without a body (204).
    ///
    /// The handler runs while the emulator works: it writes rows through its argument, and must not
    /// send requests to the emulator.
    ///
    /// ```
    /// # fn f(emulator: &dataverse_emulator::Emulator) -> Result<(), dataverse_emulator::BuildError> {
    /// use dataverse_emulator::ActionError;
    ///
    /// emulator.on_action("FormatAddress", |call| {
    ///     if call.parameters() == "{}" {
    ///         return Err(ActionError::new("an address is needed"));
    ///     }
    ///     Ok(Some(r#"{"Address":"1 Main Street"}"#.to_owned()))
    /// })
    /// # }
    /// ```
    ///
    /// Errors: [`BuildError::Operation`] if the document does not declare the operation.
    pub fn on_action(
        &self,
        name: &str,
        handler: impl Fn(&ActionCall<'_>) -> Result<Option<String>, ActionError> + Send + Sync + 'static,
    ) -> Result<(), BuildError> {
        let mut service = self.service();
        let org = service.org();
        match service
            .handlers
            .add(org.document.text(), name, Arc::new(handler))
        {
            true => Ok(()),
            false => Err(BuildError::Operation(name.to_owned())),
        }
    }

    /// Writes rows in one go, as creates would: JSON objects with columns and `@odata.bind`.
    ///
    /// Errors: the first row that a create would refuse; then none is kept.
    pub fn seed<R: AsRef<str>>(
        &self,
        table: &str,
        rows: impl IntoIterator<Item = R>,
    ) -> Result<usize, SeedError> {
        let refused = |row: usize, message: String| SeedError {
            table: table.to_owned(),
            row,
            message,
        };
        let rows: Vec<R> = rows.into_iter().collect();
        let rows = rows.iter().map(AsRef::as_ref);
        let service = self.service();
        let inserted = self.insert(&service, table, rows);
        // No request did it.
        service.store.take_written();
        inserted.map_err(|(row, message)| refused(row, message))
    }

    /// Writes rows; errors with the place of the first that a create would refuse.
    fn insert<'r>(
        &self,
        service: &Service,
        table: &str,
        rows: impl Iterator<Item = &'r str>,
    ) -> Result<usize, (usize, String)> {
        let org = service.org();
        let found = org.catalog.by_name(table);
        let found = found.ok_or_else(|| (0, "there is no such table".to_owned()))?;
        let asked = empty_request();
        let call = self.call(service, &org, &asked);
        let mut count = 0;
        let done = service.store.atomically(|| {
            for row in rows {
                let members: Members = write::members(row.as_bytes(), &found.entity_set)?;
                let written = write::read(&call, found, &members)?;
                write::insert(&call, found, written)?;
                count += 1;
            }
            Ok(())
        });
        done.map(|()| count).map_err(|fault| (count, fault.message))
    }

    /// Makes the rows that there are from the start.
    pub(crate) fn begin(&self) -> Result<(), BuildError> {
        let service = self.service();
        let begun = self.make_first_rows(&service);
        // No request did it.
        service.store.take_written();
        begun
    }

    fn make_first_rows(&self, service: &Service) -> Result<(), BuildError> {
        self.make_caller(service)?;
        self.make_principals(service)?;
        if !service.store.is_new {
            return Ok(());
        }
        for (table, rows) in self.inner.seeds.iter().flat_map(|seed| &seed.tables) {
            self.insert(service, table, rows.iter().map(|row| row.get()))
                .map_err(|(row, message)| {
                    BuildError::Seed(format!("row {row} for `{table}`: {message}"))
                })?;
        }
        Ok(())
    }

    /// The user and the business unit that rows belong to.
    fn make_caller(&self, service: &Service) -> Result<(), BuildError> {
        let org = service.org();
        let asked = empty_request();
        let call = self.call(service, &org, &asked);
        let rows = [
            ("businessunit", "businessunitid", BUSINESS_UNIT, "name"),
            ("systemuser", "systemuserid", USER, "fullname"),
        ];
        for (table, primary_id, id, name) in rows {
            let Some(table) = org.catalog.by_name(table) else {
                continue;
            };
            let make = || {
                if table.primary_id != primary_id || service.store.version(table, id)?.is_some() {
                    return Ok(());
                }
                let mut members = Members::new();
                for (column, text) in [(primary_id, id), (name, "Emulator")] {
                    if table.column(column).is_some() {
                        let json =
                            serde_json::value::to_raw_value(text).map_err(Fault::internal)?;
                        members.insert(column.to_owned(), json);
                    }
                }
                let written = write::read(&call, table, &members)?;
                write::insert(&call, table, written).map(drop)
            };
            service
                .store
                .atomically(make)
                .map_err(|fault| BuildError::Store(fault.message.into()))?;
        }
        Ok(())
    }

    /// The rows of configured users, teams and business units.
    fn make_principals(&self, service: &Service) -> Result<(), BuildError> {
        let Some(security) = service.security.clone() else {
            return Ok(());
        };
        let org = service.org();
        let asked = empty_request();
        let call = self.call(service, &org, &asked);
        let made = service.store.atomically(|| security.insert_rows(&call));
        made.map_err(|fault| BuildError::Store(fault.message.into()))
    }

    fn call<'c>(&self, service: &'c Service, org: &'c Org, asked: &'c Asked) -> Call<'c> {
        service.store.read_as(None);
        Call {
            document: org.document.text(),
            catalog: &org.catalog,
            store: &service.store,
            asked,
            address: Address {
                version: "v9.2".to_owned(),
                segments: Vec::new(),
                options: Vec::new(),
            },
            origin: Self::URL,
            now: self.now(),
            contents: None,
            partition: None,
            delta_lifetime: service.delta_lifetime,
            signed_in: USER.to_owned(),
            on_behalf_of: None,
            access: None,
            handlers: &service.handlers,
        }
    }

    /// The service knows times to the second.
    fn now(&self) -> DateTime<Utc> {
        to_the_second(self.inner.clock.now())
    }

    pub(crate) fn snapshots(&self) -> &Mutex<HashMap<String, Snapshot>> {
        &self.inner.snapshots
    }

    pub(crate) fn service(&self) -> MutexGuard<'_, Service> {
        self.inner
            .service
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the faults that were ordered and did not come yet.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Answers one request. `origin` is where it came to: `http://127.0.0.1:5000`.
    pub(crate) fn handle(
        &self,
        request: http::Request<Bytes>,
        origin: &str,
    ) -> Result<Delivery, TransportError> {
        let (head, body) = request.into_parts();
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let asked = Asked {
            method: head.method,
            target: target.to_owned(),
            headers: head.headers,
            body,
        };
        if let Some(answer) = control::answer(self, &asked) {
            return Ok(response(answer).into());
        }
        let fault = self.state().faults.next(&asked);
        let result = match &fault {
            Some(InjectedFault::ConnectionRefused) => {
                Err(TransportError::new(Reached::NotSent, "refused on demand"))
            }
            Some(InjectedFault::ConnectionReset) => {
                Err(TransportError::new(Reached::Unknown, "reset on demand"))
            }
            Some(InjectedFault::Throttled { retry_after }) => Ok(throttled(*retry_after)),
            Some(InjectedFault::Status(status)) => Ok(Answer::new(*status)),
            Some(InjectedFault::ExpiredToken) => Ok(self.challenge(origin)),
            Some(InjectedFault::ExpiredDeltaToken) => Ok(Fault::expired_version().into()),
            Some(InjectedFault::AnswerLost) => {
                self.answer(&asked, origin);
                Err(TransportError::new(Reached::Unknown, "lost on demand"))
            }
            Some(
                InjectedFault::Latency(_)
                | InjectedFault::TruncatedBody
                | InjectedFault::SlowBody(_),
            )
            | None => Ok(self.answer(&asked, origin)),
        };
        self.record(asked, result.as_ref().ok().map(|answer| answer.status));
        let mut delivery = Delivery::from(response(result?));
        match fault {
            Some(InjectedFault::Latency(time)) => delivery.late = time,
            Some(InjectedFault::SlowBody(time)) => delivery.slow = time,
            Some(InjectedFault::TruncatedBody) => delivery.is_cut = true,
            _ => {}
        }
        Ok(delivery)
    }

    /// 401, and where to sign in.
    fn challenge(&self, origin: &str) -> Answer {
        sign_in::challenge(origin, &self.inner.tenant)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// What requests with this `x-ms-client-request-id` did to rows, and was kept: nothing for a
    /// request that was refused or undone, the same row twice for one that was executed twice.
    ///
    /// ```
    /// # fn f(emulator: &dataverse_emulator::Emulator) {
    /// let id = "6e3a4b0c-0000-0000-0000-000000000001";
    /// // … a client repeats a request of this id, because its answer was lost …
    /// assert_eq!(emulator.committed(id).len(), 1, "it was executed once");
    /// # }
    /// ```
    pub fn committed(&self, client_request_id: &str) -> Vec<Committed> {
        self.service().ledger.borrow().get(client_request_id)
    }

    fn answer(&self, asked: &Asked, origin: &str) -> Answer {
        let began = self.inner.clock.now();
        let now = to_the_second(began);
        let desk = SignIn {
            origin,
            now,
            tenant: &self.inner.tenant,
            lifetime: self.inner.token_lifetime,
            security: self.inner.security.as_deref(),
        };
        if let Some(answer) = desk.answer(asked) {
            return answer;
        }
        let token = asked.token().trim();
        if token.is_empty() || sign_in::is_expired(token, now) {
            return self.challenge(origin);
        }
        let Some(gate) = &self.inner.gate else {
            return self.service().answer(asked, origin, now);
        };
        let gate = || gate.lock().unwrap_or_else(PoisonError::into_inner);
        let user = service::user_of(self.inner.security.as_deref(), asked);
        if let Err(refusal) = gate().enter(&user, began) {
            return *refusal;
        }
        let answer = self.service().answer(asked, origin, now);
        gate().leave(&user, began, self.inner.clock.now(), answer)
    }

    fn record(&self, asked: Asked, status: Option<StatusCode>) {
        let mut headers = asked.headers;
        if headers.contains_key(AUTHORIZATION) {
            headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer ***"));
        }
        let mut state = self.state();
        if state.log.len() == MAX_LOG {
            state.log.pop_front();
        }
        state.log.push_back(Recorded {
            method: asked.method,
            target: asked.target,
            headers,
            body: asked.body,
            status,
        });
    }
}

fn to_the_second(time: SystemTime) -> DateTime<Utc> {
    let time: DateTime<Utc> = time.into();
    time.with_nanosecond(0).unwrap_or(time)
}

fn response(answer: Answer) -> http::Response<Bytes> {
    let mut response = http::Response::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

fn empty_request() -> Asked {
    Asked {
        method: Method::POST,
        target: String::new(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    }
}

fn throttled(retry_after: Duration) -> Answer {
    let fault = Fault::new(
        StatusCode::TOO_MANY_REQUESTS,
        "0x80072322",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
    );
    Answer::from(fault).with(RETRY_AFTER, &retry_after.as_secs().to_string())
}

#[async_trait]
impl Transport for Emulator {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let uri = request.uri();
        let origin = match (uri.scheme_str(), uri.authority()) {
            (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
            _ => Self::URL.to_owned(),
        };
        let delivery = self.handle(request, &origin)?;
        let wait = delivery.late + delivery.slow;
        if !wait.is_zero() {
            self.inner.clock.sleep(wait).await;
        }
        match delivery.is_cut {
            true => Err(TransportError::new(
                Reached::Unknown,
                "the body was cut on demand",
            )),
            false => Ok(delivery.response),
        }
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").finish_non_exhaustive()
    }
}
