//! Faults of the line, on real sockets, under the client as a program uses it.

use std::io::Write;

use bytes::Bytes;
use dataverse_client::http::{FixedToken, Reached, ReqwestTransport, Transport, VirtualClock};
use dataverse_client::{Client, Id, New};
use dataverse_tests::tables::{Account, AccountCard};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

fn client(url: &str) -> (Client, VirtualClock) {
    let clock = VirtualClock::default();
    let client = Client::builder(url)
        .unwrap()
        .credential(FixedToken::new("x"))
        .clock(clock.clone())
        .build()
        .unwrap();
    (client, clock)
}

/// What a server does with one connection.
#[derive(Clone, Copy)]
enum Step {
    /// Closes it without reading.
    Close,
    /// Closes it hard without reading.
    Reset,
    /// Reads a whole request, and closes.
    ReadAndClose,
    /// Reads a whole request, and closes hard.
    ReadAndReset,
    /// Reads a whole request, writes this and closes.
    Answer(&'static [u8]),
}

/// Plays one step for each connection; gives the bodies of the requests that were read whole.
async fn serve(steps: Vec<Step>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for step in steps {
            let (mut stream, _) = listener.accept().await.unwrap();
            match step {
                Step::Close => {}
                Step::Reset => stream.set_zero_linger().unwrap(),
                Step::ReadAndClose => requests.push(read(&mut stream).await),
                Step::ReadAndReset => {
                    requests.push(read(&mut stream).await);
                    stream.set_zero_linger().unwrap();
                }
                Step::Answer(answer) => {
                    requests.push(read(&mut stream).await);
                    stream.write_all(answer).await.unwrap();
                    stream.shutdown().await.unwrap();
                }
            }
        }
        requests
    });
    (url, served)
}

/// One whole request: its first line, a blank and its body.
async fn read(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                let line = head.lines().next().unwrap_or_default();
                return format!("{line} {body}");
            }
        }
        let count = stream.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "the request was cut: {text}");
        received.extend_from_slice(&buffer[..count]);
    }
}

const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
const TAKEN: &[u8] = b"HTTP/1.1 412 Precondition Failed\r\nConnection: close\r\n\
    Content-Length: 44\r\n\r\n{\"error\":{\"code\":\"0x80040237\",\"message\":\"\"}}";
