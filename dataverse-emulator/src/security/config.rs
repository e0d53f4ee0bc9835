//! Users, teams, business units, roles and secured columns, as a program or a file says them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::{Catalog, Table};
use crate::service::{BUSINESS_UNIT, USER};
use crate::value::guid;

/// The role that holds every privilege.
pub(super) const ADMINISTRATOR: &str = "System Administrator";
/// Stands for every table in a role.
const EVERY_TABLE: &str = "*";
/// The privilege to act for other users.
pub(super) const ACT_FOR_OTHERS: &str = "prvActOnBehalfOfAnotherUser";

/// What a privilege lets its holder do with rows of a table.
///
/// Source: Microsoft Learn, "Security roles and privileges".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Right {
    /// To make rows.
    Create,
    /// To read rows.
    Read,
    /// To change rows.
    Write,
    /// To delete rows.
    Delete,
    /// To point lookups of a row at others.
    Append,
    /// To have lookups of others pointed at a row.
    AppendTo,
    /// To give a row to another owner.
    Assign,
    /// To share a row.
    Share,
}

impl Right {
    pub(crate) const ALL: [Right; 8] = [
        Right::Create,
        Right::Read,
        Right::Write,
        Right::Delete,
        Right::Append,
        Right::AppendTo,
        Right::Assign,
        Right::Share,
    ];

    /// Its bit in `AccessRights`.
    pub(crate) fn bit(self) -> i64 {
        match self {
            Right::Read => 1,
            Right::Write => 1 << 1,
            Right::Append => 1 << 2,
            Right::AppendTo => 1 << 4,
            Right::Create => 1 << 5,
            Right::Delete => 1 << 16,
            Right::Share => 1 << 18,
            Right::Assign => 1 << 19,
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// How far a privilege reaches from its holder.
///
/// Source: Microsoft Learn, "Security roles and privileges", section "Access levels".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Depth {
    /// Rows of the user, of the teams the user is in, and those that are shared with them.
    #[serde(alias = "Basic")]
    User,
    /// Rows of the business unit.
    #[serde(alias = "Local")]
    BusinessUnit,
    /// Rows of the business unit and of those below it.
    #[serde(alias = "Deep", alias = "ParentChildBusinessUnits")]
    ParentChild,
    /// Every row.
    #[serde(alias = "Global")]
    Organization,
}

impl Depth {
    /// The member of `PrivilegeDepth`.
    pub(super) fn wire_name(self) -> &'static str {
        match self {
            Depth::User => "Basic",
            Depth::BusinessUnit => "Local",
            Depth::ParentChild => "Deep",
            Depth::Organization => "Global",
        }
    }
}

/// A security role: privileges on tables, by logical name.
///
/// `*` is every table. Activities of every kind share the privileges of `activitypointer`, unless
/// the role names their own table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    name: String,
    #[serde(default)]
    privileges: BTreeMap<String, BTreeMap<Right, Depth>>,
    #[serde(default)]
    others: Vec<String>,
}

impl Role {
    /// A role without privileges. One named `System Administrator` holds all there are.
    pub fn new(name: impl Into<String>) -> Self {
        Role {
            name: name.into(),
            privileges: BTreeMap::new(),
            others: Vec::new(),
        }
    }

    /// Adds privileges on a table.
    #[must_use]
    pub fn allow(mut self, table: &str, rights: &[Right], depth: Depth) -> Self {
        let privileges = self.privileges.entry(table.to_owned()).or_default();
        privileges.extend(rights.iter().map(|right| (*right, depth)));
        self
    }

    /// Adds every privilege on a table.
    #[must_use]
    pub fn allow_all(self, table: &str, depth: Depth) -> Self {
        self.allow(table, &Right::ALL, depth)
    }

    /// Adds the privilege to act for other users (`prvActOnBehalfOfAnotherUser`).
    #[must_use]
    pub fn allow_impersonation(mut self) -> Self {
        self.others.push(ACT_FOR_OTHERS.to_owned());
        self
    }

    pub(super) fn is_administrator(&self) -> bool {
        self.name == ADMINISTRATOR
    }

    /// How many privileges it names.
    pub(super) fn count(&self) -> usize {
        self.others.len() + self.privileges.values().map(BTreeMap::len).sum::<usize>()
    }

    pub(super) fn holds(&self, privilege: &str) -> bool {
        self.is_administrator() || self.others.iter().any(|held| held == privilege)
    }

    /// How far a right on a table reaches; None if the role does not give it.
    pub(super) fn depth(&self, table: &Table, right: Right) -> Option<Depth> {
        if self.is_administrator() {
            return Some(Depth::Organization);
        }
        let own = Some(table.logical_name.as_str());
        let activity = is_activity(table).then_some("activitypointer");
        let names = own.into_iter().chain(activity).chain([EVERY_TABLE]);
        let mut found = names.filter_map(|name| self.privileges.get(name));
        found.find_map(|rights| rights.get(&right)).copied()
    }
}

/// Whether rows of a table are activities, which share their privileges.
pub(super) fn is_activity(table: &Table) -> bool {
    table.primary_id == "activityid"
}

