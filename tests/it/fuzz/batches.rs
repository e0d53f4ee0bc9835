//! Parts of batches: what is written, against a plain writer; what is read, against what the answer
//! was made of.

use std::fmt::Write;

use dataverse_client::{
    Batch, ChangeSet, Changes, Create, Delete, ETag, Error, Handle, Id, New, Operation, Request,
    Response, Target, Update, Upsert,
};
use dataverse_tests::tables::Account;
use http::{HeaderMap, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::check;

/// A write of one row, by a number that says which.
fn add(batch: &mut Batch, kind: u8, text: &str, id: u128) -> Request {
    let id = Id::<Account>::new(Uuid::from_u128(id));
    let changes = || Changes::new().set(Account::NAME, text);
    macro_rules! both {
        ($operation:expr) => {{
            let operation = $operation;
            let request = operation.request().unwrap();
            batch.add(operation);
            request
        }};
    }
    match kind {
        0 => both!(Create::new(New::new().set(Account::NAME, text)).with_id(id)),
        1 => both!(Create::new(New::new().set(Account::NAME, text)).server_assigned_id()),
        2 => both!(Update::new(id, changes())),
        3 => both!(Update::new(id, changes()).if_match(ETag::new("W/\"5\""))),
        4 => both!(Upsert::new(id, changes())),
        5 => both!(Upsert::new(id, changes()).create_only()),
        6 => both!(Delete::<Account>::new(id)),
        _ => both!(Delete::<Account>::new(id).partition_id(text)),
    }
}

/// A part, as the specification says it.
fn plain_part(boundary: &str, request: &Request) -> String {
    let Target::Path(path) = &request.target else {
        panic!("a link");
    };
    let mut part = format!(
        "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\
         \r\n{} /api/data/v9.2/{path} HTTP/1.1\r\n",
        request.method
    );
    for (name, value) in &request.headers {
        write!(part, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
    }
    let body = std::str::from_utf8(&request.body).unwrap();
    part + "\r\n" + body + "\r\n"
}

#[test]
fn parts_are_written_as_the_requests_of_their_operations() {
    let operations = vec((0..8_u8, ".*", any::<u128>()), 1..20);
    check(operations, |operations| {
        let mut batch = Batch::new();
        let requests: Vec<_> = operations
            .iter()
            .map(|(kind, text, id)| add(&mut batch, *kind, text, *id))
            .collect();
        let written = batch.request().unwrap();
        let content_type = written.headers["content-type"].to_str().unwrap();
        let boundary = content_type.split('"').nth(1).unwrap();
        let parts: String = requests
            .iter()
            .map(|request| plain_part(boundary, request))
            .collect();
        let expected = parts + "--" + boundary + "--\r\n";
        assert_eq!(std::str::from_utf8(&written.body).unwrap(), expected);
    });
}

/// What a part of an answer says.
#[derive(Debug, Clone)]
struct Said {
    /// Where the id stands: nowhere, in either of two headers, in both.
    told: u8,
    id: u128,
    /// A refusal, with this message.
    refusal: Option<String>,
    /// Headers around those that count.
    noise: Vec<usize>,
    in_capitals: bool,
}

const NOISE: &[&str] = &[
    "OData-Version: 4.0",
    "x-ms-service-request-id:1",
    "Odd : a(b) c",
    "OData-EntityId-2: https://x/accounts(99999999-2222-3333-4444-555555555555)",
    "X-Empty:",
    "Preference-Applied: \u{e4}",
];

fn said() -> impl Strategy<Value = Said> {
    let refusal = proptest::option::weighted(0.3, "[ -~]{0,40}");
    let noise = vec(0..NOISE.len(), 0..4);
    (0..4_u8, any::<u128>(), refusal, noise, any::<bool>()).prop_map(
        |(told, id, refusal, noise, in_capitals)| Said {
            told,
            id,
            refusal,
            noise,
            in_capitals,
        },
    )
}

impl Said {
    fn answer(&self) -> String {
        let mut answer = String::from("HTTP/1.1 204 No Content\r\n");
        if self.refusal.is_some() {
            answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n".to_owned();
        }
        let (before, behind) = self.noise.split_at(self.noise.len() / 2);
        let noise = |answer: &mut String, which: &[usize]| {
            for index in which {
                write!(answer, "{}\r\n", NOISE[*index]).unwrap();
            }
        };
        noise(&mut answer, before);
        for (bit, name) in [(1, "Location"), (2, "OData-EntityId")] {
            if self.told & bit != 0 {
                let id = Uuid::from_u128(self.id);
                let name = match self.in_capitals {
                    true => name.to_uppercase(),
                    false => name.to_owned(),
                };
                write!(
                    answer,
                    "{name}: https://org/api/data/v9.2/accounts({id})\r\n"
                )
                .unwrap();
            }
        }
        noise(&mut answer, behind);
        answer.push_str("\r\n");
        if let Some(message) = &self.refusal {
            let error = serde_json::json!({"error": {"code": "0x80044331", "message": message}});
            answer.push_str(&error.to_string());
        }
        answer
    }

    /// `own` is the id that was sent.
    fn check(&self, outcome: Result<Id<Account>, Error>, own: Id<Account>) {
        match (&self.refusal, outcome) {
            (None, Ok(id)) if self.told == 0 => assert_eq!(id, own),
            (None, Ok(id)) => assert_eq!(id.uuid(), Uuid::from_u128(self.id)),
            (Some(message), Err(error)) => {
                assert!(error.is_validation());
                assert!(error.to_string().contains(message.trim()), "{error}");
            }
            (_, outcome) => panic!("{outcome:?}"),
        }
    }
}

fn part(boundary: &str, content_id: Option<usize>, answer: &str) -> String {
    let content_id = content_id.map_or_else(String::new, |id| format!("Content-ID: {id}\r\n"));
    format!("--{boundary}\r\nContent-Type: application/http\r\n{content_id}\r\n{answer}\r\n")
}

#[test]
fn answers_are_read_as_they_were_made() {
    let all = (
        vec(said(), 1..8),
        vec(said(), 0..6),
        any::<bool>(),
        any::<u64>(),
    );
    check(all, |(singles, mut members, is_windows, order)| {
        // A change set with a failure is answered by that alone.
        members.iter_mut().for_each(|said| said.refusal = None);
        let id = |index: usize| Id::<Account>::new(Uuid::from_u128(index as u128));
        let create = |index| Create::new(New::new().set(Account::NAME, "a")).with_id(id(index));
        let mut batch = Batch::new().continue_on_error();
        let mut set = ChangeSet::new();
        let of_members: Vec<Handle<_>> = (0..members.len()).map(|n| set.add(create(n))).collect();
        let mut body = String::new();
        if !members.is_empty() {
            batch.push(set);
            body += "--b\r\nContent-Type: multipart/mixed; boundary=\"inner b\"\r\n\r\n";
            // Content-IDs tell which is which, in any order.
            let mut places: Vec<_> = (0..members.len()).collect();
            places.rotate_left(order as usize % members.len());
            for place in places {
                body += &part("inner b", Some(place + 1), &members[place].answer());
            }
            body += "--inner b--\r\n\r\n";
        }
        let of_singles: Vec<_> = (0..singles.len()).map(|n| batch.add(create(n))).collect();
        for said in &singles {
            body += &part("b", None, &said.answer());
        }
        body += "--b--\r\n";
        if !is_windows {
            body = body.replace("\r\n", "\n");
        }
        let mut headers = HeaderMap::new();
        let content_type = "multipart/mixed; boundary=b".parse().unwrap();
        headers.insert("content-type", content_type);
        let whole = Response::new(StatusCode::OK, headers.clone(), body.clone().into());
        let mut replies = batch.decode(&whole).unwrap();
        let first = singles.iter().find_map(|said| said.refusal.as_ref());
        assert_eq!(replies.first_error().is_some(), first.is_some());
        // In another order than they were sent.
        for (index, handle) in of_singles.iter().enumerate().rev() {
            singles[index].check(replies.take(*handle), id(index));
            assert!(replies.take(*handle).unwrap_err().is_invalid_input());
        }
        for (index, handle) in of_members.iter().enumerate() {
            members[index].check(replies.take(*handle), id(index));
        }
        // Cut off anywhere, it is no answer.
        let end = body.trim_end().len() - "--".len();
        let cut = order as usize % end;
        let cut = Response::new(
            StatusCode::OK,
            headers,
            body.as_bytes()[..cut].to_vec().into(),
        );
        assert!(batch.decode(&cut).unwrap_err().is_outcome_unknown());
    });
}
