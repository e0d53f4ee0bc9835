//! `powerplatform-dataverse-service-client`.
//!
//! Its queries ask for `accountsaccounts`, and its batches end lines with LF alone: neither works
//! with Dataverse, and neither may work here.

use powerplatform_dataverse_service_client::auth::client_secret::ClientSecretAuth;
use powerplatform_dataverse_service_client::client::Client;
use powerplatform_dataverse_service_client::entity::{ReadEntity, WriteEntity};
use powerplatform_dataverse_service_client::query::Query;
use powerplatform_dataverse_service_client::reference::{Reference, ReferenceStruct};
use powerplatform_dataverse_service_client::select::Select;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Report, reset};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Account {
    accountid: Uuid,
    name: String,
}

impl ReadEntity for Account {}
impl WriteEntity for Account {}

impl Reference for Account {
    fn get_reference(&self) -> ReferenceStruct {
        ReferenceStruct::new("accounts", self.accountid)
    }
}

impl Select for Account {
    fn get_columns() -> &'static [&'static str] {
        &["accountid", "name"]
    }
}

pub async fn run(url: &str) -> Report {
    let mut report = Report::default();
    reset(url).await;
    let backend = reqwest::Client::new();
    let auth = ClientSecretAuth::new(
        backend.clone(),
        format!("{url}/tenant/oauth2/v2.0/token"),
        format!("{url}/.default"),
        "client".to_owned(),
        "secret".to_owned(),
    );
    let client = Client::new(format!("{url}/"), backend, auth);
    let mut account = Account {
        accountid: Uuid::from_u128(0x1234_5678),
        name: "made".to_owned(),
    };
    let made = client.create(&account).await;
    report.holds("create", made.is_ok_and(|id| id == account.accountid));
    let read = client.retrieve::<Account>(&account).await;
    report.holds("retrieve", read.is_ok_and(|read| read == account));
    account.name = "changed".to_owned();
    report.step("update", client.update(&account).await.map_err(|error| format!("{error:?}")));
    let read = client.retrieve::<Account>(&account).await;
    report.holds("what was updated", read.is_ok_and(|read| read.name == "changed"));
    let other = Account {
        accountid: Uuid::from_u128(0x8765_4321),
        name: "other".to_owned(),
    };
    report.step("upsert", client.upsert(&other).await.map_err(|error| format!("{error:?}")));
    let read = client.retrieve::<Account>(&other).await;
    report.holds("what was upserted", read.is_ok_and(|read| read == other));
    report.step("delete", client.delete(&account).await.map_err(|error| format!("{error:?}")));
    report.holds("what was deleted", client.retrieve::<Account>(&account).await.is_err());
    report.holds("update of a deleted row", client.update(&account).await.is_err());
    let rows = client.retrieve_multiple::<Account>(&Query::new("accounts")).await;
    report.holds("a query of the wrong set", rows.is_err());
    report
}
