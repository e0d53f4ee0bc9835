//! Generated operations and rows, judged by the documented requests and answers.

use std::collections::BTreeMap;

use dataverse_client::value::ApiEnum;
use dataverse_client::{AnyRow, Changes, Id, Invoke, Message, Operation, Response, Target};
use dataverse_golden::crm::bound::{queue, role, systemuser};
use dataverse_golden::crm::types::{
    AccessRights, EndpointAccessType, PrincipalAccess, PrivilegeDepth, RolePrivilege,
    TargetFieldType,
};
use dataverse_golden::crm::{
    Account, FormatAddress, GrantAccess, InitializeFrom, RetrieveCurrentOrganization,
    RetrieveTotalRecordCount, SystemUser, Task,
};
use dataverse_tests::fixture;
use http::{HeaderMap, StatusCode};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

fn example(file: &str, id: &str) -> Value {
    let text = std::fs::read(fixture("wire").join(file)).unwrap();
    let all: Vec<Value> = serde_json::from_slice(&text).unwrap();
    all.into_iter().find(|example| example["id"] == id).unwrap()
}

/// The path below the service root with the values of aliases in place: their names are free.
fn inlined(url: &str) -> String {
    let url = url.split("/v9.2/").last().unwrap_or(url);
    let url = url.split("/v9.0/").last().unwrap_or(url);
    let decoded = percent_decoded(url);
    let (path, query) = decoded.split_once('?').unwrap_or((&decoded, ""));
    let mut aliases: BTreeMap<String, String> = BTreeMap::new();
    for option in query.split("&@").filter(|option| !option.is_empty()) {
        let (name, value) = option.trim_start_matches('@').split_once('=').unwrap();
        aliases.insert(format!("=@{name}"), format!("={value}"));
    }
    let mut path = path.to_owned();
    for (alias, value) in aliases {
        for end in [",", ")"] {
            path = path.replace(&format!("{alias}{end}"), &format!("{value}{end}"));
        }
    }
    path
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(
        format!("x={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes(),
    )
    .next()
    .map(|(_, value)| value.into_owned())
    .unwrap()
}

/// The operation sends what the example sends; gives what it reads from the example's answer.
fn check<M: Message>(file: &str, id: &str, message: M) -> M::Output {
    let example = example(file, id);
    let invoke = Invoke::new(message);
    let request = invoke.request().unwrap();
    let Target::Path(path) = &request.target else {
        panic!("{request:?}")
    };
    assert_eq!(request.method.as_str(), example["request"]["method"]);
    assert_eq!(
        inlined(path),
        inlined(example["request"]["url"].as_str().unwrap())
    );
    if let Some(body) = example["request"]["body"].as_str() {
        let wanted: Value = serde_json::from_str(body).unwrap();
        let sent: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(sent, wanted);
    }
    let status = example["response"]["status"].as_u64().unwrap() as u16;
    let body = example["response"]["body"].as_str().unwrap_or_default();
    let response = Response::new(
        StatusCode::from_u16(status).unwrap(),
        HeaderMap::new(),
        body.to_owned().into(),
    );
    invoke.decode(&response).unwrap()
}

const SEQUENCE: &str = "docs-seq-functions-actions-sample.json";

fn id<E>(text: &str) -> Id<E> {
    text.parse().unwrap()
}

#[test]
fn functions_take_text_enums_lists_and_rows() {
    let answer = check(
        SEQUENCE,
        "seq-functions-actions-sample#2",
        FormatAddress {
            line1: "123 Maple St.".into(),
            city: "Seattle".into(),
            state_or_province: "WA".into(),
            postal_code: "98007".into(),
            country: "USA".into(),
        },
    );
    assert_eq!(
        answer.address.as_deref(),
        Some("123 Maple St.\r\nSeattle, WA 98007\r\nUSA")
    );

    let account: Id<Account> = id("98d463e4-6d29-ed11-9db1-00224804f8e2");
    let row: AnyRow = check(
        SEQUENCE,
        "seq-functions-actions-sample#5",
        InitializeFrom {
            entity_moniker: account.into(),
            target_entity_name: "account".into(),
            target_field_type: TargetFieldType::VALID_FOR_CREATE,
            retrieve_consumable_record: None,
        },
    );
    assert_eq!(row.logical_name().as_deref(), Some("account"));
    assert_eq!(
        row.get::<String>("parentaccountid@odata.bind").unwrap(),
        Some(format!("accounts({account})"))
    );

    let answer = check(
        SEQUENCE,
        "seq-functions-actions-sample#7",
        RetrieveCurrentOrganization {
            access_type: EndpointAccessType::DEFAULT,
        },
    );
    let detail = answer.detail.unwrap();
    assert_eq!(detail.url_name.as_deref(), Some("org619726b5"));
    assert_eq!(detail.endpoints.as_ref().unwrap().count, Some(3));

    let answer = check(
        SEQUENCE,
        "seq-functions-actions-sample#8",
        RetrieveTotalRecordCount {
            entity_names: vec!["account".into(), "contact".into()],
        },
    );
    let counts = answer.entity_record_count_collection.unwrap();
    assert_eq!(counts.values, Some(vec![19, 3]));
}

#[test]
fn bound_operations_are_called_on_a_row() {
    let user: Id<SystemUser> = id("ce31e691-f559-ec11-8f8f-000d3a308de4");
    let account: Id<Account> = id("659876fd-6d29-ed11-9db1-00224804f8e2");
    let answer = check(
        SEQUENCE,
        "seq-functions-actions-sample#12",
        systemuser::RetrievePrincipalAccess {
            on: user.into(),
            target: account.into(),
        },
    );
    let rights = answer.access_rights.unwrap();
    assert_eq!(
        rights,
        AccessRights::DELETE_ACCESS | AccessRights::SHARE_ACCESS
    );
    assert!(!rights.contains(&AccessRights::READ_ACCESS));

    // The document is older than the example's `PrivilegeName`.
    let mut privilege = RolePrivilege::default();
    privilege.depth = Some(PrivilegeDepth::BASIC);
    privilege.privilege_id = Some("886b280c-6396-4d56-a0a3-2c1b0a50ceb0".parse().unwrap());
    let add = Invoke::new(role::AddPrivilegesRole {
        on: id("669876fd-6d29-ed11-9db1-00224804f8e2").into(),
        privileges: Some(vec![privilege]),
    });
    let body: Value = serde_json::from_slice(&add.request().unwrap().body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"Privileges": [{
            "Depth": "Basic",
            "PrivilegeId": "886b280c-6396-4d56-a0a3-2c1b0a50ceb0",
        }]})
    );
    check(
        "docs-use-actions-2018.json",
        "use-actions-2018#2",
        queue::AddToQueue {
            on: id("56ae8258-4878-e511-80d4-00155d2a68d1").into(),
            target: id::<Letter>("59ae8258-4878-e511-80d4-00155d2a68d1").into(),
            source_queue: None,
            queue_item_properties: None,
        },
    );
}

