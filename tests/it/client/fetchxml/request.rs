//! What is put on the wire, and what rows are read into.

use dataverse_client::fetchxml::{Aggregate, Attribute, LinkEntity, LinkType, on};
use dataverse_client::schema::TableName;
use dataverse_client::{
    AnyRow, Fetch, FetchPage, FetchRow, FetchXml, Lookup, Operation, Record, Replay, Response,
    Result, Target,
};
use dataverse_tests::script::Script;
use dataverse_tests::tables::{Account, AccountCard, Contact};
use http::{HeaderMap, StatusCode};
use rust_decimal::Decimal;

use super::sent;

/// Path and `Prefer`.
fn lines(operation: &impl Operation) -> (String, String) {
    let request = operation.request().unwrap();
    assert_eq!(request.method, "GET");
    assert!(request.body.is_empty());
    let Target::Path(path) = request.target else {
        panic!()
    };
    let prefer = request.headers["prefer"].to_str().unwrap().to_owned();
    assert_eq!(request.headers.len(), 1);
    (path, prefer)
}

const PREFER: &str = "odata.include-annotations=\"\
    Microsoft.Dynamics.CRM.fetchxmlpagingcookie,Microsoft.Dynamics.CRM.morerecords";

#[test]
fn the_document_is_percent_encoded_and_pages_are_asked_for() {
    let document = FetchXml::of::<Account>()
        .attribute(Account::NAME)
        .filter(on(Account::NAME).eq("Ä&B #1+1=50% \"x\""))
        .top(3);
    let fetch = Fetch::<AnyRow>::new(document);
    assert_eq!(
        lines(&fetch),
        (
            "accounts?fetchXml=%3Cfetch%20top='3'%3E%3Centity%20name='account'%3E\
             %3Cattribute%20name='name'/%3E%3Cfilter%20type='and'%3E\
             %3Ccondition%20attribute='name'%20operator='eq'%20\
             value='%C3%84%26amp;B%20%231%2B1=50%25%20%22x%22'/%3E\
             %3C/filter%3E%3C/entity%3E%3C/fetch%3E"
                .to_owned(),
            format!("{PREFER}\"")
        )
    );
    assert_eq!(fetch.replay(), Replay::Safe);
}

#[test]
fn counts_and_annotations_come_on_demand() {
    let document = || FetchXml::of_table("account").attribute("name");
    let fetch = Fetch::<AnyRow>::new(document())
        .of_table(TableName::new("accounts"))
        .with_count();
    let (path, prefer) = lines(&fetch);
    assert!(path.starts_with("accounts?fetchXml="), "{path}");
    assert!(path.ends_with("%3C/fetch%3E&$count=true"), "{path}");
    assert_eq!(
        prefer,
        format!(
            "{PREFER},Microsoft.Dynamics.CRM.totalrecordcount,\
             Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded\""
        )
    );
    let (_, prefer) = lines(&Fetch::<Account>::new(document()).with_annotations());
    assert_eq!(
        prefer,
        format!(
            "{PREFER},OData.Community.Display.V1.FormattedValue,\
             Microsoft.Dynamics.CRM.lookuplogicalname\""
        )
    );
}

#[derive(Record)]
#[dataverse(entity = Account)]
struct Labelled {
    #[dataverse(formatted = "statecode")]
    state: Option<String>,
}

#[test]
fn a_record_names_the_columns_where_the_document_names_none() {
    let document = FetchXml::of::<Account>;
    let entity =
        |columns: &str| format!("<fetch><entity name='account'>{columns}</entity></fetch>");
    assert_eq!(
        sent(&Fetch::<AccountCard>::new(document())),
        entity(
            "<attribute name='name'/><attribute name='revenue'/>\
             <attribute name='primarycontactid'/>"
        )
    );
    assert_eq!(
        sent(&Fetch::<Account>::new(document())),
        entity("<all-attributes/>")
    );
    assert_eq!(
        sent(&Fetch::<AnyRow>::new(document())),
        "<fetch><entity name='account'/></fetch>"
    );
    let labelled = Fetch::<Labelled>::new(document());
    assert_eq!(sent(&labelled), entity("<attribute name='statecode'/>"));
    assert!(lines(&labelled).1.contains("FormattedValue"));
    let answer = r#"{"value":[{
        "statecode@OData.Community.Display.V1.FormattedValue":"Active","statecode":0}]}"#;
    let page = read(&labelled, answer).unwrap();
    assert_eq!(page.rows[0].state.as_deref(), Some("Active"));
    // Those it names itself stay.
    let named = entity("<attribute name='name'/>");
    assert_eq!(
        sent(&Fetch::<Account>::new(document().attribute("name"))),
        named
    );
    let all = Fetch::<AccountCard>::new(document().all_attributes());
    assert_eq!(sent(&all), entity("<all-attributes/>"));
}

fn read<R: FetchRow>(fetch: &Fetch<R>, body: &str) -> Result<FetchPage<R::Row>> {
    fetch.decode(&Response::new(
        StatusCode::OK,
        HeaderMap::new(),
        body.to_owned().into(),
    ))
}

