//! Faults on demand, the log, tokens, files, sockets.

use std::time::Duration;

use bytes::Bytes;
use dataverse_client::http::{Reached, ReqwestTransport, Transport};
use dataverse_emulator::{BuildError, Emulator, InjectedFault};

use super::{emulator, get, post};

#[tokio::test]
async fn faults_come_in_the_order_they_were_ordered() {
    let emulator = emulator();
    let wait = Duration::from_secs(7);
    emulator.inject(InjectedFault::Throttled { retry_after: wait }, 2);
    emulator.inject(
        InjectedFault::Status(http::StatusCode::SERVICE_UNAVAILABLE),
        1,
    );
    for _ in 0..2 {
        let answer = get(&emulator, "accounts").await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "7"));
        assert_eq!(answer.error().0, "0x80072322");
    }
    assert_eq!(get(&emulator, "accounts").await.status, 503);
    assert_eq!(get(&emulator, "accounts").await.status, 200);
    emulator.inject(InjectedFault::AnswerLost, 1);
    emulator.inject(InjectedFault::ConnectionRefused, 1);
    for reached in [Reached::Unknown, Reached::NotSent] {
        let request = http::Request::post(format!("{}/api/data/v9.2/accounts", Emulator::URL))
            .header("authorization", "Bearer x")
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        assert_eq!(emulator.send(request).await.unwrap_err().reached(), reached);
    }
    // The first was executed, the second not.
    assert_eq!(
        get(&emulator, "accounts").await.json()["value"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_log_holds_requests_and_no_token() {
    let emulator = emulator();
    post(&emulator, "accounts", "{}").await;
    let [request] = &emulator.requests()[..] else {
        panic!()
    };
    assert_eq!(request.target, "/api/data/v9.2/accounts");
    assert_eq!(request.status.unwrap().as_u16(), 204);
    assert_eq!(request.headers["authorization"], "Bearer ***");
}

#[tokio::test]
async fn without_a_token_there_is_no_answer() {
    let request = http::Request::get(format!("{}/api/data/v9.2/accounts", Emulator::URL))
        .body(Bytes::new())
        .unwrap();
    let answer = emulator().send(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().len()), (401, 0));
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.starts_with("Bearer authorization_uri="),
        "{challenge}"
    );
}

