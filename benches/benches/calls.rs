//! What a call costs beside the bytes: `create`, one at a time and 32 at once, against bare reqwest
//! that sends the same bytes: `cargo bench -p dataverse-benches --bench calls`.
//!
//! The server is a process of its own (this program again) that reads requests and answers 204.
//! Both sides run on one thread, whose processor time is told: the machine may be shared.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use dataverse_client::http::FixedToken;
use dataverse_client::{Client, Entity, Id, New};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Calls of one measurement.
const CALLS: usize = 4_000;
/// Measurements of each side, in turns; the fastest is told.
const ROUNDS: usize = 15;

#[derive(Entity, Default)]
#[dataverse(table = "account", set = "accounts", id = "accountid")]
struct Account {
    accountid: Option<Id<Account>>,
    name: Option<String>,
    fax: Option<String>,
    numberofemployees: Option<i32>,
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match std::env::args().nth(1).as_deref() {
        Some("serve") => runtime.block_on(serve()),
        _ => runtime.block_on(measure()),
    }
}

async fn measure() -> Outcome {
    let (mut server, url) = start()?;
    let client = Client::builder(&url)?
        .credential(FixedToken::new("token"))
        .build()?;
    let bare = Bare::new(&url)?;
    for at_once in [1, 32] {
        let (mut ours, mut theirs) = (u64::MAX, u64::MAX);
        for _ in 0..ROUNDS {
            let before = processor_time()?;
            with_client(&client, at_once).await?;
            let between = processor_time()?;
            with_reqwest(&bare, at_once).await?;
            let after = processor_time()?;
            ours = ours.min(between - before);
            theirs = theirs.min(after - between);
        }
        let each = |time: u64| time as f64 / CALLS as f64 / 1000.0;
        writeln!(
            std::io::stdout(),
            "{at_once} at once: client {:.1} µs, reqwest {:.1} µs a call, ratio {:.2}",
            each(ours),
            each(theirs),
            ours as f64 / theirs as f64
        )?;
    }
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
}

async fn with_client(client: &Client, at_once: usize) -> Outcome {
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for number in 0..CALLS / at_once {
                    let row = New::new()
                        .set(Account::NAME, "Contoso and Sons")
                        .set(Account::FAX, "+49 30 123456")
                        .set(Account::NUMBEROFEMPLOYEES, number as i32);
                    client.create(row).await?;
                }
                Ok::<_, dataverse_client::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// A reqwest client and the parts of the request that the client makes.
#[derive(Clone)]
struct Bare {
    client: reqwest::Client,
    url: String,
    headers: reqwest::header::HeaderMap,
}

impl Bare {
    fn new(url: &str) -> Outcome<Bare> {
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("authorization", "Bearer token"),
            ("accept", "application/json"),
            ("user-agent", "dataverse-client/0.1.0"),
            ("odata-version", "4.0"),
            ("odata-maxversion", "4.0"),
            (
                "x-ms-client-request-id",
                "11111111-2222-3333-4444-555555555555",
            ),
        ] {
            headers.insert(name, value.parse()?);
        }
        Ok(Bare {
            client: reqwest::Client::builder().build()?,
            url: format!("{url}/api/data/v9.2/accounts"),
            headers,
        })
    }

    async fn send(&self, number: usize) -> Result<(), reqwest::Error> {
        let body = format!(
            "{{\"accountid\":\"11111111-2222-3333-4444-555555555555\",\
             \"name\":\"Contoso and Sons\",\"fax\":\"+49 30 123456\",\
             \"numberofemployees\":{number}}}"
        );
        let request = self.client.post(&self.url).headers(self.headers.clone());
        let answer = request.body(body).send().await?.error_for_status()?;
        answer.bytes().await.map(drop)
    }
}

async fn with_reqwest(bare: &Bare, at_once: usize) -> Outcome {
    let tasks: Vec<_> = (0..at_once)
        .map(|_| {
            let bare = bare.clone();
            tokio::spawn(async move {
                for number in 0..CALLS / at_once {
                    bare.send(number).await?;
                }
                Result::<(), reqwest::Error>::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Nanoseconds that this thread has run.
fn processor_time() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().unwrap_or_default();
    Ok(first.parse()?)
}

/// The server in a process of its own, and its address.
fn start() -> Outcome<(Child, String)> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = server.stdout.take().ok_or("no standard output")?;
    let mut url = String::new();
    BufReader::new(stdout).read_line(&mut url)?;
    Ok((server, url.trim().to_owned()))
}

/// Answers every request with 204, until the standard input ends.
async fn serve() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream));
    }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\
        x-ms-dop-hint: 52\r\nOData-EntityId: https://org/api/data/v9.2/accounts\
        (11111111-2222-3333-4444-555555555555)\r\n\r\n";
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..count]);
        while let Some(length) = whole(&received) {
            received.drain(..length);
            stream.write_all(ANSWER).await?;
        }
    }
}

/// The length of the first request, once it is there whole.
fn whole(received: &[u8]) -> Option<usize> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let body = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let length = end + body.unwrap_or(0);
    (received.len() >= length).then_some(length)
}
