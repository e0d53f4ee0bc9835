//! What the derives make of a user's own types.

use dataverse_client::uuid::Uuid;
use dataverse_client::{
    Action, AnyLookup, Changes, Choice, Create, Edit, Entity, Function, Id, Invoke, Key, Lookup,
    New, Operation, Query, Record, Response, Retrieve, RowArgument, Target, Targets, Update, Write,
};
use dataverse_golden::crm::{Account, AccountStateCode, Contact, account, contact};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

fn path(operation: &impl Operation) -> String {
    let Target::Path(path) = operation.request().unwrap().target else {
        panic!("a link")
    };
    path
}

fn body(operation: &impl Operation) -> Value {
    serde_json::from_slice(&operation.request().unwrap().body).unwrap()
}

fn answer<O: Operation>(operation: &O, body: &Value) -> dataverse_client::Result<O::Output> {
    operation.decode(&Response::new(
        StatusCode::OK,
        HeaderMap::new(),
        body.to_string().into(),
    ))
}

fn id<E>(number: u128) -> Id<E> {
    Id::new(Uuid::from_u128(number))
}

/// Private, in a function's reach: the derive's items are as visible as the struct.
#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Contact)]
struct ContactCard {
    contactid: Id<Contact>,
    fullname: Option<String>,
    #[dataverse(expand = contact::nav::CONTACT_MASTER_CONTACT)]
    merged: Vec<Merged>,
}

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Contact)]
struct Merged {
    lastname: Option<String>,
}

#[derive(Record, Debug, PartialEq)]
#[dataverse(entity = Account)]
pub(crate) struct AccountCard {
    name: String,
    #[dataverse(column = "statecode")]
    state: AccountStateCode,
    #[dataverse(column = "statuscode")]
    reason: Option<i32>,
    #[dataverse(formatted = "statecode")]
    r#type: String,
    #[dataverse(formatted = "industrycode")]
    industry: Option<String>,
    #[dataverse(expand = account::nav::PRIMARYCONTACTID)]
    contact: Option<ContactCard>,
    #[dataverse(expand = account::nav::CONTACT_CUSTOMER_ACCOUNTS)]
    contacts: Vec<Merged>,
    #[dataverse(skip)]
    cached: u8,
}

