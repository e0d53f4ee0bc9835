//! What the service's errors mean: one predicate for each decision a program can take.
//!
//! Source of codes: Microsoft Learn, "Web service error codes", and "Compose HTTP requests and
//! handle errors".

use http::StatusCode;

use super::service::URL_ERROR;
use super::{Error, ServiceError};

/// Which of the service protection limits was hit.
///
/// Source: Microsoft Learn, "Service protection API limits".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Throttle {
    /// Too many requests in five minutes: send fewer.
    Requests,
    /// Too much execution time in five minutes: send cheaper ones.
    ExecutionTime,
    /// Too many requests at once: send fewer in parallel.
    Concurrency,
    /// Another limit, or none that was named.
    Other,
}

impl Error {
    fn has_code(&self, codes: &[u32]) -> bool {
        self.code().is_some_and(|code| codes.contains(&code))
    }

    fn has_status(&self, status: StatusCode) -> bool {
        self.status() == Some(status)
    }

    /// The row does not exist.
    ///
    /// Cause: it was deleted, the key is another row's, or the caller may not know of it. Not true
    /// for a wrong table, column or operation name, which the service also answers with 404: see
    /// [`is_unknown_name`](Error::is_unknown_name).
    pub fn is_not_found(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
            && self
                .service_error()
                .is_none_or(|service| !service.is_about_the_url())
    }

    /// The request names a table, column, navigation property or operation that the org does not
    /// have. Names are case-sensitive; generate types from the org's own `$metadata`, and publish
    /// what is new.
    pub fn is_unknown_name(&self) -> bool {
        matches!(
            self.status(),
            Some(StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST)
        ) && self
            .service_error()
            .is_some_and(ServiceError::names_the_unknown)
    }

    /// The service cannot read the URL, or does not support what it asks for: an option such as
    /// `$skip`, a filter that is no condition, a URL that is too long. The message says what; the
    /// methods of this crate write no such URL, but [`Filter::raw`](crate::Filter::raw) and
    /// requests of your own can. Not true where a name in it is unknown:
    /// [`is_unknown_name`](Error::is_unknown_name) is.
    pub fn is_bad_url(&self) -> bool {
        self.has_code(&[URL_ERROR]) && !self.is_unknown_name()
    }

    /// The row has another version than `if_match` asked for, or exists although the request was
    /// only to create it. Read it again and decide.
    ///
    /// Not true where another row is in the way: [`is_duplicate`](Error::is_duplicate) alone is.
    pub fn is_precondition_failed(&self) -> bool {
        // DuplicateRecordEntityKey, DuplicateRecordsFound.
        self.has_status(StatusCode::PRECONDITION_FAILED)
            && !self.has_code(&[0x8006_0892, 0x8004_0333])
    }

    /// A row with the same primary or alternate key exists, or duplicate detection found one.
    pub fn is_duplicate(&self) -> bool {
        // DuplicateRecord, DuplicateRecordEntityKey, DuplicateRecordsFound.
        self.has_code(&[0x8004_0237, 0x8006_0892, 0x8004_0333])
    }

    /// The org's duplicate detection rules found another row; see
    /// [`CallOptions::detect_duplicates`](crate::CallOptions::detect_duplicates). Use that row, or
    /// write without detection.
    pub fn is_duplicate_detected(&self) -> bool {
        self.has_code(&[0x8004_0333])
    }

    /// The table has no versions to compare (optimistic concurrency is off), or the request lacks
    /// one. Write without `if_match`.
    pub fn is_concurrency_unsupported(&self) -> bool {
        // ConcurrencyVersionNotProvided, OptimisticConcurrencyNotEnabled.
        self.has_code(&[0x8006_0883, 0x8006_088d])
    }

    /// The key in the URL is no alternate key of the table, or only a part of one. Keys are built
    /// for a while after they were made: their state must be `Active`.
    pub fn is_key_unknown(&self) -> bool {
        // EntityKeyNotDefined, InvalidEntityKeyOperation.
        self.has_code(&[0x8006_0890, 0x8006_088f])
            || self.service_error().is_some_and(|error| {
                let start = "The key in the request URI is not valid for resource";
                error.message().starts_with(start)
            })
    }

