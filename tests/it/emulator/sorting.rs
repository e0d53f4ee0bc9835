//! Sorting by names and labels, paths to owners, and what `$apply` sorts and filters.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::fetch::{decoded, encoded};
use super::{create, emulator, get, send};
use crate::documents::{ON_PREMISES, document};

/// The rows of all pages, `size` at a time, and how many pages there were.
async fn pages(emulator: &Emulator, path: &str, size: usize) -> (Vec<Value>, usize) {
    let prefer = format!("odata.maxpagesize={size}");
    let (mut rows, mut count) = (Vec::new(), 0);
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = send(emulator, "GET", &path, &[("prefer", &prefer)], "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let json = answer.json();
        rows.extend(json["value"].as_array().unwrap().clone());
        count += 1;
        assert!(count < 20, "the pages do not end");
        next = json["@odata.nextLink"].as_str().map(str::to_owned);
    }
    (rows, count)
}

fn joined(rows: &[Value], name: &str) -> String {
    let texts = rows.iter().map(|row| row[name].as_str().unwrap_or("-"));
    texts.collect::<Vec<_>>().join(" ")
}

/// Accounts whose contacts are named against the order of their ids.
async fn org() -> Emulator {
    let emulator = emulator();
    for (number, name) in [(1, "zoe"), (2, "Ann"), (3, "bob"), (4, "ann")] {
        let row = json!({
            "contactid": format!("00000000-0000-0000-0000-0000000000c{number}"), "fullname": name,
        });
        create(&emulator, "contacts", &row.to_string()).await;
    }
    for (name, contact) in [
        ("a1", Some(1)),
        ("a2", Some(2)),
        ("a3", Some(3)),
        ("a4", Some(4)),
        ("a5", None),
    ] {
        let mut row = json!({
            "accountid": format!("00000000-0000-0000-0000-0000000000{name}"), "name": name,
        });
        if let Some(number) = contact {
            row["primarycontactid@odata.bind"] = json!(format!(
                "contacts(00000000-0000-0000-0000-0000000000c{number})"
            ));
        }
        create(&emulator, "accounts", &row.to_string()).await;
    }
    emulator
}

#[tokio::test]
async fn lookups_are_sorted_by_the_names_of_their_rows() {
    let emulator = org().await;
    for (order, expected) in [
        ("_primarycontactid_value", "a5 a2 a4 a3 a1"),
        ("_primarycontactid_value desc", "a1 a3 a4 a2 a5"),
        ("_primarycontactid_value,name desc", "a5 a4 a2 a3 a1"),
        ("primarycontactid/fullname desc,name", "a1 a3 a2 a4 a5"),
    ] {
        let path = format!(
            "accounts?$select=name&$orderby={}",
            order.replace(' ', "%20")
        );
        for size in [1, 2, 3, 5] {
            let (rows, _) = pages(&emulator, &path, size).await;
            assert_eq!(joined(&rows, "name"), expected, "{order} by {size}");
        }
    }
}

