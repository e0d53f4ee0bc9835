//! Queries: options of related rows, conditions across rows, views, long URLs.

use dataverse_client::schema::TableName;
use dataverse_client::{Expansion, Id, Operation, Period, Query, Record, Unit, UserScope, column};
use dataverse_golden::crm;
use dataverse_golden::crm::account::nav;
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard};

use super::requests::{ID, sent};

#[derive(Record, Debug)]
#[dataverse(entity = crm::Account)]
#[expect(dead_code, reason = "read for their places in `$select`")]
struct WithTasks {
    name: Option<String>,
    #[dataverse(expand = nav::ACCOUNT_TASKS)]
    tasks: Vec<TaskCard>,
}

#[derive(Record, Debug)]
#[dataverse(entity = crm::Task)]
#[expect(dead_code, reason = "read for its place in `$select`")]
struct TaskCard {
    subject: Option<String>,
}

/// `$filter`, decoded.
fn filter(query: &impl Operation) -> String {
    let request = sent(query);
    let (_, filter) = request.split_once("$filter=").unwrap();
    let filter = filter.split(['&', '\n']).next().unwrap();
    percent_decoded(filter)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn related_rows_are_filtered_sorted_and_cut() {
    let query = Query::<WithTasks>::new().expanding(nav::ACCOUNT_TASKS, |tasks| {
        tasks
            .filter(crm::Task::SUBJECT.starts_with("A"))
            .order_by(crm::Task::SUBJECT.desc())
            .top(3)
    });
    assert_eq!(
        percent_decoded(&sent(&query)),
        "GET accounts?$select=name&$expand=Account_Tasks($select=subject;\
         $filter=startswith(subject,'A');$orderby=subject desc;$top=3)\n"
    );
    let missing = Query::<AccountCard>::new().expanding(
        dataverse_client::Navigation::<Account, dataverse_client::schema::Many<Account>>::new("x"),
        |rows| rows.top(1),
    );
    let error = missing.request().unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("`x`"));
}

#[test]
fn what_the_service_refuses_of_related_rows_is_an_error_before_sending() {
    let query = || Query::from_table(TableName::new("accounts"));
    let nested = Expansion::named("Account_Tasks")
        .top(1)
        .expand(Expansion::named("owninguser"));
    assert!(query().expand(nested).request().is_err());
    let many = (0..16).fold(query(), |query, number| {
        query.expand(Expansion::named(format!("n{number}")))
    });
    assert!(many.request().unwrap_err().to_string().contains("15"));
    let reference = query().expand(Expansion::named("primarycontactid").as_reference());
    assert_eq!(
        sent(&reference),
        "GET accounts?$expand=primarycontactid/$ref\n"
    );
}

#[test]
fn conditions_reach_other_rows() {
    let of = |filter| self::filter(&Query::<crm::Account>::new().filter(filter));
    assert_eq!(
        of(nav::PRIMARYCONTACTID.to(crm::Contact::FULLNAME).eq("x")),
        "primarycontactid/fullname eq 'x'"
    );
    assert_eq!(
        of(nav::ACCOUNT_TASKS.any(crm::Task::SUBJECT.eq("x"))),
        "Account_Tasks/any(o:o/subject eq 'x')"
    );
    assert_eq!(
        of(crm::Account::CREATEDON.last(12, Unit::Hours)),
        "Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=12)"
    );
    assert_eq!(
        of(crm::Account::OWNERID.is_user(UserScope::Caller)),
        "Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')"
    );
    assert_eq!(
        of(crm::Account::NAME.is_in(["a", "O'B"])),
        "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[\"a\",\"O'B\"])"
    );
    let refused = Query::<crm::Account>::new()
        .filter(!crm::Account::CREATEDON.within(Period::Today))
        .request();
    assert!(refused.unwrap_err().is_invalid_input());
    let sorted = Query::from_table(TableName::new("accounts"))
        .order_by(column("primarycontactid/fullname").asc());
    assert_eq!(
        sent(&sorted),
        "GET accounts?$orderby=primarycontactid/fullname%20asc\n"
    );
}

#[test]
fn views_say_what_is_read() {
    let accounts = || Query::from_table(TableName::new("accounts"));
    assert_eq!(
        sent(&accounts().saved_query(ID).page_size(5)),
        format!("GET accounts?savedQuery={ID}\nprefer: odata.maxpagesize=5\n")
    );
    assert_eq!(
        sent(&accounts().user_query(ID)),
        format!("GET accounts?userQuery={ID}\n")
    );
    assert_eq!(
        sent(&accounts().sql("SELECT name FROM account WHERE name LIKE '%x'")),
        "GET accounts?sql=SELECT%20name%20FROM%20account%20WHERE%20name%20LIKE%20'%25x'\n"
    );
    let both = accounts().saved_query(ID).filter(column("name").eq("x"));
    assert!(both.request().unwrap_err().is_invalid_input());
    let typed = Query::<AccountCard>::new().saved_query(ID);
    assert_eq!(sent(&typed), format!("GET accounts?savedQuery={ID}\n"));
}

#[tokio::test]
async fn a_long_query_goes_through_a_batch_by_itself() {
    let part = "--batchresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\
        Content-Type: application/json\r\n\r\n{\"value\":[{\"name\":\"A\"}]}\r\n\
        --batchresponse_1--\r\n";
    let multipart = [("content-type", "multipart/mixed; boundary=batchresponse_1")];
    let script = Script::new().answer(200, &multipart, part);
    let (client, _) = script.client().unwrap();
    let ids = |count: u128| (0..count).map(|id| Id::<Account>::new(uuid::Uuid::from_u128(id)));
    let rows = client
        .query::<AccountCard>()
        .filter(Account::ACCOUNTID.is_in(ids(900)))
        .page_size(10)
        .rows();
    let rows = rows.collect().await.unwrap();
    assert_eq!(rows[0].name, "A");
    let sent = &script.sent()[0];
    assert_eq!(
        sent.line,
        "POST https://org.crm.dynamics.com/api/data/v9.2/$batch"
    );
    assert!(sent.body.contains("GET /api/data/v9.2/accounts?$select="));
    assert!(sent.body.contains("prefer: odata.maxpagesize=10\r\n"));

    let error = client
        .query::<AccountCard>()
        .filter(Account::ACCOUNTID.is_in(ids(2000)))
        .await
        .unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_refused_long_query_is_the_error_of_the_query() {
    let part = "--r\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 404 Not Found\r\n\
        Content-Type: application/json\r\n\r\n\
        {\"error\":{\"code\":\"0x80040217\",\"message\":\"gone\"}}\r\n--r--\r\n";
    let multipart = [("content-type", "multipart/mixed; boundary=r")];
    let script = Script::new().answer(404, &multipart, part);
    let (client, _) = script.client().unwrap();
    let name = "x".repeat(33_000);
    let error = client
        .query::<AccountCard>()
        .filter(Account::NAME.eq(name))
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().starts_with("GET accounts: "), "{error}");
}
