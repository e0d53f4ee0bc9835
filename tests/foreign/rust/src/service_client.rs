//! `powerplatform-dataverse-service-client`.
//!
//! Its queries ask for `accountsaccounts`, so they are tried on a set whose name is one twice. Its
//! batches end lines with LF alone, and its `Merge` names no keys: neither works with Dataverse,
//! and neither may work here.

use powerplatform_dataverse_service_client::batch::Batch;
use powerplatform_dataverse_service_client::auth::client_secret::ClientSecretAuth;
use powerplatform_dataverse_service_client::client::Client;
use powerplatform_dataverse_service_client::entity::{ReadEntity, WriteEntity};
use powerplatform_dataverse_service_client::query::Query;
use powerplatform_dataverse_service_client::query::attribute::Attribute;
use powerplatform_dataverse_service_client::query::filter::Filter;
use powerplatform_dataverse_service_client::query::order::Order;
use powerplatform_dataverse_service_client::reference::{Reference, ReferenceStruct};
use powerplatform_dataverse_service_client::select::Select;
use serde::{Deserialize, Serialize};
use serde_json::json;
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

/// A row of the table that is made for queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Twice {
    new_twiceid: Uuid,
    new_name: String,
}

impl ReadEntity for Twice {}

impl Select for Twice {
    fn get_columns() -> &'static [&'static str] {
        &["new_twiceid", "new_name"]
    }
}

/// Makes a table of 5,001 rows, which is one more than a page, at `new_twicenew_twice`.
async fn make_table(url: &str) -> Result<(), reqwest::Error> {
    let post = async |path: &str, body: serde_json::Value| {
        let request = reqwest::Client::new().post(format!("{url}/api/data/v9.2/{path}"));
        let answer = request.bearer_auth("any").json(&body).send().await?;
        answer.error_for_status().map(|_| ())
    };
    let table = json!({
        "SchemaName": "new_Twice",
        "EntitySetName": "new_twicenew_twice",
        "Attributes": [{
            "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
            "SchemaName": "new_Name", "IsPrimaryName": true, "MaxLength": 100,
        }],
    });
    post("EntityDefinitions", table).await?;
    for pack in 0..6 {
        let rows = (pack * 1000..5001.min(pack * 1000 + 1000)).map(|number| {
            json!({
                "@odata.type": "Microsoft.Dynamics.CRM.new_twice",
                "new_name": format!("row {number:04}"),
            })
        });
        let body = json!({ "Targets": rows.collect::<Vec<_>>() });
        let action = "new_twicenew_twice/Microsoft.Dynamics.CRM.CreateMultiple";
        post(action, body).await?;
    }
    Ok(())
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

    report.step("a table", make_table(url).await);
    let query = || Query::new("new_twice").order(vec![Order::Ascending("new_name")]);
    let page = client.retrieve_multiple::<Twice>(&query()).await;
    match page {
        Ok(page) => {
            report.holds("a page", page.entities.len() == 5000 && page.is_incomplete());
            let last = client.retrieve_next_page::<Twice>(&page).await;
            report.holds(
                "the last page",
                last.is_ok_and(|last| {
                    !last.is_incomplete() && last.into_inner()[0].new_name == "row 5000"
                }),
            );
        }
        Err(error) => report.holds(&format!("retrieve_multiple: {error:?}"), false),
    }
    let text = |text: &str| Attribute::String(text.to_owned());
    for (filter, count) in [
        (Filter::Equal("new_name", text("row 0007")), 1),
        (Filter::StartsWith("new_name", text("row 100")), 10),
        (
            Filter::EndsWith("new_name", text("7")).and(Filter::Contains("new_name", text("499"))),
            1,
        ),
        (
            Filter::LessThan("new_name", text("row 0002"))
                .or(Filter::GreaterOrEqual("new_name", text("row 4999"))),
            4,
        ),
        (
            Filter::LessOrEqual("new_name", text("row 0002"))
                .not_and(Filter::NotEqual("new_name", text("row 0001"))),
            20,
        ),
    ] {
        let query = query().filter(filter).limit(20);
        let page = client.retrieve_multiple::<Twice>(&query).await;
        let found = page.map(|page| page.entities.len());
        report.holds(
            &format!("{query}: {found:?}"),
            found.is_ok_and(|found| found == count),
        );
    }

    let mut batch = Batch::new("http://localhost/");
    let added = [
        batch.create(&account),
        batch.update(&account),
        batch.upsert(&account),
        batch.delete(&account),
    ];
    report.holds("four requests", added.iter().all(Result::is_ok) && batch.get_count() == 4);
    let refused = client.execute(&batch).await;
    report.holds("a batch without CR", refused.is_err());
    let made = client.retrieve::<Account>(&account).await;
    report.holds("nothing of it is done", made.is_err());
    let merged = client.merge("account", other.accountid, account.accountid).await;
    report.holds("a merge without keys", merged.is_err());
    report
}
