//! Users, teams, roles and secured columns.

use dataverse_client::http::VirtualClock;
use dataverse_emulator::{
    BusinessUnit, ColumnPermission, ColumnProfile, Depth, Emulator, Right, Role, Security, Team,
    User,
};
use serde_json::{Value, json};

use super::{Answer, send};
use crate::documents::{ON_PREMISES, document};

const EAST: &str = "00000000-0000-0000-0000-0000000000e1";
const COAST: &str = "00000000-0000-0000-0000-0000000000e2";
const WEST: &str = "00000000-0000-0000-0000-0000000000e3";
const ANNA: &str = "00000000-0000-0000-0000-000000000001";
const BERT: &str = "00000000-0000-0000-0000-000000000002";
const CARA: &str = "00000000-0000-0000-0000-000000000003";
const DORA: &str = "00000000-0000-0000-0000-000000000004";
const TEAM: &str = "00000000-0000-0000-0000-0000000000f1";
const APP: &str = "00000000-0000-0000-0000-0000000000aa";

fn build(security: Security) -> Emulator {
    Emulator::builder()
        .document(document(ON_PREMISES))
        .alternate_key("account", &["accountnumber"])
        .clock(VirtualClock::default())
        .security(security)
        .build()
        .unwrap()
}

/// Anna in the east, Bert on its coast, Cara in the west, Dora in no unit of her own.
fn org(anna: Role) -> Emulator {
    let staff = Role::new("Staff")
        .allow_all("account", Depth::User)
        .allow_all("contact", Depth::User);
    let user =
        |id: &str, token: &str, unit: &str| User::new(id).token(token).in_business_unit(unit);
    let security = Security::new()
        .business_unit(BusinessUnit::new(EAST).named("East"))
        .business_unit(BusinessUnit::new(COAST).below(EAST))
        .business_unit(BusinessUnit::new(WEST))
        .role(anna)
        .role(staff)
        .user(user(ANNA, "anna", EAST).named("Anna").role("Own"))
        .user(user(BERT, "bert", COAST).role("Staff"))
        .user(user(CARA, "cara", WEST).role("Staff").application(APP))
        .user(User::new(DORA).token("dora").role("Staff"));
    build(security)
}

fn own() -> Role {
    Role::new("Own")
}

async fn by(emulator: &Emulator, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let token = format!("Bearer {token}");
    send(emulator, method, path, &[("authorization", &token)], body).await
}

/// Creates an account of its user; gives its path.
async fn account(emulator: &Emulator, token: &str, name: &str) -> String {
    let body = json!({ "name": name }).to_string();
    let answer = by(emulator, token, "POST", "accounts", &body).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
    let url = answer.header("odata-entityid");
    url.rsplit_once('/').unwrap().1.to_owned()
}

