//! `FormatAddress`: an address as it is written on a letter, which depends on the country.

use http::StatusCode;
use serde_json::json;

use crate::fault::{Fault, Result};
use crate::message::Answer;
use crate::parameter::text;
use crate::service::Call;
use crate::url::Segment;

/// Answers the function. Countries whose letters nobody documented are refused.
pub(crate) fn answer(call: &Call<'_>, segment: &Segment) -> Result<Answer> {
    let told = |name: &str| text(call, segment, name);
    let (line, city, state) = (told("Line1")?, told("City")?, told("StateOrProvince")?);
    let (code, country) = (told("PostalCode")?, told("Country")?);
    let lines = match country.trim().to_lowercase().as_str() {
        "usa" | "us" | "united states" | "united states of america" => {
            vec![line, format!("{city}, {state} {code}"), country]
        }
        "japan" => vec![code, state, city, line, country],
        other => {
            return Err(Fault::not_supported(format!(
                "FormatAddress for the country '{other}'"
            )));
        }
    };
    let context = "$metadata#Microsoft.Dynamics.CRM.FormatAddressResponse";
    let body = json!({
        "@odata.context": format!("{}{context}", call.root()),
        "Address": lines.join("\r\n"),
    });
    Ok(Answer::json(StatusCode::OK, body.to_string()))
}
