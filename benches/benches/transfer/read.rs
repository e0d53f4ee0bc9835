//! Pages read typed.

use dataverse_client::codegen::{DateTime, Decimal, Uuid};
use dataverse_client::http::FixedToken;
use dataverse_client::{Client, Record};
use dataverse_golden::crm::Account;
use serde::Deserialize;

use crate::with_serde::{Exact, Wide};
use crate::{Cost, page, start};

pub(crate) const PAGES: usize = 20;

/// What [`Wide`] holds.
#[derive(Record)]
#[dataverse(entity = Account)]
#[allow(dead_code, reason = "read, and compared by time only")]
struct View {
    accountid: Option<Uuid>,
    name: Option<String>,
    accountnumber: Option<String>,
    telephone1: Option<String>,
    emailaddress1: Option<String>,
    websiteurl: Option<String>,
    address1_line1: Option<String>,
    address1_city: Option<String>,
    address1_postalcode: Option<String>,
    revenue: Option<Decimal>,
    creditlimit: Option<Decimal>,
    exchangerate: Option<Decimal>,
    numberofemployees: Option<i32>,
    versionnumber: Option<i64>,
    industrycode: Option<i32>,
    customertypecode: Option<i32>,
    statecode: Option<i32>,
    statuscode: Option<i32>,
    donotemail: Option<bool>,
    creditonhold: Option<bool>,
    createdon: Option<DateTime>,
    modifiedon: Option<DateTime>,
    primarycontactid: Option<Uuid>,
    ownerid: Option<Uuid>,
    transactioncurrencyid: Option<Uuid>,
    parentaccountid: Option<Uuid>,
}

/// A page, and where the next one is.
#[derive(Deserialize)]
struct Linked {
    value: Vec<Wide<Exact>>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

pub(crate) async fn run(how: &str, url: &str) -> Cost {
    let (count, check, cost) = match how {
        "reqwest" => with_reqwest(url).await,
        _ => with_client(how, url).await,
    };
    assert_eq!(count, PAGES * page::ROWS);
    // Every contender has read the same.
    assert_eq!(check, 2_689_000, "the sum of the lengths of names");
    cost
}

fn length(name: &Option<String>) -> usize {
    name.as_ref().map_or(0, String::len)
}

async fn with_client(how: &str, url: &str) -> (usize, usize, Cost) {
    let client = Client::builder(url)
        .unwrap()
        .credential(FixedToken::new("token"))
        .build()
        .unwrap();
    let (mut count, mut check) = (0, 0);
    let query = client.query::<View>().page_size(page::ROWS as u32);
    let end = start();
    if how == "pages" {
        let mut pages = query.pages();
        while let Some(page) = pages.try_next().await.unwrap() {
            count += page.rows.len();
            check += page.rows.iter().map(|row| length(&row.name)).sum::<usize>();
        }
    } else {
        let mut rows = query.rows();
        if how == "prefetched" {
            rows = rows.prefetch();
        }
        while let Some(row) = rows.try_next().await.unwrap() {
            count += 1;
            check += length(&row.name);
        }
    }
    (count, check, end())
}

async fn with_reqwest(url: &str) -> (usize, usize, Cost) {
    let client = reqwest::Client::builder().build().unwrap();
    let mut next = Some(format!("{url}/api/data/v9.2/accounts"));
    let (mut count, mut check) = (0, 0);
    let end = start();
    while let Some(link) = next.take() {
        let request = client
            .get(link)
            .header("authorization", "Bearer token")
            .header("accept", "application/json")
            .header("prefer", "odata.maxpagesize=5000");
        let answer = request.send().await.unwrap();
        let body = answer.error_for_status().unwrap().bytes().await.unwrap();
        let page: Linked = serde_json::from_slice(&body).unwrap();
        count += page.value.len();
        check += page
            .value
            .iter()
            .map(|row| length(&row.name))
            .sum::<usize>();
        next = page.next;
    }
    (count, check, end())
}
