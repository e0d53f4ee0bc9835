//! Rows written: what the client makes of typed rows, against hyper that sends the same bytes: made
//! before, joined from rows made before, or made by serde.

use bytes::Bytes;
use dataverse_client::http::FixedToken;
use dataverse_client::rust_decimal::Decimal;
use dataverse_client::{
    Batch, BulkMethod, BulkRow, Client, Create, CreateMultiple, Handle, Id, New, Operation, Request,
};
use dataverse_golden::crm::Account;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{Cost, serde_hyper, start};

/// Requests of one measurement.
pub(crate) const REQUESTS: usize = 100;
/// Rows of one request.
pub(crate) const ROWS: usize = 1000;

/// Ten columns.
fn row(number: usize) -> New<Account> {
    New::new()
        .set(Account::NAME, format!("Contoso Trading Company {number}"))
        .set(Account::ACCOUNTNUMBER, format!("ACC-2024 {number}"))
        .set(Account::TELEPHONE1, "+1 425 555 0100")
        .set(Account::EMAILADDRESS1, "someone@contoso.example")
        .set(Account::ADDRESS1_LINE1, "One \"Main\" Street, Building 7")
        .set(Account::ADDRESS1_CITY, "Saint-Étienne")
        .set(
            Account::REVENUE,
            Decimal::new(12_345_600 + number as i64, 4),
        )
        .set(Account::NUMBEROFEMPLOYEES, number as i32)
        .set(Account::DONOTEMAIL, true)
        .set(Account::CREDITONHOLD, false)
}

fn rows() -> impl Iterator<Item = New<Account>> {
    (0..ROWS).map(row)
}

fn batch(rows: impl IntoIterator<Item = New<Account>>) -> (Batch, Vec<Handle<Id<Account>>>) {
    let mut batch = Batch::new();
    let rows = rows.into_iter();
    let handles = rows.map(|row| batch.add(Create::new(row))).collect();
    (batch, handles)
}

pub(crate) async fn run(what: &str, how: &str, url: &str) -> Cost {
    if matches!(how, "hyper" | "joined" | "plain" | "serde") {
        return with_hyper(what, how, url).await;
    }
    let client = Client::builder(url)
        .unwrap()
        .credential(FixedToken::new("token"))
        .build()
        .unwrap();
    if what == "bulk" {
        return in_bulk(&client, how).await;
    }
    let mut cost = Cost { time: 0, memory: 0 };
    let mut add = |spent: Cost| {
        cost.time += spent.time;
        cost.memory = cost.memory.max(spent.memory);
    };
    for round in 0..=REQUESTS {
        let (end, rows) = match how {
            "typed" => (start(), rows().collect::<Vec<_>>()),
            // What a `New` holds is text already.
            _ => {
                let rows = rows().collect();
                (start(), rows)
            }
        };
        match what {
            "multiple" => {
                let ids = client.create_multiple(rows).await.unwrap();
                assert_eq!(ids.len(), ROWS);
            }
            _ => {
                let (batch, handles) = batch(rows);
                let mut replies = client.call(batch).await.unwrap();
                for handle in handles {
                    replies.take(handle).unwrap();
                }
            }
        }
        let spent = end();
        // The first request connects.
        if round > 0 {
            add(spent);
        }
    }
    cost
}

async fn in_bulk(client: &Client, how: &str) -> Cost {
    let method = match how {
        "batch" => BulkMethod::Batch,
        _ => BulkMethod::Multiple,
    };
    // Connects.
    client.create_multiple([row(0)]).await.unwrap();
    let end = start();
    let rows = (0..REQUESTS * ROWS).map(|number| BulkRow::create(row(number)));
    let job = client.bulk_write::<Account>().method(method).parallel(1);
    let failures = job.rows(rows).unwrap().failures().await.unwrap();
    assert!(failures.is_empty());
    end()
}

/// A connection on which requests are made without a client.
struct Bare {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    host: String,
    target: &'static str,
    headers: HeaderMap,
}

impl Bare {
    /// For requests like `request`.
    async fn new(what: &str, url: &str, request: &Request) -> Bare {
        let host = url.strip_prefix("http://").unwrap().to_owned();
        let stream = TcpStream::connect(&host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Bare {
            sender,
            host,
            target: match what {
                "multiple" => "/api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple",
                _ => "/api/data/v9.2/$batch",
            },
            headers: request.headers.clone(),
        }
    }

    /// Sends a body, and gives the whole answer.
    async fn send(&mut self, body: Bytes) -> Bytes {
        let mut message = hyper::Request::post(self.target)
            .header("host", &self.host)
            .header("authorization", "Bearer token")
            .header("accept", "application/json")
            .body(Full::new(body))
            .unwrap();
        message.headers_mut().extend(self.headers.clone());
        let answer = self.sender.send_request(message).await.unwrap();
        answer.into_body().collect().await.unwrap().to_bytes()
    }
}

async fn with_hyper(what: &str, how: &str, url: &str) -> Cost {
    let request = match what {
        "multiple" => CreateMultiple::new(rows()).request(),
        _ => batch(rows()).0.request(),
    };
    let request = request.unwrap();
    let mut bare = Bare::new(what, url, &request).await;
    let mut cost = Cost { time: 0, memory: 0 };
    for round in 0..=REQUESTS {
        let rows = match how {
            "joined" | "plain" => serde_hyper::rows(what),
            _ => Vec::new(),
        };
        let end = start();
        if how != "hyper" {
            let body = match how {
                "serde" => serde_hyper::body(what),
                // Rows are the request's, as they are the client's.
                _ => serde_hyper::joined(what, rows),
            };
            assert_eq!(body.len(), request.body.len());
            let answer = bare.send(body.into()).await;
            let ids = match how {
                "plain" => serde_hyper::ids_of_responses(what, &answer),
                _ => serde_hyper::ids(what, &answer),
            };
            assert_eq!(ids.len(), ROWS);
        } else {
            let answer = bare.send(request.body.clone()).await;
            assert!(answer.len() > ROWS * 36);
        }
        let spent = end();
        if round > 0 {
            cost.time += spent.time;
            cost.memory = cost.memory.max(spent.memory);
        }
    }
    cost
}