/// A business unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessUnit {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) parent: Option<String>,
}

impl BusinessUnit {
    /// A business unit below the root one, with this id.
    pub fn new(id: impl Into<String>) -> Self {
        BusinessUnit {
            id: id.into(),
            name: None,
            parent: None,
        }
    }

    /// Names it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Puts it below another one.
    #[must_use]
    pub fn below(mut self, parent: impl Into<String>) -> Self {
        self.parent = Some(parent.into());
        self
    }
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) businessunit: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) tokens: Vec<String>,
    #[serde(default)]
    pub(super) applicationid: Option<String>,
    #[serde(default)]
    pub(super) azureactivedirectoryobjectid: Option<String>,
}

impl User {
    /// A user of the root business unit without roles, with this `systemuserid`.
    pub fn new(id: impl Into<String>) -> Self {
        User {
            id: id.into(),
            name: None,
            businessunit: None,
            roles: Vec::new(),
            tokens: Vec::new(),
            applicationid: None,
            azureactivedirectoryobjectid: None,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Names the user (`fullname`).
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Puts the user into a business unit.
    #[must_use]
    pub fn in_business_unit(mut self, id: impl Into<String>) -> Self {
        self.businessunit = Some(id.into());
        self
    }

    /// Gives the user a role.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.roles.push(name.into());
        self
    }

    /// Requests with this bearer token are the user's.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.tokens.push(token.into());
        self
    }

    /// Requests with a token of this application (`appid`, `azp`) are the user's.
    #[must_use]
    pub fn application(mut self, id: impl Into<String>) -> Self {
        self.applicationid = Some(id.into());
        self
    }

    /// Requests with a token of this Microsoft Entra object (`oid`) are the user's.
    #[must_use]
    pub fn object(mut self, id: impl Into<String>) -> Self {
        self.azureactivedirectoryobjectid = Some(id.into());
        self
    }
}

/// A team that owns rows and has roles.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Team {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) businessunit: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    #[serde(default)]
    pub(super) members: Vec<String>,
}

impl Team {
    /// A team of the root business unit without roles and members, with this `teamid`.
    pub fn new(id: impl Into<String>) -> Self {
        Team {
            id: id.into(),
            name: None,
            businessunit: None,
            roles: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Names the team.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Puts the team into a business unit.
    #[must_use]
    pub fn in_business_unit(mut self, id: impl Into<String>) -> Self {
        self.businessunit = Some(id.into());
        self
    }

    /// Gives the team a role.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.roles.push(name.into());
        self
    }

    /// Adds a user, by `systemuserid`.
    #[must_use]
    pub fn member(mut self, user: impl Into<String>) -> Self {
        self.members.push(user.into());
        self
    }
}

/// What may be done with a secured column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum ColumnPermission {
    /// To read its values.
    Read,
    /// To set it in a row that is made.
    Create,
    /// To change it.
    Update,
}

/// Permissions on secured columns, for users and teams.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnProfile {
    /// Users and teams, by id.
    principals: Vec<String>,
    /// By table and column, by logical name.
    columns: BTreeMap<String, BTreeMap<String, Vec<ColumnPermission>>>,
}

impl ColumnProfile {
    /// A profile of these users and teams.
    pub fn new(principals: impl IntoIterator<Item = impl Into<String>>) -> Self {
        ColumnProfile {
            principals: principals.into_iter().map(Into::into).collect(),
            columns: BTreeMap::new(),
        }
    }

    /// Adds permissions on a column.
    #[must_use]
    pub fn allow(mut self, table: &str, column: &str, permissions: &[ColumnPermission]) -> Self {
        let columns = self.columns.entry(table.to_owned()).or_default();
        let held = columns.entry(column.to_owned()).or_default();
        held.extend(permissions);
        self
    }

    pub(super) fn permits(
        &self,
        principals: &[String],
        table: &str,
        column: &str,
        permission: ColumnPermission,
    ) -> bool {
        let is_for = |id: &String| principals.contains(id);
        let held = self.columns.get(table).and_then(|table| table.get(column));
        self.principals.iter().any(is_for) && held.is_some_and(|held| held.contains(&permission))
    }
}

/// Who may do what in an emulator.
///
/// ```
/// use dataverse_emulator::{Depth, Right, Role, Security, User};
///
/// let security = Security::new()
///     .role(Role::new("Reader").allow("account", &[Right::Read], Depth::BusinessUnit))
///     .user(User::new("00000000-0000-0000-0000-000000000001").role("Reader").token("anna"));
/// # let _ = security;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    pub(super) businessunits: Vec<BusinessUnit>,
    pub(super) roles: Vec<Role>,
    pub(super) users: Vec<User>,
    pub(super) teams: Vec<Team>,
    pub(super) securedcolumns: BTreeMap<String, Vec<String>>,
    pub(super) columnprofiles: Vec<ColumnProfile>,
}

impl Security {
    /// Nobody but the emulator's own user, who is a system administrator.
    pub fn new() -> Self {
        Security::default()
    }

