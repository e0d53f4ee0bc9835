//! What the service refuses, in its own words. Texts and codes are those of the recorded answers.

use http::StatusCode;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Plain text instead of the JSON envelope.
    pub(crate) is_text: bool,
    /// Further members of the envelope: terms and texts.
    pub(crate) annotations: Vec<(&'static str, String)>,
}

const URL_ERROR: &str = "0x80060888";
const PAYLOAD: &str = "0x80048d19";

impl Fault {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Fault {
            status,
            code,
            message: message.into(),
            is_text: false,
            annotations: Vec::new(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Fault::new(StatusCode::BAD_REQUEST, URL_ERROR, message)
    }

    /// The body cannot be read.
    pub(crate) fn payload(set: &str, message: impl AsRef<str>) -> Self {
        let message = format!(
            "Error identified in Payload provided by the user for Entity :'{set}', For more \
             information on this error please follow this help link \
             https://go.microsoft.com/fwlink/?linkid=2195293  ---->  {}",
            message.as_ref()
        );
        Fault::new(StatusCode::BAD_REQUEST, PAYLOAD, message)
    }

    /// What the service's own parser reads and nothing behind it does, as `in` of `$filter`.
    pub(crate) fn not_implemented() -> Self {
        Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            URL_ERROR,
            "The method or operation is not implemented.",
        )
    }

