//! FetchXML, client and emulator together.

use dataverse_client::fetchxml::{
    Aggregate, Attribute, DateGrouping, Filter, LinkEntity, LinkType, Order, on,
};
use dataverse_client::http::FixedToken;
use dataverse_client::{AnyRow, Client, FetchXml, New, Period, Record, Unit, UserScope};
use dataverse_emulator::Emulator;
use dataverse_golden::crm::{Account, Contact};

use crate::documents::{ON_PREMISES, document};

#[derive(Record)]
#[dataverse(entity = Account)]
struct Named {
    name: String,
}

/// An org with seven accounts; the even ones are led by a contact.
async fn org() -> Client {
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .build()
        .unwrap();
    let client = Client::builder(Emulator::URL)
        .unwrap()
        .credential(FixedToken::new("any"))
        .transport(emulator)
        .build()
        .unwrap();
    let contact = New::new().set(Contact::LASTNAME, "O'Neill & <Sons>");
    let contact = client.create(contact).await.unwrap();
    for number in 0..7 {
        let mut account = New::new()
            .set(Account::NAME, format!("Club {number}"))
            .set(Account::REVENUE, number * 10)
            .set(
                Account::ADDRESS1_CITY,
                ["Graz", "Wien"][number as usize % 2],
            );
        if number % 2 == 0 {
            account = account.bind(Account::PRIMARYCONTACTID, contact);
        }
        client.create(account).await.unwrap();
    }
    client
}

async fn names(client: &Client, document: FetchXml<Account>) -> String {
    let rows = client.fetch::<Named>(document).rows().collect().await;
    let rows = rows.unwrap_or_else(|error| panic!("{error}"));
    rows.iter()
        .map(|row| row.name.trim_start_matches("Club "))
        .collect()
}

fn accounts() -> FetchXml<Account> {
    FetchXml::of::<Account>()
}

#[tokio::test]
async fn every_row_comes_once_whatever_the_pages() {
    let client = org().await;
    let contact = || {
        LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
            .link_type(LinkType::Outer)
            .alias("c")
    };
    for size in [1, 2, 3, 7, 100] {
        let by_name = accounts().order_by(Order::by(Account::NAME).descending());
        assert_eq!(names(&client, by_name.page_size(size)).await, "6543210");
        // By a column of another table: the service then gives no cookie.
        let by_contact = accounts()
            .link_entity(contact())
            .order_by(Order::by(Contact::LASTNAME).of_link("c").descending())
            .order_by(Order::by(Account::NAME));
        assert_eq!(names(&client, by_contact.page_size(size)).await, "0246135");
    }
    let mut pages = client
        .fetch::<AnyRow>(accounts().order_by(Order::by(Account::NAME)).page_size(3))
        .with_count()
        .pages();
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!(
        (first.rows.len(), first.count.map(|count| count.rows())),
        (3, Some(7))
    );
    assert!(first.next.is_some_and(|next| next.has_cookie()));
}

#[tokio::test]
async fn conditions_choose_rows() {
    let client = org().await;
    let led = |kind| {
        let link = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
            .link_type(kind)
            .filter(on(Contact::LASTNAME).eq("O'Neill & <Sons>"));
        Filter::related(link)
    };
    for (filter, expected) in [
        (on(Account::NAME).starts_with("Club"), "0123456"),
        (on(Account::NAME).contains("%"), ""),
        (on(Account::NAME).like("%5"), "5"),
        (on(Account::REVENUE).between(20, 40), "234"),
        (
            on(Account::REVENUE).lt(20).or(on(Account::REVENUE).ge(50)),
            "0156",
        ),
        (on(Account::NAME).is_in(["Club 3", "Club 4", "'"]), "34"),
        (on(Account::PRIMARYCONTACTID).is_null(), "135"),
        (led(LinkType::Any), "0246"),
        (led(LinkType::NotAny), "135"),
        (on(Account::CREATEDON).last(1, Unit::Hours), "0123456"),
        (on(Account::CREATEDON).within(Period::NextYear), ""),
        (on(Account::NAME).eq_column(Account::ADDRESS1_CITY), ""),
        (on(Account::OWNERID).is_user(UserScope::Caller), "0123456"),
    ] {
        let shown = accounts().filter(filter.clone()).to_string();
        let document = accounts().filter(filter).order_by(Order::by(Account::NAME));
        assert_eq!(names(&client, document).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn groups_have_totals() {
    let client = org().await;
    let document = accounts()
        .attribute(
            Attribute::new(Account::ADDRESS1_CITY)
                .group_by()
                .alias("city"),
        )
        .attribute(
            Attribute::new(Account::REVENUE)
                .aggregate(Aggregate::Sum)
                .alias("sum"),
        )
        .attribute(
            Attribute::new(Account::NAME)
                .aggregate(Aggregate::Count)
                .alias("rows"),
        )
        .order_by(Order::by_alias("city").descending());
    let rows = client
        .fetch::<AnyRow>(document)
        .rows()
        .collect()
        .await
        .unwrap();
    let read: Vec<_> = rows
        .iter()
        .map(|row| {
            let city: Option<String> = row.get("city").unwrap();
            let sum: Option<f64> = row.get("sum").unwrap();
            (city.unwrap(), sum.unwrap(), row.get("rows").unwrap())
        })
        .collect();
    assert_eq!(
        read,
        [
            ("Wien".to_owned(), 90.0, Some(3)),
            ("Graz".to_owned(), 120.0, Some(4))
        ]
    );
    let year = Attribute::new(Account::CREATEDON).group_by_date(DateGrouping::Year);
    let document = accounts().attribute(year.alias("year")).attribute(
        Attribute::new(Account::NAME)
            .aggregate(Aggregate::Count)
            .alias("rows"),
    );
    let rows = client.fetch::<AnyRow>(document).await.unwrap().rows;
    assert_eq!(rows[0].get::<i32>("rows").unwrap(), Some(7));
}

#[tokio::test]
async fn columns_of_linked_tables_come_under_their_alias() {
    let client = org().await;
    let contact = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
        .alias("c")
        .attribute(Contact::LASTNAME);
    let document = accounts()
        .attribute(Account::NAME)
        .link_entity(contact)
        .order_by(Order::by(Account::NAME));
    let rows = client
        .fetch::<AnyRow>(document)
        .rows()
        .collect()
        .await
        .unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let name = row.linked("c", Contact::LASTNAME).unwrap();
        assert_eq!(name.as_deref(), Some("O'Neill & <Sons>"));
    }
}
