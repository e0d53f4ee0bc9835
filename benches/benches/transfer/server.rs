//! The server: pages to read, and answers to writes, made before they are asked for.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::page;
use crate::read::PAGES;

/// Answers by what was asked: verb, target and number of rows.
type Answers = Mutex<HashMap<(String, usize), Arc<Vec<u8>>>>;

/// Tells its address, and ends with its standard input.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let page = page::page(page::ALL, false);
        let mut output = std::io::stdout();
        writeln!(output, "{url}").unwrap();
        std::thread::spawn(|| {
            let _ = std::io::stdin().read_line(&mut String::new());
            std::process::exit(0);
        });
        let (url, page): (Arc<str>, Arc<[u8]>) = (url.into(), page.into());
        let answers = Arc::new(Answers::default());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (url, page, answers) = (url.clone(), page.clone(), answers.clone());
            tokio::spawn(async move { serve(stream, &url, &page, &answers).await });
        }
    });
}

async fn serve(
    stream: TcpStream,
    url: &str,
    page: &[u8],
    answers: &Answers,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    let mut body = Vec::new();
    loop {
        let Some(head) = head(&mut stream).await? else {
            return Ok(());
        };
        let mut words = head.split(' ');
        let (verb, target) = (words.next().unwrap(), words.next().unwrap());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().ok())?
        });
        body.resize(length.unwrap_or(0), 0);
        stream.read_exact(&mut body).await?;
        let rows = match target.ends_with("$batch") {
            true => memchr::memmem::find_iter(&body, "HTTP/1.1\r\n").count(),
            false => memchr::memmem::find_iter(&body, "\"accountid\"").count(),
        };
        let asked = (format!("{verb} {target}"), rows);
        let known = answers.lock().unwrap().get(&asked).cloned();
        let answer = known.unwrap_or_else(|| {
            let answer: Arc<Vec<u8>> = match verb {
                "GET" => page_answer(url, target, page),
                _ if target.ends_with("$batch") => batch_answer(rows),
                _ => multiple_answer(rows),
            }
            .into();
            answers.lock().unwrap().insert(asked, answer.clone());
            answer
        });
        stream.write_all(&answer).await?;
    }
}

/// The head of a request; None at the end of the connection.
async fn head(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) if head.is_empty() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(String::from_utf8(head).unwrap()))
}

fn whole(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nOData-Version: 4.0\r\n\
         x-ms-dop-hint: 8\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The page, with a link to the one after it.
fn page_answer(url: &str, target: &str, page: &[u8]) -> Vec<u8> {
    let number = target.split_once("$skiptoken=");
    let number: usize = number.map_or(1, |(_, number)| number.parse().unwrap());
    let mut body = page.strip_suffix(b"]}").unwrap().to_vec();
    body.push(b']');
    if number < PAGES {
        let next = number + 1;
        let link =
            format!(",\"@odata.nextLink\":\"{url}/api/data/v9.2/accounts?$skiptoken={next}\"");
        body.extend_from_slice(link.as_bytes());
    }
    body.push(b'}');
    whole("application/json; odata.metadata=minimal", &body)
}

fn id(row: usize) -> String {
    format!("{row:08x}-1b2c-4d5e-8f90-0123456789ab")
}

fn multiple_answer(rows: usize) -> Vec<u8> {
    let ids: Vec<_> = (0..rows).map(|row| format!("\"{}\"", id(row))).collect();
    let body = format!(
        "{{\"@odata.context\":\"https://contoso.crm.dynamics.com/api/data/v9.2/$metadata#\
         Microsoft.Dynamics.CRM.CreateMultipleResponse\",\"Ids\":[{}]}}",
        ids.join(",")
    );
    whole("application/json; odata.metadata=minimal", body.as_bytes())
}

/// As the service writes it: with a GUID.
const BOUNDARY: &str = "batchresponse_f44bd09d-573f-4a30-bca0-2e500ee7e139";

fn batch_answer(rows: usize) -> Vec<u8> {
    let mut body = String::new();
    for row in 0..rows {
        let id = id(row);
        write!(
            body,
            "--{BOUNDARY}\r\nContent-Type: application/http\r\n\
             Content-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 204 No Content\r\n\
             OData-Version: 4.0\r\n\
             Location: https://contoso.crm.dynamics.com/api/data/v9.2/accounts({id})\r\n\
             OData-EntityId: https://contoso.crm.dynamics.com/api/data/v9.2/accounts({id})\r\n\
             \r\n\r\n"
        )
        .unwrap();
    }
    write!(body, "--{BOUNDARY}--\r\n").unwrap();
    let content_type = format!("multipart/mixed; boundary={BOUNDARY}");
    whole(&content_type, body.as_bytes())
}
