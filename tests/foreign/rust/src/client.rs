//! `powerplatform-dataverse-client`.

use std::collections::HashMap;

use powerplatform_dataverse_client::LogLevel;
use powerplatform_dataverse_client::auth::config::AuthConfig;
use powerplatform_dataverse_client::dataverse::batch::{
    CreateRequest, DeleteRequest, ExecuteMultipleRequest, ExecuteMultipleSettings,
    OrganizationRequest, UpdateRequest,
};
use powerplatform_dataverse_client::dataverse::entity::{Entity, EntityReference, Value};
use powerplatform_dataverse_client::dataverse::requestparameters::RequestParameters;
use powerplatform_dataverse_client::dataverse::serviceclient::ServiceClient;

use crate::{Report, reset};

/// The client signs in at a fixed host only, so that its token is put where it keeps them.
async fn cached_token(url: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("client_id", "foreign")];
    let answer = reqwest::Client::new()
        .post(format!("{url}/tenant/oauth2/v2.0/token"))
        .form(&form)
        .send()
        .await
        .expect("the emulator answers");
    let token: serde_json::Value = answer.json().await.expect("a token");
    let file = std::env::temp_dir().join(format!("foreign-{}.json", uuid::Uuid::new_v4()));
    let cache = serde_json::json!({ "access_token": token["access_token"], "refresh_token": null });
    std::fs::write(&file, cache.to_string()).expect("a file for the token");
    file.display().to_string()
}

fn json(name: &str) -> HashMap<String, serde_json::Value> {
    HashMap::from([("name".to_owned(), name.into())])
}

fn row(name: &str) -> HashMap<String, Value> {
    HashMap::from([("name".to_owned(), Value::String(name.to_owned()))])
}

fn name(row: &Entity) -> String {
    match row.attributes.get("name") {
        Some(Value::String(name)) => name.clone(),
        other => format!("{other:?}"),
    }
}

pub async fn run(url: &str) -> Report {
    let mut report = Report::default();
    reset(url).await;
    let file = cached_token(url).await;
    let connection = format!(
        "AuthType=ClientSecret;Url={url};ClientId=a;ClientSecret=b;TenantId=c;TokenCacheStorePath={file}"
    );
    let client = ServiceClient::new(&connection, LogLevel::Information).await;
    let Some(client) = report.step("new", client) else {
        return report;
    };
    report.holds("token_expires_at", client.token_expires_at().await.is_some());
    let auth = AuthConfig::from_connection_string(&connection);
    if let Some(auth) = report.step("from_connection_string", auth) {
        let same = ServiceClient::new_with_auth(auth, LogLevel::Debug).await;
        report.step("new_with_auth", same.map(|_| ()));
    }

    let definitions = client.list_entity_definitions().await;
    if let Some(definitions) = report.step("list_entity_definitions", definitions) {
        let account = definitions.iter().find(|one| one.logical_name == "account");
        let set = account.map(|one| one.entity_set_name.as_str());
        report.holds("the set of account", set == Some("accounts"));
    }
    let attributes = client.list_entity_attributes("account").await;
    if let Some(attributes) = report.step("list_entity_attributes", attributes) {
        report.holds("name", attributes.iter().any(|one| one.logical_name == "name"));
    }
    let relationships = client.list_entity_relationships("account").await;
    if let Some(relationships) = report.step("list_entity_relationships", relationships) {
        let mut all = relationships.iter();
        report.holds(
            "contact_customer_accounts",
            all.any(|one| one.schema_name == "contact_customer_accounts"),
        );
    }

    let made = report.step("create_entity", client.create_entity("accounts", &json("made")).await);
    let Some(Some(made)) = made else {
        report.holds("the id of a new row", false);
        return report;
    };
    let changed = client.update_entity("accounts", &made.to_string(), &json("changed")).await;
    report.step("update_entity", changed);

    let fetch = "<fetch><entity name=\"account\"><attribute name=\"name\"/>\
                 <attribute name=\"revenue\"/><attribute name=\"createdon\"/>\
                 <attribute name=\"parentaccountid\"/><order attribute=\"name\"/></entity></fetch>";
    let rows = client.retrieve_multiple_fetchxml("accounts", fetch).await;
    if let Some(rows) = report.step("retrieve_multiple_fetchxml", rows) {
        report.holds("four rows", rows.len() == 4);
        report.holds("by name", rows.get(1).map(name).as_deref() == Some("changed"));
        let parent = rows[0].attributes.get("parentaccountid");
        report.holds(
            "a lookup with its table and name",
            matches!(parent, Some(Value::EntityReference(parent))
                if parent.logical_name == "account"
                    && parent.name.as_deref() == Some("Litware, Inc. (sample)")),
        );
    }
    let mut pages = 0;
    let rows = client
        .retrieve_multiple_fetchxml_paging_with_progress("accounts", fetch, |_, _| pages += 1, Some(3))
        .await;
    if let Some(rows) = report.step("retrieve_multiple_fetchxml_paging", rows) {
        report.holds("four rows in two pages", rows.len() == 4 && pages == 2);
    }
    let pages = client.retrieve_multiple_fetchxml_paging("accounts", fetch).await;
    if let Some(rows) = report.step("retrieve_multiple_fetchxml_paging", pages) {
        report.holds("all rows", rows.len() == 4);
    }
    let count = client.retrieve_multiple_fetchxml_count("accounts", fetch).await;
    if let Some(count) = report.step("retrieve_multiple_fetchxml_count", count) {
        report.holds("four", count == 4);
    }

    let mut entity = Entity::new(uuid::Uuid::nil(), "account", None);
    entity.attributes = row("in a batch");
    let mut update = Entity::new(made, "account", None);
    update.attributes = row("changed again");
    let reference = |id| EntityReference {
        id,
        logical_name: "account".to_owned(),
        name: None,
    };
    let request = ExecuteMultipleRequest {
        settings: ExecuteMultipleSettings {
            continue_on_error: true,
            return_responses: true,
        },
        requests: vec![
            OrganizationRequest::Create(CreateRequest::new(entity)),
            OrganizationRequest::Update(UpdateRequest::new(update)),
            OrganizationRequest::Delete(DeleteRequest::new(reference(uuid::Uuid::from_u128(1)))),
        ],
    };
    let answer = client.execute_multiple(&request).await;
    if let Some(answer) = report.step("execute_multiple", answer) {
        let faults: Vec<_> = answer.responses.iter().map(|one| one.fault.is_some()).collect();
        report.holds("one of three fails", faults == [false, false, true]);
        let code = answer.responses.get(2).and_then(|one| one.fault.as_ref()?.code.clone());
        report.holds("the code of the fault", code.as_deref() == Some("0x80040217"));
    }
    let options = RequestParameters {
        bypass_business_logic_execution_custom_sync: true,
        bypass_custom_plugin_execution: true,
        ..RequestParameters::default()
    };
    let second = client.create_entity_with_options("accounts", &json("second"), &options).await;
    if let Some(Some(second)) = report.step("create_entity_with_options", second) {
        let id = format!("{{{second}}}");
        let done = client.update_entity_with_options("accounts", &id, &json("2"), &options).await;
        report.step("update_entity_with_options", done);
        let done = client.delete_entity_with_options("accounts", &id, &options).await;
        report.step("delete_entity_with_options", done);
    }
    report.step("delete_entity", client.delete_entity("accounts", &made.to_string()).await);
    let gone = client.delete_entity("accounts", &made.to_string()).await;
    report.holds("a row that is gone", gone.is_err_and(|error| error.contains("404")));
    std::fs::remove_file(file).ok();
    report
}
