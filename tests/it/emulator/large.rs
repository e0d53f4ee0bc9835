//! A large table, whose queries are told an index, and what may happen to it: joins, aggregates, rows
//! that go and come back, columns that are dropped, users who read a part of it.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::{BusinessUnit, Depth, Emulator, Role, Security, User};
use serde_json::{Value, json};

use super::fetch::encoded;
use super::{get, post, send, small};
use crate::documents::{ON_PREMISES, document};

const ROWS: usize = 10_050;
const CONTACTS: usize = 50;

const EAST: &str = "00000000-0000-0000-0000-0000000000e1";
const ANNA: &str = "00000000-0000-0000-0000-000000000001";

fn contact(n: usize) -> String {
    format!("00000000-0000-0000-0000-0000000c{n:04}")
}

/// Every row has one of 100 values of `fax`, every second one of the contacts.
fn fill(emulator: &Emulator) {
    let contacts = (0..CONTACTS)
        .map(|n| json!({ "contactid": contact(n), "lastname": format!("c{n}") }).to_string());
    emulator.seed("contact", contacts).unwrap();
    let rows = (0..ROWS).map(|n| {
        let mut row = json!({
            "name": format!("n{}", n * 31 % 4000), "accountnumber": n.to_string(),
            "fax": (n % 100).to_string(),
        });
        if n % 2 == 0 {
            let bound = format!("contacts({})", contact(n / 2 % CONTACTS));
            row["primarycontactid@odata.bind"] = json!(bound);
        }
        row.to_string()
    });
    emulator.seed("account", rows).unwrap();
}

fn large() -> Emulator {
    let emulator = small::emulator();
    fill(&emulator);
    emulator
}

