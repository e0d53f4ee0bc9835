//! Names where a user would expect them: operations in either namespace, lookups that are cleared,
//! background operations and counts by name, sums in a type of the program's own.

use dataverse_client::http::RetryPolicy;
use dataverse_client::rust_decimal::Decimal;
use dataverse_client::schema::{Many, TableName};
use dataverse_client::{
    Aggregate, AnyRow, BackgroundState, Changes, Create, Expansion, FetchRow, Id, InBackground,
    InvokeNamed, Navigation, New, Operation, Update, column,
};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, Task};

use super::requests::{ID, sent};

fn accounts() -> TableName {
    TableName::new("accounts")
        .logical_name("account")
        .primary_id("accountid")
}

#[test]
fn operations_get_the_namespace_that_the_service_wants() {
    let on = || TableName::new("systemusers").row(ID);
    let plain = InvokeNamed::function("RetrieveUserPrivileges").on(on());
    let qualified = "Microsoft.Dynamics.CRM.RetrieveUserPrivileges";
    let expected = format!("GET systemusers({ID})/{qualified}()\n");
    assert_eq!(sent(&plain), expected);
    assert_eq!(sent(&InvokeNamed::function(qualified).on(on())), expected);
    let unbound = InvokeNamed::function("Microsoft.Dynamics.CRM.WhoAmI");
    assert_eq!(sent(&unbound), "GET WhoAmI()\n");
}

#[test]
fn a_lookup_of_several_tables_is_cleared_without_saying_which() {
    let changes = Changes::<Task>::new().unbind(Task::REGARDINGOBJECTID);
    assert_eq!(
        sent(&Update::new(Id::<Task>::new(ID), changes)),
        format!(
            "PATCH tasks({ID})\nif-match: *\ncontent-type: application/json\n\
             {{\"regardingobjectid_account_task@odata.bind\":null}}"
        )
    );
}

#[test]
fn a_created_row_comes_back_with_rows_related_to_it() {
    let create = Create::in_table(accounts(), New::new().set_named("name", "a"))
        .server_assigned_id()
        .returning::<AnyRow>()
        .select(["name"])
        .expand(Expansion::named("primarycontactid").select(["fullname"]));
    assert_eq!(
        sent(&create),
        "POST accounts?$select=name&$expand=primarycontactid($select=fullname)\n\
         content-type: application/json\nprefer: return=representation\n{\"name\":\"a\"}"
    );
}

#[tokio::test]
async fn an_id_is_read_from_either_header_whatever_its_case() {
    let id = "7E68E1D1-A4F3-EE11-A1FD-000D3A3AABCD";
    let row = format!("accounts({id})");
    let url = format!("https://org.crm.dynamics.com/api/data/v9.2/accounts({{{id}}}) ");
    for (name, value) in [
        ("OData-EntityId", &row),
        ("odata-entityid", &url),
        ("Location", &row),
    ] {
        let script = Script::new().answer(204, &[(name, value)], "");
        let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
        let create = client.create(New::<Account>::new()).server_assigned_id();
        let expected = id.parse::<Id<Account>>().unwrap();
        assert_eq!(create.await.unwrap(), expected, "{name}: {value}");
    }
}

#[test]
fn a_row_of_an_elastic_table_says_where_and_how_long_it_lives() {
    let table = TableName::new("contoso_sensordatas").logical_name("contoso_sensordata");
    let row = New::new()
        .set_named("contoso_value", 3)
        .set_named("partitionid", "device-1")
        .set_named("ttlinseconds", 86_400);
    assert_eq!(
        sent(&Create::in_table(table, row)),
        "POST contoso_sensordatas\ncontent-type: application/json\n\
         {\"contoso_value\":3,\"partitionid\":\"device-1\",\"ttlinseconds\":86400}"
    );
}

