//! The network transport on real sockets.

use bytes::Bytes;
use dataverse_client::http::{Reached, ReqwestTransport, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Listens, reads one whole request, writes `answer` and closes. Gives the address.
async fn serve(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 1024];
        while !received.ends_with(b"the body") {
            let count = stream.read(&mut buffer).await.unwrap();
            assert_ne!(count, 0, "the request was cut");
            received.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(answer).await.unwrap();
        String::from_utf8(received).unwrap()
    });
    (format!("http://{address}/"), served)
}

fn post(url: &str) -> http::Request<Bytes> {
    http::Request::post(url)
        .body(Bytes::from_static(b"the body"))
        .unwrap()
}

#[tokio::test]
async fn a_whole_answer_comes_back_whatever_its_status() {
    let (url, served) =
        serve(b"HTTP/1.1 418 I'm a teapot\r\nX-Test: yes\r\nContent-Length: 5\r\n\r\nshort").await;
    let transport = ReqwestTransport::new().unwrap();
    let answer = transport.send(post(&url)).await.unwrap();
    assert_eq!(answer.status(), 418);
    assert_eq!(answer.headers()["x-test"], "yes");
    assert_eq!(answer.body(), "short");
    assert!(served.await.unwrap().starts_with("POST / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn only_a_refused_connection_is_known_not_to_have_been_sent() {
    let transport = ReqwestTransport::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = transport.send(post(&url)).await.unwrap_err();
    assert_eq!(error.reached(), Reached::NotSent);

    for cut in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"value\":[",
    ] {
        let (url, _served) = serve(cut).await;
        let error = transport.send(post(&url)).await.unwrap_err();
        assert_eq!(error.reached(), Reached::Unknown);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, _served) = serve(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let transport = ReqwestTransport::new().unwrap();
    let answer = transport.send(post(&url)).await.unwrap();
    assert_eq!(answer.status(), 307);
}

#[tokio::test]
async fn errors_do_not_hold_the_url() {
    let transport = ReqwestTransport::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?private=row", listener.local_addr().unwrap());
    drop(listener);
    let error = transport.send(post(&url)).await.unwrap_err();
    assert!(!format!("{error:?}").contains("private"), "{error:?}");
}

#[tokio::test]
async fn a_cookie_is_not_sent_back() {
    // The affinity cookie would send everything to one server of the service.
    let transport = ReqwestTransport::new().unwrap();
    let (url, _served) = serve(
        b"HTTP/1.1 204 No Content\r\nSet-Cookie: ARRAffinity=abc; Path=/\r\n\
          Set-Cookie: ReqClientId=1; Path=/\r\n\r\n",
    )
    .await;
    transport.send(post(&url)).await.unwrap();
    let (url, served) = serve(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    transport.send(post(&url)).await.unwrap();
    let received = served.await.unwrap().to_ascii_lowercase();
    assert!(!received.contains("cookie"), "{received}");
}
