//! Change tracking: a full read, then what changed.

use std::time::Duration;

use dataverse_client::http::{Clock, VirtualClock};
use dataverse_emulator::Emulator;
use serde_json::{Value, json};

use super::documented::examples;
use super::small::{builder, emulator};
use super::{Answer, create, get, send};

const TRACK: (&str, &str) = ("prefer", "odata.track-changes");

fn rows(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["value"].as_array().unwrap().clone()
}

/// Names of rows, `-` for one that was deleted.
fn names(answer: &Answer) -> Vec<String> {
    let name = |row: &Value| row["name"].as_str().unwrap_or("-").to_owned();
    rows(answer).iter().map(name).collect()
}

fn link(answer: &Answer, kind: &str) -> String {
    let json = answer.json();
    let link = json[format!("@odata.{kind}Link")].as_str();
    link.unwrap_or_else(|| panic!("no {kind}: {json}"))
        .to_owned()
}

async fn start(emulator: &Emulator, path: &str) -> Answer {
    send(emulator, "GET", path, &[TRACK], "").await
}

async fn delete(emulator: &Emulator, path: &str) {
    assert_eq!(send(emulator, "DELETE", path, &[], "").await.status, 204);
}

async fn rename(emulator: &Emulator, path: &str, name: &str) {
    let body = json!({"name": name}).to_string();
    assert_eq!(send(emulator, "PATCH", path, &[], &body).await.status, 204);
}

