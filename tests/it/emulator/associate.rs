//! `$ref`: lookups are pointed at rows, rows are put into collections and taken out.

use dataverse_emulator::Emulator;
use serde_json::Value;

use super::documented::{assert_as_documented, examples, replay};
use super::{Answer, create, emulator, get, post, send, small};

const ROOT: &str = "https://emulator.localhost/api/data/v9.2/";

/// The id in `accounts(…)`.
fn id(path: &str) -> &str {
    path.split_once('(').unwrap().1.trim_end_matches(')')
}

/// `{"@odata.id":"…"}` with an absolute URL.
fn reference(path: &str) -> String {
    format!(r#"{{"@odata.id":"{ROOT}{path}"}}"#)
}

async fn put(emulator: &Emulator, path: &str, body: &str) -> Answer {
    send(emulator, "PUT", path, &[], body).await
}

async fn delete(emulator: &Emulator, path: &str) -> Answer {
    send(emulator, "DELETE", path, &[], "").await
}

/// The value of a column.
async fn value(emulator: &Emulator, path: &str, column: &str) -> Value {
    let answer = get(emulator, &format!("{path}?$select={column}")).await;
    answer.json()[column].clone()
}

#[tokio::test]
async fn a_lookup_is_pointed_and_cleared() {
    let emulator = small::emulator();
    let contact = create(&emulator, "contacts", "{}").await;
    let account = create(&emulator, "accounts", "{}").await;
    let link = format!("{account}/primarycontactid/$ref");
    let answer = put(&emulator, &link, &reference(&contact)).await;
    assert_eq!((answer.status, &*answer.body), (204, ""));
    assert_eq!(answer.header("odata-entityid"), "");
    let told = value(&emulator, &account, "_primarycontactid_value").await;
    assert_eq!(told, id(&contact));
    assert_eq!(delete(&emulator, &link).await.status, 204);
    let told = value(&emulator, &account, "_primarycontactid_value").await;
    assert_eq!(told, Value::Null);
}

#[tokio::test]
async fn an_owner_is_a_user_or_a_team() {
    let emulator = emulator();
    let account = create(&emulator, "accounts", "{}").await;
    let team = create(&emulator, "teams", r#"{"name":"a"}"#).await;
    let link = format!("{account}/ownerid/$ref");
    let answer = put(&emulator, &link, &reference(&team)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let row = get(
        &emulator,
        &format!("{account}?$select=_ownerid_value,_owningteam_value,_owninguser_value"),
    )
    .await
    .json();
    assert_eq!(row["_ownerid_value"], id(&team));
    assert_eq!(row["_owningteam_value"], id(&team));
    assert_eq!(row["_owninguser_value"], Value::Null);
}

#[tokio::test]
async fn a_row_in_a_collection_points_at_its_parent() {
    let emulator = small::emulator();
    let account = create(&emulator, "accounts", "{}").await;
    let other = create(&emulator, "accounts", "{}").await;
    let contact = create(&emulator, "contacts", "{}").await;
    let set = format!("{account}/contact_customer_accounts");
    let add = post(&emulator, &format!("{set}/$ref"), &reference(&contact)).await;
    assert_eq!((add.status, add.header("odata-entityid")), (204, ""));
    let parent = async || value(&emulator, &contact, "_parentcustomerid_value").await;
    assert_eq!(parent().await, id(&account));
    // It is not in the collection of another row.
    let elsewhere = format!("{other}/contact_customer_accounts({})/$ref", id(&contact));
    assert_eq!(delete(&emulator, &elsewhere).await.status, 404);
    assert_eq!(parent().await, id(&account));
    let by_key = format!("{set}({})/$ref", id(&contact));
    assert_eq!(delete(&emulator, &by_key).await.status, 204);
    assert_eq!(parent().await, Value::Null);
    assert_eq!(delete(&emulator, &by_key).await.status, 404);
    post(&emulator, &format!("{set}/$ref"), &reference(&contact)).await;
    let by_url = format!("{set}/$ref?$id={ROOT}{contact}");
    assert_eq!(delete(&emulator, &by_url).await.status, 204);
    assert_eq!(parent().await, Value::Null);
}

#[tokio::test]
async fn a_lookup_of_several_tables_takes_the_table_of_its_collection() {
    let emulator = emulator();
    let account = create(&emulator, "accounts", "{}").await;
    let task = create(&emulator, "tasks", "{}").await;
    let link = format!("{account}/Account_Tasks/$ref");
    let answer = post(&emulator, &link, &reference(&task)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let row = send(
        &emulator,
        "GET",
        &format!("{task}?$select=_regardingobjectid_value"),
        &[("prefer", "odata.include-annotations=\"*\"")],
        "",
    )
    .await
    .json();
    assert_eq!(row["_regardingobjectid_value"], id(&account));
    assert_eq!(
        row["_regardingobjectid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "account"
    );
}

#[tokio::test]
async fn many_to_many_is_kept_in_the_intersect_table() {
    let emulator = emulator();
    let user = create(&emulator, "systemusers", r#"{"fullname":"a"}"#).await;
    let role = create(&emulator, "roles", r#"{"name":"b"}"#).await;
    let pairs = async || {
        let select = "systemuserrolescollection?$select=systemuserid,roleid";
        let rows = get(&emulator, select).await.json()["value"].clone();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| (row["systemuserid"].clone(), row["roleid"].clone()))
            .collect::<Vec<_>>()
    };
    let pair = (Value::from(id(&user)), Value::from(id(&role)));
    let from_user = format!("{user}/systemuserroles_association");
    let from_role = format!("{role}/systemuserroles_association");
    let answer = post(&emulator, &format!("{from_user}/$ref"), &reference(&role)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_eq!(pairs().await, std::slice::from_ref(&pair));
    // The pair is one, from whichever side.
    let again = post(&emulator, &format!("{from_role}/$ref"), &reference(&user)).await;
    assert_eq!((again.status, &*again.error().0), (412, "0x80040237"));
    let removed = delete(&emulator, &format!("{from_role}({})/$ref", id(&user))).await;
    assert_eq!(removed.status, 204);
    assert!(pairs().await.is_empty());
    let missing = delete(&emulator, &format!("{from_user}({})/$ref", id(&role))).await;
    assert_eq!(missing.status, 404);
    // Pairs go with either of their rows.
    post(&emulator, &format!("{from_role}/$ref"), &reference(&user)).await;
    assert_eq!(pairs().await, [pair]);
    assert_eq!(delete(&emulator, &role).await.status, 204);
    assert!(pairs().await.is_empty());
}

#[tokio::test]
async fn many_to_many_needs_no_declared_intersect_table() {
    let emulator = emulator();
    let list = create(&emulator, "lists", r#"{"listname":"a"}"#).await;
    let account = create(&emulator, "accounts", "{}").await;
    let link = format!("{list}/listaccount_association/$ref");
    assert_eq!(
        post(&emulator, &link, &reference(&account)).await.status,
        204
    );
    assert_eq!(
        post(&emulator, &link, &reference(&account)).await.status,
        412
    );
    let back = format!("{account}/listaccount_association({})/$ref", id(&list));
    assert_eq!(delete(&emulator, &back).await.status, 204);
    assert_eq!(delete(&emulator, &back).await.status, 404);
    let document = get(&emulator, "").await.json();
    let sets = document["value"].as_array().unwrap();
    assert!(sets.iter().all(|set| set["name"] != ""));
}

#[tokio::test]
async fn a_table_is_related_to_itself_in_two_directions() {
    let emulator = emulator();
    let first = create(&emulator, "campaigns", r#"{"name":"a"}"#).await;
    let second = create(&emulator, "campaigns", r#"{"name":"b"}"#).await;
    let link = format!("{first}/campaigncampaign_association");
    let answer = post(&emulator, &format!("{link}/$ref"), &reference(&second)).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    // The other direction of the same name is another pair.
    let wrong = format!("{second}/campaigncampaign_association({})/$ref", id(&first));
    assert_eq!(delete(&emulator, &wrong).await.status, 404);
    let back = format!(
        "{second}/campaigncampaign_association_referenced({})/$ref",
        id(&first)
    );
    assert_eq!(delete(&emulator, &back).await.status, 204);
}

#[tokio::test]
async fn rows_of_intersect_tables_are_not_written_directly() {
    let answer = post(&emulator(), "systemuserrolescollection", "{}").await;
    assert_eq!((answer.status, &*answer.error().0), (405, "0x80040800"));
}

#[tokio::test]
async fn wrong_references_are_refused() {
    let emulator = small::emulator();
    let account = create(&emulator, "accounts", "{}").await;
    let contact = create(&emulator, "contacts", "{}").await;
    let nobody = "contacts(00000000-0000-0000-0000-000000000009)";
    for (method, path, body, status) in [
        ("PUT", "primarycontactid/$ref", "{}".to_owned(), 400),
        // Outside a batch the URL is absolute.
        (
            "PUT",
            "primarycontactid/$ref",
            format!(r#"{{"@odata.id":"{contact}"}}"#),
            400,
        ),
        ("PUT", "primarycontactid/$ref", reference(&account), 400),
        ("PUT", "primarycontactid/$ref", reference(nobody), 404),
        ("POST", "primarycontactid/$ref", reference(&contact), 405),
        (
            "PUT",
            "contact_customer_accounts/$ref",
            reference(&contact),
            405,
        ),
        (
            "POST",
            "contact_customer_accounts/$ref",
            reference(&account),
            400,
        ),
        (
            "POST",
            "contact_customer_accounts/$ref",
            reference(nobody),
            404,
        ),
        (
            "DELETE",
            "contact_customer_accounts/$ref",
            String::new(),
            400,
        ),
        ("PUT", "name/$ref", reference(&contact), 404),
        ("PUT", "nothing/$ref", reference(&contact), 404),
    ] {
        let path = format!("{account}/{path}");
        let answer = send(&emulator, method, &path, &[], &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    let path = "accounts(00000000-0000-0000-0000-000000000009)/primarycontactid/$ref";
    let answer = put(&emulator, path, &reference(&contact)).await;
    assert_eq!((answer.status, &*answer.error().0), (404, "0x80040217"));
}

#[tokio::test]
async fn members_of_a_change_set_refer_to_each_other() {
    let emulator = small::emulator();
    let part = |id: u8, request: &str, body: &str| {
        format!(
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: {id}\r\n\r\n{request} HTTP/1.1\r\n\
             Content-Type: application/json; type=entry\r\n\r\n{body}\r\n"
        )
    };
    let body = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n{}{}{}{}--c--\r\n--b--\r\n",
        part(1, "POST /api/data/v9.2/accounts", r#"{"name":"a"}"#),
        part(2, "POST /api/data/v9.2/contacts", r#"{"lastname":"b"}"#),
        part(
            3,
            "POST $1/contact_customer_accounts/$ref",
            r#"{"@odata.id":"$2"}"#
        ),
        part(4, "PUT $1/primarycontactid/$ref", r#"{"@odata.id":"$2"}"#),
    );
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    let answer = send(&emulator, "POST", "$batch", &headers, &body).await;
    assert_eq!(
        answer.body.matches("204 No Content").count(),
        4,
        "{}",
        answer.body
    );
    let account = get(&emulator, "accounts").await.json()["value"][0].clone();
    let contact = get(&emulator, "contacts").await.json()["value"][0].clone();
    assert_eq!(account["_primarycontactid_value"], contact["contactid"]);
    assert_eq!(contact["_parentcustomerid_value"], account["accountid"]);
}

#[tokio::test]
async fn documented_associations() {
    let file = "docs-associate-disassociate-entities-2018.json";
    let examples = examples(file);
    let emulator = emulator();
    let rows = [
        (
            "accounts",
            r#"{"accountid":"00000000-0000-0000-0000-000000000002"}"#,
        ),
        (
            "opportunities",
            r#"{"opportunityid":"00000000-0000-0000-0000-000000000001"}"#,
        ),
    ];
    for (set, row) in rows {
        create(&emulator, set, row).await;
    }
    let opportunity = "opportunities(00000000-0000-0000-0000-000000000001)";
    // Added, removed by URL; added, removed by key; set, cleared; bound.
    for (number, is_set) in [
        (1, true),
        (2, false),
        (1, true),
        (3, false),
        (5, true),
        (4, false),
        (6, true),
    ] {
        let example = &examples[&format!("associate-disassociate-entities-2018#{number}")];
        let answer = replay(&emulator, example).await;
        assert_eq!(answer.status, 204, "{number}: {}", answer.body);
        if example["response"].is_object() {
            assert_as_documented(&answer, example);
        }
        let customer = value(&emulator, opportunity, "_customerid_value").await;
        assert_eq!(customer.is_string(), is_set, "{number}");
    }
}

#[tokio::test]
async fn documented_ways_to_clear_a_lookup() {
    let examples = examples("docs-associate-web-api.json");
    for number in [3, 5] {
        let emulator = small::emulator();
        let account = create(&emulator, "accounts", "{}").await;
        let body = format!(
            r#"{{"contactid":"cf9eaaef-f718-ed11-b83e-00224837179f","parentcustomerid_account@odata.bind":"{account}"}}"#
        );
        let contact = create(&emulator, "contacts", &body).await;
        let example = &examples[&format!("associate-web-api#{number}")];
        assert_as_documented(&replay(&emulator, example).await, example);
        let parent = value(&emulator, &contact, "_parentcustomerid_value").await;
        assert_eq!(parent, Value::Null, "{number}");
    }
}