#[tokio::test]
async fn rows_outlive_the_emulator_in_a_file() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("rows.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let document = std::fs::read(dataverse_tests::fixture("csdl/trippin-v4.csdl.xml.gz")).unwrap();
    assert!(
        Emulator::builder()
            .metadata(document)
            .data_file(&file)
            .build()
            .is_ok()
    );
    let document = std::fs::read(dataverse_tests::fixture(
        "csdl/dataverse-online-9.1-crm4-2020-09.csdl.xml.gz",
    ))
    .unwrap();
    let open = || {
        Emulator::builder()
            .metadata(document.clone())
            .data_file(&file)
            .build()
            .unwrap()
    };
    let answer = post(&open(), "accounts", r#"{"name":"kept"}"#).await;
    assert_eq!(answer.status, 204);
    let again = open();
    let before = get(&again, "accounts?$select=name").await.json();
    assert_eq!(before["value"][0]["name"], "kept");
    post(&again, "accounts", "{}").await;
    assert_eq!(
        get(&again, "accounts").await.json()["value"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_file_takes_a_document_with_more_columns() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("columns.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let open = |columns: &str| {
        let document = format!(
            "<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\
             <edmx:DataServices><Schema Namespace=\"Microsoft.Dynamics.CRM\" \
             xmlns=\"http://docs.oasis-open.org/odata/ns/edm\"><EntityType Name=\"a\"><Key>\
             <PropertyRef Name=\"aid\"/></Key><Property Name=\"aid\" Type=\"Edm.Guid\"/>{columns}\
             </EntityType><EntityContainer Name=\"C\"><EntitySet Name=\"as\" \
             EntityType=\"Microsoft.Dynamics.CRM.a\"/></EntityContainer></Schema>\
             </edmx:DataServices></edmx:Edmx>"
        );
        let builder = Emulator::builder().metadata(document).data_file(&file);
        builder.build().unwrap()
    };
    let old = "<Property Name=\"old\" Type=\"Edm.String\"/>";
    assert_eq!(post(&open(old), "as", r#"{"old":"x"}"#).await.status, 204);
    let emulator = open(&format!(
        "{old}<Property Name=\"new\" Type=\"Edm.Decimal\"/>"
    ));
    assert_eq!(post(&emulator, "as", r#"{"new":1.50}"#).await.status, 204);
    let rows = get(&emulator, "as?$orderby=new&$select=old,new").await;
    assert!(
        rows.body.contains("\"old\":\"x\",\"new\":null"),
        "{}",
        rows.body
    );
    assert!(
        rows.body.contains("\"old\":null,\"new\":1.50"),
        "{}",
        rows.body
    );
}

#[test]
fn what_cannot_be_emulated_is_told() {
    let error = Emulator::builder().metadata("<html>").build().unwrap_err();
    assert!(matches!(error, BuildError::Metadata(_)), "{error}");
    let document = std::fs::read(dataverse_tests::fixture("csdl/trippin-v4.csdl.xml.gz")).unwrap();
    let error = Emulator::builder()
        .metadata(document)
        .alternate_key("account", &["x"])
        .build();
    assert!(error.unwrap_err().to_string().contains("no such table"));
    let error = emulator()
        .seed("account", ["{}", "{\"nothing\":1}"])
        .unwrap_err();
    assert!(
        error.to_string().starts_with("row 1 for `account`: "),
        "{error}"
    );
}

#[tokio::test]
async fn only_this_machine_reaches_it() {
    let listening = emulator().listen(0).await.unwrap();
    let url = listening.url();
    let (host, port) = url.rsplit_once(':').unwrap();
    assert_eq!(host, "http://127.0.0.1");
    let port: u16 = port.parse().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    // Another address of the machine, which answers where all are listened on.
    assert!(std::net::TcpStream::connect(("127.0.0.2", port)).is_err());
}

#[tokio::test]
async fn it_answers_on_a_socket() {
    let emulator = emulator();
    let listening = emulator.listen(0).await.unwrap();
    let transport = ReqwestTransport::new().unwrap();
    let ask = |method: &str, path: &str, body: &'static str| {
        http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", listening.service_root()))
            .header("authorization", "Bearer x")
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
    };
    let created = transport
        .send(ask("POST", "accounts", r#"{"name":"a"}"#))
        .await
        .unwrap();
    assert_eq!(created.status(), 204);
    let url = created.headers()["odata-entityid"].to_str().unwrap();
    assert!(url.starts_with(&listening.service_root()), "{url}");
    emulator.inject(InjectedFault::AnswerLost, 1);
    let lost = transport
        .send(ask("POST", "accounts", r#"{"name":"b"}"#))
        .await
        .unwrap_err();
    assert_eq!(lost.reached(), Reached::Unknown);
    // Links lead to where the request came.
    let port = listening.url().rsplit_once(':').unwrap().1.to_owned();
    let local = format!("http://localhost:{port}/api/data/v9.2/accounts");
    let mut request = ask("POST", "accounts", "{}");
    *request.uri_mut() = local.parse().unwrap();
    let created = transport.send(request).await.unwrap();
    let url = created.headers()["odata-entityid"].to_str().unwrap();
    assert!(url.starts_with(&local), "{url}");
    let rows = transport
        .send(ask("GET", "accounts/$count", ""))
        .await
        .unwrap();
    assert_eq!(rows.body(), "\u{feff}3");
}

#[tokio::test]
async fn headers_are_spelled_on_a_socket_as_the_service_spells_them() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listening = emulator().listen(0).await.unwrap();
    let address = listening.url();
    let address = address.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = "{\"name\":\"etag: \u{e9}\"}";
    let request = format!(
        "POST /api/data/v9.2/accounts HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer x\r\nPrefer: return=representation\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
    for name in [
        "OData-Version",
        "ETag",
        "Content-Type",
        "Preference-Applied",
    ] {
        assert!(head.contains(&format!("\r\n{name}: ")), "{name}: {head}");
    }
    assert!(body.contains("\"name\":\"etag: \u{e9}\""), "{body}");
}

#[tokio::test]
async fn a_fault_can_be_for_some_requests_only() {
    let emulator = emulator();
    emulator.inject_when(
        InjectedFault::Status(http::StatusCode::BAD_GATEWAY),
        1,
        |method, target| method == "POST" && target.ends_with("/accounts"),
    );
    assert_eq!(get(&emulator, "accounts").await.status, 200);
    assert_eq!(post(&emulator, "contacts", "{}").await.status, 204);
    assert_eq!(post(&emulator, "accounts", "{}").await.status, 502);
    assert_eq!(post(&emulator, "accounts", "{}").await.status, 204);
}

#[tokio::test]
async fn a_file_takes_the_columns_of_a_later_document() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("later-columns.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    let document = |columns: &str| {
        format!(
            r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
            <edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm"
            xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="thing">
            <Key><PropertyRef Name="thingid"/></Key><Property Name="thingid" Type="Edm.Guid"/>
            {columns}</EntityType><EntityContainer Name="System">
            <EntitySet Name="things" EntityType="mscrm.thing"/></EntityContainer></Schema>
            </edmx:DataServices></edmx:Edmx>"#
        )
    };
    let open = |columns: &str| {
        let builder = Emulator::builder().metadata(document(columns));
        builder.data_file(&file).build().unwrap()
    };
    let old = r#"<Property Name="name" Type="Edm.String"/>"#;
    let answer = post(&open(old), "things", r#"{"name":"kept"}"#).await;
    assert_eq!(answer.status, 204);
    let new = format!(r#"{old}<Property Name="amount" Type="Edm.Decimal"/>"#);
    let again = open(&new);
    let answer = post(&again, "things", r#"{"name":"new","amount":1.50}"#).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let rows = get(&again, "things?$select=name,amount&$orderby=amount").await;
    let rows = rows.json()["value"].clone();
    assert_eq!(rows[0]["name"], "kept");
    assert_eq!(rows[0]["amount"], serde_json::Value::Null);
    assert_eq!(rows[1]["amount"].to_string(), "1.5");
}

#[test]
fn many_rows_with_a_key_are_seeded_without_comparing_all_pairs() {
    let emulator = emulator();
    let rows = (0..5_000).map(|row| format!(r#"{{"accountnumber":"N{row}"}}"#));
    assert_eq!(emulator.seed("account", rows).unwrap(), 5_000);
    let error = emulator.seed("account", [r#"{"accountnumber":"n4999"}"#]);
    assert!(error.is_err());
}
