//! What is sent at most once, because the program or the operation says so.

use dataverse_client::http::Reached;
use dataverse_client::{
    Batch, CallOptions, Changes, Id, New, Operation, Replay, Request, Response, Result, Scope,
    Update,
};
use dataverse_tests::script::Script;
use dataverse_tests::tables::Account;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

fn changes() -> Changes<Account> {
    Changes::new().set(Account::NAME, "Contoso")
}

#[tokio::test]
async fn a_program_can_say_that_nothing_is_repeated_in_doubt() {
    for script in [
        Script::new().failure(Reached::Unknown),
        Script::new().answer(503, &[], ""),
        Script::new().error(500, "0x80044151", "SQL timeout"),
    ] {
        let (client, _) = script.clone().no_content().client().unwrap();
        let update = client.update(Id::<Account>::new(ID), changes());
        let result = update.at_most_once().await;
        assert_eq!(script.sent().len(), 1);
        let error = result.unwrap_err();
        assert_eq!(error.is_outcome_unknown(), error.code().is_none());
    }
    // For all calls of a client, too; and a create is not asked about.
    let script = Script::new().failure(Reached::Unknown).no_content();
    let (client, _) = script.client().unwrap();
    let client = client.with(CallOptions::new().at_most_once());
    let create = client.create(New::new().set(Account::NAME, "Contoso"));
    let error = create.await.unwrap_err();
    assert!(error.is_outcome_unknown() && error.row_ids().len() == 1);
    assert_eq!(script.sent().len(), 1);
    // What was refused is not in doubt.
    let script = Script::new()
        .failure(Reached::NotSent)
        .answer(429, &[("retry-after", "1")], "")
        .answer(401, &[], "")
        .no_content();
    let (client, _) = script.client().unwrap();
    let update = client.update(Id::<Account>::new(ID), changes());
    let error = update.at_most_once().await.unwrap_err();
    assert!(
        error.is_unauthorized(),
        "its only token was refused: {error}"
    );
    assert_eq!(script.sent().len(), 3);
}

/// An operation of the program's own.
struct Bell;

impl Operation for Bell {
    type Output = ();

    fn request_in(&self, scope: &Scope<'_>) -> Result<Request> {
        Update::new(Id::<Account>::new(ID), changes()).request_in(scope)
    }

    fn decode(&self, response: &Response) -> Result<()> {
        response.success().map(drop)
    }

    fn replay(&self) -> Replay {
        Replay::Never
    }
}

#[tokio::test]
async fn what_is_never_sent_again_is_not_whatever_happened() {
    for script in [
        Script::new().failure(Reached::NotSent),
        Script::new().failure(Reached::Unknown),
        Script::new().answer(429, &[("retry-after", "1")], ""),
        Script::new().answer(401, &[], ""),
        Script::new().answer(502, &[], ""),
    ] {
        let (client, clock) = script.clone().no_content().client().unwrap();
        client.call(Bell).await.unwrap_err();
        assert_eq!((script.sent().len(), clock.sleeps().len()), (1, 0));
    }
    let mut batch = Batch::new();
    batch.add(Update::new(Id::<Account>::new(ID), changes()));
    assert_eq!(batch.replay(), Replay::Safe);
    batch.add(Bell);
    assert_eq!(batch.replay(), Replay::Never);
    // Refused within a batch: the others are sent again, if they were.
    let refused = "--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 429 Too Many Requests\r\n\
                   Retry-After: 1\r\n\r\n\r\n--b--\r\n";
    let multipart = [("content-type", "multipart/mixed; boundary=b")];
    let script = Script::new().answer(429, &multipart, refused);
    let (client, _) = script.client().unwrap();
    let mut batch = client.batch();
    let bell = batch.add(Bell);
    let mut replies = batch.send().await.unwrap();
    assert!(replies.take(bell).unwrap_err().is_throttled());
    assert_eq!(script.sent().len(), 1);
}
