//! Pages far behind the last one, and queries with far more parts than anyone writes.

use serde_json::json;

use super::fetch::encoded;
use super::{create, get, post, small};

const SERVICE_PAGES: u64 = i32::MAX as u64;

#[tokio::test]
async fn a_page_behind_all_rows_is_empty_and_one_of_too_many_digits_is_refused() {
    let emulator = small::emulator();
    create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    for (page, status) in [
        (2, 200),
        (SERVICE_PAGES, 200),
        (SERVICE_PAGES + 1, 400),
        (u64::MAX, 400),
    ] {
        let xml = format!("<fetch count='5000' page='{page}'><entity name='account'/></fetch>");
        let by_number = format!("accounts?fetchXml={}", encoded(&xml));
        // What a link holds is encoded twice.
        let cookie = format!(
            "<cookie page=\"{}\"><accountid last=\"{{00000000-0000-0000-0000-000000000000}}\" \
             first=\"{{00000000-0000-0000-0000-000000000000}}\" /></cookie>",
            page - 1
        );
        let attribute = cookie.replace('<', "&lt;").replace('"', "&quot;");
        let xml = format!(
            "<fetch count='1' page='{page}' paging-cookie='{attribute}'><entity \
             name='account'/></fetch>"
        );
        let by_cookie = format!("accounts?fetchXml={}", encoded(&xml));
        let by_statement = format!(
            "accounts?sql={}",
            encoded(&format!(
                "SELECT name FROM account ORDER BY name OFFSET {page} ROWS"
            ))
        );
        for path in [by_number, by_cookie, by_statement] {
            let answer = get(&emulator, &path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn queries_of_too_many_parts_are_refused() {
    let emulator = small::emulator();
    create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let repeated = |part: &str, times: usize, last: &str| part.repeat(times) + last;
    let where_is = |condition: &str| {
        let sql = format!("SELECT name FROM account WHERE {condition}");
        format!("accounts?sql={}", encoded(&sql))
    };
    let dates = repeated("DATEADD(day,1,", 100, "GETDATE()") + &")".repeat(100);
    for (path, expected) in [
        (
            repeated(
                "accounts?$filter=",
                1,
                &repeated("name%20eq%20null%20or%20", 499, "fax%20eq%20null"),
            ),
            200,
        ),
        (
            repeated(
                "accounts?$filter=",
                1,
                &repeated("name%20eq%20null%20or%20", 2000, "fax%20eq%20null"),
            ),
            400,
        ),
        (
            repeated(
                "accounts?$filter=",
                1,
                &repeated("name%20eq%20fax%20and%20", 2000, "name%20eq%20fax"),
            ),
            400,
        ),
        (
            where_is(&repeated("name IS NULL OR ", 499, "name IS NULL")),
            200,
        ),
        (
            where_is(&repeated("name IS NULL OR ", 1200, "name IS NULL")),
            400,
        ),
        (where_is(&format!("modifiedon > {dates}")), 400),
        (where_is("revenue > -5"), 200),
        (where_is(&format!("revenue > {}5", "-".repeat(20_000))), 400),
        (where_is("revenue > - 'a'"), 400),
        (
            where_is("accountid IN (SELECT accountid FROM account)"),
            501,
        ),
    ] {
        let answer = get(&emulator, &path).await;
        let shown: String = path.chars().take(200).collect();
        assert_eq!(answer.status, expected, "{shown}: {}", answer.body);
    }
    for (conditions, values, expected) in [
        (500, 1, 200),
        (501, 1, 400),
        (1, 16_000, 200),
        (1, 40_000, 400),
    ] {
        let values: Vec<String> = (0..values).map(|n| n.to_string()).collect();
        let condition = json!({ "AttributeName": "name", "Operator": "In", "Values": values });
        let query = json!({
            "EntityName": "account",
            "Criteria": { "FilterOperator": "Or", "Conditions": vec![condition; conditions] },
        });
        let body = json!({
            "QuerySet": [query], "JobName": "none", "SendEmailNotification": false,
            "ToRecipients": [], "CCRecipients": [], "RecurrencePattern": "",
            "StartDateTime": "2026-01-01T00:00:00Z",
        });
        let answer = post(&emulator, "BulkDelete", &body.to_string()).await;
        assert_eq!(answer.status, expected, "{conditions}: {}", answer.body);
    }
}
