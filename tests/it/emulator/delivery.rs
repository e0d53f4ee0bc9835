//! Answers that come late, slowly, in part or not at all.

use std::time::Duration;

use bytes::Bytes;
use dataverse_client::http::{Clock, Reached, ReqwestTransport, Transport, VirtualClock};
use dataverse_emulator::{Emulator, InjectedFault, Listening};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{emulator, get, post, send};
use crate::documents::{ON_PREMISES, document};

fn create(url: &str) -> http::Request<Bytes> {
    http::Request::post(format!("{url}/api/data/v9.2/accounts"))
        .header("authorization", "Bearer any")
        .header("prefer", "return=representation")
        .body(Bytes::from_static(b"{\"name\":\"a\"}"))
        .unwrap()
}

async fn count(emulator: &Emulator) -> String {
    let body = get(emulator, "accounts/$count").await.body;
    body.trim_start_matches('\u{feff}').to_owned()
}

/// All that comes on a connection until it is closed.
async fn raw(listening: &Listening) -> String {
    let url = listening.url();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/data/v9.2/accounts HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Authorization: Bearer any\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that ends early may be reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn promised(head: &str) -> usize {
    let (_, rest) = head.split_once("Content-Length: ").unwrap();
    rest.lines().next().unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn in_a_program_faults_are_errors_of_the_transport() {
    let emulator = emulator();
    for (fault, reached, rows) in [
        (InjectedFault::ConnectionRefused, Reached::NotSent, "0"),
        (InjectedFault::ConnectionReset, Reached::Unknown, "0"),
        (InjectedFault::AnswerLost, Reached::Unknown, "1"),
        (InjectedFault::TruncatedBody, Reached::Unknown, "2"),
    ] {
        emulator.inject(fault.clone(), 1);
        let error = emulator.send(create(Emulator::URL)).await.unwrap_err();
        assert_eq!(error.reached(), reached, "{fault:?}");
        assert_eq!(count(&emulator).await, rows, "{fault:?}");
    }
}

#[tokio::test]
async fn waits_are_those_of_the_clock() {
    let clock = VirtualClock::default();
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .clock(clock.clone())
        .build()
        .unwrap();
    for fault in [
        InjectedFault::Latency(Duration::from_secs(30)),
        InjectedFault::SlowBody(Duration::from_secs(30)),
    ] {
        let before = clock.now();
        emulator.inject(fault, 1);
        let answer = emulator.send(create(Emulator::URL)).await.unwrap();
        assert_eq!(answer.status(), 201);
        let passed = clock.now().duration_since(before).unwrap();
        assert_eq!(passed, Duration::from_secs(30));
    }
}

#[tokio::test]
async fn on_a_socket_a_body_is_cut_in_half() {
    let emulator = emulator();
    emulator.seed("account", ["{\"name\":\"a\"}"]).unwrap();
    let listening = emulator.listen(0).await.unwrap();
    emulator.inject(InjectedFault::TruncatedBody, 1);
    let answer = raw(&listening).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(body.len(), promised(head) / 2);

    emulator.inject(InjectedFault::TruncatedBody, 1);
    let transport = ReqwestTransport::new().unwrap();
    let error = transport.send(create(&listening.url())).await.unwrap_err();
    assert_eq!(error.reached(), Reached::Unknown);
    assert_eq!(count(&emulator).await, "2");
}

#[tokio::test]
async fn on_a_socket_a_slow_body_comes_whole_and_a_reset_has_none() {
    let emulator = emulator();
    emulator.seed("account", ["{\"name\":\"a\"}"]).unwrap();
    let listening = emulator.listen(0).await.unwrap();
    for fault in [
        InjectedFault::SlowBody(Duration::from_secs(60)),
        InjectedFault::Latency(Duration::from_secs(60)),
    ] {
        emulator.inject(fault, 1);
        let answer = raw(&listening).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.len(), promised(head));
        assert!(body.ends_with("}]}"), "{body}");
    }
    for fault in [
        InjectedFault::ConnectionReset,
        InjectedFault::ConnectionRefused,
        InjectedFault::AnswerLost,
    ] {
        emulator.inject(fault, 1);
        assert_eq!(raw(&listening).await, "");
    }
}

#[tokio::test]
async fn tokens_and_delta_tokens_expire_on_demand() {
    let emulator = emulator();
    emulator.inject(InjectedFault::ExpiredToken, 1);
    let refused = get(&emulator, "accounts").await;
    assert_eq!((refused.status, refused.body.as_str()), (401, ""));
    assert!(refused.header("www-authenticate").starts_with("Bearer "));

    let headers = [("prefer", "odata.track-changes")];
    let tracked = send(&emulator, "GET", "accounts?$select=name", &headers, "").await;
    let link = tracked.json()["@odata.deltaLink"]
        .as_str()
        .unwrap()
        .to_owned();
    emulator.inject_when(InjectedFault::ExpiredDeltaToken, 1, |_, target| {
        target.contains("$deltatoken=")
    });
    assert_eq!(get(&emulator, "accounts").await.status, 200);
    let expired = get(&emulator, &link).await;
    assert_eq!(
        (expired.status, expired.error().0.as_str()),
        (400, "0x80044352")
    );
    assert_eq!(get(&emulator, &link).await.status, 200);
}

#[tokio::test]
async fn each_kind_is_ordered_over_http() {
    let emulator = emulator();
    for (kind, status) in [("expired_token", 401), ("expired_delta_token", 400)] {
        let order = json!({ "kind": kind }).to_string();
        assert_eq!(
            post(&emulator, "/emulator/faults", &order).await.status,
            204
        );
        assert_eq!(get(&emulator, "accounts").await.status, status, "{kind}");
    }
    for kind in ["latency", "slow_body"] {
        let order = json!({ "kind": kind, "milliseconds": 20 }).to_string();
        assert_eq!(
            post(&emulator, "/emulator/faults", &order).await.status,
            204
        );
        assert_eq!(get(&emulator, "accounts").await.status, 200, "{kind}");
        let order = json!({ "kind": kind }).to_string();
        assert_eq!(
            post(&emulator, "/emulator/faults", &order).await.status,
            400
        );
    }
    for kind in [
        "connection_refused",
        "connection_reset",
        "answer_lost",
        "truncated_body",
    ] {
        let order = json!({ "kind": kind }).to_string();
        assert_eq!(
            post(&emulator, "/emulator/faults", &order).await.status,
            204
        );
        emulator.send(create(Emulator::URL)).await.unwrap_err();
    }
}
