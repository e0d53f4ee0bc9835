//! Conditions about hierarchies, and about who asks: FetchXML, and query functions.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::{BusinessUnit, Depth, Emulator, Role, Security, Team, User};
use serde_json::{Value, json};

use super::fetch::encoded;
use super::{create, emulator, get, send};
use crate::documents::{ON_PREMISES, document};

const ANNA: &str = "00000000-0000-0000-0000-000000000001";
const BERT: &str = "00000000-0000-0000-0000-000000000002";
const CARA: &str = "00000000-0000-0000-0000-000000000003";
const EAST: &str = "00000000-0000-0000-0000-0000000000e1";
const SALES: &str = "00000000-0000-0000-0000-0000000000f1";
const OTHERS: &str = "00000000-0000-0000-0000-0000000000f2";

fn account(number: usize) -> String {
    format!("00000000-0000-0000-0000-0000000000a{number}")
}

/// The names of the rows of an answer, sorted.
fn names(answer: &super::Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rows = answer.json()["value"].as_array().unwrap().clone();
    let name = |row: &Value| row["name"].as_str().unwrap_or("-").to_owned();
    let mut names: Vec<String> = rows.iter().map(name).collect();
    names.sort();
    names.join(" ")
}

async fn fetched(emulator: &Emulator, set: &str, table: &str, condition: &str) -> super::Answer {
    let xml = format!(
        "<fetch><entity name='{table}'><attribute name='name'/><filter>\
         <condition {condition}/></filter></entity></fetch>"
    );
    get(emulator, &format!("{set}?fetchXml={}", encoded(&xml))).await
}

/// A is above B and C, B above D; E stands alone. F and G are above each other.
async fn tree() -> Emulator {
    let emulator = emulator();
    for (number, name, above) in [
        (1, "A", None),
        (2, "B", Some(1)),
        (3, "C", Some(1)),
        (4, "D", Some(2)),
        (5, "E", None),
        (6, "F", None),
        (7, "G", Some(6)),
    ] {
        let mut row = json!({ "accountid": account(number), "name": name });
        if let Some(above) = above {
            row["parentaccountid@odata.bind"] = json!(format!("accounts({})", account(above)));
        }
        create(&emulator, "accounts", &row.to_string()).await;
    }
    let back = json!({ "parentaccountid@odata.bind": format!("accounts({})", account(7)) });
    let path = format!("accounts({})", account(6));
    let changed = send(&emulator, "PATCH", &path, &[], &back.to_string()).await;
    assert_eq!(changed.status, 204);
    emulator
}

#[tokio::test]
async fn rows_above_and_below_are_found() {
    let emulator = tree().await;
    for (operator, function, number, expected) in [
        ("under", "Under", 1, "B C D"),
        ("eq-or-under", "UnderOrEqual", 2, "B D"),
        ("not-under", "NotUnder", 2, "A B C E F G"),
        ("above", "Above", 4, "A B"),
        ("eq-or-above", "AboveOrEqual", 4, "A B D"),
        ("under", "Under", 5, ""),
        ("above", "Above", 5, ""),
        // A circle ends.
        ("under", "Under", 6, "F G"),
        ("above", "Above", 7, "F G"),
    ] {
        let id = account(number);
        let condition = format!("attribute='accountid' operator='{operator}' value='{{{id}}}'");
        let answer = fetched(&emulator, "accounts", "account", &condition).await;
        assert_eq!(names(&answer), expected, "{condition}");
        let filter = format!(
            "Microsoft.Dynamics.CRM.{function}(PropertyName='accountid',PropertyValue='{id}')"
        );
        let path = format!("accounts?$select=name&$filter={filter}");
        assert_eq!(names(&get(&emulator, &path).await), expected, "{filter}");
    }
}

