//! The orgs that a user may enter.

use http::Method;
use uuid::Uuid;

use super::{Answer, Operation, Replay, Scope};
use crate::error::{Error, Result};
use crate::odata::url::{Query, encode};
use crate::odata::{Request, Response};
use crate::schema::AnyRow;
use crate::value::json::Reader;
use crate::value::{Scalar, Value};

/// Lists orgs, all or some; sent by [`Discovery`](crate::Discovery).
///
/// Shape: `GET Instances`, `GET Instances(<id>)`, `GET Instances(UniqueName='x')`; every one
/// answers a list.
/// Source: Microsoft Learn, "Discover user organizations".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instances {
    /// What stands in the parentheses.
    key: Option<String>,
    select: Vec<String>,
    filter: Option<String>,
}

impl Instances {
    /// All orgs of the user.
    pub fn all() -> Self {
        Instances::default()
    }

    /// The org with this id.
    pub fn by_id(id: Uuid) -> Self {
        Instances {
            key: Some(id.to_string()),
            ..Instances::default()
        }
    }

    /// Orgs in which a property has this value: `UniqueName`, `UrlName`, `Region`, `FriendlyName`.
    /// Case matters.
    pub fn by(property: &str, value: &str) -> Self {
        let mut key = format!("{property}=");
        value.to_owned().write_literal(&mut key);
        Instances {
            key: Some(key),
            ..Instances::default()
        }
    }

    /// Gives only this property, and those given before: `ApiUrl`.
    #[must_use]
    pub fn select(mut self, property: impl Into<String>) -> Self {
        self.select.push(property.into());
        self
    }

    /// Only orgs that meet this condition: `State eq 0`.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }
}

/// An org that a user may enter. What was not selected, or is not told, is None.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Instance {
    /// The id of the org.
    pub id: Option<Uuid>,
    /// The name that never changes.
    pub unique_name: Option<String>,
    /// The name in its address: `contoso`.
    pub url_name: Option<String>,
    /// The name for people.
    pub friendly_name: Option<String>,
    /// `0` if it is enabled.
    pub state: Option<String>,
    /// `9.2.24043.181`.
    pub version: Option<String>,
    /// Where people work with it: `https://contoso.crm4.dynamics.com`.
    pub url: Option<String>,
    /// What a [`Client`](crate::Client) takes: `https://contoso.api.crm4.dynamics.com`.
    pub api_url: Option<String>,
    /// The environment it belongs to; not always a GUID.
    pub environment_id: Option<String>,
    /// The tenant.
    pub tenant_id: Option<String>,
    /// `EMEA`, `NA`.
    pub region: Option<String>,
    /// Whether the user is a system administrator there.
    pub is_user_sys_admin: Option<bool>,
    /// All that was told, these and others.
    pub row: AnyRow,
}

impl Operation for Instances {
    type Output = Vec<Instance>;

    fn request_in(&self, _: &Scope<'_>) -> Result<Request> {
        let mut path = String::from("Instances");
        if let Some(key) = &self.key {
            // A slash in a value would end the segment.
            if key.contains(['/', '\\']) {
                return Err(Error::input(
                    "a key of discovery holds a slash; use a filter instead",
                ));
            }
            path.push('(');
            encode(key, &mut path);
            path.push(')');
        }
        let mut query = Query::of(path);
        if !self.select.is_empty() {
            query.option("$select", &self.select.join(","));
        }
        if let Some(filter) = &self.filter {
            query.option("$filter", filter);
        }
        Ok(Request::new(Method::GET, query.into_string()))
    }

    fn decode(&self, response: &Response) -> Result<Vec<Instance>> {
        let answer = <AnyRow as Answer>::read(&response.success()?.body)?;
        if answer.json("@odata.nextLink").is_some() {
            return Err(Error::decode(
                "there are more orgs than discovery gave at once; ask for some with a filter",
            ));
        }
        let rows: Option<Vec<AnyRow>> = answer.get("value")?;
        let rows = rows.ok_or_else(|| Error::decode("the answer of discovery has no `value`"))?;
        rows.into_iter().map(Instance::read).collect()
    }

    fn replay(&self) -> Replay {
        Replay::Safe
    }
}

impl Instance {
    fn read(row: AnyRow) -> Result<Self> {
        Ok(Instance {
            id: row.get("Id")?,
            unique_name: text(&row, "UniqueName"),
            url_name: text(&row, "UrlName"),
            friendly_name: text(&row, "FriendlyName"),
            state: text(&row, "State"),
            version: text(&row, "Version"),
            url: text(&row, "Url"),
            api_url: text(&row, "ApiUrl"),
            environment_id: text(&row, "EnvironmentId"),
            tenant_id: text(&row, "TenantId"),
            region: text(&row, "Region"),
            is_user_sys_admin: row.get("IsUserSysAdmin")?,
            row,
        })
    }
}

/// A text or number as text.
fn text(row: &AnyRow, name: &str) -> Option<String> {
    match Reader::new(row.json(name)?.as_str()).scalar().ok()? {
        Scalar::Text(text) => Some(text.into_owned()),
        Scalar::Number(digits) => Some(digits.to_owned()),
        _ => None,
    }
}