async fn rows(emulator: &Emulator, path: &str) -> Vec<Value> {
    let path = path.replace(' ', "%20");
    let answer = get(emulator, &path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()["value"].as_array().unwrap().clone()
}

async fn fetched(emulator: &Emulator, attributes: &str, inside: &str) -> Vec<Value> {
    let xml = format!("<fetch {attributes}><entity name='account'>{inside}</entity></fetch>");
    rows(emulator, &format!("accounts?fetchXml={}", encoded(&xml))).await
}

/// How many rows have a value of `fax`, by a filter and in an order.
async fn of_fax(emulator: &Emulator, fax: usize) -> usize {
    let ordered = format!("accounts?$select=name&$filter=fax eq '{fax}'&$orderby=name desc");
    let found = rows(emulator, &ordered).await.len();
    for path in [
        "accounts?$orderby=fax&$top=1",
        "accounts?$orderby=accountid&$top=1",
    ] {
        rows(emulator, path).await;
    }
    found
}

#[tokio::test]
async fn rows_that_went_and_came_back_are_found() {
    for emulator in [small::emulator(), secured()] {
        fill(&emulator);
        go_and_come_back(&emulator).await;
    }
}

async fn go_and_come_back(emulator: &Emulator) {
    emulator.snapshot("before any index").unwrap();
    assert_eq!(of_fax(emulator, 42).await, 101);
    emulator.snapshot("with indexes").unwrap();
    for name in ["before any index", "with indexes"] {
        emulator.reset().unwrap();
        assert_eq!(of_fax(emulator, 42).await, 0);
        emulator.restore(name).unwrap();
        assert_eq!(of_fax(emulator, 42).await, 101, "{name}");
    }
    for row in rows(emulator, "accounts?$filter=fax eq '42'").await {
        let path = format!("accounts({})", row["accountid"].as_str().unwrap());
        assert_eq!(send(emulator, "DELETE", &path, &[], "").await.status, 204);
    }
    assert_eq!(of_fax(emulator, 42).await, 0);
    assert_eq!(of_fax(emulator, 43).await, 101);
    emulator.reset().unwrap();
    fill(emulator);
    assert_eq!(of_fax(emulator, 42).await, 101);
}

#[tokio::test]
async fn joins_groups_and_filters_find_the_rows() {
    let emulator = large();
    let fax = "<condition attribute='fax' operator='eq' value='42'/>";
    let name = "<attribute name='name'/><order attribute='name'/>";
    let to_contact = "name='contact' from='contactid' to='primarycontactid'";
    let of_c21 = "<filter><condition attribute='lastname' operator='eq' value='c21'/></filter>";
    for (attributes, inside, expected) in [
        // Rows with 42 are those of c21; those with 43 have no contact.
        (
            "",
            format!(
                "{name}<filter>{fax}</filter><link-entity {to_contact} alias='c'><attribute \
              name='lastname'/></link-entity>"
            ),
            101,
        ),
        (
            "",
            format!("{name}<filter>{fax}</filter><link-entity {to_contact}>{of_c21}</link-entity>"),
            101,
        ),
        (
            "",
            format!("{name}<link-entity {to_contact}>{of_c21}</link-entity>"),
            101,
        ),
        (
            "",
            format!(
                "{name}<filter><condition attribute='fax' operator='in'><value>42</value>\
              <value>43</value></condition></filter><link-entity {to_contact} link-type='outer' \
              alias='c'><attribute name='lastname'/></link-entity>"
            ),
            202,
        ),
        (
            "",
            format!(
                "{name}<filter><condition attribute='fax' operator='in'><value>42</value>\
              <value>43</value></condition><condition entityname='c' attribute='contactid' \
              operator='null'/></filter><link-entity {to_contact} link-type='outer' alias='c'/>"
            ),
            101,
        ),
        (
            "",
            format!(
                "{name}<filter type='or'>{fax}<link-entity {to_contact} link-type='any'>{of_c21}\
              </link-entity></filter>"
            ),
            101,
        ),
        (
            "",
            format!(
                "{name}<filter>{fax}<link-entity {to_contact} link-type='not any'>{of_c21}\
              </link-entity></filter>"
            ),
            0,
        ),
        (
            "",
            format!("{name}<filter>{fax}</filter><link-entity {to_contact} link-type='exists'/>"),
            101,
        ),
        (
            "",
            format!(
                "{name}<filter>{fax}</filter><link-entity {to_contact} link-type='in'>{of_c21}\
              </link-entity>"
            ),
            101,
        ),
        (
            "",
            format!(
                "{name}<filter>{fax}</filter><link-entity {to_contact} \
              link-type='matchfirstrowusingcrossapply'/>"
            ),
            101,
        ),
        ("distinct='true'", "<attribute name='fax'/>".to_owned(), 100),
        (
            "distinct='true'",
            format!("<attribute name='fax'/><filter>{fax}</filter>"),
            1,
        ),
        (
            "aggregate='true'",
            "<attribute name='fax' groupby='true' alias='f'/><attribute \
              name='accountid' aggregate='count' alias='n'/><filter><condition attribute='fax' \
              operator='lt' value='2'/></filter>"
                .to_owned(),
            12,
        ),
    ] {
        let found = fetched(&emulator, attributes, &inside).await;
        assert_eq!(found.len(), expected, "{inside}");
    }
    let count = "<attribute name='accountid' aggregate='count' alias='n'/>";
    let counted = format!("{count}<filter>{fax}</filter>");
    let counted = fetched(&emulator, "aggregate='true'", &counted).await;
    assert_eq!(counted[0]["n"], 101);
    for (filter, expected) in [
        ("fax eq '42' and primarycontactid/lastname eq 'c21'", 101),
        (
            "fax eq '42' and not (primarycontactid/lastname eq 'c21')",
            0,
        ),
        ("fax eq '42' or primarycontactid/lastname eq 'c21'", 101),
        ("fax eq '42' and contact_customer_accounts/any()", 0),
        (
            "fax eq '42' and not contact_customer_accounts/any(c:c/lastname eq 'c1')",
            101,
        ),
        (
            "contact_customer_accounts/all(c:c/lastname eq 'c1') and (fax eq '42' or fax eq null)",
            101,
        ),
        (
            "'42' eq fax and (name gt 'n' and (name lt 'o' or name eq null))",
            101,
        ),
    ] {
        let found = rows(&emulator, &format!("accounts?$filter={filter}&$count=true")).await;
        assert_eq!(found.len(), expected, "{filter}");
    }
    let path = "accounts?$filter=fax eq '42'&$expand=primarycontactid($select=lastname)&$top=3";
    for row in rows(&emulator, path).await {
        assert_eq!(row["primarycontactid"]["lastname"], "c21");
    }
    let path = "accounts?$apply=filter(fax eq '42')/groupby((fax),aggregate($count as n))";
    assert_eq!(rows(&emulator, path).await[0]["n"], 101);
}

#[tokio::test]
async fn a_filter_of_nothing_leaves_all_rows() {
    let emulator = large();
    let fax = "<condition attribute='fax' operator='eq' value='42'/>";
    for (filter, expected) in [
        ("<filter type='or'/>".to_owned(), 5000),
        (format!("<filter>{fax}<filter type='or'/></filter>"), 101),
        (
            format!("<filter type='or'>{fax}<filter type='or'/></filter>"),
            101,
        ),
        (format!("<filter type='or'>{fax}<filter/></filter>"), 101),
    ] {
        let found = fetched(&emulator, "", &filter).await;
        assert_eq!(found.len(), expected, "{filter}");
    }
}

fn code() -> String {
    let label = json!({ "LocalizedLabels": [{ "Label": "Code", "LanguageCode": 1033 }] });
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": "new_Code", "DisplayName": label, "MaxLength": 100,
    })
    .to_string()
}

