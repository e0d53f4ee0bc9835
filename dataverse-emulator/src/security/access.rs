//! What one request may do.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use rusqlite::OptionalExtension;

use super::config::{ACT_FOR_OTHERS, ColumnPermission, Depth, Right, Security, User, is_activity};
use super::privileges;
use crate::catalog::{Kind, Table};
use crate::fault::{Fault, Result};
use crate::service::BUSINESS_UNIT;
use crate::store::{Store, base, quoted};

/// What one request may do: what its user may, and whom it acts for, both.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    security: Arc<Security>,
    holders: Arc<Vec<Holder>>,
}

/// A user with all that follows from roles and teams.
#[derive(Debug)]
pub(super) struct Holder {
    security: Arc<Security>,
    pub(super) user: User,
    /// The user and the teams of the user.
    pub(super) principals: Vec<String>,
    reaches: Mutex<HashMap<(String, Right), Arc<Reach>>>,
}

/// The rows of a table that a right reaches.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// The right is held at all.
    pub(super) is_held: bool,
    is_everywhere: bool,
    owners: HashSet<String>,
    units: HashSet<String>,
}

/// Where a table keeps to whom a row belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belongs<'t> {
    pub(super) owner: Option<&'t str>,
    pub(super) unit: Option<&'t str>,
}

impl<'t> Belongs<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        let lookup = |name: &str| {
            let (_, column) = table.column_named(name)?;
            matches!(column.kind, Kind::Lookup(_)).then_some(column.logical_name.as_str())
        };
        let is_principal = matches!(table.logical_name.as_str(), "systemuser" | "team");
        Belongs {
            owner: match is_principal {
                true => Some(&table.primary_id),
                false => lookup("ownerid"),
            },
            unit: match is_principal {
                true => lookup("businessunitid"),
                false => lookup("owningbusinessunit"),
            },
        }
    }

    fn is_of_organization(&self) -> bool {
        self.owner.is_none() && self.unit.is_none()
    }
}

impl Access {
    /// What a user may do, possibly for another one.
    ///
    /// Errors: the user may not act for others.
    pub(crate) fn new(security: &Arc<Security>, user: &User, other: Option<&str>) -> Result<Self> {
        let mut holders = vec![Holder::new(security, user)];
        if let Some(other) = other.filter(|other| *other != user.id) {
            if !holders.iter().all(|holder| holder.has(ACT_FOR_OTHERS)) {
                return Err(Fault::cannot_act(format!(
                    "Principal user (Id={}, type=8) is missing {ACT_FOR_OTHERS} privilege.",
                    user.id
                )));
            }
            // A user of the tables whom the configuration does not know has no role.
            let known = security.users.iter().find(|user| user.id == other);
            let other = known.cloned().unwrap_or_else(|| User::new(other));
            holders.push(Holder::new(security, &other));
        }
        Ok(Access {
            security: security.clone(),
            holders: Arc::new(holders),
        })
    }

    pub(super) fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// The business unit of a user or a team.
    pub(crate) fn business_unit_of(&self, principal: &str) -> &str {
        let mut users = self.security.users.iter();
        let mut teams = self.security.teams.iter();
        let of_user = users.find(|user| user.id == principal);
        let unit = match of_user {
            Some(user) => user.businessunit.as_deref(),
            None => teams
                .find(|team| team.id == principal)
                .and_then(|team| team.businessunit.as_deref()),
        };
        unit.unwrap_or(BUSINESS_UNIT)
    }

    /// Refuses what no role allows on any row of a table.
    pub(crate) fn require(&self, table: &Table, right: Right) -> Result<()> {
        for holder in self.holders.iter() {
            if !holder.reach(table, right).is_held {
                return Err(holder.missing(table, right));
            }
        }
        Ok(())
    }

    /// Refuses what is not allowed on a row that exists.
    pub(crate) fn check(&self, store: &Store, table: &Table, id: &str, right: Right) -> Result<()> {
        self.require(table, right)?;
        let Some((owner, unit)) = belonging(store, table, id)? else {
            return Ok(());
        };
        for holder in self.holders.iter() {
            let reach = holder.reach(table, right);
            if !reach.holds(owner.as_deref(), unit.as_deref())
                && !holder.is_shared(store, table, id, right)?
            {
                return Err(holder.denied(table, id, right));
            }
        }
        Ok(())
    }