#[test]
fn related_rows_are_selected_and_read_with_the_row() {
    let query = Query::<AccountCard>::new();
    assert_eq!(
        path(&query),
        "accounts?$select=name,statecode,statuscode,industrycode\
         &$expand=primarycontactid($select=contactid,fullname;\
         $expand=contact_master_contact($select=lastname)),\
         contact_customer_accounts($select=lastname)"
    );
    // Formatted values need annotations.
    let headers = query.request().unwrap().headers;
    let prefer = headers.get("prefer").unwrap().to_str().unwrap();
    assert!(prefer.contains("OData.Community.Display.V1.FormattedValue"));

    let row = |number: u128| {
        json!({
            "name": format!("A{number}"),
            "statecode@OData.Community.Display.V1.FormattedValue": "Aktiv",
            "statecode": 0,
            "statuscode": 1,
            "primarycontactid": {
                "contactid": Uuid::from_u128(number).to_string(),
                "fullname": null,
                "contact_master_contact": [{"lastname": "Alt"}],
                "contact_master_contact@odata.nextLink": "https://x/contacts(1)/contact_master_contact?$select=lastname"
            },
            "contact_customer_accounts": [{"lastname": "Ä"}, {"lastname": null}],
            "contact_customer_accounts@odata.nextLink": "https://x/accounts(1)/contact_customer_accounts?$select=lastname"
        })
    };
    let mut without = row(3);
    without["primarycontactid"] = Value::Null;
    let page = answer(&query, &json!({"value": [row(1), row(2), without]})).unwrap();
    for (number, read) in (1..).zip(&page.rows) {
        assert_eq!(read.name, format!("A{number}"));
        assert_eq!(
            (read.state, read.reason),
            (AccountStateCode::Active, Some(1))
        );
        assert_eq!(
            (read.r#type.as_str(), &read.industry, read.cached),
            ("Aktiv", &None, 0)
        );
        let names: Vec<_> = read
            .contacts
            .iter()
            .map(|c| c.lastname.as_deref())
            .collect();
        assert_eq!(names, [Some("Ä"), None]);
        let contact = (number < 3).then(|| ContactCard {
            contactid: id(number),
            fullname: None,
            merged: vec![Merged {
                lastname: Some("Alt".into()),
            }],
        });
        assert_eq!(read.contact, contact);
    }
}

#[test]
fn a_collection_that_did_not_come_whole_is_an_error() {
    let retrieve = Retrieve::<ContactCard>::new(id(1));
    let row = |more: Value| {
        let mut row = json!({"contactid": Uuid::nil().to_string(), "fullname": "A"});
        row.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        row
    };
    // A page of children: the rest is behind a link with a token.
    let paged = row(json!({
        "contact_master_contact": [{"lastname": "B"}],
        "contact_master_contact@odata.nextLink": "https://x/…?$skiptoken=%3Ccookie"
    }));
    let error = answer(&retrieve, &paged).unwrap_err().to_string();
    assert!(
        error.contains("`contact_master_contact` of `contact` did not come whole"),
        "{error}"
    );
    // Nothing is not the same as no rows.
    let error = answer(&retrieve, &row(json!({}))).unwrap_err().to_string();
    assert!(error.contains("`contact_master_contact`"), "{error}");
    let many = vec![json!({"lastname": "B"}); 5000];
    let error = answer(&retrieve, &row(json!({"contact_master_contact": many}))).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`contact_master_contact` of `contact`"),
        "{error}"
    );
    let wrong = row(json!({"contact_master_contact": [{"lastname": 7}]}));
    let error = answer(&retrieve, &wrong).unwrap_err().to_string();
    assert!(error.contains("`lastname`"), "{error}");
    assert!(answer(&retrieve, &row(json!({"contact_master_contact": 7}))).is_err());
}

#[derive(Clone, Copy, Choice)]
#[repr(i32)]
enum Outcome {
    Won = 1,
    #[dataverse(label = "Not won")]
    Lost = -2,
    Unknown(i32),
}

/// With names that only the user knows.
mod tables {
    use super::{AnyLookup, Entity, Id, Lookup, Outcome, Targets, Uuid};

    #[derive(Debug, Clone, PartialEq, Targets)]
    pub(super) enum Client {
        #[dataverse(nav = "new_Client_account")]
        Account(Id<super::Account>),
        #[dataverse(nav = "new_Client_new_deal")]
        Deal(Id<Deal>),
        Other {
            table: Option<Box<str>>,
            id: Uuid,
        },
    }

    #[derive(Entity, Default)]
    #[dataverse(table = "new_deal", set = "new_deals", id = "new_dealid")]
    #[dataverse(key = "new_number", key = "new_parentid, new_number")]
    pub(super) struct Deal {
        pub(super) new_dealid: Option<Id<Deal>>,
        pub(super) new_number: Option<String>,
        pub(super) new_outcome: Option<Outcome>,
        #[dataverse(column = "new_type")]
        pub(super) r#type: Option<String>,
        #[dataverse(lookup(nav = "new_ParentId", entity = Deal))]
        pub(super) new_parentid: Option<Lookup<Deal>>,
        pub(super) new_client: Option<AnyLookup<Client>>,
        #[dataverse(read_only)]
        pub(super) createdon: Option<String>,
    }
}
use tables::{Client, Deal};

