//! `savedQuery` and `userQuery`: views of the org and of the user.

use serde_json::json;

use super::{create, emulator, get, send};

const VIEW: &str = "00000000-0000-0000-00aa-000010003001";
const ACCOUNT: &str = "00000000-0000-0000-0000-000000000001";

async fn org() -> dataverse_emulator::Emulator {
    let emulator = emulator();
    let fetch = "<fetch version='1.0'><entity name='account'><attribute name='name'/>\
        <attribute name='telephone1'/><order attribute='name' descending='true'/><filter><condition \
        attribute='name' operator='not-null'/></filter></entity></fetch>";
    let view = json!({"savedqueryid": VIEW, "name": "Named", "returnedtypecode": "account", "fetchxml": fetch});
    create(&emulator, "savedqueries", &view.to_string()).await;
    let view = json!({"userqueryid": VIEW, "fetchxml": fetch.replace(" descending='true'", "")});
    create(&emulator, "userqueries", &view.to_string()).await;
    create(
        &emulator,
        "userqueries",
        &format!(r#"{{"userqueryid":"{ACCOUNT}"}}"#),
    )
    .await;
    create(
        &emulator,
        "accounts",
        &json!({"accountid": ACCOUNT}).to_string(),
    )
    .await;
    for n in 1..6 {
        let parent = if n > 3 {
            json!(format!("accounts({ACCOUNT})"))
        } else {
            json!(null)
        };
        let row = json!({"name": format!("A{n}"), "parentaccountid@odata.bind": parent});
        create(&emulator, "accounts", &row.to_string()).await;
    }
    emulator
}

#[tokio::test]
async fn views_are_run_page_by_page() {
    let emulator = org().await;
    let mut next = Some(format!("accounts?savedQuery={VIEW}"));
    let mut names = Vec::new();
    while let Some(path) = next {
        let answer = send(
            &emulator,
            "GET",
            &path,
            &[("prefer", "odata.maxpagesize=2")],
            "",
        )
        .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("preference-applied"), "odata.maxpagesize=2");
        let page = answer.json();
        for row in page["value"].as_array().unwrap() {
            assert_eq!(
                row.as_object().unwrap().len(),
                3,
                "nulls are left out: {row}"
            );
            names.push(row["name"].as_str().unwrap().to_owned());
        }
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(names, ["A5", "A4", "A3", "A2", "A1"]);
    let own = get(&emulator, &format!("accounts?userQuery={VIEW}"))
        .await
        .json();
    assert_eq!(own["value"][0]["name"], "A1");
    assert_eq!(own["value"].as_array().unwrap().len(), 5);
    let children = get(
        &emulator,
        &format!("accounts({ACCOUNT})/account_parent_account/?savedQuery={VIEW}&$count=true"),
    )
    .await
    .json();
    assert_eq!(children["@odata.count"], 2);
    assert_eq!(children["value"][1]["name"], "A4");
}

#[tokio::test]
async fn views_that_are_not_there_or_not_of_the_table_are_refused() {
    let emulator = org().await;
    for (path, status, text) in [
        (
            format!("accounts?savedQuery={ACCOUNT}"),
            404,
            "savedquery With Id = ",
        ),
        ("accounts?savedQuery=x".to_owned(), 400, "'x' is not the id"),
        (format!("contacts?savedQuery={VIEW}"), 400, "does not match"),
        (format!("accounts?userQuery={ACCOUNT}"), 400, "no fetchxml"),
        (
            format!("accounts?savedQuery={VIEW}&$select=name"),
            400,
            "'$select' is not allowed",
        ),
        (
            format!("accounts?savedQuery={VIEW}&$skiptoken=x"),
            400,
            "Paging Cookie",
        ),
    ] {
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.error().1.contains(text), "{path}: {}", answer.body);
    }
}
