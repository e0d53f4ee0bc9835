//! What a proxy answers is no answer of the service.

use dataverse_client::{BulkMethod, BulkRow, Changes};
use dataverse_golden::crm::Account;
use dataverse_tests::script::Script;
use uuid::Uuid;

use super::told;

#[tokio::test]
async fn a_page_for_people_does_not_say_that_rows_were_written() {
    let script = Script::new()
        .answer(200, &[], "<html>Sign in</html>")
        .answer(500, &[], "")
        // The client has sent it once more by itself.
        .answer(500, &[], "")
        .no_content();
    let (client, _) = script.client().unwrap();
    let changes = Changes::new().set(Account::NAME, "a");
    let rows = [BulkRow::update(Uuid::from_u128(1), changes)];
    let job = client.bulk_write::<Account>().method(BulkMethod::Multiple);
    assert_eq!(told(job.rows(rows).unwrap()).await.unwrap(), [(0, None)]);
    assert_eq!(script.sent().len(), 4);
}
