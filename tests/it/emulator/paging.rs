//! Pages and next links.

use super::{emulator, get, send};

#[tokio::test]
async fn pages_hold_every_row_once_whatever_the_order() {
    let emulator = emulator();
    let rows = (0..23).map(|n| {
        let name = if n % 5 == 0 {
            "null".to_owned()
        } else {
            format!("\"a&'{}\"", n % 4)
        };
        format!(
            r#"{{"accountnumber":"{n}","name":{name},"revenue":{}.{n}}}"#,
            n % 3
        )
    });
    emulator.seed("account", rows).unwrap();
    for order in [
        "",
        "&$orderby=name",
        "&$orderby=name%20desc,revenue",
        "&$orderby=revenue%20desc,name",
        "&$orderby=accountid%20desc",
    ] {
        let path =
            format!("accounts?$select=accountnumber&$filter=accountnumber%20ne%20'7'{order}");
        let whole: Vec<_> = get(&emulator, &path).await.json()["value"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(whole.len(), 22);
        let mut paged = Vec::new();
        let mut next = Some(path);
        let mut pages = 0;
        while let Some(path) = next {
            let answer = send(
                &emulator,
                "GET",
                &path,
                &[("prefer", "odata.maxpagesize=5")],
                "",
            )
            .await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.header("preference-applied"), "odata.maxpagesize=5");
            let json = answer.json();
            paged.extend(json["value"].as_array().unwrap().clone());
            next = json["@odata.nextLink"].as_str().map(str::to_owned);
            pages += 1;
        }
        assert_eq!(pages, 5, "{order}");
        assert_eq!(paged, whole, "{order}");
    }
}

#[tokio::test]
async fn rows_that_come_and_go_do_not_move_pages() {
    let emulator = emulator();
    let row = |n: i32| format!(r#"{{"accountid":"00000000-0000-0000-0000-0000000000{n:02}"}}"#);
    emulator.seed("account", (10..20).map(row)).unwrap();
    let prefer = [("prefer", "odata.maxpagesize=4")];
    let first = send(&emulator, "GET", "accounts?$select=accountid", &prefer, "")
        .await
        .json();
    let link = first["@odata.nextLink"].as_str().unwrap();
    emulator.seed("account", [row(1)]).unwrap();
    send(
        &emulator,
        "DELETE",
        "accounts(00000000-0000-0000-0000-000000000012)",
        &[],
        "",
    )
    .await;
    let second = send(&emulator, "GET", link, &prefer, "").await.json();
    assert_eq!(
        second["value"][0]["accountid"],
        "00000000-0000-0000-0000-000000000014"
    );
}

#[tokio::test]
async fn a_next_link_is_that_of_the_service_and_belongs_to_its_query() {
    let emulator = emulator();
    emulator
        .seed("contact", ["{\"fullname\":\"a\"}", "{\"fullname\":\"b\"}"])
        .unwrap();
    let prefer = [("prefer", "odata.maxpagesize=1")];
    let first = send(&emulator, "GET", "contacts?$select=fullname", &prefer, "")
        .await
        .json();
    let link = first["@odata.nextLink"].as_str().unwrap();
    let start = "https://emulator.localhost/api/data/v9.2/contacts?$select=fullname&$skiptoken=\
        %3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e\
        %253ccontactid%2520last%253d%2522%257b";
    assert!(link.starts_with(start), "{link}");
    assert!(
        link.ends_with("%22%20istracking=%22False%22%20/%3E"),
        "{link}"
    );
    let changed = link.replace("contacts?", "contacts?$orderby=fullname&");
    assert_eq!(get(&emulator, &changed).await.status, 400);
    // A cut by $top is no page.
    let top = get(&emulator, "contacts?$top=1").await.json();
    assert!(top["@odata.nextLink"].is_null());
    // With a page size the service forgets $top.
    let both = send(
        &emulator,
        "GET",
        "contacts?$top=1",
        &[("prefer", "odata.maxpagesize=5")],
        "",
    )
    .await;
    assert_eq!(both.json()["value"].as_array().unwrap().len(), 2);
}
