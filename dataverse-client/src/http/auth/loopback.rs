//! The page on this machine that the browser comes back to.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::Secret;

/// A request line holds a code of one or two kilobytes; browsers send cookies of other programs on
/// `localhost`.
const MAX_HEAD: usize = 64 << 10;

/// Browsers open connections that they never use, so several are served at once.
const MAX_CONNECTIONS: usize = 32;

/// Listens on the loopback addresses, for one answer.
pub(super) struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
}

/// What the browser brought.
pub(super) enum Redirect {
    Code(Secret),
    Refused {
        name: String,
        description: Option<String>,
    },
    /// Not from the sign-in that was begun here.
    Foreign,
}

impl Loopback {
    /// Listens on `port`, or on any if it is 0.
    pub(super) async fn bind(port: u16) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = first.local_addr()?.port();
        let mut listeners = vec![first];
        // `localhost` is either; a machine may have no IPv6.
        listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok());
        Ok(Loopback { listeners, port })
    }

    /// The port of a redirect to `localhost` is not compared with what is registered.
    pub(super) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Waits for the browser.
    pub(super) async fn redirect(self, state: Secret) -> io::Result<Redirect> {
        let (tell, mut told) = mpsc::channel(1);
        let state = Arc::new(state);
        // Dropped, it ends its tasks.
        let mut tasks = JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(accept(listener, Arc::clone(&state), tell.clone()));
        }
        drop(tell);
        let redirect = told.recv().await;
        redirect.ok_or_else(|| io::Error::other("the listener has ended"))
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<Secret>,
    tell: mpsc::Sender<Redirect>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        while connections.try_join_next().is_some() {}
        if connections.len() < MAX_CONNECTIONS {
            connections.spawn(serve(stream, Arc::clone(&state), tell.clone()));
        }
    }
}

/// Answers one request.
async fn serve(
    mut stream: TcpStream,
    state: Arc<Secret>,
    tell: mpsc::Sender<Redirect>,
) -> io::Result<()> {
    let mut head = Zeroizing::new(Vec::new());
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut piece = Zeroizing::new([0; 4096]);
        let length = stream.read(&mut *piece).await?;
        if length == 0 || head.len() + length > MAX_HEAD {
            return Ok(());
        }
        head.extend_from_slice(&piece[..length]);
    }
    let redirect = read(&head, &state);
    let (status, text) = match &redirect {
        None => ("404 Not Found", "There is nothing here."),
        Some(Redirect::Code(_)) => ("200 OK", "You have signed in. You may close this window."),
        Some(Redirect::Refused { .. }) => {
            ("200 OK", "You were not signed in. The program tells why.")
        }
        Some(Redirect::Foreign) => (
            "400 Bad Request",
            "This is not the sign-in that the program began. Begin again.",
        ),
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sign-in</title>\
         <p>{text}</p></html>"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let written = stream.write_all(answer.as_bytes()).await;
    let ended = stream.shutdown().await;
    if let Some(redirect) = redirect {
        // Only the first is taken.
        let _ = tell.try_send(redirect);
    }
    written.and(ended)
}

/// What a request brings; None if it is not for this page.
fn read(head: &[u8], state: &Secret) -> Option<Redirect> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let target = line.strip_prefix("GET /?")?;
    let (query, _) = target.split_once(' ')?;
    let value = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    };
    let (code, name) = (value("code"), value("error"));
    if code.is_none() && name.is_none() {
        return None;
    }
    if value("state").map(Secret::new).as_ref() != Some(state) {
        return Some(Redirect::Foreign);
    }
    Some(match (name, code) {
        (None, Some(code)) => Redirect::Code(Secret::new(code)),
        (name, _) => Redirect::Refused {
            name: name.unwrap_or_default(),
            description: value("error_description"),
        },
    })
}