#[tokio::test]
async fn changes_and_deletions_come_behind_the_link() {
    let emulator = emulator();
    let kept = create(&emulator, "accounts", r#"{"name":"kept"}"#).await;
    let gone = create(&emulator, "accounts", r#"{"name":"gone"}"#).await;
    create(&emulator, "accounts", r#"{"name":"same"}"#).await;
    let first = start(&emulator, "accounts?$select=name").await;
    assert_eq!(first.header("preference-applied"), "odata.track-changes");
    assert_eq!(names(&first), ["kept", "gone", "same"]);
    let delta = link(&first, "delta");
    let nothing = get(&emulator, &delta).await;
    assert!(rows(&nothing).is_empty());

    delete(&emulator, &gone).await;
    rename(&emulator, &kept, "changed").await;
    create(&emulator, "accounts", r#"{"name":"new"}"#).await;
    create(&emulator, "contacts", "{}").await;
    let second = get(&emulator, &delta).await;
    let told = rows(&second);
    assert_eq!(names(&second), ["changed", "new", "-"]);
    assert!(told[0]["@odata.etag"].is_string());
    let id = gone["accounts(".len()..].trim_end_matches(')');
    let root = "https://emulator.localhost/api/data/v9.2/";
    assert_eq!(
        told[2],
        json!({"@odata.context": format!("{root}$metadata#accounts/$deletedEntity"),
            "id": id, "reason": "deleted"})
    );
    assert_eq!(
        second.json()["@odata.context"],
        format!("{root}$metadata#accounts(name)/$delta")
    );
    // The old link still tells the same, the new one nothing yet.
    assert_eq!(
        names(&get(&emulator, &delta).await),
        ["changed", "new", "-"]
    );
    assert!(rows(&get(&emulator, &link(&second, "delta")).await).is_empty());
}

#[tokio::test]
async fn links_look_as_documented() {
    let examples = examples("docs-change-tracking-2018.json");
    let emulator = emulator();
    let row = json!({"accountid": "60c4e274-0d87-e711-80e5-00155db19e6d",
        "name": "Monte Orton", "telephone1": "555000", "fax": "10101"});
    emulator.seed("account", [row.to_string()]).unwrap();
    let example = &examples["change-tracking-2018#1"];
    let documented: Value =
        serde_json::from_str(example["response"]["body"].as_str().unwrap()).unwrap();
    let url = example["request"]["url"].as_str().unwrap();
    let path = url.split_once("/api/data/v9.0/").unwrap().1;
    let answer = start(&emulator, path).await;
    let told = answer.json();
    let keys = |json: &Value| {
        json.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&told), keys(&documented));
    assert_eq!(keys(&told["value"][0]), keys(&documented["value"][0]));
    // The same link but for host, version and time.
    let shape = |json: &Value| -> String {
        let link = json["@odata.deltaLink"].as_str().unwrap();
        let link = link.split_once("/accounts").unwrap().1;
        let (link, token) = link.split_once("$deltatoken=").unwrap();
        let token = token.split_once("%21").unwrap().1;
        let token: String = token
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        format!("{link}$deltatoken={token}")
    };
    assert_eq!(shape(&told), shape(&documented));
    let token = told["@odata.deltaLink"].as_str().unwrap();
    assert!(
        token.ends_with("%2101%2f01%2f2026%2000%3a00%3a00"),
        "{token}"
    );

    let example = &examples["change-tracking-2018#2"];
    let documented: Value =
        serde_json::from_str(example["response"]["body"].as_str().unwrap()).unwrap();
    let gone = create(&emulator, "accounts", "{}").await;
    let other = create(&emulator, "accounts", "{}").await;
    delete(&emulator, &gone).await;
    let told = get(&emulator, &link(&answer, "delta")).await.json();
    assert_eq!(keys(&told), keys(&documented));
    assert_eq!(keys(&told["value"][1]), keys(&documented["value"][1]));
    let id = other["accounts(".len()..].trim_end_matches(')');
    assert_eq!(told["value"][0]["accountid"], id);
}

#[tokio::test]
async fn a_full_read_in_pages_misses_no_change() {
    let emulator = emulator();
    let mut paths = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let row = json!({"name": name}).to_string();
        paths.push(create(&emulator, "accounts", &row).await);
    }
    let prefer = [("prefer", "odata.track-changes, odata.maxpagesize=2")];
    let first = send(&emulator, "GET", "accounts?$select=name", &prefer, "").await;
    assert_eq!(names(&first), ["a", "b"]);
    assert!(first.json().get("@odata.deltaLink").is_none());
    // Between the pages one row of each is changed, and one is deleted.
    rename(&emulator, &paths[0], "a2").await;
    rename(&emulator, &paths[2], "c2").await;
    delete(&emulator, &paths[1]).await;
    let second = send(&emulator, "GET", &link(&first, "next"), &prefer, "").await;
    assert_eq!(names(&second), ["d"]);
    assert!(second.json().get("@odata.nextLink").is_none());
    let delta = get(&emulator, &link(&second, "delta")).await;
    assert_eq!(names(&delta), ["a2", "c2", "-"]);
}

#[tokio::test]
async fn a_delta_is_paged_changes_first() {
    let emulator = emulator();
    let mut paths = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        let row = json!({"name": name}).to_string();
        paths.push(create(&emulator, "accounts", &row).await);
    }
    let delta = link(&start(&emulator, "accounts?$select=name").await, "delta");
    delete(&emulator, &paths[0]).await;
    delete(&emulator, &paths[1]).await;
    delete(&emulator, &paths[2]).await;
    rename(&emulator, &paths[3], "d2").await;
    rename(&emulator, &paths[4], "e2").await;
    create(&emulator, "accounts", r#"{"name":"f"}"#).await;
    let prefer = [("prefer", "odata.maxpagesize=2")];
    let mut url = delta;
    let mut pages = Vec::new();
    loop {
        let page = send(&emulator, "GET", &url, &prefer, "").await;
        pages.push(names(&page));
        let json = page.json();
        let context = json["@odata.context"].as_str().unwrap();
        assert!(context.ends_with("#accounts(name)/$delta"), "{context}");
        match json["@odata.nextLink"].as_str() {
            Some(next) => url = next.to_owned(),
            None => {
                url = link(&page, "delta");
                break;
            }
        }
        // What happens meanwhile is told by the next delta.
        rename(&emulator, &paths[4], "e3").await;
    }
    assert_eq!(pages, [vec!["d2", "e2"], vec!["f", "-"], vec!["-", "-"]]);
    assert_eq!(names(&get(&emulator, &url).await), ["e3"]);
}

#[tokio::test]
async fn every_page_size_tells_the_same() {
    let emulator = emulator();
    let mut paths = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let row = json!({"name": name}).to_string();
        paths.push(create(&emulator, "accounts", &row).await);
    }
    let delta = link(&start(&emulator, "accounts?$select=name").await, "delta");
    delete(&emulator, &paths[0]).await;
    delete(&emulator, &paths[1]).await;
    rename(&emulator, &paths[2], "c2").await;
    rename(&emulator, &paths[3], "d2").await;
    for size in 1..=5 {
        let prefer = format!("odata.maxpagesize={size}");
        let mut url = delta.clone();
        let mut told = Vec::new();
        loop {
            let page = send(&emulator, "GET", &url, &[("prefer", &*prefer)], "").await;
            let names = names(&page);
            assert!(
                names.len() <= size && !names.is_empty(),
                "{size}: {names:?}"
            );
            told.extend(names);
            match page.json()["@odata.nextLink"].as_str() {
                Some(next) => url = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(told, ["c2", "d2", "-", "-"], "{size}");
    }
}

#[tokio::test]
async fn rows_that_come_and_go_are_told_as_they_are() {
    let emulator = emulator();
    let delta = link(&start(&emulator, "accounts?$select=name").await, "delta");
    let row = json!({"accountid": "00000000-0000-0000-0000-000000000001", "name": "a"});
    let path = create(&emulator, "accounts", &row.to_string()).await;
    delete(&emulator, &path).await;
    // The client never saw it.
    assert_eq!(names(&get(&emulator, &delta).await), ["-"]);
    create(&emulator, "accounts", &row.to_string()).await;
    assert_eq!(names(&get(&emulator, &delta).await), ["a"]);
    // A lookup that is cleared because its row is gone is a change.
    let contact = create(&emulator, "contacts", "{}").await;
    let body = format!(r#"{{"primarycontactid@odata.bind":"{contact}"}}"#);
    send(&emulator, "PATCH", &path, &[], &body).await;
    let delta = link(&start(&emulator, "accounts?$select=name").await, "delta");
    let old = get(&emulator, &path).await.header("etag").to_owned();
    delete(&emulator, &contact).await;
    assert_eq!(names(&get(&emulator, &delta).await), ["a"]);
    assert_ne!(get(&emulator, &path).await.header("etag"), old);
    // A refused write is none.
    let delta = link(&get(&emulator, &delta).await, "delta");
    send(&emulator, "PATCH", &path, &[], r#"{"name":5}"#).await;
    let stale = [("if-match", "W/\"1\"")];
    send(&emulator, "DELETE", &path, &stale, "").await;
    assert!(rows(&get(&emulator, &delta).await).is_empty());
}

#[tokio::test]
async fn changes_are_counted() {
    let emulator = emulator();
    let path = create(&emulator, "accounts", "{}").await;
    let delta = link(&start(&emulator, "accounts").await, "delta");
    assert!(delta.contains("/accounts?$deltatoken="), "{delta}");
    let count = delta.replace("/accounts?", "/accounts/$count?");
    let told = get(&emulator, &count).await;
    assert_eq!(
        (told.header("content-type"), &*told.body),
        ("text/plain", "\u{feff}0")
    );
    delete(&emulator, &path).await;
    create(&emulator, "accounts", "{}").await;
    assert_eq!(get(&emulator, &count).await.body, "\u{feff}2");
}

#[tokio::test]
async fn a_link_can_be_followed_for_a_time() {
    let day = Duration::from_secs(24 * 60 * 60);
    for (lifetime, days) in [(None, 7), (Some(day * 2), 2)] {
        let clock = VirtualClock::default();
        let mut builder = builder().clock(clock.clone());
        if let Some(lifetime) = lifetime {
            builder = builder.delta_lifetime(lifetime);
        }
        let emulator = builder.build().unwrap();
        let delta = link(&start(&emulator, "accounts").await, "delta");
        clock.sleep(day * days).await;
        assert_eq!(get(&emulator, &delta).await.status, 200);
        clock.sleep(Duration::from_secs(1)).await;
        for path in [
            delta.clone(),
            delta.replace("accounts?", "accounts/$count?"),
        ] {
            let expired = get(&emulator, &path).await;
            assert_eq!((expired.status, &*expired.error().0), (400, "0x80044352"));
        }
    }
}

#[tokio::test]
async fn other_options_are_refused() {
    let emulator = emulator();
    for option in ["filter", "orderby", "expand", "top"] {
        let answer = start(&emulator, &format!("accounts?${option}=name")).await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.error().1,
            format!(
                "The \"${option}\" query parameter isn't supported when Change Tracking is enabled."
            )
        );
    }
    let delta = link(&start(&emulator, "accounts").await, "delta");
    assert_eq!(get(&emulator, &format!("{delta}&$top=1")).await.status, 400);
    for query in [
        "$deltatoken=x",
        "$deltatoken=5%2101%2f01%2f2026",
        "$skiptoken=x",
        "$select=nothing",
    ] {
        let answer = start(&emulator, &format!("accounts?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn deletions_outlive_the_emulator_in_a_file() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("delta.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let open = || builder().data_file(&file).build().unwrap();
    let before = open();
    let path = create(&before, "accounts", "{}").await;
    let delta = link(&start(&before, "accounts?$select=name").await, "delta");
    delete(&before, &path).await;
    drop(before);
    assert_eq!(names(&get(&open(), &delta).await), ["-"]);
}
