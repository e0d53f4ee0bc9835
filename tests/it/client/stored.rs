//! Generated operations, written as JSON, read back, and sent as they were.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::Path;

use dataverse_client::codegen::{BoundTo, Key};
use dataverse_client::schema::{RowRef, TableName};
use dataverse_client::{Id, Invoke, Message, New, Operation, RowArgument};
use dataverse_golden::crm;
use dataverse_golden::crm::bound::{lead, queue, role, systemuser, team};
use dataverse_golden::crm::types::{
    AccessRights, EndpointAccessType, PrincipalAccess, PrivilegeDepth, RolePrivilege,
    TargetFieldType,
};
use dataverse_golden::crm::{Account, Contact};
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

fn id<E>(number: u128) -> Id<E> {
    Id::new(Uuid::from_u128(number))
}

fn text<M: Serialize>(message: &M) -> String {
    serde_json::to_string(message).unwrap()
}

fn read<M: DeserializeOwned>(json: &str) -> Result<M, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// What it sends.
fn sent<M: Message>(message: M) -> String {
    let request = Invoke::new(message).request().unwrap();
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {:?} {body}", request.method, request.target)
}

/// Names of the operations that went through JSON, and are equal and sent alike after it.
#[derive(Default)]
struct Kept(BTreeSet<String>);

impl Kept {
    fn check<M>(&mut self, message: M)
    where
        M: Message + Serialize + DeserializeOwned + PartialEq + Debug + Clone,
    {
        let written = text(&message);
        let back: M = read(&written).unwrap();
        assert_eq!(back, message, "{written}");
        assert_eq!(text(&back), written);
        assert_eq!(sent(back), sent(message.clone()), "{written}");
        // Through a document that somebody else holds.
        let value = serde_json::to_value(&message).unwrap();
        let back: M = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&back).unwrap(), value);
        // An unknown parameter would be left out when it is sent.
        let more = written
            .replacen('{', "{\"Unknown\":1,", 1)
            .replace(",}", "}");
        let error = read::<M>(&more).unwrap_err();
        assert!(error.contains("no parameter `Unknown`"), "{error}");
        self.0.insert(M::NAME.to_owned());
    }
}

/// Every operation of the golden package, by the text of it.
fn generated() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/src/crm");
    let mut names = BTreeSet::new();
    for file in ["operations.rs", "bound.rs"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for declared in text.split("dv::message! {").skip(1) {
            names.insert(declared.split('"').nth(1).unwrap().to_owned());
        }
    }
    names
}