    /// Refuses a new row with this owner.
    pub(crate) fn check_new(
        &self,
        table: &Table,
        id: &str,
        owner: Option<&str>,
        unit: Option<&str>,
    ) -> Result<()> {
        self.require(table, Right::Create)?;
        for holder in self.holders.iter() {
            let reach = holder.reach(table, Right::Create);
            if !Belongs::of(table).is_of_organization() && !reach.holds(owner, unit) {
                return Err(holder.denied(table, id, Right::Create));
            }
        }
        Ok(())
    }

    /// Refuses to set a secured column without permission.
    pub(crate) fn check_column(&self, table: &Table, column: &str, is_new: bool) -> Result<()> {
        let permission = match is_new {
            true => ColumnPermission::Create,
            false => ColumnPermission::Update,
        };
        let mut holders = self.holders.iter();
        if holders.all(|holder| holder.permits(table, column, permission)) {
            return Ok(());
        }
        Err(match is_new {
            true => Fault::new(
                StatusCode::FORBIDDEN,
                "0x8004F502",
                format!(
                    "The user does not have create permissions to a secured field. The requested \
                     operation could not be completed. ({}.{column})",
                    table.logical_name
                ),
            ),
            false => Fault::new(
                StatusCode::FORBIDDEN,
                "0x8004F507",
                format!(
                    "The user doesn't have AttributePrivilegeUpdate and not granted shared access \
                     for a secured attribute during update operation ({}.{column})",
                    table.logical_name
                ),
            ),
        })
    }

    /// A user, or a team by itself, with what follows from roles.
    pub(super) fn holder_of(&self, principal: &str) -> Holder {
        let security = &self.security;
        let known = security.users.iter().find(|user| user.id == principal);
        let mut user = known.cloned().unwrap_or_else(|| User::new(principal));
        if let Some(team) = security.teams.iter().find(|team| team.id == principal) {
            user.roles.clone_from(&team.roles);
            user.businessunit.clone_from(&team.businessunit);
        }
        Holder::new(security, &user)
    }

    /// The rights that a user or a team has on a row, by roles and shares, as bits of
    /// `AccessRights`.
    pub(crate) fn rights_of(
        &self,
        store: &Store,
        table: &Table,
        id: &str,
        principal: &str,
    ) -> Result<i64> {
        let holder = self.holder_of(principal);
        let Some((owner, unit)) = belonging(store, table, id)? else {
            return Ok(0);
        };
        let mut rights = 0;
        for right in Right::ALL {
            let reach = holder.reach(table, right);
            let has = reach.holds(owner.as_deref(), unit.as_deref());
            if has || (reach.is_held && holder.is_shared(store, table, id, right)?) {
                rights |= right.bit();
            }
        }
        Ok(rights)
    }

    /// Whether every user reads a secured column.
    pub(super) fn reads_column(&self, table: &Table, column: &str) -> bool {
        let mut holders = self.holders.iter();
        holders.all(|holder| holder.permits(table, column, ColumnPermission::Read))
    }
}

