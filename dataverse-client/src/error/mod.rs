//! The one error of this crate.

mod service;

pub use service::ServiceError;

use std::fmt;
use std::time::Duration;

use http::StatusCode;

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
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// `GET accounts(…)`.
    asked: Option<String>,
    attempts: u32,
    elapsed: Duration,
    /// An attempt got no answer, and nothing later told whether it was executed.
    outcome_unknown: bool,
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
    /// The service answered with an error.
    Service,
    /// The answer is not what the protocol promises.
    Decode,
    /// A part of a batch that was never reached, or was rolled back.
    NotRun,
}

/// A row has the primary key already.
const DUPLICATE_RECORD: u32 = 0x8004_0237;
/// Another row has the alternate key already.
const DUPLICATE_ENTITY_KEY: u32 = 0x8006_0892;
/// The org no longer has the changes since a token.
const EXPIRED_VERSION_STAMP: u32 = 0x8004_4352;
/// Duplicate detection found another row.
const DUPLICATE_DETECTED: u32 = 0x8004_0333;

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            asked: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            outcome_unknown: false,
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

    /// A credential has no token to give.
    #[cold]
    pub fn credential(
        message: impl Into<String>,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let mut error = Error::new(Kind::Credential, message);
        error.0.source = source;
        error
    }

    #[cold]
    pub(crate) fn transport(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let mut error = Error::new(Kind::Transport, "no answer from the service");
        error.0.source = Some(Box::new(source));
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
        self.0.source = Some(Box::new(source));
        self
    }

    pub(crate) fn with_story(mut self, asked: &str, attempts: u32, elapsed: Duration) -> Self {
        self.0.asked = Some(asked.to_owned());
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self
    }

    pub(crate) fn with_outcome_unknown(mut self) -> Self {
        self.0.outcome_unknown = true;
        self
    }

    /// The row does not exist.
    ///
    /// Not true for a wrong entity set or operation name, which the service also answers with 404:
    /// those are mistakes in the request.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
            && self
                .service_error()
                .is_none_or(|service| !service.is_about_the_url())
    }

    /// The row has another version than `if_match` asked for, or exists although the request was
    /// only to create it. Read it again and decide.
    ///
    /// Not true where another row is in the way: [`is_duplicate`](Error::is_duplicate) alone is.
    pub fn is_precondition_failed(&self) -> bool {
        self.status() == Some(StatusCode::PRECONDITION_FAILED)
            && !matches!(self.code(), Some(DUPLICATE_ENTITY_KEY | DUPLICATE_DETECTED))
    }

    /// A row with the same primary or alternate key exists, or duplicate detection found one.
    pub fn is_duplicate(&self) -> bool {
        matches!(
            self.code(),
            Some(DUPLICATE_RECORD | DUPLICATE_ENTITY_KEY | DUPLICATE_DETECTED)
        )
    }

    /// The service's protection limits were hit and the retry policy is used up. Ask for less, or
    /// wait [`retry_after`](Error::retry_after).
    pub fn is_throttled(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// The service does not accept the token. Check the credential and the application user.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// The org no longer has the changes since a delta token, or does not know the token. Read the
    /// table as a whole once more; see [`Change::Resync`](crate::Change::Resync).
    pub fn is_token_expired(&self) -> bool {
        let is_refused = matches!(
            self.status().map(|status| status.as_u16()),
            Some(400 | 404 | 410)
        );
        let says_so = |error: &ServiceError| {
            let message = error.message().to_ascii_lowercase();
            message.contains("deltatoken") || message.contains("delta token")
        };
        self.code() == Some(EXPIRED_VERSION_STAMP)
            || is_refused && self.service_error().is_some_and(says_so)
    }

    /// The user lacks a privilege, or access to the row. Check the security role.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN)
    }

    /// The request was sent, and nothing tells whether it was executed. Look before repeating it.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// The request was refused before anything was sent: the program or its input is wrong.
    pub fn is_invalid_input(&self) -> bool {
        self.0.kind == Kind::Input
    }

    /// The answer could not be read. The request was executed.
    pub fn is_decode(&self) -> bool {
        self.0.kind == Kind::Decode
    }

    /// A part of a batch that was not executed, or was undone: an earlier part failed.
    pub fn is_not_run(&self) -> bool {
        self.0.kind == Kind::NotRun
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
        if inner.outcome_unknown {
            f.write_str("; it may have been executed: check before repeating it")?;
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
            assert!(!error.is_not_found());
        }
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
