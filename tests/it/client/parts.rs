//! Options of a batch in its parts, beside the same options of calls of their own.

use dataverse_client::{
    Batch, CallOptions, Changes, Create, Delete, Id, New, Operation, Retrieve, Session, Update,
    Upsert,
};
use dataverse_tests::script::{Script, Sent};
use dataverse_tests::tables::{Account, AccountCard, Contact};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x1111_1111_2222_3333_4444_5555_5555_5555);
const ORG: &str = "https://org.crm.dynamics.com";

/// What the client itself adds to a request, and a part does not have.
const OWN: &[&str] = &[
    "authorization",
    "accept",
    "user-agent",
    "odata-version",
    "odata-maxversion",
    "x-ms-client-request-id",
];

/// The request of a call as it would stand in a batch.
fn as_part(sent: &Sent) -> String {
    let line = sent.line.replace(ORG, "");
    let headers = sent.headers.iter();
    let headers: String = headers
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()))
        .collect();
    format!("\r\n{line} HTTP/1.1\r\n{headers}\r\n{}\r\n--", sent.body)
}

/// Sends an operation on its own and in a batch, both with these options.
async fn assert_alike<O>(options: &CallOptions, operation: impl Fn() -> O)
where
    O: Operation<Output: 'static> + 'static,
{
    let script = Script::new().no_content().no_content();
    let (client, _) = script.client().unwrap();
    // The answers are none; only what was sent counts.
    let _ = client.call(operation()).with(options.clone()).await;
    let mut batch = Batch::new();
    batch.add(operation());
    batch.add(operation());
    client.call(batch).with(options.clone()).await.unwrap_err();
    let [alone, batch] = &script.sent()[..] else {
        panic!("{:?}", script.sent());
    };
    let part = as_part(alone);
    assert_eq!(
        batch.body.matches(&part).count(),
        2,
        "{part} in {}",
        batch.body
    );
}

#[tokio::test]
async fn options_stand_in_parts_as_they_do_in_calls() {
    let session = Session::new();
    let script = Script::new().answer(204, &[("x-ms-session-token", "240:8#1")], "");
    let (client, _) = script.client().unwrap();
    let delete = Delete::<Account>::new(Id::new(ID));
    client.call(delete).session(&session).await.unwrap();

    let all = CallOptions::new()
        .tag("a & b?")
        .caller_object_id(ID)
        .header("if-none-match", "W/\"7\"")
        .error_details()
        .session(&session);
    let none = CallOptions::new();
    for options in [&none, &all] {
        let id = || Id::<Account>::new(ID);
        let changes = || Changes::new().set(Account::NAME, "a\r\n--batch");
        let new = || New::new().set(Account::NAME, "\u{e4}\u{1}\"");
        assert_alike(options, || Create::new(new()).with_id(id())).await;
        assert_alike(options, || {
            Create::new(new()).with_id(id()).returning::<AccountCard>()
        })
        .await;
        assert_alike(options, || Update::new(id(), changes())).await;
        assert_alike(options, || Upsert::new(id(), changes())).await;
        assert_alike(options, || Upsert::new(id(), changes()).create_only()).await;
        assert_alike(options, || Delete::<Account>::new(id())).await;
        assert_alike(options, || Delete::<Account>::new(id()).partition_id("p&q")).await;
        assert_alike(options, || Retrieve::<AccountCard>::new(id())).await;
    }
}

#[tokio::test]
async fn a_mistake_in_the_options_is_told_before_anything_is_sent() {
    let script = Script::new();
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    batch.add(Delete::<Account>::new(Id::new(ID)));
    let options = CallOptions::new().header("Authorization", "Bearer x");
    let error = batch.with(options).await.unwrap_err();
    assert!(error.is_invalid_input());
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn creates_of_several_tables_stand_among_other_parts() {
    let account =
        || Create::new(New::<Account>::new().set(Account::NAME, "A")).with_id(Id::new(ID));
    let contact = || Create::new(New::<Contact>::new().set(Contact::LASTNAME, "B"));
    let delete = || Delete::<Account>::new(Id::new(ID));
    let unnamed = || contact().server_assigned_id();
    let script = (0..4).fold(Script::new(), |script, _| script.no_content());
    let (client, _) = script.client().unwrap();
    let _ = client.call(account()).await;
    let _ = client.call(unnamed()).await;
    client.call(delete()).await.unwrap();
    let mut batch = Batch::new();
    let (_, _, _) = (
        batch.add(account()),
        batch.add(account()),
        batch.add(unnamed()),
    );
    let (_, _, _) = (
        batch.add(delete()),
        batch.add(unnamed()),
        batch.add(account()),
    );
    client.call(batch).await.unwrap_err();
    let sent = script.sent();
    let alone: Vec<_> = sent[..3].iter().map(as_part).collect();
    let places = |part: &String| {
        let found = sent[3].body.match_indices(&**part);
        found.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let mut order: Vec<_> = alone
        .iter()
        .enumerate()
        .flat_map(|(which, part)| places(part).into_iter().map(move |at| (at, which)))
        .collect();
    order.sort_unstable();
    let order: Vec<_> = order.into_iter().map(|(_, which)| which).collect();
    assert_eq!(order, [0, 0, 1, 2, 1, 0], "{}", sent[3].body);
}