async fn with_columns_that_come_and_go(emulator: &Emulator) {
    let attributes = "EntityDefinitions(LogicalName='account')/Attributes";
    for round in 0..2 {
        let made = post(emulator, attributes, &code()).await;
        assert_eq!(made.status, 204, "{}", made.body);
        let path = "accounts?$filter=fax eq '42'&$top=1";
        let row = rows(emulator, path).await.remove(0);
        let path = format!("accounts({})", row["accountid"].as_str().unwrap());
        let body = json!({ "new_code": "x" }).to_string();
        let changed = send(emulator, "PATCH", &path, &[], &body).await;
        assert_eq!(changed.status, 204, "{}", changed.body);
        for path in [
            "accounts?$filter=new_code eq 'x'",
            "accounts?$filter=new_code eq 'x'&$orderby=new_code desc,name",
            "accounts?$filter=new_code eq 'x' or fax eq 'none'&$orderby=name",
        ] {
            assert_eq!(rows(emulator, path).await.len(), 1, "{path} {round}");
        }
        assert_eq!(of_fax(emulator, 42).await, 101);
        let gone = format!("{attributes}(LogicalName='new_code')");
        let gone = send(emulator, "DELETE", &gone, &[], "").await;
        assert_eq!(gone.status, 204, "{}", gone.body);
        assert_eq!(of_fax(emulator, 42).await, 101);
        let path = "accounts?$filter=new_code%20eq%20'x'";
        assert_eq!(get(emulator, path).await.status, 400);
    }
}

#[tokio::test]
async fn a_column_with_an_index_is_dropped() {
    with_columns_that_come_and_go(&large()).await;
}

/// Anna reads her own rows; whoever else comes is the administrator.
fn security() -> Security {
    let staff = Role::new("Staff").allow_all("account", Depth::User);
    let anna = User::new(ANNA).token("anna").in_business_unit(EAST);
    Security::new()
        .business_unit(BusinessUnit::new(EAST))
        .role(staff)
        .user(anna.role("Staff"))
}

fn secured() -> Emulator {
    small::builder().security(security()).build().unwrap()
}

#[tokio::test]
async fn a_column_of_a_secured_table_is_dropped() {
    let emulator = secured();
    fill(&emulator);
    with_columns_that_come_and_go(&emulator).await;
}

#[tokio::test]
async fn a_user_finds_the_own_rows_among_many() {
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .clock(VirtualClock::default())
        .security(security())
        .build()
        .unwrap();
    fill(&emulator);
    let by_anna = [("authorization", "Bearer anna")];
    for name in ["B", "A"] {
        let row = json!({ "name": name, "fax": "42" }).to_string();
        let created = send(&emulator, "POST", "accounts", &by_anna, &row).await;
        assert_eq!(created.status, 204, "{}", created.body);
    }
    for (path, expected) in [
        ("accounts?$filter=fax eq '42'&$orderby=name", "A B"),
        ("accounts?$orderby=name desc", "B A"),
        (
            "accounts?$filter=fax eq '42' and (name eq 'A' or name eq 'n1302')",
            "A",
        ),
        ("accounts?$filter=fax eq '42' and not (name eq 'A')", "B"),
        ("accounts?$filter=fax eq '43'", ""),
    ] {
        let path = path.replace(' ', "%20");
        let found = send(&emulator, "GET", &path, &by_anna, "").await.json();
        let found = found["value"].as_array().unwrap().iter();
        let names: Vec<&str> = found.map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(" "), expected, "{path}");
    }
    assert_eq!(of_fax(&emulator, 42).await, 103);
}

#[tokio::test]
async fn a_secured_table_is_dropped() {
    let emulator = secured();
    let label = json!({ "LocalizedLabels": [{ "Label": "Bank", "LanguageCode": 1033 }] });
    let name = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata", "SchemaName": "new_Name",
        "DisplayName": label, "MaxLength": 100, "IsPrimaryName": true,
    });
    let bank = json!({
        "SchemaName": "new_Bank", "DisplayName": label, "DisplayCollectionName": label,
        "OwnershipType": "UserOwned", "HasActivities": false, "HasNotes": false,
        "Attributes": [name],
    })
    .to_string();
    for _ in 0..2 {
        let made = post(&emulator, "EntityDefinitions", &bank).await;
        assert_eq!(made.status, 204, "{}", made.body);
        assert_eq!(rows(&emulator, "new_banks").await.len(), 0);
        let row = json!({ "new_name": "A" }).to_string();
        let created = post(&emulator, "new_banks", &row).await;
        assert_eq!(created.status, 204, "{}", created.body);
        assert_eq!(rows(&emulator, "new_banks").await.len(), 1);
        let path = "EntityDefinitions(LogicalName='new_bank')";
        let gone = send(&emulator, "DELETE", path, &[], "").await;
        assert_eq!(gone.status, 204, "{}", gone.body);
        assert_eq!(get(&emulator, "new_banks").await.status, 404);
    }
}