/// A table that the golden package does not have.
#[derive(dataverse_client::Entity, Default)]
#[dataverse(table = "letter", set = "letters", id = "activityid")]
struct Letter {
    activityid: Option<Id<Letter>>,
}

#[test]
fn complex_parameters_hold_rows() {
    let user: Id<SystemUser> = id("ce31e691-f559-ec11-8f8f-000d3a308de4");
    let account: Id<Account> = id("659876fd-6d29-ed11-9db1-00224804f8e2");
    let mut access = PrincipalAccess::default();
    access.access_mask = Some(AccessRights::DELETE_ACCESS);
    access.principal = Some(user.into());
    check(
        SEQUENCE,
        "seq-functions-actions-sample#11",
        GrantAccess {
            target: account.into(),
            principal_access: Some(access),
        },
    );
}

#[test]
fn types_of_the_api_go_through_serde() {
    let user: Id<SystemUser> = id("ce31e691-f559-ec11-8f8f-000d3a308de4");
    let mut access = PrincipalAccess::default();
    access.access_mask = Some(AccessRights::READ_ACCESS | AccessRights::WRITE_ACCESS);
    access.principal = Some(user.into());
    let written = serde_json::to_value(&access).unwrap();
    assert_eq!(
        written,
        serde_json::json!({
            "AccessMask": "ReadAccess,WriteAccess",
            "Principal": {
                "@odata.type": "Microsoft.Dynamics.CRM.systemuser",
                "systemuserid": user.to_string()
            }
        })
    );
    assert_eq!(
        serde_json::from_value::<PrincipalAccess>(written).unwrap(),
        access
    );
    assert_eq!(
        serde_json::from_str::<AccessRights>("1").unwrap(),
        AccessRights::READ_ACCESS
    );
    assert!(serde_json::from_str::<PrincipalAccess>("[]").is_err());
}

