//! What a program would write by hand: serde derives that own the same fields.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use uuid::Uuid;

#[derive(Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
}

/// A decimal number with all its digits. serde_json makes numbers `f64` (short of a feature that
/// holds for the whole program), so the digits are taken as raw text, which borrows: the cheapest
/// way there is.
pub(crate) struct Exact(pub Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = <&RawValue>::deserialize(deserializer)?.get();
        let decimal = Decimal::from_str_exact(digits).map_err(de::Error::custom)?;
        Ok(Exact(decimal))
    }
}

/// A decimal number by way of `f64`, as `rust_decimal::serde::float` has it: digits get lost.
pub(crate) struct Float(pub Decimal);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        rust_decimal::serde::float::deserialize(deserializer).map(Float)
    }
}

/// The 26 columns.
#[derive(Deserialize)]
pub(crate) struct Wide<D> {
    #[serde(rename = "@odata.etag")]
    pub(crate) etag: Option<String>,
    pub(crate) accountid: Option<Uuid>,
    pub(crate) name: Option<String>,
    pub(crate) accountnumber: Option<String>,
    pub(crate) telephone1: Option<String>,
    pub(crate) emailaddress1: Option<String>,
    pub(crate) websiteurl: Option<String>,
    pub(crate) address1_line1: Option<String>,
    pub(crate) address1_city: Option<String>,
    pub(crate) address1_postalcode: Option<String>,
    pub(crate) revenue: Option<D>,
    pub(crate) creditlimit: Option<D>,
    pub(crate) exchangerate: Option<D>,
    pub(crate) numberofemployees: Option<i32>,
    pub(crate) versionnumber: Option<i64>,
    pub(crate) industrycode: Option<i32>,
    pub(crate) customertypecode: Option<i32>,
    pub(crate) statecode: Option<i32>,
    pub(crate) statuscode: Option<i32>,
    pub(crate) donotemail: Option<bool>,
    pub(crate) creditonhold: Option<bool>,
    pub(crate) createdon: Option<DateTime<Utc>>,
    pub(crate) modifiedon: Option<DateTime<Utc>>,
    #[serde(rename = "_primarycontactid_value")]
    pub(crate) primarycontactid: Option<Uuid>,
    #[serde(rename = "_ownerid_value")]
    pub(crate) ownerid: Option<Uuid>,
    #[serde(rename = "_transactioncurrencyid_value")]
    pub(crate) transactioncurrencyid: Option<Uuid>,
    #[serde(rename = "_parentaccountid_value")]
    pub(crate) parentaccountid: Option<Uuid>,
}

/// Ten of them.
#[derive(Deserialize)]
pub(crate) struct Narrow<D> {
    #[serde(rename = "@odata.etag")]
    pub(crate) etag: Option<String>,
    pub(crate) accountid: Option<Uuid>,
    pub(crate) name: Option<String>,
    pub(crate) accountnumber: Option<String>,
    pub(crate) telephone1: Option<String>,
    pub(crate) revenue: Option<D>,
    pub(crate) creditlimit: Option<D>,
    pub(crate) numberofemployees: Option<i32>,
    pub(crate) donotemail: Option<bool>,
    pub(crate) createdon: Option<DateTime<Utc>>,
    #[serde(rename = "_primarycontactid_value")]
    pub(crate) primarycontactid: Option<Uuid>,
    #[serde(rename = "_ownerid_value")]
    pub(crate) ownerid: Option<Uuid>,
}

