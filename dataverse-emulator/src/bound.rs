//! Operations that are bound to a table or to a row.

use http::Method;

use crate::bulk;
use crate::catalog::Table;
use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::query::check_options;
use crate::service::Call;
use crate::url::Segment;

/// What the names of bound operations begin with.
const NAMESPACE: &str = "Microsoft.Dynamics.CRM.";

/// The name of a bound operation, if the segment is one.
pub(crate) fn name(segment: &Segment) -> Option<&str> {
    segment.name.strip_prefix(NAMESPACE)
}

/// Answers an operation that is bound to a table: `POST accounts/Microsoft.Dynamics.CRM.{name}`.
pub(crate) fn on_table(call: &Call<'_>, table: &Table, name: &str) -> Result<Answer> {
    let Some(message) = bulk::Message::named(name) else {
        return Err(Fault::not_supported(format!(
            "the bound operation `{NAMESPACE}{name}`"
        )));
    };
    if call.asked.method != Method::POST {
        return Err(Fault::wrong_verb(&call.asked.target));
    }
    check_options(&call.address.options, &[])?;
    bulk::answer(call, table, message)
}

/// The refusal for a segment behind a table that is nothing: possibly an operation without its
/// namespace.
pub(crate) fn unknown(segment: &Segment) -> Fault {
    match bulk::Message::named(&segment.name) {
        Some(_) => Fault::bad_request("Request message has unresolved parameters."),
        None => Fault::unknown_segment(&segment.name),
    }
}
