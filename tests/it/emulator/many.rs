//! Tables of many rows, which have indexes for what is looked for and sorted by.

use super::{get, send, small};

#[tokio::test]
async fn every_row_comes_once_and_in_order() {
    const ROWS: usize = 10_050;
    let emulator = small::emulator();
    let rows = (0..ROWS).map(|n| match n % 10 {
        0 => "{}".to_owned(),
        _ => format!(
            r#"{{"name":"n{}","fax":"{}"}}"#,
            n * 7919 % ROWS % 4000,
            n % 100
        ),
    });
    emulator.seed("account", rows).unwrap();
    for (order, is_ascending) in [("name", true), ("name%20desc", false)] {
        let mut path = format!("accounts?$select=name&$orderby={order}");
        let (mut names, mut ids) = (Vec::new(), std::collections::HashSet::new());
        loop {
            let prefer = [("prefer", "odata.maxpagesize=1500")];
            let page = send(&emulator, "GET", &path, &prefer, "").await.json();
            for row in page["value"].as_array().unwrap() {
                names.push(row["name"].as_str().map(str::to_owned));
                ids.insert(row["accountid"].as_str().unwrap().to_owned());
            }
            match page["@odata.nextLink"].as_str() {
                Some(link) => path = link.to_owned(),
                None => break,
            }
        }
        assert_eq!((names.len(), ids.len()), (ROWS, ROWS));
        // Null is less than everything.
        assert!(names.is_sorted_by(|left, right| match is_ascending {
            true => left <= right,
            false => left >= right,
        }));
    }
    let found = get(
        &emulator,
        "accounts?$filter=fax%20eq%20'42'&$orderby=name&$count=true",
    )
    .await;
    let expected = (0..ROWS).filter(|n| n % 10 != 0 && n % 100 == 42).count();
    assert_eq!(found.json()["@odata.count"], expected);
    // A new row is found like the others.
    emulator
        .seed("account", [r#"{"name":"a","fax":"4711"}"#])
        .unwrap();
    let found = get(&emulator, "accounts?$filter=fax%20eq%20'4711'")
        .await
        .json();
    assert_eq!(found["value"].as_array().unwrap().len(), 1);
}
