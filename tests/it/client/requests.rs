//! What each operation puts on the wire: our contract.

use dataverse_client::codegen::{Arguments, Message, MessageKind};
use dataverse_client::{
    Changes, Create, Delete, ETag, Id, Invoke, New, Operation, Query, Request, Retrieve,
    RowArgument, Target, Update, Upsert,
};
use dataverse_tests::tables::{Account, AccountCard, Contact, Task};
use rust_decimal::Decimal;
use uuid::Uuid;

pub(super) const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

/// Verb, path, headers and body, a line each.
fn text(request: &Request) -> String {
    let Target::Path(path) = &request.target else {
        panic!("{request:?}")
    };
    let mut lines = vec![format!("{} {path}", request.method)];
    for (name, value) in &request.headers {
        lines.push(format!("{name}: {}", value.to_str().unwrap()));
    }
    lines.push(String::from_utf8(request.body.to_vec()).unwrap());
    lines.join("\n")
}

pub(super) fn sent(operation: &impl Operation) -> String {
    text(&operation.request().unwrap())
}

#[test]
fn retrieve_selects_what_the_record_needs() {
    assert_eq!(
        sent(&Retrieve::<AccountCard>::new(Id::new(ID))),
        "GET accounts(11111111-2222-3333-4444-555555555555)\
         ?$select=name,revenue,_primarycontactid_value\n"
    );
    assert_eq!(
        sent(&Retrieve::<Account>::new(Account::ACCOUNTNUMBER.key("Ä 'x'")).with_annotations()),
        "GET accounts(accountnumber='%C3%84%20''x''')\n\
         prefer: odata.include-annotations=\"OData.Community.Display.V1.FormattedValue,\
         Microsoft.Dynamics.CRM.lookuplogicalname\"\n"
    );
}

#[test]
fn query_writes_its_options_in_one_order() {
    let query = Query::<AccountCard>::new()
        .filter(Account::NAME.starts_with("Con"))
        .filter(Account::REVENUE.ge(Decimal::new(1050, 2)))
        .order_by(Account::NAME.asc())
        .order_by(Account::CREATEDON.desc())
        .page_size(500)
        .with_count();
    assert_eq!(
        sent(&query),
        "GET accounts?$select=name,revenue,_primarycontactid_value\
         &$filter=(startswith(name,'Con')%20and%20revenue%20ge%2010.50)\
         &$orderby=name%20asc,createdon%20desc&$count=true\n\
         prefer: odata.maxpagesize=500\n"
    );
}

#[test]
fn create_sends_its_own_key_and_binds() {
    let body = New::new()
        .set(Account::NAME, "O\"Neill")
        .set(Account::REVENUE, Decimal::new(1_050, 2))
        .bind(Account::PRIMARYCONTACTID, Id::<Contact>::new(ID))
        .set_some(Account::ACCOUNTNUMBER, None::<String>);
    assert_eq!(
        sent(&Create::new(body).with_id(Id::new(ID))),
        "POST accounts\ncontent-type: application/json\n\
         {\"accountid\":\"11111111-2222-3333-4444-555555555555\",\"name\":\"O\\\"Neill\",\
         \"revenue\":10.50,\
         \"primarycontactid@odata.bind\":\"contacts(11111111-2222-3333-4444-555555555555)\"}"
    );
}

#[test]
fn a_lookup_of_several_tables_binds_by_target() {
    let task = |body: New<Task>| sent(&Create::new(body).server_assigned_id());
    assert_eq!(
        task(New::new().bind(Task::REGARDINGOBJECTID, Account::ACCOUNTNUMBER.key("A-1"))),
        "POST tasks\ncontent-type: application/json\n\
         {\"regardingobjectid_account_task@odata.bind\":\"accounts(accountnumber='A-1')\"}"
    );
    assert_eq!(
        task(New::new().bind(Task::REGARDINGOBJECTID, Id::<Contact>::new(ID))),
        "POST tasks\ncontent-type: application/json\n\
         {\"regardingobjectid_contact_task@odata.bind\":\
         \"contacts(11111111-2222-3333-4444-555555555555)\"}"
    );
}

