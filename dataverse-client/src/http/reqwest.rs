//! The transport over reqwest.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme};
use url::Url;

use super::{Reached, Transport, TransportError};

/// No connection within this time: the service cannot be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// No byte of the answer within this time. The service gives up after two minutes itself.
/// Source: Microsoft Learn, "Service protection API limits"; plug-in time limit.
const READ_TIMEOUT: Duration = Duration::from_secs(150);

/// A connection that was not used for so long is closed, before something between here and the
/// service drops it, and so that a service that has moved is found again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Bytes of an answer after decompression: a few kilobytes can expand to hundreds of megabytes.
/// A page of 5,000 wide rows with all annotations stays below 100 MB.
const MAX_BODY: usize = 256 << 20;

/// Sends over HTTPS. Follows no redirect (they would carry headers and bodies to another host),
/// keeps no cookies, repeats nothing. Uses the proxy of the environment, except for addresses of this
/// machine (loopback and link-local): a proxy would answer for another one.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// Without a proxy; made when it is needed.
    direct: Arc<OnceLock<reqwest::Client>>,
    /// Where the last request went.
    last: Arc<Mutex<Option<Host>>>,
    max_body: usize,
}

#[derive(Debug)]
struct Host {
    scheme: Scheme,
    authority: Authority,
    /// Some URL of the host.
    url: Url,
}

impl Host {
    fn is(&self, scheme: &Scheme, authority: &Authority) -> bool {
        self.scheme == *scheme && self.authority == *authority
    }
}

impl ReqwestTransport {
    /// A transport with a connection pool of its own.
    ///
    /// Errors: the TLS library cannot be set up.
    pub fn new() -> Result<Self, TransportError> {
        Ok(ReqwestTransport {
            client: build(settings())?,
            direct: Arc::default(),
            last: Arc::default(),
            max_body: MAX_BODY,
        })
    }

    fn client_for(&self, host: Option<&str>) -> Result<&reqwest::Client, TransportError> {
        if !host.is_some_and(is_this_machine) {
            return Ok(&self.client);
        }
        match self.direct.get() {
            Some(direct) => Ok(direct),
            None => {
                let direct = build(settings().no_proxy())?;
                Ok(self.direct.get_or_init(|| direct))
            }
        }
    }

    /// The request on its way, as soon as it is waited for.
    fn begin(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<impl Future<Output = reqwest::Result<reqwest::Response>> + use<>, TransportError>
    {
        let client = self.client_for(request.uri().host())?;
        let (head, body) = request.into_parts();
        let url = self.url(&head.uri)?;
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        Ok(client.execute(request))
    }

    /// The URL of a request. The host of the last one is not parsed again: that takes longer than
    /// the rest of a URL.
    fn url(&self, uri: &http::Uri) -> Result<Url, TransportError> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(TransportError::new(
                Reached::NotSent,
                "a URL without a host",
            ));
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Two slashes begin the name of another host.
        let known = last
            .as_ref()
            .filter(|known| known.is(scheme, authority) && !path.starts_with("//"));
        let parsed = match known {
            Some(known) => known.url.join(path),
            None => Url::parse(&uri.to_string()),
        };
        let url = parsed.map_err(|error| TransportError::new(Reached::NotSent, error))?;
        if known.is_none() {
            *last = Some(Host {
                scheme: scheme.clone(),
                authority: authority.clone(),
                url: url.clone(),
            });
        }
        Ok(url)
    }

