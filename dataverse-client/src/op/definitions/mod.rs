//! Operations on definitions.

mod auto_number;
mod changes;
mod lookup;
mod option;
mod place;
mod publish;
mod read;
mod write;

pub use auto_number::SetAutoNumberSeed;
pub use changes::{DeletedMetadataFilters, RetrieveMetadataChanges};
pub use lookup::{CreateCustomerRelationships, CreatePolymorphicLookup, CreatedLookup};
pub use option::{
    ChoiceOf, DeleteOptionValue, InsertOptionValue, InsertStatusValue, NewOptionValue, OrderOption,
    UpdateOptionValue, UpdateStateValue,
};
pub use place::{DefinitionKey, DefinitionPath};
pub use publish::{Publish, PublishAll};
pub use read::{DefinitionExpand, QueryDefinitions, RetrieveDefinition};
pub use write::{CreateDefinition, DeleteDefinition, UpdateDefinition};
