//! Documents: built, read, printed.

use chrono::{DateTime, NaiveDate, Utc};
use dataverse_client::fetchxml::{
    Aggregate, Attribute, DataSource, DateGrouping, Filter, LinkEntity, LinkType, Order, on,
};
use dataverse_client::{Choice, Choices, Entity, FetchXml, Id, Period, Unit, UserScope};
use dataverse_tests::tables::{Account, Contact, Task};
use rust_decimal::Decimal;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x11111111_2222_3333_4444_555555555555);

#[derive(Clone, Copy, Choice)]
#[repr(i32)]
enum Sport {
    Swimming = 1,
    Hiking = 9,
    Unknown(i32),
}

#[derive(Entity, Default)]
#[dataverse(table = "new_club", set = "new_clubs", id = "new_clubid")]
struct Club {
    new_clubid: Option<Id<Club>>,
    new_sports: Option<Choices<Sport>>,
    new_open: Option<bool>,
    new_founded: Option<NaiveDate>,
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 2, day).unwrap()
}

#[test]
fn a_document_is_built_from_typed_parts() {
    let contact = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
        .link_type(LinkType::Outer)
        .alias("contact")
        .attribute(Contact::FULLNAME)
        .attribute(Attribute::new(Contact::EMAILADDRESS1).alias("mail"))
        .filter(on(Contact::LASTNAME).is_not_null())
        .order_by(Order::by(Contact::LASTNAME).descending());
    let document = FetchXml::of::<Account>()
        .attribute(Account::NAME)
        .attribute(Account::PRIMARYCONTACTID)
        .filter(
            on(Account::REVENUE)
                .ge(Decimal::new(1050, 2))
                .and(on(Account::NAME).starts_with("50%"))
                .and(
                    on(Account::STATECODE)
                        .eq(0)
                        .or(on(Contact::FULLNAME).of_link("contact").is_null()),
                ),
        )
        .filter(on(Account::PRIMARYCONTACTID).ne(Id::<Contact>::new(ID)))
        .link_entity(contact)
        .order_by(Order::by(Contact::FULLNAME).of_link("contact"))
        .order_by(Order::by(Account::NAME))
        .distinct()
        .page_size(50)
        .return_total_record_count()
        .late_materialize()
        .use_raw_order_by()
        .data_source(DataSource::Retained)
        .options(["OptimizeForUnknown", "DisableRowGoal"]);
    document.check().unwrap();
    assert_eq!(
        document.to_string(),
        "<fetch distinct='true' count='50' returntotalrecordcount='true' latematerialize='true' \
         useraworderby='true' datasource='retained' options='OptimizeForUnknown,DisableRowGoal'>\
         <entity name='account'><attribute name='name'/><attribute name='primarycontactid'/>\
         <filter type='and'>\
         <condition attribute='revenue' operator='ge' value='10.50'/>\
         <condition attribute='name' operator='begins-with' value='50[%]'/>\
         <filter type='or'><condition attribute='statecode' operator='eq' value='0'/>\
         <condition entityname='contact' attribute='fullname' operator='null'/></filter>\
         <condition attribute='primarycontactid' operator='ne' \
         value='11111111-2222-3333-4444-555555555555'/></filter>\
         <link-entity name='contact' from='contactid' to='primarycontactid' link-type='outer' \
         alias='contact'><attribute name='fullname'/>\
         <attribute name='emailaddress1' alias='mail'/>\
         <filter type='and'><condition attribute='lastname' operator='not-null'/></filter>\
         <order attribute='lastname' descending='true'/></link-entity>\
         <order attribute='fullname' entityname='contact'/><order attribute='name'/>\
         </entity></fetch>"
    );
}

