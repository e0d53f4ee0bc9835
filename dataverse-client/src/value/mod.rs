//! Floor 0: values and how they are read and written. Knows no tables.
//!
//! # Dates and times
//!
//! | behaviour of the column | on the wire | type |
//! |---|---|---|
//! | `DateOnly` | `2021-04-05` | [`NaiveDate`](chrono::NaiveDate) |
//! | `UserLocal`, shown with the time: an instant | `2021-04-04T20:00:00Z` | [`DateTime<Utc>`](chrono::DateTime) |
//! | `UserLocal`, shown as a date: the midnight of a user | `2021-04-04T22:00:00Z` | [`UserLocalDate`] |
//! | `TimeZoneIndependent`: the clock as it stands | `2021-04-05T08:00:00Z` | [`NaiveDateTime`](chrono::NaiveDateTime) |
//!
//! `$metadata` alone does not tell the last three apart; the generator learns it from the
//! definitions, and takes an instant where it has none.

mod any_lookup;
mod any_value;
mod api_enum;
mod binary;
pub(crate) mod chance;
mod choice;
pub(crate) mod digits;
mod etag;
mod id;
pub(crate) mod json;
mod list;
mod lookup;
mod scalar;
mod serde;
mod user_local_date;

pub use any_lookup::{AnyLookup, Target, TargetList, Targets};
pub use any_value::{AnyValue, Literal, Temporal, Textual};
pub(crate) use any_value::{plain_text, text_literal};
pub use api_enum::{ApiEnum, Members};
pub(crate) use api_enum::{read_enum, write_enum_json, write_enum_literal};
pub use binary::{Binary, Json};
pub(crate) use choice::debug_choice;
pub use choice::{Choice, ChoiceOption, Choices};
pub use etag::ETag;
pub use id::Id;
pub use json::{JsonError, Scalar};
pub use list::Nested;
pub use lookup::{Lookup, LookupTarget};
pub(crate) use scalar::write_text_literal;
pub use scalar::{Annotation, Binding, Value, ValueError, ValueKind};
pub(crate) use serde::{deserialize_target, deserialize_value, serialize_json, serialize_target};
pub use user_local_date::UserLocalDate;
