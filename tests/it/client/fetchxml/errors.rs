//! What is refused before anything is sent.

use dataverse_client::fetchxml::{Aggregate, Attribute, Filter, LinkEntity, LinkType, Order, on};
use dataverse_client::schema::TableName;
use dataverse_client::{AnyRow, Error, Fetch, FetchXml, Operation, Record, Unit};
use dataverse_golden::crm;
use dataverse_tests::tables::{Account, AccountCard, Contact};

/// The error is one of input, and says where and why.
fn assert_refused(error: &Error, expected: &str) {
    assert!(error.is_invalid_input(), "{error}");
    assert!(
        error.to_string().contains(expected),
        "{error}\n  is not: {expected}"
    );
}

#[test]
fn texts_are_refused_with_line_and_column() {
    let inside =
        |inside: &str| format!("<fetch>\n <entity name='account'>\n{inside}</entity></fetch>");
    let condition = |rest: &str| {
        inside(&format!(
            "<filter><condition attribute='name' {rest}</filter>"
        ))
    };
    for (text, expected) in [
        // No document.
        ("", "line 1, column 1: there is no `fetch` element"),
        ("fetch", "line 1, column 1: text stands between elements"),
        ("<fetch", "line 1, column 1: the text is no well-formed XML"),
        (
            "<fetch>\n<entity",
            "line 2, column 1: the text is no well-formed XML",
        ),
        (
            "<fetch>\n<entity name='x'>",
            "line 2, column 18: the text ends inside `entity`",
        ),
        (
            "<fetch></entity>",
            "column 8: the text is no well-formed XML",
        ),
        (
            "<fetch/>",
            "column 1: `fetch` holds one `entity`; here it holds 0",
        ),
        (
            "<fetch><entity name='a'/><entity name='b'/></fetch>",
            "here it holds 2",
        ),
        (
            "<fetch><entity name='a'/></fetch><fetch/>",
            "column 34: there is a second root element",
        ),
        (
            "<feed/>",
            "the document holds no element `feed`; it holds `fetch`",
        ),
        (
            "<entity name='a'/>",
            "the document holds no element `entity`; it holds `fetch`",
        ),
        (
            "<fetch><order/></fetch>",
            "column 8: `fetch` holds no element `order`",
        ),
        ("<f:fetch/>", "the document holds no element `f:fetch`"),
        (
            "<fetch>\n<entity name='ä'>x\u{1}",
            "line 2, column 19: a character that XML cannot hold",
        ),
        // Entities.
        (
            "<!DOCTYPE fetch [<!ENTITY a 'b'>]><fetch><entity name='&a;'/></fetch>",
            "there is a document type",
        ),
        (
            "<fetch><entity name='&a;'/></fetch>",
            "the value of `name` of `entity` is no well-formed",
        ),
        (
            "<fetch><entity name='a'>&b;</entity></fetch>",
            "an entity that only one could declare",
        ),
        (
            "<fetch><entity name='&#0;'/></fetch>",
            "is no well-formed XML",
        ),
        // Elements and attributes.
        (
            &inside("<column name='x'/>"),
            "line 3, column 1: `entity` holds no element `column`; it holds `all-attributes`",
        ),
        (
            &inside("<attribute nam='x'/>"),
            "line 3, column 1: `attribute` has no attribute `nam`; it has `name`",
        ),
        (
            &inside("<all-attributes x='1'/>"),
            "`all-attributes` has no attribute `x`, nor any other",
        ),
        (
            &inside("<attribute name='x'><filter/></attribute>"),
            "`attribute` holds no element `filter`; it holds no element",
        ),
        (&inside("<attribute/>"), "`attribute` needs its `name`"),
        (
            &inside("<attribute name=''/>"),
            "`attribute` needs its `name`",
        ),
        (
            &inside("<attribute name='a' name='b'/>"),
            "the attributes of `attribute` are no well-formed XML",
        ),
        (
            &inside("<attribute name='x'>y</attribute>"),
            "line 3, column 21: text stands between elements",
        ),
        (
            &inside("<order descending='true'/>"),
            "`order` needs an `attribute` or an `alias`",
        ),
        (
            &inside("<order attribute='x' descending='yes'/>"),
            "`descending` of `order` is not `true` or `false`",
        ),
        (
            &inside("<filter type='xor'/>"),
            "`type` of `filter` is not one of `and`, `or`",
        ),
        (
            &inside("<link-entity name='x' link-type='left'/>"),
            "`link-type` of `link-entity` is not one of `inner`",
        ),
        (
            "<fetch count='0'><entity name='a'/></fetch>",
            "`count` of `fetch` is not a whole number from 1 to 5000",
        ),
        (
            "<fetch top='5001'><entity name='a'/></fetch>",
            "`top` of `fetch` is not a whole number from 1 to 5000",
        ),
        (
            "<fetch page='-1'><entity name='a'/></fetch>",
            "`page` of `fetch` is not a whole number from 1",
        ),
        (
            "<fetch datasource='x'><entity name='a'/></fetch>",
            "one of `retained`, `bin`",
        ),
        // Combinations.
        (
            "<fetch top='5' page='1'><entity name='a'/></fetch>",
            "`top` and `page` exclude each other",
        ),
        (
            "<fetch top='5' count='5'><entity name='a'/></fetch>",
            "`top` and `count` exclude each other",
        ),
        (
            "<fetch top='5' returntotalrecordcount='1'><entity name='a'/></fetch>",
            "`top` and `returntotalrecordcount`",
        ),
        (
            "<fetch paging-cookie='x'><entity name='a'/></fetch>",
            "a `paging-cookie` needs the `page`",
        ),
        // Conditions.
        (&condition("/>"), "`condition` needs its `operator`"),
        (
            &condition("operator='equals' value='secret'/>"),
            "line 3, column 9: there is no operator `equals`",
        ),
        (
            &condition("operator='eq'/>"),
            "operator `eq` takes one value, or a column in `valueof`; it has 0",
        ),
        (
            &condition("operator='eq' value='secret' valueof='x'/>"),
            "`valueof` stands with `eq`",
        ),
        (
            &condition("operator='like' valueof='x'/>"),
            "not with `like`",
        ),
        (
            &condition("operator='null' value='secret'/>"),
            "operator `null` takes no value; it has 1",
        ),
        (
            &condition("operator='in'/>"),
            "operator `in` takes at least one value; it has 0",
        ),
        (
            &condition("operator='between'><value>secret</value></condition>"),
            "operator `between` takes two values, each in a `value` element; it has 1",
        ),
        (
            &condition("operator='last-x-days' value='secret'/>"),
            "operator `last-x-days` takes a whole number from 1",
        ),
        // Aggregates.
        (
            &inside("<attribute name='x' aggregate='sum' alias='y'/>"),
            "column `x` aggregates, but `fetch` has no `aggregate='true'`",
        ),
        (
            &inside("<attribute name='x' dategrouping='day'/>"),
            "`dategrouping` of column `x` needs `groupby='true'`",
        ),
        (
            "<fetch aggregate='true'><entity name='a'><attribute name='x' groupby='true'/></entity></fetch>",
            "column `x` of an aggregate query needs an `alias`",
        ),
        (
            "<fetch aggregate='1'><entity name='a'><attribute name='x' alias='y'/></entity></fetch>",
            "column `x` of an aggregate query needs either an `aggregate` or `groupby='true'`",
        ),
        (
            "<fetch aggregate='1'><entity name='a'><all-attributes/></entity></fetch>",
            "an aggregate query has no `all-attributes`",
        ),
        (
            "<fetch aggregate='1'><entity name='a'><attribute name='x' aggregate='sum' distinct='true' alias='y'/></entity></fetch>",
            "needs the aggregate `countcolumn`",
        ),
        (
            &inside("<attribute name='x' alias='y'/><attribute name='z' alias='y'/>"),
            "two columns have the alias `y`",
        ),
        // Links.
        (
            &inside("<link-entity name='x' link-type='any'/>"),
            "a `link-entity` of type `any` stands in a `filter`",
        ),
        (
            &inside("<filter><link-entity name='x'/></filter>"),
            "a `link-entity` in a `filter` is of type `any`",
        ),
        (
            &inside("<link-entity name='x' link-type='exists'><attribute name='y'/></link-entity>"),
            "a `link-entity` of type `exists` gives no columns",
        ),
    ] {
        let error = FetchXml::parse(text).unwrap_err();
        assert_refused(&error, expected);
        assert!(error.to_string().starts_with("FetchXML, line "), "{error}");
        assert!(!error.to_string().contains("secret"), "holds data: {error}");
    }
}

