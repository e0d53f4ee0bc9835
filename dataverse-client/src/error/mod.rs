//! The one error of this crate.

mod predicates;
mod service;
mod sign_in;

pub use predicates::Throttle;
pub use service::{BulkFailure, ServiceError};
pub(crate) use sign_in::SignIn;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use uuid::Uuid;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with predicates for the decisions a caller can take.
///
/// Printed, it tells what was asked, what came back, and after how many attempts. It never holds a
/// token, a query string, an alternate key's values or a row; the service's own message is there
/// as it came.
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// Why nobody was signed in.
    sign_in: Option<SignIn>,
    /// `GET accounts(…)`.
    asked: Option<String>,
    attempts: u32,
    elapsed: Duration,
    /// An attempt got no answer, and nothing later told whether it was executed.
    outcome_unknown: bool,
    /// Why the client did not go on.
    note: Option<&'static str>,
    /// The rows that the request was about.
    rows: Vec<Uuid>,
    answer: Option<Answer>,
}

#[derive(Debug, Clone)]
struct Answer {
    status: StatusCode,
    service: ServiceError,
    retry_after: Option<Duration>,
    request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Refused here, before anything was sent.
    Input,
    /// No token could be had.
    Credential,
    /// No answer.
    Transport,
    /// The call's deadline passed.
    Deadline,
    /// The service answered with an error.
    Service,
    /// The answer is not what the protocol promises.
    Decode,
    /// A part of a batch that was never reached, or was rolled back.
    NotRun,
    /// The reader or writer of the program failed.
    Io,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            sign_in: None,
            asked: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            outcome_unknown: false,
            note: None,
            rows: Vec::new(),
            answer: None,
        }))
    }

    #[cold]
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Error::new(Kind::Input, message)
    }

    #[cold]
    pub(crate) fn decode(message: impl Into<String>) -> Self {
        Error::new(Kind::Decode, message)
    }

    #[cold]
    pub(crate) fn not_run(message: impl Into<String>) -> Self {
        Error::new(Kind::NotRun, message)
    }

    #[cold]
    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Error::new(Kind::Io, message).with_source(source)
    }

    /// A credential has no token to give.
    #[cold]
    pub fn credential(
        message: impl Into<String>,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Error::new(Kind::Credential, message);
        error.0.source = source.map(Arc::from);
        error
    }

    /// Nobody was signed in, for a reason that is known.
    #[cold]
    pub(crate) fn sign_in(reason: SignIn, message: impl Into<String>) -> Self {
        let mut error = Error::new(Kind::Credential, message);
        error.0.sign_in = Some(reason);
        error
    }

    /// The same once more, for another task that waited for the same thing.
    pub(crate) fn copy(&self) -> Self {
        let mut error = Error::new(self.0.kind, self.0.message.clone());
        error.0.source = self.0.source.clone();
        error.0.sign_in = self.0.sign_in;
        error.0.answer = self.0.answer.clone();
        error
    }

    #[cold]
    pub(crate) fn transport(
        message: impl Into<String>,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> Self {
        let mut error = Error::new(Kind::Transport, message);
        error.0.source = Some(Arc::from(source));
        error
    }

    #[cold]
    pub(crate) fn service(
        status: StatusCode,
        service: ServiceError,
        retry_after: Option<Duration>,
        request_id: Option<String>,
    ) -> Self {
        let mut error = Error::new(Kind::Service, String::new());
        error.0.answer = Some(Answer {
            status,
            service,
            retry_after,
            request_id,
        });
        error
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_story(mut self, asked: &str, attempts: u32, elapsed: Duration) -> Self {
        self.0.asked = Some(asked.to_owned());
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self
    }

    /// The call's deadline passed, while the client was at `what`.
    #[cold]
    pub(crate) fn deadline(what: &str) -> Self {
        Error::new(
            Kind::Deadline,
            format!("the deadline of the call passed while {what}"),
        )
    }

    /// One word for statistics.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.0.kind {
            Kind::Input => "input",
            Kind::Credential => "credential",
            Kind::Transport => "transport",
            Kind::Deadline => "deadline",
            Kind::Service => "service",
            Kind::Decode => "decode",
            Kind::NotRun => "not_run",
            Kind::Io => "io",
        }
    }

    /// Adds verb and path to an error of a part of a batch.
    pub(crate) fn with_asked(mut self, asked: impl FnOnce() -> Option<String>) -> Self {
        if self.0.asked.is_none() {
            self.0.asked = asked();
        }
        self
    }

    /// Adds why the client did not go on.
    pub(crate) fn with_note(mut self, note: Option<&'static str>) -> Self {
        self.0.note = note.or(self.0.note);
        self
    }

    /// Adds the rows that the request was about.
    pub(crate) fn with_rows(mut self, rows: impl FnOnce() -> Vec<Uuid>) -> Self {
        if self.0.rows.is_empty() {
            self.0.rows = rows();
        }
        self
    }

    pub(crate) fn with_outcome_unknown(mut self) -> Self {
        self.0.outcome_unknown = true;
        self
    }

    /// The request was sent, and nothing tells whether it was executed. Look before repeating it:
    /// [`row_ids`](Error::row_ids) says where.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// The primary keys of the rows that the request was about, as far as the client knows them: of a
    /// create that of the new row, unless the service was to choose it; of a batch those of all its
    /// writes.
    pub fn row_ids(&self) -> &[Uuid] {
        &self.0.rows
    }

    /// The deadline of the call passed; see [`CallOptions::deadline`](crate::CallOptions::deadline).
    /// Whether a write was executed is told by [`is_outcome_unknown`](Error::is_outcome_unknown).
    pub fn is_deadline_passed(&self) -> bool {
        self.0.kind == Kind::Deadline
    }

    /// The request was refused before anything was sent: the program or its input is wrong.
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == Kind::Input
    }

    /// The answer could not be read. The request was executed, unless
    /// [`is_outcome_unknown`](Error::is_outcome_unknown): then it was not the service that answered.
    pub fn is_decode(&self) -> bool {
        self.0.kind == Kind::Decode
    }

    /// A part of a batch that was not executed, or was undone: an earlier part failed.
    pub fn is_not_run(&self) -> bool {
        self.0.kind == Kind::NotRun
    }

    /// The reader or writer that a file was to come from or go to failed, or held another number
    /// of bytes than was said. The source is the [`std::io::Error`].
    pub fn is_io(&self) -> bool {
        self.0.kind == Kind::Io
    }

    /// The credential has no token to give.
    pub fn is_credential(&self) -> bool {
        self.0.kind == Kind::Credential
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.answer.as_ref().map(|answer| answer.status)
    }

    /// The service's error code: `0x80040217` for a missing row.
    pub fn code(&self) -> Option<u32> {
        self.service_error().and_then(ServiceError::code)
    }

    /// What the service said.
    pub fn service_error(&self) -> Option<&ServiceError> {
        self.0.answer.as_ref().map(|answer| &answer.service)
    }

    /// The rows of a bulk message on an elastic table that failed; the others were written.
    pub fn bulk_failures(&self) -> Vec<BulkFailure> {
        let service = self.service_error();
        service.map(ServiceError::bulk_failures).unwrap_or_default()
    }

    /// The service's id of the request, for Microsoft's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.answer.as_ref()?.request_id.as_deref()
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.answer.as_ref()?.retry_after
    }

    /// How often the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long it took, waiting included.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(asked) = &inner.asked {
            write!(f, "{asked}: ")?;
        }
        match &inner.answer {
            Some(answer) => write!(f, "{}: {}", answer.status, answer.service)?,
            None => f.write_str(&inner.message)?,
        }
        if let Some(note) = inner.note {
            write!(f, "; {note}")?;
        }
        if inner.outcome_unknown {
            f.write_str("; it may have been executed: check ")?;
            match &inner.rows[..] {
                [] => {}
                [row] => write!(f, "row {row} ")?,
                [first, rest @ ..] => write!(f, "row {first} and {} more ", rest.len())?,
            }
            f.write_str("before repeating it")?;
        }
        if inner.attempts > 1 {
            write!(f, " ({} attempts in {:?})", inner.attempts, inner.elapsed)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, code: &str, message: &str) -> Error {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
        Error::service(
            StatusCode::from_u16(status).unwrap(),
            ServiceError::read(body.as_bytes()),
            None,
            None,
        )
    }

    #[test]
    fn a_missing_row_is_not_found_and_a_wrong_url_is_not() {
        assert!(answered(404, "0x80040217", "account With Id = x Does Not Exist").is_not_found());
        assert!(answered(404, "", "account With Id = x Does Not Exist").is_not_found());
        for code in ["0x80060888", "0x8006088a"] {
            let error = answered(404, code, "Resource not found for the segment 'acounts'.");
            assert!(!error.is_not_found() && error.is_unknown_name());
        }
        let error = answered(
            400,
            "0x0",
            "Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.account'.",
        );
        assert!(error.is_unknown_name());
    }

    #[test]
    fn codes_compare_as_numbers() {
        for code in ["0x80060892", "0X80060892", "-2147088238"] {
            assert!(
                answered(412, code, "A record exists").is_duplicate(),
                "{code}"
            );
        }
        let error = answered(412, "0x80060882", "The version does not match");
        assert!(error.is_precondition_failed() && !error.is_duplicate());
        // Only to be created, and there: both are true.
        let error = answered(
            412,
            "0x80040237",
            "A record with matching key values exists",
        );
        assert!(error.is_precondition_failed() && error.is_duplicate());
        let error = answered(412, "0x80060892", "Another record has this key");
        assert!(!error.is_precondition_failed() && error.is_duplicate());
    }

    #[test]
    fn codes_of_the_table_have_predicates() {
        type Is = fn(&Error) -> bool;
        let table: &[(u16, &str, Is)] = &[
            (404, "0x80060891", Error::is_not_found),
            (412, "0x80040333", Error::is_duplicate_detected),
            (500, "0x80040333", Error::is_duplicate),
            (400, "0x8006088D", Error::is_concurrency_unsupported),
            (400, "0x80060890", Error::is_key_unknown),
            (403, "0x80040220", Error::is_forbidden),
            (403, "0x8004A110", Error::is_impersonation_denied),
            (403, "0x80040225", Error::is_user_disabled),
            (403, "0x80072560", Error::is_user_refused),
            (400, "-2147204303", Error::is_validation),
            (400, "0x80048d19", Error::is_bad_payload),
            (400, "0x80040265", Error::is_plugin_error),
            (405, "0x80040227", Error::is_not_allowed),
            (413, "", Error::is_too_large),
            (400, "0x80044a02", Error::is_too_large),
            (400, "0x8004E023", Error::is_aggregate_limit),
            (400, "0x80048573", Error::is_query_too_costly),
            (500, "0x80044151", Error::is_database_timeout),
            (400, "0x8004112a", Error::is_paging_cookie_invalid),
            (400, "0x80090017", Error::is_chunking_unsupported),
            (400, "0x80072553", Error::is_image_refused),
            (400, "0x80049959", Error::is_restore_failed),
            (400, "0x80044352", Error::is_token_expired),
            (503, "", Error::is_server_error),
            (401, "", Error::is_unauthorized),
        ];
        for (status, code, is) in table {
            assert!(is(&answered(*status, code, "m")), "{status} {code}");
            assert!(!is(&answered(400, "0x80040216", "m")), "{code}");
        }
        for (code, throttle) in [
            ("0x80072322", Throttle::Requests),
            ("-2147015903", Throttle::ExecutionTime),
            ("0X80072326", Throttle::Concurrency),
            ("", Throttle::Other),
        ] {
            let error = answered(429, code, "Number of requests exceeded");
            assert_eq!(error.throttle(), Some(throttle));
            assert!(error.is_throttled());
        }
        assert_eq!(answered(400, "", "m").throttle(), None);
    }

    #[test]
    fn the_text_tells_the_story() {
        let error = answered(404, "0x80040217", "gone").with_story(
            "GET accounts(1)",
            2,
            Duration::from_secs(3),
        );
        assert_eq!(
            error.to_string(),
            "GET accounts(1): 404 Not Found: gone (0x80040217) (2 attempts in 3s)"
        );
    }
}