/// The names of the accounts that a query of this user has.
async fn names(emulator: &Emulator, token: &str, path: &str) -> Vec<String> {
    let answer = by(emulator, token, "GET", path, "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let rows = json["value"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

const SORTED: &str = "accounts?$select=name&$orderby=name";

#[tokio::test]
async fn a_privilege_reaches_as_far_as_its_depth() {
    for (depth, expected) in [
        (Depth::User, &["anna"][..]),
        (Depth::BusinessUnit, &["anna"]),
        (Depth::ParentChild, &["anna", "bert"]),
        (Depth::Organization, &["anna", "bert", "cara", "dora"]),
    ] {
        let emulator = org(own().allow("account", &[Right::Create], Depth::User).allow(
            "account",
            &[Right::Read],
            depth,
        ));
        for name in ["anna", "bert", "cara", "dora"] {
            account(&emulator, name, name).await;
        }
        assert_eq!(
            names(&emulator, "anna", SORTED).await,
            expected,
            "{depth:?}"
        );
        assert_eq!(names(&emulator, "bert", SORTED).await, ["bert"]);
        let everything = names(&emulator, "any", SORTED).await;
        assert_eq!(everything, ["anna", "bert", "cara", "dora"]);
        let count = by(&emulator, "anna", "GET", "accounts/$count", "").await;
        assert_eq!(count.body, format!("\u{feff}{}", expected.len()));
        let xml = "%3Cfetch%3E%3Centity name='account'%3E%3Cattribute name='name'/%3E\
                   %3Corder attribute='name'/%3E%3C/entity%3E%3C/fetch%3E";
        let path = format!("accounts?fetchXml={}", xml.replace(' ', "%20"));
        assert_eq!(names(&emulator, "anna", &path).await, expected);
        let total = "accounts?$apply=aggregate($count%20as%20number)";
        let total = by(&emulator, "anna", "GET", total, "").await.json();
        assert_eq!(total["value"][0]["number"], expected.len());
    }
}

#[tokio::test]
async fn a_missing_privilege_is_told_by_name() {
    let emulator = org(own().allow("account", &[Right::Create, Right::Read], Depth::User));
    let row = account(&emulator, "anna", "a").await;
    for (method, path, body, privilege) in [
        ("GET", "contacts", "", "prvReadContact"),
        ("GET", "tasks", "", "prvReadActivity"),
        ("POST", "contacts", "{}", "prvCreateContact"),
        ("PATCH", row.as_str(), r#"{"name":"b"}"#, "prvWriteAccount"),
        ("DELETE", &row, "", "prvDeleteAccount"),
        (
            "GET",
            "accounts?$expand=primarycontactid",
            "",
            "prvReadContact",
        ),
        (
            "GET",
            "accounts?$filter=primarycontactid/lastname%20eq%20'x'",
            "",
            "prvReadContact",
        ),
    ] {
        let answer = by(&emulator, "anna", method, path, body).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.body);
        let (code, message) = answer.error();
        assert_eq!(code, "0x80040220");
        let missing = format!("is missing {privilege} privilege (Id=");
        assert!(message.contains(&missing), "{message}");
        assert!(message.starts_with(&format!("Principal user (Id={ANNA}, type=8, roleCount=1,")));
    }
    assert_eq!(by(&emulator, "anna", "GET", &row, "").await.status, 200);
}

#[tokio::test]
async fn a_row_out_of_reach_is_refused_by_its_id() {
    let everything = own().allow_all("account", Depth::BusinessUnit);
    let emulator = org(everything.allow_all("contact", Depth::User));
    let other = account(&emulator, "bert", "b").await;
    for (method, body, right) in [
        ("GET", "", "Read"),
        ("PATCH", r#"{"name":"c"}"#, "Write"),
        ("DELETE", "", "Delete"),
    ] {
        let answer = by(&emulator, "anna", method, &other, body).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        let (code, message) = answer.error();
        assert_eq!(code, "0x80048306");
        let expected = format!("Principal with id {ANNA} does not have {right}Access right(s)");
        assert!(message.starts_with(&expected), "{message}");
    }
    for path in ["name", "name/$value", "Account_Tasks"] {
        let path = format!("{other}/{path}");
        assert_eq!(by(&emulator, "anna", "GET", &path, "").await.status, 403);
    }
    // A row that nobody has is missing for everybody.
    let nothing = format!("accounts({WEST})");
    assert_eq!(by(&emulator, "anna", "GET", &nothing, "").await.status, 404);
    // Neither may be appended to what cannot be.
    let body = json!({ "parentcustomerid_account@odata.bind": format!("/{other}") }).to_string();
    let answer = by(&emulator, "anna", "POST", "contacts", &body).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.error().1.contains("AppendToAccess"),
        "{}",
        answer.body
    );
    // In a change set nothing is kept.
    let batch = format!(
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: \
         application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nPOST \
         /api/data/v9.2/accounts HTTP/1.1\r\nContent-Type: application/json\r\n\r\n\
         {{\"name\":\"lost\"}}\r\n--c\r\nContent-Type: application/http\r\n\
         Content-Transfer-Encoding: binary\r\nContent-ID: 2\r\n\r\nDELETE /api/data/v9.2/{other} \
         HTTP/1.1\r\n\r\n\r\n--c--\r\n--b--\r\n"
    );
    let headers = [
        ("authorization", "Bearer anna"),
        ("content-type", "multipart/mixed; boundary=b"),
    ];
    let answer = send(&emulator, "POST", "$batch", &headers, &batch).await;
    assert!(answer.body.contains("0x80048306"), "{}", answer.body);
    assert_eq!(names(&emulator, "any", SORTED).await, ["b"]);
}

#[tokio::test]
async fn an_owner_is_changed_with_the_right_to_assign() {
    let rights = [Right::Create, Right::Read, Right::Write];
    let emulator = org(own().allow("account", &rights, Depth::BusinessUnit));
    let row = account(&emulator, "anna", "a").await;
    let body = json!({ "ownerid@odata.bind": format!("systemusers({BERT})") }).to_string();
    let answer = by(&emulator, "anna", "PATCH", &row, &body).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.error().1.contains("prvAssignAccount"),
        "{}",
        answer.body
    );

    let emulator = org(own().allow_all("account", Depth::BusinessUnit));
    let row = account(&emulator, "anna", "a").await;
    let read = by(&emulator, "any", "GET", &row, "").await.json();
    assert_eq!(read["_owningbusinessunit_value"], EAST);
    assert_eq!(
        by(&emulator, "anna", "PATCH", &row, &body).await.status,
        204
    );
    let read = by(&emulator, "any", "GET", &row, "").await.json();
    assert_eq!(read["_ownerid_value"], BERT);
    assert_eq!(read["_owningbusinessunit_value"], COAST);
    // It is out of reach now.
    assert_eq!(by(&emulator, "anna", "GET", &row, "").await.status, 403);
    // A new row of somebody else needs a reach as far as that.
    let foreign = json!({ "ownerid@odata.bind": format!("systemusers({CARA})") }).to_string();
    let answer = by(&emulator, "anna", "POST", "accounts", &foreign).await;
    assert_eq!(answer.status, 403);
    assert!(answer.error().1.contains("CreateAccess"));
}

#[tokio::test]
async fn shared_rows_are_within_reach() {
    let emulator = org(own().allow("account", &[Right::Read], Depth::User).allow(
        "account",
        &[Right::Write],
        Depth::User,
    ));
    let row = account(&emulator, "bert", "b").await;
    let id = row.trim_start_matches("accounts(").trim_end_matches(')');
    let target = json!({ "@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": id });
    let user = json!({ "@odata.type": "Microsoft.Dynamics.CRM.systemuser", "systemuserid": ANNA });
    let share = json!({
        "Target": target,
        "PrincipalAccess": { "AccessMask": "ReadAccess", "Principal": user },
    });
    let share = share.to_string();
    let refused = by(&emulator, "anna", "POST", "GrantAccess", &share).await;
    assert_eq!(refused.status, 403);
    assert!(refused.error().1.contains("prvShareAccount"));
    assert_eq!(
        by(&emulator, "bert", "POST", "GrantAccess", &share)
            .await
            .status,
        204
    );
    assert_eq!(names(&emulator, "anna", SORTED).await, ["b"]);
    assert_eq!(by(&emulator, "anna", "GET", &row, "").await.status, 200);
    let answer = by(&emulator, "anna", "PATCH", &row, r#"{"name":"c"}"#).await;
    assert_eq!(answer.status, 403);
    let rights = async |user: &str| {
        let path = format!(
            "systemusers({user})/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p)\
             ?@p=%7B'@odata.id':'{row}'%7D"
        );
        by(&emulator, "any", "GET", &path, "").await.json()["AccessRights"].clone()
    };
    assert_eq!(rights(ANNA).await, "ReadAccess");
    assert_eq!(rights(CARA).await, "None");
    assert!(
        rights(BERT)
            .await
            .as_str()
            .unwrap()
            .ends_with("AssignAccess")
    );
    let revoke = json!({ "Target": target, "Revokee": user }).to_string();
    assert_eq!(
        by(&emulator, "bert", "POST", "RevokeAccess", &revoke)
            .await
            .status,
        204
    );
    assert!(names(&emulator, "anna", SORTED).await.is_empty());
}

#[tokio::test]
async fn a_user_has_the_roles_and_rows_of_its_teams() {
    let security = Security::new()
        .business_unit(BusinessUnit::new(WEST))
        .role(Role::new("Unit").allow_all("account", Depth::BusinessUnit))
        .user(User::new(ANNA).token("anna"))
        .user(
            User::new(CARA)
                .token("cara")
                .in_business_unit(WEST)
                .role("Unit"),
        )
        .user(User::new(DORA).token("dora"))
        .team(
            Team::new(TEAM)
                .named("West")
                .in_business_unit(WEST)
                .role("Unit")
                .member(ANNA),
        );
    let emulator = build(security);
    account(&emulator, "cara", "c").await;
    assert_eq!(names(&emulator, "anna", SORTED).await, ["c"]);
    assert_eq!(
        by(&emulator, "dora", "GET", "accounts", "").await.status,
        403
    );
    let body = json!({ "name": "t", "ownerid@odata.bind": format!("teams({TEAM})") }).to_string();
    assert_eq!(
        by(&emulator, "anna", "POST", "accounts", &body)
            .await
            .status,
        204
    );
    assert_eq!(names(&emulator, "cara", SORTED).await, ["c", "t"]);
    let members = format!("teams({TEAM})/teammembership_association?$select=systemuserid");
    let members = by(&emulator, "any", "GET", &members, "").await.json();
    assert_eq!(members["value"][0]["systemuserid"], ANNA);
}

#[tokio::test]
async fn acting_for_another_leaves_what_both_may() {
    let reader = own()
        .allow("account", &[Right::Read], Depth::Organization)
        .allow_impersonation();
    let emulator = org(reader);
    account(&emulator, "bert", "b").await;
    account(&emulator, "cara", "c").await;
    let as_user = async |token: &str, user: &str, method: &str, body: &str| {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str()), ("mscrmcallerid", user)];
        send(&emulator, method, "accounts?$select=name", &headers, body).await
    };
    let read = as_user("anna", BERT, "GET", "").await.json();
    assert_eq!(read["value"].as_array().unwrap().len(), 1);
    assert_eq!(read["value"][0]["name"], "b");
    // Bert may create, Anna may not.
    let refused = as_user("anna", BERT, "POST", r#"{"name":"x"}"#).await;
    assert_eq!(refused.status, 403);
    assert!(refused.error().1.contains("prvCreateAccount"));
    // Nobody acts for others without the privilege.
    let refused = as_user("bert", ANNA, "GET", "").await;
    assert_eq!(
        (refused.status, refused.error().0.as_str()),
        (403, "0x8004A110")
    );
    let who = [("authorization", "Bearer anna"), ("mscrmcallerid", BERT)];
    let who = send(&emulator, "GET", "WhoAmI", &who, "").await.json();
    assert_eq!(who["UserId"], BERT);
    assert_eq!(who["BusinessUnitId"], COAST);
}

/// A token as an identity service gives it, unsigned.
fn jwt(claims: Value) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in claims.to_string().as_bytes().chunks(3) {
        let bits = group
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    format!("e30.{text}.x")
}

#[tokio::test]
async fn a_token_is_that_of_its_application_or_object() {
    let emulator = org(own());
    let who = async |token: &str| by(&emulator, token, "GET", "WhoAmI", "").await;
    assert_eq!(who("anna").await.json()["UserId"], ANNA);
    assert_eq!(
        who(&jwt(json!({ "appid": APP }))).await.json()["UserId"],
        CARA
    );
    assert_eq!(
        who(&jwt(json!({ "azp": APP.to_uppercase() }))).await.json()["UserId"],
        CARA
    );
    assert_ne!(who("any").await.json()["UserId"], ANNA);
    let stranger = who(&jwt(json!({ "appid": EAST }))).await;
    assert_eq!(stranger.status, 403);
    assert_eq!(
        stranger.error(),
        (
            "0x80072560".to_owned(),
            "The user is not a member of the organization.".to_owned()
        )
    );
}

#[tokio::test]
async fn secured_columns_are_empty_and_closed() {
    let columns = &[ColumnPermission::Read, ColumnPermission::Update];
    let security = Security::new()
        .role(Role::new("All").allow_all("account", Depth::Organization))
        .user(User::new(ANNA).token("anna").role("All"))
        .user(User::new(BERT).token("bert").role("All"))
        .secured_column("account", "creditlimit")
        .column_profile(ColumnProfile::new([BERT]).allow("account", "creditlimit", columns));
    let emulator = build(security);
    let body = r#"{"name":"a","creditlimit":500.0}"#;
    let created = by(&emulator, "any", "POST", "accounts", body).await;
    let row = created.header("odata-entityid").to_owned();
    let limit = async |token: &str| {
        let json = by(&emulator, token, "GET", "accounts?$select=creditlimit", "")
            .await
            .json();
        json["value"][0]["creditlimit"].clone()
    };
    assert_eq!(limit("anna").await, Value::Null);
    assert_eq!(limit("bert").await, json!(500.0));
    let filtered = "accounts?$filter=creditlimit%20eq%20500";
    assert!(names(&emulator, "anna", filtered).await.is_empty());
    assert_eq!(names(&emulator, "bert", filtered).await, ["a"]);
    let change = r#"{"creditlimit":900.0}"#;
    let refused = by(&emulator, "anna", "PATCH", &row, change).await;
    assert_eq!(
        (refused.status, refused.error().0.as_str()),
        (403, "0x8004F507")
    );
    assert_eq!(
        by(&emulator, "bert", "PATCH", &row, change).await.status,
        204
    );
    let refused = by(&emulator, "bert", "POST", "accounts", body).await;
    assert_eq!(
        (refused.status, refused.error().0.as_str()),
        (403, "0x8004F502")
    );
}

#[tokio::test]
async fn privileges_of_a_user_are_told() {
    let emulator = org(own().allow("account", &[Right::Read], Depth::ParentChild));
    let path = format!("systemusers({ANNA})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges");
    let told = by(&emulator, "any", "GET", &path, "").await.json();
    let privileges = told["RolePrivileges"].as_array().unwrap();
    assert_eq!(privileges.len(), 1);
    assert_eq!(privileges[0]["PrivilegeName"], "prvReadAccount");
    assert_eq!(privileges[0]["Depth"], "Deep");
    assert_eq!(privileges[0]["BusinessUnitId"], EAST);
    let everything = super::emulator();
    let user = by(&everything, "any", "GET", "WhoAmI", "").await.json()["UserId"].clone();
    let path = format!(
        "systemusers({})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()",
        user.as_str().unwrap()
    );
    let told = by(&everything, "any", "GET", &path, "").await.json();
    assert!(told["RolePrivileges"].as_array().unwrap().len() > 1000);
}

#[test]
fn security_that_does_not_fit_is_refused() {
    for (json, expected) in [
        (r#"{"users":[{"id":"x"}]}"#, "'x' is not the id of a row"),
        (
            r#"{"users":[{"id":"00000000-0000-0000-0000-000000000001","roles":["R"]}]}"#,
            "there is no role 'R'",
        ),
        (
            r#"{"roles":[{"name":"R","privileges":{"nothing":{"Read":"User"}}}]}"#,
            "there is no table `nothing`",
        ),
        (
            r#"{"securedcolumns":{"account":["nothing"]}}"#,
            "`account` has no column `nothing`",
        ),
    ] {
        let builder = Emulator::builder().document(document(ON_PREMISES));
        let security = Security::from_json(json).unwrap();
        let error = builder.security(security).build().unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    for json in [
        "",
        r#"{"user":[]}"#,
        r#"{"roles":[{"name":"R","privileges":{"account":{"Fly":"User"}}}]}"#,
    ] {
        assert!(Security::from_json(json).is_err(), "{json}");
    }
}
