//! Messages of sales and service, states, and operations that a program answers.

use dataverse_emulator::{ActionError, BuildError, Emulator};
use dataverse_tests::fixture;
use serde_json::{Value, json};

use super::{Answer, create, emulator, get, post, send};
use crate::documents::{ON_PREMISES, document};

async fn read(emulator: &Emulator, path: &str) -> Value {
    let answer = get(emulator, path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn id(path: &str) -> &str {
    path.split_once('(').unwrap().1.trim_end_matches(')')
}

async fn close(
    emulator: &Emulator,
    message: &str,
    parameter: &str,
    bind: Value,
    status: i32,
) -> Answer {
    let body = json!({ "Status": status, parameter: bind }).to_string();
    post(emulator, message, &body).await
}

#[tokio::test]
async fn opportunities_and_cases_are_closed() {
    let emulator = emulator();
    for (message, parameter, set, lookup, status, expected) in [
        (
            "WinOpportunity",
            "OpportunityClose",
            "opportunities",
            "opportunityid",
            -1,
            (1, 3),
        ),
        (
            "LoseOpportunity",
            "OpportunityClose",
            "opportunities",
            "opportunityid",
            -1,
            (2, 4),
        ),
        (
            "LoseOpportunity",
            "OpportunityClose",
            "opportunities",
            "opportunityid",
            5,
            (2, 5),
        ),
        (
            "CloseIncident",
            "IncidentResolution",
            "incidents",
            "incidentid",
            -1,
            (1, 5),
        ),
        (
            "CloseIncident",
            "IncidentResolution",
            "incidents",
            "incidentid",
            1000,
            (1, 1000),
        ),
    ] {
        let row = create(&emulator, set, "{}").await;
        let bind = format!("{lookup}@odata.bind");
        let activity = json!({ "subject": message, bind: format!("/{row}") });
        let answer = close(&emulator, message, parameter, activity, status).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (204, ""),
            "{message}"
        );
        let closed = read(&emulator, &format!("{row}?$select=statecode,statuscode")).await;
        assert_eq!(
            (closed["statecode"].as_i64(), closed["statuscode"].as_i64()),
            (Some(expected.0), Some(expected.1))
        );
    }
    let kept = read(
        &emulator,
        "incidentresolutions?$select=subject,_incidentid_value",
    )
    .await;
    assert_eq!(kept["value"].as_array().unwrap().len(), 2);
    // Nothing is kept of what is refused.
    let without = close(
        &emulator,
        "CloseIncident",
        "IncidentResolution",
        json!({}),
        -1,
    )
    .await;
    assert_eq!(without.status, 400);
    assert_eq!(post(&emulator, "CloseIncident", "{}").await.status, 400);
    assert_eq!(get(&emulator, "CloseIncident").await.status, 404);
    let kept = read(&emulator, "incidentresolutions?$select=subject").await;
    assert_eq!(kept["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_lead_is_qualified() {
    let emulator = emulator();
    let lead = r#"{"subject":"Big order","companyname":"Contoso","firstname":"Ann","lastname":"Lee",
        "emailaddress1":"ann@contoso.com","address1_city":"Rome","estimatedamount":50.0}"#;
    let lead = create(&emulator, "leads", lead).await;
    let path = format!("{lead}/Microsoft.Dynamics.CRM.QualifyLead");
    let body =
        r#"{"CreateAccount":true,"CreateContact":true,"CreateOpportunity":true,"Status":-1}"#;
    let answer = post(&emulator, &path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let made: Vec<&str> = json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["@odata.type"].as_str().unwrap())
        .collect();
    assert_eq!(
        made,
        [
            "#Microsoft.Dynamics.CRM.account",
            "#Microsoft.Dynamics.CRM.contact",
            "#Microsoft.Dynamics.CRM.opportunity"
        ]
    );
    let account = json["value"][0]["accountid"].as_str().unwrap();
    let contact = json["value"][1]["contactid"].as_str().unwrap();
    let opportunity = json["value"][2]["opportunityid"].as_str().unwrap();
    let row = read(&emulator, &format!("accounts({account})")).await;
    assert_eq!(
        (&row["name"], &row["address1_city"]),
        (&json!("Contoso"), &json!("Rome"))
    );
    assert_eq!(row["_originatingleadid_value"], id(&lead));
    let row = read(&emulator, &format!("contacts({contact})")).await;
    assert_eq!(
        (&row["lastname"], &row["emailaddress1"]),
        (&json!("Lee"), &json!("ann@contoso.com"))
    );
    assert_eq!(row["_parentcustomerid_value"], account);
    let row = read(&emulator, &format!("opportunities({opportunity})")).await;
    assert_eq!(
        (&row["name"], &row["_customerid_value"]),
        (&json!("Big order"), &json!(account))
    );
    let row = read(&emulator, &lead).await;
    assert_eq!(
        (&row["statecode"], &row["statuscode"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(row["_qualifyingopportunityid_value"], opportunity);

    let none =
        r#"{"CreateAccount":false,"CreateContact":false,"CreateOpportunity":false,"Status":3}"#;
    let answer = post(&emulator, &path, none).await;
    assert_eq!(answer.json()["value"], json!([]));
    assert_eq!(post(&emulator, &path, r#"{"Status":3}"#).await.status, 400);
    assert_eq!(get(&emulator, &path).await.status, 404);
}

#[tokio::test]
async fn a_state_takes_its_reason_along() {
    let plain = emulator();
    let row = create(&plain, "incidents", "{}").await;
    let change = async |emulator: &Emulator, row: &str, body: &str| {
        send(emulator, "PATCH", row, &[], body).await
    };
    assert_eq!(change(&plain, &row, r#"{"statecode":2}"#).await.status, 204);
    assert_eq!(read(&plain, &row).await["statuscode"], 6);

    let definitions = fixture("definitions/retrievemetadatachanges-account.json.gz");
    let told = Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(std::fs::read(definitions).unwrap())
        .build()
        .unwrap();
    let row = create(&told, "accounts", "{}").await;
    assert_eq!(change(&told, &row, r#"{"statecode":1}"#).await.status, 204);
    assert_eq!(read(&told, &row).await["statuscode"], 2);
    for body in [
        r#"{"statecode":1,"statuscode":1}"#,
        r#"{"statecode":0,"statuscode":77}"#,
    ] {
        let refused = change(&told, &row, body).await;
        assert_eq!(
            (refused.status, refused.error().0.as_str()),
            (400, "0x80048408")
        );
    }
    let back = r#"{"statecode":0,"statuscode":1}"#;
    assert_eq!(change(&told, &row, back).await.status, 204);
}

#[tokio::test]
async fn an_owner_is_a_user_or_a_team() {
    let emulator = emulator();
    let row = create(&emulator, "accounts", "{}").await;
    let team = create(&emulator, "teams", r#"{"name":"T"}"#).await;
    let user = create(&emulator, "systemusers", r#"{"fullname":"U"}"#).await;
    for (owner, of_user, of_team) in [(&team, false, true), (&user, true, false)] {
        let body = json!({ "ownerid@odata.bind": format!("/{owner}") }).to_string();
        assert_eq!(send(&emulator, "PATCH", &row, &[], &body).await.status, 204);
        let read = read(&emulator, &row).await;
        assert_eq!(read["_ownerid_value"], id(owner));
        assert_eq!(read["_owninguser_value"].is_string(), of_user);
        assert_eq!(read["_owningteam_value"].is_string(), of_team);
    }
}

#[tokio::test]
async fn a_program_answers_operations() {
    let emulator = emulator();
    emulator
        .on_action("FormatAddress", |call| {
            let json: Value = serde_json::from_str(call.parameters()).unwrap();
            let city = json["City"]
                .as_str()
                .ok_or_else(|| ActionError::new("no city"))?;
            Ok(Some(json!({ "Address": format!("in {city}") }).to_string()))
        })
        .unwrap();
    let path = "FormatAddress(Line1='x',City=@c)?@c='New%20York'";
    let answer = get(&emulator, path).await;
    assert_eq!(
        answer.body,
        "{\"@odata.context\":\"https://emulator.localhost/api/data/v9.2/$metadata\
         #Microsoft.Dynamics.CRM.FormatAddressResponse\",\"Address\":\"in New York\"}"
    );
    let refused = get(&emulator, "FormatAddress(Line1='x')").await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.error(),
        ("0x80040265".to_owned(), "no city".to_owned())
    );
    assert_eq!(post(&emulator, "FormatAddress", "{}").await.status, 404);

    // One that is bound to a row, writes, and may fail.
    emulator
        .on_action("QualifyLead", |call| {
            let (table, id) = call.row().unwrap();
            let lead: Value = serde_json::from_str(&call.retrieve(table, id)?).unwrap();
            let task = json!({ "subject": lead["subject"] }).to_string();
            let task = call.create("task", &task)?;
            call.update(table, id, r#"{"description":"seen"}"#)?;
            match call.parameters() {
                "{}" => Ok(None),
                "{\"Fail\":true}" => Err(ActionError::with_code(409, "0x1", "as asked")),
                _ => Ok(Some(json!({ "Task": task }).to_string())),
            }
        })
        .unwrap();
    let lead = create(&emulator, "leads", r#"{"subject":"L"}"#).await;
    let path = format!("{lead}/Microsoft.Dynamics.CRM.QualifyLead");
    let failed = post(&emulator, &path, "{\"Fail\":true}").await;
    assert_eq!((failed.status, failed.error().0.as_str()), (409, "0x1"));
    assert_eq!(get(&emulator, "tasks/$count").await.body, "\u{feff}0");
    assert_eq!(post(&emulator, &path, "{}").await.status, 204);
    let made = post(&emulator, &path, "{\"Other\":1}").await.json();
    let task = format!("tasks({})", made["Task"].as_str().unwrap());
    assert_eq!(read(&emulator, &task).await["subject"], "L");
    assert_eq!(read(&emulator, &lead).await["description"], "seen");
    assert_eq!(post(&emulator, &path, "[]").await.status, 400);

    let unknown = emulator.on_action("new_Nothing", |_| Ok(None));
    assert!(matches!(unknown, Err(BuildError::Operation(name)) if name == "new_Nothing"));
}
