//! A proxy that the environment names: what it sees.

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use dataverse_client::Client;
use dataverse_client::auth::{ClientSecret, Secret};
use dataverse_client::http::{RetryPolicy, VirtualClock};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::operations::WhoAmI;
use dataverse_tests::fixture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::documents::{ON_PREMISES, document};

/// The org that a process behind the proxy asks; its test is the only one that knows the variable.
const ORG: &str = "DATAVERSE_TEST_ORG_BEHIND_A_PROXY";
const TEST: &str = "client::faults::proxy::a_proxy_of_the_environment_sees_hosts_and_nothing_else";
const CANARY: &str = "secret-canary";

/// What came to the proxy: the head of each request, and what followed.
type Seen = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A proxy that leads every tunnel to `address`.
async fn proxy(address: String) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Seen::default();
    let all = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(tunnel(stream, address.clone(), Arc::clone(&all)));
        }
    });
    (url, seen)
}

async fn tunnel(mut client: TcpStream, address: String, seen: Seen) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let place = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push((String::from_utf8(head).unwrap(), Vec::new()));
        seen.len() - 1
    };
    let server = TcpStream::connect(address).await.unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move {
        // Whoever closes first ends it.
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen[place].1.extend_from_slice(&buffer[..count]);
        }
        if to_server.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// What a program does; tells what came of it.
async fn ask(org: &str) -> String {
    let credential = ClientSecret::new("contoso.example", "app", Secret::new(CANARY));
    let client = Client::builder(org)
        .unwrap()
        .credential(credential.authority(org.replace("//org.", "//login.")))
        .clock(VirtualClock::default())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    match client.invoke(WhoAmI).await {
        Ok(_) => "it answered".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// What came of it in a process with these variables: they are read once.
async fn ask_apart(org: &str, variables: &[(&str, &str)]) -> String {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args([TEST, "--exact", "--nocapture"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        process.env_remove(name).env_remove(name.to_uppercase());
    }
    process.env("SSL_CERT_FILE", fixture("tls/invalid.pem"));
    process.env(ORG, org).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || process.output().unwrap());
    let output = output.await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.lines().find_map(|line| line.strip_prefix("outcome: "));
    told.unwrap_or_else(|| panic!("{text}")).to_owned()
}

// Elsewhere the system says which certificates are trusted, and takes none from a variable.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_proxy_of_the_environment_sees_hosts_and_nothing_else() {
    if let Ok(org) = std::env::var(ORG) {
        println!("\noutcome: {}", ask(&org).await);
        return;
    }
    let pem = |name: &str| std::fs::read(fixture("tls").join(name)).unwrap();
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .clock(VirtualClock::default())
        .build()
        .unwrap();
    let listening = emulator
        .listen_tls(0, &pem("invalid.pem"), &pem("invalid.key.pem"))
        .await
        .unwrap();
    let address = listening.url();
    let port = address.rsplit_once(':').unwrap().1;
    let (proxy, seen) = proxy(format!("127.0.0.1:{port}")).await;

    let variables = [("HTTPS_PROXY", proxy.as_str()), ("HTTP_PROXY", &proxy)];
    let outcome = ask_apart("https://org.invalid", &variables).await;
    assert_eq!(outcome, "it answered");
    let tunnels = std::mem::take(&mut *seen.lock().unwrap());
    let heads: Vec<_> = tunnels.iter().map(|(head, _)| head.as_str()).collect();
    let connect = |host: &str| format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n");
    assert_eq!(heads, [connect("login.invalid"), connect("org.invalid")]);
    for (_, sent) in &tunnels {
        // The first byte of TLS; then nothing that can be read.
        assert_eq!(sent.first(), Some(&0x16));
        let text = String::from_utf8_lossy(sent);
        for open in [CANARY, "Bearer", "client_secret", "api/data", "HTTP/1.1"] {
            assert!(!text.contains(open), "{open}");
        }
    }
    // The org had all of it.
    let requests = emulator.requests();
    assert!(
        requests
            .iter()
            .any(|sent| sent.target.contains("/oauth2/v2.0/token"))
    );
    assert!(
        requests
            .iter()
            .any(|sent| sent.headers.contains_key("authorization"))
    );

    // Names that are to go past the proxy do, and so do addresses of this machine.
    let count = emulator.requests().len();
    let past = [&variables[..], &[("NO_PROXY", ".invalid")]].concat();
    let outcome = ask_apart("https://org.invalid", &past).await;
    assert!(outcome.contains("reached: NotSent"), "{outcome}");
    let here = emulator.listen(0).await.unwrap();
    assert_eq!(ask_apart(&here.url(), &variables).await, "it answered");
    assert!(seen.lock().unwrap().is_empty());
    assert!(emulator.requests().len() > count);
}