#[test]
fn the_same_is_built_from_names() {
    let typed = FetchXml::of::<Account>()
        .attribute(Account::NAME)
        .filter(
            on(Account::REVENUE)
                .gt(1000)
                .and(on(Account::STATECODE).is_in([0, 1])),
        )
        .link_entity(
            LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
                .attribute(Contact::FULLNAME),
        )
        .order_by(Order::by(Account::NAME));
    let named = FetchXml::of_table("account")
        .attribute("name")
        .filter(on("revenue").gt(1000).and(on("statecode").is_in([0, 1])))
        .link_entity(
            LinkEntity::of_table("contact", "contactid", "primarycontactid").attribute("fullname"),
        )
        .order_by(Order::by("name"));
    assert_eq!(typed.to_string(), named.to_string());
    assert_eq!(named.logical_name(), "account");
    let parsed = FetchXml::parse(&named.to_string()).unwrap();
    let further = parsed
        .typed::<Account>()
        .unwrap()
        .attribute(Account::REVENUE);
    assert_eq!(further.to_string(), named.attribute("revenue").to_string());
}

/// The filter of a document, which the service would take.
fn filter_of<E: Entity>(filter: Filter<E>) -> String {
    let document = FetchXml::of::<E>().filter(filter);
    document.check().unwrap();
    let text = document.to_string();
    let (_, filter) = text.split_once("<filter type='and'>").unwrap();
    filter.split_once("</filter>").unwrap().0.to_owned()
}

#[test]
fn every_operator_has_its_word_and_its_values() {
    let name = || on(Account::NAME);
    let owner = || on(Account::PRIMARYCONTACTID);
    let id = || on(Account::ACCOUNTID);
    let me = Id::<Account>::new(ID);
    let guid = " value='11111111-2222-3333-4444-555555555555'";
    let values = |values: &[&str]| {
        values
            .iter()
            .map(|v| format!("<value>{v}</value>"))
            .collect()
    };
    let ab: String = values(&["a", "b"]);
    for (filter, operator, expected) in [
        (name().eq("a"), "eq", " value='a'"),
        (name().ne("a"), "ne", " value='a'"),
        (name().gt("a"), "gt", " value='a'"),
        (name().ge("a"), "ge", " value='a'"),
        (name().lt("a"), "lt", " value='a'"),
        (name().le("a"), "le", " value='a'"),
        (name().like("%a_[b]"), "like", " value='%a_[b]'"),
        (name().not_like("a%"), "not-like", " value='a%'"),
        (name().contains("a_"), "like", " value='%a[_]%'"),
        (name().starts_with("a"), "begins-with", " value='a'"),
        (name().not_starts_with("a"), "not-begin-with", " value='a'"),
        (name().ends_with("[a"), "ends-with", " value='[[]a'"),
        (name().not_ends_with("a"), "not-end-with", " value='a'"),
        (name().is_null(), "null", ""),
        (name().is_not_null(), "not-null", ""),
        (name().is_in(["a", "b"]), "in", ab.as_str()),
        (name().is_not_in(["a", "b"]), "not-in", ab.as_str()),
        (name().between("a", "b"), "between", ab.as_str()),
        (name().not_between("a", "b"), "not-between", ab.as_str()),
        (owner().is_user(UserScope::Caller), "eq-userid", ""),
        (owner().is_user(UserScope::NotCaller), "ne-userid", ""),
        (owner().is_user(UserScope::Teams), "eq-userteams", ""),
        (
            owner().is_user(UserScope::CallerOrTeams),
            "eq-useroruserteams",
            "",
        ),
        (
            owner().is_user(UserScope::Hierarchy),
            "eq-useroruserhierarchy",
            "",
        ),
        (
            owner().is_user(UserScope::HierarchyAndTeams),
            "eq-useroruserhierarchyandteams",
            "",
        ),
        (
            owner().is_user(UserScope::BusinessUnit),
            "eq-businessid",
            "",
        ),
        (
            owner().is_user(UserScope::NotBusinessUnit),
            "ne-businessid",
            "",
        ),
        (name().is_user_language(), "eq-userlanguage", ""),
        (id().above(me), "above", guid),
        (id().above_or_equal(me), "eq-or-above", guid),
        (id().under(me), "under", guid),
        (id().under_or_equal(me), "eq-or-under", guid),
        (id().not_under(me), "not-under", guid),
        (
            name().eq_column(Account::ACCOUNTNUMBER),
            "eq",
            " valueof='accountnumber'",
        ),
        (
            name().ne_column(Account::ACCOUNTNUMBER),
            "ne",
            " valueof='accountnumber'",
        ),
        (
            name().gt_column("accountnumber"),
            "gt",
            " valueof='accountnumber'",
        ),
        (
            name().ge_column("accountnumber"),
            "ge",
            " valueof='accountnumber'",
        ),
        (
            name().lt_column("accountnumber"),
            "lt",
            " valueof='accountnumber'",
        ),
        (
            name().le_column(on(Contact::FULLNAME).of_link("c")),
            "le",
            " valueof='c.fullname'",
        ),
    ] {
        let shown = format!("{filter:?}");
        assert_eq!(shown, "Filter(1 conditions)", "shows no values");
        let text = filter_of(filter);
        let behind = text
            .split_once(&format!(" operator='{operator}'"))
            .unwrap()
            .1;
        let behind = behind
            .strip_suffix("/>")
            .or(behind.strip_prefix('>'))
            .unwrap();
        let behind = behind.strip_suffix("</condition>").unwrap_or(behind);
        assert_eq!(behind, expected, "{text}");
    }
}