    /// A function in a `$filter` of definitions.
    pub(crate) fn function_of_definitions(function: &str) -> Self {
        Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "0x8006088a",
            format!("The \"{function}\" function isn't supported for Metadata Entities"),
        )
    }

    pub(crate) fn unknown_segment(segment: &str) -> Self {
        Fault::new(
            StatusCode::NOT_FOUND,
            URL_ERROR,
            format!("Resource not found for the segment '{segment}'."),
        )
    }

    pub(crate) fn unknown_property(property: &str, table: &str) -> Self {
        Fault::bad_request(format!(
            "Could not find a property named '{property}' on type 'Microsoft.Dynamics.CRM.{table}'."
        ))
    }

    pub(crate) fn unknown_member(property: &str, table: &str) -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x0",
            format!(
                "An error occurred while validating input parameters: \
                 Microsoft.Crm.CrmException: Invalid property '{property}' was found in entity \
                 'Microsoft.Dynamics.CRM.{table}'."
            ),
        )
    }

    pub(crate) fn undeclared_bind(set: &str, name: &str) -> Self {
        Fault::payload(
            set,
            format!(
                "An undeclared property '{name}' which only has property annotations in the \
                 payload but no property value was found in the payload. In OData, only declared \
                 navigation properties and declared named streams can be represented as \
                 properties without values."
            ),
        )
    }

    pub(crate) fn too_long(table: &str, column: &str, limit: usize) -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80044331",
            format!(
                "A validation error occurred.  The length of the '{column}' attribute of the \
                 '{table}' entity exceeded the maximum allowed length of '{limit}'."
            ),
        )
    }

    pub(crate) fn missing_row(table: &str, id: &str) -> Self {
        Fault::new(
            StatusCode::NOT_FOUND,
            "0x80040217",
            format!("{table} With Id = {id} Does Not Exist"),
        )
    }

    pub(crate) fn missing_row_by_key(table: &str) -> Self {
        Fault::new(
            StatusCode::NOT_FOUND,
            "0x80060891",
            format!("A record with the specified key values does not exist in {table} entity"),
        )
    }

    pub(crate) fn undefined_key(table: &str) -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            URL_ERROR,
            format!(
                "The key in the request URI is not valid for resource \
                 'Microsoft.Dynamics.CRM.{table}'. Ensure that the names and number of key \
                 properties match the declared or alternate key properties for the resource \
                 'Microsoft.Dynamics.CRM.{table}'."
            ),
        )
    }

    pub(crate) fn exists() -> Self {
        Fault::new(
            StatusCode::PRECONDITION_FAILED,
            "0x80040237",
            "A record with matching key values already exists.",
        )
    }

    pub(crate) fn key_exists() -> Self {
        Fault::new(
            StatusCode::PRECONDITION_FAILED,
            "0x80060892",
            "A record that has the attribute values already exists. The entity key requires that \
             this set of attributes contains unique values. Select unique values and try again.",
        )
    }

    /// Two rows are paired a second time, or two rows of one request have one key.
    pub(crate) fn duplicate_key() -> Self {
        Fault::new(
            StatusCode::PRECONDITION_FAILED,
            "0x80040237",
            "Cannot insert duplicate key.",
        )
    }

    /// A row to remove from a collection is not in it.
    pub(crate) fn not_associated(collection: &str, id: &str) -> Self {
        Fault::new(
            StatusCode::NOT_FOUND,
            "0x80040217",
            format!("The row {id} is not in '{collection}'."),
        )
    }

    /// The rows of intersect tables come and go with associations.
    pub(crate) fn is_intersect(method: &http::Method, table: &str) -> Self {
        let message = match method.as_str() {
            "POST" => "Create",
            "DELETE" => "Delete",
            _ => "Update",
        };
        Fault::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "0x80040800",
            format!(
                "The '{message}' method does not support entities of type '{table}': rows of an \
                 intersect table are written through $ref."
            ),
        )
    }

    pub(crate) fn version_mismatch() -> Self {
        Fault::new(
            StatusCode::PRECONDITION_FAILED,
            "0x80060882",
            "The version of the existing record doesn't match the RowVersion property provided.",
        )
    }

    /// A query of an elastic table asks for another table.
    pub(crate) fn no_links() -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80048d0b",
            "Link entities are not supported",
        )
    }

    /// A delta link is too old.
    pub(crate) fn expired_version() -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80044352",
            "Version stamp associated with the client has expired. Please perform a full sync.",
        )
    }

    pub(crate) fn no_optimistic_concurrency(table: &str) -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x8006088D",
            format!(
                "Optimistic concurrency isn't enabled for entity type {table}. The \
                 IfVersionMatches value of ConcurrencyBehavior can only be used if optimistic \
                 concurrency is enabled."
            ),
        )
    }

    /// A header names no user whom the caller can act for.
    pub(crate) fn cannot_act(message: impl Into<String>) -> Self {
        Fault::new(StatusCode::FORBIDDEN, "0x8004A110", message)
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Fault::new(StatusCode::BAD_REQUEST, "0x80040203", message)
    }

    pub(crate) fn narrow_expand() -> Self {
        Fault::bad_request(
            "Only $select and $filter clause can be provided while doing $expand on many-to-one \
             relationship or nested one-to-many relationship.",
        )
    }

    pub(crate) fn invalid_count(value: &str) -> Self {
        Fault::bad_request(format!("Invalid value '{value}' for $count."))
    }

    pub(crate) fn too_many_joins() -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x8004430D",
            "Number of link entities in query exceeded maximum limit.",
        )
    }

    pub(crate) fn too_many_conditions() -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x8004430C",
            "Number of conditions in query exceeded maximum limit.",
        )
    }

    pub(crate) fn unknown_entity(name: &str) -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80041102",
            format!(
                "The entity with a name = '{name}' with namemapping = 'Logical' was not found in \
                 the MetadataCache."
            ),
        )
    }

    pub(crate) fn unknown_attribute(table: &str, name: &str) -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x80041103",
            format!(
                "'{table}' entity doesn't contain attribute with Name = '{name}' and NameMapping = \
                 'Logical'."
            ),
        )
    }

    pub(crate) fn too_many_rows_to_aggregate() -> Self {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "0x8004E023",
            "AggregateQueryRecordLimit exceeded. Cannot perform this operation.",
        )
    }

    /// What a real org can do and the emulator cannot: never passed over in silence.
    pub(crate) fn not_supported(what: impl AsRef<str>) -> Self {
        Fault::new(
            StatusCode::NOT_IMPLEMENTED,
            "0x80040800",
            format!(
                "The emulator does not support {}; see NOT_SUPPORTED.md of dataverse-emulator.",
                what.as_ref()
            ),
        )
    }

    pub(crate) fn wrong_verb(uri: &str) -> Self {
        Fault::new(
            StatusCode::NOT_FOUND,
            "",
            format!("No HTTP resource was found that matches the request URI '{uri}'."),
        )
    }

    pub(crate) fn method_not_allowed(method: &http::Method) -> Self {
        Fault::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "0x0",
            format!("The requested resource does not support http method '{method}'."),
        )
    }

    /// The store failed: a defect of the emulator, or a full disk.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "0x80040216",
            format!("An unexpected error occurred in the emulator: {error}"),
        )
    }

    pub(crate) fn text(message: impl Into<String>) -> Self {
        Fault {
            is_text: true,
            ..Fault::new(StatusCode::BAD_REQUEST, "", message)
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::internal(error)
    }
}

/// A result that the service can refuse.
pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;