    /// Reads the same from JSON, with the names of the methods' arguments:
    ///
    /// ```
    /// # fn main() -> Result<(), String> {
    /// let security = dataverse_emulator::Security::from_json(
    ///     r#"{
    ///         "businessunits": [{"id": "00000000-0000-0000-0000-0000000000e1", "name": "East"}],
    ///         "roles": [{"name": "Reader", "privileges": {"account": {"Read": "BusinessUnit"}}}],
    ///         "users": [{
    ///             "id": "00000000-0000-0000-0000-000000000001",
    ///             "businessunit": "00000000-0000-0000-0000-0000000000e1",
    ///             "roles": ["Reader"],
    ///             "tokens": ["anna"]
    ///         }],
    ///         "securedcolumns": {"account": ["creditlimit"]}
    ///     }"#,
    /// )?;
    /// # let _ = security;
    /// # Ok(()) }
    /// ```
    ///
    /// Errors: where the text is not that JSON.
    pub fn from_json(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// Adds a business unit.
    #[must_use]
    pub fn business_unit(mut self, unit: BusinessUnit) -> Self {
        self.businessunits.push(unit);
        self
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// Adds a team.
    #[must_use]
    pub fn team(mut self, team: Team) -> Self {
        self.teams.push(team);
        self
    }

    /// Secures a column, by logical name: only system administrators and those whom a profile
    /// permits it read and write it.
    #[must_use]
    pub fn secured_column(mut self, table: &str, column: &str) -> Self {
        let columns = self.securedcolumns.entry(table.to_owned()).or_default();
        columns.push(column.to_owned());
        self
    }

    /// Adds a profile of permissions on secured columns.
    #[must_use]
    pub fn column_profile(mut self, profile: ColumnProfile) -> Self {
        self.columnprofiles.push(profile);
        self
    }

    /// The same with ids as they are stored, and the emulator's own user as an administrator.
    ///
    /// Errors: what is named and not there.
    pub(crate) fn checked(mut self, catalog: &Catalog) -> Result<Self, String> {
        let id = |text: &mut String| match guid(text) {
            Some(id) => {
                *text = id;
                Ok(())
            }
            None => Err(format!("security: '{text}' is not the id of a row")),
        };
        for unit in &mut self.businessunits {
            id(&mut unit.id)?;
            unit.parent.as_mut().map_or(Ok(()), id)?;
        }
        for user in &mut self.users {
            id(&mut user.id)?;
            user.businessunit.as_mut().map_or(Ok(()), id)?;
            user.applicationid.as_mut().map_or(Ok(()), id)?;
            user.azureactivedirectoryobjectid
                .as_mut()
                .map_or(Ok(()), id)?;
        }
        for team in &mut self.teams {
            id(&mut team.id)?;
            team.businessunit.as_mut().map_or(Ok(()), id)?;
            team.members.iter_mut().try_for_each(id)?;
        }
        for profile in &mut self.columnprofiles {
            profile.principals.iter_mut().try_for_each(id)?;
        }
        self.roles.push(Role::new(ADMINISTRATOR));
        if !self.users.iter().any(|user| user.id == USER) {
            self.users.push(User::new(USER).role(ADMINISTRATOR));
        }
        self.check_names(catalog)?;
        Ok(self)
    }

    fn check_names(&self, catalog: &Catalog) -> Result<(), String> {
        let has_unit = |id: &Option<String>| match id {
            Some(id) if id != BUSINESS_UNIT && !self.businessunits.iter().any(|u| u.id == *id) => {
                Err(format!("security: there is no business unit {id}"))
            }
            _ => Ok(()),
        };
        let has_role = |name: &String| match self.roles.iter().any(|role| role.name == *name) {
            true => Ok(()),
            false => Err(format!("security: there is no role '{name}'")),
        };
        for unit in &self.businessunits {
            has_unit(&unit.parent)?;
        }
        for user in &self.users {
            has_unit(&user.businessunit)?;
            user.roles.iter().try_for_each(has_role)?;
        }
        for team in &self.teams {
            has_unit(&team.businessunit)?;
            team.roles.iter().try_for_each(has_role)?;
            for member in &team.members {
                if !self.users.iter().any(|user| user.id == *member) {
                    return Err(format!("security: there is no user {member}"));
                }
            }
        }
        let tables = self.roles.iter().flat_map(|role| role.privileges.keys());
        for table in tables.chain(self.securedcolumns.keys()) {
            if table != EVERY_TABLE && catalog.by_name(table).is_none() {
                return Err(format!("security: there is no table `{table}`"));
            }
        }
        for (table, columns) in &self.securedcolumns {
            for column in columns {
                let found = catalog.by_name(table);
                if found.is_none_or(|table| table.column_named(column).is_none()) {
                    return Err(format!("security: `{table}` has no column `{column}`"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// A business unit and those below it.
    pub(super) fn with_children(&self, unit: &str) -> Vec<String> {
        let mut found = vec![unit.to_owned()];
        let mut at = 0;
        while let Some(parent) = found.get(at).cloned() {
            for child in &self.businessunits {
                let above = child.parent.as_deref().unwrap_or(BUSINESS_UNIT);
                if above == parent && !found.contains(&child.id) {
                    found.push(child.id.clone());
                }
            }
            at += 1;
        }
        found
    }
}
