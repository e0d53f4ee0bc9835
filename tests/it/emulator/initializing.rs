//! `InitializeFrom`.

use dataverse_emulator::Emulator;

use super::{create, get, post};

fn path(row: &str, target: &str, fields: &str) -> String {
    format!(
        "InitializeFrom(EntityMoniker=@p1,TargetEntityName='{target}',TargetFieldType=@p2)?\
         @p1={{'@odata.id':'{row}'}}&@p2={fields}"
    )
}

#[tokio::test]
async fn a_new_row_leads_to_the_one_that_it_comes_from() {
    let emulator = Emulator::builder().build().unwrap();
    let row = create(&emulator, "accounts", r#"{"name":"A"}"#).await;
    let fields = "Microsoft.Dynamics.CRM.TargetFieldType'ValidForCreate'";
    let answer = get(&emulator, &path(&row, "account", fields)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["@odata.type"], "#Microsoft.Dynamics.CRM.account");
    assert_eq!(json["parentaccountid@odata.bind"], row);
    assert_eq!(json.as_object().unwrap().len(), 3);
    // What came is written as it is.
    let made = post(&emulator, "accounts", &answer.body).await;
    assert_eq!(made.status, 204, "{}", made.body);
    let child = get(&emulator, made.header("odata-entityid")).await.json();
    assert!(row.contains(child["_parentaccountid_value"].as_str().unwrap()));

    let missing = "accounts(00000000-0000-0000-0000-0000000000ff)";
    for (path, status) in [
        (path(&row, "contact", fields), 501),
        (path(&row, "no", fields), 400),
        (path(&row, "account", "'ValidForCreate'"), 400),
        (path(missing, "account", fields), 404),
    ] {
        let refused = get(&emulator, &path).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.body);
    }
}