#[test]
fn values_are_written_by_the_type_of_the_column() {
    let condition = |of: &str| format!("<condition attribute='new_{of}/>");
    for (filter, expected) in [
        (on(Club::NEW_OPEN).eq(true), "open' operator='eq' value='1'"),
        (
            on(Club::NEW_OPEN).ne(false),
            "open' operator='ne' value='0'",
        ),
        (
            on(Club::NEW_FOUNDED).on(day(29)),
            "founded' operator='on' value='2024-02-29'",
        ),
        (
            on(Club::NEW_FOUNDED).on_or_after(day(1)),
            "founded' operator='on-or-after' value='2024-02-01'",
        ),
        (
            on(Club::NEW_FOUNDED).on_or_before(day(1)),
            "founded' operator='on-or-before' value='2024-02-01'",
        ),
    ] {
        assert_eq!(filter_of(filter), condition(expected));
    }
    assert_eq!(
        filter_of(on(Club::NEW_SPORTS).contains_any([Sport::Hiking, Sport::Unknown(7)])),
        "<condition attribute='new_sports' operator='contain-values'><value>9</value>\
         <value>7</value></condition>"
    );
    assert_eq!(
        filter_of::<Club>(on("new_sports").contains_none([1])),
        "<condition attribute='new_sports' operator='not-contain-values'><value>1</value>\
         </condition>"
    );
    let time: DateTime<Utc> = "2024-02-29T12:00:00Z".parse().unwrap();
    assert_eq!(
        filter_of(on(Account::CREATEDON).lt(time)),
        "<condition attribute='createdon' operator='lt' value='2024-02-29T12:00:00Z'/>"
    );
    assert_eq!(
        filter_of(on(Account::NAME).eq("it's <\"&\">\t'")),
        "<condition attribute='name' operator='eq' \
         value='it&apos;s &lt;\"&amp;\"&gt;&#9;&apos;'/>"
    );
    assert_eq!(
        filter_of(on(Account::NAME).is_in(["a\r\nb", "<&>"])),
        "<condition attribute='name' operator='in'><value>a&#13;&#10;b</value>\
         <value>&lt;&amp;&gt;</value></condition>"
    );
}

#[test]
fn dates_are_told_from_now_or_by_the_fiscal_calendar() {
    let created = || on(Account::CREATEDON);
    let two = "<value>3</value><value>2024</value></condition>";
    for (filter, expected) in [
        (created().last(3, Unit::Hours), "'last-x-hours' value='3'/>"),
        (
            created().last(3, Unit::FiscalPeriods),
            "'last-x-fiscal-periods' value='3'/>",
        ),
        (created().next(2, Unit::Days), "'next-x-days' value='2'/>"),
        (
            created().next(2, Unit::FiscalYears),
            "'next-x-fiscal-years' value='2'/>",
        ),
        (
            created().older_than(15, Unit::Minutes),
            "'olderthan-x-minutes' value='15'/>",
        ),
        (
            created().older_than(1, Unit::Years),
            "'olderthan-x-years' value='1'/>",
        ),
        (
            created().in_fiscal_period(3),
            "'in-fiscal-period' value='3'/>",
        ),
        (
            created().in_fiscal_year(2024),
            "'in-fiscal-year' value='2024'/>",
        ),
        (
            created().in_fiscal_period_and_year(3, 2024),
            &format!("'in-fiscal-period-and-year'>{two}"),
        ),
        (
            created().in_or_after_fiscal_period_and_year(3, 2024),
            &format!("'in-or-after-fiscal-period-and-year'>{two}"),
        ),
        (
            created().in_or_before_fiscal_period_and_year(3, 2024),
            &format!("'in-or-before-fiscal-period-and-year'>{two}"),
        ),
    ] {
        assert_eq!(
            filter_of(filter),
            format!("<condition attribute='createdon' operator={expected}")
        );
    }
    for unit in [
        Unit::Hours,
        Unit::Days,
        Unit::Weeks,
        Unit::Months,
        Unit::Years,
        Unit::FiscalPeriods,
        Unit::FiscalYears,
    ] {
        filter_of(created().last(1, unit).and(created().next(1, unit)));
    }
    for unit in [
        Unit::Minutes,
        Unit::Hours,
        Unit::Days,
        Unit::Weeks,
        Unit::Months,
        Unit::Years,
    ] {
        filter_of(created().older_than(1, unit));
    }
}

