//! Operations that run in the background: started with `Prefer: respond-async`, asked for and
//! cancelled at `/api/backgroundoperation/{id}`.
//!
//! Those that a program answers (`Emulator::on_action`) can: they are custom APIs. An operation
//! waits a second, by the emulator's clock, and is executed before the next request that comes
//! then, so that no request sees less than the service would show.
//!
//! Source: Microsoft Learn, "Background operations (preview)".

use std::cell::RefCell;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{HeaderName, LOCATION};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::fault::{Fault, Result};
use crate::message::{Answer, Asked};
use crate::value::guid;

const ID: HeaderName = HeaderName::from_static("x-ms-dyn-backgroundoperationid");
/// Where operations are asked for.
const ROOT: &str = "/api/backgroundoperation/";
/// How long an operation waits.
const WAIT: Duration = Duration::from_secs(1);

/// States: `Locked`, `Completed`; reasons of them.
const READY: i32 = 0;
const LOCKED: i32 = 2;
const COMPLETED: i32 = 3;
const WAITING: i32 = 0;
const CANCELING: i32 = 22;
const SUCCEEDED: i32 = 30;
const FAILED: i32 = 31;
const CANCELED: i32 = 32;

/// Operations of this emulator.
#[derive(Debug, Default)]
pub(crate) struct Background {
    operations: RefCell<Vec<Operation>>,
}

#[derive(Debug)]
struct Operation {
    id: String,
    due: DateTime<Utc>,
    asked: Asked,
    origin: String,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Waiting,
    Canceled,
    /// Members of the answer.
    Succeeded(Map<String, Value>),
    Failed(Fault),
}

impl Background {
    /// Starts an operation.
    pub(crate) fn start(&self, asked: &Asked, origin: &str, now: DateTime<Utc>) -> Result<Answer> {
        if asked.preferences().callback {
            return Err(Fault::not_supported(
                "a callback when a background operation has ended",
            ));
        }
        let id = uuid::Uuid::new_v4().to_string();
        let location = format!("{origin}{ROOT}{id}");
        self.operations.borrow_mut().push(Operation {
            id: id.clone(),
            due: now + WAIT,
            asked: asked.clone(),
            origin: origin.to_owned(),
            state: State::Waiting,
        });
        Ok(Answer::new(StatusCode::ACCEPTED)
            .with(LOCATION, &location)
            .with(ID, &id)
            .applied(&["respond-async".to_owned()]))
    }

    /// Executes what has waited long enough.
    pub(crate) fn run(&self, now: DateTime<Utc>, execute: impl Fn(&Asked, &str) -> Result<Answer>) {
        let mut operations = self.operations.borrow_mut();
        let waiting = |operation: &&mut Operation| {
            matches!(operation.state, State::Waiting) && operation.due <= now
        };
        for operation in operations.iter_mut().filter(waiting) {
            operation.state = match execute(&operation.asked, &operation.origin) {
                Ok(answer) => State::Succeeded(members(&answer)),
                Err(fault) => State::Failed(fault),
            };
        }
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        self.operations.borrow_mut().clear();
    }

    /// Answers a request for an operation; None if it is none.
    pub(crate) fn answer(&self, asked: &Asked) -> Option<Result<Answer>> {
        let id = asked.target.strip_prefix(ROOT)?;
        Some(self.monitor(&asked.method, id))
    }

    fn monitor(&self, method: &Method, id: &str) -> Result<Answer> {
        let mut operations = self.operations.borrow_mut();
        let wanted = guid(id);
        let mut found = operations.iter_mut();
        let found = found.find(|operation| Some(&operation.id) == wanted.as_ref());
        let found = found.ok_or_else(|| {
            Fault::new(
                StatusCode::NOT_FOUND,
                "0x80048d02",
                format!("Could not find item '{id}'."),
            )
        })?;
        match *method {
            Method::GET => Ok(plain(&found.state.told())),
            Method::DELETE if matches!(found.state, State::Waiting) => {
                found.state = State::Canceled;
                Ok(plain(&Value::Object(codes(LOCKED, CANCELING))))
            }
            // It has ended, and stays as it is.
            Method::DELETE => {
                let (state, reason) = found.state.codes();
                Ok(plain(&Value::Object(codes(state, reason))))
            }
            _ => Err(Fault::method_not_allowed(method)),
        }
    }
}

impl State {
    fn codes(&self) -> (i32, i32) {
        match self {
            State::Waiting => (READY, WAITING),
            State::Canceled => (COMPLETED, CANCELED),
            State::Succeeded(_) => (COMPLETED, SUCCEEDED),
            State::Failed(_) => (COMPLETED, FAILED),
        }
    }

    fn told(&self) -> Value {
        let (state, reason) = self.codes();
        let mut told = codes(state, reason);
        match self {
            State::Waiting | State::Canceled => {}
            State::Succeeded(members) => told.extend(members.clone()),
            State::Failed(fault) => {
                let code = fault.code.strip_prefix("0x").unwrap_or_default();
                let code = u32::from_str_radix(code, 16).map_or(0, u32::cast_signed);
                told.insert("backgroundOperationErrorCode".to_owned(), code.into());
                told.insert(
                    "backgroundOperationErrorMessage".to_owned(),
                    fault.message.clone().into(),
                );
            }
        }
        Value::Object(told)
    }
}

fn codes(state: i32, reason: i32) -> Map<String, Value> {
    let mut codes = Map::new();
    codes.insert("backgroundOperationStateCode".to_owned(), state.into());
    codes.insert("backgroundOperationStatusCode".to_owned(), reason.into());
    codes
}

/// The output parameters of an answer.
fn members(answer: &Answer) -> Map<String, Value> {
    let mut members: Map<String, Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
    members.remove("@odata.context");
    members
}

/// JSON that is not OData.
fn plain(body: &Value) -> Answer {
    let mut answer = Answer::new(StatusCode::OK);
    answer.headers.remove("odata-version");
    answer.with_body("application/json", body.to_string())
}
