//! What an HTTP/2 server says of requests that it did not answer.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use bytes::Bytes;

use super::super::{MAX_BODY, Reached, ReqwestTransport, Transport, build, settings};

// Types of frames, and codes of errors.
// Source: RFC 9113, sections 6 and 7.
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Does {
    /// 204.
    Answers,
    /// Ends its stream with this code.
    Resets(u32),
    /// Closes the connection in good order, before it looked at the request or after.
    Closes { after: bool },
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let head = [&[0, 0, length, kind, flags], &stream.to_be_bytes()[..]].concat();
    [&head, payload].concat()
}

impl Does {
    fn frame(self, stream: u32) -> Vec<u8> {
        match self {
            // The ninth of the static table is `:status: 204`; the headers end, and the stream.
            Does::Answers => frame(HEADERS, 0x5, stream, &[0x80 | 9]),
            Does::Resets(code) => frame(RST_STREAM, 0, stream, &code.to_be_bytes()),
            Does::Closes { after } => {
                let last = if after { stream } else { 0 };
                let no_error = 0_u32;
                let payload = [last.to_be_bytes(), no_error.to_be_bytes()].concat();
                frame(GOAWAY, 0, 0, &payload)
            }
        }
    }
}

/// The stream of the next request.
fn next_request(connection: &mut TcpStream) -> Option<u32> {
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).ok()?;
        let [a, b, c, kind, _, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        connection.read_exact(&mut payload).ok()?;
        if kind == HEADERS {
            return Some(u32::from_be_bytes(stream));
        }
    }
}

/// Serves one request after the other, on as many connections as come.
fn serve(listener: &TcpListener, requests: &[Does]) {
    let mut rest = requests;
    while !rest.is_empty() {
        let (mut connection, _) = listener.accept().unwrap();
        let mut preface = [0; PREFACE.len()];
        connection.read_exact(&mut preface).unwrap();
        assert_eq!(preface, PREFACE);
        connection.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        while let [does, behind @ ..] = rest
            && let Some(stream) = next_request(&mut connection)
        {
            connection.write_all(&does.frame(stream)).unwrap();
            rest = behind;
            if matches!(does, Does::Closes { .. }) {
                break;
            }
        }
    }
}

#[test]
fn what_the_server_did_not_look_at_is_told_from_what_it_may_have_executed() {
    let cases = [
        (Does::Answers, None),
        (Does::Resets(REFUSED_STREAM), Some(Reached::Refused)),
        (Does::Resets(CANCEL), Some(Reached::Unknown)),
        (Does::Answers, None),
        (Does::Closes { after: false }, Some(Reached::Refused)),
        (Does::Answers, None),
        (Does::Closes { after: true }, Some(Reached::Unknown)),
        (Does::Answers, None),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || serve(&listener, &cases.map(|(does, _)| does)));
    let transport = ReqwestTransport {
        client: build(settings().no_proxy().http2_prior_knowledge()).unwrap(),
        direct: Arc::default(),
        last: Arc::default(),
        max_body: MAX_BODY,
    };
    transport.direct.set(transport.client.clone()).unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(async {
        for (at, (_, expected)) in cases.into_iter().enumerate() {
            let request = http::Request::get(&url).body(Bytes::new()).unwrap();
            match transport.send(request).await {
                Ok(answer) => {
                    assert_eq!(answer.status(), 204, "{at}");
                    assert_eq!(expected, None, "{at}");
                }
                Err(error) => assert_eq!(Some(error.reached()), expected, "{at}: {error:?}"),
            }
        }
    });
    served.join().unwrap();
}