#[test]
fn every_generated_operation_goes_through_serde() {
    let mut kept = Kept::default();
    kept.check(crm::FormatAddress::new(
        "1 \"Main\" St.",
        "O'Fallon",
        "",
        "ä",
        "\u{1F600}",
    ));
    let mut access = PrincipalAccess::default();
    access.access_mask = Some(AccessRights::READ_ACCESS | AccessRights::WRITE_ACCESS);
    access.principal = Some(id::<crm::SystemUser>(1).into());
    kept.check(crm::GrantAccess {
        target: id::<Account>(2).into(),
        principal_access: Some(access),
    });
    kept.check(crm::GrantAccess::new(id::<Account>(2)));
    kept.check(crm::InitializeFrom {
        retrieve_consumable_record: Some(true),
        ..crm::InitializeFrom::new(
            id::<Account>(3),
            "account",
            TargetFieldType::VALID_FOR_CREATE,
        )
    });
    kept.check(crm::Merge::new(
        id::<Account>(4),
        id::<Account>(5),
        New::<Account>::new()
            .set(Account::NAME, "Merged")
            .clear(Account::FAX)
            .set(Account::REVENUE, Decimal::new(1_250, 2))
            .bind(Account::PRIMARYCONTACTID, id::<Contact>(6)),
        true,
    ));
    kept.check(crm::RetrieveCurrentOrganization::new(
        EndpointAccessType::DEFAULT,
    ));
    kept.check(crm::RetrieveTotalRecordCount::new(vec![
        "account".into(),
        "contact".into(),
    ]));
    kept.check(crm::WhoAmI);
    kept.check(crm::WinOpportunity::new(
        New::<crm::OpportunityClose>::new()
            .set_named("subject", "Won")
            .bind_named("opportunityid", id::<crm::Opportunity>(7)),
        3,
    ));
    kept.check(lead::QualifyLead {
        opportunity_currency_id: Some(id::<crm::TransactionCurrency>(8).into()),
        opportunity_customer_id: Some(id::<Contact>(9).into()),
        ..lead::QualifyLead::new(id::<crm::Lead>(10), true, false, true, -1)
    });
    kept.check(queue::AddToQueue {
        queue_item_properties: Some(New::<crm::QueueItem>::new().set_named("priority", 5).into()),
        ..queue::AddToQueue::new(
            Id::<crm::Queue>::new(Uuid::max()),
            RowRef::from(Key::from(id::<crm::Task>(11))),
        )
    });
    let mut privilege = RolePrivilege::default();
    privilege.depth = Some(PrivilegeDepth::BASIC);
    privilege.privilege_id = Some(Uuid::from_u128(12));
    kept.check(role::AddPrivilegesRole {
        privileges: Some(vec![privilege]),
        ..role::AddPrivilegesRole::new(id::<crm::Role>(13))
    });
    kept.check(role::AddPrivilegesRole::new(id::<crm::Role>(13)));
    kept.check(systemuser::RetrievePrincipalAccess::new(
        id::<crm::SystemUser>(14),
        id::<Account>(15),
    ));
    kept.check(systemuser::RetrieveUserPrivileges::new(
        id::<crm::SystemUser>(16),
    ));
    kept.check(team::RetrievePrincipalAccess::new(
        id::<crm::Team>(17),
        id::<Account>(18),
    ));
    assert_eq!(kept.0, generated());
}

#[test]
fn an_operation_is_kept_by_the_names_of_its_parameters() {
    let add = queue::AddToQueue::new(id::<crm::Queue>(1), id::<crm::Task>(2));
    assert_eq!(
        text(&add),
        r#"{"@odata.id":"queues(00000000-0000-0000-0000-000000000001)","Target":{"@odata.id":"tasks(00000000-0000-0000-0000-000000000002)","@odata.type":"Microsoft.Dynamics.CRM.task","activityid":"00000000-0000-0000-0000-000000000002"}}"#
    );
    let digits: Decimal = "922337203685477.5807".parse().unwrap();
    let row = New::<Account>::new().set(Account::REVENUE, digits);
    let merge = crm::Merge::new(id::<Account>(1), id::<Account>(2), row, false);
    let written = text(&merge);
    assert!(
        written.ends_with(
            r#""UpdateContent":{"@odata.type":"Microsoft.Dynamics.CRM.account","revenue":922337203685477.5807},"PerformParentingChecks":false}"#
        ),
        "{written}"
    );
    let back: crm::Merge = read(&written).unwrap();
    assert!(sent(back).contains("922337203685477.5807"));
    // In a document with others.
    let queue = serde_json::to_string(&[&merge, &merge]).unwrap();
    assert_eq!(
        read::<Vec<crm::Merge>>(&queue).unwrap(),
        [merge.clone(), merge]
    );
}

