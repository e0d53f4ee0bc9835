//! Reading through navigation properties.

use serde_json::json;

use super::{create, emulator, get, send};

const ACCOUNT: &str = "00000000-0000-0000-0000-000000000001";
const CONTACT: &str = "00000000-0000-0000-0000-0000000000c1";
const ROOT: &str = "https://emulator.localhost/api/data/v9.2/";

async fn org() -> dataverse_emulator::Emulator {
    let emulator = emulator();
    let contact = json!({"contactid": CONTACT, "fullname": "Rene Valdes"});
    create(&emulator, "contacts", &contact.to_string()).await;
    let account = json!({
        "accountid": ACCOUNT, "name": "Adventure Works", "accountnumber": "A 1",
        "primarycontactid@odata.bind": format!("contacts({CONTACT})"),
    });
    create(&emulator, "accounts", &account.to_string()).await;
    create(&emulator, "accounts", r#"{"name":"Other"}"#).await;
    for n in 1..6 {
        let task = json!({
            "activityid": format!("00000000-0000-0000-0000-0000000000a{n}"),
            "subject": format!("Task {n}"),
            "regardingobjectid_account_task@odata.bind": format!("accounts({ACCOUNT})"),
        });
        create(&emulator, "tasks", &task.to_string()).await;
    }
    create(
        &emulator,
        "tasks",
        r#"{"activityid":"00000000-0000-0000-0000-0000000000b1"}"#,
    )
    .await;
    emulator
}

#[tokio::test]
async fn a_lookup_leads_to_the_row() {
    let emulator = org().await;
    let answer = get(
        &emulator,
        &format!("accounts({ACCOUNT})/primarycontactid?$select=fullname"),
    )
    .await;
    let row = answer.json();
    assert_eq!(
        row["@odata.context"],
        format!("{ROOT}$metadata#contacts(fullname)/$entity")
    );
    assert_eq!(row["fullname"], "Rene Valdes");
    assert_eq!(answer.header("etag"), row["@odata.etag"].as_str().unwrap());
    let reference = get(
        &emulator,
        "accounts(accountnumber='A 1')/primarycontactid/$ref"
            .replace(' ', "%20")
            .as_str(),
    )
    .await
    .json();
    assert_eq!(
        reference,
        json!({
            "@odata.context": format!("{ROOT}$metadata#$ref"),
            "@odata.id": format!("{ROOT}contacts({CONTACT})"),
        })
    );
    let name = get(
        &emulator,
        &format!("accounts({ACCOUNT})/primarycontactid/fullname/$value"),
    )
    .await;
    assert_eq!((name.status, name.body.as_str()), (200, "Rene Valdes"));
    let owner = get(
        &emulator,
        &format!("accounts({ACCOUNT})/ownerid?$select=fullname"),
    )
    .await
    .json();
    assert_eq!(owner["fullname"], "Emulator");
    let nobody = get(
        &emulator,
        &format!("contacts({CONTACT})/parentcustomerid_account"),
    )
    .await;
    assert_eq!((nobody.status, nobody.body.as_str()), (204, ""));
}

#[tokio::test]
async fn a_collection_takes_the_options_of_a_query() {
    let emulator = org().await;
    let path = format!(
        "accounts({ACCOUNT})/Account_Tasks?$select=subject&$filter=subject%20ne%20'Task%201'&$orderby=subject%20desc&$count=true"
    );
    let mut next = Some(path);
    let mut subjects = Vec::new();
    while let Some(path) = next {
        let answer = send(
            &emulator,
            "GET",
            &path,
            &[("prefer", "odata.maxpagesize=3")],
            "",
        )
        .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.json();
        assert_eq!(
            page["@odata.context"],
            format!("{ROOT}$metadata#tasks(subject)")
        );
        assert_eq!(page["@odata.count"], 4);
        let rows = page["value"].as_array().unwrap().clone();
        subjects.extend(rows.into_iter().map(|row| row["subject"].clone()));
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
        if let Some(link) = &next {
            assert!(
                link.starts_with(&format!("{ROOT}accounts({ACCOUNT})/Account_Tasks?")),
                "{link}"
            );
        }
    }
    assert_eq!(subjects, ["Task 5", "Task 4", "Task 3", "Task 2"]);
    let expanded = get(&emulator, &format!("accounts({ACCOUNT})/Account_Tasks?$select=subject&$top=1&$expand=owninguser($select=fullname)")).await.json();
    assert_eq!(expanded["value"][0]["owninguser"]["fullname"], "Emulator");
}

#[tokio::test]
async fn a_collection_is_counted_and_referred_to() {
    let emulator = org().await;
    let count = get(
        &emulator,
        &format!("accounts({ACCOUNT})/Account_Tasks/$count"),
    )
    .await;
    assert_eq!(
        (count.body.as_str(), count.header("content-type")),
        ("\u{feff}5", "text/plain")
    );
    let some = get(
        &emulator,
        &format!("accounts({ACCOUNT})/Account_Tasks/$count?$filter=subject%20eq%20'Task%202'"),
    )
    .await;
    assert_eq!(some.body, "\u{feff}1");
    let references = get(
        &emulator,
        &format!("accounts({ACCOUNT})/Account_Tasks/$ref?$top=1"),
    )
    .await
    .json();
    assert_eq!(
        references,
        json!({
            "@odata.context": format!("{ROOT}$metadata#Collection($ref)"),
            "value": [{"@odata.id": format!("{ROOT}tasks(00000000-0000-0000-0000-0000000000a1)")}],
        })
    );
}

#[tokio::test]
async fn one_row_of_a_collection_must_be_in_it() {
    let emulator = org().await;
    let path = |task: &str| {
        format!("accounts({ACCOUNT})/Account_Tasks(00000000-0000-0000-0000-0000000000{task})")
    };
    let subject = get(&emulator, &format!("{}/subject", path("a2")))
        .await
        .json();
    assert_eq!(subject["value"], "Task 2");
    assert_eq!(get(&emulator, &path("b1")).await.status, 404);
    assert_eq!(get(&emulator, &path("ff")).await.status, 404);
}

#[tokio::test]
async fn wrong_paths_are_not_found() {
    let emulator = org().await;
    for (path, status) in [
        (
            "accounts(00000000-0000-0000-0000-0000000000ff)/primarycontactid",
            404,
        ),
        ("accounts(ID)/Primarycontactid", 404),
        ("accounts(ID)/Account_Tasks/subject", 404),
        ("accounts(ID)/name/$count", 404),
        ("accounts(ID)/Account_Tasks?$select=name", 400),
        (
            "accounts(ID)/primarycontactid?$filter=fullname%20eq%20'a'",
            400,
        ),
        ("accounts(ID)/Account_Tasks(x)", 400),
    ] {
        let answer = get(&emulator, &path.replace("ID", ACCOUNT)).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer.error();
    }
}
