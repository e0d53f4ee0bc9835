//! `/emulator/…`: what tests of other languages do to the emulator, over HTTP.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use crate::message::{Answer, Asked};
use crate::{Emulator, InjectedFault, SnapshotError};

/// The body of `snapshot` and `restore`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// The body of `faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    kind: Kind,
    /// How many requests go wrong.
    #[serde(default = "once")]
    times: usize,
    /// Of these verbs only.
    method: Option<String>,
    /// Of targets that begin so only: `/api/data/v9.2/accounts`.
    path: Option<String>,
    /// Of `status`.
    status: Option<u16>,
    /// Of `throttled`, in seconds.
    retry_after: Option<u64>,
    /// Of `latency` and `slow_body`.
    milliseconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Throttled,
    Status,
    ConnectionRefused,
    ConnectionReset,
    AnswerLost,
    Latency,
    TruncatedBody,
    SlowBody,
    ExpiredToken,
    ExpiredDeltaToken,
}

fn once() -> usize {
    1
}

/// Answers a request about the emulator itself; None if it is none.
pub(crate) fn answer(emulator: &Emulator, asked: &Asked) -> Option<Answer> {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let what = path.strip_prefix("/emulator/")?;
    let done = match (&asked.method, what) {
        (&Method::POST, "reset") => emulator.reset().map_err(failed),
        (&Method::POST, "snapshot") => {
            body::<Named>(asked).and_then(|named| emulator.snapshot(&named.name).map_err(failed))
        }
        (&Method::POST, "restore") => {
            body::<Named>(asked).and_then(|named| emulator.restore(&named.name).map_err(failed))
        }
        (&Method::POST, "faults") => {
            body::<Ordered>(asked).and_then(|fault| order(emulator, fault))
        }
        (&Method::DELETE, "faults") => {
            emulator.clear_faults();
            Ok(())
        }
        (&Method::GET, "ledger") => match query.strip_prefix("id=") {
            Some(id) => {
                let body = json!({ "value": emulator.committed(id) });
                return Some(Answer::json(StatusCode::OK, body.to_string()));
            }
            None => Err(refused(
                StatusCode::BAD_REQUEST,
                "the ledger is asked for an x-ms-client-request-id: `?id=…`",
            )),
        },
        _ => Err(refused(
            StatusCode::NOT_FOUND,
            "there are POST reset, snapshot, restore and faults, DELETE faults, and GET ledger",
        )),
    };
    Some(match done {
        Ok(()) => Answer::no_content(),
        Err(Refusal { status, message }) => {
            let body = json!({ "error": { "code": "", "message": message } });
            Answer::json(status, body.to_string())
        }
    })
}

/// Why nothing was done.
struct Refusal {
    status: StatusCode,
    message: String,
}

fn refused(status: StatusCode, message: impl std::fmt::Display) -> Refusal {
    Refusal {
        status,
        message: message.to_string(),
    }
}

fn failed(error: SnapshotError) -> Refusal {
    let status = match error {
        SnapshotError::Unknown(_) => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    refused(status, error)
}

fn body<'a, T: Deserialize<'a>>(asked: &'a Asked) -> Result<T, Refusal> {
    serde_json::from_slice(&asked.body).map_err(|error| refused(StatusCode::BAD_REQUEST, error))
}

fn time(milliseconds: Option<u64>) -> Result<Duration, Refusal> {
    milliseconds
        .map(Duration::from_millis)
        .ok_or_else(|| refused(StatusCode::BAD_REQUEST, "`milliseconds` is missing"))
}

fn order(emulator: &Emulator, order: Ordered) -> Result<(), Refusal> {
    let fault = match order.kind {
        Kind::Throttled => InjectedFault::Throttled {
            retry_after: Duration::from_secs(order.retry_after.unwrap_or(1)),
        },
        Kind::ConnectionRefused => InjectedFault::ConnectionRefused,
        Kind::ConnectionReset => InjectedFault::ConnectionReset,
        Kind::AnswerLost => InjectedFault::AnswerLost,
        Kind::TruncatedBody => InjectedFault::TruncatedBody,
        Kind::ExpiredToken => InjectedFault::ExpiredToken,
        Kind::ExpiredDeltaToken => InjectedFault::ExpiredDeltaToken,
        Kind::Latency => InjectedFault::Latency(time(order.milliseconds)?),
        Kind::SlowBody => InjectedFault::SlowBody(time(order.milliseconds)?),
        Kind::Status => {
            let status = order
                .status
                .and_then(|code| StatusCode::from_u16(code).ok());
            InjectedFault::Status(status.ok_or_else(|| {
                refused(
                    StatusCode::BAD_REQUEST,
                    "`status` is missing or no status code",
                )
            })?)
        }
    };
    let Ordered { method, path, .. } = order;
    emulator.inject_when(fault, order.times, move |verb, target| {
        method
            .as_deref()
            .is_none_or(|wanted| verb.as_str() == wanted)
            && path
                .as_deref()
                .is_none_or(|wanted| target.starts_with(wanted))
    });
    Ok(())
}
