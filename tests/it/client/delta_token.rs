//! Tokens that were stored, and are given back to the wrong table or damaged.

use dataverse_client::schema::TableName;
use dataverse_client::{CountChanges, DeltaToken, Error, Operation, TrackChanges};
use dataverse_tests::tables::AccountCard;

const ROOT: &str = "https://org.crm.dynamics.com/api/data/v9.2";

fn refused(text: &str) -> [Error; 3] {
    let token: DeltaToken = serde_json::from_value(text.into()).unwrap();
    let accounts = TableName::new("accounts");
    [
        TrackChanges::<AccountCard>::new()
            .since(token.clone())
            .request()
            .unwrap_err(),
        TrackChanges::from_table(accounts.clone())
            .since(token.clone())
            .request()
            .unwrap_err(),
        CountChanges::of_table(accounts, token)
            .request()
            .unwrap_err(),
    ]
}

#[test]
fn a_token_of_another_table_reads_nothing() {
    for table in ["contacts", "new_accounts", "accounts(1)"] {
        for error in refused(&format!("{ROOT}/{table}?$select=name&$deltatoken=7%21x")) {
            assert!(error.is_invalid_input(), "{error:?}");
            let told = error.to_string();
            assert!(
                told.contains(&format!("is of `{table}`, not of `accounts`")),
                "{told}"
            );
        }
    }
}

#[test]
fn a_text_that_is_no_delta_link_is_told() {
    for text in [
        "",
        "garbage",
        "accounts",
        "accounts?$skiptoken=7",
        "accounts?deltatoken=7",
    ] {
        for error in refused(text) {
            assert!(error.is_invalid_input(), "{error:?}");
            assert!(error.to_string().contains("no `$deltatoken`"), "{error}");
        }
    }
}