#[tokio::test]
async fn fetchxml_sorts_lookups_by_names_page_by_page() {
    let emulator = org().await;
    let headers = [("prefer", "odata.include-annotations=\"*\"")];
    let mut names = Vec::new();
    let mut cookie = String::new();
    for page in 1..=3 {
        let xml = format!(
            "<fetch count='2' page='{page}'{cookie}><entity name='account'>\
             <attribute name='name'/><order attribute='primarycontactid' descending='true'/>\
             </entity></fetch>"
        );
        let path = format!("accounts?fetchXml={}", encoded(&xml));
        let answer = send(&emulator, "GET", &path, &headers, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let json = answer.json();
        names.extend(json["value"].as_array().unwrap().clone());
        let told = json["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"].as_str();
        assert_eq!(told.is_some(), page < 3, "{}", answer.body);
        if let Some(told) = told {
            let inner = told.split("pagingcookie=\"").nth(1).unwrap();
            let inner = inner.split('"').next().unwrap();
            let inner = decoded(&decoded(inner));
            let inner = inner
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('"', "&quot;");
            cookie = format!(" paging-cookie=\"{inner}\"");
        }
    }
    assert_eq!(joined(&names, "name"), "a1 a3 a4 a2 a5");
}

#[tokio::test]
async fn a_lookup_to_several_tables_is_sorted_by_the_names_of_all() {
    let emulator = org().await;
    let account = "accounts(00000000-0000-0000-0000-0000000000a3)";
    let contact = "contacts(00000000-0000-0000-0000-0000000000c3)";
    for (title, bind, target) in [
        ("on account a3", "customerid_account", account),
        ("on contact bob", "customerid_contact", contact),
    ] {
        let row = json!({ "title": title, format!("{bind}@odata.bind"): target });
        create(&emulator, "incidents", &row.to_string()).await;
    }
    create(&emulator, "incidents", r#"{"title":"on nobody"}"#).await;
    let answer = get(
        &emulator,
        "incidents?$select=title&$orderby=_customerid_value",
    )
    .await;
    let rows = answer.json()["value"].as_array().unwrap().clone();
    let expected = "on nobody on account a3 on contact bob";
    assert_eq!(joined(&rows, "title"), expected, "{}", answer.body);
    for (filter, expected) in [
        ("customerid_contact/fullname eq 'bob'", "on contact bob"),
        ("customerid_account/name eq 'a3'", "on account a3"),
        (
            "customerid_account/name eq null",
            "on contact bob on nobody",
        ),
    ] {
        let path = format!(
            "incidents?$select=title&$orderby=title&$filter={}&$expand=customerid_contact($select=fullname)",
            filter.replace(' ', "%20")
        );
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let rows = answer.json()["value"].as_array().unwrap().clone();
        assert_eq!(joined(&rows, "title"), expected, "{filter}");
    }
}

#[tokio::test]
async fn an_owner_has_nothing_but_its_key() {
    let emulator = org().await;
    let who = get(&emulator, "WhoAmI").await.json();
    let user = who["UserId"].as_str().unwrap();
    for (filter, expected) in [
        (format!("ownerid/ownerid eq {user}"), 5),
        (format!("ownerid/ownerid ne {user}"), 0),
        (
            format!("contact_customer_accounts/any(c:c/ownerid/ownerid eq {user})"),
            0,
        ),
        (format!("owninguser/systemuserid eq {user}"), 5),
    ] {
        let path = format!("accounts?$filter={}", filter.replace(' ', "%20"));
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
        let count = answer.json()["value"].as_array().unwrap().len();
        assert_eq!(count, expected, "{filter}");
    }
    let sorted = get(&emulator, "accounts?$orderby=ownerid/ownerid,name").await;
    assert_eq!(sorted.status, 200, "{}", sorted.body);
    for (query, name) in [
        ("$filter=ownerid/fullname%20eq%20'a'", "fullname"),
        ("$orderby=ownerid/name", "name"),
        (
            "$filter=ownerid/businessunitid/name%20eq%20'a'",
            "businessunitid",
        ),
        (
            "$filter=Microsoft.Dynamics.CRM.In(PropertyName='ownerid/name',PropertyValues=['a'])",
            "name",
        ),
    ] {
        let answer = get(&emulator, &format!("accounts?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let expected = format!(
            "Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.principal'."
        );
        assert_eq!(answer.error().1, expected);
    }
}

#[tokio::test]
async fn fetchxml_sorts_choices_by_their_labels() {
    let definitions = json!({ "value": [{
        "LogicalName": "account",
        "Attributes": [{
            "@odata.type": "#Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
            "LogicalName": "industrycode", "AttributeType": "Picklist",
            "OptionSet": { "Options": [
                { "Value": 1, "Label": { "UserLocalizedLabel": { "Label": "Zinc" } } },
                { "Value": 2, "Label": { "UserLocalizedLabel": { "Label": "Arts" } } },
                { "Value": 3, "Label": { "UserLocalizedLabel": { "Label": "Mines" } } },
            ] },
        }],
    }] });
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .definitions(definitions.to_string())
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    for code in 1..=3 {
        let row = json!({ "name": format!("{code}"), "industrycode": code });
        create(&emulator, "accounts", &row.to_string()).await;
    }
    for (attributes, expected) in [("", "2 3 1"), (" useraworderby='true'", "1 2 3")] {
        let xml = format!(
            "<fetch{attributes}><entity name='account'><attribute name='name'/>\
             <order attribute='industrycode'/></entity></fetch>"
        );
        let answer = get(&emulator, &format!("accounts?fetchXml={}", encoded(&xml))).await;
        let rows = answer.json()["value"].as_array().unwrap().clone();
        assert_eq!(joined(&rows, "name"), expected, "{}", answer.body);
    }
    let xml = "<fetch aggregate='true'><entity name='account'>\
        <attribute name='industrycode' alias='code' groupby='true'/>\
        <attribute name='accountid' alias='n' aggregate='count'/>\
        <order alias='code' descending='true'/></entity></fetch>";
    let answer = get(&emulator, &format!("accounts?fetchXml={}", encoded(xml))).await;
    let rows = answer.json()["value"].as_array().unwrap().clone();
    let codes: Vec<_> = rows
        .iter()
        .map(|row| row["code"].as_i64().unwrap())
        .collect();
    assert_eq!(codes, [1, 3, 2], "{}", answer.body);
    let (rows, _) = pages(&emulator, "accounts?$orderby=industrycode", 2).await;
    assert_eq!(joined(&rows, "name"), "1 2 3");
}

#[tokio::test]
async fn groups_are_sorted_and_filtered_by_what_they_are_of() {
    let emulator = org().await;
    for (query, expected) in [
        (
            "groupby((primarycontactid/fullname))&$orderby=primarycontactid/fullname desc",
            "zoe bob Ann -",
        ),
        (
            "groupby((_primarycontactid_value))&$orderby=_primarycontactid_value",
            "- - - - -",
        ),
        (
            "groupby((primarycontactid/fullname))&$filter=primarycontactid/fullname gt 'b'",
            "bob zoe",
        ),
    ] {
        let path = format!("accounts?$apply={}", query.replace(' ', "%20"));
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let rows = answer.json()["value"].as_array().unwrap().clone();
        assert_eq!(joined(&rows, "contact_fullname"), expected, "{query}");
    }
    let path = "accounts?$apply=groupby((name),aggregate($count%20as%20n))&$orderby=name%20desc\
                &$filter=name%20ne%20'a1'&$top=2";
    let rows = get(&emulator, path).await.json()["value"].clone();
    assert_eq!(
        rows,
        json!([{"name": "a5", "n": 1}, {"name": "a4", "n": 1}])
    );
}

#[tokio::test]
async fn fetchxml_groups_by_fiscal_parts_and_keeps_its_own_limit() {
    let emulator = emulator();
    for time in ["2025-02-01", "2025-03-31", "2025-04-01", "2026-12-31"] {
        let row = json!({ "name": time, "lastusedincampaign": format!("{time}T12:00:00Z") });
        create(&emulator, "accounts", &row.to_string()).await;
    }
    let grouped = |limit: &str| {
        encoded(&format!(
            "<fetch aggregate='true'{limit}><entity name='account'>\
             <attribute name='accountid' alias='n' aggregate='count'/>\
             <attribute name='lastusedincampaign' alias='y' groupby='true' dategrouping='fiscal-year'/>\
             <attribute name='lastusedincampaign' alias='p' groupby='true' dategrouping='fiscal-period'/>\
             <order alias='y'/><order alias='p'/></entity></fetch>"
        ))
    };
    let answer = get(&emulator, &format!("accounts?fetchXml={}", grouped(""))).await;
    let expected = json!([
        {"n": 2, "y": 2025, "p": 1}, {"n": 1, "y": 2025, "p": 2}, {"n": 1, "y": 2026, "p": 4},
    ]);
    assert_eq!(answer.json()["value"], expected, "{}", answer.body);
    for (limit, status) in [("4", 200), ("3", 400)] {
        let xml = grouped(&format!(" aggregatelimit='{limit}'"));
        let answer = get(&emulator, &format!("accounts?fetchXml={xml}")).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 400 {
            assert_eq!(answer.error().0, "0x8004E023");
        }
    }
    let retained = "<fetch datasource='retained'><entity name='account'/></fetch>";
    let path = format!("accounts?fetchXml={}&$count=true", encoded(retained));
    let json = get(&emulator, &path).await.json();
    assert_eq!(
        (&json["@odata.count"], &json["value"]),
        (&json!(0), &json!([]))
    );
    let wrong = "<fetch datasource='past'><entity name='account'/></fetch>";
    let answer = get(&emulator, &format!("accounts?fetchXml={}", encoded(wrong))).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}
