//! Conditions about who asks: the user, the teams, the business unit, the language.

use crate::catalog::{Kind, Way};
use crate::fault::{Fault, Result};
use crate::filter::Condition;
use crate::hierarchy;
use crate::names::SqlColumn;
use crate::service::Call;
use crate::store::{base, quoted};
use crate::value::Stored;

/// The collection of a team in which its users are.
const MEMBERS: &str = "teammembership_association";

/// English (United States), of an org of which nothing else is told.
const LANGUAGE: i64 = 1033;

/// The user alone, as SQL.
const USER: &str = "SELECT ?";

/// `column operator`, without values.
pub(crate) fn condition(
    operator: &str,
    column: &SqlColumn<'_>,
    call: &Call<'_>,
) -> Result<Condition> {
    let user = Stored::Text(call.user().to_owned());
    let among = |sql: String| format!("{} IN ({sql})", column.sql);
    let with_user = |sql: String, times: usize| Condition {
        sql,
        values: vec![user.clone(); times],
    };
    if operator == "eq-userlanguage" {
        return language(column, call);
    }
    check_is_id(operator, column)?;
    Ok(match operator {
        "eq-userid" => with_user(format!("{} = ?", column.sql), 1),
        "ne-userid" => with_user(format!("({0} IS NULL OR {0} <> ?)", column.sql), 1),
        "eq-businessid" | "ne-businessid" => {
            let unit = Stored::Text(unit(call)?);
            Condition {
                sql: match operator {
                    "eq-businessid" => format!("{} = ?", column.sql),
                    _ => format!("({0} IS NULL OR {0} <> ?)", column.sql),
                },
                values: vec![unit],
            }
        }
        "eq-userteams" => {
            let (sql, times) = teams(USER, call)?;
            with_user(among(sql), times)
        }
        "eq-useroruserteams" => {
            let (sql, times) = teams(USER, call)?;
            let sql = format!("({} = ? OR {})", column.sql, among(sql));
            with_user(sql, 1 + times)
        }
        _ => {
            let users = hierarchy::users(call)?.unwrap_or_else(|| USER.to_owned());
            let of_users = among(users.clone());
            if operator == "eq-useroruserhierarchy" {
                return Ok(with_user(of_users, 1));
            }
            let (sql, times) = teams(&users, call)?;
            with_user(format!("({of_users} OR {})", among(sql)), 1 + times)
        }
    })
}

/// SQL for the teams of users, and how often it takes the user; `users` is SQL for those.
fn teams(users: &str, call: &Call<'_>) -> Result<(String, usize)> {
    let table = call.catalog.by_name("team");
    let members = table.and_then(|table| table.collections.get(MEMBERS));
    let Some(Way::ManyToMany(pairs)) = members.map(|members| &members.way) else {
        // Without teams nobody is in one.
        return Ok(("SELECT NULL WHERE 0".to_owned(), 0));
    };
    call.store.make_intersect(call.catalog, pairs)?;
    let sql = format!(
        "SELECT {} FROM {} WHERE {} IN ({users})",
        quoted(&pairs.near),
        base(&pairs.table),
        quoted(&pairs.far)
    );
    Ok((sql, 1))
}

/// The business unit of the user: as configured, else as the row of the user tells.
fn unit(call: &Call<'_>) -> Result<String> {
    let configured = call.business_unit_of(call.user()).to_owned();
    if call.access.is_some() {
        return Ok(configured);
    }
    let table = call.catalog.by_name("systemuser");
    let place = table.and_then(|table| Some((table, table.column_named("businessunitid")?.0)));
    let Some((table, place)) = place else {
        return Ok(configured);
    };
    let values = call.store.values(table, call.user(), &[place])?;
    Ok(match values.as_deref() {
        Some([Stored::Text(unit)]) => unit.clone(),
        _ => configured,
    })
}

/// The user's own language, else that of the org.
fn language(column: &SqlColumn<'_>, call: &Call<'_>) -> Result<Condition> {
    if *column.kind != Kind::Int {
        return Err(Fault::invalid_argument(format!(
            "The condition operator 'eq-userlanguage' needs a column with the code of a language; \
             '{}' is none.",
            column.logical_name
        )));
    }
    let mut told = LANGUAGE;
    for (table, name, of_user) in [
        ("organization", "languagecode", false),
        ("usersettings", "uilanguageid", true),
    ] {
        let Some(table) = call.catalog.by_name(table) else {
            continue;
        };
        if table.column_named(name).is_none() {
            continue;
        }
        call.store.make(table)?;
        let user = match of_user {
            true => format!(" WHERE {} = ?", quoted(&table.primary_id)),
            false => " WHERE ? IS NOT NULL".to_owned(),
        };
        let name = quoted(name);
        let sql = format!(
            "SELECT max({name}) FROM {}{user} AND {name} <> 0",
            base(&table.logical_name)
        );
        let mut statement = call.store.connection.prepare_cached(&sql)?;
        let found: Option<i64> = statement.query_row([call.user()], |row| row.get(0))?;
        told = found.unwrap_or(told);
    }
    Ok(Condition {
        sql: format!("{} = ?", column.sql),
        values: vec![Stored::Integer(told)],
    })
}

fn check_is_id(operator: &str, column: &SqlColumn<'_>) -> Result<()> {
    match column.kind {
        Kind::Guid | Kind::Lookup(_) => Ok(()),
        _ => Err(Fault::invalid_argument(format!(
            "The condition operator '{operator}' needs a lookup; '{}' is none.",
            column.logical_name
        ))),
    }
}