#[tokio::test]
async fn an_operation_by_name_runs_in_the_background() {
    let message = || InvokeNamed::action("new_Slow").value("Size", 4);
    assert_eq!(
        sent(&InBackground::of(message()).callback("https://example.com/x")),
        "POST new_Slow\ncontent-type: application/json\n\
         prefer: respond-async,odata.callback;url=\"https://example.com/x\"\n{\"Size\":4}"
    );
    let id = ID.to_string();
    let link = format!("https://org.crm.dynamics.com/api/backgroundoperation/{id}");
    let started = [
        ("x-ms-dyn-backgroundoperationid", &*id),
        ("location", &*link),
    ];
    let script = Script::new().answer(202, &started, "").answer(
        200,
        &[],
        r#"{"Total":7,"backgroundOperationStateCode":3,"backgroundOperationStatusCode":30}"#,
    );
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let started = client.invoke_named(message()).in_background().await;
    let state = client.background_status(&started.unwrap()).await.unwrap();
    let BackgroundState::Succeeded(row) = state else {
        panic!("{state:?}")
    };
    assert_eq!(row.get::<i64>("Total").unwrap(), Some(7));
}

#[derive(FetchRow, Debug, PartialEq)]
struct StateTotal {
    statecode: Option<i32>,
    #[dataverse(alias = "total")]
    sum: Decimal,
    r#type: Option<String>,
}

#[test]
fn sums_are_read_into_a_type_of_the_programs_own() {
    let sums = Aggregate::<Account>::new()
        .group_by(Account::STATECODE)
        .sum(Account::REVENUE, "total")
        .returning::<StateTotal>();
    let answer = |rows: &str| {
        let body = format!("{{\"value\":[{rows}]}}");
        let headers = http::HeaderMap::new();
        sums.decode(&dataverse_client::Response::new(
            http::StatusCode::OK,
            headers,
            body.into(),
        ))
    };
    let total = |statecode, digits: &str| StateTotal {
        statecode,
        sum: digits.parse().unwrap(),
        r#type: None,
    };
    // A group whose column is null does not have it; columns of the table may come as nulls.
    let rows = r#"{"statecode":0,"total":922337203685477.580700000,"name":null},{"total":1.0}"#;
    let expected = [
        total(Some(0), "922337203685477.580700000"),
        total(None, "1.0"),
    ];
    assert_eq!(answer(rows).unwrap(), expected);
    let error = answer(r#"{"statecode":0,"total":null}"#).unwrap_err();
    assert!(error.to_string().contains("`total` is null"), "{error}");
}

#[tokio::test]
async fn a_lookup_has_one_reference_or_none() {
    let one = format!(
        r#"{{"@odata.context":"https://org.crm.dynamics.com/api/data/v9.2/$metadata#$ref","@odata.id":"https://org.crm.dynamics.com/api/data/v9.2/contacts({ID})"}}"#
    );
    let script = Script::new().answer(200, &[], one).no_content();
    let (client, _) = script.client_with(RetryPolicy::never()).unwrap();
    let table = client.table(accounts());
    let ids = table.references(ID, "primarycontactid").await.unwrap();
    assert_eq!(ids, [Id::new(ID)]);
    let ids = table.references(ID, "primarycontactid").await.unwrap();
    assert_eq!(ids, []);
    let path = format!("accounts({ID})/primarycontactid/$ref");
    assert!(script.sent()[0].line.ends_with(&path));
}

#[test]
fn sums_of_the_rows_that_belong_to_a_row() {
    let text = "$apply=aggregate(estimatedvalue%20with%20sum%20as%20total)";
    let sums = Aggregate::related_to(accounts().row(ID), "opportunity_parent_account")
        .sum(column("estimatedvalue"), "total");
    let expected = format!("GET accounts({ID})/opportunity_parent_account?{text}\n");
    assert_eq!(sent(&sums), expected);
    let nav = Navigation::<Account, Many<Account>>::new("account_parent_account");
    let sums = Aggregate::related(Id::<Account>::new(ID), nav).count("rows");
    let expected =
        format!("GET accounts({ID})/account_parent_account?$apply=aggregate($count%20as%20rows)\n");
    assert_eq!(sent(&sums), expected);
}

#[tokio::test]
async fn a_url_that_is_too_long_for_a_batch_is_refused_and_its_length_told() {
    let long = "x".repeat(70_000);
    let script = Script::new();
    let (client, _) = script.client().unwrap();
    let query = client
        .query::<Account>()
        .filter(Account::NAME.starts_with(&long));
    let error = query.await.unwrap_err();
    assert!(error.is_invalid_input());
    let text = error.to_string();
    assert!(text.contains("65536") && !text.contains("xxx"), "{text}");
    assert!(script.sent().is_empty());
}