#[test]
fn a_document_is_only_so_deep() {
    let nested = |depth: usize| {
        let filters = ("<filter>".repeat(depth), "</filter>".repeat(depth));
        format!(
            "<fetch><entity name='a'>{}{}</entity></fetch>",
            filters.0, filters.1
        )
    };
    assert!(FetchXml::parse(&nested(60)).is_ok());
    for depth in [100, 100_000] {
        let error = FetchXml::parse(&nested(depth)).unwrap_err();
        assert_refused(&error, "nested more than 64 deep");
    }
}

#[test]
fn built_documents_are_refused_alike() {
    let document = FetchXml::of::<Account>;
    let link = || LinkEntity::new(Contact::CONTACTID, Account::PRIMARYCONTACTID);
    let many = |count| (0..count).fold(document(), |document, _| document.link_entity(link()));
    many(15).check().unwrap();
    let conditions = |count: usize| {
        let condition = || on(Account::NAME).is_null();
        let filter = (1..count).fold(condition(), |filter, _| filter.or(condition()));
        document().filter(filter)
    };
    conditions(500).check().unwrap();
    let sum = || Attribute::new(Account::REVENUE).aggregate(Aggregate::Sum);
    for (document, expected) in [
        (document().top(0), "`top` of `fetch` is not"),
        (document().page_size(5001), "`count` of `fetch` is not"),
        (document().top(5).page_size(5), "`top` and `count`"),
        (
            many(16),
            "16 tables are linked; the service joins at most 15",
        ),
        (
            conditions(501),
            "there are 501 conditions and linked tables",
        ),
        (
            document().attribute(sum()),
            "`revenue` of an aggregate query needs an `alias`",
        ),
        (
            document()
                .attribute(sum().alias("a"))
                .attribute(Account::NAME),
            "`name` of an aggregate query needs either",
        ),
        (
            document().filter(on(Account::NAME).is_in(None::<String>)),
            "at least one value",
        ),
        (
            document().filter(on(Account::NAME).eq("a\u{0}secret")),
            "a character that XML cannot",
        ),
        (
            document().filter(on(Account::NAME).is_in(["secret\u{fffe}"])),
            "a `value` holds",
        ),
        (
            document().link_entity(link().link_type(LinkType::NotAny)),
            "stands in a `filter`",
        ),
        (
            document().filter(Filter::related(link())),
            "a `link-entity` in a `filter` is of type",
        ),
        (
            document().link_entity(link().link_type(LinkType::In).all_attributes()),
            "gives no columns",
        ),
    ] {
        let error = document.check().unwrap_err();
        assert_refused(&error, expected);
        assert!(!error.to_string().contains("secret"), "holds data: {error}");
        let error = Fetch::<AnyRow>::new(document).request().unwrap_err();
        assert_refused(&error, expected);
    }
    let wrong = FetchXml::of_table("").order_by(Order::by("x"));
    assert_refused(&wrong.check().unwrap_err(), "`entity` needs its `name`");
    // The largest numbers are no trouble.
    let filter = on(Account::CREATEDON).last(u32::MAX, Unit::Days);
    document().filter(filter).check().unwrap();
}

