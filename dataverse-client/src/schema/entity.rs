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
///
/// An enum of plain text, since tables are long: constructors that are functions would take the
/// compiler several times as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnInfo {
    /// Logical name of a column whose name is the same everywhere.
    Plain(&'static str),
    /// The same, for a column that not everything may write.
    Limited(&'static str, Access),
    /// A lookup of one table: logical name, the name it is read as, and the navigation property it
    /// is bound through.
    ToOne(&'static str, &'static str, &'static str),
    /// The same, for a lookup that not everything may write.
    LimitedToOne(&'static str, &'static str, &'static str, Access),
    /// A lookup of several tables: logical name, and the name it is read as.
    ToAny(&'static str, &'static str),
    /// The same, for one that not everything may write, or that cannot be bound.
    LimitedToAny(&'static str, &'static str, Access),
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
    /// `primarycontactid`.
    pub const fn logical_name(&self) -> &'static str {
        match self {
            ColumnInfo::Plain(name)
            | ColumnInfo::Limited(name, _)
            | ColumnInfo::ToOne(name, ..)
            | ColumnInfo::LimitedToOne(name, ..)
            | ColumnInfo::ToAny(name, _)
            | ColumnInfo::LimitedToAny(name, ..) => name,
        }
    }

    /// The name in `$select`, `$filter` and answers: `_primarycontactid_value`.
    pub const fn wire_name(&self) -> &'static str {
        match self {
            ColumnInfo::Plain(name)
            | ColumnInfo::Limited(name, _)
            | ColumnInfo::ToOne(_, name, _)
            | ColumnInfo::LimitedToOne(_, name, ..)
            | ColumnInfo::ToAny(_, name)
            | ColumnInfo::LimitedToAny(_, name, _) => name,
        }
    }

    /// The navigation property to bind through, in its exact case; for a lookup of several tables
    /// it depends on the table.
    pub const fn navigation(&self) -> Option<&'static str> {
        match self {
            ColumnInfo::ToOne(.., navigation) | ColumnInfo::LimitedToOne(_, _, navigation, _) => {
                Some(navigation)
            }
            _ => None,
        }
    }

    /// Who may write it.
    pub const fn access(&self) -> Access {
        match self {
            ColumnInfo::Limited(_, access)
            | ColumnInfo::LimitedToOne(.., access)
            | ColumnInfo::LimitedToAny(.., access) => *access,
            _ => Access::Always,
        }
    }

    /// Whether it points at a row.
    pub(crate) const fn is_lookup(&self) -> bool {
        !matches!(self, ColumnInfo::Plain(_) | ColumnInfo::Limited(..))
    }
}