    /// The service's protection limits were hit and the retry policy is used up. Ask for less, or
    /// wait [`retry_after`](Error::retry_after); [`throttle`](Error::throttle) says which limit.
    pub fn is_throttled(&self) -> bool {
        self.has_status(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Which protection limit was hit; None if none was.
    pub fn throttle(&self) -> Option<Throttle> {
        match self.code() {
            Some(0x8007_2322) => Some(Throttle::Requests),
            Some(0x8007_2321) => Some(Throttle::ExecutionTime),
            Some(0x8007_2326) => Some(Throttle::Concurrency),
            _ if self.is_throttled() => Some(Throttle::Other),
            _ => None,
        }
    }

    /// The service does not accept the token, nor another one that was had in its place. Check the
    /// credential, the org's address, and that the application user exists in this environment.
    pub fn is_unauthorized(&self) -> bool {
        // InvalidOAuthToken, ExpiredOAuthToken.
        self.has_status(StatusCode::UNAUTHORIZED) || self.has_code(&[0x8004_1d50, 0x8004_1d52])
    }

    /// The user lacks a privilege, or access to the row or column. The message names the
    /// privilege: give the user a security role that has it.
    pub fn is_forbidden(&self) -> bool {
        // PrivilegeDenied, PrincipalPrivilegeDenied, access to the row.
        self.has_status(StatusCode::FORBIDDEN)
            || self.has_code(&[0x8004_0220, 0x8004_0231, 0x8004_8306])
    }

    /// The caller may not act for another user: `prvActOnBehalfOfAnotherUser` is missing. Assign
    /// the role Delegate to the caller itself, not through a team.
    pub fn is_impersonation_denied(&self) -> bool {
        // CannotActOnBehalfOfAnotherUser.
        self.has_code(&[0x8004_a110])
    }

    /// The user is disabled, or no member of the environment; or the environment is disabled. No
    /// repeat will help: enable it.
    pub fn is_user_disabled(&self) -> bool {
        // UserNotEnabled, SystemUserDisabled, OrganizationDisabled.
        self.has_code(&[0x8004_0225, 0x8004_a112, 0x8004_a104])
    }

    /// A value is not one that the column takes: text that is too long, a choice that is not among
    /// the options, an invalid argument. The message names the column.
    pub fn is_validation(&self) -> bool {
        // InvalidArgument, StringLengthTooLong, PicklistValueOutOfRange.
        self.has_code(&[0x8004_0203, 0x8004_4331, 0x8004_431a])
    }

    /// The body is not what the service takes: a name that is no column, a value of the wrong
    /// JSON type, a batch that was damaged on its way.
    pub fn is_bad_payload(&self) -> bool {
        self.has_code(&[0x8004_8d19])
    }

    /// A plug-in of the org stopped the operation. The message is the plug-in's own; ask for
    /// [`error_details`](crate::CallOptions::error_details) to learn which it was.
    pub fn is_plugin_error(&self) -> bool {
        // IsvAborted.
        self.has_code(&[0x8004_0265])
    }

    /// The operation is not allowed on this row or table: it is referenced by others, read-only, or
    /// the verb does not fit.
    pub fn is_not_allowed(&self) -> bool {
        self.has_status(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// The service does not have the operation: 501, or a message that the table does not have
    /// ([`DeleteMultiple`](crate::DeleteMultiple) is for elastic tables). A repeat does not help;
    /// use another operation, such as `BulkDelete`.
    pub fn is_not_implemented(&self) -> bool {
        self.has_status(StatusCode::NOT_IMPLEMENTED)
            || self
                .service_error()
                .is_some_and(|error| error.message().contains("has not yet been implemented"))
    }

    /// Another change of definitions is running: the service makes one at a time. Wait until it has
    /// ended, and send the change again.
    pub fn is_customization_locked(&self) -> bool {
        // CustomizationLockException.
        self.has_code(&[0x8007_1151])
    }

    /// The body is larger than the service takes. Files are sent in chunks, rows in several
    /// requests.
    pub fn is_too_large(&self) -> bool {
        self.has_status(StatusCode::PAYLOAD_TOO_LARGE) || self.has_code(&[0x8004_4a02])
    }

    /// More rows than the 50,000 that the service aggregates. Filter, or aggregate in parts.
    pub fn is_aggregate_limit(&self) -> bool {
        // AggregateQueryRecordLimitExceeded.
        self.has_code(&[0x8004_e023])
    }

    /// The query costs too much: it begins with a wildcard, filters by computed columns, or is
    /// slowed down by the service. Filter by indexed columns.
    pub fn is_query_too_costly(&self) -> bool {
        self.has_code(&[
            0x8004_8573,
            0x8004_8574,
            0x8004_8544,
            0x8004_8644,
            0x8004_8744,
            0x8004_8745,
        ])
    }

    /// The database timed out or chose the request as the victim of a deadlock. A repeat may
    /// succeed.
    pub fn is_database_timeout(&self) -> bool {
        // SqlTimeout, SqlError.
        self.has_code(&[0x8004_4151, 0x8004_4150])
    }

    /// The paging cookie of a FetchXML query is damaged, or does not fit its order. Begin again
    /// from the first page.
    pub fn is_paging_cookie_invalid(&self) -> bool {
        // QueryBuilderInvalidPagingCookie, QueryBuilderPagingOrderBy.
        self.has_code(&[0x8004_112a, 0x8004_1129])
    }

    /// The service met something that it did not expect. Known causes: a definition was changed half
    /// a minute ago and not every server knows it (ask for it with
    /// [`consistency_strong`](crate::CallOptions::consistency_strong), or wait); an alternate key's
    /// column stands in the body of an [`UpsertMultiple`](crate::UpsertMultiple), too (leave it out).
    pub fn is_unexpected(&self) -> bool {
        // UnExpected.
        self.has_code(&[0x8004_0216])
    }

    /// The file cannot be sent in chunks; send or read it in one piece.
    pub fn is_chunking_unsupported(&self) -> bool {
        self.has_code(&[0x8009_0017])
    }

    /// The image cannot be read, or is not the primary image of a new row.
    pub fn is_image_refused(&self) -> bool {
        self.has_code(&[0x8007_2553, 0x8009_0487])
    }

    /// A deleted row cannot be restored from the recycle bin.
    pub fn is_restore_failed(&self) -> bool {
        self.has_code(&[0x8004_9959, 0x8004_9939, 0x8004_9929, 0x8004_9949])
    }

    /// The org no longer has the changes since a delta token, or does not know the token. Read the
    /// table as a whole once more; see [`Change::Resync`](crate::Change::Resync). The same for the
    /// version stamp of definitions: ask for them without it.
    pub fn is_token_expired(&self) -> bool {
        let is_refused = matches!(
            self.status().map(|status| status.as_u16()),
            Some(400 | 404 | 410)
        );
        let says_so = |error: &ServiceError| {
            let message = error.message().to_ascii_lowercase();
            message.contains("deltatoken") || message.contains("delta token")
        };
        // ExpiredVersionStamp.
        self.has_code(&[0x8004_4352]) || is_refused && self.service_error().is_some_and(says_so)
    }

    /// Search is switched off for the org (or, of FetchXML, a table cannot be joined: the service
    /// has one code for both). An administrator switches it on;
    /// [`SearchStatus`](crate::SearchStatus) tells.
    pub fn is_search_disabled(&self) -> bool {
        self.has_code(&[0x8004_8d0b])
    }

    /// The service failed, or is not there: 5xx. Reads are repeated by the retry policy; for a
    /// write see [`is_outcome_unknown`](Error::is_outcome_unknown).
    pub fn is_server_error(&self) -> bool {
        self.status().is_some_and(|status| status.is_server_error())
    }
}
