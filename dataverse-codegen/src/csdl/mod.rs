//! Reading CSDL, the XML of a service's `$metadata`.
//!
//! ```
//! let text = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
//!   <edmx:DataServices><Schema Namespace="n" xmlns="http://docs.oasis-open.org/odata/ns/edm">
//!     <EntityType Name="account"><Property Name="name" Type="Edm.String"/></EntityType>
//!   </Schema></edmx:DataServices></edmx:Edmx>"#;
//! let csdl = dataverse_codegen::csdl::parse(text)?;
//! assert_eq!(csdl.counts().properties, 1);
//! # Ok::<(), dataverse_codegen::csdl::Error>(())
//! ```

mod ast;
mod document;
mod reader;

pub use ast::{
    ComplexType, Counts, Csdl, EntityContainer, EntitySet, EntityType, EnumType,
    NavigationProperty, Operation, OperationKind, Parameter, Property, Schema, Text,
    collection_item, lookup_name,
};
pub use document::text;
pub use reader::parse;

/// Why a document is not CSDL, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {position}: found {found}, expected {expected}")]
pub struct Error {
    /// Offset in bytes from the start of the (unpacked) document.
    pub position: u64,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
}

impl Error {
    pub(crate) fn new(
        position: u64,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Error {
            position,
            found: found.into(),
            expected: expected.into(),
        }
    }
}