#[test]
fn columns_of_linked_tables_are_read_by_alias() {
    let link = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
        .link_type(LinkType::Outer)
        .alias("c")
        .attribute(Contact::FULLNAME);
    let fetch = Fetch::<AnyRow>::new(
        FetchXml::of::<Account>()
            .attribute("name")
            .link_entity(link),
    );
    let page = read(
        &fetch,
        r#"{"value":[
        {"@odata.etag":"W/\"1\"","name":"A","c.fullname":"Ada","c.familystatuscode":2,
         "c.primarycontactid@OData.Community.Display.V1.FormattedValue":"Bob",
         "c.primarycontactid":"11111111-2222-3333-4444-555555555555"},
        {"name":"B","c_x002e_fullname":"Carol",
         "c__primarycontactid_value":1,
         "c._primarycontactid_value":"21111111-2222-3333-4444-555555555555"},
        {"name":"C"}]}"#,
    )
    .unwrap();
    let names: Vec<_> = page
        .rows
        .iter()
        .map(|row| row.linked("c", Contact::FULLNAME).unwrap())
        .collect();
    assert_eq!(
        names,
        [Some("Ada".to_owned()), Some("Carol".to_owned()), None]
    );
    let of = |row: &AnyRow| row.linked("c", Account::PRIMARYCONTACTID).unwrap();
    assert_eq!(
        of(&page.rows[0]).as_ref().and_then(Lookup::name),
        Some("Bob")
    );
    assert!(of(&page.rows[1]).is_some());
    assert_eq!(of(&page.rows[2]), None);
    assert_eq!(
        page.rows[0].linked_as("c", "familystatuscode").unwrap(),
        Some(2)
    );
    let error = page.rows[0].linked_as::<i32>("c", "fullname").unwrap_err();
    assert!(error.to_string().contains("member `c.fullname`"), "{error}");
}

#[derive(Debug, PartialEq)]
struct Total {
    name: Option<String>,
    total: Decimal,
}

impl FetchRow for Total {
    type Row = Self;

    fn from_any_row(row: AnyRow) -> Result<Self> {
        Ok(Total {
            name: row.get("name")?,
            total: row.get("total")?.unwrap_or_default(),
        })
    }
}

#[tokio::test]
async fn aggregates_are_read_into_types_of_ones_own() {
    let document = FetchXml::of::<Account>()
        .attribute(Attribute::new(Account::NAME).group_by().alias("name"))
        .attribute(
            Attribute::new(Account::REVENUE)
                .aggregate(Aggregate::Sum)
                .alias("total"),
        );
    let body = r#"{"value":[{"name":"A","total@x":"y","total":10.5000000000},{"total":1}]}"#;
    let script = Script::new().answer(200, &[], body).answer(200, &[], body);
    let (client, _) = script.client().unwrap();
    let total = |name: Option<&str>, total: &str| Total {
        name: name.map(str::to_owned),
        total: total.parse().unwrap(),
    };
    let expected = [total(Some("A"), "10.5000000000"), total(None, "1")];
    let page = client.fetch::<Total>(document.clone()).await.unwrap();
    assert_eq!(page.rows, expected);
    let rows = client
        .fetch::<Total>(document.clone())
        .rows()
        .collect()
        .await;
    assert_eq!(rows.unwrap(), expected);
    assert!(script.sent()[1].line.contains("aggregate='true'"));
    // A member of another type names itself.
    let error = read(
        &Fetch::<Total>::new(document),
        r#"{"value":[{"total":"x"}]}"#,
    )
    .unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("`total`"),
        "{error}"
    );
}

#[test]
fn any_row_becomes_a_row_of_a_record() {
    let row = AnyRow::default()
        .set("@odata.etag", "W/\"7\"".to_owned())
        .set("name", "A".to_owned())
        .set("accountid", uuid::Uuid::from_u128(1));
    let row = AccountCard::from_any_row(row).unwrap();
    assert_eq!(row.name, "A");
    assert_eq!(row.id().map(|id| id.uuid()), Some(uuid::Uuid::from_u128(1)));
    let error = AccountCard::from_any_row(AnyRow::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("column `name` of `account` is null")
    );
}

#[test]
fn totals_are_told_as_far_as_they_are_known() {
    let fetch = Fetch::<AnyRow>::new(FetchXml::of::<Account>());
    let page = |members: &str| {
        let page = read(&fetch, &format!("{{{members}\"value\":[]}}")).unwrap();
        page.count.map(|count| (count.rows(), count.is_exact()))
    };
    assert_eq!(page(""), None);
    let of = |count: &str, exceeded: &str| {
        page(&format!(
            "\"@Microsoft.Dynamics.CRM.totalrecordcount\":{count},\
             \"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded\":{exceeded},"
        ))
    };
    assert_eq!(of("-1", "false"), None);
    assert_eq!(of("17", "false"), Some((17, true)));
    assert_eq!(of("5000", "false"), Some((5000, true)));
    assert_eq!(of("5000", "true"), Some((5000, false)));
    assert_eq!(page("\"@odata.count\":3,"), Some((3, true)));
}

#[tokio::test]
async fn a_table_known_at_run_time_is_fetched_from() {
    let script = Script::new().answer(200, &[], r#"{"value":[{"new_name":"A"}]}"#);
    let (client, _) = script.client().unwrap();
    let clubs = client.table(TableName::new("new_clubs").logical_name("new_club"));
    let page = clubs
        .fetch(FetchXml::of_table("new_club").attribute("new_name"))
        .await
        .unwrap();
    assert_eq!(
        page.rows[0].get::<String>("new_name").unwrap().as_deref(),
        Some("A")
    );
    assert_eq!(
        script.sent()[0].line,
        "GET https://org.crm.dynamics.com/api/data/v9.2/new_clubs?fetchXml=%3Cfetch%3E\
         %3Centity%20name='new_club'%3E%3Cattribute%20name='new_name'/%3E%3C/entity%3E\
         %3C/fetch%3E"
    );
}
