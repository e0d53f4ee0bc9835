//! Rows, links, columns and counts: what goes on the wire, typed and by name.

use dataverse_client::schema::{RowRef, TableName};
use dataverse_client::{
    AnyRow, Associate, ChangeSet, Changes, Count, Create, Delete, Disassociate, ETag, Entity,
    Expansion, GetColumn, GetText, Id, Key, New, Operation, Query, References, Retrieve,
    RetrieveRelated, SetColumn, TotalRowCounts, Update, Upsert, column,
};
use dataverse_golden::crm;
use dataverse_golden::crm::account::nav;
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard, Contact};
use uuid::Uuid;

use super::requests::{ID, sent};

const AT: &str = "11111111-2222-3333-4444-555555555555";

fn accounts() -> TableName {
    TableName::new("accounts")
        .logical_name("account")
        .primary_id("accountid")
}

/// An operation on a generated table, and the same by names, are the same request.
fn same(typed: &impl Operation, named: &impl Operation) -> String {
    let request = sent(typed);
    assert_eq!(request, sent(named));
    request
}

#[test]
fn a_row_is_created_with_rows_of_its_own() {
    let typed = New::new()
        .set(crm::Account::NAME, "Contoso")
        .insert(
            nav::PRIMARYCONTACTID,
            New::new()
                .set(crm::Contact::LASTNAME, "Nguyen")
                .insert_many(
                    crm::contact::nav::CONTACT_TASKS,
                    [New::new().set(crm::Task::SUBJECT, "Call")],
                ),
        )
        .insert_many(
            nav::ACCOUNT_TASKS,
            [
                New::new().set(crm::Task::SUBJECT, "One"),
                New::new().set(crm::Task::SUBJECT, "Two"),
            ],
        )
        .bind_many(
            nav::CONTACT_CUSTOMER_ACCOUNTS,
            [Id::<crm::Contact>::new(ID)],
        );
    let row = |name: &'static str, value: &str| New::new().set_named(name, value);
    let named = row("name", "Contoso")
        .insert_named(
            "primarycontactid",
            row("lastname", "Nguyen").insert_many_named("Contact_Tasks", [row("subject", "Call")]),
        )
        .insert_many_named(
            "Account_Tasks",
            [row("subject", "One"), row("subject", "Two")],
        )
        .bind_many_named(
            "contact_customer_accounts",
            [TableName::new("contacts").row(ID)],
        );
    assert_eq!(
        same(
            &Create::new(typed).with_id(Id::new(ID)),
            &Create::in_table(accounts(), named).with_id(Id::new(ID)),
        ),
        format!(
            "POST accounts\ncontent-type: application/json\n{{\"accountid\":\"{AT}\",\
             \"name\":\"Contoso\",\"primarycontactid\":{{\"lastname\":\"Nguyen\",\
             \"Contact_Tasks\":[{{\"subject\":\"Call\"}}]}},\
             \"Account_Tasks\":[{{\"subject\":\"One\"}},{{\"subject\":\"Two\"}}],\
             \"contact_customer_accounts@odata.bind\":[\"contacts({AT})\"]}}"
        )
    );
}