#[test]
fn update_never_creates() {
    let id = Id::<Account>::new(ID);
    let changes = Changes::new()
        .set(Account::STATECODE, 1)
        .clear(Account::NAME)
        .unbind(Account::PRIMARYCONTACTID);
    assert_eq!(
        sent(&Update::new(id, &changes)),
        "PATCH accounts(11111111-2222-3333-4444-555555555555)\nif-match: *\n\
         content-type: application/json\n\
         {\"statecode\":1,\"name\":null,\"primarycontactid@odata.bind\":null}"
    );
    let matched = Update::new(id, &changes).if_match(ETag::new("W/\"42\""));
    assert!(sent(&matched).contains("if-match: W/\"42\"\n"));
}

#[test]
fn upsert_says_what_it_may_do() {
    let upsert = || {
        Upsert::new(
            Account::ACCOUNTNUMBER.key("AC-1"),
            Changes::new().set(Account::NAME, "Contoso"),
        )
    };
    let lines = |headers: &str| {
        format!(
            "PATCH accounts(accountnumber='AC-1')\n{headers}content-type: application/json\n\
             {{\"name\":\"Contoso\"}}"
        )
    };
    assert_eq!(sent(&upsert()), lines(""));
    assert_eq!(sent(&upsert().create_only()), lines("if-none-match: *\n"));
    assert_eq!(sent(&upsert().update_only()), lines("if-match: *\n"));
}

#[test]
fn delete_may_ask_for_a_version() {
    let delete = Delete::<Account>::new(Id::new(ID));
    assert_eq!(
        sent(&delete),
        "DELETE accounts(11111111-2222-3333-4444-555555555555)\n"
    );
    assert!(sent(&delete.if_match(ETag::new("W/\"42\""))).contains("if-match: W/\"42\"\n"));
}

struct Everything {
    target: RowArgument,
    note: Option<String>,
    count: i32,
}

impl Message for Everything {
    type Output = ();
    const NAME: &'static str = "Everything";
    const KIND: MessageKind = MessageKind::Action;

    fn arguments(&self, out: &mut Arguments<'_>) {
        out.row("Target", &self.target);
        out.optional_value("Note", &self.note);
        out.value("Count", &self.count);
    }
}

struct AskAround(Everything);

impl Message for AskAround {
    type Output = ();
    const NAME: &'static str = "AskAround";
    const KIND: MessageKind = MessageKind::Function;

    fn arguments(&self, out: &mut Arguments<'_>) {
        self.0.arguments(out);
    }
}

#[test]
fn rows_as_arguments_carry_their_type() {
    let existing = Everything {
        target: Id::<Account>::new(ID).into(),
        note: Some("it's".into()),
        count: 3,
    };
    assert_eq!(
        sent(&Invoke::new(existing)),
        "POST Everything\ncontent-type: application/json\n\
         {\"Target\":{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\
         \"accountid\":\"11111111-2222-3333-4444-555555555555\"},\"Note\":\"it's\",\"Count\":3}"
    );
    let columns = Everything {
        target: New::new().set(Account::NAME, "Contoso").into(),
        note: None,
        count: 3,
    };
    assert_eq!(
        sent(&Invoke::new(columns)),
        "POST Everything\ncontent-type: application/json\n\
         {\"Target\":{\"@odata.type\":\"Microsoft.Dynamics.CRM.account\",\"name\":\"Contoso\"},\
         \"Count\":3}"
    );
    let asked = AskAround(Everything {
        target: Id::<Account>::new(ID).into(),
        note: Some("it's".into()),
        count: 3,
    });
    assert_eq!(
        sent(&Invoke::new(asked)),
        "GET AskAround(Target=@Target,Note=@Note,Count=@Count)\
         ?@Target=%7B'@odata.id':'accounts(11111111-2222-3333-4444-555555555555)'%7D\
         &@Note='it''s'&@Count=3\n"
    );
}

#[test]
fn bad_input_is_refused_before_anything_is_sent() {
    let id = Id::<Account>::new(ID);
    let refusals = [
        Update::new(id, Changes::new()).request(),
        Query::<Account>::new().page_size(0).request(),
        Query::<Account>::new().page_size(5001).request(),
        Query::<Account>::new().top(10).page_size(10).request(),
        Retrieve::<Account>::new(Account::ACCOUNTNUMBER.key("50%")).request(),
        Retrieve::<Account>::new(Account::ACCOUNTNUMBER.key("a/b")).request(),
        Invoke::new(AskAround(Everything {
            target: New::<Account>::new().into(),
            note: None,
            count: 0,
        }))
        .request(),
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        assert!(!error.to_string().contains("50%"), "holds data: {error}");
    }
}