#[tokio::test]
async fn a_lookup_is_below_what_its_row_is_below() {
    let emulator = tree().await;
    for (name, number) in [("on B", 2), ("on D", 4), ("on E", 5)] {
        let row = json!({
            "name": name,
            "parentaccountid@odata.bind": format!("accounts({})", account(number)),
        });
        create(&emulator, "opportunities", &row.to_string()).await;
    }
    create(&emulator, "opportunities", r#"{"name":"on nothing"}"#).await;
    for (operator, expected) in [
        ("under", "on D"),
        ("eq-or-under", "on B on D"),
        ("not-under", "on B on E on nothing"),
    ] {
        let id = account(2);
        let condition = format!("attribute='parentaccountid' operator='{operator}' value='{id}'");
        let answer = fetched(&emulator, "opportunities", "opportunity", &condition).await;
        assert_eq!(names(&answer), expected, "{operator}");
    }
    let condition = format!("attribute='name' operator='under' value='{}'", account(1));
    let answer = fetched(&emulator, "accounts", "account", &condition).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(
        answer.error().1.contains("needs a hierarchy"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn each_row_tells_how_many_are_directly_below() {
    let emulator = tree().await;
    let xml = "<fetch><entity name='account'><attribute name='name'/>\
        <attribute name='accountid' alias='below' rowaggregate='CountChildren'/>\
        <order attribute='name'/></entity></fetch>";
    let answer = get(&emulator, &format!("accounts?fetchXml={}", encoded(xml))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rows = answer.json()["value"].as_array().unwrap().clone();
    let below: Vec<_> = rows
        .iter()
        .map(|row| row["below"].as_i64().unwrap())
        .collect();
    assert_eq!(below, [2, 1, 0, 0, 0, 1, 1]);
    for wrong in [
        "name='name' rowaggregate='CountChildren'",
        "name='accountid' rowaggregate='Sum'",
    ] {
        let xml = format!(
            "<fetch><entity name='account'><attribute alias='n' {wrong}/></entity></fetch>"
        );
        let answer = get(&emulator, &format!("accounts?fetchXml={}", encoded(&xml))).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
}

/// Anna leads Bert and is in the east; both teams have one member each. Accounts are named after
/// their owners.
async fn staff() -> Emulator {
    let all = Role::new("All").allow_all("*", Depth::Organization);
    let user = |id: &str, token: &str| User::new(id).token(token).role("All");
    let security = Security::new()
        .business_unit(BusinessUnit::new(EAST).named("East"))
        .role(all)
        .user(user(ANNA, "anna").named("Anna").in_business_unit(EAST))
        .user(user(BERT, "bert").named("Bert"))
        .user(user(CARA, "cara").named("Cara"))
        .team(Team::new(SALES).named("Sales").role("All").member(ANNA))
        .team(Team::new(OTHERS).named("Others").role("All").member(BERT));
    let emulator = Emulator::builder()
        .document(document(ON_PREMISES))
        .clock(VirtualClock::default())
        .security(security)
        .build()
        .unwrap();
    let anna = [("authorization", "Bearer anna")];
    let leads = json!({ "parentsystemuserid@odata.bind": format!("systemusers({ANNA})") });
    let path = format!("systemusers({BERT})");
    let changed = send(&emulator, "PATCH", &path, &anna, &leads.to_string()).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    for (name, owner) in [
        ("anna", format!("systemusers({ANNA})")),
        ("bert", format!("systemusers({BERT})")),
        ("cara", format!("systemusers({CARA})")),
        ("sales", format!("teams({SALES})")),
        ("others", format!("teams({OTHERS})")),
    ] {
        let row = json!({ "name": name, "ownerid@odata.bind": owner });
        let made = send(&emulator, "POST", "accounts", &anna, &row.to_string()).await;
        assert_eq!(made.status, 204, "{}", made.body);
    }
    emulator
}

#[tokio::test]
async fn conditions_are_about_the_user_of_the_request() {
    let emulator = staff().await;
    for (operator, function, anna, bert) in [
        ("eq-userid", "EqualUserId", "anna", "bert"),
        (
            "ne-userid",
            "NotEqualUserId",
            "bert cara others sales",
            "anna cara others sales",
        ),
        ("eq-userteams", "EqualUserTeams", "sales", "others"),
        (
            "eq-useroruserteams",
            "EqualUserOrUserTeams",
            "anna sales",
            "bert others",
        ),
        (
            "eq-useroruserhierarchy",
            "EqualUserOrUserHierarchy",
            "anna bert",
            "bert",
        ),
        (
            "eq-useroruserhierarchyandteams",
            "EqualUserOrUserHierarchyAndTeams",
            "anna bert others sales",
            "bert others",
        ),
    ] {
        for (token, expected) in [("Bearer anna", anna), ("Bearer bert", bert)] {
            let headers = [("authorization", token)];
            let xml = format!(
                "<fetch><entity name='account'><attribute name='name'/><filter><condition \
                 attribute='ownerid' operator='{operator}'/></filter></entity></fetch>"
            );
            let path = format!("accounts?fetchXml={}", encoded(&xml));
            let answer = send(&emulator, "GET", &path, &headers, "").await;
            assert_eq!(names(&answer), expected, "{token} {operator}");
            let path = format!(
                "accounts?$filter=Microsoft.Dynamics.CRM.{function}(PropertyName='ownerid')"
            );
            let answer = send(&emulator, "GET", &path, &headers, "").await;
            assert_eq!(names(&answer), expected, "{token} {function}");
        }
    }
    for (function, token, expected) in [
        ("EqualBusinessId", "Bearer anna", "anna"),
        ("EqualBusinessId", "Bearer bert", "bert cara others sales"),
        (
            "NotEqualBusinessId",
            "Bearer anna",
            "bert cara others sales",
        ),
    ] {
        let path = format!(
            "accounts?$filter=Microsoft.Dynamics.CRM.{function}(PropertyName='owningbusinessunit')"
        );
        let headers = [("authorization", token)];
        let answer = send(&emulator, "GET", &path, &headers, "").await;
        assert_eq!(names(&answer), expected, "{token} {function}");
    }
}

#[tokio::test]
async fn a_user_who_is_acted_for_is_the_one_that_is_meant() {
    let emulator = emulator();
    for (id, name) in [(ANNA, "Anna"), (BERT, "Bert")] {
        let user = json!({ "systemuserid": id, "fullname": name });
        create(&emulator, "systemusers", &user.to_string()).await;
    }
    let path = "systemusers?$select=fullname&$filter=\
                Microsoft.Dynamics.CRM.EqualUserId(PropertyName='systemuserid')";
    let as_bert = [("mscrmcallerid", BERT)];
    let answer = send(&emulator, "GET", path, &as_bert, "").await;
    let rows = &answer.json()["value"];
    assert_eq!(rows.as_array().unwrap().len(), 1, "{}", answer.body);
    assert_eq!(rows[0]["fullname"], "Bert");
}

#[tokio::test]
async fn the_language_is_the_user_s_or_that_of_the_org() {
    let emulator = emulator();
    for code in [1031, 1033] {
        let template = json!({ "title": format!("{code}"), "languagecode": code });
        create(&emulator, "templates", &template.to_string()).await;
    }
    let path = "templates?$select=title&$filter=\
                Microsoft.Dynamics.CRM.EqualUserLanguage(PropertyName='languagecode')";
    let title = async || {
        let answer = get(&emulator, path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let rows = answer.json()["value"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 1, "{}", answer.body);
        rows[0]["title"].as_str().unwrap().to_owned()
    };
    assert_eq!(title().await, "1033");
    let who = get(&emulator, "WhoAmI").await.json();
    let user = who["UserId"].as_str().unwrap();
    let settings = json!({ "uilanguageid": 1031 });
    let path = format!("usersettingscollection({user})");
    let set = send(&emulator, "PATCH", &path, &[], &settings.to_string()).await;
    assert_eq!(set.status, 204, "{}", set.body);
    assert_eq!(title().await, "1031");
}

#[tokio::test]
async fn words_of_knowledge_articles_are_found() {
    let emulator = emulator();
    for (title, content) in [
        ("a", "Resetting a password"),
        ("b", "Passwords are long"),
        ("c", "Nothing"),
    ] {
        let row = json!({ "title": title, "content": content });
        create(&emulator, "knowledgearticles", &row.to_string()).await;
    }
    for (sought, expected) in [
        ("password", "a"),
        ("password*", "ab"),
        ("\"a password\"", "a"),
    ] {
        let sought = encoded(sought);
        let path = format!(
            "knowledgearticles?$orderby=title&$filter=\
             Microsoft.Dynamics.CRM.Contains(PropertyName='content',PropertyValue='{sought}')"
        );
        let answer = get(&emulator, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let rows = answer.json()["value"].as_array().unwrap().clone();
        let titles: String = rows
            .iter()
            .map(|row| row["title"].as_str().unwrap())
            .collect();
        assert_eq!(titles, expected, "{sought}");
    }
}