/// Reads a related row with each.
#[derive(Record)]
#[dataverse(entity = crm::Account)]
#[allow(dead_code)]
struct WithContact {
    name: Option<String>,
    #[dataverse(expand = crm::account::nav::PRIMARYCONTACTID)]
    contact: Option<crm::Contact>,
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let of_table = || FetchXml::of_table("account");
    for (request, expected) in [
        (
            Fetch::<AnyRow>::new(of_table()).request(),
            "the entity set is not known; give it with `of_table`",
        ),
        (
            Fetch::<AnyRow>::new(of_table())
                .of_table(TableName::new("accounts(1)/x?y="))
                .request(),
            "the entity set is no name",
        ),
        (
            Fetch::<AnyRow>::new(of_table())
                .of_table(TableName::new("contacts").logical_name("contact"))
                .request(),
            "FetchXML query of `account`: it is sent to the table `contact`",
        ),
        (
            Fetch::<AnyRow>::new(of_table())
                .of_table(TableName::new(""))
                .request(),
            "the entity set is no name",
        ),
        (
            Fetch::<Contact>::new(of_table()).request(),
            "a FetchXML query of `account` cannot be read into a record of `contact`",
        ),
        (
            Fetch::<WithContact>::new(of_table()).request(),
            "the record reads related rows, which FetchXML gives as columns of a `link-entity`",
        ),
        (
            Fetch::<AccountCard>::new(of_table().attribute("name").attribute("revenue")).request(),
            "the record reads `primarycontactid`, which is not among the attributes",
        ),
    ] {
        assert_refused(&request.unwrap_err(), expected);
    }
    let error = of_table().typed::<Contact>().unwrap_err();
    assert_refused(
        &error,
        "a FetchXML document of `account` is not one of `contact`",
    );
}
