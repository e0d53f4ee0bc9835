//! `RetrieveCurrentOrganization`: what there is to know of this org.

use http::StatusCode;
use serde_json::json;

use crate::message::Answer;
use crate::service::{Call, ORGANIZATION};
use crate::sign_in::TENANT;

pub(crate) fn current(call: &Call<'_>) -> Answer {
    let context = "$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse";
    let services = format!("{}/XRMServices/2011/", call.origin);
    let body = json!({
        "@odata.context": format!("{}{context}", call.root()),
        "Detail": {
            "OrganizationId": ORGANIZATION,
            "FriendlyName": "Emulator",
            "OrganizationVersion": "9.2.0.0",
            "EnvironmentId": format!("Default-{TENANT}"),
            "DatacenterId": "00000000-0000-0000-0000-000000000000",
            "Geo": "NA",
            "TenantId": TENANT,
            "UrlName": "emulator",
            "UniqueName": "emulator",
            "State": "Enabled",
            "Endpoints": {
                "Count": 3,
                "IsReadOnly": false,
                "Keys": ["WebApplication", "OrganizationService", "OrganizationDataService"],
                "Values": [
                    format!("{}/", call.origin),
                    format!("{services}Organization.svc"),
                    format!("{services}OrganizationData.svc"),
                ],
            },
        },
    });
    Answer::json(StatusCode::OK, body.to_string())
}
