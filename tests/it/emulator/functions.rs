//! The query functions of `$filter`.

use super::{create, emulator, get};

/// Names of accounts. It is Thursday, 2026-01-01.
async fn names(emulator: &dataverse_emulator::Emulator, query: &str) -> String {
    let encoded = query
        .replace('%', "%25")
        .replace(' ', "%20")
        .replace('"', "%22");
    let path = format!("accounts?$select=name&$orderby=name&{encoded}");
    let answer = get(emulator, &path).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    let json = answer.json();
    let rows = json["value"].as_array().unwrap().iter();
    let names: Vec<_> = rows
        .map(|row| row["name"].as_str().unwrap_or("-"))
        .collect();
    names.join(" ")
}

async fn org() -> dataverse_emulator::Emulator {
    let emulator = emulator();
    let contact = create(&emulator, "contacts", r#"{"lastname":"O'Bryan"}"#).await;
    for row in [
        format!(r#"{{"name":"O'Brian","numberofemployees":5,"lastusedincampaign":"2025-12-31T23:00:00Z","primarycontactid@odata.bind":"{contact}"}}"#),
        r#"{"name":"B","numberofemployees":2000,"lastusedincampaign":"2026-01-01T00:00:00Z","accountnumber":"1,9"}"#.to_owned(),
        r#"{"name":"C","lastusedincampaign":"2026-01-05T00:00:00Z","accountnumber":"2"}"#.to_owned(),
    ] {
        create(&emulator, "accounts", &row).await;
    }
    emulator
}

#[tokio::test]
async fn functions_find_what_they_say() {
    let emulator = org().await;
    for (filter, expected) in [
        (
            "Between(PropertyName='numberofemployees',PropertyValues=[\"5\",\"2000\"])",
            "B O'Brian",
        ),
        (
            "NotBetween(PropertyName='numberofemployees',PropertyValues=['6','2000'])",
            "O'Brian",
        ),
        (
            "In(PropertyName='name',PropertyValues=[\"O'Brian\", \"c\"])",
            "C O'Brian",
        ),
        (
            "In(PropertyName='name',PropertyValues=['O''Brian'])",
            "O'Brian",
        ),
        (
            "NotIn(PropertyName='name',PropertyValues=['b'])",
            "C O'Brian",
        ),
        (
            "In( PropertyValues = [5] , PropertyName = 'numberofemployees' )",
            "O'Brian",
        ),
        (
            "ContainValues(PropertyName='accountnumber',PropertyValues=['9','3'])",
            "B",
        ),
        (
            "DoesNotContainValues(PropertyName='accountnumber',PropertyValues=['9'])",
            "C O'Brian",
        ),
        ("EqualUserId(PropertyName='ownerid')", "B C O'Brian"),
        ("NotEqualUserId(PropertyName='_ownerid_value')", ""),
        (
            "EqualBusinessId(PropertyName='owningbusinessunit')",
            "B C O'Brian",
        ),
        ("Today(PropertyName='lastusedincampaign')", "B"),
        ("Last7Days(PropertyName='lastusedincampaign')", "B O'Brian"),
        (
            "NextXDays(PropertyName='lastusedincampaign',PropertyValue=4)",
            "B C",
        ),
        (
            "LastXHours(PropertyName='lastusedincampaign',PropertyValue=12)",
            "B O'Brian",
        ),
        (
            "OnOrAfter(PropertyName='lastusedincampaign',PropertyValue='2026-01-01')",
            "B C",
        ),
        (
            "InFiscalYear(PropertyName='lastusedincampaign',PropertyValue=2025)",
            "O'Brian",
        ),
        (
            "InFiscalPeriodAndYear(PropertyName='lastusedincampaign',PropertyValue1=1,PropertyValue2=2026)",
            "B C",
        ),
        (
            "In(PropertyName='primarycontactid/lastname',PropertyValues=[\"O'Bryan\"])",
            "O'Brian",
        ),
        (
            "Today(PropertyName='lastusedincampaign') or name eq 'c'",
            "B C",
        ),
    ] {
        let query = format!("$filter=Microsoft.Dynamics.CRM.{filter}");
        assert_eq!(names(&emulator, &query).await, expected, "{filter}");
    }
    let aliased = "$filter=Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)\
        &@p1='name'&@p2=[\"OBrian\",\"O'Brian\"]";
    assert_eq!(names(&emulator, aliased).await, "O'Brian");
}

#[tokio::test]
async fn wrong_calls_are_refused() {
    let emulator = org().await;
    for (filter, status, text) in [
        (
            "not Microsoft.Dynamics.CRM.Today(PropertyName='createdon')",
            400,
            "Not operator along with the Custom Named Condition operators is not allowed",
        ),
        (
            "Microsoft.Dynamics.CRM.Tody(PropertyName='createdon')",
            400,
            "unknown function",
        ),
        (
            "Microsoft.Dynamics.CRM.Today()",
            400,
            "takes the parameters PropertyName",
        ),
        (
            "Microsoft.Dynamics.CRM.Today(createdon)",
            400,
            "Syntax error",
        ),
        (
            "Microsoft.Dynamics.CRM.Today",
            400,
            "Could not find a property",
        ),
        (
            "Microsoft.Dynamics.CRM.Today(PropertyName='createdon'",
            400,
            "Syntax error",
        ),
        (
            "Microsoft.Dynamics.CRM.Today(PropertyName='nothing')",
            400,
            "named 'nothing'",
        ),
        (
            "Microsoft.Dynamics.CRM.Today(PropertyName='name')",
            400,
            "needs a date column",
        ),
        (
            "Microsoft.Dynamics.CRM.Today(PropertyName='createdon',PropertyValue=1)",
            400,
            "takes the parameters",
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues='a')",
            400,
            "takes the parameters",
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['a)",
            400,
            "Syntax error",
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[\"a)",
            400,
            "Syntax error",
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[])",
            400,
            "does not take 0 values",
        ),
        (
            "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=x)",
            400,
            "above zero",
        ),
        (
            "Microsoft.Dynamics.CRM.EqualUserTeams(PropertyName='name')",
            400,
            "needs a lookup",
        ),
        (
            "Microsoft.Dynamics.CRM.Under(PropertyName='accountid',PropertyValue='a')",
            400,
            "'a' is not a value of its type",
        ),
        (
            "Microsoft.Dynamics.CRM.Contains(PropertyName='name',PropertyValue='a')",
            400,
            "has no full-text index",
        ),
    ] {
        let path = format!(
            "accounts?$filter={}",
            filter.replace(' ', "%20").replace('"', "%22")
        );
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, status, "{filter}: {}", answer.body);
        assert!(answer.error().1.contains(text), "{filter}: {}", answer.body);
    }
}
