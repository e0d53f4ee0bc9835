//! `sql=SELECT …`, `BulkDelete`, and other things that foreign clients send.

use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::{get, post, send};

fn emulator() -> Emulator {
    Emulator::builder().sample_rows().build().unwrap()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Values of one column in the rows of a statement.
async fn column(emulator: &Emulator, set: &str, sql: &str, name: &str) -> Vec<Value> {
    let answer = get(emulator, &format!("{set}?sql={}", encoded(sql))).await;
    assert_eq!(answer.status, 200, "{sql}: {}", answer.body);
    let rows = answer.json()["value"].as_array().unwrap().clone();
    rows.iter().map(|row| row[name].clone()).collect()
}

#[tokio::test]
async fn statements_find_what_they_say() {
    let emulator = emulator();
    for (condition, expected) in [
        ("name = 'fourth coffee (SAMPLE)'", vec![40]),
        (
            "name LIKE 'Fourth%' OR numberofemployees = 120",
            vec![40, 120],
        ),
        ("numberofemployees BETWEEN 40 AND 120", vec![40, 120]),
        ("numberofemployees NOT BETWEEN 40 AND 120", vec![4300]),
        ("numberofemployees IN (40, 4300)", vec![40, 4300]),
        ("numberofemployees NOT IN (40, 4300)", vec![120]),
        (
            "(numberofemployees > 40 AND numberofemployees <= 120)",
            vec![120],
        ),
        ("emailaddress1 IS NULL", vec![4300]),
        (
            "emailaddress1 IS NOT NULL AND a.numberofemployees <> 40",
            vec![120],
        ),
        // Nothing is neither like a value nor unlike it.
        ("emailaddress1 <> 'someone_a@example.com'", vec![120]),
        ("emailaddress1 NOT LIKE 'nobody%'", vec![40, 120]),
        (
            "createdon > DATEADD(day, -1, GETUTCDATE())",
            vec![40, 120, 4300],
        ),
        ("createdon > DATEADD(month, 1, GETUTCDATE())", vec![]),
        ("[name] = N'O''Brien'", vec![]),
        ("NOT numberofemployees = 40", vec![120, 4300]),
        ("NOT NOT numberofemployees = 40", vec![40]),
        (
            "NOT (numberofemployees < 100 OR numberofemployees >= 4300)",
            vec![120],
        ),
        (
            "NOT (numberofemployees >= 100 AND numberofemployees <= 120)",
            vec![40, 4300],
        ),
        (
            "numberofemployees > 40 AND NOT name LIKE 'Litware%'",
            vec![4300],
        ),
        ("NOT numberofemployees IN (40, 120)", vec![4300]),
        (
            "NOT numberofemployees NOT BETWEEN 40 AND 120",
            vec![40, 120],
        ),
        ("NOT emailaddress1 IS NULL", vec![40, 120]),
        ("NOT emailaddress1 LIKE 'someone_a%'", vec![120]),
        ("NOT emailaddress1 <> 'someone_a@example.com'", vec![40]),
    ] {
        let sql = format!(
            "SELECT a.numberofemployees FROM account AS a WHERE {condition} ORDER BY numberofemployees"
        );
        let found = column(&emulator, "accounts", &sql, "numberofemployees").await;
        let expected: Vec<Value> = expected.into_iter().map(Value::from).collect();
        assert_eq!(found, expected, "{condition}");
    }
}

#[tokio::test]
async fn statements_join_group_and_count() {
    let emulator = emulator();
    let sql = "SELECT c.lastname, a.name AS company, p.name parent FROM contact c \
               LEFT OUTER JOIN account a ON c.parentcustomerid = a.accountid \
               LEFT JOIN account p ON p.accountid = a.parentaccountid ORDER BY c.lastname DESC";
    let companies = column(&emulator, "contacts", sql, "company").await;
    assert_eq!(
        companies,
        [
            json!("Litware, Inc. (sample)"),
            json!("Fourth Coffee (sample)")
        ]
    );
    let sql = "SELECT address1_country, COUNT(*) AS n, SUM(numberofemployees) AS s, \
               MAX(numberofemployees) AS m FROM account GROUP BY address1_country ORDER BY n DESC";
    assert_eq!(column(&emulator, "accounts", sql, "n").await, [json!(3)]);
    assert_eq!(column(&emulator, "accounts", sql, "s").await, [json!(4460)]);
    assert_eq!(column(&emulator, "accounts", sql, "m").await, [json!(4300)]);
    let sql = "SELECT DISTINCT address1_country FROM account";
    assert_eq!(
        column(&emulator, "accounts", sql, "address1_country").await,
        [json!("USA")]
    );
    let sql = "SELECT TOP 1 name FROM account ORDER BY revenue DESC";
    let rows = column(&emulator, "accounts", sql, "name").await;
    assert_eq!(rows, [json!("Adventure Works (sample)")]);
}

#[tokio::test]
async fn pages_of_a_statement_hold_every_row_once() {
    let emulator = emulator();
    let rows = (0..25).map(|n| format!("{{\"name\":\"row {n}\"}}"));
    emulator.seed("account", rows).unwrap();
    let sql = encoded("SELECT name FROM account WHERE name LIKE 'row%' ORDER BY name");
    let mut path = format!("accounts?sql={sql}");
    let mut names = Vec::new();
    loop {
        let answer = send(
            &emulator,
            "GET",
            &path,
            &[("prefer", "odata.maxpagesize=10")],
            "",
        )
        .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page = answer.json();
        let rows = page["value"].as_array().unwrap();
        names.extend(
            rows.iter()
                .map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        match page["@odata.nextLink"].as_str() {
            Some(link) => path = link.to_owned(),
            None => break,
        }
    }
    assert_eq!(names.len(), 25);
    names.dedup();
    assert_eq!(names.len(), 25);
}

#[tokio::test]
async fn statements_that_cannot_be_read_are_refused() {
    let emulator = emulator();
    let deep = format!(
        "SELECT name FROM account WHERE {}name = 'x'",
        "(".repeat(5000)
    );
    let many_nots = deep.replace('(', "NOT ");
    for (sql, status) in [
        ("", 400),
        ("SELECT", 400),
        ("SELECT * FROM account", 400),
        ("DELETE FROM account", 400),
        ("SELECT name FROM nothing", 400),
        ("SELECT nothing FROM account", 400),
        ("SELECT name FROM contact", 400),
        ("SELECT name FROM account WHERE", 400),
        ("SELECT name FROM account WHERE name = 'x", 400),
        ("SELECT name FROM account WHERE name ? 'x'", 400),
        ("SELECT name FROM account ORDER", 400),
        ("SELECT name FROM account x y", 400),
        ("SELECT name, COUNT(*) FROM account", 400),
        (
            "SELECT a.name FROM account a JOIN contact c ON c.lastname = c.firstname",
            400,
        ),
        (
            "SELECT name FROM account WHERE name = DATEADD(day, 99999999999, GETUTCDATE())",
            400,
        ),
        ("SELECT name FROM account HAVING name = 'x'", 501),
        ("SELECT UPPER(name) FROM account", 501),
        ("SELECT name FROM account OFFSET 1 ROWS", 400),
        (
            "SELECT TOP 1 name FROM account ORDER BY name OFFSET 1 ROWS",
            400,
        ),
        ("SELECT name FROM account ORDER BY name OFFSET 1", 400),
        (
            "SELECT name FROM account ORDER BY name OFFSET 1 ROWS FETCH 1 ROWS ONLY",
            400,
        ),
        ("SELECT name FROM account WHERE EXISTS (SELECT name)", 501),
        (&many_nots, 400),
        ("SELECT é FROM [account", 400),
        (&deep, 400),
    ] {
        let answer = get(&emulator, &format!("accounts?sql={}", encoded(sql))).await;
        assert_eq!(answer.status, status, "{sql}: {}", answer.body);
    }
}

#[tokio::test]
async fn offsets_leave_rows_out() {
    let emulator = emulator();
    for (end, expected) in [
        ("OFFSET 0 ROWS FETCH NEXT 2 ROWS ONLY", vec![40, 120]),
        ("OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY", vec![4300]),
        ("offset 1 row fetch first 1 row only", vec![120]),
        ("OFFSET 1 ROWS", vec![120, 4300]),
        ("OFFSET 3 ROWS", vec![]),
    ] {
        let sql = format!("SELECT numberofemployees FROM account ORDER BY numberofemployees {end}");
        let found = column(&emulator, "accounts", &sql, "numberofemployees").await;
        let expected: Vec<Value> = expected.into_iter().map(Value::from).collect();
        assert_eq!(found, expected, "{end}");
    }
    // The rest of the rows comes in pages.
    let sql = "SELECT numberofemployees FROM account ORDER BY numberofemployees OFFSET 1 ROWS";
    let headers = [("prefer", "odata.maxpagesize=1")];
    let target = format!("accounts?sql={}", encoded(sql));
    let page = send(&emulator, "GET", &target, &headers, "").await.json();
    assert_eq!(page["value"][0]["numberofemployees"], 120);
    let next = page["@odata.nextLink"].as_str().unwrap();
    let (_, next) = next.split_once("/v9.2/").unwrap();
    let page = send(&emulator, "GET", next, &headers, "").await.json();
    assert_eq!(page["value"][0]["numberofemployees"], 4300);
    assert_eq!(page.get("@odata.nextLink"), None);
}

#[tokio::test]
async fn a_job_deletes_what_its_query_finds() {
    let emulator = emulator();
    let job = |query: Value| json!({ "JobName": "clean up", "QuerySet": [query] }).to_string();
    let query = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.QueryExpression",
        "EntityName": "account",
        "Criteria": {
            "FilterOperator": "And",
            "Conditions": [{
                "AttributeName": "accountid", "Operator": "In",
                "Values": [
                    { "Value": "a1000000-0000-0000-0000-000000000001", "Type": "System.Guid" },
                    { "Value": "a1000000-0000-0000-0000-000000000002", "Type": "System.Guid" },
                ],
            }],
        },
    });
    let answer = post(&emulator, "BulkDelete", &job(query)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let id = answer.json()["JobId"].as_str().unwrap().to_owned();
    let row = get(&emulator, &format!("asyncoperations({id})"))
        .await
        .json();
    assert_eq!(
        (&row["statecode"], &row["statuscode"]),
        (&json!(3), &json!(30))
    );
    let left = get(&emulator, "accounts?$select=name").await.json();
    assert_eq!(left["value"].as_array().unwrap().len(), 1);

    let fetch = "<fetch><entity name='account'><filter><condition attribute='name' \
                 operator='like' value='Adventure%'/></filter></entity></fetch>";
    let query = json!({ "@odata.type": "Microsoft.Dynamics.CRM.FetchExpression", "Query": fetch });
    assert_eq!(post(&emulator, "BulkDelete", &job(query)).await.status, 200);
    let left = get(&emulator, "accounts?$select=name").await.json();
    assert_eq!(left["value"], json!([]));
    for (body, status) in [
        ("{}".to_owned(), 400),
        (job(json!({ "EntityName": "nothing" })), 400),
        (
            job(json!({ "EntityName": "contact", "LinkEntities": [{}] })),
            501,
        ),
    ] {
        let answer = post(&emulator, "BulkDelete", &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let left = get(&emulator, "contacts?$select=fullname").await.json();
    assert_eq!(left["value"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn search_has_an_endpoint_of_its_own() {
    let emulator = emulator();
    let answer = post(
        &emulator,
        "/api/search/v2.0/query",
        "{\"search\":\"Fourth\"}",
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let response: Value =
        serde_json::from_str(answer.json()["response"].as_str().unwrap()).unwrap();
    assert_eq!(response["Value"][0]["EntityName"], "account");
}

#[tokio::test]
async fn a_part_without_a_body_needs_no_empty_line() {
    let emulator = emulator();
    let body = "--b\r\nContent-Type: application/http\r\n\r\n\
                GET /api/data/v9.2/accounts?$select=name HTTP/1.1\r\n\
                Prefer: odata.maxpagesize=1\r\n\r\n--b--\r\n";
    let headers = [("content-type", "multipart/mixed; boundary=b")];
    let answer = send(&emulator, "POST", "$batch", &headers, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("@odata.nextLink"), "{}", answer.body);
}

#[tokio::test]
async fn a_file_column_is_read_in_ranges_as_json() {
    let emulator = emulator();
    let file = json!({
        "@odata.type": "Microsoft.Dynamics.CRM.FileAttributeMetadata", "SchemaName": "new_File",
    });
    let columns = "EntityDefinitions(LogicalName='account')/Attributes";
    assert_eq!(
        post(&emulator, columns, &file.to_string()).await.status,
        204
    );
    let column = "accounts(a1000000-0000-0000-0000-000000000001)/new_file";
    let headers = [
        ("content-type", "application/octet-stream"),
        ("x-ms-file-name", "a b.txt"),
    ];
    assert_eq!(
        send(&emulator, "PATCH", column, &headers, "0123456789")
            .await
            .status,
        204
    );
    let path = format!("{column}?size=full");
    for (range, base64) in [
        ("bytes=0-3", "MDEyMw=="),
        ("bytes=8-11", "ODk="),
        ("bytes=10-13", ""),
    ] {
        let answer = send(&emulator, "GET", &path, &[("range", range)], "").await;
        assert_eq!(answer.status, 206, "{}", answer.body);
        assert_eq!(answer.json()["value"], base64);
        assert_eq!(answer.header("x-ms-file-size"), "10");
        assert!(answer.header("location").ends_with("/new_file?size=full"));
        assert_eq!(
            answer.header("content-disposition"),
            "attachment; filename=\"a%20b.txt\""
        );
    }
}
