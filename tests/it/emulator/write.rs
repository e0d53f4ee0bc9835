//! Creates, changes, upserts, deletes, lookups, keys.

use super::{create, emulator, get, post, send};

const ID: &str = "00000000-0000-0000-0000-000000000001";

#[tokio::test]
async fn a_create_tells_where_the_row_is() {
    let emulator = emulator();
    let body = format!(r#"{{"accountid":"{ID}","name":"Contoso","revenue":5000000.0000}}"#);
    let answer = post(&emulator, "accounts", &body).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let url = format!("https://emulator.localhost/api/data/v9.2/accounts({ID})");
    assert_eq!(answer.header("odata-entityid"), url);
    assert_eq!(answer.header("location"), url);
    assert_eq!(answer.header("odata-version"), "4.0");
    let row = get(
        &emulator,
        &format!("accounts({ID})?$select=name,revenue,statecode,createdon"),
    )
    .await;
    let etag = row.header("etag");
    assert!(etag.starts_with("W/\""), "{etag}");
    assert_eq!(
        row.body,
        format!(
            "{{\"@odata.context\":\"https://emulator.localhost/api/data/v9.2/$metadata#accounts(\
             name,revenue,statecode,createdon)/$entity\",\"@odata.etag\":{},\"name\":\"Contoso\",\
             \"revenue\":5000000.0000,\"statecode\":0,\"createdon\":\"2026-01-01T00:00:00Z\",\
             \"accountid\":\"{ID}\",\"_transactioncurrencyid_value\":null}}",
            serde_json::to_string(etag).unwrap()
        )
    );
    let again = post(&emulator, "accounts", &body).await;
    assert_eq!(
        (again.status, again.error().0.as_str()),
        (412, "0x80040237")
    );
    let told = send(
        &emulator,
        "POST",
        "accounts?$select=name",
        &[("prefer", "return=representation")],
        r#"{"name":"x"}"#,
    )
    .await;
    assert_eq!(told.status, 201);
    assert_eq!(told.json()["name"], "x");
    assert_eq!(told.header("preference-applied"), "return=representation");
    assert_eq!(told.header("odata-entityid"), "");
}

#[tokio::test]
async fn the_conditions_of_a_patch_decide_what_it_does() {
    let emulator = emulator();
    let existing = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let etag = get(&emulator, &existing).await.header("etag").to_owned();
    let missing = format!("accounts({ID})");
    let patch = async |path: &str, headers: &[(&str, &str)]| {
        let answer = send(&emulator, "PATCH", path, headers, r#"{"name":"b"}"#).await;
        if answer.status < 400 {
            return (answer.status, String::new());
        }
        (answer.status, answer.error().1)
    };
    let gone = format!("account With Id = {ID} Does Not Exist");
    let exists = "A record with matching key values already exists.";
    assert_eq!(
        patch(&missing, &[("if-match", "*")]).await,
        (404, gone.clone())
    );
    assert_eq!(patch(&missing, &[("if-match", &etag)]).await, (404, gone));
    assert_eq!(
        patch(&existing, &[("if-none-match", "*")]).await,
        (412, exists.into())
    );
    // The literal word is a hint for caches.
    assert_eq!(
        patch(&existing, &[("if-none-match", "null"), ("if-match", "*")])
            .await
            .0,
        204
    );
    let stale = patch(&existing, &[("if-match", &etag)]).await;
    assert_eq!(
        stale,
        (
            412,
            "The version of the existing record doesn't match the RowVersion property provided."
                .into()
        )
    );
    let current = get(&emulator, &existing).await.header("etag").to_owned();
    assert_ne!(etag, current);
    assert_eq!(patch(&existing, &[("if-match", &current)]).await.0, 204);
    assert_eq!(patch(&missing, &[("if-none-match", "*")]).await.0, 204);
    let representation = [("prefer", "return=representation")];
    assert_eq!(patch(&missing, &representation).await.0, 200);
    let other = "accounts(00000000-0000-0000-0000-000000000002)";
    assert_eq!(patch(other, &representation).await.0, 201);
    assert_eq!(
        send(&emulator, "DELETE", other, &[("if-match", &current)], "")
            .await
            .status,
        412
    );
    assert_eq!(send(&emulator, "DELETE", other, &[], "").await.status, 204);
    assert_eq!(send(&emulator, "DELETE", other, &[], "").await.status, 404);
}

#[tokio::test]
async fn a_conditional_read_is_304_until_the_row_changes() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let etag = get(&emulator, &path).await.header("etag").to_owned();
    let read = async |known: &str| {
        send(&emulator, "GET", &path, &[("if-none-match", known)], "")
            .await
            .status
    };
    assert_eq!(read(&etag).await, 304);
    assert_eq!(read("null").await, 200);
    send(&emulator, "PATCH", &path, &[], r#"{"name":"b"}"#).await;
    assert_eq!(read(&etag).await, 200);
}

#[tokio::test]
async fn alternate_keys_name_rows_and_are_unique() {
    let emulator = emulator();
    let path = "accounts(accountnumber='A%20''1')";
    let answer = send(&emulator, "PATCH", path, &[], r#"{"name":"a"}"#).await;
    assert_eq!(answer.status, 204);
    assert!(
        answer
            .header("odata-entityid")
            .ends_with("/accounts(accountnumber='A ''1')"),
        "{}",
        answer.header("odata-entityid")
    );
    let row = get(&emulator, path).await.json();
    assert_eq!(
        (&row["name"], &row["accountnumber"]),
        (&"a".into(), &"A '1".into())
    );
    let double = post(&emulator, "accounts", r#"{"accountnumber":"a '1"}"#).await;
    assert_eq!(
        (double.status, double.error().0.as_str()),
        (412, "0x80060892")
    );
    // Null is not compared.
    create(&emulator, "accounts", r#"{"name":"x"}"#).await;
    create(&emulator, "accounts", r#"{"name":"x"}"#).await;
    for path in [
        "accounts(name='a')",
        "contacts(firstname='a')",
        "accounts(accountnumber=5)",
    ] {
        let answer = get(&emulator, path).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer
                .error()
                .1
                .starts_with("The key in the request URI is not valid for resource")
        );
    }
    let missing = get(&emulator, "contacts(emailaddress1='b@c.d',firstname='a')").await;
    assert_eq!(
        (missing.status, missing.error().0.as_str()),
        (404, "0x80060891")
    );
}

#[tokio::test]
async fn lookups_are_bound_by_navigation_property_and_read_as_values() {
    let emulator = emulator();
    let contact = create(
        &emulator,
        "contacts",
        r#"{"lastname":"Nguyen","fullname":"A Nguyen"}"#,
    )
    .await;
    let id = &contact["contacts(".len()..contact.len() - 1];
    for url in [
        contact.clone(),
        format!("/{contact}"),
        format!("https://emulator.localhost/api/data/v9.2/{contact}"),
    ] {
        let body = format!(r#"{{"primarycontactid@odata.bind":"{url}"}}"#);
        let account = create(&emulator, "accounts", &body).await;
        let row = get(
            &emulator,
            &format!("{account}?$select=_primarycontactid_value"),
        )
        .await;
        assert_eq!(row.json()["_primarycontactid_value"], id);
    }
    let refused = async |set: &str, body: String, status: u16, text: &str| {
        let answer = post(&emulator, set, &body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.error().1.contains(text), "{}", answer.body);
    };
    let bind = |name: &str, url: &str| format!(r#"{{"{name}@odata.bind":"{url}"}}"#);
    let undeclared = "An undeclared property";
    refused(
        "accounts",
        bind("PrimaryContactId", &contact),
        400,
        undeclared,
    )
    .await;
    refused("incidents", bind("customerid", &contact), 400, undeclared).await;
    refused(
        "accounts",
        bind(
            "primarycontactid",
            &format!("contacts({})", super::write::ID),
        ),
        404,
        "Does Not Exist",
    )
    .await;
    refused(
        "accounts",
        bind("primarycontactid", &format!("nothings({id})")),
        404,
        "Resource not found",
    )
    .await;
    refused(
        "accounts",
        bind("parentaccountid", &contact),
        400,
        "cannot stand here",
    )
    .await;
    refused(
        "accounts",
        format!(r#"{{"_primarycontactid_value":"{id}"}}"#),
        400,
        "read-only",
    )
    .await;
}

#[tokio::test]
async fn a_lookup_of_several_tables_points_at_one() {
    let emulator = emulator();
    let account = create(&emulator, "accounts", r#"{"name":"Contoso"}"#).await;
    let contact = create(&emulator, "contacts", r#"{"fullname":"A Nguyen"}"#).await;
    let body = format!(r#"{{"title":"x","customerid_account@odata.bind":"{account}"}}"#);
    let case = create(&emulator, "incidents", &body).await;
    let path = format!("{case}?$select=_customerid_value");
    let all = [("prefer", "odata.include-annotations=\"*\"")];
    let row = send(&emulator, "GET", &path, &all, "").await;
    let told = |row: &super::Answer, term: &str| {
        row.json()[format!("_customerid_value@{term}")]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        told(&row, "Microsoft.Dynamics.CRM.lookuplogicalname"),
        "account"
    );
    assert_eq!(
        told(&row, "Microsoft.Dynamics.CRM.associatednavigationproperty"),
        "customerid_account"
    );
    assert_eq!(
        told(&row, "OData.Community.Display.V1.FormattedValue"),
        "Contoso"
    );
    assert_eq!(
        row.header("preference-applied"),
        "odata.include-annotations=\"*\""
    );
    let body = format!(r#"{{"customerid_contact@odata.bind":"{contact}"}}"#);
    send(&emulator, "PATCH", &case, &[], &body).await;
    let row = send(&emulator, "GET", &path, &all, "").await;
    assert_eq!(
        told(&row, "Microsoft.Dynamics.CRM.lookuplogicalname"),
        "contact"
    );
    // What pointed at a row that is deleted points at nothing.
    send(&emulator, "DELETE", &contact, &[], "").await;
    assert!(get(&emulator, &path).await.json()["_customerid_value"].is_null());
    for body in [
        r#"{"customerid_account@odata.bind":null}"#,
        r#"{"customerid_account":null}"#,
    ] {
        let bound = format!(r#"{{"customerid_account@odata.bind":"{account}"}}"#);
        send(&emulator, "PATCH", &case, &[], &bound).await;
        assert!(get(&emulator, &path).await.json()["_customerid_value"].is_string());
        send(&emulator, "PATCH", &case, &[], body).await;
        assert!(get(&emulator, &path).await.json()["_customerid_value"].is_null());
    }
}

#[tokio::test]
async fn single_columns_are_read_written_and_cleared() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", r#"{"name":"a \"b\""}"#).await;
    let name = format!("{path}/name");
    assert_eq!(get(&emulator, &name).await.json()["value"], "a \"b\"");
    let raw = get(&emulator, &format!("{name}/$value")).await;
    assert_eq!(
        (raw.body.as_str(), raw.header("content-type")),
        ("a \"b\"", "text/plain")
    );
    assert_eq!(
        send(&emulator, "PUT", &name, &[], r#"{"value":"c"}"#)
            .await
            .status,
        204
    );
    assert_eq!(get(&emulator, &name).await.json()["value"], "c");
    assert_eq!(send(&emulator, "DELETE", &name, &[], "").await.status, 204);
    assert_eq!(get(&emulator, &name).await.status, 204);
    assert_eq!(get(&emulator, &format!("{path}/nothing")).await.status, 404);
}

#[tokio::test]
async fn bad_bodies_are_refused_and_change_nothing() {
    let emulator = emulator();
    for (body, status) in [
        (r#"{"nothing":1}"#, 400),
        (r#"{"Name":"a"}"#, 400),
        (r#"{"name":5}"#, 400),
        (r#"{"statuscode":"active"}"#, 400),
        (r#"{"revenue":"much"}"#, 400),
        (r#"{"lastusedincampaign":"tomorrow"}"#, 400),
        (r#"{"accountid":"x"}"#, 400),
        (r#"{"name":"#, 400),
        (r#"[]"#, 400),
        (r#"{"primarycontactid":"x"}"#, 400),
        (r#"{"Account_Tasks":{"subject":"x"}}"#, 400),
        (
            r##"{"@odata.type":"#Microsoft.Dynamics.CRM.contact"}"##,
            400,
        ),
    ] {
        let answer = post(&emulator, "accounts", body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let xml = send(
        &emulator,
        "POST",
        "accounts",
        &[("content-type", "text/xml")],
        "<a/>",
    )
    .await;
    assert_eq!(xml.status, 415);
    assert_eq!(
        get(&emulator, "accounts").await.json()["value"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn opportunities_are_won_and_accounts_merged() {
    let emulator = emulator();
    let deal = create(&emulator, "opportunities", r#"{"name":"Big"}"#).await;
    let close = |path: &str| {
        format!(
            r##"{{"Status":3,"OpportunityClose":{{"@odata.type":"Microsoft.Dynamics.CRM.opportunityclose","subject":"Won","opportunityid@odata.bind":"{path}"}}}}"##
        )
    };
    let won = post(&emulator, "WinOpportunity", &close(&deal)).await;
    assert_eq!(won.status, 204, "{}", won.body);
    let row = get(&emulator, &format!("{deal}?$select=statecode,statuscode"))
        .await
        .json();
    assert_eq!(
        (&row["statecode"], &row["statuscode"]),
        (&1.into(), &3.into())
    );
    let closes = get(&emulator, "opportunitycloses?$select=subject")
        .await
        .json();
    assert_eq!(closes["value"][0]["subject"], "Won");
    let missing = post(
        &emulator,
        "WinOpportunity",
        &close(&format!("opportunities({ID})")),
    )
    .await;
    assert_eq!(missing.status, 404);

    let (kept, merged) = (
        create(&emulator, "accounts", r#"{"name":"kept"}"#).await,
        create(&emulator, "accounts", r#"{"name":"merged"}"#).await,
    );
    let row = |path: &str, more: &str| {
        let id = &path["accounts(".len()..path.len() - 1];
        format!(r##"{{"@odata.type":"Microsoft.Dynamics.CRM.account","accountid":"{id}"{more}}}"##)
    };
    let body = format!(
        r#"{{"Target":{},"Subordinate":{},"UpdateContent":{},"PerformParentingChecks":false}}"#,
        row(&kept, ""),
        row(&merged, ""),
        row(&kept, ",\"telephone1\":\"555\"")
    );
    let answer = post(&emulator, "Merge", &body).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let kept = get(&emulator, &kept).await.json();
    let merged = get(&emulator, &merged).await.json();
    assert_eq!(kept["telephone1"], "555");
    assert_eq!(merged["statecode"], 1);
    assert_eq!(merged["_masterid_value"], kept["accountid"]);
    assert_eq!(get(&emulator, "WinOpportunity").await.status, 404);
    assert_eq!(post(&emulator, "WhoAmI", "{}").await.error().0, "");
    assert_eq!(get(&emulator, "RetrieveVersion()").await.status, 501);
    assert_eq!(get(&emulator, "Nothing()").await.status, 404);
}

#[tokio::test]
async fn one_column_is_written_only_to_the_version_that_was_read() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", r#"{"name":"a"}"#).await;
    let stale = [("if-match", "W/\"1\"")];
    for (method, body) in [("PUT", r#"{"value":"b"}"#), ("DELETE", "")] {
        let answer = send(&emulator, method, &format!("{path}/name"), &stale, body).await;
        assert_eq!((answer.status, &*answer.error().0), (412, "0x80060882"));
    }
    let name = get(&emulator, &format!("{path}/name")).await.json();
    assert_eq!(name["value"], "a");
}

#[tokio::test]
async fn text_is_as_long_as_its_column_takes() {
    let emulator = emulator();
    let long = format!(r#"{{"subject":"{}"}}"#, "x".repeat(201));
    let answer = post(&emulator, "tasks", &long).await;
    assert_eq!((answer.status, &*answer.error().0), (400, "0x80044331"));
    let fits = format!(r#"{{"subject":"{}"}}"#, "x".repeat(200));
    assert_eq!(post(&emulator, "tasks", &fits).await.status, 204);
}
