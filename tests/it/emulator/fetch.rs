//! FetchXML: conditions, links, aggregates, pages, and what is refused.

use serde_json::{Value, json};

use super::documented::{assert_as_documented, examples, replay};
use super::{Answer, create, emulator, get, send};

const ACCOUNT: &str = "00000000-0000-0000-0000-000000000001";

/// Percent-encodes everything but letters, digits and what XML is full of.
pub(super) fn encoded(xml: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/='-_.".contains(&byte);
    xml.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

async fn fetch(emulator: &dataverse_emulator::Emulator, set: &str, xml: &str) -> Answer {
    get(emulator, &format!("{set}?fetchXml={}", encoded(xml))).await
}

/// Names of the accounts that a filter leaves.
async fn names(emulator: &dataverse_emulator::Emulator, inside: &str) -> String {
    let xml = format!(
        "<fetch><entity name='account'><attribute name='name'/><order attribute='name'/>\
         {inside}</entity></fetch>"
    );
    let answer = fetch(emulator, "accounts", &xml).await;
    assert_eq!(answer.status, 200, "{inside}: {}", answer.body);
    let json = answer.json();
    let rows = json["value"].as_array().unwrap().iter();
    let names: Vec<_> = rows
        .map(|row| row["name"].as_str().unwrap_or("-"))
        .collect();
    names.join(" ")
}

/// Four accounts, two contacts, three tasks. It is Thursday, 2026-01-01.
async fn org() -> dataverse_emulator::Emulator {
    let emulator = emulator();
    for (set, row) in [
        (
            "contacts",
            json!({"contactid": "00000000-0000-0000-0000-0000000000c1", "fullname": "Ann"}),
        ),
        (
            "accounts",
            json!({
                "accountid": ACCOUNT, "name": "A", "numberofemployees": 5, "revenue": 10.5,
                "donotemail": true, "description": "a", "accountnumber": "1,9",
                "lastusedincampaign": "2025-12-31T23:00:00Z", "websiteurl": "50% [x]",
                "primarycontactid@odata.bind": "contacts(00000000-0000-0000-0000-0000000000c1)",
            }),
        ),
        (
            "accounts",
            json!({
                "accountid": "00000000-0000-0000-0000-000000000002", "name": "B", "numberofemployees": 10,
                "revenue": 9.99, "donotemail": false, "description": "x", "accountnumber": "2",
                "lastusedincampaign": "2026-01-01T00:00:00Z",
                "parentaccountid@odata.bind": format!("accounts({ACCOUNT})"),
            }),
        ),
        (
            "accounts",
            json!({
                "accountid": "00000000-0000-0000-0000-000000000003", "name": "C", "numberofemployees": 10,
                "lastusedincampaign": "2026-02-10T12:00:00Z",
            }),
        ),
        (
            "accounts",
            json!({"accountid": "00000000-0000-0000-0000-000000000004"}),
        ),
        (
            "contacts",
            json!({
                "contactid": "00000000-0000-0000-0000-0000000000c2", "fullname": "Bob",
                "parentcustomerid_account@odata.bind": format!("accounts({ACCOUNT})"),
            }),
        ),
    ] {
        create(&emulator, set, &row.to_string()).await;
    }
    for (n, account) in [(1, 1), (2, 1), (3, 2)] {
        let task = json!({
            "activityid": format!("00000000-0000-0000-0000-0000000000a{n}"),
            "subject": format!("Task {n}"), "prioritycode": n,
            "regardingobjectid_account_task@odata.bind":
                format!("accounts(00000000-0000-0000-0000-00000000000{account})"),
        });
        create(&emulator, "tasks", &task.to_string()).await;
    }
    emulator
}

#[tokio::test]
async fn conditions_find_what_they_say() {
    let emulator = org().await;
    for (condition, expected) in [
        ("attribute='name' operator='eq' value='a'", "A"),
        ("attribute='name' operator='ne' value='a'", "- B C"),
        ("attribute='name' operator='neq' value='a'", "- B C"),
        ("attribute='name' operator='null'", "-"),
        ("attribute='name' operator='not-null'", "A B C"),
        ("attribute='name' operator='gt' value='a'", "B C"),
        ("attribute='name' operator='le' value='b'", "A B"),
        ("attribute='revenue' operator='ge' value='9.990'", "A B"),
        ("attribute='revenue' operator='lt' value='10'", "B"),
        ("attribute='donotemail' operator='eq' value='1'", "A"),
        ("attribute='donotemail' operator='eq' value='true'", "A"),
        ("attribute='websiteurl' operator='like' value='50[%]%'", "A"),
        (
            "attribute='websiteurl' operator='not-like' value='50%'",
            "- B C",
        ),
        (
            "attribute='websiteurl' operator='begins-with' value='50'",
            "A",
        ),
        (
            "attribute='websiteurl' operator='not-begin-with' value='5'",
            "- B C",
        ),
        (
            "attribute='websiteurl' operator='ends-with' value='[[]x]'",
            "A",
        ),
        (
            "attribute='websiteurl' operator='not-end-with' value='x'",
            "- A B C",
        ),
        (
            "attribute='numberofemployees' operator='between'><value>6</value><value>10</value",
            "B C",
        ),
        (
            "attribute='numberofemployees' operator='not-between'><value>6</value><value>10</value",
            "A",
        ),
        (
            "attribute='name' operator='in'><value>a</value><value>c</value",
            "A C",
        ),
        (
            "attribute='name' operator='not-in'><value>a</value><value>c</value",
            "- B",
        ),
        (
            "attribute='accountnumber' operator='contain-values'><value>9</value><value>3</value",
            "A",
        ),
        (
            "attribute='accountnumber' operator='not-contain-values'><value>9</value",
            "- B C",
        ),
        ("attribute='ownerid' operator='eq-userid'", "- A B C"),
        ("attribute='ownerid' operator='ne-userid'", ""),
        (
            "attribute='owningbusinessunit' operator='eq-businessid'",
            "- A B C",
        ),
        (
            "attribute='primarycontactid' operator='eq' value='{00000000-0000-0000-0000-0000000000C1}' uiname='x' uitype='contact'",
            "A",
        ),
        ("attribute='name' operator='eq' valueof='description'", "A"),
        ("attribute='name' operator='ne' valueof='description'", "B"),
        ("attribute='lastusedincampaign' operator='today'", "B"),
        ("attribute='lastusedincampaign' operator='yesterday'", "A"),
        (
            "attribute='lastusedincampaign' operator='on' value='2026-02-10'",
            "C",
        ),
        (
            "attribute='lastusedincampaign' operator='on-or-after' value='2026-01-01'",
            "B C",
        ),
        (
            "attribute='lastusedincampaign' operator='on-or-before' value='2026-01-01'",
            "A B",
        ),
        (
            "attribute='lastusedincampaign' operator='last-seven-days'",
            "A B",
        ),
        ("attribute='lastusedincampaign' operator='this-week'", "A B"),
        ("attribute='lastusedincampaign' operator='last-year'", "A"),
        ("attribute='lastusedincampaign' operator='next-month'", "C"),
        (
            "attribute='lastusedincampaign' operator='last-x-hours' value='1'",
            "A B",
        ),
        (
            "attribute='lastusedincampaign' operator='next-x-weeks' value='6'",
            "B C",
        ),
        (
            "attribute='lastusedincampaign' operator='olderthan-x-minutes' value='30'",
            "A",
        ),
        (
            "attribute='lastusedincampaign' operator='in-fiscal-year' value='2025'",
            "A",
        ),
        (
            "attribute='lastusedincampaign' operator='in-fiscal-period' value='4'",
            "A",
        ),
        (
            "attribute='lastusedincampaign' operator='in-fiscal-period-and-year'><value>1</value><value>2026</value",
            "B C",
        ),
        ("attribute='createdon' operator='today'", "- A B C"),
    ] {
        let condition = match condition.ends_with("</value") {
            true => format!("<filter><condition {condition}></condition></filter>"),
            false => format!("<filter><condition {condition}/></filter>"),
        };
        assert_eq!(names(&emulator, &condition).await, expected, "{condition}");
    }
}

#[tokio::test]
async fn filters_nest() {
    let emulator = org().await;
    let filter = "<filter type='or'><condition attribute='name' operator='null'/>\
        <filter type='and'><condition attribute='numberofemployees' operator='eq' value='10'/>\
        <filter/><condition attribute='revenue' operator='not-null'/></filter></filter>\
        <filter><condition attribute='statecode' operator='eq' value='0'/></filter>";
    assert_eq!(names(&emulator, filter).await, "- B");
}

#[tokio::test]
async fn links_join_filter_and_look() {
    let emulator = org().await;
    let tasks = |link_type: &str, inside: &str| {
        format!(
            "<link-entity name='task' from='regardingobjectid' to='accountid' alias='t' \
             link-type='{link_type}'>{inside}</link-entity>"
        )
    };
    let two = "<filter><condition attribute='prioritycode' operator='eq' value='2'/></filter>";
    for (inside, expected) in [
        (tasks("inner", ""), "A A B"),
        (tasks("natural", two), "A"),
        (tasks("outer", ""), "- A A B C"),
        (tasks("outer", two), "- A B C"),
        (tasks("exists", ""), "A B"),
        (tasks("exists", two), "A"),
        (tasks("in", two), "A"),
        (tasks("matchfirstrowusingcrossapply", ""), "- A B C"),
        (format!("<filter>{}</filter>", tasks("any", two)), "A"),
        (
            format!("<filter>{}</filter>", tasks("not any", two)),
            "- B C",
        ),
        (format!("<filter>{}</filter>", tasks("all", two)), "B"),
        (format!("<filter>{}</filter>", tasks("not all", two)), "A"),
        (
            format!(
                "<filter type='or'>{}<condition attribute='name' operator='eq' value='c'/></filter>",
                tasks("any", two)
            ),
            "A C",
        ),
        // No tasks: the outer join finds nothing.
        (
            format!(
                "{}<filter><condition entityname='t' attribute='activityid' operator='null'/></filter>",
                tasks("outer", "")
            ),
            "- C",
        ),
        (
            tasks(
                "exists",
                "<link-entity name='systemuser' from='systemuserid' to='owninguser'><filter>\
                 <condition attribute='fullname' operator='eq' value='nobody'/></filter></link-entity>",
            ),
            "",
        ),
        (
            "<link-entity name='contact' from='contactid' to='primarycontactid' alias='c'/>\
             <filter><condition attribute='name' operator='ne' valueof='c.fullname'/></filter>"
                .to_owned(),
            "A",
        ),
    ] {
        assert_eq!(names(&emulator, &inside).await, expected, "{inside}");
    }
}

#[tokio::test]
async fn rows_leave_nulls_out_and_linked_columns_are_named_by_their_alias() {
    let emulator = org().await;
    let xml = "<fetch><entity name='account'><attribute name='name'/><attribute name='primarycontactid'/>\
        <attribute name='numberofemployees' alias='staff'/><order attribute='name' descending='true'/>\
        <link-entity name='contact' from='contactid' to='primarycontactid' link-type='outer' alias='c'>\
        <attribute name='fullname'/><attribute name='parentcustomerid'/><attribute name='createdon' alias='made'/>\
        </link-entity><link-entity name='contact' from='parentcustomerid' to='accountid' link-type='outer'>\
        <attribute name='parentcustomerid'/></link-entity></entity></fetch>";
    let path = format!("accounts?fetchXml={}", encoded(xml).replace("%20", "+"));
    let answer = send(
        &emulator,
        "GET",
        &path,
        &[("prefer", "odata.include-annotations=\"*\"")],
        "",
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(
        json["@odata.context"],
        "https://emulator.localhost/api/data/v9.2/$metadata#accounts(name,_primarycontactid_value,staff,accountid)"
    );
    let mut row = json["value"][2].clone();
    row.as_object_mut().unwrap().remove("@odata.etag");
    assert_eq!(
        row,
        json!({
            "name": "A",
            "_primarycontactid_value@Microsoft.Dynamics.CRM.associatednavigationproperty": "primarycontactid",
            "_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "contact",
            "_primarycontactid_value@OData.Community.Display.V1.FormattedValue": "Ann",
            "_primarycontactid_value": "00000000-0000-0000-0000-0000000000c1",
            "staff@OData.Community.Display.V1.AttributeName": "numberofemployees",
            "staff@OData.Community.Display.V1.FormattedValue": "5",
            "staff": 5,
            "c.fullname@OData.Community.Display.V1.AttributeName": "fullname",
            "c.fullname": "Ann",
            "made@OData.Community.Display.V1.AttributeName": "createdon",
            "made@OData.Community.Display.V1.FormattedValue": "1/1/2026 12:00 AM",
            "made": "2026-01-01T00:00:00Z",
            "contact2.parentcustomerid@Microsoft.Dynamics.CRM.associatednavigationproperty": "parentcustomerid_account",
            "contact2.parentcustomerid@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
            "contact2.parentcustomerid@OData.Community.Display.V1.FormattedValue": "A",
            "contact2.parentcustomerid@OData.Community.Display.V1.AttributeName": "parentcustomerid",
            "contact2.parentcustomerid": ACCOUNT,
            "accountid": ACCOUNT,
        })
    );
    assert_eq!(
        json["value"][3].as_object().unwrap().len(),
        2,
        "key and ETag of the row of nulls"
    );
    let all = fetch(
        &emulator,
        "accounts",
        "<fetch top='1'><entity name='account'><all-attributes/></entity></fetch>",
    )
    .await
    .json();
    assert_eq!(
        all["@odata.context"],
        "https://emulator.localhost/api/data/v9.2/$metadata#accounts"
    );
    assert_eq!(all["value"][0]["name"], "A");
    assert!(all["value"][0].get("telephone1").is_none());
}

#[tokio::test]
async fn distinct_rows_have_no_key() {
    let emulator = org().await;
    let xml = "<fetch distinct='true' returntotalrecordcount='true'><entity name='account'>\
        <attribute name='numberofemployees'/><order attribute='numberofemployees'/></entity></fetch>";
    let json = fetch(&emulator, "accounts", xml).await.json();
    assert_eq!(
        json["value"],
        json!([{}, {"numberofemployees": 5}, {"numberofemployees": 10}])
    );
    assert_eq!(json["@odata.count"], 3);
}

#[tokio::test]
async fn aggregates_and_groups() {
    let emulator = org().await;
    let xml = |inside: &str| {
        format!("<fetch aggregate='true'><entity name='account'>{inside}</entity></fetch>")
    };
    for (inside, expected) in [
        (
            "<attribute name='accountid' alias='n' aggregate='count'/>\
             <attribute name='numberofemployees' alias='staffed' aggregate='countcolumn'/>\
             <attribute name='numberofemployees' alias='sizes' aggregate='countcolumn' distinct='true'/>\
             <attribute name='numberofemployees' alias='sum' aggregate='sum'/>\
             <attribute name='numberofemployees' alias='average' aggregate='avg'/>\
             <attribute name='revenue' alias='least' aggregate='min'/>\
             <attribute name='revenue' alias='most' aggregate='max'/>\
             <attribute name='lastusedincampaign' alias='latest' aggregate='max'/>",
            json!([{
                "n": 4, "staffed": 3, "sizes": 2, "sum": 25, "average": 8, "least": 9.99, "most": 10.5,
                "latest": "2026-02-10T12:00:00Z",
            }]),
        ),
        (
            "<attribute name='numberofemployees' alias='size' groupby='true'/>\
             <attribute name='accountid' alias='n' aggregate='count'/><order alias='n' descending='true'/>\
             <order alias='size'/>",
            json!([{"size": 10, "n": 2}, {"n": 1}, {"size": 5, "n": 1}]),
        ),
        (
            "<attribute name='lastusedincampaign' alias='year' groupby='true' dategrouping='year'/>\
             <attribute name='lastusedincampaign' alias='quarter' groupby='true' dategrouping='quarter'/>\
             <attribute name='lastusedincampaign' alias='month' groupby='true' dategrouping='month'/>\
             <attribute name='lastusedincampaign' alias='week' groupby='true' dategrouping='week'/>\
             <attribute name='lastusedincampaign' alias='day' groupby='true' dategrouping='day'/>\
             <filter><condition attribute='name' operator='in'><value>A</value><value>C</value></condition></filter>",
            json!([
                {"year": 2025, "quarter": 4, "month": 12, "week": 53, "day": 31},
                {"year": 2026, "quarter": 1, "month": 2, "week": 7, "day": 10},
            ]),
        ),
        (
            "<attribute name='name' alias='name' groupby='true'/>\
             <link-entity name='task' from='regardingobjectid' to='accountid' alias='t'>\
             <attribute name='prioritycode' alias='total' aggregate='sum'/></link-entity>\
             <order alias='total' descending='true'/><order alias='name'/>",
            json!([{"name": "A", "total": 3}, {"name": "B", "total": 3}]),
        ),
        (
            "<attribute name='primarycontactid' alias='contact' groupby='true'/>\
             <attribute name='accountid' alias='n' aggregate='count'/>\
             <filter><condition attribute='primarycontactid' operator='not-null'/></filter>",
            json!([{"contact": "00000000-0000-0000-0000-0000000000c1", "n": 1}]),
        ),
        (
            "<attribute name='numberofemployees' alias='sum' aggregate='sum'/>\
             <filter><condition attribute='name' operator='eq' value='none'/></filter>",
            json!([{}]),
        ),
    ] {
        let answer = fetch(&emulator, "accounts", &xml(inside)).await;
        assert_eq!(answer.status, 200, "{inside}: {}", answer.body);
        assert_eq!(answer.json()["value"], expected, "{inside}");
    }
    let exact = fetch(
        &emulator,
        "accounts",
        &xml("<attribute name='revenue' alias='total' aggregate='sum'/>"),
    )
    .await;
    assert!(
        exact.body.contains("\"total\":20.490000000"),
        "{}",
        exact.body
    );
}

#[tokio::test]
async fn pages_are_those_of_the_document_byte_for_byte() {
    let examples = examples("docs-fetchxml-page-results.json");
    let emulator = emulator();
    let expected = |number: usize| -> Value {
        let example = &examples[&format!("fetchxml-page-results#{number}")];
        serde_json::from_str(example["response"]["body"].as_str().unwrap()).unwrap()
    };
    for number in [1, 2, 3] {
        let page = expected(number);
        let rows = page["value"].as_array().unwrap().iter().map(|row| {
            let mut row = row.as_object().unwrap().clone();
            row.remove("@odata.etag");
            row.remove("_transactioncurrencyid_value");
            Value::Object(row).to_string()
        });
        emulator.seed("contact", rows).unwrap();
    }
    let cookie = "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie";
    let more = "@Microsoft.Dynamics.CRM.morerecords";
    for number in [1, 2, 3] {
        let example = &examples[&format!("fetchxml-page-results#{number}")];
        let answer = replay(&emulator, example).await;
        assert_as_documented(&answer, example);
        let (told, expected) = (answer.json(), expected(number));
        assert_eq!(told[cookie], expected[cookie], "{number}");
        assert_eq!(told[more], expected[more], "{number}");
        let names = |page: &Value| -> Vec<String> {
            let rows = page["value"].as_array().unwrap().iter();
            rows.map(|row| row["fullname"].to_string()).collect()
        };
        assert_eq!(names(&told), names(&expected), "{number}");
    }
}

#[tokio::test]
async fn pages_hold_every_row_once_by_cookie_and_by_number() {
    let emulator = emulator();
    let rows = (0..11).map(|n| {
        let name = match n % 3 {
            0 => "null".to_owned(),
            n => format!("\"a &amp; '{n}' % <b>\""),
        };
        format!(r#"{{"accountnumber":"{n}","name":{name},"revenue":{n}.5}}"#)
    });
    emulator.seed("account", rows).unwrap();
    let prefer = [(
        "prefer",
        "odata.include-annotations=\"Microsoft.Dynamics.CRM.*\"",
    )];
    for order in [
        "",
        "<order attribute='name'/>",
        "<order attribute='name' descending='true'/><order attribute='revenue' descending='true'/>",
        "<order attribute='revenue'/>",
        "<order attribute='createdon'/><order attribute='ownerid'/>",
    ] {
        for has_cookie in [true, false] {
            let mut seen = Vec::new();
            let mut paging = String::new();
            for page in 1..5 {
                let xml = format!(
                    "<fetch count='4' page='{page}'{paging}><entity name='account'>\
                     <attribute name='accountnumber'/>{order}</entity></fetch>"
                );
                let path = format!("accounts?fetchXml={}&$count=true", encoded(&xml));
                let answer = send(&emulator, "GET", &path, &prefer, "").await;
                assert_eq!(answer.status, 200, "{}", answer.body);
                let json = answer.json();
                assert_eq!(json["@odata.count"], 11);
                let rows = json["value"].as_array().unwrap();
                seen.extend(
                    rows.iter()
                        .map(|row| row["accountnumber"].as_str().unwrap().to_owned()),
                );
                let Some(cookie) = json["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"].as_str()
                else {
                    assert!(json.get("@Microsoft.Dynamics.CRM.morerecords").is_none());
                    assert_eq!(page, 3);
                    break;
                };
                assert_eq!(json["@Microsoft.Dynamics.CRM.morerecords"], true);
                let inner = cookie.split("pagingcookie=\"").nth(1).unwrap();
                let inner = decoded(&decoded(inner.split('"').next().unwrap()));
                assert!(
                    inner.starts_with(&format!("<cookie page=\"{page}\">")),
                    "{inner}"
                );
                if has_cookie {
                    let escaped = inner
                        .replace('&', "&amp;")
                        .replace('<', "&lt;")
                        .replace('"', "&quot;")
                        .replace('\'', "&#39;");
                    paging = format!(" paging-cookie='{escaped}'");
                }
            }
            seen.sort_by_key(|number| number.parse::<u32>().unwrap());
            let expected: Vec<_> = (0..11).map(|n| n.to_string()).collect();
            assert_eq!(seen, expected, "{order} {has_cookie}");
        }
    }
    // Without the annotations nothing tells of more; repeated rows have no cookie.
    let plain = fetch(
        &emulator,
        "accounts",
        "<fetch count='4'><entity name='account'/></fetch>",
    )
    .await
    .json();
    assert_eq!(plain.as_object().unwrap().len(), 2);
    let linked = "<fetch count='4'><entity name='account'><attribute name='name'/>\
        <link-entity name='account' from='name' to='name'/></entity></fetch>";
    let linked = send(
        &emulator,
        "GET",
        &format!("accounts?fetchXml={}", encoded(linked)),
        &prefer,
        "",
    )
    .await
    .json();
    assert_eq!(linked["@Microsoft.Dynamics.CRM.morerecords"], true);
    assert!(linked["@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"].is_null());
}

pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn wrong_documents_are_refused() {
    let emulator = org().await;
    let entity = |inside: &str| format!("<fetch><entity name='account'>{inside}</entity></fetch>");
    let condition = |inside: &str| entity(&format!("<filter><condition {inside}/></filter>"));
    let link = |inside: &str| entity(&format!("<link-entity name='contact' {inside}/>"));
    let many = |n: usize| "<condition attribute='name' operator='null'/>".repeat(n);
    assert_eq!(
        fetch(
            &emulator,
            "accounts",
            &entity(&format!("<filter>{}</filter>", many(500)))
        )
        .await
        .status,
        200
    );
    for (xml, code, text) in [
        (String::new(), "0x80040203", "Invalid XML"),
        ("<fetch>".to_owned(), "0x80040203", "Invalid XML"),
        ("<fetch/>".to_owned(), "0x80040203", "'entity'"),
        ("<query/>".to_owned(), "0x80040203", "'query' is not 'fetch'"),
        ("<fetch><entity/></fetch>".to_owned(), "0x80040203", "'name' of 'entity'"),
        ("<fetch top='x'><entity name='account'/></fetch>".to_owned(), "0x80040203", "'top' is 'x'"),
        ("<fetch top='1' page='2'><entity name='account'/></fetch>".to_owned(), "0x80040203", "top attribute can't"),
        ("<fetch page='2' paging-cookie='x'><entity name='account'/></fetch>".to_owned(), "0x80060888", "Paging Cookie"),
        ("<fetch><entity name='contact'/></fetch>".to_owned(), "0x80060888", "does not match"),
        ("<fetch><entity name='acount'/></fetch>".to_owned(), "0x80041102", "name = 'acount'"),
        (entity("<attribute name='nam'/>"), "0x80041103", "'account' entity doesn't contain attribute with Name = 'nam'"),
        (entity("<attribute name='_primarycontactid_value'/>"), "0x80041103", "_primarycontactid_value"),
        (entity("<attribut name='name'/>"), "0x80040203", "'attribut' is not allowed in 'entity'"),
        (entity("<attribute name='name' aggregate='sum' alias='x'/>"), "0x80040203", "aggregate='true'"),
        (entity("<order attribute='name' entityname='x'/>"), "0x80040203", "alias x not found"),
        (entity("<filter type='xor'/>"), "0x80040203", "'xor'"),
        (condition("attribute='name' operator='equals' value='a'"), "0x80040203", "'equals'"),
        (condition("attribute='name' operator='eq'"), "0x80040203", "does not take 0 values"),
        (condition("attribute='name' operator='null' value='1'"), "0x80040203", "does not take 1 values"),
        (condition("attribute='revenue' operator='eq' value='a'"), "0x80040203", "not a value"),
        (condition("attribute='revenue' operator='like' value='a'"), "0x80040203", "not a text column"),
        (condition("attribute='name' operator='today'"), "0x80040203", "needs a date column"),
        (condition("attribute='createdon' operator='last-x-days' value='0'"), "0x80040203", "above zero"),
        (condition("attribute='createdon' operator='last-x-years' value='99999999999'"), "0x80040203", "not a value"),
        (condition("attribute='name' operator='eq' valueof='revenue'"), "0x80040203", "different types"),
        (condition("attribute='name' operator='eq' value='a' entityname='b'"), "0x80040203", "alias b not found"),
        (link("from='contactid'"), "0x80040203", "'to' of 'link-entity'"),
        (link("from='contactid' to='primarycontactid' link-type='left'"), "0x80040203", "'left'"),
        (link("from='x' to='primarycontactid'"), "0x80041103", "'contact' entity doesn't contain"),
        (entity(&format!("<filter>{}</filter>", many(501))), "0x8004430C", "Number of conditions"),
        (
            entity(&"<link-entity name='contact' from='contactid' to='primarycontactid'/>".repeat(16)),
            "0x8004430D",
            "Number of link entities",
        ),
        (
            "<fetch aggregate='true'><entity name='account'><attribute name='name'/></entity></fetch>".to_owned(),
            "0x80040203",
            "needs an alias",
        ),
        (
            "<fetch aggregate='true'><entity name='account'><attribute name='name' alias='a' aggregate='sum'/></entity></fetch>".to_owned(),
            "0x80040203",
            "cannot be aggregated",
        ),
    ] {
        let answer = fetch(&emulator, "accounts", &xml).await;
        assert_eq!(answer.status, 400, "{xml}: {}", answer.body);
        let (told, message) = answer.error();
        assert_eq!(told, code, "{xml}: {message}");
        assert!(message.contains(text), "{xml}: {message}");
    }
    let combined = format!("accounts?fetchXml={}&$select=name", encoded(&entity("")));
    assert_eq!(get(&emulator, &combined).await.status, 400);
    let bin = "<fetch datasource='bin'><entity name='account'/></fetch>";
    let answer = fetch(&emulator, "accounts", bin).await;
    assert_eq!(answer.status, 501);
    assert!(answer.error().1.contains("datasource"), "{}", answer.body);
}

#[tokio::test]
async fn garbage_is_answered_and_never_a_panic() {
    let emulator = org().await;
    let whole = "<fetch count='2' page='2' paging-cookie='&lt;cookie page=\"1\"&gt;&lt;name last=\"a\"/&gt;&lt;/cookie&gt;'>\
        <entity name='account'><attribute name='name'/><order attribute='name'/><filter type='or'>\
        <condition attribute='name' operator='in'><value>a</value></condition></filter>\
        <link-entity name='task' from='regardingobjectid' to='accountid' link-type='outer'/></entity></fetch>";
    for cut in 0..whole.len() {
        let answer = fetch(&emulator, "accounts", &whole[..cut]).await;
        assert!(answer.status == 400, "{} {}", &whole[..cut], answer.body);
        let without = format!("{}{}", &whole[..cut], &whole[cut + 1..]);
        let answer = fetch(&emulator, "accounts", &without).await;
        assert_ne!(answer.status, 500, "{without} {}", answer.body);
    }
}