#[test]
fn choices_and_lookups_of_several_tables_are_declared_by_hand() {
    assert_eq!(Outcome::Unknown(1), Outcome::Won);
    assert_eq!(Outcome::Lost.label(), Some("Not won"));
    assert_eq!(Outcome::OPTIONS.len(), 2);
    assert_eq!(
        format!("{:?} {:?}", Outcome::Lost, Outcome::from(9)),
        "Lost Unknown(9)"
    );

    let query = Query::<Deal>::new().filter(Deal::NEW_OUTCOME.eq(Outcome::Lost));
    assert_eq!(path(&query), "new_deals?$filter=new_outcome%20eq%20-2");
    let rows = answer(
        &query,
        &json!({"value": [{
            "new_outcome": 5,
            "_new_client_value@Microsoft.Dynamics.CRM.lookuplogicalname": "account",
            "_new_client_value": Uuid::from_u128(7).to_string()
        }]}),
    )
    .unwrap()
    .rows;
    assert_eq!(rows[0].new_outcome, Some(Outcome::Unknown(5)));
    assert_eq!(
        rows[0].new_client.as_ref().unwrap().target(),
        Client::Account(id(7))
    );

    let parent = Uuid::from_u128(1);
    let keys = [
        Deal::KEY_NEW_NUMBER.of(("N'1",)),
        Deal::KEY_NEW_PARENTID_NEW_NUMBER.of((parent, "2")),
    ];
    let paths = keys.map(|key: Key<Deal>| path(&Retrieve::<Deal>::new(key)));
    assert_eq!(paths[0], "new_deals(new_number='N''1')");
    assert_eq!(
        paths[1],
        format!("new_deals(_new_parentid_value={parent},new_number='2')")
    );
    let new = New::new()
        .bind(Deal::NEW_CLIENT, id::<Deal>(3))
        .set(Deal::NEW_TYPE, "x");
    let sent = body(&Create::new(new));
    assert_eq!(
        sent["new_Client_new_deal@odata.bind"],
        format!("new_deals({})", id::<Deal>(3))
    );
    assert_eq!(sent["new_type"], "x");
}

#[derive(Write, Default)]
#[dataverse(entity = Deal)]
struct DealEdit {
    new_number: String,
    #[dataverse(column = "new_type")]
    kind: Edit<String>,
    #[dataverse(none = "skip")]
    new_outcome: Option<Outcome>,
    #[dataverse(lookup)]
    new_parentid: Edit<Id<Deal>>,
    #[dataverse(lookup)]
    new_client: Edit<AnyLookup<Client>>,
    #[dataverse(skip)]
    note: u8,
}

#[derive(Write)]
#[dataverse(entity = Account, update)]
struct Closing {
    statecode: AccountStateCode,
    #[dataverse(none = "clear")]
    fax: Option<String>,
    #[dataverse(lookup)]
    ownerid: Edit<Id<dataverse_golden::crm::Team>>,
}

#[test]
fn a_write_struct_says_keep_clear_or_set() {
    let update = |changes: Changes<Deal>| body(&Update::new(id(1), changes));
    let nothing = DealEdit {
        new_number: "1".into(),
        ..DealEdit::default()
    };
    assert_eq!(nothing.note, 0);
    assert_eq!(update(nothing.into()), json!({"new_number": "1"}));
    let clear = DealEdit {
        new_number: "1".into(),
        kind: Edit::Clear,
        new_outcome: Some(Outcome::Won),
        new_parentid: Edit::Clear,
        new_client: Edit::Clear,
        note: 0,
    };
    assert_eq!(
        update(clear.into()),
        json!({
            "new_number": "1",
            "new_type": null,
            "new_outcome": 1,
            "new_ParentId@odata.bind": null,
            "new_Client_account@odata.bind": null
        })
    );
    let set = DealEdit {
        new_number: "1".into(),
        kind: Edit::Set("x".into()),
        new_outcome: None,
        new_parentid: Edit::Set(id(4)),
        new_client: Edit::Set(Client::Deal(id(5)).into()),
        note: 0,
    };
    let sent = body(&Create::new(New::from(set)));
    assert_eq!(sent["new_type"], "x");
    assert_eq!(
        sent["new_ParentId@odata.bind"],
        format!("new_deals({})", id::<Deal>(4))
    );
    assert_eq!(
        sent["new_Client_new_deal@odata.bind"],
        format!("new_deals({})", id::<Deal>(5))
    );

    let closing = Closing {
        statecode: AccountStateCode::Inactive,
        fax: None,
        ownerid: Edit::Set(id(6)),
    };
    assert_eq!(
        body(&Update::new(id::<Account>(1), Changes::from(closing))),
        json!({
            "statecode": 1,
            "fax": null,
            "ownerid@odata.bind": format!("teams({})", Uuid::from_u128(6))
        })
    );
    // A table that nobody knows is told before anything is sent.
    let unknown = Client::Other {
        table: Some("lead".into()),
        id: Uuid::nil(),
    };
    let changes = Changes::new().bind_any(Deal::NEW_CLIENT, unknown);
    let error = Update::new(id::<Deal>(1), changes)
        .request()
        .unwrap_err()
        .to_string();
    assert!(error.contains("`new_client`"), "{error}");
}

