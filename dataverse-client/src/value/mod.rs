//! Floor 0: values and how they are read and written. Knows no tables.

mod any_lookup;
mod binary;
mod choice;
mod etag;
mod id;
pub(crate) mod json;
mod lookup;
mod scalar;

pub use any_lookup::{AnyLookup, Targets};
pub use binary::{Binary, Json};
pub(crate) use choice::debug_choice;
pub use choice::{Choice, ChoiceOption, Choices};
pub use etag::ETag;
pub use id::Id;
pub use json::{JsonError, Scalar};
pub use lookup::Lookup;
pub use scalar::{Annotation, Value, ValueError};