const FOUND: &[u8] =
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{\"accountid\":\"x\"}";

#[tokio::test]
async fn without_a_connection_everything_is_tried_again() {
    // It has a port and does not listen at it: nobody else can, and who connects is refused.
    let held = TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let refused = format!("http://{}", held.local_addr().unwrap());
    // A name that no server knows, by its definition.
    for url in [refused.as_str(), "https://org.invalid"] {
        let (client, clock) = client(url);
        // An action's class: not even this is in doubt.
        let create = client.create(New::new().set(Account::NAME, "a"));
        let error = create.server_assigned_id().await.unwrap_err();
        assert!(!error.is_outcome_unknown(), "{url}: {error}");
        assert_eq!((error.attempts(), clock.sleeps().len()), (10, 9), "{url}");
        assert_eq!(client.counters().not_sent, 10);
    }
}

#[tokio::test]
async fn a_create_over_every_kind_of_broken_line_makes_one_row() {
    for broken in [
        Step::Close,
        Step::Reset,
        Step::ReadAndClose,
        Step::ReadAndReset,
        Step::Answer(b"HTTP/1.1 204 No Con"),
        Step::Answer(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\n<html>"),
    ] {
        // The first attempt was executed, or was not: the second answer tells.
        for rest in [
            vec![Step::Answer(DONE)],
            vec![Step::Answer(TAKEN), Step::Answer(FOUND)],
        ] {
            let mut steps = vec![broken];
            steps.extend(rest);
            let (url, served) = serve(steps).await;
            let (client, _) = client(&url);
            let id = client.create(New::new().set(Account::NAME, "a")).await;
            let id = id.unwrap().to_string();
            for request in served.await.unwrap() {
                assert!(request.contains(&id), "{request}");
            }
        }
        // Without a key of its own it ends in doubt; a hard close may be no connection at all.
        let (url, served) = serve(vec![broken, Step::Answer(DONE)]).await;
        let (client, _) = client(&url);
        let create = client.create(New::new().set(Account::NAME, "a"));
        let create = create.server_assigned_id().await;
        if !matches!(broken, Step::Reset) {
            assert!(create.unwrap_err().is_outcome_unknown());
        }
        served.abort();
    }
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_not_noticed() {
    let alive = b"HTTP/1.1 204 No Content\r\n\r\n";
    let (url, served) = serve(vec![Step::Answer(alive), Step::Answer(alive)]).await;
    let (client, clock) = client(&url);
    for _ in 0..2 {
        client.delete::<Account>(Id::generate()).await.unwrap();
        // The server has closed; the client may or may not have heard of it.
        tokio::task::yield_now().await;
    }
    assert_eq!(served.await.unwrap().len(), 2);
    // A delete may be repeated, so the worst case is a wait.
    assert!(clock.sleeps().len() <= 1);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn leaked(head: &str, body: &[u8]) -> &'static [u8] {
    let answer: Vec<u8> = [head.as_bytes(), b"\r\n\r\n", body].concat();
    Box::leak(answer.into_boxed_slice())
}

#[tokio::test]
async fn a_cut_body_is_never_an_answer() {
    let whole = r#"{"value":[{"name":"a"},{"name":"b"}]}"#;
    let packed = gzip(whole.as_bytes());
    let ok = "HTTP/1.1 200 OK\r\nConnection: close";
    let cut = [
        leaked(
            &format!("{ok}\r\nContent-Length: {}", whole.len()),
            &whole.as_bytes()[..24],
        ),
        leaked(
            &format!("{ok}\r\nTransfer-Encoding: chunked"),
            format!("{:x}\r\n{whole}\r\n", whole.len()).as_bytes(),
        ),
        // Nothing but the JSON tells that something is missing.
        leaked(ok, &whole.as_bytes()[..24]),
        leaked(
            &format!("{ok}\r\nContent-Encoding: gzip"),
            &packed[..packed.len() - 9],
        ),
    ];
    for (number, answer) in cut.into_iter().enumerate() {
        let (url, served) = serve(vec![Step::Answer(answer); 10]).await;
        let (client, _) = client(&url);
        let error = client.query::<AccountCard>().await.unwrap_err();
        assert_eq!(error.is_decode(), number == 2, "{number}: {error}");
        served.abort();
    }
    // The same whole, to know that the cuts were what failed.
    for answer in [
        leaked(ok, whole.as_bytes()),
        leaked(&format!("{ok}\r\nContent-Encoding: gzip"), &packed),
    ] {
        let (url, _served) = serve(vec![Step::Answer(answer)]).await;
        let (client, _) = client(&url);
        assert_eq!(client.query::<AccountCard>().await.unwrap().rows.len(), 2);
    }
}

#[tokio::test]
async fn an_answer_is_only_so_large_after_decompression() {
    let bomb = gzip(&vec![b' '; 8 << 20]);
    assert!(bomb.len() < 10_000);
    let answer = leaked(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip",
        &bomb,
    );
    for (limit, is_read) in [(8 << 20, true), ((8 << 20) - 1, false), (1000, false)] {
        let (url, _served) = serve(vec![Step::Answer(answer)]).await;
        let transport = ReqwestTransport::new().unwrap().max_body(limit);
        let request = http::Request::get(&url).body(Bytes::new()).unwrap();
        match transport.send(request).await {
            Ok(answer) => assert!(is_read && answer.body().len() == 8 << 20),
            Err(error) => {
                assert!(!is_read && error.reached() == Reached::Unknown);
                let source = std::error::Error::source(&error).unwrap().to_string();
                assert!(source.contains("smaller pages"), "{source}");
            }
        }
    }
}
