//! URLs, names and addresses.

#[cfg(feature = "http2")]
mod http2;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use tokio::net::TcpSocket;

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
        "https://org.crm4.dynamics.com/\\\\other.example/x",
        "https://org.crm4.dynamics.com//other.example/x",
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

/// Sockets that have a port each and do not listen at it: whoever connects is refused, and as long
/// as they are held nobody else can listen there.
fn refusing() -> Vec<TcpSocket> {
    let v6 = TcpSocket::new_v6().ok();
    // As where IPv6 leads nowhere, and as behind a balancer one of whose servers is down.
    let v6 = v6.filter(|socket| socket.bind("[::1]:0".parse().unwrap()).is_ok());
    let v4 = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket
    };
    v6.into_iter().chain([v4(), v4()]).collect()
}

#[test]
fn an_address_that_refuses_is_passed_over() {
    run(async {
        let held = refusing();
        let refusing = held.iter().map(|socket| socket.local_addr().unwrap());
        let (address, served) = server();
        let names = Names::default();
        let all = refusing.clone().chain([address]);
        names.0.lock().unwrap().extend(all);
        assert_eq!(get(&named(&names)).await, address.to_string());
        served.join().unwrap();
        // With none that answers nothing was sent.
        *names.0.lock().unwrap() = refusing.collect();
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
