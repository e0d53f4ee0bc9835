//! The emulator on a port, for other languages, curl and benchmarks.

use std::io;

use bytes::Bytes;
use http::header::HOST;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::Emulator;
use crate::injected::Delivery;
use crate::paced::Paced;
use crate::spelling::Spelled;
use crate::tls;

/// Largest body of a request.
const MAX_BODY: usize = 256 << 20;

/// An emulator that listens. Stops when it is dropped.
#[derive(Debug)]
pub struct Listening {
    url: String,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens: `http://127.0.0.1:5000`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Where its Web API is: `http://127.0.0.1:5000/api/data/v9.2/`.
    pub fn service_root(&self) -> String {
        format!("{}/api/data/v9.2/", self.url())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Emulator {
    /// Listens on 127.0.0.1, on `port` or, for 0, on one that is free. Needs a tokio runtime.
    ///
    /// Errors: the port is taken.
    pub async fn listen(&self, port: u16) -> io::Result<Listening> {
        self.take(port, None).await
    }

    /// The same with TLS: `certificates` is a PEM chain, `key` its private key. The service's own
    /// addresses are `https`, and some clients take no other.
    ///
    /// Errors: the port is taken; no certificate, or a key that does not belong to it.
    pub async fn listen_tls(
        &self,
        port: u16,
        certificates: &[u8],
        key: &[u8],
    ) -> io::Result<Listening> {
        let acceptor = tls::acceptor(certificates, key)?;
        self.take(port, Some(acceptor)).await
    }

    async fn take(&self, port: u16, acceptor: Option<TlsAcceptor>) -> io::Result<Listening> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let emulator = self.clone();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{address}");
        let origin = url.clone();
        let task = tokio::spawn(async move {
            // Connections end with the task that holds them.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let (emulator, origin) = (emulator.clone(), origin.clone());
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    match acceptor {
                        None => serve(emulator, origin, stream).await,
                        Some(acceptor) => {
                            // A client that does not trust the certificate ends the connection.
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(emulator, origin, stream).await;
                            }
                        }
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Listening { url, task })
    }
}

/// Answers the requests of a connection.
async fn serve<S>(emulator: Emulator, origin: String, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(emulator.clone(), origin.clone(), request));
    // An error here is a connection that ended early.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(Spelled::new(TokioIo::new(stream)), service)
        .await;
}

async fn answer(
    emulator: Emulator,
    origin: String,
    request: http::Request<Incoming>,
) -> Result<Response<Paced>, io::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(sent(&emulator, Delivery::from(response)));
    };
    // Links in answers lead to where the request came: `localhost` is not `127.0.0.1` to a client.
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    // A proxy before it may speak https.
    let scheme = head.headers.get("x-forwarded-proto");
    let is_https = origin.starts_with("https:") || scheme.is_some_and(|scheme| scheme == "https");
    let scheme = if is_https { "https" } else { "http" };
    let origin = host.map_or(origin, |host| format!("{scheme}://{host}"));
    let request = http::Request::from_parts(head, body.to_bytes());
    let handling = emulator.clone();
    let done = tokio::task::spawn_blocking(move || handling.handle(request, &origin)).await;
    match done {
        Ok(Ok(delivery)) => {
            if !delivery.late.is_zero() {
                emulator.clock().sleep(delivery.late).await;
            }
            Ok(sent(&emulator, delivery))
        }
        // Closes the connection without an answer.
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn sent(emulator: &Emulator, delivery: Delivery) -> Response<Paced> {
    let Delivery {
        response,
        slow,
        is_cut,
        ..
    } = delivery;
    response.map(|body| Paced::new(body, slow, is_cut, emulator.clock().clone()))
}
