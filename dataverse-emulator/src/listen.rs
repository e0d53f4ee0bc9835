//! The emulator on a port, for other languages, curl and benchmarks.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::HOST;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Emulator;
use crate::spelling::Spelled;

/// Largest body of a request.
const MAX_BODY: usize = 256 << 20;

/// An emulator that listens. Stops when it is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens: `http://127.0.0.1:5000`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let emulator = self.clone();
        let origin = format!("http://{address}");
        let task = tokio::spawn(async move {
            // Connections end with the task that holds them.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let (emulator, origin) = (emulator.clone(), origin.clone());
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        answer(emulator.clone(), origin.clone(), request)
                    });
                    // An error here is a connection that ended early.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(Spelled::new(TokioIo::new(stream)), service)
                        .await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Listening { address, task })
    }
}

async fn answer(
    emulator: Emulator,
    origin: String,
    request: http::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    // Links in answers lead to where the request came: `localhost` is not `127.0.0.1` to a client.
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok());
    // A proxy before it may speak https.
    let scheme = head.headers.get("x-forwarded-proto");
    let is_https = scheme.is_some_and(|scheme| scheme == "https");
    let scheme = if is_https { "https" } else { "http" };
    let origin = host.map_or(origin, |host| format!("{scheme}://{host}"));
    let request = http::Request::from_parts(head, body.to_bytes());
    let done = tokio::task::spawn_blocking(move || emulator.handle(request, &origin)).await;
    match done {
        Ok(Ok(response)) => Ok(response.map(Full::new)),
        // Closes the connection without an answer.
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(error) => Err(io::Error::other(error)),
    }
}
