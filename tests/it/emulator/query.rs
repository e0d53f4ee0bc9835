//! Filters, orders, counts, and what is refused.

use super::{create, emulator, get, send};

async fn names(emulator: &dataverse_emulator::Emulator, query: &str) -> Vec<String> {
    let answer = get(emulator, &format!("accounts?$select=name&{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    let json = answer.json();
    let rows = json["value"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap_or("null").to_owned())
        .collect()
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let emulator = emulator();
    let contact = create(&emulator, "contacts", r#"{"lastname":"Nguyen"}"#).await;
    for row in [
        format!(r#"{{"name":"Alpha","revenue":10.50,"numberofemployees":5,"donotemail":true,"primarycontactid@odata.bind":"{contact}"}}"#),
        r#"{"name":"beta","revenue":9.9900,"numberofemployees":10,"description":"Alpha","lastusedincampaign":"2024-03-01T10:00:00+02:00"}"#.to_owned(),
        r#"{"name":"Gamma's 50% [x]","revenue":100,"accountnumber":"G_1"}"#.to_owned(),
        r#"{"revenue":-1}"#.to_owned(),
    ] {
        create(&emulator, "accounts", &row).await;
    }
    let id = &contact["contacts(".len()..contact.len() - 1];
    for (filter, expected) in [
        ("name eq 'ALPHA'".to_owned(), "Alpha"),
        ("name ne 'alpha'".to_owned(), "beta Gamma's 50% [x] null"),
        ("name eq null".to_owned(), "null"),
        ("name ne null and revenue lt 50".to_owned(), "Alpha beta"),
        ("revenue gt 9.99".to_owned(), "Alpha Gamma's 50% [x]"),
        ("revenue eq 10.5".to_owned(), "Alpha"),
        ("10.5 le revenue".to_owned(), "Alpha Gamma's 50% [x]"),
        ("donotemail eq true".to_owned(), "Alpha"),
        (
            "numberofemployees ge 5 and not (numberofemployees gt 5)".to_owned(),
            "Alpha",
        ),
        (
            "contains(name,'A')".to_owned(),
            "Alpha beta Gamma's 50% [x]",
        ),
        ("startswith(name,'gamma''s')".to_owned(), "Gamma's 50% [x]"),
        ("endswith(name,'[[]x]')".to_owned(), "Gamma's 50% [x]"),
        ("contains(name,'[%]')".to_owned(), "Gamma's 50% [x]"),
        ("contains(name,'%') eq false".to_owned(), "null"),
        ("not contains(name,'a')".to_owned(), "null"),
        ("name eq description".to_owned(), ""),
        (
            "lastusedincampaign eq 2024-03-01T08:00:00Z".to_owned(),
            "beta",
        ),
        ("lastusedincampaign ge 2024-03-01".to_owned(), "beta"),
        (
            format!("_primarycontactid_value eq {}", id.to_uppercase()),
            "Alpha",
        ),
        ("primarycontactid/lastname eq 'nguyen'".to_owned(), "Alpha"),
        (
            "name eq 'alpha' or name eq 'beta' and revenue gt 50".to_owned(),
            "Alpha",
        ),
        (
            "(name eq 'alpha' or name eq 'beta') and revenue gt 50".to_owned(),
            "",
        ),
    ] {
        let encoded = filter
            .replace('%', "%25")
            .replace(' ', "%20")
            .replace('[', "%5B")
            .replace(']', "%5D");
        let found = names(
            &emulator,
            &format!("$filter={encoded}&$orderby=name%20desc"),
        )
        .await;
        let mut found: Vec<_> = found.iter().map(String::as_str).collect();
        found.sort_by_key(|name| {
            ["Alpha", "beta"]
                .iter()
                .position(|n| n == name)
                .unwrap_or(if *name == "null" { 9 } else { 2 })
        });
        assert_eq!(found.join(" "), expected, "{filter}");
    }
    assert_eq!(
        names(&emulator, "$orderby=revenue").await,
        ["null", "beta", "Alpha", "Gamma's 50% [x]"]
    );
    assert_eq!(
        names(&emulator, "$orderby=name&$top=2").await,
        ["null", "Alpha"]
    );
    assert_eq!(
        names(
            &emulator,
            "$orderby=primarycontactid/lastname%20desc,name%20desc&$top=2"
        )
        .await[0],
        "Alpha"
    );
}

#[tokio::test]
async fn counts_are_told_in_three_ways() {
    let emulator = emulator();
    for name in ["a", "b", "c"] {
        create(&emulator, "accounts", &format!(r#"{{"name":"{name}"}}"#)).await;
    }
    let answer = get(
        &emulator,
        "accounts?$count=true&$top=1&$filter=name%20ne%20'a'",
    )
    .await;
    assert_eq!(answer.json()["@odata.count"], 2);
    assert_eq!(answer.json()["value"].as_array().unwrap().len(), 1);
    let count = get(&emulator, "accounts/$count").await;
    assert_eq!(
        (count.body.as_str(), count.header("content-type")),
        ("\u{feff}3", "text/plain")
    );
    let annotated = send(
        &emulator,
        "GET",
        "accounts?$top=1",
        &[("prefer", "odata.include-annotations=\"*\"")],
        "",
    )
    .await;
    assert_eq!(
        annotated.json()["@Microsoft.Dynamics.CRM.totalrecordcount"],
        -1
    );
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_what_is_not_supported_is_501() {
    let emulator = emulator();
    for (path, status, text) in [
        (
            "acounts",
            404,
            "Resource not found for the segment 'acounts'.",
        ),
        ("Accounts", 404, "Resource not found"),
        // The logical name is none of an entity set.
        (
            "account",
            404,
            "Resource not found for the segment 'account'.",
        ),
        (
            "accounts?$select=Name",
            400,
            "Could not find a property named 'Name' on type 'Microsoft.Dynamics.CRM.account'.",
        ),
        (
            "accounts?$select=primarycontactid",
            400,
            "Could not find a property",
        ),
        (
            "accounts?$filter=nothing%20eq%201",
            400,
            "Could not find a property named 'nothing'",
        ),
        ("accounts?$filter=name%20eq%20'a", 400, "unterminated"),
        ("accounts?$filter=name%20eq%205", 400, "incompatible types"),
        ("accounts?$filter=name", 400, "Syntax error"),
        ("accounts?$filter=(name%20eq%20'a'", 400, "Syntax error"),
        ("accounts?$filter=name%20eq%20'a')", 400, "Syntax error"),
        (
            "accounts?$filter=length(name)%20eq%205",
            400,
            "unknown function",
        ),
        ("accounts?$orderby=name%20up", 400, "Syntax error"),
        ("accounts?$top=x", 400, "$top"),
        (
            "accounts?$skip=5",
            400,
            "Skip Clause is not supported in CRM",
        ),
        ("accounts?$skiptoken=x", 400, "Paging Cookie"),
        (
            "accounts(x)",
            400,
            "The key in the request URI is not valid",
        ),
        (
            "accounts(00000000-0000-0000-0000-000000000001)",
            404,
            "account With Id = 00000000-0000-0000-0000-000000000001 Does Not Exist",
        ),
        (
            "accounts?$filter=name%20in%20('a')",
            501,
            "The method or operation is not implemented.",
        ),
        ("accounts?nothing=1", 501, "nothing"),
        ("accounts/Microsoft.Dynamics.CRM.Nothing", 501, "Nothing"),
    ] {
        let answer = get(&emulator, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.error().1.contains(text), "{path}: {}", answer.body);
        assert_eq!(
            answer.header("content-type"),
            "application/json; odata.metadata=minimal"
        );
    }
    assert_eq!(get(&emulator, "/api/data/v7.0/accounts").await.status, 404);
    assert_eq!(get(&emulator, "/other").await.status, 404);
    assert_eq!(
        send(&emulator, "PUT", "accounts", &[], "{}").await.status,
        405
    );
    let long = format!("accounts?$filter=name%20eq%20'{}'", "x".repeat(33_000));
    assert_eq!(
        get(&emulator, &long).await.error().1,
        "Invalid URI: The Uri string is too long."
    );
}

#[tokio::test]
async fn the_document_and_its_sets_are_served() {
    let emulator = emulator();
    let document = get(&emulator, "$metadata").await;
    assert_eq!(document.header("content-type"), "application/xml");
    assert!(dataverse_codegen::csdl::parse(&document.body).is_ok());
    let sets = get(&emulator, "/api/data/v9.1/").await.json();
    assert_eq!(
        sets["@odata.context"],
        "https://emulator.localhost/api/data/v9.1/$metadata"
    );
    let account = serde_json::json!({"name":"accounts","kind":"EntitySet","url":"accounts"});
    assert!(sets["value"].as_array().unwrap().contains(&account));
}

#[tokio::test]
async fn users_are_named_by_id_alone() {
    let emulator = emulator();
    let me = get(&emulator, "WhoAmI()").await.json();
    let id = me["UserId"].as_str().unwrap();
    let row = get(&emulator, &format!("systemusers({id})?$select=fullname")).await;
    assert_eq!(row.json()["fullname"], "Emulator");
    let named = get(&emulator, &format!("systemusers(systemuserid={id})")).await;
    assert_eq!(named.status, 400);
    let account = create(&emulator, "accounts", "{}").await;
    let owner = get(&emulator, &format!("{account}?$select=_ownerid_value"))
        .await
        .json();
    assert_eq!(owner["_ownerid_value"], id);
    let id = &account["accounts(".len()..account.len() - 1];
    assert_eq!(
        get(&emulator, &format!("accounts(accountid={id})"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn garbage_is_answered_and_never_a_panic() {
    let emulator = emulator();
    let whole = "accounts(accountnumber='a''b',name=5)/x/$value?$select=a,b&$filter=((a%20eq%20'x')%20and%20not%20contains(b,'%25'))%20or%20c/d%20ne%205&$orderby=a%20desc,b&$skiptoken=%3Ccookie%20pagenumber=%222%22/%3E";
    for cut in 0..whole.len() {
        let path = &whole[..cut];
        let answer = get(&emulator, path).await;
        assert!(answer.status >= 200, "{path}");
        assert_ne!(answer.status, 500, "{path}: {}", answer.body);
    }
    let deep = format!(
        "accounts?$filter={}name%20eq%20'a'{}",
        "(".repeat(5000),
        ")".repeat(5000)
    );
    assert_eq!(get(&emulator, &deep).await.status, 400);
}

#[tokio::test]
async fn long_filters_and_repeated_options_are_refused_in_words() {
    let emulator = emulator();
    let terms = vec!["name%20eq%20'a'"; 1_500].join("%20or%20");
    let answer = get(&emulator, &format!("accounts?$filter={terms}")).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let answer = get(&emulator, "accounts?$top=1&%24top=2").await;
    assert_eq!(answer.status, 400);
    assert!(answer.error().1.contains("more than once"));
}
