//! What `RetrieveMetadataChanges` answers.

use super::{DeletedMetadata, TableDefinition};

definition! {
    /// Definitions that fit a query, or those of them that changed.
    struct MetadataChanges {
        /// Tables; of what was not asked for, all is None. After a version stamp: those that
        /// changed, or a column or relationship of which changed, with only what changed.
        tables: Vec<TableDefinition> = "EntityMetadata",
        /// Given with the next request, it limits the answer to what changed after this one.
        server_version_stamp: Option<String> = "ServerVersionStamp",
        /// What was deleted; only if asked for.
        deleted: Option<DeletedMetadata> = "DeletedMetadata",
    }
}