#[test]
fn writes_give_the_row_back() {
    let prefer = "prefer: return=representation\n";
    let create = Create::new(New::new().set(Account::NAME, "A"));
    assert_eq!(
        sent(&create.server_assigned_id().returning::<AccountCard>()),
        format!(
            "POST accounts?$select=name,revenue,_primarycontactid_value\n\
             content-type: application/json\n{prefer}{{\"name\":\"A\"}}"
        )
    );
    let changes = || Changes::new().set(Account::NAME, "A");
    assert_eq!(
        sent(&Update::new(Id::<Account>::new(ID), changes()).returning::<AccountCard>()),
        format!(
            "PATCH accounts({AT})?$select=name,revenue,_primarycontactid_value\nif-match: *\n\
             content-type: application/json\n{prefer}{{\"name\":\"A\"}}"
        )
    );
    let key = Account::ACCOUNTNUMBER.key("A-1");
    let upsert = Upsert::new(key, changes()).returning::<Account>();
    assert_eq!(
        sent(&upsert),
        format!(
            "PATCH accounts(accountnumber='A-1')\ncontent-type: application/json\n{prefer}\
             {{\"name\":\"A\"}}"
        )
    );
    for (status, is_created) in [(201, true), (200, false)] {
        let answer = super::wire::response(status, r#"{"name":"A"}"#);
        let upserted = upsert.decode(&answer).unwrap();
        assert_eq!(upserted.is_created, is_created);
        assert_eq!(upserted.row.name.as_deref(), Some("A"));
    }
}

#[test]
fn rows_are_read_by_names() {
    let retrieve = Retrieve::from_table(accounts(), ID)
        .select(["name", "_primarycontactid_value"])
        .expand(Expansion::named("primarycontactid").select(["fullname"]))
        .with_annotations();
    assert_eq!(
        sent(&retrieve),
        format!(
            "GET accounts({AT})?$select=name,_primarycontactid_value\
             &$expand=primarycontactid($select=fullname)\n\
             prefer: odata.include-annotations=\"OData.Community.Display.V1.FormattedValue,\
             Microsoft.Dynamics.CRM.lookuplogicalname\"\n"
        )
    );
    let row = retrieve
        .decode(&super::wire::response(
            200,
            r#"{"@odata.etag":"W/\"5\"","name":"A","primarycontactid":{"fullname":"B"}}"#,
        ))
        .unwrap();
    assert_eq!(row.get::<String>("name").unwrap().as_deref(), Some("A"));
    assert_eq!(row.etag(), Some(ETag::new("W/\"5\"")));
    let contact: AnyRow = row.get("primarycontactid").unwrap().unwrap();
    assert_eq!(contact.get::<String>("fullname").unwrap().unwrap(), "B");

    let key = Key::named("name", "A").and_named("numberofemployees", 5);
    assert_eq!(
        sent(&Retrieve::from_table(TableName::new("accounts"), key).partition_id("west")),
        "GET accounts(name='A',numberofemployees=5)?partitionId=west\n"
    );
}

#[test]
fn an_unchanged_row_is_none() {
    let retrieve = Retrieve::<AccountCard>::new(Id::new(ID)).if_changed(ETag::new("W/\"5\""));
    assert_eq!(
        sent(&retrieve),
        format!(
            "GET accounts({AT})?$select=name,revenue,_primarycontactid_value\n\
             if-none-match: W/\"5\"\n"
        )
    );
    let unchanged = super::wire::response(304, "");
    assert_eq!(retrieve.decode(&unchanged).unwrap(), None);
    let changed = super::wire::response(200, r#"{"name":"A"}"#);
    assert_eq!(retrieve.decode(&changed).unwrap().unwrap().name, "A");
}

#[test]
fn writes_by_names_are_those_of_generated_tables() {
    let id = Id::<Account>::new(ID);
    let changes = Changes::new()
        .set(Account::NAME, "A")
        .clear(Account::REVENUE);
    let named = || Changes::new().set_named("name", "A").clear_named("revenue");
    same(
        &Update::new(id, changes.clone()).if_match(ETag::new("W/\"5\"")),
        &Update::in_table(accounts(), ID, named()).if_match(ETag::new("W/\"5\"")),
    );
    same(
        &Upsert::new(Account::ACCOUNTNUMBER.key("x"), changes),
        &Upsert::in_table(accounts(), Key::named("accountnumber", "x"), named()),
    );
    same(&Delete::new(id), &Delete::from_table(accounts(), ID));
    // Without the name of the primary key there is no key made here, and no id to ask for.
    let create = Create::in_table(
        TableName::new("accounts"),
        New::new().set_named("name", "A"),
    );
    assert_eq!(
        sent(&create),
        "POST accounts\ncontent-type: application/json\n{\"name\":\"A\"}"
    );
    assert!(create.with_id(Id::new(ID)).request().is_err());
}

#[test]
fn links_are_made_and_undone() {
    let account = Id::<crm::Account>::new(ID);
    let contact = Id::<crm::Contact>::new(ID);
    let row = accounts().row(ID);
    let target = TableName::new("contacts").row(ID);
    let url = format!("/api/data/v9.2/contacts({AT})");
    assert_eq!(
        same(
            &Associate::one(account, nav::PRIMARYCONTACTID, contact),
            &Associate::one_named(&row, "primarycontactid", &target),
        ),
        format!(
            "PUT accounts({AT})/primarycontactid/$ref\ncontent-type: application/json\n\
             {{\"@odata.id\":\"{url}\"}}"
        )
    );
    assert_eq!(
        same(
            &Associate::many(account, nav::CONTACT_CUSTOMER_ACCOUNTS, contact),
            &Associate::many_named(&row, "contact_customer_accounts", &target),
        ),
        format!(
            "POST accounts({AT})/contact_customer_accounts/$ref\n\
             content-type: application/json\n{{\"@odata.id\":\"{url}\"}}"
        )
    );
    assert_eq!(
        same(
            &Disassociate::one(account, nav::PRIMARYCONTACTID),
            &Disassociate::one_named(&row, "primarycontactid"),
        ),
        format!("DELETE accounts({AT})/primarycontactid/$ref\n")
    );
    assert_eq!(
        same(
            &Disassociate::many(account, nav::CONTACT_CUSTOMER_ACCOUNTS, contact),
            &Disassociate::many_named(&row, "contact_customer_accounts", &target),
        ),
        format!("DELETE accounts({AT})/contact_customer_accounts({AT})/$ref\n")
    );
    let by_key = TableName::new("contacts").row(Key::named("emailaddress1", "a@b.c"));
    assert_eq!(
        sent(&Disassociate::many_named(
            &row,
            "contact_customer_accounts",
            by_key
        )),
        format!(
            "DELETE accounts({AT})/contact_customer_accounts/$ref\
             ?$id=/api/data/v9.2/contacts(emailaddress1='a@b.c')\n"
        )
    );
}

#[tokio::test]
async fn a_link_names_the_other_row_by_its_whole_url() {
    let script = Script::new().no_content();
    let (client, _) = script.client().unwrap();
    client
        .associate(
            Id::<crm::Account>::new(ID),
            nav::PRIMARYCONTACTID,
            Id::<crm::Contact>::new(ID),
        )
        .await
        .unwrap();
    assert_eq!(
        script.sent()[0].body,
        format!("{{\"@odata.id\":\"https://org.crm.dynamics.com/api/data/v9.2/contacts({AT})\"}}")
    );
}

#[test]
fn rows_of_a_change_set_are_linked_before_they_exist() {
    let mut set = ChangeSet::new();
    let account = set.add(Create::new(New::new().set(crm::Account::NAME, "A")));
    let contact = set.add(Create::new(New::new().set(crm::Contact::LASTNAME, "B")));
    set.add(Associate::many(
        &account,
        nav::CONTACT_CUSTOMER_ACCOUNTS,
        &contact,
    ));
    let mut batch = dataverse_client::Batch::new();
    batch.push(set);
    let body = batch.request().unwrap().body;
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        body.contains("POST $1/contact_customer_accounts/$ref HTTP/1.1\r\n"),
        "{body}"
    );
    assert!(body.contains("{\"@odata.id\":\"$2\"}"), "{body}");
}

#[test]
fn columns_are_read_and_written_alone() {
    let id = Id::<Account>::new(ID);
    let row = || accounts().row(ID);
    let get = GetColumn::new(id, Account::REVENUE);
    assert_eq!(
        same(&get, &GetColumn::<String>::named(row(), "revenue")),
        format!("GET accounts({AT})/revenue\n")
    );
    let answer = |status, body: &'static str| super::wire::response(status, body);
    assert_eq!(
        get.decode(&answer(200, r#"{"@odata.context":"x","value":1.50}"#))
            .unwrap(),
        Some("1.50".parse().unwrap())
    );
    assert_eq!(get.decode(&answer(204, "")).unwrap(), None);
    assert_eq!(get.decode(&answer(200, r#"{"value":null}"#)).unwrap(), None);
    assert_eq!(
        same(
            &SetColumn::new(id, Account::NAME, "A"),
            &SetColumn::named(row(), "name", "A")
        ),
        format!("PUT accounts({AT})/name\ncontent-type: application/json\n{{\"value\":\"A\"}}")
    );
    assert_eq!(
        same(
            &SetColumn::clear(id, Account::NAME),
            &SetColumn::clear_named(row(), "name")
        ),
        format!("DELETE accounts({AT})/name\n")
    );
    let text = GetText::new(id, Account::NAME);
    assert_eq!(
        sent(&text),
        format!("GET accounts({AT})/name/$value\naccept: text/plain\n")
    );
    let bom = super::wire::response(200, "\u{feff}A");
    assert_eq!(text.decode(&bom).unwrap().as_deref(), Some("A"));
}

#[test]
fn related_rows_are_read_by_their_navigation_property() {
    let id = Id::<crm::Account>::new(ID);
    let row = || accounts().row(ID);
    assert_eq!(
        same(
            &Query::<crm::Task>::related(id, nav::ACCOUNT_TASKS).filter(crm::Task::SUBJECT.eq("x")),
            &Query::related_to(row(), "Account_Tasks").filter(column("subject").eq("x")),
        ),
        format!("GET accounts({AT})/Account_Tasks?$filter=subject%20eq%20'x'\n")
    );
    let one = RetrieveRelated::<crm::Contact>::new(id, nav::PRIMARYCONTACTID);
    assert_eq!(
        same(&one, &RetrieveRelated::named(row(), "primarycontactid")),
        format!("GET accounts({AT})/primarycontactid\n")
    );
    assert!(
        one.decode(&super::wire::response(204, ""))
            .unwrap()
            .is_none()
    );
    let references = References::new(id, nav::CONTACT_CUSTOMER_ACCOUNTS);
    assert_eq!(
        same(
            &references,
            &References::named(row(), "contact_customer_accounts")
        ),
        format!("GET accounts({AT})/contact_customer_accounts/$ref\n")
    );
    let body = format!(
        "{{\"@odata.context\":\"x\",\"value\":[{{\"@odata.id\":\
         \"https://org/api/data/v9.2/contacts({AT})\"}}]}}"
    );
    let ids = references
        .decode(&super::wire::response(200, body))
        .unwrap();
    assert_eq!(ids, [Id::new(ID)]);
}

#[test]
fn rows_are_counted() {
    assert_eq!(
        same(
            &Count::<Account>::new().filter(Account::NAME.eq("x")),
            &Count::of_table(accounts()).filter(column("name").eq("x")),
        ),
        "GET accounts/$count?$filter=name%20eq%20'x'\naccept: text/plain\n"
    );
    let related = Count::related(Id::<crm::Account>::new(ID), nav::ACCOUNT_TASKS);
    assert_eq!(
        sent(&related),
        format!("GET accounts({AT})/Account_Tasks/$count\naccept: text/plain\n")
    );
    let count = |body: &'static str| related.decode(&super::wire::response(200, body));
    let few = count("\u{feff}3").unwrap();
    assert_eq!((few.rows(), few.is_exact()), (3, true));
    let many = count("\u{feff}5000").unwrap();
    assert_eq!((many.rows(), many.is_exact()), (5000, false));
    assert!(count("many").unwrap_err().is_decode());

    let total = TotalRowCounts::new(["account", "contact"]);
    assert_eq!(
        sent(&total),
        "GET RetrieveTotalRecordCount(EntityNames=@p1)?@p1=%5B%22account%22,%22contact%22%5D\n"
    );
    assert!(TotalRowCounts::new(Vec::<String>::new()).request().is_err());
}

#[test]
fn a_row_reference_shows_no_values_of_keys() {
    let row = RowRef::of(Account::ACCOUNTNUMBER.key("private"));
    assert_eq!(format!("{row:?}"), "accounts(…)");
    assert_eq!(row.table().known_logical_name(), Some("account"));
    assert_eq!(Contact::TABLE.entity_set(), "contacts");
    assert_eq!(TableName::of::<Contact>().entity_set(), "contacts");
    assert_eq!(accounts().row(Uuid::nil()), accounts().row(Uuid::nil()));
}