#[test]
fn every_period_has_an_operator() {
    for (period, word) in [
        (Period::Today, "today"),
        (Period::Tomorrow, "tomorrow"),
        (Period::Yesterday, "yesterday"),
        (Period::ThisWeek, "this-week"),
        (Period::ThisMonth, "this-month"),
        (Period::ThisYear, "this-year"),
        (Period::ThisFiscalPeriod, "this-fiscal-period"),
        (Period::ThisFiscalYear, "this-fiscal-year"),
        (Period::LastWeek, "last-week"),
        (Period::LastMonth, "last-month"),
        (Period::LastYear, "last-year"),
        (Period::LastFiscalPeriod, "last-fiscal-period"),
        (Period::LastFiscalYear, "last-fiscal-year"),
        (Period::Last7Days, "last-seven-days"),
        (Period::NextWeek, "next-week"),
        (Period::NextMonth, "next-month"),
        (Period::NextYear, "next-year"),
        (Period::NextFiscalPeriod, "next-fiscal-period"),
        (Period::NextFiscalYear, "next-fiscal-year"),
        (Period::Next7Days, "next-seven-days"),
    ] {
        assert_eq!(
            filter_of(on(Account::CREATEDON).within(period)),
            format!("<condition attribute='createdon' operator='{word}'/>")
        );
    }
}

#[test]
fn related_rows_can_be_conditions() {
    for (kind, word) in [
        (LinkType::Any, "any"),
        (LinkType::NotAny, "not any"),
        (LinkType::All, "all"),
        (LinkType::NotAll, "not all"),
    ] {
        let link = LinkEntity::new(Account::PRIMARYCONTACTID, Contact::CONTACTID)
            .link_type(kind)
            .filter(on(Account::NAME).eq("Contoso"));
        let document = FetchXml::of::<Contact>()
            .filter(Filter::related(link).or(on(Contact::FAMILYSTATUSCODE).eq(1)));
        document.check().unwrap();
        assert_eq!(
            document.to_string(),
            format!(
                "<fetch><entity name='contact'><filter type='or'>\
                 <link-entity name='account' from='primarycontactid' to='contactid' \
                 link-type='{word}'><filter type='and'>\
                 <condition attribute='name' operator='eq' value='Contoso'/></filter>\
                 </link-entity><condition attribute='familystatuscode' operator='eq' value='1'/>\
                 </filter></entity></fetch>"
            )
        );
    }
    for (kind, word) in [
        (LinkType::Inner, "inner"),
        (LinkType::Exists, "exists"),
        (LinkType::In, "in"),
        (
            LinkType::MatchFirstRowUsingCrossApply,
            "matchfirstrowusingcrossapply",
        ),
    ] {
        let inner = LinkEntity::new(Task::REGARDINGOBJECTID, Account::ACCOUNTID);
        let link = LinkEntity::new(Account::PRIMARYCONTACTID, Contact::CONTACTID)
            .link_type(kind)
            .intersect()
            .link_entity(inner);
        let document = FetchXml::of::<Contact>().link_entity(link);
        document.check().unwrap();
        assert_eq!(
            document.to_string(),
            format!(
                "<fetch><entity name='contact'><link-entity name='account' \
                 from='primarycontactid' to='contactid' link-type='{word}' intersect='true'>\
                 <link-entity name='task' from='regardingobjectid' to='accountid'/>\
                 </link-entity></entity></fetch>"
            )
        );
    }
}