/// Owner and business unit of a row; None if there is no such row.
#[allow(clippy::type_complexity, reason = "two columns of one row")]
fn belonging(
    store: &Store,
    table: &Table,
    id: &str,
) -> Result<Option<(Option<String>, Option<String>)>> {
    store.make(table)?;
    let belongs = Belongs::of(table);
    let column = |name: Option<&str>| name.map_or_else(|| "NULL".to_owned(), quoted);
    let sql = format!(
        "SELECT {}, {} FROM {} WHERE {} = ?",
        column(belongs.owner),
        column(belongs.unit),
        base(&table.logical_name),
        quoted(&table.primary_id)
    );
    let mut statement = store.connection.prepare_cached(&sql)?;
    let found = statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

impl Holder {
    fn new(security: &Arc<Security>, user: &User) -> Self {
        let teams = security.teams.iter();
        let teams = teams.filter(|team| team.members.contains(&user.id));
        let mut principals = vec![user.id.clone()];
        principals.extend(teams.map(|team| team.id.clone()));
        Holder {
            security: security.clone(),
            user: user.clone(),
            principals,
            reaches: Mutex::default(),
        }
    }

    /// Names of roles with the business unit in which they count, of the user and of each team.
    pub(super) fn roles(&self) -> impl Iterator<Item = (&super::Role, &str)> {
        let own = self
            .user
            .roles
            .iter()
            .map(|role| (role, &self.user.businessunit));
        let teams = self.security.teams.iter();
        let teams = teams.filter(|team| self.principals.contains(&team.id));
        let teams = teams.flat_map(|team| team.roles.iter().map(|role| (role, &team.businessunit)));
        own.chain(teams).filter_map(|(role, unit)| {
            let role = self.security.role_named(role)?;
            Some((role, unit.as_deref().unwrap_or(BUSINESS_UNIT)))
        })
    }

    fn has(&self, privilege: &str) -> bool {
        self.roles().any(|(role, _)| role.holds(privilege))
    }

    fn is_administrator(&self) -> bool {
        self.roles().any(|(role, _)| role.is_administrator())
    }

    pub(super) fn reach(&self, table: &Table, right: Right) -> Arc<Reach> {
        let mut reaches = self.reaches.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (table.logical_name.clone(), right);
        let found = reaches.entry(key);
        found
            .or_insert_with(|| Arc::new(self.find_reach(table, right)))
            .clone()
    }

    fn find_reach(&self, table: &Table, right: Right) -> Reach {
        let mut reach = Reach::default();
        for (role, unit) in self.roles() {
            let Some(depth) = role.depth(table, right) else {
                continue;
            };
            reach.is_held = true;
            // Each depth holds those before it.
            reach.owners.extend(self.principals.iter().cloned());
            match depth {
                Depth::User => {}
                Depth::BusinessUnit => drop(reach.units.insert(unit.to_owned())),
                Depth::ParentChild => reach.units.extend(self.security.with_children(unit)),
                Depth::Organization => reach.is_everywhere = true,
            }
        }
        // What belongs to nobody in particular is there for everyone with the privilege.
        reach.is_everywhere |= reach.is_held && Belongs::of(table).is_of_organization();
        reach
    }

    fn permits(&self, table: &Table, column: &str, permission: ColumnPermission) -> bool {
        let secured = self.security.securedcolumns.get(&table.logical_name);
        let is_secured = secured.is_some_and(|columns| columns.iter().any(|name| name == column));
        let mut profiles = self.security.columnprofiles.iter();
        !is_secured
            || self.is_administrator()
            || profiles.any(|profile| {
                profile.permits(&self.principals, &table.logical_name, column, permission)
            })
    }

    fn is_shared(&self, store: &Store, table: &Table, id: &str, right: Right) -> Result<bool> {
        let sql = "SELECT principal FROM main.\"@shared\" \
                   WHERE name = ? AND id = ? AND rights & ? <> 0";
        let mut statement = store.connection.prepare_cached(sql)?;
        let mut rows = statement.query((&table.logical_name, id, right.bit()))?;
        while let Some(row) = rows.next()? {
            let principal: String = row.get(0)?;
            if self.principals.contains(&principal) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// No role gives the privilege.
    fn missing(&self, table: &Table, right: Right) -> Fault {
        let entity = match is_activity(table) {
            true => "activitypointer",
            false => &table.logical_name,
        };
        let name = privileges::name(table, right);
        let object = self.user.azureactivedirectoryobjectid.as_deref();
        Fault::new(
            StatusCode::FORBIDDEN,
            "0x80040220",
            format!(
                "Principal user (Id={user}, type=8, roleCount={}, privilegeCount={}, \
                 accessMode='0 Read-Write', AADObjectId='{}', businessUnitId={}), is missing \
                 {name} privilege (Id={}) on OTC={} for entity '{entity}'. context.Caller={user}. \
                 Consider adding missed privilege to one of the principal (user/team) roles.",
                self.roles().count(),
                privileges::count(self.roles().map(|(role, _)| role)),
                object.unwrap_or("00000000-0000-0000-0000-000000000000"),
                self.user.businessunit.as_deref().unwrap_or(BUSINESS_UNIT),
                privileges::id(&name),
                privileges::type_code(table),
                user = self.user.id,
            ),
        )
    }

    /// The privilege is there, and does not reach this row.
    fn denied(&self, table: &Table, id: &str, right: Right) -> Fault {
        Fault::new(
            StatusCode::FORBIDDEN,
            "0x80048306",
            format!(
                "Principal with id {} does not have {right}Access right(s) for record with id {id} \
                 of entity {}",
                self.user.id, table.logical_name
            ),
        )
    }
}

impl Reach {
    pub(super) fn holds(&self, owner: Option<&str>, unit: Option<&str>) -> bool {
        self.is_everywhere
            || owner.is_some_and(|owner| self.owners.contains(owner))
            || unit.is_some_and(|unit| self.units.contains(unit))
    }
}