#[derive(Action)]
#[dataverse(name = "new_AddNoteToContact")]
struct AddNote {
    #[dataverse(on)]
    contact: Id<Contact>,
    note_title: String,
    #[dataverse(name = "NoteText")]
    text: Option<String>,
    related: Option<Vec<RowArgument>>,
}

#[derive(Function)]
#[dataverse(name = "new_Count", output = i32)]
struct Count {
    table: String,
    row: Option<RowArgument>,
}

#[test]
fn actions_and_functions_are_structs() {
    let add = Invoke::new(AddNote {
        contact: id(1),
        note_title: "T".into(),
        text: None,
        related: Some(vec![id::<Account>(2).into()]),
    });
    let bound = format!(
        "contacts({})/Microsoft.Dynamics.CRM.new_AddNoteToContact",
        id::<Contact>(1)
    );
    assert_eq!(path(&add), bound);
    assert_eq!(
        body(&add),
        json!({"NoteTitle": "T", "Related": [{
            "@odata.type": "Microsoft.Dynamics.CRM.account",
            "accountid": Uuid::from_u128(2).to_string()
        }]})
    );
    let count = Invoke::new(Count {
        table: "account".into(),
        row: None,
    });
    assert_eq!(path(&count), "new_Count(Table=@Table)?@Table='account'");
    assert_eq!(answer(&count, &json!({"value": 7})).unwrap(), 7);
}

/// Whoever reads says what as.
#[derive(Record)]
#[dataverse(entity = Account)]
struct Named<T, M: Send + 'static>
where
    T: dataverse_client::value::Value + dataverse_client::schema::ReadAs<String>,
{
    name: Option<T>,
    #[dataverse(skip)]
    marker: std::marker::PhantomData<M>,
}

#[derive(Write)]
#[dataverse(entity = Account, update)]
struct Rename<T>
where
    T: Into<String>,
{
    name: Edit<T>,
}

#[derive(Action)]
#[dataverse(name = "new_Touch")]
struct Touch<E: Entity + Send + Sync> {
    #[dataverse(on)]
    row: Id<E>,
}

#[test]
fn type_parameters_are_kept() {
    let query = Query::<Named<String, u8>>::new();
    let rows = answer(&query, &json!({"value": [{"name": "A"}]}))
        .unwrap()
        .rows;
    assert_eq!(rows[0].name.as_deref(), Some("A"));
    assert_eq!(rows[0].marker, std::marker::PhantomData);
    let changes = Changes::from(Rename {
        name: Edit::Set("B"),
    });
    assert_eq!(
        body(&Update::new(id::<Account>(1), changes)),
        json!({"name": "B"})
    );
    let touch = Invoke::new(Touch {
        row: id::<Contact>(1),
    });
    assert!(path(&touch).starts_with("contacts("));
}