#[test]
fn alternate_keys_are_kept() {
    let named = Key::named("name", "a, b='c' (d) ä %25").and_named("number", 7);
    let bad = BoundTo::from(TableName::new("queues").row(named));
    let key = |value: &str| Key::named("name", value).and_named("number", 7);
    let on = |value: &str| BoundTo::from(TableName::new("queues").row(key(value)));
    let message = |on: BoundTo| Touch { on };
    let error = serde_json::to_string(&message(bad)).unwrap_err();
    assert!(error.to_string().contains("accepts in no key"), "{error}");
    for value in ["", "a, b='c' (d) ä", "''", "7"] {
        let message = message(on(value));
        let written = text(&message);
        assert_eq!(read::<Touch>(&written).unwrap(), message, "{written}");
    }
    let all = message(BoundTo::rows_of_table(TableName::new("queues")));
    assert_eq!(text(&all), r#"{"@odata.id":"queues"}"#);
    assert_eq!(read::<Touch>(&text(&all)).unwrap(), all);
}

/// Called on rows of any table.
#[derive(Debug, Clone, PartialEq)]
struct Touch {
    on: BoundTo,
}

dataverse_client::codegen::message! {
    Touch: Action "Microsoft.Dynamics.CRM.Touch" -> (), row on {}
}

/// With lists of rows, on all rows of a table.
#[derive(Debug, Clone, PartialEq)]
struct Gather {
    rows: Vec<RowArgument<Account>>,
    others: Option<Vec<RowArgument>>,
}

dataverse_client::codegen::message! {
    Gather: Action "Microsoft.Dynamics.CRM.Gather" -> (), rows_of Account {
        rows rows = "Rows",
        optional_rows others = "Others",
    }
}

#[test]
fn lists_of_rows_are_kept() {
    let mut kept = Kept::default();
    let row = New::<Account>::new().set(Account::NAME, "New");
    kept.check(Gather {
        rows: vec![id::<Account>(1).into(), row.into()],
        others: Some(vec![
            id::<Contact>(2).into(),
            New::<Contact>::new().set(Contact::LASTNAME, "New").into(),
        ]),
    });
    kept.check(Gather {
        rows: Vec::new(),
        others: None,
    });
}

#[test]
fn what_is_not_the_operation_is_told() {
    let message = |json: &str| read::<queue::AddToQueue>(json).unwrap_err();
    let on = r#""@odata.id":"queues(00000000-0000-0000-0000-000000000001)""#;
    for (json, told) in [
        ("[]".to_owned(), "expected an object"),
        ("{}".to_owned(), "`@odata.id` is missing"),
        (
            r#"{"@odata.id":"roles(00000000-0000-0000-0000-000000000001)"}"#.to_owned(),
            "nothing that the operation can be called on",
        ),
        (
            r#"{"@odata.id":"queues"}"#.to_owned(),
            "nothing that the operation can be called on",
        ),
        (
            r#"{"@odata.id":"queues("}"#.to_owned(),
            "nothing that the operation can be called on",
        ),
        (format!("{{{on}}}"), "`Target` is missing"),
        (
            format!(r#"{{{on},"Target":1}}"#),
            "`Target`: expected a row",
        ),
        (
            format!(r#"{{{on},"Target":{{"a":1}}}}"#),
            "no `@odata.type`",
        ),
        (
            format!(r#"{{{on},"Target":{{"@odata.type":"a\",\"b"}}}}"#),
            "no name of a table",
        ),
        (
            format!(r#"{{{on},"Target":{{"@odata.id":"tasks(a='b')"}}}}"#),
            "names no row by its primary key",
        ),
        (
            format!(
                r#"{{{on},"Target":{{"@odata.id":"tasks(00000000-0000-0000-0000-000000000001)","subject":"a"}}}}"#
            ),
            "is sent without columns",
        ),
        (
            format!(
                r#"{{{on},"Target":{{"@odata.type":"a"}},"SourceQueue":{{"@odata.type":"Microsoft.Dynamics.CRM.role"}}}}"#
            ),
            "`SourceQueue`: the row is of another table",
        ),
    ] {
        let error = message(&json);
        assert!(error.contains(told), "{json}: {error}");
    }
    let error = read::<crm::WinOpportunity>(
        r#"{"OpportunityClose":{"@odata.type":"Microsoft.Dynamics.CRM.opportunityclose"},"Status":"x"}"#,
    )
    .unwrap_err();
    assert!(
        error.contains("`Status`: expected a whole number"),
        "{error}"
    );
}

#[test]
fn where_a_lookup_points_goes_through_serde() {
    use dataverse_golden::crm::lookups::OwneridTarget;

    for (target, json) in [
        (
            OwneridTarget::Team(id(1)),
            r#"{"LogicalName":"team","Id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            OwneridTarget::Other {
                table: None,
                id: Uuid::from_u128(2),
            },
            r#"{"Id":"00000000-0000-0000-0000-000000000002"}"#,
        ),
    ] {
        assert_eq!(text(&target), json);
        assert_eq!(read::<OwneridTarget>(json).unwrap(), target);
    }
    assert!(read::<OwneridTarget>(r#"{"LogicalName":"team"}"#).is_err());
}
