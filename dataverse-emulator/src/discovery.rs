//! The discovery service: it knows one org, this one.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Result};
use crate::message::{Answer, Asked};
use crate::query::check_options;
use crate::service::ORGANIZATION;
use crate::url::{Address, split_outside, text_literal};
use crate::value::guid;

/// Path of the service; that of the Web API begins otherwise.
const ROOT: &str = "/api/discovery/v2.0/";

/// Answers a request for the discovery service; None if it is for the Web API.
pub(crate) fn answer(asked: &Asked, origin: &str) -> Option<Result<Answer>> {
    let below = asked.target.strip_prefix(ROOT)?;
    Some(instances(asked, below, origin))
}

fn instances(asked: &Asked, below: &str, origin: &str) -> Result<Answer> {
    // The same syntax as that of the Web API, which has another path.
    let address = Address::parse(&format!("/api/data/v2.0/{below}"))?;
    let [segment] = &address.segments[..] else {
        return Err(Fault::unknown_segment(below));
    };
    if segment.name != "Instances" {
        return Err(Fault::unknown_segment(&segment.name));
    }
    if asked.method != Method::GET {
        return Err(Fault::method_not_allowed(&asked.method));
    }
    check_options(&address.options, &["$select", "$filter"])?;
    let org = org(origin);
    let mut is_wanted = true;
    if let Some(key) = &segment.arguments {
        for part in split_outside(key, ',') {
            is_wanted &= match part.split_once('=') {
                Some((name, literal)) => is_equal(&org, name, literal)?,
                None => guid(part).is_some_and(|id| id == ORGANIZATION),
            };
        }
    }
    if let Some(filter) = address.option("$filter") {
        for condition in filter.split(" and ") {
            let (name, literal) = condition.split_once(" eq ").ok_or_else(|| {
                Fault::not_supported(format!("the filter `{condition}` of discovery"))
            })?;
            is_wanted &= is_equal(&org, name, literal)?;
        }
    }
    let select = address.option("$select");
    let mut row = Map::new();
    match select {
        None => row = org,
        Some(select) => {
            for name in select.split(',').map(str::trim) {
                let value = org.get(name);
                let value = value.ok_or_else(|| Fault::unknown_property(name, "Instance"))?;
                row.insert(name.to_owned(), value.clone());
            }
        }
    }
    let named = select.map_or(String::new(), |select| format!("({select})"));
    let rows = if is_wanted { vec![row] } else { Vec::new() };
    let body = json!({
        "@odata.context": format!("{origin}{ROOT}$metadata#Instances{named}"),
        "value": rows,
    });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}

fn is_equal(org: &Map<String, Value>, name: &str, literal: &str) -> Result<bool> {
    let name = name.trim();
    let value = org.get(name);
    let value = value.ok_or_else(|| Fault::unknown_property(name, "Instance"))?;
    let literal = literal.trim();
    Ok(match text_literal(literal) {
        Some(text) => value.as_str() == Some(text.as_str()),
        None => value.as_str().unwrap_or(&value.to_string()) == literal,
    })
}

fn org(origin: &str) -> Map<String, Value> {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let name = host.split(['.', ':']).next().unwrap_or(host);
    let org = json!({
        "Id": ORGANIZATION,
        "UniqueName": "emulator",
        "UrlName": name,
        "FriendlyName": "Emulator",
        "State": 0,
        "StatusMessage": 0,
        "Version": "9.2.0.0",
        "Url": origin,
        "ApiUrl": origin,
        "SchemaType": "Full",
        "OrganizationType": 0,
        "Region": "NA",
        "Purpose": null,
        "TrialExpirationDate": null,
        "IsUserSysAdmin": true,
    });
    match org {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