/// The 26 columns with their labels, and the table of the owner.
#[derive(Deserialize)]
pub(crate) struct WideLabels<D> {
    #[serde(rename = "@odata.etag")]
    pub(crate) etag: Option<String>,
    pub(crate) accountid: Option<Uuid>,
    pub(crate) name: Option<String>,
    pub(crate) accountnumber: Option<String>,
    pub(crate) telephone1: Option<String>,
    pub(crate) emailaddress1: Option<String>,
    pub(crate) websiteurl: Option<String>,
    pub(crate) address1_line1: Option<String>,
    pub(crate) address1_city: Option<String>,
    pub(crate) address1_postalcode: Option<String>,
    pub(crate) revenue: Option<D>,
    #[serde(rename = "revenue@OData.Community.Display.V1.FormattedValue")]
    pub(crate) revenue_label: Option<String>,
    pub(crate) creditlimit: Option<D>,
    #[serde(rename = "creditlimit@OData.Community.Display.V1.FormattedValue")]
    pub(crate) creditlimit_label: Option<String>,
    pub(crate) exchangerate: Option<D>,
    #[serde(rename = "exchangerate@OData.Community.Display.V1.FormattedValue")]
    pub(crate) exchangerate_label: Option<String>,
    pub(crate) numberofemployees: Option<i32>,
    #[serde(rename = "numberofemployees@OData.Community.Display.V1.FormattedValue")]
    pub(crate) numberofemployees_label: Option<String>,
    pub(crate) versionnumber: Option<i64>,
    #[serde(rename = "versionnumber@OData.Community.Display.V1.FormattedValue")]
    pub(crate) versionnumber_label: Option<String>,
    pub(crate) industrycode: Option<i32>,
    #[serde(rename = "industrycode@OData.Community.Display.V1.FormattedValue")]
    pub(crate) industrycode_label: Option<String>,
    pub(crate) customertypecode: Option<i32>,
    #[serde(rename = "customertypecode@OData.Community.Display.V1.FormattedValue")]
    pub(crate) customertypecode_label: Option<String>,
    pub(crate) statecode: Option<i32>,
    #[serde(rename = "statecode@OData.Community.Display.V1.FormattedValue")]
    pub(crate) statecode_label: Option<String>,
    pub(crate) statuscode: Option<i32>,
    #[serde(rename = "statuscode@OData.Community.Display.V1.FormattedValue")]
    pub(crate) statuscode_label: Option<String>,
    pub(crate) donotemail: Option<bool>,
    #[serde(rename = "donotemail@OData.Community.Display.V1.FormattedValue")]
    pub(crate) donotemail_label: Option<String>,
    pub(crate) creditonhold: Option<bool>,
    #[serde(rename = "creditonhold@OData.Community.Display.V1.FormattedValue")]
    pub(crate) creditonhold_label: Option<String>,
    pub(crate) createdon: Option<DateTime<Utc>>,
    #[serde(rename = "createdon@OData.Community.Display.V1.FormattedValue")]
    pub(crate) createdon_label: Option<String>,
    pub(crate) modifiedon: Option<DateTime<Utc>>,
    #[serde(rename = "modifiedon@OData.Community.Display.V1.FormattedValue")]
    pub(crate) modifiedon_label: Option<String>,
    #[serde(rename = "_primarycontactid_value")]
    pub(crate) primarycontactid: Option<Uuid>,
    #[serde(rename = "_primarycontactid_value@OData.Community.Display.V1.FormattedValue")]
    pub(crate) primarycontactid_label: Option<String>,
    #[serde(rename = "_ownerid_value")]
    pub(crate) ownerid: Option<Uuid>,
    #[serde(rename = "_ownerid_value@OData.Community.Display.V1.FormattedValue")]
    pub(crate) ownerid_label: Option<String>,
    #[serde(rename = "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname")]
    pub(crate) ownerid_table: Option<String>,
    #[serde(rename = "_transactioncurrencyid_value")]
    pub(crate) transactioncurrencyid: Option<Uuid>,
    #[serde(rename = "_transactioncurrencyid_value@OData.Community.Display.V1.FormattedValue")]
    pub(crate) transactioncurrencyid_label: Option<String>,
    #[serde(rename = "_parentaccountid_value")]
    pub(crate) parentaccountid: Option<Uuid>,
    #[serde(rename = "_parentaccountid_value@OData.Community.Display.V1.FormattedValue")]
    pub(crate) parentaccountid_label: Option<String>,
}

/// Ten of them with their labels, and the table of the owner.
#[derive(Deserialize)]
pub(crate) struct NarrowLabels<D> {
    #[serde(rename = "@odata.etag")]
    pub(crate) etag: Option<String>,
    pub(crate) accountid: Option<Uuid>,
    pub(crate) name: Option<String>,
    pub(crate) accountnumber: Option<String>,
    pub(crate) telephone1: Option<String>,
    pub(crate) revenue: Option<D>,
    #[serde(rename = "revenue@OData.Community.Display.V1.FormattedValue")]
    pub(crate) revenue_label: Option<String>,
    pub(crate) creditlimit: Option<D>,
    #[serde(rename = "creditlimit@OData.Community.Display.V1.FormattedValue")]
    pub(crate) creditlimit_label: Option<String>,
    pub(crate) numberofemployees: Option<i32>,
    #[serde(rename = "numberofemployees@OData.Community.Display.V1.FormattedValue")]
    pub(crate) numberofemployees_label: Option<String>,
    pub(crate) donotemail: Option<bool>,
    #[serde(rename = "donotemail@OData.Community.Display.V1.FormattedValue")]
    pub(crate) donotemail_label: Option<String>,
    pub(crate) createdon: Option<DateTime<Utc>>,
    #[serde(rename = "createdon@OData.Community.Display.V1.FormattedValue")]
    pub(crate) createdon_label: Option<String>,
    #[serde(rename = "_primarycontactid_value")]
    pub(crate) primarycontactid: Option<Uuid>,
    #[serde(rename = "_primarycontactid_value@OData.Community.Display.V1.FormattedValue")]
    pub(crate) primarycontactid_label: Option<String>,
    #[serde(rename = "_ownerid_value")]
    pub(crate) ownerid: Option<Uuid>,
    #[serde(rename = "_ownerid_value@OData.Community.Display.V1.FormattedValue")]
    pub(crate) ownerid_label: Option<String>,
    #[serde(rename = "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname")]
    pub(crate) ownerid_table: Option<String>,
}
