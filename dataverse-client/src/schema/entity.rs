//! What is known of a table when the program is compiled.

/// A table, as a Rust type.
pub trait Entity: Sized + 'static {
    /// Its names and columns.
    const TABLE: &'static Table;
}

/// Stands for a table that is only known at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyTable {}

/// The names of a table and of its columns.
#[derive(Debug)]
pub struct Table {
    logical_name: &'static str,
    entity_set: &'static str,
    primary_id: &'static str,
    columns: &'static [ColumnInfo],
}

impl Table {
    /// A table; `columns` in the order of their ordinals.
    pub const fn new(
        logical_name: &'static str,
        entity_set: &'static str,
        primary_id: &'static str,
        columns: &'static [ColumnInfo],
    ) -> Self {
        Table {
            logical_name,
            entity_set,
            primary_id,
            columns,
        }
    }

    /// Singular name: `account`.
    pub const fn logical_name(&self) -> &'static str {
        self.logical_name
    }

    /// The name in URLs: `accounts`.
    pub const fn entity_set(&self) -> &'static str {
        self.entity_set
    }

    /// The column that identifies a row: `accountid`.
    pub const fn primary_id(&self) -> &'static str {
        self.primary_id
    }

    /// The columns, by ordinal.
    pub const fn columns(&self) -> &'static [ColumnInfo] {
        self.columns
    }
}

/// The names of a column, and who may write it.
#[derive(Debug)]
pub struct ColumnInfo {
    logical_name: &'static str,
    wire_name: &'static str,
    navigation: Option<&'static str>,
    access: Access,
}

/// When a column may be written: what the markers `ReadOnly` and the like say to the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Creates and updates.
    Always,
    /// Nobody: the service fills it.
    Never,
    /// Creates only.
    InCreate,
    /// Updates only.
    InUpdate,
}

impl ColumnInfo {
    /// A column whose name is the same everywhere.
    pub const fn new(logical_name: &'static str) -> Self {
        ColumnInfo::limited(logical_name, Access::Always)
    }

    /// A column that not everything may write.
    pub const fn limited(logical_name: &'static str, access: Access) -> Self {
        ColumnInfo {
            logical_name,
            wire_name: logical_name,
            navigation: None,
            access,
        }
    }

    /// A lookup of one table: read as `wire_name`, bound through `navigation`.
    pub const fn lookup(
        logical_name: &'static str,
        wire_name: &'static str,
        navigation: &'static str,
    ) -> Self {
        ColumnInfo::limited_lookup(logical_name, wire_name, navigation, Access::Always)
    }

    /// A lookup of one table that not everything may write.
    pub const fn limited_lookup(
        logical_name: &'static str,
        wire_name: &'static str,
        navigation: &'static str,
        access: Access,
    ) -> Self {
        ColumnInfo {
            logical_name,
            wire_name,
            navigation: Some(navigation),
            access,
        }
    }

    /// A lookup of several tables: read as `wire_name`.
    pub const fn any_lookup(logical_name: &'static str, wire_name: &'static str) -> Self {
        ColumnInfo::limited_any_lookup(logical_name, wire_name, Access::Always)
    }

    /// A lookup of several tables that not everything may write, or one that cannot be bound.
    pub const fn limited_any_lookup(
        logical_name: &'static str,
        wire_name: &'static str,
        access: Access,
    ) -> Self {
        ColumnInfo {
            logical_name,
            wire_name,
            navigation: None,
            access,
        }
    }

    /// `primarycontactid`.
    pub const fn logical_name(&self) -> &'static str {
        self.logical_name
    }

    /// The name in `$select`, `$filter` and answers: `_primarycontactid_value`.
    pub const fn wire_name(&self) -> &'static str {
        self.wire_name
    }

    /// The navigation property to bind through, in its exact case; for a lookup of several tables
    /// it depends on the table.
    pub const fn navigation(&self) -> Option<&'static str> {
        self.navigation
    }

    /// Who may write it.
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Whether it points at a row.
    pub(crate) fn is_lookup(&self) -> bool {
        self.wire_name != self.logical_name
    }
}