#[test]
fn aggregates_make_the_document_aggregate() {
    let total = |aggregate, alias| {
        Attribute::new(Account::REVENUE)
            .aggregate(aggregate)
            .alias(alias)
    };
    let document = FetchXml::of::<Account>()
        .attribute(total(Aggregate::Count, "rows"))
        .attribute(total(Aggregate::CountColumn, "filled"))
        .attribute(total(Aggregate::CountDistinct, "different"))
        .attribute(total(Aggregate::Sum, "sum"))
        .attribute(total(Aggregate::Avg, "avg"))
        .attribute(total(Aggregate::Min, "min"))
        .attribute(total(Aggregate::Max, "max"))
        .attribute(
            Attribute::new(Account::CREATEDON)
                .group_by_date(DateGrouping::FiscalPeriod)
                .user_time_zone(false)
                .alias("period"),
        )
        .order_by(Order::by_alias("period").descending())
        .aggregate_limit(10_000);
    document.check().unwrap();
    let column = |rest: &str| format!("<attribute name='revenue' aggregate={rest}/>");
    assert_eq!(
        document.to_string(),
        format!(
            "<fetch aggregate='true' aggregatelimit='10000'><entity name='account'>{}{}{}{}{}{}{}\
             <attribute name='createdon' groupby='true' dategrouping='fiscal-period' \
             usertimezone='false' alias='period'/><order alias='period' descending='true'/>\
             </entity></fetch>",
            column("'count' alias='rows'"),
            column("'countcolumn' alias='filled'"),
            column("'countcolumn' distinct='true' alias='different'"),
            column("'sum' alias='sum'"),
            column("'avg' alias='avg'"),
            column("'min' alias='min'"),
            column("'max' alias='max'"),
        )
    );
    // In a linked table, too.
    let link = LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID)
        .attribute(Attribute::new(Contact::LASTNAME).group_by().alias("name"));
    let document = FetchXml::of::<Account>().link_entity(link);
    assert!(document.to_string().starts_with("<fetch aggregate='true'>"));
    // Rows below each row are counted without.
    let children = Attribute::new(Account::ACCOUNTID)
        .count_children()
        .alias("children");
    let document = FetchXml::of::<Account>().attribute(children).top(5);
    document.check().unwrap();
    assert_eq!(
        document.to_string(),
        "<fetch top='5'><entity name='account'><attribute name='accountid' \
         rowaggregate='CountChildren' alias='children'/></entity></fetch>"
    );
}

#[test]
fn text_is_read_whatever_its_layout() {
    let text = "\u{feff}<?xml version=\"1.0\"?>\r\n<!-- all of them -->\n<fetch version=\"1.0\" \
                mapping='logical' savedqueryid='{00000000-0000-0000-00AA-000010001002}'>\n  \
                <entity name = 'account' >\n\t<all-attributes></all-attributes>\n\t\
                <filter isquickfindfields='1'><condition attribute='name' operator='in' \
                uiname='&#228;'>\n<value uitype='account'>a &amp;&#10;<![CDATA[<b>]]></value>\n\
                </condition><condition attribute='x' operator='null' value=''/></filter>\
                </entity></fetch>\n";
    let document = FetchXml::parse(text).unwrap();
    assert_eq!(
        document.to_string(),
        "<fetch version='1.0' mapping='logical' \
         savedqueryid='{00000000-0000-0000-00AA-000010001002}'><entity name='account'>\
         <all-attributes/><filter isquickfindfields='1'><condition attribute='name' operator='in' \
         uiname='ä'><value uitype='account'>a &amp;&#10;&lt;b&gt;</value></condition>\
         <condition attribute='x' operator='null' value=''/></filter></entity></fetch>"
    );
    let again: FetchXml = document.to_string().parse().unwrap();
    assert_eq!(again.to_string(), document.to_string());
    assert_eq!(format!("{again:?}"), "FetchXml(account)");
}
