//! Following paging cookies.

use dataverse_client::fetchxml::{Aggregate, Attribute, Order, on};
use dataverse_client::http::Reached;
use dataverse_client::{AnyRow, Error, FetchXml, NextPage};
use dataverse_tests::script::{Script, Sent};
use dataverse_tests::tables::{Account, AccountCard};

use super::document_of;

/// A cookie as the service sends it with page `page`, encoded twice.
fn cookie(page: u32, name: &str) -> String {
    let inner = format!(
        "%253ccookie%2520page%253d%2522{page}%2522%253e%253cname%2520last%253d%2522{name}%2522\
         %2520%252f%253e%253c%252fcookie%253e"
    );
    format!("<cookie pagenumber=\"2\" pagingcookie=\"{inner}\" istracking=\"False\" />")
}

/// An answer with these rows.
fn page(names: &[&str], cookie: Option<String>, more: Option<bool>) -> String {
    let row = |name: &&str| format!(r#"{{"@odata.etag":"W/\"1\"","name":"{name}"}}"#);
    let rows: Vec<_> = names.iter().map(row).collect();
    let mut head = String::new();
    if let Some(cookie) = cookie {
        let cookie = serde_json::to_string(&cookie).unwrap();
        head += &format!("\"@Microsoft.Dynamics.CRM.fetchxmlpagingcookie\":{cookie},");
    }
    if let Some(more) = more {
        head += &format!("\"@Microsoft.Dynamics.CRM.morerecords\":{more},");
    }
    format!(
        "{{\"@odata.context\":\"x\",\"@odata.count\":3,{head}\"value\":[{}]}}",
        rows.join(",")
    )
}

fn script(pages: &[String]) -> Script {
    let answer = |script: Script, page: &String| script.answer(200, &[], page.clone());
    pages.iter().fold(Script::new(), answer)
}

fn document() -> FetchXml<Account> {
    FetchXml::of::<Account>()
        .attribute(Account::NAME)
        .attribute(Account::REVENUE)
        .attribute(Account::PRIMARYCONTACTID)
        .order_by(Order::by(Account::NAME))
        .page_size(2)
}

/// The opening tag of the document that was sent.
fn fetch_of(sent: &Sent) -> String {
    let document = document_of(&sent.line);
    document.split_once('>').unwrap().0.to_owned() + ">"
}

/// The names that come before the error.
async fn until_error(script: &Script, document: FetchXml<Account>) -> (Vec<String>, Error) {
    let (client, _) = script.client().unwrap();
    let mut rows = client.fetch::<AccountCard>(document).rows();
    let mut names = Vec::new();
    loop {
        match rows.try_next().await {
            Ok(Some(row)) => names.push(row.name.clone()),
            Ok(None) => panic!("no error after {names:?}"),
            Err(error) => {
                assert!(rows.try_next().await.unwrap().is_none(), "an error ends it");
                return (names, error);
            }
        }
    }
}

#[tokio::test]
async fn pages_are_counted_here_and_cookies_followed() {
    // The service gives `pagenumber="2"` with every page; a page may be empty.
    let script = script(&[
        page(&["a", "b"], Some(cookie(1, "b%2526apos%253b")), Some(true)),
        page(&[], Some(cookie(2, "c")), Some(true)),
        page(&["d"], None, None),
    ]);
    let (client, _) = script.client().unwrap();
    let mut rows = client.fetch::<AccountCard>(document()).with_count().rows();
    let mut names = Vec::new();
    while let Some(row) = rows.try_next().await.unwrap() {
        names.push(row.name.clone());
    }
    assert_eq!(names, ["a", "b", "d"]);
    assert_eq!(rows.count().map(|count| count.rows()), Some(3));
    let sent = script.sent();
    let of = |page: u32, last: &str| {
        format!(
            "<fetch count='2' page='{page}' paging-cookie='&lt;cookie page=\"{}\"&gt;&lt;name \
             last=\"{last}\" /&gt;&lt;/cookie&gt;'>",
            page - 1
        )
    };
    assert_eq!(fetch_of(&sent[0]), "<fetch count='2'>");
    assert_eq!(fetch_of(&sent[1]), of(2, "b&amp;apos;"));
    assert_eq!(fetch_of(&sent[2]), of(3, "c"));
    // The rest of the document, the count and the preferences are the same on every page.
    let rest = |sent: &Sent| {
        let document = document_of(&sent.line);
        let rest = document.split_once('>').unwrap().1.to_owned();
        (
            rest,
            sent.header("prefer").to_owned(),
            sent.line.ends_with("&$count=true"),
        )
    };
    assert_eq!(rest(&sent[0]), rest(&sent[1]));
    assert_eq!(rest(&sent[0]), rest(&sent[2]));
    assert!(rest(&sent[0]).2);
}

#[tokio::test]
async fn without_a_cookie_pages_are_asked_for_by_number() {
    let script = script(&[
        page(&["a"], None, Some(true)),
        page(&["b"], None, Some(true)),
        page(&["c"], Some(cookie(3, "c")), Some(false)),
    ]);
    let (client, _) = script.client().unwrap();
    let rows = client
        .fetch::<AccountCard>(document())
        .rows()
        .collect()
        .await;
    assert_eq!(rows.unwrap().len(), 3);
    let sent: Vec<_> = script.sent().iter().map(fetch_of).collect();
    assert_eq!(
        sent,
        [
            "<fetch count='2'>",
            "<fetch count='2' page='2'>",
            "<fetch count='2' page='3'>"
        ]
    );
}

#[tokio::test]
async fn a_cookie_alone_says_that_there_is_more() {
    let script = script(&[
        page(&["a"], Some(cookie(1, "a")), None),
        page(&["b"], None, Some(false)),
    ]);
    let (client, _) = script.client().unwrap();
    let rows = client
        .fetch::<AccountCard>(document())
        .rows()
        .collect()
        .await;
    assert_eq!(rows.unwrap().len(), 2);
}

#[tokio::test]
async fn aggregates_are_paged_without_cookies() {
    let script = script(&[
        page(&["a"], Some(cookie(1, "a")), Some(true)),
        page(&["b"], None, None),
    ]);
    let (client, _) = script.client().unwrap();
    let document = FetchXml::of::<Account>()
        .attribute(Attribute::new(Account::NAME).group_by().alias("name"))
        .attribute(
            Attribute::new(Account::NAME)
                .aggregate(Aggregate::Count)
                .alias("n"),
        );
    let rows = client.fetch::<AnyRow>(document).rows().collect().await;
    assert_eq!(rows.unwrap().len(), 2);
    assert_eq!(
        fetch_of(&script.sent()[1]),
        "<fetch aggregate='true' page='2'>"
    );
}

#[tokio::test]
async fn top_has_one_page() {
    let script = script(&[page(&["a"], Some(cookie(1, "a")), Some(true))]);
    let (client, _) = script.client().unwrap();
    let document = FetchXml::of::<Account>().top(1);
    let rows = client.fetch::<AccountCard>(document).rows().collect().await;
    assert_eq!(rows.unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_that_goes_in_circles_is_an_error() {
    // The same cookie twice.
    let script_of = script(&[
        page(&["a"], Some(cookie(9, "a")), Some(true)),
        page(&["b"], Some(cookie(9, "a")), Some(true)),
    ]);
    let (names, error) = until_error(&script_of, document()).await;
    assert_eq!(names, ["a"]);
    assert!(error.to_string().contains("followed before"), "{error}");
    assert_eq!(script_of.sent().len(), 2);
    // An earlier page, with another cookie.
    let script_of = script(&[
        page(&["a"], Some(cookie(1, "a")), Some(true)),
        page(&["b"], Some(cookie(1, "b")), Some(true)),
    ]);
    let (names, error) = until_error(&script_of, document()).await;
    assert_eq!(names, ["a"]);
    assert!(
        error.is_decode() && error.to_string().contains("an earlier page"),
        "{error}"
    );
    // More rows, but none comes and nothing leads to them.
    let script_of = script(&[page(&[], None, Some(true))]);
    let (_, error) = until_error(&script_of, document()).await;
    assert!(
        error
            .to_string()
            .contains("neither a row nor a paging cookie"),
        "{error}"
    );
    assert!(error.to_string().contains("`account`"), "{error}");
}

#[tokio::test]
async fn a_cookie_that_cannot_be_read_loses_no_rows_in_silence() {
    for bad in ["", "<cookie/>", "<cookie pagingcookie='%25zz'/>"] {
        let script = script(&[page(&["a"], Some(bad.to_owned()), Some(true))]);
        let (_, error) = until_error(&script, document()).await;
        assert!(
            error.is_decode() && error.to_string().contains("paging cookie"),
            "{error}"
        );
    }
    let linked = r#"{"value":[],"@odata.nextLink":"https://org.crm.dynamics.com/api/data/x"}"#;
    let (_, error) = until_error(&script(&[linked.to_owned()]), document()).await;
    assert!(
        error.to_string().contains("rows would be missing"),
        "{error}"
    );
}

#[tokio::test]
async fn pages_without_a_cookie_end_at_50_000_rows() {
    // The service may give fewer rows than a page can hold: rows count, not pages.
    let full = page(&["a"; 5000], None, Some(true));
    let mut pages = vec![full; 10];
    pages.push(page(&["a"], None, Some(true)));
    pages[4] = page(&["a"; 4999], None, Some(true));
    let script = script(&pages);
    let unlimited = FetchXml::of::<Account>().order_by(Order::by(Account::NAME));
    let (names, error) = until_error(&script, unlimited).await;
    assert_eq!((names.len(), script.sent().len()), (50_000, 11));
    assert!(error.to_string().contains("50000 rows"), "{error}");
    assert!(
        error
            .to_string()
            .contains("order by columns of the table itself"),
        "{error}"
    );
}

#[tokio::test]
async fn another_process_goes_on_at_the_next_page() {
    let first = script(&[page(&["a"], Some(cookie(1, "O%2527Neill")), Some(true))]);
    let (client, _) = first.client().unwrap();
    let mut rows = client.fetch::<AccountCard>(document()).rows();
    assert_eq!(rows.next_page(), None);
    rows.try_next().await.unwrap();
    let next = rows.next_page().unwrap();
    assert_eq!((next.page(), next.has_cookie()), (2, true));
    assert!(!format!("{next:?}").contains("Neill"), "shows no values");
    let kept = serde_json::to_string(next).unwrap();
    assert_eq!(
        kept,
        r#"{"page":2,"rows":1,"cookie":"<cookie page=\"1\"><name last=\"O'Neill\" /></cookie>"}"#
    );
    drop((rows, client));

    let rest = script(&[
        page(&["b"], Some(cookie(2, "b")), Some(true)),
        page(&["c"], None, None),
    ]);
    let (client, _) = rest.client().unwrap();
    let next: NextPage = serde_json::from_str(&kept).unwrap();
    let rows = client
        .fetch::<AccountCard>(document())
        .from_page(next)
        .rows();
    assert_eq!(rows.collect().await.unwrap().len(), 2);
    let sent = rest.sent();
    assert!(fetch_of(&sent[0]).contains("page='2' paging-cookie='&lt;cookie page=\"1\""));
    assert!(fetch_of(&sent[0]).contains("O&apos;Neill"));
    assert!(fetch_of(&sent[1]).contains("page='3'"));
    // Nothing of what was kept is trusted.
    let bad: NextPage = serde_json::from_str(r#"{"page":0,"rows":0,"cookie":null}"#).unwrap();
    let error = client
        .fetch::<AccountCard>(document())
        .from_page(bad)
        .await
        .unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    let last = r#"{"page":4294967295,"rows":0,"cookie":"<a/>"}"#;
    let last: NextPage = serde_json::from_str(last).unwrap();
    let answered = script(&[page(&["a"], None, Some(true))]);
    let (client, _) = answered.client().unwrap();
    let error = client
        .fetch::<AccountCard>(document())
        .from_page(last)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("more pages than can be counted"),
        "{error}"
    );
}

#[tokio::test]
async fn a_page_by_hand_leads_to_the_next() {
    let script = script(&[page(&["a"], Some(cookie(3, "a")), Some(true))]);
    let (client, _) = script.client().unwrap();
    let page = client
        .fetch::<AccountCard>(document().page(3))
        .await
        .unwrap();
    assert_eq!(page.next.unwrap().page(), 4);
}

#[tokio::test]
async fn what_cannot_be_paged_is_not_sent() {
    let hand = document().page(2);
    let distinct = FetchXml::of::<Account>().distinct();
    let top = FetchXml::of::<Account>().top(3);
    let next: NextPage = serde_json::from_str(r#"{"page":2,"rows":0,"cookie":null}"#).unwrap();
    let script = Script::new();
    let (client, _) = script.client().unwrap();
    for (call, why) in [
        (client.fetch::<AccountCard>(hand), "leave out `page`"),
        (client.fetch::<AccountCard>(distinct), "need an `order`"),
        (
            client.fetch::<AccountCard>(top).from_page(next),
            "one page only",
        ),
    ] {
        let error = call.rows().try_next().await.unwrap_err();
        assert!(
            error.is_invalid_input() && error.to_string().contains(why),
            "{error}"
        );
    }
    assert!(script.sent().is_empty());
    // What begins at the first page, and what is in order, is.
    let script = self::script(&[page(&[], None, None), page(&[], None, None)]);
    let (client, _) = script.client().unwrap();
    let ordered = FetchXml::of::<Account>()
        .distinct()
        .order_by(Order::by(Account::NAME))
        .filter(on(Account::NAME).is_not_null());
    for document in [document().page(1), ordered] {
        let rows = client.fetch::<AccountCard>(document).rows().collect().await;
        assert!(rows.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_failed_page_is_asked_for_again() {
    let script = Script::new()
        .answer(200, &[], page(&["a"], Some(cookie(1, "a")), Some(true)))
        .failure(Reached::Unknown)
        .answer(200, &[], page(&["b"], None, None));
    let (client, _) = script.client().unwrap();
    let rows = client
        .fetch::<AccountCard>(document())
        .rows()
        .collect()
        .await;
    assert_eq!(rows.unwrap().len(), 2);
    let sent = script.sent();
    assert_eq!(sent[1].line, sent[2].line);
}

#[tokio::test]
async fn pages_come_whole_and_ahead_of_time() {
    let pages = [
        page(&["a", "b"], Some(cookie(1, "b")), Some(true)),
        page(&["c"], None, None),
    ];
    for prefetches in [false, true] {
        let script = script(&pages);
        let (client, _) = script.client().unwrap();
        let mut pages = client.fetch::<AccountCard>(document()).pages();
        if prefetches {
            pages = pages.prefetch();
        }
        let first = pages.try_next().await.unwrap().unwrap();
        assert_eq!(
            (first.rows.len(), first.next.as_ref()),
            (2, pages.next_page())
        );
        assert_eq!(pages.try_next().await.unwrap().unwrap().rows.len(), 1);
        assert!(pages.try_next().await.unwrap().is_none());
        assert!(fetch_of(&script.sent()[1]).contains("page='2'"));
    }
}
