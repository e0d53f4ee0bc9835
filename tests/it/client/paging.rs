//! Following next links.

use dataverse_client::RowCount;
use dataverse_client::http::Reached;
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

const LINK: &str = "https://org.crm.dynamics.com/api/data/v9.2/accounts?$select=name&$skiptoken=\
    %3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e\
    %22%20istracking=%22False%22%20/%3E";

fn page(names: &[&str], next: Option<&str>) -> String {
    let rows: Vec<_> = names
        .iter()
        .map(|name| format!(r#"{{"@odata.etag":"W/\"1\"","name":"{name}","revenue":null}}"#))
        .collect();
    let next = next.map_or(String::new(), |next| {
        format!(
            ",\"@odata.nextLink\":{}",
            serde_json::to_string(next).unwrap()
        )
    });
    format!(
        "{{\"@odata.context\":\"x\",\"@odata.count\":3,\"value\":[{}]{next}}}",
        rows.join(",")
    )
}

#[tokio::test]
async fn pages_are_followed_byte_for_byte_with_the_same_preferences() {
    let script = Script::new()
        .answer(200, &[], page(&["a", "b"], Some(LINK)))
        .answer(200, &[], page(&["c"], None));
    let (client, _) = script.client().unwrap();
    let mut rows = client
        .query::<AccountCard>()
        .page_size(2)
        .with_count()
        .rows();
    let mut names = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        names.push(row.name.clone());
    }
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(rows.count().map(RowCount::rows), Some(3));
    let sent = script.sent();
    assert_eq!(sent[1].line, format!("GET {LINK}"));
    assert_eq!(sent[0].header("prefer"), sent[1].header("prefer"));
}

#[tokio::test]
async fn a_page_can_be_empty_and_the_next_still_come() {
    let script = Script::new()
        .answer(200, &[], page(&[], Some(LINK)))
        .answer(200, &[], page(&["a"], None));
    let (client, _) = script.client().unwrap();
    let rows = client
        .query::<AccountCard>()
        .rows()
        .collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn a_link_that_comes_back_ends_the_stream_with_an_error() {
    let script = Script::new()
        .answer(200, &[], page(&["a"], Some(LINK)))
        .answer(200, &[], page(&["b"], Some(LINK)));
    let (client, _) = script.client().unwrap();
    let mut rows = client.query::<AccountCard>().rows();
    assert_eq!(rows.try_next().await.unwrap().unwrap().name, "a");
    let error = rows.try_next().await.unwrap_err();
    assert!(error.to_string().contains("followed before"), "{error}");
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn a_failed_page_can_be_asked_for_again() {
    let script = Script::new()
        .answer(200, &[], page(&["a"], Some(LINK)))
        .failure(Reached::Unknown)
        .answer(200, &[], page(&["b"], None));
    let (client, _) = script.client().unwrap();
    let rows = client
        .query::<AccountCard>()
        .rows()
        .collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn a_job_goes_on_at_the_next_page() {
    let script = Script::new()
        .answer(200, &[], page(&["a"], Some(LINK)))
        .answer(200, &[], page(&["b"], None));
    let (client, _) = script.client().unwrap();
    let mut rows = client.query::<AccountCard>().rows();
    rows.try_next().await.unwrap();
    let next = rows.next_page().unwrap().clone();
    drop(rows);
    let rest = client.query::<AccountCard>().from_page(next).rows();
    assert_eq!(rest.collect().await.unwrap()[0].name, "b");
}

#[tokio::test]
async fn a_null_in_a_field_that_takes_none_names_the_column() {
    let script = Script::new().answer(200, &[], r#"{"value":[{"name":null}]}"#);
    let (client, _) = script.client().unwrap();
    let error = client.query::<AccountCard>().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("column `name` of `account` is null"),
        "{error}"
    );
    // The generated struct takes it.
    let script = Script::new().answer(200, &[], r#"{"value":[{"name":null}]}"#);
    let (client, _) = script.client().unwrap();
    assert_eq!(client.query::<Account>().await.unwrap().rows[0].name, None);
}