    /// Reads no answer that is larger, after decompression; 256 MiB unless this says otherwise.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

// Without `async_trait`, so that what waits for an answer does not hold the request, too.
impl Transport for ReqwestTransport {
    fn send<'a, 'b>(&'a self, request: http::Request<Bytes>) -> Sending<'b>
    where
        'a: 'b,
    {
        let begun = self.begin(request);
        let max_body = self.max_body;
        Box::pin(async move { receive(begun?.await, max_body).await })
    }
}

/// The answer to come.
type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'a>>;

/// Reads an answer to its end.
async fn receive(
    answer: reqwest::Result<reqwest::Response>,
    max_body: usize,
) -> Result<http::Response<Bytes>, TransportError> {
    let mut answer = answer.map_err(not_answered)?;
    let body = whole_body(&mut answer, max_body).await?;
    let mut response = http::Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// The whole body, in one piece of memory that has its size from the start where the head tells it.
/// A body that came at once is not copied.
async fn whole_body(
    answer: &mut reqwest::Response,
    max_body: usize,
) -> Result<Bytes, TransportError> {
    let told = answer.content_length().unwrap_or(0);
    let told = usize::try_from(told).unwrap_or(usize::MAX);
    let first = answer.chunk().await.map_err(not_answered)?;
    let first = first.unwrap_or_default();
    if told.max(first.len()) > max_body {
        return Err(too_large(max_body));
    }
    let Some(mut chunk) = answer.chunk().await.map_err(not_answered)? else {
        return Ok(first);
    };
    let mut body = BytesMut::with_capacity(told.max(first.len() + chunk.len()));
    body.extend_from_slice(&first);
    drop(first);
    loop {
        if body.len() + chunk.len() > max_body {
            return Err(too_large(max_body));
        }
        body.extend_from_slice(&chunk);
        match answer.chunk().await.map_err(not_answered)? {
            Some(next) => chunk = next,
            None => return Ok(body.freeze()),
        }
    }
}

fn too_large(max_body: usize) -> TransportError {
    TransportError::new(
        Reached::Unknown,
        format!("the answer is larger than {max_body} bytes; ask for smaller pages"),
    )
}

fn settings() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
}

fn build(settings: reqwest::ClientBuilder) -> Result<reqwest::Client, TransportError> {
    let client = settings.build();
    client.map_err(|error| TransportError::new(Reached::NotSent, error))
}

fn is_this_machine(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(super::auth::managed_identity::is_this_machine)
}

/// Only a failed connection is known not to have reached the service: a server that closes after
/// reading the whole request looks like one that never read it.
fn not_answered(error: reqwest::Error) -> TransportError {
    let reached = if is_untrusted(&error) {
        Reached::Untrusted
    } else if error.is_connect() || error.is_builder() {
        Reached::NotSent
    } else {
        Reached::Unknown
    };
    // The URL holds filters and keys: a row's data.
    TransportError::new(reached, error.without_url())
}

/// Whether a certificate was refused before anything was sent.
fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // What an `io::Error` holds is not among its causes.
        let held = error.downcast_ref::<std::io::Error>();
        let held = held.and_then(|error| error.get_ref());
        cause = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    #[test]
    fn a_url_is_the_same_whether_its_host_is_known_or_not() {
        let transport = ReqwestTransport::new().unwrap();
        for text in [
            "https://org.crm4.dynamics.com/api/data/v9.2/accounts?$select=name&$filter=name%20eq%20'a'",
            "https://org.crm4.dynamics.com/api/data/v9.2/accounts(accountnumber='A''B')",
            "https://org.crm4.dynamics.com/api/data/v9.2/a?$skiptoken=%3Ccookie%20x=%22%253c%22%20/%3E",
            "https://ORG.crm4.dynamics.com/",
            "https://org.crm4.dynamics.com",
            "http://127.0.0.1:5000/api/data/v9.2/$batch",
            "http://127.0.0.1:5000//other.example/x",
            "http://127.0.0.1:5001/x?y",
            "https://login.microsoftonline.com/t/oauth2/v2.0/token",
            "https://org.crm4.dynamics.com/x/../y",
        ] {
            let uri: http::Uri = text.parse().unwrap();
            let expected = Url::parse(&uri.to_string()).unwrap();
            assert_eq!(transport.url(&uri).unwrap(), expected);
            assert_eq!(transport.url(&uri).unwrap(), expected);
        }
        let path: http::Uri = "/api/data".parse().unwrap();
        assert!(transport.url(&path).is_err());
    }

    #[test]
    fn addresses_of_this_machine_go_past_the_proxy_and_no_others() {
        for (host, is_here) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("169.254.169.254", true),
            ("[fe80::1]", true),
            ("169.255.0.1", false),
            ("10.0.0.1", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("org.crm.dynamics.com", false),
        ] {
            assert_eq!(is_this_machine(host), is_here, "{host}");
        }
        let transport = ReqwestTransport::new().unwrap();
        let usual = transport.client_for(Some("org.crm.dynamics.com")).unwrap();
        let direct = transport.client_for(Some("localhost")).unwrap();
        assert!(!std::ptr::eq(usual, direct));
        let again = transport.client_for(Some("127.0.0.1")).unwrap();
        assert!(std::ptr::eq(direct, again));
    }

    /// A name whose addresses a test says, and may change.
    #[derive(Clone, Default)]
    struct Names(Arc<Mutex<Vec<SocketAddr>>>);

    impl reqwest::dns::Resolve for Names {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            let addresses = self.0.lock().unwrap().clone();
            Box::pin(async move { Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs) })
        }
    }

    fn named(names: &Names) -> ReqwestTransport {
        let settings = settings().no_proxy().dns_resolver(Arc::new(names.clone()));
        ReqwestTransport {
            client: build(settings).unwrap(),
            direct: Arc::default(),
            last: Arc::default(),
            max_body: MAX_BODY,
        }
    }

    /// Answers one request with its own address, and is gone.
    fn server() -> (SocketAddr, std::thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let mut length = 0;
            while !request[..length].ends_with(b"\r\n\r\n") {
                length += stream.read(&mut request[length..]).unwrap();
            }
            let body = address.to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        });
        (address, served)
    }

    async fn get(transport: &ReqwestTransport) -> Bytes {
        let request = http::Request::get("http://org.example/").body(Bytes::new());
        transport.send(request.unwrap()).await.unwrap().into_body()
    }

    fn run(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(test);
    }

    /// A port at which nobody listens.
    fn nobody(family: &str) -> Option<SocketAddr> {
        let listener = TcpListener::bind(family).ok()?;
        listener.local_addr().ok()
    }

    #[test]
    fn an_address_that_refuses_is_passed_over() {
        run(async {
            // As where IPv6 leads nowhere, and as behind a balancer one of whose servers is down.
            let refusing = [
                nobody("[::1]:0"),
                nobody("127.0.0.1:0"),
                nobody("127.0.0.1:0"),
            ];
            let (address, served) = server();
            let names = Names::default();
            let all = refusing.into_iter().flatten().chain([address]);
            names.0.lock().unwrap().extend(all);
            assert_eq!(get(&named(&names)).await, address.to_string());
            served.join().unwrap();
            // With none that answers nothing was sent.
            let request = http::Request::get("http://org.example/").body(Bytes::new());
            let error = named(&names).send(request.unwrap()).await.unwrap_err();
            assert_eq!(error.reached(), Reached::NotSent);
        });
    }

    #[test]
    fn a_name_that_moved_is_found_again() {
        run(async {
            let names = Names::default();
            let transport = named(&names);
            for _ in 0..3 {
                let (address, served) = server();
                *names.0.lock().unwrap() = vec![address];
                assert_eq!(get(&transport).await, address.to_string());
                // Its end of the connection is closed.
                served.join().unwrap();
            }
        });
    }
}