#[test]
fn rows_go_through_serde_without_losing_a_digit() {
    let json = r#"{"@odata.etag":"W/\"1\"","accountid":"00000000-0000-0000-0000-000000000020",
        "name":"Contoso \u00e4","revenue":922337203685477.5807,"creditlimit":5000000.0000,
        "address1_latitude":47.63,"statecode":0,"donotemail":false,
        "createdon":"2024-06-12T14:13:25Z",
        "_ownerid_value@OData.Community.Display.V1.FormattedValue":"Jo",
        "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"systemuser",
        "_ownerid_value":"c76fee97-961f-ef11-840b-000d3abf969a",
        "fax":null,"not_a_column":[1,{"a":null}]}"#;
    let account: Account = serde_json::from_str(json).unwrap();
    assert_eq!(
        account.revenue,
        Some(Decimal::new(9_223_372_036_854_775_807, 4))
    );
    assert_eq!(account.ownerid.as_ref().unwrap().name(), Some("Jo"));
    let written = serde_json::to_value(&account).unwrap();
    // More digits than a float has: as text, which is read as well.
    assert_eq!(written["revenue"], "922337203685477.5807");
    assert_eq!(written["creditlimit"], 5_000_000.0);
    assert_eq!(
        written["_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"],
        "systemuser"
    );
    assert_eq!(written.as_object().unwrap().len(), 11, "{written}");
    let read: Account = serde_json::from_value(written).unwrap();
    assert_eq!(read, account);
    assert_eq!(read.ownerid.unwrap().logical_name(), Some("systemuser"));

    let error = serde_json::from_str::<Account>(r#"{"revenue":"much"}"#).unwrap_err();
    assert!(
        error.to_string().contains("column `revenue` of `account`"),
        "{error}"
    );
    assert!(serde_json::from_str::<Account>("[]").is_err());
}

/// The body of an update with these changes.
fn body(changes: &Changes<Account>) -> Value {
    let update = dataverse_client::Update::new(Id::<Account>::new(Uuid::nil()), changes.clone());
    serde_json::from_slice(&update.request().unwrap().body).unwrap()
}

#[test]
fn the_difference_of_two_rows_is_what_an_update_sends() {
    let read = |json: &str| serde_json::from_str::<Account>(json).unwrap();
    let old = read(
        r#"{"accountid":"00000000-0000-0000-0000-000000000020","name":"A","fax":"1","revenue":1.10,
        "createdon":"2024-06-12T14:13:25Z","statecode":0,
        "_primarycontactid_value":"00000000-0000-0000-0000-000000000001",
        "_parentaccountid_value":"00000000-0000-0000-0000-000000000002",
        "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"systemuser",
        "_ownerid_value":"00000000-0000-0000-0000-000000000003"}"#,
    );
    assert!(Changes::diff(&old, &old.clone()).unwrap().is_empty());
    let new = read(
        r#"{"accountid":"00000000-0000-0000-0000-000000000099","name":"B","revenue":1.1,
        "createdon":"2025-06-12T14:13:25Z","statecode":1,
        "_primarycontactid_value":"00000000-0000-0000-0000-000000000009",
        "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"team",
        "_ownerid_value":"00000000-0000-0000-0000-000000000004"}"#,
    );
    let changes = Changes::diff(&old, &new).unwrap();
    assert_eq!(
        body(&changes),
        serde_json::json!({
            "fax": null,
            "name": "B",
            "ownerid@odata.bind": "teams(00000000-0000-0000-0000-000000000004)",
            "parentaccountid@odata.bind": null,
            "primarycontactid@odata.bind": "contacts(00000000-0000-0000-0000-000000000009)",
            "statecode": 1,
        })
    );
    // Without annotations it is not known whether the owner is a user or a team.
    let unknown = read(r#"{"_ownerid_value":"00000000-0000-0000-0000-000000000004"}"#);
    let error = Changes::diff(&old, &unknown).unwrap_err().to_string();
    assert!(
        error.contains("`ownerid`") && error.contains("annotations"),
        "{error}"
    );
}

#[test]
fn lookups_of_several_tables_are_cleared_through_the_table_they_point_at() {
    let read = |json: &str| serde_json::from_str::<Task>(json).unwrap();
    let old = read(
        r#"{"_regardingobjectid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"account",
        "_regardingobjectid_value":"00000000-0000-0000-0000-000000000003"}"#,
    );
    let changes = Changes::diff(&old, &read("{}")).unwrap();
    let update = dataverse_client::Update::new(Id::<Task>::new(Uuid::nil()), changes);
    let body: Value = serde_json::from_slice(&update.request().unwrap().body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"regardingobjectid_account_task@odata.bind": null})
    );
}

#[test]
fn an_answer_may_be_bytes() {
    use dataverse_client::codegen::{Answer, Binary};

    let bytes = Binary::read(br#"{"value":"AQID"}"#).unwrap();
    assert_eq!(bytes, Binary::from_bytes(&[1, 2, 3]));
    assert!(Binary::read(br#"{"value":null}"#).unwrap_err().is_decode());
}
